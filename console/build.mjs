/* build.mjs - builds the web console: node build.mjs OUTDIR [--watch] [--dev]
 *
 * The contract with the server's build (tools/console): it is run in a copy of this folder with node_modules installed
 * as package-lock.json says, and writes into OUTDIR, which exists and is empty,
 *   files.json   [{"path": "/assets/main-AB12.js", "file": "main-AB12.js", "type": "text/javascript", "immutable": true}, …]
 *   and the files it names. `path` is the URL, exactly; `file` is relative to OUTDIR; `immutable`: the path changes
 *   whenever the bytes do, so browsers keep it for a year.
 * "/index.html" has to be there: it is what every page's URL is answered with.
 * Exit status 0, or what is wrong on stderr. It reads nothing outside of this folder and fetches nothing.
 * SALLYPORT_VERSION in the environment is the version of the program.
 *
 * In this order, since each has to know the hashed names of what came before: the worker that holds the live
 * connection; the application (pages as chunks of their own); the style sheet (all of src, in one); boot.js; the page;
 * the service worker. What the first load may weigh is checked here, so nobody can land more unseen. */
import * as esbuild from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { lint } from './lint.mjs';

const FIRST_LOAD_MAX = 60 * 1024; /* bytes of JavaScript, gzip -9, before any page's own chunk */
const here = dirname(fileURLToPath(import.meta.url));
const types = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml', png: 'image/png',
    webmanifest: 'application/manifest+json', html: 'text/html; charset=utf-8' };
const typeOf = name => types[name.split('.').pop()];
const version = process.env.SALLYPORT_VERSION ?? '0';

function walk(folder) {
    return readdirSync(folder).sort().flatMap(name => {
        const path = join(folder, name);
        return statSync(path).isDirectory() ? walk(path) : [path];
    });
}

/* The style sheet: tokens first, then base, then what is shared, then the pages. A new .css file below src is in it. */
function styleOf() {
    const rank = path => ['style/tokens.css', 'style/base.css'].indexOf(path) + 1 || (path.startsWith('pages/') ? 5 : 4);
    const sheets = walk(join(here, 'src')).filter(path => path.endsWith('.css')).map(path => relative(join(here, 'src'), path));
    return sheets.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1)).map(path => `@import "./${path}";`).join('\n');
}

/* What the browser has loaded before it shows anything of its own: the entry and what it imports statically. */
function firstLoad(outputs, entry) {
    const seen = new Set([entry]);
    for (const path of seen)
        for (const one of outputs[path].imports)
            if (one.kind === 'import-statement' && outputs[one.path])
                seen.add(one.path);
    return [...seen];
}

export async function build(out, { dev = false, log = console.log } = {}) {
    const problems = lint(join(here, 'src'));
    if (problems.length)
        throw new Error(problems.join('\n'));

    const files = [];
    const asset = (name, bytes) => {
        writeFileSync(join(out, name), bytes);
        files.push({ path: `/assets/${name}`, file: name, type: typeOf(name), immutable: true });
        return `/assets/${name}`;
    };
    const named = (name, bytes) => {
        const [stem, ext] = [name.slice(0, name.lastIndexOf('.')), name.slice(name.lastIndexOf('.'))];
        return asset(`${stem}-${createHash('sha256').update(bytes).digest('hex').slice(0, 8).toUpperCase()}${ext}`, bytes);
    };
    const plain = (path, bytes) => {
        const file = path.slice(1);
        writeFileSync(join(out, file), bytes);
        files.push({ path, file, type: typeOf(file), immutable: false });
    };
    const common = { absWorkingDir: here, bundle: true, minify: !dev, target: ['es2022'], legalComments: 'none', charset: 'utf8',
        sourcemap: dev ? 'inline' : false, write: false, logLevel: 'warning', jsx: 'automatic', jsxImportSource: 'preact' };
    const one = async (entry, more) => (await esbuild.build({ ...common, entryPoints: [entry], format: 'iife', ...more }))
        .outputFiles[0].contents;

    const worker = named('live.js', await one('src/api/live_worker.ts'));
    const app = await esbuild.build({ ...common, entryPoints: ['src/main.tsx'], format: 'esm', splitting: true, metafile: true,
        entryNames: '[name]-[hash]', chunkNames: '[name]-[hash]', outdir: out,
        define: { VERSION: JSON.stringify(version), WORKER_URL: JSON.stringify(worker) } });
    const sizes = {};
    for (const file of app.outputFiles) {
        asset(basename(file.path), file.contents);
        sizes[basename(file.path)] = gzipSync(file.contents, { level: 9 }).length;
    }
    const outputs = Object.fromEntries(Object.entries(app.metafile.outputs).map(([path, o]) => [basename(path),
        { ...o, imports: o.imports.map(i => ({ ...i, path: basename(i.path) })) }]));
    const main = Object.keys(outputs).find(path => outputs[path].entryPoint === 'src/main.tsx');
    const style = named('style.css', (await esbuild.build({ ...common, stdin: { contents: styleOf(), loader: 'css',
        resolveDir: join(here, 'src') } })).outputFiles[0].contents);
    const boot = await one('src/boot.ts');
    const bootUrl = named('boot.js', boot);

    const first = firstLoad(outputs, main);
    const weight = first.reduce((sum, path) => sum + sizes[path], gzipSync(boot, { level: 9 }).length);
    log(`console: first load ${(weight / 1024).toFixed(1)} KB of JavaScript (at most ${FIRST_LOAD_MAX / 1024})`);
    if (weight > FIRST_LOAD_MAX && !dev)
        throw new Error(`console: the first load is ${weight} bytes of JavaScript, compressed; ${FIRST_LOAD_MAX} are allowed:\n`
            + first.map(path => `  ${path} ${sizes[path]}`).join('\n') + '\nLoad what not every page needs by import().');

    const html = readFileSync(join(here, 'index.html'), 'utf8').replace('{boot.js}', bootUrl).replace('{style.css}', style)
        .replace('{main.js}', `/assets/${main}`)
        .replace('</title>\n', `</title>\n${first.filter(p => p !== main).map(p => `<link rel="modulepreload" href="/assets/${p}">\n`).join('')}`);
    plain('/index.html', html);
    const shell = named('shell.html', html); /* what the service worker shows without a server */
    const precache = [shell, style, bootUrl, worker, ...first.map(path => `/assets/${path}`)];
    plain('/sw.js', await one('src/sw.ts', { define: { SHELL: JSON.stringify(shell), PRECACHE: JSON.stringify(precache) } }));
    for (const name of readdirSync(join(here, 'static')).sort())
        plain(`/${name}`, readFileSync(join(here, 'static', name)));
    writeFileSync(join(out, 'files.json'), JSON.stringify(files, null, 1));
    return files;
}

async function again(out) {
    const begin = Date.now();
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    try {
        await build(out, { dev: true });
        console.log(`console: built in ${Date.now() - begin} ms`);
    } catch (e) {
        console.error(String(e.message ?? e));
    }
}

/* Builds now, and again whenever a source changes. */
export async function watchBuild(out) {
    await again(out);
    let timer;
    const changed = () => {
        clearTimeout(timer);
        timer = setTimeout(() => again(out), 80);
    };
    const src = join(here, 'src');
    try {
        watch(src, { recursive: true }, changed);
    } catch { /* Node 18 on Linux watches no trees: its folders then, those that there are now */
        for (const folder of new Set(walk(src).map(dirname)))
            watch(folder, changed);
    }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const args = process.argv.slice(2), out = args.find(a => !a.startsWith('--'));
    if (!out) {
        console.error('usage: node build.mjs OUTDIR [--watch]   (with a server: node dev.mjs)');
        process.exit(2);
    }
    if (args.includes('--watch'))
        await watchBuild(out);
    else
        await build(out, { dev: args.includes('--dev') }).catch(e => {
            console.error(String(e.message ?? e));
            process.exit(1);
        });
}
