/* leave - what is not saved is not lost by a key or a link: one is asked, and goes on to where one wanted. */
import type { JSX } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';
import { navigate, setGuard } from '../../router';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { t as shared } from '../../ui/strings';
import { t } from './strings';

export function Leave({ dirty }: { dirty: boolean }): JSX.Element | null {
    const [to, setTo] = useState<string | null>(null);
    useLayoutEffect(() => { /* before the next key or click */
        if (!dirty)
            return undefined;
        /* After the end of a login there is nothing to be asked. */
        setGuard(url => {
            if (!url.startsWith('/login'))
                setTo(url);
            return url.startsWith('/login');
        });
        const unload = (e: BeforeUnloadEvent): void => e.preventDefault();
        addEventListener('beforeunload', unload);
        return () => {
            setGuard(null);
            removeEventListener('beforeunload', unload);
        };
    }, [dirty]);
    return to === null ? null : <Dialog title={t('leave_q')} onClose={() => setTo(null)} foot={<>
        <Button onClick={() => setTo(null)}>{t('stay')}</Button>
        <Button kind="danger" onClick={() => {
            setGuard(null);
            setTo(null);
            navigate(to);
        }}>{t('leave')}</Button></>}><p>{shared('unsaved')}</p></Dialog>;
}
