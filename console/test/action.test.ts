import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Keys } from '../src/api/action';
import { ApiError, errorOf } from '../src/api/errors';

test('a request whose outcome is not known is sent again with its key; a known one is not', async () => {
    const keys = new Keys(), seen: string[] = [];
    const fails = (e: Error) => (key: string): Promise<never> => { seen.push(key); return Promise.reject(e); };
    const works = (key: string): Promise<number> => { seen.push(key); return Promise.resolve(1); };
    await assert.rejects(keys.send('a', fails(new ApiError('offline', ''))));
    await assert.rejects(keys.send('a', fails(new ApiError('unavailable', '', 503))));
    assert.equal(await keys.send('a', works), 1);
    await assert.rejects(keys.send('a', fails(new ApiError('conflict', '', 409))));
    await keys.send('a', works);
    assert.deepEqual([seen[1], seen[2]], [seen[0], seen[0]]);
    assert.equal(new Set(seen).size, 3);
});

test('another body is another request', async () => {
    const keys = new Keys(), seen: string[] = [];
    const lost = (key: string): Promise<never> => { seen.push(key); return Promise.reject(new ApiError('offline', '')); };
    await assert.rejects(keys.send('a', lost));
    await assert.rejects(keys.send('b', lost));
    assert.notEqual(seen[0], seen[1]);
});

test('an error is what the server said, or that it was not the server', () => {
    const said = errorOf(409, '{"error":{"code":"plan_changed","message":"m","details":{"field":"f"},"trace_id":"t"}}');
    assert.deepEqual([said.code, said.message, said.details.field, said.traceId, said.isUnsure], ['plan_changed', 'm', 'f', 't', false]);
    const other = errorOf(502, '<html>');
    assert.deepEqual([other.code, other.status, other.isUnsure], ['bad_answer', 502, true]);
});
