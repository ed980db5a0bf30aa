/* new_run - the way to the planner, for those whose token may start a run. */
import type { JSX } from 'preact';
import { may } from '../api/session';
import { Link } from '../router';
import { t } from './strings';

export function NewRunLink({ project }: { project?: string }): JSX.Element | null {
    return may('run:write') ? <Link class="button primary" href={project ? `/plan?project=${project}` : '/plan'}>{t('planner')}</Link> : null;
}
