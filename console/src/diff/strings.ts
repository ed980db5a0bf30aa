import { strings } from '../i18n';

export const t = strings({
    added: 'added', deleted: 'deleted', note: 'note', more: 'Show more: {n} further {n|line|lines}',
}, {
    added: '新增', deleted: '删除', note: '说明', more: '显示更多：还有 {n} 行',
});
