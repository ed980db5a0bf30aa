/* tree - rows in folders that fold (the ARIA pattern of a tree view): j, k and the arrows move, left and right fold, Enter
 * folds or opens, Space ticks. One row of it can be reached by Tab: the selected one. Of a long tree only what can be seen
 * is in the page (window.ts); aria-level, -posinset and -setsize say where a row stands all the same. */
import type { ComponentChildren, JSX } from 'preact';
import { useContext, useMemo, useRef } from 'preact/hooks';
import { Icon } from './icons';
import { useKeys } from './keys';
import { ListKeys, rowsOf, useFollow } from './list';
import { t } from './strings';
import { setVars } from './vars';
import { useWindow } from './window';

const DEEPEST = 8; /* deeper ones stand no further in */

export interface TreeRowBase {
    key: string;
    /* From 0. */
    depth: number;
    /* Its place, from 1, among so many in its folder. */
    pos: number;
    of: number;
    /* The index of its folder's row; -1 at the top. */
    parent: number;
    /* Of a folder: do its rows follow? */
    open?: boolean;
}

export type Tick = boolean | 'mixed';

export interface TreeProps<R extends TreeRowBase> {
    rows: readonly R[];
    selected: string;
    onSelect: (row: R) => void;
    onFold: (row: R, open: boolean) => void;
    onOpen?: (row: R) => void;
    /* Each row has a box: undefined where this one has none. */
    tickOf?: (row: R) => Tick | undefined;
    onTick?: (row: R) => void;
    row: (row: R) => ComponentChildren;
    rowClass?: (row: R) => string;
    label: string;
    class?: string;
}

export function Tree<R extends TreeRowBase>({ rows, selected, onSelect, onFold, onOpen, tickOf, onTick, row: content, rowClass, label, class: name = '' }:
    TreeProps<R>): JSX.Element {
    const ref = useRef<HTMLUListElement>(null);
    const places = useMemo(() => new Map(rows.map((row, i) => [row.key, i])), [rows]);
    const at = places.get(selected) ?? -1, now = rows[at];
    const parts = useWindow(ref, rows.length, i => rows[i]!.key, at);
    const go = (index: number): void => {
        const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
        if (row)
            onSelect(row);
    };
    const open = (): void => {
        if (now?.open !== undefined)
            onFold(now, !now.open);
        else if (now)
            onOpen?.(now);
    };
    const down = (): void => go(at + 1), up = (): void => go(at < 0 ? 0 : at - 1);
    useKeys('list', !useContext(ListKeys) ? {} : {
        j: [t('key_down'), down], k: [t('key_up'), up], ArrowDown: ['', down], ArrowUp: ['', up], Enter: [t('key_open'), open],
    });
    useFollow(ref, selected, at, row => row);
    /* With the focus in it the tree has all keys of the pattern, also where j and k belong to a list beside it. */
    const within: Record<string, () => void> = {
        ArrowDown: down, ArrowUp: up, Home: () => go(0), End: () => go(rows.length - 1), Enter: open,
        ArrowRight: () => now?.open === false ? onFold(now, true) : now?.open && go(at + 1),
        ArrowLeft: () => now?.open ? onFold(now, false) : now && now.parent >= 0 && go(now.parent),
        ' ': () => now && tickOf?.(now) !== undefined && onTick?.(now),
    };
    const one = (row: R, i: number): JSX.Element => {
        const isSelected = i === at, tick = tickOf?.(row);
        return <li key={row.key} data-i={i} role="treeitem" tabIndex={isSelected || (at < 0 && i === 0) ? 0 : -1}
            class={`tree-row list-row ${isSelected ? 'selected' : ''} ${rowClass?.(row) ?? ''}`} aria-level={row.depth + 1} aria-posinset={row.pos}
            aria-setsize={row.of} aria-expanded={row.open} aria-selected={isSelected} aria-checked={tick}
            ref={element => setVars(element, { '--depth': Math.min(row.depth, DEEPEST) })}
            onClick={() => {
                onSelect(row);
                if (row.open !== undefined)
                    onFold(row, !row.open);
            }}>
            <span class={row.open ? 'tree-fold tree-open' : 'tree-fold'}>{row.open !== undefined && <Icon name="chevron" />}</span>
            {tickOf && <input type="checkbox" tabIndex={-1} aria-hidden="true" class={tick === undefined ? 'tree-no-tick' : ''} disabled={tick === undefined}
                checked={tick === true} indeterminate={tick === 'mixed'} onMouseDown={e => e.preventDefault()}
                onClick={e => { e.stopPropagation(); onTick?.(row); }} />}
            {content(row)}
        </li>;
    };
    return <ul class={`list tree ${name}`} role="tree" aria-label={label} ref={ref} onKeyDown={e => {
        const act = e.ctrlKey || e.metaKey || e.altKey || e.shiftKey ? undefined : within[e.key];
        if (act) {
            e.preventDefault();
            act();
        }
    }}>{rowsOf(parts, i => one(rows[i]!, i))}</ul>;
}
