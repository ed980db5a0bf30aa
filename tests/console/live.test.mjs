/* The connection: what the shell says of it while the server goes away and comes back, and the page without a server. */
import { test } from './lib.mjs';

/* What a browser says of a server that is away: it has many words for it. */
const gone = [/net::ERR_\w+|WebSocket connection/];

test('live: kill -9 of the server is said, and its return; the list goes on by itself', { errors: gone },
    async ({ page, server, newPage, until }) => {
        await server.project('hello');
        await page.goto(server.url + '/runs');
        await page.locator('[data-connection=live]').waitFor();
        const other = await newPage();
        await other.goto(server.url + '/settings');
        await other.locator('[data-connection=live]').waitFor();
        /* That of the login which all tests of this file share may be on its way out. */
        await until(async () => /^sallyport_ws_open 1$/m.test(await (await fetch(server.url + '/metrics')).text()), 'two pages have one connection');
        await server.kill9();
        await page.locator('[data-connection=offline]').waitFor();
        await other.locator('[data-connection=offline]').waitFor();
        await page.getByText('No connection to the server').waitFor();
        await server.start();
        await page.locator('[data-connection=live]').waitFor();
        await other.locator('[data-connection=live]').waitFor();
        await server.run({ project_id: 'hello', intent: 'run the unit tests and write a report' });
        await page.getByText('run the unit tests').waitFor();
        await until(async () => await page.getByText('No connection to the server').count() === 0, 'the banner is gone');
    });

test('offline: loaded without a server, it says so, and goes on when there is one', { errors: gone }, async ({ page, server }) => {
    await page.goto(server.url + '/runs');
    await page.locator('[data-connection=live]').waitFor();
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await server.kill9();
    await page.reload();
    await page.getByRole('heading', { name: 'Offline' }).waitFor();
    await page.a11y();
    await server.start();
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    await page.locator('[data-connection=live]').waitFor();
});

test('offline: nothing that the server says is kept', async ({ page, server, eq, ok }) => {
    await page.goto(server.url + '/runs');
    await page.locator('[data-connection=live]').waitFor();
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await page.goto(server.url + '/settings');
    await page.locator('h1').waitFor();
    const kept = await page.evaluate(async () => {
        const names = await caches.keys();
        return (await Promise.all(names.map(async name => (await (await caches.open(name)).keys()).map(request => new URL(request.url).pathname)))).flat();
    });
    ok(kept.length > 3, 'the shell is kept');
    eq(kept.filter(path => !path.startsWith('/assets/')), [], 'what is kept beside hashed files');
    eq(await page.evaluate(() => Object.keys(localStorage)), ['csrf'], 'local storage');
});
