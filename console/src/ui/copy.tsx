/* copy - an id or a command to take along. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Icon } from './icons';
import { t } from './strings';

export function Copy({ of, label }: { of: string; /* what it is: "run id" */ label: string }): JSX.Element {
    const [done, setDone] = useState(false);
    const copy = async (): Promise<void> => {
        try {
            await navigator.clipboard.writeText(of);
            setDone(true);
            setTimeout(() => setDone(false), 1500);
        } catch {
            /* not allowed, or plain http: the text is there to be selected */
        }
    };
    return <button type="button" class="button ghost icon-only small" aria-label={`${t('copy')}: ${label}`} title={done ? t('copied') : t('copy')}
        onClick={() => void copy()}><Icon name={done ? 'check' : 'copy'} /></button>;
}
