/* Settings: tokens are made, shown once, revoked; doctor says what is weak and how to fix it; what takes room. */
import { test } from './lib.mjs';

test('tokens by mouse: made with scopes, shown once, good; revoked after a question, good no more', async ({ page, server, eq, ok, until }) => {
    await page.goto(`${server.url}/settings?tab=tokens`);
    await page.getByRole('button', { name: 'New token' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('deploy bot');
    await dialog.getByLabel('audit:read').click();
    await page.a11y();
    await dialog.getByRole('button', { name: 'Make token' }).click();
    const secret = await page.locator('[data-secret]').textContent();
    ok(secret.startsWith('sp_'), 'a token');
    await page.a11y();
    const me = await server.api('GET', '/me', undefined, { Authorization: `Bearer ${secret}` });
    eq([me.token.name, me.token.scopes.slice().sort()], ['deploy bot', ['audit:read', 'run:read']], 'what it gives');
    await dialog.getByRole('button', { name: 'I have it' }).click();
    const row = page.locator('tr', { hasText: 'deploy bot' });
    await row.waitFor();
    ok(!(await page.content()).includes(secret), 'nothing of it stays in the page');
    await row.getByRole('button', { name: 'Revoke' }).click();
    await page.a11y();
    await dialog.getByRole('button', { name: 'Revoke' }).click();
    await until(async () => await row.count() === 0, 'gone from the list');
    eq((await fetch(`${server.url}/api/v1/me`, { headers: { Authorization: `Bearer ${secret}` } })).status, 401, 'refused');
    await page.getByLabel('Show revoked and ended ones').click();
    await row.getByText('Revoked').waitFor();
});

test('tokens by keyboard; a name that deceives is shown for what it is', async ({ page, server, eq }) => {
    await page.goto(`${server.url}/settings?tab=tokens`);
    await page.locator('.settings-tokens').waitFor();
    await page.keyboard.press('n');
    await page.getByRole('dialog').waitFor(); /* the cursor is in its first field */
    await page.keyboard.insertText('x\u202ey <b>bold</b>');
    await page.keyboard.press('Enter');
    await page.locator('[data-secret]').waitFor();
    await page.keyboard.press('Escape');
    const row = page.locator('.settings-tokens tr', { hasText: '<b>bold</b>' });
    await row.waitFor();
    eq(await row.locator('.chip-char').allTextContents(), ['U+202E'], 'chips');
    eq(await page.locator('.settings-tokens b').count(), 0, 'elements made of text');
});

test('doctor: every check of the server, the weak ones first, each with its fix', async ({ page, server, eq, ok }) => {
    const doctor = await server.api('GET', '/doctor');
    await page.goto(`${server.url}/settings?tab=doctor`);
    await page.locator('.settings-doctor tbody tr').first().waitFor();
    eq(await page.locator('.settings-doctor tbody tr').count(), doctor.checks.length, 'rows');
    const levels = await page.locator('.settings-doctor [data-state]').evaluateAll(all => all.map(one => one.dataset.state));
    const order = ['absent', 'soft', 'hard'];
    ok(levels.every((level, i) => i === 0 || order.indexOf(levels[i - 1]) <= order.indexOf(level)), 'in that order');
    await page.getByLabel('Only what is weaker or missing').click();
    const weak = doctor.checks.filter(one => one.level !== 'hard');
    eq(await page.locator('.settings-doctor tbody tr').count(), weak.length, 'only those');
});

test('storage: what would be removed now is said before anything is', async ({ page, server }) => {
    await page.goto(`${server.url}/settings?tab=storage`);
    await page.locator('[data-disk=ok]').waitFor();
    await page.getByRole('button', { name: 'What would be removed now' }).click();
    await page.getByText('Nothing: no run is older').waitFor();
});

test('a token without admin sees no tokens and is told why', { login: false }, async ({ page, server, eq }) => {
    const token = await server.api('POST', '/tokens', { name: 'reader', scopes: ['run:read'] });
    await page.goto(`${server.url}/login`);
    await page.locator('input[name=token]').fill(token.token);
    await page.keyboard.press('Enter');
    await page.locator('nav.nav').waitFor({ state: 'attached' });
    await page.goto(`${server.url}/settings?tab=tokens`);
    await page.getByRole('heading', { name: 'This login may not see that' }).waitFor();
    eq(await page.getByRole('link', { name: 'New run' }).count(), 0, 'what it may not do is not offered');
    for (const path of ['/audit', '/policy', '/plan']) {
        await page.goto(server.url + path);
        await page.getByRole('heading', { name: /This login may not/ }).waitFor();
        await page.a11y();
    }
});

for (const dark of [false, true])
    for (const width of [360, 1440])
        test(`settings: all parts at ${width} px in the ${dark ? 'dark' : 'light'}`, { width, dark, lang: dark ? 'zh' : 'en' }, async ({ page, server, ok }) => {
            if (width === 360) { /* Revoke, the last column, is in sight */
                await page.goto(`${server.url}/settings?tab=tokens`);
                const box = await page.locator('.settings-act button').first().boundingBox();
                ok(box.x + box.width <= width, `it ends at ${box.x + box.width} px`);
            }
            for (const [tab, there] of [['tokens', '.settings-tokens'], ['doctor', '.settings-doctor'], ['storage', '.settings-disk'], ['about', '.card']]) {
                await page.goto(`${server.url}/settings?tab=${tab}`);
                await page.locator(there).first().waitFor();
                await page.a11y();
                await page.noSideways();
            }
        });
