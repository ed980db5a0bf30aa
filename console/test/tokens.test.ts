import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { contrast } from './wcag';

const css = readFileSync('src/style/tokens.css', 'utf8');
const blocks = [...css.matchAll(/:root[^{]*\{([^}]*)\}/g)].map(m => Object.fromEntries(
    [...m[1]!.matchAll(/(--[\w-]+):\s*(#[0-9a-f]{3,6})\s*;/g)].map(one => [one[1]!, one[2]!])));

test('the dark colours are the same by the system and by the switch', () => {
    assert.equal(blocks.length, 3);
    assert.deepEqual(blocks[1], blocks[2]);
});

test('every text can be read on every ground: 4.5 to 1', () => {
    const low: string[] = [];
    for (const [i, tokens] of blocks.entries()) {
        const want = (text: string, ground: string, least = 4.5): void => {
            const is = contrast(tokens[`--${text}`]!, tokens[`--${ground}`]!);
            if (!(is >= least))
                low.push(`${['light', 'dark', 'dark'][i]}: ${text} on ${ground}: ${is.toFixed(2)}`);
        };
        for (const ground of ['ground', 'raised', 'sunken', 'hover', 'selected'])
            for (const text of ['text', 'faint', 'link', 'good', 'bad', 'warn', 'ask', 'busy', 'added', 'deleted'])
                want(text, ground);
        for (const name of ['good', 'bad', 'warn', 'ask', 'busy', 'added', 'deleted'])
            want(name, `${name}-ground`);
        for (const ground of ['added-ground', 'added-strong', 'deleted-ground', 'deleted-strong']) {
            want('text', ground);
            want('faint', ground, 3);
        }
        want('accent-text', 'accent');
        want('accent-text', 'accent-hover');
        for (const ground of ['ground', 'raised', 'hover'])
            want('line-strong', ground, 3); /* the edge of a field */
    }
    assert.deepEqual(low, []);
});
