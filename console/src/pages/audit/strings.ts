import { strings } from '../../i18n';

export const t = strings({
    title: 'Audit',
}, {
    title: '审计',
});
