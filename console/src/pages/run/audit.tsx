/* audit - who decided and did what in this run. */
import type { JSX } from 'preact';
import { get } from '../../api/client';
import { useLoad } from '../../api/load';
import type { RunDetail } from '../../api/types';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/progress';
import { Code } from '../../ui/text';
import { Time } from '../../ui/time';
import { Who } from '../../ui/who';
import { t } from './strings';

export function Audit({ run }: { run: RunDetail }): JSX.Element {
    const loaded = useLoad(signal => get('/runs/{run}/audit', { path: { run: run.id }, signal }), [run.id, run.state]);
    return <><Problem of={loaded.error.value} onRetry={() => void loaded.reload()} />
        {!loaded.data.value ? !loaded.error.value && <Skeleton />
            : <div class="table-box" role="region" aria-label={t('tab_audit')} tabIndex={0}><table class="run-audit">
                <thead><tr><th>{t('seq')}</th><th>{t('time')}</th><th>{t('who')}</th><th>{t('did')}</th><th>{t('about')}</th></tr></thead>
                <tbody>{loaded.data.value.items.map(one => <tr key={one.seq}>
                    <td class="num faint">{one.seq}</td><td><Time of={one.time} /></td>
                    <td><Who of={one.actor} /> <span class="faint small">{one.surface}</span></td><td><Code of={one.action} /></td>
                    <td class="small"><Code of={JSON.stringify(one.data)} /></td></tr>)}</tbody>
            </table></div>}</>;
}
