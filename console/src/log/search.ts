/* search - looks for something in all rows, in slices: step() does a few tens of kilobytes and says how far it is. Pure.
 *
 * Bytes are looked at as text of one byte per character, which browsers search fast; what is found is checked on the row's
 * own text. Rows with sequences or overwritten text are looked at as they are shown. */
import { decode, fold, textOf, type Hit } from './decode';
import { ERR, OVER, STREAM, type Chunk, type LogRows, type Row } from './rows';

export interface Matcher {
    /* In text of one byte per character; -1: nowhere at or after `from`. */
    find(bytes: string, from: number): number;
    /* Is it in a row's text, as it is shown? */
    is(text: string): boolean;
    /* Rows of other streams are not looked at; 0: of all. */
    stream: number;
}

const oneByte = new TextDecoder('latin1');
const SLICE = 64 * 1024;
export const MOST_FOUND = 100_000;

/* As most editors do: a capital letter in what is looked for means that case counts. Otherwise A to Z and a to z are the same. */
export function hitOf(text: string): Hit {
    const folded = fold(text) === text;
    return { needle: text, folded };
}

export function textMatcher(hit: Hit): Matcher {
    const bytes = oneByte.decode(new TextEncoder().encode(hit.needle)), needle = hit.folded ? bytes.toLowerCase() : bytes;
    let last = '', folded = '';
    return {
        find(hay, from) {
            if (!hit.folded)
                return hay.indexOf(needle, from);
            if (hay !== last) {
                last = hay;
                folded = hay.toLowerCase(); /* windows-1252 has no letter whose lower case is longer */
            }
            return folded.indexOf(needle, from);
        },
        is: text => (hit.folded ? fold(text) : text).includes(hit.needle),
        stream: 0,
    };
}

/* What compilers, test runners and shells print when something went wrong; not "0 errors", "-Werror", "error.c". */
const failure = new RegExp('(?:^|[^\\w/-])(?:error(?:\\[\\w{0,20}\\])?:|fatal(?: error)?:|panic:|panicked at|Traceback \\(most recent'
    + '|(?:ERROR|FATAL|FAILED|FAILURE|FAIL|CRITICAL)(?![\\w=-])(?!: 0\\b)|[A-Z]\\w{0,60}(?:Error|Exception)(?=[:\\s]|$)|Error:|npm ERR!'
    + '|not ok \\d|Segmentation fault|core dumped|undefined reference to|command not found|No such file or directory|Permission denied'
    + '|make(?:\\[\\d+\\])?: \\*\\*\\*)', 'gm');

export function errorMatcher(): Matcher {
    const pattern = new RegExp(failure.source, 'gm');
    const find = (hay: string, from: number): number => {
        pattern.lastIndex = from;
        const m = pattern.exec(hay);
        return m ? m.index + m[0].length - 1 : -1;
    };
    return { find, is: text => find(text, 0) >= 0, stream: 0 };
}

/* Any line of stderr: what is left when no line looks like an error. */
export function stderrMatcher(): Matcher {
    return { find: (hay, from) => from < hay.length ? from : -1, is: text => text.trim() !== '', stream: ERR };
}

export class Search {
    /* Rows that match, ascending. */
    found: Uint32Array<ArrayBufferLike> = new Uint32Array(256);
    count = 0;
    /* The first row that was not looked at. */
    next: number;
    isFull = false;
    readonly #rows: LogRows;
    readonly #matcher: Matcher;
    readonly #most: number;

    constructor(rows: LogRows, matcher: Matcher, { from = 0, most = MOST_FOUND }: { from?: number; most?: number } = {}) {
        this.#rows = rows;
        this.#matcher = matcher;
        this.#most = most;
        this.next = from;
    }

    get isDone(): boolean {
        return this.isFull || this.next >= this.#rows.rows;
    }

    /* Looks at some more rows. A chunk: its bytes are not here; call again when they are. Null: go on, or see isDone. */
    step(): Chunk | null {
        if (this.isDone)
            return null;
        const chunk = this.#rows.chunkOf(this.next)!, body = chunk.body;
        if (!body)
            return chunk;
        const first = this.next - chunk.row0, start = body.starts[first]!;
        let end = first + 1;
        while (end < chunk.rows && body.starts[end]! - start < SLICE && end - first < 1024)
            end++;
        const to = body.starts[end]!, hay = oneByte.decode(body.bytes.subarray(start, to));
        let row = first, at = 0, special = this.#special(chunk, hay, first, end, 0);
        while (row < end && !this.isFull) {
            const plain = this.#matcher.find(hay, at), place = plain < 0 ? Infinity : plain + start;
            /* Whichever comes first: a match in plain bytes, or a row that has to be looked at as it is shown. */
            let hit = end;
            for (let low = row, high = end; place < Infinity && low < high;) {
                const middle = (low + high) >> 1;
                if (body.starts[middle + 1]! <= place)
                    low = middle + 1;
                else
                    hit = high = middle;
            }
            row = Math.min(hit, special);
            if (row >= end)
                break;
            this.#look(chunk.row0 + row);
            row++;
            at = row < end ? body.starts[row]! - start : hay.length;
            if (special < row)
                special = this.#special(chunk, hay, row, end, at);
        }
        this.next = chunk.row0 + (this.isFull ? row : end);
        return null;
    }

    /* The first row from `row` on that has a sequence, or overwritten text. */
    #special(chunk: Chunk, hay: string, row: number, end: number, at: number): number {
        const body = chunk.body!, esc = hay.indexOf('\u001b', at);
        const place = esc < 0 ? Infinity : esc + body.starts[row]! - at;
        for (let i = row; i < end; i++)
            if (body.starts[i + 1]! > place || (body.flags[i]! & OVER))
                return i;
        return end;
    }

    #look(index: number): void {
        const row = this.#rows.at(index)!;
        if (this.#matcher.stream && (row.flags & STREAM) !== this.#matcher.stream)
            return;
        if (this.#matcher.is(isPlain(row) ? decode(row.bytes, row.from, row.to) : textOf(row)))
            this.#add(index);
    }

    #add(index: number): void {
        if (this.count === this.found.length) {
            const more = new Uint32Array(this.count * 2);
            more.set(this.found);
            this.found = more;
        }
        this.found[this.count++] = index;
        this.isFull = this.count >= this.#most;
    }

    /* How many of them lie before a row. */
    before(index: number): number {
        let low = 0, high = this.count;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (this.found[middle]! < index)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
}

function isPlain(row: Row): boolean {
    return !(row.flags & OVER) && row.bytes.subarray(row.from, row.to).indexOf(0x1b) < 0;
}
