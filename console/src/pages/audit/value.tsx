/* value - the data of a record: what is a list is a list, what has names has names, and every text is only text. */
import type { JSX } from 'preact';
import { Link } from '../../router';
import { Facts } from '../../ui/facts';
import { number } from '../../ui/format';
import { Code, Text } from '../../ui/text';
import { t } from './strings';

const DEEPEST = 6;

export function Value({ of, depth = 0 }: { of: unknown; depth?: number }): JSX.Element {
    if (of === null || of === undefined)
        return <span class="faint">{t('nothing')}</span>;
    if (typeof of === 'boolean')
        return <>{of ? t('yes') : t('no')}</>;
    if (typeof of === 'number')
        return <span class="num">{number(of)}</span>;
    if (typeof of === 'string')
        return /^run_\w+$/.test(of) ? <Link href={`/runs/${of}`}><Code of={of} /></Link>
            : of === '' ? <span class="faint">{t('empty')}</span>
                : /^[\w.:/@-]+$/.test(of) ? <Code of={of} /> : <Text of={of} lines />;
    if (depth >= DEEPEST)
        return <Code of={JSON.stringify(of)} />;
    if (Array.isArray(of))
        return of.length === 0 ? <span class="faint">{t('empty')}</span>
            : <ul class="audit-values">{of.map(one => <li><Value of={one} depth={depth + 1} /></li>)}</ul>;
    const rows = Object.entries(of);
    return rows.length === 0 ? <span class="faint">{t('empty')}</span>
        : <Facts rows={rows.map(([name, value]) => [name, <Value of={value} depth={depth + 1} />] as const)} />;
}

/* One line of it, for the list: names and simple values. */
export function inShort(data: unknown): string {
    if (typeof data !== 'object' || data === null)
        return '';
    return Object.entries(data).filter(([, value]) => value !== null && value !== '')
        .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`).join(' · ').slice(0, 400);
}
