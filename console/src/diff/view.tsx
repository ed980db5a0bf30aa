/* view - the diff of one file: in one column, or old beside new. Text from outside is only ever text; what would deceive
 * in it is a label. Of a giant file it draws so many lines at first, more when asked. */
import type { ComponentChildren, JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { Button } from '../ui/button';
import { number } from '../ui/format';
import { Text } from '../ui/text';
import { differs, pairs, parseDiff, type Hunk, type Row } from './parse';
import { t } from './strings';

const AT_ONCE = 1500; /* rows: a screenful draws in a few ms, and a page stays below 2,000 nodes by far less often than not */

const LINE_AT_ONCE = 5000; /* characters: a minified file is one line of megabytes, which takes seconds to lay out */

/* A line that goes on and on is cut, says so, and shows ten times as much when asked. */
function LongText({ of }: { of: string }): JSX.Element {
    const [most, setMost] = useState(LINE_AT_ONCE);
    const end = of.length <= most ? of.length : /[\ud800-\udbff]/.test(of[most - 1]!) ? most - 1 : most;
    return <><Text of={of.slice(0, end)} lines />{end < of.length && <> <Button small onClick={() => setMost(most * 10)}>
        {t('more_text', { n: number(of.length - end) })}</Button></>}</>;
}

/* A line with the part that changed in a stronger colour, when it has a counterpart that is not all different. */
function Line({ row, other }: { row: Row; other?: Row | null }): JSX.Element {
    if (!other || row.kind === 'same' || other.kind === 'note' || row.text.length > 2000 || other.text.length > 2000)
        return <LongText of={row.text} />;
    const { start, endA } = differs(row.text, other.text);
    return start === 0 && endA === row.text.length ? <Text of={row.text} lines />
        : <><Text of={row.text.slice(0, start)} lines /><mark><Text of={row.text.slice(start, endA)} lines /></mark>
            <Text of={row.text.slice(endA)} lines /></>;
}

const sign = { same: ' ', added: '+', deleted: '−', note: '\\' } as const;

function Number({ of }: { of: number | null }): JSX.Element {
    return <td class="diff-no" data-no={of ?? ''} />;
}

function UnifiedRow({ row, other }: { row: Row; other?: Row | null }): JSX.Element {
    return <tr class={`diff-${row.kind}`}><Number of={row.old} /><Number of={row.new} />
        <td class="diff-sign">{sign[row.kind]}{row.kind !== 'same' && <span class="sr-only">{t(row.kind)}</span>}</td>
        <td class="diff-text"><Line row={row} other={other} /></td></tr>;
}

function SplitRow({ left, right }: { left: Row | null; right: Row | null }): JSX.Element {
    const half = (row: Row | null, no: number | null, other: Row | null): ComponentChildren => row
        ? <><td class={`diff-no diff-${row.kind}`} data-no={no ?? ''} /><td class={`diff-text diff-${row.kind}`}><Line row={row} other={other} /></td></>
        : <><td class="diff-no diff-none" /><td class="diff-text diff-none" /></>;
    return <tr>{half(left, left?.old ?? null, right)}{half(right, right?.new ?? null, left)}</tr>;
}

function HunkRows({ hunk, split, most }: { hunk: Hunk; split: boolean; most: number }): JSX.Element {
    const both = pairs(hunk.rows);
    const counterpart = new Map<Row, Row | null>();
    for (const [left, right] of both) {
        if (left && left !== right)
            counterpart.set(left, right);
        if (right && left !== right)
            counterpart.set(right, left);
    }
    return <>{split ? both.slice(0, most).map(([left, right]) => <SplitRow left={left} right={right} />)
        : hunk.rows.slice(0, most).map(row => <UnifiedRow row={row} other={counterpart.get(row)} />)}</>;
}

export interface DiffProps {
    /* One file's part of diff.patch. */
    text: string;
    split: boolean;
    /* Of the file, for readers of the screen. */
    label: string;
    /* Beside each hunk, of so many: a checkbox, say. */
    hunkExtra?: (hunk: Hunk, index: number, of: number) => ComponentChildren;
}

export function Diff({ text, split, label, hunkExtra }: DiffProps): JSX.Element {
    const file = useMemo(() => parseDiff(text), [text]);
    const [most, setMost] = useState(AT_ONCE);
    let left = most;
    const total = file.hunks.reduce((n, hunk) => n + hunk.rows.length, 0);
    return <div class="diff" role="region" aria-label={label} tabIndex={0}>
        {file.hunks.length === 0 && <pre class="diff-notes faint"><Text of={file.notes.join('\n')} lines /></pre>}
        <table class={split ? 'diff-split' : 'diff-unified'}>
            {/* The first row spans all columns, so it is not the one that says how wide they are. */}
            <colgroup><col class="diff-col-no" />{split ? <><col /><col class="diff-col-no" /><col /></>
                : <><col class="diff-col-no diff-col-new" /><col class="diff-col-sign" /><col /></>}</colgroup>
            {file.hunks.map((hunk, i) => {
            if (left <= 0)
                return null;
            const now = left;
            left -= hunk.rows.length;
            return <tbody><tr class="diff-head"><td colSpan={4}><div class="row">
                {hunkExtra?.(hunk, i, file.hunks.length)}<Text of={hunk.head} /></div></td></tr>
                <HunkRows hunk={hunk} split={split} most={now} /></tbody>;
        })}</table>
        {total > most && <p class="diff-more"><Button onClick={() => setMost(most + 4 * AT_ONCE)}>{t('more', { n: total - most })}</Button></p>}
    </div>;
}
