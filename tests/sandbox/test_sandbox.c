/* The native driver, for real: every test builds a sandbox, runs steps in it, and looks at what is left.
 * Runs twice in the suite: as it was started, and as an ordinary user (as_user.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "os/clock.h"
#include "os/file.h"
#include "os/logfile.h"
#include "os/proc.h"
#include "rig.h"
#include "sandbox/spec.h"

static pid_t shim_pid(struct rig *);

/* ---- ends ---- */

/* The text with a time to sleep for each @ that is this process's own: several of these programs run at once, and look
 * for what is left by its arguments. Valid until the next call. */
static const char *nap(const char *text)
{
    static char out[256];
    size_t n = 0;
    for (; *text && n < sizeof(out) - 20; text++) {
        if (*text == '@')
            n += (size_t)snprintf(out + n, 20, "4711.%d", (int)getpid());
        else
            out[n++] = *text;
    }
    out[n] = 0;
    return out;
}

static void test_exit_codes(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    rig_open(&g);
    rig_run(&g, "true");
    assert_int_equal(g.x.exit_code, 0);
    assert_string_equal(g.x.error, "");
    rig_run(&g, "false");
    assert_int_equal(g.x.exit_code, 1);
    rig_run(&g, "exit 77");
    assert_int_equal(g.x.exit_code, 77);
    assert_false(g.x.timed_out || g.x.oom_killed || g.x.canceled || g.x.log_truncated);
    rig_argv(&g, (const char *const[]){"sh", "-c", "exit 3", NULL});
    assert_int_equal(g.x.exit_code, 3);
    rig_fini(&g);
}

static void test_not_started(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    rig_file(&g, "plain", "#!/bin/sh\n");
    rig_open(&g);
    rig_argv(&g, (const char *const[]){"no-such-program-anywhere", NULL});
    assert_int_equal(g.x.exit_code, -1);
    assert_non_null(strstr(g.x.error, "no-such-program-anywhere: No such file"));
    rig_argv(&g, (const char *const[]){"./plain", NULL});
    assert_non_null(strstr(g.x.error, "Permission denied"));
    g.cwd = "missing/dir";
    rig_run(&g, "true");
    assert_int_equal(g.x.exit_code, -1);
    assert_non_null(strstr(g.x.error, "missing/dir"));
    g.cwd = "";
    rig_run(&g, "true"); /* the sandbox is still good */
    assert_int_equal(g.x.exit_code, 0);
    rig_fini(&g);
}

static void test_signals(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    rig_open(&g);
    rig_run(&g, "kill -SEGV $$");
    assert_int_equal(g.x.exit_code, -1);
    assert_int_equal(g.x.signal, SIGSEGV);
    rig_start(&g, "trap 'exit 42' USR1; echo ready; while :; do sleep 0.02; done");
    while (!rig_has(&g.out, "ready"))
        rig_wait(&g, 20);
    assert_int_equal(sandbox_signal(g.sb, SIGUSR1), 0);
    assert_int_equal(rig_wait(&g, 5000), SB_EXIT);
    assert_int_equal(g.x.exit_code, 42);
    rig_fini(&g);
}

static void test_time_out(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    rig_open(&g);
    g.wall_ms = 500; /* an emulated machine takes that long to start a shell */
    int64_t t = clock_mono_us();
    rig_run(&g, "echo before; sleep 30");
    assert_true(g.x.timed_out);
    assert_int_equal(g.x.signal, SIGTERM);
    assert_true(clock_mono_us() - t < 3 * SEC_US);
    assert_true(rig_has(&g.out, "before"));
    assert_true(rig_has(&g.sys, "time limit"));
    rig_run(&g, "trap '' TERM; while :; do sleep 1; done"); /* SIGKILL after the grace */
    assert_true(g.x.timed_out);
    assert_int_equal(g.x.signal, SIGKILL);
    rig_fini(&g);
}

static void test_cancel(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    rig_open(&g);
    rig_start(&g, "trap '' TERM INT; sleep 30 & setsid sleep 30 & wait");
    assert_int_equal(sandbox_kill(g.sb), 0);
    assert_int_equal(rig_wait(&g, 5000), SB_EXIT);
    assert_true(g.x.canceled);
    assert_int_equal(g.x.signal, SIGKILL);
    rig_run(&g, "exit 5");
    assert_int_equal(g.x.exit_code, 5);
    assert_false(g.x.canceled);
    rig_fini(&g);
}

static void test_survivors_are_killed(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    rig_open(&g);
    int64_t t = clock_mono_us();
    rig_run(&g, nap("sleep @ & (setsid sleep @ &) ; nohup sleep @ >/dev/null 2>&1 & echo done; exit 0"));
    assert_int_equal(g.x.exit_code, 0);
    assert_true(clock_mono_us() - t < 2 * SEC_US);
    assert_true(rig_has(&g.out, "done"));
    assert_false(rig_process_with(nap("@")));
    rig_run(&g, "ls /proc | grep -c '^[0-9]'"); /* sh, ls, grep; init is hidden */
    assert_true(g.out.len == 2 && g.out.p[0] <= '3');
    rig_fini(&g);
}

/* ---- output ---- */

static void test_streams(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    rig_open(&g);
    rig_run(&g, "for i in 1 2 3 4 5; do echo out$i; echo err$i >&2; done");
    assert_string_equal(g.out.p, "out1\nout2\nout3\nout4\nout5\n");
    assert_string_equal(g.err.p, "err1\nerr2\nerr3\nerr4\nerr5\n");
    assert_int_equal(g.x.stdout_bytes, 25);
    assert_int_equal(g.x.stderr_bytes, 25);
    rig_run(&g, "cat; echo end"); /* stdin is empty */
    assert_string_equal(g.out.p, "end\n");
    rig_fini(&g);
}

static void test_big_output(void **state)
{
    (void)state;
    struct rig g;
    const size_t n = 50 * MIB;
    rig_init(&g);
    rig_open(&g);
    rig_run(&g, "yes 0123456789abcde | head -c 52428800");
    assert_int_equal(g.x.exit_code, 0);
    assert_true(g.x.stdout_bytes == (int64_t)n);
    assert_true(g.out.len == n);
    for (size_t i = 0; i < n; i += 16)
        assert_memory_equal(g.out.p + i, "0123456789abcde\n", 16);
    rig_fini(&g);
}

static void all_are(const struct buf *b, char c)
{
    for (size_t i = 0; i < b->len; i++)
        assert_int_equal(b->p[i], c);
}

/* Both streams as fast as they go, with no line's end and with NULs: all arrives, and neither waits for the other: the
 * second command ends only when all of stderr got through beside a stdout without end. */
static void test_two_loud_streams(void **state)
{
    (void)state;
    struct rig g;
    const char *const secrets[] = {"hunter2-is-secret", NULL};
    rig_init(&g);
    g.secrets = secrets;
    g.spec.limits.output_bytes = 1000000000; /* far more than the flood can be by then */
    rig_open(&g);
    rig_run(&g, "head -c 20000000 /dev/zero & head -c 20000000 /dev/zero | tr '\\0' e >&2; wait");
    assert_int_equal(g.x.exit_code, 0);
    assert_true(g.x.stdout_bytes == 20000000 && g.x.stderr_bytes == 20000000);
    assert_true(g.out.len == 20000000 && g.err.len == 20000000);
    all_are(&g.out, '\0');
    all_are(&g.err, 'e');
    rig_run(&g, "cat /dev/zero & head -c 20000000 /dev/zero | tr '\\0' e >&2; kill $!");
    assert_int_equal(g.x.exit_code, 0);
    assert_true(g.x.stderr_bytes == 20000000 && g.err.len == 20000000);
    all_are(&g.out, '\0');
    all_are(&g.err, 'e');
    rig_fini(&g);
}

/* A word on stderr beside a flood on stdout is in the log soon after it was said, and in no frame of the flood. */
static void test_quiet_beside_loud(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    g.spec.limits.output_bytes = 1000000000; /* far more than the flood can be by then */
    rig_open(&g);
    rig_run(&g, "yes & for i in 1 2 3 4 5; do sleep 0.02; date +%s%N >&2; done; kill $!");
    assert_int_equal(g.x.exit_code, 0);
    char path[512];
    struct log_frame f;
    AUTO_PTR(logfile_close_read) struct log_reader *r = NULL;
    snprintf(path, sizeof(path), "%s/logs/%d.1.log", g.run, g.next - 1);
    assert_int_equal(logfile_open_read(AT_FDCWD, path, &r, NULL), 0);
    int said = 0;
    for (uint64_t at = LOG_START; logfile_read(r, at, &f, NULL) == 1; at = f.next) {
        if (f.stream != LOG_STDERR)
            continue;
        assert_int_equal(f.n % 20, 0); /* several words, where the machine was busy */
        for (size_t i = 0; i < f.n; i += 20, said++) {
            char text[32] = "";
            memcpy(text, (const char *)f.p + i, 20);
            int64_t late = f.time_us - strtoll(text, NULL, 10) / 1000;
            assert_true(late >= 0 && late < SEC_US);
        }
    }
    assert_int_equal(said, 5);
    rig_fini(&g);
}

/* However often a step writes, who watches is woken some 125 times a second. */
static void test_growth_is_told_in_turns(void **state)
{
    (void)state;
    struct rig g;
    struct err e = ERR_INIT;
    enum sandbox_event ev = SB_GREW;
    int64_t began, told = 0;
    rig_init(&g);
    rig_open(&g);
    began = clock_mono_us();
    rig_start(&g, "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done");
    for (; ev == SB_GREW; told++)
        assert_int_equal(sandbox_wait(g.sb, 60000, -1, &ev, &g.x, &e), 0);
    assert_int_equal(ev, SB_EXIT);
    assert_in_range(told, 2, 8 + (clock_mono_us() - began) / (8 * MS_US));
    rig_fini(&g);
}

static void test_output_limit(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    g.spec.limits.output_bytes = 10000;
    rig_open(&g);
    rig_run(&g, "yes | head -c 3000000; echo >&2 tail");
    assert_int_equal(g.x.exit_code, 0);
    assert_true(g.x.log_truncated);
    assert_int_equal(g.out.len + g.err.len, 10000);
    assert_int_equal(g.x.stdout_bytes, 3000000);
    assert_true(rig_has(&g.sys, "output limit"));
    rig_fini(&g);
}

static void test_secrets(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    const char *const secrets[] = {"hunter2-is-secret", "second/secret", NULL};
    const char *const env[] = {"TOKEN=hunter2-is-secret", NULL};
    g.secrets = secrets;
    g.env = env;
    rig_open(&g);
    rig_run(&g, "printf 'a hunter2-'; sleep 0.3; printf 'is-secret b '; echo second/secret; echo \"$TOKEN\" >&2; "
                "printf hunter2-is-sec >&2");
    assert_string_equal(g.out.p, "a *** b ***\n");
    assert_string_equal(g.err.p, "***\nhunter2-is-sec");
    char path[512];
    AUTO(buf_fini) struct buf raw = BUF_INIT(MIB);
    snprintf(path, sizeof(path), "%s/logs/0.1.log", g.run);
    assert_int_equal(file_read(AT_FDCWD, path, &raw, NULL), 0);
    assert_false(rig_has(&raw, "hunter2-is-secret"));
    rig_fini(&g);
}

/* ---- what a step sees ---- */

static void test_environment(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    const char *const env[] = {"A=1 2", "LANG=de_DE.UTF-8", "EMPTY=", NULL};
    g.env = env;
    setenv("OF_THE_SERVER", "not for steps", 1);
    rig_open(&g);
    rig_run(&g, "env");
    assert_true(rig_has(&g.out, "A=1 2\n") && rig_has(&g.out, "EMPTY=\n") && rig_has(&g.out, "LANG=de_DE.UTF-8\n"));
    assert_false(rig_has(&g.out, "LANG=C.UTF-8"));
    assert_true(rig_has(&g.out, "HOME=/home/agent\n") && rig_has(&g.out, "TMPDIR=/tmp\n"));
    assert_false(rig_has(&g.out, "OF_THE_SERVER") || rig_has(&g.out, "SALLYPORT"));
    rig_run(&g,
            "id -un; test $(id -u) != 0 && test -w $HOME && test -w /tmp && test -w /dev/shm && echo fine; hostname");
    assert_string_equal(g.out.p, "agent\nfine\nsallyport\n");
    rig_fini(&g);
}

static void test_layers_stack(void **state)
{
    (void)state;
    struct rig g;
    struct stat st;
    char path[512];
    rig_init(&g);
    rig_file(&g, "keep", "old\n");
    rig_file(&g, "gone", "x\n");
    rig_open(&g);
    rig_run(&g, "echo new > keep; rm gone; mkdir d; echo one > d/one; stat -c %U keep .");
    assert_int_equal(g.x.exit_code, 0);
    assert_string_equal(g.out.p, "agent\nagent\n");
    rig_run(&g, "cat keep; ls"); /* without the first layer: the project as it is */
    assert_string_equal(g.out.p, "old\ngone\nkeep\n");
    g.lower = (const char *const[]){"0.1", NULL};
    rig_run(&g, "cat keep; ls; cat d/one; echo two > d/two");
    assert_string_equal(g.out.p, "new\nd\nkeep\none\n");
    g.lower = (const char *const[]){"0.1", "2.1", NULL};
    rig_run(&g, "cat d/one d/two; rm -r d; ls");
    assert_string_equal(g.out.p, "one\ntwo\nkeep\n");
    snprintf(path, sizeof(path), "%s/gone", g.project);
    assert_int_equal(stat(path, &st), 0);
    snprintf(path, sizeof(path), "%s/d", g.project);
    assert_int_equal(stat(path, &st), -1);
    snprintf(path, sizeof(path), "%s/layers/0.1/born", g.run);
    assert_int_equal(stat(path, &st), 0);
    rig_fini(&g);
}

static void test_many_layers(void **state)
{
    (void)state;
    struct rig g;
    char names[64][16];
    const char *lower[65] = {NULL};
    rig_init(&g);
    rig_open(&g);
    g.lower = lower;
    for (int i = 0; i < 40; i++) {
        char cmd[64];
        snprintf(cmd, sizeof(cmd), "echo %d > f%d; ls | wc -l", i, i);
        rig_run(&g, cmd);
        assert_int_equal(g.x.exit_code, 0);
        assert_int_equal(atoi(g.out.p), i + 1);
        snprintf(names[i], sizeof(names[i]), "%d.1", i);
        lower[i] = names[i];
    }
    rig_fini(&g);
}

static void test_odd_names(void **state)
{
    (void)state;
    struct rig g;
    char odd[sizeof(g.project)];
    rig_init(&g);
    snprintf(odd, sizeof(odd), "%s/a,b:c\\d \"e\" \n\xff'x", g.base);
    assert_int_equal(rename(g.project, odd), 0);
    snprintf(g.project, sizeof(g.project), "%s", odd);
    g.spec.project_root = g.project;
    rig_file(&g, "new\nline", "1");
    rig_file(&g, "-rf", "2");
    rig_file(&g, "\xff\xfe", "3");
    rig_file(&g, "sp ace,comma:colon", "4");
    rig_open(&g);
    rig_run(&g, "cat ./*; echo x > 'out\tput'");
    assert_int_equal(g.x.exit_code, 0);
    assert_int_equal(g.out.len, 4);
    rig_fini(&g);
}

static void test_binds_and_hidden(void **state)
{
    (void)state;
    struct rig g;
    char tool[256], cred[300], bad[300];
    rig_init(&g);
    snprintf(tool, sizeof(tool), "%s/tool", g.base);
    snprintf(cred, sizeof(cred), "%s/tool/credentials", g.base);
    assert_int_equal(mkdir(tool, 0755), 0);
    rig_file(&g, "../tool/prog", "#!/bin/sh\necho tool runs\n");
    rig_file(&g, "../tool/credentials", "SECRET\n");
    rig_file(&g, ".env", "SECRET\n");
    rig_file(&g, "plain", "plain\n");
    snprintf(bad, sizeof(bad), "%s/.env", g.project);
    const char *const binds[] = {tool, "/no/such/place"};
    const char *const hidden[] = {cred, bad, "/no/such/file"};
    g.spec.ro_binds = binds;
    g.spec.nro_binds = 2;
    g.spec.hidden = hidden;
    g.spec.nhidden = 3;
    rig_open(&g);
    char cmd[1024];
    snprintf(cmd, sizeof(cmd),
             "sh %s/prog; cat %s; cat .env; cat plain; echo x > %s/new; rm -f .env; mv .env e2; cat e2; cat .env", tool,
             cred, tool);
    rig_run(&g, cmd);
    assert_true(rig_has(&g.out, "tool runs\n") && rig_has(&g.out, "plain\n"));
    assert_false(rig_has(&g.out, "SECRET"));
    rig_run(&g, "cat .env; cat plain"); /* hidden again over the next step's overlay */
    assert_string_equal(g.out.p, "plain\n");
    rig_fini(&g);
}

static void test_shared_cwd(void **state)
{
    (void)state;
    struct rig g;
    char sub[300];
    rig_init(&g);
    snprintf(sub, sizeof(sub), "%s/sub", g.project);
    assert_int_equal(mkdir(sub, 0755), 0);
    rig_open(&g);
    g.cwd = "sub";
    rig_run(&g, "pwd; echo x > here");
    assert_string_equal(g.out.p, "/workspace/sub\n");
    rig_run(&g, "touch /shared/x /usr/x /etc/x /x; ls /shared");
    assert_string_equal(g.out.p, "");
    rig_fini(&g);
}

/* On hosts with systemd every mount is shared: what a sandbox mounts must not appear outside. */
static void test_mounts_stay_inside(void **state)
{
    (void)state;
    struct rig g;
    AUTO(buf_fini) struct buf before = BUF_INIT(MIB), after = BUF_INIT(MIB);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
        skip(); /* an ordinary user cannot share mounts, so none of his sandboxes' can travel */
    rig_init(&g);
    assert_int_equal(file_read(AT_FDCWD, "/proc/self/mountinfo", &before, NULL), 0);
    rig_open(&g);
    rig_run(&g, "echo x > new");
    assert_int_equal(g.x.exit_code, 0);
    assert_int_equal(file_read(AT_FDCWD, "/proc/self/mountinfo", &after, NULL), 0);
    assert_string_equal(after.p, before.p);
    rig_fini(&g);
    assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

/* ---- limits ---- */

static void test_memory(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    g.spec.limits.memory_bytes = 96 * (int64_t)MIB;
    rig_open(&g);
    rig_run(&g, "echo small");
    assert_false(g.x.oom_killed);
    rig_run(&g, "exec perl -e '$x = \"a\" x 1000; for (;;) { push @k, $x x 1000; select undef, undef, undef, 0.002 }'");
    assert_true(g.x.oom_killed);
    assert_int_equal(g.x.signal, SIGKILL);
    assert_true(rig_has(&g.sys, "memory limit"));
    rig_run(&g, "exit 9"); /* the sandbox survives */
    assert_int_equal(g.x.exit_code, 9);
    assert_false(g.x.oom_killed);
    rig_fini(&g);
}

/* init enters the v1 groups by itself: it must be in each of them that exists before the first step. */
static void test_in_every_group(void **state)
{
    struct rig g;
    char path[600];
    AUTO(buf_fini) struct buf names = BUF_INIT(16 * KIB);
    rig_init(&g);
    g.spec.limits.memory_bytes = 256 << 20;
    g.spec.limits.pids = 64;
    rig_open(&g);
    snprintf(path, sizeof(path), "%s/shim/cgroups", g.run);
    assert_int_equal(file_read(AT_FDCWD, path, &names, NULL), 0);
    char first[32] = "", *rest = names.len ? names.p : NULL;
    for (char *dir; (dir = strsep(&rest, "\n"));) {
        AUTO(buf_fini) struct buf procs = BUF_INIT(4096);
        snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
        if (!*dir || file_read(AT_FDCWD, path, &procs, NULL) < 0)
            continue; /* planned, and not needed: v2 had the controller */
        assert_true(procs.len > 1);
        procs.p[strcspn(procs.p, "\n")] = 0; /* init; what follows waits to be the first step */
        if (*first)
            assert_string_equal(first, procs.p);
        snprintf(first, sizeof(first), "%s", procs.p);
    }
    rig_fini(&g);
}

/* The process that waits for the next step is killed while the sandbox idles: the step gets another. */
static void test_waiting_process_killed(void **state)
{
    struct rig g;
    char path[600];
    rig_init(&g);
    rig_open(&g);
    for (int i = 0; i < 3; i++) {
        AUTO(buf_fini) struct buf kids = BUF_INIT(4096);
        pid_t init, next;
        snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)shim_pid(&g), (int)shim_pid(&g));
        assert_int_equal(file_read(AT_FDCWD, path, &kids, NULL), 0);
        init = kids.len ? atoi(kids.p) : 0;
        assert_true(init > 1);
        snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)init, (int)init);
        buf_reset(&kids);
        for (int t = 0; t < 500 && !kids.len; t++) {
            buf_reset(&kids);
            assert_int_equal(file_read(AT_FDCWD, path, &kids, NULL), 0);
            clock_sleep_us(MS_US);
        }
        next = kids.len ? atoi(kids.p) : 0;
        assert_true(next > 1);
        assert_int_equal(kill(next, SIGKILL), 0);
        snprintf(path, sizeof(path), "/proc/%d", (int)next);
        for (int t = 0; t < 5000 && access(path, F_OK) == 0; t++)
            clock_sleep_us(MS_US); /* until init reaped it */
        rig_run(&g, "echo here");
        assert_string_equal(g.out.p, "here\n");
        assert_int_equal(g.x.exit_code, 0);
    }
    rig_fini(&g);
}

static void test_disk(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    g.spec.limits.disk_bytes = 8 * (int64_t)MIB;
    rig_open(&g);
    if (rig_hard_disk(&g)) {
        rig_fini(&g);
        skip(); /* nothing is watched: test_quota */
    }
    rig_run(&g, "exec dd if=/dev/zero of=big bs=1M count=64 status=none"); /* one file: hard */
    assert_true(g.x.signal == SIGXFSZ || g.x.signal == SIGKILL);           /* or the watch was there first */
    rig_run(&g, "i=0; while :; do head -c 1000000 /dev/zero > f$i; i=$((i+1)); sleep 0.01; done"); /* many: soft */
    assert_int_equal(g.x.signal, SIGKILL);
    assert_non_null(strstr(g.x.error, "layers grew over"));
    rig_run(&g, "d=x; for i in $(seq 40); do d=$d/x/x/x/x/x/x/x/x; done; mkdir -p $d && cd -P $d && "
                "while :; do head -c 1000000 /dev/zero > f$((i=i+1)); sleep 0.01; done"); /* too deep to be held open */
    assert_non_null(strstr(g.x.error, "layers grew over"));
    rig_run(&g, "while :; do : > e$((i=i+1)); done"); /* empty files */
    assert_non_null(strstr(g.x.error, "layers grew over"));
    rig_fini(&g);
}

static int64_t bytes_of(const char *dir)
{
    char cmd[600];
    long long n = -1;
    snprintf(cmd, sizeof(cmd), "du -s -B1 %s", dir);
    FILE *f = popen(cmd, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lld", &n), 1);
    pclose(f);
    return n;
}

/* As fast as it goes: how much more than the limit was written before the end is printed, and bounded by time. */
static void test_disk_overshoot(void **state)
{
    (void)state;
    struct rig g;
    char layer[300];
    rig_init(&g);
    g.spec.limits.disk_bytes = 64 * (int64_t)MIB;
    rig_open(&g);
    if (rig_hard_disk(&g)) {
        rig_fini(&g);
        skip(); /* nothing is watched: test_quota */
    }
    rig_run(&g, "while :; do head -c 4000000 /dev/zero > f$((i=i+1)); done");
    assert_non_null(strstr(g.x.error, "layers grew over"));
    snprintf(layer, sizeof(layer), "%s/layers/0.1", g.run);
    int64_t n = bytes_of(layer), us = g.x.finished_us - g.x.started_us;
    print_message("disk limit 64 MiB: %lld MiB written in %lld ms\n", (long long)(n / MIB), (long long)(us / 1000));
    assert_true(n > 60 * (int64_t)MIB);
    assert_true(us < 400000 || n < 192 * (int64_t)MIB); /* a walk every half second would be found by this */
    rig_fini(&g);
}

static void test_accounting(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    g.spec.limits = (struct sandbox_limits){.cpu_millis = 1500, .memory_bytes = GIB, .pids = 64, .wall_ms = 20000};
    rig_open(&g);
    rig_run(&g, "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done");
    assert_true(g.x.cpu_us > 5000);
    assert_true(g.x.max_rss_bytes > 100000);
    assert_true(g.x.finished_us - g.x.started_us < 20 * SEC_US);
    rig_fini(&g);
}

/* ---- servers come and go ---- */

static void test_adopt_running(void **state)
{
    (void)state;
    struct rig g;
    bool running = false;
    int index = -1, attempt = -1;
    struct step_exit x;
    rig_init(&g);
    rig_open(&g);
    rig_start(&g, "for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 0.1; done; exit 6");
    sandbox_detach(TAKE(g.sb)); /* to the shim the same as a server that was killed: its socket closes */
    assert_int_equal(sandbox_alive(g.run, NULL), 1);
    assert_int_equal(sandbox_result(g.run, 0, 1, &x, NULL), 0);
    clock_sleep_us(250 * MS_US);
    assert_int_equal(sandbox_adopt(g.run, &g.sb, &running, &index, &attempt, NULL), 0);
    assert_true(running);
    assert_int_equal(index, 0);
    assert_int_equal(attempt, 1);
    assert_int_equal(rig_wait(&g, 10000), SB_EXIT);
    assert_int_equal(g.x.exit_code, 6);
    assert_true(rig_has(&g.out, "line 1\n") && rig_has(&g.out, "line 8\n"));
    rig_fini(&g);
}

static void test_ends_while_nobody_looks(void **state)
{
    (void)state;
    struct rig g;
    bool running = true;
    int index, attempt;
    rig_init(&g);
    rig_open(&g);
    rig_start(&g, "echo alone; exit 8");
    sandbox_detach(TAKE(g.sb));
    for (int i = 0; i < 500 && sandbox_result(g.run, 0, 1, &g.x, NULL) == 0; i++)
        clock_sleep_us(10 * MS_US);
    assert_int_equal(g.x.exit_code, 8);
    assert_int_equal(sandbox_adopt(g.run, &g.sb, &running, &index, &attempt, NULL), 0);
    assert_false(running);
    rig_run(&g, "echo again");
    assert_string_equal(g.out.p, "again\n");
    rig_fini(&g);
}

static void test_new_server_replaces_old(void **state)
{
    (void)state;
    struct rig g;
    struct sandbox *second = NULL;
    bool running;
    int index, attempt;
    enum sandbox_event ev;
    struct step_exit x;
    rig_init(&g);
    rig_open(&g);
    assert_int_equal(sandbox_adopt(g.run, &second, &running, &index, &attempt, NULL), 0);
    assert_int_equal(sandbox_wait(g.sb, 2000, -1, &ev, &x, NULL), 0);
    assert_int_equal(ev, SB_GONE);
    sandbox_detach(TAKE(g.sb));
    g.sb = second;
    rig_run(&g, "exit 4");
    assert_int_equal(g.x.exit_code, 4);
    rig_fini(&g);
}

/* Whether a sandbox lives cannot be told without a descriptor to look with: its step must not be called lost for it. */
static void test_adopt_without_descriptors(void **state)
{
    (void)state;
    struct rig g;
    struct rlimit all, few;
    bool running = false;
    int index, attempt, r = -1, failed = 0;
    rig_init(&g);
    rig_open(&g);
    rig_start(&g, nap("sleep @"));
    sandbox_detach(TAKE(g.sb));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
    few = all;
    int first = dup(0);
    assert_true(first >= 0 && close(first) == 0);
    for (few.rlim_cur = (rlim_t)first; r < 0 && few.rlim_cur < (rlim_t)first + 32; few.rlim_cur++) {
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        r = sandbox_adopt(g.run, &g.sb, &running, &index, &attempt, NULL);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
        assert_int_not_equal(r, -ERR_NOT_FOUND);
        failed += r < 0;
    }
    assert_int_equal(r, 0);
    assert_true(running);
    assert_in_range(failed, 2, 31);
    rig_fini(&g);
}

static pid_t shim_pid(struct rig *g)
{
    char path[512];
    AUTO(buf_fini) struct buf b = BUF_INIT(64);
    snprintf(path, sizeof(path), "%s/shim/pid", g->run);
    assert_int_equal(file_read(AT_FDCWD, path, &b, NULL), 0);
    return atoi(b.p);
}

static void test_shim_killed(void **state)
{
    (void)state;
    struct rig g;
    struct step_exit x;
    bool running;
    int index, attempt;
    rig_init(&g);
    g.spec.limits.pids = 50;
    rig_open(&g);
    rig_start(&g, nap("sleep @ & setsid sleep @ & echo up; wait"));
    while (!rig_has(&g.out, "up"))
        rig_wait(&g, 20);
    assert_true(rig_process_with(nap("@")));
    kill(shim_pid(&g), SIGKILL);
    assert_int_equal(rig_wait(&g, 5000), SB_GONE);
    for (int i = 0; i < 200 && rig_process_with(nap("@")); i++)
        clock_sleep_us(10 * MS_US);
    assert_false(rig_process_with(nap("@")));
    assert_int_equal(sandbox_alive(g.run, NULL), 0);
    assert_int_equal(sandbox_result(g.run, 0, 1, &x, NULL), 0);
    struct sandbox *none = NULL;
    assert_int_equal(sandbox_adopt(g.run, &none, &running, &index, &attempt, NULL), -ERR_NOT_FOUND);
    rig_fini(&g); /* checks that cgroups and sockets are gone too */
}

static void test_reap(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    assert_int_equal(sandbox_reap(g.run, NULL), 0); /* nothing there */
    char shim[512];
    snprintf(shim, sizeof(shim), "%s/shim", g.run);
    assert_int_equal(symlink("shim", shim), 0); /* ELOOP, as good as EMFILE: who knows what lives there */
    assert_int_equal(sandbox_alive(g.run, NULL), -ERR_IO);
    assert_int_equal(sandbox_reap(g.run, NULL), -ERR_IO);
    assert_int_equal(unlink(shim), 0);
    g.spec.limits.pids = 50;
    rig_open(&g);
    rig_start(&g, nap("sleep @"));
    sandbox_detach(TAKE(g.sb));
    assert_int_equal(sandbox_reap(g.run, NULL), 0);
    assert_int_equal(sandbox_alive(g.run, NULL), 0);
    assert_false(rig_process_with(nap("@")));
    assert_int_equal(sandbox_reap(g.run, NULL), 0);
    for (int i = 0; i < 10; i++) { /* all of it is dead when it returns, not a moment later */
        rig_open(&g);
        rig_start(&g, nap("for i in 1 2 3 4 5 6 7 8; do sleep @ & done; wait"));
        clock_sleep_us(20 * MS_US);
        sandbox_detach(TAKE(g.sb));
        assert_int_equal(sandbox_reap(g.run, NULL), 0);
        assert_false(rig_process_with(nap("@")));
    }
    char path[512];
    snprintf(path, sizeof(path), "%s/shim/cgroups", g.run);
    assert_int_equal(access(path, F_OK), -1);
    rig_open(&g); /* the directory is good for another sandbox */
    rig_run(&g, "true");
    assert_int_equal(g.x.exit_code, 0);
    rig_fini(&g);
}

/* The same when a sandbox is ended whose shim was killed. */
static void test_destroy_after_shim_killed(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    for (int i = 0; i < 10; i++) {
        rig_open(&g);
        rig_start(&g, nap("for i in 1 2 3 4 5 6 7 8; do sleep @ & done; wait"));
        clock_sleep_us(20 * MS_US);
        assert_int_equal(kill(shim_pid(&g), SIGKILL), 0);
        sandbox_destroy(TAKE(g.sb));
        assert_false(rig_process_with(nap("@")));
    }
    rig_fini(&g);
}

static void on_alarm(int sig)
{
}

/* An init that takes a while to die is waited for, whatever signals come meanwhile. */
static void test_reap_waits_for_init(void **state)
{
    (void)state;
    struct rig g;
    char path[600];
    AUTO(buf_fini) struct buf stat = BUF_INIT(4 * KIB);
    const struct itimerval often = {{0, 20000}, {0, 20000}}, never = {0};
    struct sigaction act = {.sa_handler = on_alarm}, was;
    rig_init(&g);
    pid_t pid = fork();
    if (pid == 0) {
        clock_sleep_us(300 * MS_US);
        _exit(0);
    }
    assert_true(pid > 0);
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    assert_int_equal(file_read(AT_FDCWD, path, &stat, NULL), 0);
    snprintf(path, sizeof(path), "%s/shim", g.run);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/shim/init", g.run);
    assert_int_equal(file_replace(AT_FDCWD, path, stat.p, stat.len, 0600, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &act, &was), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    int r = sandbox_reap(g.run, NULL);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &was, NULL), 0);
    assert_int_equal(r, 0);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), pid);
    assert_int_equal(access(path, F_OK), -1);
    rig_fini(&g);
}

/* With so many descriptors to spare. */
static int reap_with(const char *run, int spare, struct err *e)
{
    struct rlimit was, few;
    int next = open("/", O_PATH | O_CLOEXEC);
    assert_true(next >= 0);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    few = (struct rlimit){(rlim_t)(next + spare), was.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int r = sandbox_reap(run, e);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    return r;
}

/* It says that all is gone, or that it could not do it: never the one for the other. */
static void test_reap_without_descriptors(void **state)
{
    (void)state;
    struct rig g;
    char cgroups[512];
    rig_init(&g);
    g.spec.limits.pids = 50;
    snprintf(cgroups, sizeof(cgroups), "%s/shim/cgroups", g.run);
    int spare = 0;
    for (int r = -1; r < 0; spare++) {
        rig_open(&g);
        rig_start(&g, nap("sleep @"));
        sandbox_detach(TAKE(g.sb));
        struct err e = ERR_INIT;
        r = reap_with(g.run, spare, &e);
        if (r < 0) {
            assert_true(*e.msg);
            assert_int_equal(sandbox_reap(g.run, NULL), 0);
        }
        assert_false(rig_process_with(nap("@")));
        assert_int_equal(access(cgroups, F_OK), -1);
    }
    assert_in_range(spare, 2, 20);
    rig_fini(&g);
}

static void test_destroy_while_running(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    rig_open(&g);
    rig_start(&g, nap("sleep @"));
    rig_close(&g);
    assert_false(rig_process_with(nap("@")));
    assert_int_equal(sandbox_result(g.run, 0, 1, &g.x, NULL), 1);
    assert_true(g.x.canceled);
    rig_fini(&g);
}

static void write_into(const char *dir, const char *name, const char *text)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

/* What is frozen by cgroup v1 cannot be killed, like what waits for a disk that is gone: the server hears of it. */
static void test_unkillable(void **state)
{
    (void)state;
    struct rig g;
    char group[128], pid[32];
    enum sandbox_event ev = SB_GREW;
    struct err e = ERR_INIT;
    snprintf(group, sizeof(group), "/sys/fs/cgroup/freezer/sallyport-test-%d", (int)getpid());
    if (getenv("SALLYPORT_TEST_NURSERY") || mkdir(group, 0755) < 0)
        skip(); /* once is enough; no cgroup v1, or not root */
    rig_init(&g);
    rig_open(&g);
    rig_start(&g, "echo up; sleep 60");
    while (!rig_has(&g.out, "up"))
        rig_wait(&g, 20);
    /* The step's own process, as the host numbers it: the child of init that comes first. */
    AUTO(buf_fini) struct buf init = BUF_INIT(4 * KIB), kids = BUF_INIT(4 * KIB);
    char path[600];
    snprintf(path, sizeof(path), "%s/shim/init", g.run);
    assert_int_equal(file_read(AT_FDCWD, path, &init, NULL), 0);
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", atoi(init.p), atoi(init.p));
    assert_int_equal(file_read(AT_FDCWD, path, &kids, NULL), 0);
    snprintf(pid, sizeof(pid), "%d", kids.len ? atoi(kids.p) : 0);
    write_into(group, "tasks", pid);
    write_into(group, "freezer.state", "FROZEN");
    int killed = sandbox_kill(g.sb), r = 0;
    int64_t until = clock_mono_us() + 30 * SEC_US;
    while (r == 0 && ev != SB_GONE && ev != SB_EXIT && clock_mono_us() < until)
        r = sandbox_wait(g.sb, 1000, -1, &ev, &g.x, &e);
    write_into(group, "freezer.state", "THAWED");
    sandbox_destroy(TAKE(g.sb));
    for (int i = 0; i < 500 && rmdir(group) < 0; i++)
        clock_sleep_us(10 * MS_US);
    assert_int_equal(access(group, F_OK), -1);
    assert_int_equal(killed, 0);
    assert_int_equal(r, 0);
    assert_int_equal(ev, SB_GONE);
    rig_fini(&g);
}

static void test_leaves_when_forgotten(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    g.spec.idle_ms = 150;
    rig_open(&g);
    clock_sleep_us(400 * MS_US);
    assert_int_equal(sandbox_alive(g.run, NULL), 1); /* attached: it stays */
    rig_start(&g, "sleep 0.6; echo worked");
    sandbox_detach(TAKE(g.sb));
    clock_sleep_us(400 * MS_US);
    assert_int_equal(sandbox_alive(g.run, NULL), 1); /* a step runs: it stays */
    for (int i = 0; i < 300 && sandbox_alive(g.run, NULL) == 1; i++)
        clock_sleep_us(10 * MS_US);
    assert_int_equal(sandbox_alive(g.run, NULL), 0);
    assert_int_equal(sandbox_result(g.run, 0, 1, &g.x, NULL), 1);
    assert_int_equal(g.x.exit_code, 0);
    rig_fini(&g);
}

static void test_garbage_on_the_socket(void **state)
{
    (void)state;
    struct rig g;
    char path[512];
    bool running;
    int index, attempt;
    unsigned char junk[2000];
    rig_init(&g);
    rig_open(&g);
    rig_start(&g, "sleep 0.5; echo still here");
    snprintf(path, sizeof(path), "%s/shim/ctl", g.run);
    for (int i = 0; i < 40; i++) {
        int s = unix_connect(AT_FDCWD, path, SOCK_SEQPACKET, NULL);
        assert_true(s >= 0);
        random_bytes(junk, sizeof(junk));
        struct spw_msg m;
        spw_msg_init(&m, i % 2 ? SPW_EXEC : SPW_SIGNAL);
        m.arg[0] = i % 3 ? INT32_MAX : -5; /* EXEC without a body, signals there are not */
        if (i % 4 < 2)
            (void)!send(s, junk, 1 + (size_t)i * 50, MSG_NOSIGNAL);
        else
            (void)!send(s, &m, i % 5 ? sizeof(m) : sizeof(m) - 1, MSG_NOSIGNAL);
        close(s);
    }
    sandbox_detach(TAKE(g.sb));
    assert_int_equal(sandbox_adopt(g.run, &g.sb, &running, &index, &attempt, NULL), 0);
    assert_true(running);
    assert_int_equal(rig_wait(&g, 5000), SB_EXIT);
    assert_string_equal(g.out.p, "still here\n");
    rig_fini(&g);
}

static void test_wake_fd(void **state)
{
    (void)state;
    struct rig g;
    int p[2];
    enum sandbox_event ev;
    assert_int_equal(pipe(p), 0);
    rig_init(&g);
    rig_open(&g);
    assert_int_equal(sandbox_wait(g.sb, 20, p[0], &ev, &g.x, NULL), 0);
    assert_int_equal(ev, SB_TIMEOUT);
    assert_int_equal(write(p[1], "x", 1), 1);
    assert_int_equal(sandbox_wait(g.sb, 1000, p[0], &ev, &g.x, NULL), 0);
    assert_int_equal(ev, SB_WOKEN);
    close(p[0]);
    close(p[1]);
    rig_fini(&g);
}

/* ---- refusals ---- */

static int try_open(struct rig *g)
{
    struct sandbox *sb = NULL;
    struct err e = ERR_INIT;
    int r = sandbox_open(&g->spec, &sb, &e);
    if (r == 0)
        sandbox_destroy(sb);
    else
        assert_true(e.msg[0] != 0);
    return r;
}

static void test_bad_specs(void **state)
{
    (void)state;
    struct rig g;
    rig_init(&g);
    const struct sandbox_spec good = g.spec;
    g.spec.network = true;
    assert_int_equal(try_open(&g), -ERR_SANDBOX_UNAVAILABLE);
    g.spec = good;
    g.spec.project_root = "relative";
    assert_int_equal(try_open(&g), -ERR_INVALID);
    g.spec.project_root = g.base; /* would show the run's own directory */
    assert_int_equal(try_open(&g), -ERR_INVALID);
    g.spec.project_root = "/no/such/project";
    assert_int_equal(try_open(&g), -ERR_SANDBOX_FAILED);
    g.spec = good;
    g.spec.tenant = "../up";
    assert_int_equal(try_open(&g), -ERR_INVALID);
    g.spec = good;
    g.spec.limits.pids = -1;
    assert_int_equal(try_open(&g), -ERR_INVALID);
    static const char *const binds[] = {"/proc", "/", "/dev/shm", "/var/tmp"};
    for (size_t i = 0; i < ARRAY_LEN(binds); i++) {
        g.spec = good;
        g.spec.ro_binds = &binds[i];
        g.spec.nro_binds = 1;
        assert_int_equal(try_open(&g), -ERR_INVALID);
    }
    g.spec = good;
    assert_int_equal(try_open(&g), 0);
    rig_fini(&g);
}

/* The path that was canonical when the project was added leads elsewhere now: to what only its owner may read, which
 * steps would be as in root mode. */
static void test_project_by_a_link(void **state)
{
    (void)state;
    struct rig g;
    char real[512], link[512], below[600];
    struct err e = ERR_INIT;
    struct sandbox *sb = NULL;
    rig_init(&g);
    snprintf(real, sizeof(real), "%s/real", g.base);
    snprintf(link, sizeof(link), "%s/link", g.base);
    assert_int_equal(mkdir(real, 0755), 0);
    assert_int_equal(symlink("real", link), 0);
    snprintf(below, sizeof(below), "%s/below", real);
    assert_int_equal(mkdir(below, 0700), 0);
    g.spec.project_root = below;
    assert_int_equal(try_open(&g), 0);
    const char *const bad[] = {link, below};
    snprintf(below, sizeof(below), "%s/below", link);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        g.spec.project_root = bad[i];
        assert_int_equal(sandbox_open(&g.spec, &sb, &e), -ERR_SANDBOX_FAILED);
        assert_non_null(strstr(e.msg, "through a symbolic link now"));
    }
    rig_fini(&g);
}

static void test_bad_steps(void **state)
{
    (void)state;
    struct rig g;
    static const char *const none[] = {NULL}, *const bare[] = {"X", NULL};
    rig_init(&g);
    rig_open(&g);
    const struct step_spec good = {
        .command = "true", .cwd = "", .env = none, .lower = none, .layer = "7.1", .index = 7, .attempt = 1};
    struct step_spec s = good;
    s.cwd = "../x";
    assert_int_equal(sandbox_exec(g.sb, &s, NULL), -ERR_INVALID);
    s = good;
    s.env = bare;
    assert_int_equal(sandbox_exec(g.sb, &s, NULL), -ERR_INVALID);
    s = good;
    s.layer = "a/b";
    assert_int_equal(sandbox_exec(g.sb, &s, NULL), -ERR_INVALID);
    s = good;
    s.command = NULL;
    assert_int_equal(sandbox_exec(g.sb, &s, NULL), -ERR_INVALID);
    rig_start(&g, "sleep 5");
    assert_int_equal(sandbox_exec(g.sb, &good, NULL), -ERR_BUSY);
    assert_int_equal(sandbox_kill(g.sb), 0);
    assert_int_equal(rig_wait(&g, 5000), SB_EXIT);
    s = good;
    s.index = 0; /* has run already */
    assert_int_equal(sandbox_exec(g.sb, &s, NULL), -ERR_CONFLICT);
    s.index = 8;
    s.layer = "0.1";
    assert_int_equal(sandbox_exec(g.sb, &s, NULL), -ERR_CONFLICT);
    assert_int_equal(try_open(&g), -ERR_CONFLICT); /* one sandbox per run */
    assert_int_equal(sandbox_alive(g.run, NULL), 1);
    rig_run(&g, "true");
    assert_int_equal(g.x.exit_code, 0);
    rig_fini(&g);
}

static void test_probe(void **state)
{
    (void)state;
    AUTO(buf_fini) struct buf b = BUF_INIT(MIB);
    struct jw w = JW_INIT(&b);
    struct json *j = NULL;
    bool ok = false;
    assert_int_equal(sandbox_probe(NULL, &w, &ok, NULL), 0);
    assert_true(ok);
    assert_int_equal(json_parse(b.p, b.len, &j, NULL), 0);
    assert_true(json_true(json_get(j, "ok")));
    assert_true(json_len(json_get(j, "checks")) > 10);
    json_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_codes),
        cmocka_unit_test(test_not_started),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_time_out),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_survivors_are_killed),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_big_output),
        cmocka_unit_test(test_two_loud_streams),
        cmocka_unit_test(test_quiet_beside_loud),
        cmocka_unit_test(test_growth_is_told_in_turns),
        cmocka_unit_test(test_output_limit),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_layers_stack),
        cmocka_unit_test(test_many_layers),
        cmocka_unit_test(test_odd_names),
        cmocka_unit_test(test_binds_and_hidden),
        cmocka_unit_test(test_shared_cwd),
        cmocka_unit_test(test_mounts_stay_inside),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_in_every_group),
        cmocka_unit_test(test_waiting_process_killed),
        cmocka_unit_test(test_disk),
        cmocka_unit_test(test_disk_overshoot),
        cmocka_unit_test(test_accounting),
        cmocka_unit_test(test_adopt_running),
        cmocka_unit_test(test_adopt_without_descriptors),
        cmocka_unit_test(test_ends_while_nobody_looks),
        cmocka_unit_test(test_new_server_replaces_old),
        cmocka_unit_test(test_shim_killed),
        cmocka_unit_test(test_reap),
        cmocka_unit_test(test_destroy_after_shim_killed),
        cmocka_unit_test(test_reap_waits_for_init),
        cmocka_unit_test(test_reap_without_descriptors),
        cmocka_unit_test(test_destroy_while_running),
        cmocka_unit_test(test_unkillable),
        cmocka_unit_test(test_leaves_when_forgotten),
        cmocka_unit_test(test_garbage_on_the_socket),
        cmocka_unit_test(test_wake_fd),
        cmocka_unit_test(test_bad_specs),
        cmocka_unit_test(test_project_by_a_link),
        cmocka_unit_test(test_bad_steps),
        cmocka_unit_test(test_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
