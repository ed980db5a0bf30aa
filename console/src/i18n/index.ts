/* i18n - English and Simplified Chinese. Each page has its strings beside it:
 *
 *   export const t = strings({ title: 'Runs', found: '{n} {n|run|runs}' }, { title: '运行', found: '{n} 次运行' });
 *   t('title')      t('found', { n: 3 })      t.rich('by', { who: <Text>{actor}</Text> })
 *
 * The type system refuses a key that one of the two lacks, and a {name} that is not given. `{n|one|other}` is the plural.
 * Reading t() inside a component makes it render again when the language is switched. */
import { signal } from '@preact/signals';
import type { ComponentChild } from 'preact';

export type Lang = 'en' | 'zh';

function firstLang(): Lang {
    const lang = (() => {
        try {
            return localStorage.getItem('lang');
        } catch {
            return null;
        }
    })();
    return (lang ?? (typeof navigator === 'undefined' ? 'en' : navigator.language)).startsWith('zh') ? 'zh' : 'en';
}

export const lang = signal<Lang>(firstLang());

export function setLang(to: Lang): void {
    lang.value = to;
    localStorage.setItem('lang', to);
    document.documentElement.lang = locale();
}

/* For Intl. */
export function locale(): string {
    return lang.value === 'zh' ? 'zh-CN' : 'en';
}

type Names<S extends string> = S extends `${string}{${infer N}}${infer Rest}`
    ? (N extends `${infer M}|${string}` ? M : N) | Names<Rest> : never;
type Args<S extends string, V> = [Names<S>] extends [never] ? [] : [values: { [N in Names<S>]: V }];
type Value = string | number;

const hole = /\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g;
const plurals: Record<Lang, Intl.PluralRules> = { en: new Intl.PluralRules('en'), zh: new Intl.PluralRules('zh') };

export function fill<V>(text: string, values: Record<string, V>, to: Lang): (string | V)[] {
    const parts: (string | V)[] = [];
    let at = 0;
    for (const m of text.matchAll(hole)) {
        if (m.index > at)
            parts.push(text.slice(at, m.index));
        const value = values[m[1]!] as V;
        parts.push(m[2] === undefined ? value : plurals[to].select(Number(value)) === 'one' ? m[2] : m[3]!);
        at = m.index + m[0].length;
    }
    if (at < text.length)
        parts.push(text.slice(at));
    return parts;
}

export interface Strings<T extends Record<string, string>> {
    <K extends keyof T & string>(key: K, ...args: Args<T[K], Value>): string;
    /* With elements in the holes: for text from outside, links, times. */
    rich<K extends keyof T & string>(key: K, ...args: Args<T[K], ComponentChild>): ComponentChild[];
}

export function strings<const T extends Record<string, string>>(en: T, zh: { [K in keyof T]: string }): Strings<T> {
    const text = (key: string): string => ((lang.value === 'zh' ? zh : en) as Record<string, string>)[key]!;
    const number = (value: Value): string => typeof value === 'number' ? value.toLocaleString(locale()) : value;
    const t = (key: string, values?: Record<string, Value>): string => !values ? text(key)
        : fill(text(key), values, lang.value).map(number).join('');
    t.rich = (key: string, values: Record<string, ComponentChild>) => fill(text(key), values ?? {}, lang.value);
    return t as unknown as Strings<T>;
}
