/* run.mjs - plays the tests of the console, two files at a time, in one browser:
 *   node run.mjs [PART OF A FILE'S OR A TEST'S NAME]
 *   node run.mjs --files NAME,NAME…     these files (log is log.test.mjs), in that order: the longest first
 *   node run.mjs --but NAME,NAME…       all but these
 *
 * Environment: SALLYPORT is the built binary; PACKAGES the folder with node_modules (tests/e2e/console.sh fetches it).
 * CONSOLE_SHOTS=DIR: a picture of the screen after each test. CONSOLE_SLOW=8: as on a processor eight times slower, which shows
 * what depends on luck. A case is `ok NAME` or `not ok NAME`; exit 1 when one failed. */
import { readdirSync } from 'node:fs';
import { play } from './lib.mjs';

const [how = '', names = ''] = process.argv.slice(2);
const here = new URL('.', import.meta.url);
const files = readdirSync(here).filter(name => name.endsWith('.test.mjs')).map(name => name.slice(0, -'.test.mjs'.length)).sort();
for (const name of files)
    await import(new URL(`${name}.test.mjs`, here));
const named = names.split(',').filter(name => name !== '');
const unknown = named.filter(name => !files.includes(name));
if (unknown.length > 0) { /* else a file that was renamed would be played by nobody */
    console.log(`not ok ${process.env.E2E_PREFIX ?? ''}tests/console has no ${unknown.join(', ')}`);
    process.exit(1);
}
const wanted = how === '--files' ? one => named.includes(one.file)
    : how === '--but' ? one => !named.includes(one.file)
        : one => one.file.includes(how) || one.name.includes(how);
process.exit(await play(wanted, named) ? 0 : 1);
