/* settings - what belongs to this login and this server; each part a tab in a file of its own. */
import type { JSX } from 'preact';
import { useQuery, type PageProps } from '../../router';
import { PageHead } from '../../ui/page_head';
import { Tabs, type Tab } from '../../ui/tabs';
import { About } from './about';
import { Doctor } from './doctor';
import { Storage } from './storage';
import { t } from './strings';
import { Tokens } from './tokens';

type Part = 'tokens' | 'doctor' | 'storage' | 'about';

export default function Settings(_: PageProps): JSX.Element {
    const [open, setOpen] = useQuery('tab', 'about');
    const tabs: Tab<Part>[] = [{ key: 'about', label: t('tab_about') }, { key: 'tokens', label: t('tab_tokens') },
        { key: 'doctor', label: t('tab_doctor') }, { key: 'storage', label: t('tab_storage') }];
    const at = tabs.find(tab => tab.key === open)?.key ?? 'about';
    return <><PageHead title={t('title')} /><Tabs label={t('title')} tabs={tabs} open={at} onOpen={setOpen}>
        {at === 'tokens' ? <Tokens /> : at === 'doctor' ? <Doctor /> : at === 'storage' ? <Storage /> : <About />}</Tabs></>;
}
