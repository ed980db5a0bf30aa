/* rows - the bytes of a step's log as rows that can be shown: a million of them in bounded memory. Pure: no DOM, no network.
 *
 *   frames ──► Ingest (unfinished lines, colours, per stream) ──► Chunk, Chunk, … Chunk (the last one grows)
 *
 * A frame is what the server keeps and sends as one: bytes of one stream, at an offset of the log. Facts that hold:
 *  1. A row holds the bytes of one line of one stream, whatever came in between on the other; rows stand in the order in which
 *     their lines were completed. What is not complete yet are up to three rows behind the others (open rows).
 *  2. Rows depend on the frames alone, not on the pieces they are fed in. So the bytes of an old chunk can be given up, and be
 *     made again from the same frames: a chunk keeps where its frames are, and what was unfinished before the first of them.
 *  3. No row is longer than ROW_MOST bytes: a longer line goes on in rows that have no number.
 *  4. What a line overwrites by carriage returns stays in its row; only the part of it beyond ROW_MOST is given up, and the row
 *     says so (CUT). */
import { PLAIN } from '../ansi/style';
import { scan, sequenceEnd } from '../ansi/scan';

export const ROW_MOST = 4096;
const CHUNK_BYTES = 256 * 1024;
/* Bytes of chunks that are kept; one that was not looked at for longest goes first. The last chunk comes on top. */
export const KEPT_BYTES = 24 * 1024 * 1024;
const ROW_BYTES = 4 + 1 + 2 + 4;

export const OUT = 1, ERR = 2, SYSTEM = 3, STREAM = 3;
/* Continues the line of an earlier row of its stream; text before the last carriage return is overwritten; some of that was
 * given up; the log ends here without a line feed. */
export const CONT = 4, OVER = 8, CUT = 16, NO_EOL = 32;

const LF = 10, CR = 13, ESC = 27;

/* Bytes and tables of a chunk's rows. Row i: bytes from starts[i] to starts[i + 1], its line feed included. */
export interface Body {
    bytes: Uint8Array;
    length: number;
    starts: Uint32Array;
    flags: Uint8Array;
    styles: Uint16Array;
    /* ms after t0; t0 is in ms since 1970. */
    times: Uint32Array;
    t0: number;
    rows: number;
    /* How many rows with a number there are before row i; null: all have one. */
    numbered: Uint32Array | null;
}

interface Unfinished {
    bytes: Uint8Array;
    cont: boolean;
    cut: boolean;
    /* A style's id: style.ts. */
    pen: number;
}

export interface Chunk {
    row0: number;
    line0: number;
    rows: number;
    lines: number;
    /* Offsets of the first and the last frame that were fed into it. */
    from: number;
    last: number;
    /* What was unfinished when it began; by stream. */
    before: (Unfinished | null)[];
    body: Body | null;
    /* The log ends with it: what was unfinished are its last rows. */
    isEnd: boolean;
    used: number;
    /* It was asked for again. */
    wanted: boolean;
}

export interface Row {
    index: number;
    /* From 1; 0: it continues a line, or is none of the command's. */
    number: number;
    flags: number;
    time: number;
    /* A style's id: style.ts. */
    pen: number;
    bytes: Uint8Array;
    from: number;
    /* Without line feed and the carriage returns before it. */
    to: number;
    isOpen: boolean;
}

function newBody(): Body {
    return { bytes: new Uint8Array(CHUNK_BYTES / 4), length: 0, starts: new Uint32Array(1024), flags: new Uint8Array(1024),
        styles: new Uint16Array(1024), times: new Uint32Array(1024), t0: 0, rows: 0, numbered: null };
}

function grown<T extends Uint8Array | Uint16Array | Uint32Array>(array: T, least: number): T {
    let size = array.length;
    while (size < least)
        size *= 2;
    const to = new (array.constructor as new (size: number) => T)(size);
    to.set(array);
    return to;
}

function addRow(body: Body, from: Uint8Array, at: number, to: number, flags: number, style: number, time: number): void {
    const n = to - at, i = body.rows;
    if (body.length + n > body.bytes.length)
        body.bytes = grown(body.bytes, body.length + n);
    if (i + 2 > body.starts.length) {
        body.starts = grown(body.starts, i + 2);
        body.flags = grown(body.flags, i + 2);
        body.styles = grown(body.styles, i + 2);
        body.times = grown(body.times, i + 2);
    }
    body.bytes.set(from.subarray(at, to), body.length);
    if (i === 0)
        body.t0 = time;
    body.starts[i] = body.length;
    body.flags[i] = flags;
    body.styles[i] = style;
    body.times[i] = Math.max(0, Math.min(0xffffffff, time - body.t0));
    body.length += n;
    body.rows = i + 1;
    body.starts[i + 1] = body.length;
}

/* A copy exactly as large as what is in it. */
function trimmed(body: Body): Body {
    const n = body.rows;
    return { ...body, bytes: body.bytes.slice(0, body.length), starts: body.starts.slice(0, n + 1), flags: body.flags.slice(0, n),
        styles: body.styles.slice(0, n), times: body.times.slice(0, n), numbered: null };
}

function sizeOf(body: Body): number {
    return body.bytes.length + body.starts.length * ROW_BYTES;
}

/* Where a line that is too long goes on in the next row: before a character, and a sequence, that is not whole. */
function cutAt(bytes: Uint8Array, length: number): number {
    let at = length;
    while (at > length - 4 && (bytes[at - 1]! & 0xc0) === 0x80)
        at--;
    /* A lead byte that lacks some of its bytes. */
    const lead = bytes[at - 1]!, needs = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    at = length - at + 1 < needs ? at - 1 : length;
    const esc = bytes.lastIndexOf(ESC, at - 1);
    if (esc > Math.max(0, at - 512) && sequenceEnd(bytes, esc, at) === esc)
        at = esc;
    return at > 0 ? at : length;
}

class Half {
    readonly bytes = new Uint8Array(ROW_MOST + 1);
    length = 0;
    cont = false;
    cut = false;
    pen = PLAIN;
    time = 0;
}

/* Makes rows of frames. */
class Ingest {
    readonly halves = [new Half(), new Half(), new Half()];
    #stream = OUT;
    #time = 0;
    body: Body;

    constructor(body: Body, before: (Unfinished | null)[] = []) {
        this.body = body;
        before.forEach((one, i) => {
            const half = this.halves[i]!;
            if (one) {
                half.bytes.set(one.bytes);
                half.length = one.bytes.length;
                half.cont = one.cont;
                half.cut = one.cut;
                half.pen = one.pen;
            }
        });
    }

    unfinished(): (Unfinished | null)[] {
        return this.halves.map(half => half.length || half.cont || half.cut || half.pen !== PLAIN
            ? { bytes: half.bytes.slice(0, half.length), cont: half.cont, cut: half.cut, pen: half.pen } : null);
    }

    begin(stream: number, time: number): void {
        this.#stream = stream;
        this.#time = time;
    }

    feed(bytes: Uint8Array, from: number, to: number): void {
        const half = this.halves[this.#stream - 1]!;
        let at = from, esc = -1, cr = -1;
        while (at < to) {
            let end = bytes.indexOf(LF, at) + 1;
            if (end === 0 || end > to)
                end = 0;
            if (half.length === 0 && end && end - at <= ROW_MOST + 1) { /* a whole line: from where it is */
                if (esc < at)
                    esc = (bytes.indexOf(ESC, at) + 1 || Infinity) - 1;
                if (cr < at)
                    cr = (bytes.indexOf(CR, at) + 1 || Infinity) - 1;
                this.#row(half, bytes, at, end, esc < end, cr < end, 0);
                at = end;
                continue;
            }
            if (half.length >= ROW_MOST && bytes[at] !== LF) {
                this.#tooLong(half);
                continue;
            }
            const n = Math.min((end || to) - at, half.length < ROW_MOST ? ROW_MOST - half.length : 1);
            half.bytes.set(bytes.subarray(at, at + n), half.length);
            half.length += n;
            half.time = this.#time;
            at += n;
            if (end && at === end)
                this.#flush(half, half.length, 0);
        }
    }

    /* The frame ends. What the server says itself is a line, with or without a line feed. */
    end(): void {
        if (this.#stream === SYSTEM)
            this.finish(SYSTEM);
    }

    /* Nothing follows: what is unfinished are the last rows. */
    finish(only = 0): void {
        this.halves.forEach((half, i) => {
            if (half.length && (!only || only === i + 1)) {
                this.#stream = i + 1;
                this.#time = half.time;
                this.#flush(half, half.length, NO_EOL);
            }
        });
    }

    #row(half: Half, bytes: Uint8Array, at: number, to: number, hasEsc: boolean, hasCr: boolean, more: number): void {
        let flags = this.#stream | more | (half.cont ? CONT : 0) | (half.cut ? CUT | OVER : 0);
        if (hasCr && lastReturn(bytes, at, endOfText(bytes, at, to)) >= 0)
            flags |= OVER;
        addRow(this.body, bytes, at, to, flags, half.pen, this.#time);
        if (hasEsc)
            half.pen = scan(bytes, at, to, half.pen, null);
        half.cont = half.cut = false;
    }

    #flush(half: Half, to: number, more: number): void {
        this.#row(half, half.bytes, 0, to, true, true, more);
        half.bytes.copyWithin(0, to, half.length);
        half.length -= to;
    }

    #tooLong(half: Half): void {
        const cr = lastReturn(half.bytes, 0, endOfText(half.bytes, 0, half.length));
        if (cr >= 0) { /* a progress bar: what it overwrote is given up */
            half.pen = scan(half.bytes, 0, cr, half.pen, null);
            half.bytes.copyWithin(0, cr + 1, half.length);
            half.length -= cr + 1;
            half.cut = true;
            return;
        }
        const to = cutAt(half.bytes, half.length);
        this.#flush(half, to, 0);
        half.cont = true;
    }
}

export function endOfText(bytes: Uint8Array, from: number, to: number): number {
    if (to > from && bytes[to - 1] === LF)
        to--;
    while (to > from && bytes[to - 1] === CR)
        to--;
    return to;
}

/* The last carriage return before the end of a row's text; -1: none. */
export function lastReturn(bytes: Uint8Array, from: number, to: number): number {
    const at = to > from ? bytes.lastIndexOf(CR, to - 1) : -1;
    return at >= from ? at : -1;
}

export class LogRows {
    readonly chunks: Chunk[] = [];
    #ingest: Ingest | null = null;
    #clock = 0;
    #kept = 0;
    #most: number;
    #near: Chunk | null = null;
    isFinished = false;
    /* Of the last frame that was fed. */
    lastOffset = -1;
    /* Rows are longer than this nowhere so far, in bytes. */
    widest = 0;

    constructor(most = KEPT_BYTES) {
        this.#most = most;
    }

    #last(): Chunk | undefined {
        return this.chunks[this.chunks.length - 1];
    }

    #counted(chunk: Chunk): void {
        const body = chunk.body!;
        for (let i = chunk.rows; i < body.rows; i++) {
            if (isNumbered(body.flags[i]!))
                chunk.lines++;
            const n = body.starts[i + 1]! - body.starts[i]!;
            if (n > this.widest)
                this.widest = n;
        }
        chunk.rows = body.rows;
    }

    /* A frame begins; false: it is known already, and nothing of it may be fed. */
    begin(offset: number, stream: number, time: number): boolean {
        if (offset <= this.lastOffset || this.isFinished)
            return false;
        let chunk = this.#last();
        if (!chunk || chunk.body!.length >= CHUNK_BYTES) {
            const before = this.#ingest?.unfinished() ?? [];
            let body: Body;
            if (!chunk)
                body = newBody();
            else { /* its arrays are filled again: a hundred chunks would leave much to the garbage collector */
                body = { ...chunk.body!, length: 0, rows: 0, t0: 0, numbered: null };
                chunk.body = trimmed(chunk.body!);
                this.#kept += sizeOf(chunk.body!);
                this.#giveUp();
            }
            const next: Chunk = { row0: chunk ? chunk.row0 + chunk.rows : 0, line0: chunk ? chunk.line0 + chunk.lines : 0, rows: 0, lines: 0,
                from: offset, last: offset, before, body, isEnd: false, used: ++this.#clock, wanted: false };
            this.chunks.push(next);
            if (this.#ingest)
                this.#ingest.body = body;
            else
                this.#ingest = new Ingest(body);
            chunk = next;
        }
        chunk.last = this.lastOffset = offset;
        this.#ingest!.begin(stream, time);
        return true;
    }

    /* Bytes of the frame that begin() told of; in as many pieces as one likes. */
    feed(bytes: Uint8Array, from = 0, to = bytes.length): void {
        this.#ingest!.feed(bytes, from, to);
        this.#counted(this.#last()!);
    }

    end(): void {
        this.#ingest!.end();
        this.#counted(this.#last()!);
    }

    /* The log is complete. */
    finish(): void {
        if (this.isFinished)
            return;
        this.isFinished = true;
        const chunk = this.#last();
        if (chunk) {
            this.#ingest!.finish();
            chunk.isEnd = true;
            this.#counted(chunk);
        }
    }

    /* Rows of complete lines: their indices, numbers and bytes do not change any more. */
    get rows(): number {
        const chunk = this.#last();
        return chunk ? chunk.row0 + chunk.rows : 0;
    }

    /* Lines that have a number. */
    get lines(): number {
        const chunk = this.#last();
        return chunk ? chunk.line0 + chunk.lines : 0;
    }

    /* All rows, those of unfinished lines too. */
    get count(): number {
        return this.rows + this.#open().length;
    }

    get keptBytes(): number {
        return this.#kept;
    }

    #open(): number[] {
        return this.isFinished || !this.#ingest ? [] : [0, 1, 2].filter(i => this.#ingest!.halves[i]!.length > 0);
    }

    chunkOf(index: number): Chunk | null {
        if (this.#near && index >= this.#near.row0 && index < this.#near.row0 + this.#near.rows)
            return this.#near;
        let low = 0, high = this.chunks.length - 1;
        while (low <= high) {
            const middle = (low + high) >> 1, chunk = this.chunks[middle]!;
            if (index < chunk.row0)
                high = middle - 1;
            else if (index >= chunk.row0 + chunk.rows)
                low = middle + 1;
            else
                return this.#near = chunk;
        }
        return null;
    }

    /* The row, or null while its bytes are not here (see restore), or when there is none. */
    at(index: number): Row | null {
        if (index >= this.rows)
            return this.#openRow(index);
        const chunk = this.chunkOf(index);
        if (!chunk?.body)
            return null;
        chunk.used = ++this.#clock;
        return rowOf(chunk, index - chunk.row0);
    }

    #openRow(index: number): Row | null {
        const open = this.#open(), which = open[index - this.rows];
        if (which === undefined)
            return null;
        const half = this.#ingest!.halves[which]!;
        const before = open.slice(0, index - this.rows).filter(i => i + 1 !== SYSTEM && !this.#ingest!.halves[i]!.cont).length;
        const to = endOfText(half.bytes, 0, half.length);
        const over = half.cut || lastReturn(half.bytes, 0, to) >= 0;
        return { index, number: half.cont || which + 1 === SYSTEM ? 0 : this.lines + before + 1,
            flags: (which + 1) | (half.cont ? CONT : 0) | (over ? OVER : 0) | (half.cut ? CUT : 0), time: half.time, pen: half.pen,
            bytes: half.bytes, from: 0, to, isOpen: true };
    }

    /* The row of a line's number; -1 while there is none. */
    rowOfLine(number: number): number {
        const chunk = this.chunks.find(one => number > one.line0 && number <= one.line0 + one.lines);
        if (!chunk)
            return -1;
        if (!chunk.body || chunk.lines === chunk.rows) /* without its bytes: near enough, and exact when all rows are lines */
            return chunk.row0 + Math.min(chunk.rows - 1, number - chunk.line0 - 1);
        let low = 0, high = chunk.rows - 1;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (chunk.line0 + numberedBefore(chunk, middle + 1) < number)
                low = middle + 1;
            else
                high = middle;
        }
        return chunk.row0 + low;
    }

    /* ---- giving bytes up, and having them back ---- */

    #giveUp(): void {
        while (this.#kept > this.#most) {
            let oldest: Chunk | null = null;
            for (const chunk of this.chunks)
                if (chunk.body && chunk !== this.#last() && (!oldest || chunk.used < oldest.used))
                    oldest = chunk;
            if (!oldest)
                return;
            this.#kept -= sizeOf(oldest.body!);
            oldest.body = null;
        }
    }

    /* Puts the bytes of a chunk back: feed() the frames from chunk.from to chunk.last, then done(). False: these were other
     * frames than the first time. */
    restore(chunk: Chunk): { frame(stream: number, time: number): void; feed(bytes: Uint8Array, from: number, to: number): void;
        end(): void; done(): boolean } {
        const body = newBody(), ingest = new Ingest(body, chunk.before);
        return {
            frame: (stream, time) => ingest.begin(stream, time),
            feed: (bytes, from, to) => ingest.feed(bytes, from, to),
            end: () => ingest.end(),
            done: () => {
                if (chunk.isEnd)
                    ingest.finish();
                if (body.rows !== chunk.rows)
                    return false;
                if (!chunk.body) {
                    chunk.body = trimmed(body);
                    chunk.used = ++this.#clock;
                    this.#kept += sizeOf(chunk.body);
                    this.#giveUp();
                }
                return true;
            },
        };
    }
}

export function isNumbered(flags: number): boolean {
    return (flags & CONT) === 0 && (flags & STREAM) !== SYSTEM;
}

function numberedBefore(chunk: Chunk, i: number): number {
    const body = chunk.body!;
    if (chunk.lines === chunk.rows)
        return i;
    if (!body.numbered || body.numbered.length <= body.rows) {
        const table = new Uint32Array(body.rows + 1);
        for (let k = 0; k < body.rows; k++)
            table[k + 1] = table[k]! + (isNumbered(body.flags[k]!) ? 1 : 0);
        body.numbered = table;
    }
    return body.numbered[i]!;
}

function rowOf(chunk: Chunk, i: number): Row {
    const body = chunk.body!, flags = body.flags[i]!, from = body.starts[i]!;
    return { index: chunk.row0 + i, number: isNumbered(flags) ? chunk.line0 + numberedBefore(chunk, i) + 1 : 0, flags,
        time: body.t0 + body.times[i]!, pen: body.styles[i]!, bytes: body.bytes, from,
        to: endOfText(body.bytes, from, body.starts[i + 1]!), isOpen: false };
}
