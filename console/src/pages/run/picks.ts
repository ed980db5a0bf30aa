/* picks - which changed files, and which hunks of them, are to be applied: all but what was left out. Pure. */
export interface Picked {
    path: string;
    path_b64?: string;
    refused: string | null;
}

/* Of one file: all of it is left out, or these hunks (from 1) of so many. */
type Out = 'all' | { hunks: ReadonlySet<number>; of: number };
export type Left = ReadonlyMap<string, Out>;

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

export function isWhole(left: Left, id: string): boolean {
    return !left.has(id);
}

export function hasHunk(left: Left, id: string, hunk: number): boolean {
    const out = left.get(id);
    return !out || (out !== 'all' && !out.hunks.has(hunk));
}

/* Files of which something is applied. */
export function pickedOf<T extends Picked>(items: readonly T[], left: Left): T[] {
    return items.filter(one => !one.refused && left.get(idOf(one)) !== 'all');
}

interface Request {
    paths?: string[];
    paths_b64?: string[];
    hunks?: { path?: string; path_b64?: string; hunks: number[] }[];
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
    return Object.fromEntries(Object.entries(request).filter(([, list]) => list.length > 0));
}
