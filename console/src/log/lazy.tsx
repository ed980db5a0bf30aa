/* lazy - the log viewer as a page mounts it: its code is loaded when the first log is shown. */
import { Component, type ComponentType, type JSX } from 'preact';
import { Button } from '../ui/button';
import { Empty } from '../ui/empty';
import { Skeleton } from '../ui/progress';
import { t } from '../ui/strings';
import type { LogViewProps } from './props';

let View: ComponentType<LogViewProps> | null = null;

export class LogView extends Component<LogViewProps, { failed: boolean }> {
    override state = { failed: false };
    #isThere = true;

    override componentDidMount(): void {
        if (!View)
            import('./view').then(module => { View = module.default; }, () => true).then(failed => {
                if (this.#isThere)
                    this.setState({ failed: failed === true });
            });
    }

    override componentWillUnmount(): void {
        this.#isThere = false;
    }

    override render(): JSX.Element {
        if (this.state.failed)
            return <Empty icon="warn" title={t('page_failed')} action={<Button onClick={() => location.reload()}>{t('reload')}</Button>}>
                {t('page_failed_hint')}</Empty>;
        return View ? <View key={this.props.stepId} {...this.props} /> : <Skeleton />;
    }
}
