/* inbox - everything that waits for a person, oldest first, with all that is needed to decide beside the list. What the
 * preview shows is what its hash names: an answer to anything else is refused by the server. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { get } from '../../api/client';
import { useLoad } from '../../api/load';
import { askPending, pending, pendingError, pendingMore, type Waiting } from '../../api/pending';
import { may } from '../../api/session';
import type { Approval } from '../../api/types';
import { Link, navigate, useQuery, type PageProps } from '../../router';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';
import { Select } from '../../ui/field';
import { Icon } from '../../ui/icons';
import { List, ListKeys } from '../../ui/list';
import { NewRunLink } from '../../ui/new_run';
import { PageHead } from '../../ui/page_head';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/progress';
import { Split } from '../../ui/split';
import { Code, Text } from '../../ui/text';
import { Time } from '../../ui/time';
import { Who } from '../../ui/who';
import { Changes } from '../run/changes';
import { commandOf } from '../run/command';
import { AskDoor, Doors } from '../run/doors';
import { t } from './strings';

type Kind = Approval['kind'];
const kinds: Kind[] = ['plan', 'command', 'changes'];

function Name({ run }: { run: Waiting['run'] }): JSX.Element {
    return run.intent ? <Text of={run.intent} /> : <>{run.kind === 'undo' ? t('undo') : t('no_intent')}</>;
}

/* In one line, what it is about: the command, or how much there is to look at. */
function Gist({ of: { approval, run } }: { of: Waiting }): JSX.Element {
    const { subject } = approval;
    return approval.kind === 'command' ? <Code of={commandOf({ command: subject.text ?? null, argv: subject.argv ?? null })} />
        : approval.kind === 'plan' ? <>{t('steps', { n: run.counts.steps })}</>
            : <>{t('files', { n: run.changes?.files ?? 0 })} <span class="added">+{run.changes?.additions ?? 0}</span>{' '}
                <span class="deleted">−{run.changes?.deletions ?? 0}</span></>;
}

function Row({ of }: { of: Waiting }): JSX.Element {
    return <>
        <span class={`inbox-kind inbox-kind-${of.approval.kind}`}><Icon name="hand" />{t(of.approval.kind)}</span>
        <span class="inbox-when small faint"><Time of={of.approval.created_at} /></span>
        <span class="inbox-name clip"><Name run={of.run} /></span>
        <span class="inbox-gist small faint clip"><Gist of={of} /></span>
        <span class="inbox-project small faint clip"><Text of={of.run.project_name} /></span>
    </>;
}

function Preview({ of: { approval, run: listed }, stands, onDecided }: {
    of: Waiting; /* it is still in the list */ stands: boolean; onDecided: () => void;
}): JSX.Element {
    const loaded = useLoad(signal => get('/runs/{run}', { path: { run: listed.id }, signal }), [approval.id], 4000);
    const run = loaded.data.value;
    const reload = async (): Promise<void> => {
        onDecided();
        await Promise.all([askPending(), loaded.reload()]);
    };
    const waits = stands && run?.state === ({ plan: 'awaiting_review', changes: 'awaiting_apply', command: 'awaiting_approval' } as const)[approval.kind];
    return <div class="inbox-preview" role="region" aria-label={t('preview')}>
        <div class="inbox-head"><h2><Name run={listed} /></h2>
            <p class="small faint inbox-line"><Text of={listed.project_name} /><Who of={listed.actor} /><Time of={listed.created_at} />
                <Link href={`/runs/${listed.id}`}>{t('open_run')}</Link></p></div>
        <Problem of={loaded.error.value} onRetry={() => void loaded.reload()} />
        {!may('approve') && <p class="small faint">{t.rich('may_not', { scope: <code>approve</code> })}</p>}
        {!run ? !loaded.error.value && <Skeleton rows={4} />
            : !waits ? <Empty icon="check" title={t('moved_on')}
                action={<Link class="button" href={`/runs/${listed.id}`}>{t('open_run')}</Link>}>{t('moved_on_hint')}</Empty>
                : approval.kind === 'command' ? <AskDoor approval={approval} reload={reload} />
                    : <><Doors run={run} reload={reload} onLook={() => navigate(`/runs/${run.id}?tab=changes`)} />
                        {approval.kind === 'changes' && <ListKeys.Provider value={false}><Changes run={run} reload={reload} /></ListKeys.Provider>}</>}
    </div>;
}

export default function Inbox(_: PageProps): JSX.Element {
    const [picked, pick] = useQuery('item'), [kind, setKind] = useQuery('kind'), [project, setProject] = useQuery('project');
    const all = pending.value;
    const items = (all ?? []).filter(one => (!kind || one.approval.kind === kind) && (!project || one.run.project_id === project));
    /* After a decision made here the next one takes the place. What goes away by itself stays in the preview, without its
     * buttons: nobody shall press a key for what has just slipped under it. */
    const seen = useRef<{ at: number; last?: Waiting; decided?: string }>({ at: 0 });
    const { last, decided } = seen.current;
    const chosen = items.find(one => one.approval.id === picked)
        ?? (picked && last?.approval.id === picked && decided !== picked ? last : items[Math.min(seen.current.at, items.length - 1)]);
    const id = chosen?.approval.id ?? '', at = chosen ? items.indexOf(chosen) : -1;
    useEffect(() => { void askPending(); }, []);
    useEffect(() => {
        if (id && id !== picked)
            pick(id);
    }, [id]);
    useEffect(() => {
        seen.current = { ...seen.current, last: chosen, at: at >= 0 ? at : seen.current.at };
    });
    const projects = new Map((all ?? []).map(one => [one.run.project_id, one.run.project_name]));
    return <>
        <PageHead title={t('title')} about={all && all.length > 0 && t('counts', { n: all.length })}>
            {all && all.length > 0 && <>
                <Select label={t('kind')} value={kind} onChange={setKind}
                    options={[['', t('all_kinds')], ...kinds.map(one => [one, t(one)] as const)]} />
                <Select label={t('project')} value={project} onChange={setProject} options={[['', t('all_projects')], ...projects]} /></>}
        </PageHead>
        <Problem of={pendingError.value} onRetry={() => void askPending()} />
        {!all ? !pendingError.value && <Skeleton />
            : chosen && items.length ? <Split name="inbox" start={420} of={id} first={<>
                <List items={items} keyOf={one => one.approval.id} selected={id} label={t('title')} class="inbox" peek
                    onSelect={one => one && pick(one.approval.id)} onOpen={one => navigate(`/runs/${one.run.id}`)} row={one => <Row of={one} />} />
                {pendingMore.value && <p class="list-foot small faint">{t('first_of_many', { n: all.length })}</p>}</>}
                second={<Preview key={id} of={chosen} stands={at >= 0} onDecided={() => { seen.current.decided = id; }} />} />
                : all.length ? <Empty icon="inbox" title={t('no_match')}
                    action={<Button onClick={() => navigate('/inbox', { replace: true })}>{t('clear')}</Button>} />
                    : <Empty icon="inbox" title={t('none')} action={<><NewRunLink />
                        <Link class="button" href="/runs">{t('runs')}</Link></>}>{t('none_hint')}</Empty>}
    </>;
}
