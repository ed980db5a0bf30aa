/* Steps on steps in the real sandbox: random changes over many steps, then what is shown is the difference, apply makes
 * the tree the steps saw, and undo gives the project back to the last time stamp. As root and as an ordinary user. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "effects_util.h"
#include "os/file.h"
#include "rig.h"
#include "sandbox/apply.h"

#define ORDINARY 12345

static char tool[4096]; /* stack_ops, from the command line */

struct stack {
    struct rig g;
    char tools[200], plain[200];
    const char *binds[1];
    char names[64][16];
    const char *lower[65];
    struct buf before;
    bool copied; /* a run with its own copy of the project */
};

static void must(int r, const struct err *e)
{
    if (r < 0)
        fail_msg("%s: %s", err_info(-r)->name, e->msg);
}

/* Files of root's own belong to uid 1000 inside, which is nobody's business here: the project is an ordinary user's. */
static void own(const char *dir)
{
    const char *const argv[] = {"chown", "-R", "-h", "12345:12345", dir, NULL};
    if (geteuid() == 0)
        assert_int_equal(fx_run(argv, NULL), 0);
}

static void cp(const char *from, const char *to)
{
    const char *const argv[] = {"cp", "-a", from, to, NULL};
    assert_int_equal(fx_run(argv, NULL), 0);
}

/* The same changes without a sandbox, by the same kind of user: one that modes bind. */
static void ops_plain(struct stack *s, uint64_t seed, int count)
{
    const char *links = s->copied ? "links" : NULL;
    char a[32], b[16], path[256];
    snprintf(a, sizeof a, "%llu", (unsigned long long)seed);
    snprintf(b, sizeof b, "%d", count);
    snprintf(path, sizeof path, "%s/stack_ops", s->tools);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (chdir(s->plain) < 0 ||
            (geteuid() == 0 && (setgroups(0, NULL) < 0 || setgid(ORDINARY) < 0 || setuid(ORDINARY) < 0)))
            _exit(99);
        execl(path, path, a, b, links, (char *)NULL);
        _exit(98);
    }
    int st = -1;
    assert_int_equal(waitpid(pid, &st, 0), pid);
    assert_int_equal(st, 0);
}

static void begin(struct stack *s, uint64_t seed)
{
    struct rnd r = {.s = seed * 2 + 1};
    char path[256];
    rig_init(&s->g);
    assert_int_equal(chmod(s->g.base, 0755), 0);
    snprintf(s->tools, sizeof s->tools, "%s/tools", s->g.base);
    snprintf(s->plain, sizeof s->plain, "%s/plain", s->g.base);
    assert_int_equal(mkdir(s->tools, 0755), 0);
    snprintf(path, sizeof path, "%s/stack_ops", s->tools);
    cp(tool, path); /* as_user gave it another name */
    s->binds[0] = s->tools;
    s->g.spec.ro_binds = s->binds;
    s->g.spec.nro_binds = 1;
    assert_int_equal(chdir(s->g.project), 0);
    fx_random_tree(&r, 60);
    for (int i = 0; i < 6; i++) {
        char there[512];
        fx_pick(&r, there, sizeof there);
        (void)!setxattr(there, "user.note", "old", 3, 0);
    }
    for (int i = 0; i < 4; i++) {
        char there[512];
        struct stat st;
        fx_pick(&r, there, sizeof there);
        if (lstat(there, &st) == 0 && S_ISDIR(st.st_mode))
            (void)!chmod(there, 0555);
    }
    assert_int_equal(chdir("/"), 0);
    own(s->g.project);
    cp(s->g.project, s->plain);
    s->before = fx_list(s->g.project, FX_EXACT);
    fx_sleep_tick();
    s->g.lower = s->lower;
}

static void end(struct stack *s)
{
    const char *const argv[] = {"chmod", "-R", "u+rwX", s->g.base, NULL};
    buf_fini(&s->before);
    (void)fx_run(argv, NULL);
    rig_fini(&s->g);
}

static void step(struct stack *s, uint64_t seed, int count)
{
    char cmd[400];
    int i = s->g.next;
    snprintf(cmd, sizeof cmd, "%s/stack_ops %llu %d %s", s->tools, (unsigned long long)seed, count,
             s->copied ? "links" : "");
    rig_run(&s->g, cmd);
    if (s->g.x.exit_code != 0)
        fail_msg("step %d: code %d signal %d %s %s", i, s->g.x.exit_code, s->g.x.signal, s->g.x.error,
                 s->g.err.len ? s->g.err.p : "");
    snprintf(s->names[i], sizeof s->names[i], "%d.1", i);
    if (!s->copied)
        s->lower[i] = s->names[i];
}

/* ---- what is shown, and what is there ---- */

/* The line of a path in a listing; NULL when it is not there. */
static const char *line_of(const struct buf *list, const char *path, size_t *ret_len)
{
    size_t n = strlen(path);
    for (const char *p = list->p; p && *p && *p != '\n';) {
        /* a name may hold newlines and blanks: entries are told apart by their whole path and what follows */
        if (strncmp(p, path, n) == 0 && p[n] == ' ' && p[n + 1] >= '0' && p[n + 1] <= '7') {
            const char *nl = strchr(p + n, '\n');
            *ret_len = (size_t)(nl - p);
            return p;
        }
        p = strchr(p, '\n');
        p = p ? p + 1 : NULL;
    }
    return NULL;
}

/* Every change that is shown is one: the listings differ there. */
static void check_shown(const struct changes *c, const char *from, const char *to)
{
    AUTO(buf_fini) struct buf a = fx_list(from, FX_ALL);
    AUTO(buf_fini) struct buf b = fx_list(to, FX_ALL);
    for (size_t i = 0; i < changes_len(c); i++) {
        const struct change *x = changes_at(c, i);
        size_t na = 0, nb = 0;
        const char *la = line_of(&a, x->path, &na), *lb = line_of(&b, x->path, &nb);
        if (strchr(x->path, '\n'))
            continue;
        if (x->refused)
            fail_msg("refused: %s: %s", x->path, x->refused);
        if (x->moved)
            fail_msg("moved: %s", x->path);
        if (la && lb && na == nb && memcmp(la, lb, na) == 0)
            fail_msg("shown, but the same: %s", x->path);
        if (!la != !x->old_mode || !lb != !x->new_mode)
            fail_msg("%s: old %o new %o, but %s and %s", x->path, x->old_mode, x->new_mode, la ? "there" : "not there",
                     lb ? "there" : "not there");
    }
}

static void round_trip(struct stack *s)
{
    AUTO_PTR(changes_free) struct changes *c = NULL;
    struct apply_result res = {0};
    struct err e = ERR_INIT;
    char undo[300];
    static const char *const copy[] = {"copy", NULL};
    struct changes_in in = {
        .project_root = s->g.project, .run_dir = s->g.run, .layers = s->copied ? copy : s->lower, .copied = s->copied};
    if (s->copied)
        must(changes_seal(s->g.run, "copy", &e), &e);
    for (int i = 0; i < s->g.next && !s->copied;
         i++) /* not before: a locked file must stay so for the steps that follow */
        must(changes_seal(s->g.run, s->names[i], &e), &e);
    must(changes_scan(&in, &c, &e), &e);
    fx_assert_list(s->g.project, &s->before, FX_EXACT); /* nothing was touched yet */
    check_shown(c, s->g.project, s->plain);
    if (apply_run(c, s->g.run, s->g.project, NULL, &res, &e) < 0)
        fail_msg("apply: %s %s", e.msg, res.conflicts ? res.conflicts : "");
    assert_null(res.skipped);
    apply_result_fini(&res);
    fx_assert_same(s->g.project, s->plain, FX_ALL);
    snprintf(undo, sizeof undo, "%s/undo", s->g.base);
    assert_int_equal(mkdir(undo, 0700), 0);
    if (apply_undo(s->g.run, undo, s->g.project, &res, &e) < 0)
        fail_msg("undo: %s %s", e.msg, res.conflicts ? res.conflicts : "");
    apply_result_fini(&res);
    fx_assert_list(s->g.project, &s->before, FX_EXACT);
}

static void make_copy(struct stack *s)
{
    struct err e = ERR_INIT;
    int64_t bytes = 0;
    s->g.spec.copy = true;
    must(sandbox_copy(&s->g.spec, 0, NULL, NULL, &bytes, &e), &e);
    assert_true(bytes > 0);
    must(sandbox_copy(&s->g.spec, 0, NULL, NULL, &bytes, &e), &e); /* there already */
}

static void one_round(uint64_t seed, int steps, int count, bool copied)
{
    struct stack s = {.copied = copied};
    fprintf(stderr, "SALLYPORT_SEED=%llu%s\n", (unsigned long long)seed, copied ? " (copy)" : "");
    begin(&s, seed);
    if (copied)
        make_copy(&s);
    rig_open(&s.g);
    for (int i = 0; i < steps; i++) {
        step(&s, seed + (uint64_t)i, count);
        ops_plain(&s, seed + (uint64_t)i, count);
    }
    round_trip(&s);
    end(&s);
}

static void test_random(void **state)
{
    (void)state;
    const char *from = getenv("SALLYPORT_SEED"), *n = getenv("SALLYPORT_ROUNDS");
    uint64_t seed = from ? strtoull(from, NULL, 10) : (uint64_t)time(NULL) * 1000;
    for (int i = 0; i < (n ? atoi(n) : 6); i++)
        one_round(seed + (uint64_t)i * 100, 4, 30, i % 2);
}

/* As many steps as a plan may have. */
static void test_many(void **state)
{
    (void)state;
    const char *from = getenv("SALLYPORT_SEED");
    one_round(from ? strtoull(from, NULL, 10) : (uint64_t)time(NULL) * 1000, 64, 6, false);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_many)};
    if (argc < 2 || !realpath(argv[1], tool))
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
