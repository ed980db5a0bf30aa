/* window - of a long list only the rows that can be seen, and some around them, are in the page; gaps keep the place of
 * the others. Rows may differ in height: what was drawn is measured, what was not is taken for usual. A row is a child of
 * the list with data-i, its index. */
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { scrollerOf } from './scroll';

const ALL = 60; /* rows: so few are simply all there */
const AROUND = 12; /* rows above and below what is seen; half of them gone, they are drawn anew */

export type Part = { from: number; to: number } | { gap: number };

function barHeight(): number {
    return document.querySelector('.bar')?.getBoundingClientRect().bottom ?? 0;
}

/* What of the scroller is on the screen, in px of the screen. */
function seen(scroller: Element | null): { top: number; bottom: number } {
    const box = scroller?.getBoundingClientRect();
    return { top: Math.max(barHeight(), box?.top ?? 0), bottom: Math.min(innerHeight, box?.bottom ?? innerHeight) };
}

/* Brings a row into sight: by its own scroller, and where that is not enough and a person moved there, by the page. When a
 * page opens it stays at its top. */
export function reveal(row: HTMLElement, movesPage: boolean): void {
    const scroller = scrollerOf(row);
    let box = row.getBoundingClientRect();
    if (scroller) {
        let { top, bottom } = seen(scroller);
        if (bottom - top < 2 * box.height)
            ({ top, bottom } = scroller.getBoundingClientRect());
        scroller.scrollTop += box.top < top ? box.top - top : Math.max(0, box.bottom - bottom);
        box = row.getBoundingClientRect();
    }
    const bar = barHeight();
    if (movesPage && (box.top < bar || box.bottom > innerHeight))
        scrollBy(0, box.top < bar ? box.top - bar - 8 : box.bottom - innerHeight + 8);
}

class Heights {
    usual = 34;
    #other = new Map<string, number>(); /* by key, of rows that are not as usual */
    #tops: Float64Array | null = null;
    #count = 0;
    #keyOf: (i: number) => string = String;

    set(count: number, keyOf: (i: number) => string): void {
        this.#count = count;
        this.#keyOf = keyOf;
        this.#tops = null;
    }

    forget(): void {
        this.#other.clear();
        this.#tops = null;
    }

    /* True when something is not as it was thought to be. */
    measure(rows: readonly { i: number; height: number }[]): boolean {
        let news = false;
        if (rows.length > 0 && this.#other.size === 0) {
            const usual = rows.map(row => row.height).sort((a, b) => a - b)[rows.length >> 1]!;
            news = Math.abs(usual - this.usual) > .1;
            this.usual = usual;
        }
        for (const { i, height } of rows) {
            const key = this.#keyOf(i), was = this.#other.get(key) ?? this.usual;
            if (Math.abs(was - height) > .1) {
                news = true;
                this.#other.set(key, height);
            }
        }
        if (news)
            this.#tops = null;
        return news;
    }

    top(i: number): number {
        if (this.#other.size === 0)
            return i * this.usual;
        if (!this.#tops) {
            this.#tops = new Float64Array(this.#count + 1);
            for (let k = 0; k < this.#count; k++)
                this.#tops[k + 1] = this.#tops[k]! + (this.#other.get(this.#keyOf(k)) ?? this.usual);
        }
        return this.#tops[i]!;
    }

    at(y: number): number {
        let low = 0, high = Math.max(0, this.#count - 1);
        while (low < high) {
            const middle = (low + high + 1) >> 1;
            if (this.top(middle) <= y)
                low = middle;
            else
                high = middle - 1;
        }
        return low;
    }
}

/* `keep`: indexes that stay in the page wherever one scrolls (the selected row: the focus is on it); -1 is none. */
export function useWindow(list: RefObject<HTMLElement | null>, count: number, keyOf: (i: number) => string, keep: number): Part[] {
    const isLong = count > ALL;
    const heights = useMemo(() => new Heights(), []);
    const [[from, to], setRange] = useState<[number, number]>([0, ALL]);
    const [, again] = useState(0);
    heights.set(count, keyOf);
    const look = useRef(() => undefined as void);
    look.current = () => {
        if (!isLong || !list.current)
            return;
        const place = list.current.getBoundingClientRect().top, { top, bottom } = seen(scrollerOf(list.current));
        const first = heights.at(top - place), last = heights.at(Math.max(top, bottom) - place) + 1;
        if (first - AROUND / 2 < from && from > 0 || last + AROUND / 2 > to && to < count || to - from > last - first + 4 * AROUND)
            setRange([Math.max(0, first - AROUND), Math.min(count, last + AROUND)]);
    };
    useLayoutEffect(() => {
        const rows = !isLong ? [] : [...list.current?.children ?? []].filter(row => row instanceof HTMLElement && row.dataset.i !== undefined)
            .map(row => ({ i: Number((row as HTMLElement).dataset.i), height: row.getBoundingClientRect().height }));
        if (heights.measure(rows))
            again(n => n + 1);
        look.current();
    });
    useEffect(() => {
        const on = (): void => look.current();
        let width = 0;
        const resized = new ResizeObserver(([entry]) => {
            if (entry && entry.contentRect.width !== width) {
                width = entry.contentRect.width;
                heights.forget();
                again(n => n + 1);
            }
            on();
        });
        if (list.current)
            resized.observe(list.current);
        document.addEventListener('scroll', on, { capture: true, passive: true });
        addEventListener('resize', on);
        return () => {
            resized.disconnect();
            document.removeEventListener('scroll', on, { capture: true });
            removeEventListener('resize', on);
        };
    }, []);
    if (!isLong)
        return [{ from: 0, to: count }];
    const begin = Math.min(from, Math.max(0, count - ALL)), end = Math.min(count, Math.max(to, begin + 1));
    const pieces: { from: number; to: number }[] = [{ from: begin, to: end }];
    if (keep >= 0 && keep < begin)
        pieces.unshift({ from: keep, to: keep + 1 });
    else if (keep >= end && keep < count)
        pieces.push({ from: keep, to: keep + 1 });
    const parts: Part[] = [];
    let done = 0;
    for (const piece of pieces) {
        if (piece.from > done)
            parts.push({ gap: heights.top(piece.from) - heights.top(done) });
        parts.push(piece);
        done = piece.to;
    }
    if (done < count)
        parts.push({ gap: heights.top(count) - heights.top(done) });
    return parts;
}
