/* window - the rows that can be seen, as elements: a few dozen of a million. By hand instead of by VNodes, since it is done
 * for each frame while somebody scrolls.
 *
 *   scroller (scrolls) ─ space (as high as all rows, at most HIGHEST) ─ frame (sticks to the top) ─ rows (moved by --shift)
 *
 * What can be seen is known by its first row, and how many pixels of it are above the edge (row, cut); the scroll bar follows
 * from that. So rows may be of any height (wrapped lines), and there may be more of them than an element can be high. A small
 * movement of the scroll bar moves by as many pixels, a large one to the same part of the log.
 *
 * Everything in it is text from outside: createTextNode and nothing else. */
import { setVars } from '../ui/vars';
import { piecesOf, type Hit } from './decode';
import { CUT, ERR, NO_EOL, OVER, STREAM, SYSTEM, type LogRows, type Row } from './rows';

/* Elements higher than some 17 million pixels are cut off by some browsers. */
const HIGHEST = 8_000_000;
/* Elements and texts that the rows may be, all together; the bar above them and the page around have some, too. */
const NODES = 1400;
const ROW_NODES = 9;
const PIECES = 40;

export interface Shown {
    rows: LogRows;
    wrap: boolean;
    times: boolean;
    raw: boolean;
    hit: Hit | null;
    /* The row of the keyboard; -1: none. */
    cursor: number;
    /* Marked rows, both included; -1: none. */
    marked: [first: number, last: number];
}

export interface Words {
    /* Said of a row's text. */
    overwritten: string;
    given_up: string;
    waiting: string;
    clock(ms: number): string;
    /* What the number of a line links to. */
    link(number: number): string;
}

interface Made {
    element: HTMLElement;
    nodes: number;
    /* What it looks like depends on these. */
    key: string;
}

export class LogWindow {
    readonly #scroller: HTMLElement;
    readonly #space: HTMLElement;
    readonly #list: HTMLElement;
    readonly #words: Words;
    /* Bytes of these rows are not here: bring them. */
    readonly #missing: (first: number, last: number) => void;
    #made = new Map<number, Made>();
    #shown: Shown;
    #row = 0;
    #cut = 0;
    #lineHeight = 20;
    #charWidth = 8;
    #height = 0;
    #width = 0;
    #set = -1;
    #top = 0;
    #spaceHeight = -1;
    #columns = 0;
    isAtEnd = true;

    constructor(parts: { scroller: HTMLElement; space: HTMLElement; list: HTMLElement }, shown: Shown, words: Words,
        missing: (first: number, last: number) => void) {
        this.#scroller = parts.scroller;
        this.#space = parts.space;
        this.#list = parts.list;
        this.#shown = shown;
        this.#words = words;
        this.#missing = missing;
        this.measure();
    }

    /* The size of the window, and of a character, may be others now. */
    measure(): void {
        const probe = document.createElement('div');
        probe.className = 'log-row log-probe';
        probe.append(document.createTextNode('0'.repeat(100)));
        this.#list.append(probe);
        const box = probe.getBoundingClientRect();
        probe.remove();
        this.#lineHeight = box.height || 20;
        this.#charWidth = box.width / 100 || 8;
        this.#height = this.#scroller.clientHeight;
        this.#width = this.#scroller.clientWidth;
    }

    get visibleRows(): number {
        return Math.max(1, Math.floor(this.#height / this.#lineHeight) - 1);
    }

    get firstRow(): number {
        return this.#row;
    }

    /* ---- heights ---- */

    /* As high as it is, when it is there; else as high as its bytes would be. */
    #heightOf(index: number): number {
        if (!this.#shown.wrap)
            return this.#lineHeight;
        const made = this.#made.get(index);
        if (made?.element.isConnected)
            return made.element.getBoundingClientRect().height;
        const row = this.#shown.rows.at(index);
        const columns = Math.max(10, Math.floor((this.#width - this.#gutter()) / this.#charWidth));
        return this.#lineHeight * (row ? Math.max(1, Math.ceil((row.to - row.from) / columns)) : 1);
    }

    #gutter(): number {
        const number = this.#list.querySelector('.log-text');
        return number ? (number as HTMLElement).offsetLeft + 8 : 64;
    }

    /* First row and cut when the last row stands at the lower edge. */
    #end(): [row: number, cut: number] {
        let left = this.#height, row = this.#shown.rows.count;
        while (row > 0 && left > 0)
            left -= this.#heightOf(--row);
        return [row, left < 0 ? -left : 0];
    }

    /* ---- the scroll bar ---- */

    #room(): number {
        return Math.max(0, this.#spaceHeight - this.#height);
    }

    #isExact(): boolean {
        return !this.#shown.wrap && this.#shown.rows.count * this.#lineHeight <= HIGHEST;
    }

    #place(): number {
        if (this.isAtEnd)
            return this.#room();
        if (this.#isExact())
            return this.#row * this.#lineHeight + this.#cut;
        const [row, cut] = this.#end(), last = row + cut / this.#heightOf(row);
        return last > 0 ? Math.min(1, (this.#row + this.#cut / this.#heightOf(this.#row)) / last) * this.#room() : 0;
    }

    #syncBar(): void {
        const to = Math.round(this.#place());
        if (Math.abs(this.#scroller.scrollTop - to) >= 1) {
            this.#scroller.scrollTop = to;
            this.#set = this.#scroller.scrollTop;
        }
        this.#top = this.#scroller.scrollTop;
    }

    /* Somebody scrolled. True: by hand, not by us. */
    scrolled(): boolean {
        const top = this.#scroller.scrollTop, by = top - this.#top;
        if (Math.abs(by) < 1 || Math.abs(top - this.#set) < 1) {
            this.#top = top;
            this.#set = -1;
            return false;
        }
        this.#top = top;
        this.#set = -1;
        if (top >= this.#room() - 1)
            this.toEnd();
        else if (top <= 0)
            this.#to(0, 0);
        else if (this.#isExact())
            this.#to(Math.floor(top / this.#lineHeight), top % this.#lineHeight);
        else if (Math.abs(by) < this.#height * 1.5)
            this.move(by);
        else {
            const [row, cut] = this.#end(), at = top / this.#room() * (row + cut / this.#heightOf(row));
            this.#to(Math.floor(at), (at % 1) * this.#heightOf(Math.floor(at)));
        }
        return true;
    }

    /* Scrolling has come to rest: the bar may be put where it belongs (in the midst of a gesture that would end it). */
    rested(): void {
        this.#syncBar();
    }

    /* ---- moving ---- */

    #to(row: number, cut: number): void {
        const [last, lastCut] = this.#end();
        this.isAtEnd = row > last || (row === last && cut >= lastCut - 1);
        [this.#row, this.#cut] = this.isAtEnd ? [last, lastCut] : [Math.max(0, row), Math.max(0, cut)];
    }

    move(pixels: number): void {
        let row = this.#row, cut = this.#cut + pixels;
        while (cut < 0 && row > 0)
            cut += this.#heightOf(--row);
        for (let height; row < this.#shown.rows.count - 1 && cut >= (height = this.#heightOf(row)); row++)
            cut -= height;
        this.#to(row, cut);
    }

    toEnd(): void {
        this.isAtEnd = true;
    }

    /* Brings a row into sight; `middle`: to the middle unless it can be seen already. */
    reveal(index: number, middle = false): void {
        const first = this.#row, last = this.#lastWhole();
        if (index > first && index <= last)
            return;
        if (middle)
            this.#to(Math.max(0, index - Math.floor(this.visibleRows / 2)), 0);
        else if (index <= first)
            this.#to(index, 0);
        else {
            this.#to(index, 0);
            this.move(this.#heightOf(index) - this.#height);
        }
    }

    #lastWhole(): number {
        let left = this.#height + this.#cut, row = this.#row;
        while (row < this.#shown.rows.count && left >= this.#heightOf(row))
            left -= this.#heightOf(row++);
        return row - 1;
    }

    /* ---- showing ---- */

    show(shown: Shown): void {
        if (shown.rows !== this.#shown.rows)
            this.#clear();
        this.#shown = shown;
        this.render();
    }

    #clear(): void {
        for (const { element } of this.#made.values())
            element.remove();
        this.#made.clear();
        this.#row = this.#cut = this.#columns = 0;
    }

    render(): void {
        const { rows, wrap } = this.#shown, count = rows.count;
        if (this.isAtEnd || this.#row >= count)
            [this.#row, this.#cut] = this.#end();
        let left = this.#height + this.#cut, last = this.#row;
        while (last < count && left > 0)
            left -= this.#heightOf(last++);
        last = Math.min(count, last + 2);
        this.#fill(this.#row, last);
        if (wrap && this.isAtEnd && this.#height && this.#row > 0)
            this.#cut = Math.max(0, this.#list.getBoundingClientRect().height - this.#height);
        const height = Math.max(this.#height, Math.min(HIGHEST, count * this.#lineHeight));
        if (height !== this.#spaceHeight) {
            this.#spaceHeight = height;
            setVars(this.#space, { '--log-height': `${height}px` });
        }
        setVars(this.#list, { '--log-shift': `${-this.#cut}px` });
        if (!this.#resting)
            this.#syncBar();
    }

    #resting = false;
    /* While a gesture goes on, the bar is left alone. */
    gesture(goes: boolean): void {
        this.#resting = goes && !this.#isExact();
    }

    #fill(first: number, last: number): void {
        const { rows } = this.#shown;
        for (const [index, made] of this.#made)
            if (index < first || index >= last) {
                made.element.remove();
                this.#made.delete(index);
            }
        let nodes = 0, lacks = -1;
        for (const made of this.#made.values())
            nodes += made.nodes;
        let before: Element | null = null, columns = 0;
        for (let index = first; index < last; index++) {
            const row = rows.at(index), old = this.#made.get(index), key = this.#keyOf(index, row);
            if (!row)
                lacks = lacks < 0 ? index : lacks;
            let made = old;
            if (old?.key !== key) {
                nodes -= old?.nodes ?? 0;
                const reserved = (last - index - 1) * ROW_NODES, most = Math.floor((NODES - nodes - reserved - ROW_NODES) / 2);
                made = this.#make(index, row, key, Math.max(1, Math.min(PIECES, most)));
                nodes += made.nodes;
                this.#made.set(index, made);
                if (old)
                    old.element.replaceWith(made.element);
            }
            const at: Element | null = before ? before.nextElementSibling : this.#list.firstElementChild;
            if (at !== made!.element)
                this.#list.insertBefore(made!.element, at);
            before = made!.element;
            columns = Math.max(columns, row ? row.to - row.from : 0);
        }
        if (lacks >= 0)
            this.#missing(lacks, last - 1);
        if (columns > this.#columns) { /* the bar below grows as longer rows come into sight, and does not shrink under the hand */
            this.#columns = columns;
            setVars(this.#space, { '--log-columns': columns });
        }
    }

    #keyOf(index: number, row: Row | null): string {
        const { cursor, marked, hit, raw, times, wrap } = this.#shown;
        return `${row ? (row.isOpen ? `${row.number}:${row.to}:${row.time}` : 'r') : '-'} ${index === cursor} ${index >= marked[0] && index <= marked[1]} ${
            raw} ${times} ${wrap} ${hit?.needle ?? ''}`;
    }

    #make(index: number, row: Row | null, key: string, most: number): Made {
        const { cursor, marked, raw, times, hit } = this.#shown, element = document.createElement('div');
        const stream = row ? row.flags & STREAM : 0;
        element.className = 'log-row' + (stream === ERR ? ' log-err' : stream === SYSTEM ? ' log-system' : '')
            + (index === cursor ? ' log-cursor' : '') + (marked[0] >= 0 && index >= marked[0] && index <= marked[1] ? ' log-marked' : '');
        element.id = `log-row-${index}`;
        element.dataset['row'] = String(index);
        element.setAttribute('role', 'row');
        element.setAttribute('aria-rowindex', String(index + 1));
        if (index === cursor)
            element.setAttribute('aria-selected', 'true');
        let nodes = 4;
        const number = document.createElement('span');
        number.className = 'log-number';
        number.setAttribute('role', row?.number ? 'rowheader' : 'gridcell');
        if (row?.number) {
            const link = document.createElement('a');
            link.href = this.#words.link(row.number);
            link.tabIndex = -1;
            link.append(document.createTextNode(String(row.number)));
            number.append(link);
            nodes += 2;
        }
        element.append(number);
        if (times) {
            const time = document.createElement('span');
            time.className = 'log-time';
            time.setAttribute('role', 'gridcell');
            time.append(document.createTextNode(row ? this.#words.clock(row.time) : ''));
            element.append(time);
            nodes += 2;
        }
        const text = document.createElement('span');
        text.className = 'log-text';
        text.setAttribute('role', 'gridcell');
        if (!row)
            text.append(document.createTextNode(this.#words.waiting));
        else {
            for (const piece of piecesOf(row, { raw, hit, most })) {
                if (!piece.look && !piece.label && !piece.isHit) {
                    text.append(document.createTextNode(piece.text));
                    nodes++;
                    continue;
                }
                const span = document.createElement(piece.isHit ? 'mark' : 'span');
                span.className = piece.label ? 'chip-char' : piece.look;
                span.append(document.createTextNode(piece.label ?? piece.text));
                text.append(span);
                nodes += 2;
            }
            if (!raw && row.flags & OVER) {
                const sign = document.createElement('span');
                sign.className = 'log-over';
                sign.title = row.flags & CUT ? this.#words.given_up : this.#words.overwritten;
                sign.append(document.createTextNode('\u21ba'));
                text.prepend(sign);
                nodes += 2;
            }
            if (row.flags & NO_EOL && stream !== SYSTEM)
                element.classList.add('log-no-eol');
        }
        element.append(text);
        return { element, nodes, key };
    }
}
