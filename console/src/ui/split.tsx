/* split - two parts beside one another with a bar between them that moves (mouse, arrow keys); one below the other where
 * the screen is narrow. The width is kept by name. Neither a long list nor a long second part takes the other out of sight:
 * the first scrolls by itself, the second too where `fits` says so. */
import type { ComponentChildren, JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from './strings';
import { setVars, useVars } from './vars';

export function Split({ name, first, second, start = 320, least = 200, fits, of }: {
    name: string; first: ComponentChildren; second: ComponentChildren; /* px of the first */ start?: number; least?: number;
    /* The second is as high as the screen and scrolls by itself. */
    fits?: boolean;
    /* What the second shows: when it changes, its beginning is brought into sight. */
    of: string;
}): JSX.Element {
    const ref = useRef<HTMLDivElement>(null), right = useRef<HTMLDivElement>(null), shown = useRef(of);
    const [width, setWidth] = useState(() => Number(localStorage.getItem(`split.${name}`)) || start);
    useVars(ref, { '--split': `${width}px` });
    /* How much of the screen is left below what stands above. */
    useLayoutEffect(() => {
        const measure = (): void => {
            if (ref.current)
                setVars(ref.current, { '--split-top': `${Math.round(ref.current.getBoundingClientRect().top + scrollY)}px` });
        };
        measure();
        const sized = new ResizeObserver(measure);
        for (let at = ref.current?.parentElement; at && at !== document.body; at = at.parentElement)
            sized.observe(at);
        return () => sized.disconnect();
    }, []);
    useLayoutEffect(() => {
        if (shown.current === of || !right.current)
            return;
        shown.current = of;
        right.current.scrollTop = 0;
        const top = (right.current.offsetTop === ref.current?.offsetTop ? ref.current : right.current).getBoundingClientRect().top;
        const bar = document.querySelector('.bar')?.getBoundingClientRect().bottom ?? 0;
        if (top < bar)
            scrollBy(0, top - bar - 8);
    }, [of]);
    const set = (px: number): void => {
        const most = Math.max(least, (ref.current?.clientWidth ?? 1000) - least);
        const to = Math.round(Math.min(most, Math.max(least, px)));
        setWidth(to);
        localStorage.setItem(`split.${name}`, String(to));
    };
    return <div class={fits ? 'split split-fits' : 'split'} ref={ref}>
        <div class="split-first">{first}</div>
        <div class="split-bar" role="separator" tabIndex={0} aria-orientation="vertical" aria-label={t('resize')} aria-valuenow={width}
            aria-valuemin={least} aria-valuemax={2000}
            onPointerDown={e => { e.currentTarget.setPointerCapture(e.pointerId); e.preventDefault(); }}
            onPointerMove={e => {
                if (e.currentTarget.hasPointerCapture(e.pointerId))
                    set(e.clientX - (ref.current?.getBoundingClientRect().left ?? 0));
            }}
            onKeyDown={e => {
                const by = e.key === 'ArrowLeft' ? -24 : e.key === 'ArrowRight' ? 24 : 0;
                if (by) {
                    e.preventDefault();
                    set(width + by);
                }
            }} />
        <div class="split-second" ref={right}>{second}</div>
    </div>;
}
