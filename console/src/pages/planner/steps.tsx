/* steps - the steps of a plan in their order: edited, added, taken out, and moved by buttons, Alt and an arrow key, or a drag. */
import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../../api/errors';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';
import { Problem } from '../../ui/problem';
import { emptyDraft, moved, type Draft } from './draft';
import { StepCard } from './step';
import { t } from './strings';
import type { Verdicts } from './verdicts';

const MOST = 64; /* steps of a run */

export interface StepsProps {
    drafts: readonly Draft[];
    onChange: (to: Draft[]) => void;
    names: readonly string[];
    verdicts: Verdicts;
    isAsked: boolean;
    /* Of the last attempt to send them all. */
    error: ApiError | null;
}

/* What the server said of this step: of those that were sent, or of those that the policy was asked about. */
function wrongOf(draft: Draft, index: number, { error, verdicts }: StepsProps): { field: string; message: string } | null {
    const sent = new RegExp(`^steps\\[${index}\\]\\.?(.*)`).exec(error?.details.field ?? '');
    if (error && sent)
        return { field: sent[1]!, message: error.message };
    const { value: wrong } = verdicts.wrong, { value: said } = verdicts.error;
    return wrong?.key === draft.key && said ? { field: wrong.field, message: said.message } : null;
}

export function addStep({ drafts, onChange }: Pick<StepsProps, 'drafts' | 'onChange'>): Draft {
    const made = emptyDraft();
    onChange([...drafts, made]);
    return made;
}

export function Steps(props: StepsProps): JSX.Element {
    const { drafts, onChange, names, verdicts, isAsked } = props;
    const list = useRef<HTMLOListElement>(null), latest = useRef(props);
    latest.current = props;
    const [dragged, setDragged] = useState<number | null>(null), [said, say] = useState(''), [added, setAdded] = useState(0);
    /* Moving a node takes the focus from what is in it. */
    const focus = useRef<{ key: number; what: string } | null>(null);
    useLayoutEffect(() => {
        const { current: to } = focus;
        focus.current = null;
        if (to)
            list.current?.querySelector<HTMLElement>(`[data-step="${to.key}"] ${to.what}`)?.focus();
    });
    const move = (key: number, to: number, what: string | null): void => {
        const { drafts: now, onChange: change } = latest.current, from = now.findIndex(one => one.key === key);
        if (from < 0 || to < 0 || to >= now.length || from === to)
            return;
        focus.current = what === null ? null : { key, what };
        change(moved(now, from, to));
        say(t('moved', { from: from + 1, to: to + 1, all: now.length }));
    };
    useLayoutEffect(() => { /* before the pointer moves on */
        if (dragged === null)
            return undefined;
        /* Over the middle of another step it takes that place; the pointer is the window's, since nodes move under it. */
        const over = (e: PointerEvent): void => {
            const rows = [...list.current?.children ?? []], from = latest.current.drafts.findIndex(one => one.key === dragged);
            const middle = (i: number): number => {
                const { top, height } = rows[i]!.getBoundingClientRect();
                return top + height / 2;
            };
            let to = from;
            while (to > 0 && e.clientY < middle(to - 1))
                to--;
            if (to === from)
                while (to < rows.length - 1 && e.clientY > middle(to + 1))
                    to++;
            if (to !== from)
                move(dragged, to, null);
        };
        const end = (): void => setDragged(null);
        addEventListener('pointermove', over);
        addEventListener('pointerup', end);
        addEventListener('pointercancel', end);
        return () => {
            removeEventListener('pointermove', over);
            removeEventListener('pointerup', end);
            removeEventListener('pointercancel', end);
        };
    }, [dragged]);
    return <section class="planner-steps" aria-label={t('steps')}>
        <h2 class="sr-only">{t('steps')}</h2>
        {verdicts.error.value && !verdicts.wrong.value && <Problem of={verdicts.error.value} onRetry={() => verdicts.retry()} />}
        {drafts.length === 0 ? <Empty icon="planner" title={t('no_steps')}>{t('no_steps_hint')}</Empty>
            : <ol ref={list}>{drafts.map((draft, i) => <StepCard key={draft.key} draft={draft} index={i} count={drafts.length} names={names}
                verdict={verdicts.of(draft)} isAsked={isAsked && !!draft.command.trim()} wrong={wrongOf(draft, i, props)} isDragged={dragged === draft.key}
                focus={added === draft.key} onDrag={() => setDragged(draft.key)}
                onChange={to => onChange(drafts.map(one => one.key === draft.key ? { ...one, ...to } : one))}
                onMove={(to, what) => move(draft.key, to, what === 'card' ? 'textarea' : `[data-move=${what}]`)}
                onRemove={() => {
                    const near = drafts[i + 1] ?? drafts[i - 1];
                    focus.current = near ? { key: near.key, what: 'textarea' } : null;
                    onChange(drafts.filter(one => one.key !== draft.key));
                    say(t('removed', { n: i + 1 }));
                }} />)}</ol>}
        <div class="row"><Button icon="planner" hint="c" disabled={drafts.length >= MOST}
            onClick={() => setAdded(addStep(props).key)}>{t('add_step')}</Button></div>
        <p class="sr-only" role="status">{said}</p>
    </section>;
}
