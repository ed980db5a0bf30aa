import { strings } from '../../i18n';

export const t = strings({
    title: 'Projects',
}, {
    title: '项目',
});
