/* versions - all that were ever in force, and what any two of them differ in. */
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { useAction } from '../../api/action';
import { get } from '../../api/client';
import { useLoad } from '../../api/load';
import { may } from '../../api/session';
import type { Schemas } from '../../api/types';
import { navigate, useQuery } from '../../router';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';
import { Field, Select } from '../../ui/field';
import { lazy } from '../../ui/lazy';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/progress';
import { Text } from '../../ui/text';
import { Time } from '../../ui/time';
import { Who } from '../../ui/who';
import { draft } from './draft';
import { lineDiff } from './line_diff';
import { t } from './strings';

const Diff = lazy(() => import('../../diff/view').then(module => module.Diff));

export function nameOf(version: number): string {
    return version === 0 ? `0 (${t('base')})` : String(version);
}

export function TextDiff({ from, to }: { from: string; to: string }): JSX.Element {
    const text = useMemo(() => lineDiff(from, to), [from, to]);
    return text ? <Diff text={text} split={false} label={t('diff')} /> : <Empty icon="policy" title={t('same')}>{t('same_hint')}</Empty>;
}

/* Of a version, or of the draft ("draft"). */
async function textOf(which: string, signal: AbortSignal): Promise<string> {
    return which === 'draft' ? draft.peek()?.text ?? '' : (await get('/policy', { query: { version: Number(which) }, signal })).text;
}

function Compare({ versions, newest }: { versions: readonly number[]; newest: number }): JSX.Element {
    const [from, setFrom] = useQuery('from', String(Math.max(0, newest - 1))), [to, setTo] = useQuery('to', String(newest));
    const both = useLoad(async signal => Promise.all([textOf(from, signal), textOf(to, signal)]), [from, to]);
    const options = [...draft.value ? [['draft', t('with_draft')] as const] : [], ...versions.map(one => [String(one), nameOf(one)] as const)];
    const known = (value: string): typeof options => options.some(one => one[0] === value) ? options : [...options, [value, value] as const];
    return <section class="stack"><h2>{t('compare')}</h2><div class="row top">
        <Field label={t('from')}>{p => <Select {...p} value={from} onChange={setFrom} options={known(from)} />}</Field>
        <Field label={t('to')}>{p => <Select {...p} value={to} onChange={setTo} options={known(to)} />}</Field></div>
    <Problem of={both.error.value} onRetry={() => void both.reload()} />
    {!both.data.value ? !both.error.value && <Skeleton /> : <TextDiff from={both.data.value[0]} to={both.data.value[1]} />}</section>;
}

export function Versions({ newest, onEdit }: { newest: number; onEdit: (version: number) => void }): JSX.Element {
    const [older, setOlder] = useState<Schemas['PolicyVersion'][]>([]), [next, setNext] = useState<number | null | undefined>(undefined);
    const loaded = useLoad(signal => get('/policy/versions', { query: { limit: 50 }, signal }), [newest]);
    const before = next === undefined ? loaded.data.value?.next ?? null : next;
    const more = useAction(() => get('/policy/versions', { query: { limit: 50, before: before ?? 1 } }), page => {
        setOlder([...older, ...page.items]);
        setNext(page.next);
    });
    const items = [...loaded.data.value?.items ?? [], ...older];
    return <div class="stack"><Problem of={loaded.error.value} onRetry={() => void loaded.reload()} />
        {!loaded.data.value ? !loaded.error.value && <Skeleton /> : <div class="table-box" role="region" aria-label={t('tab_versions')} tabIndex={0}>
            <table class="policy-versions"><thead><tr><th>{t('version')}</th><th>{t('saved')}</th><th>{t('note')}</th>
                <th><span class="sr-only">{t('actions')}</span></th></tr></thead>
            <tbody>{[...items.map(one => [one.version, <>{one.created_at && <Time of={one.created_at} />} <Who of={one.actor} /></>, one.note] as const),
                ...before === null ? [[0, <span class="faint">{t('base')}</span>, null] as const] : []].map(([version, who, note]) =>
                <tr key={version} data-version={version}><td class="num">{version}</td><td>{who}</td><td>{note !== null && <Text of={note} lines />}</td>
                    <td class="policy-acts"><Button small onClick={() => navigate(`/policy?version=${version}`)}>{t('show')}</Button>
                        {may('policy:write') && <Button small onClick={() => onEdit(version)}>{t('edit_from')}</Button>}</td></tr>)}</tbody></table></div>}
        {before !== null && <div><Button action={more}>{t('older')}</Button></div>}<Problem of={more.error.value} />
        {newest > 0 || draft.value ? <Compare versions={[...items.map(one => one.version), 0]} newest={newest} /> : null}
    </div>;
}
