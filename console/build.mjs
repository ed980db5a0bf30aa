/* build.mjs - builds the web console: node build.mjs OUTDIR
 *
 * The contract with the server's build (tools/console): it is run in a copy of this folder with node_modules installed
 * as package-lock.json says, and writes into OUTDIR, which exists and is empty,
 *   files.json   [{"path": "/assets/main-AB12.js", "file": "main-AB12.js", "type": "text/javascript", "immutable": true}, …]
 *   and the files it names. `path` is the URL, exactly; `file` is relative to OUTDIR; `immutable`: the path changes
 *   whenever the bytes do, so browsers keep it for a year.
 * "/index.html" has to be there: it is what every page's URL is answered with.
 * Exit status 0, or what is wrong on stderr. It reads nothing outside of this folder and fetches nothing.
 * SALLYPORT_VERSION in the environment is the version of the program. */
import * as esbuild from 'esbuild';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const out = process.argv[2];
const version = process.env.SALLYPORT_VERSION ?? '0';

const built = await esbuild.build({
    entryPoints: ['src/main.js', 'src/base.css'],
    entryNames: '[name]-[hash]',
    bundle: true,
    format: 'esm',
    splitting: true,
    minify: true,
    target: 'es2022',
    define: { VERSION: JSON.stringify(version) },
    metafile: true,
    outdir: out,
});

const types = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml',
    webmanifest: 'application/manifest+json', html: 'text/html; charset=utf-8' };
const typeOf = name => types[name.split('.').pop()];
const files = [];
const assets = {};
for (const [path, { entryPoint }] of Object.entries(built.metafile.outputs)) {
    const file = basename(path);
    files.push({ path: `/assets/${file}`, file, type: typeOf(file), immutable: true });
    if (entryPoint)
        assets[entryPoint] = `/assets/${file}`;
}
const index = readFileSync('index.html', 'utf8').replace('{main.js}', assets['src/main.js']).replace('{base.css}', assets['src/base.css']);
writeFileSync(join(out, 'index.html'), index);
files.push({ path: '/index.html', file: 'index.html', type: types.html, immutable: false });
for (const name of ['manifest.webmanifest', 'icon.svg', 'sw.js']) {
    writeFileSync(join(out, name), readFileSync(join('static', name)));
    files.push({ path: `/${name}`, file: name, type: typeOf(name), immutable: false });
}
writeFileSync(join(out, 'files.json'), JSON.stringify(files, null, 1));
