import { strings } from '../../i18n';

export const t = strings({
    title: 'Policy',
}, {
    title: '策略',
});
