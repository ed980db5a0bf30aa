import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsed, textOf } from '../src/pages/run/left';
import type { Left } from '../src/pages/run/picks';

test('left: what was left out comes back from the storage as it was', () => {
    const left: Left = new Map([['a "b"', 'all'], ['c', { hunks: new Set([2, 3]), of: 4 }]]);
    const all = new Map([['run_1 aa', left], ['run_2 bb', new Map([['d', 'all']]) as Left]]);
    assert.deepEqual(parsed(textOf(all)), all);
});

test('left: of a text that is none of ours nothing is taken', () => {
    for (const text of [null, '', '{', '{}', '[[1]]', 'null'])
        assert.equal(parsed(text).size, 0, String(text));
});
