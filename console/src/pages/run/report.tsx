/* report - report.md, rendered: headings, lists, tables, code. What is in it came out of a sandbox in part: text only. */
import type { JSX } from 'preact';
import { getRaw } from '../../api/client';
import { useLoad } from '../../api/load';
import type { RunDetail } from '../../api/types';
import { Empty } from '../../ui/empty';
import { lazy } from '../../ui/lazy';
import { Problem } from '../../ui/problem';
import { Spinner } from '../../ui/progress';
import { t } from './strings';

const Markdown = lazy(() => import('../../markdown/view').then(module => module.Markdown));

function Rendered({ id }: { id: string }): JSX.Element {
    const text = useLoad(async signal => (await getRaw('/artifacts/{artifact}', { path: { artifact: id }, signal })).text(), [id]);
    return <><Problem of={text.error.value} onRetry={() => void text.reload()} />
        {text.data.value !== undefined ? <div class="card"><Markdown text={text.data.value} /></div> : !text.error.value && <Spinner />}</>;
}

export function Report({ run }: { run: RunDetail }): JSX.Element {
    const report = run.artifacts.find(one => one.name === 'report.md' && !one.removed_at);
    return report ? <Rendered id={report.id} /> : <Empty title={t('no_report')}>{t('no_report_hint')}</Empty>;
}
