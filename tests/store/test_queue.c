/* The queue: order, leases, attempts, tokens, fencing, limits, pauses. Random operations: test_queue_model.c. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "base/str.h"
#include "fixture.h"
#include "store/queue_rows.h"

#define NODE "node-a"

static struct id put(struct db *db, struct fixture *f, int n, int64_t priority, int64_t available, int64_t now)
{
    struct run_row row = a_run(f, n);
    row.priority = priority;
    OK(run_insert(db, &row, &e));
    OK(queue_put(db, &row.id, "plan", available, now, &e));
    return row.id;
}

static struct queue_row claim_by(struct db *db, const struct queue_rules *ru, int64_t now)
{
    struct queue_row q = {0};
    OK(queue_claim(db, ru, "w1", now, 100, &q, &e));
    return q;
}

static struct queue_row claim(struct db *db, const char *node, int64_t now)
{
    return claim_by(db, &(struct queue_rules){.node_name = node}, now);
}

static void nothing_by(struct db *db, const struct queue_rules *ru, int64_t now)
{
    struct queue_row q = {.priority = 42};
    NO(ERR_EMPTY, queue_claim(db, ru, "w1", now, 100, &q, &e));
    assert_int_equal(q.priority, 42); /* untouched */
}

static void nothing(struct db *db, const char *node, int64_t now)
{
    nothing_by(db, &(struct queue_rules){.node_name = node}, now);
}

static struct queue_row get(struct db *db, const struct id *run)
{
    struct queue_row q = {0};
    OK(queue_get(db, run, &q, &e));
    return q;
}

/* ---- order -------------------------------------------------------------- */

static int order(struct db *db, void *arg, struct err *err)
{
    nothing(db, NODE, 1);
    struct id late = put(db, arg, 1, 0, 0, 30), early = put(db, arg, 2, 0, 0, 20), urgent = put(db, arg, 3, 5, 0, 90);
    struct id delayed = put(db, arg, 4, 9, 150, 10);
    struct queue_row q = claim(db, NODE, 100);
    assert_string_equal(q.run_id.s, urgent.s); /* priority first */
    assert_string_equal(claim(db, NODE, 100).run_id.s, early.s);
    assert_string_equal(claim(db, NODE, 100).run_id.s, late.s);
    nothing(db, NODE, 149);
    assert_string_equal(claim(db, NODE, 150).run_id.s, delayed.s); /* its time has come */
    nothing(db, NODE, 199);
    assert_string_equal(claim(db, NODE, 200).run_id.s, late.s); /* lost all at once: then by id */
    assert_string_equal(q.tenant_id, T1);
    assert_string_equal(q.phase, "plan");
    assert_string_equal(q.node_name, NODE);
    assert_string_equal(q.worker, "w1");
    assert_string_equal(q.project_id.s, ((struct fixture *)arg)->project.s);
    assert_int_equal(q.priority, 5);
    assert_int_equal(q.attempts, 0);
    assert_int_equal(q.lease_ends_us, 200);
    assert_int_equal(q.enqueued_us, 90);
    assert_int_equal(q.held_us, 100);
    assert_int_equal(q.lease_token, 1);
    return 0;
}

static void test_order(void **state)
{
    write_ok(*state, order, *state);
}

/* What was put off by a clock that was an hour ahead does not wait for an hour. */
static int set_back(struct db *db, void *arg, struct err *err)
{
    const struct queue_rules ru = {.node_name = NODE, .put_off_max_us = 60 * SEC_US};
    const int64_t hour = 3600 * SEC_US, now = 2 * hour;
    struct id ahead = put(db, arg, 1, 0, now + hour, now + hour - SEC_US);
    (void)put(db, arg, 2, 0, now + 60 * SEC_US, now);
    assert_string_equal(claim_by(db, &ru, now).run_id.s, ahead.s);
    nothing_by(db, &ru, now);
    return 0;
}

static void test_set_back(void **state)
{
    write_ok(*state, set_back, *state);
}

/* A point of priority is worth a minute of waiting, and no more. */
static int ageing(struct db *db, void *arg, struct err *err)
{
    const int64_t minute = 60 * SEC_US, t0 = 1000 * minute;
    struct id low = put(db, arg, 1, -50, 0, t0);
    struct id soon = put(db, arg, 2, 100, 0, t0 + 149 * minute), late = put(db, arg, 3, 100, 0, t0 + 151 * minute);
    assert_string_equal(claim(db, NODE, t0 + 200 * minute).run_id.s, soon.s);
    assert_string_equal(claim(db, NODE, t0 + 200 * minute).run_id.s, low.s);
    assert_string_equal(claim(db, NODE, t0 + 200 * minute).run_id.s, late.s);
    return 0;
}

static void test_ageing(void **state)
{
    write_ok(*state, ageing, *state);
}

static int priorities(struct db *db, void *arg, struct err *err)
{
    struct id a = put(db, arg, 1, 0, 0, 10), b = put(db, arg, 2, 0, 0, 20), nobody = nth(ID_RUN, 99);
    OK(queue_set_priority(db, &b, 1, &e));
    NO(ERR_NOT_FOUND, queue_set_priority(db, &nobody, 1, &e));
    assert_int_equal(get(db, &b).priority, 1);
    assert_string_equal(claim(db, NODE, 30).run_id.s, b.s);
    OK(queue_set_priority(db, &b, -1, &e)); /* a held one keeps its lease, and goes back behind */
    assert_int_equal(get(db, &b).lease_token, 1);
    OK(queue_back(db, &b, "execute", 0, false, NULL, NULL, &e));
    assert_string_equal(claim(db, NODE, 30).run_id.s, a.s);
    assert_string_equal(claim(db, NODE, 30).run_id.s, b.s);
    return 0;
}

static void test_priorities(void **state)
{
    write_ok(*state, priorities, *state);
}

/* ---- leases ------------------------------------------------------------- */

static void check_run(struct db *db, const struct id *run, uint64_t token, const char *node)
{
    AUTO(run_row_fini) struct run_row row = {0};
    OK(run_get(db, T1, run, &row, &e));
    assert_int_equal(row.lease_token, token);
    assert_string_equal(row.node_name ? row.node_name : "", node);
}

static int leases(struct db *db, void *arg, struct err *err)
{
    struct id run = put(db, arg, 1, 0, 0, 1);
    check_run(db, &run, 0, "");
    struct queue_row a = claim(db, NODE, 100);
    check_run(db, &run, 1, NODE);
    OK(queue_fence(db, &run, a.lease_token, &e));
    OK(queue_extend(db, &run, a.lease_token, 300, &e));
    nothing(db, NODE, 299);
    nothing(db, "node-b", 400); /* its layers are on node-a */
    struct queue_row b = claim(db, NODE, 300);
    assert_int_equal(b.attempts, 1); /* a lost lease */
    assert_true(b.lease_token > a.lease_token);
    check_run(db, &run, b.lease_token, NODE);
    NO(ERR_LEASE, queue_fence(db, &run, a.lease_token, &e));
    NO(ERR_LEASE, queue_extend(db, &run, a.lease_token, 900, &e));
    OK(queue_extend(db, &run, b.lease_token, 900, &e));

    /* queued anew: nobody holds it; the token still grows */
    OK(queue_put(db, &run, "execute", 0, 950, &e));
    NO(ERR_LEASE, queue_fence(db, &run, b.lease_token, &e));
    NO(ERR_LEASE, queue_extend(db, &run, b.lease_token, 999, &e));
    NO(ERR_LEASE, queue_fence(db, &run, 0, &e)); /* no token is no lease */
    NO(ERR_LEASE, queue_extend(db, &run, 0, 999, &e));
    struct queue_row got = get(db, &run);
    assert_int_equal(got.attempts, 0);
    assert_int_equal(got.lease_token, 0);
    assert_string_equal(got.phase, "execute");
    assert_string_equal(got.worker, "");
    assert_string_equal(got.node_name, NODE); /* bound to the node of its run */
    nothing(db, "node-b", 960);
    struct queue_row c = claim(db, NODE, 960);
    assert_true(c.lease_token > b.lease_token);
    OK(queue_delete(db, &run, &e));
    NO(ERR_LEASE, queue_fence(db, &run, c.lease_token, &e));
    NO(ERR_NOT_FOUND, queue_get(db, &run, &got, &e));
    OK(queue_delete(db, &run, &e)); /* not there: nothing to do */
    return 0;
}

static void test_leases(void **state)
{
    write_ok(*state, leases, *state);
}

static int drop(struct db *db, void *arg, struct err *err)
{
    struct id a = put(db, arg, 1, 3, 0, 1), b = put(db, arg, 2, 2, 0, 1), idle = put(db, arg, 3, 1, 0, 1);
    uint64_t token = claim(db, NODE, 10).lease_token;
    claim(db, "node-b", 10);
    int64_t n = -1;
    OK(queue_drop_leases(db, NODE, &n, &e));
    assert_int_equal(n, 1);
    OK(queue_drop_leases(db, NODE, &n, &e));
    assert_int_equal(n, 0);
    struct queue_row again = claim(db, NODE, 11);
    assert_string_equal(again.run_id.s, a.s);
    assert_int_equal(again.attempts, 1);
    assert_true(again.lease_token > token);
    assert_string_equal(claim(db, NODE, 12).run_id.s, idle.s);
    assert_int_equal(get(db, &b).lease_ends_us, 110); /* the other node's lives */
    return 0;
}

static void test_drop_leases(void **state)
{
    write_ok(*state, drop, *state);
}

/* A failure of the server's own: counted, put off, told; its age stays, so it is not sent to the end. */
static int back(struct db *db, void *arg, struct err *err)
{
    struct id run = put(db, arg, 1, 0, 0, 10), other = put(db, arg, 2, 0, 0, 20);
    uint64_t token = claim(db, NODE, 100).lease_token;
    OK(queue_back(db, &run, "execute", 150, true, "io_error", "the disk is on fire", &e));
    NO(ERR_LEASE, queue_fence(db, &run, token, &e));
    struct queue_row q = get(db, &run);
    assert_int_equal(q.failures, 1);
    assert_int_equal(q.attempts, 1);
    assert_int_equal(q.available_us, 150);
    assert_int_equal(q.enqueued_us, 10);
    assert_string_equal(q.phase, "execute");
    assert_string_equal(q.why_code, "io_error");
    assert_string_equal(q.why_text, "the disk is on fire");
    OK(queue_back(db, &run, "execute", 160, false, NULL, NULL, &e));
    assert_int_equal(get(db, &run).failures, 1);
    OK(queue_back(db, &run, "execute", 150, true, "io_error", "again", &e));
    assert_string_equal(claim(db, NODE, 149).run_id.s, other.s);
    nothing(db, NODE, 149);
    q = claim(db, NODE, 150);
    assert_string_equal(q.run_id.s, run.s);
    assert_int_equal(q.failures, 2);
    OK(queue_put(db, &run, "apply", 0, 200, &e)); /* the next phase begins anew */
    assert_int_equal(get(db, &run).failures, 0);
    assert_string_equal(get(db, &run).why_code, "");
    NO(ERR_NOT_FOUND, queue_back(db, &(struct id){"run_x"}, "plan", 0, false, NULL, NULL, &e));
    return 0;
}

static void test_back(void **state)
{
    write_ok(*state, back, *state);
}

/* ---- limits and pauses -------------------------------------------------- */

static struct id put_run(struct db *db, struct fixture *f, int n, const char *phase)
{
    struct id run = put(db, f, n, 0, 0, n);
    OK(queue_put(db, &run, phase, 0, n, &e));
    return run;
}

static int limits(struct db *db, void *arg, struct err *err)
{
    struct fixture *f = arg;
    struct queue_rules one = {.node_name = NODE, .project_max = 1}, two = {.node_name = NODE, .tenant_max = 2};
    struct id a = put_run(db, f, 1, "execute"), b = put_run(db, f, 2, "execute"), c = put_run(db, f, 3, "execute");
    struct id plan = put_run(db, f, 4, "plan"), end = put_run(db, f, 5, "finish");
    int64_t n = 0;
    assert_string_equal(claim_by(db, &one, 10).run_id.s, end.s); /* what ends goes first, whatever waits */
    assert_string_equal(claim_by(db, &one, 10).run_id.s, a.s);
    assert_string_equal(claim_by(db, &one, 10).run_id.s, plan.s); /* plans are not limited */
    nothing_by(db, &one, 10);
    assert_string_equal(claim_by(db, &two, 10).run_id.s, b.s);
    nothing_by(db, &two, 10);
    OK(queue_running(db, T1, NULL, &n, &e));
    assert_int_equal(n, 2);
    OK(queue_running(db, T1, &f->project2, &n, &e));
    assert_int_equal(n, 0);
    OK(queue_held(db, NODE, &n, &e));
    assert_int_equal(n, 4);
    OK(project_set(db, T1, &f->project, "{}", 3, &e)); /* what the project says wins over the default */
    nothing_by(db, &two, 10);
    assert_string_equal(claim_by(db, &one, 10).run_id.s, c.s);
    struct id d = put_run(db, f, 6, "execute");
    nothing_by(db, &one, 10);
    for (int i = 0; i < 5; i++) /* lost ones are taken up, also over a limit … */
        assert_int_equal(claim_by(db, &one, 110).attempts, 1);
    nothing_by(db, &one, 110);
    OK(queue_delete(db, &b, &e)); /* … and hold their place until they end */
    assert_string_equal(claim_by(db, &one, 110).run_id.s, d.s);
    return 0;
}

static void test_limits(void **state)
{
    write_ok(*state, limits, *state);
}

static int pauses(struct db *db, void *arg, struct err *err)
{
    struct fixture *f = arg;
    struct queue_pause p = {.since_us = 77, .by = "me", .note = "moving house", .draining = true}, got;
    struct id held = put_run(db, f, 1, "execute");
    NO(ERR_NOT_FOUND, queue_pause_node(db, "nowhere", &p, &e));
    OK(node_seen(db, NODE, "1", 1, &e));
    claim(db, NODE, 10);
    struct id a = put_run(db, f, 2, "plan"), b = put_run(db, f, 3, "execute"), end = put_run(db, f, 4, "finish");
    OK(queue_pause_node(db, NODE, &p, &e));
    OK(node_seen(db, NODE, "2", 2, &e)); /* a restart changes nothing */
    OK(queue_node_pause(db, NODE, &got, &e));
    assert_int_equal(got.since_us, 77);
    assert_true(got.draining);
    assert_string_equal(got.by, "me");
    assert_string_equal(got.note, "moving house");
    assert_string_equal(claim(db, NODE, 20).run_id.s, end.s);
    nothing(db, NODE, 20);
    assert_string_equal(claim(db, NODE, 110).run_id.s, held.s); /* it was under way */
    OK(queue_pause_node(db, NODE, &(struct queue_pause){0}, &e));
    OK(queue_pause_project(db, &f->project, &(struct queue_pause){.since_us = 5}, &e));
    nothing(db, NODE, 111);
    OK(queue_pause_project(db, &f->project, &(struct queue_pause){0}, &e));
    assert_string_equal(claim(db, NODE, 111).run_id.s, a.s);
    assert_string_equal(claim(db, NODE, 111).run_id.s, b.s);
    NO(ERR_NOT_FOUND, queue_pause_project(db, &(struct id){"prj_x"}, &p, &e));
    OK(queue_node_pause(db, "nowhere", &got, &e));
    assert_int_equal(got.since_us, 0);
    return 0;
}

static void test_pauses(void **state)
{
    write_ok(*state, pauses, *state);
}

/* From phase to phase under one lease: only where a claim would have taken this run. */
static int go_on(struct db *db, void *arg, struct err *err)
{
    struct fixture *f = arg;
    struct queue_rules ru = {.node_name = NODE, .project_max = 1};
    struct id a = put(db, f, 1, 0, 0, 1);
    uint64_t token = claim(db, NODE, 10).lease_token;
    bool kept = false;
    OK(queue_put(db, &a, "execute", 0, 11, &e));
    OK(queue_go_on(db, &ru, &a, "w1", token, 11, 100, &kept, &e));
    assert_true(kept);
    OK(queue_fence(db, &a, token, &e));
    struct id b = put(db, f, 2, 0, 0, 2), c = put(db, f, 3, 9, 0, 3);
    OK(queue_put(db, &b, "execute", 0, 12, &e));
    OK(queue_go_on(db, &ru, &b, "w2", 1, 12, 100, &kept, &e)); /* the project is full */
    assert_false(kept);
    OK(queue_put(db, &c, "execute", 0, 12, &e));
    OK(queue_go_on(db, &(struct queue_rules){.node_name = NODE}, &b, "w2", 1, 12, 100, &kept, &e));
    assert_false(kept); /* another one is more important */
    OK(queue_delete(db, &c, &e));
    OK(node_seen(db, NODE, "1", 1, &e));
    OK(queue_pause_node(db, NODE, &(struct queue_pause){.since_us = 5}, &e));
    OK(queue_go_on(db, &(struct queue_rules){.node_name = NODE}, &b, "w2", 1, 12, 100, &kept, &e));
    assert_false(kept);
    OK(queue_put(db, &a, "apply", 0, 13, &e));
    OK(queue_go_on(db, &ru, &a, "w1", token, 13, 100, &kept, &e));
    assert_true(kept); /* what has done its steps is applied */
    return 0;
}

static void test_go_on(void **state)
{
    write_ok(*state, go_on, *state);
}

/* Somebody worked on the database by hand: lanes that lie are mended by the claim that meets them, those that lack at
 * start. */
static int mended(struct db *db, void *arg, struct err *err)
{
    struct fixture *f = arg;
    struct id a = put(db, f, 1, 0, 0, 1), b = put(db, f, 2, 0, 0, 2), c = put(db, f, 3, 0, 0, 3);
    OK(db_script(db,
                 "DELETE FROM run_queue WHERE enqueued_us = 1; UPDATE run_queue SET phase = 'finish', lane = 0 WHERE"
                 " enqueued_us = 2",
                 &e));
    assert_string_equal(claim(db, NODE, 10).run_id.s, c.s); /* the lane said a */
    OK(queue_mend_lanes(db, &e));
    assert_string_equal(claim(db, NODE, 10).run_id.s, b.s);
    nothing(db, NODE, 10);
    NO(ERR_LEASE, queue_fence(db, &a, 1, &e));
    return 0;
}

static void test_mended(void **state)
{
    write_ok(*state, mended, *state);
}

/* No claim looks at rows it cannot take: each of its statements goes by an index, and sorts nothing of the queue. */
static void test_claims_go_by_indexes(void **state)
{
    static const enum sql_id ids[] = {SQL_QUEUE_LOST,     SQL_QUEUE_DUE,   SQL_QUEUE_NEXT,  SQL_QUEUE_NEXT_RUN,
                                      SQL_QUEUE_LANE_SET, SQL_QUEUE_CLAIM, SQL_QUEUE_PLACE, SQL_QUEUE_FULL};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        char *plan = query_plan(*state, sql_text(ids[i], SQL_SQLITE));
        /* but leased rows: there are as many as workers, and their indexes hold nothing else */
        if (strstr(plan, "SCAN run_queue\n") || strstr(plan, "SCAN q\n") || strstr(plan, "SCAN t\n") ||
            strstr(plan, "SCAN l\n") || strstr(plan, "FOR ORDER BY"))
            fail_msg("%s:\n%s", sql_name(ids[i]), plan);
        free(plan);
    }
}

/* ---- views -------------------------------------------------------------- */

struct seen {
    struct id v[16];
    int n, stop;
};

static int see(void *arg, const struct queue_row *row, struct err *e)
{
    struct seen *s = arg;
    s->v[s->n++] = row->run_id;
    return s->stop == s->n;
}

static int see_project(void *arg, const struct queue_project *p, struct err *e)
{
    struct queue_project *all = arg;
    assert_string_equal(p->name, "hello");
    *all = *p;
    return 0;
}

static int views(struct db *db, void *arg, struct err *err)
{
    struct fixture *f = arg;
    struct queue_depth d[QUEUE_PHASES];
    struct queue_project p = {0};
    struct seen s = {0};
    bool full = true;
    OK(queue_depth(db, NULL, 100, d, &e));
    for (int i = 0; i < QUEUE_PHASES; i++)
        assert_int_equal(d[i].ready + d[i].leased + d[i].delayed + d[i].oldest_us, 0);
    OK(queue_full(db, T1, 1, &full, &e));
    assert_false(full);
    struct id a = put(db, f, 1, 0, 0, 30), b = put(db, f, 2, 0, 0, 40), c = put(db, f, 3, 0, 5000, 10);
    struct id held = put(db, f, 4, 9, 0, 20);
    claim(db, NODE, 100);
    OK(queue_depth(db, NULL, 100, d, &e));
    assert_int_equal(d[0].ready, 2);
    assert_int_equal(d[0].leased, 1);
    assert_int_equal(d[0].delayed, 1);
    assert_int_equal(d[0].oldest_us, 30);
    assert_int_equal(d[1].ready, 0);
    OK(queue_depth(db, T2, 100, d, &e));
    assert_int_equal(d[0].ready, 0);
    OK(queue_list_held(db, NULL, see, &s, &e));
    assert_int_equal(s.n, 1);
    assert_string_equal(s.v[0].s, held.s);
    s.n = 0;
    OK(queue_list(db, T1, NULL, 0, see, &s, &e));
    assert_int_equal(s.n, 3);
    assert_true(id_eq(&s.v[0], &c) && id_eq(&s.v[1], &a) && id_eq(&s.v[2], &b));
    s.n = 0;
    OK(queue_list(db, T1, &(struct queue_place){30, a}, 1, see, &s, &e));
    assert_int_equal(s.n, 1);
    assert_string_equal(s.v[0].s, b.s);
    OK(queue_list(db, T2, NULL, 0, see, &s, &e));
    OK(queue_list_held(db, T2, see, &s, &e));
    assert_int_equal(s.n, 1);
    s = (struct seen){.stop = 2};
    assert_int_equal(queue_list(db, T1, NULL, 0, see, &s, NULL), 1);
    assert_int_equal(s.n, 2);
    for (int max = 3; max <= 4; max++) {
        OK(queue_full(db, T1, max, &full, &e));
        assert_int_equal(full, max == 3); /* the held one does not wait */
    }
    OK(queue_projects(db, T1, see_project, &p, &e));
    assert_int_equal(p.waiting, 3);
    assert_int_equal(p.running, 0);
    OK(queue_projects(db, T2, see_project, &p, &e));
    assert_string_equal(p.id.s, f->project.s); /* nothing of the other tenant's */
    return 0;
}

static void test_views(void **state)
{
    write_ok(*state, views, *state);
}

static int bad(struct db *db, void *arg, struct err *err)
{
    struct id nobody = nth(ID_RUN, 99), run = put(db, arg, 1, 0, 0, 1);
    struct queue_rules ru = {.node_name = NODE};
    struct queue_row q;
    char name[200];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    NO(ERR_NOT_FOUND, queue_put(db, &nobody, "plan", 0, 1, &e));
    NO(ERR_INTERNAL, queue_put(db, &run, "dance", 0, 1, &e));
    NO(ERR_INVALID, queue_claim(db, &ru, name, 10, 10, &q, &e));
    ru.node_name = name;
    NO(ERR_INVALID, queue_claim(db, &ru, "w", 10, 10, &q, &e));
    ru.node_name = "";
    NO(ERR_INVALID, queue_claim(db, &ru, "w", 10, 10, &q, &e));
    struct run_row row = a_run(arg, 2);
    row.priority = 101;
    NO(ERR_INTERNAL, run_insert(db, &row, &e));
    return 0;
}

static void test_bad(void **state)
{
    write_ok(*state, bad, *state);
}

/* ---- many claimers ------------------------------------------------------ */

enum { RUNS = 300, CLAIMERS = 8, PROJECT_MAX = 3, TENANT_MAX = 4 };

struct crowd {
    struct fixture *f;
    struct id project; /* a second one of T1 */
    atomic_int running[2], tenant, most[2], most_tenant, done, stale;
};

static int fill_crowd(struct db *db, void *arg, struct err *err)
{
    struct crowd *c = arg;
    struct project_row p = {
        .tenant_id = (char *)T1, .name = (char *)"second", .root_path = (char *)"/src/2", .settings = (char *)"{}"};
    p.id = c->project = nth(ID_PROJECT, 3);
    OK(project_insert(db, &p, &e));
    for (int i = 1; i <= RUNS; i++) {
        struct run_row row = a_run(c->f, i);
        row.project_id = i % 2 ? c->f->project : c->project;
        row.priority = i % 5;
        OK(run_insert(db, &row, &e));
        OK(queue_put(db, &row.id, "execute", 0, i, &e));
    }
    return 0;
}

struct turn {
    struct crowd *c;
    struct queue_row row;
    int64_t now;
};

static int claim_one(struct db *db, void *arg, struct err *e)
{
    struct turn *t = arg;
    struct queue_rules ru = {.node_name = NODE, .project_max = PROJECT_MAX, .tenant_max = TENANT_MAX};
    return queue_claim(db, &ru, "w", t->now, SEC_US, &t->row, e);
}

static int end_one(struct db *db, void *arg, struct err *e)
{
    struct turn *t = arg;
    int r = queue_fence(db, &t->row.run_id, t->row.lease_token, e);
    return r < 0 ? r : queue_delete(db, &t->row.run_id, e);
}

static void most(atomic_int *max, int n)
{
    int was = atomic_load(max);
    while (n > was && !atomic_compare_exchange_weak(max, &was, n))
        ;
}

static void *claimer(void *arg)
{
    struct crowd *c = arg;
    struct turn t = {.c = c, .now = 1000};
    struct err e = ERR_INIT;
    while (atomic_load(&c->done) < RUNS) {
        if (store_write(c->f->store, claim_one, &t, &e) != 0)
            continue; /* full, or nothing left */
        int p = id_eq(&t.row.project_id, &c->project);
        most(&c->most[p], atomic_fetch_add(&c->running[p], 1) + 1);
        most(&c->most_tenant, atomic_fetch_add(&c->tenant, 1) + 1);
        struct turn old = t;
        old.row.lease_token--; /* whoever held it before */
        atomic_fetch_add(&c->stale, store_write(c->f->store, end_one, &old, &e) == -ERR_LEASE);
        atomic_fetch_sub(&c->running[p], 1);
        atomic_fetch_sub(&c->tenant, 1);
        if (store_write(c->f->store, end_one, &t, &e) == 0)
            atomic_fetch_add(&c->done, 1);
    }
    return NULL;
}

static void test_many_claimers(void **state)
{
    struct crowd c = {.f = *state};
    pthread_t th[CLAIMERS];
    write_ok(c.f, fill_crowd, &c);
    for (int i = 0; i < CLAIMERS; i++)
        assert_int_equal(pthread_create(&th[i], NULL, claimer, &c), 0);
    for (int i = 0; i < CLAIMERS; i++)
        pthread_join(th[i], NULL);
    assert_int_equal(c.done, RUNS); /* each once: a second claim of one would have ended more, or lost its lease */
    assert_int_equal(c.stale, RUNS);
    assert_int_equal(count_of(c.f, "run_queue"), 0);
    assert_int_equal(count_of(c.f, "queue_lanes"), 0);
    assert_in_range(c.most[0], 1, PROJECT_MAX);
    assert_in_range(c.most[1], 1, PROJECT_MAX);
    assert_in_range(c.most_tenant, 2, TENANT_MAX);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_up, fixture_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_order),         T(test_set_back),
        T(test_ageing),        T(test_priorities),
        T(test_leases),        T(test_drop_leases),
        T(test_back),          T(test_limits),
        T(test_pauses),        T(test_go_on),
        T(test_views),         T(test_bad),
        T(test_mended),        T(test_claims_go_by_indexes),
        T(test_many_claimers),
    };
    return cmocka_run_group_tests_name("store/queue", tests, NULL, NULL);
}
