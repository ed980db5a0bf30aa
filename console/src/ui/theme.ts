/* theme - light, dark, or as the system says; the style sheet asks for data-theme (boot.ts sets it before the first paint). */
import { signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';
const kept = localStorage.getItem('theme');
export const theme = signal<Theme>(kept === 'light' || kept === 'dark' ? kept : 'auto');

export function setTheme(to: Theme): void {
    theme.value = to;
    if (to === 'auto') {
        delete document.documentElement.dataset['theme'];
        localStorage.removeItem('theme');
    } else {
        document.documentElement.dataset['theme'] = to;
        localStorage.setItem('theme', to);
    }
}
