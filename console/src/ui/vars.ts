/* vars - the one way to give an element a measured size or place: custom properties that a style sheet uses. (By the
 * object model, which the content security policy allows; a style attribute it does not.) */
import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';

export function setVars(element: HTMLElement | SVGElement | null, vars: Record<`--${string}`, string | number>): void {
    if (element)
        for (const [name, value] of Object.entries(vars))
            element.style.setProperty(name, String(value));
}

export function useVars(ref: RefObject<HTMLElement | null>, vars: Record<`--${string}`, string | number>): void {
    useLayoutEffect(() => setVars(ref.current, vars), Object.values(vars));
}
