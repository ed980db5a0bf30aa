/* A log as rows: whatever the frames, each byte is in one row, and an old chunk comes back as it was. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { copyOf, decode, piecesOf, textOf } from '../src/log/decode';
import { CONT, CUT, ERR, KEPT_BYTES, LogRows, NO_EOL, OUT, OVER, ROW_MOST, STREAM, SYSTEM, type Chunk } from '../src/log/rows';
import { errorMatcher, hitOf, Search, textMatcher } from '../src/log/search';

const encoder = new TextEncoder();
type Frame = [stream: number, bytes: Uint8Array];

function frame(stream: number, text: string): Frame {
    return [stream, encoder.encode(text)];
}

/* Offset of frame i: i * 10. Fed in pieces of `piece` bytes. */
function fill(frames: Frame[], { piece = 1 << 30, most = undefined as number | undefined, finish = true } = {}): LogRows {
    const rows = new LogRows(most);
    frames.forEach(([stream, bytes], i) => {
        assert.ok(rows.begin(i * 10, stream, 1000 + i));
        for (let at = 0; at < bytes.length; at += piece)
            rows.feed(bytes, at, Math.min(bytes.length, at + piece));
        rows.end();
    });
    if (finish)
        rows.finish();
    return rows;
}

function restore(rows: LogRows, frames: Frame[], chunk: Chunk): boolean {
    const again = rows.restore(chunk);
    frames.forEach(([stream, bytes], i) => {
        if (i * 10 < chunk.from || i * 10 > chunk.last)
            return;
        again.frame(stream, 1000 + i);
        again.feed(bytes, 0, bytes.length);
        again.end();
    });
    return again.done();
}

function all(rows: LogRows, frames: Frame[] = []): string[] {
    const out: string[] = [];
    for (let i = 0; i < rows.count; i++) {
        const chunk = i < rows.rows ? rows.chunkOf(i)! : null;
        if (chunk && !chunk.body)
            assert.ok(restore(rows, frames, chunk));
        const row = rows.at(i)!;
        assert.equal(row.index, i);
        out.push(`${row.number} ${row.flags} ${decode(row.bytes, row.from, row.to)}`);
    }
    return out;
}

test('lines of two streams', () => {
    const rows = fill([frame(OUT, 'one\ntw'), frame(ERR, 'oops\nmore'), frame(OUT, 'o\r\n'), frame(SYSTEM, 'said'), frame(ERR, ' oops')]);
    assert.deepEqual(all(rows), [`1 ${OUT} one`, `2 ${ERR} oops`, `3 ${OUT} two`, `0 ${SYSTEM | NO_EOL} said`, `4 ${ERR | NO_EOL} more oops`]);
    assert.equal(rows.lines, 4);
    assert.equal(rows.rowOfLine(4), 4);
    assert.equal(rows.rowOfLine(5), -1);
});

test('what is not complete yet stands at the end', () => {
    const rows = fill([frame(OUT, 'a\n> '), frame(ERR, 'x')], { finish: false });
    assert.equal(rows.rows, 1);
    assert.deepEqual(all(rows), [`1 ${OUT} a`, `2 ${OUT} > `, `3 ${ERR} x`]);
    assert.ok(rows.at(1)!.isOpen);
    rows.begin(100, ERR, 0);
    rows.feed(encoder.encode('y\n'));
    rows.end();
    assert.deepEqual(all(rows), [`1 ${OUT} a`, `2 ${ERR} xy`, `3 ${OUT} > `]);
});

test('a frame is taken once', () => {
    const rows = fill([frame(OUT, 'a\n'), frame(OUT, 'b\n')], { finish: false });
    assert.equal(rows.begin(10, OUT, 0), false);
    assert.equal(rows.begin(0, OUT, 0), false);
    assert.equal(rows.begin(20, OUT, 0), true);
});

test('long lines go on in rows without a number', () => {
    const rows = fill([frame(OUT, 'x'.repeat(ROW_MOST) + '\n' + 'y'.repeat(ROW_MOST + 1) + '\n' + '界'.repeat(ROW_MOST) + '\nend\n')]), list = all(rows);
    assert.equal(list[0], `1 ${OUT} ${'x'.repeat(ROW_MOST)}`);
    assert.equal(list[1], `2 ${OUT} ${'y'.repeat(ROW_MOST)}`);
    assert.equal(list[2], `0 ${OUT | CONT} y`);
    const third = list.slice(3, -1);
    assert.ok(third.every(row => !row.includes('\ufffd')), 'no character is cut');
    assert.equal(third.map(row => row.replace(/^\d+ \d+ /, '')).join(''), '界'.repeat(ROW_MOST));
    assert.equal(list.at(-1), `4 ${OUT} end`);
    assert.equal(rows.rowOfLine(4), rows.rows - 1);
    assert.equal(rows.rowOfLine(2), 1);
});

test('a sequence is not cut where a long line is', () => {
    const rows = fill([frame(OUT, 'x'.repeat(ROW_MOST - 3) + '\u001b[31mred\u001b[0m\n')]);
    assert.equal(textOf(rows.at(0)!), 'x'.repeat(ROW_MOST - 3));
    assert.deepEqual(piecesOf(rows.at(1)!).map(p => [p.text, p.look]), [['red', 'f1']]);
});

test('progress bars show their last state, and say so', () => {
    const rows = fill([frame(OUT, '10%\r20%\r30%\n'), frame(OUT, 'ok\r\n'), frame(OUT, Array.from({ length: 5000 }, (_, i) => `\r[${i}]`).join('') + '\n')]);
    assert.equal(textOf(rows.at(0)!), '30%');
    assert.equal(rows.at(0)!.flags, OUT | OVER);
    assert.equal(textOf(rows.at(0)!, true), '10%\r20%\r30%');
    assert.equal(rows.at(1)!.flags, OUT);
    assert.equal(rows.count, 3);
    assert.equal(textOf(rows.at(2)!), '[4999]');
    assert.equal(rows.at(2)!.flags, OUT | OVER | CUT);
});

test('colours go on in the next line, for each stream', () => {
    const rows = fill([frame(OUT, '\u001b[31mred\nstill\n'), frame(ERR, 'plain\n'), frame(OUT, '\u001b[0mend\n')]);
    assert.deepEqual([0, 1, 2, 3].map(i => piecesOf(rows.at(i)!)[0]!.look), ['f1', 'f1', '', '']);
});

test('what deceives has a label, and hides nothing', () => {
    const row = fill([frame(OUT, 'a\u202eb\u200bc\u0000d\u001b\u00e9\tf <b>\n')]).at(0)!, list = piecesOf(row);
    assert.deepEqual(list.filter(p => p.label).map(p => p.label), ['U+202E', 'U+200B', 'U+0000', 'U+001B']);
    assert.equal(list.filter(p => !p.label).map(p => p.text).join(''), 'abcd\u00e9\tf <b>');
    assert.equal(copyOf(row), 'a\u202eb\u200bcd\u00e9\tf <b>');
    const few = piecesOf(row, { most: 3 });
    assert.equal(few.length, 3);
    assert.equal(few.map(p => p.label ? `[${p.label}]` : p.text).join(''), 'a[U+202E]b[U+200B]c[U+0000]d[U+001B]\u00e9\tf <b>');
});

test('bytes that are no text', () => {
    const rows = fill([[OUT, new Uint8Array([0xff, 0xfe, 0x41, 0x0a, 0xc3])]]);
    assert.equal(textOf(rows.at(0)!), '\ufffd\ufffdA');
    assert.equal(textOf(rows.at(1)!), '\ufffd');
});

function dice(seed: number): (n: number) => number {
    let x = seed;
    return n => {
        x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
        return Math.floor(x / 4294967296 * n);
    };
}

function randomFrames(roll: (n: number) => number, n: number): Frame[] {
    const bits = ['a', 'line ', '\n', '\n', '\r', '\r\n', '\u001b[31m', '\u001b[0m', '\u001b]0;t\u0007', '界', '\u202e', 'x'.repeat(700), '\u001b', 'error: no\n'];
    return Array.from({ length: n }, () => {
        let text = '';
        for (let i = roll(12); i >= 0; i--)
            text += bits[roll(bits.length)]!;
        const bytes = encoder.encode(text);
        return [1 + roll(3), roll(4) ? bytes : bytes.subarray(0, roll(bytes.length + 1))] as Frame; /* also half characters */
    });
}

/* Where lines end is checked above; here, that nothing is lost and nothing added. */
function bare(text: string): string {
    return text.replace(/[\r\n]/g, '');
}

test('rows depend on the frames, not on the pieces; every byte of a line is in it', () => {
    for (let seed = 1; seed <= 15; seed++) {
        const roll = dice(seed), frames = randomFrames(roll, 60), whole = all(fill(frames));
        for (const piece of [1, 7, 1000])
            assert.deepEqual(all(fill(frames, { piece })), whole);
        for (const stream of [OUT, ERR]) {
            const rows = fill(frames);
            let got = '', isCut = false;
            for (let i = 0; i < rows.count; i++) {
                const row = rows.at(i)!;
                if ((row.flags & STREAM) === stream) {
                    got += (row.flags & CONT ? '' : '\n') + decode(row.bytes, row.from, row.to);
                    isCut ||= (row.flags & CUT) !== 0;
                }
            }
            const bytes = frames.filter(([s]) => s === stream).flatMap(([, b]) => [...b]);
            if (!isCut)
                assert.equal(bare(got), bare(decode(new Uint8Array(bytes), 0, bytes.length)));
        }
    }
});

test('chunks that were given up come back as they were', () => {
    for (let seed = 1; seed <= 2; seed++) {
        const frames = randomFrames(dice(seed), 6000), kept = all(fill(frames)), small = fill(frames, { most: 300_000 });
        assert.ok(small.chunks.length > 3);
        assert.ok(small.chunks.some(chunk => !chunk.body), 'some are given up');
        assert.deepEqual(all(small, frames), kept);
        assert.ok(small.keptBytes <= 300_000 || small.chunks.filter(chunk => chunk.body).length <= 2);
    }
});

test('other frames than the first time are not taken for the same', () => {
    const frames = randomFrames(dice(3), 6000), rows = fill(frames, { most: 300_000 }), chunk = rows.chunks.find(one => !one.body)!;
    assert.equal(restore(rows, frames.map(([s, b]) => [s, b.subarray(1)] as Frame), chunk), false);
    assert.equal(chunk.body, null);
});

test('a million lines', () => {
    const lines = 1_000_000, per = 2000, rows = new LogRows();
    for (let i = 0; i < lines; i += per) {
        let text = '';
        for (let k = i; k < i + per; k++)
            text += `line ${k + 1}: what a build prints, in about sixty bytes\n`;
        rows.begin(i, OUT, i);
        rows.feed(encoder.encode(text));
        rows.end();
    }
    rows.finish();
    assert.equal(rows.lines, lines);
    assert.ok(rows.keptBytes <= KEPT_BYTES);
    assert.equal(textOf(rows.at(lines - 1)!), `line ${lines}: what a build prints, in about sixty bytes`);
});

test('search finds what a plain search finds', () => {
    for (let seed = 1; seed <= 15; seed++) {
        const frames = randomFrames(dice(seed), 200), rows = fill(frames);
        for (const text of ['line', 'LINE', 'E', 'ea', '界', 'a界', '[31', 'error']) {
            const search = new Search(rows, textMatcher(hitOf(text)));
            while (!search.isDone)
                assert.equal(search.step(), null);
            const want: number[] = [];
            for (let i = 0; i < rows.rows; i++) {
                const row = textOf(rows.at(i)!);
                if (text === text.toLowerCase() ? row.toLowerCase().includes(text) : row.includes(text))
                    want.push(i);
            }
            assert.deepEqual([...search.found.subarray(0, search.count)], want, text);
        }
    }
});

test('search goes on where it was when lines are added, and asks for what is not here', () => {
    const rows = fill([frame(OUT, 'x\ny\n')], { finish: false }), search = new Search(rows, textMatcher(hitOf('x')));
    search.step();
    assert.ok(search.isDone);
    rows.begin(50, OUT, 0);
    rows.feed(encoder.encode('X\n'));
    rows.end();
    search.step();
    assert.deepEqual([...search.found.subarray(0, search.count)], [0, 2]);
    assert.equal(search.before(1), 1);
    const frames = randomFrames(dice(9), 6000), small = fill(frames, { most: 300_000 }), wide = new Search(small, textMatcher(hitOf('line')));
    let asked = 0;
    while (!wide.isDone) {
        const chunk = wide.step();
        if (chunk) {
            asked++;
            assert.ok(restore(small, frames, chunk));
        }
    }
    const whole = new Search(fill(frames), textMatcher(hitOf('line')));
    while (!whole.isDone)
        whole.step();
    assert.ok(asked > 0);
    assert.deepEqual(wide.found.subarray(0, wide.count), whole.found.subarray(0, whole.count));
});

test('what looks like an error', () => {
    const yes = ['main.c:3:5: error: expected ;', 'error[E0308]: mismatched types', 'npm ERR! code 1', 'Traceback (most recent call last):', 'ValueError: x',
        'make: *** [Makefile:3: all] Error 1', 'FAILED tests/test_x.py::test', 'FAIL src/x.test.ts', 'panic: runtime error', 'Segmentation fault (core dumped)',
        'ld: undefined reference to `main\'', 'bash: foo: command not found', 'cat: x: No such file or directory', 'not ok 3 - it works', '\u001b[31mERROR\u001b[0m it broke',
        'java.lang.NullPointerException', 'fatal: not a git repository', 'Error: Cannot find module'];
    const no = ['0 errors, 0 warnings', 'gcc -Werror -c error.c', 'no error', 'libgpg-error-dev is installed', 'ERROR_CODE=3', 'test error_handling ... ok', 'failed: 0', 'FAILED: 0',
        'errors.o'];
    for (const line of [...yes, ...no]) {
        const rows = fill([frame(OUT, `fine\n${line}\nfine\n`)]), search = new Search(rows, errorMatcher());
        while (!search.isDone)
            search.step();
        assert.deepEqual([...search.found.subarray(0, search.count)], yes.includes(line) ? [1] : [], line);
    }
});
