/* drive_apply.c - merges approved changes into the project, or takes an earlier apply back. */
#include <stdlib.h>

#include "base/fault.h"
#include "base/str.h"
#include "worker/drive.h"

int drive_apply(struct drive *d, enum run_node *ret_node, struct err *e)
{
    AUTO(run_steps_fini) struct run_steps steps = {0};
    struct err why = ERR_INIT;
    char *json = NULL;
    int64_t files = 0;
    int r = drive_load(d, &steps, e);

    if (r < 0)
        return r;
    *ret_node = RN_FINISHING;
    if (d->row.cancel_us) /* what a crash left half-done is still completed while finishing */
        return runs_fail(d->svc, &d->lease, "canceled", ERR_CANCELED, NULL, e);
    if (str_eq(d->row.kind, "undo"))
        r = effects_undo(d->svc, &d->row, &json, &files, &why);
    else
        r = effects_apply(d->svc, &d->row, &steps, &json, &files, &why);
    CRASH_POINT(apply_over);
    if (r == 0) {
        r = runs_applied(d->svc, &d->lease, json, files, e);
    } else if (r == -ERR_APPLY_CONFLICT) {
        r = runs_conflict(d->svc, &d->lease, json, why.msg, ret_node, e);
    } else {
        *e = why;
    }
    free(json);
    return r;
}
