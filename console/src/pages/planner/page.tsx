/* planner - /plan makes a run: what is wanted, the plan for it, and how it goes. /plan?run=RUN edits the plan of a run that
 * waits for its review. Nothing is stored before the button is pressed; what is sent is what is on the screen. */
import type { JSX } from 'preact';
import { may } from '../../api/session';
import { query, type PageProps } from '../../router';
import { Empty } from '../../ui/empty';
import { PageHead } from '../../ui/page_head';
import { EditPlan } from './edit';
import { NewRun } from './new';
import { t } from './strings';

export default function Planner(_: PageProps): JSX.Element {
    const run = query.value.get('run');
    if (!may('run:write'))
        return <><PageHead title={t('title')} /><Empty icon="planner" title={t('forbidden')}>
            {t.rich('needs_scope', { scope: <code>run:write</code> })}</Empty></>;
    return run ? <EditPlan key={run} id={run} /> : <NewRun key="new" />;
}
