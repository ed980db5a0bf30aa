/* list - rows of which one is selected: j and k move, Enter opens, the mouse does both. A page keeps nothing of it but what
 * it is told by onSelect. Rows are links where `href` says so, so that they open in new tabs and are read as links. Of a
 * long list only what can be seen is in the page (window.ts). */
import { createContext, type ComponentChildren, type JSX } from 'preact';
import { useContext, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Link, navigate } from '../router';
import { useKeys } from './keys';
import { t } from './strings';
import { setVars } from './vars';
import { reveal, useWindow, type Part } from './window';

/* False around a preview: a list in it leaves the keys to the one beside it. */
export const ListKeys = createContext(true);

/* The rows that are in the page, and the place of those that are not. */
export function rowsOf(parts: readonly Part[], row: (index: number) => JSX.Element): JSX.Element[] {
    return parts.flatMap((part, i) => 'gap' in part
        ? [<li key={`\0${i}`} class="list-gap" aria-hidden="true" ref={element => setVars(element, { '--gap-height': `${part.gap}px` })} />]
        : Array.from({ length: part.to - part.from }, (_, k) => row(part.from + k)));
}

/* Brings the selected row into sight when it changes, and the focus to it, so that Tab goes on from there and readers of
 * the screen say it. */
export function useFollow(list: { current: HTMLElement | null }, key: string | undefined, at: number,
    focus: (row: HTMLElement) => HTMLElement | null): void {
    const first = useRef(true);
    useLayoutEffect(() => {
        const row = at < 0 ? null : list.current?.querySelector<HTMLElement>(`:scope > [data-i="${at}"]`);
        if (!row)
            return;
        reveal(row, !first.current);
        first.current = false;
        if (document.activeElement === document.body || list.current?.contains(document.activeElement))
            focus(row)?.focus({ preventScroll: true });
    }, [key]);
}

export interface ListProps<T> {
    items: readonly T[];
    keyOf: (item: T) => string;
    /* What a row holds: spans with the classes of the page's style sheet. */
    row: (item: T, isSelected: boolean) => ComponentChildren;
    href?: (item: T) => string;
    onOpen?: (item: T) => void;
    /* A click only selects (a preview beside the list shows the item); Enter opens. */
    peek?: boolean;
    onSelect?: (item: T | undefined) => void;
    /* The key of the selected one, when the page keeps it (split view). */
    selected?: string;
    label: string;
    class?: string;
}

export function List<T>({ items, keyOf, row, href, onOpen, peek, onSelect, selected, label, class: name = '' }: ListProps<T>): JSX.Element {
    const [own, setOwn] = useState<string | undefined>(undefined);
    const ref = useRef<HTMLUListElement>(null);
    const key = selected ?? own;
    const at = items.findIndex(item => keyOf(item) === key);
    const parts = useWindow(ref, items.length, i => keyOf(items[i]!), at);
    const select = (index: number): void => {
        const item = items[Math.max(0, Math.min(items.length - 1, index))];
        if (!item)
            return;
        setOwn(keyOf(item));
        onSelect?.(item);
    };
    const open = (item: T | undefined): void => {
        if (!item)
            return;
        if (onOpen)
            onOpen(item);
        else if (href)
            navigate(href(item));
    };
    useKeys('list', !useContext(ListKeys) ? {} : {
        j: [t('key_down'), () => select(at + 1)],
        k: [t('key_up'), () => select(at < 0 ? 0 : at - 1)],
        ArrowDown: ['', () => select(at + 1)],
        ArrowUp: ['', () => select(at < 0 ? 0 : at - 1)],
        Enter: [t('key_open'), () => open(items[at])],
    });
    useFollow(ref, key, at, element => element.querySelector<HTMLElement>('a,button'));
    const isCut = parts.length > 1;
    const one = (item: T, i: number): JSX.Element => {
        const isSelected = i === at;
        const inner = row(item, isSelected);
        return <li key={keyOf(item)} data-i={i} class={isSelected ? 'selected' : ''} aria-current={isSelected ? 'true' : undefined}
            aria-posinset={isCut ? i + 1 : undefined} aria-setsize={isCut ? items.length : undefined}>
            {href && !onOpen ? <Link class="list-row" href={href(item)}>{inner}</Link>
                : <button type="button" class="list-row" onClick={e => {
                    select(i);
                    if (!peek || e.detail === 0)
                        open(item);
                }}>{inner}</button>}
        </li>;
    };
    return <ul class={`list ${name}`} aria-label={label} ref={ref}>{rowsOf(parts, i => one(items[i]!, i))}</ul>;
}
