/* edit - a draft of the next version. The server says what is wrong with it, by line and field; nothing changes before it
 * is saved. */
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { useAction } from '../../api/action';
import { ask, get } from '../../api/client';
import type { ApiError } from '../../api/errors';
import { Button } from '../../ui/button';
import { Confirm } from '../../ui/dialog';
import { Field, fieldError } from '../../ui/field';
import { Problem } from '../../ui/problem';
import { isPlain } from '../../ui/safe';
import { Text } from '../../ui/text';
import { toast } from '../../ui/toast';
import { setVars } from '../../ui/vars';
import { draft, type Draft } from './draft';
import { numbersOf } from './source';
import { t } from './strings';
import { nameOf, TextDiff } from './versions';

type Problems = NonNullable<ApiError['details']['problems']>;

function ProblemList({ of, more, onGo }: { of: Problems; more: number; onGo: (line: number) => void }): JSX.Element {
    return <section class="problem policy-problems" role="alert"><div><h2>{t('problems', { n: of.length + more })}</h2>
        <ul>{of.map(one => <li>{one.line > 0
            ? <button type="button" class="button small" onClick={() => onGo(one.line)}>{t('line', { n: one.line })}</button>
            : <span class="faint small">{t('whole')}</span>}{' '}{one.field && <><code><Text of={one.field} /></code>{' '}</>}
            <Text of={one.message} /></li>)}</ul>
    {more > 0 && <p>{t('more_problems', { n: more })}</p>}</div></section>;
}

/* Lines with characters that a text field does not show. */
function hidden(text: string): number[] {
    return isPlain(text) ? [] : text.split('\n').flatMap((line, i) => isPlain(line) ? [] : [i + 1]);
}

export function Edit({ of, onSaved }: { of: Draft; onSaved: (version: number) => void }): JSX.Element {
    const area = useRef<HTMLTextAreaElement>(null), numbers = useRef<HTMLPreElement>(null);
    const [base, setBase] = useState<number | null>(null), [sure, setSure] = useState(false), [good, setGood] = useState<string | null>(null);
    const set = (to: Partial<Draft>): void => { draft.value = { ...of, ...to }; };
    const check = useAction(() => ask('/policy/test', {}, { command: 'true', text: of.text }), () => setGood(of.text));
    const save = useAction(async call => {
        try {
            return await call.put('/policy', {}, { text: of.text, base_version: base ?? of.base, ...(of.note && { note: of.note }) });
        } catch (e) {
            if ((e as ApiError).code === 'conflict')
                setBase((await get('/policy', {})).version);
            throw e;
        }
    }, saved => {
        draft.value = null;
        toast(t('saved_as', { n: saved.version }));
        onSaved(saved.version);
    });
    const drop = useAction(async () => { draft.value = null; });
    const error = save.error.value ?? check.error.value, problems = error?.details.problems;
    const go = (line: number): void => {
        const field = area.current;
        if (!field)
            return;
        const lines = of.text.split('\n'), start = lines.slice(0, line - 1).reduce((n, one) => n + one.length + 1, 0);
        field.focus();
        field.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
        field.scrollTop = Math.max(0, (line - 4) * (field.scrollHeight / Math.max(1, lines.length)));
    };
    const where = hidden(of.text);
    return <div class="stack">
        <p class="faint">{t('edit_hint')}</p>
        {where.length > 0 && <p class="banner" role="alert">{t('invisible', { n: where.length, where: where.slice(0, 10).join(', ') })}</p>}
        {problems?.length ? <ProblemList of={problems} more={error?.details.more ?? 0} onGo={go} />
            : !fieldError(error, 'note') && <Problem of={error} />}
        {base !== null && error?.code === 'conflict' && <div class="banner">{t('conflict')} {t('conflict_hint', { n: base })}</div>}
        {good === of.text && !error && <p role="status" class="added">{t('checked')}</p>}
        <div class="policy-editor"><pre class="policy-numbers faint" aria-hidden="true" ref={numbers}>{numbersOf(of.text)}</pre>
            <textarea ref={area} name="text" aria-label={t('text')} aria-invalid={!!problems?.length} wrap="off" spellcheck={false} autocapitalize="off"
                value={of.text} onInput={e => set({ text: e.currentTarget.value })}
                onScroll={e => setVars(numbers.current, { '--scroll': `${-e.currentTarget.scrollTop}px` })} /></div>
        <Field label={t('note')} help={t('note_help')} error={fieldError(error, 'note')}>{p => <input {...p} name="note" value={of.note} maxLength={2000}
            onInput={e => set({ note: e.currentTarget.value })} />}</Field>
        <div class="row"><Button kind="primary" action={save} disabled={of.text === of.baseText && base === null}>
            {base !== null ? t('on_top', { n: base }) : t('save')}</Button>
        <Button action={check}>{t('check')}</Button>
        <Button kind="danger" onClick={() => setSure(true)}>{t('discard')}</Button></div>
        <section class="stack"><h2>{t('review')} <span class="faint small">{t('version')} {nameOf(of.base)} → {t('with_draft')}</span></h2>
            {of.text === of.baseText ? <p class="faint">{t('unchanged')}</p> : <TextDiff from={of.baseText} to={of.text} />}</section>
        {sure && <Confirm title={t('discard_q')} kind="danger" action={drop} label={t('discard')}
            onClose={() => setSure(false)}><p>{t('discard_say')}</p></Confirm>}
    </div>;
}
