/* reconcile_rows - questions of the reconciler: which rows do not agree with each other.
 *
 * Each finds at most `limit` runs and changes nothing. What is found may have changed when it is acted upon: who acts
 * looks again inside its own transaction.
 * May include: base core store/.   Inside transactions (store.h). */
#pragma once
#include "core/run_sm.h"
#include "store/store.h"

typedef int (*find_each)(void *arg, const struct id *run, struct err *); /* non-zero stops and is returned */

/* Runs this node holds leases of. */
CHECKED int find_leased(struct db *, const char *node, int limit, find_each, void *arg, struct err *);
/* Runs that are not final and belong to another node. */
CHECKED int find_foreign(struct db *, const char *node, int limit, find_each, void *arg, struct err *);
/* Runs in a worker's hands whose lease has ended. */
CHECKED int find_lease_ended(struct db *, int64_t now_us, int limit, find_each, void *arg, struct err *);
/* Runs that a worker should take up, without a queue row. */
CHECKED int find_unqueued(struct db *, int limit, find_each, void *arg, struct err *);
/* Queue rows of runs that no worker may take up, or that are not there. */
CHECKED int find_queued_in_vain(struct db *, int limit, find_each, void *arg, struct err *);
/* Runs whose wait has passed, longest ago first. */
CHECKED int find_expired(struct db *, int64_t now_us, int limit, find_each, void *arg, struct err *);
/* Final runs with a question that is still open. */
CHECKED int find_moot(struct db *, int limit, find_each, void *arg, struct err *);

/* How a run stands: 1 found, 0 unknown. finished_us: 0 while it is not final. */
struct run_stands {
    char tenant[64];
    bool final;
    int64_t finished_us;
};
CHECKED int run_stands(struct db *, const struct id *, struct run_stands *ret, struct err *);
/* Does an artifact name this content? 1, 0 or negative. */
CHECKED int blob_named(struct db *, const char *sha256, struct err *);
CHECKED int idem_old(struct db *, int64_t before_us, int64_t *ret_n, struct err *);
