/* command - what a step runs, as a person would type it. For reading only: the words of argv are quoted where they must be. */
import type { Decision } from '../../api/types';

interface Runs {
    command: string | null;
    argv: string[] | null;
}

function quoted(word: string): string {
    return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
}

export function commandOf(step: Runs): string {
    return step.command ?? (step.argv ?? []).map(quoted).join(' ');
}

/* What of it a person shall look at: the piece that made the policy ask or deny. */
export function pieceOf(decision: Decision | null | undefined): string | null {
    return decision && decision.action !== 'allow' ? decision.piece : null;
}
