import { strings } from '../../i18n';

export const t = strings({
    title: 'Settings', tab_about: 'About',
    version: 'Version', server: 'Server', console: 'Console', token: 'This login', scopes: 'Scopes', tenant: 'Tenant', address: 'Address',
    newer: 'The server was updated to {version}: load this page again to get its console.',
    api: 'API documentation', look: 'Appearance', theme: 'Theme', language: 'Language', host: 'This host',
}, {
    title: '设置', tab_about: '关于',
    version: '版本', server: '服务器', console: '控制台', token: '当前登录', scopes: '权限范围', tenant: '租户', address: '地址',
    newer: '服务器已更新到 {version}：请重新加载页面以使用新版控制台。',
    api: 'API 文档', look: '外观', theme: '主题', language: '语言', host: '本机',
});
