/* tabs - parts of a page, one at a time. The open one belongs into the URL: const [tab, setTab] = useQuery('tab', 'log'). */
import type { ComponentChildren, JSX } from 'preact';
import { useId, useRef } from 'preact/hooks';

export interface Tab<K extends string> {
    key: K;
    label: ComponentChildren;
    /* How many there are, beside the label. */
    count?: number;
}

export function Tabs<K extends string>({ tabs, open, onOpen, label, children }: {
    tabs: Tab<K>[]; open: K; onOpen: (key: K) => void; label: string; /* of the open one */ children: ComponentChildren;
}): JSX.Element {
    const id = useId(), list = useRef<HTMLDivElement>(null);
    const move = (by: number): void => {
        const at = tabs.findIndex(tab => tab.key === open), to = (at + by + tabs.length) % tabs.length;
        onOpen(tabs[to]!.key);
        (list.current?.children[to] as HTMLElement | undefined)?.focus();
    };
    return <div class="tabs">
        <div role="tablist" class="tab-list" aria-label={label} ref={list} onKeyDown={e => {
            if (e.key === 'ArrowRight' || e.key === 'ArrowLeft') {
                e.preventDefault();
                move(e.key === 'ArrowRight' ? 1 : -1);
            }
        }}>{tabs.map(tab => <button type="button" role="tab" id={`${id}-${tab.key}`} aria-selected={tab.key === open}
            aria-controls={`${id}-panel`} tabIndex={tab.key === open ? 0 : -1} class="tab" onClick={() => onOpen(tab.key)}>
            {tab.label}{tab.count !== undefined && <span class="count">{tab.count}</span>}</button>)}</div>
        <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${open}`} class="tab-panel">{children}</div>
    </div>;
}
