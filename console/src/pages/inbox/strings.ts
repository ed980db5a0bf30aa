import { strings } from '../../i18n';

export const t = strings({
    title: 'Inbox',
}, {
    title: '待办',
});
