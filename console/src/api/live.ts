/* live - the events of runs as they happen, over one WebSocket per browser.
 *
 *   const stop = follow(runId, { cursor, onEvents: events => …, onEnd, onError });
 *
 * Events come in order and once, in batches (one per frame or so), whatever happens to network and server; each has its
 * cursor in `id`. While onEvents works off a batch (it may return a promise), at most a few megabytes more are held back. */
import { computed, effect, signal } from '@preact/signals';
import { Hub, type Connection } from './live_hub';
import { PageEnd, type Follow } from './live_page';
import { browserWorld } from './live_world';
import { ALIVE, serve, type Port, type ToHub, type ToPage } from './live_port';
import { csrf, me } from './session';
import { startSession } from '../login';
import { scriptUrl } from '../ui/trusted';

export const connection = signal<'live' | 'connecting' | 'offline'>('connecting');

const end = new PageEnd(tell, stateIs);
let port: Port | null = null;

function tell(message: ToHub): void {
    port?.postMessage(message);
}

function stateIs(state: Connection): void {
    connection.value = state === 'out' ? 'connecting' : state;
    if (state === 'out' && me.peek())
        void startSession(); /* over, or not: it says so by /me */
}

/* The hub in this page, as though it were in a worker. */
function local(): Port {
    const mine: Port = { postMessage: message => end.heard(message as ToPage), onmessage: null };
    const hub = new Hub(browserWorld(location), stateIs);
    serve(hub, mine, () => undefined);
    addEventListener('online', () => hub.nudge());
    return { postMessage: message => mine.onmessage?.({ data: message as never }), onmessage: null };
}

function open(): Port {
    if (typeof SharedWorker === 'undefined')
        return local();
    try {
        const worker = new SharedWorker(scriptUrl(WORKER_URL), { name: 'sallyport-live' });
        worker.port.onmessage = e => end.heard(e.data as ToPage);
        /* Its file could not be loaded: the same without it. */
        worker.onerror = () => {
            port = local();
            tell({ what: 'login', csrf: csrf() });
            end.again();
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
    return end.follow(run, how);
}
