/* types.mjs - makes src/api/openapi.d.ts of a server's /openapi.json: node types.mjs [--check] [URL or FILE]
 * (http://127.0.0.1:7373/openapi.json if none). --check: only says whether it is current; exit status 1 if not. */
import openapiTS, { astToString } from 'openapi-typescript';
import { readFileSync, writeFileSync } from 'node:fs';

const args = process.argv.slice(2), check = args.includes('--check');
const from = args.find(a => !a.startsWith('--')) ?? 'http://127.0.0.1:7373/openapi.json';
const text = /^https?:/.test(from) ? await (await fetch(from)).text() : readFileSync(from, 'utf8');
const file = new URL('src/api/openapi.d.ts', import.meta.url);
const made = '/* Made by `npm run types` of /openapi.json: do not edit. */\n' + astToString(await openapiTS(text, { alphabetize: true }));
if (!check)
    writeFileSync(file, made);
else if (readFileSync(file, 'utf8') !== made) {
    console.error('console/src/api/openapi.d.ts is not what /openapi.json says: start the server and run `npm run types` in console/');
    process.exit(1);
}
