/* Runs, steps, events, approvals, artifacts: every column there and back, lists and their order, other tenants. */
#include <stdlib.h>
#include <string.h>
#include "base/str.h"
#include "fixture.h"

#define S(s) ((char *)(s))

/* ---- helpers ---- */

static void same_run(const struct run_row *a, const struct run_row *b)
{
    assert_true(id_eq(&a->id, &b->id) && id_eq(&a->project_id, &b->project_id) && id_eq(&a->undoes, &b->undoes));
    assert_int_equal(a->node, b->node);
    const char *const texts[][2] = {
        {a->tenant_id, b->tenant_id},
        {a->kind, b->kind},
        {a->intent, b->intent},
        {a->review, b->review},
        {a->on_failure, b->on_failure},
        {a->on_deny, b->on_deny},
        {a->on_lost, b->on_lost},
        {a->limits, b->limits},
        {a->env_names, b->env_names},
        {a->plan, b->plan},
        {a->plan_hash, b->plan_hash},
        {a->outcome, b->outcome},
        {a->reason_code, b->reason_code},
        {a->reason_text, b->reason_text},
        {a->changes, b->changes},
        {a->apply, b->apply},
        {a->actor, b->actor},
        {a->surface, b->surface},
        {a->trace_id, b->trace_id},
        {a->node_name, b->node_name},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!str_eq(texts[i][0], texts[i][1]))
            fail_msg("text %zu: %s, not %s", i, texts[i][1], texts[i][0]);
    const int64_t ints[][2] = {
        {a->network, b->network},         {a->policy_version, b->policy_version},
        {a->created_us, b->created_us},   {a->started_us, b->started_us},
        {a->finished_us, b->finished_us}, {a->cancel_us, b->cancel_us},
        {a->expires_us, b->expires_us},   {a->updated_us, b->updated_us},
        {a->next_step, b->next_step},     {(int64_t)a->env_sealed_len, (int64_t)b->env_sealed_len},
    };
    for (size_t i = 0; i < ARRAY_LEN(ints); i++)
        if (ints[i][0] != ints[i][1])
            fail_msg("number %zu: %lld, not %lld", i, (long long)ints[i][1], (long long)ints[i][0]);
    if (a->env_sealed)
        assert_memory_equal(a->env_sealed, b->env_sealed, a->env_sealed_len);
    else
        assert_null(b->env_sealed);
}

static int insert_run(struct db *db, void *arg, struct err *e)
{
    return run_insert(db, arg, e);
}

static int save_run(struct db *db, void *arg, struct err *e)
{
    return run_save(db, arg, e);
}

/* Reads the run back and compares. */
static int compare_run(struct db *db, void *arg, struct err *e)
{
    const struct run_row *want = arg;
    AUTO(run_row_fini) struct run_row got = {0};
    int r = run_get(db, want->tenant_id, &want->id, &got, e);
    if (r == 0)
        same_run(want, &got);
    return r;
}

static void put_run(struct fixture *f, int n)
{
    struct run_row row = a_run(f, n);
    write_ok(f, insert_run, &row);
}

struct seen {
    int n, stop_at;
    struct id ids[64];
};

static int note(struct seen *s, const struct id *id)
{
    assert_true(s->n < 64);
    s->ids[s->n++] = *id;
    return s->n == s->stop_at ? 77 : 0;
}

static int note_run(void *arg, const struct run_row *row, struct err *e)
{
    return note(arg, &row->id);
}

/* ---- runs ---- */

/* Every member its own value, so a swapped column shows. */
static struct run_row full_run(const struct fixture *f, int n)
{
    struct run_row row = a_run(f, n);
    row.undoes = nth(ID_RUN, 1);
    row.kind = S("undo");
    row.node = RN_QUEUED_APPLY;
    row.network = true;
    row.limits = S("{\"pids\":9}");
    row.env_names = S("[\"HOME\"]");
    row.env_sealed = S("\0\1\2sealed\0x");
    row.env_sealed_len = 11;
    row.plan = S("{\"steps\":[]}");
    row.plan_hash = S("planhash");
    row.policy_version = 101;
    row.outcome = S("failed");
    row.reason_code = S("step_failed");
    row.reason_text = S("the step failed: \u8fd0\u884c");
    row.changes = S("{\"files\":3}");
    row.apply = S("{\"all\":true}");
    row.trace_id = S("trace");
    row.started_us = 102;
    row.finished_us = 103;
    row.cancel_us = 104;
    row.expires_us = 105;
    row.updated_us = 106;
    row.node_name = S("node-a");
    row.next_step = 107;
    return row;
}

static void test_run_round_trip(void **state)
{
    struct fixture *f = *state;
    put_run(f, 1);
    struct run_row bare = a_run(f, 1), full = full_run(f, 2);
    read_ok(f, compare_run, &bare);
    write_ok(f, insert_run, &full);
    read_ok(f, compare_run, &full);

    /* what save writes, and what it leaves */
    struct run_row changed = full_run(f, 1);
    struct run_row want = changed;
    want.undoes = (struct id){0};
    want.kind = bare.kind;
    want.trace_id = NULL;
    write_ok(f, save_run, &changed);
    read_ok(f, compare_run, &want);
}

static void test_every_node(void **state)
{
    struct fixture *f = *state;
    for (enum run_node n = 0; n < RN_N; n++) {
        struct run_row row = a_run(f, 10 + (int)n);
        row.node = n;
        write_ok(f, insert_run, &row);
        read_ok(f, compare_run, &row);
    }
}

static int bad_runs(struct db *db, void *arg, struct err *err)
{
    struct fixture *f = arg;
    struct run_row row = a_run(f, 1);
    OK(run_insert(db, &row, &e));
    NO(ERR_CONFLICT, run_insert(db, &row, &e));
    row = a_run(f, 2);
    row.node = RN_N;
    NO(ERR_INTERNAL, run_insert(db, &row, &e));
    row = a_run(f, 2);
    row.review = S("sometimes");
    NO(ERR_INTERNAL, run_insert(db, &row, &e));
    row = a_run(f, 2);
    row.tenant_id = S("nobody");
    NO(ERR_NOT_FOUND, run_insert(db, &row, &e));
    row = a_run(f, 2);
    row.project_id = f->project2; /* of the other tenant */
    NO(ERR_NOT_FOUND, run_insert(db, &row, &e));
    row = a_run(f, 1);
    row.tenant_id = S(T2);
    NO(ERR_NOT_FOUND, run_save(db, &row, &e));
    return 0;
}

static void test_bad_runs(void **state)
{
    write_ok(*state, bad_runs, *state);
}

static int other_tenant(struct db *db, void *arg, struct err *err)
{
    struct id run = nth(ID_RUN, 1), step = nth(ID_STEP, 1001), apr = nth(ID_APPROVAL, 1), art = nth(ID_ARTIFACT, 1);
    struct run_row r = {0};
    struct step_row s = {0};
    struct approval_row a = {0};
    struct artifact_row t = {0};
    NO(ERR_NOT_FOUND, run_get(db, T2, &run, &r, &e));
    NO(ERR_NOT_FOUND, run_lock(db, T2, &run, &r, &e));
    NO(ERR_NOT_FOUND, step_get(db, T2, &step, &s, &e));
    NO(ERR_NOT_FOUND, approval_get(db, T2, &apr, &a, &e));
    NO(ERR_NOT_FOUND, artifact_get(db, T2, &art, &t, &e));
    assert_null(r.tenant_id); /* untouched */

    struct seen seen = {0};
    struct run_filter rf = {.tenant = T2};
    OK(run_list(db, &rf, note_run, &seen, &e));
    rf.project = &((struct fixture *)arg)->project;
    OK(run_list(db, &rf, note_run, &seen, &e));
    rf.state = "queued";
    OK(run_list(db, &rf, note_run, &seen, &e));
    assert_int_equal(seen.n, 0);

    OK(run_get(db, NULL, &run, &r, &e)); /* no tenant: any */
    OK(step_get(db, NULL, &step, &s, &e));
    run_row_fini(&r);
    step_row_fini(&s);
    return 0;
}

static struct approval_row an_approval(int n)
{
    return (struct approval_row){.id = nth(ID_APPROVAL, n),
                                 .run_id = nth(ID_RUN, 1),
                                 .tenant_id = S(T1),
                                 .kind = S("command"),
                                 .subject = S("{}"),
                                 .subject_hash = S(HEX64),
                                 .state = S("pending"),
                                 .created_us = 50 + n,
                                 .expires_us = 100 * n};
}

static struct artifact_row an_artifact(int n)
{
    return (struct artifact_row){.id = nth(ID_ARTIFACT, n),
                                 .run_id = nth(ID_RUN, 1),
                                 .tenant_id = S(T1),
                                 .name = S("report.md"),
                                 .media_type = S("text/markdown"),
                                 .sha256 = S(HEX64),
                                 .size_bytes = 10 + n,
                                 .created_us = 20 + n};
}

static int one_of_each(struct db *db, void *arg, struct err *err)
{
    struct run_row r = a_run(arg, 1);
    struct step_row s = a_step(1, 1);
    struct approval_row a = an_approval(1);
    struct artifact_row t = an_artifact(1);
    OK(run_insert(db, &r, &e));
    OK(step_insert(db, &s, &e));
    OK(approval_insert(db, &a, &e));
    OK(artifact_insert(db, &t, &e));
    return 0;
}

static void test_other_tenant(void **state)
{
    write_ok(*state, one_of_each, *state);
    write_ok(*state, other_tenant, *state);
}

static int lists(struct db *db, void *arg, struct err *err)
{
    struct fixture *f = arg;
    struct seen s = {0};
    struct run_filter rf = {.tenant = T1, .limit = 3};
    OK(run_list(db, &rf, note_run, &s, &e));
    assert_int_equal(s.n, 3);
    assert_string_equal(s.ids[0].s, nth(ID_RUN, 9).s); /* newest first */
    assert_string_equal(s.ids[2].s, nth(ID_RUN, 7).s);
    rf.after = s.ids[2];
    rf.limit = 0;
    s.n = 0;
    OK(run_list(db, &rf, note_run, &s, &e));
    assert_int_equal(s.n, 7);
    assert_string_equal(s.ids[0].s, nth(ID_RUN, 6).s);

    rf = (struct run_filter){.tenant = T1, .state = "running"};
    s.n = 0;
    OK(run_list(db, &rf, note_run, &s, &e));
    assert_int_equal(s.n, 5);
    rf.project = &f->project;
    s.n = 0;
    OK(run_list(db, &rf, note_run, &s, &e));
    assert_int_equal(s.n, 5);
    rf.state = NULL;
    s = (struct seen){.stop_at = 4};
    assert_int_equal(run_list(db, &rf, note_run, &s, NULL), 77); /* what each returns comes back */
    assert_int_equal(s.n, 4);
    NO(ERR_INTERNAL, run_list(db, &(struct run_filter){0}, note_run, &s, &e));
    return 0;
}

static int ten_runs(struct db *db, void *arg, struct err *err)
{
    for (int i = 0; i < 10; i++) {
        struct run_row r = a_run(arg, i);
        r.node = i % 2 ? RN_RUNNING : RN_SUCCEEDED;
        r.expires_us = i < 4 ? 400 - i * 100 : 0; /* 400 300 200 100 */
        r.node_name = i == 5 ? S("node-a") : NULL;
        OK(run_insert(db, &r, &e));
    }
    return 0;
}

static int reconciler_lists(struct db *db, void *arg, struct err *err)
{
    struct seen s = {0};
    OK(run_list_expired(db, 300, 0, note_run, &s, &e));
    assert_int_equal(s.n, 3); /* longest ago first */
    assert_string_equal(s.ids[0].s, nth(ID_RUN, 3).s);
    assert_string_equal(s.ids[2].s, nth(ID_RUN, 1).s);
    s.n = 0;
    OK(run_list_expired(db, 300, 2, note_run, &s, &e));
    assert_int_equal(s.n, 2);
    s.n = 0;
    OK(run_list_open(db, NULL, note_run, &s, &e));
    assert_int_equal(s.n, 5);
    assert_string_equal(s.ids[0].s, nth(ID_RUN, 1).s);
    s.n = 0;
    OK(run_list_open(db, "node-a", note_run, &s, &e));
    assert_int_equal(s.n, 1);
    int64_t counts[RN_N];
    OK(run_counts(db, counts, &e));
    assert_int_equal(counts[RN_RUNNING], 5);
    assert_int_equal(counts[RN_SUCCEEDED], 5);
    assert_int_equal(counts[RN_QUEUED_PLAN], 0);
    return 0;
}

static void test_lists(void **state)
{
    write_ok(*state, ten_runs, *state);
    read_ok(*state, lists, *state);
    read_ok(*state, reconciler_lists, *state);
}

/* A list inside a list, over the same statement. */
static int nested_each(void *arg, const struct run_row *row, struct err *err)
{
    struct db *db = arg;
    struct seen s = {0};
    OK(run_list_open(db, NULL, note_run, &s, &e));
    assert_int_equal(s.n, 5);
    return 0;
}

static int nested(struct db *db, void *arg, struct err *e)
{
    return run_list_open(db, NULL, nested_each, db, e);
}

static void test_nested_list(void **state)
{
    write_ok(*state, ten_runs, *state);
    read_ok(*state, nested, NULL);
}

/* ---- steps ---- */

static int note_step(void *arg, const struct step_row *row, struct err *e)
{
    return note(arg, &row->id);
}

static void same_step(const struct step_row *a, const struct step_row *b)
{
    assert_true(id_eq(&a->id, &b->id) && id_eq(&a->run_id, &b->run_id));
    const char *const texts[][2] = {
        {a->kind, b->kind},         {a->title, b->title}, {a->command, b->command},
        {a->argv, b->argv},         {a->cwd, b->cwd},     {a->env_names, b->env_names},
        {a->decision, b->decision}, {a->state, b->state}, {a->error, b->error},
        {a->log, b->log},           {a->layer, b->layer},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!str_eq(texts[i][0], texts[i][1]))
            fail_msg("text %zu: %s, not %s", i, texts[i][1], texts[i][0]);
    const int64_t ints[][2] = {
        {a->index, b->index},
        {a->attempt, b->attempt},
        {a->exit_code, b->exit_code},
        {a->signal, b->signal},
        {a->oom_killed, b->oom_killed},
        {a->timed_out, b->timed_out},
        {a->log_truncated, b->log_truncated},
        {a->started_us, b->started_us},
        {a->finished_us, b->finished_us},
        {a->cpu_us, b->cpu_us},
        {a->max_rss_bytes, b->max_rss_bytes},
        {a->stdout_bytes, b->stdout_bytes},
        {a->stderr_bytes, b->stderr_bytes},
    };
    for (size_t i = 0; i < ARRAY_LEN(ints); i++)
        if (ints[i][0] != ints[i][1])
            fail_msg("number %zu: %lld, not %lld", i, (long long)ints[i][1], (long long)ints[i][0]);
}

static struct step_row full_step(int run, int n)
{
    struct step_row s = a_step(run, n);
    s.attempt = 2;
    s.title = S("title");
    s.command = NULL;
    s.argv = S("[\"make\"]");
    s.cwd = S("sub");
    s.env_names = S("[]");
    s.decision = S("{\"action\":\"allow\"}");
    s.state = S("failed");
    s.exit_code = 1;
    s.signal = 2;
    s.timed_out = true;
    s.error = S("error");
    s.started_us = 3;
    s.finished_us = 4;
    s.cpu_us = 5;
    s.max_rss_bytes = 6;
    s.stdout_bytes = 7;
    s.stderr_bytes = 8;
    s.log = S("1.2.log");
    s.layer = S("layer");
    return s;
}

static void check_step(struct db *db, const struct step_row *want)
{
    AUTO(step_row_fini) struct step_row got = {0};
    OK(step_get(db, T1, &want->id, &got, &e));
    same_step(want, &got);
}

static int steps(struct db *db, void *arg, struct err *err)
{
    struct run_row run = a_run(arg, 1);
    struct step_row bare = a_step(1, 3), full = full_step(1, 2), orphan = a_step(9, 1);
    OK(run_insert(db, &run, &e));
    OK(step_insert(db, &bare, &e));
    OK(step_insert(db, &full, &e));
    check_step(db, &bare);
    check_step(db, &full);
    NO(ERR_NOT_FOUND, step_insert(db, &orphan, &e));
    NO(ERR_NOT_FOUND, step_save(db, &orphan, &e));

    struct step_row twin = full;
    twin.id = nth(ID_STEP, 77);
    NO(ERR_CONFLICT, step_insert(db, &twin, &e)); /* same run, index, attempt */
    twin.attempt = 3;
    twin.state = S("flying");
    NO(ERR_INTERNAL, step_insert(db, &twin, &e));

    struct step_row changed = full_step(1, 3);
    changed.oom_killed = changed.log_truncated = true;
    changed.timed_out = false;
    OK(step_save(db, &changed, &e));
    changed.attempt = 1; /* fixed when inserted */
    check_step(db, &changed);
    return 0;
}

static void test_steps(void **state)
{
    write_ok(*state, steps, *state);
}

static int step_lists(struct db *db, void *arg, struct err *err)
{
    struct run_row run = a_run(arg, 1);
    struct id id = run.id;
    OK(run_insert(db, &run, &e));
    for (int i = 4; i >= 0; i--) {
        struct step_row s = a_step(1, i);
        s.state = i < 2 ? S("succeeded") : S("pending");
        OK(step_insert(db, &s, &e));
    }
    struct seen seen = {0};
    OK(step_list(db, &id, note_step, &seen, &e));
    assert_int_equal(seen.n, 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(seen.ids[i].s, a_step(1, i).id.s);
    OK(step_delete_pending(db, &id, &e));
    seen.n = 0;
    OK(step_list(db, &id, note_step, &seen, &e));
    assert_int_equal(seen.n, 2);
    return 0;
}

static void test_step_lists(void **state)
{
    write_ok(*state, step_lists, *state);
}

/* ---- events ---- */

struct event_check {
    int n;
    int64_t next;
};

static int check_event(void *arg, const struct event_row *row, struct err *e)
{
    struct event_check *c = arg;
    assert_int_equal(row->seq, c->next++);
    assert_string_equal(row->run_id.s, nth(ID_RUN, 1).s);
    assert_string_equal(row->type, row->seq == 2 ? "step.started" : "run.status");
    assert_string_equal(row->step_id.s, row->seq == 2 ? nth(ID_STEP, 1).s : "");
    assert_string_equal(row->data, row->seq == 3 ? "{}" : "{\"a\":1}");
    assert_int_equal(row->time_us, 1000 + row->seq);
    c->n++;
    return 0;
}

static int events(struct db *db, void *arg, struct err *err)
{
    struct run_row run = a_run(arg, 1), other = a_run(arg, 2);
    struct id step = nth(ID_STEP, 1), nobody = nth(ID_RUN, 99);
    int64_t seq = 0;
    OK(run_insert(db, &run, &e));
    OK(run_insert(db, &other, &e));
    OK(event_append(db, &run.id, NULL, "run.status", 1001, "{\"a\":1}", &seq, &e));
    assert_int_equal(seq, 1);
    OK(event_append(db, &run.id, &step, "step.started", 1002, "{\"a\":1}", NULL, &e));
    OK(event_append(db, &other.id, NULL, "run.status", 1, NULL, &seq, &e));
    assert_int_equal(seq, 1); /* each stream counts for itself */
    OK(event_append(db, &run.id, &(struct id){0}, "run.status", 1003, NULL, &seq, &e));
    assert_int_equal(seq, 3);
    NO(ERR_NOT_FOUND, event_append(db, &nobody, NULL, "run.status", 1, NULL, &seq, &e));
    assert_int_equal(seq, 3);

    struct event_check c = {.next = 1};
    OK(event_list(db, &run.id, 0, 0, check_event, &c, &e));
    assert_int_equal(c.n, 3);
    c = (struct event_check){.next = 2};
    OK(event_list(db, &run.id, 1, 1, check_event, &c, &e));
    assert_int_equal(c.n, 1);
    AUTO(run_row_fini) struct run_row got = {0};
    OK(run_get(db, T1, &run.id, &got, &e));
    assert_int_equal(got.event_seq, 3);
    OK(run_save(db, &run, &e)); /* a stale event_seq in the row does no harm */
    OK(event_append(db, &run.id, NULL, "run.status", 1004, "{\"a\":1}", &seq, &e));
    assert_int_equal(seq, 4);
    return 0;
}

static void test_events(void **state)
{
    write_ok(*state, events, *state);
}

/* ---- approvals ---- */

static int note_approval(void *arg, const struct approval_row *row, struct err *e)
{
    return note(arg, &row->id);
}

static void same_approval(const struct approval_row *a, const struct approval_row *b)
{
    assert_true(id_eq(&a->id, &b->id) && id_eq(&a->run_id, &b->run_id) && id_eq(&a->step_id, &b->step_id));
    const char *const texts[][2] = {
        {a->tenant_id, b->tenant_id}, {a->kind, b->kind},
        {a->subject, b->subject},     {a->subject_hash, b->subject_hash},
        {a->rule, b->rule},           {a->reason, b->reason},
        {a->piece, b->piece},         {a->state, b->state},
        {a->actor, b->actor},         {a->surface, b->surface},
        {a->note, b->note},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!str_eq(texts[i][0], texts[i][1]))
            fail_msg("text %zu: %s, not %s", i, texts[i][1], texts[i][0]);
    assert_int_equal(a->created_us, b->created_us);
    assert_int_equal(a->expires_us, b->expires_us);
    assert_int_equal(a->resolved_us, b->resolved_us);
}

static void check_approval(struct db *db, const struct approval_row *want)
{
    AUTO(approval_row_fini) struct approval_row got = {0};
    OK(approval_get(db, T1, &want->id, &got, &e));
    same_approval(want, &got);
}

static int approvals(struct db *db, void *arg, struct err *err)
{
    struct run_row run = a_run(arg, 1);
    struct approval_row a = an_approval(1), full = an_approval(2);
    full.step_id = nth(ID_STEP, 5);
    full.rule = S("network");
    full.reason = S("reason");
    full.piece = S("piece");
    OK(run_insert(db, &run, &e));
    OK(approval_insert(db, &a, &e));
    OK(approval_insert(db, &full, &e));
    check_approval(db, &a);
    check_approval(db, &full);

    full.state = S("allowed");
    full.actor = S("alice");
    full.surface = S("console");
    full.note = S("fine");
    full.resolved_us = 9;
    OK(approval_save(db, &full, &e));
    check_approval(db, &full);
    struct approval_row late = full;
    late.state = S("denied");
    late.actor = S("bob");
    NO(ERR_RESOLVED, approval_save(db, &late, &e)); /* the first answer stands */
    check_approval(db, &full);
    full.state = S("void"); /* what ran would not have been what was approved */
    OK(approval_save(db, &full, &e));
    check_approval(db, &full);

    late.id = nth(ID_APPROVAL, 99);
    NO(ERR_NOT_FOUND, approval_save(db, &late, &e));
    a.tenant_id = S(T2);
    NO(ERR_NOT_FOUND, approval_save(db, &a, &e));
    a.id = nth(ID_APPROVAL, 98);
    NO(ERR_NOT_FOUND, approval_insert(db, &a, &e)); /* the run is another tenant's */
    return 0;
}

static void test_approvals(void **state)
{
    write_ok(*state, approvals, *state);
}

static int approval_lists(struct db *db, void *arg, struct err *err)
{
    struct run_row run = a_run(arg, 1);
    OK(run_insert(db, &run, &e));
    for (int i = 1; i <= 4; i++) {
        struct approval_row a = an_approval(i);
        a.state = i == 2 ? S("denied") : S("pending");
        OK(approval_insert(db, &a, &e));
    }
    struct seen s = {0};
    OK(approval_list(db, &(struct approval_filter){.tenant = T1, .limit = 3}, note_approval, &s, &e));
    assert_int_equal(s.n, 3);
    assert_string_equal(s.ids[0].s, nth(ID_APPROVAL, 1).s); /* oldest first */
    s.n = 0;
    struct approval_filter by_state = {.tenant = T1, .state = "pending", .after = nth(ID_APPROVAL, 1)};
    OK(approval_list(db, &by_state, note_approval, &s, &e));
    assert_int_equal(s.n, 2);
    s.n = 0;
    OK(approval_list(db, &(struct approval_filter){.run = &run.id, .state = "denied"}, note_approval, &s, &e));
    assert_int_equal(s.n, 1);
    OK(approval_list(db, &(struct approval_filter){.tenant = T2, .run = &run.id}, note_approval, &s, &e));
    OK(approval_list(db, &(struct approval_filter){.tenant = T2}, note_approval, &s, &e));
    assert_int_equal(s.n, 1);
    NO(ERR_INTERNAL, approval_list(db, &(struct approval_filter){0}, note_approval, &s, &e));
    s.n = 0;
    OK(approval_list_expired(db, 300, 0, note_approval, &s, &e)); /* 1 and 3; 2 is answered */
    assert_int_equal(s.n, 2);
    return 0;
}

static void test_approval_lists(void **state)
{
    write_ok(*state, approval_lists, *state);
}

/* ---- artifacts ---- */

static int note_artifact(void *arg, const struct artifact_row *row, struct err *e)
{
    return note(arg, &row->id);
}

static int artifacts(struct db *db, void *arg, struct err *err)
{
    struct run_row run = a_run(arg, 1);
    struct artifact_row a = an_artifact(1), again = an_artifact(2), other = an_artifact(3);
    OK(run_insert(db, &run, &e));
    a.step_id = nth(ID_STEP, 4);
    OK(artifact_insert(db, &a, &e));
    AUTO(artifact_row_fini) struct artifact_row got = {0};
    OK(artifact_get(db, T1, &a.id, &got, &e));
    assert_true(id_eq(&got.run_id, &a.run_id) && id_eq(&got.step_id, &a.step_id));
    assert_string_equal(got.tenant_id, T1);
    assert_string_equal(got.name, "report.md");
    assert_string_equal(got.media_type, "text/markdown");
    assert_string_equal(got.sha256, HEX64);
    assert_int_equal(got.size_bytes, 11);
    assert_int_equal(got.created_us, 21);

    OK(artifact_insert(db, &again, &e)); /* same name: replaced */
    artifact_row_fini(&got);
    NO(ERR_NOT_FOUND, artifact_get(db, T1, &a.id, &got, &e));
    other.name = S("diff.patch");
    OK(artifact_insert(db, &other, &e));
    struct seen s = {0};
    OK(artifact_list(db, &run.id, note_artifact, &s, &e));
    assert_int_equal(s.n, 2);
    assert_string_equal(s.ids[0].s, again.id.s);
    other.tenant_id = S(T2);
    other.name = S("stolen");
    other.id = nth(ID_ARTIFACT, 9);
    NO(ERR_NOT_FOUND, artifact_insert(db, &other, &e));
    return 0;
}

static void test_artifacts(void **state)
{
    write_ok(*state, artifacts, *state);
}

/* ---- bytes from outside ---- */

static const char *const nasty[] = {
    "'; DROP TABLE runs; --",
    "\" OR 1=1 --",
    "%",
    "_",
    "$1",
    "?1",
    "\\",
    "x' UNION SELECT hash FROM tokens --",
    "\xff\xfe",
    "\n\t\r",
    "\u202e",
};

static int injections(struct db *db, void *arg, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(nasty); i++) {
        struct run_row run = a_run(arg, (int)i + 1);
        run.intent = run.actor = run.reason_text = run.node_name = S(nasty[i]);
        OK(run_insert(db, &run, &e));
        AUTO(run_row_fini) struct run_row got = {0};
        OK(run_get(db, T1, &run.id, &got, &e));
        same_run(&run, &got);
        NO(ERR_NOT_FOUND, run_get(db, nasty[i], &run.id, &got, &e));
        struct seen s = {0};
        OK(run_list(db, &(struct run_filter){.tenant = nasty[i]}, note_run, &s, &e));
        OK(run_list(db, &(struct run_filter){.tenant = T1, .state = nasty[i]}, note_run, &s, &e));
        assert_int_equal(s.n, 0);
        OK(run_list_open(db, nasty[i], note_run, &s, &e));
        assert_int_equal(s.n, 1);
        OK(event_append(db, &run.id, NULL, nasty[i], 1, nasty[i], NULL, &e));
    }
    return 0;
}

static void test_injections(void **state)
{
    write_ok(*state, injections, *state);
    assert_int_equal(count_of(*state, "runs"), ARRAY_LEN(nasty));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_up, fixture_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_run_round_trip), T(test_every_node), T(test_bad_runs),   T(test_other_tenant), T(test_lists),
        T(test_nested_list),    T(test_steps),      T(test_step_lists), T(test_events),       T(test_approvals),
        T(test_approval_lists), T(test_artifacts),  T(test_injections),
    };
    return cmocka_run_group_tests_name("store/runs", tests, NULL, NULL);
}
