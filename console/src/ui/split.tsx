/* split - two parts beside one another with a bar between them that moves (mouse, arrow keys); one below the other where
 * the screen is narrow. The width is kept by name. */
import type { ComponentChildren, JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { t } from './strings';
import { useVars } from './vars';

export function Split({ name, first, second, start = 320, least = 200 }: {
    name: string; first: ComponentChildren; second: ComponentChildren; /* px of the first */ start?: number; least?: number;
}): JSX.Element {
    const ref = useRef<HTMLDivElement>(null);
    const [width, setWidth] = useState(() => Number(localStorage.getItem(`split.${name}`)) || start);
    useVars(ref, { '--split': `${width}px` });
    const set = (px: number): void => {
        const most = Math.max(least, (ref.current?.clientWidth ?? 1000) - least);
        const to = Math.round(Math.min(most, Math.max(least, px)));
        setWidth(to);
        localStorage.setItem(`split.${name}`, String(to));
    };
    return <div class="split" ref={ref}>
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
        <div class="split-second">{second}</div>
    </div>;
}
