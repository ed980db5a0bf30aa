import { strings } from '../../i18n';

export const t = strings({
    title: 'Run',
}, {
    title: '运行',
});
