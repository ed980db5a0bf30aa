/* doors - what waits for a person, and the buttons for it. What is approved is bound to what is on the screen: the hash of
 * the plan, of the command, or the digest of the changes goes with the answer, and the server refuses it for anything else.
 * The buttons for a plan or a command come after it, and nothing approves it before its end was on the screen. */
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../../api/action';
import { get } from '../../api/client';
import { useLoad } from '../../api/load';
import { may } from '../../api/session';
import type { Approval, Plan, PlanStep, RunDetail } from '../../api/types';
import { Link, navigate } from '../../router';
import { Asked } from '../../ui/asked';
import { State } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Confirm } from '../../ui/dialog';
import { Field } from '../../ui/field';
import { useKeys, type KeyMap } from '../../ui/keys';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/progress';
import { useSeen, type Seen } from '../../ui/seen';
import { useSettled } from '../../ui/settled';
import { Code, Text } from '../../ui/text';
import { Time } from '../../ui/time';
import { commandOf, pieceOf } from './command';
import { leftOf } from './left';
import { t } from './strings';

type Reload = () => Promise<void>;

function Door({ title, hint, buttons, foot, end, children }: {
    title: string; hint: string; buttons?: ComponentChildren; /* those that come after it */ foot?: ComponentChildren; end?: Seen['end'];
    children?: ComponentChildren;
}): JSX.Element {
    return <section class="run-door card" aria-label={title}>
        <div class="run-door-head"><div><h2>{title}</h2><p class="faint">{hint}</p></div>{buttons && <div class="row">{buttons}</div>}</div>
        {children}
        {foot && <div class="run-door-foot row">{foot}</div>}
        {end && <span class="run-door-end" ref={end} />}
    </section>;
}

/* In the place of the button that approves, as long as the end of what it approves was not on the screen. */
function ReadOn({ more }: { more: () => void }): JSX.Element {
    return <><span class="run-door-more small">{t('more_below')}</span><Button kind="primary" hint="a" onClick={more}>{t('read_on')}</Button></>;
}

function Note({ value, onInput }: { value: string; onInput: (value: string) => void }): JSX.Element {
    return <Field label={t('note')} help={t('note_hint')}>{p =>
        <textarea {...p} rows={2} maxLength={1000} value={value} onInput={e => onInput(e.currentTarget.value)} />}</Field>;
}

/* ---- first door ---- */

function PlanRow({ step }: { step: PlanStep }): JSX.Element {
    return <li class="run-plan-step">
        <span class="num faint">{step.index + 1}</span>
        <div class="run-plan-what">{commandOf(step) !== step.title && <Text of={step.title} />}<Asked of={commandOf(step)} mark={pieceOf(step.decision)} />
            <Around cwd={step.cwd} env={step.env_names} pty={step.pty} />
            {step.reason && <p class="faint small"><Text of={step.reason} /></p>}</div>
        {step.decision && <div class="run-plan-answer"><State of={step.decision.action} />
            <span class="faint small"><Text of={step.decision.reason} />{' '}({t.rich('rule', { rule: <Code of={step.decision.rule} /> })})
                {pieceOf(step.decision) && <> · {t.rich('fired_on', { piece: <Code of={pieceOf(step.decision)!} /> })}</>}</span></div>}
    </li>;
}

function PlanDoor({ run, reload }: { run: RunDetail; reload: Reload }): JSX.Element {
    const [asks, setAsks] = useState(false), [note, setNote] = useState('');
    const loaded = useLoad(signal => get('/runs/{run}/plan', { path: { run: run.id }, signal }), [run.id, run.plan_hash]);
    const plan: Plan | undefined = loaded.data.value;
    const approve = useAction(call => call.post('/runs/{run}/approve', { path: { run: run.id } } as never, { plan_hash: plan?.plan_hash ?? undefined }),
        () => reload());
    const reject = useAction(call => call.post('/runs/{run}/reject', { path: { run: run.id } } as never, note ? { note } : {}), () => reload());
    const mayAnswer = may('approve') && !!plan, of = plan && (plan.plan_hash ?? run.id);
    const { seen, end, more } = useSeen(of), settled = useSettled(of), mayApprove = useSettled(seen ? of : undefined);
    useKeys('page', { ...(mayAnswer && !seen ? { a: [t('read_on'), more] } : mayAnswer && mayApprove ? { a: [t('approve'), () => void approve.run()] } : {}),
        ...(mayAnswer && settled ? { r: [t('reject'), () => setAsks(true)] } : {}) } as KeyMap);
    const denied = plan?.steps.some(step => step.decision?.action === 'deny');
    return <Door title={t('plan_door')} hint={t('plan_door_hint')} end={end} foot={plan && (mayAnswer || may('run:write')) && <>
        {may('run:write') && <Link class="button" href={`/plan?run=${run.id}`}>{t('edit_plan')}</Link>}
        {mayAnswer && <><Button kind="danger" hint="r" disabled={!settled} onClick={() => setAsks(true)}>{t('reject')}</Button>
            {seen ? <Button kind="primary" hint="a" disabled={!mayApprove} action={approve}>{t('approve')}</Button> : <ReadOn more={more} />}</>}</>}>
        <Problem of={approve.error.value ?? loaded.error.value} />
        {plan ? <ol class="run-plan">{plan.steps.map(step => <PlanRow step={step} />)}</ol> : <Skeleton rows={3} />}
        {plan?.notes.map(one => <p class="faint small"><Text of={one} /></p>)}
        {denied && <p class="field-error">{t('approve_denied')}</p>}
        {run.expires_at && <p class="faint small">{t.rich('expires', { when: <Time of={run.expires_at} /> })}</p>}
        {asks && <Confirm title={t('reject_q')} action={reject} label={t('reject')} kind="danger" onClose={() => setAsks(false)}>
            <p>{t('reject_hint')}</p><Note value={note} onInput={setNote} /></Confirm>}
    </Door>;
}

/* ---- a step that asks ---- */

function textOf(approval: Approval): string {
    const { subject } = approval;
    return subject.file?.path ?? commandOf({ command: subject.text ?? null, argv: subject.argv ?? null });
}

/* Where and with what it runs, as far as that is not as usual. */
function Around({ cwd, env, network, pty }: { cwd: string; env: readonly string[]; network?: string; pty?: boolean }): JSX.Element | null {
    const rows: [string, string][] = [];
    if (cwd && cwd !== '.')
        rows.push([t('in_folder'), cwd]);
    if (env.length)
        rows.push([t('env'), env.join(', ')]);
    if (network && network !== 'none')
        rows.push([t('network'), network]);
    return rows.length > 0 || pty ? <p class="faint small">{rows.map(([name, value], i) => <>{i > 0 && ' · '}{name} <Code of={value} /></>)}
        {pty && <>{rows.length > 0 && ' · '}{t('terminal')}</>}</p> : null;
}

export function AskDoor({ approval, reload }: { approval: Approval; reload: Reload }): JSX.Element {
    const [note, setNote] = useState('');
    const answer = useAction<unknown, ['allow' | 'deny']>((call, decision) => call.post('/approvals/{approval}', { path: { approval: approval.id } } as never,
        { decision, subject_hash: approval.subject_hash, ...(note ? { note } : {}) }), () => reload());
    const mayAnswer = may('approve'), settled = useSettled(approval.id);
    const { seen, end, more } = useSeen(approval.id), mayAllow = useSettled(seen ? approval.id : undefined);
    useKeys('page', { ...(mayAnswer && !seen ? { a: [t('read_on'), more] } : mayAnswer && mayAllow ? { a: [t('allow'), () => void answer.run('allow')] } : {}),
        ...(mayAnswer && settled ? { r: [t('deny'), () => void answer.run('deny')] } : {}) } as KeyMap);
    return <Door title={t('ask_door')} hint={approval.reason ?? ''} end={end} foot={mayAnswer && <>
        <Button kind="danger" hint="r" disabled={!settled} busy={answer.busy.value} onClick={() => void answer.run('deny')}>{t('deny')}</Button>
        {seen ? <Button kind="primary" hint="a" disabled={!mayAllow} busy={answer.busy.value} onClick={() => void answer.run('allow')}>{t('allow')}</Button>
            : <ReadOn more={more} />}</>}>
        <div class="run-ask"><Asked of={textOf(approval)} mark={approval.piece} /></div>
        <Around cwd={approval.subject.cwd} env={approval.subject.env_names} network={approval.subject.network} />
        <p class="faint small">{approval.piece && <>{t.rich('fired_on', { piece: <Code of={approval.piece} /> })} · </>}
            {approval.rule && t.rich('rule', { rule: <Code of={approval.rule} /> })}
            {approval.expires_at && <> · {t.rich('expires', { when: <Time of={approval.expires_at} /> })}</>}</p>
        {mayAnswer && <Note value={note} onInput={setNote} />}
        <Problem of={answer.error.value} />
    </Door>;
}

function AskDoors({ run, reload }: { run: RunDetail; reload: Reload }): JSX.Element {
    const asked = useLoad(signal => get('/approvals', { query: { run_id: run.id, state: 'pending' }, signal }), [run.id], 2000);
    const first = asked.data.value?.items[0];
    return <><Problem of={asked.error.value} />
        {first ? <AskDoor key={first.id} approval={first} reload={async () => { await asked.reload(); await reload(); }} /> : <Skeleton rows={2} />}</>;
}

/* ---- second door ---- */

function ChangesDoor({ run, reload, onLook }: { run: RunDetail; reload: Reload; onLook: () => void }): JSX.Element {
    const [asks, setAsks] = useState(false), [note, setNote] = useState('');
    const apply = useAction(call => call.post('/runs/{run}/apply', { path: { run: run.id } } as never, { digest: run.changes?.digest ?? undefined }),
        () => reload());
    const discard = useAction(call => call.post('/runs/{run}/discard', { path: { run: run.id } } as never, note ? { note } : {}), () => reload());
    const mayAnswer = may('approve'), sum = run.changes, settled = useSettled(sum ? sum.digest ?? run.id : undefined);
    /* Who has left something out does not mean "all": what is picked is applied beside the picks (changes.tsx). */
    const all = leftOf(run).size === 0;
    useKeys('page', mayAnswer && settled ? { ...(all ? { a: [t('apply_all'), () => void apply.run()] as [string, () => void] } : {}),
        r: [t('discard'), () => setAsks(true)] } : {});
    return <Door title={t('changes_door')} hint={t('changes_door_hint')} buttons={mayAnswer && <>
        <Button onClick={onLook}>{t('open_changes')}</Button>
        <Button kind="danger" hint="r" disabled={!settled} onClick={() => setAsks(true)}>{t('discard')}</Button>
        {all && <Button kind="primary" hint="a" disabled={!settled} action={apply}>{t('apply_all')}</Button>}</>}>
        {sum && <p class="num">{t('files', { n: sum.files })} <span class="added">+{sum.additions}</span> <span class="deleted">−{sum.deletions}</span>
            {sum.refused > 0 && <span class="deleted"> · {t('refused', { n: sum.refused })}</span>}</p>}
        {run.apply && run.apply.conflicts.length > 0 && <div class="problem" role="alert"><div><p>{t('conflict')}</p>
            <ul>{run.apply.conflicts.map(one => <li><Code of={one.path} /> <Text of={one.why} /></li>)}</ul></div></div>}
        <Problem of={apply.error.value} />
        {asks && <Confirm title={t('discard_q')} action={discard} label={t('discard')} kind="danger" onClose={() => setAsks(false)}>
            <p>{t('discard_hint')}</p><Note value={note} onInput={setNote} /></Confirm>}
    </Door>;
}

export function Doors({ run, reload, onLook }: { run: RunDetail; reload: Reload; onLook: () => void }): JSX.Element | null {
    if (run.cancel_requested_at)
        return null;
    return run.state === 'awaiting_review' ? <PlanDoor run={run} reload={reload} />
        : run.state === 'awaiting_approval' ? <AskDoors run={run} reload={reload} />
            : run.state === 'awaiting_apply' ? <ChangesDoor run={run} reload={reload} onLook={onLook} /> : null;
}

/* ---- what can be done at any time ---- */

export function RunActions({ run, reload }: { run: RunDetail; reload: Reload }): JSX.Element | null {
    const [asks, setAsks] = useState<'cancel' | 'undo' | null>(null);
    const cancel = useAction(call => call.post('/runs/{run}/cancel', { path: { run: run.id } } as never, {}), () => reload());
    const undo = useAction(call => call.post('/runs/{run}/undo', { path: { run: run.id } } as never, {}), made => navigate(`/runs/${made.id}`));
    const ended = ['succeeded', 'failed', 'rejected', 'canceled', 'expired', 'finishing'].includes(run.state);
    const mayUndo = may('approve') && run.apply?.applied && run.kind !== 'undo' && ended && !run.removed_at && !run.undone_by;
    return <>
        {may('run:write') && !ended && !run.cancel_requested_at && <Button kind="danger" onClick={() => setAsks('cancel')}>{t('cancel')}</Button>}
        {mayUndo && <Button onClick={() => setAsks('undo')}>{t('undo')}</Button>}
        {asks === 'cancel' && <Confirm title={t('cancel_q')} action={cancel} label={t('cancel')} kind="danger" onClose={() => setAsks(null)}>
            <p>{t('cancel_hint')}</p></Confirm>}
        {asks === 'undo' && <Confirm title={t('undo_q')} action={undo} label={t('undo')} onClose={() => setAsks(null)}>
            <p>{t('undo_hint')}</p></Confirm>}
    </>;
}
