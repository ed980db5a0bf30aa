/* page_head - the first line of a page: its name, what one can do there, and a line about it. */
import type { ComponentChildren, JSX } from 'preact';

export function PageHead({ title, about, actions, children }: {
    title: ComponentChildren; about?: ComponentChildren; /* buttons */ actions?: ComponentChildren; /* filters */ children?: ComponentChildren;
}): JSX.Element {
    return <div class="page-head"><div class="page-title"><h1>{title}</h1>{actions && <div class="row">{actions}</div>}</div>
        {about && <p class="faint">{about}</p>}{children && <div class="filters">{children}</div>}</div>;
}
