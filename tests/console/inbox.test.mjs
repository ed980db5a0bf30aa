/* The inbox: all that waits, decided beside its list. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from './lib.mjs';

const ATTACK = 'a\u202eb\u200bc <img src=x onerror=alert(1)><script>alert(2)</script>';

test('inbox: nothing waits', async ({ page, server }) => {
    await page.goto(server.url + '/');
    await page.getByRole('heading', { name: 'Nothing waits for you' }).waitFor();
    await page.a11y();
});

/* One of each kind: a plan, a step that asks, changes. */
async function three(server, name) {
    const project = await server.project(name);
    const plan = await server.run({ project_id: name, intent: '运行单测并生成报告' });
    await server.state(plan.id, 'awaiting_review');
    const asks = await server.run({ project_id: name, intent: 'push it', steps: [{ command: 'git push origin main' }], review: 'effects' });
    await server.state(asks.id, 'awaiting_approval');
    const changes = await server.run({ project_id: name, intent: 'write it', steps: [{ command: 'mkdir docs && echo text > docs/NEW.md' }], review: 'effects' });
    await server.state(changes.id, 'awaiting_apply');
    return { project, plan, asks, changes };
}

test('inbox by mouse: each kind is looked at and decided, and the count follows', async ({ page, server, eq, ok, until }) => {
    const { project, plan, asks, changes } = await three(server, 'mouse');
    await page.goto(server.url + '/inbox');
    await until(() => page.locator('.nav .count').textContent().then(text => text === '3'), 'the count');
    const preview = page.getByRole('region', { name: 'What is to be decided' });
    await preview.getByText('make test').waitFor();
    await page.a11y();
    await page.locator('.inbox button', { hasText: 'git push' }).click();
    await preview.locator('.run-ask', { hasText: 'git push origin main' }).waitFor();
    await page.a11y();
    await preview.getByRole('button', { name: 'Deny' }).click();
    await server.ended(asks.id);
    await page.locator('.inbox button', { hasText: 'write it' }).click();
    await preview.locator('.diff-added', { hasText: 'text' }).waitFor();
    const [folder, file] = await preview.locator('.run-files').evaluate(tree => ['docs/', 'NEW.md'].map(text => {
        const { left, top, bottom } = [...tree.querySelectorAll('.run-path *')].findLast(one => one.textContent === text).getBoundingClientRect();
        return { left, top, bottom };
    }));
    ok(folder.bottom <= file.top + 1 && folder.left < file.left, 'the folder stands above its file');
    await page.a11y();
    await page.noSideways();
    await preview.getByRole('button', { name: 'Apply all' }).click();
    await server.ended(changes.id);
    eq(readFileSync(join(project.root_path, 'docs/NEW.md'), 'utf8'), 'text\n', 'applied');
    await preview.getByRole('button', { name: 'Reject' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Reject' }).click();
    await page.getByRole('heading', { name: 'Nothing waits for you' }).waitFor();
    eq((await server.ended(plan.id)).state, 'rejected', 'the plan');
    await until(async () => await page.locator('.nav .count').count() === 0, 'no count');
});

test('inbox by keyboard, in Chinese at 360 px: j, k, a, r, enter', { width: 360, lang: 'zh', dark: true }, async ({ page, server, eq, until }) => {
    const { plan, asks, changes } = await three(server, 'keys');
    await page.goto(server.url + '/inbox');
    const preview = page.getByRole('region', { name: '待决定的内容' });
    await preview.getByText('make test').waitFor();
    await page.a11y();
    await page.noSideways();
    await page.keyboard.press('j');
    await preview.locator('.run-ask', { hasText: 'git push origin main' }).waitFor();
    await page.noSideways();
    await page.keyboard.press('j');
    await preview.locator('.diff-added').first().waitFor();
    await page.noSideways();
    await page.keyboard.press('k');
    await preview.locator('.run-ask', { hasText: 'git push origin main' }).waitFor();
    await page.settled('拒绝', preview);
    await page.keyboard.press('r');
    await server.ended(asks.id);
    await preview.locator('.diff-added').first().waitFor(); /* the next one took its place */
    await page.keyboard.press('k');
    await preview.getByText('make test').waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/runs/${plan.id}`);
    await page.goBack();
    await preview.getByText('make test').waitFor();
    await page.settled('批准计划', preview);
    await page.keyboard.press('a');
    await until(async () => (await server.api('GET', `/runs/${plan.id}`)).state !== 'awaiting_review', 'approved');
    await server.state(plan.id, 'awaiting_apply', 'succeeded', 'failed');
    const waits = await server.api('GET', `/runs/${changes.id}`);
    eq(waits.state, 'awaiting_apply', 'one press decided one thing');
});

test('inbox: what goes away by itself leaves nothing to press, and a key held down decides once', async ({ page, server, eq, until }) => {
    await server.project('gone');
    const runs = [];
    for (const n of [1, 2, 3]) {
        runs.push(await server.run({ project_id: 'gone', intent: `number ${n}`, steps: [{ command: `echo ${n}` }] }));
        await server.state(runs.at(-1).id, 'awaiting_review');
    }
    await page.goto(server.url + '/inbox?project=' + runs[0].project_id);
    const preview = page.getByRole('region', { name: 'What is to be decided' });
    await preview.getByRole('heading', { name: 'number 1' }).waitFor();
    await preview.getByRole('button', { name: 'Approve plan' }).waitFor();
    await server.api('POST', `/runs/${runs[0].id}/reject`, {});
    await preview.getByRole('heading', { name: 'It waits no longer' }).waitFor();
    await page.keyboard.press('a');
    await page.keyboard.press('j');
    await preview.getByRole('heading', { name: 'number 2' }).waitFor();
    await page.settled('Approve plan', preview);
    await page.keyboard.down('a');
    await preview.getByRole('heading', { name: 'number 3' }).waitFor();
    await page.settled('Approve plan', preview);
    for (let i = 0; i < 5; i++)
        await page.keyboard.down('a');
    await page.keyboard.up('a');
    await until(async () => (await server.api('GET', `/runs/${runs[1].id}`)).state === 'succeeded', 'the second ran');
    eq((await server.api('GET', `/runs/${runs[2].id}`)).state, 'awaiting_review', 'the third still waits');
});

test('inbox: text that deceives is shown for what it is', async ({ page, server, eq }) => {
    await server.project('attack');
    const run = await server.run({ project_id: 'attack', intent: ATTACK, steps: [{ command: `git push '${ATTACK}'` }], review: 'effects' });
    await server.state(run.id, 'awaiting_approval');
    await page.goto(`${server.url}/inbox?project=${run.project_id}`);
    const preview = page.getByRole('region', { name: 'What is to be decided' });
    await preview.locator('.run-ask').waitFor();
    eq(await preview.locator('.run-ask .chip-char').allTextContents(), ['U+202E', 'U+200B'], 'the command');
    eq(await page.locator('main img, main script').count(), 0, 'elements made of text');
    await page.a11y();
});
