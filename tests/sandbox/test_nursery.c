/* A nursery of shims: it may die, end with its server, and serve many at once; its shims are shims like any other. */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "os/clock.h"
#include "os/file.h"
#include "os/proc.h"
#include "rig.h"
#include "sandbox/spec.h"

static struct sandbox_nursery *nursery_new(void)
{
    struct err e = ERR_INIT;
    struct sandbox_nursery *n = NULL;
    assert_int_equal(sandbox_nursery_new(&n, &e), 0);
    return n;
}

static void begin(struct rig *g, struct sandbox_nursery *n)
{
    rig_init(g);
    sandbox_nursery_free(g->spec.nursery); /* of SALLYPORT_TEST_NURSERY */
    g->spec.nursery = n;
    rig_open(g);
}

static void end(struct rig *g)
{
    g->spec.nursery = NULL;
    rig_fini(g);
}

static bool gone(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    for (int i = 0; i < 1000 && access(path, F_OK) == 0; i++)
        clock_sleep_us(MS_US);
    return access(path, F_OK) < 0;
}

static void test_starts_when_needed(void **state)
{
    struct rig g;
    struct sandbox_nursery *n = nursery_new();
    assert_int_equal(sandbox_nursery_pid(n), -1);
    begin(&g, n);
    pid_t pid = sandbox_nursery_pid(n);
    assert_true(pid > 1);
    assert_true(rig_process_with(g.spec.run_id.s)); /* ps(1) tells whose shim it is */
    rig_run(&g, "echo hello");
    assert_true(rig_has(&g.out, "hello"));
    end(&g);
    assert_int_equal(sandbox_nursery_pid(n), pid); /* one for all */
    sandbox_nursery_free(n);
    assert_true(gone(pid));
}

static void test_killed_nursery(void **state)
{
    struct rig a, b;
    struct sandbox_nursery *n = nursery_new();
    begin(&a, n);
    rig_start(&a, "sleep 0.3; echo lived on");
    pid_t first = sandbox_nursery_pid(n);
    AUTO(fd_close) int pidfd = proc_pidfd_open(first);
    struct pollfd p = {pidfd, POLLIN, 0};
    assert_int_equal(kill(first, SIGKILL), 0);
    assert_int_equal(poll(&p, 1, 5000), 1);
    begin(&b, n); /* starts a new one */
    assert_int_not_equal(sandbox_nursery_pid(n), first);
    rig_run(&b, "echo new");
    assert_true(rig_has(&b.out, "new"));
    assert_int_equal(rig_wait(&a, 10000), SB_EXIT);
    assert_int_equal(a.x.exit_code, 0);
    assert_true(rig_has(&a.out, "lived on"));
    end(&a);
    end(&b);
    sandbox_nursery_free(n);
}

/* Killed at the very moment of an order, which then lies in its socket or in its hands: the sandbox opens all the same.
 */
static void test_killed_at_work(void **state)
{
    struct sandbox_nursery *n = nursery_new();
    for (int i = 0; i < 8; i++) {
        struct rig g;
        pid_t pid = sandbox_nursery_pid(n);
        if (pid > 0)
            assert_int_equal(kill(pid, SIGKILL), 0);
        begin(&g, n);
        end(&g);
    }
    sandbox_nursery_free(n);
}

/* As after a crash of the server: the nursery sees the end of its socket, and its shims live on to be adopted. */
static void test_shims_outlive_it(void **state)
{
    struct rig g;
    struct err e = ERR_INIT;
    bool running = false;
    int index = -1, attempt = -1;
    struct sandbox_nursery *n = nursery_new();
    begin(&g, n);
    rig_start(&g, "sleep 0.3; exit 7");
    pid_t pid = sandbox_nursery_pid(n);
    sandbox_detach(TAKE(g.sb));
    sandbox_nursery_free(n);
    assert_true(gone(pid));
    assert_int_equal(sandbox_adopt(g.run, &g.sb, &running, &index, &attempt, &e), 0);
    assert_true(running);
    assert_int_equal(index, 0);
    assert_int_equal(rig_wait(&g, 10000), SB_EXIT);
    assert_int_equal(g.x.exit_code, 7);
    end(&g);
}

static void test_killed_shim(void **state)
{
    struct rig g;
    char path[512];
    AUTO(buf_fini) struct buf b = BUF_INIT(64);
    struct sandbox_nursery *n = nursery_new();
    begin(&g, n);
    rig_start(&g, "sleep 60");
    snprintf(path, sizeof(path), "%s/shim/pid", g.run);
    assert_int_equal(file_read(AT_FDCWD, path, &b, NULL), 0);
    b.p[strcspn(b.p, "\n")] = 0;
    pid_t shim = atoi(b.p);
    assert_int_equal(kill(shim, SIGKILL), 0);
    assert_int_equal(rig_wait(&g, 10000), SB_GONE);
    /* The kernel kills its init, and then what init had; a process between fork and exec shows no arguments for a
     * while. */
    for (int i = 0, quiet = 0; i < 500 && quiet < 5; i++) {
        quiet = rig_process_with(g.spec.run_id.s) ? 0 : quiet + 1;
        clock_sleep_us(10 * MS_US);
    }
    end(&g);
    assert_true(gone(shim)); /* no zombie: the nursery has the kernel reap them */
    sandbox_nursery_free(n);
}

/* Nothing but its socket, /dev/null and the error output: neither the nursery nor the next shim holds another's fds. */
static void test_holds_nothing(void **state)
{
    struct rig g;
    char path[64], target[256];
    struct sandbox_nursery *n = nursery_new();
    begin(&g, n);
    int open_fds = 0;
    for (int fd = 0; fd < 256; fd++) {
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)sandbox_nursery_pid(n), fd);
        ssize_t k = readlink(path, target, sizeof(target) - 1);
        if (k < 0)
            continue;
        target[k] = 0;
        open_fds++;
        assert_true(fd == 3 || strcmp(target, "/dev/null") == 0);
    }
    assert_int_equal(open_fds, 4);
    end(&g);
    sandbox_nursery_free(n);
}

struct starter {
    pthread_t thread;
    struct sandbox_spec spec;
    struct sandbox *sb;
    int r;
};

static void *open_one(void *arg)
{
    struct starter *s = arg;
    struct err e = ERR_INIT;
    s->r = sandbox_open(&s->spec, &s->sb, &e);
    return NULL;
}

static void test_many_at_once(void **state)
{
    enum { N = 6 };
    static struct rig g[N];
    struct starter s[N];
    struct sandbox_nursery *n = nursery_new();
    for (int i = 0; i < N; i++) {
        rig_init(&g[i]);
        sandbox_nursery_free(g[i].spec.nursery);
        g[i].spec.nursery = n;
        s[i] = (struct starter){.spec = g[i].spec};
        assert_int_equal(pthread_create(&s[i].thread, NULL, open_one, &s[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        pthread_join(s[i].thread, NULL);
        assert_int_equal(s[i].r, 0);
        g[i].sb = s[i].sb;
    }
    for (int i = 0; i < N; i++) {
        char word[32];
        snprintf(word, sizeof(word), "echo number-%d", i);
        rig_run(&g[i], word);
        assert_true(rig_has(&g[i].out, word + 5));
        end(&g[i]);
    }
    sandbox_nursery_free(n);
}

/* A damaged order ends it, and the next sandbox starts another. */
static void test_not_an_order(void **state)
{
    int sv[2];
    pid_t pid;
    AUTO(fd_close) int pidfd = -1;
    struct err e = ERR_INIT;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
    char *const argv[] = {(char *)"sallyport-shim", (char *)"--nursery", (char *)"                ", NULL};
    const int pass[][2] = {{sv[1], 3}};
    struct proc_spawn ps = {
        .path = getenv("SALLYPORT_SHIM"), .argv = argv, .in = -1, .out = -1, .err = -1, .pass = pass, .npass = 1};
    assert_int_equal(proc_start(&ps, &pid, &pidfd, &e), 0);
    close(sv[1]);
    struct spw_msg m;
    spw_msg_init(&m, SPW_BEAR); /* without its fds */
    assert_int_equal(unix_send(sv[0], &m, sizeof(m), NULL, 0, &e), 0);
    struct pollfd p = {pidfd, POLLIN, 0};
    assert_int_equal(poll(&p, 1, 5000), 1);
    close(sv[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starts_when_needed), cmocka_unit_test(test_killed_nursery),
        cmocka_unit_test(test_killed_at_work),     cmocka_unit_test(test_shims_outlive_it),
        cmocka_unit_test(test_killed_shim),        cmocka_unit_test(test_holds_nothing),
        cmocka_unit_test(test_many_at_once),       cmocka_unit_test(test_not_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
