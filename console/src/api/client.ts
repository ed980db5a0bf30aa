/* client - every request of the console goes through here (but for the live events, live.ts).
 *
 *   const run = await get('/runs/{run}', { path: { run: id } });
 *   const approve = useAction(call => call.post('/runs/{run}/approve', { path: { run: id } }, { plan_hash }));   (action.ts)
 *
 * Paths, queries, bodies and answers have the types of /openapi.json. What fails throws an ApiError. The cookie says who
 * asks, and is worth nothing without the csrf value, which only this origin's pages can read. */
import { ApiError, errorOf } from './errors';
import { csrf, ended } from './session';
import type { AnswerOf, BodyOf, InputOf, PathOf } from './types';

type Values = Record<string, unknown>;

/* "/runs/{run}" with its values, and the query; what is undefined or "" is left out. */
export function urlOf(path: string, values: Values = {}, query: Values = {}): string {
    const url = '/api/v1' + path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values[name])));
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query))
        for (const one of Array.isArray(value) ? value : [value])
            if (one !== undefined && one !== null && one !== '')
                search.append(name, String(one));
    const text = search.toString();
    return text ? `${url}?${text}` : url;
}

export interface Sent {
    key?: string;
    body?: unknown;
    accept?: string;
    signal?: AbortSignal;
    /* Keeps a 401 to itself: the login page asks with wrong tokens. */
    isLogin?: boolean;
}

/* The one place that sends. Answers whose status is no success are thrown. */
export async function send(method: string, url: string, { key, body, accept, signal, isLogin }: Sent = {}): Promise<Response> {
    const headers: Record<string, string> = { Accept: accept ?? 'application/json' };
    const sent = csrf();
    if (sent)
        headers['Sallyport-CSRF'] = sent;
    if (key)
        headers['Idempotency-Key'] = key;
    if (body !== undefined)
        headers['Content-Type'] = 'application/json';
    let response: Response;
    try {
        response = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body),
            signal, credentials: 'same-origin', cache: 'no-store', redirect: 'error', referrerPolicy: 'no-referrer' });
    } catch (e) {
        if (signal?.aborted)
            throw e;
        throw new ApiError('offline', method);
    }
    if (response.ok)
        return response;
    const error = errorOf(response.status, await response.text().catch(() => ''));
    if (response.status === 401 && !isLogin && sent === csrf()) /* not the late answer to a login that was before this one */
        ended();
    throw error;
}

async function json(response: Response): Promise<unknown> {
    if (response.status === 204)
        return undefined;
    try {
        return await response.json();
    } catch {
        throw new ApiError('bad_answer', '', response.status);
    }
}

export async function get<P extends PathOf<'get'>>(path: P, input: InputOf<P, 'get'>): Promise<AnswerOf<P, 'get'>> {
    const { path: values, query, signal } = input as { path?: Values; query?: Values; signal?: AbortSignal };
    return await json(await send('GET', urlOf(path, values, query), { signal })) as AnswerOf<P, 'get'>;
}

/* The same for an answer that is no JSON: a diff, a log, an artifact. */
export function getRaw<P extends PathOf<'get'>>(path: P, input: InputOf<P, 'get'>, accept = '*/*'): Promise<Response> {
    const { path: values, query, signal } = input as { path?: Values; query?: Values; signal?: AbortSignal };
    return send('GET', urlOf(path, values, query), { signal, accept });
}

/* What changes something. The key makes a repeated request harmless: see action.ts, which makes and keeps it. */
export async function change<M extends 'post' | 'put' | 'delete', P extends PathOf<M>>(method: M, path: P, input: InputOf<P, M>,
    body: BodyOf<P, M>, key: string): Promise<AnswerOf<P, M>> {
    const { path: values, query, signal } = input as { path?: Values; query?: Values; signal?: AbortSignal };
    return await json(await send(method.toUpperCase(), urlOf(path, values, query), { signal, body, key })) as AnswerOf<P, M>;
}

/* The POSTs that change nothing and need no key: /plan, /policy/test, /policy/replay, /audit/verify. */
export async function ask<P extends PathOf<'post'>>(path: P, input: InputOf<P, 'post'>, body: BodyOf<P, 'post'>):
    Promise<AnswerOf<P, 'post'>> {
    const { path: values, query, signal } = input as { path?: Values; query?: Values; signal?: AbortSignal };
    return await json(await send('POST', urlOf(path, values, query), { signal, body })) as AnswerOf<P, 'post'>;
}
