/* changes - what a run changed: its files as a tree, and the diff of one of them. At the second door each file has a box. */
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { useAction } from '../../api/action';
import { get, getRaw } from '../../api/client';
import { useLoad } from '../../api/load';
import { may } from '../../api/session';
import type { Change, RunDetail } from '../../api/types';
import { useQuery } from '../../router';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';
import { Check } from '../../ui/field';
import { bytes } from '../../ui/format';
import { useKeys } from '../../ui/keys';
import { lazy } from '../../ui/lazy';
import { List } from '../../ui/list';
import { Problem } from '../../ui/problem';
import { Skeleton, Spinner } from '../../ui/progress';
import { Split } from '../../ui/split';
import { Code, Text } from '../../ui/text';
import { rowsOf, type TreeRow } from './tree';
import { t } from './strings';

const Diff = lazy(() => import('../../diff/view').then(module => module.Diff));

/* Its bytes where it has no readable name: what the server knows it by. */
function idOf(change: Change): string {
    return change.path_b64 ?? change.path;
}

function asked(change: Change): { path?: string[]; path_b64?: string[] } {
    return change.path_b64 ? { path_b64: [change.path_b64] } : { path: [change.path] };
}

const signs = { added: '+', modified: '•', deleted: '−', mode: 'm', kind: '≠' } as const;

function FileRow({ row }: { row: TreeRow<Change> }): JSX.Element {
    const { item } = row;
    return <><span class={`run-kind run-kind-${item.kind}`} title={t(`kind_${item.kind}`)}>{signs[item.kind]}
            <span class="sr-only">{t(`kind_${item.kind}`)}</span></span>
        <span class="run-path clip"><span class="faint"><Text of={row.folder} /></span><Text of={row.name} /></span>
        <span class="num small"><span class="added">+{item.additions}</span> <span class="deleted">−{item.deletions}</span></span></>;
}

/* What a diff does not say: modes, sizes, why it is refused. */
function About({ of }: { of: Change }): JSX.Element {
    const modes = of.old_mode !== of.new_mode && (of.old_mode ?? '–') + ' → ' + (of.new_mode ?? '–');
    return <div class="run-file-head"><Code of={of.path} /><Badge>{t(`kind_${of.kind}`)}</Badge>
        {modes && <span class="faint small num">{modes}</span>}{of.binary && <Badge>{t('binary')}</Badge>}
        <span class="faint small num">{bytes(of.old_bytes)} → {bytes(of.new_bytes)}</span>
        {of.refused && <p class="field-error"><Text of={of.refused} /></p>}</div>;
}

function FileDiff({ run, change, split }: { run: RunDetail; change: Change; split: boolean }): JSX.Element {
    const text = useLoad(async signal => (await getRaw('/runs/{run}/diff', { path: { run: run.id }, query: asked(change), signal }, 'text/x-diff')).text(),
        [run.id, idOf(change)]);
    return <><Problem of={text.error.value} onRetry={() => void text.reload()} />
        {text.data.value !== undefined ? <Diff key={idOf(change)} text={text.data.value} split={split} label={change.path} />
            : !text.error.value && <Spinner />}</>;
}

function All({ run, reload }: { run: RunDetail; reload: () => Promise<void> }): JSX.Element {
    const changes = useLoad(signal => get('/runs/{run}/changes', { path: { run: run.id }, signal }), [run.id, run.changes?.digest]);
    const [path, setPath] = useQuery('file'), [view, setView] = useQuery('view', 'unified');
    const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
    const items = changes.data.value?.items ?? [];
    const rows = useMemo(() => rowsOf(items, one => one.path), [items]);
    const chosen = rows.find(row => idOf(row.item) === path) ?? rows[0];
    const picked = items.filter(one => !one.refused && !left.has(idOf(one)));
    const apply = useAction(call => call.post('/runs/{run}/apply', { path: { run: run.id } } as never, {
        digest: changes.data.value?.digest ?? undefined,
        ...(left.size ? { paths: picked.filter(one => !one.path_b64).map(one => one.path), paths_b64: picked.flatMap(one => one.path_b64 ?? []) } : {}),
    }), () => void reload());
    const isDoor = run.state === 'awaiting_apply' && may('approve');
    const toggle = (change: Change): void => {
        const to = new Set(left);
        if (!to.delete(idOf(change)))
            to.add(idOf(change));
        setLeft(to);
    };
    useKeys('page', { v: [t('side_by_side'), () => setView(view === 'split' ? 'unified' : 'split')],
        ...(isDoor ? { x: [t('pick'), () => { if (chosen) toggle(chosen.item); }] } : {}) });
    if (!changes.data.value)
        return <><Problem of={changes.error.value} onRetry={() => void changes.reload()} />{!changes.error.value && <Skeleton />}</>;
    if (!chosen)
        return <Empty title={t('no_changes')}>{t('no_changes_hint')}</Empty>;
    const { item } = chosen;
    return <>
        <div class="row run-changes-head">
            <span class="num">{t('files', { n: items.length })} <span class="added">+{changes.data.value.additions}</span>{' '}
                <span class="deleted">−{changes.data.value.deletions}</span></span>
            <span class="grow" />
            <Button small pressed={view === 'split'} hint="v" onClick={() => setView(view === 'split' ? 'unified' : 'split')}>{t('side_by_side')}</Button>
            {isDoor && left.size > 0
                && <Button small kind="primary" disabled={picked.length === 0} action={apply}>{t('apply_some', { n: picked.length })}</Button>}
        </div>
        <Problem of={apply.error.value} />
        <Split name="run-changes" first={<List items={rows} keyOf={row => idOf(row.item)} selected={idOf(item)} label={t('tab_changes')} class="run-files"
            onSelect={row => row && setPath(idOf(row.item))} onOpen={row => setPath(idOf(row.item))} row={row => <FileRow row={row} />} />}
            second={<div class="stack run-file"><About of={item} />
                {isDoor && !item.refused && <Check label={t('pick')} checked={!left.has(idOf(item))} onChange={() => toggle(item)} />}
                <FileDiff run={run} change={item} split={view === 'split'} /></div>} />
    </>;
}

export function Changes({ run, reload }: { run: RunDetail; reload: () => Promise<void> }): JSX.Element {
    return run.removed_at ? <Empty title={t('removed')} />
        : !run.changes ? <Empty icon="clock" title={t('changes_later')}>{t('changes_later_hint')}</Empty>
            : run.changes.files + run.changes.refused === 0 ? <Empty title={t('no_changes')}>{t('no_changes_hint')}</Empty>
                : <All run={run} reload={reload} />;
}
