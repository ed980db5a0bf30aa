import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan } from '../src/api/types';
import { draftsOf, emptyDraft, isEmpty, moved, requestOf, textOf } from '../src/pages/planner/draft';

const step = { index: 0, kind: 'command' as const, title: 'make test', reason: null, command: 'make test', argv: null, cwd: '', env_names: [], wall_ms: null };
const plan = (steps: object[]): Plan => ({ run_id: null, plan_hash: null, policy_version: 0, title: '', notes: [],
    steps: steps.map((one, index) => ({ ...step, ...one, index })) });

test('a plan that nobody edited is sent as it came', () => {
    const [a, b, c] = draftsOf(plan([{}, { title: 'list', command: null, argv: ['ls', 'a b'] },
        { title: 'a title', cwd: 'src', wall_ms: 1500, pty: true, cols: 100, rows: 30, reason: 'why', env_names: ['B'] }]), ['A', 'B']);
    assert.deepEqual(requestOf(a!, ['A', 'B']), { command: 'make test', env_names: [] });
    assert.deepEqual(requestOf(b!), { argv: ['ls', 'a b'], title: 'list' });
    assert.deepEqual(requestOf(c!, ['A', 'B']), { command: 'make test', title: 'a title', cwd: 'src', wall_ms: 1500, pty: true, cols: 100, rows: 30,
        env_names: ['B'], reason: 'why' });
});

test('words that ran without a shell are shown quoted, and are shell text once edited', () => {
    const [draft] = draftsOf(plan([{ title: 'ls a b', command: null, argv: ['ls', 'a b'] }]));
    assert.equal(draft!.command, "ls 'a b'");
    assert.deepEqual(requestOf({ ...draft!, command: "ls 'a b' -l", argv: null }), { command: "ls 'a b' -l" });
});

test('a step sees all variables of the run, unless some were left out', () => {
    const [all] = draftsOf(plan([{ env_names: ['A', 'B'] }]), ['A', 'B']);
    assert.equal(requestOf(all!, ['A', 'B', 'C']).env_names, undefined);
    assert.deepEqual(requestOf({ ...all!, env: ['B', 'GONE'] }, ['A', 'B']).env_names, ['B']);
});

test('moving keeps every step', () => {
    assert.deepEqual(moved([1, 2, 3], 0, 2), [2, 3, 1]);
    assert.deepEqual(moved([1, 2, 3], 2, 0), [3, 1, 2]);
    assert.deepEqual(moved([1, 2, 3], 1, 9), [1, 3, 2]);
});

test('what counts as an edit is what would run', () => {
    const one = draftsOf(plan([{}])), same = draftsOf(plan([{}]));
    assert.equal(textOf(one), textOf(same));
    assert.notEqual(textOf(one), textOf([{ ...one[0]!, cwd: 'x' }]));
    assert.ok(isEmpty(emptyDraft()) && !isEmpty(one[0]!));
});
