/* who - who did something: "token:tok_… (name)" as the name first, since it is what a person knows, and the token's id for
 * those who have the same name. All others as they are: a token's name says nothing without its id beside it. */
import type { JSX } from 'preact';
import { t } from './strings';
import { Text } from './text';

export function Who({ of }: { of: string }): JSX.Element {
    const [, id, name] = /^token:(tok_\w+) \((.*)\)$/s.exec(of) ?? [];
    return id && name !== undefined ? <span title={id}><Text of={name} /> <span class="faint small">{t('token_id', { id: id.slice(-6) })}</span></span>
        : <Text of={of} />;
}
