/* new - a run from what is wanted, or from steps. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useAction } from '../../api/action';
import { ask, get } from '../../api/client';
import { useLoad } from '../../api/load';
import { may } from '../../api/session';
import type { Plan } from '../../api/types';
import { Link, navigate, setGuard, useQuery } from '../../router';
import { Button } from '../../ui/button';
import { Confirm } from '../../ui/dialog';
import { Empty } from '../../ui/empty';
import { Field, fieldError, Select } from '../../ui/field';
import { useKeys } from '../../ui/keys';
import { PageHead } from '../../ui/page_head';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/progress';
import { Text } from '../../ui/text';
import { draftsOf, isEmpty, requestOf, textOf, type Draft } from './draft';
import { useKept } from './kept';
import { Leave } from './leave';
import { areBad, envNames, noOptions, OptionsForm, requestOptions, type Options } from './options';
import { badWall } from './step';
import { addStep, Steps } from './steps';
import { t } from './strings';
import { Summary } from './summary';
import { useVerdicts } from './verdicts';

/* The plan that drafts were made from, and what they were then. */
type Made = { plan: Plan; text: string } | null;

export function NewRun(): JSX.Element {
    const [picked, pick] = useQuery('project');
    const { was, keep } = useKept<{ intent: string; drafts: Draft[]; options: Options; made: Made }>('new');
    const [intent, setIntent] = useState(was?.intent ?? ''), [drafts, setDrafts] = useState<Draft[]>(was?.drafts ?? []);
    const [options, setOptions] = useState<Options>(was?.options ?? noOptions), [made, setMade] = useState<Made>(was?.made ?? null);
    const [asks, setAsks] = useState(false), [done, setDone] = useState(false);
    const field = useRef<HTMLTextAreaElement>(null);
    const projects = useLoad(signal => get('/projects', { query: { limit: 500 }, signal }), []);
    const all = projects.data.value?.items;
    const project = all?.find(one => one.id === picked || one.name === picked) ?? (all?.length === 1 ? all[0] : undefined);
    const id = project?.id ?? '', names = envNames(options);
    const verdicts = useVerdicts(id, drafts);
    const make = useAction(() => ask('/plan', {}, { project_id: id, intent: intent.trim() }), plan => {
        const to = draftsOf(plan);
        setMade({ plan, text: textOf(to) });
        setDrafts(to);
        start.error.value = null;
    });
    const start = useAction(call => call.post('/runs', {}, { project_id: id, ...(intent.trim() ? { intent: intent.trim() } : {}),
        steps: drafts.map(draft => requestOf(draft, names)), ...requestOptions(options) } as never), run => {
        setDone(true);
        setGuard(null);
        navigate(`/runs/${run.id}`);
    });
    const edited = textOf(drafts) !== (made?.text ?? textOf([]));
    const wantsPlan = (): void => {
        if (!id || !intent.trim())
            field.current?.focus();
        else if (edited && drafts.some(draft => !isEmpty(draft)))
            setAsks(true);
        else
            void make.run();
    };
    const bad = areBad(options) || drafts.some(draft => badWall(draft.wall) || isEmpty(draft));
    const mayStart = may('run:write') && !!id && drafts.length > 0 && !bad;
    useKeys('page', {
        i: [t('key_intent'), () => field.current?.focus()],
        c: [t('key_add'), () => { addStep({ drafts, onChange: setDrafts }); }],
    });
    useEffect(() => {
        if (project)
            field.current?.focus();
    }, [!!project]);
    if (!all)
        return <><PageHead title={t('title')} /><Problem of={projects.error.value} onRetry={() => void projects.reload()} />
            {!projects.error.value && <Skeleton rows={4} />}</>;
    if (!all.length)
        return <><PageHead title={t('title')} /><Empty icon="projects" title={t('no_projects')}
            action={<Link class="button primary" href="/projects">{t('add_project')}</Link>}>{t('no_projects_hint')}</Empty></>;
    const dirty = !done && (intent.trim() !== '' || drafts.length > 0);
    keep(dirty ? { intent, drafts, options, made } : undefined);
    const { value: wrong } = start.error, atStep = /^steps\[/.test(wrong?.details.field ?? '');
    return <>
        <Leave dirty={dirty} />
        <PageHead title={t('title')} />
        <div class="planner">
            <div class="stack planner-main">
                <form class="card" onSubmit={e => {
                    e.preventDefault();
                    wantsPlan();
                }}>
                    <Field label={t('project')} error={fieldError(make.error.value, 'project_id') ?? fieldError(wrong, 'project_id')}>{p =>
                        <Select {...p} value={id} onChange={pick} options={[...(id ? [] : [['', t('pick_project')] as const]),
                            ...all.map(one => [one.id, one.name] as const)]} />}</Field>
                    <Field label={t('intent')} help={t('intent_hint')} error={fieldError(make.error.value, 'intent') ?? fieldError(wrong, 'intent')}>{p =>
                        <textarea {...p} ref={field} rows={2} maxLength={2000} value={intent} onInput={e => setIntent(e.currentTarget.value)}
                            onKeyDown={e => {
                                /* Not the Enter that ends the writing of Chinese. */
                                if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) {
                                    e.preventDefault();
                                    wantsPlan();
                                }
                            }} />}</Field>
                    {make.error.value && !make.error.value.details.field && <Problem of={make.error.value} />}
                    <div class="row"><Button type="submit" busy={make.busy.value} disabled={!id || !intent.trim()}>{t('make')}</Button>
                        {made && <span class="planner-made"><Text of={made.plan.title} /></span>}</div>
                    {made?.plan.notes.map(one => <p class="small faint"><Text of={one} /></p>)}
                </form>
                <Steps drafts={drafts} onChange={setDrafts} names={names} verdicts={verdicts} isAsked={!!id} error={wrong} />
            </div>
            <div class="stack planner-side">
                <OptionsForm value={options} onChange={setOptions} error={wrong} />
                <div class="card planner-start">
                    <Summary drafts={drafts} verdicts={verdicts} />
                    {!may('run:write') && <p class="small faint">{t.rich('needs_scope', { scope: <code>run:write</code> })}</p>}
                    {wrong && !atStep && !/^(project_id|intent|review|limits|env|priority|on_)/.test(wrong.details.field ?? '') && <Problem of={wrong} />}
                    <Button kind="primary" action={start} disabled={!mayStart} title={drafts.length ? undefined : t('needs_steps')}>{t('start')}</Button>
                </div>
            </div>
        </div>
        {asks && <Confirm title={t('remake_q')} action={make} label={t('make')} onClose={() => setAsks(false)}>
            <p>{t('remake_hint', { n: drafts.length })}</p></Confirm>}
    </>;
}
