/* view - the log of one step: search and switches above, the rows below. See props.ts for how to mount it; window.ts draws
 * the rows. */
import { useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { place } from '../router';
import { Button } from '../ui/button';
import { Empty } from '../ui/empty';
import { SearchBox } from '../ui/field';
import { number } from '../ui/format';
import { useKeys } from '../ui/keys';
import { Problem } from '../ui/problem';
import { Progress } from '../ui/progress';
import { LogControl } from './control';
import { CONT } from './rows';
import { copyOf } from './decode';
import type { LogViewProps } from './props';
import { t } from './strings';

function Found({ log }: { log: LogControl }): JSX.Element | null {
    const { count, at, isDone, isFull } = log.found.value;
    if (!log.query.value)
        return null;
    const text = !count ? isDone ? t('none') : '…' : at ? t('found', { at, count: number(count) + (isFull ? '+' : '') })
        : isFull ? t('found_more', { count }) : t('found_some', { count });
    return <span class="log-found num" data-count={count} data-done={isDone}>{text}
        <button type="button" class="button ghost icon-only small log-up" aria-label={t('previous')} title={`${t('previous')} (N)`} disabled={!count}
            onClick={() => log.step(-1)}><span aria-hidden="true">↑</span></button>
        <button type="button" class="button ghost icon-only small" aria-label={t('next')} title={`${t('next')} (n)`} disabled={!count}
            onClick={() => log.step(1)}><span aria-hidden="true">↓</span></button>
    </span>;
}

function Bar({ log, failed, box }: { log: LogControl; failed: boolean; box: { current: HTMLInputElement | null } }): JSX.Element {
    return <div class="log-bar" role="group" aria-label={t('search')}>
        <form class="log-search" onSubmit={e => {
            e.preventDefault();
            log.step(1);
        }}><SearchBox inputRef={box} value={log.query.value} onInput={text => log.search(text)} label={t('search')} /><Found log={log} /></form>
        <span class="log-count faint small num">{t(log.isLoaded.value ? 'lines' : 'loading', { n: log.lines.value })}</span>
        <span class="grow" />
        <Button small kind="ghost" icon="warn" title={`${t('key_error')} (e)`} busy={log.isSeekingError.value} disabled={!log.count.value}
            onClick={() => void log.toError()}>{failed ? t('first_error') : <span class="log-wide">{t('first_error')}</span>}</Button>
        {!log.isFinished.value && <Button small kind="ghost" title={`${t('key_follow')} (f)`} pressed={log.following.value}
            onClick={() => log.toggleFollow()}>{t('follow')}</Button>}
        <Button small kind="ghost" title={`${t('key_wrap')} (w)`} pressed={log.wrap.value} onClick={() => log.toggle('wrap')}>{t('wrap')}</Button>
        <Button small kind="ghost" title={`${t('key_times')} (t)`} pressed={log.times.value} onClick={() => log.toggle('times')}>{t('times')}</Button>
        <Button small kind="ghost" pressed={log.raw.value} onClick={() => log.toggle('raw')}>{t('raw')}</Button>
        {log.marked.value && <Button small kind="ghost" icon="copy" title={`${t('copy')} (c)`} onClick={() => void log.copy()}>
            <span class="log-wide">{t('copy')}</span></Button>}
        <Button small kind="ghost" icon="download" busy={log.downloading.value} onClick={() => void log.download()}>
            <span class="log-wide">{t('download')}</span></Button>
    </div>;
}

/* What the browser has selected: the text of the lines, without numbers and times, and without a line feed where a long
 * line goes on in the next row. */
function selectedText(log: LogControl, list: HTMLElement): string | null {
    const selection = getSelection();
    if (!selection || selection.isCollapsed || !selection.rangeCount || !selection.containsNode(list, true))
        return null;
    const range = selection.getRangeAt(0);
    let text = '', any = false;
    for (const element of list.children) {
        const cell = element.querySelector('.log-text');
        if (!cell || !range.intersectsNode(cell))
            continue;
        const row = log.feed.rows.at(Number((element as HTMLElement).dataset['row']));
        const whole = document.createRange();
        whole.selectNodeContents(cell);
        const isWhole = range.compareBoundaryPoints(Range.START_TO_START, whole) <= 0 && range.compareBoundaryPoints(Range.END_TO_END, whole) >= 0;
        if (!isWhole) {
            if (cell.contains(range.startContainer))
                whole.setStart(range.startContainer, range.startOffset);
            if (cell.contains(range.endContainer))
                whole.setEnd(range.endContainer, range.endOffset);
        }
        text += (any && !(row && row.flags & CONT) ? '\n' : '') + (isWhole && row && !log.raw.peek() ? copyOf(row) : whole.toString());
        any = true;
    }
    return any ? text : null;
}

function Rows({ log, label }: { log: LogControl; label: string }): JSX.Element {
    const scroller = useRef<HTMLDivElement>(null), space = useRef<HTMLDivElement>(null), list = useRef<HTMLDivElement>(null);
    useLayoutEffect(() => log.mount({ scroller: scroller.current!, space: space.current!, list: list.current! }), [log]);
    const keys: Record<string, () => void> = {
        j: () => log.moveCursor(1), ArrowDown: () => log.moveCursor(1), k: () => log.moveCursor(-1), ArrowUp: () => log.moveCursor(-1),
        Home: () => log.toTop(), End: () => log.toEnd(), Enter: () => log.markCursor(false),
    };
    const cursor = log.cursor.value;
    return <div ref={scroller} class={`log-scroller${log.wrap.value ? ' log-wraps' : ''}${log.times.value ? ' log-timed' : ''}`}
        role="grid" aria-readonly="true" aria-label={t('log_of', { label })} tabIndex={0} data-rows={log.count.value}
        data-finished={log.isFinished.value} data-loaded={log.isLoaded.value}
        aria-rowcount={log.isLoaded.value ? log.count.value : -1} aria-activedescendant={cursor >= 0 ? `log-row-${cursor}` : undefined}
        onScroll={() => log.scrolled()} onKeyDown={e => {
            const act = e.ctrlKey || e.metaKey || e.altKey ? undefined : keys[e.key];
            if (act) {
                e.preventDefault();
                act();
            }
        }} onClick={e => {
            const link = (e.target as Element).closest<HTMLAnchorElement>('.log-number a');
            if (link && !e.metaKey && !e.ctrlKey && e.button === 0) {
                e.preventDefault();
                log.mark(Number(link.textContent), e.shiftKey);
            }
        }} onCopy={e => {
            const text = selectedText(log, list.current!);
            if (text !== null) {
                e.clipboardData?.setData('text/plain', text);
                e.preventDefault();
            }
        }}>
        <div ref={space} class="log-space" role="presentation">
            <div class="log-frame" role="presentation"><div ref={list} class="log-rows" role="presentation" /></div>
        </div>
    </div>;
}

export default function LogView(props: LogViewProps): JSX.Element {
    const { runId, stepId, attempt, running, cursor, label } = props;
    const log = useMemo(() => new LogControl({ runId, stepId, attempt, running, cursor }), [runId, stepId]);
    const box = useRef<HTMLInputElement>(null), wasRunning = useRef(running);
    useEffect(() => {
        if (wasRunning.current && !running)
            log.feed.finished();
        wasRunning.current = running;
    }, [log, running]);
    useSignalEffect(() => {
        if (place.value.hash !== undefined)
            log.hashChanged();
    });
    useKeys('page', {
        '/': [t('key_search'), () => box.current?.select()],
        n: [t('key_next'), () => log.step(1)],
        N: [t('key_previous'), () => log.step(-1)],
        e: [t('key_error'), () => void log.toError()],
        f: [t('key_follow'), () => log.toggleFollow()],
        'g g': [t('key_top'), () => log.toTop()],
        G: [t('key_end'), () => log.toEnd()],
        w: [t('key_wrap'), () => log.toggle('wrap')],
        t: [t('key_times'), () => log.toggle('times')],
        c: [t('key_copy'), () => void log.copy()],
        ...(log.marked.value ? { Escape: [t('key_unmark'),
            () => document.activeElement === box.current ? box.current?.blur() : log.unmark()] as [string, () => void] } : {}),
    });
    const error = log.error.value, isEmpty = log.count.value === 0 && log.isLoaded.value;
    return <section class="log" aria-label={t('log_of', { label })}>
        <Bar log={log} failed={props.failed ?? false} box={box} />
        {!log.isLoaded.value && props.bytes ? <Progress done={log.bytes.value} of={props.bytes} label={t('loading', { n: log.lines.value })} /> : null}
        {error && (error.code === 'gone' ? <p class="log-notice">{t('gone')}</p> : <Problem of={error} />)}
        {props.truncated && <p class="log-notice">{t('truncated')}</p>}
        <div class="log-box">
            <Rows log={log} label={label} />
            {isEmpty && !error && <div class="log-empty">{log.isFinished.value ? <Empty title={t('empty')} />
                : <Empty title={t('waits')}>{t('waits_hint')}</Empty>}</div>}
            {!log.following.value && !log.isFinished.value && log.count.value > 0 && <div class="log-jump">
                <Button small kind="primary" onClick={() => log.toEnd()} hint="G">{t('to_end')}</Button></div>}
        </div>
        <p class="sr-only" role="status">{log.said.value || (log.isFinished.value && log.isLoaded.value ? t('finished_said', { n: log.lines.value }) : '')}</p>
    </section>;
}
