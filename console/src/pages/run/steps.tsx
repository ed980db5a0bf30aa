/* steps - the steps of a run beside the log of one of them. It follows the run from step to step until a person picks one. */
import type { JSX } from 'preact';
import type { RunDetail, Step } from '../../api/types';
import { LogView } from '../../log/lazy';
import { useQuery } from '../../router';
import { Asked } from '../../ui/asked';
import { State } from '../../ui/badge';
import { Empty } from '../../ui/empty';
import { bytes } from '../../ui/format';
import { List } from '../../ui/list';
import { Split } from '../../ui/split';
import { Code, Text } from '../../ui/text';
import { Lasted } from '../../ui/time';
import { commandOf, pieceOf } from './command';
import { t } from './strings';

/* How it ended, in few words: nothing for a success. */
function ending(step: Step): string {
    return [step.timed_out && t('timed_out'), step.oom_killed && t('oom'), step.signal !== null && t('signal', { n: step.signal }),
        step.exit_code !== null && step.exit_code !== 0 && t('exit', { n: step.exit_code }), step.log_truncated && t('truncated'),
        step.attempt > 1 && t('attempt', { n: step.attempt }), step.pty && t('terminal')].filter(Boolean).join(' · ');
}

function Row({ step }: { step: Step }): JSX.Element {
    return <>
        <State of={step.state} short />
        <span class="run-step-title clip"><Text of={step.title || commandOf(step)} /></span>
        <span class="faint small"><Lasted from={step.started_at} to={step.finished_at} /></span>
        {ending(step) && <span class="run-step-end small faint">{ending(step)}</span>}
    </>;
}

/* The one a person would look at: what runs, else what failed, else the last that ran; at the end also what was denied and so
 * never ran. */
export function interesting(steps: readonly Step[], isOver = false): Step | undefined {
    const ran = steps.filter(step => step.started_at);
    return ran.find(step => step.state === 'running') ?? ran.find(step => step.state === 'failed' || step.state === 'lost')
        ?? (isOver ? steps.find(step => step.state === 'denied') : undefined) ?? ran.at(-1) ?? steps[0];
}

function Head({ step }: { step: Step }): JSX.Element {
    const all = step.stdout_bytes + step.stderr_bytes;
    return <div class="run-step-head"><State of={step.state} /><Asked of={commandOf(step)} mark={pieceOf(step.decision)} />
        <span class="faint small">{[ending(step), all > 0 && t('of_output', { n: bytes(all) })].filter(Boolean).join(' · ')}</span>
        {step.error && <p class="field-error"><Text of={step.error} /></p>}
        {step.decision && step.state !== 'succeeded' && <p class="faint small"><State of={step.decision.action} />{' '}<Text of={step.decision.reason} />{' '}
            ({t.rich('rule', { rule: <Code of={step.decision.rule} /> })})
            {pieceOf(step.decision) && <> · {t.rich('fired_on', { piece: <Code of={pieceOf(step.decision)!} /> })}</>}</p>}
    </div>;
}

export function Steps({ run }: { run: RunDetail }): JSX.Element {
    const [picked, pick] = useQuery('step');
    const step = run.steps.find(one => String(one.index + 1) === picked) ?? interesting(run.steps, run.finished_at !== null);
    if (!step)
        return <Empty icon="clock" title={t('no_steps')}>{t('no_steps_hint')}</Empty>;
    return <Split name="run-steps" fits of={step.id} first={<List items={run.steps} keyOf={one => one.id} selected={step.id}
        label={t('tab_steps')} class="run-steps" onSelect={one => one && pick(String(one.index + 1))} onOpen={one => pick(String(one.index + 1))}
        row={one => <Row step={one} />} />}
        second={<div class="run-step"><Head step={step} />
            {run.logs_removed_at || run.removed_at ? <Empty title={t(run.removed_at ? 'removed' : 'logs_removed')} />
                : step.started_at ? <div class="run-log"><LogView runId={run.id} stepId={step.id} attempt={step.attempt} label={step.title}
                    running={!step.finished_at} bytes={step.stdout_bytes + step.stderr_bytes} truncated={step.log_truncated}
                    failed={step.state === 'failed'} /></div>
                    : step.state === 'denied' || step.state === 'skipped'
                        ? <Empty title={t(`was_${step.state}`)}>{t(`was_${step.state}_hint`)}</Empty>
                        : <Empty icon="clock" title={t('no_log')}>{t('no_log_hint')}</Empty>}</div>} />;
}
