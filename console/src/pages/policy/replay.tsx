/* replay - what the policy in force, or a draft, would have said to the commands of past runs. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../../api/action';
import { ask, get } from '../../api/client';
import { useLoad } from '../../api/load';
import { may } from '../../api/session';
import type { Schemas } from '../../api/types';
import { Link, useQuery } from '../../router';
import { State } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';
import { Field, Select } from '../../ui/field';
import { Problem } from '../../ui/problem';
import { Code, Text } from '../../ui/text';
import { Time } from '../../ui/time';
import { commandOf } from '../run/command';
import { draft } from './draft';
import { t } from './strings';

type Replayed = Schemas['PolicyReplay'];
const day = 86_400_000, spans = { day, week: 7 * day, month: 30 * day } as const;
type Span = keyof typeof spans;

function plus(a: Replayed['counts'], b: Replayed['counts']): Replayed['counts'] {
    const answers = (x: Schemas['ReplayAnswers'], y: Schemas['ReplayAnswers']): Schemas['ReplayAnswers'] =>
        ({ allow: x.allow + y.allow, ask: x.ask + y.ask, deny: x.deny + y.deny });
    return { changed: a.changed + b.changed, runs: a.runs + b.runs, runs_changed: a.runs_changed + b.runs_changed, steps: a.steps + b.steps,
        unjudged: a.unjudged + b.unjudged, then: answers(a.then, b.then), now: answers(a.now, b.now) };
}

function Counts({ of }: { of: Replayed['counts'] }): JSX.Element {
    return <div class="table-box policy-counts" role="region" aria-label={t('counts')} tabIndex={0}><table>
        <thead><tr><th>{t('answer')}</th><th>{t('then')}</th><th>{t('now')}</th></tr></thead>
        <tbody>{(['allow', 'ask', 'deny'] as const).map(answer => <tr><td><State of={answer} /></td><td class="num">{of.then[answer]}</td>
            <td class="num">{of.now[answer]}</td></tr>)}</tbody></table></div>;
}

function Run({ of }: { of: Schemas['ReplayRun'] }): JSX.Element {
    return <li class="policy-run" data-run={of.run_id}><p class="row"><Link href={`/runs/${of.run_id}`}><Code of={of.run_id} /></Link>
        <Text of={of.project_name} /><span class="faint"><Time of={of.created_at} /></span></p>
    {of.steps.map(step => <div class="policy-replayed"><Code of={commandOf(step)} lines />
        <p class="row small">{step.then ? <State of={step.then.action} /> : <span class="faint">{t('not_judged')}</span>}
            <span aria-hidden="true">→</span><State of={step.now.action} /> <Code of={step.now.rule} /></p>
        <p class="faint small">{step.now.piece && step.now.piece !== commandOf(step) ? <><Code of={step.now.piece} /> · </> : null}
            <Text of={step.now.reason} /></p></div>)}</li>;
}

export function Replay(): JSX.Element {
    const [span, setSpan] = useQuery('span', 'week'), [project, setProject] = useQuery('project');
    const [by, setBy] = useQuery('by', draft.value ? 'draft' : 'force');
    const [found, setFound] = useState<Replayed | null>(null);
    const projects = useLoad(async signal => may('run:read') ? get('/projects', { query: { limit: 500 }, signal }) : null, []);
    const text = by === 'draft' ? draft.value?.text : undefined;
    const judge = (after?: string): Promise<Replayed> => ask('/policy/replay', {}, { since_ms: spans[span as Span] ?? spans.week, all: false, limit: 100,
        ...(project && { project_id: project }), ...(text !== undefined && { text }), ...(after && { after }) });
    const replay = useAction(() => judge(), setFound);
    const more = useAction(() => judge(found?.next ?? undefined), page => found &&
        setFound({ ...page, items: [...found.items, ...page.items], counts: plus(found.counts, page.counts) }));
    if (!may('run:read'))
        return <Empty icon="policy" title={t('also_runs')} />;
    return <div class="stack"><p class="faint">{t('replay_about')}</p>
        <div class="row top">
            <Field label={t('against')}>{p => <Select {...p} value={text !== undefined ? 'draft' : 'force'} onChange={to => { setFound(null); setBy(to); }}
                options={[['force', t('by_force')], ...draft.value ? [['draft', t('by_draft')] as const] : []]} />}</Field>
            <Field label={t('span')}>{p => <Select {...p} value={span} onChange={to => { setFound(null); setSpan(to); }}
                options={[['day', t('span_day')], ['week', t('span_week')], ['month', t('span_month')]]} />}</Field>
            <Field label={t('project')}>{p => <Select {...p} value={project} onChange={to => { setFound(null); setProject(to); }}
                options={[['', t('any_project')], ...(projects.data.value?.items ?? []).map(one => [one.id, one.name] as const)]} />}</Field></div>
        <div><Button kind="primary" action={replay}>{t('replay')}</Button></div>
        <Problem of={replay.error.value} />
        {!found ? <Empty icon="runs" title={t('replay_start')}>{t('replay_start_hint')}</Empty>
            : found.counts.runs === 0 ? <Empty icon="runs" title={t('no_runs')}>{t('no_runs_hint')}</Empty> : <>
                <p role="status" data-changed={found.counts.changed}>{t('replay_n', { runs: found.counts.runs, steps: found.counts.steps,
                    changed: found.counts.changed })}
                    {found.counts.unjudged > 0 && <> {t('unjudged', { n: found.counts.unjudged })}</>}</p>
                <Counts of={found.counts} />
                {found.items.length ? <ul class="list">{found.items.map(run => <Run key={run.run_id} of={run} />)}</ul>
                    : <Empty icon="policy" title={t('all_same')}>{t('all_same_hint')}</Empty>}
                {found.next !== null && <div><Button action={more}>{t('more_runs')}</Button></div>}<Problem of={more.error.value} /></>}
    </div>;
}
