/* style - what SGR ("select graphic rendition", ECMA-48 8.3.117, and xterm's ctlseqs for 38 and 48) says of the text that
 * follows, and the classes that show it. Pure.
 *
 * A colour that a command chose freely could be that of the ground: text would be there and not be seen. So the colours of
 * the 256 and the 16 million are shown by the nearest of a bounded palette, each of which can be read on each ground, light
 * and dark (ansi.css); and "concealed" text is shown, dimmed. */

export interface Style {
    /* -1: none said; 0 to 15: the names; 16 to 39: hues; 40 to 42: dark, middle and light grey. */
    readonly fg: number;
    readonly bg: number;
    /* BOLD | … */
    readonly flags: number;
}

export const BOLD = 1, DIM = 2, ITALIC = 4, UNDERLINE = 8, INVERSE = 16, CONCEAL = 32, STRIKE = 64;
const HUES = 16, GREYS = 40;
export const COLOURS = 43;

/* A style is known by a small number, so that a million lines keep theirs in two bytes each. All there can be are
 * 44 × 44 × 128; they are made as they are met. */
const known: Style[] = [{ fg: -1, bg: -1, flags: 0 }];
const ids = new Map<number, number>([[keyOf(-1, -1, 0), 0]]);
export const PLAIN = 0;
const MOST = 65_535;

function keyOf(fg: number, bg: number, flags: number): number {
    return ((fg + 1) * (COLOURS + 1) + bg + 1) * 128 + flags;
}

export function styleOf(id: number): Style {
    return known[id]!;
}

export function idOf(fg: number, bg: number, flags: number): number {
    const key = keyOf(fg, bg, flags), id = ids.get(key);
    if (id !== undefined)
        return id;
    if (known.length > MOST)
        return PLAIN;
    known.push({ fg, bg, flags });
    ids.set(key, known.length - 1);
    return known.length - 1;
}

function nearest(r: number, g: number, b: number): number {
    const most = Math.max(r, g, b), least = Math.min(r, g, b), span = most - least;
    if (span < 32)
        return GREYS + (most < 86 ? 0 : most < 171 ? 1 : 2);
    const sixth = most === r ? ((g - b) / span + 6) % 6 : most === g ? (b - r) / span + 2 : (r - g) / span + 4;
    return HUES + Math.round(sixth * 4) % 24;
}

const cube = [0, 95, 135, 175, 215, 255];

function indexed(n: number): number {
    if (n < 16)
        return n;
    if (n >= 232)
        return GREYS + (n < 240 ? 0 : n < 248 ? 1 : 2);
    const i = n - 16;
    return nearest(cube[Math.floor(i / 36)]!, cube[Math.floor(i / 6) % 6]!, cube[i % 6]!);
}

const byte = (n: number | undefined): boolean => n !== undefined && n >= 0 && n <= 255;

/* 38, 48 and 58 take a colour: "5 ; n" or "2 ; r ; g ; b", or the same in sub-parameters, where "2 : space : r : g : b" has a
 * colour space besides. Returns the colour (-1: none that can be shown) and how many parameters it took. */
function colour(args: readonly number[], at: number, sub: boolean): [colour: number, took: number] {
    const kind = args[at];
    if (kind === 5)
        return byte(args[at + 1]) ? [indexed(args[at + 1]!), 2] : [-1, 2];
    if (kind !== 2)
        return [-1, 1];
    const first = at + (sub && args.length - at > 4 ? 2 : 1), [r, g, b] = args.slice(first, first + 3);
    return byte(r) && byte(g) && byte(b) ? [nearest(r!, g!, b!), first - at + 3] : [-1, first - at + 3];
}

const sets: Record<number, number> = { 1: BOLD, 2: DIM, 3: ITALIC, 4: UNDERLINE, 7: INVERSE, 8: CONCEAL, 9: STRIKE, 21: UNDERLINE };
const clears: Record<number, number> = { 22: BOLD | DIM, 23: ITALIC, 24: UNDERLINE, 27: INVERSE, 28: CONCEAL, 29: STRIKE };

/* The style after the SGR sequence with these parameters: "1;31", "38:2::9:9:9", "". What it does not know it leaves out. */
export function sgr(id: number, params: string): number {
    let { fg, bg, flags } = styleOf(id);
    const groups = params.split(';').slice(0, 64);
    for (let i = 0; i < groups.length; i++) {
        const sub = groups[i]!.split(':').map(text => text === '' ? -1 : Number(text)), code = Math.max(0, sub[0]!);
        if (code === 38 || code === 48 || code === 58) {
            const hasSub = sub.length > 1;
            const args = hasSub ? sub.map(n => n === -1 ? 0 : n) : groups.slice(i + 1, i + 5).map(text => text === '' ? 0 : Number(text));
            const [to, took] = colour(args, hasSub ? 1 : 0, hasSub);
            if (!hasSub)
                i += took;
            if (code === 38 && to >= 0)
                fg = to;
            else if (code === 48 && to >= 0)
                bg = to;
        } else if (code === 0)
            fg = bg = -1, flags = 0;
        else if (code === 4 && sub[1] === 0)
            flags &= ~UNDERLINE;
        else if (sets[code])
            flags |= sets[code];
        else if (clears[code])
            flags &= ~clears[code];
        else if (code >= 30 && code <= 37)
            fg = code - 30;
        else if (code >= 90 && code <= 97)
            fg = code - 90 + 8;
        else if (code === 39)
            fg = -1;
        else if (code >= 40 && code <= 47)
            bg = code - 40;
        else if (code >= 100 && code <= 107)
            bg = code - 100 + 8;
        else if (code === 49)
            bg = -1;
    }
    return idOf(fg, bg, flags);
}

const names: [flag: number, name: string][] = [[BOLD, 'ab'], [DIM, 'ad'], [ITALIC, 'ai'], [UNDERLINE, 'au'], [STRIKE, 'as'], [CONCEAL, 'ac']];
const classes: string[] = [''];

/* "ab f1 g4": classes of ansi.css; "" for plain text. Inverse is done here: the two colours change places. */
export function classOf(id: number): string {
    const found = classes[id];
    if (found !== undefined)
        return found;
    const { fg, bg, flags } = styleOf(id), isInverse = (flags & INVERSE) !== 0;
    const list = names.filter(([flag]) => flags & flag).map(([, name]) => name);
    if (isInverse && fg < 0 && bg < 0)
        list.push('av');
    const [front, back] = isInverse ? [bg, fg] : [fg, bg];
    if (front >= 0)
        list.push(`f${front}`);
    if (back >= 0)
        list.push(`g${back}`);
    return classes[id] = list.join(' ');
}
