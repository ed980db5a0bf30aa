/* The main job, from a folder to an undone change, as a person does it in the browser: add a project, say in Chinese what is
 * to be done, edit the plan, approve it, watch, look at the diff, apply one hunk of it, undo. By mouse and by keyboard alone,
 * narrow and wide, in both languages: four of the eight, in which each two of these meet.
 *
 * A server that is killed in the midst: log.test.mjs (every line once) and live.test.mjs (the connection). */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test, until } from './lib.mjs';

const example = fileURLToPath(new URL('../../examples/hello', import.meta.url));
const words = {
    en: { add: 'Add a folder', folder: 'Folder', done: 'Done', plan: 'New run', make: 'Make a plan', addStep: 'Add a step', start: 'Start run',
        review: 'Review the plan', approve: 'Approve plan', changes: 'Review the changes',
        steps: 'Steps', diff: 'Changes', hunk: 'Apply hunk 2', apply: /^Apply \d+ files?$/, undo: 'Undo', undone: 'Undo of a run',
        up: 'Move up: Step 3' },
    zh: { add: '添加文件夹', folder: '文件夹', done: '完成', plan: '新建运行', make: '生成计划', addStep: '添加步骤', start: '开始运行',
        review: '审阅计划', approve: '批准计划', changes: '审阅更改',
        steps: '步骤', diff: '更改', hunk: '应用第 2 处', apply: /^应用 \d+ 个文件$/, undo: '撤销', undone: '撤销一次运行',
        up: /^上移.*步骤 3$/ },
};

/* A person with a mouse. */
function mouse(page) {
    return {
        press: element => element.click(),
        write: async (element, text) => {
            await element.click();
            await page.keyboard.insertText(text);
        },
    };
}

/* A person without one: Tab until it is there, then a key. Nothing is focused by a script. */
function keyboard(page) {
    const reach = async element => {
        await element.waitFor();
        for (let i = 0; i < 300; i++) {
            if (await element.evaluate(e => e === document.activeElement))
                return;
            await page.keyboard.press('Tab');
        }
        throw new Error(`Tab does not come to ${element}`);
    };
    return {
        press: async element => {
            if (await element.getAttribute('role') === 'tab') { /* Tab comes to the open one, arrows go on from it */
                await reach(page.locator('[role=tab][aria-selected=true]'));
                const open = () => page.locator('[role=tab][aria-selected=true]').textContent();
                for (let i = 0; i < 10 && await element.getAttribute('aria-selected') !== 'true'; i++) {
                    const before = await open();
                    await page.keyboard.press('ArrowRight');
                    await until(async () => await open() !== before, 'another tab');
                }
                return;
            }
            await reach(element);
            await page.keyboard.press(await element.evaluate(e => e instanceof HTMLInputElement) ? 'Space' : 'Enter');
        },
        write: async (element, text) => {
            await reach(element);
            await page.keyboard.insertText(text);
        },
    };
}

const long = Array.from({ length: 40 }, (_, i) => `line ${i + 1}\n`).join('');

for (const [by, width, lang] of [['mouse', 1440, 'en'], ['mouse', 360, 'zh'], ['keyboard', 360, 'en'], ['keyboard', 1440, 'zh']])
    test(`main job by ${by} at ${width} px in ${lang}: from a folder to an undone change`, { width, lang }, async ({ page, server, eq }) => {
        const name = `${by}-${width}`, dir = join(server.dir, name), t = words[lang], file = () => readFileSync(join(dir, 'long.txt'), 'utf8');
        cpSync(example, dir, { recursive: true });
        writeFileSync(join(dir, 'long.txt'), long);
        const { press, write } = (by === 'mouse' ? mouse : keyboard)(page);
        const button = label => page.getByRole('button', { name: label }), heading = label => page.getByRole('heading', { name: label }).waitFor();

        /* A row of a list: with a click, or with j and k. */
        const pick = async (list, text) => {
            const row = page.locator(`${list} li`, { hasText: text });
            await row.waitFor();
            if (by === 'mouse')
                return row.click();
            const places = () => page.locator(`${list} li`).evaluateAll((all, wanted) =>
                [all.findIndex(one => one.classList.contains('selected')), all.findIndex(one => one.textContent.includes(wanted))], text);
            for (let [at, to] = await places(); at !== to; [at, to] = await places()) {
                const before = at;
                await page.keyboard.press(to > at ? 'j' : 'k');
                await until(async () => (await places())[0] !== before, 'another row');
            }
        };

        /* A project. */
        await page.goto(`${server.url}/projects`);
        await press(button(t.add));
        const dialog = page.getByRole('dialog');
        await write(dialog.getByLabel(t.folder, { exact: true }), dir);
        await press(dialog.getByRole('button', { name: t.add }));
        await press(dialog.getByRole('button', { name: t.done }));
        await heading(name);
        await page.noSideways();

        /* An intent becomes a plan, which is edited: two more steps, in another order. */
        await press(page.locator('a.button', { hasText: t.plan }));
        await write(page.locator('textarea').first(), '运行单测并生成报告');
        await press(button(t.make));
        const command = n => page.locator('.planner-command').nth(n - 1);
        await until(async () => await command(1).inputValue() === 'make test', 'the plan');
        await press(button(t.addStep));
        await write(command(2), 'frobnicate; true');
        await press(button(t.addStep));
        await write(command(3), "echo edited by hand; sed -i '2s/$/ TOP/; 39s/$/ END/' long.txt");
        await press(button(t.up));
        await until(async () => (await command(2).inputValue()).startsWith('echo'), 'moved');
        const verdict = n => page.locator('.planner-step').nth(n - 1).locator('[data-verdict]').getAttribute('data-verdict');
        await until(async () => await verdict(2) === 'allow' && await verdict(3) === 'ask', 'what the policy says to each');
        await page.noSideways();
        await page.a11y();
        await press(button(t.start));

        /* The first door, which lets the step pass that the policy asked about, too; and what the steps print. */
        await page.waitForURL('**/runs/run_*');
        const id = new URL(page.url()).pathname.split('/')[2];
        await heading(t.review);
        await page.settled(t.approve);
        await press(button(t.approve));
        await heading(t.changes);
        await press(page.getByRole('tab', { name: t.steps }));
        await pick('.run-steps', 'edited by hand');
        await page.locator('.log-text', { hasText: /^edited by hand$/ }).waitFor();
        await page.noSideways();
        await page.a11y();

        /* The second door: one of two hunks. */
        await press(page.getByRole('tab', { name: t.diff }));
        await pick('.run-files', 'long.txt');
        await page.locator('.diff-added', { hasText: 'line 39 END' }).waitFor();
        eq(file(), long, 'nothing has changed before it is applied');
        await press(page.getByLabel(t.hunk));
        await page.noSideways();
        await page.a11y();
        await page.settled(t.apply);
        await press(button(t.apply));
        await until(() => page.locator('.run-line [data-state=succeeded]').isVisible(), 'it succeeded');
        eq(file(), long.replace('line 2\n', 'line 2 TOP\n'), 'the first hunk');
        const run = await server.api('GET', `/runs/${id}`);
        eq([run.intent, run.steps.map(step => step.state)], ['运行单测并生成报告', ['succeeded', 'succeeded', 'succeeded']], 'the run');

        /* Back. */
        await press(button(t.undo));
        await press(page.getByRole('dialog').getByRole('button', { name: t.undo }));
        await heading(t.undone);
        await until(() => page.locator('.run-line [data-state=succeeded]').isVisible(), 'undone');
        eq(file(), long, 'as before');
    });
