/* planner - /plan makes a run: what is wanted, the plan for it, and how it goes. /plan?run=RUN edits the plan of a run that
 * waits for its review. Nothing is stored before the button is pressed; what is sent is what is on the screen. */
import type { JSX } from 'preact';
import { query, type PageProps } from '../../router';
import { EditPlan } from './edit';
import { NewRun } from './new';

export default function Planner(_: PageProps): JSX.Element {
    const run = query.value.get('run');
    return run ? <EditPlan key={run} id={run} /> : <NewRun key="new" />;
}
