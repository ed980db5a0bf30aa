/* control - what the viewer can do, and what it shows beside the rows: everything between the feed, the window and the
 * buttons. One per step that is shown. */
import { batch, signal } from '@preact/signals';
import { follow } from '../api/live';
import { getRaw, get } from '../api/client';
import { asError, type ApiError } from '../api/errors';
import type { Event } from '../api/types';
import { navigate, place } from '../router';
import { toast } from '../ui/toast';
import { copyOf, type Hit } from './decode';
import { Feed, type Page, type Source } from './feed';
import { CONT, type Chunk } from './rows';
import { errorMatcher, hitOf, Search, stderrMatcher, textMatcher, type Matcher } from './search';
import { breathe } from './slices';
import { t } from './strings';
import { LogWindow, type Shown, type Words } from './window';

const COPY_MOST = 50_000; /* rows */
const DOWNLOAD_PAGE = 4 * 1024 * 1024;
const PREFERENCES = 'log';

export interface Target {
    runId: string;
    stepId: string;
    attempt: number;
    running: boolean;
    cursor?: string | null;
}

function sourceOf({ runId, stepId, cursor }: Target, ends: AbortSignal): Source {
    return {
        page: async (offset, limit) => await get('/steps/{step}/log', { path: { step: stepId }, query: { offset, limit }, signal: ends }) as Page,
        follow: on => follow(runId, { cursor, onEvents: (events: Event[]) => on.onEvents(events), onEnd: on.onEnd, onError: on.onError }),
        sleep: ms => new Promise(done => setTimeout(done, ms)),
    };
}

/* "#L12" or "#L12-L20"; null: something else. */
export function linesOf(hash: string): [first: number, last: number] | null {
    const m = /^#L(\d{1,9})(?:-L(\d{1,9}))?$/.exec(hash);
    if (!m)
        return null;
    const a = Number(m[1]), b = Number(m[2] ?? m[1]);
    return a > 0 && b > 0 ? [Math.min(a, b), Math.max(a, b)] : null;
}

export function hashOf(first: number, last: number): string {
    return first === last ? `#L${first}` : `#L${first}-L${last}`;
}

function clock(ms: number): string {
    const d = new Date(ms), two = (n: number): string => String(n).padStart(2, '0');
    return Number.isNaN(ms) ? '' : `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}.${String(d.getMilliseconds()).padStart(3, '0')}`;
}

function preference(name: string, otherwise: boolean): boolean {
    try {
        return (JSON.parse(localStorage.getItem(PREFERENCES) ?? '{}') as Record<string, boolean>)[name] ?? otherwise;
    } catch {
        return otherwise;
    }
}

function keepPreferences(values: Record<string, boolean>): void {
    try {
        localStorage.setItem(PREFERENCES, JSON.stringify(values));
    } catch {
        /* storage is forbidden: until the page is left */
    }
}

export class LogControl {
    readonly count = signal(0);
    readonly lines = signal(0);
    readonly bytes = signal(0);
    readonly isLoaded = signal(false);
    readonly isFinished = signal(false);
    readonly error = signal<ApiError | null>(null);
    readonly following = signal(false);
    readonly wrap = signal(preference('wrap', true));
    readonly times = signal(preference('times', false));
    readonly raw = signal(false);
    readonly query = signal('');
    /* Of the search: how many rows, which of them is the present one (from 1; 0: none), is all looked at, are there more. */
    readonly found = signal({ count: 0, at: 0, isDone: true, isFull: false });
    readonly cursor = signal(-1);
    readonly marked = signal<[number, number] | null>(null);
    /* Said to who cannot see it; and what a search for an error came to. */
    readonly said = signal('');
    readonly isSeekingError = signal(false);
    readonly downloading = signal(false);

    readonly #target: Target;
    readonly #ends = new AbortController();
    readonly feed: Feed;
    window: LogWindow | null = null;
    #search: Search | null = null;
    #hit: Hit | null = null;
    #searchTimer = 0;
    #frame = 0;
    #restTimer = 0;
    /* Lines of the URL that are not here yet. */
    #awaited: [number, number] | null = null;

    constructor(target: Target) {
        this.#target = target;
        this.feed = new Feed(sourceOf(target, this.#ends.signal), { id: target.stepId, attempt: target.attempt, running: target.running },
            () => this.#changed(), () => this.#replaced());
        this.following.value = target.running;
        this.#goToHash();
    }

    mount(parts: { scroller: HTMLElement; space: HTMLElement; list: HTMLElement }): () => void {
        const words: Words = { overwritten: t('overwritten'), given_up: t('given_up'), waiting: t('waiting_row'), clock,
            link: number => `${place.peek().path}${place.peek().search}#L${number}` };
        this.window = new LogWindow(parts, this.#shown(), words, (first, last) => this.#bring(first, last));
        this.window.isAtEnd = this.following.peek();
        const sizes = new ResizeObserver(() => {
            this.window?.measure();
            this.draw();
        });
        sizes.observe(parts.scroller);
        this.feed.start();
        return () => {
            sizes.disconnect();
            cancelAnimationFrame(this.#frame);
            clearTimeout(this.#searchTimer);
            clearTimeout(this.#restTimer);
            this.#search = null;
            this.feed.close();
            this.#ends.abort();
            this.window = null;
        };
    }

    /* ---- drawing ---- */

    #shown(): Shown {
        const marked = this.marked.peek(), { rows } = this.feed;
        return { rows, wrap: this.wrap.peek(), times: this.times.peek(), raw: this.raw.peek(), hit: this.#hit, cursor: this.cursor.peek(),
            marked: marked ? [rows.rowOfLine(marked[0]), this.#lastRowOf(marked[1])] : [-1, -1] };
    }

    /* A line's last row: what continues it is marked with it. */
    #lastRowOf(line: number): number {
        const { rows } = this.feed;
        let row = rows.rowOfLine(line);
        for (let next; row >= 0 && (next = rows.at(row + 1)) && next.flags & CONT && !next.isOpen;)
            row++;
        return row;
    }

    /* With the next frame. */
    draw(): void {
        if (!this.#frame)
            this.#frame = requestAnimationFrame(() => {
                this.#frame = 0;
                this.#draw();
            });
    }

    #draw(): void {
        const { rows, state } = this.feed;
        batch(() => {
            this.count.value = rows.count;
            this.lines.value = rows.lines;
            this.bytes.value = state.bytes;
            this.isLoaded.value = state.isLoaded;
            this.isFinished.value = rows.isFinished;
            this.error.value = state.error;
        });
        if (this.#awaited && (rows.lines >= this.#awaited[0] || rows.isFinished))
            this.#arrive();
        if (this.window) {
            if (this.following.peek())
                this.window.toEnd();
            this.window.show(this.#shown());
        }
    }

    #changed(): void {
        this.draw();
        if (this.#search && !this.#isSearching)
            void this.#runSearch();
    }

    #replaced(): void {
        this.cursor.value = -1;
        this.marked.value = null;
        this.search(this.query.peek());
        this.draw();
    }

    #bring(first: number, last: number): void {
        for (let row = first; row <= last;) {
            const chunk = this.feed.rows.chunkOf(row);
            if (!chunk)
                return;
            if (!chunk.body && !chunk.wanted)
                void this.#restore(chunk).then(() => this.draw());
            row = chunk.row0 + chunk.rows;
        }
    }

    async #restore(chunk: Chunk): Promise<boolean> {
        chunk.wanted = true;
        const ok = await this.feed.restore(chunk);
        chunk.wanted = !ok; /* what cannot be had is not asked for again and again */
        return ok;
    }

    /* ---- scrolling, the cursor ---- */

    scrolled(): void {
        const w = this.window;
        if (!w?.scrolled())
            return;
        this.#byHand();
        w.gesture(true);
        clearTimeout(this.#restTimer);
        this.#restTimer = window.setTimeout(() => {
            w.gesture(false);
            w.rested();
        }, 160);
        this.draw();
    }

    /* At the end of what still grows it is followed; anywhere else it is not. */
    #byHand(): void {
        this.following.value = this.window!.isAtEnd && !this.feed.rows.isFinished && this.#target.running;
    }

    toggleFollow(): void {
        this.following.value = !this.following.peek();
        if (this.window)
            this.window.isAtEnd = this.following.peek();
        this.draw();
    }

    toEnd(): void {
        this.window?.toEnd();
        this.following.value = !this.feed.rows.isFinished;
        this.cursor.value = -1;
        this.draw();
    }

    toTop(): void {
        this.#show(0);
    }

    #show(row: number, middle = false): void {
        this.following.value = false;
        this.cursor.value = row;
        if (this.window) {
            this.window.isAtEnd = false;
            this.window.reveal(row, middle);
        }
        this.draw();
    }

    moveCursor(by: number): void {
        const count = this.feed.rows.count;
        if (!count || !this.window)
            return;
        const from = this.cursor.peek() >= 0 ? this.cursor.peek() : this.window.firstRow + (by < 0 ? 1 : -1) + (by > 0 && this.window.isAtEnd
            ? this.window.visibleRows : 0);
        this.#show(Math.max(0, Math.min(count - 1, from + by)));
    }

    /* ---- lines of the URL ---- */

    #goToHash(): void {
        const lines = linesOf(place.peek().hash);
        this.marked.value = lines;
        this.#awaited = lines;
        if (lines)
            this.following.value = false;
    }

    hashChanged(): void {
        const lines = linesOf(place.peek().hash), now = this.marked.peek();
        if (lines?.[0] === now?.[0] && lines?.[1] === now?.[1])
            return;
        this.#goToHash();
        this.draw();
    }

    #arrive(): void {
        const row = this.feed.rows.rowOfLine(this.#awaited![0]), chunk = row >= 0 ? this.feed.rows.chunkOf(row) : null;
        if (chunk && !chunk.body && !chunk.wanted) { /* which row it is can only be said with its bytes */
            void this.#restore(chunk).then(() => this.draw());
            return;
        }
        this.#awaited = null;
        if (row >= 0)
            this.#show(row, true);
    }

    mark(line: number, further: boolean): void {
        const now = this.marked.peek();
        const [first, last] = further && now ? [Math.min(now[0], line), Math.max(line, now[0])] : [line, line];
        this.marked.value = [first, last];
        this.following.value = false;
        if (this.window)
            this.window.isAtEnd = false;
        navigate(place.peek().path + place.peek().search + hashOf(first, last), { replace: true });
        this.draw();
    }

    markCursor(further: boolean): void {
        const row = this.cursor.peek() >= 0 ? this.feed.rows.at(this.cursor.peek()) : null;
        if (row?.number)
            this.mark(row.number, further);
    }

    unmark(): void {
        if (this.marked.peek())
            navigate(place.peek().path + place.peek().search, { replace: true });
        this.marked.value = null;
        this.cursor.value = -1;
        this.draw();
    }

    /* ---- searching ---- */

    #isSearching = false;

    search(text: string): void {
        this.query.value = text;
        clearTimeout(this.#searchTimer);
        this.#search = null;
        this.#hit = text ? hitOf(text) : null;
        this.found.value = { count: 0, at: 0, isDone: !text, isFull: false };
        this.draw();
        if (text)
            this.#searchTimer = window.setTimeout(() => {
                this.#search = new Search(this.feed.rows, textMatcher(this.#hit!));
                void this.#runSearch(true);
            }, 120);
    }

    async #runSearch(goes = false): Promise<void> {
        const search = this.#search!;
        this.#isSearching = true;
        const from = goes ? this.window?.firstRow ?? 0 : -1;
        let isGone = !goes;
        while (search === this.#search && !search.isDone) {
            const chunk = search.step();
            if (chunk && !await this.#restore(chunk))
                break;
            if (!isGone && search.count && search.found[search.count - 1]! >= from) {
                isGone = true;
                this.#toFound(search.before(from));
            }
            this.#tellFound();
            await breathe();
        }
        if (search !== this.#search)
            return;
        this.#isSearching = false;
        if (!isGone && search.count)
            this.#toFound(0);
        this.#tellFound();
        if (goes)
            this.said.value = t('found_said', { n: search.count });
    }

    #tellFound(): void {
        const search = this.#search;
        if (!search)
            return;
        const at = search.before(this.cursor.peek()), isOn = at < search.count && search.found[at] === this.cursor.peek();
        const now = { count: search.count, at: isOn ? at + 1 : 0, isDone: search.isDone, isFull: search.isFull }, was = this.found.peek();
        if (now.count !== was.count || now.at !== was.at || now.isDone !== was.isDone)
            this.found.value = now;
    }

    #toFound(i: number): void {
        this.#show(this.#search!.found[i]!, true);
        this.#tellFound();
    }

    /* The next (1) or the one before (-1); from the last to the first, and back. */
    step(by: 1 | -1): void {
        const search = this.#search;
        if (!search?.count)
            return;
        const cursor = this.cursor.peek(), from = cursor >= 0 ? cursor : (this.window?.firstRow ?? 0) - (by > 0 ? 1 : 0);
        const i = by > 0 ? search.before(from + 1) : search.before(from) - 1;
        this.#toFound((i + search.count) % search.count);
    }

    async #first(matcher: Matcher, from: number): Promise<number> {
        const search = new Search(this.feed.rows, matcher, { from, most: 1 });
        while (!search.isDone && !this.#ends.signal.aborted) {
            const chunk = search.step();
            if (chunk && !await this.#restore(chunk))
                break;
            await breathe();
        }
        return search.count ? search.found[0]! : -1;
    }

    /* The first line that looks like an error; again: the next. When none does: the first of stderr. */
    async toError(): Promise<void> {
        if (this.isSeekingError.peek())
            return;
        this.isSeekingError.value = true;
        const after = this.#lastError >= 0 && this.cursor.peek() === this.#lastError ? this.#lastError + 1 : 0;
        let row = await this.#first(errorMatcher(), after);
        if (row < 0 && after)
            row = await this.#first(errorMatcher(), 0);
        if (row < 0)
            row = await this.#first(stderrMatcher(), 0);
        this.isSeekingError.value = false;
        if (this.#ends.signal.aborted)
            return;
        this.#lastError = row;
        if (row >= 0)
            this.#show(row, true);
        else
            toast(t('no_error'), 'calm');
        this.said.value = row >= 0 ? t('at_row', { n: row + 1 }) : t('no_error');
    }

    #lastError = -1;

    /* ---- taking it along ---- */

    /* Text of the rows, without colours; what continues a line is one line with it. */
    async textOf(first: number, last: number): Promise<string> {
        const parts: string[] = [];
        for (let i = first; i <= Math.min(last, first + COPY_MOST - 1); i++) {
            const chunk = this.feed.rows.chunkOf(i);
            if (chunk && !chunk.body && !await this.#restore(chunk))
                break;
            const row = this.feed.rows.at(i);
            if (!row)
                break;
            parts.push((row.flags & CONT || !parts.length ? '' : '\n') + copyOf(row));
            await breathe();
        }
        return parts.join('');
    }

    /* The marked lines, or the line of the cursor. */
    async copy(): Promise<void> {
        const marked = this.marked.peek(), cursor = this.cursor.peek();
        const first = marked ? this.feed.rows.rowOfLine(marked[0]) : cursor, last = marked ? this.#lastRowOf(marked[1]) : cursor;
        if (first < 0)
            return;
        try {
            await navigator.clipboard.writeText(await this.textOf(first, last));
            toast(t('copied', { n: marked ? marked[1] - marked[0] + 1 : 1 }));
        } catch {
            toast(t('not_copied'), 'bad');
        }
    }

    /* The command's own bytes, all of them, as they came. They are kept by the browser, not in the page's memory. */
    async download(): Promise<void> {
        if (this.downloading.peek())
            return;
        this.downloading.value = true;
        const parts: Blob[] = [];
        try {
            for (let offset = 0, next = 0; ; offset = next) {
                const answer = await getRaw('/steps/{step}/log', { path: { step: this.#target.stepId },
                    query: { offset, limit: DOWNLOAD_PAGE }, signal: this.#ends.signal }, 'text/plain');
                next = Number(answer.headers.get('X-Next-Offset'));
                const part = await answer.blob();
                parts.push(part);
                if (!(next > offset) || part.size < DOWNLOAD_PAGE) /* a page is only shorter where the log ends, for now */
                    break;
            }
            const url = URL.createObjectURL(new Blob(parts, { type: 'application/octet-stream' })), link = document.createElement('a');
            link.href = url;
            link.download = `${this.#target.stepId}.log`;
            link.click();
            setTimeout(() => URL.revokeObjectURL(url), 60_000);
        } catch (e) {
            if (!this.#ends.signal.aborted)
                this.error.value = asError(e);
        }
        this.downloading.value = false;
    }

    toggle(what: 'wrap' | 'times' | 'raw'): void {
        this[what].value = !this[what].peek();
        keepPreferences({ wrap: this.wrap.peek(), times: this.times.peek() });
        this.draw();
    }
}
