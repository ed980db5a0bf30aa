/* proc: what a child has and has not, and every way of ending. */
#include "tmp.h"
#include "base/fault.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/proc.h"
#include <errno.h>
#include <poll.h>
#include <sys/wait.h>

#define SH(text)                                                                                                       \
    (char *const[])                                                                                                    \
    {                                                                                                                  \
        "sh", "-c", text, NULL                                                                                         \
    }

static char *const path_env[] = {"PATH=/usr/bin:/bin", NULL};

static int run_sh(char *const argv[], int timeout_ms, struct buf *out, int *status, struct err *e)
{
    struct proc_spawn s = {.path = "/bin/sh", .argv = argv, .envp = path_env, .in = -1, .out = -1, .err = -1};
    return proc_run(&s, timeout_ms, out, status, e);
}

static void gathers_and_reports(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(1000);
    int status = -1, fds = tmp_fds();
    assert_int_equal(run_sh(SH("cat; echo out; echo err >&2; exit 3"), 5000, &b, &status, NULL), 0);
    assert_string_equal(b.p, "out\n");
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    assert_int_equal(run_sh(SH("kill -9 $$"), 5000, &b, &status, NULL), 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(tmp_fds(), fds);
}

static void environment_is_what_was_given(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(1000);
    int status;
    struct proc_spawn s = {.path = "env", .argv = (char *const[]){"env", NULL}, .in = -1, .out = -1, .err = -1};
    assert_int_equal(proc_run(&s, 5000, &b, &status, NULL), 0); /* found by our PATH, given nothing */
    assert_int_equal(b.len, 0);
    s.envp = (char *const[]){"A=1", "B=x y", NULL};
    assert_int_equal(proc_run(&s, 5000, &b, &status, NULL), 0);
    assert_string_equal(b.p, "A=1\nB=x y\n");
}

static void not_there(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(1000);
    int status = 77, fds = tmp_fds();
    struct err e = ERR_INIT;
    struct proc_spawn s = {.argv = (char *const[]){"x", NULL}, .in = -1, .out = -1, .err = -1};
    s.path = "/no/such/program";
    assert_int_equal(proc_run(&s, 5000, &b, &status, &e), -ERR_NOT_FOUND);
    assert_non_null(strstr(e.msg, "/no/such/program"));
    s.path = "no-such-program-anywhere";
    assert_int_equal(proc_run(&s, 5000, &b, &status, &e), -ERR_NOT_FOUND);
    s.path = "/etc/passwd";
    assert_int_equal(proc_run(&s, 5000, &b, &status, &e), -ERR_IO);
    assert_int_equal(status, 77);
    assert_int_equal(tmp_fds(), fds);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie */
    assert_int_equal(errno, ECHILD);
}

static void timeout_kills_and_reaps(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(1000);
    struct err e = ERR_INIT;
    int status = 77;
    int64_t from = clock_mono_us();
    assert_int_equal(run_sh(SH("echo early; exec sleep 30"), 150, &b, &status, &e), -ERR_TIMEOUT);
    assert_in_range(clock_mono_us() - from, 140 * MS_US, 5 * SEC_US);
    assert_string_equal(b.p, "early\n");
    assert_int_equal(status, 77);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* A grandchild that keeps the pipe open does not keep us. */
static void does_not_wait_for_grandchildren(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(1000);
    int status;
    int64_t from = clock_mono_us();
    assert_int_equal(run_sh(SH("sleep 3 & echo done"), 10000, &b, &status, NULL), 0);
    assert_string_equal(b.p, "done\n");
    assert_true(clock_mono_us() - from < 2 * SEC_US);
}

static void closing_output_is_not_ending(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(1000);
    int status;
    assert_int_equal(run_sh(SH("echo a; exec >&-; sleep 0.05; exit 5"), 10000, &b, &status, NULL), 0);
    assert_string_equal(b.p, "a\n");
    assert_int_equal(WEXITSTATUS(status), 5);
}

static void output_is_bounded(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(100000);
    struct err e = ERR_INIT;
    int status = 77;
    assert_int_equal(run_sh(SH("head -c 99999 /dev/zero"), 10000, &b, &status, &e), 0);
    assert_int_equal(b.len, 99999);
    buf_reset(&b);
    status = 77;
    assert_int_equal(run_sh(SH("cat /dev/zero"), 10000, &b, &status, &e), -ERR_TOO_LARGE);
    assert_int_equal(status, 77);
}

static void signals_are_fresh(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(4000);
    sigset_t all, old;
    int status;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    sighandler_t pipe_was = signal(SIGPIPE, SIG_IGN), usr_was = signal(SIGUSR1, SIG_IGN);
    struct proc_spawn s = {
        .path = "cat", .argv = (char *const[]){"cat", "/proc/self/status", NULL}, .in = -1, .err = -1};
    int r = proc_run(&s, 5000, &b, &status, NULL);
    signal(SIGPIPE, pipe_was);
    signal(SIGUSR1, usr_was);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    assert_int_equal(r, 0);
    assert_non_null(strstr(b.p, "SigBlk:\t0000000000000000"));
    assert_non_null(strstr(b.p, "SigIgn:\t0000000000000000"));
}

static const char list_fds[] = "for f in /proc/self/fd/*; do echo ${f##*/}; done";

static void no_other_fds(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(4000);
    int leak = open("/dev/null", O_RDONLY); /* without O_CLOEXEC, as a library may */
    int high = dup2(leak, 200), status;
    int pass[][2] = {{leak, 7}};
    struct proc_spawn s = {
        .path = "/bin/sh", .argv = SH((char *)(uintptr_t)list_fds), .in = -1, .err = -1, .pass = pass, .npass = 1};
    assert_int_equal(proc_run(&s, 5000, &b, &status, NULL), 0);
    close(leak);
    close(high);
    /* 3 is the shell's own, reading the directory */
    assert_true(strcmp(b.p, "0\n1\n2\n3\n7\n") == 0 || strcmp(b.p, "0\n1\n2\n7\n") == 0);
}

static int file_with(const struct tmp *t, const char *text)
{
    tmp_write(t, text, text);
    return openat(t->fd, text, O_RDONLY | O_CLOEXEC);
}

/* The numbers the child wants are numbers we use, crosswise, and for its stdio too. */
static void crossed_numbers(void **state)
{
    struct tmp *t = *state;
    AUTO(buf_fini) struct buf b = BUF_INIT(4000);
    int a = file_with(t, "A"), c = file_with(t, "C"), d = file_with(t, "D"), status;
    assert_true(a >= 3 && c >= 3 && d >= 3);
    int pass[][2] = {{a, c}, {c, a}, {d, d}};
    char text[100];
    snprintf(text, sizeof text, "cat <&%d; cat <&%d; cat <&%d", a, c, d);
    struct proc_spawn s = {
        .path = "/bin/sh", .argv = SH(text), .envp = path_env, .in = -1, .err = -1, .pass = pass, .npass = 3};
    assert_int_equal(proc_run(&s, 5000, &b, &status, NULL), 0);
    assert_string_equal(b.p, "CAD");
    close(a);
    close(c);
    close(d);
}

/* Numbers that are free here, and so may be taken by the copies made on the way. */
static void crossed_copies(void **state)
{
    struct tmp *t = *state;
    int a = file_with(t, "A"), c = file_with(t, "C"), status;
    for (int k = 3; k < 30; k++) {
        AUTO(buf_fini) struct buf b = BUF_INIT(4000);
        int pass[][2] = {{a, k + 1}, {c, k}};
        char text[100];
        snprintf(text, sizeof text, "cat /proc/self/fd/%d /proc/self/fd/%d", k + 1, k);
        struct proc_spawn s = {
            .path = "/bin/sh", .argv = SH(text), .envp = path_env, .in = -1, .err = -1, .pass = pass, .npass = 2};
        assert_int_equal(proc_run(&s, 5000, &b, &status, NULL), 0);
        assert_string_equal(b.p, "AC");
    }
    close(a);
    close(c);
}

static void bad_numbers(void **state)
{
    struct err e = ERR_INIT;
    pid_t pid = 77;
    int fds = tmp_fds();
    const int bad[][2] = {{0, 2}, {0, 256}, {0, -1}, {-1, 3}, {9999, 3}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct proc_spawn s = {
            .path = "/bin/true", .argv = SH(""), .in = -1, .out = -1, .err = -1, .pass = &bad[i], .npass = 1};
        assert_true(proc_start(&s, &pid, NULL, &e) < 0);
    }
    struct proc_spawn s = {.path = "/bin/true", .argv = SH(""), .in = -1, .out = 9999, .err = -1};
    assert_int_equal(proc_start(&s, &pid, NULL, &e), -ERR_IO);
    assert_int_equal(pid, 77);
    assert_int_equal(tmp_fds(), fds);
}

static void pidfd_tells_and_kills(void **state)
{
    pid_t pid;
    int pidfd = -1, status;
    struct proc_spawn s = {.path = "sleep",
                           .argv = (char *const[]){"sleep", "30", NULL},
                           .in = -1,
                           .out = -1,
                           .err = -1,
                           .new_session = true};
    assert_int_equal(proc_start(&s, &pid, &pidfd, NULL), 0);
    assert_true(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(getsid(pid), pid);
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    assert_int_equal(proc_pidfd_kill(pidfd, SIGTERM), 0);
    assert_int_equal(poll(&p, 1, 5000), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    assert_int_equal(proc_pidfd_kill(pidfd, SIGTERM), -1);
    assert_int_equal(errno, ESRCH);
    close(pidfd);
    assert_int_equal(proc_pidfd_open(-5), -1);
}

static void spawn_fails_well(void **state)
{
#ifdef SALLYPORT_FAULTS
    AUTO(buf_fini) struct buf b = BUF_INIT(100);
    int status = 77, fds = tmp_fds();
    fault_arm_nth("spawn", 1);
    assert_int_equal(run_sh(SH("echo x"), 1000, &b, &status, NULL), -ERR_IO);
    assert_int_equal(tmp_fds(), fds);
    fault_arm("");
#else
    skip();
#endif
}

int main(void)
{
    setenv("PATH", "/usr/bin:/bin", 1); /* a directory in it that may not be searched turns ENOENT into EACCES */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gathers_and_reports),
        cmocka_unit_test(environment_is_what_was_given),
        cmocka_unit_test(not_there),
        cmocka_unit_test(timeout_kills_and_reaps),
        cmocka_unit_test(does_not_wait_for_grandchildren),
        cmocka_unit_test(closing_output_is_not_ending),
        cmocka_unit_test(output_is_bounded),
        cmocka_unit_test(signals_are_fresh),
        cmocka_unit_test(no_other_fds),
        TMP_TEST(crossed_numbers),
        TMP_TEST(crossed_copies),
        cmocka_unit_test(bad_numbers),
        cmocka_unit_test(pidfd_tells_and_kills),
        cmocka_unit_test(spawn_fails_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
