/* dev.mjs - the console while it is being written: node dev.mjs [--server http://127.0.0.1:7373] [--port 7380]
 *
 * Builds into a temporary folder, again at each change, and serves that as the server would; everything below /api, /docs
 * and /openapi.json goes to the server. Its CSP is sent along, so what it would refuse is refused here too. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchBuild } from './build.mjs';

const arg = (name, otherwise) => process.argv[process.argv.indexOf(`--${name}`) + 1 || Infinity] ?? otherwise;
const server = new URL(arg('server', 'http://127.0.0.1:7373')), port = Number(arg('port', '7380'));
const out = mkdtempSync(join(tmpdir(), 'sallyport-console-'));
for (const signal of ['SIGINT', 'SIGTERM'])
    process.on(signal, () => {
        rmSync(out, { recursive: true, force: true });
        process.exit(0);
    });
const csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; "
    + "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types sallyport";

/* The server asks that Host and Origin are its own. */
const asOurs = headers => ({ ...headers, host: server.host, ...(headers.origin && { origin: server.origin }) });
const toServer = path => /^\/(api|docs|openapi\.json|schema|metrics)\b/.test(path);

function pass(req, res) {
    const on = http.request({ host: server.hostname, port: server.port, path: req.url, method: req.method, headers: asOurs(req.headers) }, answer => {
        res.writeHead(answer.statusCode, answer.headers);
        answer.pipe(res);
    });
    on.on('error', () => { res.writeHead(502).end(`no server at ${server.origin}`); });
    req.pipe(on);
}

function file(req, res) {
    const path = new URL(req.url, server).pathname;
    let row;
    try {
        const files = JSON.parse(readFileSync(join(out, 'files.json'), 'utf8'));
        row = files.find(f => f.path === path) ?? (path.startsWith('/assets/') ? undefined : files.find(f => f.path === '/index.html'));
    } catch { /* being built */ }
    if (!row)
        return res.writeHead(404).end();
    res.writeHead(200, { 'Content-Type': row.type, 'Content-Security-Policy': csp, 'Cache-Control': 'no-store' });
    return res.end(readFileSync(join(out, row.file)));
}

const mine = http.createServer((req, res) => toServer(req.url) ? pass(req, res) : file(req, res));
mine.on('upgrade', (req, socket, head) => {
    const up = net.connect(Number(server.port), server.hostname, () => {
        const headers = Object.entries(asOurs(req.headers)).map(([name, value]) => `${name}: ${value}\r\n`).join('');
        up.write(`${req.method} ${req.url} HTTP/1.1\r\n${headers}\r\n`);
        up.write(head);
        up.pipe(socket).pipe(up);
    });
    up.on('error', () => socket.destroy());
    socket.on('error', () => up.destroy());
});
await watchBuild(out);
mine.listen(port, '127.0.0.1', () => console.log(`console: http://127.0.0.1:${port} (server: ${server.origin})`));
