/* retention - what is kept of runs that are final, and what goes: compressed logs, and removal by rule.
 *
 *   logs      the output of steps: after it, streams and logs of the run answer `gone`
 *   all       logs, events, artifacts, changes, what undo needs: the rows of the run, its steps, approvals and
 *             artifacts stay and say so, and so do its audit records
 *
 * Why it exists: disks end; and what is gone must say that it is, not look like a run that printed nothing.
 * What goes is committed first and unlinked then: nobody is given half of it, and a kill in between is seen
 * (store/keep_rows.h). Runs that are kept, open, being undone, of another node, or whose sandbox still has leftovers,
 * are left alone. May include: store core base os service/.   Threads: any; one pass at a time (keeper.h). */
#pragma once
#include "os/logzst.h"
#include "service/svc.h"

struct retention_done {
    int64_t packed, packed_in, packed_out; /* logs that were compressed; their bytes before and after */
    int64_t logs_removed, runs_removed;    /* runs whose logs, whose all went */
    int64_t bytes;                         /* freed, or (dry run) to be freed */
    int64_t failed;
};
/* Compresses the logs of runs that ended until then, oldest first. A log that cannot be read whole stays as it is, and
 * is told. `pause` is called between pieces: negative stops (ERR_INTERRUPTED). */
CHECKED int retention_pack(struct svc *, int64_t until_us, logzst_pause pause, void *arg, struct retention_done *,
                           struct err *);
/* Applies the rules: of the server, of each project. kept_bytes: what max_bytes is held against, as it is now. actions:
 * JSON array members {"what","run_id","detail","bytes"} are appended, 1,000 at most; may be NULL. dry: nothing is done.
 */
CHECKED int retention_clean(struct svc *, bool dry, int64_t kept_bytes, struct jw *actions, struct retention_done *,
                            struct err *);
/* `kept` of a run; the reply is the run. */
CHECKED int retention_keep(struct svc *, struct caller *, const struct id *, bool keep, struct err *);

struct run_row;
/* ERR_GONE, with since when, when its logs (its all) went. */
CHECKED int retention_logs_there(const struct run_row *, struct err *);
CHECKED int retention_all_there(const struct run_row *, struct err *);
/* The same for a run by id; for who found a file missing. Unknown runs are no error. */
CHECKED int retention_logs_of(struct svc *, const struct id *run, struct err *);
