/* field - form fields, each with its label, and beside it what the server said is wrong with it.
 *
 *   <Field label={t('name')} error={fieldError(action.error.value, 'name')}>{p => <input {...p} value=… onInput=… />}</Field> */
import type { ComponentChildren, JSX } from 'preact';
import { useId } from 'preact/hooks';
import type { ApiError } from '../api/errors';
import { Text } from './text';

/* What the server said of this field ("limits.memory_bytes"), or of what lies below it ("steps[2].command" for "steps"). */
export function fieldError(e: ApiError | null, name: string): string | undefined {
    const field = e?.details.field;
    return e && field && (field === name || field.startsWith(`${name}.`) || field.startsWith(`${name}[`)) ? e.message : undefined;
}

export interface FieldProps {
    id: string;
    'aria-describedby': string | undefined;
    'aria-invalid': boolean;
}

export function Field({ label, help, error, children, hideLabel }: {
    label: string; help?: ComponentChildren; error?: string; children: (props: FieldProps) => ComponentChildren; hideLabel?: boolean;
}): JSX.Element {
    const id = useId();
    const said = [help ? `${id}-help` : '', error ? `${id}-error` : ''].filter(Boolean).join(' ');
    return <div class={error ? 'field invalid' : 'field'}>
        <label for={id} class={hideLabel ? 'sr-only' : ''}>{label}</label>
        {children({ id, 'aria-describedby': said || undefined, 'aria-invalid': !!error })}
        {help && <p id={`${id}-help`} class="faint small">{help}</p>}
        {error && <p id={`${id}-error`} class="field-error" role="alert"><Text of={error} /></p>}
    </div>;
}

export function Check({ label, checked, mixed = false, onChange, disabled }: {
    label: ComponentChildren; checked: boolean; /* neither the one nor the other */ mixed?: boolean; onChange: (checked: boolean) => void; disabled?: boolean;
}): JSX.Element {
    return <label class="check"><input type="checkbox" checked={checked} indeterminate={mixed} disabled={disabled}
        onChange={e => onChange(e.currentTarget.checked)} /><span>{label}</span></label>;
}

export function Select<K extends string>({ options, value, onChange, label, ...props }: {
    options: readonly (readonly [K, string])[]; value: K; onChange: (value: K) => void; label?: string;
} & Partial<FieldProps>): JSX.Element {
    return <select {...props} aria-label={label} value={value} onChange={e => onChange(e.currentTarget.value as K)}>
        {options.map(([key, text]) => <option value={key}>{text}</option>)}</select>;
}

/* "/" puts the cursor there (useKeys of the page); Escape leaves it. */
export function SearchBox({ value, onInput, label, inputRef }: {
    value: string; onInput: (value: string) => void; label: string; inputRef?: { current: HTMLInputElement | null };
}): JSX.Element {
    return <input ref={inputRef} type="search" class="search" value={value} placeholder={label} aria-label={label} spellcheck={false}
        autocomplete="off" onInput={e => onInput(e.currentTarget.value)} />;
}
