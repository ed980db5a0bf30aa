/* The audit trail: searched, read, verified, exported; what was denied is in it, and what deceives is shown as what it is. */
import { readFileSync } from 'node:fs';
import { test } from './lib.mjs';

/* A run whose only step the policy denies. */
async function denied(server, name) {
    const project = await server.project(name);
    const run = await server.run({ project_id: project.id, steps: [{ command: 'rm -rf /' }], review: 'none' });
    return server.ended(run.id);
}

test('audit by mouse: a denied rm -rf / is found with its rule, verified and exported', async ({ page, server, eq, ok, until }) => {
    const run = await denied(server, 'denied');
    eq(run.state, 'failed');
    await page.goto(`${server.url}/audit`);
    await page.getByLabel('Action', { exact: true }).fill('policy.denied');
    await page.keyboard.press('Enter');
    await until(() => page.url().includes('action=policy.denied'), 'the filter is in the URL');
    await page.locator('.audit-action', { hasText: 'policy.denied' }).first().waitFor();
    await until(async () => (await page.locator('.audit-action').allTextContents()).every(text => text === 'policy.denied'), 'only those');
    await page.locator('.audit .list-row').first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('no-root-wipe').first().waitFor();
    await page.a11y();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.locator('.audit-verdict[data-ok=true]').waitFor();
    await page.a11y();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export' }).click()]);
    const lines = readFileSync(await download.path(), 'utf8').trim().split('\n').map(line => JSON.parse(line));
    ok(lines.some(line => line.action === 'policy.denied'), 'the export has it');
    ok(lines.at(-1).head, 'and the signed head');
});

test('audit by keyboard: j, Enter and Escape read records, v verifies', async ({ page, server, until }) => {
    await page.goto(`${server.url}/audit`);
    await page.locator('.audit .list-row').first().waitFor();
    await page.keyboard.press('j');
    await page.locator('.audit li.selected').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await until(async () => await page.getByRole('dialog').count() === 0, 'closed');
    await page.keyboard.press('v');
    await page.locator('.audit-verdict[data-ok=true]').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('no.such.action');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'No record matches' }).waitFor();
    await page.a11y();
});

test('audit: what is typed into a filter stays while records arrive', async ({ page, server, eq, until }) => {
    const project = await server.project('typed');
    await page.goto(`${server.url}/audit`);
    await page.locator('.audit .list-row').first().waitFor();
    const first = await page.locator('.audit-seq').first().textContent();
    await page.getByLabel('Action', { exact: true }).pressSequentially('project.');
    await server.api('POST', `/projects/${project.id}/pause`, {});
    await until(async () => {
        await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange'))); /* asks now, not in some seconds */
        return await page.locator('.audit-seq').first().textContent() !== first;
    }, 'the new record');
    eq(await page.getByLabel('Action', { exact: true }).inputValue(), 'project.', 'what was typed');
    await page.keyboard.type('paused');
    await page.keyboard.press('Enter');
    await until(() => page.url().includes('action=project.paused'), 'what is searched');
});

test('audit: a run’s records by its id, and names that deceive as text', async ({ page, server, eq }) => {
    const name = 'ci \u202egnp.\u200b<img src=x onerror=alert(1)>';
    const token = await server.api('POST', '/tokens', { name, scopes: ['run:write', 'approve'] });
    const project = await server.project('actors');
    const run = await server.api('POST', '/runs', { project_id: project.id, steps: [{ command: 'true' }], review: 'none' },
        { Authorization: `Bearer ${token.token}` });
    await server.ended(run.id);
    await page.goto(`${server.url}/audit?run=${run.id}`);
    const row = page.locator('.audit .list-row', { hasText: 'run.created' });
    await row.waitFor();
    eq(await row.locator('.audit-actor .chip-char').allTextContents(), ['U+202E', 'U+200B'], 'chips');
    eq(await page.locator('main img').count(), 0, 'elements made of text');
    eq((await row.locator('.audit-actor').textContent()).startsWith('ci '), true, 'the name comes first');
    await row.click();
    await page.getByRole('dialog').locator('.chip-char').first().waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Only this' }).nth(1).click();
    await page.locator('.audit .list-row').first().waitFor();
    eq(new URL(page.url()).searchParams.get('actor') !== null, true, 'all of this actor');
});

for (const dark of [false, true])
    for (const width of [360, 1440])
        test(`audit at ${width} px in the ${dark ? 'dark' : 'light'}`, { width, dark, lang: dark ? 'zh' : 'en' }, async ({ page, server }) => {
            await page.goto(`${server.url}/audit`);
            await page.locator('.audit .list-row').first().waitFor();
            await page.a11y();
            await page.noSideways();
            await page.locator('.audit .list-row').first().click();
            await page.getByRole('dialog').waitFor();
            await page.a11y();
            await page.noSideways();
        });
