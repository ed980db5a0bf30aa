/* One run: its two doors, its steps with their logs, its diff, its report, taking it back. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from './lib.mjs';

const work = { steps: [{ command: 'echo hello from the step; echo "a line" >> NOTES.md; echo "# changed" >> Makefile', title: 'write notes' },
    { command: 'echo oops >&2; true' }] };

test('both doors by mouse: plan, log, diff, apply some files, undo', async ({ page, server, eq, until }) => {
    const project = await server.project('mouse'), before = readFileSync(join(project.root_path, 'Makefile'), 'utf8');
    const run = await server.run({ project_id: project.id, ...work, review: 'both' });
    await page.goto(`${server.url}/runs/${run.id}`);
    await page.getByRole('heading', { name: 'Review the plan' }).waitFor();
    await page.a11y();
    await page.getByRole('button', { name: 'Approve plan' }).click();
    await page.getByRole('heading', { name: 'Review the changes' }).waitFor();
    await page.getByRole('tab', { name: 'Steps' }).click();
    await page.getByRole('button', { name: /write notes/ }).click();
    await page.getByText('hello from the step', { exact: true }).first().waitFor();
    await page.a11y();
    await page.getByRole('tab', { name: 'Changes' }).click();
    await page.getByRole('treeitem', { name: /NOTES\.md/ }).click();
    await page.locator('.diff-added', { hasText: 'a line' }).first().waitFor();
    await page.a11y();
    await page.getByLabel('Apply this file').click();
    await page.getByRole('button', { name: 'Side by side' }).click();
    await page.locator('.diff-split').waitFor();
    await page.noSideways();
    await page.getByRole('button', { name: 'Apply 1 file' }).click();
    await server.ended(run.id); /* the states of its steps say it earlier */
    eq(readFileSync(join(project.root_path, 'Makefile'), 'utf8'), before + '# changed\n', 'the picked file');
    await page.getByRole('tab', { name: 'Report' }).click();
    await page.locator('.markdown h2').first().waitFor();
    await page.a11y();
    await page.getByRole('tab', { name: 'Artifacts' }).click();
    await page.getByText('diff.patch').waitFor();
    await page.getByRole('tab', { name: 'Audit' }).click();
    await page.getByText('changes.applied').first().waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('heading', { name: 'Undo of a run' }).waitFor();
    await page.getByRole('heading', { name: '1 file was put back' }).waitFor();
    eq(readFileSync(join(project.root_path, 'Makefile'), 'utf8'), before, 'the file is as before');
    await page.getByRole('tabpanel').getByRole('link', { name: run.id }).click();
    await page.locator('.run-undone').getByText('was taken back').waitFor();
    eq(await page.getByRole('button', { name: 'Undo' }).count(), 0, 'undone once');
    await page.a11y();
});

test('by keyboard alone: approve, look, leave a hunk out, apply', { width: 360, lang: 'zh' }, async ({ page, server, eq, until }) => {
    const long = Array.from({ length: 40 }, (_, i) => `line ${i + 1}\n`).join('');
    const project = await server.project('keys', dir => writeFileSync(join(dir, 'long.txt'), long));
    const run = await server.run({ project_id: project.id, steps: [{ command: "sed -i '2s/$/ TOP/; 39s/$/ END/' long.txt" }], review: 'both' });
    await page.goto(`${server.url}/runs/${run.id}`);
    await page.getByRole('heading', { name: '审阅计划' }).waitFor();
    await page.noSideways();
    await page.settled('批准计划');
    await page.keyboard.press('a');
    await page.getByRole('heading', { name: '审阅更改' }).waitFor();
    const box = page.getByLabel('应用第 2 处');
    await box.waitFor();
    await box.focus();
    await page.keyboard.press('Space');
    await page.a11y();
    await page.noSideways();
    await page.settled('应用 1 个文件');
    const apply = page.getByRole('button', { name: '应用 1 个文件' });
    await apply.focus();
    await page.keyboard.press('Enter');
    await server.ended(run.id); /* the states of its steps say it earlier */
    eq(readFileSync(join(project.root_path, 'long.txt'), 'utf8'), long.replace('line 2\n', 'line 2 TOP\n'), 'the first hunk');
});

test('a step that the policy asks about is answered here; a denied one says why', async ({ page, server, until }) => {
    const project = await server.project('asks');
    const asks = await server.run({ project_id: project.id, steps: [{ command: 'frobnicate --all; true' }], review: 'none' });
    await page.goto(`${server.url}/runs/${asks.id}`);
    await page.getByRole('heading', { name: 'A step needs your approval' }).waitFor();
    await page.a11y();
    await page.settled('Deny');
    await page.keyboard.press('r');
    await until(() => page.locator('.run-line [data-state=failed]').isVisible(), 'it failed');
    const denied = await server.run({ project_id: project.id, steps: [{ command: 'echo one' }, { command: 'rm -rf /' }], review: 'none' });
    await page.goto(`${server.url}/runs/${denied.id}`);
    await until(() => page.locator('.run-line [data-state=failed]').isVisible(), 'it failed');
    await page.locator('.run-why', { hasText: 'policy_denied' }).getByText('step 2 is denied by rule no-root-wipe').waitFor();
    await page.locator('.run-step-head', { hasText: 'rm -rf /' }).getByText('no-root-wipe').waitFor(); /* it opens at the step that it is about */
    await page.getByRole('heading', { name: 'It did not run' }).waitFor();
    await page.a11y();
    await page.getByRole('tab', { name: 'Audit' }).click();
    await page.getByText('policy.denied').first().waitFor();
});

test('nothing that a step names is obeyed: HTML, scripts, bidi, invisible characters', { dark: true }, async ({ page, server, eq, until }) => {
    const evil = '<img src=x onerror=document.title="pwned">', hidden = '\u202e\u200bcod.exe';
    const project = await server.project('evil');
    const run = await server.run({ project_id: project.id, review: 'both', steps: [{ title: evil,
        command: `echo '<script>document.title="pwned"</script>' > '${evil.replace('/', '')}${hidden}'; echo '[x](javascript:alert(1)) <i>'` }] });
    await page.goto(`${server.url}/runs/${run.id}`);
    await page.getByRole('heading', { name: 'Review the plan' }).waitFor();
    await page.locator('.chip-char', { hasText: 'U+202E' }).first().waitFor();
    await page.locator('.chip-char', { hasText: 'U+200B' }).first().waitFor();
    await page.a11y();
    await page.settled('Approve plan');
    await page.keyboard.press('a');
    await page.getByRole('heading', { name: 'Review the changes' }).waitFor();
    await page.locator('.diff-added', { hasText: '<script>' }).first().waitFor();
    eq(await page.locator('main img, main script, main iframe').count(), 0, 'elements made of text');
    await page.a11y();
    await page.settled('Apply all');
    await page.keyboard.press('a');
    await until(() => page.locator('.run-line [data-state=succeeded]').isVisible(), 'it succeeded');
    await page.getByRole('tab', { name: 'Report' }).click();
    await page.locator('.markdown').waitFor();
    eq(await page.locator('.markdown a, .markdown img, .markdown script').count(), 0, 'links in the report');
    eq((await page.title()).includes('pwned'), false, 'the title');
});

/* The answer has come, what the page shows is older: a press is for what was there. Both doors, each asked once. */
test('a second press before the page has been loaded again is not sent', async ({ page, server, eq, until }) => {
    const project = await server.project('pressed');
    const run = await server.run({ project_id: project.id, steps: [{ command: 'echo x > NEW' }], review: 'both' });
    const asked = [];
    let held = null;
    page.on('request', request => { if (request.method() === 'POST') asked.push(new URL(request.url()).pathname.split('/').at(-1)); });
    await page.route(`**/api/v1/runs/${run.id}`, async route => {
        await held;
        await route.continue().catch(() => undefined); /* asked anew meanwhile */
    });
    for (const [name, path] of [['Approve plan', 'approve'], ['Apply all', 'apply']]) {
        if (path === 'approve')
            await page.goto(`${server.url}/runs/${run.id}`);
        await page.settled(name);
        let goOn;
        held = new Promise(done => { goOn = done; });
        const answer = page.waitForResponse(response => response.url().endsWith(`/${path}`));
        await page.keyboard.press('a');
        await answer;
        /* What the page does with the answer is done by the second frame. */
        await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
        await page.keyboard.press('a');
        await page.getByRole('button', { name }).click({ force: true });
        goOn();
        held = null;
        if (path === 'approve')
            await page.getByRole('heading', { name: 'Review the changes' }).waitFor();
    }
    await until(() => page.locator('.run-line [data-state=succeeded]').isVisible(), 'it succeeded');
    eq(asked.filter(path => path !== 'login'), ['approve', 'apply'], 'what was sent');
});

test('a key or a second click on its way to one door decides nothing at the next', async ({ page, server, eq, until }) => {
    const project = await server.project('twice');
    const run = await server.run({ project_id: project.id, steps: [{ command: 'echo x > NEW' }], review: 'both' });
    await page.goto(`${server.url}/runs/${run.id}`);
    await page.settled('Approve plan');
    /* As soon as another door is there: the key, and a click on its first button. */
    await page.evaluate(() => {
        const seen = new WeakSet([document.querySelector('.run-door')]);
        new MutationObserver(() => {
            const door = document.querySelector('.run-door');
            if (!door || seen.has(door))
                return;
            seen.add(door);
            for (const ms of [0, 50, 100])
                setTimeout(() => {
                    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', bubbles: true }));
                    door.querySelector('.button.primary')?.click();
                }, ms);
        }).observe(document.body, { childList: true, subtree: true });
    });
    await page.keyboard.press('a');
    await page.getByRole('heading', { name: 'Review the changes' }).waitFor();
    await page.settled('Apply all');
    eq((await server.api('GET', `/runs/${run.id}`)).state, 'awaiting_apply', 'the changes still wait');
    await page.keyboard.press('a');
    await until(() => page.locator('.run-line [data-state=succeeded]').isVisible(), 'it succeeded');
});

test('what was left out stays left out: on another tab, by the key', async ({ page, server, eq, until }) => {
    const project = await server.project('left');
    const run = await server.run({ project_id: project.id, steps: [{ command: 'echo 1 > ONE; echo 2 > TWO' }], review: 'effects' });
    await page.goto(`${server.url}/runs/${run.id}`);
    await page.settled('Apply all');
    await page.getByRole('treeitem', { name: /ONE/ }).click();
    await page.getByLabel('Apply this file').click();
    await page.getByRole('tab', { name: 'Steps' }).click();
    await page.keyboard.press('a'); /* nothing here says what it would apply */
    await page.getByRole('tab', { name: 'Changes' }).click();
    await page.settled('Apply 1 file');
    eq((await server.api('GET', `/runs/${run.id}`)).state, 'awaiting_apply', 'it still waits');
    eq(await page.getByRole('button', { name: 'Apply all' }).count(), 0, 'no way to apply all by mistake');
    const other = await server.run({ project_id: (await server.project('other')).id, steps: [{ command: 'echo 1 > A; echo 2 > B; echo 3 > C' }],
        review: 'effects' });
    await page.goto(`${server.url}/runs/${other.id}`);
    await page.settled('Apply all');
    await page.getByLabel('Apply this file').click();
    await page.settled('Apply 2 files');
    await page.goto(`${server.url}/runs/${run.id}`); /* the other run, and a reload, have changed nothing */
    await page.settled('Apply 1 file');
    eq(await page.getByRole('button', { name: 'Apply all' }).count(), 0, 'nor later');
    await page.keyboard.press('a');
    await until(() => page.locator('.run-line [data-state=succeeded]').isVisible(), 'it succeeded');
    eq([existsSync(join(project.root_path, 'ONE')), existsSync(join(project.root_path, 'TWO'))], [false, true], 'one of two');
});

test('a line that goes on and on is cut, and shown when asked', async ({ page, server, ok, until }) => {
    const project = await server.project('long-line');
    const run = await server.run({ project_id: project.id, steps: [{ command: "head -c 60000 /dev/zero | tr '\\0' x > LONG" }], review: 'effects' });
    await page.goto(`${server.url}/runs/${run.id}`);
    const more = page.getByRole('button', { name: '55,000 more characters' }), line = page.locator('.diff-text').first();
    await more.waitFor();
    ok((await line.textContent()).length < 6000, 'not all of it');
    await more.click();
    await page.getByRole('button', { name: '10,000 more characters' }).click();
    await until(async () => (await line.textContent()).length === 60000, 'all of it');
});

const nothing = '\n'.repeat(50), long = Array.from({ length: 80 }, (_, i) => `echo line ${i + 1}`).join('\n');

test('what is approved is not pushed out of sight: blank lines are counted, the piece is marked, the end was on the screen', { height: 600 },
    async ({ page, server, eq, ok }) => {
        const project = await server.project('sight');
        const run = await server.run({ project_id: project.id, steps: [{ command: `echo ok${nothing}git push` }, { command: long }], review: 'both' });
        const state = async () => (await server.api('GET', `/runs/${run.id}`)).state;
        await page.goto(`${server.url}/runs/${run.id}`);
        await page.settled('Reject');
        const first = page.locator('.run-plan-step').first();
        eq(await first.locator('.asked-fold').allTextContents(), ['49 blank lines'], 'the count');
        eq(await first.locator('mark').allTextContents(), ['git push'], 'the piece');
        ok((await first.boundingBox()).height < 300, 'all of it is in sight');
        eq(await page.getByRole('button', { name: 'Approve plan' }).count(), 0, 'nothing approves what was not seen');
        await page.keyboard.press('a'); /* reads on */
        await page.waitForFunction(() => scrollY > 0);
        eq(await state(), 'awaiting_review', 'a key on the way down');
        await page.settled('Approve plan');
        ok(await page.locator('.run-plan-step').last().evaluate(row => row.getBoundingClientRect().bottom
            <= document.querySelector('.run-door-foot').getBoundingClientRect().top), 'the last line is above the buttons');
        for (const colorScheme of ['dark', 'light']) {
            await page.emulateMedia({ colorScheme });
            await page.a11y();
        }
        await page.keyboard.press('a');
        await server.ended(run.id);
        const asks = await server.run({ project_id: project.id, steps: [{ command: `echo ok${nothing}git push` }], review: 'none' });
        await page.goto(`${server.url}/runs/${asks.id}`);
        await page.getByRole('heading', { name: 'A step needs your approval' }).waitFor();
        eq(await page.locator('.run-ask .asked-fold, .run-ask mark').allTextContents(), ['49 blank lines', 'git push'], 'the door of the step');
        await page.settled('Deny');
        await page.keyboard.press('r');
        await server.ended(asks.id);
    });

test('words and folder of what is asked are shown as they will be run; typing goes on in no door', async ({ page, server, eq }) => {
    const project = await server.project('words', dir => mkdirSync(join(dir, 'sub')));
    const run = await server.run({ project_id: project.id, steps: [{ argv: ['frobnicate', 'a b', 'c'], cwd: 'sub' }], review: 'none' });
    await page.goto(`${server.url}/runs/${run.id}`);
    await page.settled('Deny');
    eq(await page.locator('.run-ask').textContent(), "frobnicate 'a b' c", 'the words');
    await page.locator('.run-door', { hasText: 'In folder sub' }).waitFor();
    await page.getByLabel('Note').fill('thi');
    const asked = [];
    page.on('request', request => { if (request.method() === 'POST') asked.push(request.url()); });
    /* At once, since hands that pause for a second mean what they press. */
    await page.evaluate(() => {
        const press = key => (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
        press('s');
        document.activeElement.blur(); /* as when the field is taken away */
        for (const key of ' arrives')
            press(key);
    });
    await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
    eq([asked, (await server.api('GET', `/runs/${run.id}`)).state], [[], 'awaiting_approval'], 'it still waits');
});
