/* button - does something. It shows that it waits, and cannot be pressed twice meanwhile. */
import type { ComponentChildren, JSX } from 'preact';
import type { Action } from '../api/action';
import { Icon, type IconName } from './icons';
import { Kbd } from './keys';

export type ButtonKind = 'plain' | 'primary' | 'danger' | 'ghost';

export interface ButtonProps {
    children: ComponentChildren;
    kind?: ButtonKind;
    /* Runs it, and waits with it. Its error is the page's to show: <Problem of={action.error.value} />. */
    action?: Action;
    onClick?: () => void;
    busy?: boolean;
    disabled?: boolean;
    icon?: IconName;
    /* The key that does the same; it is shown. */
    hint?: string;
    title?: string;
    type?: 'button' | 'submit';
    pressed?: boolean;
    small?: boolean;
}

export function Button({ children, kind = 'plain', action, onClick, busy, disabled, icon, hint, title, type = 'button', pressed, small }:
    ButtonProps): JSX.Element {
    const waits = busy || action?.busy.value || false;
    return <button type={type} class={`button ${kind}${small ? ' small' : ''}`} aria-busy={waits} aria-disabled={waits || disabled}
        disabled={disabled} aria-pressed={pressed} title={title} onClick={e => {
            if (waits || disabled) {
                e.preventDefault();
                return;
            }
            if (action)
                void action.run();
            onClick?.();
        }}>
        {waits ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
        <span>{children}</span>
        {hint && <span class="hint" aria-hidden="true"><Kbd of={hint} /></span>}
    </button>;
}
