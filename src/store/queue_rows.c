/* queue_rows - see run_rows.h: the durable run queue, its leases and their tokens.
 *
 *   not claimed   lease_token 0
 *   claimed       lease_token > 0, lease_ends_us in the future: the worker that knows the token holds the run
 *   lost          lease_token > 0, lease_ends_us passed: the next claim takes it, under a greater token
 *
 * May include: base core store/db.h. */
#include <string.h>
#include "base/str.h"
#include "store/db.h"
#include "store/run_rows.h"

int queue_put(struct db *db, const struct id *run, const char *phase, int64_t priority, int64_t available_us,
              int64_t now_us, struct err *e)
{
    int64_t n = db_run(db, SQL_QUEUE_PUT,
                       VALS(V_TEXT(phase), V_INT(priority), V_INT(available_us), V_INT(now_us), V_ID(run)), e);
    if (n < 0)
        return (int)n;
    return n ? 0 : db_missing(e, "run", run->s);
}

static bool copy_col(struct query *q, int col, char *dst, size_t cap)
{
    const char *s = query_text(q, col);
    return str_copy(dst, cap, s ? s : "");
}

/* QUEUE_COLS of sql.def. */
static int read_row(struct query *q, struct queue_row *ret, struct err *e)
{
    struct queue_row row = {0};
    query_id(q, 0, &row.run_id);
    if (!copy_col(q, 1, row.tenant_id, sizeof row.tenant_id) || !copy_col(q, 2, row.phase, sizeof row.phase) ||
        !copy_col(q, 3, row.node_name, sizeof row.node_name) || !copy_col(q, 4, row.worker, sizeof row.worker))
        return err_set(e, ERR_CORRUPT, "the queue row of run %s is damaged", row.run_id.s);
    row.priority = query_int(q, 5);
    row.available_us = query_int(q, 6);
    row.attempts = query_int(q, 7);
    row.lease_ends_us = query_int(q, 8);
    row.enqueued_us = query_int(q, 9);
    row.lease_token = (uint64_t)query_int(q, 10);
    *ret = row;
    return 0;
}

static int pick(struct db *db, const char *node_name, int64_t now_us, struct id *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_QUEUE_PICK, VALS(V_INT(now_us), V_TEXT(node_name)), &q, e);
    if (r <= 0)
        return r < 0 ? r : err_set(e, ERR_EMPTY, NULL);
    query_id(&q, 0, ret);
    return 0;
}

static int next_token(struct db *db, const char *node_name, const struct id *run, int64_t *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_RUN_NEXT_LEASE, VALS(V_TEXT(node_name), V_ID(run)), &q, e);
    if (r <= 0)
        return r < 0 ? r : db_missing(e, "run", run->s);
    *ret = query_int(&q, 0);
    return 0;
}

/* The row keeps names in fixed fields: what would not fit is refused before it is written. */
static int check_names(const char *node_name, const char *worker, struct err *e)
{
    struct queue_row row;
    if (!node_name || !node_name[0] || !str_copy(row.node_name, sizeof row.node_name, node_name))
        return err_set(e, ERR_INVALID, "a node name has 1 to %zu bytes", sizeof row.node_name - 1);
    if (!worker || !str_copy(row.worker, sizeof row.worker, worker))
        return err_set(e, ERR_INVALID, "a worker name has at most %zu bytes", sizeof row.worker - 1);
    return 0;
}

int queue_claim(struct db *db, const char *node_name, const char *worker, int64_t now_us, int64_t lease_us,
                struct queue_row *ret, struct err *e)
{
    struct id run = {0};
    int64_t token = 0;
    int r = check_names(node_name, worker, e);
    if (r == 0)
        r = pick(db, node_name, now_us, &run, e);
    if (r == 0)
        r = next_token(db, node_name, &run, &token, e);
    if (r < 0)
        return r;
    AUTO(query_fini) struct query q = {0};
    r = db_one(db, SQL_QUEUE_CLAIM,
               VALS(V_TEXT(node_name), V_TEXT(worker), V_INT(now_us + lease_us), V_INT(token), V_ID(&run)), &q, e);
    if (r < 0)
        return r;
    return r ? read_row(&q, ret, e) : db_missing(e, "queue row of run", run.s);
}

int queue_keep(struct db *db, const struct id *run, const char *node_name, const char *worker, uint64_t token,
               int64_t lease_ends_us, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = check_names(node_name, worker, e);
    if (r == 0)
        r = db_one(db, SQL_QUEUE_CLAIM,
                   VALS(V_TEXT(node_name), V_TEXT(worker), V_INT(lease_ends_us), V_INT((int64_t)token), V_ID(run)), &q,
                   e);
    if (r < 0)
        return r;
    return r ? 0 : db_missing(e, "queue row of run", run->s);
}

static int lease_lost(const struct id *run, struct err *e)
{
    return err_set(e, ERR_LEASE, "the lease of run %s is held under another token", run->s);
}

int queue_extend(struct db *db, const struct id *run, uint64_t token, int64_t lease_ends_us, struct err *e)
{
    int64_t n = db_run(db, SQL_QUEUE_EXTEND, VALS(V_INT(lease_ends_us), V_ID(run), V_INT((int64_t)token)), e);
    if (n < 0)
        return (int)n;
    return n ? 0 : lease_lost(run, e);
}

int queue_fence(struct db *db, const struct id *run, uint64_t token, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_QUEUE_FENCE, VALS(V_ID(run), V_INT((int64_t)token)), &q, e);
    if (r < 0)
        return r;
    return r ? 0 : lease_lost(run, e);
}

int queue_delete(struct db *db, const struct id *run, struct err *e)
{
    return db_exec(db, SQL_QUEUE_DELETE, VALS(V_ID(run)), e);
}

int queue_get(struct db *db, const struct id *run, struct queue_row *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_QUEUE_GET, VALS(V_ID(run)), &q, e);
    if (r < 0)
        return r;
    return r ? read_row(&q, ret, e) : db_missing(e, "queue row of run", run->s);
}

int queue_drop_leases(struct db *db, const char *node_name, int64_t *ret_n, struct err *e)
{
    int64_t n = db_run(db, SQL_QUEUE_DROP_LEASES, VALS(V_TEXT(node_name)), e);
    if (n < 0)
        return (int)n;
    *ret_n = n;
    return 0;
}

int queue_list(struct db *db, const char *tenant, int limit, queue_each each, void *arg, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, SQL_QUEUE_LIST, VALS(V_TEXT(tenant), db_limit(limit)), &q, e);
    while (r == 0) {
        struct queue_row row;
        r = query_step(&q, e);
        if (r <= 0)
            return r;
        r = read_row(&q, &row, e);
        if (r == 0)
            r = each(arg, &row, e);
    }
    return r;
}

int queue_depth(struct db *db, int64_t now_us, struct queue_depth *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_QUEUE_DEPTH, VALS(V_INT(now_us)), &q, e);
    if (r < 0)
        return r;
    *ret = (struct queue_depth){query_int(&q, 0), query_int(&q, 1), query_int(&q, 2), query_int(&q, 3)};
    return 0;
}
