/* drive - one claimed run in a worker's hands. Internal to src/worker/. */
#pragma once
#include "service/effects.h"
#include "service/runs.h"

struct drive {
    struct svc *svc;
    struct lease lease;
    struct run_row row; /* as claimed or last loaded */
    struct sandbox *sb; /* NULL when none is open */
    int wake_fd;        /* eventfd: the run's stream grew (perhaps: cancel) */
    struct log_ctx cx;
};

/* Each returns 0 (the run went on or waits; *ret_node says where), or an error:
 * -ERR_LEASE: somebody else has it; -ERR_INTERRUPTED: the server stops; others: the run cannot go on. */
CHECKED int drive_plan(struct drive *, enum run_node *ret_node, struct err *);
CHECKED int drive_execute(struct drive *, enum run_node *ret_node, struct err *);
CHECKED int drive_apply(struct drive *, enum run_node *ret_node, struct err *);
CHECKED int drive_finish(struct drive *, struct err *);
/* report.md; sum may be NULL. */
CHECKED int report_write(struct svc *, const struct run_row *, const struct run_steps *, struct buf *out, struct err *);
/* A step with an error: did it run, and ended for what the error says? Else it could not be started. */
static inline bool drive_step_ran(const struct step_row *s)
{
    return s->signal || s->exit_code >= 0;
}
/* Writes to the eventfd that arg points to. Any thread. */
void drive_wake(void *arg);
/* Did the server or its machine fail, and not the run? Then another try may go well. r: a negative code. */
bool drive_own_failure(int r);
/* Puts the run back for another try after the failure in e; while the disk is full, until there is room. *ret false: it
 * was tried often enough, the run is held as before, and e is as before. Negative: that could not be written; e says
 * why. */
CHECKED int drive_again(struct drive *, bool *ret, struct err *e);
/* Loads row and steps anew. */
CHECKED int drive_load(struct drive *, struct run_steps *ret, struct err *);
