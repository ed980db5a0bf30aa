import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differs, pairs, parseDiff } from '../src/diff/parse';
import { hasHunk, isWhole, pickedOf, requestOf, toggleFile, toggleHunk, type Left } from '../src/pages/run/picks';
import { rowsOf } from '../src/pages/run/tree';

const text = `diff --git a/f b/f
index 1..2 100644
--- a/f
+++ b/f
@@ -1,3 +1,3 @@
 one
-two
+TWO
 three
@@ -10,2 +10,3 @@ tail
 ten
+@@ -1,1 +1,1 @@
 eleven
\\ No newline at end of file
`;

test('a diff has its hunks, rows and numbers; a line that looks like a head is a line', () => {
    const file = parseDiff(text);
    assert.equal(file.hunks.length, 2);
    assert.deepEqual(file.hunks[0]!.rows.map(row => [row.kind, row.old, row.new, row.text]),
        [['same', 1, 1, 'one'], ['deleted', 2, null, 'two'], ['added', null, 2, 'TWO'], ['same', 3, 3, 'three']]);
    assert.deepEqual(file.hunks[1]!.rows.map(row => row.kind), ['same', 'added', 'same', 'note']);
    assert.equal(file.notes.length, 4);
});

test('nothing in a diff throws, and no line of it is lost', () => {
    let seed = 1;
    const next = (n: number): number => (seed = seed * 1103515245 + 12345 & 0x7fffffff) % n;
    const parts = ['@@ -1 +1 @@', '@@ -0,0 +1,9 @@', '+a', '-b', ' c', '\\ x', 'diff --git', '', '\u202e+', '@@ -9999999999,1 +1 @@'];
    for (let i = 0; i < 3000; i++) {
        const lines = Array.from({ length: next(20) }, () => parts[next(parts.length)]!);
        const file = parseDiff(lines.map(line => line + '\n').join(''));
        assert.equal(file.notes.length + file.hunks.length + file.hunks.reduce((n, hunk) => n + hunk.rows.length, 0), lines.length);
        for (const hunk of file.hunks)
            pairs(hunk.rows);
    }
});

test('side by side, what went stands beside what came', () => {
    const rows = parseDiff('@@ -1,3 +1,2 @@\n-a\n-b\n+A\n c\n').hunks[0]!.rows;
    assert.deepEqual(pairs(rows).map(([l, r]) => [l?.text, r?.text]), [['a', 'A'], ['b', undefined], ['c', 'c']]);
});

test('what differs is cut at no half of a character', () => {
    assert.deepEqual(differs('let a = 1;', 'let b = 1;'), { start: 4, endA: 5, endB: 5 });
    assert.deepEqual(differs('x\u{1f600}y', 'x\u{1f601}y'), { start: 1, endA: 3, endB: 3 });
    assert.deepEqual(differs('aa', 'aaa'), { start: 2, endA: 2, endB: 3 });
});

const items = [{ path: 'a', refused: null }, { path: 'b\ufffd', path_b64: 'Yv8=', refused: null }, { path: 'c', refused: 'a device' }];

test('what is applied is all but what was left out', () => {
    let left: Left = new Map();
    assert.deepEqual(requestOf(items, left), {});
    left = toggleHunk(left, 'a', 2, 3);
    assert.deepEqual(requestOf(items, left), { paths_b64: ['Yv8='], hunks: [{ path: 'a', hunks: [1, 3] }] });
    assert.equal(hasHunk(left, 'a', 2), false);
    assert.equal(isWhole(left, 'a'), false);
    left = toggleHunk(toggleHunk(left, 'a', 1, 3), 'a', 3, 3);
    assert.deepEqual(pickedOf(items, left).map(one => one.path), ['b\ufffd']);
    left = toggleHunk(left, 'a', 1, 3);
    assert.deepEqual(requestOf(items, left).hunks, [{ path: 'a', hunks: [1] }]);
    left = toggleFile(toggleFile(left, 'a'), 'Yv8=');
    assert.deepEqual(requestOf(items, left), { paths: ['a'] });
});

test('files stand as in a tree: folders first', () => {
    assert.deepEqual(rowsOf(['z', 'b/c', 'a', 'b/a/x'], path => path).map(row => row.folder + row.name), ['b/a/x', 'b/c', 'a', 'z']);
});
