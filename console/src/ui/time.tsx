/* time - when something was, as "3 min. ago"; the exact time on hover and for copying. One clock for all of them. */
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { duration, exactTime, relative } from './format';

const now = signal(Date.now());
setInterval(() => {
    if (!document.hidden)
        now.value = Date.now();
}, 1000);

export function Time({ of }: { of: string }): JSX.Element {
    const ms = Date.parse(of) - now.value;
    /* The clocks of the two machines differ a little: nothing that happened is in the future. */
    return <time dateTime={of} title={`${exactTime(of)} (${of})`}>{relative(ms > 0 && ms < 5000 ? 0 : ms)}</time>;
}

/* How long it took, or has taken by now. */
export function Lasted({ from, to }: { from: string | null; to: string | null }): JSX.Element | null {
    if (!from)
        return null;
    const ms = (to ? Date.parse(to) : now.value) - Date.parse(from);
    return <span class="num">{duration(Math.max(0, ms))}</span>;
}
