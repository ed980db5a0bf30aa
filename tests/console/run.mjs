/* run.mjs - plays the tests of the console, one file after the other, in one browser: node run.mjs [PART OF A NAME]
 *
 * Environment: SALLYPORT is the built binary; PACKAGES the folder with node_modules (tests/e2e/console.sh fetches it).
 * CONSOLE_SHOTS=DIR: a picture of the screen after each test. A case is `ok NAME` or `not ok NAME`; exit 1 when one failed. */
import { readdirSync } from 'node:fs';
import { play } from './lib.mjs';

const wanted = process.argv[2] ?? '';
const here = new URL('.', import.meta.url);
for (const name of readdirSync(here).filter(name => name.endsWith('.test.mjs')).sort())
    await import(new URL(name, here));
process.exit(await play(wanted) ? 0 : 1);
