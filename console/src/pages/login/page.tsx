/* login - asks for a token. A form, so that a password manager may keep it. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { makeAction, type Action } from '../../api/action';
import { login } from '../../login';
import type { PageProps } from '../../router';
import { Button } from '../../ui/button';
import { Check, Field } from '../../ui/field';
import { Icon } from '../../ui/icons';
import { Problem } from '../../ui/problem';
import { t } from './strings';

export default function Login(_: PageProps): JSX.Element {
    const [token, setToken] = useState(''), [shown, setShown] = useState(false);
    const input = useRef<HTMLInputElement>(null), action = useRef<Action<[string]> | null>(null);
    action.current ??= makeAction<void, [string]>(() => (_, text) => login(text));
    const { busy, error } = action.current;
    useEffect(() => input.current?.focus(), []);
    const wrong = error.value?.status === 401;
    return <div class="login"><form class="card" onSubmit={e => {
        e.preventDefault();
        if (token.trim())
            void action.current!.run(token.trim());
    }}>
        <h1><Icon name="policy" />{t('title')}</h1>
        <input type="text" name="username" autocomplete="username" value="sallyport" hidden readOnly />
        <Field label={t('token')} help={t.rich('help', { file: <code>admin-token</code>, command: <code>sallyport token new</code> })}
            error={wrong ? t('wrong') : undefined}>{props =>
            <input {...props} ref={input} class="mono" type={(shown ? 'text' : 'password') as 'text'} name="token"
                autocomplete="current-password" spellcheck={false}
                autocapitalize="off" placeholder="sp_…" value={token} onInput={e => setToken(e.currentTarget.value)} />}</Field>
        <Check label={t('show')} checked={shown} onChange={setShown} />
        {!wrong && <Problem of={error.value} />}
        <Button type="submit" kind="primary" busy={busy.value}>{t('login')}</Button>
    </form></div>;
}
