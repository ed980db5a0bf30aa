/* summary - what the policy's answers mean for the run, in a line or two. */
import type { JSX } from 'preact';
import type { Draft } from './draft';
import { t } from './strings';
import type { Verdicts } from './verdicts';

export function Summary({ drafts, verdicts }: { drafts: readonly Draft[]; verdicts: Verdicts }): JSX.Element {
    const actions = drafts.map(draft => verdicts.of(draft)?.action), count = (of: string): number => actions.filter(one => one === of).length;
    const denied = count('deny'), asks = count('ask');
    return <div class="planner-summary" role="status">{denied > 0 && <p class="field-error">{t('denied', { n: denied })}</p>}
        {asks > 0 && <p class="small planner-asks">{t('asks', { n: asks })}</p>}</div>;
}
