/* live - the events of runs as they happen, over one WebSocket per browser.
 *
 *   const stop = follow(runId, { cursor, onEvents: events => …, onEnd, onError });
 *
 * Events come in order and once, in batches (one per frame or so), whatever happens to network and server; each has its
 * cursor in `id`. While onEvents works off a batch (it may return a promise), at most a few megabytes more are held back. */
import { computed, effect, signal } from '@preact/signals';
import { Hub, type Connection } from './live_hub';
import { browserWorld } from './live_world';
import { ALIVE, serve, type Port, type ToHub, type ToPage } from './live_port';
import { errorOf, type ApiError } from './errors';
import { csrf, me } from './session';
import type { Event } from './types';
import { startSession } from '../login';
import { scriptUrl } from '../ui/trusted';

export const connection = signal<'live' | 'connecting' | 'offline'>('connecting');

export interface Follow {
    /* The id of the last event that is known; none: from the beginning. */
    cursor?: string | null;
    onEvents: (events: Event[]) => void | Promise<void>;
    /* After run.completed. */
    onEnd?: () => void;
    onError?: (error: ApiError) => void;
}

const follows = new Map<number, Follow & { run: string }>();
let next = 1;
let port: Port | null = null;

function tell(message: ToHub): void {
    port?.postMessage(message);
}

function heard(message: ToPage): void {
    if (message.what === 'state') {
        stateIs(message.state);
        return;
    }
    const follow = follows.get(message.id);
    if (!follow)
        return;
    if (message.what === 'events') {
        const { id, bytes } = message;
        void Promise.resolve(follow.onEvents(message.events)).finally(() => tell({ what: 'taken', id, bytes }));
        return;
    }
    follows.delete(message.id);
    if (message.what === 'end')
        follow.onEnd?.();
    else
        follow.onError?.(errorOf(0, JSON.stringify({ error: message.error })));
}

function stateIs(state: Connection): void {
    connection.value = state === 'out' ? 'connecting' : state;
    if (state === 'out' && me.peek())
        void startSession(); /* over, or not: it says so by /me */
}

/* The hub in this page, as though it were in a worker. */
function local(): Port {
    const mine: Port = { postMessage: message => heard(message as ToPage), onmessage: null };
    const hub = new Hub(browserWorld(location), state => heard({ what: 'state', state }));
    serve(hub, mine, () => undefined);
    addEventListener('online', () => hub.nudge());
    return { postMessage: message => mine.onmessage?.({ data: message as never }), onmessage: null };
}

function open(): Port {
    if (typeof SharedWorker === 'undefined')
        return local();
    try {
        const worker = new SharedWorker(scriptUrl(WORKER_URL), { name: 'sallyport-live' });
        worker.port.onmessage = e => heard(e.data as ToPage);
        /* Its file could not be loaded: the same without it. */
        worker.onerror = () => {
            port = local();
            tell({ what: 'login', csrf: csrf() });
            for (const [id, follow] of follows)
                tell({ what: 'follow', id, run: follow.run, cursor: follow.cursor ?? null });
        };
        return worker.port as unknown as Port;
    } catch {
        return local();
    }
}

export function startLive(): void {
    port = open();
    /* What is not known yet is no logout: the worker belongs to other pages, too. And one that was refused is not sent again. */
    const login = computed(() => me.value === undefined ? undefined : me.value && csrf());
    effect(() => {
        if (login.value !== undefined)
            tell({ what: 'login', csrf: login.value });
    });
    setInterval(() => tell({ what: 'alive' }), ALIVE);
    document.addEventListener('visibilitychange', () => {
        if (!document.hidden)
            tell({ what: 'nudge' });
    });
    addEventListener('pagehide', e => {
        if (!e.persisted)
            tell({ what: 'bye' });
    });
}

export function follow(run: string, how: Follow): () => void {
    const id = next++;
    follows.set(id, { ...how, run });
    tell({ what: 'follow', id, run, cursor: how.cursor ?? null });
    return () => {
        if (follows.delete(id))
            tell({ what: 'stop', id });
    };
}
