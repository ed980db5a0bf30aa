/* The colours of step output: each text can be read on each ground, by itself and on the page's, in both themes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { COLOURS } from '../src/ansi/style';
import { contrast } from './wcag';

const css = readFileSync('src/ansi/ansi.css', 'utf8'), tokensCss = readFileSync('src/style/tokens.css', 'utf8');
const tokens = [...tokensCss.matchAll(/:root[^{]*\{([^}]*)\}/g)].slice(0, 2).map(m => Object.fromEntries(
    [...m[1]!.matchAll(/(--[\w-]+):\s*(#[0-9a-f]{3,6})\s*;/g)].map(one => [one[1]!, one[2]!])));
const themes = ['light', 'dark'];

/* What a rule sets: for `.f0, .f15 { color: … }` under "f0" and "f15". Rules of two classes (a named text on a coloured
 * ground) are those of their first, under "f0 on g". */
function rules(property: string): Map<string, string> {
    const found = new Map<string, string>();
    for (const [, selectors, body] of css.replace(/\/\*[^]*?\*\//g, '').matchAll(/([^{}]+)\{([^{}]*)\}/g)) {
        const value = new RegExp(`(?:^|[;\\s])${property}:\\s*([^;]+)`).exec(body!)?.[1]!.trim();
        for (const selector of value ? selectors!.split(',') : []) {
            const m = /^\.([fg]\d+)(\[class\*=" g"\])?$/.exec(selector.trim());
            if (m)
                found.set(m[2] ? `${m[1]} on g` : m[1]!, value!);
        }
    }
    return found;
}

function hex(value: string, theme: number): string {
    const both = /^light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\)$/.exec(value), name = /^var\((--[\w-]+)\)$/.exec(value)?.[1];
    const is = both ? both[1 + theme] : name ? tokens[theme]![name] : value;
    assert.match(is ?? value, /^#[0-9a-f]{3,6}$/);
    return is!;
}

const texts = rules('color'), grounds = rules('background');
const all = Array.from({ length: COLOURS }, (_, i) => i);

test('every colour that a command can choose has a text and a ground', () => {
    assert.deepEqual(all.filter(i => !texts.has(`f${i}`)), []);
    assert.deepEqual(all.filter(i => !grounds.has(`g${i}`)), []);
});

test('every text can be read on every ground, light and dark: 4.5 to 1', () => {
    const low: string[] = [];
    const want = (theme: number, text: string, ground: string, textName: string, groundName: string): void => {
        const is = contrast(text, ground);
        if (!(is >= 4.5))
            low.push(`${themes[theme]}: ${textName} on ${groundName}: ${is.toFixed(2)}`);
    };
    for (const theme of [0, 1]) {
        const page = tokens[theme]!;
        for (const i of all) {
            const alone = hex(texts.get(`f${i}`)!, theme), coloured = hex(texts.get(`f${i} on g`) ?? texts.get(`f${i}`)!, theme);
            for (const name of ['ground', 'raised', 'sunken', 'hover', 'selected']) /* a row that the cursor or a mark is on, too */
                want(theme, alone, page[`--${name}`]!, `f${i}`, name);
            for (const k of all)
                want(theme, coloured, hex(grounds.get(`g${k}`)!, theme), `f${i}`, `g${k}`);
            want(theme, page['--text']!, hex(grounds.get(`g${i}`)!, theme), 'plain text', `g${i}`);
        }
        want(theme, page['--ground']!, page['--text']!, 'ground', 'text (inverse)');
    }
    assert.deepEqual(low, []);
});
