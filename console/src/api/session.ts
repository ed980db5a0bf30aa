/* session - who is logged in. The csrf value is kept per origin (so per port); the cookie itself is out of reach here. */
import { signal } from '@preact/signals';
import type { Schemas, Scope } from './types';

export type Me = Schemas['Me'];

/* null: not logged in; undefined: not known yet. */
export const me = signal<Me | null | undefined>(undefined);

const CSRF = 'csrf';

export function csrf(): string | null {
    return localStorage.getItem(CSRF);
}

export function keepCsrf(value: string): void {
    localStorage.setItem(CSRF, value);
}

/* Did the last login end because its person wanted it to? Then nothing of theirs waits for the next one. */
let wasWanted = false;

export function endedItself(): boolean {
    return me.peek() === null && !wasWanted;
}

/* The login is over: a 401, or a logout. The shell shows the login page, and then what was there before. */
export function ended(wanted = false): void {
    localStorage.removeItem(CSRF);
    wasWanted = wanted;
    me.value = null;
}

/* Logged in, or out, in another tab: the same here. */
export function watchOtherTabs(again: () => void): void {
    addEventListener('storage', e => {
        if (e.key !== CSRF && e.key !== null)
            return;
        if (csrf())
            again();
        else
            ended();
    });
}

/* Would the server let this token do that? It decides; this only keeps buttons away that cannot work. */
export function may(scope: Scope): boolean {
    const scopes = me.value?.token.scopes ?? [];
    return scopes.includes('admin') || scopes.includes(scope)
        || (scope.endsWith(':read') && scopes.includes(scope.replace(':read', ':write') as Scope) && scope !== 'audit:read');
}
