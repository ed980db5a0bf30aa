/* screens.mjs - pictures of every page, into docs/console: make screens (or SALLYPORT=… PACKAGES=… node screens.mjs [DIR]).
 *
 * Not a test: pictures differ by ids and times each time, and are made anew by hand when pages change. What is in them is
 * a real server's, with the same projects and runs each time. Pictures have 256 colours at most (pngquant), and no more
 * than 60 KB each. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { play, test } from './lib.mjs';

const dir = process.argv[2] ?? fileURLToPath(new URL('../../docs/console', import.meta.url));
const MOST = 60_000;
const WIDE = { width: 1280, height: 800 };

const code = Array.from({ length: 40 }, (_, i) => `    out[${i}] = in[${i}] * gain;\n`);
const source = ['/* Scales a block of samples. */\n', 'void scale(float *out, const float *in, float gain)\n', '{\n', ...code, '}\n'];
const build = String.raw`import sys
for i in range(1, 61):
    print(f"\033[2m[{i:2}/60]\033[0m \033[36mCC\033[0m src/part_{i:02}.c", flush=True)
    if i == 9:
        print("\033[1;33mwarning:\033[0m src/part_09.c:12: unused variable \033[1mn\033[0m", file=sys.stderr, flush=True)
print("\033[1;32m128 passed\033[0m, 0 failed")
`;
const change = String.raw`sed -i 's/^void scale/void block_scale/; s/in\[3\] \* gain/in[3] * gain * 2/; s/in\[36\] \* gain/clip(in[36] * gain)/' scale.c
printf 'block_scale() doubles sample 3 and clips sample 36.\n' > NOTES.md`;

/* The same three projects and five runs for every picture: one in each place where something waits for a person. */
let sample;
async function samples(server) {
    return sample ??= (async () => {
        const put = folder => {
            writeFileSync(join(folder, 'scale.c'), source.join(''));
            writeFileSync(join(folder, 'build.py'), build);
        };
        const audio = await server.project('audio-tools', put);
        await server.project('website');
        await server.project('firmware');
        const finished = await server.run({ project_id: 'website', intent: 'run the unit tests and write a report', review: 'none' });
        await server.ended(finished.id);
        const denied = await server.run({ project_id: 'firmware', intent: 'clean up the disk', review: 'none', steps: [{ command: 'rm -rf /' }] });
        await server.ended(denied.id);
        const changes = await server.run({ project_id: 'audio-tools', intent: 'rename scale() and clip the last sample', review: 'effects',
            steps: [{ command: 'python3 build.py', title: 'build and test' }, { command: change, title: 'edit scale.c' }] });
        await server.state(changes.id, 'awaiting_apply');
        const asks = await server.run({ project_id: 'website', intent: 'publish the branch', review: 'effects', steps: [{ command: 'git push origin main' }] });
        await server.state(asks.id, 'awaiting_approval');
        const plan = await server.run({ project_id: 'firmware', intent: '运行单测并发布', steps: [
            { command: 'make test', title: '运行单元测试' }, { command: 'tar czf firmware.tgz Makefile src', title: '打包' },
            { command: 'git push origin main', title: '推送' }] });
        await server.state(plan.id, 'awaiting_review');
        return { audio, finished, denied, changes, asks, plan };
    })();
}

/* name: [path, what is there when the page is complete] */
const pages = {
    inbox: [() => '/inbox', '.inbox .list-row, .inbox li'],
    runs: [() => '/runs', '.list-row'],
    projects: [({ audio }) => `/projects?project=${audio.id}`, '.projects li'],
    plan: [({ plan }) => `/plan?run=${plan.id}`, '.planner-step [data-verdict=ask]'],
    'run-log': [({ changes }) => `/runs/${changes.id}?tab=steps&step=1`, '.log-scroller[data-loaded=true] .log-text'],
    'run-changes': [({ changes }) => `/runs/${changes.id}?tab=changes&file=scale.c&view=split`, '.diff-added'],
    'run-report': [({ finished }) => `/runs/${finished.id}?tab=report`, '.markdown h2'],
    policy: [() => '/policy', '[data-rule=no-root-wipe]'],
    audit: [() => '/audit', '.audit .list-row'],
    queue: [() => '/queue', '[data-node=takes]'],
    settings: [() => '/settings?tab=tokens', '.settings-tokens tr td'],
    login: [() => '/login', 'input[name=token]'],
};
const shots = [
    ...Object.keys(pages).map(name => [name, name, { ...WIDE, login: name !== 'login' }]),
    ['run-changes-dark', 'run-changes', { ...WIDE, dark: true }],
    ['run-log-dark', 'run-log', { ...WIDE, dark: true }],
    ['plan-zh', 'plan', { ...WIDE, lang: 'zh' }],
    ['inbox-zh-360', 'inbox', { width: 360, height: 780, lang: 'zh' }],
    ['run-changes-360-dark', 'run-changes', { width: 360, height: 780, dark: true }],
];

mkdirSync(dir, { recursive: true });
for (const [name, which, options] of shots)
    test(name, { ...options, errors: [/401/] }, async ({ page, server, ok }) => {
        const [path, ready] = pages[which], all = await samples(server);
        await page.goto(server.url + path(all));
        await page.locator(ready).first().waitFor();
        if (options.login !== false)
            await page.locator('[data-connection=live]').first().waitFor();
        await page.locator('.run-door .button[disabled]').first().waitFor({ state: 'detached' }); /* ui/settled.ts */
        await page.evaluate(() => document.fonts.ready);
        await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
        await page.noSideways();
        const png = await page.screenshot({ animations: 'disabled', caret: 'hide' });
        const file = join(dir, `${name}.png`);
        let size = Infinity;
        for (let colours = 256; size > MOST && colours >= 16; colours /= 2) {
            const small = spawnSync('pngquant', ['--speed', '1', '--strip', '--nofs', String(colours), '-'], { input: png, maxBuffer: 1 << 26 });
            ok(small.status === 0, `pngquant (Debian's package) makes it small: ${small.error?.message ?? small.stderr}`);
            writeFileSync(file, small.stdout);
            size = statSync(file).size;
        }
        ok(size <= MOST, `${name}.png has at most ${MOST} bytes: ${size}`);
    });
process.exit(await play(() => true) ? 0 : 1);
