import { strings } from '../../i18n';

export const t = strings({
    title: 'Inbox', plan: 'Plan to review', command: 'Step asks', changes: 'Changes to review',
    all_kinds: 'All kinds', kind: 'Kind', project: 'Project', all_projects: 'All projects',
    expires: 'expires {when}', steps: '{n} {n|step|steps}', files: '{n} {n|file|files}', open_run: 'Open the run',
    none: 'Nothing waits for you', none_hint: 'Plans to review, commands that need your approval, and changes to review appear here by themselves.',
    runs: 'All runs', no_match: 'Nothing of that kind waits', clear: 'Show all', undo: 'Undo of a run',
    no_intent: 'Commands given as steps', first_of_many: 'These are the oldest {n}; there are more.',
    moved_on: 'It waits no longer', moved_on_hint: 'It was answered elsewhere, was canceled, or expired.',
    counts: '{n} {n|waits|wait} for you', preview: 'What is to be decided', may_not: 'Your token may look, not decide: it lacks the scope {scope}.',
}, {
    title: '待办', plan: '待审计划', command: '步骤请求批准', changes: '待审更改',
    all_kinds: '所有类型', kind: '类型', project: '项目', all_projects: '所有项目',
    expires: '{when}过期', steps: '{n} 个步骤', files: '{n} 个文件', open_run: '打开运行',
    none: '没有等待你处理的事项', none_hint: '待审的计划、需要你批准的命令和待审的更改会自动出现在这里。',
    runs: '所有运行', no_match: '没有这类待办', clear: '显示全部', undo: '撤销一次运行',
    no_intent: '以步骤给出的命令', first_of_many: '这是最早的 {n} 项；还有更多。',
    moved_on: '它不再等待', moved_on_hint: '已在别处处理、已取消或已过期。',
    counts: '{n} 项等待你处理', preview: '待决定的内容', may_not: '你的令牌只能查看，不能决定：缺少权限 {scope}。',
});
