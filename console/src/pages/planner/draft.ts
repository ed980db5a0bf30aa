/* draft - a plan while a person works on it: steps as the fields of a form, and as what is sent. Pure. */
import type { Plan, PlanStep, StepRequest } from '../../api/types';
import { commandOf } from '../run/command';

export interface Draft {
    /* Stays with the step while it moves. */
    key: number;
    title: string;
    command: string;
    /* Of a step that runs without a shell, until its text is edited: then it is shell text, quoted as it was shown. */
    argv: string[] | null;
    cwd: string;
    /* Seconds; "": the run's limit. */
    wall: string;
    pty: boolean;
    size: { cols?: number; rows?: number };
    /* null: all variables of the run. */
    env: string[] | null;
    reason: string | null;
}

let next = 1;

export function emptyDraft(): Draft {
    return { key: next++, title: '', command: '', argv: null, cwd: '', wall: '', pty: false, size: {}, env: null, reason: null };
}

/* A title that only repeats the command is left to the server: it follows when the command is edited. */
function draftOf(step: PlanStep, names: readonly string[]): Draft {
    const command = commandOf(step), repeats = step.title === command || step.title === step.argv?.join(' ');
    return {
        key: next++, title: repeats ? '' : step.title, command, argv: step.argv, cwd: step.cwd, pty: step.pty ?? false,
        size: step.pty ? { cols: step.cols, rows: step.rows } : {}, reason: step.reason,
        wall: step.wall_ms === null ? '' : String(step.wall_ms / 1000),
        env: names.every(name => step.env_names.includes(name)) ? null : step.env_names,
    };
}

export function draftsOf(plan: Plan, names: readonly string[] = []): Draft[] {
    return plan.steps.map(step => draftOf(step, names));
}

/* `names`: the variables of the run; undefined: they do not matter (to the policy). */
export function requestOf(draft: Draft, names?: readonly string[]): StepRequest {
    const { title, command, argv, cwd, wall, pty, size, env, reason } = draft;
    return {
        ...(argv ? { argv } : { command }),
        ...(title.trim() ? { title: title.trim() } : {}), ...(cwd.trim() ? { cwd: cwd.trim() } : {}),
        ...(wall.trim() ? { wall_ms: Math.round(Number(wall) * 1000) } : {}), ...(pty ? { pty, ...size } : {}),
        ...(names && env ? { env_names: env.filter(name => names.includes(name)) } : {}), ...(reason ? { reason } : {}),
    } as StepRequest;
}

/* What would run: two drafts with the same text of it are the same to a person who approves. */
export function textOf(drafts: readonly Draft[]): string {
    return JSON.stringify(drafts.map(draft => [requestOf(draft), draft.env]));
}

export function moved<T>(items: readonly T[], from: number, to: number): T[] {
    const out = [...items], at = Math.max(0, Math.min(items.length - 1, to));
    out.splice(at, 0, ...out.splice(from, 1));
    return out;
}

export function isEmpty(draft: Draft): boolean {
    return !draft.argv && !draft.command.trim();
}
