/* Every cell of the run's state machine against a listing written from the drawing in the contract, not from the table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "core/run_sm.h"

/* "from[.phase] event to[.phase]": all that is allowed. What is not listed must be refused. */
static const char *const allowed[] = {
    "queued.plan claim planning",
    "queued.plan cancel queued.finish",
    "queued.execute claim running",
    "queued.execute cancel queued.finish",
    "queued.apply claim applying",
    "queued.apply cancel queued.finish",
    "queued.finish claim finishing",
    "queued.finish cancel queued.finish",

    "planning planned awaiting_review",
    "planning planned_go queued.execute",
    "planning fail finishing",
    "planning cancel planning",
    "planning lease_lost queued.plan",

    "awaiting_review replan awaiting_review",
    "awaiting_review approve queued.execute",
    "awaiting_review reject queued.finish",
    "awaiting_review cancel queued.finish",
    "awaiting_review expire queued.finish",

    "running ask awaiting_approval",
    "running done awaiting_apply",
    "running done_go queued.apply",
    "running done_empty finishing",
    "running fail finishing",
    "running cancel running",
    "running lease_lost queued.execute",

    "awaiting_approval answered queued.execute",
    "awaiting_approval cancel queued.finish",
    "awaiting_approval expire queued.execute",

    "awaiting_apply apply queued.apply",
    "awaiting_apply discard queued.finish",
    "awaiting_apply cancel queued.finish",
    "awaiting_apply expire queued.finish",

    "applying applied finishing",
    "applying conflict awaiting_apply",
    "applying fail finishing",
    "applying cancel applying",
    "applying lease_lost queued.apply",

    "finishing finished succeeded",
    "finishing cancel finishing",
    "finishing lease_lost queued.finish",
};

static void node_text(enum run_node n, char *out, size_t cap)
{
    const char *phase = run_sm_phase(n);

    snprintf(out, cap, "%s%s%s", run_sm_state(n), phase ? "." : "", phase ? phase : "");
}

static const char *expected(const char *from, const char *ev)
{
    char want[160];

    snprintf(want, sizeof want, "%s %s ", from, ev);
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        if (!strncmp(allowed[i], want, strlen(want)))
            return allowed[i] + strlen(want);
    return NULL;
}

static void every_cell(void **state)
{
    size_t seen = 0;

    for (int n = 0; n < RN_N; n++) {
        for (int ev = 0; ev < RE_N; ev++) {
            char from[64], to[64] = "";
            enum run_node next = run_sm_next((enum run_node)n, (enum run_ev)ev);

            node_text((enum run_node)n, from, sizeof from);
            const char *want = expected(from, run_sm_ev((enum run_ev)ev));
            if (next != RN_NONE)
                node_text(next, to, sizeof to);
            if (strcmp(want ? want : "", to) != 0)
                fail_msg("%s + %s: expected \"%s\", got \"%s\"", from, run_sm_ev((enum run_ev)ev), want ? want : "",
                         to);
            seen += want != NULL;
        }
    }
    assert_int_equal(seen, ARRAY_LEN(allowed));
}

/* Nodes from which a final node can be reached without the events in `without` (a bit set). */
static uint32_t reach_final(uint32_t without)
{
    uint32_t ok = 0, before = 1;

    for (int n = 0; n < RN_N; n++)
        ok |= run_sm_final((enum run_node)n) ? 1u << n : 0;
    while (ok != before) {
        before = ok;
        for (int n = 0; n < RN_N; n++) {
            for (int ev = 0; ev < RE_N; ev++) {
                enum run_node to = run_sm_next((enum run_node)n, (enum run_ev)ev);
                if (to != RN_NONE && !(without & 1u << ev) && (ok & 1u << to))
                    ok |= 1u << n;
            }
        }
    }
    return ok;
}

static void every_node_can_end(void **state)
{
    uint32_t all = (1u << RN_N) - 1;

    assert_int_equal(reach_final(0), all);
    /* Also when nobody ever answers, cancels or applies: waits expire, holders fail. */
    assert_int_equal(reach_final(1u << RE_CANCEL | 1u << RE_APPROVE | 1u << RE_REJECT | 1u << RE_ANSWERED |
                                 1u << RE_APPLY | 1u << RE_DISCARD),
                     all);
    assert_int_not_equal(reach_final(1u << RE_FINISHED), all);
}

static void no_step_runs_before_review(void **state)
{
    /* From queued.plan, running is reached only over approve or planned_go. */
    uint32_t seen = 1u << RN_QUEUED_PLAN, before = 0;

    while (seen != before) {
        before = seen;
        for (int n = 0; n < RN_N; n++)
            for (int ev = 0; ev < RE_N; ev++) {
                enum run_node to = run_sm_next((enum run_node)n, (enum run_ev)ev);
                if ((seen & 1u << n) && to != RN_NONE && ev != RE_APPROVE && ev != RE_PLANNED_GO)
                    seen |= 1u << to;
            }
    }
    assert_false(seen & 1u << RN_RUNNING);
    assert_false(seen & 1u << RN_QUEUED_EXECUTE);
    assert_false(seen & 1u << RN_APPLYING);
    assert_true(seen & 1u << RN_SUCCEEDED);
}

static void facts_of_nodes(void **state)
{
    for (int i = 0; i < RN_N; i++) {
        enum run_node n = (enum run_node)i;
        bool queued = run_sm_phase(n) != NULL;

        assert_int_equal(queued + run_sm_held(n) + run_sm_waits(n) + run_sm_final(n), 1);
        assert_int_equal(queued, !strcmp(run_sm_state(n), "queued"));
        assert_int_equal(run_sm_next(n, RE_CANCEL) != RN_NONE, !run_sm_final(n));
        assert_int_equal(run_sm_next(n, RE_CLAIM) != RN_NONE, queued);
        assert_int_equal(run_sm_next(n, RE_LEASE_LOST) != RN_NONE, run_sm_held(n));
        assert_int_equal(run_sm_next(n, RE_EXPIRE) != RN_NONE, run_sm_waits(n));
        if (run_sm_held(n)) {
            assert_int_equal(run_sm_next(n, RE_CANCEL), n);
            assert_int_equal(run_sm_next(run_sm_next(n, RE_LEASE_LOST), RE_CLAIM), n);
        }
    }
}

static void names_parse_back(void **state)
{
    for (int i = 0; i < RN_N; i++) {
        enum run_node n = (enum run_node)i;
        assert_int_equal(run_sm_parse(run_sm_state(n), run_sm_phase(n)), n);
    }
    assert_int_equal(run_sm_parse("running", "execute"), RN_RUNNING);
    assert_int_equal(run_sm_parse("queued", NULL), RN_NONE);
    assert_int_equal(run_sm_parse("queued", "later"), RN_NONE);
    assert_int_equal(run_sm_parse("Running", NULL), RN_NONE);
    assert_int_equal(run_sm_parse("", NULL), RN_NONE);
    assert_int_equal(run_sm_parse(NULL, "plan"), RN_NONE);
    for (int i = 0; i < RE_N; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(run_sm_ev((enum run_ev)i), run_sm_ev((enum run_ev)j));
}

static void out_of_range(void **state)
{
    assert_int_equal(run_sm_next(RN_NONE, RE_CLAIM), RN_NONE);
    assert_int_equal(run_sm_next(RN_N, RE_CLAIM), RN_NONE);
    assert_int_equal(run_sm_next(RN_RUNNING, RE_N), RN_NONE);
    assert_null(run_sm_state(RN_NONE));
    assert_null(run_sm_phase(RN_N));
    assert_null(run_sm_ev(RE_N));
    assert_false(run_sm_final(RN_NONE) || run_sm_held(RN_N) || run_sm_waits(RN_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell),
        cmocka_unit_test(every_node_can_end),
        cmocka_unit_test(no_step_runs_before_review),
        cmocka_unit_test(facts_of_nodes),
        cmocka_unit_test(names_parse_back),
        cmocka_unit_test(out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
