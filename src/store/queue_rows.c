/* queue_rows - see queue_rows.h: rows, leases, whose turn it is. Lists and pauses: queue_list_rows.c.
 *
 * queue_lanes holds the first ready row of each (project, node, lane): whatever makes a row ready, takes it or moves it
 * sets its lane anew (lane_set), in the same transaction.
 * May include: base core store/db.h. */
#include <string.h>
#include "base/str.h"
#include "store/db.h"
#include "store/queue_int.h"

/* ---- lanes -------------------------------------------------------------- */

struct place {
    char project[48], node[128];
    int64_t lane;
};

static int read_place(struct query *q, struct place *ret, struct err *e)
{
    const char *p = query_text(q, 0), *n = query_text(q, 1);
    if (!str_copy(ret->project, sizeof ret->project, p ? p : "") || !str_copy(ret->node, sizeof ret->node, n ? n : ""))
        return err_set(e, ERR_CORRUPT, "a queue row is damaged");
    ret->lane = query_int(q, 2);
    return 0;
}

static int lane_set(struct db *db, const struct place *at, struct err *e)
{
    const struct db_val project = V_TEXT(at->project), node = V_TEXT(at->node), lane = V_INT(at->lane);
    int64_t n = db_run(db, SQL_QUEUE_LANE_SET, VALS(project, node, lane), e);
    if (n < 0)
        return (int)n;
    return n ? 0 : db_exec(db, SQL_QUEUE_LANE_DROP, VALS(project, node, lane), e);
}

/* A statement that returns the place of the one row it wrote, and that place's lane; 1, or 0 when there was no row. */
static int write_place(struct db *db, enum sql_id sql, const struct db_val *v, size_t n, struct err *e)
{
    struct place at;
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, sql, v, n, &q, e);
    if (r <= 0)
        return r;
    r = read_place(&q, &at, e);
    query_fini(&q);
    if (r == 0)
        r = lane_set(db, &at, e);
    return r < 0 ? r : 1;
}

/* 1, or 0 when the run is not in the queue. */
static int place_of(struct db *db, const struct id *run, struct place *ret, bool *ret_ready, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_QUEUE_PLACE, VALS(V_ID(run)), &q, e);
    if (r <= 0)
        return r;
    r = read_place(&q, ret, e);
    *ret_ready = query_int(&q, 3);
    return r < 0 ? r : 1;
}

int queue_mend_lanes(struct db *db, struct err *e)
{
    int r = db_exec(db, SQL_QUEUE_LANES_CLEAR, NO_VALS, e);
    return r < 0 ? r : db_exec(db, SQL_QUEUE_LANES_FILL, NO_VALS, e);
}

/* ---- rows --------------------------------------------------------------- */

int queue_put(struct db *db, const struct id *run, const char *phase, int64_t available_us, int64_t now_us,
              struct err *e)
{
    struct place was;
    bool ready;
    int had = place_of(db, run, &was, &ready, e), r = had;
    if (r >= 0)
        r = write_place(db, SQL_QUEUE_PUT,
                        VALS(V_TEXT(phase), V_INT(available_us <= now_us ? 0 : available_us), V_INT(now_us),
                             V_INT(turn_lane(phase)), V_INT(TURN_POINT_US), V_ID(run)),
                        e);
    if (r <= 0)
        return r < 0 ? r : db_missing(e, "run", run->s);
    return had ? lane_set(db, &was, e) : 0; /* a queued one that is canceled leaves one lane for another */
}

int queue_back(struct db *db, const struct id *run, const char *phase, int64_t available_us, bool failed,
               const char *code, const char *text, struct err *e)
{
    int r = write_place(db, SQL_QUEUE_BACK,
                        VALS(V_TEXT(phase), V_INT(available_us), V_INT(failed), V_INT(turn_lane(phase)), V_TEXT(code),
                             V_TEXT(text), V_ID(run)),
                        e);
    if (r < 0)
        return r;
    return r ? 0 : db_missing(e, "queue row of run", run->s);
}

int queue_set_priority(struct db *db, const struct id *run, int64_t priority, struct err *e)
{
    int r = write_place(db, SQL_QUEUE_PRIORITY, VALS(V_INT(priority), V_INT(TURN_POINT_US), V_ID(run)), e);
    if (r < 0)
        return r;
    return r ? 0 : db_missing(e, "queue row of run", run->s);
}

int queue_delete(struct db *db, const struct id *run, struct err *e)
{
    int r = write_place(db, SQL_QUEUE_DELETE, VALS(V_ID(run)), e);
    return r < 0 ? r : 0;
}

static bool copy_col(struct query *q, int col, char *dst, size_t cap)
{
    const char *s = query_text(q, col);
    return str_copy(dst, cap, s ? s : "");
}

/* QUEUE_COLS of sql.def. */
int queue_read_row(struct query *q, struct queue_row *ret, struct err *e)
{
    struct queue_row row = {0};
    const char *project = query_text(q, 11), *why = query_text(q, 16);
    query_id(q, 0, &row.run_id);
    if (!copy_col(q, 1, row.tenant_id, sizeof row.tenant_id) || !copy_col(q, 2, row.phase, sizeof row.phase) ||
        !copy_col(q, 3, row.node_name, sizeof row.node_name) || !copy_col(q, 4, row.worker, sizeof row.worker) ||
        !copy_col(q, 15, row.why_code, sizeof row.why_code))
        return err_set(e, ERR_CORRUPT, "the queue row of run %s is damaged", row.run_id.s);
    row.priority = query_int(q, 5);
    row.available_us = query_int(q, 6);
    row.attempts = query_int(q, 7);
    row.lease_ends_us = query_int(q, 8);
    row.enqueued_us = query_int(q, 9);
    row.lease_token = (uint64_t)query_int(q, 10);
    if (project && *project)
        query_id(q, 11, &row.project_id);
    row.rank_us = query_int(q, 12);
    row.held_us = query_int(q, 13);
    row.failures = query_int(q, 14);
    (void)!str_copy(row.why_text, sizeof row.why_text, why ? why : "");
    *ret = row;
    return 0;
}

int queue_get(struct db *db, const struct id *run, struct queue_row *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_QUEUE_GET, VALS(V_ID(run)), &q, e);
    if (r < 0)
        return r;
    return r ? queue_read_row(&q, ret, e) : db_missing(e, "queue row of run", run->s);
}

/* ---- whose turn it is --------------------------------------------------- */

struct pick {
    struct place at;
    struct id run;
    int64_t rank_us;
};

static bool same_place(const struct place *a, const struct place *b)
{
    return str_eq(a->project, b->project) && str_eq(a->node, b->node) && a->lane == b->lane;
}

/* Is the lane's run the one the lane says? If not (somebody changed rows by hand), lanes are mended: 0. */
static int lane_true(struct db *db, const struct pick *p, struct err *e)
{
    struct place at;
    bool ready = false;
    int r = place_of(db, &p->run, &at, &ready, e);
    if (r < 0 || (r > 0 && ready && same_place(&at, &p->at)))
        return r;
    r = r > 0 ? lane_set(db, &at, e) : 0;
    return r < 0 ? r : lane_set(db, &p->at, e);
}

/* 1 and *ret, 0 for none. */
static int pick_one(struct db *db, enum sql_id sql, const struct db_val *v, size_t n, struct pick *ret, struct err *e)
{
    for (;;) {
        struct pick p;
        AUTO(query_fini) struct query q = {0};
        int r = db_one(db, sql, v, n, &q, e);
        if (r <= 0)
            return r;
        r = read_place(&q, &p.at, e);
        query_id(&q, 3, &p.run);
        p.rank_us = query_int(&q, 4);
        query_fini(&q);
        if (r == 0)
            r = lane_true(db, &p, e);
        if (r > 0)
            *ret = p;
        if (r != 0)
            return r;
    }
}

static int pick_lost(struct db *db, const struct queue_rules *ru, int64_t now_us, struct id *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_QUEUE_LOST, VALS(V_INT(now_us), V_TEXT(ru->node_name)), &q, e);
    if (r > 0)
        query_id(&q, 0, ret);
    return r;
}

/* Rows that were put off until now are ready, and those that were put off longer than any is: by a clock that has been
 * set back since. */
static int wake_due(struct db *db, const struct queue_rules *ru, int64_t now_us, struct err *e)
{
    const int64_t last = ru->put_off_max_us > 0 ? now_us + ru->put_off_max_us : INT64_MAX;
    struct place at[128]; /* as many as QUEUE_DUE takes at once: the others at the next claim */
    size_t n = 0;
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, SQL_QUEUE_DUE, VALS(V_INT(now_us), V_INT(last)), &q, e);
    while (r == 0 && (r = query_step(&q, e)) > 0)
        r = n < ARRAY_LEN(at) ? read_place(&q, &at[n++], e) : 0;
    query_fini(&q);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = lane_set(db, &at[i], e);
    return r;
}

static int pick_run(struct db *db, const struct queue_rules *ru, struct pick *ret, struct err *e)
{
    return pick_one(db, SQL_QUEUE_NEXT_RUN, VALS(V_TEXT(ru->node_name), V_INT(ru->project_max), V_INT(ru->tenant_max)),
                    ret, e);
}

/* What nobody holds: 1 and *ret, or 0. */
static int pick_ready(struct db *db, const struct queue_rules *ru, int64_t now_us, struct pick *ret, struct err *e)
{
    struct queue_pause pause;
    struct pick door, run;
    int r = wake_due(db, ru, now_us, e), rd, rr;
    if (r == 0)
        r = pick_one(db, SQL_QUEUE_NEXT, VALS(V_INT(LANE_FINISH), V_TEXT(ru->node_name)), ret, e);
    if (r != 0)
        return r;
    r = queue_node_pause(db, ru->node_name, &pause, e);
    if (r < 0 || pause.since_us)
        return r;
    rd = pick_one(db, SQL_QUEUE_NEXT, VALS(V_INT(LANE_DOOR), V_TEXT(ru->node_name)), &door, e);
    rr = rd < 0 ? rd : pick_run(db, ru, &run, e);
    if (rr < 0 || rd + rr == 0)
        return rr;
    *ret = rd && (!rr || door.rank_us <= run.rank_us) ? door : run;
    return 1;
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

struct grab {
    const char *node_name, *worker;
    const struct id *run;
    int64_t token, now_us, lease_us;
};

static int grab_row(struct db *db, const struct grab *g, struct queue_row *ret, struct err *e)
{
    struct place was;
    bool ready;
    int r = place_of(db, g->run, &was, &ready, e);
    if (r <= 0)
        return r < 0 ? r : db_missing(e, "queue row of run", g->run->s);
    AUTO(query_fini) struct query q = {0};
    r = db_one(db, SQL_QUEUE_CLAIM,
               VALS(V_TEXT(g->node_name), V_TEXT(g->worker), V_INT(g->now_us + g->lease_us), V_INT(g->token),
                    V_INT(g->now_us), V_ID(g->run)),
               &q, e);
    if (r <= 0)
        return r < 0 ? r : db_missing(e, "queue row of run", g->run->s);
    r = queue_read_row(&q, ret, e);
    query_fini(&q);
    ret->lost = !ready;
    return r < 0 || !ready ? r : lane_set(db, &was, e);
}

int queue_claim(struct db *db, const struct queue_rules *ru, const char *worker, int64_t now_us, int64_t lease_us,
                struct queue_row *ret, struct err *e)
{
    struct pick p = {0};
    struct grab g = {.node_name = ru->node_name,
                     .worker = worker,
                     .run = &p.run,
                     .now_us = now_us,
                     .lease_us = lease_us - ru->clock_jump_us};
    int r = check_names(ru->node_name, worker, e);
    if (r == 0)
        r = pick_lost(db, ru, now_us - ru->clock_jump_us, &p.run, e);
    if (r == 0)
        r = pick_ready(db, ru, now_us, &p, e);
    if (r <= 0)
        return r < 0 ? r : err_set(e, ERR_EMPTY, NULL);
    r = next_token(db, ru->node_name, &p.run, &g.token, e);
    return r < 0 ? r : grab_row(db, &g, ret, e);
}

int queue_go_on(struct db *db, const struct queue_rules *ru, const struct id *run, const char *worker, uint64_t token,
                int64_t now_us, int64_t lease_us, bool *ret, struct err *e)
{
    struct grab g = {ru->node_name, worker, run, (int64_t)token, now_us, lease_us - ru->clock_jump_us};
    struct queue_row row;
    struct queue_pause pause;
    struct place at;
    struct pick p = {0};
    bool ready;
    int r = check_names(ru->node_name, worker, e);
    if (r == 0)
        r = place_of(db, run, &at, &ready, e);
    if (r == 0)
        return db_missing(e, "queue row of run", run->s);
    if (r > 0)
        r = wake_due(db, ru, now_us, e);
    if (r == 0)
        r = queue_node_pause(db, ru->node_name, &pause, e);
    if (r == 0 && at.lane == LANE_RUN) {
        r = pause.since_us ? 0 : pick_run(db, ru, &p, e);
        if (r < 0 || !id_eq(&p.run, run))
            return r < 0 ? r : (*ret = false, 0);
    }
    r = r < 0 ? r : grab_row(db, &g, &row, e);
    if (r == 0)
        *ret = true;
    return r;
}

/* ---- leases ------------------------------------------------------------- */

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

int queue_drop_leases(struct db *db, const char *node_name, int64_t *ret_n, struct err *e)
{
    int64_t n = db_run(db, SQL_QUEUE_DROP_LEASES, VALS(V_TEXT(node_name)), e);
    if (n < 0)
        return (int)n;
    *ret_n = n;
    return 0;
}
