/* empty - what a list says when there is nothing in it, and what to do next. */
import type { ComponentChildren, JSX } from 'preact';
import { Icon, type IconName } from './icons';

export function Empty({ icon, title, children, action, first }: {
    icon?: IconName; title: string; /* it is all there is on the page */ first?: boolean;
    children?: ComponentChildren; /* buttons, links */ action?: ComponentChildren;
}): JSX.Element {
    return <div class="empty">{icon && <Icon name={icon} />}{first ? <h1>{title}</h1> : <h2>{title}</h2>}{children && <p>{children}</p>}
        {action && <div class="row">{action}</div>}</div>;
}
