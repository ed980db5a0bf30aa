/* runs - all runs, newest first. Filters are in the URL; the list is asked for again every few seconds while it is seen. */
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { get } from '../../api/client';
import { useLoad } from '../../api/load';
import { may } from '../../api/session';
import type { Run, RunState } from '../../api/types';
import { navigate, useQuery, type PageProps } from '../../router';
import { State } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';
import { SearchBox, Select } from '../../ui/field';
import { useKeys } from '../../ui/keys';
import { List } from '../../ui/list';
import { NewRunLink } from '../../ui/new_run';
import { PageHead } from '../../ui/page_head';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/progress';
import { t as shared } from '../../ui/strings';
import { Text } from '../../ui/text';
import { Lasted, Time } from '../../ui/time';
import { t } from './strings';

const PAGE = 50, MOST = 500;
const states: RunState[] = ['queued', 'planning', 'awaiting_review', 'running', 'awaiting_approval', 'awaiting_apply', 'applying', 'finishing',
    'succeeded', 'failed', 'rejected', 'canceled', 'expired'];

function Row({ run }: { run: Run }): JSX.Element {
    const { steps, succeeded, failed } = run.counts;
    return <>
        <span class="run-state"><State of={run.state} /></span>
        <span class="run-intent clip">{run.intent
            ? <Text of={run.intent} /> : <span class="faint">{run.kind === 'undo' ? t('undo') : t('no_intent')}</span>}</span>
        <span class="run-project faint clip"><Text of={run.project_name} /></span>
        <span class="run-steps faint num">{steps > 0 && t('steps', { done: succeeded + failed, all: steps })}</span>
        <span class="run-changes num">{run.changes && run.changes.files > 0 && <><span class="added">+{run.changes.additions}</span>
            {' '}<span class="deleted">−{run.changes.deletions}</span></>}</span>
        <span class="run-lasted faint"><Lasted from={run.started_at} to={run.finished_at} /></span>
        <span class="run-when faint"><Time of={run.created_at} /></span>
    </>;
}

export default function Runs(_: PageProps): JSX.Element {
    const [state, setState] = useQuery('state'), [project, setProject] = useQuery('project'), [text, setText] = useQuery('q');
    const [limit, setLimit] = useState(PAGE);
    const search = useRef<HTMLInputElement>(null);
    const projects = useLoad(signal => get('/projects', { query: { limit: MOST }, signal }), []);
    const runs = useLoad(signal => get('/runs', { query: { state: (state || undefined) as RunState, project_id: project || undefined, limit },
        signal }), [state, project, limit], 3000);
    useKeys('page', {
        '/': [shared('search'), () => search.current?.focus()],
        ...(may('run:write') ? { n: [shared('planner'), () => navigate('/plan')] as [string, () => void] } : {}),
    });
    const all = runs.data.value?.items ?? [];
    const wanted = text.toLowerCase();
    const found = all.filter(run => !wanted || run.id.toLowerCase().includes(wanted) || (run.intent ?? '').toLowerCase().includes(wanted));
    const isFiltered = !!(state || project || text);
    const clear = (): void => navigate('/runs', { replace: true });
    return <>
        <PageHead title={t('title')} actions={<NewRunLink />}>
            <SearchBox value={text} onInput={setText} label={t('filter')} inputRef={search} />
            <Select label={t('state')} value={state} onChange={setState}
                options={[['', t('any_state')], ...states.map(one => [one, shared(`s_${one}`)] as const)]} />
            <Select label={t('project')} value={project} onChange={setProject}
                options={[['', t('any_project')], ...(projects.data.value?.items ?? []).map(one => [one.id, one.name] as const)]} />
        </PageHead>
        <Problem of={runs.error.value} onRetry={() => void runs.reload()} />
        {!runs.data.value ? !runs.error.value && <Skeleton />
            : found.length ? <List items={found} keyOf={run => run.id} href={run => `/runs/${run.id}`} label={t('title')} class="runs"
                row={run => <Row run={run} />} />
                : isFiltered ? <Empty icon="runs" title={t('no_match')} action={<Button onClick={clear}>{t('clear')}</Button>}>{t('no_match_hint')}</Empty>
                    : <Empty icon="runs" title={t('none')} action={<NewRunLink />}>{t('none_hint')}</Empty>}
        <div class="list-foot faint small">{text && <p>{t('of_loaded', { n: all.length })}</p>}
            {runs.data.value?.next && limit < MOST && <Button onClick={() => setLimit(Math.min(MOST, limit + 100))}
                busy={runs.loading.value && all.length < limit}>{t('more')}</Button>}</div>
    </>;
}
