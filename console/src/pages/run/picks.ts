/* picks - which changed files, and which hunks of them, are to be applied, or were: all but what was left out. Pure. */
export interface Picked {
    path: string;
    path_b64?: string;
    refused: string | null;
    old_mode?: string | null;
    new_mode?: string | null;
}

/* Of one file: all of it is left out, or these hunks (from 1) of so many. */
type Out = 'all' | { hunks: ReadonlySet<number>; of: number };
export type Left = ReadonlyMap<string, Out>;
export type Share = boolean | 'mixed';

export function idOf(change: Picked): string {
    return change.path_b64 ?? change.path;
}

/* A file of which anything is left out is taken whole again. */
export function toggleFile(left: Left, id: string): Left {
    const to = new Map(left);
    if (!to.delete(id))
        to.set(id, 'all');
    return to;
}

/* All of a folder is left out, or, where something of it is already, taken again. */
export function toggleFiles(left: Left, items: readonly Picked[]): Left {
    const to = new Map(left), ids = items.filter(one => !one.refused).map(idOf);
    const takes = ids.some(id => to.has(id));
    for (const id of ids)
        if (takes)
            to.delete(id);
        else
            to.set(id, 'all');
    return to;
}

export function toggleHunk(left: Left, id: string, hunk: number, of: number): Left {
    const to = new Map(left), now = left.get(id);
    const hunks = new Set(now === 'all' ? Array.from({ length: of }, (_, i) => i + 1) : now?.hunks);
    if (!hunks.delete(hunk))
        hunks.add(hunk);
    if (hunks.size === 0)
        to.delete(id);
    else
        to.set(id, hunks.size >= of ? 'all' : { hunks, of });
    return to;
}

export function shareOf(left: Left, id: string): Share {
    const out = left.get(id);
    return out === undefined ? true : out === 'all' ? false : 'mixed';
}

export function hasHunk(left: Left, id: string, hunk: number): boolean {
    const out = left.get(id);
    return !out || (out !== 'all' && !out.hunks.has(hunk));
}

export function isFolder(change: Picked): boolean {
    return (change.new_mode ?? change.old_mode ?? '').startsWith('04');
}

/* Does it count as a file? Of a folder that goes, its files do. */
export function counts(change: Picked): boolean {
    return !isFolder(change) || !!change.new_mode;
}

/* The folders above a path, the nearest first: "a/b", "a". */
function* above(path: string): Generator<string> {
    for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1))
        yield path.slice(0, cut);
}

/* How much of a folder is left out: by its path, how many of its files wholly, and how many in part. */
export function outBelow(items: readonly Picked[], left: Left): ReadonlyMap<string, { all: number; some: number }> {
    const out = new Map<string, { all: number; some: number }>();
    if (left.size > 0)
        for (const one of items) {
            const share = one.refused ? true : shareOf(left, idOf(one));
            if (share === true)
                continue;
            for (const folder of above(one.path)) {
                const count = out.get(folder) ?? { all: 0, some: 0 };
                count[share === false ? 'all' : 'some']++;
                out.set(folder, count);
            }
        }
    return out;
}

/* Files of which something is applied. A change that names a folder, or a file in a folder's place, stands for all that is
 * below it, so it is not among them when something of that is left out. */
export function pickedOf<T extends Picked>(items: readonly T[], left: Left): T[] {
    const out = outBelow(items, left);
    return items.filter(one => !one.refused && left.get(idOf(one)) !== 'all' && !out.has(one.path));
}

interface Request {
    paths?: string[];
    paths_b64?: string[];
    hunks?: { path?: string; path_b64?: string; hunks: number[] }[];
}

const MANY = 1000; /* files: then folders stand for what is below them, since a request has its bounds */

/* Instead of the files of a folder of which nothing is left out, the folder. */
function byFolder(items: readonly Picked[], paths: readonly string[], left: Left): string[] {
    const out = outBelow(items, left), found = new Set<string>();
    for (const path of paths) {
        let best = path;
        for (const folder of above(path))
            if (!out.has(folder) && !left.has(folder) && !folder.includes('\ufffd'))
                best = folder;
        found.add(best);
    }
    return [...found];
}

/* For POST /runs/{run}/apply: nothing at all when nothing was left out. */
export function requestOf(items: readonly Picked[], left: Left): Request {
    if (left.size === 0)
        return {};
    const request = { paths: [] as string[], paths_b64: [] as string[], hunks: [] as Required<Request>['hunks'] };
    for (const one of pickedOf(items, left)) {
        const out = left.get(idOf(one));
        if (out && out !== 'all')
            request.hunks.push({ ...(one.path_b64 ? { path_b64: one.path_b64 } : { path: one.path }),
                hunks: Array.from({ length: out.of }, (_, i) => i + 1).filter(n => !out.hunks.has(n)) });
        else if (one.path_b64)
            request.paths_b64.push(one.path_b64);
        else
            request.paths.push(one.path);
    }
    if (request.paths.length > MANY)
        request.paths = byFolder(items, request.paths, left);
    return Object.fromEntries(Object.entries(request).filter(([, list]) => list.length > 0));
}

interface Applied {
    paths: string[] | null;
    paths_b64?: string[];
    hunks?: { path?: string; path_b64?: string; hunks: number[] }[];
    skipped: { path: string; path_b64?: string }[];
}

/* Which hunks of a file an apply took; null: the file as a whole, or nothing of it. */
export function hunksOf(applied: Applied, id: string): ReadonlySet<number> | null {
    const row = applied.hunks?.find(one => (one.path_b64 ?? one.path) === id);
    return row ? new Set(row.hunks) : null;
}

/* What an apply did with each file; not in it: it took the whole of it. */
export function appliedOf(items: readonly Picked[], applied: Applied): ReadonlyMap<string, 'out' | 'some'> {
    const some = new Set(applied.hunks?.map(one => one.path_b64 ?? one.path));
    const paths = applied.paths && new Set(applied.paths), bytes = new Set(applied.paths_b64);
    const skipped = new Set(applied.skipped.map(one => one.path_b64 ?? one.path)), did = new Map<string, 'out' | 'some'>();
    for (const one of items) {
        const id = idOf(one);
        const isTaken = !paths || (one.path_b64 ? bytes.has(id) : paths.has(id)) || [...above(one.path)].some(folder => paths.has(folder));
        if (some.has(id))
            did.set(id, 'some');
        else if (!isTaken || skipped.has(id))
            did.set(id, 'out');
    }
    return did;
}
