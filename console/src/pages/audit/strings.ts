import { strings } from '../../i18n';

export const t = strings({
    title: 'Audit',
    about: 'Who decided and did what. Each record holds the hash of the one before it, so none can be changed or left out unseen.',
    action: 'Action', actor: 'Actor', target: 'Target', run: 'Run id', since: 'Time', surface: 'Over', any_surface: 'Any way in',
    any_time: 'Any time', hour: 'Last hour', day: 'Last 24 hours', week: 'Last 7 days', month: 'Last 30 days', verify: 'Verify',
    verified: 'The trail is whole',
    verified_hint: 'All {n} {n|record|records}, from the first to number {seq}, fit together, and the signature of the last one is right.',
    broken: 'The trail is not whole', broken_hint: '{n} {n|record is|records are} right. Then:', head: 'Last record', key: 'Signed with',
    export: 'Export', exported: 'The trail was saved as {name}.', none: 'Nothing has been recorded yet',
    none_hint: 'Everything that is decided or done appears here.', no_match: 'No record matches',
    whole: 'Action, actor, target and run id are compared as a whole. Enter searches.',
    no_match_hint: 'Action, actor, target and run are compared as a whole. Fewer filters show more.', clear: 'Clear filters',
    older: 'Show older records', record: 'Record {seq}', time: 'Time', data: 'Data', trace: 'Trace', record_hash: 'Hash of the record',
    hash: 'Hash of the chain', only: 'Only this', yes: 'yes', no: 'no', nothing: 'none', empty: 'empty',
    forbidden: 'This login may not read the audit trail', forbidden_hint: 'It needs a token with the scope audit:read.',
    no_data: 'The record has no more than this.', list: 'Records, newest first',
}, {
    title: '审计', about: '谁决定并做了什么。每条记录都含有前一条的哈希，因此无法悄悄修改或删去任何一条。', action: '操作', actor: '操作者', target: '对象', run: '运行编号', since: '时间',
    surface: '途径', any_surface: '所有途径', any_time: '所有时间', hour: '最近 1 小时', day: '最近 24 小时', week: '最近 7 天', month: '最近 30 天', verify: '校验',
    verified: '审计记录完整', verified_hint: '从第一条到第 {seq} 条，共 {n} 条记录全部吻合，最后一条的签名正确。', broken: '审计记录不完整', broken_hint: '前 {n} 条正确，之后：', head: '最后一条',
    key: '签名密钥', export: '导出', exported: '审计记录已保存为 {name}。', none: '还没有记录', none_hint: '所有决定和操作都会显示在这里。', no_match: '没有匹配的记录',
    whole: '操作、操作者、对象和运行编号须填写完整的值，按回车搜索。',
    no_match_hint: '操作、操作者、对象和运行编号须完全一致。减少筛选条件可显示更多。', clear: '清除筛选', older: '显示更早的记录', record: '记录 {seq}', time: '时间', data: '数据', trace: '跟踪',
    record_hash: '记录哈希', hash: '链哈希', only: '仅看此项', yes: '是', no: '否', nothing: '无', empty: '空', forbidden: '当前登录无权读取审计记录',
    forbidden_hint: '需要带有 audit:read 权限的令牌。', no_data: '此记录没有更多内容。', list: '记录，最新在前',
});
