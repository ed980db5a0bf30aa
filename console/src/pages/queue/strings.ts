import { strings } from '../../i18n';

export const t = strings({
    title: 'Queue',
}, {
    title: '队列',
});
