/* lib.mjs - what the tests of the console share.
 *
 *   import { test } from './lib.mjs';
 *   test('runs: j and Enter open a run', async ({ page, server, eq, until }) => { … });
 *   test('…', { width: 360, lang: 'zh', dark: true, login: false, errors: [/403/], alone: true }, async ({ … }) => { … });
 *
 * Each file has a server of its own (a free port, a temporary directory), each test a fresh browser context on it, logged
 * in as admin unless login is false. In every test no request may leave the origin, nothing may be refused by the content
 * security policy, and nothing may be said on the browser's console that `errors` does not expect.
 *
 *   page      Playwright's, with page.a11y(): axe finds no violation; page.noSideways(): nothing scrolls sideways;
 *             page.settled(name): that button, and its key, can be used (ui/settled.ts); reads on to it, where it must (ui/seen.ts)
 *   server    url, token, data, project(name) → Project (a copy of examples/hello), api(method, path, body) → answer,
 *             run(request) → Run, ended(id) and state(id, state) wait, kill9(), start()
 *   until     until(async () => …) polls until it is true: a minute at most, for slow machines; never sleep instead
 *   eq, ok    note what is wrong and throw */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, inspect } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url)), root = join(here, '../..');
const require = createRequire(join(process.env.PACKAGES ?? here, 'package.json'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const binary = process.env.SALLYPORT ?? join(root, 'build/src/daemon/sallyport');
const WAIT = 1000 * Number(process.env.E2E_WAIT ?? 60);

const sleep = ms => new Promise(done => setTimeout(done, ms));

export async function until(what, say = what) {
    const end = Date.now() + WAIT;
    let last;
    for (;;) {
        try {
            const value = await what();
            if (value)
                return value;
            last = undefined;
        } catch (e) {
            last = e;
        }
        if (Date.now() > end)
            throw new Error(`not within ${WAIT / 1000} s: ${say}${last ? ` (${last.message})` : ''}`);
        await sleep(50);
    }
}

export function eq(is, should, what = '') {
    if (!isDeepStrictEqual(is, should))
        throw new Error(`${what}: is ${inspect(is)}, should be ${inspect(should)}`);
}

export function ok(value, what) {
    if (!value)
        throw new Error(`not so: ${what}`);
}

/* ---- the server ---------------------------------------------------------------- */

const FINAL = ['succeeded', 'failed', 'rejected', 'canceled', 'expired'];

class Server {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'sallyport-console.')));
    data = join(this.dir, 'data');
    #process = null;
    #port = 0;
    #key = 0;
    #projects = {};

    /* Also after kill9: on the same port, since pages are of an origin. */
    async start(...flags) {
        const env = { ...process.env, HOME: this.dir, SALLYPORT_DATA: this.data, TMPDIR: this.dir, GIT_CONFIG_GLOBAL: '/dev/null' };
        for (const name of ['SALLYPORT_URL', 'SALLYPORT_TOKEN', 'SALLYPORT_CONFIG'])
            delete env[name];
        rmSync(join(this.data, 'address'), { force: true });
        this.#process = spawn(binary, ['serve', '--listen', `127.0.0.1:${this.#port}`, '--log-format', 'json', ...flags],
            { env, stdio: ['ignore', 'ignore', 'pipe'] });
        this.log ??= '';
        this.#process.stderr.setEncoding('utf8').on('data', text => { this.log += text; });
        await until(async () => {
            if (this.#process.exitCode !== null)
                throw new Error(`the server did not start: ${this.log.slice(-2000)}`);
            return existsSync(join(this.data, 'address')) && (await fetch(this.#address() + '/healthz')).ok;
        }, 'the server answers');
        this.url = this.#address();
        this.#port = new URL(this.url).port;
        this.token = readFileSync(join(this.data, 'admin-token'), 'utf8').trim();
    }

    #address() {
        return readFileSync(join(this.data, 'address'), 'utf8').trim();
    }

    get isUp() {
        return this.#process !== null && this.#process.exitCode === null && this.#process.signalCode === null;
    }

    async #end(signal) {
        const gone = new Promise(done => this.#process.once('exit', done));
        this.#process.kill(signal);
        await gone;
    }

    kill9() {
        return this.#end('SIGKILL');
    }

    async api(method, path, body, headers = {}) {
        const answer = await fetch(this.url + '/api/v1' + path, { method, headers: { Authorization: `Bearer ${this.token}`,
            ...(method !== 'GET' && { 'Idempotency-Key': `test-${process.pid}-${++this.#key}` }),
            ...(body && { 'Content-Type': 'application/json' }), ...headers }, body: body && JSON.stringify(body) });
        const text = await answer.text();
        if (!answer.ok)
            throw new Error(`${method} ${path}: HTTP ${answer.status} ${text.slice(0, 500)}`);
        return text && JSON.parse(text);
    }

    /* A copy of the example as a git repository; `shape(dir)` may change it before. Asked for again, it is the one that
     * there is, so that each test of a file may be played alone. */
    async project(name, shape = () => undefined) {
        return this.#projects[name] ??= await this.#newProject(name, shape);
    }

    async #newProject(name, shape) {
        const dir = join(this.dir, name);
        cpSync(join(root, 'examples/hello'), dir, { recursive: true });
        shape(dir);
        const git = (...args) => spawnSync('git', ['-C', dir, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args]);
        git('init', '-qb', 'main');
        git('add', '-A');
        git('commit', '-qm', 'start');
        return this.api('POST', '/projects', { root_path: dir, name });
    }

    run(request) {
        return this.api('POST', '/runs', request);
    }

    state(id, ...states) {
        return until(async () => {
            const run = await this.api('GET', `/runs/${id}`);
            if (states.includes(run.state))
                return run;
            throw new Error(`it is ${run.state}`);
        }, `${id} is ${states.join(' or ')}`);
    }

    ended(id) {
        return this.state(id, ...FINAL);
    }

    /* Steps go first: shims outlive a server. */
    async stop() {
        try {
            if (this.isUp) {
                for (const run of (await this.api('GET', '/runs?limit=500')).items)
                    if (!FINAL.includes(run.state)) {
                        await this.api('POST', `/runs/${run.id}/cancel`, {}).catch(() => undefined);
                        await this.ended(run.id);
                    }
                await this.#end('SIGTERM');
            }
        } finally {
            if (!process.env.E2E_KEEP)
                rmSync(this.dir, { recursive: true, force: true });
        }
    }
}

/* ---- the browser ---------------------------------------------------------------- */

const CHROMIUM = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'];

/* What must not happen in a page, whatever the test is about. */
function guard(context, origin, expected) {
    const seen = [];
    const note = text => { if (!expected.some(pattern => pattern.test(text))) seen.push(text); };
    context.on('request', request => {
        const url = new URL(request.url());
        if (url.origin !== origin && url.protocol !== 'blob:' && url.protocol !== 'data:')
            note(`a request left the origin: ${url}`);
        if (url.href.includes('sp_'))
            note(`a token is in a URL: ${url}`);
    });
    context.on('console', message => {
        if (message.type() === 'error' || message.type() === 'warning')
            note(`console: ${message.text()}`);
    });
    context.on('weberror', e => note(`exception: ${e.error().stack}`));
    context.on('dialog', dialog => { note(`a dialog: ${dialog.message()}`); void dialog.dismiss(); });
    return seen;
}

async function addTo(page) {
    if (process.env.CONSOLE_SLOW)
        await (await page.context().newCDPSession(page)).send('Emulation.setCPUThrottlingRate', { rate: Number(process.env.CONSOLE_SLOW) });
    await page.addInitScript(() => addEventListener('securitypolicyviolation', e =>
        console.error(`CSP: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber} ${e.sample}`)));
    page.setDefaultTimeout(WAIT);
    page.a11y = async () => {
        /* axe looks at colours as they are: not in the middle of a change. */
        await page.evaluate(() => Promise.all(document.getAnimations().filter(a => a.effect.getTiming().iterations !== Infinity)
            .map(a => a.finished.catch(() => undefined))));
        if (!await page.evaluate(() => 'axe' in window)) /* half a megabyte */
            await page.evaluate(axe);
        const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
        eq(violations.map(v => `${v.id}: ${v.nodes.map(n => `${n.html.slice(0, 160)} ${n.any[0]?.message ?? ''}`).join(' | ')}`), [], 'axe');
    };
    page.noSideways = async () => {
        const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        ok(over <= 0, `the page fits its width of ${page.viewportSize().width} (${over} px are over)`);
    };
    page.settled = async (name, within = page) => {
        const button = within.getByRole('button', { name }).first();
        const more = within.getByRole('button', { name: /^(Read on|继续往下看)/ }).first();
        for (;;) {
            await button.or(more).first().waitFor();
            if (await button.isVisible())
                return within.getByRole('button', { name, disabled: false }).first().waitFor();
            await more.click().catch(() => undefined); /* it went away: the end has been seen */
        }
    };
}

async function login(page, server) {
    await page.goto(server.url + '/login');
    await page.locator('input[name=token]').fill(server.token);
    await page.locator('form button[type=submit]').click();
    await page.locator('nav.nav').waitFor({ state: 'attached' });
}

/* ---- tests ---------------------------------------------------------------------- */

const tests = [];

function callersFile() {
    const line = new Error().stack.split('\n').find(text => /\/(?!lib\.)\w+(\.test)?\.mjs/.test(text));
    return /([^/]+?)(?:\.test)?\.mjs/.exec(line)[1];
}

export function test(name, options, work = options) {
    tests.push({ file: callersFile(), name, work, options: typeof options === 'function' ? {} : options });
}

async function one(browser, server, { name, options, work }, state) {
    const { width = 1440, height = 900, lang = 'en', dark = false, login: wantsLogin = true, errors = [], reducedMotion = true } = options;
    const context = await browser.newContext({ viewport: { width, height }, locale: lang === 'zh' ? 'zh-CN' : 'en-US',
        timezoneId: 'UTC', colorScheme: dark ? 'dark' : 'light', reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
        storageState: wantsLogin ? state : undefined, acceptDownloads: true });
    const seen = guard(context, server.url, errors);
    const newPage = async () => {
        const page = await context.newPage();
        await addTo(page);
        return page;
    };
    const page = await newPage();
    try {
        await work({ page, context, server, newPage, login: () => login(page, server), until, eq, ok, options });
        eq(seen, [], 'what no page may do');
        return true;
    } catch (e) {
        console.log(`# ${name}: ${String(e.stack).split('\n').slice(0, 12).join('\n#   ')}`);
        for (const text of seen)
            console.log(`#   seen: ${text.slice(0, 1000)}`);
        console.log(`#   at: ${page.url()}`);
        return false;
    } finally {
        if (process.env.CONSOLE_SHOTS) {
            mkdirSync(process.env.CONSOLE_SHOTS, { recursive: true });
            await page.screenshot({ path: join(process.env.CONSOLE_SHOTS, `${name.replace(/[^\w]+/g, '_')}.png`) }).catch(() => undefined);
        }
        await context.close();
    }
}

/* Each test has four minutes, on a machine that may be slow; then the browser is taken away from it. */
async function inTime(work, ms = 4 * WAIT) {
    let timer;
    const late = new Promise((_, no) => { timer = setTimeout(() => no(new Error(`not within ${ms / 1000} s`)), ms); });
    try {
        return await Promise.race([work, late]);
    } finally {
        clearTimeout(timer);
    }
}

async function stateOf(browser, server) {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT);
    await login(page, server);
    const state = await context.storageState();
    await context.close();
    return state;
}

/* One file: its tests one after the other, on a server of its own. How many failed. */
async function playFile(browser, file, rows) {
    const server = new Server(), begin = Date.now(), prefix = process.env.E2E_PREFIX ?? '';
    let failed = 0;
    try {
        await server.start();
        const state = await stateOf(browser, server);
        for (const row of rows) {
            if (!server.isUp) /* a test that failed had killed it */
                await server.start();
            const good = await inTime(one(browser, server, row, state)).catch(e => { console.log(`# ${row.name}: ${e.message}`); });
            console.log(`${good ? 'ok' : 'not ok'} ${prefix}${row.name}`);
            failed += good ? 0 : 1;
        }
    } catch (e) {
        console.log(`# ${file}: ${e.stack}\nnot ok ${prefix}${file}: its server and its login`);
        failed++;
    }
    await server.stop().catch(e => {
        console.log(`# ${e.stack}\nnot ok ${prefix}${file}: the server stops`);
        failed++;
    });
    console.log(`# ${file}: ${((Date.now() - begin) / 1000).toFixed(1)} s`);
    return failed;
}

/* Two files at a time, in one browser: a test waits half of its time, for a server or for what a person needs to read.
 * One that says `alone` (it measures) has browser and machine to itself, after all others. */
export async function play(wanted, order = []) {
    const chosen = tests.filter(wanted), rowsOf = file => chosen.filter(row => row.file === file);
    const files = [...new Set([...order, ...chosen.map(row => row.file)])].filter(file => rowsOf(file).length > 0);
    const isAlone = file => rowsOf(file).some(row => row.options.alone), together = files.filter(file => !isAlone(file));
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: CHROMIUM });
    let failed = chosen.length ? 0 : 1;
    const worker = async list => {
        for (let file = list.shift(); file; file = list.shift()) {
            const bad = await playFile(browser, file, rowsOf(file));
            failed += bad;
        }
    };
    await Promise.all([worker(together), worker(together)]);
    await worker(files.filter(isAlone));
    await browser.close();
    return failed === 0;
}
