/* view - Markdown as elements. marked's lexer says what is what; each token becomes an element of a short list, and all
 * text a text node: HTML in it is shown, not obeyed; links and images are shown with where they point, and lead nowhere,
 * since what they say comes from a sandbox. */
import { Lexer, type Token, type Tokens } from 'marked';
import type { ComponentChildren, JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { Code, Text } from '../ui/text';

const DEPTH_MAX = 12; /* quotes in lists in quotes: deeper is shown as it was written */

function many(tokens: Token[] | undefined, depth: number): ComponentChildren {
    return tokens?.map(token => one(token, depth + 1));
}

function table(token: Tokens.Table, depth: number): JSX.Element {
    return <div class="table-box" role="region" tabIndex={0} aria-label={token.header.map(cell => cell.text).join(', ').slice(0, 100)}><table>
        <thead><tr>{token.header.map(cell => <th>{many(cell.tokens, depth)}</th>)}</tr></thead>
        <tbody>{token.rows.map(row => <tr>{row.map(cell => <td>{many(cell.tokens, depth)}</td>)}</tr>)}</tbody></table></div>;
}

function list(token: Tokens.List, depth: number): JSX.Element {
    const items = token.items.map(item => <li>{item.task && (item.checked ? '☑ ' : '☐ ')}{many(item.tokens, depth)}</li>);
    return token.ordered ? <ol start={Number(token.start) || 1}>{items}</ol> : <ul>{items}</ul>;
}

/* Entities as people read them; the lexer leaves them as they are. */
const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&nbsp;': '\u00a0' };

function plain(text: string): string {
    return text.replace(/&(?:amp|lt|gt|quot|#39|nbsp);/g, name => entities[name]!);
}

function one(token: Token, depth: number): ComponentChildren {
    if (depth > DEPTH_MAX)
        return <Text of={token.raw} lines />;
    switch (token.type) {
        case 'space': case 'def': return null;
        case 'heading': {
            const inner = many(token.tokens, depth);
            return token.depth <= 1 ? <h2>{inner}</h2> : token.depth === 2 ? <h3>{inner}</h3> : <h4>{inner}</h4>;
        }
        case 'paragraph': return <p>{many(token.tokens, depth)}</p>;
        case 'blockquote': return <blockquote>{many(token.tokens, depth)}</blockquote>;
        case 'list': return list(token as Tokens.List, depth);
        case 'table': return table(token as Tokens.Table, depth);
        case 'code': return <pre class="markdown-code"><Text of={token.text} lines /></pre>;
        case 'hr': return <hr />;
        case 'strong': return <strong>{many(token.tokens, depth)}</strong>;
        case 'em': return <em>{many(token.tokens, depth)}</em>;
        case 'del': return <del>{many(token.tokens, depth)}</del>;
        case 'codespan': return <Code of={plain(token.text)} />;
        case 'br': return <br />;
        case 'escape': return <Text of={plain(token.text)} />;
        case 'link': case 'image': return <span class="markdown-link">{token.tokens ? many(token.tokens, depth) : <Text of={token.text} />}
            {token.href !== token.text && <> (<Code of={token.href} />)</>}</span>;
        case 'text': return token.tokens ? many(token.tokens, depth) : <Text of={plain(token.text)} lines />;
        default: return <Text of={token.raw} lines />; /* HTML, too */
    }
}

export function Markdown({ text }: { text: string }): JSX.Element {
    const tokens = useMemo(() => new Lexer({ gfm: true, breaks: false }).lex(text), [text]);
    return <div class="markdown">{many(tokens, 0)}</div>;
}
