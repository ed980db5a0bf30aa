/* list - rows of which one is selected: j and k move, Enter opens, the mouse does both. A page keeps nothing of it but what
 * it is told by onSelect. Rows are links where `href` says so, so that they open in new tabs and are read as links. */
import { createContext, type ComponentChildren, type JSX } from 'preact';
import { useContext, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Link, navigate } from '../router';
import { useKeys } from './keys';
import { t } from './strings';

/* False around a preview: a list in it leaves the keys to the one beside it. */
export const ListKeys = createContext(true);

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
    useLayoutEffect(() => { /* before the next key: Enter is for the row that has the focus */
        const element = ref.current?.children[at] as HTMLElement | undefined;
        if (!element || at < 0)
            return;
        element.scrollIntoView({ block: 'nearest' });
        /* The focus goes with the selection, so that Tab goes on from there and readers say it. */
        if (document.activeElement === document.body || ref.current?.contains(document.activeElement))
            element.querySelector<HTMLElement>('a,button')?.focus({ preventScroll: true });
    }, [key]);
    return <ul class={`list ${name}`} aria-label={label} ref={ref}>{items.map((item, i) => {
        const isSelected = i === at;
        const inner = row(item, isSelected);
        return <li key={keyOf(item)} class={isSelected ? 'selected' : ''} aria-current={isSelected ? 'true' : undefined}>
            {href && !onOpen ? <Link class="list-row" href={href(item)}>{inner}</Link>
                : <button type="button" class="list-row" onClick={e => {
                    select(i);
                    if (!peek || e.detail === 0)
                        open(item);
                }}>{inner}</button>}
        </li>;
    })}</ul>;
}
