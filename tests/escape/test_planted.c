/* A step leaves fifos, sockets, links, odd names and worse in its layer; then the host looks at the changes, makes the
 * diff, applies and undoes. It must not hang, follow, or write outside the project.
 *
 *   test_planted ATTEMPTS-PROGRAM */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/str.h"
#include "os/file.h"
#include "sandbox/apply.h"
#include "sandbox/changes.h"
#include "sandbox/rig.h"

#define BOUND_S 60 /* a fifo that is opened hangs for ever: SIGALRM ends the test */

static void put(const struct rig *g, const char *rel, const char *text, mode_t mode)
{
    char p[512];
    snprintf(p, sizeof(p), "%s/%s", g->base, rel);
    char *slash = strrchr(p, '/');
    *slash = 0;
    assert_int_equal(dir_make(AT_FDCWD, p, NULL, NULL), 0);
    assert_int_equal(chmod(p, 0755), 0);
    *slash = '/';
    assert_int_equal(file_replace(AT_FDCWD, p, text, strlen(text), mode, NULL), 0);
}

static void lay(struct rig *g, const char *program)
{
    AUTO(buf_fini) struct buf p = BUF_INIT(16 * MIB);
    char to[512];
    rig_init(g);
    assert_int_equal(chmod(g->base, 0755), 0);
    put(g, "bait", "what the host keeps to itself\n", 0644);
    put(g, "project/swap/bait", "the project's\n", 0644);
    put(g, "project/tree/in/one", "one\n", 0644);
    put(g, "project/flat", "flat\n", 0644);
    put(g, "project/file.txt", "file\n", 0644);
    put(g, "project/.git/config", "[core]\n", 0644);
    put(g, "project/.git/hooks/sample", "x\n", 0644);
    assert_int_equal(file_read(AT_FDCWD, program, &p, NULL), 0);
    snprintf(to, sizeof(to), "%s/attempts", g->project);
    assert_int_equal(file_replace(AT_FDCWD, to, p.p, p.len, 0755, NULL), 0);
}

static const struct change *find(const struct changes *c, const char *path)
{
    for (size_t i = 0; i < changes_len(c); i++) {
        if (str_eq(changes_at(c, i)->path, path))
            return changes_at(c, i);
    }
    fail_msg("%s is not among the changes", path);
    return NULL;
}

static void assert_refused(const struct changes *c)
{
    static const char *const never[] = {
        "fifo", "socket", "file.txt", "setuid", "to-bait", "up", "swap", ".git/hooks/post-checkout", ".git/config"};
    for (size_t i = 0; i < ARRAY_LEN(never); i++) {
        if (!find(c, never[i])->refused)
            fail_msg("%s would be applied", never[i]);
    }
    assert_null(find(c, "twin2")->refused);
    assert_null(find(c, "flat/in")->refused);
}

static struct stat stat_of(const struct rig *g, const char *rel)
{
    char p[512];
    struct stat st = {0};
    snprintf(p, sizeof(p), "%s/%s", g->base, rel);
    (void)!lstat(p, &st);
    return st;
}

static void assert_same(struct stat a, struct stat b, bool times)
{
    assert_int_equal(a.st_ino, b.st_ino);
    assert_int_equal(a.st_mode, b.st_mode);
    assert_int_equal(a.st_nlink, b.st_nlink);
    assert_int_equal(a.st_size, b.st_size);
    assert_true(!times || (a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec));
}

/* Nothing that the project should not have: no special file, no setuid bit, no link that leads out. */
static void assert_clean(const struct rig *g)
{
    static const char *const gone[] = {"fifo", "socket", "setuid", "to-bait", "up", ".git/hooks/post-checkout"};
    char p[512];
    for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
        snprintf(p, sizeof(p), "project/%s", gone[i]);
        if (stat_of(g, p).st_ino)
            fail_msg("%s is there", p);
    }
    assert_false(S_ISLNK(stat_of(g, "project/swap").st_mode));
    assert_false(S_ISFIFO(stat_of(g, "project/file.txt").st_mode));
    assert_int_equal(stat_of(g, "project/.git/config").st_size, 7);
}

static void look(const struct changes *c)
{
    AUTO(buf_fini) struct buf patch = BUF_INIT(512 * MIB), list = BUF_INIT(64 * MIB);
    struct jw w = JW_INIT(&list);
    struct err e = ERR_INIT;
    char digest[65];
    changes_digest(c, digest);
    jw_arr(&w);
    for (size_t i = 0; i < changes_len(c); i++)
        changes_json_one(changes_at(c, i), &w);
    jw_end_arr(&w);
    assert_false(list.bad);
    if (changes_patch(c, NULL, &patch, &e) < 0)
        fail_msg("diff: %s", e.msg);
    assert_false(rig_has(&patch, "keeps to itself"));
    assert_false(rig_has(&patch, "root:x:"));
}

static void undo(const struct rig *g)
{
    struct apply_result r = {0};
    struct err e = ERR_INIT;
    char dir[512];
    snprintf(dir, sizeof(dir), "%s/undo", g->base);
    assert_int_equal(mkdir(dir, 0700), 0);
    if (apply_undo(g->run, dir, g->project, &r, &e) < 0)
        fail_msg("undo: %s %s", e.msg, r.conflicts ? r.conflicts : "");
    apply_result_fini(&r);
    assert_true(S_ISDIR(stat_of(g, "project/tree").st_mode));
    assert_int_equal(stat_of(g, "project/flat").st_size, 5);
}

static void test_planted(void **state)
{
    struct rig g;
    struct err e = ERR_INIT;
    struct apply_result r = {0};
    AUTO_PTR(changes_free) struct changes *c = NULL;
    lay(&g, *state);
    const char *const argv[] = {"/workspace/attempts", "plant", "inside", g.base, "m", "0", "0", "0", "0", NULL};
    const char *const layers[] = {"0.1", NULL};
    struct stat bait = stat_of(&g, "bait"), passwd = stat_of(&g, "../../../etc/passwd");
    rig_open(&g);
    rig_argv(&g, argv);
    if (g.x.exit_code != 0)
        fail_msg("could not plant: %.*s", (int)g.err.len, g.err.len ? g.err.p : "");
    rig_close(&g);
    alarm((unsigned)(BOUND_S * rig_slowness()));
    struct changes_in in = {.project_root = g.project, .run_dir = g.run, .layers = layers};
    if (changes_seal(g.run, "0.1", &e) < 0 || changes_scan(&in, &c, &e) < 0)
        fail_msg("changes: %s", e.msg);
    assert_refused(c);
    look(c);
    if (apply_run(c, g.run, g.project, NULL, &r, &e) < 0)
        fail_msg("apply: %s %s", e.msg, r.conflicts ? r.conflicts : "");
    apply_result_fini(&r);
    assert_clean(&g);
    undo(&g);
    assert_clean(&g);
    alarm(0);
    assert_same(stat_of(&g, "bait"), bait, true);
    assert_same(stat_of(&g, "../../../etc/passwd"), passwd, true);
    rig_fini(&g);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    const struct CMUnitTest tests[] = {{"planted", test_planted, NULL, NULL, argv[1]}};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
