/* settled - whether what is to be decided has been on the screen long enough to be meant by a click or a key. One door takes
 * the place of another by itself: the second click of a double click, or a key on its way, is for what was there before. */
import { useEffect, useState } from 'preact/hooks';

const SETTLE = 500; /* ms; a double click takes no longer on any desktop */

/* `of` names exactly what is shown (a hash); undefined: nothing yet. */
export function useSettled(of: string | undefined): boolean {
    const [settled, setSettled] = useState<string | undefined>(undefined);
    useEffect(() => {
        const timer = setTimeout(() => setSettled(of), SETTLE);
        return () => clearTimeout(timer);
    }, [of]);
    return of !== undefined && settled === of;
}
