/* load - what a page shows: asked for when the page opens, again when `deps` change, and every `every` ms while the page
 * can be seen. What is on the screen stays there until there is something newer to show. */
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { signal, type Signal } from '@preact/signals';
import { ApiError, asError } from './errors';

export interface Loaded<T> {
    data: Signal<T | undefined>;
    /* Of the last attempt; data may still be there, older. */
    error: Signal<ApiError | null>;
    loading: Signal<boolean>;
    /* Until the answer is there; when another reload took its place, until that one's is. */
    reload(): Promise<void>;
}

export function useLoad<T>(ask: (signal: AbortSignal) => Promise<T>, deps: readonly unknown[], every = 0): Loaded<T> {
    const latest = useRef(ask), ends = useRef<AbortController | null>(null), last = useRef<Promise<void> | null>(null);
    latest.current = ask;
    const state = useMemo(() => {
        const data = signal<T | undefined>(undefined), error = signal<ApiError | null>(null), loading = signal(true);
        const load = async (mine: AbortController): Promise<void> => {
            loading.value = true;
            try {
                const answer = await latest.current(mine.signal);
                if (mine.signal.aborted)
                    return replaced(mine);
                data.value = answer;
                error.value = null;
            } catch (e) {
                if (mine.signal.aborted)
                    return replaced(mine);
                error.value = asError(e);
            }
            loading.value = false;
        };
        const replaced = async (mine: AbortController): Promise<void> => {
            if (ends.current !== mine) /* else the page is gone */
                await last.current;
        };
        const reload = (): Promise<void> => {
            ends.current?.abort();
            const mine = ends.current = new AbortController();
            return last.current = load(mine);
        };
        return { data, error, loading, reload };
    }, []);
    const first = useRef(true);
    useEffect(() => {
        if (!first.current)
            state.data.value = undefined; /* another question: what was there is no answer to it */
        first.current = false;
        void state.reload();
        return () => ends.current?.abort();
    }, deps);
    useEffect(() => {
        if (!every)
            return undefined;
        const tick = (): void => {
            if (!document.hidden && !state.loading.peek())
                void state.reload();
        };
        const timer = setInterval(tick, every);
        document.addEventListener('visibilitychange', tick);
        return () => {
            clearInterval(timer);
            document.removeEventListener('visibilitychange', tick);
        };
    }, [every]);
    return state;
}
