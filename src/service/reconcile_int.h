/* reconcile_int - what the reconcile*.c files share. Included by nobody else. */
#pragma once
#include <dirent.h>
#include "service/reconcile.h"
#include "service/runs.h"
#include "store/reconcile_rows.h"

struct reconciler;
struct pass {
    struct reconciler *rc;
    struct svc *svc;
    enum reconcile_pass kind;
    bool dry, more;
    const char *actor, *surface, *trace_id;
    int64_t now;        /* Unix time */
    int64_t started_us; /* of this server */
    int left;           /* actions it may take yet */
    int64_t until_us;   /* CLOCK_MONOTONIC */
    struct jw *actions, *problems;
};

/* True: this pass has done enough, and says so. */
bool pass_over(struct pass *);
/* A dry pass: lists the action, and nothing is to be done. */
bool pass_dry(struct pass *, enum reconcile_act, const struct id *run, const char *detail);
/* It was done: lists, counts and logs it. */
void pass_did(struct pass *, enum reconcile_act, const struct id *run, const char *detail);
/* The same, and its audit record; for what is not done in a transaction. tenant NULL: the default one. */
void pass_did_audit(struct pass *, enum reconcile_act, const char *tenant, const struct id *run, const char *detail);
/* It could not be done. what: an action's name, or what else it was. */
void pass_problem(struct pass *, const char *what, const struct id *run, const struct err *why);
/* {"detail": …}: the data of the audit record. False: no memory. */
bool pass_audit_data(struct buf *, const char *detail);

/* How a run stands, for many at once, in one short read. known[i]: there is a row. */
CHECKED int pass_stands(struct pass *, const struct id *, size_t n, struct run_stands *ret, bool *known, struct err *);
/* Final, and the worker that ended it is done with it. */
bool pass_final(const struct pass *, const struct run_stands *);

/* Directories of runs: at most max names from *dir on (NULL: from the start), which stays open when there are more. */
void pass_runs(struct pass *, DIR **dir, size_t max);
/* blobs/<prefix>: 0 to 255. */
void pass_blobs(struct pass *, unsigned prefix);
/* Temporary files in the data directory and in audit/. */
void pass_temps(struct pass *);
void pass_socket(struct pass *);
void pass_strays(struct pass *);
