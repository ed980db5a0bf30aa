/* keys - the keyboard. A component says which keys it takes while it is on the screen; the help on "?" lists them.
 *
 *   useKeys('page', { a: [t('approve'), () => approve.run()], 'g r': [...] });
 *
 * A name is what KeyboardEvent.key says ("a", "?", "Enter", "Escape", "ArrowDown"), or two of them after one another
 * ("g r"). While somebody types into a field only Escape counts; while a dialog is open only what the dialog asked for. */
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Dialog } from './dialog';
import { t } from './strings';

export type Group = 'everywhere' | 'list' | 'page';
export type KeyMap = Record<string, [label: string, act: () => void]>;

interface Layer {
    group: Group;
    map: { current: KeyMap };
}

const layers = signal<Layer[]>([]);
export const helpOpen = signal(false);
let prefix = '', prefixTimer = 0, typedAt = -Infinity;
const PREFIX = 5000; /* ms: "g", a pause, "a" still means the audit, and approves nothing */
const HANDS = 1000; /* ms: a field went away beneath somebody's hands: what is typed on decides nothing */
const decides = new Set(['a', 'r']);
const silent = new Set(['Shift', 'Control', 'Alt', 'Meta', 'AltGraph', 'CapsLock', 'Fn', 'NumLock', 'Dead', 'Process', 'Unidentified']);

/* The newest that takes the key wins: what is on top of the page before the page before the shell. */
function find(name: string): { act: () => void; group: Group } | undefined {
    for (const layer of [...layers.value].reverse()) {
        const row = layer.map.current[name];
        if (row)
            return { act: row[1], group: layer.group };
    }
    return undefined;
}

function hasPrefix(name: string): boolean {
    return layers.value.some(layer => Object.keys(layer.map.current).some(key => key.startsWith(name + ' ')));
}

function isTyping(target: EventTarget | null): boolean {
    return target instanceof HTMLElement
        && (target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName)
            || (target.tagName === 'INPUT' && !/^(checkbox|radio|button|submit)$/.test((target as HTMLInputElement).type)));
}

/* Enter and space on a link or a button are its own. */
function isOwn(e: KeyboardEvent): boolean {
    return (e.key === 'Enter' || e.key === ' ') && e.target instanceof HTMLElement
        && e.target.closest('a,button,summary,[role=button],[role=tab],input') !== null;
}

export function onKey(e: KeyboardEvent): void {
    if (e.key === 'Escape')
        typedAt = -Infinity; /* they have left the field themselves */
    else if (isTyping(e.target)) {
        typedAt = e.timeStamp;
        return;
    }
    if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || e.isComposing || silent.has(e.key)
        || document.querySelector('dialog[open]') || isOwn(e))
        return;
    const name = prefix ? `${prefix} ${e.key}` : e.key;
    prefix = '';
    clearTimeout(prefixTimer);
    if (decides.has(name) && e.target === document.body && typedAt + HANDS > e.timeStamp) {
        typedAt = e.timeStamp;
        return;
    }
    const found = find(name);
    if (found) {
        e.preventDefault();
        /* A key that is held down moves through lists, and does nothing else: one press approves one thing. */
        if (!e.repeat || found.group === 'list')
            found.act();
    } else if (isTyping(e.target)) {
        (e.target as HTMLElement).blur();
    } else if (hasPrefix(name)) {
        prefix = name;
        prefixTimer = window.setTimeout(() => { prefix = ''; }, PREFIX);
    }
}

export function useKeys(group: Group, map: KeyMap): void {
    const latest = useRef(map);
    latest.current = map;
    useLayoutEffect(() => { /* what is on the screen takes its keys, from its first moment on */
        const layer = { group, map: latest };
        layers.value = [...layers.value, layer];
        return () => { layers.value = layers.value.filter(one => one !== layer); };
    }, []);
}

const names: Record<string, string> = { Enter: '↵', Escape: 'esc', ArrowDown: '↓', ArrowUp: '↑', ArrowLeft: '←', ArrowRight: '→', ' ': 'space' };

export function Kbd({ of }: { of: string }): JSX.Element {
    return <span class="kbds">{of.split(' ').map(key => <kbd>{names[key] ?? key}</kbd>)}</span>;
}

export function KeysHelp(): JSX.Element | null {
    if (!helpOpen.value)
        return null;
    const groups: [Group, string][] = [['page', t('keys_page')], ['list', t('keys_list')], ['everywhere', t('keys_everywhere')]];
    return <Dialog title={t('keys_title')} onClose={() => { helpOpen.value = false; }} closeKey="?">
        <div class="keys-help">{groups.map(([group, title]) => {
            const rows = new Map(layers.value.filter(layer => layer.group === group)
                .flatMap(layer => Object.entries(layer.map.current).map(([key, row]) => [key, row[0]] as const)));
            return rows.size > 0 && <section><h3>{title}</h3><dl>{[...rows].filter(([, label]) => label).map(([key, label]) =>
                <div><dt><Kbd of={key} /></dt><dd>{label}</dd></div>)}</dl></section>;
        })}</div>
    </Dialog>;
}
