/* live_page - the page's end of the port to the hub (live_port.ts is the other): what this page follows, and how far it has
 * come. Pure of the browser, so that tests drive both ends. */
import type { Connection } from './live_hub';
import type { ToHub, ToPage } from './live_port';
import { errorOf, type ApiError } from './errors';
import type { Event } from './types';

export interface Follow {
    /* The id of the last event that is known; none: from the beginning. */
    cursor?: string | null;
    onEvents: (events: Event[]) => void | Promise<void>;
    /* After run.completed. */
    onEnd?: () => void;
    onError?: (error: ApiError) => void;
}

export class PageEnd {
    #send: (message: ToHub) => void;
    #state: (state: Connection) => void;
    #follows = new Map<number, { run: string; cursor: string | null; how: Follow }>();
    #next = 1;

    constructor(send: (message: ToHub) => void, state: (state: Connection) => void) {
        this.#send = send;
        this.#state = state;
    }

    follow(run: string, how: Follow): () => void {
        const id = this.#next++;
        this.#follows.set(id, { run, cursor: how.cursor ?? null, how });
        this.#ask(id);
        return () => {
            if (this.#follows.delete(id))
                this.#send({ what: 'stop', id });
        };
    }

    /* A hub that knows nothing of this page, or no longer: all that it follows, from where it is. */
    again(): void {
        for (const id of this.#follows.keys())
            this.#ask(id);
    }

    heard(message: ToPage): void {
        if (message.what === 'state') {
            this.#state(message.state);
            return;
        }
        if (message.what === 'lost') {
            this.again();
            return;
        }
        const follow = this.#follows.get(message.id);
        if (!follow)
            return;
        if (message.what === 'events') {
            const { id, bytes, events } = message;
            follow.cursor = events.at(-1)?.id ?? follow.cursor;
            void Promise.resolve(follow.how.onEvents(events)).finally(() => this.#send({ what: 'taken', id, bytes }));
            return;
        }
        this.#follows.delete(message.id);
        if (message.what === 'end')
            follow.how.onEnd?.();
        else
            follow.how.onError?.(errorOf(0, JSON.stringify({ error: message.error })));
    }

    #ask(id: number): void {
        const { run, cursor } = this.#follows.get(id)!;
        this.#send({ what: 'follow', id, run, cursor });
    }
}
