/* runs_idle.c - runs that nobody holds: waits that have passed, leases of a process that is gone. See runs.h. */
#include "service/runs_int.h"

#include "base/fault.h"
#include "os/clock.h"

/* ---- nobody holds it --------------------------------------------------- */

struct expire {
    struct svc *svc;
    int64_t now;
    struct id v[64];
    size_t n;
    const struct id *one;
    bool moved;
};

static int expired_each(void *arg, const struct run_row *row, struct err *e)
{
    struct expire *x = arg;

    if (x->n < ARRAY_LEN(x->v))
        x->v[x->n++] = row->id;
    return 0;
}

static int expired_tx(struct db *db, void *arg, struct err *e)
{
    struct expire *x = arg;

    return run_list_expired(db, x->now, (int)ARRAY_LEN(x->v), expired_each, x, e);
}

static int expire_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(expire);
    struct expire *x = arg;
    AUTO(run_row_fini) struct run_row row = {0};
    struct caller c;
    int r = run_lock(db, NULL, x->one, &row, e);

    x->moved = false;
    if (r < 0 || !run_sm_waits(row.node) || !row.expires_us || row.expires_us > x->now)
        return r; /* somebody answered meanwhile */
    caller_system(&c, row.tenant_id, "system", row.trace_id);
    if (row.node != RN_AWAITING_APPROVAL)
        r = runs_decide(&row, "expired", ERR_EXPIRED,
                        row.node == RN_AWAITING_REVIEW ? "nobody reviewed the plan in time"
                                                       : "nobody reviewed the changes in time",
                        e);
    if (r == 0)
        r = runs_close_approvals(db, &c, &row.id, NULL, "expired", e);
    if (r == 0)
        r = runs_move(x->svc, db, &row, RE_EXPIRE, e);
    if (r == 0)
        r = caller_audit(db, &c, "run.wait_expired", row.id.s, NULL, &row.id, e);
    caller_fini(&c);
    x->moved = r == 0;
    return r;
}

int runs_expire(struct svc *svc, int64_t now_us, int *ret_n, struct err *e)
{
    struct expire x = {.svc = svc, .now = now_us};
    int n = 0, r = store_read(svc->store, expired_tx, &x, e);

    for (size_t i = 0; r == 0 && i < x.n; i++) {
        x.one = &x.v[i];
        r = store_write(svc->store, expire_tx, &x, e);
        n += x.moved;
    }
    if (n)
        runs_wake(svc);
    if (r == 0)
        *ret_n = n;
    return r;
}

struct recover {
    const char *node;
    int64_t n;
};

static int recover_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(recover);
    struct recover *v = arg;

    return queue_drop_leases(db, v->node, &v->n, e);
}

int runs_recover(struct svc *svc, int64_t *ret_n, struct err *e)
{
    struct recover v = {.node = svc->node};
    int r = store_write(svc->store, recover_tx, &v, e);

    if (r == 0)
        *ret_n = v.n;
    return r;
}
