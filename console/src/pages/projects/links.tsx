/* links - where one goes from a project. */
import type { JSX } from 'preact';
import { Link } from '../../router';
import { NewRunLink } from '../../ui/new_run';
import { t } from './strings';

export function RunLinks({ id }: { id: string }): JSX.Element {
    return <><NewRunLink project={id} />
        <Link class="button" href={`/runs?project=${id}`}>{t('runs')}</Link></>;
}
