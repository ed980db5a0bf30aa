/* The planner: from an intent to a run, steps edited and moved, what the policy says to them, the plan of a waiting run. */
import { test } from './lib.mjs';

const ATTACK = 'a\u202eb\u200bc <img src=x onerror=alert(1)><script>alert(2)</script>';
const MARKUP = '<img src=x onerror=alert(1)><script>alert(2)</script>'; /* the server takes no invisible characters there */
const LABELS = ['U+202E', 'U+200B'];

const command = (page, n) => page.getByLabel(`Step ${n}: Command`);
const verdict = (page, n) => page.locator('.planner-step').nth(n - 1).locator('[data-verdict]');
const answered = (page, until, n, action) => until(async () => await verdict(page, n).getAttribute('data-verdict') === action, `step ${n}: ${action}`);
const commands = page => page.locator('.planner-command').evaluateAll(all => all.map(one => one.value));

test('planner by mouse: an intent in Chinese, edited steps, and what is approved is what ran', async ({ page, server, eq, until }) => {
    const project = await server.project('mouse');
    await server.project('another');
    await page.goto(`${server.url}/projects?project=${project.id}`);
    await page.getByRole('link', { name: 'New run' }).and(page.locator('.button')).click();
    eq(await page.getByLabel('Project').inputValue(), project.id, 'the project of the link');
    await page.getByLabel('What is to be done?').fill('运行单测并生成报告');
    await page.getByRole('button', { name: 'Make a plan' }).click();
    await answered(page, until, 1, 'allow');
    eq(await command(page, 1).inputValue(), 'make test');
    await page.getByText('单元测试、报告').waitFor();
    await page.a11y();
    await page.getByRole('button', { name: 'Add a step' }).click();
    await command(page, 2).fill('echo edited > NOTES.md');
    await answered(page, until, 2, 'allow');
    await page.getByRole('button', { name: 'Add a step' }).click();
    await command(page, 3).fill('git push');
    await answered(page, until, 3, 'ask');
    await page.getByText('1 step waits for approval').waitFor();
    await command(page, 3).fill('rm -rf /');
    await answered(page, until, 3, 'deny');
    await page.getByText('Deleting the whole system').waitFor();
    await page.getByText('1 step is denied by the policy').waitFor();
    await page.a11y();
    await page.noSideways();
    await page.getByRole('button', { name: 'Remove step: Step 3' }).click();
    await page.getByRole('button', { name: 'Move up: Step 2' }).click();
    eq(await commands(page), ['echo edited > NOTES.md', 'make test'], 'moved by a button');
    await answered(page, until, 1, 'allow'); /* nothing moves by itself any more */
    await answered(page, until, 2, 'allow');
    const [from, to] = await page.evaluate(() => [document.querySelector('.planner-handle'), document.querySelectorAll('.planner-step')[1]].map(one => {
        const { x, y, height } = one.getBoundingClientRect();
        return { x, y, height };
    }));
    await page.mouse.move(from.x + 5, from.y + 5);
    await page.mouse.down();
    await page.mouse.move(from.x + 5, to.y + to.height - 4, { steps: 5 });
    await page.mouse.up();
    eq(await commands(page), ['make test', 'echo edited > NOTES.md'], 'moved by a drag');
    await page.getByLabel('Step 2: Title').fill('write a note');
    await page.getByRole('button', { name: 'Start run' }).click();
    await page.getByRole('heading', { name: '运行单测并生成报告' }).waitFor();
    await page.getByRole('button', { name: 'Approve plan' }).click();
    await page.getByRole('heading', { name: 'Review the changes' }).waitFor();
    const run = await server.api('GET', `/runs/${new URL(page.url()).pathname.split('/')[2]}`);
    eq(run.steps.map(step => [step.title, step.command, step.state]),
        [['运行单元测试', 'make test', 'succeeded'], ['write a note', 'echo edited > NOTES.md', 'succeeded']], 'what ran');
    eq(run.intent, '运行单测并生成报告', 'its intent');
});

test('planner by keyboard, in Chinese at 360 px: steps, order, options', { width: 360, lang: 'zh' }, async ({ page, server, eq, until }) => {
    const project = await server.project('keys');
    await page.goto(`${server.url}/plan?project=${project.id}`);
    await until(() => page.evaluate(() => document.activeElement?.tagName === 'TEXTAREA'), 'the cursor is in the intent');
    await page.keyboard.type('运行单测并生成报告');
    await page.keyboard.press('Enter');
    await page.locator('[data-verdict=allow]').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('c');
    await until(() => page.locator('.planner-step').count().then(n => n === 2), 'added');
    await page.locator('.planner-command').nth(1).focus();
    await page.keyboard.type('echo keys > K');
    await page.keyboard.press('Alt+ArrowUp');
    await until(async () => (await commands(page))[0] === 'echo keys > K', 'moved up');
    eq(await page.evaluate(() => document.activeElement.value), 'echo keys > K', 'the cursor went with it');
    await page.getByText('步骤 2 现在是第 1 步，共 2 步。').waitFor({ state: 'attached' });
    await page.a11y();
    await page.noSideways();
    await page.getByLabel('优先级').selectOption('high');
    await page.getByRole('group', { name: '变量' }).getByRole('button', { name: '添加变量' }).press('Enter');
    await page.getByLabel('名称 1').fill('GREETING');
    await page.getByLabel('值 1').fill('hi');
    await page.locator('summary', { hasText: '限制' }).press('Enter');
    await page.getByLabel('进程数').fill('-1');
    await page.getByText('请填写大于 0 的数字').waitFor();
    eq(await page.getByRole('button', { name: '开始运行' }).isDisabled(), true, 'not with a number below 0');
    await page.getByLabel('进程数').fill('200');
    await page.getByRole('button', { name: '开始运行' }).press('Enter');
    await page.waitForURL('**/runs/run_*');
    const run = await server.api('GET', `/runs/${new URL(page.url()).pathname.split('/')[2]}`);
    eq([run.priority > 0, run.limits.pids, run.env_names], [true, 200, ['GREETING']], 'options');
    await server.state(run.id, 'awaiting_review');
    eq((await server.api('GET', `/runs/${run.id}/plan`)).steps.map(step => step.command), ['echo keys > K', 'make test'], 'plan');
});

test('planner: what is wrong is said where it is', { errors: [/400/, /422/] }, async ({ page, server, until }) => {
    const project = await server.project('wrong');
    await page.goto(`${server.url}/plan?project=${project.id}`);
    await page.getByLabel('What is to be done?').fill('sing a song');
    await page.keyboard.press('Enter');
    await page.locator('.planner-main .field.invalid', { hasText: 'not understood' }).waitFor();
    await page.getByRole('button', { name: 'Add a step' }).click();
    await command(page, 1).fill('ls');
    await page.locator('.planner-step summary').click();
    await page.getByLabel('Directory').fill('../outside');
    await page.locator('.planner-step .field.invalid', { hasText: 'must not lead out' }).waitFor();
    await page.getByLabel('Directory').fill('tests');
    await answered(page, until, 1, 'allow');
});

test('planner: the answer beside a step is of its last text, whichever comes last', async ({ page, server, until, eq }) => {
    const project = await server.project('late');
    let held;
    const isHeld = new Promise(done => { held = done; });
    await page.route('**/api/v1/plan', async route => {
        const text = route.request().postData();
        if (text.includes('git push') && held) {
            held(route);
            held = null;
            return;
        }
        await route.continue();
    });
    await page.goto(`${server.url}/plan?project=${project.id}`);
    await page.getByRole('button', { name: 'Add a step' }).click();
    await command(page, 1).fill('git push');
    const late = await isHeld;
    await command(page, 1).fill('rm -rf /');
    await answered(page, until, 1, 'deny');
    await late.continue().catch(() => undefined);
    await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
    eq(await verdict(page, 1).getAttribute('data-verdict'), 'deny', 'still');
});

test('planner: what is not saved is not lost by a key or a link', async ({ page, server, eq }) => {
    const project = await server.project('guard');
    await page.goto(`${server.url}/plan?project=${project.id}`);
    await page.getByLabel('What is to be done?').fill('run the tests');
    await page.getByRole('link', { name: 'Runs' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Stay here' }).click();
    eq(await page.getByLabel('What is to be done?').inputValue(), 'run the tests', 'still there');
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Runs' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Leave' }).click();
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
});

test('planner: nothing of a command is out of sight in its field', { width: 800 }, async ({ page, server, eq, ok }) => {
    const project = await server.project('sight');
    await page.goto(`${server.url}/plan?project=${project.id}`);
    await page.getByRole('button', { name: 'Add a step' }).click();
    const over = () => command(page, 1).evaluate(area => area.scrollHeight - area.clientHeight);
    await command(page, 1).fill('echo ' + 'word '.repeat(100));
    ok(await over() <= 1, 'one long line');
    await page.setViewportSize({ width: 400, height: 900 });
    await page.waitForFunction(() => { const area = document.querySelector('.planner-command'); return area.scrollHeight - area.clientHeight <= 1; });
    await command(page, 1).fill(`echo ok${'\n'.repeat(50)}git push`);
    await page.locator('.planner-hidden mark', { hasText: 'git push' }).waitFor();
    eq(await page.locator('.planner-hidden .asked-fold').allTextContents(), ['49 blank lines'], 'the count');
    await page.a11y();
    await page.noSideways();
    await command(page, 1).fill(Array.from({ length: 100 }, (_, i) => `echo ${i}`).join('\n'));
    await page.getByText('It has 100 lines').waitFor();
});

test('planner: who may write runs but not approve them edits a plan', { login: false }, async ({ page, server, eq }) => {
    const project = await server.project('writes');
    const writer = await server.api('POST', '/tokens', { name: 'writer', scopes: ['run:read', 'run:write'] });
    const run = await server.run({ project_id: project.id, steps: [{ command: 'echo one' }] });
    await server.state(run.id, 'awaiting_review');
    await page.goto(server.url + '/login');
    await page.getByLabel('Access token').fill(writer.token);
    await page.keyboard.press('Enter');
    await page.locator('nav.nav').waitFor();
    await page.goto(`${server.url}/runs/${run.id}`);
    await page.getByRole('link', { name: 'Edit plan' }).click();
    await command(page, 1).fill('echo mine');
    await page.getByRole('button', { name: 'Save plan' }).click();
    await page.waitForURL(`**/runs/${run.id}`);
    eq((await server.api('GET', `/runs/${run.id}/plan`)).steps.map(step => step.command), ['echo mine'], 'saved');
});

test('planner: the plan of a waiting run is edited, and one changed elsewhere is not overwritten unseen', async ({ page, server, eq }) => {
    const project = await server.project('edit');
    const run = await server.run({ project_id: project.id, steps: [{ command: 'echo one' }, { argv: ['echo', 'a b'] }] });
    await server.state(run.id, 'awaiting_review');
    await page.goto(`${server.url}/runs/${run.id}`);
    await page.getByRole('link', { name: 'Edit plan' }).click();
    await command(page, 1).fill('echo mine');
    await server.api('PUT', `/runs/${run.id}/plan`, { steps: [{ command: 'echo theirs' }] });
    await page.getByText('was changed elsewhere').waitFor();
    await page.a11y();
    eq(await page.getByRole('button', { name: 'Save and approve' }).isDisabled(), true, 'approve');
    await page.getByRole('button', { name: 'Load it' }).click();
    await command(page, 1).and(page.locator(':not(:focus)')).waitFor();
    await page.waitForFunction(() => document.querySelector('.planner-command')?.value === 'echo theirs');
    await command(page, 1).fill('echo both');
    await page.getByRole('button', { name: 'Save and approve' }).click();
    await page.waitForURL(`**/runs/${run.id}`);
    await server.ended(run.id);
    const { steps } = await server.api('GET', `/runs/${run.id}`);
    eq(steps.map(step => [step.command, step.state]), [['echo both', 'succeeded']], 'what ran');
    await page.goto(`${server.url}/plan?run=${run.id}`);
    await page.getByText('can no longer be edited').waitFor();
});

for (const dark of [false, true])
    test(`planner: text that deceives is shown for what it is, in the ${dark ? 'dark' : 'light'}`, { dark, width: dark ? 360 : 1440 },
        async ({ page, server, eq, until }) => {
            const project = await server.project(`<b>${dark}`);
            const { version, text } = await server.api('GET', '/policy');
            await server.api('PUT', '/policy', { base_version: version, text: text.includes('attack-rule') ? text
                : `${text}\n  - id: attack-rule\n    decision: ask\n    reason: "${MARKUP}"\n`
                    + '    command: {program: [frobnicate]}\n' });
            const run = await server.run({ project_id: project.id, intent: ATTACK,
                steps: [{ command: `frobnicate '${ATTACK}'`, title: 'a title <b>x</b>' }] });
            await server.state(run.id, 'awaiting_review');
            await page.goto(`${server.url}/plan?run=${run.id}`);
            await answered(page, until, 1, 'ask');
            eq(await verdict(page, 1).locator('.faint > bdi').first().textContent(), MARKUP, 'the reason');
            eq(await page.locator('.planner-hidden .chip-char').allTextContents(), LABELS, 'the command');
            eq(await page.locator('main img, main script, main b').count(), 0, 'elements made of text');
            await page.a11y();
            await page.noSideways();
            await page.goto(`${server.url}/plan`);
            await page.getByLabel('Project').selectOption(project.id);
            await page.getByRole('button', { name: 'Add a step' }).click();
            await command(page, 1).fill(ATTACK);
            eq(await page.locator('.planner-hidden .chip-char').allTextContents(), LABELS, 'a command that is typed');
            await page.a11y();
        });

test('planner: a plan that is being written outlives its login', { login: false, errors: [/401/] }, async ({ page, server, eq, until }) => {
    const project = await server.project('outlives');
    const run = await server.run({ project_id: project.id, steps: [{ command: 'true' }] });
    await server.state(run.id, 'awaiting_review');
    const given = name => server.api('POST', '/tokens', { name, scopes: ['run:write', 'policy:read'] });
    let token = await given('short');
    const enter = async secret => {
        await page.locator('input[name=token]').fill(secret);
        await page.keyboard.press('Enter');
    };
    await page.goto(`${server.url}/login`);
    await enter(token.token);
    await page.locator('nav.nav').waitFor({ state: 'attached' });
    await page.goto(`${server.url}/plan?project=${project.id}`);
    await page.getByLabel('What is to be done?').fill('count to three');
    await page.getByRole('button', { name: 'Add a step' }).click();
    await command(page, 1).fill('echo 1 2 3');
    await answered(page, until, 1, 'allow');
    await server.api('DELETE', `/tokens/${token.id}`);
    await page.getByRole('button', { name: 'Start run' }).click();
    token = await given('short');
    await enter(token.token);
    await answered(page, until, 1, 'allow');
    eq([await page.getByLabel('What is to be done?').inputValue(), await commands(page)], ['count to three', ['echo 1 2 3']], 'the draft');
    await page.getByRole('button', { name: 'Start run' }).click();
    await page.getByRole('heading', { name: 'count to three' }).waitFor();
    /* The same for the plan of a run that waits. */
    const edited = async () => {
        await page.goto(`${server.url}/plan?run=${run.id}`);
        await command(page, 1).fill('echo edited');
        await answered(page, until, 1, 'allow');
        await server.api('DELETE', `/tokens/${token.id}`);
        await page.locator('.nav').waitFor({ state: 'detached' }); /* the page asks after its run, and is told */
    };
    await edited();
    token = await given('another');
    await enter(token.token);
    await answered(page, until, 1, 'allow');
    eq(await commands(page), ['true'], 'somebody else is given nothing of it');
    await edited();
    token = await given('another');
    await enter(token.token);
    await answered(page, until, 1, 'allow');
    eq(await commands(page), ['echo edited'], 'the edited plan');
    await page.getByRole('button', { name: 'Save plan' }).click();
    await until(async () => (await server.api('GET', `/runs/${run.id}/plan`)).steps[0].command === 'echo edited', 'it is saved');
});
