/* tree - changed files as a tree of folders, and its rows as they stand below one another. Pure. A folder that holds nothing
 * but one folder stands in one row with it, as "a/b". */
import { idOf, type Picked } from './picks';

export interface Leaf<T> {
    item: T;
    id: string;
    name: string;
    folder: Folder<T> | null;
}

export interface Folder<T> {
    /* "a/b"; "" is the project's own. */
    path: string;
    name: string;
    above: Folder<T> | null;
    folders: Folder<T>[];
    leaves: Leaf<T>[];
    /* Of all that is below it. */
    files: number;
    additions: number;
    deletions: number;
}

export interface Counted extends Picked {
    additions: number;
    deletions: number;
}

export type Row<T> = {
    key: string;
    depth: number;
    pos: number;
    of: number;
    parent: number;
} & ({ folder: Folder<T>; open: boolean; leaf?: undefined } | { leaf: Leaf<T>; open?: undefined; folder?: undefined });

/* No path and no base64 begins with it. */
export function keyOfFolder(path: string): string {
    return `./${path}`;
}

/* By name; a byte-wise comparison, so that the order is the same for everybody. */
function byName(a: { name: string }, b: { name: string }): number {
    return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function close<T>(folder: Folder<T>): void {
    for (let i = 0; i < folder.folders.length; i++) {
        let one = folder.folders[i]!;
        while (one.folders.length === 1 && one.leaves.length === 0) {
            const inner = one.folders[0]!;
            inner.name = `${one.name}/${inner.name}`;
            inner.above = folder;
            one = folder.folders[i] = inner;
        }
        close(one);
    }
    folder.folders.sort(byName);
    folder.leaves.sort(byName);
}

export function treeOf<T extends Counted>(items: readonly T[]): Folder<T> {
    const top: Folder<T> = { path: '', name: '', above: null, folders: [], leaves: [], files: 0, additions: 0, deletions: 0 };
    const all = new Map<string, Folder<T>>([['', top]]);
    const folderOf = (path: string): Folder<T> => {
        const there = all.get(path);
        if (there)
            return there;
        const cut = path.lastIndexOf('/'), above = folderOf(cut < 0 ? '' : path.slice(0, cut));
        const made: Folder<T> = { path, name: path.slice(cut + 1), above, folders: [], leaves: [], files: 0, additions: 0, deletions: 0 };
        above.folders.push(made);
        all.set(path, made);
        return made;
    };
    for (const item of items) {
        const cut = item.path.lastIndexOf('/'), folder = folderOf(cut < 0 ? '' : item.path.slice(0, cut));
        folder.leaves.push({ item, id: idOf(item), name: item.path.slice(cut + 1), folder });
        for (let at: Folder<T> | null = folder; at; at = at.above) {
            at.files++;
            at.additions += item.additions;
            at.deletions += item.deletions;
        }
    }
    close(top);
    return top;
}

/* Folders first, then files; nothing of a folder that is folded. */
export function rowsOf<T>(top: Folder<T>, folded: ReadonlySet<string>): Row<T>[] {
    const rows: Row<T>[] = [];
    const add = (folder: Folder<T>, depth: number, parent: number): void => {
        const of = folder.folders.length + folder.leaves.length;
        folder.folders.forEach((one, i) => {
            const key = keyOfFolder(one.path), open = !folded.has(key);
            rows.push({ key, depth, pos: i + 1, of, parent, folder: one, open });
            if (open)
                add(one, depth + 1, rows.length - 1);
        });
        folder.leaves.forEach((leaf, i) => rows.push({ key: leaf.id, depth, pos: folder.folders.length + i + 1, of, parent, leaf }));
    };
    add(top, 0, -1);
    return rows;
}

export function leavesOf<T>(folder: Folder<T>): Leaf<T>[] {
    return [...folder.folders.flatMap(leavesOf), ...folder.leaves];
}
