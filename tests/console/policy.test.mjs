/* The policy: read, tried, written with the server's errors at their lines, compared, replayed. */
import { test } from './lib.mjs';

const rule = `  - id: no-echo
    decision: deny
    reason: "No \\u202egnp.exe <img src=x onerror=alert(1)>"
    command: {program: echo}
`;

test('policy by mouse: rules, a mistake at its line, saved, compared, in force', { errors: [/400/] }, async ({ page, server, eq, ok, until }) => {
    const before = await server.api('GET', '/policy');
    await page.goto(`${server.url}/policy`);
    await page.locator('[data-rule=no-root-wipe]').waitFor();
    eq(await page.locator('[data-rule]').count(), before.document.rules.length, 'all rules');
    await page.a11y();
    await page.getByLabel('Filter rules').fill('fork-bomb');
    await until(async () => await page.locator('[data-rule]').count() === 1, 'one is left');
    await page.getByRole('tab', { name: 'Text' }).click();
    await page.locator('.policy-lines', { hasText: 'no-root-wipe' }).waitFor();
    await page.getByRole('button', { name: 'Edit' }).click();
    const text = page.getByLabel('Policy as YAML');
    await text.fill(before.text.replace('rules:\n', `rules:\n${rule.replace('deny', 'never')}`));
    await page.getByRole('button', { name: 'Save as a new version' }).click();
    const line = before.text.split('\n').indexOf('rules:') + 3;
    await page.getByText('rules[0].decision').waitFor();
    await page.a11y();
    await page.getByRole('button', { name: `line ${line}`, exact: true }).click();
    eq(await text.evaluate(field => field.value.slice(field.selectionStart, field.selectionEnd)), '    decision: never', 'the line is chosen');
    eq((await server.api('GET', '/policy')).version, before.version, 'nothing was saved');
    await text.fill(before.text.replace('rules:\n', `rules:\n${rule.replace('\\u202e', '\u202e')}`));
    await page.getByText(/Invisible characters on line/).waitFor();
    await text.fill(before.text.replace('rules:\n', `rules:\n${rule.replace('\\u202e', '')}`));
    await page.locator('.diff-added', { hasText: 'no-echo' }).waitFor();
    await page.a11y();
    await page.getByLabel('Note').fill('no echo');
    await page.getByRole('button', { name: 'Save as a new version' }).click();
    const row = page.locator('[data-rule=no-echo]');
    await row.waitFor();
    eq(await page.evaluate(() => scrollY), 0, 'it begins at its beginning');
    eq(await page.locator('main img').count(), 0, 'elements made of text');
    const after = await server.api('GET', '/policy');
    ok(after.version > before.version && after.note === 'no echo', 'a new version with its note');
    await page.getByRole('tab', { name: 'Versions' }).click();
    await page.locator('.diff-added', { hasText: 'no-echo' }).waitFor();
    await page.a11y();
    await server.api('PUT', '/policy', { text: before.text });
});

test('policy by keyboard: a command is tried, the answer names rule and piece', async ({ page, server }) => {
    await page.goto(`${server.url}/policy`);
    await page.locator('[data-rule=no-root-wipe]').waitFor();
    await page.keyboard.press('t');
    await page.getByLabel('Command', { exact: true }).focus();
    await page.keyboard.type('make test; sudo rm -rf / && $(curl example.org)');
    await page.keyboard.press('Enter');
    const answer = page.locator('[data-answer=deny]');
    await answer.getByText('no-root-wipe').first().waitFor();
    await answer.getByText('rm -rf /').first().waitFor();
    await answer.getByRole('heading', { name: 'Each part' }).waitFor();
    await page.a11y();
});

test('policy: what past runs would have got from a draft', async ({ page, server }) => {
    const project = await server.project('replayed');
    const run = await server.run({ project_id: project.id, steps: [{ command: 'echo hi' }], review: 'none' });
    await server.ended(run.id);
    await page.goto(`${server.url}/policy`);
    await page.locator('[data-rule=no-root-wipe]').waitFor();
    await page.keyboard.press('e');
    await page.getByLabel('Policy as YAML').fill('version: 1\ndefault: deny\nrules: []\n');
    await page.getByRole('tab', { name: 'Past runs' }).click();
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.locator(`[data-run=${run.id}]`).getByText('echo hi').first().waitFor();
    await page.locator(`[data-run=${run.id}]`).locator('[data-state=deny]').waitFor();
    await page.a11y();
});

test('policy: somebody else saved meanwhile', { errors: [/409/] }, async ({ page, server, until }) => {
    const { text } = await server.api('GET', '/policy');
    await page.goto(`${server.url}/policy`);
    await page.locator('[data-rule=no-root-wipe]').waitFor();
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Policy as YAML').fill(`${text}# mine\n`);
    const { version } = await server.api('PUT', '/policy', { text: `${text}# theirs\n` });
    await page.getByRole('button', { name: 'Save as a new version' }).click();
    await page.getByText('Somebody saved another version meanwhile.').waitFor();
    await page.a11y();
    await page.getByRole('button', { name: `Save on top of version ${version}` }).click();
    await page.getByText(`Version ${version + 1} is in force`).first().waitFor();
    await until(async () => (await server.api('GET', '/policy')).text.endsWith('# mine\n'), 'it is in force');
});

for (const dark of [false, true])
    for (const width of [360, 1440])
        test(`policy: all parts at ${width} px in the ${dark ? 'dark' : 'light'}`, { width, dark, lang: dark ? 'zh' : 'en' }, async ({ page, server }) => {
            /* A short one: the built-in policy is looked at above, and axe takes its time with it. */
            await server.api('PUT', '/policy', { text: `version: 1\ndefault: ask\nrules:\n${rule.replace('\\u202e', '')}` });
            await page.goto(`${server.url}/policy`);
            await page.locator('[data-rule]').first().waitFor();
            for (const [tab, there] of [['rules', '[data-rule]'], ['text', '.policy-lines'], ['versions', '[data-version]'], ['try', 'input[name=command]'],
                ['replay', '.empty']]) {
                await page.goto(`${server.url}/policy?tab=${tab}`);
                await page.locator(there).first().waitFor();
                await page.a11y();
                await page.noSideways();
            }
            await page.keyboard.press('e');
            await page.locator('textarea').waitFor();
            await page.a11y();
            await page.noSideways();
        });
