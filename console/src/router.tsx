/* router - the URLs of the console, by the browser's history. What a page shows that is worth coming back to (a filter, a
 * tab, an open file) belongs into the query: useQuery. */
import { computed, signal } from '@preact/signals';
import type { ComponentChildren, ComponentType, JSX } from 'preact';

export type PageName = 'inbox' | 'projects' | 'planner' | 'runs' | 'run' | 'policy' | 'audit' | 'queue' | 'settings' | 'login';
export interface PageProps {
    /* Of /runs/{id}; "" on the other pages. */
    id: string;
}
type Page = { default: ComponentType<PageProps> };

export interface Route {
    name: PageName;
    path: string;
    load: () => Promise<Page>;
}

/* In the order of the navigation. The server answers index.html for exactly these (src/api/console.c). */
export const routes: Route[] = [
    { name: 'inbox', path: '/inbox', load: () => import('./pages/inbox/page') },
    { name: 'runs', path: '/runs', load: () => import('./pages/runs/page') },
    { name: 'planner', path: '/plan', load: () => import('./pages/planner/page') },
    { name: 'projects', path: '/projects', load: () => import('./pages/projects/page') },
    { name: 'queue', path: '/queue', load: () => import('./pages/queue/page') },
    { name: 'policy', path: '/policy', load: () => import('./pages/policy/page') },
    { name: 'audit', path: '/audit', load: () => import('./pages/audit/page') },
    { name: 'settings', path: '/settings', load: () => import('./pages/settings/page') },
    { name: 'run', path: '/runs/', load: () => import('./pages/run/page') },
    { name: 'login', path: '/login', load: () => import('./pages/login/page') },
];

export function match(path: string): { route: Route; id: string } | null {
    if (path === '/')
        return { route: routes[0]!, id: '' };
    const run = /^\/runs\/(\w+)$/.exec(path);
    if (run)
        return { route: routes.find(r => r.name === 'run')!, id: run[1]! };
    const route = routes.find(r => r.path === path && r.name !== 'run');
    return route ? { route, id: '' } : null;
}

interface Place {
    path: string;
    search: string;
    hash: string;
}

function here(): Place {
    return { path: location.pathname, search: location.search, hash: location.hash };
}

export const place = signal<Place>(typeof location === 'undefined' ? { path: '/', search: '', hash: '' } : here());
export const current = computed(() => match(place.value.path));
export const query = computed(() => new URLSearchParams(place.value.search));

/* May be asked before leaving a page (an edited plan), with the URL that is wanted: false stays. */
let guard: ((to: string) => boolean) | null = null;
export function setGuard(ask: ((to: string) => boolean) | null): void {
    guard = ask;
}

/* Another filter or tab of the same page is no leaving: those replace the entry. */
function mayLeave(to: Place, replaces: boolean): boolean {
    const leaves = to.path !== place.value.path || (!replaces && to.search !== place.value.search);
    return !leaves || !guard || guard(to.path + to.search + to.hash);
}

/* The URL follows a place that changes fast (a key held down in a list): browsers take but 200 changes of it in ten
 * seconds, and ignore the others. */
const WRITE_EVERY = 100; /* ms */
let writes = 0, wroteAt = -Infinity;

function write(): void {
    clearTimeout(writes);
    writes = 0;
    wroteAt = performance.now();
    const { path, search, hash } = place.peek();
    history.replaceState(history.state, '', path + search + hash);
}

function replacePlace(): void {
    if (wroteAt + WRITE_EVERY <= performance.now())
        write();
    else
        writes ||= window.setTimeout(write, WRITE_EVERY);
}

export function navigate(url: string, { replace = false } = {}): void {
    const now = place.peek(), to = new URL(url, location.origin + now.path + now.search + now.hash);
    if (to.origin !== location.origin)
        return;
    const then = { path: to.pathname, search: to.search, hash: to.hash };
    if (!mayLeave(then, replace))
        return;
    if (writes)
        write();
    if (!replace)
        history.pushState({ within: true }, '', to.pathname + to.search + to.hash);
    place.value = then;
    if (replace)
        replacePlace();
    if (then.path !== now.path)
        scrollTo(0, 0);
}

/* Where one came from within the console, or the page above. */
export function goBack(above: string): void {
    if ((history.state as { within?: boolean } | null)?.within)
        history.back();
    else
        navigate(above);
}

/* The query's value of a name, and how to set it; "" takes it out of the URL. Each set replaces the history's entry, so
 * that "back" leaves the page instead of undoing a filter. */
export function useQuery(name: string, otherwise = ''): [string, (value: string) => void] {
    const set = (value: string): void => {
        const to = new URLSearchParams(place.peek().search);
        if (value && value !== otherwise)
            to.set(name, value);
        else
            to.delete(name);
        const text = to.toString();
        navigate(place.peek().path + (text ? `?${text}` : '') + place.peek().hash, { replace: true });
    };
    return [query.value.get(name) ?? otherwise, set];
}

export function startRouter(): void {
    addEventListener('pagehide', () => { if (writes) write(); });
    addEventListener('popstate', () => {
        clearTimeout(writes);
        writes = 0;
        const to = here();
        if (!mayLeave(to, false)) {
            history.pushState({ within: true }, '', place.value.path + place.value.search + place.value.hash);
            return;
        }
        place.value = to;
    });
}

interface LinkProps {
    href: string;
    children?: ComponentChildren;
    class?: string;
    title?: string;
    target?: '_blank';
    'aria-label'?: string;
    'aria-current'?: 'page' | 'true';
}

/* A link within the console: a real one, so that it opens in a new tab, and is read as a link. */
export function Link({ href, ...rest }: LinkProps): JSX.Element {
    return <a href={href} {...rest} onClick={e => {
        if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey || rest.target)
            return;
        e.preventDefault();
        navigate(href);
    }} />;
}
