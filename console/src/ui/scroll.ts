/* scroll - what scrolls an element. */

/* The nearest element around it that has more in it than it shows; null: the page scrolls it, or nothing does. */
export function scrollerOf(element: Element): Element | null {
    for (let at = element.parentElement; at && at !== document.body; at = at.parentElement)
        if (at.scrollHeight > at.clientHeight && /auto|scroll/.test(getComputedStyle(at).overflowY))
            return at;
    return null;
}
