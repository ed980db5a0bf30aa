/* about - what a run was asked with: doors, limits, environment, ids. */
import type { JSX } from 'preact';
import type { RunDetail } from '../../api/types';
import { Link } from '../../router';
import { Facts } from '../../ui/facts';
import { bytes, duration, number } from '../../ui/format';
import { Code, Text } from '../../ui/text';
import { Time } from '../../ui/time';
import { priorityText } from '../queue/priority';
import { t } from './strings';

function limitsOf({ limits }: RunDetail): string {
    const { cpu_millis, memory_bytes, pids, wall_ms, disk_bytes, output_bytes } = limits;
    return [cpu_millis && `cpu ${number(cpu_millis / 1000)}`, memory_bytes && `memory ${bytes(memory_bytes)}`, pids && `pids ${number(pids)}`,
        wall_ms && `wall ${duration(wall_ms)}`, disk_bytes && `disk ${bytes(disk_bytes)}`, output_bytes && `output ${bytes(output_bytes)}`]
        .filter(Boolean).join(' · ');
}

export function About({ run }: { run: RunDetail }): JSX.Element {
    return <div class="card"><Facts rows={[
        [t('id'), <code>{run.id}</code>],
        [t('project'), <><Text of={run.project_name} /> <code class="faint">{run.project_id}</code></>],
        [t('created'), <><Time of={run.created_at} /> · {t.rich('started_by', { who: <Text of={run.actor} />, surface: run.surface })}</>],
        [t('review'), t(`review_${run.review}`)],
        [t('priority'), priorityText(run.priority)],
        [t('limits'), limitsOf(run) || '–'],
        run.env_names.length > 0 && [t('env'), run.env_names.map(name => <><Code of={name} /> </>)],
        run.undoes !== null && [t('undoes'), <Link href={`/runs/${run.undoes}`}><code>{run.undoes}</code></Link>],
        run.reason && [t('reason'), <><code>{run.reason.code}</code> <Text of={run.reason.message} /></>],
        run.kept && [t('kept'), '✓'],
    ]} /></div>;
}
