/* dialog - a question or an overlay on top of the page: the browser's own, which keeps the focus inside and gives it back. */
import type { ComponentChildren, JSX } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import type { Action } from '../api/action';
import { Button, type ButtonKind } from './button';
import { Icon } from './icons';
import { Problem } from './problem';
import { t } from './strings';

interface DialogProps {
    title: ComponentChildren;
    onClose: () => void;
    children: ComponentChildren;
    /* Buttons, at the end. */
    foot?: ComponentChildren;
    /* Closes it as well as Escape does: the key that opened it. */
    closeKey?: string;
    wide?: boolean;
}

/* What one came for: the first field, else the first thing to press at the end. The browser takes the first of all, which closes
 * it. */
function firstOf(dialog: HTMLDialogElement | null): HTMLElement | null | undefined {
    return ['[autofocus]', '.dialog-body :is(input, select, textarea):not([type=hidden], [hidden], :disabled)', 'footer :is(a, button):not(:disabled)']
        .map(what => dialog?.querySelector<HTMLElement>(what)).find(Boolean);
}

export function Dialog({ title, onClose, children, foot, closeKey, wide }: DialogProps): JSX.Element {
    const ref = useRef<HTMLDialogElement>(null), id = useId();
    useLayoutEffect(() => { /* before the next key is looked at: it is the dialog's */
        const back = document.activeElement;
        ref.current?.showModal();
        firstOf(ref.current)?.focus({ preventScroll: true });
        return () => { (back as HTMLElement | null)?.focus?.(); };
    }, []);
    return <dialog ref={ref} class={wide ? 'dialog dialog-wide' : 'dialog'} aria-labelledby={id}
        onCancel={e => { e.preventDefault(); onClose(); }}
        onClick={e => { if (e.target === ref.current) onClose(); }}
        onKeyDown={e => { if (e.key === closeKey) { e.preventDefault(); onClose(); } }}>
        <div class="dialog-box">
            <header><h2 id={id}>{title}</h2>
                <button type="button" class="button ghost icon-only" aria-label={t('close')} onClick={onClose}><Icon name="close" /></button></header>
            <div class="dialog-body">{children}</div>
            {foot && <footer>{foot}</footer>}
        </div>
    </dialog>;
}

/* "Do you want that?": closes itself when the action succeeded. */
export function Confirm({ title, children, action, label, kind = 'primary', onClose }: {
    title: ComponentChildren; children?: ComponentChildren; action: Action; label: string; kind?: ButtonKind; onClose: () => void;
}): JSX.Element {
    return <Dialog title={title} onClose={onClose} foot={<>
        <Button onClick={onClose}>{t('cancel')}</Button>
        <Button kind={kind} busy={action.busy.value} onClick={() => void action.run().then(ok => { if (ok) onClose(); })}>{label}</Button>
    </>}>{children}<Problem of={action.error.value} /></Dialog>;
}
