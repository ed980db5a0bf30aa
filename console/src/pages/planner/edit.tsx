/* edit - the plan of a run that waits for its review. Who saves replaces the plan that they saw, not one that somebody
 * else has stored meanwhile; who approves, approves what they saved. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useAction } from '../../api/action';
import { get } from '../../api/client';
import { ApiError } from '../../api/errors';
import { useLoad } from '../../api/load';
import { may } from '../../api/session';
import type { Plan, RunDetail } from '../../api/types';
import { Link, navigate, setGuard } from '../../router';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';
import { Icon } from '../../ui/icons';
import { useKeys } from '../../ui/keys';
import { PageHead } from '../../ui/page_head';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/progress';
import { Text } from '../../ui/text';
import { toast } from '../../ui/toast';
import { draftsOf, isEmpty, requestOf, textOf, type Draft } from './draft';
import { useKept } from './kept';
import { Leave } from './leave';
import { badWall } from './step';
import { addStep, Steps } from './steps';
import { t } from './strings';
import { Summary } from './summary';
import { useVerdicts } from './verdicts';

function Changed({ onLoad, onMine, busy }: { onLoad: () => void; onMine: () => void; busy: boolean }): JSX.Element {
    return <div class="planner-changed" role="alert"><Icon name="warn" /><div><p><strong>{t('changed')}</strong></p><p>{t('changed_hint')}</p>
        <div class="row"><Button small onClick={onLoad}>{t('load_theirs')}</Button>
            <Button small busy={busy} onClick={onMine}>{t('save_mine')}</Button></div></div></div>;
}

/* A draft, and the plan that it was made from. */
interface Kept {
    plan: Plan;
    drafts: Draft[];
}

function Editor({ run, plan, was, keep, now, onLoad }: {
    run: RunDetail; plan: Plan; was: Draft[] | undefined; keep: (kept: Kept | undefined) => void;
    /* the hash that the run has by now */ now: string | null; onLoad: () => void;
}): JSX.Element {
    const [first] = useState(() => draftsOf(plan, run.env_names)), [drafts, setDrafts] = useState(was ?? first);
    const [done, setDone] = useState(false);
    const verdicts = useVerdicts(run.project_id, drafts);
    const dirty = textOf(drafts) !== textOf(first), bad = !drafts.length || drafts.some(draft => badWall(draft.wall) || isEmpty(draft));
    keep(dirty && !done ? { plan, drafts } : undefined);
    const path = { path: { run: run.id } } as never;
    /* `over`: also in the place of a plan that was not seen. */
    const save = useAction<Plan, [{ approve?: boolean; over?: boolean }]>(async (call, { approve, over }) => {
        const stored = await get('/runs/{run}/plan', path);
        if (stored.plan_hash !== plan.plan_hash && !over)
            throw new ApiError('plan_changed', t('changed'), 409);
        const mine = dirty || over ? await call.put('/runs/{run}/plan', path, { steps: drafts.map(draft => requestOf(draft, run.env_names)) }) : stored;
        if (approve)
            await call.post('/runs/{run}/approve', path, { plan_hash: mine.plan_hash ?? undefined });
        return mine;
    }, () => {
        setDone(true);
        setGuard(null);
        toast(t('saved'));
        navigate(`/runs/${run.id}`);
    });
    const { value: wrong } = save.error, isOther = wrong?.code === 'plan_changed' || (now !== plan.plan_hash && !save.busy.value && !done);
    useKeys('page', { c: [t('key_add'), () => { addStep({ drafts, onChange: setDrafts }); }] });
    return <>
        <Leave dirty={dirty && !done} />
        {isOther && <Changed busy={save.busy.value} onLoad={onLoad} onMine={() => void save.run({ over: true })} />}
        <div class="planner">
            <div class="stack planner-main"><Steps drafts={drafts} onChange={setDrafts} names={run.env_names} verdicts={verdicts} isAsked error={wrong} /></div>
            <div class="stack planner-side"><div class="card planner-start">
                <Summary drafts={drafts} verdicts={verdicts} />
                {wrong && wrong.code !== 'plan_changed' && !/^steps\[/.test(wrong.details.field ?? '') && <Problem of={wrong} />}
                {!may('run:write') && <p class="small faint">{t.rich('needs_scope', { scope: <code>run:write</code> })}</p>}
                <Button kind={may('approve') ? 'plain' : 'primary'} busy={save.busy.value} disabled={bad || !dirty || isOther || !may('run:write')}
                    onClick={() => void save.run({})}>{t('save')}</Button>
                {may('approve') && <Button kind="primary" busy={save.busy.value} disabled={bad || isOther || !may('run:write')}
                    onClick={() => void save.run({ approve: true })}>{t('save_approve')}</Button>}
            </div></div>
        </div>
    </>;
}

export function EditPlan({ id }: { id: string }): JSX.Element {
    const [round, setRound] = useState(0), { was, keep } = useKept<Kept>(id);
    const loaded = useLoad(async signal => {
        const run = await get('/runs/{run}', { path: { run: id }, signal });
        return { run, plan: await get('/runs/{run}/plan', { path: { run: id }, signal }) };
    }, [id, round]);
    const watched = useLoad(signal => get('/runs/{run}', { path: { run: id }, signal }), [id, round], 3000);
    const { run, plan: stored } = loaded.data.value ?? {}, kept = round === 0 ? was : undefined, plan = kept?.plan ?? stored, now = watched.data.value ?? run;
    const name = run?.intent ? <Text of={run.intent} /> : run?.kind === 'undo' ? t('undo') : t('no_intent');
    useEffect(() => { document.title = `${t('edit_title')} · Sallyport`; }, []);
    const head = <PageHead title={t('edit_title')}
        about={run && t.rich('of_run', { run: <Link href={`/runs/${id}`}><code>{id}</code></Link>, name })} />;
    return !run || !plan ? <>{head}<Problem of={loaded.error.value} onRetry={() => void loaded.reload()} />{!loaded.error.value && <Skeleton rows={4} />}</>
        : now?.state !== 'awaiting_review' ? <>{head}<Empty icon="planner" title={t('over')}
            action={<Link class="button" href={`/runs/${id}`}>{t('to_run')}</Link>}>{t('over_hint')}</Empty></>
            : <>{head}<Editor key={plan.plan_hash} run={run} plan={plan} was={kept?.drafts} keep={keep}
                now={now.plan_hash} onLoad={() => setRound(round + 1)} /></>;
}
