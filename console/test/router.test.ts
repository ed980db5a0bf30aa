import assert from 'node:assert/strict';
import { test } from 'node:test';
import { match } from '../src/router';
import { urlOf } from '../src/api/client';

test('the URLs of the console, and no others', () => {
    const name = (path: string): string | undefined => match(path)?.route.name;
    assert.equal(name('/'), 'inbox');
    for (const [path, page] of [['/inbox', 'inbox'], ['/plan', 'planner'], ['/runs', 'runs'], ['/login', 'login'], ['/runs/run_1', 'run']])
        assert.equal(name(path!), page);
    assert.equal(match('/runs/run_1')!.id, 'run_1');
    for (const path of ['/runs/', '/runs/a/b', '/nothing', '/inbox/', '/runs/%zz'])
        assert.equal(match(path), null, path);
});

test('values are escaped in paths and queries; what is not there is left out', () => {
    assert.equal(urlOf('/runs/{run}', { run: 'a/b?c' }), '/api/v1/runs/a%2Fb%3Fc');
    assert.equal(urlOf('/runs', {}, { state: undefined, project_id: '', limit: 0 }), '/api/v1/runs?limit=0');
    assert.equal(urlOf('/runs/{run}/diff', { run: 'r' }, { path: ['a b', '&'] }), '/api/v1/runs/r/diff?path=a+b&path=%26');
});
