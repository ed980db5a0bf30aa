/* reconcile_rows - see reconcile_rows.h.
 *
 * May include: base core store/db.h. */
#include "store/reconcile_rows.h"

#include "base/str.h"
#include "store/db.h"

/* A statement whose one column is a run. */
static int find(struct db *db, enum sql_id sql, const struct db_val *v, size_t n, find_each each, void *arg,
                struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, sql, v, n, &q, e);
    while (r == 0) {
        struct id run;
        r = query_step(&q, e);
        if (r <= 0)
            return r;
        query_id(&q, 0, &run);
        r = each(arg, &run, e);
    }
    return r;
}

int find_leased(struct db *db, const char *node, int limit, find_each each, void *arg, struct err *e)
{
    return find(db, SQL_FIND_LEASED, VALS(V_TEXT(node), V_INT(limit)), each, arg, e);
}

int find_foreign(struct db *db, const char *node, int limit, find_each each, void *arg, struct err *e)
{
    return find(db, SQL_FIND_FOREIGN, VALS(V_TEXT(node), V_INT(limit)), each, arg, e);
}

int find_lease_ended(struct db *db, int64_t now_us, int limit, find_each each, void *arg, struct err *e)
{
    return find(db, SQL_FIND_LEASE_ENDED, VALS(V_INT(now_us), V_INT(limit)), each, arg, e);
}

int find_unqueued(struct db *db, int limit, find_each each, void *arg, struct err *e)
{
    return find(db, SQL_FIND_UNQUEUED, VALS(V_INT(limit)), each, arg, e);
}

int find_queued_in_vain(struct db *db, int limit, find_each each, void *arg, struct err *e)
{
    return find(db, SQL_FIND_QUEUED_IN_VAIN, VALS(V_INT(limit)), each, arg, e);
}

int find_expired(struct db *db, int64_t now_us, int limit, find_each each, void *arg, struct err *e)
{
    return find(db, SQL_FIND_EXPIRED, VALS(V_INT(now_us), V_INT(limit)), each, arg, e);
}

int find_moot(struct db *db, int limit, find_each each, void *arg, struct err *e)
{
    return find(db, SQL_FIND_MOOT, VALS(V_INT(limit)), each, arg, e);
}

int run_stands(struct db *db, const struct id *run, struct run_stands *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_RUN_STANDS, VALS(V_ID(run)), &q, e);
    if (r <= 0)
        return r;
    *ret = (struct run_stands){.finished_us = query_int(&q, 2)};
    const char *tenant = query_text(&q, 0), *state = query_text(&q, 1);
    enum run_node node = run_sm_parse(state ? state : "", NULL);
    if (!tenant || !str_copy(ret->tenant, sizeof(ret->tenant), tenant))
        return err_set(e, ERR_CORRUPT, "the row of run %s is damaged", run->s);
    ret->final = node != RN_NONE && run_sm_final(node); /* `queued` needs a phase: it is none here */
    return 1;
}

int blob_named(struct db *db, const char *sha256, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    return db_one(db, SQL_BLOB_NAMED, VALS(V_TEXT(sha256)), &q, e);
}

int idem_old(struct db *db, int64_t before_us, int64_t *ret_n, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_IDEM_OLD, VALS(V_INT(before_us)), &q, e);
    if (r < 0)
        return r;
    *ret_n = query_int(&q, 0);
    return 0;
}
