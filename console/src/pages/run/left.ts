/* left - what was left out of the changes that are looked at, for both who need it: the list with the boxes and the door.
 * It is of these very changes: others (another run, another digest) begin with nothing left out. */
import { signal } from '@preact/signals';
import type { RunDetail } from '../../api/types';
import type { Left } from './picks';

type Of = Pick<RunDetail, 'id' | 'changes'>;

const none: Left = new Map();
const kept = signal<{ of: string; left: Left }>({ of: '', left: none });

function nameOf(run: Of): string {
    return `${run.id} ${run.changes?.digest ?? ''}`;
}

export function leftOf(run: Of): Left {
    return kept.value.of === nameOf(run) ? kept.value.left : none;
}

export function setLeft(run: Of, left: Left): void {
    kept.value = { of: nameOf(run), left };
}
