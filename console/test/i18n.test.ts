import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fill, lang, strings } from '../src/i18n';

const t = strings({ plain: 'Runs', found: '{n} {n|run|runs} in {where}' }, { plain: '运行', found: '在{where}中有 {n} 次运行' });

test('names are filled in, plurals chosen, in the language that is chosen', () => {
    lang.value = 'en';
    assert.equal(t('plain'), 'Runs');
    assert.equal(t('found', { n: 1, where: 'hello' }), '1 run in hello');
    assert.equal(t('found', { n: 1200, where: 'x' }), '1,200 runs in x');
    lang.value = 'zh';
    assert.equal(t('found', { n: 2, where: 'x' }), '在x中有 2 次运行');
});

test('what is filled in is not looked at again, and may be an element', () => {
    lang.value = 'en';
    assert.equal(t('found', { n: 2, where: '{n} $& {plain}' }), '2 runs in {n} $& {plain}');
    const element = { type: 'b' };
    assert.deepEqual(fill('by {who}.', { who: element }, 'en'), ['by ', element, '.']);
});
