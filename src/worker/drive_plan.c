/* drive_plan.c - from an intent, or given steps, to a judged plan. */
#include <stdlib.h>
#include <string.h>

#include "service/facts.h"
#include "worker/drive.h"

static int make_plan(struct drive *d, struct plan **ret, struct err *e)
{
    AUTO_PTR(facts_free) struct facts *facts = NULL;
    char *root = NULL;
    int r = effects_root(d->svc, &d->row, &root, e);

    if (r == 0)
        r = facts_gather(root, &facts, e);
    free(root);
    return r < 0 ? r : planner_make(d->row.intent, facts_view(facts), ret, e);
}

int drive_plan(struct drive *d, enum run_node *ret_node, struct err *e)
{
    AUTO_PTR(plan_free) struct plan *plan = NULL;
    int r;

    if (d->row.cancel_us) {
        *ret_node = RN_FINISHING;
        return runs_fail(d->svc, &d->lease, "canceled", ERR_CANCELED, NULL, e);
    }
    /* Steps that were given were stored as the plan when the run was made; an intent beside them only says what for. */
    r = d->row.plan || !d->row.intent ? runs_plan(&d->row, &plan, e) : make_plan(d, &plan, e);
    return r < 0 ? r : runs_planned(d->svc, &d->lease, plan, ret_node, e);
}
