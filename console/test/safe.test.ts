import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPlain, labelOf, pieces } from '../src/ui/safe';

const shown = (text: string, tabs = false): string => pieces(text, tabs).map(p => p.label ? `[${p.label}]` : p.text).join('');

test('ordinary text of any language stays as it is', () => {
    for (const text of ['', 'make test', '运行测试', 'שלום', 'مرحبا', 'naïve café', 'π ≈ 3', '👩‍💻 ❤️', 'a\tb\nc']) {
        assert.deepEqual(pieces(text).map(p => p.text).join(''), text);
        assert.ok(pieces(text).every(p => !p.label), text);
    }
    const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('');
    assert.deepEqual([shown(ascii), shown(ascii, true)], [ascii, ascii]);
});

test('what changes the order of text, or is not seen, becomes a label', () => {
    assert.equal(shown('a\u202eb'), 'a[U+202E]b');
    assert.equal(shown('\u2066x\u2069'), '[U+2066]x[U+2069]');
    assert.equal(shown('rm\u200b -rf'), 'rm[U+200B] -rf');
    assert.equal(shown('a\u00a0b\u3164c\u2800d\u3000e'), 'a[U+00A0]b[U+3164]c[U+2800]d[U+3000]e');
    assert.equal(shown('\u001b[31m\u0007\u0000\r'), '[U+001B][31m[U+0007][U+0000][U+000D]');
    assert.equal(shown('\u{e0041}\u{e007f}'), '[U+E0041][U+E007F]');
    assert.equal(shown('\ud800'), '[U+D800]');
    assert.equal(shown('\ufeff\u061c\u00ad'), '[U+FEFF][U+061C][U+00AD]');
});

test('many of one kind are one label with their count, and nothing of the text is lost', () => {
    const text = `a${'\u200b'.repeat(3)}b\u200b\u200c\u200c${'\u{e0041}'.repeat(2)}c\n\n`;
    assert.equal(shown(text), 'a[U+200B ×3]b[U+200B][U+200C ×2][U+E0041 ×2]c\n\n');
    assert.equal(shown(text, true), 'a[U+200B ×3]b[U+200B][U+200C ×2][U+E0041 ×2]c[U+000A ×2]');
    assert.equal(pieces(text, true).map(p => p.text).join(''), text);
});

test('of a name on one line, tab and line feed are shown too', () => {
    assert.equal(shown('a\tb\nc', true), 'a[U+0009]b[U+000A]c');
    for (let c = 0; c < 32; c++)
        assert.equal(shown(String.fromCharCode(c), true), `[${labelOf(String.fromCharCode(c))}]`);
});

test('a joiner or selector hides in no plain word', () => {
    assert.equal(shown('a\u200db'), 'a[U+200D]b');
    assert.equal(shown('a\ufe0fb'), 'a[U+FE0F]b');
});

test('every code point that Unicode ignores by default, and every format character, is shown', () => {
    const missed: string[] = [];
    for (let c = 0; c <= 0x10ffff; c++) {
        const text = String.fromCodePoint(c);
        if (/[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Bidi_Control}\p{Z}]/u.test(text) && !/[\t\n ]/.test(text) && isPlain(text))
            missed.push(labelOf(text));
    }
    assert.deepEqual(missed, []);
});

test('a long text costs no more than its length', () => {
    const begin = performance.now();
    assert.equal(pieces('\u200d\u200c'.repeat(10_000)).length, 20_000);
    assert.deepEqual(pieces('\u200d'.repeat(20_000)).map(p => p.label), ['U+200D ×20000']);
    assert.ok(performance.now() - begin < 20_000);
});
