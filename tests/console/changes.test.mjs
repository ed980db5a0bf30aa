/* The changes of a run: its tree of files, what is picked and what became of it; lists too long to be in the page. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from './lib.mjs';

const row = (page, name) => page.getByRole('treeitem', { name });
const ticks = (page, name) => row(page, name).getAttribute('aria-checked');
const work = `import os, shutil
lines = open('long.txt').read().replace('line 2\\n', 'line 2 TOP\\n').replace('line 39\\n', 'line 39 END\\n')
open('long.txt', 'w').write(lines)
shutil.rmtree('gone')
for name in ('src/deep/one', 'src/deep/two', 'src/three'):
    open(name, 'w').write('new\\n')
os.symlink('/etc/passwd', 'outside')
open('bin.dat', 'wb').write(b'a\\0b')
os.mkdir('hollow')
`;
const long = Array.from({ length: 40 }, (_, i) => `line ${i + 1}\n`).join('');

/* A run that waits with one of each kind of change. */
async function mixed(server, name) {
    const project = await server.project(name, dir => {
        writeFileSync(join(dir, 'long.txt'), long);
        writeFileSync(join(dir, 'work.py'), work);
        for (const folder of ['gone', 'src/deep'])
            mkdirSync(join(dir, folder), { recursive: true });
        for (const file of ['gone/a', 'gone/b', 'src/deep/one', 'src/deep/two', 'src/three'])
            writeFileSync(join(dir, file), 'old\n');
    });
    const run = await server.run({ project_id: project.id, review: 'effects', steps: [{ command: 'python3 work.py' }] });
    return { project, run, dir: project.root_path };
}

test('changes: folders fold and are picked whole; what was left out is seen before and after', async ({ page, server, eq, until }) => {
    const { run, dir } = await mixed(server, 'tree');
    await page.goto(`${server.url}/runs/${run.id}`);
    await page.settled('Apply all');
    const tree = page.getByRole('tree', { name: 'Changes' });
    const names = () => tree.getByRole('treeitem').evaluateAll(all => all.map(one => one.querySelector('.run-path').textContent));
    eq(await names(), ['gone/', 'a', 'b', 'src/', 'deep/', 'one', 'two', 'three', 'bin.dat', 'gone/', 'hollow/', 'long.txt', 'outside'], 'the tree');
    await page.locator('.run-changes-head', { hasText: '1 refused' }).waitFor();
    await page.a11y();

    /* By keys: to the folder, fold it, unfold it, leave it out. */
    await page.keyboard.press('j');
    await until(() => row(page, /^added b|deleted b/).evaluate(e => e === document.activeElement), 'the focus is on the second file');
    await page.keyboard.press('ArrowDown');
    await until(async () => await row(page, /src\//).getAttribute('aria-selected') === 'true', 'the folder');
    await page.keyboard.press('ArrowLeft');
    await until(async () => (await names()).length === 9, 'folded');
    await page.a11y();
    await page.keyboard.press('ArrowRight');
    await until(async () => (await names()).length === 13, 'unfolded');
    await page.keyboard.press('Space');
    eq([await ticks(page, /src\//), await ticks(page, /three/), await ticks(page, /long/)], ['false', 'false', 'true'], 'a folder left out');
    await row(page, /modified one/).locator('input').click();
    eq([await ticks(page, /src\//), await ticks(page, /deep\//), await ticks(page, /three/)], ['mixed', 'mixed', 'false'], 'one of it taken');

    /* A file of a folder that goes: it stays, and so does the folder. */
    await row(page, /deleted a/).click();
    await page.getByLabel('Apply this file').click();
    await row(page, /long\.txt/).click();
    await page.getByLabel('Apply hunk 2').click();
    eq([await ticks(page, /long\.txt/), await page.getByLabel('Apply this file').evaluate(e => e.indeterminate)], ['mixed', true], 'one hunk');
    eq(await ticks(page, /outside/), null, 'what is refused cannot be picked');
    await page.a11y();
    await page.getByRole('button', { name: /^Apply \d+ files$/, disabled: false }).click();
    await server.ended(run.id);
    eq([readFileSync(join(dir, 'long.txt'), 'utf8'), readdirSync(join(dir, 'gone')), existsSync(join(dir, 'hollow'))],
        [long.replace('line 2\n', 'line 2 TOP\n'), ['a'], true], 'applied');
    eq(['deep/one', 'deep/two', 'three'].map(name => readFileSync(join(dir, 'src', name), 'utf8')), ['new\n', 'old\n', 'old\n'], 'of the folder');

    /* And it says so afterwards, also when the page is opened anew. */
    await page.goto(`${server.url}/runs/${run.id}?tab=changes&file=long.txt`);
    await page.locator('.run-outcome', { hasText: 'left out' }).waitFor();
    eq(await page.locator('.run-out').evaluateAll(all => all.map(one => one.querySelector('.run-path').textContent)), ['a', 'two', 'three', 'gone/'], 'left out');
    await row(page, /long\.txt.*in part/).waitFor();
    await page.getByText('Applied in part').waitFor();
    await page.locator('.diff-head .badge').nth(1).waitFor();
    eq(await page.locator('.diff-head .badge').allTextContents(), ['applied', 'left out'], 'its hunks');
    await page.a11y();
});

test('changes: what has no lines says what it is', { width: 360, lang: 'zh', dark: true }, async ({ page, server, eq }) => {
    const { run } = await mixed(server, 'kinds');
    await page.goto(`${server.url}/runs/${run.id}?tab=changes&file=bin.dat`);
    await page.getByText('二进制文件：没有可显示的行').waitFor();
    eq(await page.locator('.run-notice dd').allTextContents(), ['无', '3 B'], 'its sizes');
    await page.noSideways();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: '下载补丁' }).click()]);
    eq(readFileSync(await download.path(), 'utf8').includes('GIT binary patch'), true, 'the patch');
    await row(page, /outside/).click();
    await page.getByText('这一项绝不会被应用').waitFor();
    eq(await page.locator('.run-notice dd').allTextContents(), ['无', '符号链接'], 'what it is');
    await page.a11y();
    await page.noSideways();
    await row(page, /hollow/).click();
    await page.getByText('新增了一个空文件夹').waitFor();
    eq(await page.locator('.diff').count(), 0, 'no empty diff');
});

test('changes: a key held down in 20,000 files moves at once, and the page holds but those in sight', { errors: [/ERR_FAILED/] }, async ({ page, server, eq, ok, until }) => {
    const { run } = await mixed(server, 'many');
    const ready = await server.state(run.id, 'awaiting_apply');
    const items = Array.from({ length: 20_000 }, (_, i) => ({ path: `part-${String(i % 20).padStart(2, '0')}/file-${String(i).padStart(5, '0')}`,
        kind: 'added', old_mode: null, new_mode: '100644', old_bytes: 0, new_bytes: 2, additions: 1, deletions: 0, binary: false, refused: null }));
    const answer = { files: 20_000, additions: 20_000, deletions: 0, refused: 0, digest: ready.changes.digest, items };
    await page.route('**/api/v1/runs/*/changes', route => route.fulfill({ json: answer }));
    await page.route('**/api/v1/runs/*/diff?*', route => route.fulfill({ contentType: 'text/x-diff', body: '@@ -0,0 +1 @@\n+x\n' }));
    await page.goto(`${server.url}/runs/${run.id}`);
    const rows = page.locator('.run-files [role=treeitem]'), now = page.locator('.run-files [aria-selected=true]');
    await rows.first().waitFor();
    const nodes = () => page.evaluate(() => document.querySelectorAll('*').length);
    const inSight = what => what.evaluate(e => {
        const box = e.getBoundingClientRect(), list = e.closest('.split-first')?.getBoundingClientRect();
        return box.top >= (list?.top ?? 0) - 1 && box.top >= 0 && box.bottom <= Math.min(innerHeight, list?.bottom ?? innerHeight) + 1;
    });
    ok(await nodes() < 2000, `at most 2,000 nodes: ${await nodes()}`);
    /* 40 keys, each as soon as the one before is drawn. */
    const at = await page.evaluate(async () => {
        const seen = [];
        for (let i = 0; i < 40; i++) {
            document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true, repeat: i > 0 }));
            await new Promise(done => setTimeout(done));
            seen.push(document.querySelector('.run-files [aria-selected=true]').textContent);
        }
        return new Set(seen).size;
    });
    eq(at, 40, 'each press another row');
    await until(() => new URL(page.url()).searchParams.get('file') === 'part-00/file-00800', 'the address follows');
    ok(await inSight(now), 'the row is in sight');
    await page.locator('.diff-added').waitFor();
    ok(await inSight(page.locator('.diff-added')), 'and so is its diff');
    eq(await page.evaluate(() => document.activeElement.getAttribute('aria-posinset')), '41', 'the focus is on it');
    await page.keyboard.press('End');
    await until(async () => (await now.textContent()).includes('file-19999'), 'the last');
    ok(await inSight(now) && await inSight(page.locator('.run-file-head')), 'both parts are in sight');
    eq([await now.getAttribute('aria-setsize'), await now.getAttribute('aria-level')], ['1000', '2'], 'its place is said');
    ok(await nodes() < 2000, `at most 2,000 nodes: ${await nodes()}`);
    await page.a11y();
    /* With the wheel, too, there are always rows. */
    for (const part of [.5, .1, .9])
        await until(() => page.locator('.split-first').evaluate((e, to) => {
            e.scrollTop = to * e.scrollHeight;
            const box = e.getBoundingClientRect();
            return [.1, .5, .9].every(y => document.elementFromPoint(box.left + 60, box.top + y * Math.min(box.height, innerHeight - box.top))?.closest('[role=treeitem]'));
        }, part), `rows at ${part}`);
    eq(await now.count(), 1, 'the selected row stays in the page');
    /* All but one: whole folders, since a request has its bounds. */
    await page.settled('Apply all');
    await page.keyboard.press('x');
    await page.settled('Apply 19,999 files');
    let sent;
    await page.route('**/api/v1/runs/*/apply', route => { sent = route.request().postDataJSON(); return route.abort(); });
    await page.keyboard.press('a');
    await until(() => sent, 'sent');
    eq([sent.paths.length, sent.paths.filter(path => !path.includes('/')).length, sent.paths.includes('part-19/file-19999')], [1018, 19, false], 'folders');
});

for (const width of [1440, 360])
    test(`run: of 64 steps the chosen one and what it says are both in sight at ${width} px`, { width }, async ({ page, server, eq, until }) => {
        const project = await server.project('steps64');
        const run = await server.run({ project_id: project.id, review: 'both', steps: Array.from({ length: 64 }, (_, i) => ({ command: `echo ${i + 1}`, title: `number ${i + 1}` })) });
        await page.goto(`${server.url}/runs/${run.id}?tab=steps&step=60`);
        const chosen = page.locator('.run-steps .selected');
        await chosen.waitFor();
        const within = () => chosen.evaluate(e => {
            const box = e.getBoundingClientRect(), list = e.closest('.split-first').getBoundingClientRect();
            return [e.textContent.includes('number 60'), box.top >= list.top - 1 && box.bottom <= list.bottom + 1, scrollY];
        });
        eq(await within(), [true, true, 0], 'it is in its list, and the page at its top');
        await page.noSideways();
        await page.keyboard.press('k');
        await until(async () => (await chosen.textContent()).includes('number 59'), 'the one before');
        await page.keyboard.press('j');
        await until(async () => (await within())[0], 'again');
        eq((await within())[1], true, 'in its list');
        if (width > 800)
            eq(await page.evaluate(() => document.querySelector('.run-step').getBoundingClientRect().top < innerHeight - 100), true, 'what it says is on the screen');
    });
