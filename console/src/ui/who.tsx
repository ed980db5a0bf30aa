/* who - who did something: "token:tok_… (name)" as the name first, since it is what a person knows, and the token's id for
 * those who have the same name. All others as they are: a token's name says nothing without its id beside it. */
import type { JSX } from 'preact';
import { Text } from './text';

export function Who({ of }: { of: string }): JSX.Element {
    const token = /^token:(tok_\w+) \((.*)\)$/s.exec(of);
    return token ? <span title={token[1]}><Text of={token[2]!} /> <span class="faint small">token …{token[1]!.slice(-6)}</span></span> : <Text of={of} />;
}
