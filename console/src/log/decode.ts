/* decode - what a row shows: pieces of text with their classes, and labels for what would deceive. Pure. */
import { classOf } from '../ansi/style';
import { scan } from '../ansi/scan';
import { pieces as safePieces } from '../ui/safe';
import { lastReturn, OVER, type Row } from './rows';

export interface Piece {
    text: string;
    /* Classes of ansi.css, or "". */
    look: string;
    /* Shown in place of the text, which is one character. */
    label?: string;
    /* It is what was searched for. */
    isHit?: boolean;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function decode(bytes: Uint8Array, from: number, to: number): string {
    return decoder.decode(bytes.subarray(from, to));
}

/* Where the text begins that the last carriage return left standing. */
function visibleFrom(row: Row): number {
    return row.flags & OVER ? lastReturn(row.bytes, row.from, row.to) + 1 || row.from : row.from;
}

/* Text and its styles, without the sequences. `raw`: with them and with all that was overwritten, and without styles. */
function runs(row: Row, raw: boolean): [text: string, style: number][] {
    if (raw)
        return [[decode(row.bytes, row.from, row.to), 0]];
    const out: [string, number][] = [], first = visibleFrom(row);
    let style = row.pen;
    scan(row.bytes, row.from, row.to, style, {
        text(from, to) {
            if (to > first)
                out.push([decode(row.bytes, Math.max(from, first), to), style]);
        },
        pen(id) { style = id; },
    });
    return out;
}

/* What can be read of it. */
export function textOf(row: Row, raw = false): string {
    return runs(row, raw).map(([text]) => text).join('');
}

/* The same for the clipboard: control characters, which a terminal would obey when it is pasted, are left out. */
export function copyOf(row: Row): string {
    // eslint-disable-next-line no-control-regex
    return textOf(row).replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g, '');
}

/* Lower case with the same length, so that places in it are places in the text. Letters whose lower case is longer or
 * shorter (there are a few) stay as they are. */
export function fold(text: string): string {
    const lower = text.toLowerCase();
    return lower.length === text.length ? lower
        : [...text].map(c => c.toLowerCase().length === c.length ? c.toLowerCase() : c).join('');
}

export interface Hit {
    needle: string;
    /* Upper and lower case are the same; `needle` is folded. */
    folded: boolean;
}

function hitsIn(text: string, { needle, folded }: Hit, most: number): number[] {
    const hay = folded ? fold(text) : text, at: number[] = [];
    for (let i = hay.indexOf(needle); i >= 0 && at.length < most; i = hay.indexOf(needle, i + needle.length))
        at.push(i);
    return at;
}

/* At most `most` pieces. When that is not enough, the rest is one piece: its colours are lost, and labels stand in the text;
 * no character is. */
export function piecesOf(row: Row, { raw = false, hit = null, most = 40 }: { raw?: boolean; hit?: Hit | null; most?: number } = {}): Piece[] {
    const parts = runs(row, raw), out: Piece[] = [];
    const hits = hit ? hitsIn(parts.map(([text]) => text).join(''), hit, most) : [];
    let at = 0, next = 0, rest = '';
    const add = (piece: Piece): void => {
        if (out.length < most - 1)
            out.push(piece);
        else
            rest += piece.label ? `[${piece.label}]` : piece.text;
    };
    for (const [text, style] of parts) {
        const look = classOf(style);
        let i = 0;
        while (i < text.length) {
            while (next < hits.length && hits[next]! + hit!.needle.length <= at + i)
                next++;
            const begin = next < hits.length ? hits[next]! - at : Infinity, inside = begin <= i;
            const end = Math.min(text.length, inside ? begin + hit!.needle.length : begin);
            for (const piece of safePieces(text.slice(i, end)))
                add({ text: piece.text, look, label: piece.label, ...(inside ? { isHit: true } : {}) });
            i = end;
        }
        at += text.length;
    }
    if (rest)
        out.push({ text: rest, look: '' });
    return out;
}
