/* Killed, or out of disk in the middle: what was acknowledged is there, what was not left no half.
 *
 * Each child opens its store after the fork; the parent only looks at what it left. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/str.h"
#include "fixture.h"
#include "store/queue_rows.h"
#include "os/clock.h"

static int insert_first(struct db *db, void *arg, struct err *e)
{
    struct run_row a = a_run(arg, 1);
    return run_insert(db, &a, e);
}

/* One transaction as services make them: an event, an audit record, a queue row. */
static int step_on(struct db *db, void *arg, struct err *e)
{
    int64_t *seq = arg;
    struct id run = nth(ID_RUN, 1);
    struct audit_rec rec = {.time_us = 1, .tenant_id = T1, .actor = "a", .surface = "api", .action = "x"};
    int64_t audit = 0;
    int r = event_append(db, &run, NULL, "run.status", 1, NULL, seq, e);
    if (r == 0)
        r = audit_append(db, &rec, &run, &audit, e);
    if (r == 0)
        r = queue_put(db, &run, "plan", 0, *seq, e);
    return r == 0 && audit != *seq ? err_set(e, ERR_INTERNAL, "apart") : r;
}

/* ---- in the child ---- */

static void child_writes(struct fixture *f, int out)
{
    struct store_config c = {.path = f->path, .full_sync = true};
    struct store *s = NULL;
    if (store_open(&c, &s, NULL) < 0)
        _exit(9);
    for (;;) {
        int64_t seq = 0;
        if (store_write(s, step_on, &seq, NULL) < 0)
            _exit(8);
        if (write(out, &seq, sizeof seq) != sizeof seq)
            _exit(7);
    }
}

/* The last acknowledged number after at least `n` of them, and the child is killed on the spot. */
static int64_t kill_after(struct fixture *f, int n)
{
    int fds[2];
    int64_t seq = 0, last = 0;
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        child_writes(f, fds[1]);
    }
    close(fds[1]);
    for (int i = 0; i < n && read(fds[0], &seq, sizeof seq) == sizeof seq; i++)
        last = seq;
    kill(pid, SIGKILL);
    while (read(fds[0], &seq, sizeof seq) == sizeof seq)
        last = seq;
    close(fds[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return last;
}

/* ---- what is left ---- */

static int next_event(void *arg, const struct event_row *row, struct err *e)
{
    int64_t *last = arg;
    assert_int_equal(row->seq, ++*last);
    return 0;
}

struct chain {
    struct audit_verifier v;
};

static int next_record(void *arg, const struct audit_row *row, struct err *err)
{
    struct chain *c = arg;
    struct buf b = BUF_INIT(64 * KIB);
    struct jw w = JW_INIT(&b);
    struct json *doc = NULL;
    audit_json(&w, &row->rec, row->record_hash, row->hash);
    OK(json_parse(b.p, b.len, &doc, &e));
    OK(audit_verify_record(&c->v, doc, &e));
    json_free(doc);
    buf_fini(&b);
    return 0;
}

struct left {
    int64_t events, records, queued;
};

static int look(struct db *db, void *arg, struct err *err)
{
    struct left *l = arg;
    struct id run = nth(ID_RUN, 1);
    struct chain c;
    struct queue_row q = {0};
    AUTO(run_row_fini) struct run_row row = {0};
    audit_verifier_init(&c.v);
    OK(event_list(db, &run, 0, 0, next_event, &l->events, &e));
    OK(audit_list(db, &(struct audit_filter){.tenant = T1}, next_record, &c, &e));
    OK(run_get(db, T1, &run, &row, &e));
    assert_int_equal(row.event_seq, l->events);
    if (l->events)
        OK(queue_get(db, &run, &q, &e));
    l->records = c.v.records;
    l->queued = q.enqueued_us;
    return 0;
}

static int64_t whole(struct fixture *f)
{
    struct left l = {0};
    read_ok(f, look, &l);
    assert_int_equal(l.records, l.events);
    assert_int_equal(l.queued, l.events);
    return l.events;
}

static void test_killed(void **state)
{
    struct fixture *f = *state;
    write_ok(f, insert_first, f);
    store_close(f->store);
    for (int round = 0; round < 5; round++) {
        int64_t last = kill_after(f, 20 + 37 * round);
        assert_true(last > 0);
        fixture_open(f, NULL);
        int64_t have = whole(f);
        /* the one in flight may have been committed before its caller could be told */
        assert_true(have == last || have == last + 1);
        store_close(f->store);
    }
    fixture_open(f, NULL);
}

/* ---- no more bytes: EFBIG from the file system, an I/O error for SQLite ---- */

static void child_limited(struct fixture *f, int out)
{
    struct store_config c = {.path = f->path};
    struct store *s = NULL;
    int64_t seq = 0, acknowledged = 0;
    if (store_open(&c, &s, NULL) < 0)
        _exit(9);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit lim = {256 * KIB, 256 * KIB};
    if (setrlimit(RLIMIT_FSIZE, &lim) < 0)
        _exit(9);
    struct err e = ERR_INIT;
    int r = 0;
    while ((r = store_write(s, step_on, &seq, &e)) == 0)
        acknowledged = seq;
    if (r != -ERR_IO && r != -ERR_STORAGE_FULL)
        _exit(8);
    if (!e.msg[0] || store_write(s, step_on, &seq, &e) == 0) /* it stays refused, and does not hang */
        _exit(7);
    if (write(out, &acknowledged, sizeof acknowledged) != sizeof acknowledged)
        _exit(6);
    _exit(0);
}

static void test_io_error(void **state)
{
    struct fixture *f = *state;
    int fds[2], status = 0;
    int64_t acknowledged = 0;
    write_ok(f, insert_first, f);
    store_close(f->store);
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child_limited(f, fds[1]);
    close(fds[1]);
    assert_int_equal(read(fds[0], &acknowledged, sizeof acknowledged), sizeof acknowledged);
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(acknowledged > 0);
    fixture_open(f, NULL);
    assert_int_equal(whole(f), acknowledged);
    int64_t seq = 0;
    write_ok(f, step_on, &seq);
    assert_int_equal(seq, acknowledged + 1);
}

/* ---- named faults (meson -Dfaults=true) ---- */

#ifdef SALLYPORT_FAULTS
/* Faults are read from the environment once per process, so this program starts itself again: argv = path, n. Writes n
 * times; exits with 100 + the code of the last error, or 0. */
static int faulted(char **argv)
{
    struct store_config c = {.path = argv[1]};
    struct store *s = NULL;
    int64_t seq = 0;
    int failed = 0;
    if (store_open(&c, &s, NULL) < 0)
        return 9;
    for (int i = 0; i < atoi(argv[2]); i++) {
        int r = store_write(s, step_on, &seq, NULL);
        if (r < 0)
            failed = 100 - r;
    }
    store_close(s);
    return failed;
}

static int run_faulted(struct fixture *f, const char *fault, const char *n)
{
    int status = 0;
    store_close(f->store);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        setenv("SALLYPORT_FAULT", fault, 1);
        execl("/proc/self/exe", "test_crash", f->path, n, (char *)NULL);
        _exit(99);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    fixture_open(f, NULL);
    return status;
}

/* Fails every single step of the first transactions in turn, until no fault is left to fire. */
static void test_fault_steps(void **state)
{
    struct fixture *f = *state;
    int fired = 0;
    write_ok(f, insert_first, f);
    for (int at = 1; at < 100; at++) {
        char fault[32];
        snprintf(fault, sizeof fault, "store_step:%d", at);
        int status = run_faulted(f, fault, "3");
        whole(f);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 0)
            break;
        /* 9: it failed while opening, cleanly */
        assert_true(WEXITSTATUS(status) == 9 || WEXITSTATUS(status) == 100 + ERR_IO);
        fired++;
    }
    assert_true(fired > 10 && fired < 99);
}

static void test_fault_commit(void **state)
{
    struct fixture *f = *state;
    write_ok(f, insert_first, f);
    int status = run_faulted(f, "store_commit:4", "9"); /* the first is the migration's */
    assert_int_equal(WEXITSTATUS(status), 100 + ERR_STORAGE_FULL);
    assert_int_equal(whole(f), 8);
}

static void test_crash_points(void **state)
{
    struct fixture *f = *state;
    write_ok(f, insert_first, f);
    int status = run_faulted(f, "kill@store_before_commit:3", "9");
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(whole(f), 2);
    status = run_faulted(f, "kill@store_after_commit:3", "9");
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(whole(f), 5);
}
#endif

#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_up, fixture_down)
int main(int argc, char **argv)
{
#ifdef SALLYPORT_FAULTS
    if (argc == 3)
        return faulted(argv);
#else
    (void)argc, (void)argv;
#endif
    const struct CMUnitTest tests[] = {
        T(test_killed),      T(test_io_error),
#ifdef SALLYPORT_FAULTS
        T(test_fault_steps), T(test_fault_commit), T(test_crash_points),
#endif
    };
    return cmocka_run_group_tests_name("store/crash", tests, NULL, NULL);
}
