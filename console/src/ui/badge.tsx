/* badge - a state by its name, its colour and its sign: never by colour alone. */
import type { JSX } from 'preact';
import { Icon, type IconName } from './icons';
import { t } from './strings';

type Tone = 'good' | 'bad' | 'warn' | 'busy' | 'calm' | 'ask';

/* States of runs, steps, approvals; decisions of the policy; levels of doctor. */
const states = {
    queued: ['calm', 'clock'], planning: ['busy', 'dots'], awaiting_review: ['ask', 'hand'], running: ['busy', 'dots'],
    awaiting_approval: ['ask', 'hand'], awaiting_apply: ['ask', 'hand'], applying: ['busy', 'dots'], finishing: ['busy', 'dots'],
    succeeded: ['good', 'check'], failed: ['bad', 'cross'], rejected: ['bad', 'cross'], canceled: ['calm', 'minus'],
    expired: ['calm', 'clock'], pending: ['calm', 'clock'], denied: ['bad', 'cross'], skipped: ['calm', 'minus'], lost: ['bad', 'warn'],
    allowed: ['good', 'check'], void: ['calm', 'minus'], allow: ['good', 'check'], ask: ['ask', 'hand'], deny: ['bad', 'cross'],
    paused: ['warn', 'minus'], hard: ['good', 'check'], soft: ['warn', 'warn'], absent: ['bad', 'cross'],
} as const satisfies Record<string, readonly [Tone, IconName]>;

export type State = keyof typeof states;

export function State({ of, short }: { of: State; /* the sign alone, the name for readers of the screen */ short?: boolean }): JSX.Element {
    const [tone, icon] = states[of] ?? ['calm', 'dots'];
    const name = t(`s_${of}`);
    return <span class={`state ${tone}`} data-state={of} title={short ? name : undefined}><Icon name={icon} />
        <span class={short ? 'sr-only' : ''}>{name}</span></span>;
}

/* A word in a frame: a kind, a scope. */
export function Badge({ children, tone = 'calm' }: { children: string; tone?: Tone }): JSX.Element {
    return <span class={`badge ${tone}`}>{children}</span>;
}
