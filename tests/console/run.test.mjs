/* One run: its two doors, its steps with their logs, its diff, its report, taking it back. */
import { readFileSync } from 'node:fs';
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
    await page.getByRole('button', { name: /NOTES\.md/ }).click();
    await page.locator('.diff-added', { hasText: 'a line' }).first().waitFor();
    await page.a11y();
    await page.getByLabel('Apply this file').click();
    await page.getByRole('button', { name: 'Side by side' }).click();
    await page.locator('.diff-split').waitFor();
    await page.noSideways();
    await page.getByRole('button', { name: 'Apply 1 file' }).click();
    await until(() => page.locator('[data-state=succeeded]').first().isVisible(), 'it succeeded');
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
    await until(() => readFileSync(join(project.root_path, 'Makefile'), 'utf8') === before, 'the file is as before');
});
