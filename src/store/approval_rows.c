/* approval_rows - see run_rows.h: approvals.
 *
 * May include: base core store/db.h. */
#include "base/str.h"
#include "store/db.h"
#include "store/run_rows.h"

/* APPROVAL_FIXED, then APPROVAL_MUTABLE of sql.def. */
static const struct field fields[] = {
    FIELD(F_ID, approval_row, id),
    FIELD(F_TEXT, approval_row, tenant_id),
    FIELD(F_ID, approval_row, run_id),
    FIELD(F_ID, approval_row, step_id),
    FIELD(F_TEXT, approval_row, kind),
    FIELD(F_TEXT, approval_row, subject),
    FIELD(F_TEXT, approval_row, subject_hash),
    FIELD(F_TEXT, approval_row, rule),
    FIELD(F_TEXT, approval_row, reason),
    FIELD(F_TEXT, approval_row, piece),
    FIELD(F_INT, approval_row, created_us),
    FIELD(F_TEXT, approval_row, state),
    FIELD(F_TEXT, approval_row, actor),
    FIELD(F_TEXT, approval_row, surface),
    FIELD(F_TEXT, approval_row, note),
    FIELD(F_INT, approval_row, expires_us),
    FIELD(F_INT, approval_row, resolved_us),
};
enum { NFIELDS = ARRAY_LEN(fields), NFIXED = 11, NMUTABLE = NFIELDS - NFIXED };

void approval_row_fini(struct approval_row *row)
{
    row_fini(fields, NFIELDS, row);
}

int approval_insert(struct db *db, const struct approval_row *row, struct err *e)
{
    struct db_val v[NFIELDS];
    row_vals(fields, NFIELDS, row, v);
    return db_exec(db, SQL_APPROVAL_INSERT, v, NFIELDS, e);
}

int approval_get(struct db *db, const char *tenant, const struct id *id, struct approval_row *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    struct approval_row row = {0};
    int r = db_one(db, SQL_APPROVAL_GET, VALS(V_ID(id), V_TEXT(tenant)), &q, e);
    if (r <= 0)
        return r < 0 ? r : db_missing(e, "approval", id->s);
    r = row_read(&q, 0, fields, NFIELDS, &row, e);
    if (r == 0)
        *ret = row;
    return r;
}

/* Why nothing was saved: it is not there, or somebody was first. */
static int not_saved(struct db *db, const struct approval_row *row, struct err *e)
{
    AUTO(approval_row_fini) struct approval_row first = {0};
    int r = approval_get(db, row->tenant_id, &row->id, &first, e);
    if (r < 0)
        return r;
    return err_set(e, ERR_RESOLVED, "approval %s was answered already: %s", row->id.s, first.state);
}

int approval_save(struct db *db, const struct approval_row *row, struct err *e)
{
    struct db_val v[NMUTABLE + 2];
    row_vals(fields + NFIXED, NMUTABLE, row, v);
    v[NMUTABLE] = V_ID(&row->id);
    v[NMUTABLE + 1] = V_TEXT(row->tenant_id);
    int64_t n = db_run(db, SQL_APPROVAL_SAVE, v, ARRAY_LEN(v), e);
    if (n < 0)
        return (int)n;
    return n ? 0 : not_saved(db, row, e);
}

static int list(struct db *db, enum sql_id sql, const struct db_val *vals, size_t n, approval_each each, void *arg,
                struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, sql, vals, n, &q, e);
    while (r == 0) {
        r = query_step(&q, e);
        if (r <= 0)
            return r;
        AUTO(approval_row_fini) struct approval_row row = {0};
        r = row_read(&q, 0, fields, NFIELDS, &row, e);
        if (r == 0)
            r = each(arg, &row, e);
    }
    return r;
}

int approval_list(struct db *db, const struct approval_filter *f, approval_each each, void *arg, struct err *e)
{
    struct db_val tenant = V_TEXT(f->tenant), after = V_TEXT(f->after.s), state = V_TEXT(f->state);
    struct db_val limit = db_limit(f->limit);
    if (f->run)
        return list(db, SQL_APPROVAL_LIST_RUN, VALS(tenant, after, state, V_ID(f->run), limit), each, arg, e);
    if (!f->tenant)
        return err_set(e, ERR_INTERNAL, "a list of approvals needs a tenant or a run");
    if (f->state)
        return list(db, SQL_APPROVAL_LIST_STATE, VALS(tenant, after, state, limit), each, arg, e);
    return list(db, SQL_APPROVAL_LIST, VALS(tenant, after, limit), each, arg, e);
}

int approval_list_expired(struct db *db, int64_t now_us, int limit, approval_each each, void *arg, struct err *e)
{
    return list(db, SQL_APPROVAL_LIST_EXPIRED, VALS(V_INT(now_us), db_limit(limit)), each, arg, e);
}
