/* doctor - what the sandbox can enforce on this host: each barrier and limit as measured, what is weak first, with its fix. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { get } from '../../api/client';
import { useLoad } from '../../api/load';
import { may } from '../../api/session';
import type { Doctor as Answer } from '../../api/types';
import { State } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Check } from '../../ui/field';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/progress';
import { Text } from '../../ui/text';
import { t } from './strings';
import { AdminOnly } from './tokens';

const order = { absent: 0, soft: 1, hard: 2 } as const;

function Table({ checks }: { checks: Answer['checks'] }): JSX.Element {
    return <div class="table-box" role="region" aria-label={t('tab_doctor')} tabIndex={0}><table class="settings-doctor">
        <thead><tr><th>{t('level')}</th><th>{t('check')}</th><th>{t('detail')}</th><th>{t('fix')}</th></tr></thead>
        <tbody>{checks.map(one => <tr key={one.name}><td><State of={one.level} /></td><td><Text of={one.name} /></td>
            <td class="faint"><Text of={one.detail} lines /></td><td><Text of={one.fix} lines /></td></tr>)}</tbody></table></div>;
}

function Measured(): JSX.Element {
    const loaded = useLoad(signal => get('/doctor', { signal }), []), [weak, setWeak] = useState(false);
    const doctor = loaded.data.value;
    const count = (level: keyof typeof order): number => doctor?.checks.filter(one => one.level === level).length ?? 0;
    const checks = [...doctor?.checks ?? []].sort((a, b) => order[a.level] - order[b.level]).filter(one => !weak || one.level !== 'hard');
    return <div class="stack"><Problem of={loaded.error.value} onRetry={() => void loaded.reload()} />
        {!doctor ? !loaded.error.value && <Skeleton rows={12} /> : <>
            <section class="card" data-ok={doctor.ok}><div class="settings-line"><div><h2>{doctor.ok ? t('doctor_good') : t('doctor_bad')}</h2>
                <p>{t('doctor_counts', { hard: count('hard'), soft: count('soft'), absent: count('absent') })}</p>
                <p class="faint small">{doctor.mode === 'root' ? t('mode_root') : t('mode_user')} · {t('kernel')} <Text of={doctor.kernel} /></p></div>
            <Button busy={loaded.loading.value} onClick={() => void loaded.reload()}>{t('again')}</Button></div></section>
            <p class="faint">{t('doctor_about')}</p>
            <Check label={t('weak_only')} checked={weak} onChange={setWeak} />
            {checks.length ? <Table checks={checks} /> : <p>{t('all_hard')}</p>}</>}
    </div>;
}

export function Doctor(): JSX.Element {
    return may('admin') ? <Measured /> : <AdminOnly />;
}
