import { strings } from '../../i18n';

export const t = strings({
    title: 'Runs',
    state: 'State', any_state: 'Any state', project: 'Project', any_project: 'All projects',
    filter: 'Filter by intent or id',
    steps: '{done}/{all} {all|step|steps}', files: '{n} {n|file|files}', undo: 'Undo',
    none: 'No run yet', none_hint: 'Say what you want done; the plan waits for you before anything runs.',
    no_match: 'No run matches', no_match_hint: 'Fewer filters show more.', clear: 'Clear filters', more: 'Show older runs',
    of_loaded: 'Searched in the {n} newest {n|run|runs}.', no_intent: 'Commands given as steps',
}, {
    title: '运行',
    state: '状态', any_state: '所有状态', project: '项目', any_project: '所有项目',
    filter: '按意图或编号筛选',
    steps: '{done}/{all} 步', files: '{n} 个文件', undo: '撤销',
    none: '还没有运行', none_hint: '说出你想做的事；在你审阅计划之前，什么都不会执行。',
    no_match: '没有匹配的运行', no_match_hint: '减少筛选条件可显示更多。', clear: '清除筛选', more: '显示更早的运行',
    of_loaded: '在最新的 {n} 次运行中搜索。', no_intent: '以步骤给出的命令',
});
