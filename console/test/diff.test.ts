import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differs, pairs, parseDiff } from '../src/diff/parse';
import { appliedOf, hasHunk, outBelow, pickedOf, requestOf, shareOf, toggleFile, toggleFiles, toggleHunk, type Left } from '../src/pages/run/picks';
import { keyOfFolder, rowsOf, treeOf } from '../src/pages/run/tree';

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
    assert.equal(shareOf(left, 'a'), 'mixed');
    left = toggleHunk(toggleHunk(left, 'a', 1, 3), 'a', 3, 3);
    assert.deepEqual(pickedOf(items, left).map(one => one.path), ['b\ufffd']);
    left = toggleHunk(left, 'a', 1, 3);
    assert.deepEqual(requestOf(items, left).hunks, [{ path: 'a', hunks: [1] }]);
    left = toggleFile(toggleFile(left, 'a'), 'Yv8=');
    assert.deepEqual(requestOf(items, left), { paths: ['a'] });
});

const file = (path: string): { path: string; refused: null; additions: number; deletions: number } => ({ path, refused: null, additions: 2, deletions: 1 });

test('files stand in a tree: folders first, a lone folder in one row with its own', () => {
    const top = treeOf(['z', 'b/c', 'a', 'b/a/x/y', 'b/a/x/w'].map(file));
    const shown = (folded: string[]): string[] => rowsOf(top, new Set(folded.map(keyOfFolder)))
        .map(row => `${row.depth} ${row.folder ? `${row.folder.name}/ ${row.folder.files}` : row.leaf.name} ${row.pos}/${row.of} ${row.parent}`);
    assert.deepEqual(shown([]), ['0 b/ 3 1/3 -1', '1 a/x/ 2 1/2 0', '2 w 1/2 1', '2 y 2/2 1', '1 c 2/2 0', '0 a 2/3 -1', '0 z 3/3 -1']);
    assert.deepEqual(shown(['b/a/x']), ['0 b/ 3 1/3 -1', '1 a/x/ 2 1/2 0', '1 c 2/2 0', '0 a 2/3 -1', '0 z 3/3 -1']);
    assert.deepEqual(shown(['b']), ['0 b/ 3 1/3 -1', '0 a 2/3 -1', '0 z 3/3 -1']);
    assert.deepEqual([top.additions, top.deletions], [10, 5]);
});

test('what a folder stands for is never more than what was picked', () => {
    const gone = [{ ...file('gone'), old_mode: '040755', new_mode: null }, file('gone/a'), file('gone/b'), file('kept')];
    const left = toggleFile(new Map(), 'gone/a');
    assert.deepEqual(requestOf(gone, left), { paths: ['gone/b', 'kept'] });
    assert.deepEqual(requestOf(gone, toggleHunk(new Map(), 'gone/a', 1, 2)), { paths: ['gone/b', 'kept'], hunks: [{ path: 'gone/a', hunks: [2] }] });
    assert.deepEqual([...outBelow(gone, left)], [['gone', { all: 1, some: 0 }]]);
    assert.deepEqual([...toggleFiles(left, gone.slice(0, 3)).keys()], [], 'first everything is taken again');
    assert.deepEqual([...toggleFiles(new Map(), gone.slice(0, 3)).keys()], ['gone', 'gone/a', 'gone/b']);
});

test('of very many files whole folders are named, and never one of which something was left out', () => {
    const many = Array.from({ length: 3000 }, (_, i) => file(`d${i % 3}/e/f${i}`));
    assert.deepEqual(requestOf(many, toggleFile(new Map(), 'd1/e/f1')).paths?.filter(path => !path.startsWith('d1/e/f')), ['d0', 'd2']);
    assert.equal(requestOf(many, toggleFile(new Map(), 'd1/e/f1')).paths?.length, 1001);
    const odd = many.map(one => ({ ...one, path: one.path.replace('d2', 'd\ufffd') }));
    assert.equal(requestOf(odd, toggleFile(new Map(), 'd1/e/f1')).paths?.length, 2000, 'a name that is no UTF-8 names no folder');
    const folder = [{ ...file('d0'), old_mode: '040755', new_mode: null }, ...many];
    assert.deepEqual(requestOf(folder, toggleFile(new Map(), 'd0')).paths, ['d0/e', 'd1', 'd2']);
});

test('what was applied, by the names that were picked', () => {
    const all = [file('a'), file('d/b'), file('d/c'), file('x'), { path: 'y\ufffd', path_b64: 'ef8=', refused: null }];
    assert.deepEqual([...appliedOf(all, { paths: null, skipped: [{ path: 'x' }] })], [['x', 'out']]);
    assert.deepEqual([...appliedOf(all, { paths: ['d'], hunks: [{ path: 'a', hunks: [1] }], skipped: [{ path: 'a' }] })],
        [['a', 'some'], ['x', 'out'], ['ef8=', 'out']]);
    assert.deepEqual([...appliedOf(all, { paths: ['a', 'd/b', 'x'], paths_b64: ['ef8='], skipped: [] })], [['d/c', 'out']]);
});
