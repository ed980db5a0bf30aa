/* boot - runs before the first paint, so that a chosen theme does not flash: the attributes that style sheets ask for. */
export {};
const root = document.documentElement;
try {
    const theme = localStorage.getItem('theme'), lang = localStorage.getItem('lang');
    if (theme === 'light' || theme === 'dark')
        root.dataset['theme'] = theme;
    root.lang = (lang ?? navigator.language).startsWith('zh') ? 'zh-CN' : 'en';
} catch {
    /* storage is forbidden: the defaults hold */
}
