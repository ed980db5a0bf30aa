/* safe - which characters of text from outside would deceive a reader: they change the order of what follows, take no
 * place, or look like nothing. Pure; text.tsx shows them. */

/* C0, DEL and C1 but for tab and line feed; soft hyphen; Arabic letter mark; Hangul and Mongolian fillers; zero-width and
 * bidi; separators; invisible operators and isolates; Braille blank; variation selectors; byte order mark; interlinear
 * annotations; noncharacters; tags; spaces other than U+0020 (they hide as one); lone surrogates. */
const ranges = '\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u00a0\\u00ad\\u034f\\u061c\\u070f\\u08e2\\u115f\\u1160\\u1680\\u17b4\\u17b5\\u180b-\\u180f'
    + '\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u2800\\u3000\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb\\ufffe\\uffff'
    + '\\u{110bd}\\u{110cd}\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}\\ud800-\\udfff';
const deceives = new RegExp(`[${ranges}]`, 'gu'), deceivesInLine = new RegExp(`[\\t\\n${ranges}]`, 'gu');

export interface Piece {
    text: string;
    /* "U+202E", "U+200B ×2000": text is that character, as many times, to be shown by its label. */
    label?: string;
}

export function labelOf(character: string): string {
    return 'U+' + character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
}

/* `tabs`: also tab and line feed become labels, as in a name that is one line. */
export function pieces(text: string, tabs = false): Piece[] {
    const out: Piece[] = [];
    let at = 0, times = 0;
    for (const m of text.matchAll(tabs ? deceivesInLine : deceives)) {
        /* An emoji's variation selector, and the joiner between two emoji, are not there to deceive. */
        const before = text.slice(Math.max(0, m.index - 3), m.index);
        if ((m[0] === '\ufe0f' && /\p{Extended_Pictographic}$/u.test(before))
            || (m[0] === '\u200d' && /\p{Extended_Pictographic}\ufe0f?$/u.test(before)
                && /^\p{Extended_Pictographic}/u.test(text.slice(m.index + 1, m.index + 3))))
            continue;
        const last = m.index === at ? out.at(-1) : undefined, label = labelOf(m[0]);
        if (m.index > at)
            out.push({ text: text.slice(at, m.index) });
        /* Many of one kind would push away what follows. */
        if (last?.label && last.text.startsWith(m[0])) {
            last.text += m[0];
            last.label = `${label} ×${++times}`;
        } else {
            out.push({ text: m[0], label });
            times = 1;
        }
        at = m.index + m[0].length;
    }
    if (at < text.length || !out.length)
        out.push({ text: text.slice(at) });
    return out;
}

export function isPlain(text: string): boolean {
    return text.search(deceives) < 0; /* search, unlike test, begins at 0 each time */
}
