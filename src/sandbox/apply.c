/* apply - see apply.h: the three entry points. Plan, check, steps and journal: apply_priv.h.
 *
 * May include: base os sandbox/changes.h.   Threads: one per project, the caller holds its lock. */
#include "sandbox/apply.h"
#include <stdlib.h>
#include <string.h>
#include "base/str.h"
#include "sandbox/apply_priv.h"

#define SKIPPED_MAX (16 * MIB)

void apply_result_fini(struct apply_result *r)
{
    free(r->conflicts);
    free(r->skipped);
    *r = (struct apply_result){0};
}

/* A journal of an earlier attempt: one that never began is dropped, one in between must be recovered first. */
static int make_way(struct apply_ctx *c, struct err *e)
{
    enum apply_where where;
    int r = apply_where(c, &where, e);
    if (r < 0)
        return r;
    if (where == APPLY_DONE)
        return err_set(e, ERR_STATE, "the changes of this run were applied already");
    if (where == APPLY_GOING || where == APPLY_BACK)
        return err_set(e, ERR_STATE, "an apply of this run was interrupted and must be recovered first");
    return where == APPLY_PLANNED ? apply_drop_journal(c, e) : 0;
}

static int finish(struct apply_ctx *c, int r, const struct buf *skipped, struct apply_result *ret, struct err *e)
{
    struct apply_result res = {0};
    if (r == 0)
        res = apply_plan_totals(c->plan);
    if (r < 0 && r != -ERR_APPLY_CONFLICT)
        return r;
    res.conflicts = apply_take_conflicts(c);
    if (skipped && skipped->len > 0 && !(res.skipped = str_printf("[%s]", skipped->p)) && r == 0) {
        apply_result_fini(&res);
        return err_oom(e); /* it is done all the same: apply_recover says so */
    }
    *ret = res;
    return r;
}

int apply_run(const struct changes *ch, const char *run_dir, const char *project_root, const char *const *only,
              struct apply_result *ret, struct err *e)
{
    return apply_run_hunks(ch, run_dir, project_root, only, NULL, 0, ret, e);
}

int apply_run_hunks(const struct changes *ch, const char *run_dir, const char *project_root, const char *const *only,
                    const struct apply_hunks *hunks, size_t n, struct apply_result *ret, struct err *e)
{
    AUTO(apply_close) struct apply_ctx c = {.root = -1, .run = -1, .journal = -1};
    AUTO(buf_fini) struct buf skipped = BUF_INIT(SKIPPED_MAX);
    int r = apply_open(run_dir, project_root, &c, e);
    if (r == 0)
        r = make_way(&c, e);
    if (r == 0)
        r = apply_plan_new(&c.plan, e);
    if (r == 0)
        r = apply_build(ch, only, c.plan, &skipped, e);
    if (r == 0 && n > 0)
        r = apply_mix(&c, hunks, n, &skipped, e);
    if (r < 0)
        return r;
    r = apply_check(&c, e);
    if (r == 0)
        r = apply_carry_out(&c, e);
    return finish(&c, r, &skipped, ret, e);
}

int apply_recover(const char *run_dir, const char *project_root, int *ret_state, struct apply_result *ret,
                  struct err *e)
{
    AUTO(apply_close) struct apply_ctx c = {.root = -1, .run = -1, .journal = -1};
    enum apply_where where;
    int state = 0, r = apply_open(run_dir, project_root, &c, e);
    if (r == 0)
        r = apply_where(&c, &where, e);
    if (r == 0 && where == APPLY_DONE)
        r = apply_load(&c, e);
    if (r == 0)
        r = apply_resume(&c, where, &state, e);
    if (r < 0)
        return r;
    struct apply_result res = {0};
    if (state >= 2)
        res = apply_plan_totals(c.plan);
    res.conflicts = apply_take_conflicts(&c);
    *ret = res;
    *ret_state = state;
    return 0;
}
