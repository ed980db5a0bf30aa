/* rules - the rules as the server reads them: the answer, what each fires on, and why. */
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { Schemas } from '../../api/types';
import { useQuery } from '../../router';
import { State } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';
import { SearchBox, Select } from '../../ui/field';
import { useKeys } from '../../ui/keys';
import { t as shared } from '../../ui/strings';
import { Code, Text } from '../../ui/text';
import { t } from './strings';

type Rule = Schemas['PolicyRule'];

function Patterns({ name, of }: { name: string; of: string[] | undefined }): JSX.Element | null {
    return of?.length ? <div class="policy-patterns"><span class="faint small">{name}</span>
        <span class="policy-pattern-list">{of.map(one => <Code of={one} />)}</span></div> : null;
}

function Matcher({ of }: { of: Rule }): JSX.Element {
    return <><Patterns name={t('m_program')} of={of.command?.program} /><Patterns name={t('m_flags')} of={of.command?.flags} />
        <Patterns name={t('m_paths')} of={of.command?.paths} /><Patterns name={t('m_any')} of={of.command?.any} />
        <Patterns name={t('m_read')} of={of.path?.read} /><Patterns name={t('m_write')} of={of.path?.write} />
        <Patterns name={t('m_host')} of={of.host} /><Patterns name={t('m_tool')} of={of.tool} /></>;
}

export function Rules({ of }: { of: Schemas['PolicyDocument'] }): JSX.Element {
    const [text, setText] = useQuery('q'), [answer, setAnswer] = useQuery('answer'), search = useRef<HTMLInputElement>(null);
    useKeys('page', { '/': [shared('search'), () => search.current?.focus()] });
    const wanted = text.toLowerCase();
    const found = of.rules.filter(rule => (!answer || rule.decision === answer) && (!wanted || JSON.stringify(rule).toLowerCase().includes(wanted)));
    return <div class="stack">
        <div class="filters"><SearchBox value={text} onInput={setText} label={t('filter')} inputRef={search} />
            <Select label={t('answer')} value={answer} onChange={setAnswer} options={[['', t('any_answer')], ['deny', shared('s_deny')],
                ['ask', shared('s_ask')], ['allow', shared('s_allow')]]} /></div>
        <p class="row"><span>{t('default_is')}</span><State of={of.default} /></p>
        {of.rules.length === 0 ? <Empty icon="policy" title={t('none')}>{t('none_hint')}</Empty>
            : found.length === 0 ? <Empty icon="policy" title={t('no_match')} action={<Button onClick={() => {
                setText('');
                setAnswer('');
            }}>{t('clear')}</Button>}>
                {t('no_match_hint')}</Empty>
                : <div class="table-box" role="region" aria-label={t('tab_rules')} tabIndex={0}><table class="policy-rules">
                    <thead><tr><th>{t('answer')}</th><th>{t('rule')}</th><th>{t('matches')}</th></tr></thead>
                    <tbody>{found.map(rule => <tr key={rule.id} data-rule={rule.id}><td><State of={rule.decision} /></td>
                        <td><Code of={rule.id} /><p class="faint small">{rule.reason ? <Text of={rule.reason} /> : t('no_reason')}</p></td>
                        <td><Matcher of={rule} /></td></tr>)}</tbody></table></div>}
    </div>;
}
