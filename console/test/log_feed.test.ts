/* The feed: whatever requests and events do, each line is shown once, in order. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ApiError } from '../src/api/errors';
import type { Event } from '../src/api/types';
import { textOf } from '../src/log/decode';
import { Feed, type Frame, type Page, type Source } from '../src/log/feed';

type On = Parameters<Source['follow']>[0];

/* A step's log as a server has it, and what it says of it. */
class World implements Source {
    frames: Frame[] = [];
    isComplete = false;
    on: On | null = null;
    asked = 0;
    fails = 0;
    #bytes = 8;

    print(text: string, stream = 'stdout'): Frame {
        const frame = { stream, offset: this.#bytes, time: '2026-01-01T00:00:00Z', text };
        this.#bytes += 20 + text.length;
        this.frames.push(frame);
        return frame;
    }

    page(offset: number, limit: number): Promise<Page> {
        this.asked++;
        if (this.fails > 0) {
            this.fails--;
            return Promise.reject(new ApiError('offline', ''));
        }
        const items: Frame[] = [];
        let given = 0, next = Math.max(8, offset);
        for (const frame of this.frames)
            if (frame.offset >= next && given < limit) {
                items.push(frame);
                given += frame.text!.length;
                next = frame.offset + 20 + frame.text!.length;
            }
        return Promise.resolve({ items, next_offset: next, complete: this.isComplete && next >= this.#bytes });
    }

    follow(on: On): () => void {
        this.on = on;
        return () => { this.on = null; };
    }

    sleep(): Promise<void> {
        return Promise.resolve();
    }

    event({ stream, offset, time, text }: Frame, attempt = 1, step = 'step_1'): Event {
        return { id: `c${offset}`, type: 'step.log', time, run_id: 'run_1', step_id: step, data: { step_id: step, attempt, stream, offset, text } } as Event;
    }

    finish(): Event {
        this.isComplete = true;
        return { id: 'end', type: 'step.finished', time: '', run_id: 'run_1', step_id: 'step_1', data: {} } as Event;
    }
}

function open(world: World, running: boolean, attempt = 1): Feed {
    const feed = new Feed(world, { id: 'step_1', attempt, running }, () => undefined, () => undefined);
    feed.start();
    return feed;
}

function lines(feed: Feed): string[] {
    return Array.from({ length: feed.rows.count }, (_, i) => textOf(feed.rows.at(i)!));
}

/* All that was asked for has come. */
async function settled(feed: Feed): Promise<void> {
    while (!feed.state.isLoaded)
        await new Promise(done => setTimeout(done, 1));
}

test('a finished log', async () => {
    const world = new World();
    for (let i = 0; i < 100; i++)
        world.print(`line ${i}\n`.repeat(500));
    world.isComplete = true;
    const feed = open(world, false);
    await settled(feed);
    assert.equal(feed.rows.count, 50_000);
    assert.ok(feed.rows.isFinished);
    assert.ok(world.asked > 2, 'in pages');
});

test('events that were there before are not taken again; those after are', async () => {
    const world = new World(), old = [world.print('a\n'), world.print('b\n')], feed = open(world, true);
    await settled(feed);
    await world.on!.onEvents(old.map(frame => world.event(frame)));
    await world.on!.onEvents([world.event(world.print('c\n')), world.event(world.print('other\n'), 1, 'step_2')].slice(0, 1));
    assert.deepEqual(lines(feed), ['a', 'b', 'c']);
    assert.equal(feed.rows.isFinished, false);
    await world.on!.onEvents([world.finish()]);
    assert.equal(feed.rows.isFinished, true);
});

test('another step is not this one', async () => {
    const world = new World(), feed = open(world, true);
    await settled(feed);
    await world.on!.onEvents([world.event({ stream: 'stdout', offset: 8, time: '', text: 'no\n' }, 1, 'step_2')]);
    assert.deepEqual(lines(feed), []);
});

test('another attempt begins anew; an older one is not looked at', async () => {
    const world = new World();
    world.print('first\n');
    const feed = open(world, true);
    await settled(feed);
    assert.deepEqual(lines(feed), ['first']);
    world.frames = [];
    const again = { ...world.print('second\n'), offset: 8 };
    world.frames = [again];
    await world.on!.onEvents([world.event(again, 2)]);
    await world.on!.onEvents([world.event({ ...again, offset: 500, text: 'late\n' }, 1)]);
    assert.deepEqual(lines(feed), ['second']);
});

test('a server that does not answer is asked again; one that says no is not', async () => {
    const world = new World();
    world.print('a\n');
    world.isComplete = true;
    world.fails = 3;
    const feed = open(world, false);
    await settled(feed);
    assert.deepEqual(lines(feed), ['a']);
    assert.equal(feed.state.error, null);
    const gone = new World();
    gone.page = () => { gone.asked++; return Promise.reject(new ApiError('gone', 'removed', 410)); };
    const none = open(gone, false);
    await settled(none);
    assert.equal(none.state.error?.code, 'gone');
    assert.equal(gone.asked, 1);
});

test('a follow that ends with an error: what is missing comes by requests', async () => {
    const world = new World(), feed = open(world, true);
    await settled(feed);
    world.print('a\n');
    world.isComplete = true;
    world.on!.onError(new ApiError('forbidden', '', 403));
    await world.on!.onEvents([]); /* after what came before */
    assert.deepEqual(lines(feed), ['a']);
});

test('bytes that are no text come exactly', async () => {
    const world = new World();
    world.frames.push({ stream: 'stdout', offset: 8, time: '', text: '\ufffd', text_b64: Buffer.from([0xe7, 0x95]).toString('base64') },
        { stream: 'stdout', offset: 30, time: '', text: '\ufffd\n', text_b64: Buffer.from([0x8c, 0x0a]).toString('base64') });
    world.isComplete = true;
    const feed = open(world, false);
    await settled(feed);
    assert.deepEqual(lines(feed), ['\u754c']);
});

test('by chance: pages and events in any measure', async () => {
    for (let seed = 1; seed <= 40; seed++) {
        let x = seed;
        const roll = (n: number): number => {
            x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
            return Math.floor(x / 4294967296 * n);
        };
        const world = new World();
        let printed = 0, told = 0;
        const print = (): void => { world.print(`line ${printed++}\n`); };
        for (let i = roll(20); i > 0; i--)
            print();
        told = roll(world.frames.length + 1); /* the cursor of the page: events come from here */
        const feed = open(world, true), waits: Promise<void>[] = [];
        for (let i = 0; i < 60; i++) {
            if (roll(3))
                print();
            if (!roll(8))
                world.fails = roll(3);
            if (!roll(3) && told < world.frames.length) {
                const to = told + 1 + roll(world.frames.length - told);
                waits.push(world.on!.onEvents(world.frames.slice(told, to).map(frame => world.event(frame))));
                told = to;
            }
            if (!roll(5))
                await Promise.resolve();
        }
        waits.push(world.on!.onEvents([...world.frames.slice(told).map(frame => world.event(frame)), world.finish()]));
        await Promise.all(waits);
        assert.deepEqual(lines(feed), Array.from({ length: printed }, (_, i) => `line ${i}`));
        assert.ok(feed.rows.isFinished);
        feed.close();
    }
});
