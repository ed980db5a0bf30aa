/* runs_held - a change made under a lease: the run is locked, the token checked, the act done, all in one transaction.
 *
 * Included by runs_work.c and runs_gate.c only. */
#pragma once
#include "service/runs_int.h"

struct held {
    struct svc *svc;
    const struct lease *lease;
    struct caller c; /* the system, in the run's tenant and trace */
    int (*act)(struct db *, struct held *, struct run_row *, struct err *);
    enum run_node node; /* out: where the run is now */

    /* arguments of the acts */
    const struct plan *plan;
    struct step_row *step;
    enum gate gate;
    const char *outcome, *text, *json, *digest;
    int code;
    int64_t files, delay_us;
    const struct kept *kept;
    size_t nkept;
    bool failed, may_wait, left_slot;
    const struct err *why; /* of a retry */
};

/* Runs h->act; ERR_LEASE when somebody else has the run by now. Wakes workers when it was queued. */
CHECKED int runs_held(struct held *, struct err *);
/* Audits as the system, in the run's trace. */
CHECKED int runs_held_audit(struct db *, struct held *, const struct run_row *, const char *action, const char *target,
                            const struct buf *data, struct err *);
CHECKED int runs_step_event(struct db *, const struct step_row *, const char *type, struct err *);
