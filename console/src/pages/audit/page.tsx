/* audit - the trail, newest first: searched, read record by record, verified, taken along. Filters are in the URL. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { useAction, type Action } from '../../api/action';
import { ask, get, getRaw } from '../../api/client';
import { useLoad, type Loaded } from '../../api/load';
import { may } from '../../api/session';
import type { AuditRecord, InputOf, Schemas } from '../../api/types';
import { navigate, useQuery, type PageProps } from '../../router';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';
import { Select } from '../../ui/field';
import { Icon } from '../../ui/icons';
import { useKeys } from '../../ui/keys';
import { List } from '../../ui/list';
import { PageHead } from '../../ui/page_head';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/progress';
import { save } from '../../ui/save';
import { t as shared } from '../../ui/strings';
import { Code, Text } from '../../ui/text';
import { Time } from '../../ui/time';
import { toast } from '../../ui/toast';
import { Who } from '../../ui/who';
import { actions } from './actions';
import { Record, type Member } from './record';
import { t } from './strings';
import { inShort } from './value';

const PAGE = 100, NEWEST = 9007199254740991;
const spans = { hour: 3_600_000, day: 86_400_000, week: 7 * 86_400_000, month: 30 * 86_400_000 } as const;
type Span = keyof typeof spans | '';
const surfaces: Schemas['Surface'][] = ['api', 'cli', 'console', 'ws', 'mcp', 'system'];

/* Goes to the server when one presses Enter or leaves it: the server compares whole values. What is being typed is kept here
 * meanwhile, since the page is drawn again whenever records arrive. */
function Filter({ name, value, set, list, inputRef }: {
    name: Member; value: string; set: (to: string) => void; list?: readonly string[]; inputRef?: { current: HTMLInputElement | null };
}): JSX.Element {
    const [typed, setTyped] = useState(value);
    useEffect(() => setTyped(value), [value]);
    return <><input ref={inputRef} type="search" name={name} class="audit-filter" value={typed} placeholder={t(name)} aria-label={t(name)} spellcheck={false}
        aria-describedby="audit-whole" autocomplete="off" list={list && `audit-${name}`} onInput={e => setTyped(e.currentTarget.value)}
        onChange={e => set(e.currentTarget.value.trim())} />
        {list && <datalist id={`audit-${name}`}>{list.map(one => <option value={one} />)}</datalist>}</>;
}

function Row({ of }: { of: AuditRecord }): JSX.Element {
    return <>
        <span class="audit-seq num faint">{of.seq}</span>
        <span class="audit-action clip"><Code of={of.action} /></span>
        <span class="audit-actor clip"><Who of={of.actor} /> <span class="faint small">{of.surface}</span></span>
        <span class="audit-target clip faint">{of.target !== null && <Code of={of.target} />}</span>
        <span class="audit-short clip faint small"><Text of={inShort(of.data)} /></span>
        <span class="audit-when faint"><Time of={of.time} /></span>
    </>;
}

function Verdict({ of }: { of: Schemas['AuditVerify'] }): JSX.Element {
    return <div class={`card audit-verdict ${of.ok ? 'audit-good' : 'audit-bad'}`} role="status" data-ok={of.ok}>
        <h2><Icon name={of.ok ? 'check' : 'warn'} /> {of.ok ? t('verified') : t('broken')}</h2>
        <p>{of.ok ? t('verified_hint', { n: of.records, seq: of.head.seq }) : t('broken_hint', { n: of.records })}</p>
        {of.error !== null && <p><Code of={of.error} lines /></p>}
        <p class="faint small">{t('head')} {of.head.seq}: <Code of={of.head.hash} /></p>
        <p class="faint small">{t('key')} <Code of={of.head.public_key} /></p>
    </div>;
}

/* Records, page after page; while only the newest page is on the screen it is kept up to date. */
function useRecords(query: InputOf<'/audit', 'get'>['query'], key: string): {
    loaded: Loaded<Schemas['AuditPage']>; items: AuditRecord[]; next: number | null; more: Action;
} {
    const [older, setOlder] = useState<{ key: string; items: AuditRecord[]; next: number | null }>({ key, items: [], next: null });
    const mine = older.key === key && older.items.length ? older : null;
    const load = (before_seq: number, signal?: AbortSignal): Promise<Schemas['AuditPage']> =>
        get('/audit', { query: { ...query, before_seq, limit: PAGE }, signal });
    const loaded = useLoad(signal => load(NEWEST, signal), [key], mine ? 0 : 5000);
    const first = loaded.data.value;
    const items = [...first?.items ?? [], ...mine?.items ?? []];
    const next = mine ? mine.next : first?.next_seq ?? null;
    const more = useAction(() => load(next ?? 0), page => setOlder({ key, items: [...mine?.items ?? [], ...page.items], next: page.next_seq }));
    return { loaded, items, next, more };
}

function Trail(): JSX.Element {
    const [action, setAction] = useQuery('action'), [actor, setActor] = useQuery('actor'), [target, setTarget] = useQuery('target');
    const [run, setRun] = useQuery('run'), [surface, setSurface] = useQuery('surface'), [span, setSpan] = useQuery('time');
    const [open, setOpen] = useState<AuditRecord | null>(null);
    const search = useRef<HTMLInputElement>(null);
    /* The beginning of the span stays where it is while one reads, so that pages fit together. */
    const width = spans[span as keyof typeof spans] as number | undefined;
    const since = useMemo(() => width ? new Date(Date.now() - width).toISOString() : undefined, [width]);
    const key = JSON.stringify([action, actor, target, run, surface, since]);
    const { loaded, items, next, more } = useRecords({ action, actor, target, run_id: run, since,
        surface: (surface || undefined) as Schemas['Surface'] | undefined }, key);
    const [verdict, setVerdict] = useState<Schemas['AuditVerify'] | null>(null);
    const verify = useAction(() => ask('/audit/verify', {}, {}), setVerdict);
    const take = useAction(async () => (await getRaw('/audit/export', {}, 'application/jsonl')).blob(), bytes => {
        const name = `audit-${new Date().toISOString().slice(0, 10)}.jsonl`;
        save(name, bytes);
        toast(t('exported', { name }));
    });
    useKeys('page', {
        '/': [shared('search'), () => search.current?.focus()],
        v: [t('verify'), () => void verify.run()],
        e: [t('export'), () => void take.run()],
    });
    const only = (member: Member, value: string): void => {
        setOpen(null);
        ({ action: setAction, actor: setActor, target: setTarget, run: setRun })[member](value);
    };
    const isFiltered = !!(action || actor || target || run || surface || span);
    return <>
        <PageHead title={t('title')} about={t('about')} actions={<>
            <Button action={verify} icon="check" hint="v">{t('verify')}</Button>
            <Button action={take} icon="download" hint="e">{t('export')}</Button></>}>
            <Filter name="action" value={action} set={setAction} list={actions} inputRef={search} />
            <Filter name="actor" value={actor} set={setActor} />
            <Filter name="target" value={target} set={setTarget} />
            <Filter name="run" value={run} set={setRun} />
            <Select label={t('surface')} value={surface} onChange={setSurface}
                options={[['', t('any_surface')], ...surfaces.map(one => [one as string, one] as const)]} />
            <Select<Span> label={t('since')} value={span as Span} onChange={setSpan} options={[['', t('any_time')], ['hour', t('hour')], ['day', t('day')],
                ['week', t('week')], ['month', t('month')]]} />
            <p id="audit-whole" class="faint small audit-whole">{t('whole')}</p>
        </PageHead>
        <Problem of={verify.error.value} /><Problem of={take.error.value} />
        {verdict && <Verdict of={verdict} />}
        <Problem of={loaded.error.value} onRetry={() => void loaded.reload()} />
        {!loaded.data.value ? !loaded.error.value && <Skeleton rows={12} />
            : items.length ? <List items={items} keyOf={one => String(one.seq)} onOpen={setOpen} label={t('list')} class="audit"
                row={one => <Row of={one} />} />
                : isFiltered ? <Empty icon="audit" title={t('no_match')}
                    action={<Button onClick={() => navigate('/audit', { replace: true })}>{t('clear')}</Button>}>{t('no_match_hint')}</Empty>
                    : <Empty icon="audit" title={t('none')}>{t('none_hint')}</Empty>}
        <Problem of={more.error.value} />
        {loaded.data.value && next !== null && <div class="list-foot"><Button action={more}>{t('older')}</Button></div>}
        {open && <Record of={open} onOnly={only} onClose={() => setOpen(null)} />}
    </>;
}

export default function Page(_: PageProps): JSX.Element {
    return may('audit:read') ? <Trail />
        : <><PageHead title={t('title')} /><Empty icon="audit" title={t('forbidden')}>{t('forbidden_hint')}</Empty></>;
}
