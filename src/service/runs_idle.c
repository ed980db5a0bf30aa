/* runs_idle.c - runs nobody holds, and rows about runs that do not agree: the reconciler finds them, and they are
 * mended here, each in one transaction with its audit record. See runs.h.
 *
 * What was found may have changed by the time it is mended: every act locks the run and looks again, so that a worker,
 * a person or another pass that came first is never undone. */
#include "service/runs_int.h"

#include "base/fault.h"
#include "base/str.h"
#include "store/queue_rows.h"
#include "store/reconcile_rows.h"

struct find {
    struct svc *svc;
    enum mend kind;
    int64_t now;
    int limit;
    struct id *v;
    size_t n;
};

static int gather(void *arg, const struct id *run, struct err *e)
{
    struct find *f = arg;

    f->v[f->n++] = *run;
    return 0;
}

static int find_tx(struct db *db, void *arg, struct err *e)
{
    struct find *f = arg;
    const char *node = f->svc->node;

    f->n = 0;
    switch (f->kind) {
    case MEND_LEASE_DROPPED:
        return find_leased(db, node, f->limit, gather, f, e);
    case MEND_TAKEN_OVER:
        return find_foreign(db, node, f->limit, gather, f, e);
    case MEND_LEASE_EXPIRED:
        return find_lease_ended(db, f->now - svc_clock_jump_us(f->svc), f->limit, gather, f, e);
    case MEND_REQUEUED:
        return find_unqueued(db, f->limit, gather, f, e);
    case MEND_QUEUE_ROW_REMOVED:
        return find_queued_in_vain(db, f->limit, gather, f, e);
    case MEND_WAIT_EXPIRED:
        return find_expired(db, f->now, f->limit, gather, f, e);
    case MEND_APPROVAL_VOIDED:
        return find_moot(db, f->limit, gather, f, e);
    }
    return err_set(e, ERR_INTERNAL, "unknown kind of mending");
}

int runs_find(struct svc *svc, enum mend kind, int64_t now_us, struct id *v, size_t cap, size_t *ret_n, struct err *e)
{
    struct find f = {.svc = svc, .kind = kind, .now = now_us, .limit = (int)cap, .v = v};
    int r = store_read(svc->store, find_tx, &f, e);

    if (r == 0)
        *ret_n = f.n;
    return r;
}

/* ---- mending ----------------------------------------------------------- */

struct mender {
    struct svc *svc;
    const struct mend_by *by;
    enum mend kind;
    const struct id *id;
    struct queue_row q; /* as it is now; no run: there is none */
    int64_t now;
    bool done;
};

/* In the queue again, in the phase it is in or was held in; the age it had there stays. */
static int requeue(struct db *db, struct mender *m, struct run_row *row, struct err *e)
{
    bool was = !id_none(&m->q.run_id);
    int r = run_sm_held(row->node) ? runs_move(m->svc, db, row, RE_LEASE_LOST, e) : run_save(db, row, e);

    if (r < 0 || !run_sm_phase(row->node))
        return r;
    return queue_put(db, &row->id, run_sm_phase(row->node), 0, was ? m->q.enqueued_us : m->now, e);
}

static int lease_dropped(struct db *db, struct mender *m, struct run_row *row, struct err *e)
{
    if (id_none(&m->q.run_id) || !m->q.lease_token || !m->q.lease_ends_us || !str_eq(m->q.node_name, m->svc->node))
        return 0;
    IN_COMMIT(recover);
    m->done = true;
    return queue_extend(db, &row->id, m->q.lease_token, 0, e);
}

static int taken_over(struct db *db, struct mender *m, struct run_row *row, struct err *e)
{
    if (run_sm_final(row->node) || !row->node_name || str_eq(row->node_name, m->svc->node))
        return 0;
    m->done = true;
    int r = runs_set_str(&row->node_name, m->svc->node, e);
    return r < 0 ? r : requeue(db, m, row, e);
}

/* The queue row stays as it is: its old token tells the next claim that a lease was lost. */
static int lease_expired(struct db *db, struct mender *m, struct run_row *row, struct err *e)
{
    int64_t now = m->now - svc_clock_jump_us(m->svc);

    if (id_none(&m->q.run_id) || !m->q.lease_token || m->q.lease_ends_us > now || !run_sm_held(row->node))
        return 0;
    m->done = true;
    return runs_move(m->svc, db, row, RE_LEASE_LOST, e);
}

static int requeued(struct db *db, struct mender *m, struct run_row *row, struct err *e)
{
    if (!id_none(&m->q.run_id) || run_sm_final(row->node) || run_sm_waits(row->node))
        return 0;
    m->done = true;
    return requeue(db, m, row, e);
}

static int queue_row_removed(struct db *db, struct mender *m, const struct run_row *row, struct err *e)
{
    if (id_none(&m->q.run_id) || (row && !run_sm_final(row->node) && !run_sm_waits(row->node)))
        return 0;
    m->done = true;
    return queue_delete(db, m->id, e);
}

static int wait_expired(struct db *db, struct mender *m, struct caller *c, struct run_row *row, struct err *e)
{
    int r = 0;

    if (!run_sm_waits(row->node) || !row->expires_us || row->expires_us > m->now)
        return 0; /* somebody answered meanwhile */
    IN_COMMIT(expire);
    m->done = true;
    if (row->node != RN_AWAITING_APPROVAL)
        r = runs_decide(row, "expired", ERR_EXPIRED,
                        row->node == RN_AWAITING_REVIEW ? "nobody reviewed the plan in time"
                                                        : "nobody reviewed the changes in time",
                        e);
    if (r == 0)
        r = runs_close_approvals(db, c, &row->id, NULL, "expired", e);
    return r < 0 ? r : runs_move(m->svc, db, row, RE_EXPIRE, e);
}

struct moot {
    struct db *db;
    int64_t now;
    bool done;
};

/* No event: run.completed is the last one of a run. */
static int void_each(void *arg, const struct approval_row *a, struct err *e)
{
    struct moot *m = arg;
    struct approval_row now = *a; /* borrowed all */

    now.state = (char[]){"void"};
    now.resolved_us = m->now;
    m->done = true;
    return approval_save(m->db, &now, e);
}

static int approval_voided(struct db *db, struct mender *m, const struct run_row *row, struct err *e)
{
    struct moot moot = {.db = db, .now = m->now};
    struct approval_filter f = {.run = &row->id, .state = "pending"};
    int r = run_sm_final(row->node) ? approval_list(db, &f, void_each, &moot, e) : 0;

    m->done = moot.done;
    return r;
}

static int mend(struct db *db, struct mender *m, struct caller *c, struct run_row *row, struct err *e)
{
    switch (m->kind) {
    case MEND_LEASE_DROPPED:
        return lease_dropped(db, m, row, e);
    case MEND_TAKEN_OVER:
        return taken_over(db, m, row, e);
    case MEND_LEASE_EXPIRED:
        return lease_expired(db, m, row, e);
    case MEND_REQUEUED:
        return requeued(db, m, row, e);
    case MEND_QUEUE_ROW_REMOVED:
        return queue_row_removed(db, m, row, e);
    case MEND_WAIT_EXPIRED:
        return wait_expired(db, m, c, row, e);
    case MEND_APPROVAL_VOIDED:
        return approval_voided(db, m, row, e);
    }
    return 0;
}

static int mend_tx(struct db *db, void *arg, struct err *e)
{
    struct mender *m = arg;
    AUTO(run_row_fini) struct run_row row = {0};
    struct caller c;
    int r = run_lock(db, NULL, m->id, &row, e);
    bool known = r == 0;

    m->done = false;
    m->q = (struct queue_row){0};
    if (known || r == -ERR_NOT_FOUND)
        r = queue_get(db, m->id, &m->q, e);
    if (r == -ERR_NOT_FOUND)
        r = 0;
    if (r < 0)
        return r;
    caller_system(&c, known ? row.tenant_id : "default", m->by->actor, m->by->trace_id);
    c.surface = m->by->surface;
    if (known)
        r = mend(db, m, &c, &row, e);
    else if (m->kind == MEND_QUEUE_ROW_REMOVED)
        r = queue_row_removed(db, m, NULL, e);
    if (r == 0 && m->done)
        r = caller_audit(db, &c, m->by->action, m->id->s, m->by->data, m->id, e);
    caller_fini(&c);
    return r;
}

int runs_mend(struct svc *svc, enum mend kind, const struct id *id, int64_t now_us, const struct mend_by *by,
              bool *ret_done, struct err *e)
{
    struct mender m = {.svc = svc, .by = by, .kind = kind, .id = id, .now = now_us};
    int r = store_write(svc->store, mend_tx, &m, e);

    if (r == 0)
        *ret_done = m.done;
    if (r == 0 && m.done)
        runs_wake(svc);
    return r;
}
