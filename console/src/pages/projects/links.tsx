/* links - where one goes from a project. */
import type { JSX } from 'preact';
import { Link } from '../../router';
import { t } from './strings';

export function RunLinks({ id }: { id: string }): JSX.Element {
    return <><Link class="button primary" href={`/plan?project=${id}`}>{t('plan')}</Link>
        <Link class="button" href={`/runs?project=${id}`}>{t('runs')}</Link></>;
}
