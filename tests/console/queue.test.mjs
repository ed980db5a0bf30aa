/* The queue: paused, drained and resumed; what waits, why, and in which order. */
import { test } from './lib.mjs';

async function waiting(server, name) {
    const project = await server.project(name);
    return { project, run: await server.run({ project_id: project.id, steps: [{ command: 'true' }], review: 'none' }) };
}

test('queue by mouse: paused with a reason, a run waits, gets a priority, runs when it is resumed', async ({ page, server, eq, until }) => {
    await page.goto(`${server.url}/queue`);
    await page.locator('[data-node=takes]').waitFor();
    await page.getByRole('heading', { name: 'The queue is empty' }).waitFor();
    await page.a11y();
    await page.getByRole('button', { name: 'Pause', exact: true }).first().click();
    await page.getByRole('dialog').getByLabel('Why').fill('backup \u202e<b>now</b>');
    await page.a11y();
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
    await page.locator('[data-node=paused]').waitFor();
    eq(await page.locator('.queue-node .chip-char').allTextContents(), ['U+202E'], 'chips');
    eq((await server.api('GET', '/queue')).node.paused, true, 'the server says so');
    const { run } = await waiting(server, 'waits');
    const item = page.locator(`.queue-item[data-run=${run.id}]`);
    await item.getByText('this node is paused').waitFor();
    await page.a11y();
    await item.getByRole('button', { name: /Change priority/ }).click();
    await page.getByRole('dialog').getByLabel('Priority').selectOption('urgent');
    await page.getByRole('dialog').getByRole('button', { name: 'Set priority' }).click();
    await item.getByText('Urgent').waitFor();
    eq((await server.api('GET', `/runs/${run.id}`)).priority, 100, 'the server knows it');
    await page.getByRole('button', { name: 'Resume' }).first().click();
    await page.locator('[data-node=takes]').waitFor();
    eq((await server.ended(run.id)).state, 'succeeded');
    await until(async () => await item.count() === 0, 'it is gone from the queue');
});

test('queue by keyboard: p pauses and resumes; drained when nothing is in work', async ({ page, server }) => {
    await page.goto(`${server.url}/queue`);
    await page.locator('[data-node=takes]').waitFor();
    await page.keyboard.press('p');
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('[data-node=paused]').waitFor();
    await page.getByRole('button', { name: 'Drain' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('[data-node=drained]').waitFor();
    await page.a11y();
    await page.getByRole('heading', { name: 'Drained' }).click();
    await page.keyboard.press('p');
    await page.locator('[data-node=takes]').waitFor();
});

test('queue: one project is paused, the others are not', async ({ page, server, eq }) => {
    const project = await server.project('held-back');
    await page.goto(`${server.url}/queue`);
    await page.getByRole('button', { name: 'Pause a project' }).click();
    await page.getByRole('dialog').getByLabel('Project').selectOption({ label: 'held-back' });
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
    const row = page.locator('[data-project=held-back]');
    await row.locator('[data-state=paused]').waitFor();
    const run = await server.run({ project_id: project.id, steps: [{ command: 'true' }], review: 'none' });
    await page.locator(`.queue-item[data-run=${run.id}]`).getByText('its project is paused').waitFor();
    await page.a11y();
    await row.getByRole('button', { name: 'Resume' }).click();
    eq((await server.ended(run.id)).state, 'succeeded');
});

for (const dark of [false, true])
    for (const width of [360, 1440])
        test(`queue at ${width} px in the ${dark ? 'dark' : 'light'}`, { width, dark, lang: dark ? 'zh' : 'en' }, async ({ page, server }) => {
            await server.api('POST', '/queue/pause', { note: 'for the picture' });
            const { run } = await waiting(server, `picture-${width}-${dark ? 'dark' : 'light'}`);
            await page.goto(`${server.url}/queue`);
            await page.locator(`.queue-item[data-run=${run.id}]`).waitFor();
            await page.a11y();
            await page.noSideways();
            await server.api('POST', '/queue/resume', {});
            await server.ended(run.id);
        });
