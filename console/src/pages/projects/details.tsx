/* details - one project: where it is, what its steps see, its settings, and how to get rid of it. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../../api/action';
import { get } from '../../api/client';
import { useLoad } from '../../api/load';
import { may } from '../../api/session';
import type { Project, Schemas } from '../../api/types';
import { Button } from '../../ui/button';
import { Confirm } from '../../ui/dialog';
import { Copy } from '../../ui/copy';
import { Facts } from '../../ui/facts';
import { Field, fieldError, Select } from '../../ui/field';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/progress';
import { Code, Text } from '../../ui/text';
import { Time } from '../../ui/time';
import { toast } from '../../ui/toast';
import { RunLinks } from './links';
import { t } from './strings';

const DAY = 86_400_000;
type Kept = 'runs_ms' | 'failed_runs_ms' | 'logs_ms';
const kept: [Kept, 'runs_days' | 'failed_days' | 'logs_days'][] = [['runs_ms', 'runs_days'], ['failed_runs_ms', 'failed_days'], ['logs_ms', 'logs_days']];

function days(ms: number | undefined): string {
    return ms === undefined ? '' : String(ms / DAY);
}

function Settings({ project, reload }: { project: Project; reload: () => Promise<void> }): JSX.Element {
    const { settings } = project;
    const [seed, setSeed] = useState(settings.seed ?? 'overlay'), [tools, setTools] = useState(settings.toolchains ?? 'auto');
    const [most, setMost] = useState(String(settings.max_running ?? 0));
    const [keep, setKeep] = useState(() => kept.map(([name]) => days(settings.retention?.[name])));
    const bad = keep.map(text => text.trim() !== '' && !(Number(text) >= 0 && Number.isFinite(Number(text))));
    const wanted: Schemas['ProjectSettings'] = {
        ...(seed !== (settings.seed ?? 'overlay') ? { seed } : {}),
        ...(tools !== (settings.toolchains ?? 'auto') ? { toolchains: tools.trim() } : {}),
        ...(most !== String(settings.max_running ?? 0) ? { max_running: Number(most) } : {}),
        ...(kept.some(([name], i) => keep[i] !== days(settings.retention?.[name]))
            ? { retention: Object.fromEntries(kept.flatMap(([name], i) => keep[i]!.trim() ? [[name, Math.round(Number(keep[i]) * DAY)]] : [])) } : {}),
    };
    const isDirty = Object.keys(wanted).length > 0, mayWrite = may('project:write');
    const save = useAction(call => call.put('/projects/{project}/settings', { path: { project: project.id } } as never, wanted),
        () => { toast(t('saved')); void reload(); });
    const { value: error } = save.error;
    return <form class="card" onSubmit={e => {
        e.preventDefault();
        if (isDirty && !bad.some(Boolean))
            void save.run();
    }}>
        <h3>{t('settings')}</h3>
        <div class="projects-fields">
            <Field label={t('seed')} error={fieldError(error, 'seed')}>{p => <Select {...p} value={seed} onChange={setSeed}
                options={[['overlay', t('seed_overlay')], ['copy', t('seed_copy')]]} />}</Field>
            <Field label={t('max_running')} help={t('max_running_hint')} error={fieldError(error, 'max_running')}>{p =>
                <input {...p} type="number" min="0" step="1" value={most} onInput={e => setMost(e.currentTarget.value)} />}</Field>
            <Field label={t('toolchains')} help={t('toolchains_hint')} error={fieldError(error, 'toolchains')}>{p =>
                <input {...p} class="mono" spellcheck={false} autocomplete="off" value={tools} onInput={e => setTools(e.currentTarget.value)} />}</Field>
        </div>
        <fieldset class="projects-kept"><legend>{t('keep_title')}</legend><div class="projects-fields">{kept.map(([name, label], i) =>
            <Field label={t(label)} error={bad[i] ? t('bad_days') : fieldError(error, `retention.${name}`)}>{p =>
                <input {...p} inputMode="decimal" value={keep[i]}
                    onInput={e => setKeep(keep.map((one, j) => j === i ? e.currentTarget.value : one))} />}</Field>)}</div>
            <p class="small faint">{t('days_hint')}</p></fieldset>
        {error && !/^(seed|max_running|toolchains|retention\.)/.test(error.details.field ?? '') && <Problem of={error} />}
        <div class="row"><Button type="submit" busy={save.busy.value} disabled={!mayWrite || !isDirty || bad.some(Boolean)}>{t('save')}</Button></div>
    </form>;
}

/* What of the home directory steps see, and what of it they do not. */
function Tools({ of }: { of: Schemas['Toolchains'] }): JSX.Element {
    return <section class="card"><h3>{t('found')}</h3><Facts rows={[
        of.home !== null && [t('home'), <Code of={of.home} />],
        [t('toolchains'), of.found.length ? <ul>{of.found.map(one => <li><Code of={one.name} /> <span class="faint"><Text of={one.what} /></span></li>)}</ul>
            : t('found_none')],
        of.masked.length > 0 && [t('masked'), <ul>{of.masked.map(one => <li><Code of={one} /></li>)}</ul>],
        of.skipped.length > 0 && [t('skipped'), <ul>{of.skipped.map(one =>
            <li><Code of={one.path} /> <span class="faint"><Text of={one.why} /></span></li>)}</ul>],
    ]} /></section>;
}

export function Details({ id, onGone }: { id: string; onGone: () => void }): JSX.Element {
    const [asks, setAsks] = useState(false);
    const loaded = useLoad(signal => get('/projects/{project}', { path: { project: id }, signal }), [id]);
    const project = loaded.data.value;
    const remove = useAction(call => call.del('/projects/{project}', { path: { project: id } } as never), () => { toast(t('removed')); onGone(); });
    if (!project)
        return <><Problem of={loaded.error.value} onRetry={() => void loaded.reload()} />{!loaded.error.value && <Skeleton rows={4} />}</>;
    return <div class="stack projects-details" role="region" aria-label={t('details')}>
        <div class="projects-head"><h2><Text of={project.name} /></h2><div class="row"><RunLinks id={project.id} /></div></div>
        <Problem of={loaded.error.value} />
        <div class="card"><Facts rows={[
            [t('folder'), <Code of={project.root_path} />],
            [t('id'), <span class="projects-id"><code>{project.id}</code><Copy of={project.id} label={t('id')} /></span>],
            [t('created'), <Time of={project.created_at} />],
        ]} /></div>
        {project.toolchains && <Tools of={project.toolchains} />}
        <Settings key={JSON.stringify(project.settings)} project={project} reload={loaded.reload} />
        {may('project:write') && <div class="row"><Button kind="danger" onClick={() => setAsks(true)}>{t('remove')}</Button></div>}
        {asks && <Confirm title={t('remove_q')} action={remove} label={t('remove')} kind="danger" onClose={() => setAsks(false)}>
            <p>{t.rich('remove_hint', { name: <Text of={project.name} />, path: <Code of={project.root_path} /> })}</p></Confirm>}
    </div>;
}
