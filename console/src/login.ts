/* login - begins and ends a session. A token is sent once, and kept nowhere: the answer's cookie is out of reach of scripts. */
import { ApiError } from './api/errors';
import { send } from './api/client';
import { csrf, ended, keepCsrf, me, watchOtherTabs, type Me } from './api/session';
import { signal } from '@preact/signals';

/* Why it is not known who is logged in: no connection, mostly. */
export const startProblem = signal<ApiError | null>(null);

async function ask(): Promise<void> {
    try {
        me.value = await (await send('GET', '/api/v1/me', { isLogin: true })).json() as Me;
        startProblem.value = null;
    } catch (e) {
        if (e instanceof ApiError && (e.status === 401 || e.status === 403))
            ended();
        else {
            startProblem.value = e instanceof ApiError ? e : new ApiError('bad_answer', String(e));
            setTimeout(() => void startSession(), 2000);
        }
    }
}

export async function startSession(): Promise<void> {
    if (csrf())
        await ask();
    else
        ended();
}

export async function login(token: string): Promise<void> {
    const answer = await (await send('POST', '/api/v1/login', { body: { token }, isLogin: true })).json() as { csrf: string };
    keepCsrf(answer.csrf);
    await ask();
}

/* Throws when no answer came: the login and its cookie live on, and to show it as ended would deceive. */
export async function logout(): Promise<void> {
    try {
        await send('POST', '/api/v1/logout', { body: {}, isLogin: true });
    } catch (e) {
        if (!(e instanceof ApiError && e.status === 401)) /* it was over already */
            throw e;
    }
    ended(true);
}

watchOtherTabs(() => void startSession());
