/* lazy - a component whose code is loaded when it is first shown.
 *
 *   const Diff = lazy(() => import('../../diff/view').then(module => module.Diff)); */
import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Button } from './button';
import { Empty } from './empty';
import { Spinner } from './progress';
import { t } from './strings';

export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
    let There: ComponentType<P> | null = null;
    return function Lazy(props: P): JSX.Element {
        const [failed, setFailed] = useState(false), [, again] = useState(0);
        useEffect(() => {
            let gone = false;
            if (!There)
                load().then(one => {
                    There = one;
                    if (!gone)
                        again(n => n + 1);
                }, () => { if (!gone) setFailed(true); });
            return () => { gone = true; };
        }, []);
        return There ? <There {...props} /> : failed
            ? <Empty icon="warn" title={t('page_failed')} action={<Button onClick={() => location.reload()}>{t('reload')}</Button>}>
                {t('page_failed_hint')}</Empty>
            : <Spinner />;
    };
}
