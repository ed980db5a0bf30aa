/* What escape sequences do to a line: colours, or nothing; and never more than that. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { scan } from '../src/ansi/scan';
import { classOf, COLOURS, idOf, PLAIN, sgr, styleOf, BOLD, CONCEAL, DIM, INVERSE, ITALIC, STRIKE, UNDERLINE } from '../src/ansi/style';

const encoder = new TextEncoder(), decoder = new TextDecoder();

function read(text: string | Uint8Array): { text: string; runs: [string, string][]; hidden: string } {
    const bytes = typeof text === 'string' ? encoder.encode(text) : text, runs: [string, string][] = [];
    let pen = PLAIN, hidden = '';
    const end = scan(bytes, 0, bytes.length, PLAIN, {
        text: (from, to) => { runs.push([decoder.decode(bytes.subarray(from, to)), classOf(pen)]); },
        pen: id => { pen = id; },
        hidden: (from, to) => { hidden += decoder.decode(bytes.subarray(from, to)); },
    });
    assert.equal(end, pen);
    assert.equal(scan(bytes, 0, bytes.length, PLAIN, null), end);
    return { text: runs.map(([one]) => one).join(''), runs, hidden };
}

const E = '\u001b';

test('colours become classes', () => {
    const table: [string, [string, string][]][] = [
        ['plain', [['plain', '']]],
        [`${E}[31mred${E}[0m.`, [['red', 'f1'], ['.', '']]],
        [`${E}[1;31;44mx`, [['x', 'ab f1 g4']]],
        [`${E}[91mx${E}[39my`, [['x', 'f9'], ['y', '']]],
        [`${E}[102mx${E}[49my`, [['x', 'g10'], ['y', '']]],
        [`${E}[38;5;9mx`, [['x', 'f9']]],
        [`${E}[38;5;196mx`, [['x', 'f16']]],
        [`${E}[38;5;46mx`, [['x', 'f24']]],
        [`${E}[38;5;240mx`, [['x', 'f41']]],
        [`${E}[48;5;21mx`, [['x', 'g32']]],
        [`${E}[38;2;255;0;0mx`, [['x', 'f16']]],
        [`${E}[38:2:255:0:0mx`, [['x', 'f16']]],
        [`${E}[38:2::255:0:0mx`, [['x', 'f16']]],
        [`${E}[38:5:196mx`, [['x', 'f16']]],
        [`${E}[38;2;9;9;9mx`, [['x', 'f40']]],
        [`${E}[58;5;1;31mx`, [['x', 'f1']]], /* the colour of an underline is read over */
        [`${E}[58;2;1;2;3;32mx`, [['x', 'f2']]],
        [`${E}[3;4;9mx${E}[23;24;29my`, [['x', 'ai au as'], ['y', '']]],
        [`${E}[4:3mx${E}[4:0my`, [['x', 'au'], ['y', '']]],
        [`${E}[7mx`, [['x', 'av']]],
        [`${E}[7;31mx`, [['x', 'g1']]],
        [`${E}[7;31;42mx${E}[27my`, [['x', 'f2 g1'], ['y', 'f1 g2']]],
        [`${E}[1;2mx${E}[22my`, [['x', 'ab ad'], ['y', '']]],
        [`${E}[31mx${E}[my`, [['x', 'f1'], ['y', '']]],
        [`${E}[;31mx`, [['x', 'f1']]],
        [`${E}[31;999;1mx`, [['x', 'ab f1']]],
        [`${E}[38;5;999mx`, [['x', '']]],
        [`${E}[38mx${E}[38;2;1mx`, [['x', ''], ['x', '']]],
        [`${E}[30;40mx`, [['x', 'f0 g0']]], /* black on black: shown by two colours that differ (ansi.css) */
        [`${E}[8mx`, [['x', 'ac']]], /* concealed: shown */
    ];
    for (const [line, runs] of table)
        assert.deepEqual(read(line).runs, runs, JSON.stringify(line));
});

test('what is no colour is left out, or shown', () => {
    const table: [string, string][] = [
        [`a${E}]0;title\u0007b`, 'ab'], [`a${E}]0;title${E}\\b`, 'ab'],
        [`a${E}]0;title`, `a${E}]0;title`], [`a${E}]0;ti${E}[31mtle\u0007b`, `a${E}]0;title\u0007b`],
        [`${E}]8;;https://evil.example/${E}\\click${E}]8;;${E}\\`, 'click'],
        [`${E}]52;c;aGk=\u0007x`, 'x'], [`${E}P1$r0m${E}\\x`, 'x'], [`${E}_app${E}\\x`, 'x'], [`${E}^pm${E}\\x`, 'x'], [`${E}Xsos${E}\\x`, 'x'],
        [`a${E}[2Jb${E}[1;1Hc${E}[3Ad${E}[Ke`, 'abcde'], [`${E}[?1049hx${E}[?25l`, 'x'], [`${E}[>4;2mx`, 'x'], [`${E}[?31mx`, 'x'], [`${E}[1 qx`, 'x'],
        [`${E}cx`, 'x'], [`${E}7x${E}8`, 'x'], [`${E}(0x${E}(B`, 'x'], [`${E}#8x`, 'x'], [`${E}=x${E}>`, 'x'],
        [`x${E}`, `x${E}`], [`x${E}[`, `x${E}[`], [`x${E}[31`, `x${E}[31`], [`x${E}\u0001y`, `x${E}\u0001y`], [`${E}${E}[31mx`, `${E}x`],
        [`${E}[31\u0000mx`, `${E}[31\u0000mx`], [`${E}[${'9'.repeat(600)}mx`, `${E}[${'9'.repeat(600)}mx`],
        ['\u009b31mx', '\u009b31mx'], ['\u009d0;t\u0007x', '\u009d0;t\u0007x'], ['<script>alert(1)</script>', '<script>alert(1)</script>'],
    ];
    for (const [line, text] of table)
        assert.equal(read(line).text, text, JSON.stringify(line));
});

test('a colour that is nonsense does not end the others', () => {
    assert.equal(classOf(sgr(PLAIN, '38;9;1')), 'ab');
    assert.equal(classOf(sgr(PLAIN, '1;38;5')), 'ab');
    assert.equal(classOf(sgr(PLAIN, '9'.repeat(300))), '');
    assert.equal(classOf(sgr(PLAIN, Array(500).fill('1').join(';'))), 'ab');
});

test('styles are few, whatever comes', () => {
    let most = 0;
    for (let i = 0; i < 44 * 44 * 128; i++)
        most = Math.max(most, idOf((i % 44) - 1, (Math.floor(i / 44) % 44) - 1, Math.floor(i / 1936)));
    assert.equal(COLOURS, 43);
    assert.equal(most, 65_535);
    assert.ok(styleOf(idOf(5, 6, BOLD | DIM | ITALIC | UNDERLINE | INVERSE | CONCEAL | STRIKE)));
});

/* A generator that is the same in every run. */
function dice(seed: number): (n: number) => number {
    let x = seed;
    return n => {
        x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
        return Math.floor(x / 4294967296 * n);
    };
}

test('any bytes: every byte is text, or in a sequence; nothing outside of the range is looked at', () => {
    const roll = dice(7), pool = [0x1b, 0x5b, 0x5d, 0x3b, 0x3a, 0x6d, 0x30, 0x38, 0x07, 0x5c, 0x20, 0x50, 0x41, 0x0d, 0x80, 0xff];
    for (let round = 0; round < 20_000; round++) {
        const n = roll(48), bytes = new Uint8Array(n + 2).map(() => roll(3) ? pool[roll(pool.length)]! : roll(256));
        let at = 1, shown = 0, last = PLAIN;
        const end = scan(bytes, 1, n + 1, PLAIN, {
            text: (from, to) => { assert.ok(from >= at && to > from && to <= n + 1); at = to; shown += to - from; },
            pen: id => { last = id; },
            hidden: (from, to) => { assert.ok(from >= at && to > from && to <= n + 1); at = to; assert.equal(bytes[from], 0x1b); },
        });
        assert.equal(end, last);
        assert.ok(shown <= n);
        assert.match(classOf(end), /^[a-z0-9 ]*$/);
        /* Without an ESC all of it is text. */
        if (!bytes.subarray(1, n + 1).includes(0x1b))
            assert.equal(shown, n);
    }
});

test('a long line of half sequences takes time in proportion', () => {
    for (const piece of [`${E}]`, `${E}[`, `${E}P`, `${E}(`, `${E}[0;`, `${E}[38;2;1;2;3m`]) {
        const bytes = encoder.encode(piece.repeat(Math.ceil(400_000 / piece.length)));
        let seen = 0;
        scan(bytes, 0, bytes.length, PLAIN, { text: (from, to) => { seen += to - from; }, pen: () => undefined });
        assert.ok(seen <= bytes.length);
    }
});
