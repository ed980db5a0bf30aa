/* kept - a plan that somebody writes, while they log in again because their login ended under it. In this tab's memory only,
 * since variables are secrets, and not after a logout that somebody asked for. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { endedItself } from '../../api/session';

const kept = new Map<string, unknown>();

/* What was kept under that name, if anything, for the first state of the page; it is given out once. `now`: what to keep when
 * the page goes; undefined: nothing that would be lost. */
export function useKept<T>(name: string): { was: T | undefined; keep: (now: T | undefined) => void } {
    const [was] = useState(() => {
        const found = kept.get(name) as T | undefined;
        kept.delete(name);
        return found;
    });
    const latest = useRef<T | undefined>(undefined);
    useEffect(() => () => {
        if (endedItself() && latest.current !== undefined)
            kept.set(name, latest.current);
    }, []);
    return { was, keep: now => { latest.current = now; } };
}
