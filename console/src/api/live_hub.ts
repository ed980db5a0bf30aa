/* live_hub - the one WebSocket of a browser, and who follows what over it. Pure of the browser: sockets, clock and chance
 * come from outside, so that tests drive it.
 *
 *   page ── follow(run, cursor) ──►  hub ── subscribe ──► server
 *   page ◄── events, in order ─────  hub ◄── events ────── server
 *
 * Facts that hold:
 *  1. An event goes to a follower exactly once, in order: the cursor moves with what was handed over, and every new
 *     subscription begins after it.
 *  2. A follower that does not keep up costs at most WINDOW bytes: it is unsubscribed, and goes on from its cursor when it
 *     has taken what it has.
 *  3. `live` is said only when the server has answered `connect`.
 *  4. Answers come in the order of the requests (docs/API.md), so who waits for one is in a queue. */
import type { ErrorBody, Event } from './types';

/* out: the server does not take this login. */
export type Connection = 'live' | 'connecting' | 'offline' | 'out';

export interface Socket {
    send(text: string): void;
    close(): void;
    onopen: (() => void) | null;
    onmessage: ((text: string) => void) | null;
    /* Once, whatever ended it. */
    onclose: (() => void) | null;
}

export interface World {
    open(): Socket;
    after(ms: number, act: () => void): () => void; /* returns how to call it off */
    random(): number; /* 0 to 1 */
}

export interface Follower {
    /* `bytes` is what they took on the wire: taken() gives it back when they have been dealt with. */
    events(events: Event[], bytes: number): void;
    /* The run is over, and all of it was handed over. */
    end(): void;
    /* It cannot go on: no such run, not allowed, its log is gone. */
    failed(error: ErrorBody): void;
}

export const WINDOW = 4 * 1024 * 1024; /* bytes handed over and not taken yet */
const BATCH_MS = 16;
const FIRST_WAIT = 500, LONGEST_WAIT = 15_000, SILENT = 10_000; /* ms */
const FOLLOWS = 100; /* subscriptions that a connection has */

interface Follow {
    run: string;
    cursor: string | null;
    to: Follower;
    /* idle: not asked for; asked: the answer is under way; on: its events come; held: it does not keep up; over: ended. */
    state: 'idle' | 'asked' | 'on' | 'held' | 'over';
    subscription: string | null;
    waiting: Event[];
    waitingBytes: number;
    untaken: number;
    tries: number;
}

type Answer = { ok: boolean; result?: { subscription?: string }; error?: ErrorBody };
type Frame = Answer & { type: 'res' } | { type: 'event'; subscription: string; event?: Event; error?: ErrorBody };

/* Errors that end a follow for good; after all others it is tried again. */
const final = new Set<ErrorBody['code']>(['not_found', 'gone', 'forbidden', 'invalid_request', 'invalid_cursor']);

export class Hub {
    #world: World;
    #window: number;
    #say: (state: Connection) => void;
    #csrf: string | null = null;
    #socket: Socket | null = null;
    #isLive = false;
    #wait = FIRST_WAIT;
    #failures = 0;
    #next = 1;
    #answers: ((answer: Answer) => void)[] = [];
    #follows = new Set<Follow>();
    #bySubscription = new Map<string, Follow>();
    #flushing = false;
    #offRetry: (() => void) | null = null;
    #offSilence: (() => void) | null = null;
    state: Connection = 'connecting';

    constructor(world: World, say: (state: Connection) => void, window = WINDOW) {
        this.#world = world;
        this.#window = window;
        this.#say = say;
    }

    /* Who is logged in changed; null: nobody is. */
    login(csrf: string | null): void {
        if (csrf === this.#csrf)
            return;
        this.#csrf = csrf;
        this.#drop();
        this.#failures = 0;
        this.#wait = FIRST_WAIT;
        if (csrf)
            this.#connect();
        else
            this.#set('connecting');
    }

    /* The browser says that there is a network again, or a page became visible: now, not after the wait. */
    nudge(): void {
        if (this.#csrf && !this.#socket) {
            this.#wait = FIRST_WAIT;
            this.#connect();
        }
    }

    /* Returns how to end it, and how to say that bytes were dealt with. */
    follow(run: string, cursor: string | null, to: Follower): { stop(): void; taken(bytes: number): void } {
        const follow: Follow = { run, cursor, to, state: 'idle', subscription: null, waiting: [], waitingBytes: 0, untaken: 0, tries: 0 };
        this.#follows.add(follow);
        this.#pump();
        return {
            stop: () => {
                this.#follows.delete(follow);
                this.#leave(follow, 'over');
                this.#pump();
            },
            taken: bytes => {
                follow.untaken = Math.max(0, follow.untaken - bytes);
                if (follow.state === 'held' && follow.untaken < this.#window / 4) {
                    follow.state = 'idle';
                    this.#pump();
                }
            },
        };
    }

    #set(state: Connection): void {
        if (state === this.state)
            return;
        this.state = state;
        this.#say(state);
    }

    #drop(): void {
        this.#offRetry?.();
        this.#offSilence?.();
        this.#offRetry = this.#offSilence = null;
        const socket = this.#socket;
        this.#socket = null;
        this.#isLive = false;
        this.#answers = [];
        this.#bySubscription.clear();
        for (const follow of this.#follows) {
            follow.subscription = null;
            if (follow.state === 'asked' || follow.state === 'on')
                follow.state = 'idle';
        }
        if (socket) {
            socket.onopen = socket.onmessage = socket.onclose = null;
            socket.close();
        }
    }

    #connect(): void {
        this.#drop();
        this.#set(this.#failures > 1 ? 'offline' : 'connecting');
        const socket = this.#socket = this.#world.open();
        this.#offSilence = this.#world.after(SILENT, () => this.#lost());
        socket.onopen = () => this.#ask('connect', { protocol: { min: 1, max: 1 }, csrf: this.#csrf }, answer => this.#hello(answer));
        socket.onmessage = text => this.#take(text);
        socket.onclose = () => this.#lost();
    }

    #hello(answer: Answer): void {
        this.#offSilence?.();
        this.#offSilence = null;
        if (!answer.ok) {
            const code = answer.error?.code;
            if (code === 'unauthorized') {
                this.#csrf = null;
                this.#drop();
                this.#set('out');
            } else
                this.#lost();
            return;
        }
        this.#isLive = true;
        this.#failures = 0;
        this.#wait = FIRST_WAIT;
        this.#set('live');
        this.#pump();
    }

    #lost(): void {
        this.#drop();
        this.#failures++;
        this.#set(this.#failures > 1 ? 'offline' : 'connecting');
        /* Half of it by chance: the browsers of a restarted server do not come back at one instant. */
        const ms = this.#wait / 2 + this.#world.random() * this.#wait / 2;
        this.#wait = Math.min(LONGEST_WAIT, this.#wait * 2);
        this.#offRetry = this.#world.after(ms, () => this.#connect());
    }

    #ask(method: string, params: object, then: (answer: Answer) => void): void {
        this.#answers.push(then);
        this.#socket?.send(JSON.stringify({ type: 'req', id: String(this.#next++), method, params }));
    }

    /* Subscribes who is not yet, as far as the connection allows. */
    #pump(): void {
        if (!this.#isLive)
            return;
        let open = 0;
        for (const follow of this.#follows)
            if (follow.state === 'asked' || follow.state === 'on')
                open++;
        for (const follow of this.#follows) {
            if (open >= FOLLOWS)
                return;
            if (follow.state !== 'idle')
                continue;
            open++;
            follow.state = 'asked';
            const params = follow.cursor === null ? { run_id: follow.run } : { run_id: follow.run, cursor: follow.cursor };
            this.#ask('subscribe', params, answer => this.#subscribed(follow, answer));
        }
    }

    #subscribed(follow: Follow, answer: Answer): void {
        const subscription = answer.result?.subscription;
        if (follow.state !== 'asked') { /* given up meanwhile */
            if (answer.ok && subscription)
                this.#ask('unsubscribe', { subscription }, () => undefined);
            return;
        }
        if (!answer.ok || !subscription) {
            this.#broken(follow, answer.error);
            return;
        }
        follow.state = 'on';
        follow.subscription = subscription;
        follow.tries = 0;
        this.#bySubscription.set(subscription, follow);
    }

    #broken(follow: Follow, error: ErrorBody | undefined): void {
        if (error && final.has(error.code)) {
            this.#flush();
            this.#follows.delete(follow);
            follow.state = 'over';
            follow.to.failed(error);
            return;
        }
        follow.state = 'held';
        const ms = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** follow.tries++);
        this.#world.after(ms, () => {
            if (follow.state === 'held' && follow.untaken < this.#window) {
                follow.state = 'idle';
                this.#pump();
            }
        });
    }

    /* Ends the subscription, not the follow: what the server sends until it has heard of it is not looked at. */
    #leave(follow: Follow, state: Follow['state']): void {
        if (follow.subscription) {
            this.#bySubscription.delete(follow.subscription);
            const { subscription } = follow;
            follow.subscription = null;
            if (follow.state === 'on')
                this.#ask('unsubscribe', { subscription }, () => undefined);
        }
        follow.state = state;
    }

    #take(text: string): void {
        const frame = JSON.parse(text) as Frame;
        if (frame.type === 'res') {
            this.#answers.shift()?.(frame);
            return;
        }
        const follow = this.#bySubscription.get(frame.subscription);
        if (!follow)
            return;
        if (!frame.event) {
            this.#bySubscription.delete(frame.subscription);
            follow.subscription = null;
            this.#broken(follow, frame.error);
            return;
        }
        follow.waiting.push(frame.event);
        follow.waitingBytes += text.length;
        follow.untaken += text.length;
        follow.cursor = frame.event.id;
        if (frame.event.type === 'run.completed') {
            this.#bySubscription.delete(frame.subscription);
            follow.subscription = null;
            this.#follows.delete(follow);
            follow.state = 'over';
            this.#handOver(follow);
            follow.to.end();
            this.#pump();
            return;
        }
        if (follow.untaken > this.#window)
            this.#leave(follow, 'held');
        if (!this.#flushing) {
            this.#flushing = true;
            this.#world.after(BATCH_MS, () => this.#flush());
        }
    }

    #flush(): void {
        this.#flushing = false;
        for (const follow of this.#follows)
            this.#handOver(follow);
    }

    #handOver(follow: Follow): void {
        if (!follow.waiting.length)
            return;
        const { waiting, waitingBytes } = follow;
        follow.waiting = [];
        follow.waitingBytes = 0;
        follow.to.events(waiting, waitingBytes);
    }
}
