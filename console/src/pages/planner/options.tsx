/* options - how a run goes: its doors, what happens when something fails, its limits and variables. */
import type { JSX } from 'preact';
import type { ApiError } from '../../api/errors';
import { may } from '../../api/session';
import type { Schemas } from '../../api/types';
import { Button } from '../../ui/button';
import { Check, Field, fieldError, Select } from '../../ui/field';
import { Icon } from '../../ui/icons';
import { t } from './strings';

export type RunRequest = Schemas['RunRequest'];

export interface Options {
    review: RunRequest['review'];
    on_failure: RunRequest['on_failure'];
    on_deny: RunRequest['on_deny'];
    on_lost: RunRequest['on_lost'];
    priority: 'low' | 'normal' | 'high' | 'urgent';
    keep: boolean;
    limits: Record<Limit, string>;
    env: { key: number; name: string; value: string }[];
}

type Limit = 'cpu_millis' | 'memory_bytes' | 'disk_bytes' | 'output_bytes' | 'pids' | 'wall_ms';
const MIB = 1024 * 1024;
const limits = [['cpu_millis', 'cpu', 1000], ['memory_bytes', 'memory', MIB], ['disk_bytes', 'disk', MIB], ['output_bytes', 'output', MIB],
    ['pids', 'pids', 1], ['wall_ms', 'wall_all', 60_000]] as const;

export const noOptions: Options = { review: 'both', on_failure: 'review', on_deny: 'fail', on_lost: 'fail', priority: 'normal', keep: false, env: [],
    limits: { cpu_millis: '', memory_bytes: '', disk_bytes: '', output_bytes: '', pids: '', wall_ms: '' } };

function isBad(text: string): boolean {
    return text.trim() !== '' && !(Number(text) > 0 && Number.isFinite(Number(text)));
}

export function areBad({ limits: given }: Options): boolean {
    return Object.values(given).some(isBad);
}

export function envNames({ env }: Options): string[] {
    return env.map(one => one.name.trim()).filter(Boolean);
}

/* What differs from the server's defaults. */
export function requestOptions(of: Options): Partial<RunRequest> {
    const given = limits.filter(([name]) => of.limits[name].trim()).map(([name, , unit]) => [name, Math.round(Number(of.limits[name]) * unit)]);
    const env = of.env.filter(one => one.name.trim()).map(one => [one.name.trim(), one.value]);
    return { review: of.review, on_failure: of.on_failure, on_deny: of.on_deny, on_lost: of.on_lost, priority: of.priority, ...(of.keep ? { keep: true } : {}),
        ...(given.length ? { limits: Object.fromEntries(given) } : {}), ...(env.length ? { env: Object.fromEntries(env) } : {}) };
}

let next = 1;

function Env({ env, onChange, error }: { env: Options['env']; onChange: (env: Options['env']) => void; error?: string }): JSX.Element {
    const set = (key: number, to: object): void => onChange(env.map(one => one.key === key ? { ...one, ...to } : one));
    return <fieldset class="planner-set"><legend>{t('env')}</legend>
        {env.map((one, i) => <div class="planner-env" key={one.key}>
            <input class="mono" aria-label={`${t('env_name')} ${i + 1}`} placeholder={t('env_name')} value={one.name} spellcheck={false} autocomplete="off"
                autocapitalize="off" onInput={e => set(one.key, { name: e.currentTarget.value })} />
            <input class="mono" type="password" aria-label={`${t('env_value')} ${i + 1}`} placeholder={t('env_value')} value={one.value}
                autocomplete="new-password" onInput={e => set(one.key, { value: e.currentTarget.value })} />
            <button type="button" class="button ghost icon-only" aria-label={t('env_remove', { n: i + 1 })}
                onClick={() => onChange(env.filter(each => each.key !== one.key))}><Icon name="close" /></button>
        </div>)}
        {error && <p class="field-error" role="alert">{error}</p>}
        {env.length > 0 && <p class="small faint">{t('env_hint')}</p>}
        <div class="row"><Button small icon="planner" onClick={() => onChange([...env, { key: next++, name: '', value: '' }])}>{t('env_add')}</Button></div>
    </fieldset>;
}

export function OptionsForm({ value, onChange, error }: { value: Options; onChange: (to: Options) => void; error: ApiError | null }): JSX.Element {
    const set = (to: Partial<Options>): void => onChange({ ...value, ...to });
    const isOpen = value.review === 'plan' || value.review === 'none';
    return <section class="card planner-options" aria-label={t('options')}><h2>{t('options')}</h2>
        <Field label={t('review')} error={fieldError(error, 'review')}>{p => <Select {...p} value={value.review} onChange={review => set({ review })}
            options={(['both', 'plan', 'effects', 'none'] as const).map(one => [one, t(`review_${one}`)] as const)} />}</Field>
        {isOpen && <p class="planner-warn small"><Icon name="warn" /><span>{t('opens_no_door')}
            {!may('approve') && <> {t.rich('needs_scope', { scope: <code>approve</code> })}</>}</span></p>}
        <Field label={t('on_failure')} error={fieldError(error, 'on_failure')}>{p => <Select {...p} value={value.on_failure}
            onChange={on_failure => set({ on_failure })}
            options={(['review', 'discard'] as const).map(one => [one, t(`on_failure_${one}`)] as const)} />}</Field>
        <Field label={t('on_deny')} error={fieldError(error, 'on_deny')}>{p => <Select {...p} value={value.on_deny}
            onChange={on_deny => set({ on_deny })}
            options={(['fail', 'tell'] as const).map(one => [one, t(`on_deny_${one}`)] as const)} />}</Field>
        <Field label={t('on_lost')} error={fieldError(error, 'on_lost')}>{p => <Select {...p} value={value.on_lost}
            onChange={on_lost => set({ on_lost })}
            options={(['fail', 'retry'] as const).map(one => [one, t(`on_lost_${one}`)] as const)} />}</Field>
        <Field label={t('priority')} error={fieldError(error, 'priority')}>{p => <Select {...p} value={value.priority}
            onChange={priority => set({ priority })}
            options={(['low', 'normal', 'high', 'urgent'] as const).map(one => [one, t(`p_${one}`)] as const)} />}</Field>
        <details class="planner-set" open={!!error?.details.field?.startsWith('limits') || undefined}><summary>{t('limits')}</summary>
            <div class="planner-limits">{limits.map(([name, label]) => <Field label={t(label)}
                error={isBad(value.limits[name]) ? t('bad_number') : fieldError(error, `limits.${name}`)}>{p => <input {...p} inputMode="decimal"
                    autocomplete="off" value={value.limits[name]}
                    onInput={e => set({ limits: { ...value.limits, [name]: e.currentTarget.value } })} />}</Field>)}</div>
            <p class="small faint">{t('limits_hint')}</p></details>
        <Env env={value.env} onChange={env => set({ env })} error={fieldError(error, 'env')} />
        <Check label={t('keep')} checked={value.keep} onChange={keep => set({ keep })} />
    </section>;
}
