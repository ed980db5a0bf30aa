/* Steps with a terminal: what they see of it, and what is typed arrives once, in order, and whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "os/clock.h"
#include "rig.h"
#include "sandbox/spec.h"

#define WITHIN_MS 20000

static int setup(void **state)
{
    struct rig *g = calloc(1, sizeof(*g));
    rig_init(g);
    g->cols = 80;
    g->rows = 24;
    *state = g;
    return 0;
}

static int teardown(void **state)
{
    rig_fini(*state);
    free(*state);
    return 0;
}

static struct sandbox_tty ask(struct rig *g, const struct sandbox_tty_ask *a)
{
    struct err e = ERR_INIT;
    struct sandbox_tty t = {0};
    int r = sandbox_tty(g->sb, a, &t, &e);
    if (r < 0)
        fail_msg("%s: %s", err_info(-r)->name, e.msg);
    return t;
}

static struct sandbox_tty type_at(struct rig *g, uint64_t offset, const char *s, size_t n, bool eof)
{
    return ask(g, &(struct sandbox_tty_ask){.what = SB_TTY_INPUT, .offset = offset, .p = s, .n = n, .eof = eof});
}

/* All of it, behind what was typed before. */
static void type(struct rig *g, const char *s, size_t n)
{
    struct sandbox_tty t = ask(g, &(struct sandbox_tty_ask){.what = SB_TTY_LOOK});
    uint64_t end = t.taken + n, from = t.taken;
    int64_t until = clock_mono_us() + WITHIN_MS * MS_US;
    while (t.taken < end) {
        uint64_t was = t.taken;
        size_t left = (size_t)(end - was);
        t = type_at(g, was, s + (was - from), left < 60000 ? left : 60000, false);
        assert_int_equal(t.status, SB_TTY_OK);
        assert_true(clock_mono_us() < until);
        if (t.taken == was)
            clock_sleep_us(MS_US);
    }
}

static void says(struct rig *g, const char *s)
{
    type(g, s, strlen(s));
}

static struct sandbox_tty resize(struct rig *g, int cols, int rows)
{
    return ask(g, &(struct sandbox_tty_ask){.what = SB_TTY_RESIZE, .cols = cols, .rows = rows});
}

/* Waits until the running step has written it. */
static void await(struct rig *g, const char *text)
{
    int64_t until = clock_mono_us() + WITHIN_MS * MS_US;
    for (;;) {
        rig_read_log(g, g->next - 1);
        if (rig_has(&g->out, text))
            return;
        if (clock_mono_us() > until)
            fail_msg("never said \"%s\", but: %s", text, g->out.p);
        clock_sleep_us(2 * MS_US);
    }
}

static void ends(struct rig *g, int code)
{
    assert_int_equal(rig_wait(g, WITHIN_MS), SB_EXIT);
    assert_int_equal(g->x.exit_code, code);
}

static void test_it_is_a_terminal(void **state)
{
    struct rig *g = *state;
    rig_open(g);
    rig_run(
        g, "test -t 0 && test -t 1 && test -t 2 && tty && stty size && echo $TERM && ls /dev/pts | sort | tr '\\n' ' ';"
           " echo hello > /dev/tty; stty -a | tr ' ' '\\n' | grep -c '^iutf8'");
    assert_int_equal(g->x.exit_code, 0);
    assert_string_equal(g->out.p, "/dev/pts/0\r\n24 80\r\nxterm-256color\r\n0 ptmx hello\r\n1\r\n");
    assert_int_equal(g->err.len, 0);
    assert_int_equal(g->x.stdout_bytes, g->out.len);
    rig_run(g, "tty; echo again"); /* the same number: the first is gone */
    assert_string_equal(g->out.p, "/dev/pts/0\r\nagain\r\n");
    g->cols = g->rows = 0;
    rig_run(g, "tty; cat; (exec 3<>/dev/tty) 2>/dev/null || echo none; ls /dev/pts");
    assert_string_equal(g->out.p, "not a tty\nnone\nptmx\n");
}

static void test_typing(void **state)
{
    struct rig *g = *state;
    rig_open(g);
    rig_start(g, "read a; echo \"got $a\"; read b; echo \"and $b\"; exit 3");
    says(g, "one\n");
    await(g, "got one");
    says(g, "tw\177wo\n"); /* the terminal's own line editing */
    ends(g, 3);
    assert_true(rig_has(&g->out, "and two"));
}

static void test_once_and_in_order(void **state)
{
    struct rig *g = *state;
    struct sandbox_tty t;
    rig_open(g);
    rig_start(g, "stty -echo; echo ready; cat; sleep 1");
    await(g, "ready");
    t = type_at(g, 0, "abc", 3, false);
    assert_int_equal(t.status, SB_TTY_OK);
    assert_int_equal(t.taken, 3);
    assert_int_equal(t.fresh, 3);
    t = type_at(g, 0, "abc", 3, false); /* the answer was lost: asked again */
    assert_int_equal(t.status, SB_TTY_OK);
    assert_int_equal(t.taken, 3);
    assert_int_equal(t.fresh, 0);
    t = type_at(g, 0, "abcd", 4, false); /* and with more behind it */
    assert_int_equal(t.taken, 4);
    assert_int_equal(t.fresh, 1);
    t = type_at(g, 9, "zz", 2, false);
    assert_int_equal(t.status, SB_TTY_GAP);
    assert_int_equal(t.taken, 4);
    t = type_at(g, 1, "xyz", 3, false); /* somebody else was first */
    assert_int_equal(t.status, SB_TTY_OTHER);
    assert_int_equal(t.taken, 4);
    t = type_at(g, 4, "\n", 1, true);
    assert_int_equal(t.status, SB_TTY_OK);
    assert_true(t.eof);
    t = type_at(g, 4, "\n", 1, true);
    assert_int_equal(t.status, SB_TTY_OK);
    t = type_at(g, 5, "more", 4, false);
    assert_int_equal(t.status, SB_TTY_ENDED);
    ends(g, 0);
    assert_string_equal(g->out.p, "ready\r\nabcd\r\n");
}

static void test_resize(void **state)
{
    struct rig *g = *state;
    rig_open(g);
    rig_start(g, "trap 'stty size; exit 7' WINCH; echo ready; while :; do sleep 0.02; done");
    await(g, "ready");
    struct sandbox_tty t = resize(g, 132, 43);
    assert_int_equal(t.cols, 132);
    assert_int_equal(t.rows, 43);
    ends(g, 7);
    assert_true(rig_has(&g->out, "43 132"));
}

static void test_control_characters(void **state)
{
    struct rig *g = *state;
    rig_open(g);
    rig_start(g, "echo ready; exec sleep 1000");
    await(g, "ready");
    says(g, "\003");
    assert_int_equal(rig_wait(g, WITHIN_MS), SB_EXIT);
    assert_int_equal(g->x.signal, 2);
    rig_start(g, "echo ready; exec sleep 1000");
    await(g, "ready");
    says(g, "\034"); /* Ctrl-\ */
    assert_int_equal(rig_wait(g, WITHIN_MS), SB_EXIT);
    assert_int_equal(g->x.signal, 3);
    rig_start(g, "echo ready; exec cat"); /* Ctrl-Z: nobody could continue it, so it goes on */
    await(g, "ready");
    says(g, "\032");
    await(g, "^Z");
    says(g, "on\n\004");
    ends(g, 0);
    assert_true(rig_has(&g->out, "on\r\non\r\n"));
}

static void test_job_control(void **state)
{
    struct rig *g = *state;
    rig_open(g);
    rig_start(g, "exec bash --norc -i");
    /* One process: a shell that is stopped between its vfork(2) and the child's exec does not notice. */
    says(g,
         "perl -e '$| = 1; $SIG{CONT} = sub { print \"wo\", \"ken\\n\" }; print \"u\", \"p\\n\"; 1 while sleep 1'\n");
    await(g, "up\r\n");
    says(g, "\032");
    await(g, "Stopped");
    says(g, "fg\n");
    await(g, "woken\r\n");
    says(g, "\003");
    says(g, "\003\necho $((60+6))\n");
    await(g, "66");
    says(g, "exit 5\n");
    ends(g, 5);
    assert_false(rig_has(&g->out, "no job control"));
}

/* A step may give its place in front of the terminal to init, which leads the session: signals of keys go there then.
 * Pid 1 does not hear them. */
static void test_init_in_front(void **state)
{
    struct rig *g = *state;
    rig_open(g);
    rig_start(g, "perl -MPOSIX -e '$| = 1; print POSIX::tcsetpgrp(0, 1) ? \"ready\\n\" : \"refused\\n\"; sleep 1'");
    await(g, "re");
    says(g, "\003\032\034");
    ends(g, 0);
    rig_run(g, "echo fine");
    assert_string_equal(g->out.p, "fine\r\n");
}

/* A closed pipe ends every read, also of a shell that edits its lines. */
static void test_end_of_input(void **state)
{
    struct rig *g = *state;
    struct sandbox_tty t;
    rig_open(g);
    rig_start(g, "bash --norc -i; cat; cat; echo ended");
    t = type_at(g, 0, "echo $((40+2))\n", 15, true);
    assert_int_equal(t.taken, 15);
    ends(g, 0);
    assert_true(rig_has(&g->out, "42"));
    assert_true(rig_has(&g->out, "ended"));
    rig_start(g, "stty -echo; echo ready; cat; echo; echo ended");
    await(g, "ready");
    t = type_at(g, 0, "unfinished", 10, true);
    assert_true(t.eof);
    ends(g, 0);
    assert_string_equal(g->out.p, "ready\r\nunfinished\r\nended\r\n");
}

#define PASTE ((size_t)(1024 * 1024))

static void test_paste(void **state)
{
    struct rig *g = *state;
    char *text = malloc(PASTE + 1);
    size_t n = 0;
    rig_open(g);
    for (int i = 0; n + 64 < PASTE; i++)
        n += (size_t)sprintf(text + n, "line %d of what was pasted, and its end %d\n", i, i * 7);
    rig_start(g, "stty -echo -onlcr; echo ready; cat");
    await(g, "ready");
    type(g, text, n);
    says(g, "\004");
    ends(g, 0);
    assert_int_equal(g->out.len, 6 + n); /* "ready\n" */
    assert_memory_equal(g->out.p + 6, text, n);
    rig_start(g, "stty raw -echo; echo ready; head -c 100000 | cksum");
    await(g, "ready");
    type(g, text, 100000); /* no lines: the terminal gives what it has */
    ends(g, 0);
    g->cols = g->rows = 0;
    char want[64];
    snprintf(want, sizeof(want), "%.40s", g->out.p + 6);
    free(text);
    rig_run(g,
            "i=0; n=0; while [ $n -lt 100000 ]; do s=\"line $i of what was pasted, and its end $((i*7))\"; echo \"$s\";"
            " n=$((n+${#s}+1)); i=$((i+1)); done | head -c 100000 | cksum");
    assert_memory_equal(want, g->out.p, strcspn(want, "\r\n"));
}

/* It holds what there is room for, says so, loses nothing, and can be killed. */
static void test_never_reads(void **state)
{
    struct rig *g = *state;
    static char text[100000];
    struct sandbox_tty t = {0};
    uint64_t before = 0;
    int still = 0;
    rig_open(g);
    memset(text, 'x', sizeof(text));
    rig_start(g, "stty raw -echo; echo ready; while [ ! -e go ]; do sleep 0.02; done; stty size");
    await(g, "ready");
    while (still < 20) {
        t = type_at(g, t.taken, text, sizeof(text), false);
        assert_int_equal(t.status, SB_TTY_OK);
        still = t.taken == before ? still + 1 : 0;
        before = t.taken;
        clock_sleep_us(10 * MS_US);
    }
    assert_in_range(t.taken, 64 * 1024, 256 * 1024);
    t = resize(g, 99, 33);
    assert_int_equal(t.cols, 99);
    assert_int_equal(sandbox_kill(g->sb), 0);
    assert_int_equal(rig_wait(g, WITHIN_MS), SB_EXIT);
    assert_true(g->x.canceled);
}

/* What was written is there, whoever ends how: the kernel throws it away when a session's leader ends before. */
static void test_nothing_written_is_lost(void **state)
{
    struct rig *g = *state;
    rig_open(g);
    for (int i = 0; i < 60; i++) {
        rig_run(g, "sleep 1000 & head -c 3000 /dev/zero | tr '\\0' z; printf end");
        assert_int_equal(g->out.len, 3000 + 3);
        assert_string_equal(g->out.p + 3000, "end");
    }
}

static void test_secrets(void **state)
{
    struct rig *g = *state;
    static const char *const secrets[] = {"hunter22hunter", NULL};
    g->secrets = secrets;
    rig_open(g);
    rig_start(g, "echo ready; read a; echo \"you said $a\"; echo hunter22hunter");
    await(g, "ready");
    for (const char *p = "hunter22hunter\n"; *p; p++) { /* each echoed by itself */
        type(g, p, 1);
        clock_sleep_us(3 * MS_US);
    }
    ends(g, 0);
    assert_false(rig_has(&g->out, "hunter22hunter"));
    assert_true(rig_has(&g->out, "you said "));
}

static void test_survives_the_server(void **state)
{
    struct rig *g = *state;
    struct err e = ERR_INIT;
    struct sandbox_tty t;
    bool running;
    int index, attempt;
    rig_open(g);
    rig_start(g, "stty -echo; echo ready; cat");
    await(g, "ready");
    t = type_at(g, 0, "before ", 7, false);
    assert_int_equal(t.taken, 7);
    sandbox_detach(TAKE(g->sb));
    assert_int_equal(sandbox_adopt(g->run, &g->sb, &running, &index, &attempt, &e), 0);
    assert_true(running);
    t = type_at(g, 0, "before ", 7, false);
    assert_int_equal(t.taken, 7);
    assert_int_equal(t.fresh, 0);
    assert_int_equal(t.cols, 80);
    t = type_at(g, 7, "after\n", 6, true);
    assert_int_equal(t.taken, 13);
    ends(g, 0);
    assert_string_equal(g->out.p, "ready\r\nbefore after\r\n");
}

static void test_no_terminal(void **state)
{
    struct rig *g = *state;
    struct err e = ERR_INIT;
    g->cols = g->rows = 0;
    rig_open(g);
    struct sandbox_tty t = type_at(g, 0, "x", 1, false);
    assert_int_equal(t.status, SB_TTY_NONE);
    rig_start(g, "sleep 1000");
    t = type_at(g, 0, "x", 1, false);
    assert_int_equal(t.status, SB_TTY_NONE);
    assert_int_equal(t.fresh, 0);
    assert_int_equal(sandbox_kill(g->sb), 0);
    assert_int_equal(rig_wait(g, WITHIN_MS), SB_EXIT);
    struct step_spec s = {.index = 9, .attempt = 1, .command = "true", .layer = "9.1", .cols = 5000, .rows = 1};
    assert_int_equal(sandbox_exec(g->sb, &s, &e), -ERR_INVALID);
    assert_string_equal(e.field, "cols");
    s.cols = 0;
    assert_int_equal(sandbox_exec(g->sb, &s, &e), -ERR_INVALID);
}

static void test_cannot_be_started(void **state)
{
    struct rig *g = *state;
    const char *const argv[] = {"no-such-program", NULL};
    rig_open(g);
    rig_argv(g, argv);
    assert_non_null(strstr(g->x.error, "no-such-program"));
    rig_run(g, "echo fine");
    assert_string_equal(g->out.p, "fine\r\n");
}

static void test_time_limit(void **state)
{
    struct rig *g = *state;
    g->wall_ms = 300;
    rig_open(g);
    rig_start(g, "exec bash --norc -i"); /* ignores SIGTERM, as every shell at a terminal does */
    assert_int_equal(rig_wait(g, WITHIN_MS), SB_EXIT);
    assert_true(g->x.timed_out);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_is_a_terminal),
        TEST(test_typing),
        TEST(test_once_and_in_order),
        TEST(test_resize),
        TEST(test_control_characters),
        TEST(test_job_control),
        TEST(test_init_in_front),
        TEST(test_end_of_input),
        TEST(test_paste),
        TEST(test_never_reads),
        TEST(test_nothing_written_is_lost),
        TEST(test_secrets),
        TEST(test_survives_the_server),
        TEST(test_no_terminal),
        TEST(test_cannot_be_started),
        TEST(test_time_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
