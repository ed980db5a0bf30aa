/* reconcile - makes what is on this node agree with what is stored: at start, on a timer, by POST /reconcile.
 *
 * Waits that have passed are ended; half-done work of a process before us is queued again (leases dropped, once, at
 * start); sandboxes, cgroups and layers of runs that are final are removed; old idempotency keys are
 * forgotten; the audit heads are signed.
 * May include: store sandbox core base os service/.   Threads: any; twice at once does no harm. */
#pragma once
#include "service/svc.h"

/* first: at start, before any worker. actions: JSON array members {"what","run_id","detail"} are appended; may be NULL.
 */
CHECKED int reconcile(struct svc *, bool first, struct jw *actions, struct err *);
