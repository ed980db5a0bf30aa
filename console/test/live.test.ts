/* The hub against a server that is made up: it has runs with events, and connections that break at any point. Time is what
 * the test says it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hub, WINDOW, type Connection, type Socket, type World } from '../src/api/live_hub';
import { PageEnd } from '../src/api/live_page';
import { serve, type Port, type ToHub, type ToPage } from '../src/api/live_port';
import type { ErrorBody, Event } from '../src/api/types';

/* mulberry32: the same order of accidents each time. */
function chanceOf(seed: number): () => number {
    return () => {
        seed = (seed + 0x6d2b79f5) | 0;
        let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

interface Frame { id: string; method: string; params: { run_id: string; cursor?: string; subscription?: string; csrf?: string } }

class Wire implements Socket {
    onopen: (() => void) | null = null;
    onmessage: ((text: string) => void) | null = null;
    onclose: (() => void) | null = null;
    inbox: Frame[] = [];
    isOpen = false;
    isClosed = false;
    subscriptions = new Map<string, { run: string; at: number }>();
    send(text: string): void {
        assert.ok(this.isOpen && !this.isClosed, 'sent to an open socket');
        this.inbox.push(JSON.parse(text) as Frame);
    }
    close(): void {
        this.isClosed = true;
    }
}

class Fake implements World {
    random: () => number;
    now = 0;
    timers: { at: number; act: () => void }[] = [];
    wires: Wire[] = [];
    runs = new Map<string, number>(); /* how many events there are; the last is run.completed when done */
    done = new Set<string>();
    size = 10;
    down = false;
    refuse: ErrorBody | null = null;
    subscribes = 0;
    next = 1;

    constructor(seed: number) {
        this.random = chanceOf(seed);
    }

    open(): Socket {
        const wire = new Wire();
        this.wires.push(wire);
        return wire;
    }

    after(ms: number, act: () => void): () => void {
        const timer = { at: this.now + ms, act };
        this.timers.push(timer);
        return () => { this.timers = this.timers.filter(one => one !== timer); };
    }

    get wire(): Wire | undefined {
        return this.wires.find(one => !one.isClosed);
    }

    lose(): void {
        const wire = this.wire;
        if (wire) {
            wire.isClosed = true;
            wire.onclose?.();
        }
    }

    pass(ms: number): void {
        const end = this.now + ms;
        for (;;) {
            const due = this.timers.filter(one => one.at <= end).sort((a, b) => a.at - b.at)[0];
            if (!due)
                break;
            this.now = Math.max(this.now, due.at);
            this.timers = this.timers.filter(one => one !== due);
            due.act();
        }
        this.now = end;
    }

    #event(run: string, n: number): Event {
        const last = this.done.has(run) && n === this.runs.get(run)! - 1;
        return { id: `${run}:${n}`, type: last ? 'run.completed' : 'step.log', time: '', run_id: run, data: { text: 'x'.repeat(this.size), n } } as
            unknown as Event;
    }

    /* One thing that the server does on its connection. */
    step(): void {
        const wire = this.wire;
        if (!wire)
            return;
        if (this.down) {
            this.lose();
            return;
        }
        if (!wire.isOpen) {
            wire.isOpen = true;
            wire.onopen?.();
            return;
        }
        const rq = wire.inbox.shift();
        const answer = (body: object): void => wire.onmessage?.(JSON.stringify({ type: 'res', id: rq!.id, ...body }));
        if (rq?.method === 'connect')
            answer(this.refuse ? { ok: false, error: this.refuse } : { ok: true, result: { type: 'hello' } });
        else if (rq?.method === 'subscribe') {
            this.subscribes++;
            if (!this.runs.has(rq.params.run_id))
                answer({ ok: false, error: { code: 'not_found', message: 'no', details: {}, trace_id: null } });
            else {
                const name = `s${this.next++}`;
                const at = rq.params.cursor === undefined ? 0 : Number(rq.params.cursor.split(':')[1]) + 1;
                wire.subscriptions.set(name, { run: rq.params.run_id, at });
                answer({ ok: true, result: { subscription: name, run_id: rq.params.run_id, cursor: null } });
            }
        } else if (rq?.method === 'unsubscribe') {
            wire.subscriptions.delete(rq.params.subscription!);
            answer({ ok: true, result: { run_id: null } });
        } else
            for (const [name, one] of wire.subscriptions)
                if (one.at < this.runs.get(one.run)!) {
                    const event = this.#event(one.run, one.at++);
                    if (event.type === 'run.completed')
                        wire.subscriptions.delete(name);
                    wire.onmessage?.(JSON.stringify({ type: 'event', subscription: name, event }));
                    return;
                }
    }

    steps(n: number): void {
        for (let i = 0; i < n; i++)
            this.step();
        this.pass(20);
    }
}

function taker(): { got: number[]; bytes: number; ended: number; failed: ErrorBody[]; events(e: Event[], b: number): void; end(): void;
    failed_(e: ErrorBody): void } {
    const me = { got: [] as number[], bytes: 0, ended: 0, failed: [] as ErrorBody[],
        events(events: Event[], bytes: number) { me.got.push(...events.map(e => (e.data as unknown as { n: number }).n)); me.bytes += bytes; },
        end() { me.ended++; }, failed_(e: ErrorBody) { me.failed.push(e); } };
    return me;
}

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const asFollower = (one: ReturnType<typeof taker>): { events: typeof one.events; end: () => void; failed: (e: ErrorBody) => void } =>
    ({ events: one.events, end: one.end, failed: one.failed_ });

function start(seed = 1, window = WINDOW): { world: Fake; hub: Hub; states: Connection[] } {
    const world = new Fake(seed), states: Connection[] = [];
    const hub = new Hub(world, state => states.push(state), window);
    hub.login('csrf');
    return { world, hub, states };
}

test('it says live when the server has answered, not before', () => {
    const { world, states } = start();
    assert.deepEqual(states, []);
    world.step();
    assert.deepEqual(states, []);
    world.step();
    assert.deepEqual(states, ['live']);
});

test('a run is followed from its beginning to its end, then it is over', () => {
    const { world, hub } = start(), one = taker();
    world.runs.set('r', 50);
    world.done.add('r');
    hub.follow('r', null, asFollower(one));
    world.steps(100);
    assert.deepEqual(one.got, count(50));
    assert.equal(one.ended, 1);
    world.lose();
    world.pass(60_000);
    world.steps(100);
    assert.deepEqual(one.got, count(50), 'nothing more');
});

test('from a cursor on', () => {
    const { world, hub } = start(), one = taker();
    world.runs.set('r', 10);
    hub.follow('r', 'r:6', asFollower(one));
    world.steps(30);
    assert.deepEqual(one.got, [7, 8, 9]);
});

test('1,000 histories of accidents: each event once, in order', () => {
    for (let seed = 1; seed <= 1000; seed++) {
        const { world, hub } = start(seed, 2000), chance = chanceOf(seed * 7919);
        const takers = [taker(), taker(), taker()], runs = ['a', 'b', 'a'];
        world.runs.set('a', 40);
        world.runs.set('b', 25);
        world.done.add('a');
        const follows = takers.map((one, i) => hub.follow(runs[i]!, null, asFollower(one)));
        for (let i = 0; i < 3000 && !(takers[0]!.ended && takers[2]!.ended && takers[1]!.got.length >= 25); i++) {
            const what = chance();
            if (what < 0.7)
                world.step();
            else if (what < 0.72)
                world.lose();
            else if (what < 0.725)
                world.down = !world.down;
            else if (what < 0.9)
                world.pass(chance() * 400);
            else {
                const n = Math.floor(chance() * 3), one = takers[n]!;
                follows[n]!.taken(one.bytes);
                one.bytes = 0;
            }
        }
        world.down = false;
        for (let i = 0; i < 100; i++) {
            world.pass(2000);
            world.steps(20);
            takers.forEach((one, n) => { follows[n]!.taken(one.bytes); one.bytes = 0; });
        }
        assert.deepEqual(takers[0]!.got, count(40), `seed ${seed}`);
        assert.deepEqual(takers[1]!.got, count(25), `seed ${seed}`);
        assert.deepEqual(takers[2]!.got, count(40), `seed ${seed}`);
        assert.deepEqual(takers.map(one => one.ended), [1, 0, 1], `seed ${seed}`);
    }
});

test('who takes nothing holds back no more than the window, and nobody else', () => {
    const { world, hub } = start(), slow = taker(), quick = taker();
    world.size = 100_000;
    world.runs.set('r', 400);
    const follow = hub.follow('r', null, asFollower(slow)), other = hub.follow('r', null, asFollower(quick));
    for (let i = 0; i < 120; i++) {
        world.steps(10);
        other.taken(quick.bytes);
        quick.bytes = 0;
    }
    assert.deepEqual(quick.got, count(400));
    assert.ok(slow.bytes <= WINDOW + 200_000, `${slow.bytes}`);
    for (let i = 0; i < 60; i++) {
        follow.taken(slow.bytes);
        slow.bytes = 0;
        world.steps(60);
    }
    assert.deepEqual(slow.got, count(400));
});

test('no such run: it is said, once, and not asked again', () => {
    const { world, hub } = start(), one = taker();
    hub.follow('none', null, asFollower(one));
    world.steps(10);
    world.pass(100_000);
    world.steps(10);
    assert.deepEqual(one.failed.map(e => e.code), ['not_found']);
    assert.equal(world.subscribes, 1);
});

test('a stopped one gets nothing, also when the answer was under way', () => {
    const { world, hub } = start(), one = taker();
    world.runs.set('r', 5);
    world.steps(2);
    const follow = hub.follow('r', null, asFollower(one));
    follow.stop();
    world.steps(50);
    assert.deepEqual(one.got, []);
    assert.equal(world.wire!.subscriptions.size, 0);
});

test('tries come ever later, up to 15 s, with chance; a nudge is at once; offline is said after the second', () => {
    const { world, hub, states } = start();
    world.steps(3);
    world.down = true;
    const waits: number[] = [];
    for (let i = 0; i < 10; i++) {
        world.lose();
        const before = world.now, n = world.wires.length;
        while (world.wires.length === n)
            world.pass(10);
        waits.push(world.now - before);
    }
    assert.deepEqual(states, ['live', 'connecting', 'offline']);
    assert.ok(waits[0]! <= 500 && waits[9]! >= 7500 && waits[9]! <= 15_010, waits.join(' '));
    world.lose();
    const n = world.wires.length;
    hub.nudge();
    assert.equal(world.wires.length, n + 1);
    world.down = false;
    world.steps(3);
    assert.equal(states.at(-1), 'live');
});

test('a server that accepts and says nothing is given up after 10 s', () => {
    const { world, states } = start();
    world.pass(9_900);
    assert.equal(world.wires.length, 1);
    world.pass(1_000);
    assert.ok(world.wires.length > 1);
    assert.ok(world.wires[0]!.isClosed);
    assert.notEqual(states.at(-1), 'live');
});

test('a login that ended is said, and nothing is tried until there is another', () => {
    const { world, hub, states } = start();
    world.refuse = { code: 'unauthorized', message: '', details: {}, trace_id: null };
    world.steps(3);
    assert.equal(states.at(-1), 'out');
    world.pass(100_000);
    assert.equal(world.wires.length, 1);
    world.refuse = null;
    hub.login('another');
    world.steps(3);
    assert.equal(states.at(-1), 'live');
});

test('more than 100 follows: the rest begin when others end', () => {
    const { world, hub } = start(), takers = count(130).map(taker);
    for (const i of count(130)) {
        world.runs.set(`r${i}`, 2);
        world.done.add(`r${i}`);
        hub.follow(`r${i}`, null, asFollower(takers[i]!));
    }
    for (let i = 0; i < 20; i++) {
        world.steps(100);
        assert.ok((world.wire?.subscriptions.size ?? 0) <= 100);
    }
    assert.ok(takers.every(one => one.ended === 1));
});

test('a page that says nothing for minutes is gone; one whose computer slept for hours is not', () => {
    const { setInterval, clearInterval } = globalThis, { now } = Date;
    let tick = (): void => undefined, gone = 0, clock = 0;
    globalThis.setInterval = ((act: () => void) => { tick = act; return 1; }) as never;
    globalThis.clearInterval = () => undefined;
    Date.now = () => clock;
    try {
        const port: Port = { postMessage: () => undefined, onmessage: null };
        serve(new Hub(new Fake(1), () => undefined), port, here => { gone += here ? 0 : 1; });
        clock += 8 * 3600_000;
        tick();
        assert.equal(gone, 0);
        port.onmessage!({ data: { what: 'alive' } as never });
        for (let i = 0; i < 15; i++)
            tick();
        assert.equal(gone, 0);
        tick();
        assert.equal(gone, 1);
    } finally {
        Object.assign(globalThis, { setInterval, clearInterval });
        Date.now = now;
    }
});

/* A page and the hub, each with a queue of what the other said: what is in one is not lost while the page stands still. */
test('a page that was frozen for so long that it counted as gone goes on when it wakes: each event once, and the state', () => {
    const { setInterval, clearInterval } = globalThis;
    const ticks = new Map<number, () => void>();
    globalThis.setInterval = ((act: () => void) => { ticks.set(ticks.size + 1, act); return ticks.size; }) as never;
    globalThis.clearInterval = ((id: number) => { ticks.set(id, () => undefined); }) as never;
    try {
        const { world, hub } = start(), toPage: ToPage[] = [], toHub: ToHub[] = [], states: Connection[] = [];
        const got: number[] = [], late: number[] = [];
        let isHere = false, ended = 0;
        const port: Port = { postMessage: message => { toPage.push(message as ToPage); }, onmessage: null };
        serve(hub, port, here => { isHere = here; });
        const page = new PageEnd(message => toHub.push(message), state => states.push(state));
        const move = (): void => {
            while (toHub.length || toPage.length) {
                for (const m of toHub.splice(0))
                    port.onmessage!({ data: m as never });
                for (const m of toPage.splice(0))
                    page.heard(m);
            }
        };
        const numbers = (events: Event[]): number[] => events.map(e => (e.data as unknown as { n: number }).n);
        world.runs.set('r', 5);
        world.runs.set('new', 3);
        page.follow('r', { onEvents: events => { got.push(...numbers(events)); }, onEnd: () => { ended++; } });
        move();
        world.steps(20);
        move();
        assert.deepEqual(got, count(5));

        world.runs.set('r', 8); /* frozen: what comes now waits for it */
        world.steps(20);
        for (let i = 0; i < 16; i++)
            for (const tick of [...ticks.values()])
                tick();
        assert.equal(isHere, false);
        world.runs.set('r', 12);
        world.steps(20);
        assert.deepEqual(got, count(5));

        page.follow('new', { onEvents: events => { late.push(...numbers(events)); } }); /* woken by a click */
        move();
        world.steps(20);
        move();
        assert.equal(isHere, true);
        assert.equal(states.at(-1), hub.state);
        assert.deepEqual(got, count(12), 'each once, in order');
        assert.deepEqual(late, count(3), 'and what it asked for before it knew');
        world.runs.set('r', 13);
        world.done.add('r');
        world.steps(20);
        move();
        assert.deepEqual([got, ended], [count(13), 1]);
    } finally {
        Object.assign(globalThis, { setInterval, clearInterval });
    }
});
