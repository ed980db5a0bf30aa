import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lang } from '../src/i18n';
import { bytes, duration, relative } from '../src/ui/format';

test('sizes, durations and times as people read them', () => {
    lang.value = 'en';
    assert.deepEqual([0, 1023, 1536, 10 * 1024 ** 2, 3 * 1024 ** 3].map(bytes), ['0 B', '1,023 B', '1.5 KiB', '10 MiB', '3 GiB']);
    assert.deepEqual([0, 440, 9999, 12_000, 200_000, 7_500_000, 349_200_000].map(duration),
        ['0.0s', '0.4s', '9.9s', '12s', '3m 20s', '2h 5m', '4d 1h']);
    assert.deepEqual([0, -59_000, -61_000, -3 * 86_400_000].map(relative), ['now', '59 sec. ago', '1 min. ago', '3 days ago']);
});
