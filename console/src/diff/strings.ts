import { strings } from '../i18n';

export const t = strings({
    added: 'added', deleted: 'deleted', note: 'note', more: 'Show more: {n} further {n|line|lines}', more_text: '… {n} more characters of this line',
}, {
    added: '新增', deleted: '删除', note: '说明', more: '显示更多：还有 {n} 行', more_text: '… 此行还有 {n} 个字符',
});
