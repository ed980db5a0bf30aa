/* tree - changed files in the order of a tree, each with its folder and its name. Pure. */
export interface TreeRow<T> {
    item: T;
    /* With its slash at the end; "" at the top. */
    folder: string;
    name: string;
}

/* Folders first, then files, by name; a byte-wise comparison, so that the order is the same for everybody. */
function compare(a: readonly string[], b: readonly string[]): number {
    for (let i = 0; ; i++) {
        const aEnds = i === a.length - 1, bEnds = i === b.length - 1;
        if (aEnds !== bEnds)
            return aEnds ? 1 : -1;
        if (a[i] !== b[i])
            return a[i]! < b[i]! ? -1 : 1;
        if (aEnds)
            return 0;
    }
}

export function rowsOf<T>(items: readonly T[], pathOf: (item: T) => string): TreeRow<T>[] {
    return items.map(item => ({ item, parts: pathOf(item).split('/') })).sort((a, b) => compare(a.parts, b.parts))
        .map(({ item, parts }) => ({ item, name: parts.at(-1)!, folder: parts.slice(0, -1).map(part => part + '/').join('') }));
}
