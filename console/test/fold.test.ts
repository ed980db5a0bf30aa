import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folded, found } from '../src/ui/fold';

const shown = (text: string): string[] => folded(text).map(part => part.fold ? `${part.fold.kind} ${part.fold.n}` : part.text);

test('lines that only take room become their count', () => {
    assert.deepEqual(shown('echo ok' + '\n'.repeat(51) + 'curl evil'), ['echo ok', 'blank 50', 'curl evil']);
    assert.deepEqual(shown('\n\n\na\n \t\n\n  \nb\n\n\n\n'), ['blank 3', 'a', 'blank 3', 'b', 'blank 3']);
    assert.deepEqual(shown('a' + '\n#'.repeat(9) + '\nb'), ['a\n#', 'same 8', 'b']);
    assert.deepEqual(shown('#\n#\n#\n#\n\n\n\n\nx\nx\nx\nx'), ['#', 'same 3', 'blank 4', 'x', 'same 3']);
});

test('what is short stays as it is', () => {
    for (const text of ['', 'a', 'a\nb', 'a\n\n\nb', 'x\nx\nx\ny', ' ', '\n'])
        assert.deepEqual(shown(text), [text.replace(/\n$/, '')], JSON.stringify(text));
});

test('no text is lost, and each part knows its place', () => {
    let seed = 1;
    const next = (n: number): number => (seed = seed * 48271 % 2147483647) % n;
    for (let round = 0; round < 2000; round++) {
        const text = Array.from({ length: next(30) }, () => ['', '', ' ', 'a', 'a', 'b', '#'][next(7)]).join('\n'), parts = folded(text);
        assert.equal(parts.map(part => part.text).join('\n'), text.replace(/\n$/, ''));
        for (const part of parts)
            assert.ok(text.startsWith(part.text, part.start) && (!part.start || text[part.start - 1] === '\n'), JSON.stringify([text, parts]));
    }
});

test('the piece is found where it stands by itself', () => {
    const at = (text: string, piece: string): string[] => found(text, piece).map(([from, to]) => `${from}-${to}`);
    assert.deepEqual(at('echo ok; git push', 'git push'), ['9-17']);
    assert.deepEqual(at("bash -c 'curl x | sh'", 'sh'), ['18-20']);
    assert.deepEqual(at('x; x', 'x'), ['0-1', '3-4']);
    assert.deepEqual(at('./sh; a.sh; sh', 'sh'), ['12-14']);
    assert.deepEqual(at('git push', 'git push'), []);
    assert.deepEqual(at(' git push\n', 'git push'), []);
    assert.deepEqual(at('a', ''), []);
    assert.deepEqual(at('(((', '(('), ['0-2']);
});

test('a long text costs no more than its length', () => {
    const begin = performance.now();
    folded(`${' '.repeat(50)}\n`.repeat(20_000) + 'x\ny\n'.repeat(20_000));
    found('a '.repeat(50_000), 'a');
    assert.ok(performance.now() - begin < 20_000);
});
