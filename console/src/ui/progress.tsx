/* progress - that something goes on: a turning sign, a bar with a part done, or the room where something will be. */
import type { JSX } from 'preact';
import { t } from './strings';

export function Spinner({ label }: { label?: string }): JSX.Element {
    return <span class="waiting" role="status"><span class="spinner" aria-hidden="true" /><span>{label ?? t('loading')}</span></span>;
}

export function Progress({ done, of, label }: { done: number; of: number; label: string }): JSX.Element {
    return <progress class="progress" value={done} max={Math.max(of, 1)} aria-label={label} />;
}

/* Rows of a list that is not here yet. It appears after a moment, so that fast answers do not flicker. */
export function Skeleton({ rows = 6 }: { rows?: number }): JSX.Element {
    return <div class="skeleton" role="status" aria-label={t('loading')}>{Array.from({ length: rows }, () => <div />)}</div>;
}
