/* projects */
import type { JSX } from 'preact';
import type { PageProps } from '../../router';
import { PageHead } from '../../ui/page_head';
import { t } from './strings';

export default function Page({ id: _ }: PageProps): JSX.Element {
    return <PageHead title={t('title')} />;
}
