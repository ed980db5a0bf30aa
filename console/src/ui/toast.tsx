/* toast - a line that says what has happened, gone after some seconds; also read aloud. Never the only place of an error. */
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { Icon } from './icons';
import { t } from './strings';
import { Text } from './text';

interface Toast {
    id: number;
    text: string;
    tone: 'good' | 'bad' | 'calm';
}

const toasts = signal<Toast[]>([]);
let next = 1;

function drop(id: number): void {
    toasts.value = toasts.value.filter(one => one.id !== id);
}

export function toast(text: string, tone: Toast['tone'] = 'good'): void {
    const id = next++;
    toasts.value = [...toasts.value.slice(-2), { id, text, tone }];
    setTimeout(() => drop(id), 6000);
}

export function Toasts(): JSX.Element {
    return <div class="toasts" role="status" aria-live="polite">{toasts.value.map(one =>
        <div key={one.id} class={`toast ${one.tone}`}><Text of={one.text} />
            <button type="button" class="button ghost icon-only small" aria-label={t('close')} onClick={() => drop(one.id)}><Icon name="close" /></button>
        </div>)}</div>;
}
