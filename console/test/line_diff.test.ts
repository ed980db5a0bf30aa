/* The diff of two texts: carried out, it makes the second of the first, whatever they are; and it is short. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { parseDiff } from '../src/diff/parse';
import { lineDiff } from '../src/pages/policy/line_diff';

function lines(text: string): string[] {
    const all = text.split('\n');
    if (all.at(-1) === '')
        all.pop();
    return all;
}

/* Carries the diff out, and holds each line and number of it against both texts. */
function patch(from: string, to: string): string[] {
    const a = lines(from), b = lines(to), out: string[] = [];
    const diff = lineDiff(from, to), file = parseDiff(diff);
    let at = 0, changed = 0;
    for (const hunk of file.hunks) {
        const first = hunk.rows.find(row => row.old !== null);
        const start = first ? first.old! - 1 : Number(/-(\d+)/.exec(hunk.head)![1]);
        while (at < start)
            out.push(a[at++]!);
        for (const row of hunk.rows) {
            if (row.kind !== 'added')
                assert.equal(a[row.old! - 1], row.text);
            if (row.kind !== 'deleted')
                assert.equal(b[row.new! - 1], row.text);
            if (row.kind === 'deleted' || row.kind === 'same')
                at++;
            if (row.kind === 'added' || row.kind === 'same')
                out.push(row.text);
            changed += row.kind === 'same' ? 0 : 1;
        }
    }
    out.push(...a.slice(at));
    assert.deepEqual(file.notes, []);
    assert.deepEqual(out, b);
    return [String(changed)];
}

test('equal texts have none', () => {
    assert.equal(lineDiff('a\nb\n', 'a\nb\n'), '');
    assert.equal(lineDiff('', ''), '');
});

test('one line changed among many is one hunk with three lines around', () => {
    const from = Array.from({ length: 50 }, (_, i) => `line ${i}`).join('\n') + '\n';
    const diff = lineDiff(from, from.replace('line 20\n', 'other\n'));
    assert.equal(diff.split('\n')[0], '@@ -18,7 +18,7 @@');
    assert.equal(diff.split('\n').length, 1 + 8 + 1);
});

test('whatever the texts, the diff makes the second of the first', () => {
    let seed = 7;
    const random = (n: number): number => {
        seed = (seed * 1103515245 + 12345) % 2147483648;
        return Math.floor(seed / 65536) % n;
    };
    for (let round = 0; round < 400; round++) {
        const a = Array.from({ length: random(40) }, () => 'abcde'[random(5)]!);
        const b = a.slice();
        for (let edit = random(12); edit > 0; edit--)
            if (random(2))
                b.splice(random(b.length + 1), 0, 'abcdef'[random(6)]!);
            else
                b.splice(random(b.length + 1), 1);
        const changed = Number(patch(a.join('\n'), b.join('\n'))[0]);
        assert.ok(changed <= 12 * 2);
    }
});

test('texts that have nothing in common, and large ones, come out as well', () => {
    const a = Array.from({ length: 4000 }, (_, i) => `a${i}`).join('\n'), b = Array.from({ length: 4000 }, (_, i) => `b${i}`).join('\n');
    patch(a, b);
    patch('', a);
    patch(a, '');
});
