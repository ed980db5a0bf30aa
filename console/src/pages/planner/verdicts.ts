/* verdicts - what the policy says to each step, asked anew a moment after each edit. An answer belongs to the text it was
 * given for: a step whose text has changed since shows none until its own is there, whatever comes back in which order. */
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { signal, type Signal } from '@preact/signals';
import { ask } from '../../api/client';
import { asError, type ApiError } from '../../api/errors';
import type { Decision } from '../../api/types';
import { isEmpty, requestOf, type Draft } from './draft';

const PAUSE = 250; /* ms without an edit */

/* Only what the policy looks at. */
function textOf({ command, argv, cwd }: Draft): string {
    return JSON.stringify([argv ?? command, cwd.trim()]);
}

export interface Verdicts {
    of(draft: Draft): Decision | undefined;
    error: Signal<ApiError | null>;
    /* The draft that an error's field "steps[2].cwd" is about. */
    wrong: Signal<{ key: number; field: string } | null>;
    busy: Signal<boolean>;
    retry(): void;
}

export function useVerdicts(project: string, drafts: readonly Draft[]): Verdicts {
    const state = useMemo(() => ({
        said: signal<ReadonlyMap<string, Decision>>(new Map()), error: signal<ApiError | null>(null),
        wrong: signal<{ key: number; field: string } | null>(null), busy: signal(false), again: signal(0),
    }), []);
    const whole = drafts.filter(draft => !isEmpty(draft)), latest = useRef(whole);
    latest.current = whole;
    const about = JSON.stringify(whole.map(textOf));
    useEffect(() => { state.said.value = new Map(); }, [project]);
    useEffect(() => {
        if (!project || !latest.current.length) {
            state.error.value = state.wrong.value = null;
            return undefined;
        }
        const ends = new AbortController(), asked = latest.current;
        const work = async (): Promise<void> => {
            state.busy.value = true;
            try {
                const plan = await ask('/plan', { signal: ends.signal } as never,
                    { project_id: project, steps: asked.map(draft => requestOf(draft)) });
                if (ends.signal.aborted)
                    return;
                state.said.value = new Map(asked.flatMap((draft, i) => {
                    const { decision } = plan.steps[i] ?? {};
                    return decision ? [[textOf(draft), decision] as const] : [];
                }));
                state.error.value = state.wrong.value = null;
            } catch (e) {
                if (ends.signal.aborted)
                    return;
                const error = asError(e), at = /^steps\[(\d+)\]\.?(.*)/.exec(error.details.field ?? '');
                const draft = at && asked[Number(at[1])];
                state.error.value = error;
                state.wrong.value = draft ? { key: draft.key, field: at[2]! } : null;
            }
            state.busy.value = false;
        };
        const timer = setTimeout(() => void work(), PAUSE);
        return () => {
            clearTimeout(timer);
            ends.abort();
        };
    }, [project, about, state.again.value]);
    return {
        of: draft => state.said.value.get(textOf(draft)), error: state.error, wrong: state.wrong, busy: state.busy,
        retry: () => { state.again.value++; },
    };
}
