/* fault - named points where a test can make the next call fail or the program die.
 *
 * Why it exists: "every failure ends in a clear error or a retry" is only true
 * if every failure was tried. Compiled to nothing unless SALLYPORT_FAULTS is
 * defined (meson -Dfaults=true).
 * SALLYPORT_FAULT="write:3" makes the third FAULT(write) fail; "kill@run_committed:1"
 * sends SIGKILL to ourselves at the first CRASH_POINT(run_committed). Crash points are listed in base/crash_points.def,
 * because `make soak` proves that it died at each. The sandbox's shim, whose environment is empty, reads
 * SALLYPORT_SHIM_FAULT of its server's. The point is named on stderr, or in the file SALLYPORT_FAULT_LOG.
 * May include: base.  Threads: any (atomic counters). */
#pragma once
#include "base/base.h"

#ifdef SALLYPORT_FAULTS
bool fault_hit(const char *point);   /* true: the caller must fail as if the system had */
void fault_crash(const char *point); /* may not return */
/* For tests in one process: sets the list anew ("" = none); has any item of it fired?
 *   for (int n = 1; fault_arm_nth("alloc", n), check_that_it_fails_well(), fault_fired(); n++) ; */
void fault_arm(const char *spec);
void fault_arm_nth(const char *point, int n);
bool fault_fired(void);
/* What a transaction is; before and after its commit are two crash points, before_commit.KIND and after_commit.KIND. */
void fault_in_commit(const char *kind);
void fault_commit(bool after);
#define FAULT(point)       fault_hit(#point)
#define CRASH_POINT(point) fault_crash(#point)
#define IN_COMMIT(kind)    fault_in_commit(#kind)
#define COMMIT_POINT(when) fault_commit(when)
#else
#define FAULT(point)       false
#define CRASH_POINT(point) ((void)0)
#define IN_COMMIT(kind)    ((void)0)
#define COMMIT_POINT(when) ((void)0)
#endif
