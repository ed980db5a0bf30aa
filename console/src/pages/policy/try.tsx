/* try - what would the policy say to this command: the answer, its rule, the piece it fired on, and each part of it. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../../api/action';
import { ask } from '../../api/client';
import type { Schemas, Verdict } from '../../api/types';
import { useQuery } from '../../router';
import { State } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';
import { Facts } from '../../ui/facts';
import { Field, fieldError, Select } from '../../ui/field';
import { Problem } from '../../ui/problem';
import { Code, Text } from '../../ui/text';
import { draft } from './draft';
import { t } from './strings';

function Parts({ title, of }: { title: string; of: Schemas['VerdictPart'][] }): JSX.Element | null {
    return of.length ? <section><h3>{title}</h3><div class="table-box" role="region" aria-label={title} tabIndex={0}><table class="policy-parts">
        <thead><tr><th>{t('answer')}</th><th>{t('piece')}</th><th>{t('by_rule')}</th><th>{t('reason')}</th></tr></thead>
        <tbody>{of.map(part => <tr><td><State of={part.decision} /></td><td><Code of={part.text} lines />
            {part.through !== null && <> <span class="faint small">{t.rich('through', { name: <Code of={part.through} /> })}</span></>}</td>
        <td><Code of={part.rule} /></td><td class="faint"><Text of={part.reason} /></td></tr>)}</tbody></table></div></section> : null;
}

function Answer({ of }: { of: Verdict }): JSX.Element {
    return <section class={`card policy-answer policy-${of.decision}`} data-answer={of.decision} aria-live="polite">
        <h2><State of={of.decision} /></h2>
        <p><Text of={of.reason} /></p>
        <Facts rows={[[t('by_rule'), <Code of={of.rule} />], !!of.piece && [t('fired'), <Code of={of.piece} lines />]]} />
        <Parts title={t('pieces')} of={of.commands} /><Parts title={t('opaque')} of={of.opaque} />
    </section>;
}

export function Try(): JSX.Element {
    const [command, setCommand] = useState(''), [cwd, setCwd] = useState(''), [by, setBy] = useQuery('by', 'force');
    const [verdict, setVerdict] = useState<Verdict | null>(null);
    const text = by === 'draft' ? draft.value?.text : undefined;
    const judge = useAction(() => ask('/policy/test', {}, { command, ...(cwd && { cwd }), ...(text !== undefined && { text }) }), setVerdict);
    const error = judge.error.value, known = fieldError(error, 'command') ?? fieldError(error, 'cwd');
    return <div class="stack">
        <form class="policy-try" onSubmit={e => {
            e.preventDefault();
            if (command)
                void judge.run();
        }}>
            <Field label={t('command')} help={t('command_help')} error={fieldError(error, 'command')}>{p => <input {...p} name="command" class="mono"
                value={command} spellcheck={false} autocomplete="off" autocapitalize="off" onInput={e => setCommand(e.currentTarget.value)} />}</Field>
            <Field label={t('cwd')} help={t('cwd_help')} error={fieldError(error, 'cwd')}>{p => <input {...p} name="cwd" class="mono" value={cwd}
                spellcheck={false} autocomplete="off" onInput={e => setCwd(e.currentTarget.value)} />}</Field>
            <Field label={t('against')}>{p => <Select {...p} value={text !== undefined ? 'draft' : 'force'} onChange={setBy}
                options={[['force', t('by_force')], ...draft.value ? [['draft', t('by_draft')] as const] : []]} />}</Field>
            <div><Button kind="primary" type="submit" busy={judge.busy.value} disabled={!command}>{t('try_it')}</Button></div>
        </form>
        {!known && <Problem of={error} />}
        {verdict ? <Answer of={verdict} /> : <Empty icon="policy" title={t('try_empty')}>{t('try_empty_hint')}</Empty>}
    </div>;
}
