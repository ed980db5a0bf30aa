// clients - see ../ws_clients.sh. Prints "ok NAME", "not ok NAME" or "skip NAME # why" for each case.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const require = createRequire(path.join(process.env.CLIENTS, 'x.js'));
const { WebSocket } = require('ws');
const { EventSource } = require('eventsource');
const sleep = ms => new Promise(done => setTimeout(done, ms));
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-clients-'));
const data = path.join(dir, 'data');
const lines = n => Array.from({ length: n }, (_, i) => `line ${i}\n`).join('');
let failed = 0, token, base, server, keys = 0;

function check(ok, ...what) {
    if (!ok) throw new Error(what.map(x => typeof x === 'string' ? x : JSON.stringify(x)).join(' ').slice(0, 2000));
}

async function within(ms, promise, what) {
    let timer;
    const late = new Promise((_, no) => { timer = setTimeout(() => no(new Error(`not within ${ms} ms: ${what}`)), ms); });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function until(fn, what, ms = 60000) {
    for (const end = Date.now() + ms; !await fn(); await sleep(30)) check(Date.now() < end, 'never:', what);
}

async function test(name, fn) {
    try {
        const why = await within(120000, fn(), name);
        console.log(why ? `skip ${name} # ${why}` : `ok ${name}`);
    } catch (e) {
        failed++;
        console.log(`not ok ${name}\n    ${e.stack}`);
    }
}

// ---- the server: always at the same port, as a browser's page expects it ----------------------

async function freePort() {
    const s = net.createServer().listen(0, '127.0.0.1');
    await once(s, 'listening');
    const { port } = s.address();
    s.close();
    await once(s, 'close');
    return port;
}

async function start() {
    const log = fs.openSync(path.join(dir, 'log'), 'a');
    server = spawn(process.env.SALLYPORT, ['serve', '--listen', base.slice(7), '--data', data, '--rate', '0'],
        { stdio: ['ignore', log, log], env: { ...process.env, HOME: dir } });
    fs.closeSync(log);
    await until(async () => (await fetch(base + '/healthz').catch(() => ({}))).ok, 'the server is up');
    token ??= fs.readFileSync(path.join(data, 'admin-token'), 'utf8').trim();
}

async function stop(signal) {
    const gone = once(server, 'exit');
    server.kill(signal);
    return (await gone)[0];
}

async function api(method, where, body) {
    const r = await fetch(base + '/api/v1' + where, {
        method, body: body && JSON.stringify(body),
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', 'Idempotency-Key': `key-${++keys}` },
    });
    check(r.ok, method, where, r.status, r.ok ? '' : await r.text());
    return r.json();
}

// A run that prints `n` numbered lines, about 10 ms each.
async function printer(n) {
    const command = `i=0; while [ $i -lt ${n} ]; do echo line $i; i=$((i+1)); sleep 0.01; done`;
    return (await api('POST', '/runs', { project_id: 'p', review: 'none', steps: [{ command }] })).id;
}

// What a follower must have seen, whatever happened meanwhile: every event once, and the log whole.
function whole(events, n) {
    const seqs = events.filter(e => e.seq).map(e => e.seq);
    check(seqs.every((s, i) => s === i + 1), 'seq', seqs);
    check(new Set(events.map(e => e.id)).size === events.length, 'a cursor twice');
    check(events.at(-1).type === 'run.completed' && events.at(-1).data.state === 'succeeded', events.at(-1));
    const text = events.filter(e => e.type === 'step.log').map(e => e.data.text).join('');
    check(text === lines(n), 'lines are lost or repeated:', text);
}

// ---- npm ws --------------------------------------------------------------------------------------

const wsUrl = () => base.replace('http', 'ws') + '/api/v1/ws';

class Gateway {
    constructor(options = {}, protocols = ['sallyport.v1']) {
        this.ws = new WebSocket(wsUrl(), protocols, options);
        this.waiting = new Map();
        this.ids = 0;
        this.onevent = () => {};
        this.closed = new Promise(done => this.ws.on('close', (code, reason) => done({ code, reason: String(reason) })));
        this.open = new Promise((yes, no) => { this.ws.on('open', yes); this.ws.on('error', no); });
        this.open.catch(() => {});
        this.ws.on('error', () => {});
        this.ws.on('message', (m, binary) => {
            const f = JSON.parse(m);
            check(!binary, 'binary');
            if (f.type === 'event') return this.onevent(f);
            this.waiting.get(f.id)(f);
            this.waiting.delete(f.id);
        });
    }

    raw(method, params) {
        const id = `${++this.ids}`;
        return [JSON.stringify({ type: 'req', id, method, params }),
            Promise.race([new Promise(done => this.waiting.set(id, done)), this.closed.then(c => { throw new Error(`closed ${c.code}`); })])];
    }

    async ask(method, params) {
        const [text, answer] = this.raw(method, params);
        this.ws.send(text);
        const f = await answer;
        check(f.ok, method, f);
        return f.result;
    }

    async connect(more = {}) {
        await this.open;
        return this.ask('connect', { protocol: { min: 1, max: 1 }, token, ...more });
    }
}

async function npmWs() {
    const g = new Gateway(); // it offers permessage-deflate, which is not taken
    const hello = await g.connect({ client: { name: 'ws' } });
    check(g.ws.protocol === 'sallyport.v1' && g.ws.extensions === '', g.ws.protocol, g.ws.extensions);
    check(hello.type === 'hello' && hello.methods.includes('runs.create'), hello);
    const [text, answer] = g.raw('whoami');
    for (const [i, c] of [...text].entries()) g.ws.send(c, { fin: i === text.length - 1 }); // a fragment for each character
    check((await answer).result.actor === hello.actor, 'fragments');
    const pong = once(g.ws, 'pong');
    g.ws.ping('payload');
    check(String((await pong)[0]) === 'payload', 'pong');
    const many = await Promise.all(Array.from({ length: 100 }, () => g.ask('ping')));
    check(many.length === 100, 'at once');
    const run = await g.ask('runs.create', { project_id: 'p', review: 'none', steps: [{ command: 'printf "\\303\\251\\377\\n"' }], idempotency_key: 'npm' });
    const events = [];
    const end = new Promise(done => { g.onevent = f => { events.push(f.event); if (f.event.type === 'run.completed') done(); }; });
    await g.ask('subscribe', { run_id: run.id });
    await within(30000, end, 'run.completed');
    const log = events.find(e => e.type === 'step.log');
    check(Buffer.from(log.data.text_b64, 'base64').equals(Buffer.from([0xc3, 0xa9, 0xff, 0x0a])), 'bytes', log);
    g.ws.close(1000, 'done');
    check((await g.closed).code === 1000, 'closed', await g.closed);
    for (const [send, code] of [[w => w.send(Buffer.from([1, 2])), 1003], [w => w.send(' '.repeat(5 << 20)), 1009], [w => w.close(4321), 4321]]) {
        const x = new Gateway();
        await x.connect();
        send(x.ws);
        check((await x.closed).code === code, 'closed', await x.closed, 'not', code);
    }
    const x = new Gateway({ headers: { Origin: 'https://evil.example' } });
    await x.open.then(() => check(false, 'a foreign origin was taken'), e => check(String(e).includes('403'), e));
}

// Follows runs over one WebSocket after another.
async function followWs(run, events) {
    let cursor = null;
    while (events.at(-1)?.type !== 'run.completed') {
        const g = new Gateway();
        g.onevent = f => { events.push(f.event); cursor = f.event.id; if (f.event.type === 'run.completed') g.ws.close(); };
        await g.connect({ cursors: { [run]: cursor } }).catch(() => sleep(30));
        await g.closed;
    }
}

function followSse(run, events) {
    return new Promise((done, no) => {
        const es = new EventSource(`${base}/api/v1/runs/${run}/events`, {
            fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } }),
        });
        for (const type of ['run.status', 'run.planned', 'run.completed', 'step.started', 'step.finished', 'step.log', 'artifact.created', 'changes.ready'])
            es.addEventListener(type, m => {
                const e = JSON.parse(m.data);
                if (e.id !== m.lastEventId || e.type !== m.type) no(new Error(`event ${m.data}`));
                events.push(e);
                if (e.type === 'run.completed') { es.close(); done(); }
            });
    });
}

const LINES = 300;

async function crashes(run, followers) {
    for (let i = 0; i < 3; i++) {
        await sleep(600);
        await stop('SIGKILL');
        await start();
    }
    await within(90000, Promise.all(followers), 'all followers have the end');
}

async function npmResume() {
    const run = await printer(LINES), logs = Array.from({ length: 8 }, () => []);
    await crashes(run, logs.map((events, i) => i % 2 ? followWs(run, events) : followSse(run, events)));
    logs.forEach(events => whole(events, LINES));
}

// ---- Chromium, by its DevTools protocol ---------------------------------------------------------------

class Chromium {
    async start(binary) {
        this.dir = path.join(dir, 'chromium');
        this.proc = spawn(binary, ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
            '--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage', '--remote-debugging-port=0',
            `--user-data-dir=${this.dir}`, 'about:blank'], { stdio: 'ignore', env: { ...process.env, HOME: dir } });
        const file = path.join(this.dir, 'DevToolsActivePort');
        await until(() => fs.existsSync(file) && fs.readFileSync(file, 'utf8').split('\n').length > 1, 'Chromium listens');
        const [port, where] = fs.readFileSync(file, 'utf8').split('\n');
        this.ws = new WebSocket(`ws://127.0.0.1:${port}${where}`, { perMessageDeflate: false });
        this.waiting = new Map();
        this.ids = 0;
        this.ws.on('message', m => {
            const f = JSON.parse(m);
            this.waiting.get(f.id)?.(f);
            this.waiting.delete(f.id);
        });
        await once(this.ws, 'open');
    }

    async send(method, params = {}, sessionId = undefined) {
        const id = ++this.ids, answer = new Promise(done => this.waiting.set(id, done));
        this.ws.send(JSON.stringify({ id, method, params, sessionId }));
        const f = await answer;
        check(!f.error, method, f.error);
        return f.result;
    }

    // A page of the server's own origin; its requests bear the token, which EventSource cannot add by itself.
    async page(url, headers = {}) {
        const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
        const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
        await this.send('Network.enable', {}, sessionId);
        await this.send('Network.setExtraHTTPHeaders', { headers }, sessionId);
        await this.send('Page.navigate', { url }, sessionId);
        const evaluate = async (fn, ...args) => {
            const r = await this.send('Runtime.evaluate', {
                expression: `(${fn})(${args.map(a => JSON.stringify(a)).join()})`, awaitPromise: true, returnByValue: true }, sessionId);
            check(!r.exceptionDetails, r.exceptionDetails);
            return r.result.value;
        };
        await until(() => evaluate(u => location.href === u && document.readyState === 'complete', url), `the page ${url}`);
        return evaluate;
    }

    async stop() {
        const gone = once(this.proc, 'exit');
        await this.send('Browser.close').catch(() => {});
        await gone;
    }
}

// In the page: follows a run over WebSocket or EventSource into window.seen[name].
function inPage(name, kind, run, secret) {
    const seen = (window.seen ??= {})[name] = [];
    const take = e => { seen.push(e); return e.type === 'run.completed'; };
    if (kind === 'EventSource') {
        const es = new EventSource(`/api/v1/runs/${run}/events`);
        for (const type of ['run.status', 'run.planned', 'run.completed', 'step.started', 'step.finished', 'step.log', 'artifact.created', 'changes.ready'])
            es.addEventListener(type, m => { if (take(JSON.parse(m.data))) es.close(); });
        return;
    }
    const join = () => {
        const ws = new WebSocket(`ws://${location.host}/api/v1/ws`, ['chat', 'sallyport.v1']);
        ws.onopen = () => ws.send(JSON.stringify({ type: 'req', id: '1', method: 'connect',
            params: { protocol: { min: 1, max: 1 }, token: secret, cursors: { [run]: seen.at(-1)?.id ?? null } } }));
        ws.onmessage = m => { const f = JSON.parse(m.data); if (f.type === 'event' && take(f.event)) ws.close(); };
        ws.onclose = () => { if (seen.at(-1)?.type !== 'run.completed') setTimeout(join, 100); };
    };
    join();
}

// In the page: one WebSocket in a SharedWorker for all pages; each follows a run of its own over it. Gives the worker's
// URL: the first page makes it.
function shared(run, secret, url) {
    const worker = () => {
        let next = 0;
        const ports = new Map(), answers = new Map(), queue = [];
        const ws = new WebSocket(`ws://${self.name}/api/v1/ws`);
        const ask = (method, params, then) => {
            answers.set(`${++next}`, then);
            ws.send(JSON.stringify({ type: 'req', id: `${next}`, method, params }));
        };
        /* Once it is open and a page has said its token: either may come first. */
        const connect = () => {
            if (ws.readyState !== WebSocket.OPEN || !queue.length || self.asked) return;
            self.asked = true;
            ask('connect', { protocol: { min: 1, max: 1 }, token: queue[0].secret }, () => {
                self.ready = true;
                queue.forEach(follow);
            });
        };
        ws.onopen = connect;
        const follow = ({ port, run }) => ask('subscribe', { run_id: run }, r => ports.set(r.subscription, port));
        ws.onmessage = m => {
            const f = JSON.parse(m.data);
            if (f.type === 'res') answers.get(f.id)(f.result);
            else ports.get(f.subscription).postMessage(f.event);
        };
        self.onconnect = c => {
            const port = c.ports[0];
            port.onmessage = m => { const x = { port, ...m.data }; if (self.ready) follow(x); else { queue.push(x); connect(); } };
        };
    };
    url ??= URL.createObjectURL(new Blob([`(${worker})()`], { type: 'text/javascript' }));
    const w = new SharedWorker(url, location.host);
    window.seen = { shared: [] };
    w.port.onmessage = m => { window.seen.shared.push(m.data); };
    w.port.postMessage({ run, secret });
    return url;
}

function tryWs(url, first) {
    return new Promise(done => {
        const ws = new WebSocket(url);
        ws.onopen = () => first && ws.send(first);
        ws.onclose = e => done(e.code);
    });
}

async function chromium() {
    const binary = process.env.CHROMIUM ?? '/usr/bin/chromium';
    if (!fs.existsSync(binary)) return `there is no ${binary}`;
    const c = new Chromium();
    await c.start(binary);
    try {
        const run = await printer(LINES), page = await c.page(base + '/healthz', { Authorization: `Bearer ${token}` });
        await page(inPage, 'es', 'EventSource', run, token);
        await page(inPage, 'ws', 'WebSocket', run, token);
        const ends = ['es', 'ws'].map(name => until(() => page(n => window.seen[n].at(-1)?.type === 'run.completed', name), name));
        await crashes(run, ends);
        for (const name of ['es', 'ws']) whole(await page(n => window.seen[n], name), LINES);
        const [a, b] = await Promise.all([printer(40), printer(60)]);
        const foreign = await c.page('data:text/html,<p>another site</p>');
        check(await foreign(tryWs, wsUrl()) === 1006, 'a page of another site was let in');
        check(await page(tryWs, wsUrl(), 'no JSON') === 1008, 'Close 1008');
        const pages = [await c.page(base + '/healthz'), await c.page(base + '/healthz')];
        const worker = await pages[0](shared, a, token, null);
        await pages[1](shared, b, token, worker);
        for (const [i, n] of [[0, 40], [1, 60]]) {
            await until(() => pages[i](() => window.seen.shared.at(-1)?.type === 'run.completed'), `page ${i} over the SharedWorker`);
            whole(await pages[i](() => window.seen.shared), n);
        }
        const text = await (await fetch(base + '/metrics')).text();
        check(/^sallyport_ws_open 1$/m.test(text), 'pages share one WebSocket:', /^sallyport_ws_open.*$/m.exec(text)?.[0]);
    } finally {
        await c.stop();
    }
}

// ---- all of it ---------------------------------------------------------------------------------------------

try {
    base = `http://127.0.0.1:${await freePort()}`;
    fs.mkdirSync(data, { mode: 0o700 });
    fs.mkdirSync(path.join(dir, 'p'));
    await start();
    await api('POST', '/projects', { root_path: path.join(dir, 'p'), name: 'p' });
    await test("npm's ws speaks with the gateway: fragments, pings, bytes, Closes", npmWs);
    await test("npm's ws and eventsource lose and repeat nothing across kill -9", npmResume);
    await test('Chromium: WebSocket, EventSource and a SharedWorker, across kill -9, and no other site', chromium);
    await test('the server stops in order', async () => { check(await stop('SIGTERM') === 0, fs.readFileSync(path.join(dir, 'log'), 'utf8').slice(-2000)); });
} catch (e) {
    failed++;
    console.log(`not ok the test itself\n    ${e.stack}`);
} finally {
    if (server && server.exitCode === null && server.signalCode === null) await stop('SIGTERM');
    spawn('chmod', ['-R', 'u+rwx', dir]).on('exit', () => {
        fs.rmSync(dir, { recursive: true, force: true });
        process.exit(failed ? 1 : 0);
    });
}
