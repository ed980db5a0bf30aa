/* kept - a plan that somebody writes, while they log in again because their login ended under it. In this tab's memory only,
 * since variables are secrets; not after a logout that somebody asked for, and for no token of another name. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { endedItself, me } from '../../api/session';

const kept = new Map<string, { whose: string; what: unknown }>();

/* Who is logged in: a new token goes on under the name of the one that expired. */
function person(): string {
    const is = me.peek();
    return is ? JSON.stringify([is.tenant_id, is.token.name]) : '';
}

/* Somebody else's is lost as soon as it is asked for. */
function take(name: string): unknown {
    const found = kept.get(name);
    kept.delete(name);
    return found?.whose === person() ? found.what : undefined;
}

/* What was kept under that name, if anything, for the first state of the page; it is given out once. `now`: what to keep when
 * the page goes; undefined: nothing that would be lost. */
export function useKept<T>(name: string): { was: T | undefined; keep: (now: T | undefined) => void } {
    const [was] = useState(() => take(name) as T | undefined), [whose] = useState(person);
    const latest = useRef<T | undefined>(undefined);
    useEffect(() => () => {
        if (endedItself() && latest.current !== undefined)
            kept.set(name, { whose, what: latest.current });
    }, []);
    return { was, keep: now => { latest.current = now; } };
}
