/* The queue: order, leases, attempts, tokens, fencing. */
#include <stdlib.h>
#include <string.h>
#include "fixture.h"

#define NODE "node-a"

static struct id put(struct db *db, struct fixture *f, int n, int64_t priority, int64_t available, int64_t now)
{
    struct run_row row = a_run(f, n);
    OK(run_insert(db, &row, &e));
    OK(queue_put(db, &row.id, "plan", priority, available, now, &e));
    return row.id;
}

static struct queue_row claim(struct db *db, const char *node, int64_t now)
{
    struct queue_row q = {0};
    OK(queue_claim(db, node, "w1", now, 100, &q, &e));
    return q;
}

static void nothing(struct db *db, const char *node, int64_t now)
{
    struct queue_row q = {.priority = 42};
    NO(ERR_EMPTY, queue_claim(db, node, "w1", now, 100, &q, &e));
    assert_int_equal(q.priority, 42); /* untouched */
}

static int order(struct db *db, void *arg, struct err *err)
{
    nothing(db, NODE, 1);
    struct id late = put(db, arg, 1, 0, 0, 30), early = put(db, arg, 2, 0, 0, 20), urgent = put(db, arg, 3, 5, 0, 90);
    struct id delayed = put(db, arg, 4, 9, 500, 10);
    struct queue_row q = claim(db, NODE, 100);
    assert_string_equal(q.run_id.s, urgent.s); /* priority first */
    assert_string_equal(claim(db, NODE, 100).run_id.s, early.s);
    assert_string_equal(claim(db, NODE, 100).run_id.s, late.s);
    nothing(db, NODE, 100);
    assert_string_equal(claim(db, NODE, 500).run_id.s, delayed.s); /* its time has come, and so has it for the others */
    assert_string_equal(q.tenant_id, T1);
    assert_string_equal(q.phase, "plan");
    assert_string_equal(q.node_name, NODE);
    assert_string_equal(q.worker, "w1");
    assert_int_equal(q.priority, 5);
    assert_int_equal(q.attempts, 0);
    assert_int_equal(q.lease_ends_us, 200);
    assert_int_equal(q.enqueued_us, 90);
    assert_int_equal(q.lease_token, 1);
    return 0;
}

static void test_order(void **state)
{
    write_ok(*state, order, *state);
}

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
    OK(queue_put(db, &run, "execute", 1, 0, 950, &e));
    NO(ERR_LEASE, queue_fence(db, &run, b.lease_token, &e));
    NO(ERR_LEASE, queue_extend(db, &run, b.lease_token, 999, &e));
    NO(ERR_LEASE, queue_fence(db, &run, 0, &e)); /* no token is no lease */
    NO(ERR_LEASE, queue_extend(db, &run, 0, 999, &e));
    struct queue_row got = {0};
    OK(queue_get(db, &run, &got, &e));
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
    struct queue_row held = {0};
    OK(queue_get(db, &b, &held, &e));
    assert_int_equal(held.lease_ends_us, 110); /* the other node's lives */
    return 0;
}

static void test_drop_leases(void **state)
{
    write_ok(*state, drop, *state);
}

static int count_row(void *arg, const struct queue_row *row, struct err *e)
{
    int *n = arg;
    return ++*n == 100;
}

static int views(struct db *db, void *arg, struct err *err)
{
    struct queue_depth d;
    OK(queue_depth(db, 100, &d, &e));
    assert_int_equal(d.ready + d.leased + d.delayed + d.oldest_us, 0);
    put(db, arg, 1, 0, 0, 30);
    put(db, arg, 2, 0, 0, 40);
    put(db, arg, 3, 0, 5000, 10);
    put(db, arg, 4, 9, 0, 20);
    claim(db, NODE, 100);
    OK(queue_depth(db, 100, &d, &e));
    assert_int_equal(d.ready, 2);
    assert_int_equal(d.leased, 1);
    assert_int_equal(d.delayed, 1);
    assert_int_equal(d.oldest_us, 30);
    int n = 0;
    OK(queue_list(db, NULL, 0, count_row, &n, &e));
    assert_int_equal(n, 4);
    OK(queue_list(db, T1, 3, count_row, &n, &e));
    assert_int_equal(n, 7);
    OK(queue_list(db, T2, 0, count_row, &n, &e));
    assert_int_equal(n, 7);
    return 0;
}

static void test_views(void **state)
{
    write_ok(*state, views, *state);
}

static int bad(struct db *db, void *arg, struct err *err)
{
    struct id nobody = nth(ID_RUN, 99), run = put(db, arg, 1, 0, 0, 1);
    struct queue_row q;
    char name[200];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    NO(ERR_NOT_FOUND, queue_put(db, &nobody, "plan", 0, 0, 1, &e));
    NO(ERR_INTERNAL, queue_put(db, &run, "dance", 0, 0, 1, &e));
    NO(ERR_INVALID, queue_claim(db, name, "w", 10, 10, &q, &e));
    NO(ERR_INVALID, queue_claim(db, "", "w", 10, 10, &q, &e));
    NO(ERR_INVALID, queue_claim(db, NODE, name, 10, 10, &q, &e));
    return 0;
}

static void test_bad(void **state)
{
    write_ok(*state, bad, *state);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_up, fixture_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_order), T(test_leases), T(test_drop_leases), T(test_views), T(test_bad),
    };
    return cmocka_run_group_tests_name("store/queue", tests, NULL, NULL);
}
