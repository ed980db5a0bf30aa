/* scan - which bytes of a line are text, and what the others are. Nothing is ever carried out: colours become a style, all
 * else that a terminal would obey is left out, or handed over to be shown. Pure; never looks outside of [from, to).
 *
 * Source: ECMA-48 5.4 and 5.6, xterm's ctlseqs. Only the 7-bit forms introduce anything: in UTF-8, the 8-bit ones
 * (U+0080 to U+009F) are text, and shown by their labels.
 *
 *   ESC [ params intermediates final    CSI; "m" without a private mark is SGR, all others (cursor, erase, modes) are left out
 *   ESC ] P X ^ _ … BEL or ESC \        strings (titles, hyperlinks, device control): left out with what they hold
 *   ESC intermediates final             left out
 *   ESC anything else; a sequence that its line does not end: the ESC is shown, and what follows it is text.
 * So an opened string cannot swallow what comes behind it. */
import { sgr } from './style';

export interface Sink {
    text(from: number, to: number): void;
    /* What follows has this style (style.ts). */
    pen(id: number): void;
    /* A sequence that is left out. */
    hidden?(from: number, to: number): void;
}

const ESC = 0x1b, BEL = 0x07, BACKSLASH = 0x5c;
/* Longer ones are no sequences that any program means: 64 parameters of three digits fit well. */
const CSI_MOST = 512;

/* Where the sequence that begins at `at` (an ESC) ends; `at` itself when it is none. */
export function sequenceEnd(bytes: Uint8Array, at: number, to: number): number {
    const kind = at + 1 < to ? bytes[at + 1]! : 0;
    let i = at + 2;
    if (kind === 0x5b) { /* [ */
        const most = Math.min(to, at + CSI_MOST);
        while (i < most && bytes[i]! >= 0x30 && bytes[i]! <= 0x3f)
            i++;
        while (i < most && bytes[i]! >= 0x20 && bytes[i]! <= 0x2f)
            i++;
        return i < most && bytes[i]! >= 0x40 && bytes[i]! <= 0x7e ? i + 1 : at;
    }
    if (kind === 0x5d || kind === 0x50 || kind === 0x58 || kind === 0x5e || kind === 0x5f) { /* ] P X ^ _ */
        for (; i < to; i++) {
            if (bytes[i] === BEL)
                return i + 1;
            if (bytes[i] === ESC)
                return i + 1 < to && bytes[i + 1] === BACKSLASH ? i + 2 : at;
        }
        return at;
    }
    if (kind >= 0x20 && kind <= 0x2f) {
        while (i < to && bytes[i]! >= 0x20 && bytes[i]! <= 0x2f)
            i++;
        return i < to && bytes[i]! >= 0x30 && bytes[i]! <= 0x7e ? i + 1 : at;
    }
    return kind >= 0x30 && kind <= 0x7e ? i : at;
}

function isSgr(bytes: Uint8Array, at: number, end: number): boolean {
    if (bytes[at + 1] !== 0x5b || bytes[end - 1] !== 0x6d) /* [ m */
        return false;
    for (let i = at + 2; i < end - 1; i++)
        if (bytes[i]! < 0x30 || bytes[i]! > 0x3b) /* digits : ; */
            return false;
    return true;
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
    let text = '';
    for (let i = from; i < to; i++)
        text += String.fromCharCode(bytes[i]!);
    return text;
}

/* Tells the sink, and returns the style at the end. */
export function scan(bytes: Uint8Array, from: number, to: number, style: number, sink: Sink | null): number {
    let at = from, text = from;
    while (at < to) {
        if (bytes[at] !== ESC) {
            at++;
            continue;
        }
        const end = sequenceEnd(bytes, at, to);
        if (end === at) {
            at++; /* an ESC that introduces nothing: text, which shows it */
            continue;
        }
        if (text < at)
            sink?.text(text, at);
        if (isSgr(bytes, at, end)) {
            const next = sgr(style, ascii(bytes, at + 2, end - 1));
            if (next !== style)
                sink?.pen(next);
            style = next;
        } else
            sink?.hidden?.(at, end);
        at = text = end;
    }
    if (text < to)
        sink?.text(text, to);
    return style;
}
