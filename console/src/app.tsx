/* app - the frame around the pages: navigation, who is logged in, the state of the connection, theme and language. */
import { signal } from '@preact/signals';
import { Component, type ComponentChildren, type ComponentType, type JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useAction } from './api/action';
import { connection } from './api/live';
import { pending, pendingMore } from './api/pending';
import { may, me } from './api/session';
import { lang, setLang } from './i18n';
import { logout, startProblem } from './login';
import { current, goBack, Link, navigate, place, routes, type PageName, type PageProps, type Route } from './router';
import { Button } from './ui/button';
import { Dialog } from './ui/dialog';
import { Empty } from './ui/empty';
import { Icon, type IconName } from './ui/icons';
import { helpOpen, Kbd, KeysHelp, useKeys } from './ui/keys';
import { messageOf, Problem } from './ui/problem';
import { Spinner } from './ui/progress';
import { t } from './ui/strings';
import { theme, setTheme, type Theme } from './ui/theme';
import { Toasts } from './ui/toast';

/* The letters after `g`. */
const letters: Partial<Record<PageName, string>> = { inbox: 'i', projects: 'p', planner: 'n', runs: 'r', policy: 'o', audit: 'a', queue: 'q',
    settings: 's' };
/* What this login can do nothing on is not offered. */
function inNav(): Route[] {
    return routes.filter(route => letters[route.name] && (route.name !== 'planner' || may('run:write')));
}
const menuOpen = signal(false);

function Nav(): JSX.Element {
    const now = current.value?.route.name, waiting = pending.value?.length;
    return <nav class="nav" id="nav" aria-label={t('menu')}><ul>{inNav().map(route => <li>
        <Link href={route.path} aria-current={now === route.name || (now === 'run' && route.name === 'runs') ? 'page' : undefined}>
            <Icon name={route.name as IconName} /><span>{t(route.name)}</span>
            {route.name === 'inbox' && waiting ? <span class="count" aria-label={t('waits', { n: waiting })}>{waiting}{pendingMore.value && '+'}</span>
                : <span class="hint" aria-hidden="true"><Kbd of={`g ${letters[route.name]!}`} /></span>}
        </Link></li>)}</ul></nav>;
}

function Connection(): JSX.Element {
    const state = connection.value;
    return <span class={`connection ${state}`} role="status" data-connection={state}><span class="dot" aria-hidden="true" />{t(state)}</span>;
}

function Preferences(): JSX.Element {
    const next: Record<Theme, Theme> = { auto: 'light', light: 'dark', dark: 'auto' };
    const icons: Record<Theme, IconName> = { auto: 'auto', light: 'sun', dark: 'moon' };
    const name = `${t('theme')}: ${t(`theme_${theme.value}`)}`;
    return <div class="preferences">
        <button type="button" class="button ghost icon-only" aria-label={name} title={name} onClick={() => setTheme(next[theme.value])}>
            <Icon name={icons[theme.value]} /></button>
        <button type="button" class="button ghost" lang={lang.value === 'zh' ? 'en' : 'zh-CN'} title={t('language')}
            onClick={() => setLang(lang.value === 'zh' ? 'en' : 'zh')}>{lang.value === 'zh' ? 'English' : '中文'}</button>
        <button type="button" class="button ghost icon-only wide-only" aria-label={t('keys_title')} title={`${t('keys_title')} (?)`}
            onClick={() => { helpOpen.value = true; }}><Icon name="keys" /></button>
    </div>;
}

/* Where no answer comes one is still logged in, and is told so. */
function Logout(): JSX.Element {
    const action = useAction(() => logout());
    return <><Button kind="ghost" busy={action.busy.value} onClick={() => void action.run()} title={me.value?.token.name}>{t('logout')}</Button>
        {action.error.value && <Dialog title={t('logout_failed')} onClose={() => { action.error.value = null; }}
            foot={<Button kind="primary" busy={action.busy.value} onClick={() => void action.run()}>{t('retry')}</Button>}>
            <p>{t('logout_failed_hint')}</p><Problem of={action.error.value} /></Dialog>}</>;
}

/* What a page throws while it renders is shown in its place; the shell stays. */
class Boundary extends Component<{ children: ComponentChildren }, { failed: unknown }> {
    override state = { failed: null };
    static override getDerivedStateFromError(failed: unknown): { failed: unknown } {
        return { failed };
    }
    override componentDidCatch(failed: unknown): void {
        console.error(failed);
    }
    override render(): ComponentChildren {
        return this.state.failed ? <PageFailed /> : this.props.children;
    }
}

function PageFailed(): JSX.Element {
    return <Empty first icon="warn" title={t('page_failed')} action={<Button onClick={() => location.reload()}>{t('reload')}</Button>}>
        {t('page_failed_hint')}</Empty>;
}

const loaded = new Map<PageName, ComponentType<PageProps>>();

function Page({ route, id }: { route: Route; id: string }): JSX.Element | null {
    const [, again] = useState(0);
    const [failed, setFailed] = useState<PageName | null>(null);
    const [slow, setSlow] = useState(false);
    const There = loaded.get(route.name);
    useEffect(() => {
        if (loaded.has(route.name))
            return undefined;
        let gone = false;
        const timer = setTimeout(() => setSlow(true), 150);
        route.load().then(page => {
            loaded.set(route.name, page.default);
            if (!gone)
                again(n => n + 1);
        }, () => { if (!gone) setFailed(route.name); });
        return () => {
            gone = true;
            clearTimeout(timer);
            setSlow(false);
        };
    }, [route.name]);
    return There ? <Boundary key={route.name + id}><There id={id} /></Boundary>
        : failed === route.name ? <PageFailed /> : slow ? <Spinner /> : null;
}

/* Where to go back to after the login: in this tab's memory, in no URL. */
function useLogin(): void {
    const out = me.value === null, path = place.value.path;
    useEffect(() => {
        if (out && path !== '/login') {
            sessionStorage.setItem('back', path + place.value.search + place.value.hash);
            navigate('/login', { replace: true });
        } else if (me.value && path === '/login') {
            const back = sessionStorage.getItem('back') ?? '/';
            sessionStorage.removeItem('back');
            navigate(back.startsWith('/') && !back.startsWith('//') && !back.startsWith('/login') ? back : '/', { replace: true });
        }
    }, [out, me.value, path]);
}

export function App(): JSX.Element {
    useLogin();
    useKeys('everywhere', {
        '?': [t('key_help'), () => { helpOpen.value = !helpOpen.value; }],
        ...Object.fromEntries(inNav().map(route => [`g ${letters[route.name]!}`,
            [t('key_go', { page: t(route.name) }), () => navigate(route.path)] as [string, () => void]])),
        ...(current.value?.route.name === 'run' ? { Escape: [t('key_back'), () => goBack('/runs')] as [string, () => void] } : {}),
    });
    useEffect(() => { menuOpen.value = false; }, [place.value.path]);
    const at = current.value;
    const title = at ? t(at.route.name) : t('not_found');
    const waiting = pending.value?.length ?? 0;
    useEffect(() => { document.title = `${waiting ? `(${waiting}) ` : ''}${title} · Sallyport`; }, [title, waiting]);
    if (!me.value && !(me.value === null && at?.route.name === 'login'))
        return <Starting />;
    if (at?.route.name === 'login')
        return <><div class="login-bar"><Preferences /></div><main id="main"><Page route={at.route} id="" /></main><Toasts /><KeysHelp /></>;
    return <div class={menuOpen.value ? 'shell menu-open' : 'shell'}>
        <a class="skip" href="#main" onClick={e => { e.preventDefault(); document.getElementById('main')?.focus(); }}>{t('skip')}</a>
        <header class="bar">
            <button type="button" class="button ghost icon-only menu-button" aria-label={t('menu')} aria-expanded={menuOpen.value} aria-controls="nav"
                onClick={() => { menuOpen.value = !menuOpen.value; }}><Icon name={menuOpen.value ? 'close' : 'menu'} /></button>
            <Link href="/" class="brand" aria-label="Sallyport"><Icon name="policy" /><span>Sallyport</span></Link>
            <span class="grow" />
            <Connection /><Preferences />
            <Logout />
        </header>
        <Nav />
        <main id="main" tabIndex={-1}>
            {connection.value === 'offline' && <div class="banner" role="alert"><Icon name="warn" />{t('offline_long')}</div>}
            {at ? <Page route={at.route} id={at.id} />
                : <Empty first title={t('not_found')} action={<Link class="button" href="/">{t('inbox')}</Link>}>{t('not_found_hint')}</Empty>}
        </main>
        <Toasts /><KeysHelp />
    </div>;
}

/* Before the server has said who is logged in; and what the offline shell shows. */
function Starting(): JSX.Element {
    const problem = startProblem.value;
    return <main id="main" class="starting">{problem
        ? <Empty first icon="warn" title={problem.code === 'offline' ? t('offline') : t('page_failed')}
            action={<Spinner label={t('connecting')} />}>{problem.code === 'offline' ? t('starting_offline') : messageOf(problem)}</Empty>
        : <span class="spinner" role="status" aria-label={t('loading')} />}</main>;
}
