/* actions - names to choose from where one searches by action; any other may be typed. */
export const actions = ['approval.resolved', 'changes.applied', 'changes.approved', 'changes.conflict', 'changes.discarded', 'console.login',
    'console.logout', 'plan.approved', 'plan.rejected', 'plan.replaced', 'policy.denied', 'policy.updated', 'project.added', 'project.paused',
    'project.removed', 'project.resumed', 'project.settings', 'queue.drained', 'queue.paused', 'queue.resumed', 'run.cancel_requested',
    'run.completed', 'run.created', 'run.kept', 'run.logs_removed', 'run.planned', 'run.priority', 'run.released', 'run.removed', 'run.retried',
    'run.undo_requested', 'step.approved', 'step.denied', 'step.finished', 'step.refused', 'step.started', 'terminal.attached', 'token.created',
    'token.revoked'];
