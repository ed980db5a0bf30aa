/* pending - what waits for a person, for the number beside "Inbox" and in the title, and for the inbox itself: asked for
 * every few seconds while the page is seen, whatever page it is. */
import { effect, signal } from '@preact/signals';
import { get } from './client';
import { asError, type ApiError } from './errors';
import { me } from './session';
import type { Schemas } from './types';

/* A question, and the run that it is of. */
export type Waiting = Schemas['InboxItem'];

export const pending = signal<Waiting[] | undefined>(undefined);
export const pendingMore = signal(false);
export const pendingError = signal<ApiError | null>(null);
const EVERY = 4000;
let asked = 0, last: Promise<void> | undefined;

/* Also after a decision: what is on the screen is what the server said. Until the answer is there, to this question or to
 * one that came after it. */
export function askPending(): Promise<void> {
    return last = ask(++asked);
}

async function ask(mine: number): Promise<void> {
    try {
        const { items, next } = await get('/inbox', { query: { limit: 200 } });
        if (mine !== asked)
            return last;
        pending.value = items;
        pendingMore.value = next !== null;
        pendingError.value = null;
    } catch (e) {
        if (mine !== asked)
            return last;
        pendingError.value = asError(e);
    }
}

export function startPending(): void {
    effect(() => {
        if (me.value)
            void askPending();
        else
            pending.value = undefined;
    });
    const tick = (): void => {
        if (!document.hidden && me.peek())
            void askPending();
    };
    setInterval(tick, EVERY);
    document.addEventListener('visibilitychange', tick);
}
