/* storage - what takes room, what is removed when, and what would go now. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../../api/action';
import { get } from '../../api/client';
import { useLoad } from '../../api/load';
import { may } from '../../api/session';
import type { Schemas } from '../../api/types';
import { Link } from '../../router';
import { Button } from '../../ui/button';
import { Confirm } from '../../ui/dialog';
import { Facts } from '../../ui/facts';
import { bytes, duration, number } from '../../ui/format';
import { Problem } from '../../ui/problem';
import { Progress, Skeleton } from '../../ui/progress';
import { Code, Text } from '../../ui/text';
import { Time } from '../../ui/time';
import { toast } from '../../ui/toast';
import { t } from './strings';

type Retention = Schemas['Retention'];
const kinds = ['logs', 'artifacts', 'layers', 'runs', 'database', 'other'] as const;

function Disk({ of }: { of: Retention['disk'] }): JSX.Element {
    const words = { ok: t('disk_ok'), tight: t('disk_tight'), full: t('disk_full') };
    return <section class="card" data-disk={of.state}><h2>{t('disk')}: {words[of.state]}</h2>
        {of.reason !== null && <p class="field-error"><Text of={of.reason} /></p>}
        <Facts rows={[[t('disk_used'), bytes(of.used_bytes)], of.free_bytes >= 0 && [t('free'), bytes(of.free_bytes)],
            [t('budget'), of.budget_bytes > 0 ? bytes(of.budget_bytes) : t('no_budget')], [t('min_free'), bytes(of.min_free_bytes)],
            of.measured_at !== null && [t('measured'), <Time of={of.measured_at} />]]} />
        <table class="settings-disk"><thead><tr><th>{t('kind')}</th><th>{t('size')}</th><th><span class="sr-only">{t('disk_used')}</span></th></tr></thead>
            <tbody>{kinds.map(kind => <tr><td>{t(`k_${kind}`)}</td><td class="num">{bytes(of.used[kind])}</td>
                <td><Progress done={of.used[kind]} of={of.used_bytes} label={t(`k_${kind}`)} /></td></tr>)}</tbody></table></section>;
}

function Rules({ of }: { of: Retention['rules'] }): JSX.Element {
    const kept = (ms: number): string => ms > 0 ? duration(ms) : t('forever');
    return <section class="card"><h2>{t('rules')}</h2><Facts rows={[[t('runs_ms'), kept(of.runs_ms)],
        [t('failed_runs_ms'), of.failed_runs_ms > 0 ? duration(of.failed_runs_ms) : of.runs_ms > 0 ? t('default_as') : t('forever')],
        [t('logs_ms'), kept(of.logs_ms)], [t('max_bytes'), of.max_bytes > 0 ? bytes(of.max_bytes) : t('no_bound')],
        [t('compress'), of.compress ? t('compress_after', { time: duration(of.compress_after_ms) }) : t('no')]]} />
    <p class="faint small">{t('rules_where')}</p></section>;
}

function Done({ of }: { of: Retention['done'] }): JSX.Element {
    return <section class="card"><h2>{t('done_title')}</h2><Facts rows={[[t('d_logs'), t('of_runs', { n: of.logs_removed })],
        [t('d_runs'), number(of.runs_removed)], [t('d_bytes'), bytes(of.removed_bytes)],
        [t('d_compressed'), `${number(of.logs_compressed)} (${bytes(of.compressed_in_bytes)} → ${bytes(of.compressed_out_bytes)})`],
        of.failed > 0 && [t('d_failed'), number(of.failed)]]} /></section>;
}

function Removals({ onDone }: { onDone: () => void }): JSX.Element {
    const [found, setFound] = useState<Schemas['RetentionDone'] | null>(null), [sure, setSure] = useState(false);
    const look = useAction(call => call.post('/retention', {}, { dry_run: true }), setFound);
    const remove = useAction(call => call.post('/retention', {}, { dry_run: false }), report => {
        setFound(null);
        toast(t('removed', { size: bytes(report.bytes) }));
        onDone();
    });
    return <section class="stack"><div><Button action={look}>{t('preview')}</Button></div><Problem of={look.error.value} />
        {found && (found.actions.length === 0 ? <p role="status">{t('nothing_to_remove')}</p> : <>
            <div class="settings-line"><p role="status">{t('would', { n: found.actions.length, size: bytes(found.bytes) })}</p>
                <Button kind="danger" onClick={() => setSure(true)}>{t('apply_now')}</Button></div>
            <div class="table-box" role="region" aria-label={t('preview')} tabIndex={0}><table><thead><tr><th>{t('kind')}</th><th>{t('rule')}</th>
                <th>{t('size')}</th></tr></thead><tbody>{found.actions.map(one => <tr><td>{t(`a_${one.what}`)}{' '}
                <Link href={`/runs/${one.run_id}`}><Code of={one.run_id} /></Link></td><td><Text of={one.detail} /></td>
            <td class="num">{bytes(one.bytes)}</td></tr>)}</tbody></table></div></>)}
        {sure && <Confirm title={t('apply_q')} kind="danger" action={remove} label={t('apply_now')}
            onClose={() => setSure(false)}><p>{t('apply_say')}</p></Confirm>}
    </section>;
}

export function Storage(): JSX.Element {
    const loaded = useLoad(signal => get('/retention', { signal }), [], 10_000), now = loaded.data.value;
    return <div class="stack"><Problem of={loaded.error.value} onRetry={() => void loaded.reload()} />
        {!now ? !loaded.error.value && <Skeleton /> : <><Disk of={now.disk} /><Rules of={now.rules} /><Done of={now.done} />
            {may('admin') && <Removals onDone={() => void loaded.reload()} />}</>}</div>;
}
