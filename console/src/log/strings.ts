/* strings - of the log viewer. */
import { strings } from '../i18n';

export const t = strings({
    log_of: 'Log of {label}', search: 'Search the log', found: '{at} of {count}', found_some: '{count}', found_more: '{count}+', none: 'No match',
    found_said: '{n} {n|line matches|lines match}', next: 'Next match', previous: 'Previous match', first_error: 'First error',
    follow: 'Follow', wrap: 'Wrap lines', times: 'Times', raw: 'Control characters', download: 'Download', copy: 'Copy marked lines',
    copied: '{n} {n|line|lines} copied', not_copied: 'The browser does not allow copying here. Select the text and copy it by hand.',
    lines: '{n} {n|line|lines}', loading: '{n} {n|line|lines}, loading …', to_end: 'To the end', new_lines: 'New lines',
    empty: 'This step printed nothing', waits: 'No output yet', waits_hint: 'Lines appear here as the step prints them.',
    truncated: 'Some of the output was not kept. The log says in which place.', gone: 'The log was removed by the rules of retention.',
    overwritten: 'This line overwrote earlier text of its own: show control characters to see it.',
    given_up: 'This line overwrote earlier text of its own many times. All of it is in the downloaded log.',
    waiting_row: '…', no_error: 'No line looks like an error', at_row: 'Row {n}', finished_said: 'The log is complete: {n} {n|line|lines}',
    key_search: 'search the log', key_next: 'next match', key_previous: 'previous match', key_error: 'first error, next error',
    key_follow: 'follow the end', key_wrap: 'wrap long lines', key_times: 'show times', key_copy: 'copy marked lines', key_top: 'to the beginning',
    key_end: 'to the end', key_unmark: 'unmark',
}, {
    log_of: '{label} 的日志', search: '搜索日志', found: '第 {at} 个，共 {count} 个', found_some: '{count}', found_more: '{count}+', none: '无匹配',
    found_said: '{n} 行匹配', next: '下一个匹配', previous: '上一个匹配', first_error: '首个错误',
    follow: '跟随', wrap: '自动换行', times: '时间', raw: '控制字符', download: '下载', copy: '复制所标记的行',
    copied: '已复制 {n} 行', not_copied: '浏览器不允许在此复制。请选中文字后手动复制。',
    lines: '{n} 行', loading: '{n} 行，正在加载…', to_end: '到末尾', new_lines: '有新行',
    empty: '此步骤没有输出', waits: '尚无输出', waits_hint: '步骤输出的内容会显示在这里。',
    truncated: '部分输出未保留。日志中标明了位置。', gone: '日志已按保留规则删除。',
    overwritten: '这一行覆盖了自己先前的文字：显示控制字符即可查看。',
    given_up: '这一行多次覆盖了自己先前的文字。完整内容在下载的日志中。',
    waiting_row: '…', no_error: '没有看起来像错误的行', at_row: '第 {n} 行', finished_said: '日志已完整：{n} 行',
    key_search: '搜索日志', key_next: '下一个匹配', key_previous: '上一个匹配', key_error: '首个错误、下一个错误',
    key_follow: '跟随末尾', key_wrap: '长行换行', key_times: '显示时间', key_copy: '复制所标记的行', key_top: '到开头',
    key_end: '到末尾', key_unmark: '取消标记',
});
