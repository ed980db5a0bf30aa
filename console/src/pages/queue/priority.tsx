/* priority - of one run: by its name or as a number. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../../api/action';
import type { QueueItem } from '../../api/types';
import { Confirm } from '../../ui/dialog';
import { Field, fieldError, Select } from '../../ui/field';
import { Code } from '../../ui/text';
import { t } from './strings';

const names = { low: -50, normal: 0, high: 50, urgent: 100 } as const;
type Name = keyof typeof names | 'other';
const keys = Object.keys(names) as (keyof typeof names)[];

function nameOf(priority: number): Name {
    return keys.find(name => names[name] === priority) ?? 'other';
}

export function priorityText(priority: number): string {
    const name = nameOf(priority);
    return name === 'other' ? String(priority) : t(`p_${name}`);
}

export function Priority({ of, onClose, onDone }: { of: QueueItem; onClose: () => void; onDone: () => void }): JSX.Element {
    const [name, setName] = useState<Name>(nameOf(of.priority)), [number, setNumber] = useState(String(of.priority));
    const priority = name === 'other' ? Number(number) : names[name];
    const action = useAction(call => call.post('/queue/{run}/priority', { path: { run: of.run_id } }, { priority }), onDone);
    return <Confirm title={t('change_q')} action={action} label={t('save')} onClose={onClose}>
        <p><Code of={of.run_id} /></p>
        <p class="faint">{t('change_say')}</p>
        <Field label={t('priority')}>{p => <Select {...p} value={name} onChange={setName}
            options={[...keys.map(one => [one as Name, `${t(`p_${one}`)} (${names[one]})`] as const), ['other', t('p_other')]]} />}</Field>
        {name === 'other' && <Field label={t('number')} error={fieldError(action.error.value, 'priority')}>{p =>
            <input {...p} type="number" name="priority" min={-100} max={100} step={1} value={number}
                onInput={e => setNumber(e.currentTarget.value)} />}</Field>}
    </Confirm>;
}
