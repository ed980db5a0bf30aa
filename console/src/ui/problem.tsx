/* problem - what went wrong, as the server said it: message, code, trace id. Nothing when nothing did. */
import type { JSX } from 'preact';
import type { ApiError } from '../api/errors';
import { Icon } from './icons';
import { t } from './strings';
import { Text } from './text';

export function messageOf(e: ApiError): string {
    return e.code === 'offline' ? t(e.message === 'GET' ? 'error_unread' : 'error_offline')
        : e.code === 'bad_answer' ? t('error_bad_answer', { status: String(e.status) }) : e.message;
}

export function Problem({ of, onRetry }: { of: ApiError | null | undefined; onRetry?: () => void }): JSX.Element | null {
    if (!of)
        return null;
    return <div class="problem" role="alert">
        <Icon name="warn" />
        <div><p><Text of={messageOf(of)} lines /></p>
            <p class="faint small">{of.details.field && <><code>{of.details.field}</code> · </>}<code>{of.code}</code>
                {of.traceId && <> · {t.rich('trace', { id: <code>{of.traceId}</code> })}</>}</p></div>
        {onRetry && <button type="button" class="button small" onClick={onRetry}>{t('retry')}</button>}
    </div>;
}
