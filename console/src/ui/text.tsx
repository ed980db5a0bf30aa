/* text - how text from outside (intents, commands, file names, reasons, notes) is shown, without exception: as text, in an
 * isolate of its own, and what would deceive as a label. */
import type { JSX } from 'preact';
import { pieces } from './safe';

export function Text({ of, lines = false }: { of: string; /* line feeds and tabs are kept */ lines?: boolean }): JSX.Element {
    return <bdi class={lines ? 'text text-lines' : 'text'}>{pieces(of, !lines).map(piece => piece.label
        ? <span class="chip-char" title={piece.label}>{piece.label}</span> : piece.text)}</bdi>;
}

/* A command or a path: the same in a fixed width. */
export function Code({ of, lines = false }: { of: string; lines?: boolean }): JSX.Element {
    return <code class="code"><Text of={of} lines={lines} /></code>;
}
