/* Workers over a sandbox that never stands, or that speaks to somebody else: what they hold stays theirs, and their
 * runs end. */
#include "tests/service/rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/clock.h"
#include "os/logfile.h"
#include "sandbox/sandbox.h"
#include "worker/worker.h"

/* A shim that gives up, after it did what `text` says. */
static void bad_shim(const struct rig *g, const char *text)
{
    size_t n = strlen(text);
    char path[96];
    int fd;

    snprintf(path, sizeof path, "%s/shim", g->dir);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), n);
    close(fd);
    assert_int_equal(setenv("SALLYPORT_SHIM", path, 1), 0);
}

static void a_run_that_takes_longer_than_its_lease_is_not_taken_away(void **state)
{
    struct rig *g = *state;
    struct workers *workers = NULL;
    struct id id;

    bad_shim(g, "#!/bin/sh\nsleep 2.5\n");
    g->svc.set.lease_ms = 1000;
    id = rig_run(g, "{\"project_id\":\"hello\",\"review\":\"none\",\"steps\":[{\"command\":\"true\"}]}");
    OK(workers_start(&g->svc, 3, &workers, &e));
    for (int i = 0; i < 200 && !str_eq(rig_state(g, &id), "failed"); i++)
        clock_sleep_us(50 * MS_US);
    assert_string_equal(rig_state(g, &id), "failed");
    workers_stop(workers);
    assert_int_equal(unsetenv("SALLYPORT_SHIM"), 0);
    assert_int_equal(rig_count(g, "SELECT lease_token FROM runs"), 1); /* claimed once: from planning it goes on */
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_events WHERE type='step.finished'"), 1);
}

/* A shim that never starts: the server's own failure, which is tried again with growing delays, and in the end told. */
static void what_the_server_fails_at_is_tried_again_and_then_told(void **state)
{
    struct rig *g = *state;
    struct queue_counts n = {0};
    struct workers *workers = NULL;
    struct run_row row = {0};
    struct id id;

    assert_int_equal(setenv("SALLYPORT_SHIM", "/bin/false", 1), 0);
    g->svc.counts = &n;
    g->svc.set.retries = 2;
    g->svc.set.retry_ms = 5;
    g->svc.set.retry_max_ms = 20;
    id = rig_run(g, "{\"project_id\":\"hello\",\"review\":\"none\",\"steps\":[{\"command\":\"true\"}]}");
    OK(workers_start(&g->svc, 2, &workers, &e));
    for (int i = 0; i < 400 && !str_eq(rig_state(g, &id), "failed"); i++)
        clock_sleep_us(50 * MS_US);
    workers_stop(workers);
    assert_int_equal(unsetenv("SALLYPORT_SHIM"), 0);
    OK(runs_row(&g->svc, NULL, &id, &row, &e));
    assert_string_equal(run_sm_state(row.node), "failed");
    assert_string_equal(row.reason_code, "sandbox_failed");
    run_row_fini(&row);
    assert_int_equal(n.retries, 2);
    assert_int_equal(n.given_up, 1);
    assert_int_equal(n.lost, 0);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM audits WHERE action='run.retried'"), 2);
    assert_int_equal(rig_count(g, "SELECT lease_token FROM runs"), 3); /* three claims */
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_events WHERE type='step.finished'"), 1);
}

static void ends(struct rig *g, const struct id *id, const char *state, const char *reason)
{
    struct run_row row = {0};

    for (int i = 0; i < 1200 && !str_eq(rig_state(g, id), state); i++)
        clock_sleep_us(50 * MS_US);
    OK(runs_row(&g->svc, NULL, id, &row, &e));
    assert_string_equal(run_sm_state(row.node), state);
    assert_string_equal(row.reason_code ? row.reason_code : "", reason);
    run_row_fini(&row);
}

/* The server fails at it, and would try again; but somebody asked to cancel. */
static void what_is_canceled_while_the_server_fails_at_it_ends_as_canceled(void **state)
{
    struct rig *g = *state;
    struct workers *workers = NULL;
    char text[256], began[96];
    struct id id;
    int fd;

    snprintf(began, sizeof began, "%s/began", g->dir);
    snprintf(text, sizeof text, "#!/bin/sh\n: > %s\nwhile [ ! -e %s/go ]; do sleep 0.05; done\n", began, g->dir);
    bad_shim(g, text);
    g->svc.set.retries = 3;
    g->svc.set.retry_ms = g->svc.set.retry_max_ms = 5;
    id = rig_run(g, "{\"project_id\":\"hello\",\"review\":\"none\",\"steps\":[{\"command\":\"true\"}]}");
    OK(workers_start(&g->svc, 1, &workers, &e));
    for (int i = 0; i < 1200 && access(began, F_OK) < 0; i++)
        clock_sleep_us(50 * MS_US);
    OK(runs_cancel(&g->svc, &g->c, &id, &e));
    snprintf(text, sizeof text, "%s/go", g->dir);
    fd = open(text, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    ends(g, &id, "canceled", "canceled_by_user");
    workers_stop(workers);
    assert_int_equal(unsetenv("SALLYPORT_SHIM"), 0);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_steps WHERE state='canceled'"), 1);
}

static void a_question_that_nobody_answers_ends_its_run_as_expired(void **state)
{
    struct rig *g = *state;
    struct workers *workers = NULL;
    struct id id = rig_run(g, "{\"project_id\":\"hello\",\"review\":\"none\",\"steps\":[{\"command\":\"curl x\"}]}");

    OK(workers_start(&g->svc, 1, &workers, &e));
    for (int i = 0; i < 1200 && !str_eq(rig_state(g, &id), "awaiting_approval"); i++)
        clock_sleep_us(50 * MS_US);
    assert_int_equal(rig_mend(g, MEND_WAIT_EXPIRED, clock_now_us() + 61 * SEC_US), 1);
    runs_wake(&g->svc);
    ends(g, &id, "failed", "expired");
    workers_stop(workers);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_steps WHERE state='denied'"), 1);
}

/* Two that both think the run is theirs: a shim speaks to who came last. */
static void a_connection_that_is_taken_is_taken_back(void **state)
{
    struct rig *g = *state;
    struct workers *workers = NULL;
    struct id id;
    struct stat st = {0};
    char dir[128], log[160];

    assert_non_null(getenv("REAL_SHIM")); /* tests/service/meson.build */
    assert_int_equal(setenv("SALLYPORT_SHIM", getenv("REAL_SHIM"), 1), 0);
    id = rig_run(g, "{\"project_id\":\"hello\",\"review\":\"none\",\"steps\":[{\"command\":\"echo begun; sleep 4\"}]}");
    snprintf(dir, sizeof dir, "%s/data/runs/%s", g->dir, id.s);
    snprintf(log, sizeof log, "%s/logs/0.1.log", dir);
    OK(workers_start(&g->svc, 1, &workers, &e));
    for (int i = 0; i < 2000 && (stat(log, &st) < 0 || st.st_size < (off_t)(LOG_START + 16 + strlen("begun"))); i++)
        clock_sleep_us(10 * MS_US);
    for (int i = 0; i < 3; i++) {
        struct sandbox *sb = NULL;
        bool running = false;
        int index, attempt;

        OK(sandbox_adopt(dir, &sb, &running, &index, &attempt, &e));
        assert_true(running);
        clock_sleep_us(100 * MS_US);
        sandbox_detach(sb);
    }
    ends(g, &id, "succeeded", "");
    workers_stop(workers);
    assert_int_equal(unsetenv("SALLYPORT_SHIM"), 0);
    assert_int_equal(rig_count(g, "SELECT count(*) FROM run_steps WHERE state='succeeded' AND attempt=1"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_that_takes_longer_than_its_lease_is_not_taken_away, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(what_the_server_fails_at_is_tried_again_and_then_told, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(what_is_canceled_while_the_server_fails_at_it_ends_as_canceled, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(a_connection_that_is_taken_is_taken_back, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_question_that_nobody_answers_ends_its_run_as_expired, rig_up, rig_down),
    };

    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
