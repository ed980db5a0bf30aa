/* run - one run: what was asked, where it stands, what waits for a person, and all it left behind. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { get } from '../../api/client';
import { useLoad } from '../../api/load';
import type { RunDetail } from '../../api/types';
import { Link, useQuery, type PageProps } from '../../router';
import { State } from '../../ui/badge';
import { Copy } from '../../ui/copy';
import { Empty } from '../../ui/empty';
import { PageHead } from '../../ui/page_head';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/progress';
import { t as shared } from '../../ui/strings';
import { Tabs } from '../../ui/tabs';
import { Text } from '../../ui/text';
import { Lasted, Time } from '../../ui/time';
import { Who } from '../../ui/who';
import { About } from './about';
import { Artifacts } from './artifacts';
import { Audit } from './audit';
import { Changes } from './changes';
import { Doors, RunActions } from './doors';
import { Report } from './report';
import { Steps } from './steps';
import { t } from './strings';
import { Undo, Undone } from './undo';

type Part = 'steps' | 'changes' | 'report' | 'files' | 'audit' | 'facts';

const final = ['succeeded', 'failed', 'rejected', 'canceled', 'expired'];

export function isFinal(run: { state: string }): boolean {
    return final.includes(run.state);
}

/* A name for people: the intent, or what kind of run it is. */
function Name({ run }: { run: RunDetail }): JSX.Element {
    return run.intent ? <Text of={run.intent} /> : <>{run.kind === 'undo' ? t('undo_title') : t('steps_title')}</>;
}

function Line({ run }: { run: RunDetail }): JSX.Element {
    const done = run.counts.succeeded + run.counts.failed;
    return <span class="run-line">
        <State of={run.state} />
        {run.state === 'queued' && run.phase && <span>{t('queued_for', { phase: run.phase })}</span>}
        {run.cancel_requested_at && !isFinal(run) && <span>{t('canceling')}</span>}
        <Link href={`/runs?project=${run.project_id}`}><Text of={run.project_name} /></Link>
        <span>{t.rich('started_by', { who: <Who of={run.actor} />, surface: run.surface })}</span>
        <Time of={run.created_at} />
        {run.started_at && <Lasted from={run.started_at} to={run.finished_at} />}
        {run.counts.steps > 0 && !isFinal(run) && <span>{t('progress', { done, all: run.counts.steps })}</span>}
        <span class="run-id"><code>{run.id}</code><Copy of={run.id} label={t('id')} /></span>
    </span>;
}

/* Why it came to nothing, in the server's words. */
function Why({ run }: { run: RunDetail }): JSX.Element | null {
    return run.reason && run.state !== 'succeeded'
        ? <p class={run.state === 'failed' ? 'run-why bad' : 'run-why'}><code>{run.reason.code}</code><Text of={run.reason.message} /></p> : null;
}

function Body({ run, reload }: { run: RunDetail; reload: () => Promise<void> }): JSX.Element {
    const isLooking = run.state === 'awaiting_apply';
    const [part, setPart] = useQuery('tab', isLooking ? 'changes' : 'steps');
    const tabs: { key: Part; label: string; count?: number }[] = [
        { key: 'steps', label: t('tab_steps'), count: run.steps.length },
        { key: 'changes', label: t('tab_changes'), count: run.changes?.files ?? undefined },
        { key: 'report', label: t('tab_report') },
        { key: 'files', label: t('tab_files'), count: run.artifacts.length },
        { key: 'audit', label: t('tab_audit') },
        { key: 'facts', label: t('tab_facts') },
    ];
    const open = tabs.find(one => one.key === part)?.key ?? 'steps';
    return <>
        <Why run={run} />
        <Doors run={run} reload={reload} onLook={() => setPart('changes')} />
        <Undone run={run} />
        <Tabs tabs={tabs} open={open} onOpen={setPart} label={t('tabs')}>
            {run.kind === 'undo' && (open === 'steps' || open === 'changes') ? <Undo run={run} /> : open === 'steps' ? <Steps run={run} />
                : open === 'changes' ? <Changes run={run} reload={reload} />
                    : open === 'report' ? <Report run={run} />
                        : open === 'files' ? <Artifacts run={run} />
                            : open === 'audit' ? <Audit run={run} />
                                : <About run={run} />}
        </Tabs>
    </>;
}

export default function Page({ id }: PageProps): JSX.Element {
    const loaded = useLoad(signal => get('/runs/{run}', { path: { run: id }, signal }), [id]);
    const run = loaded.data.value;
    const ends = !!run && isFinal(run);
    /* While it moves, it is asked for again and again: at most one request at a time, none while nobody looks. */
    const latest = useRef(loaded);
    latest.current = loaded;
    useEffect(() => {
        if (ends)
            return undefined;
        const timer = setInterval(() => {
            if (!document.hidden && !latest.current.loading.peek())
                void latest.current.reload();
        }, 1000);
        return () => clearInterval(timer);
    }, [id, ends]);
    useEffect(() => {
        if (run)
            document.title = `${shared(`s_${run.state}`)} · ${run.project_name} · Sallyport`;
    }, [run?.state]);
    return <>
        <PageHead title={run ? <Name run={run} /> : t('title')} about={run && <Line run={run} />}
            actions={run && <RunActions run={run} reload={loaded.reload} />} />
        {loaded.error.value?.status === 404 && !run
            ? <Empty title={shared('not_found')} action={<Link class="button" href="/runs">{shared('runs')}</Link>}>{shared('not_found_hint')}</Empty>
            : <Problem of={loaded.error.value} onRetry={() => void loaded.reload()} />}
        {run ? <Body run={run} reload={loaded.reload} /> : !loaded.error.value && <Skeleton />}
    </>;
}
