/* base_rows - see base_rows.h: tenants, tokens, projects, policies, idempotency keys, nodes. Audit records:
 * audit_rows.c.
 *
 * May include: base core store/db.h. */
#include "base/str.h"
#include "store/base_rows.h"
#include "store/db.h"

/* ---- tenants and nodes ---- */

int tenant_ensure(struct db *db, const char *tenant, int64_t now_us, struct err *e)
{
    return db_exec(db, SQL_TENANT_ENSURE, VALS(V_TEXT(tenant), V_INT(now_us)), e);
}

int node_seen(struct db *db, const char *name, const char *version, int64_t now_us, struct err *e)
{
    return db_exec(db, SQL_NODE_SEEN, VALS(V_TEXT(name), V_TEXT(version), V_INT(now_us)), e);
}

/* ---- tokens ---- */

static const struct field token_fields[] = {
    FIELD(F_ID, token_row, id),          FIELD(F_TEXT, token_row, tenant_id), FIELD(F_TEXT, token_row, name),
    FIELD(F_TEXT, token_row, scopes),    FIELD(F_TEXT, token_row, hash),      FIELD(F_INT, token_row, created_us),
    FIELD(F_INT, token_row, expires_us), FIELD(F_INT, token_row, revoked_us), FIELD(F_INT, token_row, used_us),
};
enum { NTOKEN = ARRAY_LEN(token_fields) };

void token_row_fini(struct token_row *row)
{
    row_fini(token_fields, NTOKEN, row);
}

int token_insert(struct db *db, const struct token_row *row, struct err *e)
{
    struct db_val v[NTOKEN];
    row_vals(token_fields, NTOKEN, row, v);
    int64_t n = db_run(db, SQL_TOKEN_INSERT, v, NTOKEN, e);
    if (n < 0)
        return (int)n;
    return n ? 0 : err_set(e, ERR_CONFLICT, "a token of that id or secret exists already");
}

/* `name` is what a message may say of it: never the hash. */
static int read_token(struct db *db, enum sql_id sql, const struct db_val *vals, size_t n, const char *name,
                      struct token_row *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    struct token_row row = {0};
    int r = db_one(db, sql, vals, n, &q, e);
    if (r <= 0)
        return r < 0 ? r : db_missing(e, "token", name);
    r = row_read(&q, 0, token_fields, NTOKEN, &row, e);
    if (r == 0)
        *ret = row;
    return r;
}

int token_by_hash(struct db *db, const char *hash, struct token_row *ret, struct err *e)
{
    return read_token(db, SQL_TOKEN_BY_HASH, VALS(V_TEXT(hash)), "of that secret", ret, e);
}

int token_get(struct db *db, const char *tenant, const struct id *id, struct token_row *ret, struct err *e)
{
    return read_token(db, SQL_TOKEN_GET, VALS(V_ID(id), V_TEXT(tenant)), id->s, ret, e);
}

int token_revoke(struct db *db, const char *tenant, const struct id *id, int64_t now_us, struct err *e)
{
    int64_t n = db_run(db, SQL_TOKEN_REVOKE, VALS(V_INT(now_us), V_ID(id), V_TEXT(tenant)), e);
    if (n < 0)
        return (int)n;
    return n ? 0 : db_missing(e, "token", id->s);
}

int token_used(struct db *db, const struct id *id, int64_t now_us, struct err *e)
{
    int64_t n = db_run(db, SQL_TOKEN_USED, VALS(V_INT(now_us), V_ID(id)), e);
    if (n < 0)
        return (int)n;
    return n ? 0 : db_missing(e, "token", id->s);
}

/* ---- logins ---- */

static int ran(int64_t n)
{
    return n < 0 ? (int)n : 0;
}

int login_insert(struct db *db, const struct id *id, const struct id *token, int64_t now_us, int64_t expires_us,
                 struct err *e)
{
    return ran(db_run(db, SQL_LOGIN_INSERT, VALS(V_ID(id), V_ID(token), V_INT(now_us), V_INT(expires_us)), e));
}

int login_token(struct db *db, const struct id *id, int64_t now_us, struct token_row *ret, struct err *e)
{
    return read_token(db, SQL_LOGIN_TOKEN, VALS(V_ID(id), V_INT(now_us)), NULL, ret, e);
}

int login_delete(struct db *db, const struct id *id, struct err *e)
{
    return ran(db_run(db, SQL_LOGIN_DELETE, VALS(V_ID(id)), e));
}

int login_sweep(struct db *db, const struct id *token, int keep, int64_t now_us, struct err *e)
{
    return ran(db_run(db, SQL_LOGIN_SWEEP, VALS(V_INT(now_us), V_ID(token), V_INT(keep)), e));
}

/* Ascending: the first page starts below every id. */
static struct db_val above(const struct id *after)
{
    return V_TEXT(after ? after->s : "");
}

int token_list(struct db *db, const char *tenant, const struct id *after, int limit, token_each each, void *arg,
               struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, SQL_TOKEN_LIST, VALS(V_TEXT(tenant), above(after), db_limit(limit)), &q, e);
    while (r == 0) {
        r = query_step(&q, e);
        if (r <= 0)
            return r;
        AUTO(token_row_fini) struct token_row row = {0};
        r = row_read(&q, 0, token_fields, NTOKEN, &row, e);
        if (r == 0)
            r = each(arg, &row, e);
    }
    return r;
}

/* ---- projects ---- */

static const struct field project_fields[] = {
    FIELD(F_ID, project_row, id),          FIELD(F_TEXT, project_row, tenant_id),
    FIELD(F_TEXT, project_row, name),      FIELD(F_TEXT, project_row, root_path),
    FIELD(F_TEXT, project_row, settings),  FIELD(F_INT, project_row, created_us),
    FIELD(F_INT, project_row, removed_us), FIELD(F_INT, project_row, max_running),
};
enum { NPROJECT = ARRAY_LEN(project_fields) };

void project_row_fini(struct project_row *row)
{
    row_fini(project_fields, NPROJECT, row);
}

static int read_project(struct db *db, enum sql_id sql, const char *a, const char *b, const char *name,
                        struct project_row *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    struct project_row row = {0};
    int r = db_one(db, sql, VALS(V_TEXT(a), V_TEXT(b)), &q, e);
    if (r <= 0)
        return r < 0 ? r : db_missing(e, "project", name);
    r = row_read(&q, 0, project_fields, NPROJECT, &row, e);
    if (r == 0)
        *ret = row;
    return r;
}

/* What of it is taken? */
static int project_conflict(struct db *db, const struct project_row *row, struct err *e)
{
    AUTO(project_row_fini) struct project_row by_name = {0}, by_root = {0};
    int r = project_by_name(db, row->tenant_id, row->name, &by_name, e);
    if (r == 0)
        return err_field(e, ERR_CONFLICT, "name", "there is a project named %s already (%s)", by_name.name,
                         by_name.id.s);
    if (r == -ERR_NOT_FOUND)
        r = read_project(db, SQL_PROJECT_BY_ROOT, row->tenant_id, row->root_path, "", &by_root, e);
    if (r == 0)
        return err_field(e, ERR_CONFLICT, "root_path", "%s is the project %s already (%s)", by_root.root_path,
                         by_root.name, by_root.id.s);
    return r == -ERR_NOT_FOUND ? err_set(e, ERR_CONFLICT, "project %s exists already", row->id.s) : r;
}

int project_insert(struct db *db, const struct project_row *row, struct err *e)
{
    struct db_val v[NPROJECT];
    row_vals(project_fields, NPROJECT, row, v);
    int64_t n = db_run(db, SQL_PROJECT_INSERT, v, NPROJECT, e);
    if (n < 0)
        return (int)n;
    return n ? 0 : project_conflict(db, row, e);
}

int project_get(struct db *db, const char *tenant, const struct id *id, struct project_row *ret, struct err *e)
{
    return read_project(db, SQL_PROJECT_GET, id->s, tenant, id->s, ret, e);
}

int project_by_name(struct db *db, const char *tenant, const char *name, struct project_row *ret, struct err *e)
{
    return read_project(db, SQL_PROJECT_BY_NAME, tenant, name, name, ret, e);
}

int project_set(struct db *db, const char *tenant, const struct id *id, const char *settings, int64_t max_running,
                struct err *e)
{
    int64_t n =
        db_run(db, SQL_PROJECT_SETTINGS, VALS(V_TEXT(settings), V_INT(max_running), V_ID(id), V_TEXT(tenant)), e);
    if (n < 0)
        return (int)n;
    return n ? 0 : db_missing(e, "project", id->s);
}

int project_remove(struct db *db, const char *tenant, const struct id *id, int64_t now_us, struct err *e)
{
    int64_t n = db_run(db, SQL_PROJECT_REMOVE, VALS(V_INT(now_us), V_ID(id), V_TEXT(tenant)), e);
    if (n < 0)
        return (int)n;
    return n ? 0 : db_missing(e, "project", id->s);
}

static int list_projects(struct db *db, enum sql_id sql, const struct db_val *vals, size_t n, project_each each,
                         void *arg, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, sql, vals, n, &q, e);
    while (r == 0) {
        r = query_step(&q, e);
        if (r <= 0)
            return r;
        AUTO(project_row_fini) struct project_row row = {0};
        r = row_read(&q, 0, project_fields, NPROJECT, &row, e);
        if (r == 0)
            r = each(arg, &row, e);
    }
    return r;
}

int project_list(struct db *db, const char *tenant, const struct id *after, int limit, project_each each, void *arg,
                 struct err *e)
{
    return list_projects(db, SQL_PROJECT_LIST, VALS(V_TEXT(tenant), above(after), db_limit(limit)), each, arg, e);
}

int project_list_all(struct db *db, const struct id *after, int limit, project_each each, void *arg, struct err *e)
{
    return list_projects(db, SQL_PROJECT_LIST_ALL, VALS(above(after), db_limit(limit)), each, arg, e);
}

/* ---- policies ---- */

static const struct field policy_fields[] = {
    FIELD(F_TEXT, policy_row, tenant_id), FIELD(F_INT, policy_row, version), FIELD(F_TEXT, policy_row, text),
    FIELD(F_TEXT, policy_row, sha256),    FIELD(F_TEXT, policy_row, actor),  FIELD(F_TEXT, policy_row, note),
    FIELD(F_INT, policy_row, created_us),
};
enum { NPOLICY = ARRAY_LEN(policy_fields) };

void policy_row_fini(struct policy_row *row)
{
    row_fini(policy_fields, NPOLICY, row);
}

static int last_version(struct db *db, const char *tenant, int64_t *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_POLICY_LAST, VALS(V_TEXT(tenant)), &q, e);
    if (r > 0)
        *ret = query_int(&q, 0);
    return r < 0 ? r : 0;
}

int policy_row_insert(struct db *db, const struct policy_row *row, int64_t *ret_version, struct err *e)
{
    struct db_val v[NPOLICY];
    int64_t version = 0;
    int r = db_lock_tenant(db, row->tenant_id, e);
    if (r == 0)
        r = last_version(db, row->tenant_id, &version, e);
    if (r < 0)
        return r;
    row_vals(policy_fields, NPOLICY, row, v);
    v[1] = V_INT(++version);
    r = db_exec(db, SQL_POLICY_INSERT, v, NPOLICY, e);
    if (r == 0 && ret_version)
        *ret_version = version;
    return r;
}

int policy_row_get(struct db *db, const char *tenant, int64_t version, struct policy_row *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    struct policy_row row = {0};
    int r = version ? db_one(db, SQL_POLICY_GET, VALS(V_TEXT(tenant), V_INT(version)), &q, e)
                    : db_one(db, SQL_POLICY_NEWEST, VALS(V_TEXT(tenant)), &q, e);
    if (r < 0)
        return r;
    if (r == 0)
        return version ? err_set(e, ERR_NOT_FOUND, "there is no policy version %lld", (long long)version)
                       : err_set(e, ERR_NOT_FOUND, "no policy is stored");
    r = row_read(&q, 0, policy_fields, NPOLICY, &row, e);
    if (r == 0)
        *ret = row;
    return r;
}

int policy_row_list(struct db *db, const char *tenant, int64_t before, int limit, policy_row_each each, void *arg,
                    struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, SQL_POLICY_LIST, VALS(V_TEXT(tenant), V_INT(before > 0 ? before : INT64_MAX), db_limit(limit)),
                     &q, e);
    while (r == 0) {
        r = query_step(&q, e);
        if (r <= 0)
            return r;
        AUTO(policy_row_fini) struct policy_row row = {0};
        r = row_read(&q, 0, policy_fields, NPOLICY, &row, e);
        if (r == 0)
            r = each(arg, &row, e);
    }
    return r;
}

/* ---- idempotency keys ---- */

static const struct field idem_fields[] = {
    FIELD(F_TEXT, idem_row, tenant_id), FIELD(F_TEXT, idem_row, token_id),     FIELD(F_TEXT, idem_row, route),
    FIELD(F_TEXT, idem_row, key),       FIELD(F_TEXT, idem_row, request_hash), FIELD(F_INT, idem_row, status),
    FIELD(F_TEXT, idem_row, body),      FIELD(F_TEXT, idem_row, media_type),   FIELD(F_INT, idem_row, created_us),
};
enum { NIDEM = ARRAY_LEN(idem_fields), NIDEM_KEY = 4 };

void idem_row_fini(struct idem_row *row)
{
    row_fini(idem_fields, NIDEM, row);
}

int idem_get(struct db *db, const struct idem_row *key, struct idem_row *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    struct db_val v[NIDEM_KEY];
    struct idem_row row = {0};
    row_vals(idem_fields, NIDEM_KEY, key, v);
    int r = db_one(db, SQL_IDEM_GET, v, NIDEM_KEY, &q, e);
    if (r <= 0)
        return r < 0 ? r : err_set(e, ERR_NOT_FOUND, "this Idempotency-Key was not used here");
    r = row_read(&q, 0, idem_fields, NIDEM, &row, e);
    if (r == 0)
        *ret = row;
    return r;
}

int idem_put(struct db *db, const struct idem_row *row, struct err *e)
{
    struct db_val v[NIDEM];
    row_vals(idem_fields, NIDEM, row, v);
    int64_t n = db_run(db, SQL_IDEM_PUT, v, NIDEM, e);
    if (n < 0)
        return (int)n;
    return n ? 0 : err_set(e, ERR_CONFLICT, "this Idempotency-Key is in use");
}

int idem_purge(struct db *db, int64_t before_us, int64_t *ret_n, struct err *e)
{
    int64_t n = db_run(db, SQL_IDEM_PURGE, VALS(V_INT(before_us)), e);
    if (n < 0)
        return (int)n;
    if (ret_n)
        *ret_n = n;
    return 0;
}
