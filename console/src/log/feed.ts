/* feed - brings the frames of a step's log: what there is by requests, in pages; what follows from the live events. Pure of the
 * browser: requests and events come from outside, so that tests drive it.
 *
 * A frame has the same offset in a page and in an event, and frames are taken in ascending order: so none is shown twice,
 * wherever they come from. Events are looked at only after all that was there before has been asked for, and come in order
 * and without a gap (api/live.ts): so none is missed. All of it runs one after the other (#chain). */
import type { ApiError } from '../api/errors';
import { asError } from '../api/errors';
import type { Event } from '../api/types';
import { ERR, LogRows, OUT, SYSTEM, type Chunk } from './rows';
import { breathe, fresh } from './slices';

export interface Frame {
    stream: string;
    offset: number;
    time: string;
    text?: string;
    text_b64?: string;
}

export interface Page {
    items: Frame[];
    next_offset: number;
    complete: boolean;
}

export interface Source {
    page(offset: number, limit: number): Promise<Page>;
    follow(on: { onEvents: (events: Event[]) => Promise<void>; onEnd: () => void; onError: (error: ApiError) => void }): () => void;
    sleep(ms: number): Promise<void>;
}

const FIRST_PAGE = 64 * 1024, PAGE = 128 * 1024; /* bytes; a page may be one frame longer, which is 256 KiB at most */
const PIECE = 16 * 1024;
const streams: Record<string, number> = { stdout: OUT, stderr: ERR, system: SYSTEM };
const encoder = new TextEncoder();

function bytesOf(frame: { text?: string; text_b64?: string }): Uint8Array {
    if (frame.text_b64 === undefined) /* beside it, `text` is only near to what it was */
        return encoder.encode(frame.text ?? '');
    const text = atob(frame.text_b64), bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++)
        bytes[i] = text.charCodeAt(i);
    return bytes;
}

/* Another answer to the same question would be the same. */
function isFinal(e: ApiError): boolean {
    return !e.isUnsure;
}

export interface FeedState {
    /* All that there was at the beginning is here. */
    isLoaded: boolean;
    /* Bytes of output so far. */
    bytes: number;
    /* The last attempt failed; it is tried again, unless it is final. */
    error: ApiError | null;
}

export class Feed {
    rows: LogRows;
    readonly state: FeedState = { isLoaded: false, bytes: 0, error: null };
    readonly #source: Source;
    readonly #step: string;
    readonly #changed: () => void;
    /* The rows are others now: the step was begun again. */
    readonly #replaced: () => void;
    #chain: Promise<void> = Promise.resolve();
    #next = 0;
    #attempt: number;
    #isClosed = false;
    #isRunning: boolean;
    #stop: (() => void) | null = null;
    #restoring = new Map<Chunk, Promise<boolean>>();

    constructor(source: Source, step: { id: string; attempt: number; running: boolean }, changed: () => void, replaced: () => void) {
        this.#source = source;
        this.#step = step.id;
        this.#attempt = step.attempt;
        this.#isRunning = step.running;
        this.#changed = changed;
        this.#replaced = replaced;
        this.rows = new LogRows();
    }

    start(): void {
        this.#later(() => this.#load());
        if (this.#isRunning)
            this.#stop = this.#source.follow({
                onEvents: events => this.#later(() => this.#take(events)),
                onEnd: () => this.finished(),
                onError: error => {
                    this.state.error = error;
                    this.finished();
                },
            });
    }

    /* The step has finished, says somebody else: what may be missing is asked for. */
    finished(): void {
        this.#isRunning = false;
        this.#later(() => this.#load());
    }

    close(): void {
        this.#isClosed = true;
        this.#stop?.();
    }

    #later(act: () => Promise<void>): Promise<void> {
        return this.#chain = this.#chain.then(async () => {
            if (!this.#isClosed)
                await act();
        });
    }

    async #ingest(frame: Frame): Promise<void> {
        const rows = this.rows;
        if (this.#isClosed || !rows.begin(frame.offset, streams[frame.stream] ?? SYSTEM, Date.parse(frame.time)))
            return;
        const bytes = bytesOf(frame);
        for (let at = 0; at < bytes.length; at += PIECE) {
            rows.feed(bytes, at, Math.min(bytes.length, at + PIECE));
            this.#changed();
            await breathe();
        }
        rows.end();
        this.state.bytes += bytes.length;
        this.#changed();
    }

    /* Pages until there is no more. While a step that is said to be finished is not complete, it is asked again. */
    async #load(): Promise<void> {
        let wait = 250;
        while (!this.#isClosed && !this.rows.isFinished) {
            let page: Page;
            try {
                page = await this.#source.page(this.#next, this.#next ? PAGE : FIRST_PAGE);
            } catch (e) {
                this.state.error = asError(e);
                this.#changed();
                if (isFinal(this.state.error))
                    break;
                await this.#source.sleep(wait = Math.min(15_000, wait * 2));
                continue;
            }
            fresh();
            this.state.error = null;
            for (const frame of page.items)
                await this.#ingest(frame);
            const moved = page.next_offset > this.#next;
            this.#next = page.next_offset;
            if (page.complete)
                this.rows.finish();
            else if (moved)
                wait = 250;
            else if (this.#isRunning)
                break;
            else
                await this.#source.sleep(wait = Math.min(15_000, wait * 2));
        }
        this.state.isLoaded = true;
        this.#changed();
    }

    async #take(events: Event[]): Promise<void> {
        fresh();
        for (const event of events) {
            if (event.step_id !== this.#step)
                continue;
            if (event.type === 'step.log') {
                const data = event.data as { attempt: number; stream: string; offset: number; text?: string; text_b64?: string };
                if (data.attempt < this.#attempt)
                    continue;
                if (data.attempt > this.#attempt) {
                    this.#attempt = data.attempt;
                    await this.#again();
                }
                await this.#ingest({ ...data, time: event.time });
            } else if (event.type === 'step.finished')
                await this.#load(); /* it says whether that is the end, or another attempt follows */
        }
    }

    /* Another attempt has a log of its own. */
    async #again(): Promise<void> {
        this.rows = new LogRows();
        this.#next = 0;
        this.state.bytes = 0;
        this.#replaced();
        await this.#load();
    }

    /* Asks for the bytes of a chunk that were given up; true when they are back. */
    restore(chunk: Chunk): Promise<boolean> {
        let now = this.#restoring.get(chunk);
        if (!now) {
            now = this.#restore(chunk).finally(() => this.#restoring.delete(chunk));
            this.#restoring.set(chunk, now);
        }
        return now;
    }

    async #restore(chunk: Chunk): Promise<boolean> {
        const again = this.rows.restore(chunk);
        let at = chunk.from, isDone = false, wait = 250;
        while (!isDone && !this.#isClosed) {
            let page: Page;
            try {
                page = await this.#source.page(at, PAGE);
            } catch (e) {
                const error = asError(e);
                if (isFinal(error)) {
                    this.state.error = error;
                    this.#changed();
                    return false;
                }
                await this.#source.sleep(wait = Math.min(15_000, wait * 2));
                continue;
            }
            fresh();
            for (const frame of page.items) {
                if (frame.offset > chunk.last) {
                    isDone = true;
                    break;
                }
                again.frame(streams[frame.stream] ?? SYSTEM, Date.parse(frame.time));
                const bytes = bytesOf(frame);
                for (let i = 0; i < bytes.length; i += PIECE) {
                    again.feed(bytes, i, Math.min(bytes.length, i + PIECE));
                    await breathe();
                }
                again.end();
            }
            if (page.next_offset <= at || page.next_offset > chunk.last)
                isDone = true;
            at = page.next_offset;
        }
        const ok = !this.#isClosed && again.done();
        this.#changed();
        return ok;
    }
}
