/* keep_rows - see keep_rows.h.
 *
 * May include: base core store/db.h. */
#include "store/keep_rows.h"
#include "store/db.h"
#include "store/run_list.h"

int run_keep(struct db *db, const char *tenant, const struct id *id, bool keep, struct err *e)
{
    int64_t n = db_run(db, SQL_RUN_KEEP, VALS(V_INT(keep), V_ID(id), V_TEXT(tenant)), e);
    if (n < 0)
        return (int)n;
    return n ? 0 : db_missing(e, "run", id->s);
}

static int ids(struct db *db, enum sql_id sql, const struct db_val *vals, size_t n, run_id_each each, void *arg,
               struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, sql, vals, n, &q, e);
    while (r == 0) {
        struct id id;
        r = query_step(&q, e);
        if (r <= 0)
            return r;
        query_id(&q, 0, &id);
        r = each(arg, &id, e);
    }
    return r;
}

int run_list_unpacked(struct db *db, const char *node, int64_t until_us, int limit, run_id_each each, void *arg,
                      struct err *e)
{
    return ids(db, SQL_RUN_LIST_UNPACKED, VALS(V_INT(until_us), V_TEXT(node), db_limit(limit)), each, arg, e);
}

int run_packed(struct db *db, const struct id *id, int64_t now_us, struct err *e)
{
    return db_exec(db, SQL_RUN_PACKED, VALS(V_INT(now_us), V_ID(id)), e);
}

int run_list_removing(struct db *db, const char *node, int limit, run_id_each each, void *arg, struct err *e)
{
    return ids(db, SQL_RUN_LIST_REMOVING, VALS(V_TEXT(node), db_limit(limit)), each, arg, e);
}

int run_unlinked(struct db *db, const struct id *id, struct err *e)
{
    return db_exec(db, SQL_RUN_UNLINKED, VALS(V_ID(id)), e);
}

int run_list_old_logs(struct db *db, const char *node, const struct id *project, int64_t after_us, int64_t until_us,
                      int limit, run_each each, void *arg, struct err *e)
{
    return run_list_sql(db, SQL_RUN_LIST_OLD_LOGS,
                        VALS(V_ID(project), V_INT(after_us), V_INT(until_us), V_TEXT(node), db_limit(limit)), each, arg,
                        e);
}

int run_list_old(struct db *db, const char *node, const struct id *project, int64_t after_us, int64_t good_until_us,
                 int64_t bad_until_us, int limit, run_each each, void *arg, struct err *e)
{
    const int64_t later_us = good_until_us > bad_until_us ? good_until_us : bad_until_us;
    return run_list_sql(db, SQL_RUN_LIST_OLD,
                        VALS(V_ID(project), V_INT(after_us), V_INT(later_us), V_INT(good_until_us), V_INT(bad_until_us),
                             V_TEXT(node), db_limit(limit)),
                        each, arg, e);
}

int run_list_oldest(struct db *db, const char *node, int64_t after_us, int limit, run_each each, void *arg,
                    struct err *e)
{
    return run_list_sql(db, SQL_RUN_LIST_OLDEST, VALS(V_INT(after_us), V_TEXT(node), db_limit(limit)), each, arg, e);
}

int run_undone_by(struct db *db, const struct run_row *row, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    return db_one(db, SQL_RUN_UNDONE_BY, VALS(V_TEXT(row->tenant_id), V_ID(&row->id)), &q, e);
}

int run_remove_logs(struct db *db, const struct id *id, int64_t now_us, struct err *e)
{
    return db_exec(db, SQL_RUN_LOGS_REMOVED, VALS(V_INT(now_us), V_ID(id)), e);
}

int run_remove_all(struct db *db, const struct id *id, int64_t now_us, struct err *e)
{
    int r = db_exec(db, SQL_RUN_REMOVED, VALS(V_INT(now_us), V_ID(id)), e);
    if (r == 0)
        r = db_exec(db, SQL_ARTIFACT_REMOVE, VALS(V_INT(now_us), V_ID(id)), e);
    return r == 0 ? db_exec(db, SQL_EVENT_DELETE, VALS(V_ID(id)), e) : r;
}

int artifact_uses(struct db *db, const char *sha256, int64_t *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_ARTIFACT_USES, VALS(V_TEXT(sha256)), &q, e);
    if (r < 0)
        return r;
    *ret = r ? query_int(&q, 0) : 0;
    return 0;
}
