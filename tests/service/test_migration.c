/* migration: a database of schema 2, as a release before left it when it was killed at work, with runs in every phase
 * and state: queued, put off, held, waiting. This build opens it and carries each of them to the end it was on its way
 * to. */
#include "tests/service/rig.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/approval.h"
#include "os/clock.h"

/* The words that migrations.c gives the pieces, for SQLite. Migrations 1 and 2 are frozen: so are these. */
#define INT       "INTEGER"
#define BYTES     "BLOB"
#define KEY       "TEXT"
#define END       ") STRICT;"
#define END_KEYED ") STRICT, WITHOUT ROWID;"
#define IMMUTABLE(table)
static const char schema_1[] =
#include "store/schema_001.def"
    ;
static const char schema_2[] =
#include "store/schema_002.def"
    ;

#define PROJECT "prj_01M7Y3A4WVYDSTXA6PN4RJP4QX"
#define COMMAND "curl example.org" /* is asked about, unless the plan was approved */
#define PLAN    "{\"title\":\"old\",\"notes\":[],\"steps\":[{\"kind\":\"command\",\"command\":\"" COMMAND "\"}]}"
#define DIGEST  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define CHANGES "{\"files\":1,\"additions\":1,\"deletions\":0,\"refused\":0,\"digest\":\"" DIGEST "\"}"

/* queue: the phase of its row, NULL for none. */
static const struct old_run {
    const char *state, *phase, *queue;
    bool put_off, held;
    const char *review;
    const char *step;    /* state of its step; NULL: not planned yet */
    const char *asks;    /* kind of its pending approval */
    const char *outcome; /* decided already */
    bool canceled;
    const char *end; /* where it comes to */
} old[] = {
    {"queued", "plan", "plan", false, false, "none", NULL, NULL, NULL, false, "succeeded"},
    {"queued", "plan", "plan", true, false, "plan", NULL, NULL, NULL, false, "succeeded"},
    {"planning", NULL, "plan", false, true, "none", NULL, NULL, NULL, false, "succeeded"},
    {"awaiting_review", NULL, NULL, false, false, "both", "pending", "plan", NULL, false, "succeeded"},
    {"queued", "execute", "execute", false, false, "none", "pending", NULL, NULL, false, "succeeded"},
    {"queued", "execute", "execute", true, false, "none", "pending", NULL, NULL, false, "succeeded"},
    {"running", NULL, "execute", false, true, "none", "pending", NULL, NULL, false, "succeeded"},
    {"running", NULL, "execute", false, true, "none", "running", NULL, NULL, false, "failed"},
    {"running", NULL, "execute", false, true, "none", "pending", NULL, NULL, true, "canceled"},
    {"awaiting_approval", NULL, NULL, false, false, "none", "pending", "command", NULL, false, "succeeded"},
    {"awaiting_apply", NULL, NULL, false, false, "both", "succeeded", "changes", NULL, false, "succeeded"},
    {"queued", "apply", "apply", false, false, "effects", "succeeded", NULL, NULL, false, "succeeded"},
    {"queued", "apply", "apply", true, false, "effects", "succeeded", NULL, NULL, false, "succeeded"},
    {"applying", NULL, "apply", false, true, "effects", "succeeded", NULL, NULL, false, "succeeded"},
    {"queued", "finish", "finish", false, false, "none", "failed", NULL, "failed", false, "failed"},
    {"queued", "finish", "finish", true, false, "plan", "skipped", NULL, "rejected", false, "rejected"},
    {"finishing", NULL, "finish", false, true, "none", "succeeded", NULL, "succeeded", false, "succeeded"},
};

#define NOW_US 1750000000000000 /* when the release before was killed */

static struct id nth(const char *prefix, size_t n)
{
    uint8_t rnd[10] = {0};
    struct id id;

    id_make(prefix, NOW_US / 1000 + (int64_t)n, rnd, &id);
    return id;
}

static void run_sql(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

/* Quotes: %Q of sqlite3_mprintf, NULL for a null pointer. */
#define SQL(db, ...)                                                                                                   \
    do {                                                                                                               \
        char *sql = sqlite3_mprintf(__VA_ARGS__);                                                                      \
        assert_non_null(sql);                                                                                          \
        run_sql(db, sql);                                                                                              \
        sqlite3_free(sql);                                                                                             \
    } while (0)

static void hash_of_plan(char ret[SHA256_HEX])
{
    AUTO_PTR(json_free) struct json *doc = NULL;
    struct plan *plan = NULL;

    OK(json_parse(PLAN, strlen(PLAN), &doc, &e));
    OK(plan_from_json(doc, &plan, &e));
    OK(plan_hash(plan, false, ret, &e));
    plan_free(plan);
}

static void put_approval(sqlite3 *db, size_t i, const char *plan)
{
    struct approval_subject s = {.kind = old[i].asks};
    AUTO(buf_fini) struct buf text = BUF_INIT(APPROVAL_SUBJECT_MAX);
    bool step = str_eq(old[i].asks, "command");
    char hash[SHA256_HEX];

    if (step)
        s.text = COMMAND;
    else if (str_eq(old[i].asks, "plan"))
        s.plan_sha256 = plan;
    else
        s.changes_sha256 = DIGEST;
    OK(approval_canonical(&s, &text, &e));
    sha256_hex_of(text.p, text.len, hash);
    SQL(db,
        "INSERT INTO approvals (id, tenant_id, run_id, step_id, kind, subject, subject_hash, created_us, state, "
        "expires_us,"
        " resolved_us) VALUES (%Q, 'default', %Q, %Q, %Q, %Q, %Q, %lld, 'pending', 0, 0)",
        nth(ID_APPROVAL, i).s, nth(ID_RUN, i).s, step ? nth(ID_STEP, i).s : NULL, s.kind, text.p, hash,
        (long long)NOW_US);
}

static void put_run(sqlite3 *db, size_t i, const char *plan)
{
    const struct old_run *o = &old[i];
    const char *reason = !o->outcome ? NULL : str_eq(o->outcome, "failed") ? "step_failed" : "plan_rejected";
    bool sealed = str_eq(o->step, "succeeded");
    struct id run = nth(ID_RUN, i);
    int token = o->held ? 7 : 0;

    SQL(db,
        "INSERT INTO runs (id, tenant_id, project_id, kind, actor, surface, created_us, review, on_failure, on_deny, "
        "network,"
        " limits, env_names, plan, plan_hash, policy_version, outcome, reason_code, changes, apply, started_us, "
        "finished_us,"
        " cancel_us, expires_us, updated_us, node_name, next_step, event_seq, lease_token, state, phase, seed_copy) "
        "VALUES"
        " (%Q, 'default', '" PROJECT "', 'plan', 'token:old', 'cli', %lld, %Q, 'review', 'fail', 0, '{}', '[]', '" PLAN
        "', %Q, 0, %Q, %Q, %Q, %Q, %lld, 0, %lld, 0, %lld, 'test', 0, 0, %d, %Q, %Q, 0)",
        run.s, (long long)NOW_US + (long long)i, o->review, o->step ? plan : NULL, o->outcome,
        str_eq(o->outcome, "succeeded") ? NULL : reason, sealed ? CHANGES : NULL,
        str_eq(o->queue, "apply") ? "{}" : NULL, (long long)NOW_US, o->canceled ? (long long)NOW_US : 0LL,
        (long long)NOW_US, token, o->state, o->phase);
    if (o->step)
        SQL(db,
            "INSERT INTO run_steps (id, tenant_id, run_id, step_index, attempt, kind, title, command, cwd, env_names, "
            "state,"
            " exit_code, signal, oom_killed, timed_out, log_truncated, started_us, finished_us, cpu_us, max_rss_bytes,"
            " stdout_bytes, stderr_bytes, log, layer) VALUES (%Q, 'default', %Q, 0, 1, 'command', 'old', '" COMMAND
            "', '', '[]', %Q, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, %Q, %Q)",
            nth(ID_STEP, i).s, run.s, o->step, str_eq(o->step, "running") ? "0.1.log" : NULL,
            str_eq(o->step, "running") ? "0.1" : NULL);
    if (o->queue)
        SQL(db,
            "INSERT INTO run_queue (run_id, tenant_id, phase, node_name, worker, priority, available_us, attempts,"
            " lease_ends_us, enqueued_us, lease_token) VALUES (%Q, 'default', %Q, %Q, %Q, 0, %lld, %d, %lld, %lld, %d)",
            run.s, o->queue, i % 2 ? "test" : NULL, o->held ? "worker-1" : NULL,
            o->put_off ? (long long)NOW_US + 3600000000LL : 0LL, o->put_off, o->held ? (long long)NOW_US : 0LL,
            (long long)NOW_US + (long long)i, token);
    if (o->asks)
        put_approval(db, i, plan);
}

static void make_old(const char *path)
{
    char plan[SHA256_HEX];
    sqlite3 *db;

    hash_of_plan(plan);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    run_sql(db, "PRAGMA journal_mode = WAL; BEGIN;");
    run_sql(db, schema_1);
    run_sql(db, schema_2);
    run_sql(db, "INSERT INTO schema_version VALUES (1, 'first tables', 1, 0), (2, 'copied workspaces', 2, 0);"
                "INSERT INTO tenants VALUES ('default', 1);"
                "INSERT INTO projects VALUES ('" PROJECT "', 'default', 'old', '/nowhere', '{}', 1, 0);");
    for (size_t i = 0; i < ARRAY_LEN(old); i++)
        put_run(db, i, plan);
    run_sql(db, "COMMIT");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int up(void **state)
{
    return rig_up_over(state, make_old);
}

/* ---- the worker, as far as no sandbox is needed -------------------------------------------------------------------
 */

static void execute(struct rig *g, const struct lease *l)
{
    AUTO(run_row_fini) struct run_row row = {0};
    struct run_steps steps = {0};
    struct run_end lost = {"failed", ERR_LOST, NULL}, *end = NULL;
    enum gate gate = GATE_GO;
    enum run_node node;
    struct step_row *s;

    OK(runs_load(&g->svc, &l->run_id, &row, &steps, &e));
    assert_string_equal(row.on_lost, "fail"); /* what it did before there was a word for it */
    assert_int_equal(row.priority, 0);
    assert_int_equal(steps.n, 1);
    s = &steps.v[0];
    if (str_eq(s->state, "running"))
        end = &lost; /* no shim of it is there */
    else
        OK(runs_gate(&g->svc, l, s, true, &gate, &e));
    if (gate == GATE_GO) {
        free(s->state);
        s->state = str_dup(end ? "lost" : "succeeded");
        OK(runs_step_done(&g->svc, l, s, end, &e));
        OK(runs_done(&g->svc, l, NULL, 0, NULL, &node, &e));
        assert_int_equal(node, RN_FINISHING);
        rig_finish(g, l);
    } else if (gate == GATE_CANCELED) {
        OK(runs_fail(&g->svc, l, "canceled", ERR_CANCELED, NULL, &e));
        rig_finish(g, l);
    } else {
        assert_int_equal(gate, GATE_ASK);
    }
    run_steps_fini(&steps);
}

static void plan_it(struct rig *g, const struct lease *l)
{
    AUTO(run_row_fini) struct run_row row = {0};
    struct plan *plan = NULL;
    enum run_node node;

    OK(runs_row(&g->svc, NULL, &l->run_id, &row, &e));
    OK(runs_plan(&row, &plan, &e));
    OK(runs_planned(&g->svc, l, plan, &node, &e));
    plan_free(plan);
}

/* All that can be claimed. */
static void work(struct rig *g)
{
    for (int i = 0; i < 200; i++) {
        struct run_row row = {0};
        struct lease l;
        int r = runs_claim(&g->svc, "w", &l, &row, NULL);

        if (r == -ERR_EMPTY)
            return;
        assert_int_equal(r, 0);
        run_row_fini(&row);
        if (str_eq(l.phase, "plan")) {
            plan_it(g, &l);
        } else if (str_eq(l.phase, "execute")) {
            execute(g, &l);
        } else {
            if (str_eq(l.phase, "apply"))
                OK(runs_applied(&g->svc, &l, "{}", 1, &e));
            rig_finish(g, &l);
        }
    }
    fail_msg("a run is claimed again and again");
}

/* What people are asked, they allow. */
static int64_t answer(struct rig *g)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(1 * MIB);
    struct jw w = JW_INIT(&b);
    struct approval_filter f = {.tenant = "default", .state = "pending", .limit = 100};
    struct id ids[ARRAY_LEN(old)];
    const struct json *items;
    size_t n;

    OK(runs_approvals_json(&g->svc, &f, &w, &e));
    items = json_get(rig_json(g, b.p), "items");
    n = json_len(items);
    assert_true(n <= ARRAY_LEN(ids));
    for (size_t i = 0; i < n; i++)
        assert_true(id_parse(ID_APPROVAL, json_str(json_get(json_at(items, i), "id")), &ids[i]));
    for (size_t i = 0; i < n; i++)
        OK(runs_answer(&g->svc, &g->c, &ids[i], true, NULL, NULL, &e));
    return (int64_t)n;
}

static void each_run_of_an_older_queue_ends_as_it_should(void **state)
{
    struct rig *g = *state;
    int64_t asked = 0, n;

    assert_int_equal(rig_count(g, "SELECT max(version) FROM schema_version"), 3);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_queue WHERE lease_token <> 0"), 6);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_queue WHERE lease_token = 0 AND available_us = 0"), 8);
    /* of each project, node and lane the first: what a claim looks at */
    assert_int_equal(rig_count(g, "SELECT count(*) FROM queue_lanes"),
                     rig_count(g, "SELECT count(*) FROM (SELECT DISTINCT project_id, node_name, lane FROM run_queue"
                                  " WHERE lease_token = 0)"));
    assert_int_equal(rig_mend(g, MEND_TAKEN_OVER, clock_now_us()), 0);
    rig_mend(g, MEND_LEASE_DROPPED, clock_now_us());
    do {
        work(g);
        n = answer(g);
        asked += n;
    } while (n > 0);
    assert_true(asked >= 4);
    for (size_t i = 0; i < ARRAY_LEN(old); i++) {
        struct id run = nth(ID_RUN, i);

        if (!str_eq(rig_state(g, &run), old[i].end))
            fail_msg("run %zu, once %s %s, is %s, should be %s", i, old[i].state, old[i].queue ? old[i].queue : "",
                     rig_state(g, &run), old[i].end);
    }
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_queue"), 0);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM queue_lanes"), 0);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_steps WHERE state IN ('pending', 'running')"), 0);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_events WHERE type = 'run.completed'"), ARRAY_LEN(old));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_run_of_an_older_queue_ends_as_it_should, up, rig_down),
    };

    return cmocka_run_group_tests_name("migration", tests, NULL, NULL);
}
