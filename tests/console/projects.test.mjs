/* Projects: adding a folder, what the server says of it, settings, removing. */
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from './lib.mjs';

test('projects by mouse: the first one is added, with the checks of the server; settings; removed', { errors: [/40[049]/] },
    async ({ page, server, eq, ok }) => {
        const dir = join(server.dir, 'first');
        mkdirSync(dir);
        writeFileSync(join(dir, 'theirs'), 'x');
        const isRoot = process.getuid() === 0;
        if (isRoot)
            chownSync(join(dir, 'theirs'), 12345, 12345);
        await page.goto(`${server.url}/projects`);
        await page.getByRole('heading', { name: 'No project yet' }).waitFor();
        await page.a11y();
        await page.getByRole('button', { name: 'Add a folder' }).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByLabel('Folder', { exact: true }).fill(join(server.dir, 'nowhere'));
        await dialog.getByRole('button', { name: 'Add a folder' }).click();
        await dialog.locator('.field.invalid', { hasText: 'not an existing directory' }).waitFor();
        await page.a11y();
        await dialog.getByLabel('Folder', { exact: true }).fill(dir);
        await dialog.getByLabel('Name').fill('no slash/please');
        await dialog.getByRole('button', { name: 'Add a folder' }).click();
        await dialog.locator('.field.invalid', { hasText: 'a name has' }).waitFor();
        await dialog.getByLabel('Name').fill('one');
        await dialog.getByRole('button', { name: 'Add a folder' }).click();
        await dialog.getByText(isRoot ? 'belong to another user' : 'found nothing').waitFor();
        await page.a11y();
        await dialog.getByRole('button', { name: 'Done' }).click();
        await page.getByRole('heading', { name: 'one' }).waitFor();
        await page.getByLabel('Runs at once').fill('2');
        await page.getByLabel('Logs (days)').fill('x');
        await page.getByText('Give a number of days').waitFor();
        eq(await page.getByRole('button', { name: 'Save' }).isDisabled(), true, 'not with x days');
        await page.getByLabel('Logs (days)').fill('7');
        await page.getByLabel('Toolchains').fill('no-such-tool');
        await page.getByRole('button', { name: 'Save' }).click();
        await page.locator('.field.invalid', { hasText: 'or names of' }).waitFor();
        await page.getByLabel('Toolchains').fill('none');
        await page.getByRole('button', { name: 'Save' }).click();
        await page.getByText('Saved.').waitFor();
        const { settings } = await server.api('GET', '/projects/one');
        eq([settings.max_running, settings.toolchains, settings.retention.logs_ms], [2, 'none', 7 * 86_400_000], 'settings');
        await page.a11y();
        const run = await server.run({ project_id: 'one', steps: [{ command: 'true' }] });
        await page.getByRole('button', { name: 'Remove project' }).click();
        await page.getByRole('dialog').getByRole('button', { name: 'Remove project' }).click();
        await page.getByRole('dialog').getByRole('alert').waitFor(); /* a run is open */
        await server.api('POST', `/runs/${run.id}/cancel`, {});
        await server.ended(run.id);
        await page.getByRole('dialog').getByRole('button', { name: 'Remove project' }).click();
        await page.getByRole('heading', { name: 'No project yet' }).waitFor();
        ok(!(await server.api('GET', '/projects')).items.length, 'it is gone');
    });

test('projects by keyboard, in Chinese', { lang: 'zh', width: 360, dark: true }, async ({ page, server, eq, until }) => {
    await server.project('alpha');
    await server.project('beta');
    mkdirSync(join(server.dir, 'gamma'));
    await page.goto(`${server.url}/projects`);
    await page.getByRole('heading', { name: 'alpha' }).waitFor();
    await page.keyboard.press('j');
    await page.getByRole('heading', { name: 'beta' }).waitFor();
    await page.a11y();
    await page.noSideways();
    await page.keyboard.press('n');
    await page.getByRole('dialog').getByLabel('文件夹', { exact: true }).waitFor();
    await until(() => page.evaluate(() => document.activeElement?.tagName === 'INPUT'), 'the cursor is in the path');
    await page.keyboard.type(join(server.dir, 'gamma'));
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('已添加 gamma').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { name: 'gamma' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('alpha'); /* nothing that a folder's random name has */
    await page.getByRole('heading', { name: 'alpha' }).waitFor();
    eq(await page.locator('.projects li').count(), 1, 'found');
    await page.noSideways();
});

test('projects: names and folders are only text', async ({ page, server, eq }) => {
    mkdirSync(join(server.dir, 'x\u202ey<img src=x>'));
    const project = await server.api('POST', '/projects', { root_path: join(server.dir, 'x\u202ey<img src=x>'), name: '<i>n</i>'.replace('/', '') });
    await page.goto(`${server.url}/projects?project=${project.id}`);
    await page.getByRole('heading', { name: '<i>n<i>' }).waitFor();
    eq(await page.locator('main img, main i').count(), 0, 'elements made of text');
    eq(await page.locator('.projects-details .chip-char').first().textContent(), 'U+202E', 'the folder');
    await page.a11y();
});
