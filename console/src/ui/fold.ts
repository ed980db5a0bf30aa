/* fold - a text that is to be approved, so that nothing of it is pushed out of sight: lines that say nothing, or the same
 * again and again, are put together, with their count. And where in it the piece stands that an answer is about. Pure. */

export interface Part {
    text: string;
    /* Where it begins in the whole. */
    start: number;
    /* In the place of that many lines: blank ones, or more that are as the one before. */
    fold?: { kind: 'blank' | 'same'; n: number };
}

const BLANKS = 3, SAME = 4; /* as many in a row are put together */

/* The parts are lines of their own: the line feeds between them are in none of them. */
export function folded(text: string): Part[] {
    const lines = text.split('\n'), out: Part[] = [];
    if (lines.length > 1 && lines.at(-1) === '')
        lines.pop(); /* the end of the last line begins no other */
    const isBlank = (line: string | undefined): boolean => line !== undefined && /^[ \t]*$/.test(line);
    let from = 0, start = 0, at = 0;
    const upTo = (to: number): void => {
        if (to > from)
            out.push({ text: lines.slice(from, to).join('\n'), start });
    };
    for (let i = 0; i < lines.length;) {
        const blank = isBlank(lines[i]);
        let j = i + 1;
        while (j < lines.length && (blank ? isBlank(lines[j]) : lines[j] === lines[i]))
            j++;
        /* Of lines that say the same the first stays. */
        const first = blank ? i : i + 1, length = (a: number, b: number): number => lines.slice(a, b).reduce((n, line) => n + line.length + 1, 0);
        if (j - i >= (blank ? BLANKS : SAME)) {
            upTo(first);
            const begin = at + length(i, first);
            out.push({ text: lines.slice(first, j).join('\n'), start: begin, fold: { kind: blank ? 'blank' : 'same', n: j - first } });
            at = begin + length(first, j);
            from = j;
            start = at;
        } else
            at += length(i, j);
        i = j;
    }
    upTo(lines.length);
    return out;
}

const word = /[\w./-]/;

/* Wherever it stands by itself; nowhere, when it is the whole. */
export function found(text: string, piece: string): [from: number, to: number][] {
    const out: [number, number][] = [];
    if (!piece.trim() || piece.trim() === text.trim())
        return out;
    const joins = (a: string | undefined, b: string | undefined): boolean => !!a && !!b && word.test(a) && word.test(b);
    for (let at = text.indexOf(piece); at >= 0; at = text.indexOf(piece, at + 1)) {
        const end = at + piece.length;
        if (!joins(text[at - 1], piece[0]) && !joins(piece.at(-1), text[end]) && at >= (out.at(-1)?.[1] ?? 0))
            out.push([at, end]);
    }
    return out;
}
