/* queue - what is in work and by whom, what waits, since when and why; and who goes first. Asked for again every two
 * seconds while it is seen: what it shows is what the server said then. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../../api/action';
import { get } from '../../api/client';
import { useLoad } from '../../api/load';
import { may } from '../../api/session';
import type { Queue, QueueItem, Schemas } from '../../api/types';
import { Link, type PageProps } from '../../router';
import { State } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';
import { duration, number } from '../../ui/format';
import { useKeys } from '../../ui/keys';
import { NewRunLink } from '../../ui/new_run';
import { PageHead } from '../../ui/page_head';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/progress';
import { Code, Text } from '../../ui/text';
import { Lasted, Time } from '../../ui/time';
import { PauseNode, PauseProject } from './pause';
import { Priority, priorityText } from './priority';
import { t } from './strings';

type Asks = { what: 'pause' | 'drain' } | { what: 'project'; of?: { id: string; name: string } } | { what: 'priority'; of: QueueItem };

function Node({ of, resume, ask }: { of: Schemas['QueueNode']; resume: ReturnType<typeof useAction>; ask: (what: Asks) => void }): JSX.Element {
    const state = !of.paused && !of.draining ? 'takes' : !of.draining ? 'paused' : of.held > 0 ? 'draining' : 'drained';
    return <section class={`card queue-node queue-${state}`} data-node={state} aria-label={t('node')}>
        <div class="queue-node-line"><div>
            <h2>{state === 'takes' ? t('takes') : state === 'paused' ? t('is_paused') : state === 'draining' ? t('is_draining') : t('drained')}
                {' '}<span class="faint"><Text of={of.name} /></span></h2>
            <p class="faint">{state === 'takes' ? t('takes_hint') : state === 'paused' ? t('paused_hint')
                : state === 'draining' ? t('draining_hint', { n: of.held }) : t('drained_hint')}</p>
            {of.paused_by !== null && <p class="small">{t.rich('by', { who: <Text of={of.paused_by} /> })}
                {of.paused_at && <> · <Time of={of.paused_at} /></>}{of.note !== null && <> · <Text of={of.note} /></>}</p>}
        </div>
        {may('admin') && <div class="row">{of.paused ? <Button kind="primary" action={resume} hint="p">{t('resume')}</Button>
            : <Button onClick={() => ask({ what: 'pause' })} hint="p">{t('pause')}</Button>}
            {!of.draining && <Button onClick={() => ask({ what: 'drain' })}>{t('drain')}</Button>}</div>}
        </div><Problem of={resume.error.value} /></section>;
}

function Figure({ name, value, about }: { name: string; value: string; about?: string }): JSX.Element {
    return <div class="queue-figure"><dt>{name}</dt><dd class="num">{value}</dd>{about && <dd class="faint small">{about}</dd>}</div>;
}

function Figures({ of }: { of: Queue }): JSX.Element {
    const { limits } = of;
    return <section aria-label={t('figures')}><dl class="queue-figures">
        <Figure name={t('leased')} value={number(of.leased)} />
        <Figure name={t('ready')} value={number(of.ready)} about={limits.max_queued ? t('quota', { n: limits.max_queued }) : undefined} />
        <Figure name={t('delayed')} value={number(of.delayed)} />
        <Figure name={t('oldest')} value={of.oldest_ms > 0 ? duration(of.oldest_ms) : '–'} />
        <Figure name={t('running')} value={number(limits.running)}
            about={limits.max_running ? t('limit', { n: limits.max_running }) : t('no_limit')} />
    </dl></section>;
}

function Phases({ of }: { of: Queue['phases'] }): JSX.Element {
    const names = ['plan', 'execute', 'apply', 'finish'] as const;
    return <section><h2>{t('phases')}</h2><div class="table-box" role="region" aria-label={t('phases')} tabIndex={0}><table>
        <thead><tr><th>{t('phase')}</th><th class="queue-num">{t('leased')}</th><th class="queue-num">{t('ready')}</th>
            <th class="queue-num">{t('delayed')}</th><th class="queue-num">{t('oldest')}</th></tr></thead>
        <tbody>{names.map(name => <tr><td>{t(name)}</td><td class="queue-num">{of[name].leased}</td><td class="queue-num">{of[name].ready}</td>
            <td class="queue-num">{of[name].delayed}</td><td class="queue-num">{of[name].oldest_ms > 0 ? duration(of[name].oldest_ms) : '–'}</td></tr>)}</tbody>
    </table></div></section>;
}

function ResumeProject({ id, reload }: { id: string; reload: () => void }): JSX.Element {
    const resume = useAction(call => call.post('/projects/{project}/resume', { path: { project: id } }, {}), reload);
    return <><Button small action={resume}>{t('resume')}</Button><Problem of={resume.error.value} /></>;
}

function Projects({ of, reload, ask }: { of: Queue['projects']; reload: () => void; ask: (what: Asks) => void }): JSX.Element {
    return <section><div class="queue-section"><h2>{t('projects')}</h2>
        {may('project:write') && <Button small onClick={() => ask({ what: 'project' })}>{t('pause_project')}</Button>}</div>
    {of.length > 0 && <div class="table-box" role="region" aria-label={t('projects')} tabIndex={0}><table class="queue-projects">
        <thead><tr><th>{t('project')}</th><th>{t('state')}</th><th class="queue-num">{t('running')}</th><th class="queue-num">{t('waiting')}</th>
            {may('project:write') && <th><span class="sr-only">{t('actions')}</span></th>}</tr></thead>
        <tbody>{of.map(one => <tr key={one.project_id} data-project={one.project_name}>
            <td><Link href={`/runs?project=${one.project_id}`}><Text of={one.project_name} /></Link></td>
            <td>{one.paused ? <><State of="paused" /> <span class="faint small">{one.paused_by !== null && t.rich('by', { who: <Text of={one.paused_by} /> })}
                {one.paused_at && <> · <Time of={one.paused_at} /></>}{one.note !== null && <> · <Text of={one.note} /></>}</span></>
                : <span class="faint">{t('active')}</span>}</td>
            <td class="queue-num">{one.running}{one.max_running > 0 && <span class="faint"> / {one.max_running}</span>}</td>
            <td class="queue-num">{one.waiting}</td>
            {may('project:write') && <td class="queue-act">{one.paused ? <ResumeProject id={one.project_id} reload={reload} />
                : <Button small onClick={() => ask({ what: 'project', of: { id: one.project_id, name: one.project_name } })}>{t('pause')}</Button>}</td>}
        </tr>)}</tbody></table></div>}</section>;
}

function Item({ of, ask }: { of: QueueItem; ask: (what: Asks) => void }): JSX.Element {
    return <li class="queue-item" data-run={of.run_id}>
        <span class="queue-run"><Link href={`/runs/${of.run_id}`}><Code of={of.run_id} /></Link>
            <span class="faint">{of.project_name !== null && <Text of={of.project_name} />} · {t(of.phase)}</span></span>
        <span class="queue-why">{of.waits ? <>
            <span title={of.waits.message}>{t(`w_${of.waits.code}`)}</span>
            {of.available_at && <span class="faint small">{t('next_try')}: <Time of={of.available_at} /></span>}</>
            : <span>{t.rich('held_by', { worker: <Text of={of.worker ?? '?'} />, node: <Text of={of.node ?? '?'} /> })}</span>}
        {of.failures > 0 && <span class="small queue-failed">{t('tries', { n: of.failures })}{of.error && <>: <Text of={of.error.message} /></>}</span>}</span>
        <span class="queue-since num faint"><Lasted from={of.held_at ?? of.enqueued_at} to={null} /></span>
        <span class="queue-priority">{may('run:write')
            ? <button type="button" class="button small" aria-label={`${t('change')}: ${of.run_id}, ${priorityText(of.priority)}`}
                onClick={() => ask({ what: 'priority', of })}>{priorityText(of.priority)}</button>
            : <span class="faint">{priorityText(of.priority)}</span>}</span>
    </li>;
}

function Items({ title, none, items, ask }: { title: string; none: string; items: readonly QueueItem[]; ask: (what: Asks) => void }): JSX.Element {
    return <section aria-label={title}><h2>{title}</h2>
        {items.length ? <ul class="list queue-items">{items.map(one => <Item key={one.run_id} of={one} ask={ask} />)}</ul>
            : <p class="faint">{none}</p>}</section>;
}

export default function Page(_: PageProps): JSX.Element {
    const [limit, setLimit] = useState(100), [asks, setAsks] = useState<Asks | null>(null);
    const loaded = useLoad(signal => get('/queue', { query: { limit }, signal }), [limit], 2000);
    const projects = useLoad(signal => get('/projects', { query: { limit: 500 }, signal }), []);
    const queue = loaded.data.value;
    const reload = (): void => void loaded.reload();
    const resume = useAction(call => call.post('/queue/resume', {}, {}), reload);
    const isPaused = queue?.node.paused ?? false;
    useKeys('page', {
        p: [isPaused ? t('resume') : t('pause'), () => {
            if (!queue || !may('admin'))
                return;
            if (isPaused)
                void resume.run();
            else
                setAsks({ what: 'pause' });
        }],
    });
    const close = (): void => setAsks(null);
    const free = (projects.data.value?.items ?? []).filter(one => !queue?.projects.some(row => row.project_id === one.id && row.paused));
    const held = queue?.items.filter(one => !one.waits) ?? [], waits = queue?.items.filter(one => one.waits) ?? [];
    return <>
        <PageHead title={t('title')} />
        <Problem of={loaded.error.value} onRetry={reload} />
        {!queue ? !loaded.error.value && <Skeleton /> : <div class="stack queue">
            <Node of={queue.node} resume={resume} ask={setAsks} />
            <Figures of={queue} />
            {queue.items.length === 0 ? <Empty icon="queue" title={t('empty')} action={<NewRunLink />}>
                {t('empty_hint')}</Empty>
                : <><Items title={t('held')} none={t('nothing_held')} items={held} ask={setAsks} />
                    <Items title={t('waits')} none={t('nothing_waits')} items={waits} ask={setAsks} /></>}
            {queue.next !== null && limit < 500 && <div><Button onClick={() => setLimit(500)}>{t('more')}</Button></div>}
            {(free.length > 0 || queue.projects.length > 0) && <Projects of={queue.projects} reload={reload} ask={setAsks} />}
            <Phases of={queue.phases} />
        </div>}
        {asks?.what === 'pause' || asks?.what === 'drain' ? <PauseNode drain={asks.what === 'drain'} onClose={close} onDone={reload} />
            : asks?.what === 'project' ? <PauseProject of={asks.of} choose={free} onClose={close} onDone={reload} />
                : asks?.what === 'priority' ? <Priority of={asks.of} onClose={close} onDone={reload} /> : null}
    </>;
}
