/* live_port - what a page and the hub say to one another over a MessagePort. */
import type { Connection, Hub } from './live_hub';
import type { ErrorBody, Event } from './types';

export type ToHub = { what: 'login'; csrf: string | null } | { what: 'follow'; id: number; run: string; cursor: string | null }
    | { what: 'stop'; id: number } | { what: 'taken'; id: number; bytes: number } | { what: 'nudge' } | { what: 'alive' } | { what: 'bye' };
export type ToPage = { what: 'state'; state: Connection } | { what: 'events'; id: number; events: Event[]; bytes: number }
    | { what: 'end'; id: number } | { what: 'failed'; id: number; error: ErrorBody }
    /* Nothing is known of the page any more: it was silent for too long, or said bye. It says anew what it follows. */
    | { what: 'lost' };

export interface Port {
    postMessage(message: unknown): void;
    onmessage: ((e: { data: never }) => void) | null;
}

/* A page that crashed says no bye; the pages of a browser say every ALIVE ms that they are there. Background pages are
 * slowed down to one timer a minute. It is ticks that count, not the clock: a computer that slept wakes with nobody dead.
 * A page that a browser froze, and woke after longer than that, is told that it is lost, and says anew what it follows. */
export const ALIVE = 20_000;
const DEAD = 5 * 60_000;

/* `isHere` hears when the page is there and when it is gone: who is there is told the state of the connection. */
export function serve(hub: Hub, port: Port, isHere: (here: boolean) => void): void {
    const follows = new Map<number, { stop(): void; taken(bytes: number): void }>();
    const say = (message: ToPage): void => port.postMessage(message);
    let quiet = 0; /* ticks */
    let timer: ReturnType<typeof setInterval> | undefined;
    const begin = (): void => {
        timer = setInterval(() => {
            if (++quiet * ALIVE > DEAD)
                end();
        }, ALIVE);
        isHere(true);
        say({ what: 'state', state: hub.state });
    };
    const end = (): void => {
        clearInterval(timer);
        timer = undefined;
        for (const follow of follows.values())
            follow.stop();
        follows.clear();
        isHere(false);
    };
    begin();
    port.onmessage = e => {
        const m = e.data as ToHub;
        quiet = 0;
        if (timer === undefined) {
            if (m.what === 'bye')
                return;
            begin();
            say({ what: 'lost' });
        }
        if (m.what === 'login')
            hub.login(m.csrf);
        else if (m.what === 'nudge')
            hub.nudge();
        else if (m.what === 'bye')
            end();
        else if (m.what === 'follow' && follows.has(m.id))
            return; /* asked for before the page heard that it was lost, and again when it had */
        else if (m.what === 'follow')
            follows.set(m.id, hub.follow(m.run, m.cursor, {
                events: (events, bytes) => say({ what: 'events', id: m.id, events, bytes }),
                end: () => { follows.delete(m.id); say({ what: 'end', id: m.id }); },
                failed: error => { follows.delete(m.id); say({ what: 'failed', id: m.id, error }); },
            }));
        else if (m.what === 'taken')
            follows.get(m.id)?.taken(m.bytes);
        else if (m.what === 'stop') {
            follows.get(m.id)?.stop();
            follows.delete(m.id);
        }
    };
}
