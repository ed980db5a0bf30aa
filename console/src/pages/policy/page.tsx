/* policy - what is allowed, asked about and denied: rules, text, versions; a draft of the next one, tried before it counts. */
import type { JSX } from 'preact';
import { useAction } from '../../api/action';
import { get } from '../../api/client';
import { useLoad } from '../../api/load';
import { may } from '../../api/session';
import type { Schemas } from '../../api/types';
import { navigate, useQuery, type PageProps } from '../../router';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';
import { useKeys } from '../../ui/keys';
import { PageHead } from '../../ui/page_head';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/progress';
import { Tabs, type Tab } from '../../ui/tabs';
import { Text } from '../../ui/text';
import { Time } from '../../ui/time';
import { Who } from '../../ui/who';
import { draft } from './draft';
import { Edit } from './edit';
import { Replay } from './replay';
import { Rules } from './rules';
import { Source } from './source';
import { t } from './strings';
import { Try } from './try';
import { Versions } from './versions';

type Part = 'rules' | 'text' | 'versions' | 'edit' | 'try' | 'replay';

function About({ of, newest }: { of: Schemas['Policy']; newest: number }): JSX.Element {
    return <span class="row"><span>{of.version !== newest ? t('showing', { n: of.version }) : of.version === 0 ? t('built_in')
        : t('in_force', { n: of.version })}</span>
        {of.version > 0 && <><span>{t.rich('by', { who: <Who of={of.actor} /> })}</span>{of.created_at && <Time of={of.created_at} />}</>}
        {of.note !== null && <Text of={of.note} />}</span>;
}

function Body({ shown, newest, reload }: { shown: Schemas['Policy']; newest: Schemas['Policy']; reload: () => void }): JSX.Element {
    const [part, setPart] = useQuery('tab', 'rules');
    const tabs: Tab<Part>[] = [{ key: 'rules', label: t('tab_rules'), count: shown.document?.rules.length }, { key: 'text', label: t('tab_text') },
        { key: 'versions', label: t('tab_versions') }, ...draft.value ? [{ key: 'edit' as const, label: t('draft') }] : [],
        { key: 'try', label: t('tab_try') }, { key: 'replay', label: t('tab_replay') }];
    const open = tabs.find(tab => tab.key === part)?.key ?? 'rules';
    /* A draft there is goes before one from another version: it is thrown away only when somebody says so. */
    const begin = useAction<Schemas['Policy'] | undefined, [version?: number]>(async (_, version) => draft.peek() ? undefined
        : get('/policy', { query: version === undefined ? {} : { version } }), from => {
        if (from)
            draft.value = { text: from.text, base: newest.version, baseText: newest.text, note: '' };
        navigate('/policy?tab=edit', { replace: true });
    });
    useKeys('page', { e: [t('edit'), () => { if (may('policy:write')) void begin.run(); }], t: [t('tab_try'), () => setPart('try')] });
    return <><Problem of={begin.error.value} />
        <PageHead title={t('title')} about={<About of={shown} newest={newest.version} />} actions={<>
            {shown.version !== newest.version && <Button onClick={() => navigate('/policy', { replace: true })}>{t('to_force')}</Button>}
            {may('policy:write') && open !== 'edit' && <Button kind="primary" hint="e" busy={begin.busy.value} onClick={() => void begin.run()}>
                {draft.value ? t('draft') : t('edit')}</Button>}</>} />
        <Tabs tabs={tabs} open={open} onOpen={setPart} label={t('title')}>
            {open === 'rules' ? shown.document ? <><p class="faint policy-about">{t('about')}</p><Rules of={shown.document} /></>
                : <Empty icon="warn" title={t('unreadable')} action={<Button onClick={() => setPart('text')}>{t('tab_text')}</Button>} />
                : open === 'text' ? <Source text={shown.text} version={shown.version} />
                    : open === 'versions' ? <Versions newest={newest.version} onEdit={version => void begin.run(version)} />
                        : open === 'edit' && draft.value ? <Edit of={draft.value} onSaved={() => {
                            navigate('/policy', { replace: true });
                            scrollTo(0, 0); /* to what is in force now: Save is far below */
                            reload();
                        }} />
                            : open === 'try' ? <Try /> : <Replay />}
        </Tabs></>;
}

function Policy(): JSX.Element {
    const [version] = useQuery('version');
    const loaded = useLoad(async signal => {
        const newest = await get('/policy', { signal });
        return { newest, shown: version === '' || Number(version) === newest.version ? newest
            : await get('/policy', { query: { version: Number(version) }, signal }) };
    }, [version]);
    const both = loaded.data.value;
    return both ? <><Problem of={loaded.error.value} /><Body shown={both.shown} newest={both.newest} reload={() => void loaded.reload()} /></>
        : <><PageHead title={t('title')} /><Problem of={loaded.error.value} onRetry={() => void loaded.reload()} />{!loaded.error.value && <Skeleton />}</>;
}

export default function Page(_: PageProps): JSX.Element {
    return may('policy:read') ? <Policy />
        : <><PageHead title={t('title')} /><Empty icon="policy" title={t('forbidden')}>{t('forbidden_hint')}</Empty></>;
}
