/* add - a folder becomes a project. What the server thinks of it is shown: at once beside the fields, if it cannot be one;
 * afterwards, if steps could not do everything in it. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../../api/action';
import type { Project } from '../../api/types';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { Field, fieldError, Select } from '../../ui/field';
import { Icon } from '../../ui/icons';
import { Problem } from '../../ui/problem';
import { t as shared } from '../../ui/strings';
import { Code, Text } from '../../ui/text';
import { RunLinks } from './links';
import { t } from './strings';

function Added({ project, onClose }: { project: Project; onClose: () => void }): JSX.Element {
    const warnings = project.warnings ?? [];
    return <Dialog title={t.rich('added', { name: <Text of={project.name} /> })} onClose={onClose}
        foot={<><Button onClick={onClose}>{t('done')}</Button><RunLinks id={project.id} /></>}>
        <p><Code of={project.root_path} /></p>
        {warnings.length ? <div class="projects-warnings" role="status"><Icon name="warn" /><div><h3>{t('note')}</h3>
            {warnings.map(one => <p><Text of={one} lines /></p>)}</div></div>
            : <p class="faint">{t('note_ok')}</p>}
    </Dialog>;
}

export function Add({ onClose, onAdded }: { onClose: () => void; onAdded: (id: string) => void }): JSX.Element {
    const [path, setPath] = useState(''), [name, setName] = useState(''), [seed, setSeed] = useState<'' | 'overlay' | 'copy'>('');
    const [made, setMade] = useState<Project | null>(null);
    const add = useAction(call => call.post('/projects', {}, { root_path: path.trim(), ...(name.trim() ? { name: name.trim() } : {}),
        ...(seed ? { seed } : {}) }),
        project => { setMade(project); onAdded(project.id); });
    const { value: error } = add.error;
    const atPath = fieldError(error, 'root_path'), atName = fieldError(error, 'name');
    if (made)
        return <Added key="added" project={made} onClose={onClose} />;
    return <Dialog title={t('add')} onClose={onClose} foot={<>
        <Button onClick={onClose}>{shared('cancel')}</Button>
        <Button kind="primary" action={add} disabled={!path.trim()}>{t('add')}</Button></>}>
        <p class="faint">{t('add_hint')}</p>
        <form class="stack" onSubmit={e => {
            e.preventDefault();
            if (path.trim())
                void add.run();
        }}>
            <Field label={t('path')} help={t('path_hint')} error={atPath}>{p => <input {...p} class="mono" autofocus required spellcheck={false}
                autocomplete="off" autocapitalize="off" placeholder="/srv/app" value={path} onInput={e => setPath(e.currentTarget.value)} />}</Field>
            <Field label={t('name')} help={t('name_hint')} error={atName}>{p => <input {...p} spellcheck={false} autocomplete="off" maxLength={100}
                value={name} onInput={e => setName(e.currentTarget.value)} />}</Field>
            <Field label={t('seed')} error={fieldError(error, 'seed')}>{p => <Select {...p} value={seed} onChange={setSeed} options={[['', t('seed_default')],
                ['overlay', t('seed_overlay')], ['copy', t('seed_copy')]]} />}</Field>
            <button type="submit" hidden />
        </form>
        {!atPath && !atName && <Problem of={error} />}
    </Dialog>;
}
