/* A run's life as the services see it: doors, leases, approvals, answers under a key. */
#include "tests/service/rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/logfile.h"
#include "service/idem.h"
#include "service/logs.h"
#include "service/projects.h"
#include "service/stream.h"
#include "store/queue_rows.h"

#define STEPS(cmd) "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"" cmd "\"}]"

static struct step_row only_step(struct rig *g, const struct id *run, struct run_steps *steps)
{
    struct run_row row = {0};

    OK(runs_load(&g->svc, run, &row, steps, &e));
    run_row_fini(&row);
    assert_int_equal(steps->n, 1);
    return steps->v[0];
}

static void nothing_runs_before_review(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("make test") "}");
    struct run_row row = {0};
    struct lease l;

    assert_string_equal(rig_state(g, &id), "queued");
    rig_planned(g, &id);
    assert_string_equal(rig_state(g, &id), "awaiting_review");
    NO(ERR_EMPTY, runs_claim(&g->svc, "w", &l, &row, &e));
    NO(ERR_STATE, runs_apply(&g->svc, &g->c, &id, &(struct apply_ask){0}, &e));
    NO(ERR_STATE, runs_discard(&g->svc, &g->c, &id, NULL, &e));
    NO(ERR_PLAN_CHANGED, runs_approve(&g->svc, &g->c, &id, "0000", NULL, &e));
    assert_string_equal(rig_state(g, &id), "awaiting_review");
    OK(runs_approve(&g->svc, &g->c, &id, NULL, NULL, &e));
    assert_string_equal(rig_state(g, &id), "queued");
    NO(ERR_STATE, runs_approve(&g->svc, &g->c, &id, NULL, NULL, &e));
}

static void a_replaced_plan_needs_a_new_look(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("make test") "}");
    struct run_row row = {0};
    char first[65];

    rig_planned(g, &id);
    OK(runs_row(&g->svc, NULL, &id, &row, &e));
    snprintf(first, sizeof first, "%s", row.plan_hash);
    run_row_fini(&row);
    OK(runs_replan(&g->svc, &g->c, &id, rig_json(g, "{\"steps\":[{\"command\":\"make lint\"}]}"), &e));
    NO(ERR_PLAN_CHANGED, runs_approve(&g->svc, &g->c, &id, first, NULL, &e));
    NO(ERR_POLICY_DENIED,
       runs_replan(&g->svc, &g->c, &id, rig_json(g, "{\"steps\":[{\"command\":\"rm -rf /\"}]}"), &e));
    assert_int_equal(rig_count(g, "SELECT count(*) FROM audits WHERE action='policy.denied'"), 1);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_steps WHERE command='make lint'"), 1);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM approvals WHERE state='pending'"), 1);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM approvals WHERE state='void'"), 1);
    OK(runs_approve(&g->svc, &g->c, &id, NULL, NULL, &e));
}

static void a_denied_plan_ends_the_run(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("rm -rf /") "}");
    struct lease l = rig_claim(g, "plan");
    struct run_row row = {0};
    struct plan *plan = NULL;
    enum run_node node;

    OK(runs_row(&g->svc, NULL, &id, &row, &e));
    OK(runs_plan(&row, &plan, &e));
    OK(runs_planned(&g->svc, &l, plan, &node, &e));
    plan_free(plan);
    run_row_fini(&row);
    assert_int_equal(node, RN_FINISHING);
    rig_finish(g, &l);
    OK(runs_row(&g->svc, NULL, &id, &row, &e));
    assert_string_equal(run_sm_state(row.node), "failed");
    assert_string_equal(row.reason_code, "policy_denied");
    run_row_fini(&row);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM audits WHERE action='policy.denied'"), 1);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_queue"), 0);
}

static void a_step_is_asked_once_and_bound_to_its_text(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("curl example.org") ",\"review\":\"none\"}"), apr;
    struct run_steps steps = {0};
    struct approval_filter f = {.tenant = "default", .run = &id, .limit = 10};
    struct step_row s;
    struct lease l;
    enum gate gate;
    char text[40];
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
    struct jw w = JW_INIT(&b);

    rig_planned(g, &id);
    l = rig_claim(g, "execute");
    s = only_step(g, &id, &steps);
    OK(runs_gate(&g->svc, &l, &s, true, &gate, &e));
    steps.v[0] = s;
    assert_int_equal(gate, GATE_ASK);
    assert_string_equal(rig_state(g, &id), "awaiting_approval");
    NO(ERR_LEASE, runs_gate(&g->svc, &l, &s, true, &gate, &e)); /* the wait holds no lease */
    OK(runs_approvals_json(&g->svc, &f, &w, &e));
    snprintf(text, sizeof text, "%s", json_str(json_get(json_at(json_get(rig_json(g, b.p), "items"), 0), "id")));
    assert_true(id_parse(ID_APPROVAL, text, &apr));
    NO(ERR_PLAN_CHANGED, runs_answer(&g->svc, &g->c, &apr, true, "abc", NULL, &e));
    OK(runs_answer(&g->svc, &g->c, &apr, true, NULL, "fine", &e));
    NO(ERR_RESOLVED, runs_answer(&g->svc, &g->c, &apr, false, NULL, NULL, &e));
    l = rig_claim(g, "execute");
    run_steps_fini(&steps);
    s = only_step(g, &id, &steps);
    OK(runs_gate(&g->svc, &l, &s, true, &gate, &e));
    steps.v[0] = s;
    assert_int_equal(gate, GATE_GO);
    run_steps_fini(&steps);
}

static void a_new_deny_wins_over_an_old_approval(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("make test") "}");
    struct run_steps steps = {0};
    struct policy_problems problems = {0};
    const char *text = "version: 1\ndefault: allow\nrules:\n  - {id: no-make, decision: deny, reason: \"Not today.\", "
                       "command: {program: make}}\n";
    struct step_row s;
    struct lease l;
    enum gate gate;
    int code = 0;

    rig_planned(g, &id);
    OK(runs_approve(&g->svc, &g->c, &id, NULL, NULL, &e));
    OK(policies_put(&g->svc, &g->c, text, strlen(text), 0, NULL, &problems, &e));
    NO(ERR_CONFLICT, policies_put(&g->svc, &g->c, text, strlen(text), 0, NULL, &problems, &e));
    l = rig_claim(g, "execute");
    s = only_step(g, &id, &steps);
    OK(runs_gate(&g->svc, &l, &s, true, &gate, &e));
    steps.v[0] = s;
    assert_int_equal(gate, GATE_DENIED);
    assert_string_equal(s.state, "denied");
    OK(runs_denied_by(&g->svc, &s, &code, &e));
    assert_int_equal(code, ERR_POLICY_DENIED);
    run_steps_fini(&steps);
}

static void a_lost_lease_changes_nothing(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("true") ",\"review\":\"none\"}");
    struct lease old, now;
    bool cancel;

    rig_planned(g, &id);
    old = rig_claim(g, "execute");
    assert_int_equal(rig_mend(g, MEND_LEASE_DROPPED, clock_now_us()), 1);
    assert_int_equal(rig_mend(g, MEND_LEASE_DROPPED, clock_now_us()), 0);
    now = rig_claim(g, "execute"); /* the same phase again, under a greater token */
    assert_true(now.token > old.token);
    NO(ERR_LEASE, runs_extend(&g->svc, &old, &cancel, &e));
    NO(ERR_LEASE, runs_fail(&g->svc, &old, "failed", ERR_LOST, NULL, &e));
    assert_string_equal(rig_state(g, &id), "running");
    OK(runs_extend(&g->svc, &now, &cancel, &e));
    assert_false(cancel);
    OK(runs_cancel(&g->svc, &g->c, &id, &e));
    assert_string_equal(rig_state(g, &id), "running"); /* its holder ends it */
    OK(runs_extend(&g->svc, &now, &cancel, &e));
    assert_true(cancel);
    OK(runs_fail(&g->svc, &now, "canceled", ERR_CANCELED, NULL, &e));
    rig_finish(g, &now);
    assert_string_equal(rig_state(g, &id), "canceled");
    NO(ERR_STATE, runs_cancel(&g->svc, &g->c, &id, &e));
}

struct move {
    struct lease *lease;
    int64_t end_us;
};

static int move_tx(struct db *db, void *arg, struct err *e)
{
    struct move *m = arg;

    return queue_extend(db, &m->lease->run_id, m->lease->token, m->end_us, e);
}

/* The machine slept for an hour, or its clock was set: what ends by the wall clock now was extended a moment ago. */
static void a_clock_that_jumps_ends_no_lease(void **state)
{
    const int64_t hour = 3600 * SEC_US, now = clock_now_us();
    struct rig *g = *state;
    struct run_row none = {0};
    struct id id = rig_run(g, STEPS("true") ",\"review\":\"none\"}"), found;
    struct lease l = rig_claim(g, "plan"), other;
    struct move m = {&l, now - hour + g->svc.set.lease_ms * MS_US};
    bool cancel = false;
    size_t n = 0;

    g->svc.clock_base_us = now - clock_mono_us() - hour;
    OK(store_write(g->svc.store, move_tx, &m, &e));
    NO(ERR_EMPTY, runs_claim(&g->svc, "other", &other, &none, &e));
    OK(runs_find(&g->svc, MEND_LEASE_EXPIRED, clock_now_us(), &found, 1, &n, &e));
    assert_int_equal(n, 0);
    OK(runs_extend(&g->svc, &l, &cancel, &e));
    NO(ERR_EMPTY, runs_claim(&g->svc, "other", &other, &none, &e));
    OK(runs_find(&g->svc, MEND_LEASE_EXPIRED, clock_now_us() + hour, &found, 1, &n, &e)); /* silent for so long */
    assert_int_equal(n, 1);
    assert_true(id_eq(&found, &id));
}

static void canceled_by_then(struct rig *g, const struct id *id, const struct lease *l)
{
    struct run_row row = {0};

    assert_string_equal(rig_state(g, id), "finishing");
    rig_finish(g, l);
    OK(runs_row(&g->svc, NULL, id, &row, &e));
    assert_string_equal(run_sm_state(row.node), "canceled");
    assert_string_equal(row.reason_code, "canceled_by_user");
    run_row_fini(&row);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM approvals"), 0);
}

static struct run_row row_of(struct rig *g, const struct id *id)
{
    struct run_row row = {0};

    OK(runs_row(&g->svc, NULL, id, &row, &e));
    return row;
}

/* No door before the next phase: it stays in the same hands, under the same lease, and is never seen queued. With a
 * door, or after a cancel, it does not. */
static void a_run_goes_on_where_no_door_stands(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("true") ",\"review\":\"none\"}");
    struct lease l = rig_claim(g, "plan");
    struct run_row row = row_of(g, &id), none = {0};
    struct plan *plan = NULL;
    enum run_node node;
    bool cancel;

    l.goes_on = "w";
    OK(runs_plan(&row, &plan, &e));
    OK(runs_planned(&g->svc, &l, plan, &node, &e));
    assert_int_equal(node, RN_RUNNING);
    NO(ERR_EMPTY, runs_claim(&g->svc, "other", &(struct lease){0}, &none, &e));
    OK(runs_extend(&g->svc, &l, &cancel, &e));
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_queue WHERE phase='execute' AND worker='w' AND attempts=0"),
                     1);
    OK(runs_done(&g->svc, &l, "{\"digest\":\"d\"}", 3, "d", &node, &e));
    assert_int_equal(node, RN_APPLYING);
    OK(runs_later(&g->svc, &l, 0, NULL, &e)); /* put back means for anybody */
    run_row_fini(&row);
    l = rig_claim(g, "apply");
    l.goes_on = "w";
    OK(runs_fail(&g->svc, &l, "failed", ERR_INTERNAL, NULL, &e));
    rig_finish(g, &l);
    assert_string_equal(rig_state(g, &id), "failed");

    id = rig_run(g, STEPS("true") "}"); /* review: both */
    l = rig_claim(g, "plan");
    l.goes_on = "w";
    OK(runs_planned(&g->svc, &l, plan, &node, &e));
    assert_int_equal(node, RN_AWAITING_REVIEW);
    plan_free(plan);
}

/* A cancel that was accepted opens no door behind it, however late its holder looks. */
static void a_cancel_is_not_forgotten_by_the_planner(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("make test") "}");
    struct lease l = rig_claim(g, "plan");
    struct run_row row = {0};
    struct plan *plan = NULL;
    enum run_node node;

    OK(runs_cancel(&g->svc, &g->c, &id, &e));
    OK(runs_row(&g->svc, NULL, &id, &row, &e));
    OK(runs_plan(&row, &plan, &e));
    OK(runs_planned(&g->svc, &l, plan, &node, &e));
    plan_free(plan);
    run_row_fini(&row);
    assert_int_equal(node, RN_FINISHING);
    canceled_by_then(g, &id, &l);
}

static void a_cancel_is_not_forgotten_between_steps_and_doors(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("curl example.org") ",\"review\":\"none\"}");
    struct run_steps steps = {0};
    struct step_row s;
    struct lease l;
    enum gate gate;
    enum run_node node;

    rig_planned(g, &id);
    l = rig_claim(g, "execute");
    s = only_step(g, &id, &steps);
    OK(runs_gate(&g->svc, &l, &s, false, &gate, &e));
    steps.v[0] = s;
    assert_int_equal(gate, GATE_WOULD_ASK); /* nothing is asked while the holder has a sandbox to close */
    assert_string_equal(rig_state(g, &id), "running");
    OK(runs_cancel(&g->svc, &g->c, &id, &e));
    OK(runs_gate(&g->svc, &l, &s, true, &gate, &e));
    steps.v[0] = s;
    assert_int_equal(gate, GATE_CANCELED);
    run_steps_fini(&steps);
    OK(runs_done(&g->svc, &l, "{\"digest\":\"d\"}", 3, "d", &node, &e)); /* review: none, yet nothing is applied */
    assert_int_equal(node, RN_FINISHING);
    canceled_by_then(g, &id, &l);
}

static void a_cancel_is_not_forgotten_at_a_conflict(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("true") ",\"review\":\"none\"}");
    struct lease l;
    enum run_node node;

    rig_planned(g, &id);
    l = rig_claim(g, "execute");
    OK(runs_done(&g->svc, &l, "{\"digest\":\"d\"}", 3, "d", &node, &e));
    l = rig_claim(g, "apply");
    OK(runs_cancel(&g->svc, &g->c, &id, &e));
    OK(runs_conflict(&g->svc, &l, "{}", "moved", &node, &e));
    assert_int_equal(node, RN_FINISHING);
    canceled_by_then(g, &id, &l);
}

static void a_run_that_breaks_off_leaves_no_step_running(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("make test") ",\"review\":\"none\"}");
    struct run_steps steps = {0};
    struct step_row s;
    struct lease l;
    enum gate gate;

    rig_planned(g, &id);
    l = rig_claim(g, "execute");
    s = only_step(g, &id, &steps);
    OK(runs_gate(&g->svc, &l, &s, true, &gate, &e));
    steps.v[0] = s;
    assert_int_equal(gate, GATE_GO);
    run_steps_fini(&steps);
    OK(runs_fail(&g->svc, &l, "failed", ERR_IO, NULL, &e));
    rig_finish(g, &l);
    s = only_step(g, &id, &steps);
    assert_string_equal(s.state, "lost");
    assert_true(s.finished_us > 0);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_events WHERE type='step.finished'"), 1);
    run_steps_fini(&steps);
}

/* The last attempt of the only step; *ret_n: how many there are. */
static struct step_row *last_attempt(struct rig *g, const struct id *run, struct run_steps *steps)
{
    struct run_row row = {0};

    run_steps_fini(steps);
    OK(runs_load(&g->svc, run, &row, steps, &e));
    run_row_fini(&row);
    assert_true(steps->n > 0);
    for (size_t i = 0; i < steps->n; i++)
        assert_int_equal(steps->v[i].attempt, i + 1);
    return &steps->v[steps->n - 1];
}

/* The gate lets the last attempt go, and its shim is killed. */
static struct step_row *lose(struct rig *g, const struct lease *l, struct run_steps *steps)
{
    struct step_row *s = last_attempt(g, &l->run_id, steps);
    enum gate gate;

    OK(runs_gate(&g->svc, l, s, false, &gate, &e));
    assert_int_equal(gate, GATE_GO);
    free(s->state);
    s->state = strdup("lost");
    assert_non_null(s->state);
    return s;
}

static bool may_retry(struct rig *g, const struct step_row *s)
{
    struct run_row row = row_of(g, &s->run_id);
    bool may = runs_may_retry(&row, s);

    run_row_fini(&row);
    return may;
}

static void is_a_new_attempt(const struct run_steps *steps)
{
    const struct step_row *next = &steps->v[steps->n - 1], *lost = next - 1;

    assert_string_equal(next->state, "pending");
    assert_string_equal(next->command, "make test");
    assert_null(next->layer);
    assert_null(next->log);
    assert_int_equal(next->exit_code, -1);
    assert_false(id_eq(&next->id, &lost->id));
    assert_string_equal(lost->state, "lost");
    assert_null(lost->layer); /* nothing is built upon it */
    assert_non_null(lost->log);
}

static void a_lost_step_is_run_again_by_its_rule(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("make test") ",\"review\":\"none\",\"on_lost\":\"retry\"}");
    struct run_steps steps = {0};
    struct step_row *s;
    struct lease l;
    bool again = false;

    rig_planned(g, &id);
    l = rig_claim(g, "execute");
    for (size_t i = 1; i < RUN_STEP_ATTEMPTS; i++) {
        s = lose(g, &l, &steps);
        assert_true(may_retry(g, s));
        OK(runs_step_again(&g->svc, &l, s, &again, &e));
        assert_true(again);
        last_attempt(g, &id, &steps);
        assert_int_equal(steps.n, i + 1);
        is_a_new_attempt(&steps);
    }
    s = lose(g, &l, &steps);
    assert_string_equal(s->layer, "0.3");
    assert_string_equal(s->log, "0.3.log");
    assert_false(may_retry(g, s));
    OK(runs_step_done(&g->svc, &l, s, &(struct run_end){"failed", ERR_LOST, NULL}, &e));
    OK(runs_fail(&g->svc, &l, "failed", ERR_LOST, NULL, &e));
    rig_finish(g, &l);
    run_steps_fini(&steps);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_events WHERE type='step.started'"), 3);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_events WHERE type='step.finished'"), 3);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM audits WHERE action='step.retried'"), 2);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_events WHERE type='run.completed' AND data LIKE "
                                  "'%\"counts\":{\"steps\":1,\"succeeded\":0,\"failed\":1,%'"),
                     1);
}

static void a_lost_step_of_a_canceled_run_is_not_run_again(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("make test") ",\"review\":\"none\",\"on_lost\":\"retry\"}");
    struct run_steps steps = {0};
    struct step_row *s;
    struct lease l;
    bool again = true;

    rig_planned(g, &id);
    l = rig_claim(g, "execute");
    s = lose(g, &l, &steps);
    OK(runs_cancel(&g->svc, &g->c, &id, &e));
    OK(runs_step_again(&g->svc, &l, s, &again, &e));
    assert_false(again);
    s = last_attempt(g, &id, &steps);
    assert_int_equal(steps.n, 1);
    assert_string_equal(s->state, "lost");
    run_steps_fini(&steps);
    OK(runs_fail(&g->svc, &l, "failed", ERR_LOST, NULL, &e)); /* too late: it is decided */
    canceled_by_then(g, &id, &l);
}

static void what_may_not_happen_twice_is_not_run_again(void **state)
{
    struct rig *g = *state;
    struct run_row row = {.on_lost = (char[]){"retry"}};
    struct step_row s = {.state = (char[]){"lost"}, .attempt = 1};
    struct id id;

    assert_true(runs_may_retry(&row, &s));
    s.pty = true; /* who typed is not asked to type again */
    assert_false(runs_may_retry(&row, &s));
    s.pty = false;
    row.network = true;
    assert_false(runs_may_retry(&row, &s));
    row.network = false;
    row.seed_copy = true;
    assert_false(runs_may_retry(&row, &s));
    row.seed_copy = false;
    s.state = (char[]){"failed"};
    assert_false(runs_may_retry(&row, &s));
    s.state = (char[]){"lost"};
    row.on_lost = (char[]){"fail"};
    assert_false(runs_may_retry(&row, &s));
    NO(ERR_INVALID, runs_create(&g->svc, &g->c, rig_json(g, STEPS("true") ",\"on_lost\":\"again\"}"), &id, &e));
    rig_sql(g, "UPDATE projects SET settings = '{\"seed\":\"copy\"}'");
    NO(ERR_INVALID, runs_create(&g->svc, &g->c, rig_json(g, STEPS("true") ",\"on_lost\":\"retry\"}"), &id, &e));
    id = rig_run(g, STEPS("true") "}");
    row = row_of(g, &id);
    assert_string_equal(row.on_lost, "fail");
    run_row_fini(&row);
}

/* Asked about the first attempt, answered once. */
static void an_answer_holds_for_the_next_attempt(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("curl x") ",\"review\":\"none\",\"on_lost\":\"retry\"}"), apr;
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
    struct jw w = JW_INIT(&b);
    struct approval_filter f = {.tenant = "default", .run = &id, .limit = 10};
    struct run_steps steps = {0};
    struct step_row *s;
    struct lease l;
    enum gate gate;
    bool again;

    rig_planned(g, &id);
    l = rig_claim(g, "execute");
    OK(runs_gate(&g->svc, &l, last_attempt(g, &id, &steps), true, &gate, &e));
    assert_int_equal(gate, GATE_ASK);
    OK(runs_approvals_json(&g->svc, &f, &w, &e));
    assert_true(id_parse(ID_APPROVAL, json_str(json_get(json_at(json_get(rig_json(g, b.p), "items"), 0), "id")), &apr));
    OK(runs_answer(&g->svc, &g->c, &apr, true, NULL, NULL, &e));
    l = rig_claim(g, "execute");
    OK(runs_step_again(&g->svc, &l, lose(g, &l, &steps), &again, &e));
    assert_true(again);
    s = lose(g, &l, &steps); /* goes through the gate */
    assert_int_equal(s->attempt, 2);
    assert_non_null(strstr(s->decision, apr.s));
    assert_int_equal(rig_count(g, "SELECT count(*) FROM approvals"), 1);
    run_steps_fini(&steps);
}

static void a_repeated_key_acts_once(void **state)
{
    struct rig *g = *state;
    bool done = false;
    struct id id;
    char first[64];

    g->c.idem_route = "/api/v1/runs";
    g->c.idem_key = "k1";
    snprintf(g->c.idem_hash, sizeof g->c.idem_hash, "%064d", 7);
    OK(idem_replay(&g->svc, &g->c, &done, &e));
    assert_false(done);
    id = rig_run(g, STEPS("true") "}");
    snprintf(first, sizeof first, "\"id\":\"%s\"", id.s);
    buf_reset(&g->c.reply);
    OK(idem_replay(&g->svc, &g->c, &done, &e));
    assert_true(done);
    assert_int_equal(g->c.status, 202);
    assert_non_null(strstr(g->c.reply.p, first));
    snprintf(g->c.idem_hash, sizeof g->c.idem_hash, "%064d", 8);
    NO(ERR_KEY_MISMATCH, idem_replay(&g->svc, &g->c, &done, &e));
    g->c.idem_key = NULL;
    assert_int_equal(rig_count(g, "SELECT count(*) FROM runs"), 1);
}

static void waits_expire(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("make test") "}");
    struct run_row row = {0};
    struct lease l;

    rig_planned(g, &id);
    assert_int_equal(rig_mend(g, MEND_WAIT_EXPIRED, clock_now_us()), 0);
    assert_int_equal(rig_mend(g, MEND_WAIT_EXPIRED, clock_now_us() + 61 * SEC_US), 1);
    l = rig_claim(g, "finish");
    rig_finish(g, &l);
    OK(runs_row(&g->svc, NULL, &id, &row, &e));
    assert_string_equal(run_sm_state(row.node), "expired");
    assert_string_equal(row.reason_code, "expired");
    run_row_fini(&row);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM approvals WHERE state='expired'"), 1);
}

/* A step that is asked about; what becomes of the question, and why its step is denied. */
static int denied_after(struct rig *g, bool answered)
{
    struct id id = rig_run(g, STEPS("curl x") ",\"review\":\"none\"}"), apr;
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
    struct jw w = JW_INIT(&b);
    struct approval_filter f = {.tenant = "default", .run = &id, .limit = 10};
    struct run_steps steps = {0};
    struct lease l;
    enum gate gate;
    int code = 0;

    rig_planned(g, &id);
    l = rig_claim(g, "execute");
    OK(runs_gate(&g->svc, &l, last_attempt(g, &id, &steps), true, &gate, &e));
    assert_int_equal(gate, GATE_ASK);
    if (answered) {
        OK(runs_approvals_json(&g->svc, &f, &w, &e));
        assert_true(
            id_parse(ID_APPROVAL, json_str(json_get(json_at(json_get(rig_json(g, b.p), "items"), 0), "id")), &apr));
        OK(runs_answer(&g->svc, &g->c, &apr, false, NULL, NULL, &e));
    } else {
        assert_int_equal(rig_mend(g, MEND_WAIT_EXPIRED, clock_now_us() + 61 * SEC_US), 1);
    }
    l = rig_claim(g, "execute");
    OK(runs_gate(&g->svc, &l, last_attempt(g, &id, &steps), true, &gate, &e));
    assert_int_equal(gate, GATE_DENIED);
    OK(runs_denied_by(&g->svc, last_attempt(g, &id, &steps), &code, &e));
    run_steps_fini(&steps);
    OK(runs_fail(&g->svc, &l, "failed", code, NULL, &e));
    rig_finish(g, &l);
    return code;
}

static void a_denied_step_says_who_denied_it(void **state)
{
    struct rig *g = *state;

    assert_int_equal(denied_after(g, true), ERR_APPROVAL_DENIED);
    assert_int_equal(denied_after(g, false), ERR_EXPIRED);
}

/* Its server died, it was queued again, and before a worker took it up it was canceled: its sandbox is ended then. */
static void a_running_step_of_a_queued_run_is_canceled_not_lost(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("make test") ",\"review\":\"none\"}");
    struct run_steps steps = {0};
    struct lease l;
    enum gate gate;

    rig_planned(g, &id);
    l = rig_claim(g, "execute");
    OK(runs_gate(&g->svc, &l, last_attempt(g, &id, &steps), true, &gate, &e));
    OK(runs_later(&g->svc, &l, 0, NULL, &e));
    OK(runs_cancel(&g->svc, &g->c, &id, &e));
    l = rig_claim(g, "finish");
    rig_finish(g, &l);
    assert_string_equal(rig_state(g, &id), "canceled");
    assert_string_equal(last_attempt(g, &id, &steps)->state, "canceled");
    run_steps_fini(&steps);
}

static void env_is_sealed_and_wiped(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("true") ",\"review\":\"none\",\"env\":{\"API_TOKEN\":\"hunter2-hunter2\"}}");
    struct run_row row = {0};
    struct lease l;
    char **env;

    assert_int_equal(rig_count(g, "SELECT instr(CAST(env_sealed AS TEXT), 'hunter2') FROM runs"), 0);
    OK(runs_row(&g->svc, NULL, &id, &row, &e));
    OK(runs_env(&g->svc, &row, &env, &e));
    assert_string_equal(env[0], "API_TOKEN=hunter2-hunter2");
    assert_null(env[1]);
    runs_env_free(env);
    run_row_fini(&row);
    OK(runs_cancel(&g->svc, &g->c, &id, &e));
    l = rig_claim(g, "finish");
    rig_finish(g, &l);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM runs WHERE env_sealed IS NOT NULL"), 0);
    NO(ERR_INVALID,
       runs_create(&g->svc, &g->c, rig_json(g, STEPS("true") ",\"env\":{\"LD_PRELOAD\":\"x\"}}"), &id, &e));
}

/* What a stream gives: types joined by blanks, from a cursor on. */
static void types(struct rig *g, const struct id *id, const char *cursor, size_t max, struct buf *out, char *ret_cursor)
{
    struct stream *s;
    struct stream_item it;
    struct err e = ERR_INIT;

    must(stream_open(&g->svc, "default", id, cursor, &s, &e), &e);
    while (max-- && stream_next(s, &it, &e) == 1)
        buf_printf(out, "%s ", it.type);
    if (ret_cursor)
        snprintf(ret_cursor, 3072, "%s", stream_cursor(s));
    stream_close(s);
}

static void a_stream_resumes_anywhere(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("make test") "}"), other;
    AUTO(buf_fini) struct buf whole = BUF_INIT(64 * KIB), parts = BUF_INIT(64 * KIB);
    struct lease l;
    struct stream *s;
    char cursor[3072] = "";

    rig_planned(g, &id);
    OK(runs_reject(&g->svc, &g->c, &id, "no", &e));
    l = rig_claim(g, "finish");
    rig_finish(g, &l);
    types(g, &id, NULL, 1000, &whole, NULL);
    assert_non_null(strstr(whole.p, "run.planned "));
    assert_true(str_ends(whole.p, "run.completed "));
    for (int i = 0; i < 40; i++)
        types(g, &id, cursor, 1, &parts, cursor);
    assert_string_equal(parts.p, whole.p);
    other = rig_run(g, STEPS("true") "}");
    NO(ERR_CURSOR, stream_open(&g->svc, "default", &other, cursor, &s, &e));
    NO(ERR_NOT_FOUND, stream_open(&g->svc, "nobody", &id, NULL, &s, &e));
    assert_true(g->ticks > 0);
}

/* Reads up to `type`; fails when the stream says there is nothing more before. */
static void read_to(struct stream *s, const char *type)
{
    struct stream_item it = {0};
    struct err e = ERR_INIT;

    while (!str_eq(it.type, type)) {
        int r = stream_next(s, &it, &e);

        must(r, &e);
        if (r == 0)
            fail_msg("nothing more before %s", type);
    }
}

/* What is stored while log frames are given is there at once, not at the next heartbeat: its wake came too early. */
static void an_event_behind_a_log_is_not_missed(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("make test") ",\"review\":\"none\"}");
    struct run_steps steps = {0};
    struct log_writer *log;
    struct step_row row;
    struct stream *s;
    struct lease l;
    enum gate gate;
    char dir[80];
    AUTO(fd_close) int logs = -1;

    rig_planned(g, &id);
    l = rig_claim(g, "execute");
    row = only_step(g, &id, &steps);
    OK(runs_gate(&g->svc, &l, &row, true, &gate, &e));
    assert_int_equal(gate, GATE_GO);
    snprintf(dir, sizeof dir, "runs/%s/logs", id.s);
    OK(dir_make(g->svc.data_fd, dir, &logs, &e));
    OK(logfile_open_write(logs, row.log, &log, &e));
    OK(logfile_append(log, LOG_STDOUT, 1, "x\n", 2, &e));
    OK(stream_open(&g->svc, "default", &id, NULL, &s, &e));
    read_to(s, "step.log");
    free(row.state);
    row.state = str_dup("succeeded");
    row.exit_code = 0;
    row.finished_us = row.started_us + 1;
    OK(runs_step_done(&g->svc, &l, &row, NULL, &e));
    read_to(s, "step.finished");
    stream_close(s);
    logfile_close_write(log);
    steps.v[0] = row;
    run_steps_fini(&steps);
}

/* Logs that cannot be opened are an error; only ones that are not there are none yet. */
static void a_log_out_of_reach_is_not_empty(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("make test") ",\"review\":\"none\"}");
    struct run_steps steps = {0};
    AUTO(buf_fini) struct buf out = BUF_INIT(KIB);
    AUTO(fd_close) int runs = -1;
    AUTO(fd_close) int run = -1;
    struct log_query q = {.tenant = "default", .limit = KIB};
    struct lease l;
    enum gate gate;

    rig_planned(g, &id);
    l = rig_claim(g, "execute");
    struct step_row row = only_step(g, &id, &steps);
    OK(runs_gate(&g->svc, &l, &row, true, &gate, &e));
    q.step = row.id;
    OK(logs_read(&g->svc, &q, &out, &e));
    assert_int_equal(out.len, 0);
    OK(dir_make(g->svc.data_fd, "runs", &runs, &e));
    OK(dir_make(runs, id.s, &run, &e));
    OK(dir_remove(run, "logs", &e));
    assert_int_equal(symlinkat("logs", run, "logs"), 0); /* ELOOP, as good as EMFILE */
    NO(ERR_IO, logs_read(&g->svc, &q, &out, &e));
    steps.v[0] = row;
    run_steps_fini(&steps);
}

#ifdef SALLYPORT_FAULTS
/* Whatever cannot be allocated: it is said to be that, and nobody's request is blamed for it. */
static void want_of_memory_is_no_ones_fault(void **state)
{
    struct rig *g = *state;
    const struct json *body = rig_json(g, STEPS("true") ",\"env\":{\"A\":\"b\"}}");
    bool fired = true;
    int n = 0;

    while (fired) {
        struct err e = ERR_INIT;
        struct id id;

        buf_reset(&g->c.reply);
        fault_arm_nth("alloc", ++n);
        int r = runs_create(&g->svc, &g->c, body, &id, &e);
        fired = fault_fired();
        fault_arm("");
        if (r < 0 && r != -ERR_OOM)
            fail_msg("allocation %d: %s", n, e.msg);
        assert_true(fired || r == 0);
    }
    assert_in_range(n, 10, 1000);
}

/* A copy of a step is whole, or there is none: what it lacks would be written back, and be lost. */
static void a_step_is_read_whole_or_not_at_all(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("make test") ",\"review\":\"none\"}");
    bool fired = true;
    int n = 0;

    rig_planned(g, &id);
    while (fired) {
        struct run_steps steps = {0};
        struct run_row row = {0};
        struct err e = ERR_INIT;

        fault_arm_nth("alloc", ++n);
        int r = runs_load(&g->svc, &id, &row, &steps, &e);
        fired = fault_fired();
        fault_arm("");
        assert_true(r == 0 || r == -ERR_OOM);
        assert_true(r < 0 || (steps.n == 1 && steps.v[0].title && steps.v[0].command && steps.v[0].cwd &&
                              steps.v[0].env_names && steps.v[0].decision && steps.v[0].state && steps.v[0].kind));
        run_row_fini(&row);
        run_steps_fini(&steps);
    }
    assert_in_range(n, 7, 1000);
}
#endif

static void bad_requests_leave_nothing(void **state)
{
    static const char *const bad[] = {
        "{}",
        "{\"project_id\":\"hello\"}",
        "{\"project_id\":\"hello\",\"intent\":\"\"}",
        "{\"project_id\":\"hello\",\"intent\":\"test\",\"steps\":[]}",
        "{\"project_id\":\"hello\",\"steps\":[]}",
        "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"x\",\"cwd\":\"../y\"}]}",
        STEPS("x") ",\"review\":\"maybe\"}",
        STEPS("x") ",\"limits\":{\"pids\":1}}",
        STEPS("x") ",\"limits\":{\"speed\":1}}",
        STEPS("x") ",\"network\":true}",
        STEPS("x") ",\"env\":{\"1A\":\"x\"}}",
        STEPS("x") ",\"env\":{\"A\":1}}",
    };
    struct rig *g = *state;
    struct id id;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = ERR_INIT;
        int r = runs_create(&g->svc, &g->c, rig_json(g, bad[i]), &id, &e);

        if (r >= 0 || err_info(e.code)->http != 400 || !e.field[0])
            fail_msg("taken or not named: %s -> %d %s %s", bad[i], r, e.field, e.msg);
    }
    NO(ERR_NOT_FOUND,
       runs_create(&g->svc, &g->c, rig_json(g, "{\"project_id\":\"nope\",\"intent\":\"test\"}"), &id, &e));
    assert_int_equal(rig_count(g, "SELECT count(*) FROM runs"), 0);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_queue"), 0);
}

/* A token that may only propose does not get its changes into the project by asking for no review. */
static void only_an_approver_leaves_the_second_door_out(void **state)
{
    static const struct {
        const char *review;
        bool taken;
    } t[] = {{"both", true}, {"effects", true}, {"plan", false}, {"none", false}};
    struct rig *g = *state;
    struct id id;
    char body[200];

    g->c.scopes = SCOPE_RUN_WRITE | SCOPE_RUN_READ;
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        snprintf(body, sizeof body, STEPS("true") ",\"review\":\"%s\"}", t[i].review);
        if (t[i].taken)
            OK(runs_create(&g->svc, &g->c, rig_json(g, body), &id, &e));
        else
            NO(ERR_FORBIDDEN, runs_create(&g->svc, &g->c, rig_json(g, body), &id, &e));
    }
    assert_int_equal(rig_count(g, "SELECT count(*) FROM runs"), 2);
    g->c.scopes |= SCOPE_APPROVE;
    OK(runs_create(&g->svc, &g->c, rig_json(g, body), &id, &e));
}

/* What is taken can also be shown, streamed and answered. */
static void steps_too_large_to_be_shown_are_refused(void **state)
{
    struct rig *g = *state;
    AUTO(buf_fini) struct buf b = BUF_INIT(1 * MIB);
    struct id id;

    buf_puts(&b, "{\"project_id\":\"hello\",\"steps\":[");
    for (int i = 0; i < 12; i++) {
        buf_puts(&b, i ? ",{\"command\":\"true " : "{\"command\":\"true ");
        for (int k = 0; k < 6000; k++)
            buf_puts(&b, "aaaaaaaaaa");
        buf_puts(&b, "\"}");
    }
    buf_puts(&b, "]}");
    NO(ERR_TOO_LARGE, runs_create(&g->svc, &g->c, rig_json(g, b.p), &id, &e));
}

static void too_many_open_runs_are_refused(void **state)
{
    struct rig *g = *state;
    struct id id;

    g->svc.set.max_open_runs = 2;
    rig_run(g, STEPS("true") "}");
    rig_run(g, STEPS("true") "}");
    NO(ERR_QUEUE_FULL, runs_create(&g->svc, &g->c, rig_json(g, STEPS("true") "}"), &id, &e));
    assert_int_equal(rig_count(g, "SELECT count(*) FROM runs"), 2);
}

static void quotas_refuse_or_hold_up(void **state)
{
    struct rig *g = *state;
    struct queue_counts n = {0};
    struct id a, b, x;
    struct run_row row = {0};
    struct lease l;

    g->svc.counts = &n;
    g->svc.set.tenant_queued = 2;
    g->svc.set.tenant_running = 1;
    a = rig_run(g, STEPS("true") ",\"review\":\"none\",\"priority\":\"high\"}");
    b = rig_run(g, STEPS("true") ",\"review\":\"none\"}");
    NO(ERR_QUOTA, runs_create(&g->svc, &g->c, rig_json(g, STEPS("true") "}"), &x, &e));
    NO(ERR_INVALID, runs_create(&g->svc, &g->c, rig_json(g, STEPS("true") ",\"priority\":\"7\"}"), &x, &e));
    NO(ERR_INVALID, runs_create(&g->svc, &g->c, rig_json(g, STEPS("true") ",\"priority\":101}"), &x, &e));
    assert_int_equal(n.refused, 1);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM runs"), 2);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM audits WHERE action='run.created'"), 2);
    rig_planned(g, &a);
    l = rig_claim(g, "execute");
    assert_true(id_eq(&l.run_id, &a));
    rig_planned(g, &b);
    NO(ERR_EMPTY, runs_claim(&g->svc, "w", &l, &row, &e)); /* b waits for a's place */
    hub_drain(g->svc.hub);
    NO(ERR_EMPTY, runs_claim(&g->svc, "w", &l, &row, &e));
    assert_int_equal(n.claims, 3);
}

/* What a worker that lost its lease tries is refused, whatever it is. */
static void a_stale_worker_writes_nothing(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("true") ",\"review\":\"none\"}");
    struct lease old, now;
    struct run_steps steps = {0};
    struct step_row s;
    struct kept k = {.name = "x", .media_type = "text/plain"};
    struct err why = ERR_INIT;
    enum run_node node;
    enum gate gate;
    bool flag;
    int64_t before;

    rig_planned(g, &id);
    old = rig_claim(g, "execute");
    OK(runs_later(&g->svc, &old, 0, NULL, &e));
    now = rig_claim(g, "execute");
    assert_true(now.token > old.token);
    s = only_step(g, &id, &steps);
    memset(k.sha256, '0', 64);
    before = rig_count(g, "SELECT sum(event_seq) FROM runs");
    (void)err_set(&why, ERR_IO, "x");
    NO(ERR_LEASE, runs_extend(&g->svc, &old, &flag, &e));
    NO(ERR_LEASE, runs_gate(&g->svc, &old, &s, true, &gate, &e));
    NO(ERR_LEASE, runs_step_done(&g->svc, &old, &s, NULL, &e));
    NO(ERR_LEASE, runs_steps_failed(&g->svc, &old, "failed", ERR_LOST, NULL, &e));
    NO(ERR_LEASE, runs_done(&g->svc, &old, NULL, 0, NULL, &node, &e));
    NO(ERR_LEASE, runs_applied(&g->svc, &old, "{}", 0, &e));
    NO(ERR_LEASE, runs_conflict(&g->svc, &old, "{}", "x", &node, &e));
    NO(ERR_LEASE, runs_fail(&g->svc, &old, "failed", ERR_LOST, NULL, &e));
    NO(ERR_LEASE, runs_later(&g->svc, &old, 0, NULL, &e));
    NO(ERR_LEASE, runs_retry(&g->svc, &old, &why, &flag, &e));
    NO(ERR_LEASE, runs_finish(&g->svc, &old, &k, 1, &e));
    assert_int_equal(rig_count(g, "SELECT sum(event_seq) FROM runs"), before);
    assert_string_equal(rig_state(g, &id), "running");
    steps.v[0] = s;
    run_steps_fini(&steps);
}

/* n final runs of the project, younger than all. */
static void younger(struct rig *g, int n)
{
    char sql[500];

    snprintf(sql, sizeof sql,
             "CREATE TEMP TABLE t AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " SELECT r.* FROM n, (SELECT * FROM runs WHERE undoes IS NULL ORDER BY id LIMIT 1) r;"
             "UPDATE t SET id = printf('run_7%%025d', rowid), state = 'canceled', phase = NULL, finished_us = 1;"
             "INSERT INTO runs SELECT * FROM t",
             n);
    rig_sql(g, sql);
}

static void an_old_open_run_keeps_its_project(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}],\"review\":\"plan\"}");

    rig_planned(g, &id);
    younger(g, 10001);
    NO(ERR_CONFLICT, projects_remove(&g->svc, &g->c, "hello", &e));
    OK(runs_reject(&g->svc, &g->c, &id, NULL, &e));
    struct lease l = rig_claim(g, "finish");
    rig_finish(g, &l);
    OK(projects_remove(&g->svc, &g->c, "hello", &e));
}

/* What the run says of it: nothing, or who undoes it. */
static void says_undone_by(struct rig *g, const struct id *run, const struct id *by)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(MIB);
    struct jw w = JW_INIT(&b);

    OK(runs_get_json(&g->svc, "default", run, &w, &e));
    const struct json *found = json_get(rig_json(g, b.p), "undone_by");
    if (by)
        assert_string_equal(json_str(json_get(found, "id")), by->s);
    else
        assert_int_equal(json_type(found), JT_NULL);
}

static void a_run_is_undone_once(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}],\"review\":\"plan\"}"),
              undo;

    rig_planned(g, &id);
    OK(runs_reject(&g->svc, &g->c, &id, NULL, &e));
    struct lease l = rig_claim(g, "finish");
    rig_finish(g, &l);
    rig_sql(g, "UPDATE runs SET apply = '{\"applied\":true}'");
    says_undone_by(g, &id, NULL);
    OK(runs_undo(&g->svc, &g->c, &id, &undo, &e));
    says_undone_by(g, &id, &undo);
    rig_sql(g, "UPDATE runs SET state = 'succeeded', phase = NULL, finished_us = 1; DELETE FROM run_queue");
    younger(g, 1001);
    NO(ERR_STATE, runs_undo(&g->svc, &g->c, &id, &undo, &e));
    rig_sql(g, "UPDATE runs SET state = 'failed' WHERE undoes IS NOT NULL");
    says_undone_by(g, &id, NULL);
    OK(runs_undo(&g->svc, &g->c, &id, &undo, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_old_open_run_keeps_its_project, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_run_is_undone_once, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(only_an_approver_leaves_the_second_door_out, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(nothing_runs_before_review, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_replaced_plan_needs_a_new_look, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_denied_plan_ends_the_run, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(quotas_refuse_or_hold_up, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_stale_worker_writes_nothing, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_step_is_asked_once_and_bound_to_its_text, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_new_deny_wins_over_an_old_approval, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_lost_lease_changes_nothing, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_clock_that_jumps_ends_no_lease, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_run_goes_on_where_no_door_stands, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_cancel_is_not_forgotten_by_the_planner, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_cancel_is_not_forgotten_between_steps_and_doors, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_cancel_is_not_forgotten_at_a_conflict, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_run_that_breaks_off_leaves_no_step_running, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_lost_step_is_run_again_by_its_rule, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_lost_step_of_a_canceled_run_is_not_run_again, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(what_may_not_happen_twice_is_not_run_again, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(an_answer_holds_for_the_next_attempt, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_repeated_key_acts_once, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(waits_expire, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_denied_step_says_who_denied_it, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_running_step_of_a_queued_run_is_canceled_not_lost, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(env_is_sealed_and_wiped, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_stream_resumes_anywhere, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(an_event_behind_a_log_is_not_missed, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_log_out_of_reach_is_not_empty, rig_up, rig_down),
#ifdef SALLYPORT_FAULTS
        cmocka_unit_test_setup_teardown(want_of_memory_is_no_ones_fault, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_step_is_read_whole_or_not_at_all, rig_up, rig_down),
#endif
        cmocka_unit_test_setup_teardown(bad_requests_leave_nothing, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(steps_too_large_to_be_shown_are_refused, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(too_many_open_runs_are_refused, rig_up, rig_down),
    };

    return cmocka_run_group_tests_name("runs", tests, NULL, NULL);
}
