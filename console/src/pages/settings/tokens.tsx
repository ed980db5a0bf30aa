/* tokens - who may do what: the tokens there are, a new one (its secret is shown once, kept nowhere), and taking one back. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../../api/action';
import { get } from '../../api/client';
import { useLoad } from '../../api/load';
import { may, me } from '../../api/session';
import type { Scope, Token } from '../../api/types';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Copy } from '../../ui/copy';
import { Confirm, Dialog } from '../../ui/dialog';
import { Empty } from '../../ui/empty';
import { Check, Field, fieldError, Select } from '../../ui/field';
import { useKeys } from '../../ui/keys';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/progress';
import { Text } from '../../ui/text';
import { Time } from '../../ui/time';
import { toast } from '../../ui/toast';
import { t } from './strings';

const scopes = [['run:read', 's_run_read'], ['run:write', 's_run_write'], ['approve', 's_approve'], ['policy:read', 's_policy_read'],
    ['policy:write', 's_policy_write'], ['audit:read', 's_audit_read'], ['project:write', 's_project_write'], ['admin', 's_admin']] as const;
const day = 86_400_000;
const lifetimes = { month: 30 * day, day, week: 7 * day, quarter: 90 * day, year: 365 * day, never: 0 } as const;
type Lifetime = keyof typeof lifetimes;
const lifetimeNames: [Lifetime, 'in_month' | 'in_day' | 'in_week' | 'in_quarter' | 'in_year' | 'never'][] =
    [['day', 'in_day'], ['week', 'in_week'], ['month', 'in_month'], ['quarter', 'in_quarter'], ['year', 'in_year'], ['never', 'never']];

function NewToken({ onClose, onMade }: { onClose: () => void; onMade: (token: Token) => void }): JSX.Element {
    const [name, setName] = useState(''), [picked, setPicked] = useState<Scope[]>(['run:read']), [lifetime, setLifetime] = useState<Lifetime>('month');
    const make = useAction(call => call.post('/tokens', {}, { name, scopes: picked,
        ...(lifetimes[lifetime] > 0 && { expires_in_ms: lifetimes[lifetime] }) }), onMade);
    const flip = (scope: Scope, on: boolean): void => setPicked(scopes.map(one => one[0])
        .filter(one => one === scope ? on : picked.includes(one)));
    const error = make.error.value, known = ['name', 'scopes', 'expires_in_ms'].some(field => fieldError(error, field));
    return <Dialog title={t('new_token')} onClose={onClose} foot={<Button kind="primary" busy={make.busy.value}
        disabled={!name.trim() || picked.length === 0} onClick={() => void make.run()}>{t('make')}</Button>}>
        <form class="stack" onSubmit={e => {
            e.preventDefault();
            if (name.trim() && picked.length)
                void make.run();
        }}>
            <Field label={t('name')} help={t('name_help')} error={fieldError(error, 'name')}>{p =>
                <input {...p} name="name" value={name} autocomplete="off" spellcheck={false} onInput={e => setName(e.currentTarget.value)} />}</Field>
            <fieldset class="settings-scopes"><legend>{t('scopes')}</legend>{scopes.map(([scope, about]) =>
                <Check key={scope} checked={picked.includes(scope)} onChange={on => flip(scope, on)}
                    label={<><code>{scope}</code> <span class="faint small">{t(about)}</span></>} />)}
            {picked.length === 0 && <p class="field-error">{t('pick_scope')}</p>}</fieldset>
            <Field label={t('expiry')} error={fieldError(error, 'expires_in_ms')}>{p => <Select {...p} value={lifetime} onChange={setLifetime}
                options={lifetimeNames.map(([key, text]) => [key, t(text)] as const)} />}</Field>
            {!known && <Problem of={error} />}
        </form>
    </Dialog>;
}

function Made({ of, onClose }: { of: Token; onClose: () => void }): JSX.Element {
    return <Dialog title={t('made_q')} onClose={onClose} foot={<Button kind="primary" onClick={onClose}>{t('done')}</Button>}>
        <p><Text of={of.name} /> <span class="row">{of.scopes.map(scope => <Badge>{scope}</Badge>)}</span></p>
        {of.token ? <><p>{t('made_say')}</p>
            <p class="settings-secret"><code data-secret>{of.token}</code><Copy of={of.token} label={t('secret')} /></p></>
            : <p class="field-error">{t('gone')}</p>}
    </Dialog>;
}

function Revoke({ of, onClose, onDone }: { of: Token; onClose: () => void; onDone: () => void }): JSX.Element {
    const action = useAction(call => call.del('/tokens/{token}', { path: { token: of.id } }), () => {
        toast(t('was_revoked', { name: of.name }));
        onDone();
    });
    return <Confirm title={t.rich('revoke_q', { name: <Text of={of.name} /> })} action={action} kind="danger" label={t('revoke')} onClose={onClose}>
        <p>{t('revoke_say')}</p>{of.id === me.value?.token.id && <p class="field-error">{t('revoke_own')}</p>}
    </Confirm>;
}

function hasEnded(token: Token): boolean {
    return token.expires_at !== null && Date.parse(token.expires_at) <= Date.now();
}

function Row({ of, onRevoke }: { of: Token; onRevoke: () => void }): JSX.Element {
    const isOver = of.revoked_at !== null || hasEnded(of);
    return <tr data-token={of.id} class={isOver ? 'faint' : ''}>
        <td><Text of={of.name} />{of.id === me.value?.token.id && <> <Badge tone="busy">{t('this_one')}</Badge></>}</td>
        <td><span class="row">{of.scopes.map(scope => <Badge>{scope}</Badge>)}</span></td>
        <td>{of.revoked_at !== null ? t('revoked') : hasEnded(of) ? t('ended') : t('valid')}</td>
        <td>{of.revoked_at !== null ? <Time of={of.revoked_at} /> : of.expires_at ? <Time of={of.expires_at} /> : t('never')}</td>
        <td>{of.used_at ? <Time of={of.used_at} /> : t('never_used')}</td><td><Time of={of.created_at} /></td>
        <td class="settings-act">{!isOver && <Button small kind="danger" onClick={onRevoke}>{t('revoke')}</Button>}</td></tr>;
}

async function allTokens(signal: AbortSignal): Promise<Token[]> {
    const items: Token[] = [];
    for (let after: string | undefined; ;) {
        const page = await get('/tokens', { query: { limit: 500, after }, signal });
        items.push(...page.items);
        if (page.next === null)
            return items;
        after = page.next;
    }
}

function List(): JSX.Element {
    const loaded = useLoad(allTokens, []), [all, setAll] = useState(false);
    const [asks, setAsks] = useState<'new' | { made: Token } | { revoke: Token } | null>(null);
    useKeys('page', { n: [t('new_token'), () => setAsks('new')] });
    const reload = (): void => void loaded.reload(), close = (): void => setAsks(null);
    const items = loaded.data.value ?? [], valid = items.filter(one => one.revoked_at === null && !hasEnded(one));
    const shown = (all ? items : valid).slice().reverse();
    return <div class="stack">
        <div class="settings-line"><p class="faint">{t('tokens_about')}</p>
            <Button kind="primary" hint="n" onClick={() => setAsks('new')}>{t('new_token')}</Button></div>
        <Problem of={loaded.error.value} onRetry={reload} />
        {items.length > valid.length && <Check label={t('show_revoked')} checked={all} onChange={setAll} />}
        {!loaded.data.value ? !loaded.error.value && <Skeleton />
            : shown.length === 0 ? <Empty icon="settings" title={t('no_tokens')}>{t('no_tokens_hint')}</Empty>
                : <div class="table-box" role="region" aria-label={t('tab_tokens')} tabIndex={0}><table class="settings-tokens">
                    <thead><tr><th>{t('name')}</th><th>{t('scopes')}</th><th>{t('state')}</th><th>{t('expires')}</th><th>{t('used')}</th><th>{t('created')}</th>
                        <th><span class="sr-only">{t('actions')}</span></th></tr></thead>
                    <tbody>{shown.map(one => <Row key={one.id} of={one} onRevoke={() => setAsks({ revoke: one })} />)}</tbody></table></div>}
        {asks === 'new' ? <NewToken onClose={close} onMade={made => {
            setAsks({ made });
            reload();
        }} />
            : asks && 'made' in asks ? <Made of={asks.made} onClose={close} />
                : asks && 'revoke' in asks ? <Revoke of={asks.revoke} onClose={close} onDone={reload} /> : null}
    </div>;
}

export function AdminOnly(): JSX.Element {
    return <Empty icon="settings" title={t('admin_only')}>{t('admin_only_hint')}</Empty>;
}

export function Tokens(): JSX.Element {
    return may('admin') ? <List /> : <AdminOnly />;
}
