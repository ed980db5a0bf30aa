/* changes - what a run changed: its files as a tree, and the diff of one of them. At the second door each file has a box,
 * and each hunk where a file has several. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
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
import { useSettled } from '../../ui/settled';
import { Split } from '../../ui/split';
import { Code, Text } from '../../ui/text';
import { leftOf, setLeft as keepLeft } from './left';
import { hasHunk, idOf, isWhole, pickedOf, requestOf, toggleFile, toggleHunk, type Left } from './picks';
import { rowsOf, type TreeRow } from './tree';
import { t } from './strings';

const Diff = lazy(() => import('../../diff/view').then(module => module.Diff));

function asked(change: Change): { path?: string[]; path_b64?: string[] } {
    return change.path_b64 ? { path_b64: [change.path_b64] } : { path: [change.path] };
}

const signs = { added: '+', modified: '•', deleted: '−', mode: 'm', kind: '≠' } as const;

function FileRow({ row }: { row: TreeRow<Change> }): JSX.Element {
    const { item } = row;
    return <><span class={`run-kind run-kind-${item.kind}`} title={t(`kind_${item.kind}`)}>{signs[item.kind]}
            <span class="sr-only">{t(`kind_${item.kind}`)}</span></span>
        <span class="run-path clip"><span><span class="faint"><Text of={row.folder} /></span><Text of={row.name} /></span></span>
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

function FileDiff({ run, change, split, left, setLeft }: {
    run: RunDetail; change: Change; split: boolean; left: Left; /* null: nothing can be picked */ setLeft: ((left: Left) => void) | null;
}): JSX.Element {
    const id = idOf(change), some = setLeft && change.kind === 'modified' && !change.binary && !change.refused;
    const text = useLoad(async signal => (await getRaw('/runs/{run}/diff', { path: { run: run.id }, query: asked(change), signal }, 'text/x-diff')).text(),
        [run.id, id]);
    return <><Problem of={text.error.value} onRetry={() => void text.reload()} />
        {text.data.value !== undefined ? <Diff key={id} text={text.data.value} split={split} label={change.path}
            hunkExtra={some ? (_, i, of) => of > 1 && <Check label={t('pick_hunk', { n: i + 1 })} checked={hasHunk(left, id, i + 1)}
                onChange={() => setLeft(toggleHunk(left, id, i + 1, of))} /> : undefined} />
            : !text.error.value && <Spinner />}</>;
}

function All({ run, reload }: { run: RunDetail; reload: () => Promise<void> }): JSX.Element {
    const changes = useLoad(signal => get('/runs/{run}/changes', { path: { run: run.id }, signal }), [run.id, run.changes?.digest]);
    const [path, setPath] = useQuery('file'), [view, setView] = useQuery('view', 'unified');
    const left = leftOf(run), setLeft = (to: Left): void => keepLeft(run, to);
    const items = changes.data.value?.items ?? [];
    const rows = useMemo(() => rowsOf(items, one => one.path), [items]);
    const chosen = rows.find(row => idOf(row.item) === path) ?? rows[0];
    const picked = pickedOf(items, left);
    const apply = useAction(call => call.post('/runs/{run}/apply', { path: { run: run.id } } as never, {
        digest: changes.data.value?.digest ?? undefined,
        ...requestOf(items, left),
    }), () => reload());
    const settled = useSettled(left.size > 0 ? run.changes?.digest ?? run.id : undefined);
    const isDoor = run.state === 'awaiting_apply' && may('approve');
    useKeys('page', { v: [t('side_by_side'), () => setView(view === 'split' ? 'unified' : 'split')],
        ...(isDoor && picked.length > 0 && settled ? { a: [t('apply_some', { n: picked.length }), () => void apply.run()] } : {}),
        ...(isDoor ? { x: [t('pick'), () => { if (chosen) setLeft(toggleFile(left, idOf(chosen.item))); }] } : {}) });
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
                && <Button small kind="primary" hint="a"
                    disabled={picked.length === 0 || !settled} action={apply}>
                    {t('apply_some', { n: picked.length })}</Button>}
        </div>
        <Problem of={apply.error.value} />
        <Split name="run-changes" first={<List items={rows} keyOf={row => idOf(row.item)} selected={idOf(item)} label={t('tab_changes')} class="run-files"
            onSelect={row => row && setPath(idOf(row.item))} onOpen={row => setPath(idOf(row.item))} row={row => <FileRow row={row} />} />}
            second={<div class="stack run-file"><About of={item} />
                {isDoor && !item.refused && <Check label={t('pick')} checked={isWhole(left, idOf(item))}
                    onChange={() => setLeft(toggleFile(left, idOf(item)))} />}
                <FileDiff key={`${idOf(item)} ${changes.data.value.digest}`} run={run} change={item} split={view === 'split'}
                    left={left} setLeft={isDoor ? setLeft : null} /></div>} />
    </>;
}

export function Changes({ run, reload }: { run: RunDetail; reload: () => Promise<void> }): JSX.Element {
    return run.removed_at ? <Empty title={t('removed')} />
        : !run.changes ? <Empty icon="clock" title={t('changes_later')}>{t('changes_later_hint')}</Empty>
            : run.changes.files + run.changes.refused === 0 ? <Empty title={t('no_changes')}>{t('no_changes_hint')}</Empty>
                : <All run={run} reload={reload} />;
}
