/* seen - whether what is to be approved has been on the screen down to its end. Long text, or a small window, must not
 * leave the part that matters below the edge while the button, or its key, is at hand. */
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { scrollerOf } from './scroll';

export interface Seen {
    seen: boolean;
    /* Of an element behind all of it. */
    end: RefObject<HTMLSpanElement | null>;
    /* Goes on by less than a screen. */
    more: () => void;
}

/* `of` names exactly what is shown (a hash); undefined: nothing yet. */
export function useSeen(of: string | undefined): Seen {
    const [seen, setSeen] = useState<string | undefined>(undefined), end = useRef<HTMLSpanElement>(null);
    useEffect(() => {
        const { current: element } = end;
        if (of === undefined || !element)
            return undefined;
        const watch = new IntersectionObserver(rows => {
            if (rows.some(row => row.isIntersecting)) {
                setSeen(of);
                watch.disconnect();
            }
        });
        watch.observe(element);
        return () => watch.disconnect();
    }, [of]);
    return {
        seen: of !== undefined && seen === of, end,
        more: () => {
            const { current: element } = end;
            if (!element)
                return;
            const scroller = scrollerOf(element) ?? document.documentElement;
            if (element.getBoundingClientRect().bottom < 0) /* it is above, not below */
                element.scrollIntoView({ block: 'center' });
            else
                scroller.scrollBy({ top: scroller.clientHeight * .75 });
        },
    };
}
