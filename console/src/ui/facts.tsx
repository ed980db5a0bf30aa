/* facts - names and their values, one below the other. */
import type { ComponentChildren, JSX } from 'preact';

export function Facts({ rows }: { rows: (readonly [string, ComponentChildren] | false | null | undefined)[] }): JSX.Element {
    return <dl class="facts">{rows.map(row => row && <div><dt>{row[0]}</dt><dd>{row[1]}</dd></div>)}</dl>;
}
