/* step - one step of a plan as fields, with what the policy says to it. What cannot be seen in a field (text that is
 * invisible, or turns the order around) is shown below it for what it is. */
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Decision } from '../../api/types';
import { Asked } from '../../ui/asked';
import { Badge, State } from '../../ui/badge';
import { Check, Field } from '../../ui/field';
import { folded } from '../../ui/fold';
import { Icon } from '../../ui/icons';
import { isPlain } from '../../ui/safe';
import { Code, Text } from '../../ui/text';
import { setVars } from '../../ui/vars';
import { pieceOf } from '../run/command';
import type { Draft } from './draft';
import { t } from './strings';

/* Grows with its text as it is laid out, so that nothing of it is out of sight; at some length one scrolls in it, and is told. */
function Command({ draft, onInput, error, label, focus }: {
    draft: Draft; onInput: (text: string) => void; error?: string; label: string; focus: boolean;
}): JSX.Element {
    const ref = useRef<HTMLTextAreaElement>(null), [isCut, setCut] = useState(false);
    const measure = (): void => {
        const { current: area } = ref;
        if (!area)
            return;
        setVars(area, { '--height': 'auto' });
        const { scrollHeight, offsetHeight, clientHeight } = area;
        setVars(area, { '--height': `${scrollHeight + offsetHeight - clientHeight}px` });
        setCut(area.scrollHeight > area.clientHeight + 1);
    };
    useLayoutEffect(measure, [draft.command]);
    useEffect(() => {
        let width = ref.current!.clientWidth;
        const watch = new ResizeObserver(() => {
            const now = ref.current?.clientWidth ?? width;
            if (now !== width)
                measure();
            width = now;
        });
        watch.observe(ref.current!);
        return () => watch.disconnect();
    }, []);
    useLayoutEffect(() => { if (focus) ref.current?.focus(); }, []);
    return <><Field label={label} hideLabel error={error}>{p => <textarea {...p} ref={ref} class="mono planner-command" rows={1} spellcheck={false}
        autocomplete="off" autocapitalize="off" value={draft.command} onInput={e => onInput(e.currentTarget.value)} />}</Field>
        {isCut && <p class="planner-hidden small"><Icon name="warn" /><span>{t('cut', { n: draft.command.split('\n').length })}</span></p>}</>;
}

function Hidden({ of, mark }: { of: string; mark?: string | null }): JSX.Element | null {
    const isFolded = folded(of).some(part => part.fold);
    return isPlain(of) && !isFolded ? null : <div class="planner-hidden small"><Icon name="warn" />
        <span>{t(isPlain(of) ? 'shown_folded' : 'shown_as')} <Asked of={of} mark={mark} /></span></div>;
}

export function Verdict({ of }: { of: Decision | undefined }): JSX.Element {
    return of ? <div class="planner-verdict" data-verdict={of.action}><State of={of.action} /><span class="small faint"><Text of={of.reason} />{' '}
        ({t.rich('rule', { rule: <Code of={of.rule} /> })}{pieceOf(of) && <>; {t.rich('fired_on', { piece: <Code of={pieceOf(of)!} /> })}</>})
    </span></div> : <div class="planner-verdict faint small" data-verdict="asking">{t('asking')}</div>;
}

interface StepProps {
    draft: Draft;
    index: number;
    count: number;
    /* Of the run's variables. */
    names: readonly string[];
    verdict: Decision | undefined;
    isAsked: boolean;
    /* What the server said is wrong with a field of this step. */
    wrong: { field: string; message: string } | null;
    isDragged: boolean;
    focus: boolean;
    onChange: (to: Partial<Draft>) => void;
    onMove: (to: number, what: 'up' | 'down' | 'card') => void;
    onRemove: () => void;
    onDrag: () => void;
}

export function badWall(text: string): boolean {
    return text.trim() !== '' && !(Number(text) > 0);
}

export function StepCard({ draft, index, count, names, verdict, isAsked, wrong, isDragged, focus, onChange, onMove, onRemove, onDrag }: StepProps):
    JSX.Element {
    const at = (field: string): string | undefined => wrong?.field === field ? wrong.message : undefined;
    const name = t('step', { n: index + 1 }), hasMore = !!(draft.cwd || draft.wall || draft.pty || draft.env);
    const sees = (one: string): boolean => !draft.env || draft.env.includes(one);
    const toggle = (one: string): void => {
        const to = names.filter(each => each === one ? !sees(one) : sees(each));
        onChange({ env: to.length === names.length ? null : to });
    };
    return <li class={isDragged ? 'planner-step dragged' : 'planner-step'} data-step={draft.key} aria-label={name} onKeyDown={e => {
        if (e.altKey && (e.key === 'ArrowUp' || e.key === 'ArrowDown')) {
            e.preventDefault();
            onMove(index + (e.key === 'ArrowUp' ? -1 : 1), 'card');
        }
    }}>
        <div class="planner-step-head">
            <span class="planner-handle" title={t('drag')} aria-hidden="true" onPointerDown={e => {
                if (e.button === 0) {
                    e.preventDefault();
                    onDrag();
                }
            }}><Icon name="queue" /></span>
            <span class="num faint planner-no">{index + 1}</span>
            <input class="planner-title" aria-label={`${name}: ${t('step_title')}`} placeholder={t('title_hint')} maxLength={200} value={draft.title}
                autocomplete="off" onInput={e => onChange({ title: e.currentTarget.value })} />
            {draft.argv && <Badge>{t('argv')}</Badge>}
            <span class="planner-step-buttons">
                <button type="button" class="button ghost icon-only small planner-up" data-move="up" aria-label={`${t('up')}: ${name}`} title={t('up')}
                    aria-disabled={index === 0} onClick={() => onMove(index - 1, 'up')}><Icon name="chevron" /></button>
                <button type="button" class="button ghost icon-only small planner-down" data-move="down" aria-label={`${t('down')}: ${name}`} title={t('down')}
                    aria-disabled={index === count - 1} onClick={() => onMove(index + 1, 'down')}><Icon name="chevron" /></button>
                <button type="button" class="button ghost icon-only small" aria-label={`${t('remove')}: ${name}`} title={t('remove')} onClick={onRemove}>
                    <Icon name="close" /></button>
            </span>
        </div>
        {at('title') && <p class="field-error" role="alert"><Text of={at('title')!} /></p>}
        <Hidden of={draft.title} />
        <Command draft={draft} label={`${name}: ${t('command')}`} focus={focus} error={at('command') ?? at('argv') ?? at('')}
            onInput={command => onChange({ command, argv: null })} />
        <Hidden of={draft.command} mark={pieceOf(verdict)} />
        {isAsked && <Verdict of={verdict} />}
        {draft.reason && <p class="small faint"><Text of={draft.reason} /></p>}
        <details open={hasMore || wrong?.field === 'cwd' || wrong?.field === 'wall_ms'}><summary>{t('details')}</summary>
            <div class="planner-more">
                <Field label={t('cwd')} help={t('cwd_hint')} error={at('cwd')}>{p => <input {...p} class="mono" value={draft.cwd} spellcheck={false}
                    autocomplete="off" onInput={e => onChange({ cwd: e.currentTarget.value })} />}</Field>
                <Field label={t('wall')} help={t('wall_hint')} error={badWall(draft.wall) ? t('bad_number') : at('wall_ms')}>{p => <input {...p}
                    inputMode="decimal" value={draft.wall} autocomplete="off" onInput={e => onChange({ wall: e.currentTarget.value })} />}</Field>
                <Check label={t('pty')} checked={draft.pty} onChange={pty => onChange({ pty })} />
                {names.length > 0 && <fieldset class="planner-sees"><legend>{t('sees')}</legend>{names.map(one =>
                    <Check label={<Code of={one} />} checked={sees(one)} onChange={() => toggle(one)} />)}</fieldset>}
            </div>
            <Hidden of={draft.cwd} />
        </details>
    </li>;
}
