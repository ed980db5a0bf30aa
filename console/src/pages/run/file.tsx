/* file - one changed file or folder beside the tree: what it is, what of it is applied, and its diff, where lines can say
 * what changed. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../../api/action';
import { getRaw } from '../../api/client';
import { useLoad } from '../../api/load';
import type { Change, RunDetail } from '../../api/types';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Check } from '../../ui/field';
import { bytes } from '../../ui/format';
import { lazy } from '../../ui/lazy';
import { Problem } from '../../ui/problem';
import { Spinner } from '../../ui/progress';
import { save } from '../../ui/save';
import { Code, Text } from '../../ui/text';
import { hasHunk, hunksOf, idOf, isFolder, shareOf, toggleFile, toggleFiles, toggleHunk, type Left, type Share } from './picks';
import { leavesOf, type Folder, type Leaf } from './tree';
import { t } from './strings';

const Diff = lazy(() => import('../../diff/view').then(module => module.Diff));

const TEXT_UP_TO = 8 * 1024 * 1024, DIFF_UP_TO = 256 * 1024 * 1024; /* docs/API.md: larger is no text; larger is in no diff */
const LINES_AT_ONCE = 20_000; /* more are drawn when asked for */
const BYTES_AT_ONCE = 2 * 1024 * 1024; /* of the text of a diff: before it is asked for, what the files have */
const REST = 80; /* ms: who holds j asks for no diff */

/* Beside the tree: what can be picked, or what an apply took. */
export interface Beside {
    run: RunDetail;
    left: Left;
    /* null: nothing can be picked. */
    setLeft: ((left: Left) => void) | null;
    did: ReadonlyMap<string, 'out' | 'some'> | null;
    split: boolean;
}

function typeOf(mode: string | null): 'file' | 'link' | 'folder' | 'other' | null {
    return mode === null ? null : mode.startsWith('10') ? 'file' : mode.startsWith('12') ? 'link' : mode.startsWith('04') ? 'folder' : 'other';
}

/* The kind and the size of both sides: "file, 3 KiB". */
function sideOf(mode: string | null, size: number): string {
    const type = typeOf(mode);
    return !type ? t('side_none') : type === 'file' ? bytes(size) : t(`type_${type}`);
}

function Head({ of }: { of: Change }): JSX.Element {
    const type = typeOf(of.new_mode ?? of.old_mode);
    const modes = of.old_mode !== of.new_mode && (of.old_mode ?? t('side_none')) + ' → ' + (of.new_mode ?? t('side_none'));
    return <div class="run-file-head"><Code of={of.path} /><Badge>{t(`kind_${of.kind}`)}</Badge>
        {type && type !== 'file' && <Badge>{t(`type_${type}`)}</Badge>}{of.binary && <Badge>{t('binary')}</Badge>}
        {modes && <span class="faint small num">{modes}</span>}
        <span class="faint small num">{sideOf(of.old_mode, of.old_bytes)} → {sideOf(of.new_mode, of.new_bytes)}</span></div>;
}

function urlInput(run: RunDetail, change: Change): { path: { run: string }; query: { path?: string[]; path_b64?: string[] } } {
    return { path: { run: run.id }, query: change.path_b64 ? { path_b64: [change.path_b64] } : { path: [change.path] } };
}

function Download({ run, change }: { run: RunDetail; change: Change }): JSX.Element {
    const name = change.path.slice(change.path.lastIndexOf('/') + 1);
    const load = useAction(async () => save(`${name}.patch`, await (await getRaw('/runs/{run}/diff', urlInput(run, change), 'text/x-diff')).blob()));
    return <><Button small icon="download" action={load}>{t('download_patch')}</Button><Problem of={load.error.value} /></>;
}

/* In the place of lines. */
function Notice({ of, run, title, children }: { of: Change; run?: RunDetail; title: string; children?: string }): JSX.Element {
    return <div class="card run-notice"><p><strong>{title}</strong></p>
        <dl class="facts"><div><dt>{t('side_old')}</dt><dd class="num">{sideOf(of.old_mode, of.old_bytes)}</dd></div>
            <div><dt>{t('side_new')}</dt><dd class="num">{sideOf(of.new_mode, of.new_bytes)}</dd></div></dl>
        {children && <p class="faint">{children}</p>}
        {run && <p><Download run={run} change={of} /></p>}</div>;
}

function Lines({ change, beside: { run, left, setLeft, did, split } }: { change: Change; beside: Beside }): JSX.Element {
    const id = idOf(change), some = change.kind === 'modified' && !change.binary && !change.refused;
    const text = useLoad(async signal => {
        await new Promise(done => setTimeout(done, REST));
        return (await getRaw('/runs/{run}/diff', { ...urlInput(run, change), signal }, 'text/x-diff')).text();
    }, [run.id, id]);
    const took = did && run.apply ? hunksOf(run.apply, id) : null;
    return <><Problem of={text.error.value} onRetry={() => void text.reload()} />
        {text.data.value !== undefined ? <Diff text={text.data.value} split={split} label={change.path}
            hunkExtra={some && setLeft ? (_, i, of) => of > 1 && <Check label={t('pick_hunk', { n: i + 1 })} checked={hasHunk(left, id, i + 1)}
                onChange={() => setLeft(toggleHunk(left, id, i + 1, of))} />
                : took ? (_, i) => <Badge tone={took.has(i + 1) ? 'good' : 'calm'}>{t(took.has(i + 1) ? 'hunk_applied' : 'hunk_left')}</Badge> : undefined} />
            : !text.error.value && <Spinner />}</>;
}

function Content({ change, beside }: { change: Change; beside: Beside }): JSX.Element {
    const [wants, setWants] = useState(false);
    const { run } = beside, most = Math.max(change.old_bytes, change.new_bytes), lines = change.additions + change.deletions;
    if (change.refused)
        return <Notice of={change} title={t('refused_title')}>{t('refused_hint')}</Notice>;
    if (isFolder(change) && (change.kind === 'added' || change.kind === 'deleted'))
        return <Notice of={change} title={t(change.kind === 'added' ? 'folder_added' : 'folder_deleted')} />;
    if (change.binary)
        return most > DIFF_UP_TO ? <Notice of={change} title={t('over_diff')}>{t('over_diff_hint')}</Notice>
            : most > TEXT_UP_TO ? <Notice of={change} run={run} title={t('over_text')}>{t('over_text_hint')}</Notice>
                : <Notice of={change} run={run} title={t('is_binary')}>{t('is_binary_hint')}</Notice>;
    const isBig = lines > LINES_AT_ONCE || (most > BYTES_AT_ONCE && (change.kind !== 'modified' || lines > 0));
    return isBig && !wants ? <div class="card run-notice"><p><strong>{t('is_long', { n: lines })}</strong></p><p class="faint">{t('is_long_hint')}</p>
        <div class="row"><Button small onClick={() => setWants(true)}>{t('show_lines')}</Button><Download run={run} change={change} /></div></div>
        : <Lines change={change} beside={beside} />;
}

function Took({ share }: { share: Share }): JSX.Element {
    return <p><Badge tone={share ? 'good' : 'calm'}>{t(share === true ? 'did_all' : share ? 'did_some' : 'did_none')}</Badge></p>;
}

export function File({ leaf: { item, id }, beside }: { leaf: Leaf<Change>; beside: Beside }): JSX.Element {
    const { left, setLeft, did } = beside, share = shareOf(left, id);
    return <div class="stack run-file"><Head of={item} />
        {item.refused ? <p class="field-error">{t.rich('refused_why', { why: <Text of={item.refused} /> })}</p>
            : setLeft ? <Check label={share === 'mixed' ? t('pick_some') : t('pick')} checked={share === true} mixed={share === 'mixed'}
                onChange={() => setLeft(toggleFile(left, id))} />
                : did && <Took share={did.get(id) === 'out' ? false : did.get(id) === 'some' ? 'mixed' : true} />}
        <Content change={item} beside={beside} /></div>;
}

export function FolderCard({ folder, share, beside: { left, setLeft } }: {
    folder: Folder<Change>; /* undefined: nothing in it can be picked */ share: Share | undefined; beside: Beside;
}): JSX.Element {
    return <div class="stack run-file"><div class="run-file-head"><Code of={`${folder.path}/`} />
        <span class="num">{t('files', { n: folder.files })} <span class="added">+{folder.additions}</span>{' '}
            <span class="deleted">−{folder.deletions}</span></span></div>
        {setLeft && share !== undefined && <Check label={share === 'mixed' ? t('pick_folder_some') : t('pick_folder')} checked={share === true}
            mixed={share === 'mixed'} onChange={() => setLeft(toggleFiles(left, leavesOf(folder).map(one => one.item)))} />}
    </div>;
}
