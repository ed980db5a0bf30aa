/* changes - what a run changed: its files as a tree, and one of them beside it (file.tsx). At the second door each file,
 * each folder and each hunk has a box; when it is decided, each says what became of it. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { useAction } from '../../api/action';
import { get } from '../../api/client';
import { useLoad } from '../../api/load';
import { may } from '../../api/session';
import type { Change, Changes as AllChanges, RunDetail } from '../../api/types';
import { useQuery } from '../../router';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';
import { bytes } from '../../ui/format';
import { Icon } from '../../ui/icons';
import { useKeys } from '../../ui/keys';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/progress';
import { useSettled } from '../../ui/settled';
import { Split } from '../../ui/split';
import { Text } from '../../ui/text';
import { Tree } from '../../ui/tree';
import { File, FolderCard, type Beside } from './file';
import { leftOf, setLeft as keepLeft } from './left';
import { appliedOf, counts, idOf, isFolder, outBelow, pickedOf, requestOf, shareOf, toggleFile, toggleFiles, type Left, type Share } from './picks';
import { leavesOf, rowsOf, treeOf, type Folder, type Leaf, type Row } from './tree';
import { t } from './strings';

const over = ['succeeded', 'failed', 'rejected', 'canceled', 'expired'];
const signs = { added: '+', modified: '•', deleted: '−', mode: 'm', kind: '≠' } as const;

/* In the last column of a file's row: why it is not as the others, or else how many lines. */
function Amount({ of, did }: { of: Change; did?: 'out' | 'some' }): JSX.Element {
    return of.refused ? <span class="small deleted">{t('is_refused')}</span>
        : did ? <span class="small faint">{t(did === 'out' ? 'left_out' : 'in_part')}</span>
            : of.binary ? <span class="small faint num">{bytes(of.new_mode ? of.new_bytes : of.old_bytes)}</span>
                : <span class="num small"><span class="added">+{of.additions}</span> <span class="deleted">−{of.deletions}</span></span>;
}

function FileRow({ leaf: { item, name }, did }: { leaf: Leaf<Change>; did?: 'out' | 'some' }): JSX.Element {
    return <><span class={`run-kind run-kind-${item.kind}`} title={t(`kind_${item.kind}`)}>{signs[item.kind]}
            <span class="sr-only">{t(`kind_${item.kind}`)}</span></span>
        <span class="run-path clip"><Text of={isFolder(item) ? `${name}/` : name} /></span><Amount of={item} did={did} /></>;
}

function FolderRow({ of }: { of: Folder<Change> }): JSX.Element {
    return <><span class="run-kind"><Icon name="projects" /></span><span class="run-path clip"><Text of={`${of.name}/`} /></span>
        <span class="small faint num">{t('files', { n: of.files })}</span></>;
}

/* In words: how many files, and how many of them are never applied. */
function Sum({ of }: { of: AllChanges }): JSX.Element {
    return <span class="num">{t('files', { n: of.files })} <span class="added">+{of.additions}</span>{' '}<span class="deleted">−{of.deletions}</span>
        {of.refused > 0 && <span class="deleted"> · {t('refused', { n: of.refused })}</span>}</span>;
}

/* When it is over: what was applied, and what was not. */
function Outcome({ run, items, did }: {
    run: RunDetail; items: readonly Change[]; did: ReadonlyMap<string, 'out' | 'some'> | null;
}): JSX.Element | null {
    if (!over.includes(run.state))
        return null;
    const sum = (what: 'out' | 'some'): number => items.filter(one => counts(one) && did?.get(idOf(one)) === what).length;
    const out = sum('out'), some = sum('some');
    return <p class="run-outcome">{!did || !run.apply ? t('did_nothing') : did.size === 0 ? t('did_whole')
        : [t('did_files', { n: run.apply.files }), out > 0 && t('did_out', { n: out }), some > 0 && t('did_part', { n: some })]
            .filter(Boolean).join(' · ')}</p>;
}

function usePicks(top: Folder<Change>, items: readonly Change[], left: Left): {
    below: ReadonlyMap<string, { all: number; some: number }>; takable: ReadonlyMap<string, number>;
} {
    const takable = useMemo(() => {
        const counts = new Map<string, number>();
        const count = (folder: Folder<Change>): number => {
            const n = folder.folders.reduce((sum, one) => sum + count(one), 0) + folder.leaves.filter(one => !one.item.refused).length;
            counts.set(folder.path, n);
            return n;
        };
        count(top);
        return counts;
    }, [top]);
    return { takable, below: useMemo(() => outBelow(items, left), [items, left]) };
}

const none: readonly Change[] = [], nothing = treeOf(none);

/* To read 20,000 files is one task, to sort them another, to draw them a third. */
function nextTask(): Promise<void> {
    return new Promise(done => setTimeout(done));
}

function All({ run, reload }: { run: RunDetail; reload: () => Promise<void> }): JSX.Element {
    const changes = useLoad(async signal => {
        const all = await get('/runs/{run}/changes', { path: { run: run.id }, signal });
        await nextTask();
        const top = treeOf(all.items);
        await nextTask();
        return { all, top };
    }, [run.id, run.changes?.digest]);
    const [picked, setPicked] = useQuery('file'), [view, setView] = useQuery('view', 'unified');
    const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
    const left = leftOf(run), setLeft = (to: Left): void => keepLeft(run, to);
    const { all, top = nothing } = changes.data.value ?? {}, items = all?.items ?? none;
    const rows = useMemo(() => rowsOf(top, folded), [top, folded]);
    const chosen: Row<Change> | undefined = useMemo(() => rows.find(row => row.key === picked), [rows, picked])
        ?? rows.find(row => row.leaf) ?? rows[0];
    const { takable, below } = usePicks(top, items, left);
    const taken = useMemo(() => pickedOf(items, left).filter(counts).length, [items, left]);
    const isOver = over.includes(run.state);
    const did = useMemo(() => isOver && run.apply?.applied ? appliedOf(items.filter(one => !one.refused), run.apply) : null,
        [items, isOver, run.apply?.applied]);
    const apply = useAction(call => call.post('/runs/{run}/apply', { path: { run: run.id } } as never, {
        digest: all?.digest ?? undefined,
        ...requestOf(items, left),
    }), () => reload());
    const settled = useSettled(left.size > 0 ? run.changes?.digest ?? run.id : undefined);
    const isDoor = run.state === 'awaiting_apply' && may('approve');
    useEffect(() => setFolded(new Set()), [all?.digest]);
    const tickOf = (row: Row<Change>): Share | undefined => {
        if (row.leaf)
            return row.leaf.item.refused ? undefined : shareOf(left, row.leaf.id);
        const can = takable.get(row.folder.path) ?? 0, out = below.get(row.folder.path);
        return can === 0 ? undefined : !out ? true : out.all === can ? false : 'mixed';
    };
    const tick = (row: Row<Change>): void => {
        if (tickOf(row) !== undefined)
            setLeft(row.leaf ? toggleFile(left, row.leaf.id) : toggleFiles(left, leavesOf(row.folder).map(one => one.item)));
    };
    const fold = (row: Row<Change>, open: boolean): void => {
        const to = new Set(folded);
        if (open)
            to.delete(row.key);
        else
            to.add(row.key);
        setFolded(to);
        if (chosen !== row)
            setPicked(row.key);
    };
    useKeys('page', { v: [t('side_by_side'), () => setView(view === 'split' ? 'unified' : 'split')],
        ...(isDoor && taken > 0 && settled ? { a: [t('apply_some', { n: taken }), () => void apply.run()] } : {}),
        ...(isDoor ? { x: [t('pick'), () => { if (chosen) tick(chosen); }] } : {}) });
    if (!all)
        return <><Problem of={changes.error.value} onRetry={() => void changes.reload()} />{!changes.error.value && <Skeleton />}</>;
    if (!chosen)
        return <Empty title={t('no_changes')}>{t('no_changes_hint')}</Empty>;
    const beside: Beside = { run, left, setLeft: isDoor ? setLeft : null, did, split: view === 'split' };
    return <>
        <div class="row run-changes-head">
            <Sum of={all} /><Outcome run={run} items={items} did={did} />
            <span class="grow" />
            <Button small pressed={view === 'split'} hint="v" onClick={() => setView(view === 'split' ? 'unified' : 'split')}>{t('side_by_side')}</Button>
            {isDoor && left.size > 0
                && <Button small kind="primary" hint="a" disabled={taken === 0 || !settled} action={apply}>{t('apply_some', { n: taken })}</Button>}
        </div>
        <Problem of={apply.error.value} />
        <Split name="run-changes" fits of={chosen.key} first={<Tree rows={rows} selected={chosen.key} label={t('tab_changes')} class="run-files"
            onSelect={row => setPicked(row.key)} onFold={fold} tickOf={isDoor ? tickOf : undefined} onTick={tick}
            rowClass={row => row.leaf && (did ? did.get(row.leaf.id) === 'out' : isDoor && tickOf(row) === false) ? 'run-out' : ''}
            row={row => row.leaf ? <FileRow leaf={row.leaf} did={did?.get(row.leaf.id)} /> : <FolderRow of={row.folder} />} />}
            second={chosen.leaf ? <File key={`${chosen.key} ${all.digest}`} leaf={chosen.leaf} beside={beside} />
                : <FolderCard folder={chosen.folder} share={tickOf(chosen)} beside={beside} />} />
    </>;
}

export function Changes({ run, reload }: { run: RunDetail; reload: () => Promise<void> }): JSX.Element {
    return run.removed_at ? <Empty title={t('removed')} />
        : !run.changes ? <Empty icon="clock" title={t('changes_later')}>{t('changes_later_hint')}</Empty>
            : run.changes.files + run.changes.refused === 0 ? <Empty title={t('no_changes')}>{t('no_changes_hint')}</Empty>
                : <All run={run} reload={reload} />;
}
