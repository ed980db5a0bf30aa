/* icons - drawn by hand on a grid of 16, in the colour of the text around. Always beside words or with a label. */
import type { JSX } from 'preact';

const paths = {
    inbox: 'M2 9h3.5l1 2h3l1-2H14M2 9l2-6h8l2 6v4H2z',
    runs: 'M4 3l9 5-9 5z',
    planner: 'M8 3v10M3 8h10',
    projects: 'M2 4h4l1.5 2H14v7H2z',
    queue: 'M3 4h10M3 8h10M3 12h6',
    policy: 'M8 2l5 2v4c0 3-2 5-5 6-3-1-5-3-5-6V4z',
    audit: 'M4 2h6l3 3v9H4zM6 8h5M6 11h5',
    settings: 'M3 5h6M12 5h1M3 11h1M7 11h6M10.5 3.5v3M5.5 9.5v3',
    menu: 'M2 4h12M2 8h12M2 12h12',
    close: 'M4 4l8 8M12 4l-8 8',
    sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v2M8 13v2M1 8h2M13 8h2M3 3l1.4 1.4M11.6 11.6L13 13M3 13l1.4-1.4M11.6 4.4L13 3',
    moon: 'M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.500 6.500z',
    auto: 'M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12',
    keys: 'M1.500 4h13v8h-13zM4 6.500h1M7.500 6.500h1M11 6.500h1M5 9.500h6',
    copy: 'M5 5h8v8H5zM3 11V3h8',
    check: 'M3 8.5l3 3 7-7',
    cross: 'M4 4l8 8M12 4l-8 8',
    clock: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 5v3l2 2',
    minus: 'M4 8h8',
    dots: 'M3.500 8h.01M8 8h.01M12.500 8h.01',
    chevron: 'M6 4l4 4-4 4',
    warn: 'M8 2l6.500 11h-13zM8 6.500v3M8 11.500v.01',
    search: 'M7 3a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM10 10l3.500 3.500',
    download: 'M8 2v8M5 7l3 3 3-3M3 13h10',
    hand: 'M8 14c-3 0-5-2-5-5V5M5.500 8V3M8 7.500V2M10.500 8V3.500M10.500 8l2-1v2c0 3-2 5-4.500 5',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }): JSX.Element {
    return <svg class="icon" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.5"
        stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false"><path d={paths[name]} /></svg>;
}
