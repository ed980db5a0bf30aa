/* Policy replay: past commands judged again, by another policy, page by page. */
#include "tests/service/rig.h"

#include <string.h>

#include "base/str.h"
#include "os/clock.h"
#include "service/replay.h"

#define STEPS(a, b)                                                                                                    \
    "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"" a "\"},{\"argv\":[\"" b "\",\"x\"]}],\"review\":\"plan\"}"

static const char no_make[] = "version: 9\ndefault: allow\nrules:\n"
                              "  - {id: no-make, decision: deny, reason: \"Not today.\", command: {program: make}}\n";

static struct json *replay(struct rig *g, struct replay_ask ask)
{
    struct policy_problems problems = {0};
    AUTO(buf_fini) struct buf b = BUF_INIT(4 * MIB);
    struct jw w = JW_INIT(&b);
    struct json *ret = NULL;

    ask.tenant = g->c.tenant;
    if (!ask.limit)
        ask.limit = REPLAY_RUNS;
    if (!ask.since_ms)
        ask.since_ms = REPLAY_SINCE_MS;
    OK(replay_json(&g->svc, &ask, &problems, &w, &e));
    assert_int_equal(b.bad, 0);
    OK(json_parse(b.p, b.len, &ret, &e));
    return ret;
}

static int64_t count(const struct json *j, const char *key)
{
    return json_int(json_get(json_get(j, "counts"), key));
}

static struct id planned(struct rig *g, const char *body)
{
    struct id id = rig_run(g, body);

    rig_planned(g, &id);
    return id;
}

static void another_policy_answers_what_was_asked_then(void **state)
{
    struct rig *g = *state;
    struct id id = planned(g, STEPS("make test", "ls"));
    AUTO_PTR(json_free) struct json *j = replay(g, (struct replay_ask){.text = no_make});
    const struct json *run = json_at(json_get(j, "items"), 0), *step = json_at(json_get(run, "steps"), 0);

    assert_int_equal(json_len(json_get(j, "items")), 1);
    assert_string_equal(json_str(json_get(run, "run_id")), id.s);
    assert_string_equal(json_str(json_get(run, "project_name")), "hello");
    assert_int_equal(json_len(json_get(run, "steps")), 1); /* ls stays allowed */
    assert_string_equal(json_str(json_get(step, "command")), "make test");
    assert_string_equal(json_str(json_get(json_get(step, "then"), "action")), "allow");
    assert_string_equal(json_str(json_get(json_get(step, "now"), "action")), "deny");
    assert_string_equal(json_str(json_get(json_get(step, "now"), "rule")), "no-make");
    assert_int_equal(json_int(json_get(j, "policy_version")), 9);
    assert_int_equal(count(j, "runs"), 1);
    assert_int_equal(count(j, "runs_changed"), 1);
    assert_int_equal(count(j, "steps"), 2);
    assert_int_equal(count(j, "changed"), 1);
    assert_int_equal(json_int(json_get(json_get(json_get(j, "counts"), "then"), "allow")), 2);
    assert_int_equal(json_int(json_get(json_get(json_get(j, "counts"), "now"), "deny")), 1);
}

static void the_policy_in_force_changes_nothing(void **state)
{
    struct rig *g = *state;

    planned(g, STEPS("make test", "ls"));
    AUTO_PTR(json_free) struct json *j = replay(g, (struct replay_ask){0});
    AUTO_PTR(json_free) struct json *all = replay(g, (struct replay_ask){.all = true});

    assert_int_equal(count(j, "changed"), 0);
    assert_int_equal(json_len(json_get(j, "items")), 0);
    assert_int_equal(json_len(json_get(json_at(json_get(all, "items"), 0), "steps")), 2);
    assert_int_equal(json_len(json_get(json_at(json_get(json_at(json_get(all, "items"), 0), "steps"), 1), "argv")), 2);
}

static void pages_follow_each_other(void **state)
{
    struct rig *g = *state;
    struct replay_ask ask = {.text = no_make, .limit = 2};
    int64_t runs = 0, pages = 0;
    bool more = true;

    for (int i = 0; i < 5; i++)
        planned(g, STEPS("make test", "ls"));
    while (more) {
        AUTO_PTR(json_free) struct json *j = replay(g, ask);
        const char *next = json_str(json_get(j, "next"));
        assert_true(++pages <= 3);
        runs += count(j, "runs");
        assert_int_equal(json_len(json_get(j, "items")), count(j, "runs"));
        more = next != NULL;
        if (more)
            assert_true(id_parse(ID_RUN, next, &ask.after));
    }
    assert_int_equal(runs, 5);
    assert_int_equal(pages, 3);
}

static void older_runs_and_other_projects_stay_out(void **state)
{
    struct rig *g = *state;
    struct policy_problems problems = {0};
    AUTO(buf_fini) struct buf b = BUF_INIT(MIB);
    struct jw w = JW_INIT(&b);
    struct replay_ask nowhere = {.tenant = g->c.tenant, .project = "nowhere", .since_ms = REPLAY_SINCE_MS, .limit = 1};
    struct replay_ask wrong = {.tenant = g->c.tenant, .text = "version: x", .since_ms = REPLAY_SINCE_MS, .limit = 1};

    planned(g, STEPS("make test", "ls"));
    clock_sleep_us(3 * MS_US);
    AUTO_PTR(json_free) struct json *old = replay(g, (struct replay_ask){.text = no_make, .since_ms = 1});
    AUTO_PTR(json_free) struct json *own = replay(g, (struct replay_ask){.text = no_make, .project = "hello"});

    assert_int_equal(count(old, "runs"), 0);
    assert_null(json_str(json_get(old, "next")));
    assert_int_equal(count(own, "runs"), 1);
    NO(ERR_NOT_FOUND, replay_json(&g->svc, &nowhere, &problems, &w, &e));
    NO(ERR_INVALID, replay_json(&g->svc, &wrong, &problems, &w, &e));
    assert_true(problems.n > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(another_policy_answers_what_was_asked_then, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(the_policy_in_force_changes_nothing, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(pages_follow_each_other, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(older_runs_and_other_projects_stay_out, rig_up, rig_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
