/* Apply, undo and recovery: exact or nothing, whatever fails and wherever it dies. Built with fault points. */
#include <errno.h>
#include <fcntl.h>
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
#include "base/fault.h"
#include "base/str.h"
#include "sandbox/apply.h"

static const char *const L1[] = {"0.1", NULL};
static const char *const L2[] = {"0.1", "1.1", NULL};

static struct changes *scan(struct fx *f, const char *const *layers)
{
    struct changes *c = NULL;
    struct err e = ERR_INIT;
    struct changes_in in = {.project_root = f->project, .run_dir = f->run, .layers = layers};
    for (size_t i = 0; layers[i]; i++)
        if (changes_seal(f->run, layers[i], &e) < 0)
            fail_msg("seal: %s", e.msg);
    if (changes_scan(&in, &c, &e) < 0)
        fail_msg("scan: %s", e.msg);
    return c;
}

/* A project and one layer with every kind of change in it. Small: it is run through every crash point. */
static void standard(struct fx *f)
{
    fx_open(f);
    fx_puts(fx_at("%s/keep", f->project), "k\n");
    fx_puts(fx_at("%s/mod", f->project), "1\n2\n3\n");
    fx_puts(fx_at("%s/del", f->project), "gone\n");
    fx_puts(fx_at("%s/mode", f->project), "m\n");
    fx_puts(fx_at("%s/tolink", f->project), "l\n");
    fx_link("keep", fx_at("%s/relink", f->project));
    fx_puts(fx_at("%s/todir", f->project), "d\n");
    fx_puts(fx_at("%s/tofile/x", f->project), "x\n");
    fx_puts(fx_at("%s/tree/sub/f", f->project), "f\n");
    fx_puts(fx_at("%s/tree/g", f->project), "g\n");
    assert_int_equal(chmod(fx_at("%s/tree/sub", f->project), 0555), 0);
    assert_int_equal(chmod(fx_at("%s/tree/g", f->project), 0400), 0);
    fx_mkdir(fx_at("%s/dmode", f->project));
    char *up = fx_layer(f, "0.1");
    fx_puts(fx_at("%s/mod", up), "1\nzwei\n3\n4\n");
    fx_whiteout(fx_at("%s/del", up));
    fx_write(fx_at("%s/mode", up), "m\n", 2, 0755);
    fx_link("mod", fx_at("%s/tolink", up));
    fx_link("mod", fx_at("%s/relink", up));
    fx_write(fx_at("%s/todir/in", up), "in\n", 3, 0600);
    fx_puts(fx_at("%s/tofile", up), "now a file\n");
    fx_whiteout(fx_at("%s/tree", up));
    fx_puts(fx_at("%s/new/deep/f", up), "new\n");
    fx_mkdir(fx_at("%s/new/empty", up));
    fx_puts(fx_at("%s/new/locked/f", up), "new\n");
    assert_int_equal(chmod(fx_at("%s/new/locked", up), 0500), 0);
    fx_mkdir(fx_at("%s/dmode", up));
    assert_int_equal(chmod(fx_at("%s/dmode", up), 0711), 0);
}

/* What the project must look like afterwards. */
static char *expected(struct fx *f)
{
    char *x = fx_at("%s/expected", f->dir);
    fx_copy(f->project, x);
    const char *const argv[] = {
        "sh", "-ec",
        "printf '1\\nzwei\\n3\\n4\\n' >mod; rm del; chmod 755 mode; ln -sf mod tolink; ln -sfn mod relink; rm todir;"
        "mkdir todir; printf 'in\\n' >todir/in; chmod 600 todir/in; rm -r tofile; echo now a file >tofile; chmod -R "
        "u+w tree;"
        "rm -r tree; mkdir -p new/deep new/empty new/locked; echo new >new/deep/f; echo new >new/locked/f;"
        "chmod 500 new/locked; chmod 711 dmode",
        NULL};
    assert_int_equal(fx_run(argv, x), 0);
    return x;
}

/* Few enough steps to be synced one by one. */
static void small(struct fx *f)
{
    fx_open(f);
    fx_puts(fx_at("%s/mod", f->project), "1\n");
    fx_puts(fx_at("%s/del", f->project), "gone\n");
    char *up = fx_layer(f, "0.1");
    fx_puts(fx_at("%s/mod", up), "2\n");
    fx_whiteout(fx_at("%s/del", up));
    fx_puts(fx_at("%s/d/new", up), "new\n");
}

static char *small_expected(struct fx *f)
{
    char *x = fx_at("%s/expected", f->dir);
    fx_copy(f->project, x);
    const char *const argv[] = {"sh", "-ec", "echo 2 >mod; rm del; mkdir d; echo new >d/new", NULL};
    assert_int_equal(fx_run(argv, x), 0);
    return x;
}

/* The tree of `expected`, listed once: it is the same in every fixture. */
static struct buf listed(void (*make)(struct fx *), char *(*expect)(struct fx *))
{
    struct fx f;
    make(&f);
    struct buf b = fx_list(expect(&f), FX_ALL);
    fx_close(&f);
    return b;
}

static struct apply_result apply_all(struct fx *f, const struct changes *c)
{
    struct apply_result res = {0};
    struct err e = ERR_INIT;
    if (apply_run(c, f->run, f->project, NULL, &res, &e) < 0)
        fail_msg("apply: %s %s", e.msg, res.conflicts ? res.conflicts : "");
    return res;
}

static char *undo_dir(struct fx *f)
{
    char *d = fx_at("%s/undo", f->dir);
    fx_mkdir(d);
    return d;
}

static void test_apply_and_undo(void **state)
{
    struct fx f;
    standard(&f);
    char *before = fx_at("%s/before", f.dir), *want = expected(&f);
    fx_copy(f.project, before);
    struct changes *c = scan(&f, L1);
    struct apply_result r = apply_all(&f, c);
    assert_int_equal(r.files, changes_sum(c).files);
    assert_int_equal(r.additions, changes_sum(c).additions);
    assert_null(r.conflicts);
    assert_null(r.skipped);
    apply_result_fini(&r);
    fx_assert_same(f.project, want, FX_ALL);

    struct err e = ERR_INIT;
    assert_int_equal(apply_run(c, f.run, f.project, NULL, &r, &e), -ERR_STATE);
    int st = -1;
    assert_int_equal(apply_recover(f.run, f.project, &st, &r, &e), 0);
    assert_int_equal(st, 3);
    assert_int_equal(r.files, changes_sum(c).files);
    apply_result_fini(&r);

    char *u = undo_dir(&f);
    if (apply_undo(f.run, u, f.project, &r, &e) < 0)
        fail_msg("undo: %s %s", e.msg, r.conflicts ? r.conflicts : "");
    assert_int_equal(r.deletions, changes_sum(c).additions);
    apply_result_fini(&r);
    fx_assert_same(f.project, before, FX_MTIME);
    assert_int_equal(apply_undo(f.run, u, f.project, &r, &e), -ERR_STATE);
    changes_free(c);
    fx_close(&f);
}

/* The undo's patch takes git from what was applied to what was there, before and after the undo. */
static void test_undo_patch(void **state)
{
    struct fx f;
    standard(&f);
    char *before = fx_at("%s/before", f.dir);
    fx_copy(f.project, before);
    struct changes *c = scan(&f, L1);
    struct apply_result r = apply_all(&f, c);
    apply_result_fini(&r);
    changes_free(c);
    char *applied = fx_at("%s/applied", f.dir);
    fx_copy(f.project, applied);
    struct err e = ERR_INIT;
    struct buf p1 = BUF_INIT(MIB), p2 = BUF_INIT(MIB);
    assert_int_equal(apply_undo_patch(f.run, f.project, &p1, &e), 0);
    assert_int_equal(apply_undo(f.run, undo_dir(&f), f.project, &r, &e), 0);
    apply_result_fini(&r);
    const char *const rm[] = {"sh", "-c", "chmod -R u+w layers && rm -rf layers", NULL};
    assert_int_equal(fx_run(rm, f.run), 0);
    assert_int_equal(apply_undo_patch(f.run, f.project, &p2, &e), 0);
    assert_string_equal(p1.p, p2.p);
    assert_non_null(strstr(p1.p, "#   new/empty: empty directory, deleted\n"));
    fx_write(fx_at("%s/undo.patch", f.dir), p1.p, p1.len, 0644);
    const char *const git[] = {"git", "apply", "--allow-empty", fx_at("%s/undo.patch", f.dir), NULL};
    assert_int_equal(chmod(fx_at("%s/new/locked", applied), 0700), 0); /* git does not unlock directories */
    assert_int_equal(fx_run(git, applied), 0);
    fx_assert_same(applied, before, FX_GIT);
    buf_fini(&p1);
    buf_fini(&p2);
    fx_close(&f);
}

static void test_only(void **state)
{
    struct fx f;
    standard(&f);
    struct changes *c = scan(&f, L1);
    const char *const only[] = {"mod", "new/deep/f", "todir/in", "tree/g", "tofile", NULL};
    struct apply_result r = {0};
    struct err e = ERR_INIT;
    char *want = fx_at("%s/want", f.dir), *before = fx_at("%s/before", f.dir);
    fx_copy(f.project, before);
    fx_copy(f.project, want);
    const char *const argv[] = {
        "sh", "-ec",
        "printf '1\\nzwei\\n3\\n4\\n' >mod; mkdir -p new/deep; echo new >new/deep/f; rm todir tree/g;"
        "mkdir todir; echo in >todir/in; chmod 600 todir/in; rm -r tofile; echo now a file >tofile",
        NULL};
    assert_int_equal(fx_run(argv, want), 0);
    if (apply_run(c, f.run, f.project, only, &r, &e) < 0)
        fail_msg("%s", e.msg);
    fx_assert_same(f.project, want, FX_ALL);
    assert_non_null(strstr(r.skipped, "{\"path\":\"del\",\"why\":\"not selected\"}"));
    assert_null(strstr(r.skipped, "\"mod\""));
    apply_result_fini(&r);
    assert_int_equal(apply_undo(f.run, undo_dir(&f), f.project, &r, &e), 0);
    apply_result_fini(&r);
    fx_assert_same(f.project, before, FX_MTIME);
    changes_free(c);
    fx_close(&f);
}

#define TEN "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"

/* Two files with two hunks each, of which one is taken of each, beside a whole one; undone to the byte. */
static void test_hunks(void **state)
{
    struct fx f;
    fx_open(&f);
    const char *const names[] = {"one", "sub/two", "whole", "left"};
    for (size_t i = 0; i < 4; i++)
        fx_write(fx_at("%s/%s", f.project, names[i]), "a\n" TEN "b\n", strlen("a\n" TEN "b\n"), 0640);
    char *up = fx_layer(&f, "0.1"), *before = fx_at("%s/before", f.dir);
    for (size_t i = 0; i < 4; i++)
        fx_write(fx_at("%s/%s", up, names[i]), "A\n" TEN "B", strlen("A\n" TEN "B"), 0600);
    fx_copy(f.project, before);
    struct changes *c = scan(&f, L1);
    const char *const only[] = {"one", "sub/two", "whole", NULL};
    const uint32_t first[] = {1}, second[] = {2, 2}, third[] = {3};
    struct apply_hunks h[] = {{"one", first, 1}, {"sub/two", second, 2}}, bad[] = {{"one", third, 1}},
                       none[] = {{"left", first, 1}};
    struct apply_result r = {0};
    struct err e = ERR_INIT;
    assert_int_equal(apply_run_hunks(c, f.run, f.project, only, bad, 1, &r, &e), -ERR_INVALID);
    assert_int_equal(apply_run_hunks(c, f.run, f.project, only, none, 1, &r, &e), -ERR_INVALID);
    fx_assert_same(f.project, before, FX_MTIME);
    assert_int_equal(apply_run_hunks(c, f.run, f.project, only, h, 2, &r, &e), 0);
    assert_int_equal(r.files, 3);
    assert_int_equal(r.additions, 4);
    assert_int_equal(r.deletions, 4);
    assert_non_null(strstr(r.skipped, "{\"path\":\"one\",\"why\":\"1 of 2 hunks were selected\"}"));
    assert_non_null(strstr(r.skipped, "{\"path\":\"left\",\"why\":\"not selected\"}"));
    apply_result_fini(&r);
    char *want = fx_at("%s/want", f.dir);
    fx_copy(before, want);
    fx_write(fx_at("%s/one", want), "A\n" TEN "b\n", strlen("A\n" TEN "b\n"), 0600);
    fx_write(fx_at("%s/sub/two", want), "a\n" TEN "B", strlen("a\n" TEN "B"), 0600);
    fx_write(fx_at("%s/whole", want), "A\n" TEN "B", strlen("A\n" TEN "B"), 0600);
    fx_assert_same(f.project, want, FX_ALL);
    assert_int_equal(apply_undo(f.run, undo_dir(&f), f.project, &r, &e), 0);
    apply_result_fini(&r);
    fx_assert_same(f.project, before, FX_MTIME);
    changes_free(c);
    fx_close(&f);
}

/* The project's file moved on: nothing of anything is taken. */
static void test_hunks_conflict(void **state)
{
    struct fx f;
    fx_open(&f);
    fx_puts(fx_at("%s/one", f.project), "a\n" TEN "b\n");
    fx_puts(fx_at("%s/one", fx_layer(&f, "0.1")), "A\n" TEN "B\n");
    struct changes *c = scan(&f, L1);
    fx_puts(fx_at("%s/one", f.project), "a\n" TEN "other\n");
    const uint32_t first[] = {1};
    struct apply_hunks h = {"one", first, 1};
    struct apply_result r = {0};
    struct err e = ERR_INIT;
    assert_int_equal(apply_run_hunks(c, f.run, f.project, NULL, &h, 1, &r, &e), -ERR_APPLY_CONFLICT);
    assert_non_null(strstr(r.conflicts, "\"path\":\"one\""));
    apply_result_fini(&r);
    changes_free(c);
    fx_close(&f);
}

static void test_refused_stay(void **state)
{
    struct fx f;
    fx_open(&f);
    fx_puts(fx_at("%s/sub/.git/config", f.project), "c\n");
    fx_puts(fx_at("%s/sub/a", f.project), "a\n");
    char *up = fx_layer(&f, "0.1");
    fx_whiteout(fx_at("%s/sub", up));
    fx_puts(fx_at("%s/vendor/.git/HEAD", up), "ref\n");
    fx_puts(fx_at("%s/vendor/x", up), "x\n");
    fx_puts(fx_at("%s/only/.git/HEAD", up), "ref\n");
    fx_write(fx_at("%s/suid", up), "s", 1, 04755);
    struct changes *c = scan(&f, L1);
    struct apply_result r = apply_all(&f, c);
    assert_int_equal(access(fx_at("%s/sub/.git/config", f.project), F_OK), 0);
    assert_int_equal(access(fx_at("%s/sub/a", f.project), F_OK), -1);
    assert_int_equal(access(fx_at("%s/vendor/x", f.project), F_OK), 0);
    assert_int_equal(access(fx_at("%s/vendor/.git", f.project), F_OK), -1);
    assert_int_equal(access(fx_at("%s/only", f.project), F_OK), -1);
    assert_int_equal(access(fx_at("%s/suid", f.project), F_OK), -1);
    assert_non_null(strstr(r.skipped, "\"suid\",\"why\":\"setuid bit\""));
    assert_non_null(strstr(r.skipped, "\"sub\",\"why\":\"holds something that stays\""));
    apply_result_fini(&r);
    changes_free(c);
    fx_close(&f);
}

/* --- conflicts ----------------------------------------------------------------------------------- */

struct clash {
    const char *sh, *path, *why;
}; /* why NULL: no conflict */

static void one_clash(const struct clash *k)
{
    struct fx f;
    standard(&f);
    struct changes *c = scan(&f, L1);
    const char *const argv[] = {"sh", "-ec", k->sh, NULL};
    assert_int_equal(fx_run(argv, f.project), 0);
    char *before = fx_at("%s/before", f.dir);
    fx_copy(f.project, before);
    struct apply_result r = {0};
    struct err e = ERR_INIT;
    int rc = apply_run(c, f.run, f.project, NULL, &r, &e);
    if (k->why) {
        char *want = fx_at("{\"path\":\"%s\",\"why\":\"%s\"}", k->path, k->why);
        if (rc != -ERR_APPLY_CONFLICT || !r.conflicts || !strstr(r.conflicts, want))
            fail_msg("%s: %d %s, wanted %s", k->sh, rc, r.conflicts ? r.conflicts : "none", want);
        fx_assert_same(f.project, before, FX_MTIME);
        assert_int_equal(access(fx_at("%s/apply", f.run), F_OK), -1);
    } else if (rc < 0) {
        fail_msg("%s: %s %s", k->sh, e.msg, r.conflicts ? r.conflicts : "");
    }
    apply_result_fini(&r);
    changes_free(c);
    fx_close(&f);
}

static void test_conflicts(void **state)
{
    static const struct clash rows[] = {
        {"echo x >>mod", "mod", "its content changed in the project"},
        {"chmod 600 mod", "mod", "its mode or content changed in the project"},
        {"rm mod", "mod", "was deleted in the project"},
        {"rm mod; mkdir mod", "mod", "is another kind of file in the project now"},
        {"ln -sfn x relink", "relink", "its content changed in the project"},
        {"mkdir -p new/deep; echo mine >new/deep/f", "new/deep/f", "appeared in the project"},
        {"ln -s /tmp new", "new", "appeared in the project"},
        {"echo x >new", "new", "appeared in the project"},
        {"echo x >tree/g2", "tree/g2", "appeared in a directory that is to be removed"},
        {"chmod 700 tree", "tree", "its mode changed in the project"},
        {"mv tree t2; ln -s t2 tree", "tree/g", "a parent directory is a symlink now"},
        {"chmod 700 dmode", "dmode", "its mode changed in the project"},
        {"touch mod del tree/g", NULL, NULL},
        {"rm del; chmod -R u+w tree; rm -r tree", NULL, NULL},
        {"printf '1\\nzwei\\n3\\n4\\n' >mod", NULL, NULL},
        {"mkdir new", NULL, NULL},
        {"rm -r tofile; echo now a file >tofile", NULL, NULL},
        {"echo unrelated >other; rm keep", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        one_clash(&rows[i]);
}

static void test_parent_gone(void **state)
{
    struct fx f;
    fx_open(&f);
    fx_puts(fx_at("%s/d/a", f.project), "a\n");
    char *up = fx_layer(&f, "0.1");
    fx_puts(fx_at("%s/d/new", up), "n\n");
    struct changes *c = scan(&f, L1);
    const char *const argv[] = {"rm", "-r", "d", NULL}, *const link[] = {"ln", "-s", "/tmp", "d", NULL};
    struct apply_result r = {0};
    struct err e = ERR_INIT;
    assert_int_equal(fx_run(argv, f.project), 0);
    assert_int_equal(apply_run(c, f.run, f.project, NULL, &r, &e), -ERR_APPLY_CONFLICT);
    assert_non_null(strstr(r.conflicts, "its directory was deleted in the project"));
    apply_result_fini(&r);
    assert_int_equal(fx_run(link, f.project), 0);
    assert_int_equal(apply_run(c, f.run, f.project, NULL, &r, &e), -ERR_APPLY_CONFLICT);
    assert_non_null(strstr(r.conflicts, "a parent directory is a symlink now"));
    apply_result_fini(&r);
    changes_free(c);
    fx_close(&f);
}

/* Somebody who owns the project lets its path lead elsewhere, where only root may write. */
static void test_project_by_a_link(void **state)
{
    struct fx f;
    small(&f);
    struct changes *c = scan(&f, L1), *again = NULL;
    struct apply_result r = {0};
    struct err e = ERR_INIT;
    char *elsewhere = fx_at("%s/elsewhere", f.dir), *whole = fx_at("%s/elsewhere/project", f.dir);
    char *by_link = fx_at("%s/link/project", f.dir);
    const char *const links[][5] = {{"ln", "-s", "elsewhere", "link", NULL},
                                    {"rm", "-r", "project", NULL},
                                    {"ln", "-s", "elsewhere/project", "project", NULL}};
    fx_mkdir(elsewhere);
    fx_copy(f.project, whole);
    struct buf before = fx_list(whole, FX_ALL);
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        assert_int_equal(fx_run(links[i], f.dir), 0);
    const char *const roots[] = {f.project, by_link};
    for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
        struct changes_in in = {.project_root = roots[i], .run_dir = f.run, .layers = L1};
        assert_true(changes_scan(&in, &again, &e) < 0);
        assert_true(apply_run(c, f.run, roots[i], NULL, &r, &e) < 0);
        apply_result_fini(&r);
    }
    struct buf after = fx_list(whole, FX_ALL);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.p, after.p, after.len);
    buf_fini(&before);
    buf_fini(&after);
    changes_free(c);
    fx_close(&f);
}

static void test_moved_during_run(void **state)
{
    struct fx f;
    standard(&f);
    fx_sleep_tick();
    fx_puts(fx_at("%s/mod", f.project), "edited by a person while the run went on\n");
    struct changes *c = scan(&f, L1);
    struct apply_result r = {0};
    struct err e = ERR_INIT;
    assert_int_equal(apply_run(c, f.run, f.project, NULL, &r, &e), -ERR_APPLY_CONFLICT);
    assert_non_null(strstr(r.conflicts, "\"mod\",\"why\":\"changed in the project while the run went on\""));
    apply_result_fini(&r);
    const char *const only[] = {"del", "new", NULL};
    assert_int_equal(apply_run(c, f.run, f.project, only, &r, &e), 0);
    apply_result_fini(&r);
    changes_free(c);
    fx_close(&f);
}

static void test_undo_conflict(void **state)
{
    struct fx f;
    standard(&f);
    struct changes *c = scan(&f, L1);
    struct apply_result r = apply_all(&f, c);
    apply_result_fini(&r);
    fx_puts(fx_at("%s/mod", f.project), "later\n");
    fx_puts(fx_at("%s/new/deep/more", f.project), "later\n");
    char *before = fx_at("%s/before", f.dir);
    fx_copy(f.project, before);
    struct err e = ERR_INIT;
    assert_int_equal(apply_undo(f.run, undo_dir(&f), f.project, &r, &e), -ERR_APPLY_CONFLICT);
    assert_non_null(strstr(r.conflicts, "\"mod\""));
    assert_non_null(strstr(r.conflicts, "\"new/deep/more\""));
    apply_result_fini(&r);
    fx_assert_same(f.project, before, FX_MTIME);
    changes_free(c);
    fx_close(&f);
}

static void test_keeps_xattrs(void **state)
{
    struct fx f;
    standard(&f);
    char v[8] = "";
    assert_int_equal(setxattr(fx_at("%s/mod", f.project), "user.mine", "yes", 3, 0), 0);
    assert_int_equal(setxattr(fx_at("%s/del", f.project), "user.mine", "yes", 3, 0), 0);
    fx_layer(&f, "0.1"); /* born again: setting them was before the run */
    fx_puts(fx_at("%s/layers/0.1/born", f.run), "");
    struct changes *c = scan(&f, L1);
    struct apply_result r = apply_all(&f, c);
    apply_result_fini(&r);
    assert_int_equal(getxattr(fx_at("%s/mod", f.project), "user.mine", v, sizeof v), 3);
    struct err e = ERR_INIT;
    assert_int_equal(apply_undo(f.run, undo_dir(&f), f.project, &r, &e), 0);
    apply_result_fini(&r);
    assert_int_equal(getxattr(fx_at("%s/mod", f.project), "user.mine", v, sizeof v), 3);
    assert_int_equal(getxattr(fx_at("%s/del", f.project), "user.mine", v, sizeof v), 3);
    changes_free(c);
    fx_close(&f);
}

static void test_owner(void **state)
{
    if (geteuid() != 0)
        skip();
    struct fx f;
    standard(&f);
    struct stat st;
    const char *const argv[] = {"chown", "-R", "1234:2345", f.project, NULL};
    assert_int_equal(fx_run(argv, NULL), 0);
    assert_int_equal(lchown(fx_at("%s/mod", f.project), 77, 88), 0);
    fx_sleep_tick();
    fx_puts(fx_at("%s/layers/0.1/born", f.run), "");
    struct changes *c = scan(&f, L1);
    struct apply_result r = apply_all(&f, c);
    apply_result_fini(&r);
    assert_int_equal(lstat(fx_at("%s/mod", f.project), &st), 0);
    assert_int_equal(st.st_uid, 77);
    assert_int_equal(st.st_gid, 88);
    assert_int_equal(lstat(fx_at("%s/new/deep/f", f.project), &st), 0);
    assert_int_equal(st.st_uid, 1234);
    assert_int_equal(lstat(fx_at("%s/new/empty", f.project), &st), 0);
    assert_int_equal(st.st_gid, 2345);
    assert_int_equal(lstat(fx_at("%s/relink", f.project), &st), 0);
    assert_int_equal(st.st_uid, 1234);
    changes_free(c);
    fx_close(&f);
}

/* --- failures ------------------------------------------------------------------------------------ */

static void assert_clean(struct fx *f)
{
    struct buf b = fx_list(f->project, FX_ALL);
    assert_null(strstr(b.p, ".sallyport-"));
    buf_fini(&b);
}

static bool fails_at(void (*make)(struct fx *), const char *point, int n, const struct buf *want)
{
    struct fx f;
    make(&f);
    struct buf before = fx_list(f.project, FX_MTIME);
    struct changes *c = scan(&f, L1);
    struct apply_result r = {0};
    struct err e = ERR_INIT;
    fault_arm_nth(point, n);
    int rc = apply_run(c, f.run, f.project, NULL, &r, &e);
    bool fired = fault_fired();
    fault_arm("");
    if (rc < 0) {
        if (!fired || rc == -ERR_APPLY_CONFLICT) /* it was our failure: nobody changed the project */
            fail_msg("%s:%d: %s", point, n, e.msg);
        assert_true(*e.msg);
        assert_null(strstr(e.msg, "goes on at the next start")); /* one failure is no reason not to go back at once */
        apply_result_fini(&r);
        int st = -1;
        assert_int_equal(apply_recover(f.run, f.project, &st, &r, &e), 0);
        fx_assert_list(f.project, &before, FX_MTIME);
        assert_clean(&f);
        changes_free(c);
        c = scan(&f, L1); /* what came back is no change of the project's; nothing stands in the way of trying again */
        rc = apply_run(c, f.run, f.project, NULL, &r, &e);
        if (rc < 0)
            fail_msg("again after %s:%d: %s %s", point, n, e.msg, r.conflicts ? r.conflicts : "");
    }
    apply_result_fini(&r);
    fx_assert_list(f.project, want, FX_ALL);
    buf_fini(&before);
    changes_free(c);
    fx_close(&f);
    return fired;
}

static void test_failures(void **state)
{
    static const char *const points[] = {"write", "rename", "fsync", "unlink", "chmod",
                                         "alloc", "read",   "open",  "look",   "noreplace"};
    struct buf want = listed(standard, expected), few = listed(small, small_expected);
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        int n = 1;
        while (fails_at(standard, points[i], n, &want))
            n += n < 48 ? 1 : 1 + n / 4; /* later ones of many are alike */
        assert_true(n > 1);
        for (n = 1; fails_at(small, points[i], n, &few); n++)
            continue;
    }
    buf_fini(&want);
    buf_fini(&few);
}

/* Nothing leaks and nothing half-made comes back, whichever allocation or read fails. */
static bool scan_fails_at(struct fx *f, const char *point, int n)
{
    struct changes *c = NULL;
    struct err e = ERR_INIT;
    struct buf b = BUF_INIT(MIB);
    struct changes_in in = {.project_root = f->project, .run_dir = f->run, .layers = L1};
    fault_arm_nth(point, n);
    int r = changes_scan(&in, &c, &e);
    if (r == 0)
        r = changes_patch(c, NULL, &b, &e);
    bool fired = fault_fired();
    fault_arm("");
    if (r == 0 ? fired : !fired || !*e.msg)
        fail_msg("%s:%d: %d %s", point, n, r, e.msg);
    changes_free(c);
    buf_fini(&b);
    return fired;
}

static void test_scan_failures(void **state)
{
    struct fx f;
    standard(&f);
    for (int n = 1; scan_fails_at(&f, "alloc", n); n++)
        continue;
    for (int n = 1; scan_fails_at(&f, "read", n); n++)
        continue;
    for (int n = 1; scan_fails_at(&f, "open", n); n++) /* nor is anything refused for want of a descriptor */
        continue;
    fx_close(&f);
}

/* A journal that was damaged is not followed. */
static void test_damaged_plan(void **state)
{
    struct fx f;
    standard(&f);
    struct changes *c = scan(&f, L1);
    struct apply_result r = apply_all(&f, c);
    apply_result_fini(&r);
    changes_free(c);
    char *applied = fx_at("%s/applied", f.dir), *plan = fx_at("%s/apply/plan", f.run), *undo = undo_dir(&f);
    fx_copy(f.project, applied);
    struct buf text = BUF_INIT(MIB);
    struct err e = ERR_INIT;
    int fd = open(plan, O_RDONLY), st = -1;
    char byte;
    while (read(fd, &byte, 1) == 1)
        buf_addc(&text, byte);
    close(fd);
    for (size_t i = 0; i < text.len; i += 37) {
        text.p[i] ^= 1;
        fx_write(plan, text.p, text.len, 0600);
        text.p[i] ^= 1;
        assert_int_equal(apply_undo(f.run, undo, f.project, &r, &e), -ERR_CORRUPT);
        assert_int_equal(apply_recover(f.run, f.project, &st, &r, &e), -ERR_CORRUPT);
        fx_write(plan, text.p, i, 0600);
        assert_int_equal(apply_recover(f.run, f.project, &st, &r, &e), -ERR_CORRUPT);
    }
    fx_assert_same(f.project, applied, FX_MTIME);
    buf_fini(&text);
    fx_close(&f);
}

/* --- crashes ------------------------------------------------------------------------------------- */

enum { DID = 0, FAILED = 9 };

struct job {
    struct fx *f;
    struct changes *c;
    const char *undo; /* an undo, not an apply */
    const struct apply_hunks *hunks;
    size_t nhunks;
};

static int do_apply(const struct job *j)
{
    struct apply_result r = {0};
    int rc = j->undo ? apply_undo(j->f->run, j->undo, j->f->project, &r, NULL)
                     : apply_run_hunks(j->c, j->f->run, j->f->project, NULL, j->hunks, j->nhunks, &r, NULL);
    return rc < 0 ? FAILED : DID;
}

static int do_recover(const struct job *j)
{
    struct apply_result r = {0};
    int st;
    return apply_recover(j->undo ? j->undo : j->f->run, j->f->project, &st, &r, NULL) < 0 ? FAILED : DID;
}

/* True when it was killed. */
static bool dies(int (*fn)(const struct job *), const struct job *j, const char *point, int n)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        char spec[80];
        snprintf(spec, sizeof spec, "kill@%s:%d", point, n);
        fault_arm(spec);
        _exit(fn(j));
    }
    int st = 0;
    assert_int_equal(waitpid(pid, &st, 0), pid);
    if (!WIFSIGNALED(st))
        assert_int_equal(WEXITSTATUS(st), DID);
    return WIFSIGNALED(st);
}

static const char *const crash_points[] = {
    "apply_begun", "apply_planned", "apply_pre",   "apply_saved",  "apply_go",   "apply_tmp",    "apply_copied",
    "apply_moved", "apply_removed", "apply_chmod", "apply_synced", "apply_done", "file_replace",
};

/* Two files of which one hunk each is taken, and a whole one. */
static const uint32_t first_hunk[] = {1}, second_hunk[] = {2};
static const struct apply_hunks some_hunks[] = {{"one", first_hunk, 1}, {"two", second_hunk, 1}};

static void parts(struct fx *f)
{
    static const char *const names[] = {"one", "two", "whole"};
    fx_open(f);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        fx_puts(fx_at("%s/%s", f->project, names[i]), "a\n" TEN "b\n");
    char *up = fx_layer(f, "0.1"); /* what is written later would be a conflict */
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        fx_puts(fx_at("%s/%s", up, names[i]), "A\n" TEN "B\n");
}

static char *parts_expected(struct fx *f)
{
    char *x = fx_at("%s/expected", f->dir);
    fx_copy(f->project, x);
    fx_puts(fx_at("%s/one", x), "A\n" TEN "b\n");
    fx_puts(fx_at("%s/two", x), "a\n" TEN "B\n");
    fx_puts(fx_at("%s/whole", x), "A\n" TEN "B\n");
    return x;
}

struct crash {
    const char *point;
    int n;
    const char *second; /* the recovery dies too: there, at the m-th time */
    int m;
    bool undo, few, parts;
};

static struct job crash_job(struct fx *f, const struct crash *k)
{
    struct job j = {.f = f, .c = scan(f, L1)};
    if (k->parts) {
        j.hunks = some_hunks;
        j.nhunks = ARRAY_LEN(some_hunks);
    }
    if (k->undo) {
        struct apply_result r = apply_all(f, j.c);
        apply_result_fini(&r);
        j.undo = undo_dir(f);
    }
    return j;
}

/* Old or new, by the journal's own word. True when it died (both times, if it was to die twice). */
static bool crash_once(const struct crash *k, const struct buf *applied)
{
    struct fx f;
    (k->parts ? parts : k->few ? small : standard)(&f);
    struct buf before = fx_list(f.project, FX_ALL);
    const struct buf *old = k->undo ? applied : &before, *new = k->undo ? &before : applied;
    struct job j = crash_job(&f, k);
    bool died = dies(do_apply, &j, k->point, k->n);
    bool died2 = died && k->second && dies(do_recover, &j, k->second, k->m);
    struct apply_result r = {0};
    struct err e = ERR_INIT;
    int st = -1;
    if (apply_recover(k->undo ? j.undo : f.run, f.project, &st, &r, &e) < 0)
        fail_msg("recover after %s:%d: %s", k->point, k->n, e.msg);
    apply_result_fini(&r);
    assert_clean(&f);
    fx_assert_list(f.project, st >= 2 ? new : old, FX_ALL);
    if (!died)
        assert_int_equal(st, 3);
    buf_fini(&before);
    changes_free(j.c);
    fx_close(&f);
    return k->second ? died2 : died;
}

/* Every point, every time it is passed (or every step-th). */
static void crash_everywhere(struct crash k, int step)
{
    struct buf applied = k.parts ? listed(parts, parts_expected)
                         : k.few ? listed(small, small_expected)
                                 : listed(standard, expected);
    for (size_t i = 0; i < ARRAY_LEN(crash_points); i++) {
        k.point = crash_points[i];
        for (k.n = 1; crash_once(&k, &applied); k.n += step)
            continue;
        if (k.n == 1 && !k.few && !k.parts)
            fail_msg("%s was never reached", k.point);
    }
    buf_fini(&applied);
}

static void test_crashes(void **state)
{
    crash_everywhere((struct crash){0}, 1);
}

static void test_crashes_of_few(void **state)
{
    crash_everywhere((struct crash){.few = true}, 1);
}

static void test_crashes_of_parts(void **state)
{
    crash_everywhere((struct crash){.parts = true}, 1);
}

static void test_crashes_of_undo(void **state)
{
    crash_everywhere((struct crash){.undo = true}, 2);
}

static void test_crash_in_recovery(void **state)
{
    static const char *const again[] = {"apply_tmp", "apply_moved", "apply_removed", "apply_synced"};
    struct buf applied = listed(standard, expected);
    struct crash k = {.point = "apply_removed", .n = 2};
    for (size_t i = 0; i < ARRAY_LEN(again); i++) {
        k.second = again[i];
        for (k.m = 1; crash_once(&k, &applied); k.m += 2)
            continue;
        assert_true(k.m > 1);
    }
    buf_fini(&applied);
}

/* A failure after "go", and death while everything is put back. */
static bool crash_rolling_back(const char *fault, const char *point, int n)
{
    struct fx f;
    standard(&f);
    struct buf old = fx_list(f.project, FX_MTIME);
    struct job j = {.f = &f, .c = scan(&f, L1)};
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        fault_arm(fx_at("%s,kill@%s:%d", fault, point, n));
        _exit(do_apply(&j));
    }
    int st = 0, state = -1;
    assert_int_equal(waitpid(pid, &st, 0), pid);
    struct apply_result r = {0};
    struct err e = ERR_INIT;
    if (apply_recover(f.run, f.project, &state, &r, &e) < 0)
        fail_msg("recover: %s", e.msg);
    assert_null(r.conflicts);
    apply_result_fini(&r);
    bool died = WIFSIGNALED(st);
    if (died && state >= 2) { /* died before the failure: finished instead */
        assert_true(state == 2);
    } else {
        fx_assert_list(f.project, &old, FX_MTIME);
    }
    buf_fini(&old);
    assert_clean(&f);
    changes_free(j.c);
    fx_close(&f);
    return died;
}

static void test_crash_rolling_back(void **state)
{
    static const char *const points[] = {"apply_back", "apply_cleared", "apply_moved", "apply_removed", "apply_chmod"};
    for (size_t i = 0; i < ARRAY_LEN(points); i++)
        for (int n = 1; crash_rolling_back("rename:4", points[i], n); n++)
            continue;
}

/* --- everything at random ------------------------------------------------------------------------ */

static void random_ops(void *arg)
{
    fx_random_ops(arg, 25);
}

static bool any_refused(const struct changes *c)
{
    return changes_sum(c).refused > 0;
}

static void random_round(uint64_t seed)
{
    struct fx f;
    struct rnd r = {seed};
    fx_open(&f);
    assert_int_equal(chdir(f.project), 0);
    fx_random_tree(&r, 30);
    char *before = fx_at("%s/before", f.dir), *want = fx_at("%s/expected", f.dir);
    fx_copy(f.project, before);
    fx_layer(&f, "0.1");
    if (!fx_overlay(&f, NULL, "0.1", random_ops, &r, fx_at("%s/mid", f.dir))) {
        fx_close(&f);
        skip();
    }
    rnd_u64(&r);
    fx_layer(&f, "1.1");
    assert_true(fx_overlay(&f, L1, "1.1", random_ops, &r, want));
    struct changes *c = scan(&f, L2);
    struct apply_result res = apply_all(&f, c);
    apply_result_fini(&res);
    if (!any_refused(c))
        fx_assert_same(f.project, want, FX_ALL);
    struct err e = ERR_INIT;
    if (apply_undo(f.run, undo_dir(&f), f.project, &res, &e) < 0)
        fail_msg("undo: %s %s", e.msg, res.conflicts ? res.conflicts : "");
    apply_result_fini(&res);
    fx_assert_same(f.project, before, FX_MTIME);
    changes_free(c);
    fx_close(&f);
}

static void test_random(void **state)
{
    const char *s = getenv("SALLYPORT_SEED");
    uint64_t seed = s ? strtoull(s, NULL, 10) : (uint64_t)time(NULL) * 1000;
    int rounds = getenv("SALLYPORT_ROUNDS") ? atoi(getenv("SALLYPORT_ROUNDS")) : 10;
    for (int i = 0; i < rounds; i++) {
        fprintf(stderr, "SALLYPORT_SEED=%llu\n", (unsigned long long)(seed + (uint64_t)i));
        random_round(seed + (uint64_t)i + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apply_and_undo),
        cmocka_unit_test(test_undo_patch),
        cmocka_unit_test(test_only),
        cmocka_unit_test(test_hunks),
        cmocka_unit_test(test_hunks_conflict),
        cmocka_unit_test(test_refused_stay),
        cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_parent_gone),
        cmocka_unit_test(test_project_by_a_link),
        cmocka_unit_test(test_moved_during_run),
        cmocka_unit_test(test_undo_conflict),
        cmocka_unit_test(test_keeps_xattrs),
        cmocka_unit_test(test_owner),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_scan_failures),
        cmocka_unit_test(test_damaged_plan),
        cmocka_unit_test(test_crashes),
        cmocka_unit_test(test_crashes_of_few),
        cmocka_unit_test(test_crashes_of_parts),
        cmocka_unit_test(test_crashes_of_undo),
        cmocka_unit_test(test_crash_in_recovery),
        cmocka_unit_test(test_crash_rolling_back),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
