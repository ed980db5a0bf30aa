/* What does not agree is found, said, put right once, and nothing else is touched; a dry pass says the same and changes
 * nothing. */
#include "tests/service/rig.h"

#include <fcntl.h>
#include <pthread.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "service/artifacts.h"
#include "service/reconcile.h"
#include "worker/worker.h"

#define STEPS(cmd) "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"" cmd "\"}]"
#define NONE       STEPS("true") ",\"review\":\"none\"}"

static int up(void **state)
{
    struct rig *g;
    int r = rig_up(state);

    g = *state;
    OK(reconciler_new(&g->svc, &g->svc.reconciler, &e));
    return r;
}

static int down(void **state)
{
    struct rig *g = *state;

    reconciler_free(g->svc.reconciler);
    return rig_down(state);
}

/* A pass; its answer is valid until the next. */
static const struct json *pass(struct rig *g, enum reconcile_pass kind)
{
    struct buf b = BUF_INIT(4 * MIB);
    struct jw w = JW_INIT(&b);

    OK(reconcile(g->svc.reconciler, kind, &g->c, &w, &e));
    rig_json(g, b.p);
    buf_fini(&b);
    return g->reply;
}

/* What is outside the data directory is the machine's: other tests that were killed may have left it. */
static bool of_the_machine(const struct json *a)
{
    const char *detail = json_str(json_get(a, "detail"));

    return detail[0] == '/' || str_starts(detail, "process ");
}

/* "what what …" of a pass; problems fail. */
static void listed(struct rig *g, enum reconcile_pass kind, char ret[600])
{
    const struct json *doc = pass(g, kind), *list = json_get(doc, "actions");

    ret[0] = 0;
    for (size_t i = 0; i < json_len(list); i++)
        if (!of_the_machine(json_at(list, i)))
            snprintf(ret + strlen(ret), 600 - strlen(ret), "%s%s", ret[0] ? " " : "",
                     json_str(json_get(json_at(list, i), "what")));
    list = json_get(doc, "problems");
    if (json_len(list) && !str_starts(json_str(json_get(json_at(list, 0), "detail")), "/"))
        fail_msg("%s: %s", json_str(json_get(json_at(list, 0), "what")),
                 json_str(json_get(json_at(list, 0), "detail")));
}

/* A dry pass says it, twice; a real one does it; then there is nothing any more. */
static void puts_right(struct rig *g, const char *want)
{
    char got[600];

    for (int i = 0; i < 2; i++) {
        listed(g, RECONCILE_DRY, got);
        assert_string_equal(got, want);
    }
    listed(g, RECONCILE_ALL, got);
    assert_string_equal(got, want);
    listed(g, RECONCILE_ALL, got);
    assert_string_equal(got, "");
}

static int64_t audits(struct rig *g, const char *what)
{
    char sql[200];

    snprintf(sql, sizeof sql, "SELECT count(*) FROM audits WHERE action = 'reconcile.%s'", what);
    return rig_count(g, sql);
}

static struct id ended(struct rig *g)
{
    struct id id = rig_run(g, STEPS("true") "}");
    struct lease l;

    rig_planned(g, &id);
    OK(runs_cancel(&g->svc, &g->c, &id, &e));
    l = rig_claim(g, "finish");
    rig_finish(g, &l);
    return id;
}

/* Without those about the machine. */
#define OUR_AUDITS                                                                                                     \
    "SELECT count(*) FROM audits WHERE action LIKE 'reconcile.%' AND data NOT LIKE '%\"/%' AND data NOT LIKE"          \
    " '%process%'"

static void nothing_is_wrong(void **state)
{
    struct rig *g = *state;
    struct id open = rig_run(g, NONE), waits = rig_run(g, STEPS("true") "}");

    (void)open;
    (void)waits;
    puts_right(g, "");
    assert_int_equal(rig_count(g, OUR_AUDITS), 0);
}

/* ---- rows -------------------------------------------------------------- */

static void ended_leases(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, NONE);
    struct lease old = rig_claim(g, "plan"), now;
    bool cancel;

    puts_right(g, ""); /* a live lease is nobody else's business */
    rig_sql(g, "UPDATE run_queue SET lease_ends_us = 1, priority = 7");
    puts_right(g, "lease_expired");
    assert_string_equal(rig_state(g, &id), "queued");
    NO(ERR_LEASE, runs_extend(&g->svc, &old, &cancel, &e));
    now = rig_claim(g, "plan");
    assert_true(now.token > old.token);
    assert_int_equal(rig_count(g, "SELECT attempts FROM run_queue WHERE priority = 7"), 1); /* a lost lease counts */
    assert_int_equal(audits(g, "lease_expired"), 1);
}

static void leases_of_the_process_before(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, NONE);
    struct lease old = rig_claim(g, "plan"), now;
    char got[600];

    listed(g, RECONCILE_START, got);
    assert_string_equal(got, "lease_dropped");
    listed(g, RECONCILE_START, got);
    assert_string_equal(got, "");
    now = rig_claim(g, "plan");
    assert_true(id_eq(&now.run_id, &id) && now.token > old.token);
    assert_int_equal(audits(g, "lease_dropped"), 1);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM audits WHERE action = 'reconcile.lease_dropped' AND run_id"
                                  " IS NOT NULL AND trace_id IS NOT NULL"),
                     1);
}

static void runs_of_a_node_that_is_gone(void **state)
{
    struct rig *g = *state;
    struct id held = rig_run(g, NONE), waits = rig_run(g, STEPS("true") "}"), queued;
    struct run_row row = {0};
    struct lease l = rig_claim(g, "plan");

    assert_true(id_eq(&l.run_id, &held));
    rig_planned(g, &waits);
    queued = rig_run(g, NONE);
    rig_sql(g, "UPDATE runs SET node_name = 'old'; UPDATE run_queue SET node_name = 'old'");
    NO(ERR_EMPTY, runs_claim(&g->svc, "w", &l, &row, &e));
    puts_right(g, "run_taken_over run_taken_over run_taken_over");
    assert_string_equal(rig_state(g, &held), "queued");
    assert_string_equal(rig_state(g, &waits), "awaiting_review");
    assert_string_equal(rig_state(g, &queued), "queued");
    (void)rig_claim(g, "plan");
    (void)rig_claim(g, "plan");
    assert_int_equal(rig_count(g, "SELECT count(*) FROM runs WHERE node_name <> 'test'"), 0);
}

static void rows_that_are_missing(void **state)
{
    struct rig *g = *state;
    struct id held = rig_run(g, NONE), queued, waits;

    (void)rig_claim(g, "plan");
    waits = rig_run(g, STEPS("true") "}");
    rig_planned(g, &waits);
    queued = rig_run(g, NONE);
    rig_sql(g, "DELETE FROM run_queue");
    puts_right(g, "run_requeued run_requeued");
    assert_string_equal(rig_state(g, &held), "queued");
    assert_string_equal(rig_state(g, &queued), "queued");
    assert_string_equal(rig_state(g, &waits), "awaiting_review");
    (void)rig_claim(g, "plan");
    (void)rig_claim(g, "plan");
    assert_int_equal(audits(g, "run_requeued"), 2);
}

static void rows_too_many(void **state)
{
#define COLS "run_id, tenant_id, phase, priority, available_us, attempts, lease_ends_us, enqueued_us, lease_token"
    struct rig *g = *state;
    struct id id = ended(g), waits = rig_run(g, STEPS("true") "}"), open;
    char sql[800];

    rig_planned(g, &waits);
    open = rig_run(g, NONE);
    (void)open;
    snprintf(sql, sizeof sql,
             "INSERT INTO run_queue (" COLS ") SELECT id, 'default', 'plan', 0, 0, 0, 0, 0, 0 FROM runs WHERE id IN"
             " ('%s', '%s'); INSERT INTO run_queue (" COLS
             ") VALUES ('run_00000000000000000000000000', 'default', 'plan',"
             " 0, 0, 0, 0, 0, 0); UPDATE approvals SET state = 'pending', resolved_us = 0 WHERE run_id = '%s'",
             id.s, waits.s, id.s);
    rig_sql(g, sql);
    puts_right(g, "queue_row_removed queue_row_removed queue_row_removed approval_voided");
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_queue"), 1);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM approvals WHERE state = 'pending'"), 1);
    /* run.completed stays the last event of the run */
    snprintf(sql, sizeof sql,
             "SELECT type = 'run.completed' FROM run_events WHERE run_id = '%s' ORDER BY seq DESC LIMIT 1", id.s);
    assert_int_equal(rig_count(g, sql), 1);
}

static void waits_and_keys(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, STEPS("true") "}");

    rig_planned(g, &id);
    rig_sql(g,
            "UPDATE runs SET expires_us = 1; INSERT INTO idempotency_keys VALUES ('default', 't', 'r', 'k', 'h', 200,"
            " '', '', 1), ('default', 't', 'r', 'k2', 'h', 200, '', '', strftime('%s') * 1000000)");
    puts_right(g, "wait_expired keys_dropped");
    assert_string_equal(rig_state(g, &id), "queued"); /* to finish */
    assert_int_equal(rig_count(g, "SELECT count(*) FROM approvals WHERE state = 'expired'"), 1);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM idempotency_keys WHERE key IN ('k', 'k2')"), 1);
    assert_int_equal(audits(g, "wait_expired"), 1);
    assert_int_equal(audits(g, "keys_dropped"), 1);
}

/* ---- files ------------------------------------------------------------- */

static void put(struct rig *g, const char *path, bool old)
{
    const struct timespec then[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    int fd = openat(g->svc.data_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    close(fd);
    if (old)
        assert_int_equal(utimensat(g->svc.data_fd, path, then, 0), 0);
}

static bool is_there(struct rig *g, const char *path)
{
    return faccessat(g->svc.data_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void run_dir(struct rig *g, const struct id *id, const char *below)
{
    char path[128];

    snprintf(path, sizeof path, "runs/%s/%s", id->s, below);
    OK(dir_make(g->svc.data_fd, path, NULL, &e));
}

static bool has_dir(struct rig *g, const struct id *id, const char *below)
{
    char path[128];

    snprintf(path, sizeof path, "runs/%s/%s", id->s, below);
    return is_there(g, path);
}

static void layers_of_final_runs(void **state)
{
    struct rig *g = *state;
    struct id done = ended(g), just = ended(g), open = rig_run(g, NONE);
    const struct id *all[] = {&done, &just, &open};
    char path[128], sql[200];

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        run_dir(g, all[i], "layers/0.1/upper");
        run_dir(g, all[i], "shim");
        run_dir(g, all[i], "logs");
        snprintf(path, sizeof path, "runs/%s/.tmp-seen", all[i]->s);
        put(g, path, false);
    }
    snprintf(sql, sizeof sql, "UPDATE runs SET finished_us = 1 WHERE id = '%s'", done.s);
    rig_sql(g, sql);
    puts_right(g, "layers_removed");
    assert_false(has_dir(g, &done, "layers") || has_dir(g, &done, "shim") || has_dir(g, &done, ".tmp-seen"));
    assert_true(has_dir(g, &done, "logs"));
    assert_true(has_dir(g, &just, "layers/0.1/upper")); /* its worker may be at it */
    assert_true(has_dir(g, &open, "layers/0.1/upper") && has_dir(g, &open, "shim") && has_dir(g, &open, ".tmp-seen"));
}

static void directories_without_a_row(void **state)
{
    struct rig *g = *state;
    struct id old = id_new(ID_RUN), young = id_new(ID_RUN);
    const struct timespec then[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    char path[128];

    run_dir(g, &old, "layers/0.1/upper");
    run_dir(g, &young, "layers");
    OK(dir_make(g->svc.data_fd, "runs/somebody-elses", NULL, &e));
    snprintf(path, sizeof path, "runs/%s", old.s);
    assert_int_equal(utimensat(g->svc.data_fd, path, then, 0), 0);
    puts_right(g, "run_dir_removed");
    assert_false(is_there(g, path));
    assert_true(has_dir(g, &young, "layers"));
    assert_true(is_there(g, "runs/somebody-elses"));
}

static void kept_content(void **state)
{
    struct rig *g = *state;
    const struct timespec then[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    char sum[3][SHA256_HEX], path[3][128];
    static const char *const text[] = {"named", "unnamed", "kept again"};
    char sql[300];

    (void)ended(g);
    for (size_t i = 0; i < 3; i++) {
        OK(artifacts_keep(&g->svc, text[i], strlen(text[i]), sum[i], &e));
        snprintf(path[i], sizeof path[i], "blobs/%.2s/%.64s", sum[i], sum[i]);
        assert_int_equal(utimensat(g->svc.data_fd, path[i], then, 0), 0);
    }
    snprintf(sql, sizeof sql, "UPDATE artifacts SET sha256 = '%s'", sum[0]);
    rig_sql(g, sql);
    OK(artifacts_keep(&g->svc, text[2], strlen(text[2]), sum[2], &e)); /* about to be named again */
    puts_right(g, "blob_removed");
    assert_true(is_there(g, path[0]));
    assert_false(is_there(g, path[1]));
    assert_true(is_there(g, path[2]));
}

static void temporary_files(void **state)
{
    struct rig *g = *state;

    OK(dir_make(g->svc.data_fd, "blobs/ab", NULL, &e));
    put(g, ".tmp-0123456789abcdef", true);
    put(g, "blobs/ab/.tmp-0123456789abcdef", true);
    put(g, "audit/.tmp-0123456789abcdef", true);
    put(g, ".tmp-new", false); /* somebody may be writing it */
    put(g, "tmp-other", true);
    puts_right(g, "temp_removed temp_removed temp_removed");
    assert_true(is_there(g, ".tmp-new") && is_there(g, "tmp-other") && is_there(g, "sallyport.db"));
}

static void what_cannot_be_done_is_said(void **state)
{
    struct rig *g = *state;
    struct id id = ended(g);
    const struct json *doc;
    struct reconcile_stats s;
    char path[128], sql[200], text[PATH_MAX];

    run_dir(g, &id, "layers");
    run_dir(g, &id, "apply");
    snprintf(path, sizeof path, "runs/%s/apply/go", id.s);
    put(g, path, false);
    snprintf(sql, sizeof sql, "UPDATE runs SET finished_us = 1 WHERE id = '%s'", id.s);
    rig_sql(g, sql);
    snprintf(text, sizeof text, "%s.away", g->project);
    assert_int_equal(rename(g->project, text), 0);
    (void)pass(g, RECONCILE_START); /* nothing of files */
    doc = pass(g, RECONCILE_ALL);
    assert_int_equal(json_len(json_get(doc, "problems")), 1);
    assert_string_equal(json_str(json_get(json_at(json_get(doc, "problems"), 0), "what")), "apply_settled");
    assert_true(has_dir(g, &id, "layers")); /* the apply needs them when the project is back */
    reconcile_stats(g->svc.reconciler, &s);
    assert_int_equal(s.problems, 1);
    assert_int_equal(rename(text, g->project), 0);
}

static void many_are_bounded(void **state)
{
    struct rig *g = *state;
    const struct json *doc;
    char name[64];

    for (int i = 0; i < 1010; i++) {
        snprintf(name, sizeof name, ".tmp-%016x", i);
        put(g, name, true);
    }
    doc = pass(g, RECONCILE_DRY);
    assert_int_equal(json_len(json_get(doc, "actions")), 1000);
    assert_true(json_true(json_get(doc, "more")));
    doc = pass(g, RECONCILE_ALL);
    assert_int_equal(json_len(json_get(doc, "actions")), 1000);
    assert_true(json_true(json_get(doc, "more")));
    doc = pass(g, RECONCILE_ALL);
    assert_true(json_len(json_get(doc, "actions")) >= 10);
    assert_false(json_true(json_get(doc, "more")));
    assert_int_equal(rig_count(g, "SELECT count(*) FROM audits WHERE data LIKE '%\".tmp-%'"), 1010);
}

/* The timer's passes find everything too, a piece at a time. */
static void ticks_find_it_all(void **state)
{
    struct rig *g = *state;
    struct id id = ended(g);
    struct reconcile_stats s;
    char sum[SHA256_HEX], path[128];
    const struct timespec then[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};

    rig_sql(g, "UPDATE runs SET finished_us = 1");
    run_dir(g, &id, "layers");
    OK(artifacts_keep(&g->svc, "x", 1, sum, &e));
    snprintf(path, sizeof path, "blobs/%.2s/%s", sum, sum);
    assert_int_equal(utimensat(g->svc.data_fd, path, then, 0), 0);
    for (int i = 0; i < 256; i++)
        OK(reconcile(g->svc.reconciler, RECONCILE_TICK, NULL, NULL, &e));
    assert_false(has_dir(g, &id, "layers") || is_there(g, path));
    reconcile_stats(g->svc.reconciler, &s);
    assert_int_equal(s.passes, 256);
    assert_int_equal(s.actions[RC_LAYERS_REMOVED], 1);
    assert_int_equal(s.actions[RC_BLOB_REMOVED], 1);
}

/* ---- beside live work -------------------------------------------------- */

struct loop {
    struct rig *g;
    atomic_bool stop;
    atomic_int passes;
};

static void *reconcile_for_ever(void *arg)
{
    struct loop *l = arg;

    while (!l->stop) {
        OK(reconcile(l->g->svc.reconciler, l->passes++ % 4 == 3 ? RECONCILE_DRY : RECONCILE_ALL, NULL, NULL, &e));
        OK(reconcile(l->g->svc.reconciler, RECONCILE_TICK, NULL, NULL, &e));
    }
    return NULL;
}

#define LIVE 24

static void live_runs_are_not_harmed(void **state)
{
    struct rig *g = *state;
    struct workers *workers = NULL;
    struct loop l[2] = {{.g = g}, {.g = g}};
    pthread_t t[2];
    char path[96];
    int fd;

    snprintf(path, sizeof path, "%s/shim", g->dir);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    assert_int_equal(write(fd, "#!/bin/false\n", 13), 13);
    close(fd);
    assert_int_equal(setenv("SALLYPORT_SHIM", path, 1), 0);
    OK(workers_start(&g->svc, 3, &workers, &e));
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i], NULL, reconcile_for_ever, &l[i]), 0);
    for (int i = 0; i < LIVE; i++)
        (void)rig_run(g, i % 2 ? NONE : STEPS("true") ",\"review\":\"effects\"}");
    for (int i = 0; i < 1200 && rig_count(g, "SELECT count(*) FROM runs WHERE state = 'failed'") < LIVE; i++)
        clock_sleep_us(50 * MS_US);
    for (size_t i = 0; i < 2; i++) {
        l[i].stop = true;
        pthread_join(t[i], NULL);
        assert_true(l[i].passes > 0);
    }
    workers_stop(workers);
    assert_int_equal(unsetenv("SALLYPORT_SHIM"), 0);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM runs WHERE state = 'failed' AND reason_code LIKE 'sandbox%'"),
                     LIVE);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_events WHERE type = 'step.finished'"), LIVE);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM artifacts"), 3 * LIVE);
    assert_int_equal(rig_count(g, OUR_AUDITS), 0);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM runs WHERE lease_token > 2"), 0); /* nobody lost one */
}

static void *ask_for_ever(void *arg)
{
    struct loop *l = arg;
    struct err why = ERR_INIT;

    while (!l->stop) {
        int r = reconcile(l->g->svc.reconciler, RECONCILE_DRY, &l->g->c, NULL, &why);
        assert_true(r == 0 || r == -ERR_UNAVAILABLE);
        l->passes += r == 0;
        clock_sleep_us(2 * MS_US); /* the other one has its turn, too */
    }
    return NULL;
}

/* Of two who ask at once one is told to come back; the timer's pass waits its turn. */
static void one_is_asked_for_at_a_time(void **state)
{
    struct rig *g = *state;
    struct loop l = {.g = g};
    struct err why = ERR_INIT;
    int64_t until = clock_mono_us() + 20 * SEC_US;
    pthread_t t;
    int refused = 0, done = 0;

    assert_int_equal(pthread_create(&t, NULL, ask_for_ever, &l), 0);
    while ((!refused || !done || !l.passes) && clock_mono_us() < until) {
        int r = reconcile(g->svc.reconciler, RECONCILE_DRY, &g->c, NULL, &why);
        assert_true(r == 0 || r == -ERR_UNAVAILABLE);
        done += r == 0;
        if (r < 0) {
            refused++;
            assert_non_null(strstr(why.msg, "ask again"));
        }
        OK(reconcile(g->svc.reconciler, RECONCILE_TICK, NULL, NULL, &e));
    }
    l.stop = true;
    pthread_join(t, NULL);
    assert_true(refused && done && l.passes);
    OK(reconcile(g->svc.reconciler, RECONCILE_DRY, &g->c, NULL, &e)); /* and again when nobody else does */
}

/* Content is kept, made old and kept again while passes remove what is old: what was kept last is always there. */
static void content_is_never_lost(void **state)
{
    struct rig *g = *state;
    const struct timespec then[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    struct loop l = {.g = g};
    char sum[SHA256_HEX], path[128];
    pthread_t t;
    int removed = 0;

    assert_int_equal(pthread_create(&t, NULL, reconcile_for_ever, &l), 0);
    for (int i = 0; i < 300; i++) {
        OK(artifacts_keep(&g->svc, "x", 1, sum, &e));
        snprintf(path, sizeof path, "blobs/%.2s/%s", sum, sum);
        for (int k = 0; k < 3; k++) {
            assert_true(is_there(g, path));
            clock_sleep_us(100);
        }
        removed += utimensat(g->svc.data_fd, path, then, 0) == 0;
        clock_sleep_us(i % 5 * 200);
    }
    l.stop = true;
    pthread_join(t, NULL);
    assert_int_equal(removed, 300);
    assert_true(audits(g, "blob_removed") > 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_wrong),
        TEST(ended_leases),
        TEST(leases_of_the_process_before),
        TEST(runs_of_a_node_that_is_gone),
        TEST(rows_that_are_missing),
        TEST(rows_too_many),
        TEST(waits_and_keys),
        TEST(layers_of_final_runs),
        TEST(directories_without_a_row),
        TEST(kept_content),
        TEST(temporary_files),
        TEST(what_cannot_be_done_is_said),
        TEST(many_are_bounded),
        TEST(ticks_find_it_all),
        TEST(live_runs_are_not_harmed),
        TEST(content_is_never_lost),
        TEST(one_is_asked_for_at_a_time),
    };

    return cmocka_run_group_tests_name("reconcile", tests, NULL, NULL);
}
