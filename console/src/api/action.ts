/* action - something a person does that changes something: one idempotency key for it, however often it is sent.
 *
 *   const approve = useAction(call => call.post('/runs/{run}/approve', { path: { run } }, { plan_hash }), run => …);
 *   <Button action={approve}>…</Button>  <Problem of={approve.error} />
 *
 * The button shows that it waits; nothing on the screen changes before the server has answered. When no answer comes (the
 * network, a restart of the server) the next press sends the same key, so what was done is not done twice. When the second
 * function returns a promise (the page is asked for anew), the action waits for that, too: until then the page shows what
 * was there before it, and a second press would be for that. */
import { signal, type Signal } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';
import { change } from './client';
import { ApiError, asError } from './errors';
import type { AnswerOf, BodyOf, InputOf, PathOf } from './types';

export interface Call {
    post<P extends PathOf<'post'>>(path: P, input: InputOf<P, 'post'>, body: BodyOf<P, 'post'>): Promise<AnswerOf<P, 'post'>>;
    put<P extends PathOf<'put'>>(path: P, input: InputOf<P, 'put'>, body: BodyOf<P, 'put'>): Promise<AnswerOf<P, 'put'>>;
    del<P extends PathOf<'delete'>>(path: P, input: InputOf<P, 'delete'>): Promise<AnswerOf<P, 'delete'>>;
}

function newKey(): string {
    /* Not randomUUID: that needs a secure context, and a console behind plain http on a LAN is none. */
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return 'console-' + [...bytes].map(b => b.toString(16).padStart(2, '0')).join('');
}

/* Keeps the key of each request of one action until its outcome is known. */
export class Keys {
    #keys = new Map<string, string>();

    async send<T>(what: string, request: (key: string) => Promise<T>): Promise<T> {
        const key = this.#keys.get(what) ?? newKey();
        this.#keys.set(what, key);
        try {
            const answer = await request(key);
            this.#keys.delete(what);
            return answer;
        } catch (e) {
            if (!(e instanceof ApiError) || !e.isUnsure)
                this.#keys.delete(what);
            throw e;
        }
    }
}

function callWith(keys: Keys): Call {
    const through = (method: 'post' | 'put' | 'delete', path: string, input: object, body: unknown): Promise<unknown> =>
        keys.send(JSON.stringify([method, path, input, body]),
            key => change(method, path as never, input as never, body as never, key));
    return {
        post: (path, input, body) => through('post', path, input, body),
        put: (path, input, body) => through('put', path, input, body),
        del: (path, input) => through('delete', path, input, undefined),
    } as Call;
}

export interface Action<A extends unknown[] = []> {
    busy: Signal<boolean>;
    error: Signal<ApiError | null>;
    /* True when it succeeded, and the page shows it. A second call while the first waits does nothing. */
    run(...args: A): Promise<boolean>;
}

export function makeAction<T, A extends unknown[] = []>(work: () => (call: Call, ...args: A) => Promise<T>,
    done?: () => ((answer: T, ...args: A) => unknown) | undefined): Action<A> {
    const keys = new Keys(), call = callWith(keys), busy = signal(false), error = signal<ApiError | null>(null);
    return {
        busy, error,
        async run(...args) {
            if (busy.peek())
                return false;
            busy.value = true;
            error.value = null;
            try {
                const answer = await work()(call, ...args);
                await done?.()?.(answer, ...args);
                return true;
            } catch (e) {
                error.value = asError(e);
                return false;
            } finally {
                busy.value = false;
            }
        },
    };
}

/* `work` and `done` are the latest ones rendered, so they may close over props. */
export function useAction<T, A extends unknown[] = []>(work: (call: Call, ...args: A) => Promise<T>,
    done?: (answer: T, ...args: A) => unknown): Action<A> {
    const latest = useRef({ work, done });
    latest.current = { work, done };
    return useMemo(() => makeAction(() => latest.current.work, () => latest.current.done), []);
}
