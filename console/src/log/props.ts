/* props - what the run page says to the log viewer. The viewer is a chunk of its own: mount it as
 *
 *   import { LogView } from '../../log/lazy';
 *   <LogView runId={run.id} stepId={step.id} attempt={step.attempt} label={step.title}
 *            running={!step.finished_at} … />
 *
 * It fills the height of the element around it (give that one a height, or `flex: 1; min-height: 0`), is about one step,
 * and begins anew when stepId changes (an attempt that follows while it runs it sees by itself). At most one should be on
 * a page: the part of the URL behind "#" is its own (#L12, #L12-L20: lines that are marked and scrolled to). Keys while it
 * is on the screen: / n N e f w t c G and g g; j k, the arrows and Enter while it has the focus. */
export interface LogViewProps {
    runId: string;
    stepId: string;
    /* Step.attempt */
    attempt: number;
    /* What the log is of, for screen readers and the name of the downloaded file. May be text from outside. */
    label: string;
    /* The step has not finished: output comes live, and the end is followed from the start on. */
    running: boolean;
    /* The id of any event of this run that the page has seen, the newer the better: events before it are not asked for again.
     * Read when the viewer begins with a step. None: the run is followed from its beginning, which costs time, never lines. */
    cursor?: string | null;
    /* Step.stdout_bytes + Step.stderr_bytes of a finished step, for the progress of loading. */
    bytes?: number;
    /* Step.log_truncated */
    truncated?: boolean;
    /* A log that ends with a failed step: "first error" is offered in words. */
    failed?: boolean;
}
