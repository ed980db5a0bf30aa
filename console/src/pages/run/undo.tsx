/* undo - an undo says what it put back, and the run that was undone says so too. */
import type { JSX } from 'preact';
import type { RunDetail } from '../../api/types';
import { Link } from '../../router';
import { State } from '../../ui/badge';
import { Empty } from '../../ui/empty';
import { Icon } from '../../ui/icons';
import { Code, Text } from '../../ui/text';
import { Time } from '../../ui/time';
import { t } from './strings';

function Other({ id }: { id: string }): JSX.Element {
    return <Link href={`/runs/${id}`}><code>{id}</code></Link>;
}

/* Of an undo, in the place of its steps and its changes: it has none. */
export function Undo({ run }: { run: RunDetail }): JSX.Element {
    const of = <Other id={run.undoes ?? ''} />, { apply } = run;
    return run.finished_at === null ? <Empty icon="clock" title={t('undo_goes_on')}>{t.rich('undo_of', { run: of })}</Empty>
        : apply?.applied ? <Empty icon="check" title={t('undo_done', { n: apply.files })}>
            {t.rich('undo_done_hint', { run: of, when: <Time of={run.finished_at} /> })}</Empty>
            : <><Empty icon="warn" title={t('undo_nothing')}>{t.rich('undo_of', { run: of })}</Empty>
                {apply && apply.conflicts.length > 0 && <ul class="run-undo-why">{apply.conflicts.map(one =>
                    <li><Code of={one.path} /> <Text of={one.why} /></li>)}</ul>}</>;
}

/* Of a run whose apply was taken back, or is about to be. */
export function Undone({ run }: { run: RunDetail }): JSX.Element | null {
    const by = run.undone_by;
    if (!by)
        return null;
    return <p class="card run-undone" role="status"><Icon name="check" /><span>{by.finished_at !== null
        ? t.rich('was_undone', { when: <Time of={by.finished_at} />, run: <Other id={by.id} /> })
        : t.rich('is_undone', { run: <Other id={by.id} /> })}</span>{by.finished_at === null && <State of={by.state} />}</p>;
}
