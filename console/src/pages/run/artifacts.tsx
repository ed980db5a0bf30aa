/* artifacts - the kept files of a run, to be taken along. */
import type { JSX } from 'preact';
import { useAction } from '../../api/action';
import { getRaw } from '../../api/client';
import type { Artifact, RunDetail } from '../../api/types';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';
import { bytes } from '../../ui/format';
import { Problem } from '../../ui/problem';
import { save } from '../../ui/save';
import { Code } from '../../ui/text';
import { t } from './strings';

function Row({ file }: { file: Artifact }): JSX.Element {
    const load = useAction(async () => save(file.name, await (await getRaw('/artifacts/{artifact}', { path: { artifact: file.id } })).blob()));
    return <tr>
        <td><Code of={file.name} /><Problem of={load.error.value} /></td><td class="num">{bytes(file.size_bytes)}</td>
        <td class="clip"><code class="faint" title={file.sha256}>{file.sha256.slice(0, 12)}</code></td>
        <td>{file.removed_at ? <span class="faint">{t('gone')}</span> : <Button small icon="download" action={load}>{t('download')}</Button>}</td>
    </tr>;
}

export function Artifacts({ run }: { run: RunDetail }): JSX.Element {
    return run.artifacts.length === 0 ? <Empty title={t('no_files')}>{t('no_files_hint')}</Empty>
        : <div class="table-box" role="region" aria-label={t('tab_files')} tabIndex={0}><table>
            <thead><tr><th>{t('name')}</th><th>{t('size')}</th><th>{t('sha256')}</th><th><span class="sr-only">{t('download')}</span></th></tr></thead>
            <tbody>{run.artifacts.map(file => <Row key={file.id} file={file} />)}</tbody>
        </table></div>;
}
