/* source - the text of a policy with its line numbers; what deceives in it is a label. */
import type { JSX } from 'preact';
import { Button } from '../../ui/button';
import { save } from '../../ui/save';
import { Text } from '../../ui/text';
import { t } from './strings';

export function numbersOf(text: string): string {
    return Array.from({ length: text.replace(/\n$/, '').split('\n').length }, (_, i) => String(i + 1)).join('\n');
}

export function Source({ text, version }: { text: string; version: number }): JSX.Element {
    return <div class="stack">
        <div class="row"><Button small icon="download" onClick={() => save(`policy-${version}.yaml`, new Blob([text], { type: 'application/yaml' }))}>
            {t('download')}</Button></div>
        <div class="policy-source" role="region" aria-label={t('text')} tabIndex={0}>
            <pre class="policy-numbers faint" aria-hidden="true">{numbersOf(text)}</pre>
            <pre class="policy-lines"><Text of={text} lines /></pre></div>
    </div>;
}
