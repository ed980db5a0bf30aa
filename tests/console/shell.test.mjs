/* The frame around the pages: login, navigation, keys, languages, themes. */
import { test } from './lib.mjs';

test('login: a wrong token is refused, the right one leads back to where one was', { login: false, errors: [/401/] },
    async ({ page, server, eq, until }) => {
        await page.goto(server.url + '/settings?tab=about');
        await page.waitForURL('**/login');
        await page.getByLabel('Access token').fill('sp_wrong');
        await page.getByRole('button', { name: 'Log in' }).click();
        await page.getByText('does not know this token').waitFor();
        await page.getByLabel('Access token').fill(server.token);
        await page.keyboard.press('Enter');
        await page.getByRole('heading', { name: 'Settings' }).waitFor();
        eq(new URL(page.url()).pathname + new URL(page.url()).search, '/settings?tab=about', 'where it was');
        await until(() => page.locator('[data-connection=live]').isVisible(), 'live');
    });

test('login: a token that is revoked ends it', { login: false, errors: [/401/] }, async ({ page, server }) => {
    const token = await server.api('POST', '/tokens', { name: 'short', scopes: ['run:read'] });
    await page.goto(server.url + '/login');
    await page.getByLabel('Access token').fill(token.token);
    await page.keyboard.press('Enter');
    await page.getByRole('navigation').waitFor();
    await server.api('DELETE', `/tokens/${token.id}`);
    await page.goto(server.url + '/runs');
    await page.waitForURL('**/login');
});

test('logout: without an answer one is still logged in, and told so', { login: false, errors: [/ERR_FAILED/] }, async ({ page, server, login, until, eq }) => {
    await login();
    await page.route('**/api/v1/logout', route => route.abort());
    await page.getByRole('button', { name: 'Log out' }).click();
    const dialog = page.getByRole('dialog', { name: 'You are still logged in' });
    await dialog.getByText('cannot be reached').waitFor();
    eq(new URL(page.url()).pathname === '/login', false, 'no login page');
    await page.unroute('**/api/v1/logout');
    await dialog.getByRole('button', { name: 'Try again' }).click();
    await until(() => page.url().endsWith('/login'), 'logged out');
    await page.goto(`${server.url}/runs`);
    await until(() => page.url().endsWith('/login'), 'and it stays so');
});

test('an address that is none: the console says so, with 404', { errors: [/404/] }, async ({ page, server, eq }) => {
    const answer = await page.goto(server.url + '/inbox/');
    eq(answer.status(), 404);
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    await page.a11y();
    await page.locator('main').getByRole('link', { name: 'Inbox' }).click();
    await page.getByRole('heading', { name: 'Inbox' }).waitFor();
    await page.goto(server.url + '/runs/run_none');
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    await page.a11y();
    await page.locator('main').getByRole('link', { name: 'Runs' }).click();
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
});

test('keys: g and a letter go to each page, "?" lists them', async ({ page, server, eq, until }) => {
    await page.goto(server.url + '/settings');
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    for (const [letter, path] of Object.entries({ i: '/inbox', p: '/projects', n: '/plan', r: '/runs', o: '/policy', a: '/audit', q: '/queue',
        s: '/settings' })) {
        await page.keyboard.press('g');
        await page.keyboard.press(letter);
        await until(() => new URL(page.url()).pathname === path, path);
        await page.locator('h1').waitFor();
    }
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('go to Inbox').waitFor();
    await page.keyboard.press('?');
    await until(async () => await page.getByRole('dialog').count() === 0, 'closed');
    eq(await page.evaluate(() => document.activeElement?.tagName !== null), true);
});

for (const dark of [false, true])
    for (const width of [360, 1440])
        test(`settings and runs at ${width} px in the ${dark ? 'dark' : 'light'}: axe finds nothing, nothing scrolls sideways`,
            { dark, width, lang: dark ? 'zh' : 'en' }, async ({ page, server }) => {
                for (const path of ['/settings', '/runs']) {
                    await page.goto(server.url + path);
                    await page.locator('h1').waitFor();
                    await page.locator('[data-connection=live]').waitFor();
                    await page.a11y();
                    await page.noSideways();
                }
                await page.keyboard.press('?');
                await page.getByRole('dialog').waitFor();
                await page.a11y();
            });

for (const dark of [false, true])
    for (const width of [360, 1440])
        test(`login at ${width} px in the ${dark ? 'dark' : 'light'}: axe finds nothing, nothing scrolls sideways`,
            { dark, width, lang: dark ? 'zh' : 'en', login: false }, async ({ page, server }) => {
                await page.goto(server.url + '/login');
                await page.locator('h1').waitFor();
                await page.a11y();
                await page.noSideways();
            });

test('runs: text that deceives is shown for what it is, as text', async ({ page, server, eq }) => {
    await server.project('hello');
    const intent = 'fix \u202etxt.exe\u200b <img src=x onerror=alert(1)>';
    await server.run({ project_id: 'hello', intent, steps: undefined });
    await page.goto(server.url + '/runs');
    await page.locator('.run-intent', { hasText: 'fix' }).waitFor();
    eq(await page.locator('.run-intent').first().locator('.chip-char').allTextContents(), ['U+202E', 'U+200B'], 'chips');
    eq(await page.locator('.run-intent img').count(), 0, 'elements made of text');
});

test('runs: j and Enter open a run, Escape comes back to the list as it was, "/" searches', async ({ page, server, eq, until }) => {
    await server.project('hello');
    const { id } = await server.run({ project_id: 'hello', steps: [{ command: 'true' }] });
    await page.goto(server.url + '/runs?q=run_');
    await page.locator('.list-row').first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/runs/${id}`);
    await page.locator('h1').waitFor();
    await page.keyboard.press('Escape');
    await page.waitForURL('**/runs?q=run_');
    await page.locator('.list-row').first().waitFor();
    await page.keyboard.press('/');
    await until(() => page.evaluate(() => document.activeElement?.getAttribute('type') === 'search'), 'the cursor is in the search');
    await page.keyboard.press('Escape');
    await until(() => page.evaluate(() => document.activeElement === document.body), 'Escape leaves it');
    await page.goto(server.url + `/runs/${id}`);
    await page.locator('h1').waitFor();
    await page.keyboard.press('Escape');
    await page.waitForURL('**/runs');
    eq(await page.locator('h1').textContent(), 'Runs');
});

test('shell: skip to content, then Tab goes on inside it', async ({ page, server, until, ok }) => {
    await page.goto(server.url + '/runs');
    await page.locator('[data-connection=live]').waitFor();
    await page.locator('#main input, #main select').first().waitFor(); /* the page is loaded by itself: something to go to */
    await page.keyboard.press('Tab');
    await until(() => page.evaluate(() => document.activeElement?.className === 'skip'), 'the first Tab is at the skip link');
    await page.keyboard.press('Enter');
    await until(() => page.evaluate(() => document.activeElement?.id === 'main'), 'the page has the focus');
    await page.keyboard.press('Tab');
    ok(await page.evaluate(() => document.getElementById('main').contains(document.activeElement)), 'the next is in the page');
});
