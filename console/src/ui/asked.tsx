/* asked - the text of something that is to be approved, whole: what deceives as labels, lines that only take room as their
 * count, and marked the piece that the policy's answer is about. */
import type { JSX } from 'preact';
import { folded, found, type Part } from './fold';
import { t } from './strings';
import { Text } from './text';

function Marked({ of: { text, start }, at }: { of: Part; at: readonly [number, number][] }): JSX.Element {
    const out: JSX.Element[] = [], end = start + text.length;
    let done = start;
    const upTo = (to: number, isMarked: boolean): void => {
        const part = <Text of={text.slice(done - start, to - start)} lines />;
        if (to > done)
            out.push(isMarked ? <mark>{part}</mark> : part);
        done = Math.max(done, to);
    };
    for (const [from, to] of at)
        if (from < end && to > start) {
            upTo(Math.max(from, start), false);
            upTo(Math.min(to, end), true);
        }
    upTo(end, false);
    return <>{out}</>;
}

export function Asked({ of, mark }: { of: string; /* the piece */ mark?: string | null }): JSX.Element {
    const at = mark ? found(of, mark) : [];
    return <code class="code asked">{folded(of).map(part => part.fold
        ? <span class="asked-fold">{t(part.fold.kind === 'blank' ? 'fold_blank' : 'fold_same', { n: part.fold.n })}</span>
        : <span class="asked-part"><Marked of={part} at={at} /></span>)}</code>;
}
