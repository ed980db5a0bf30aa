import { strings } from '../../i18n';

export const t = strings({
    title: 'New run',
}, {
    title: '新建运行',
});
