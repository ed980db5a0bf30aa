/* pause - stop starting runs of the node or of one project, with a reason for the others to read; and start again. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../../api/action';
import { fieldError, Field, Select } from '../../ui/field';
import type { Project } from '../../api/types';
import { Confirm } from '../../ui/dialog';
import { Text } from '../../ui/text';
import { t } from './strings';

interface Asked {
    onClose: () => void;
    onDone: () => void;
}

/* The action of a dialog closes it by itself; what it changed is asked for again. */
function Note({ value, set, error }: { value: string; set: (to: string) => void; error?: string }): JSX.Element {
    return <Field label={t('note')} help={t('note_help')} error={error}>{p =>
        <input {...p} name="note" value={value} maxLength={2000} onInput={e => set(e.currentTarget.value)} />}</Field>;
}

export function PauseNode({ drain, onClose, onDone }: Asked & { drain: boolean }): JSX.Element {
    const [note, setNote] = useState('');
    const action = useAction(call => call.post(drain ? '/queue/drain' : '/queue/pause', {}, note ? { note } : {}), onDone);
    return <Confirm title={drain ? t('drain_q') : t('pause_q')} action={action} label={drain ? t('drain') : t('pause')} onClose={onClose}>
        <p>{drain ? t('drain_say') : t('pause_say')}</p>
        <Note value={note} set={setNote} error={fieldError(action.error.value, 'note')} />
    </Confirm>;
}

/* Without a project it asks which one. */
export function PauseProject({ of, choose, onClose, onDone }: Asked & {
    of?: { id: string; name: string }; choose: readonly Project[];
}): JSX.Element {
    const [note, setNote] = useState(''), [id, setId] = useState(of?.id ?? choose[0]?.id ?? '');
    const action = useAction(call => call.post('/projects/{project}/pause', { path: { project: id } }, note ? { note } : {}), onDone);
    return <Confirm title={of ? t.rich('pause_project_q', { project: <Text of={of.name} /> }) : t('pause_project')} action={action} label={t('pause')}
        onClose={onClose}>
        <p>{t('pause_project_say')}</p>
        {!of && <Field label={t('project')}>{p => <Select {...p} value={id} onChange={setId}
            options={choose.map(one => [one.id, one.name] as const)} />}</Field>}
        <Note value={note} set={setNote} error={fieldError(action.error.value, 'note')} />
    </Confirm>;
}
