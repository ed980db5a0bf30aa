/* settings - what belongs to this login and this server; each part a tab in a file of its own. */
import type { JSX } from 'preact';
import { useQuery, type PageProps } from '../../router';
import { PageHead } from '../../ui/page_head';
import { Tabs, type Tab } from '../../ui/tabs';
import { About } from './about';
import { t } from './strings';

type Part = 'about';

export default function Settings(_: PageProps): JSX.Element {
    const [open, setOpen] = useQuery('tab', 'about');
    const tabs: Tab<Part>[] = [{ key: 'about', label: t('tab_about') }];
    const at = tabs.find(tab => tab.key === open)?.key ?? 'about';
    return <><PageHead title={t('title')} /><Tabs label={t('title')} tabs={tabs} open={at} onOpen={setOpen}><About /></Tabs></>;
}
