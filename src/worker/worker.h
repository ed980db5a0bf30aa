/* worker - threads that claim runs and drive them.
 *
 * Why it exists: everything slow (planning, steps, diffs, applies, reports) happens here, in straight-line code,
 * holding a run only while something is happening: a wait is a row, not a thread.
 * May include: service sandbox core base os.
 *
 *   claim ── plan ──► drive_plan.c     facts, planner, policy -> review or queue
 *         ── execute ► drive_execute.c sandbox, steps, changes
 *         ── apply ──► drive_apply.c   merge or undo
 *         ── finish ─► drive_finish.c  report.md, audit.json, diff.patch
 */
#pragma once
#include "service/svc.h"

struct workers;
CHECKED int workers_start(struct svc *, int n, struct workers **ret, struct err *);
/* How many hold a run: 0 after hub_drain means that nothing will be taken up any more. */
int workers_busy(struct workers *);
/* Claims no more; lets go of running steps (their shims live on and are adopted at the next start); joins. */
void workers_stop(struct workers *);
