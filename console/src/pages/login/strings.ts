import { strings } from '../../i18n';

export const t = strings({
    title: 'Log in to Sallyport',
    token: 'Access token',
    help: 'The first one is in {file} on the server; more are made by {command}.',
    login: 'Log in',
    show: 'Show the token',
    wrong: 'The server does not know this token, or it has expired.',
}, {
    title: '登录 Sallyport',
    token: '访问令牌',
    help: '首个令牌在服务器的 {file} 文件中；更多令牌可用 {command} 创建。',
    login: '登录',
    show: '显示令牌',
    wrong: '服务器不认识此令牌，或令牌已过期。',
});
