/* reconcile - makes what is on this node agree with what is stored: at the start, on a timer, by POST /reconcile.
 *
 * Why it exists: whatever was cut off (kill -9, power, a full disk, a hand in the data directory) must not stay: no run
 * that is in nobody's hands, no process, cgroup or file that belongs to nothing. reconcile.def lists what is looked
 * for and what is done about it.
 *
 *   reconcile.c         a pass: its parts, its bounds, what it says (answer, audit, log, metrics)
 *   reconcile_files.c   directories of runs, kept content, temporary files
 *   reconcile_strays.c  processes, cgroups and directories outside the data directory
 *   runs_idle.c         rows
 *
 * A pass is safe beside live work, and repeatable: what is found is looked at again in the transaction, or under the
 * lock, that changes it; what a worker may be about to use is left until it is old. Two passes at once wait for
 * each other, but one that is asked for waits for no other that was.
 * Work is bounded: a pass by the timer looks at so many directories and goes on where the one before ended; every pass
 * has a number of actions and a time after which it says `more`.
 * May include: store sandbox core base os service/.   Threads: any. */
#pragma once
#include "service/svc.h"

#define RECONCILE_GRACE_US (24 * 3600 * SEC_US)

enum reconcile_act {
#define ACTION(NAME, name, found, done) RC_##NAME,
#include "service/reconcile.def"
#undef ACTION
    RC_N
};
struct reconcile_info {
    const char *name, *found, *done;
};
const struct reconcile_info *reconcile_info(enum reconcile_act);

struct reconciler;
CHECKED int reconciler_new(struct svc *, struct reconciler **ret, struct err *);
void reconciler_free(struct reconciler *); /* NULL is fine; no pass may be under way */

enum reconcile_pass {
    RECONCILE_START, /* before any worker: leases of the process before, rows. Files wait for the first tick */
    RECONCILE_TICK,
    RECONCILE_ALL, /* looks at everything */
    RECONCILE_DRY, /* the same, and changes nothing */
};
/* by: who asked, for audit and log; NULL: the system. out: {"dry_run","actions":[{"what","run_id","detail"}],
 * "problems":[the same],"more"} is written; may be NULL. A problem is what could not be done; it stops nothing else.
 * Fails when the store does; ERR_UNAVAILABLE: somebody else's pass (by) is under way. */
CHECKED int reconcile(struct reconciler *, enum reconcile_pass, const struct caller *by, struct jw *out, struct err *);

struct reconcile_stats {
    uint64_t actions[RC_N], passes, problems;
    int64_t last_us; /* how long the last pass took */
};
void reconcile_stats(struct reconciler *, struct reconcile_stats *ret);
