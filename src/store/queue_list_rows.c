/* queue_list_rows - see queue_rows.h: what is in the queue, what is paused, how full it is.
 *
 * May include: base core store/db.h. */
#include <string.h>
#include "base/str.h"
#include "store/db.h"
#include "store/queue_int.h"

const char *const queue_phases[QUEUE_PHASES] = {"plan", "execute", "apply", "finish"};

/* ---- lists -------------------------------------------------------------- */

static int list(struct query *q, queue_each each, void *arg, struct err *e)
{
    int r = 0;
    while (r == 0) {
        struct queue_row row;
        r = query_step(q, e);
        if (r <= 0)
            return r;
        r = queue_read_row(q, &row, e);
        if (r == 0)
            r = each(arg, &row, e);
    }
    return r;
}

int queue_list_held(struct db *db, const char *tenant, queue_each each, void *arg, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, SQL_QUEUE_LIST_HELD, VALS(V_TEXT(tenant)), &q, e);
    return r < 0 ? r : list(&q, each, arg, e);
}

int queue_list(struct db *db, const char *tenant, const struct queue_place *after, int limit, queue_each each,
               void *arg, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, SQL_QUEUE_LIST,
                     VALS(V_TEXT(tenant), V_INT(after ? after->rank_us : INT64_MIN),
                          V_TEXT(after ? after->run_id.s : ""), db_limit(limit)),
                     &q, e);
    return r < 0 ? r : list(&q, each, arg, e);
}

static void read_pause(struct query *q, int since, int by, struct queue_pause *ret)
{
    const char *who = query_text(q, by), *note = query_text(q, by + 1);
    *ret = (struct queue_pause){.since_us = query_int(q, since)};
    (void)!str_copy(ret->by, sizeof ret->by, who ? who : "");
    (void)!str_copy(ret->note, sizeof ret->note, note ? note : "");
}

int queue_projects(struct db *db, const char *tenant, queue_project_each each, void *arg, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, SQL_QUEUE_PROJECTS, VALS(V_TEXT(tenant)), &q, e);
    while (r == 0 && (r = query_step(&q, e)) > 0) {
        struct queue_project p = {0};
        query_id(&q, 0, &p.id);
        p.name = query_text(&q, 1);
        p.max_running = query_int(&q, 2);
        read_pause(&q, 3, 4, &p.pause);
        p.running = query_int(&q, 6);
        p.waiting = query_int(&q, 7);
        r = each(arg, &p, e);
    }
    return r;
}

int queue_depth(struct db *db, const char *tenant, int64_t now_us, struct queue_depth ret[QUEUE_PHASES], struct err *e)
{
    struct queue_depth d[QUEUE_PHASES] = {0};
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, SQL_QUEUE_DEPTH, VALS(V_INT(now_us), V_TEXT(tenant)), &q, e);
    while (r == 0 && (r = query_step(&q, e)) > 0) {
        const char *phase = query_text(&q, 0);
        for (size_t i = 0; i < QUEUE_PHASES; i++)
            if (str_eq(queue_phases[i], phase))
                d[i] = (struct queue_depth){query_int(&q, 1), query_int(&q, 2), query_int(&q, 3), query_int(&q, 4)};
        r = 0;
    }
    if (r == 0)
        memcpy(ret, d, sizeof d);
    return r;
}

/* ---- limits ------------------------------------------------------------- */

static int count(struct db *db, enum sql_id sql, const struct db_val *v, size_t n, int64_t *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, sql, v, n, &q, e);
    if (r < 0)
        return r;
    *ret = r ? query_int(&q, 0) : 0;
    return 0;
}

int queue_full(struct db *db, const char *tenant, int64_t max, bool *ret, struct err *e)
{
    int64_t one = 0;
    int r = count(db, SQL_QUEUE_FULL, VALS(V_TEXT(tenant), V_INT(max > 0 ? max - 1 : 0)), &one, e);
    if (r == 0)
        *ret = one != 0;
    return r;
}

int queue_running(struct db *db, const char *tenant, const struct id *project, int64_t *ret, struct err *e)
{
    return count(db, SQL_QUEUE_RUNNING, VALS(V_TEXT(tenant), V_ID(project)), ret, e);
}

int queue_held(struct db *db, const char *node_name, int64_t *ret, struct err *e)
{
    return count(db, SQL_QUEUE_HELD, VALS(V_TEXT(node_name)), ret, e);
}

/* ---- pauses ------------------------------------------------------------- */

static struct db_val text_or_null(const char *s)
{
    return V_TEXT(*s ? s : NULL);
}

int queue_pause_node(struct db *db, const char *node_name, const struct queue_pause *p, struct err *e)
{
    int64_t n = db_run(
        db, SQL_NODE_PAUSE,
        VALS(V_INT(p->since_us), text_or_null(p->by), text_or_null(p->note), V_INT(p->draining), V_TEXT(node_name)), e);
    if (n < 0)
        return (int)n;
    return n ? 0 : db_missing(e, "node", node_name);
}

int queue_pause_project(struct db *db, const struct id *project, const struct queue_pause *p, struct err *e)
{
    int64_t n = db_run(db, SQL_PROJECT_PAUSE,
                       VALS(V_INT(p->since_us), text_or_null(p->by), text_or_null(p->note), V_ID(project)), e);
    if (n < 0)
        return (int)n;
    return n ? 0 : db_missing(e, "project", project->s);
}

int queue_node_pause(struct db *db, const char *node_name, struct queue_pause *ret, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_NODE_PAUSED, VALS(V_TEXT(node_name)), &q, e);
    if (r < 0)
        return r;
    *ret = (struct queue_pause){0};
    if (r == 0)
        return 0;
    read_pause(&q, 0, 2, ret);
    ret->draining = query_int(&q, 1);
    return 0;
}
