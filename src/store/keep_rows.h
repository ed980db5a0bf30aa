/* keep_rows - what retention asks of and writes into the rows of final runs. The rules of run_rows.h hold.
 *
 *   logs, events, blobs ──run_remove_*: flags, committed──► nobody is given them ──files unlinked──► run_unlinked
 *
 * Killed in between: run_list_removing names the run, and the rest is done. The rows of the run, its steps, approvals,
 * artifacts and audit records stay. */
#pragma once
#include "store/run_rows.h"

/* ERR_NOT_FOUND */
CHECKED int run_keep(struct db *, const char *tenant, const struct id *, bool keep, struct err *);

typedef int (*run_id_each)(void *arg, const struct id *, struct err *); /* non-zero stops and is returned */
/* Final runs of this node whose logs were never compressed, which ended until then; oldest end first. */
CHECKED int run_list_unpacked(struct db *, const char *node, int64_t until_us, int limit, run_id_each, void *arg,
                              struct err *);
CHECKED int run_packed(struct db *, const struct id *, int64_t now_us, struct err *);
/* Their files are still to be unlinked. */
CHECKED int run_list_removing(struct db *, const char *node, int limit, run_id_each, void *arg, struct err *);
CHECKED int run_unlinked(struct db *, const struct id *, struct err *);

/* Final runs of a project on this node that are not kept and ended after `after` and until then; oldest end first.
 * until 0 = none. */
CHECKED int run_list_old_logs(struct db *, const char *node, const struct id *project, int64_t after_us,
                              int64_t until_us, int limit, run_each, void *arg, struct err *);
CHECKED int run_list_old(struct db *, const char *node, const struct id *project, int64_t after_us,
                         int64_t good_until_us, int64_t bad_until_us, int limit, run_each, void *arg, struct err *);
/* Of all projects, those that ended after then. */
CHECKED int run_list_oldest(struct db *, const char *node, int64_t after_us, int limit, run_each, void *arg,
                            struct err *);
/* 1 when a run that is not final undoes this one. */
CHECKED int run_undone_by(struct db *, const struct run_row *, struct err *);
CHECKED int run_remove_logs(struct db *, const struct id *, int64_t now_us, struct err *);
/* Its events are deleted, its artifacts marked, too. */
CHECKED int run_remove_all(struct db *, const struct id *, int64_t now_us, struct err *);
/* How many artifacts that were not removed have this content. */
CHECKED int artifact_uses(struct db *, const char *sha256, int64_t *ret, struct err *);
