/* left - what was left out of changes, for both who need it: the list with the boxes and the door. Kept per run and digest,
 * so it is of these very changes (others begin with nothing left out), and in the tab's storage, so it is still left out
 * after a look at another run and after a reload: what a person left out must not be in "Apply all" by itself. */
import { signal } from '@preact/signals';
import type { RunDetail } from '../../api/types';
import type { Left } from './picks';

type Of = Pick<RunDetail, 'id' | 'changes'>;
/* A file, and which of how many of its hunks; none: all of it. */
type Row = [id: string, hunks?: number[], of?: number];

const STORED = 'left', MOST = 50;
const none: Left = new Map();

function nameOf(run: Of): string {
    return `${run.id} ${run.changes?.digest ?? ''}`;
}

export function textOf(all: ReadonlyMap<string, Left>): string {
    return JSON.stringify([...all].map(([name, left]) => [name,
        [...left].map(([id, out]): Row => out === 'all' ? [id] : [id, [...out.hunks], out.of])]));
}

function leftFrom(rows: readonly Row[]): Left {
    return new Map(rows.map(([id, hunks, of]) => [id, hunks && of ? { hunks: new Set(hunks), of } : 'all']));
}

/* Of what textOf() made; nothing of any other text. */
export function parsed(text: string | null): ReadonlyMap<string, Left> {
    try {
        return new Map((JSON.parse(text ?? '[]') as [string, Row[]][]).map(([name, rows]) => [name, leftFrom(rows)]));
    } catch {
        return new Map();
    }
}

/* The storage may be full: then with fewer of the others. What does not fit at all is kept until the next reload, and nothing
 * older comes back then. */
function store(all: ReadonlyMap<string, Left>): void {
    for (const some of [all, new Map([...all].slice(-1)), new Map<string, Left>()])
        try {
            sessionStorage.setItem(STORED, textOf(some));
            return;
        } catch {
            sessionStorage.removeItem(STORED);
        }
}

/* What was changed last is at the end: the first goes when there are too many. */
const kept = signal(parsed(typeof sessionStorage === 'undefined' ? null : sessionStorage.getItem(STORED)));

export function leftOf(run: Of): Left {
    return kept.value.get(nameOf(run)) ?? none;
}

export function setLeft(run: Of, left: Left): void {
    const to = new Map(kept.value);
    to.delete(nameOf(run));
    if (left.size > 0)
        to.set(nameOf(run), left);
    kept.value = new Map([...to].slice(-MOST));
    store(kept.value);
}
