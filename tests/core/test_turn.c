/* Whose turn it is: names and range of priorities, what they are worth, back-off, why a run waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/str.h"
#include "core/turn.h"

static void test_priorities(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"low", -50}, {"normal", 0}, {"high", 50}, {"urgent", 100}};
    static const char *const bad[] = {"", "7", "Low", "high ", "urgent\n", "hig"};
    int64_t v = 42;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(turn_priority_parse(good[i].text, &v));
        assert_int_equal(v, good[i].value);
    }
    v = 42;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(turn_priority_parse(bad[i], &v));
    assert_int_equal(v, 42); /* untouched */
}

/* A point is worth a minute of waiting. */
static void test_ageing(void **state)
{
    const int64_t now = 1700000000 * SEC_US, minute = 60 * SEC_US;
    assert_true(turn_rank_us(now, 1) < turn_rank_us(now, 0));
    assert_true(turn_rank_us(now, 100) < turn_rank_us(now - 99 * minute, 0));
    assert_true(turn_rank_us(now, 100) > turn_rank_us(now - 101 * minute, 0)); /* it has waited long enough */
    assert_true(turn_rank_us(now, 100) > turn_rank_us(now - 201 * minute, -100));
}

static void test_backoff(void **state)
{
    const int64_t base = 1000, cap = 60000;
    int64_t want = base, seen_low = INT64_MAX, seen_high = 0;
    for (int64_t n = 1; n < 100; n++) {
        int64_t least = turn_backoff_us(n, base, cap, 0), most = turn_backoff_us(n, base, cap, (uint64_t)(want / 2));
        assert_int_equal(most, want);
        assert_int_equal(least, want - want / 2);
        want = want * 2 > cap ? cap : want * 2;
    }
    for (uint64_t rnd = 0; rnd < 5000; rnd += 7) {
        int64_t d = turn_backoff_us(3, base, cap, rnd * 2654435761u);
        seen_low = d < seen_low ? d : seen_low;
        seen_high = d > seen_high ? d : seen_high;
        assert_true(d >= 2000 && d <= 4000);
    }
    assert_true(seen_low < 2200 && seen_high > 3800); /* it is spread */
    assert_int_equal(turn_backoff_us(5, 0, cap, 9), 0);
    assert_int_equal(turn_backoff_us(1, 100, 50, 25), 50);
    assert_true(turn_backoff_us(INT64_MAX, 1, INT64_MAX, UINT64_MAX) > 0); /* no overflow, and it ends */
}

static void why(const struct turn_facts *f, enum turn_why want, const char *name)
{
    assert_int_equal(turn_why(f), want);
    assert_string_equal(turn_why_name(want), name);
}

static void test_why(void **state)
{
    struct turn_facts f = {.phase = "execute",
                           .held = true,
                           .lease_over = true,
                           .delayed = true,
                           .node_paused = true,
                           .node_draining = true,
                           .project_paused = true,
                           .project_running = 2,
                           .project_max = 2,
                           .tenant_running = 3,
                           .tenant_max = 3};
    why(&f, WHY_LEASE_LOST, "lease_lost");
    f.lease_over = false;
    why(&f, WHY_HELD, "held");
    f.held = false;
    why(&f, WHY_DELAYED, "delayed");
    f.delayed = false;
    why(&f, WHY_DRAINING, "draining");
    f.phase = "finish"; /* nothing holds it up */
    why(&f, WHY_WORKER, "worker");
    f.phase = "execute";
    f.node_draining = false;
    why(&f, WHY_PAUSED, "paused");
    f.node_paused = false;
    why(&f, WHY_PROJECT_PAUSED, "project_paused");
    f.project_paused = false;
    why(&f, WHY_PROJECT_LIMIT, "project_limit");
    f.project_running = 1;
    why(&f, WHY_TENANT_LIMIT, "tenant_limit");
    f.phase = "plan"; /* limits are on running ones */
    why(&f, WHY_WORKER, "worker");
    f.phase = "execute";
    f.tenant_max = 0;
    f.project_max = 0;
    f.project_running = 99;
    why(&f, WHY_WORKER, "worker");
    assert_null(turn_why_name(WHY_N));
    assert_null(turn_why_name((enum turn_why) - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_priorities),
        cmocka_unit_test(test_ageing),
        cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_why),
    };
    return cmocka_run_group_tests_name("core/turn", tests, NULL, NULL);
}
