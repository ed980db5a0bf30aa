/* test.mjs - the tests of the parts that need no browser: test/*.test.ts, compiled by esbuild, run by node's own runner. */
import * as esbuild from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const out = mkdtempSync(join(tmpdir(), 'sallyport-console-test-'));
const tests = readdirSync('test').filter(name => name.endsWith('.test.ts')).sort();
await esbuild.build({ entryPoints: tests.map(name => join('test', name)), outdir: out, bundle: true, platform: 'node', format: 'esm',
    outExtension: { '.js': '.mjs' }, jsx: 'automatic', jsxImportSource: 'preact', logLevel: 'warning',
    define: { VERSION: '"0"', WORKER_URL: '"/assets/live.js"' } });
const run = spawnSync(process.execPath, ['--test', '--test-reporter=tap', ...tests.map(name => join(out, name.replace(/\.ts$/, '.mjs')))], { stdio: 'inherit' });
rmSync(out, { recursive: true });
process.exit(run.status ?? 1);
