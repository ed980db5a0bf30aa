/* run_rows - see run_rows.h: the rows of runs, and their events.
 *
 * May include: base core store/db.h. */
#include <string.h>
#include "store/db.h"
#include "store/run_list.h"
#include "store/run_rows.h"

/* RUN_FIXED and RUN_MUTABLE of sql.def, then those that only event_append, queue_claim and retention write. The node
 * comes last, as state and phase. */
static const struct field fields[] = {
    FIELD(F_ID, run_row, id),
    FIELD(F_TEXT, run_row, tenant_id),
    FIELD(F_ID, run_row, project_id),
    FIELD(F_ID, run_row, undoes),
    FIELD(F_TEXT, run_row, kind),
    FIELD(F_TEXT, run_row, actor),
    FIELD(F_TEXT, run_row, surface),
    FIELD(F_TEXT, run_row, trace_id),
    FIELD(F_INT, run_row, created_us),
    FIELD(F_BOOL, run_row, seed_copy),
    FIELD(F_TEXT, run_row, on_lost),
    FIELD(F_TEXT, run_row, intent),
    FIELD(F_TEXT, run_row, review),
    FIELD(F_TEXT, run_row, on_failure),
    FIELD(F_TEXT, run_row, on_deny),
    FIELD(F_BOOL, run_row, network),
    FIELD(F_TEXT, run_row, limits),
    FIELD(F_TEXT, run_row, env_names),
    FIELD_BLOB(run_row, env_sealed, env_sealed_len),
    FIELD(F_TEXT, run_row, plan),
    FIELD(F_TEXT, run_row, plan_hash),
    FIELD(F_INT, run_row, policy_version),
    FIELD(F_TEXT, run_row, outcome),
    FIELD(F_TEXT, run_row, reason_code),
    FIELD(F_TEXT, run_row, reason_text),
    FIELD(F_TEXT, run_row, changes),
    FIELD(F_TEXT, run_row, apply),
    FIELD(F_INT, run_row, started_us),
    FIELD(F_INT, run_row, finished_us),
    FIELD(F_INT, run_row, cancel_us),
    FIELD(F_INT, run_row, expires_us),
    FIELD(F_INT, run_row, updated_us),
    FIELD(F_TEXT, run_row, node_name),
    FIELD(F_INT, run_row, next_step),
    FIELD(F_INT, run_row, priority),
    FIELD(F_INT, run_row, event_seq),
    FIELD(F_U64, run_row, lease_token),
    FIELD(F_BOOL, run_row, kept),
    FIELD(F_INT, run_row, logs_removed_us),
    FIELD(F_INT, run_row, removed_us),
};
enum {
    NFIELDS = ARRAY_LEN(fields),
    NFIXED = 11,
    NINSERT = NFIELDS - 5, /* without event_seq, lease_token and the three of retention */
    NMUTABLE = NINSERT - NFIXED,
};

void run_row_fini(struct run_row *row)
{
    row_fini(fields, NFIELDS, row);
}

/* ---- one run ---- */

static int check_node(const struct run_row *row, struct err *e)
{
    if (row->node >= 0 && row->node < RN_N)
        return 0;
    return err_set(e, ERR_INTERNAL, "run %s has no state", row->id.s);
}

int run_insert(struct db *db, const struct run_row *row, struct err *e)
{
    struct db_val v[NINSERT + 2];
    int r = check_node(row, e);
    if (r < 0)
        return r;
    row_vals(fields, NINSERT, row, v);
    v[NINSERT] = V_TEXT(run_sm_state(row->node));
    v[NINSERT + 1] = V_TEXT(run_sm_phase(row->node));
    return db_exec(db, SQL_RUN_INSERT, v, ARRAY_LEN(v), e);
}

int run_save(struct db *db, const struct run_row *row, struct err *e)
{
    struct db_val v[NMUTABLE + 4];
    int r = check_node(row, e);
    if (r < 0)
        return r;
    row_vals(fields + NFIXED, NMUTABLE, row, v);
    v[NMUTABLE] = V_TEXT(run_sm_state(row->node));
    v[NMUTABLE + 1] = V_TEXT(run_sm_phase(row->node));
    v[NMUTABLE + 2] = V_ID(&row->id);
    v[NMUTABLE + 3] = V_TEXT(row->tenant_id);
    int64_t n = db_run(db, SQL_RUN_SAVE, v, ARRAY_LEN(v), e);
    if (n < 0)
        return (int)n;
    return n ? 0 : db_missing(e, "run", row->id.s);
}

static int read_run(struct query *q, struct run_row *ret, struct err *e)
{
    struct run_row row = {0};
    int r = row_read(q, 0, fields, NFIELDS, &row, e);
    if (r < 0)
        return r;
    const char *state = query_text(q, NFIELDS), *phase = query_text(q, NFIELDS + 1);
    row.node = run_sm_parse(state ? state : "", phase);
    if (row.node == RN_NONE) {
        r = err_set(e, ERR_CORRUPT, "run %s is in a state this build does not know", row.id.s);
        run_row_fini(&row);
        return r;
    }
    *ret = row;
    return 0;
}

static int get(struct db *db, enum sql_id sql, const char *tenant, const struct id *id, struct run_row *ret,
               struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, sql, VALS(V_ID(id), V_TEXT(tenant)), &q, e);
    if (r < 0)
        return r;
    return r ? read_run(&q, ret, e) : db_missing(e, "run", id->s);
}

int run_get(struct db *db, const char *tenant, const struct id *id, struct run_row *ret, struct err *e)
{
    return get(db, SQL_RUN_GET, tenant, id, ret, e);
}

int run_lock(struct db *db, const char *tenant, const struct id *id, struct run_row *ret, struct err *e)
{
    return get(db, SQL_RUN_LOCK, tenant, id, ret, e);
}

/* ---- lists ---- */

int run_list_sql(struct db *db, enum sql_id sql, const struct db_val *vals, size_t n, run_each each, void *arg,
                 struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, sql, vals, n, &q, e);
    while (r == 0) {
        r = query_step(&q, e);
        if (r <= 0)
            return r;
        AUTO(run_row_fini) struct run_row row = {0};
        r = read_run(&q, &row, e);
        if (r == 0)
            r = each(arg, &row, e);
    }
    return r;
}

/* Newest first: the first page starts above every id. */
static struct db_val below(const struct id *after)
{
    return id_none(after) ? V_TEXT("~") : V_ID(after);
}

int run_list(struct db *db, const struct run_filter *f, run_each each, void *arg, struct err *e)
{
    if (!f->tenant)
        return err_set(e, ERR_INTERNAL, "a list of runs needs a tenant");
    struct db_val tenant = V_TEXT(f->tenant), after = below(&f->after), limit = db_limit(f->limit);
    if (f->project && f->state)
        return run_list_sql(db, SQL_RUN_LIST_PROJECT_STATE,
                            VALS(tenant, after, V_ID(f->project), V_TEXT(f->state), limit), each, arg, e);
    if (f->project)
        return run_list_sql(db, SQL_RUN_LIST_PROJECT, VALS(tenant, after, V_ID(f->project), limit), each, arg, e);
    if (f->state)
        return run_list_sql(db, SQL_RUN_LIST_STATE, VALS(tenant, after, V_TEXT(f->state), limit), each, arg, e);
    return run_list_sql(db, SQL_RUN_LIST, VALS(tenant, after, limit), each, arg, e);
}

int run_list_expired(struct db *db, int64_t now_us, int limit, run_each each, void *arg, struct err *e)
{
    return run_list_sql(db, SQL_RUN_LIST_EXPIRED, VALS(V_INT(now_us), db_limit(limit)), each, arg, e);
}

int run_list_open(struct db *db, const char *node_name, run_each each, void *arg, struct err *e)
{
    if (node_name)
        return run_list_sql(db, SQL_RUN_LIST_OPEN_NODE, VALS(V_TEXT(node_name)), each, arg, e);
    return run_list_sql(db, SQL_RUN_LIST_OPEN, NO_VALS, each, arg, e);
}

int run_list_open_project(struct db *db, const struct id *project, run_each each, void *arg, struct err *e)
{
    return run_list_sql(db, SQL_RUN_LIST_OPEN_PROJECT, VALS(V_ID(project)), each, arg, e);
}

int run_list_undoing(struct db *db, const struct run_row *row, run_each each, void *arg, struct err *e)
{
    return run_list_sql(db, SQL_RUN_LIST_UNDOING, VALS(V_TEXT(row->tenant_id), V_ID(&row->id)), each, arg, e);
}

int run_open_full(struct db *db, int64_t max, bool *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_RUN_OPEN_FULL, VALS(V_INT(max > 0 ? max - 1 : 0)), &q, e);
    if (r < 0)
        return r;
    *ret = r;
    return 0;
}

int run_counts(struct db *db, int64_t counts[RN_N], struct err *e)
{
    int64_t found[RN_N] = {0};
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, SQL_RUN_COUNTS, NO_VALS, &q, e);
    if (r < 0)
        return r;
    while ((r = query_step(&q, e)) > 0) {
        const char *state = query_text(&q, 0);
        enum run_node node = run_sm_parse(state ? state : "", query_text(&q, 1));
        if (node != RN_NONE)
            found[node] = query_int(&q, 2);
    }
    if (r == 0)
        memcpy(counts, found, sizeof found);
    return r;
}

/* ---- events ---- */

/* The counter of the stream is a column of its run: taking the next number locks the row until the commit, and a
 * rolled back number is taken again, so there is never a gap (architecture.md, rule 3). */
int event_append(struct db *db, const struct id *run, const struct id *step, const char *type, int64_t time_us,
                 const char *data, int64_t *ret_seq, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_RUN_NEXT_EVENT, VALS(V_ID(run)), &q, e);
    if (r <= 0)
        return r < 0 ? r : db_missing(e, "run", run->s);
    int64_t seq = query_int(&q, 0);
    r = db_exec(db, SQL_EVENT_INSERT,
                VALS(V_TEXT(query_text(&q, 1)), V_ID(run), V_INT(seq), V_ID(step), V_TEXT(type), V_INT(time_us),
                     V_TEXT(data ? data : "{}")),
                e);
    if (r < 0)
        return r;
    db_touch(db, run);
    if (ret_seq)
        *ret_seq = seq;
    return 0;
}

static void read_event(struct query *q, struct event_row *ret)
{
    *ret = (struct event_row){.seq = query_int(q, 1), .time_us = query_int(q, 4)};
    query_id(q, 0, &ret->run_id);
    query_id(q, 2, &ret->step_id);
    ret->type = query_text(q, 3);
    ret->data = query_text(q, 5);
}

int event_list(struct db *db, const struct id *run, int64_t after_seq, int limit, event_each each, void *arg,
               struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, SQL_EVENT_LIST, VALS(V_ID(run), V_INT(after_seq), db_limit(limit)), &q, e);
    while (r == 0) {
        struct event_row row;
        r = query_step(&q, e);
        if (r <= 0)
            return r;
        read_event(&q, &row);
        r = each(arg, &row, e);
    }
    return r;
}
