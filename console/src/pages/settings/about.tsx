/* about - which server this is, who is logged in, and how the console looks. */
import type { JSX } from 'preact';
import { me } from '../../api/session';
import { lang, setLang } from '../../i18n';
import { Badge } from '../../ui/badge';
import { Facts } from '../../ui/facts';
import { Field, Select } from '../../ui/field';
import { t as shared } from '../../ui/strings';
import { Text } from '../../ui/text';
import { setTheme, theme } from '../../ui/theme';
import { t } from './strings';

export function About(): JSX.Element | null {
    const who = me.value;
    if (!who)
        return null;
    return <div class="stack">
        {who.version !== VERSION && <p class="banner">{t('newer', { version: who.version })}</p>}
        <section class="card"><h2>{t('server')}</h2><Facts rows={[
            [t('version'), who.version], [t('console'), VERSION], [t('address'), location.origin], [t('tenant'), <Text of={who.tenant_id} />],
            [t('api'), <a href="/docs">/docs</a>]]} /></section>
        <section class="card"><h2>{t('token')}</h2><Facts rows={[
            [t('token'), <Text of={who.token.name} />],
            [t('scopes'), <span class="row">{who.token.scopes.map(scope => <Badge>{scope}</Badge>)}</span>]]} /></section>
        <section class="card"><h2>{t('look')}</h2><div class="row top">
            <Field label={t('theme')}>{p => <Select {...p} value={theme.value} onChange={setTheme} options={[['auto', shared('theme_auto')],
                ['light', shared('theme_light')], ['dark', shared('theme_dark')]]} />}</Field>
            <Field label={t('language')}>{p => <Select {...p} value={lang.value} onChange={setLang}
                options={[['en', 'English'], ['zh', '简体中文']]} />}</Field></div></section>
    </div>;
}
