/* step_rows - see run_rows.h: the steps of a run, and its artifacts.
 *
 * May include: base core store/db.h. */
#include "store/db.h"
#include "store/run_rows.h"

/* ---- steps ---- */

/* STEP_FIXED, STEP_MUTABLE of sql.def, then the run. */
static const struct field fields[] = {
    FIELD(F_ID, step_row, id),
    FIELD(F_INT, step_row, index),
    FIELD(F_INT, step_row, attempt),
    FIELD(F_TEXT, step_row, kind),
    FIELD(F_TEXT, step_row, title),
    FIELD(F_TEXT, step_row, command),
    FIELD(F_TEXT, step_row, argv),
    FIELD(F_TEXT, step_row, cwd),
    FIELD(F_TEXT, step_row, env_names),
    FIELD(F_TEXT, step_row, decision),
    FIELD(F_TEXT, step_row, state),
    FIELD(F_INT, step_row, exit_code),
    FIELD(F_INT, step_row, signal),
    FIELD(F_BOOL, step_row, oom_killed),
    FIELD(F_BOOL, step_row, timed_out),
    FIELD(F_BOOL, step_row, log_truncated),
    FIELD(F_TEXT, step_row, error),
    FIELD(F_INT, step_row, started_us),
    FIELD(F_INT, step_row, finished_us),
    FIELD(F_INT, step_row, cpu_us),
    FIELD(F_INT, step_row, max_rss_bytes),
    FIELD(F_INT, step_row, stdout_bytes),
    FIELD(F_INT, step_row, stderr_bytes),
    FIELD(F_TEXT, step_row, log),
    FIELD(F_TEXT, step_row, layer),
    FIELD(F_BOOL, step_row, pty),
    FIELD(F_ID, step_row, run_id),
};
enum { NFIELDS = ARRAY_LEN(fields), NFIXED = 4, NMUTABLE = NFIELDS - NFIXED - 1 };

void step_row_fini(struct step_row *row)
{
    row_fini(fields, NFIELDS, row);
}

/* The tenant is the run's. */
int step_insert(struct db *db, const struct step_row *row, struct err *e)
{
    struct db_val v[NFIELDS];
    row_vals(fields, NFIELDS, row, v);
    int64_t n = db_run(db, SQL_STEP_INSERT, v, NFIELDS, e);
    if (n < 0)
        return (int)n;
    return n ? 0 : db_missing(e, "run", row->run_id.s);
}

int step_save(struct db *db, const struct step_row *row, struct err *e)
{
    struct db_val v[NMUTABLE + 2];
    row_vals(fields + NFIXED, NMUTABLE, row, v);
    v[NMUTABLE] = V_ID(&row->id);
    v[NMUTABLE + 1] = V_ID(&row->run_id);
    int64_t n = db_run(db, SQL_STEP_SAVE, v, ARRAY_LEN(v), e);
    if (n < 0)
        return (int)n;
    return n ? 0 : db_missing(e, "step", row->id.s);
}

int step_get(struct db *db, const char *tenant, const struct id *id, struct step_row *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    struct step_row row = {0};
    int r = db_one(db, SQL_STEP_GET, VALS(V_ID(id), V_TEXT(tenant)), &q, e);
    if (r <= 0)
        return r < 0 ? r : db_missing(e, "step", id->s);
    r = row_read(&q, 0, fields, NFIELDS, &row, e);
    if (r == 0)
        *ret = row;
    return r;
}

int step_list(struct db *db, const struct id *run, step_each each, void *arg, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, SQL_STEP_LIST, VALS(V_ID(run)), &q, e);
    while (r == 0) {
        r = query_step(&q, e);
        if (r <= 0)
            return r;
        AUTO(step_row_fini) struct step_row row = {0};
        r = row_read(&q, 0, fields, NFIELDS, &row, e);
        if (r == 0)
            r = each(arg, &row, e);
    }
    return r;
}

int step_delete_pending(struct db *db, const struct id *run, struct err *e)
{
    return db_exec(db, SQL_STEP_DELETE_PENDING, VALS(V_ID(run)), e);
}

/* ---- artifacts ---- */

static const struct field artifact_fields[] = {
    FIELD(F_ID, artifact_row, id),          FIELD(F_TEXT, artifact_row, tenant_id),
    FIELD(F_ID, artifact_row, run_id),      FIELD(F_ID, artifact_row, step_id),
    FIELD(F_TEXT, artifact_row, name),      FIELD(F_TEXT, artifact_row, media_type),
    FIELD(F_TEXT, artifact_row, sha256),    FIELD(F_INT, artifact_row, size_bytes),
    FIELD(F_INT, artifact_row, created_us), FIELD(F_INT, artifact_row, removed_us),
};
enum { NARTIFACT = ARRAY_LEN(artifact_fields), NARTIFACT_INSERT = NARTIFACT - 1 /* without removed_us */ };

void artifact_row_fini(struct artifact_row *row)
{
    row_fini(artifact_fields, NARTIFACT, row);
}

int artifact_insert(struct db *db, const struct artifact_row *row, struct err *e)
{
    struct db_val v[NARTIFACT_INSERT];
    row_vals(artifact_fields, NARTIFACT_INSERT, row, v);
    return db_exec(db, SQL_ARTIFACT_INSERT, v, NARTIFACT_INSERT, e);
}

int artifact_get(struct db *db, const char *tenant, const struct id *id, struct artifact_row *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    struct artifact_row row = {0};
    int r = db_one(db, SQL_ARTIFACT_GET, VALS(V_ID(id), V_TEXT(tenant)), &q, e);
    if (r <= 0)
        return r < 0 ? r : db_missing(e, "artifact", id->s);
    r = row_read(&q, 0, artifact_fields, NARTIFACT, &row, e);
    if (r == 0)
        *ret = row;
    return r;
}

int artifact_list(struct db *db, const struct id *run, artifact_each each, void *arg, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, SQL_ARTIFACT_LIST, VALS(V_ID(run)), &q, e);
    while (r == 0) {
        r = query_step(&q, e);
        if (r <= 0)
            return r;
        AUTO(artifact_row_fini) struct artifact_row row = {0};
        r = row_read(&q, 0, artifact_fields, NARTIFACT, &row, e);
        if (r == 0)
            r = each(arg, &row, e);
    }
    return r;
}
