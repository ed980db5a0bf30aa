/* record - one record of the trail, whole; from each of its members to all records that share it. */
import type { JSX } from 'preact';
import type { AuditRecord } from '../../api/types';
import { Link } from '../../router';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Copy } from '../../ui/copy';
import { Dialog } from '../../ui/dialog';
import { Facts } from '../../ui/facts';
import { exactTime } from '../../ui/format';
import { t as shared } from '../../ui/strings';
import { Code, Text } from '../../ui/text';
import { t } from './strings';
import { Value } from './value';

export type Member = 'action' | 'actor' | 'target' | 'run';

export function Record({ of, onOnly, onClose }: {
    of: AuditRecord; onOnly: (member: Member, value: string) => void; onClose: () => void;
}): JSX.Element {
    const only = (member: Member, value: string): JSX.Element => <Button small kind="ghost" onClick={() => onOnly(member, value)}>{t('only')}</Button>;
    const isRun = of.target !== null && /^run_\w+$/.test(of.target);
    return <Dialog wide title={t('record', { seq: String(of.seq) })} onClose={onClose} foot={<Button onClick={onClose}>{shared('close')}</Button>}>
        <Facts rows={[
            [t('action'), <span class="row"><Code of={of.action} />{only('action', of.action)}</span>],
            [t('actor'), <span class="row"><Text of={of.actor} /><Badge>{of.surface}</Badge>{only('actor', of.actor)}</span>],
            of.target !== null && [t('target'), <span class="row">{isRun ? <Link href={`/runs/${of.target}`}><Code of={of.target} /></Link>
                : <Code of={of.target} />}{only(isRun ? 'run' : 'target', of.target)}</span>],
            [t('time'), <time dateTime={of.time}>{exactTime(of.time)} <span class="faint">({of.time})</span></time>],
        ]} />
        <h3>{t('data')}</h3>
        <div class="audit-data">{Object.keys(of.data).length ? <Value of={of.data} /> : <p class="faint">{t('no_data')}</p>}</div>
        <Facts rows={[
            of.trace_id !== null && [t('trace'), <Code of={of.trace_id} />],
            [t('record_hash'), <span class="row"><Code of={of.record_hash} /><Copy of={of.record_hash} label={t('record_hash')} /></span>],
            [t('hash'), <span class="row"><Code of={of.hash} /><Copy of={of.hash} label={t('hash')} /></span>],
        ]} />
    </Dialog>;
}
