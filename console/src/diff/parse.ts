/* parse - the unified diff of one file, as `git diff` writes it, into hunks and rows. Pure. The text comes from a sandbox:
 * every line that is not what it should be is a row of its own kind, nothing is dropped and nothing throws. */
export type RowKind = 'same' | 'added' | 'deleted' | 'note';

export interface Row {
    kind: RowKind;
    /* Line numbers, from 1; null where the side has no such line. */
    old: number | null;
    new: number | null;
    text: string;
}

export interface Hunk {
    head: string;
    rows: Row[];
}

export interface FileDiff {
    /* Lines before the first hunk: modes, index, binary. */
    notes: string[];
    hunks: Hunk[];
}

const at = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

export function parseDiff(text: string): FileDiff {
    const file: FileDiff = { notes: [], hunks: [] };
    let hunk: Hunk | null = null, from = 0, to = 0, oldLeft = 0, newLeft = 0;
    const lines = text.split('\n');
    if (lines.at(-1) === '')
        lines.pop();
    for (const line of lines) {
        const head = oldLeft <= 0 && newLeft <= 0 ? at.exec(line) : null; /* inside a hunk "@@" is a line like others */
        if (head) {
            from = Number(head[1]);
            to = Number(head[3]);
            oldLeft = Number(head[2] ?? 1);
            newLeft = Number(head[4] ?? 1);
            hunk = { head: line, rows: [] };
            file.hunks.push(hunk);
        } else if (!hunk) {
            file.notes.push(line);
        } else if (line.startsWith('\\')) {
            hunk.rows.push({ kind: 'note', old: null, new: null, text: line.slice(2) });
        } else if (oldLeft <= 0 && newLeft <= 0) {
            file.notes.push(line);
        } else if (line.startsWith('+')) {
            hunk.rows.push({ kind: 'added', old: null, new: to++, text: line.slice(1) });
            newLeft--;
        } else if (line.startsWith('-')) {
            hunk.rows.push({ kind: 'deleted', old: from++, new: null, text: line.slice(1) });
            oldLeft--;
        } else {
            hunk.rows.push({ kind: 'same', old: from++, new: to++, text: line.slice(1) });
            oldLeft--;
            newLeft--;
        }
    }
    return file;
}

/* The rows of a hunk side by side: a run of deleted lines stands beside the run of added ones that follows it. */
export function pairs(rows: readonly Row[]): [Row | null, Row | null][] {
    const out: [Row | null, Row | null][] = [];
    for (let i = 0; i < rows.length;) {
        const row = rows[i]!;
        if (row.kind === 'same') {
            out.push([row, row]);
            i++;
            continue;
        }
        const gone: Row[] = [], come: Row[] = [];
        let side = gone;
        for (; i < rows.length && rows[i]!.kind !== 'same'; i++) {
            const one = rows[i]!;
            if (one.kind === 'added')
                side = come;
            else if (one.kind === 'deleted' && come.length)
                break;
            side.push(one);
        }
        for (let k = 0; k < Math.max(gone.length, come.length); k++)
            out.push([gone[k] ?? null, come[k] ?? null]);
    }
    return out;
}

/* Where two lines differ: what they have in common at the start and at the end, in UTF-16 units, never inside of a pair. */
export function differs(a: string, b: string): { start: number; endA: number; endB: number } {
    let start = 0, tail = 0;
    const most = Math.min(a.length, b.length);
    while (start < most && a[start] === b[start])
        start++;
    if (start > 0 && /[\ud800-\udbff]/.test(a[start - 1]!))
        start--;
    while (tail < most - start && a[a.length - 1 - tail] === b[b.length - 1 - tail])
        tail++;
    if (tail > 0 && /[\udc00-\udfff]/.test(a[a.length - tail]!))
        tail--;
    return { start, endA: a.length - tail, endB: b.length - tail };
}
