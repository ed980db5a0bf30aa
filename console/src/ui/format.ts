/* format - numbers, sizes, durations as people read them, in the chosen language. Pure. */
import { locale } from '../i18n';

export function number(n: number): string {
    return n.toLocaleString(locale());
}

export function bytes(n: number): string {
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
    let i = 0;
    while (n >= 1024 && i < units.length - 1) {
        n /= 1024;
        i++;
    }
    return `${n.toLocaleString(locale(), { maximumFractionDigits: n < 10 && i > 0 ? 1 : 0 })} ${units[i]}`;
}

/* 0.4s, 12s, 3m 20s, 2h 5m, 4d 1h */
export function duration(ms: number): string {
    const s = Math.floor(ms / 1000), m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
    return s < 10 ? `${(Math.floor(ms / 100) / 10).toFixed(1)}s` : m < 1 ? `${s}s` : h < 1 ? `${m}m ${s % 60}s`
        : d < 1 ? `${h}h ${m % 60}m` : `${d}d ${h % 24}h`;
}

export function exactTime(iso: string): string {
    return new Date(iso).toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'medium' });
}

/* "3 minutes ago", from the difference in ms (positive: in the future). */
export function relative(ms: number): string {
    const steps: [Intl.RelativeTimeFormatUnit, number][] = [['second', 1000], ['minute', 60_000], ['hour', 3_600_000], ['day', 86_400_000],
        ['month', 30 * 86_400_000], ['year', 365 * 86_400_000]];
    const [unit, size] = [...steps].reverse().find(([, least]) => Math.abs(ms) >= least) ?? steps[0]!;
    return new Intl.RelativeTimeFormat(locale(), { numeric: 'auto', style: 'short' }).format(Math.trunc(ms / size), unit);
}
