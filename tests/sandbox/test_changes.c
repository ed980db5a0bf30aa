/* What the layers of a run changed: crafted layers row by row, real overlays, and random ones judged by git. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "effects_util.h"
#include "base/str.h"
#include "sandbox/changes.h"
#include "sandbox/changes_priv.h"
#include "sandbox/changes_rule.h"
#include "sandbox/seed.h"

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

static const struct change *find(const struct changes *c, const char *path)
{
    for (size_t i = 0; i < changes_len(c); i++)
        if (strcmp(changes_at(c, i)->path, path) == 0)
            return changes_at(c, i);
    fail_msg("no change at %s", path);
    return NULL;
}

static char *patch_of(const struct changes *c, const char *const *only)
{
    struct buf b = BUF_INIT(64 * MIB);
    struct err e = ERR_INIT;
    if (changes_patch(c, only, &b, &e) < 0)
        fail_msg("patch: %s", e.msg);
    char *s = buf_take(&b, NULL);
    assert_non_null(s);
    return s;
}

/* The patch, applied by git to a copy of the project, gives `expected`. */
static void assert_git_takes(struct fx *f, const struct changes *c, const char *expected)
{
    struct buf b = BUF_INIT(64 * MIB);
    struct err e = ERR_INIT;
    if (changes_patch(c, NULL, &b, &e) < 0)
        fail_msg("patch: %s", e.msg);
    char *file = fx_at("%s/diff.patch", f->dir), *copy = fx_at("%s/gitted", f->dir);
    fx_write(file, b.p ? b.p : "", b.len, 0644);
    fx_copy(f->project, copy);
    const char *const argv[] = {"git", "apply", "--allow-empty", "--binary", "--whitespace=nowarn", file, NULL};
    if (fx_run(argv, copy) != 0)
        fail_msg("git apply refused:\n%s", b.p);
    fx_assert_same(copy, expected, FX_GIT);
    buf_fini(&b);
}

static void test_nothing(void **state)
{
    struct fx f;
    fx_open(&f);
    fx_puts(fx_at("%s/a", f.project), "a\n");
    char *up = fx_layer(&f, "0.1");
    fx_puts(fx_at("%s/a", up), "a\n"); /* identical copy-up */
    fx_whiteout(fx_at("%s/never-there", up));
    struct changes *c = scan(&f, L1);
    assert_int_equal(changes_len(c), 0);
    char *p = patch_of(c, NULL);
    assert_string_equal(p, "");
    free(p);
    changes_free(c);
    const char *const none[] = {NULL};
    c = scan(&f, none);
    assert_int_equal(changes_len(c), 0);
    changes_free(c);
    fx_close(&f);
}

static void test_kinds(void **state)
{
    struct fx f;
    fx_open(&f);
    fx_puts(fx_at("%s/mod", f.project), "1\n2\n3\n");
    fx_puts(fx_at("%s/del", f.project), "x\ny");
    fx_puts(fx_at("%s/mode", f.project), "m\n");
    fx_puts(fx_at("%s/tolink", f.project), "l\n");
    fx_puts(fx_at("%s/todir", f.project), "l\n");
    fx_puts(fx_at("%s/tofile/x", f.project), "l\n");
    fx_puts(fx_at("%s/tofile/y/z", f.project), "l\n");
    fx_puts(fx_at("%s/gone/sub/f", f.project), "l\n");
    fx_puts(fx_at("%s/opaque/old", f.project), "o\n");
    fx_puts(fx_at("%s/opaque/kept", f.project), "k\n");
    char *up = fx_layer(&f, "0.1");
    fx_puts(fx_at("%s/mod", up), "1\nzwei\n3\n4\n");
    fx_whiteout(fx_at("%s/del", up));
    fx_write(fx_at("%s/mode", up), "m\n", 2, 0755);
    fx_link("mod", fx_at("%s/tolink", up));
    fx_puts(fx_at("%s/todir/in", up), "n\n");
    fx_puts(fx_at("%s/tofile", up), "f\n");
    fx_whiteout(fx_at("%s/gone", up));
    fx_opaque(fx_at("%s/opaque", up));
    fx_puts(fx_at("%s/opaque/kept", up), "k\n");
    fx_puts(fx_at("%s/opaque/new", up), "n\n");
    fx_write(fx_at("%s/bin", up), "\0\1\2", 3, 0644);
    fx_puts(fx_at("%s/newdir/deep/f", up), "n\n");
    fx_mkdir(fx_at("%s/empty", up));
    struct changes *c = scan(&f, L1);

    const struct change *m = find(c, "mod");
    assert_int_equal(m->kind, CH_MODIFIED);
    assert_int_equal(m->additions, 2);
    assert_int_equal(m->deletions, 1);
    assert_int_equal(m->old_bytes, 6);
    assert_false(m->moved);
    assert_int_equal(find(c, "del")->kind, CH_DELETED);
    assert_int_equal(find(c, "del")->deletions, 2);
    assert_int_equal(find(c, "mode")->kind, CH_MODE);
    assert_int_equal(find(c, "mode")->new_mode, 0100755);
    assert_int_equal(find(c, "tolink")->kind, CH_KIND);
    assert_int_equal(find(c, "tolink")->new_mode & S_IFMT, S_IFLNK);
    assert_int_equal(find(c, "todir")->kind, CH_KIND);
    assert_int_equal(find(c, "todir/in")->kind, CH_ADDED);
    assert_int_equal(find(c, "tofile")->kind, CH_KIND);
    assert_true(find(c, "tofile")->opaque_dir);
    assert_int_equal(find(c, "tofile/y/z")->kind, CH_DELETED);
    assert_true(find(c, "gone")->opaque_dir);
    assert_int_equal(find(c, "gone/sub/f")->kind, CH_DELETED);
    assert_int_equal(find(c, "opaque/old")->kind, CH_DELETED);
    assert_int_equal(find(c, "opaque/new")->kind, CH_ADDED);
    assert_true(find(c, "bin")->binary);
    assert_int_equal(find(c, "bin")->additions, 0);
    assert_int_equal(find(c, "empty")->kind, CH_ADDED);
    for (size_t i = 0; i < changes_len(c); i++) {
        const char *p = changes_at(c, i)->path;
        assert_string_not_equal(p, "newdir");
        assert_string_not_equal(p, "opaque/kept");
        assert_string_not_equal(p, "gone/sub");
        assert_null(changes_at(c, i)->refused);
    }
    struct changes_sum s = changes_sum(c);
    assert_int_equal(s.files, (int)changes_len(c) - 1); /* "gone" stands for what is listed below it */
    assert_int_equal(s.refused, 0);
    changes_free(c);
    fx_close(&f);
}

static void test_layers_stack(void **state)
{
    struct fx f;
    fx_open(&f);
    fx_puts(fx_at("%s/a", f.project), "a\n");
    fx_puts(fx_at("%s/d/x", f.project), "x\n");
    fx_puts(fx_at("%s/d/y", f.project), "y\n");
    char *one = fx_layer(&f, "0.1"), *two = fx_layer(&f, "1.1");
    fx_puts(fx_at("%s/a", one), "changed\n");
    fx_puts(fx_at("%s/a", two), "a\n"); /* and back */
    fx_puts(fx_at("%s/tmp", one), "t\n");
    fx_whiteout(fx_at("%s/tmp", two)); /* made and removed */
    fx_whiteout(fx_at("%s/d", one));
    fx_puts(fx_at("%s/d/y", two), "y\n"); /* a directory over a whiteout hides the project */
    fx_puts(fx_at("%s/e/one", one), "1\n");
    fx_puts(fx_at("%s/e/two", two), "2\n");
    fx_puts(fx_at("%s/o/one", one), "1\n");
    fx_opaque(fx_at("%s/o", two));
    struct changes *c = scan(&f, L2);
    assert_int_equal(changes_len(c), 4);
    assert_int_equal(find(c, "d/x")->kind, CH_DELETED);
    assert_int_equal(find(c, "e/one")->kind, CH_ADDED);
    assert_int_equal(find(c, "e/two")->kind, CH_ADDED);
    assert_int_equal(find(c, "o")->kind, CH_ADDED); /* empty now */
    changes_free(c);
    fx_close(&f);
}

static void test_xattr_whiteout(void **state)
{
    struct fx f;
    fx_open(&f);
    fx_puts(fx_at("%s/d/x", f.project), "x\n");
    fx_puts(fx_at("%s/d/y", f.project), "y\n");
    char *up = fx_layer(&f, "0.1");
    fx_puts(fx_at("%s/d/x", up), "");
    assert_int_equal(setxattr(fx_at("%s/d/x", up), "user.overlay.whiteout", "", 0, 0), 0);
    fx_puts(fx_at("%s/y", up), ""); /* the same outside a marked directory means nothing */
    assert_int_equal(setxattr(fx_at("%s/y", up), "user.overlay.whiteout", "", 0, 0), 0);
    assert_int_equal(setxattr(fx_at("%s/d", up), "user.overlay.opaque", "x", 1, 0), 0);
    struct changes *c = scan(&f, L1);
    assert_int_equal(changes_len(c), 2);
    assert_int_equal(find(c, "d/x")->kind, CH_DELETED);
    assert_int_equal(find(c, "y")->kind, CH_ADDED);
    changes_free(c);
    fx_close(&f);
}

struct refusal {
    const char *path, *why;
};

static void test_refused(void **state)
{
    static const struct refusal rows[] = {
        {"fifo", "FIFO"},
        {"suid", "setuid bit"},
        {"sgid", "setgid bit"},
        {".git/hooks/pre-commit", ".git is not applied"},
        {"sub/.GIT/config", ".git is not applied"},
        {"abs", "symlink leads outside"},
        {"up", "symlink leads outside"},
        {"d/climb", "symlink leads outside"},
        {"via", "symlink leads outside"},
    };
    struct fx f;
    fx_open(&f);
    fx_puts(fx_at("%s/.git/config", f.project), "c\n");
    fx_link("/etc", fx_at("%s/ext", f.project)); /* the project's own link that leads out */
    char *up = fx_layer(&f, "0.1");
    fx_mkdir(fx_at("%s/d", up));
    assert_int_equal(mkfifo(fx_at("%s/fifo", up), 0644), 0);
    fx_write(fx_at("%s/suid", up), "s", 1, 04755);
    fx_write(fx_at("%s/sgid", up), "s", 1, 02755);
    fx_puts(fx_at("%s/.git/hooks/pre-commit", up), "#!/bin/sh\n");
    fx_puts(fx_at("%s/sub/.GIT/config", up), "x\n");
    fx_link("/etc/passwd", fx_at("%s/abs", up));
    fx_link("../x", fx_at("%s/up", up));
    fx_link("a/../../x", fx_at("%s/d/climb", up));
    fx_link("ext/passwd", fx_at("%s/via", up));
    fx_link("../d/ok", fx_at("%s/d/good", up));
    struct changes *c = scan(&f, L1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *why = find(c, rows[i].path)->refused;
        assert_non_null(why);
        assert_string_equal(why, rows[i].why);
    }
    assert_null(find(c, "d/good")->refused);
    struct changes_sum s = changes_sum(c);
    assert_int_equal(s.files, 1);
    char *p = patch_of(c, NULL);
    assert_non_null(strstr(p, "#   .git/hooks/pre-commit: .git is not applied\n"));
    assert_null(strstr(p, "diff --git a/abs"));
    free(p);
    changes_free(c);
    fx_close(&f);
}

static void test_rules(void **state)
{
    static const char *const git[] = {".git",
                                      "a/.git/b",
                                      ".GiT",
                                      ".git.",
                                      ".git ",
                                      ".git:x",
                                      "git~1",
                                      "GIT~1/x",
                                      ".g\xe2\x80\x8cit",
                                      "\xef\xbb\xbf.git",
                                      "x/.git/"};
    static const char *const fine[] = {"git", ".gitignore", ".github/x", "a.git", ".gi", ".gita", "git~10", "...", ""};
    static const char *const out[][2] = {{"a", ".."},          {"a", "b/.."},  {"d/a", "../.."},
                                         {"a", "/"},           {"a", ""},      {"d/e/a", ".././../../x"},
                                         {".gitmodules", "x"}, {"a", "./../x"}};
    static const char *const in[][2] = {{"a", "b"},   {"d/a", ".."}, {"d/e/a", "../../x/y"},
                                        {"a", "./b"}, {"a", "..."},  {"d/a", ".//..//x"}};
    for (size_t i = 0; i < ARRAY_LEN(git); i++)
        assert_non_null(rule_path(git[i]));
    for (size_t i = 0; i < ARRAY_LEN(fine); i++)
        assert_null(rule_path(fine[i]));
    for (size_t i = 0; i < ARRAY_LEN(out); i++)
        assert_non_null(rule_link(out[i][0], out[i][1]));
    for (size_t i = 0; i < ARRAY_LEN(in); i++)
        assert_null(rule_link(in[i][0], in[i][1]));
}

static void test_seal_keeps_modes(void **state)
{
    struct fx f;
    fx_open(&f);
    char *up = fx_layer(&f, "0.1");
    fx_write(fx_at("%s/locked/in", up), "i\n", 2, 0000);
    fx_write(fx_at("%s/none", up), "n\n", 2, 0000);
    assert_int_equal(chmod(fx_at("%s/locked", up), 0), 0);
    struct changes *c = NULL;
    if (geteuid() == 0) { /* root reads everything: seal as somebody else, who owns it */
        const char *const chown_args[] = {"chown", "-R", "65534:65534", f.dir, NULL};
        assert_int_equal(fx_run(chown_args, NULL), 0);
        assert_int_equal(seteuid(65534), 0);
    }
    c = scan(&f, L1);
    changes_free(c);
    c = scan(&f, L1); /* sealing again changes nothing */
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(find(c, "none")->new_mode, 0100000);
    assert_int_equal(find(c, "locked/in")->new_mode, 0100000);
    assert_string_equal(find(c, "none")->refused, "its owner could not read it");
    assert_int_equal(c->item[changes_find(c, "locked")].c.new_mode, 040000);
    changes_free(c);
    fx_close(&f);
}

static void test_moved(void **state)
{
    struct fx f;
    fx_open(&f);
    fx_puts(fx_at("%s/a", f.project), "a\n");
    fx_puts(fx_at("%s/b", f.project), "b\n");
    char *up = fx_layer(&f, "0.1");
    fx_puts(fx_at("%s/a", up), "run\n");
    fx_puts(fx_at("%s/b", up), "run\n");
    fx_sleep_tick();
    fx_puts(fx_at("%s/b", f.project), "user\n");
    struct changes *c = scan(&f, L1);
    assert_false(find(c, "a")->moved);
    assert_true(find(c, "b")->moved);
    changes_free(c);
    fx_close(&f);
}

/* Cost follows the changes: what is opened in the project does not depend on what else is there. */
static int64_t opened_with(int more_files)
{
    struct fx f;
    fx_open(&f);
    fx_puts(fx_at("%s/src/a.c", f.project), "a\n");
    fx_puts(fx_at("%s/src/b.c", f.project), "b\n");
    for (int i = 0; i < more_files; i++) {
        char path[160];
        snprintf(path, sizeof path, "%s/src/lib%d/f%d", f.project, i % 10, i);
        fx_puts(path, "f\n");
    }
    char *up = fx_layer(&f, "0.1");
    fx_puts(fx_at("%s/src/a.c", up), "A\n");
    fx_whiteout(fx_at("%s/src/b.c", up));
    fx_puts(fx_at("%s/src/new.c", up), "n\n");
    struct changes *c = scan(&f, L1);
    assert_int_equal(changes_len(c), 3);
    int64_t n = c->opened;
    changes_free(c);
    fx_close(&f);
    return n;
}

static void test_cost(void **state)
{
    int64_t few = opened_with(0), many = opened_with(500);
    assert_int_equal(few, many);
    assert_in_range(few, 1, 6);
}

static void test_deep_and_long(void **state)
{
    struct fx f;
    fx_open(&f);
    fx_layer(&f, "0.1");
    int dir = open(fx_at("%s/layers/0.1/upper", f.run), O_RDONLY | O_DIRECTORY);
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    for (int i = 0; i < 530; i++) { /* far past PATH_MAX, then past our depth */
        const char *n = i < 40 ? name : "d";
        assert_int_equal(mkdirat(dir, n, 0755), 0);
        int next = openat(dir, n, O_RDONLY | O_DIRECTORY);
        close(dir);
        dir = next;
        if (i == 100) {
            int fd = openat(dir, "file", O_WRONLY | O_CREAT, 0644);
            assert_int_equal(write(fd, "x\n", 2), 2);
            close(fd);
        }
    }
    close(dir);
    struct changes *c = scan(&f, L1);
    assert_int_equal(changes_len(c), 2);
    bool deep = false, file = false;
    for (size_t i = 0; i < 2; i++) {
        const struct change *x = changes_at(c, i);
        deep = deep || (x->refused && strstr(x->refused, "deep"));
        file = file || (!x->refused && x->additions == 1);
    }
    assert_true(deep && file);
    changes_free(c);
    fx_close(&f);
}

static void test_bounds(void **state)
{
    struct fx f;
    fx_open(&f);
    char *up = fx_layer(&f, "0.1");
    for (int i = 0; i < 20; i++)
        fx_puts(fx_at("%s/f%d", up, i), "f\n");
    struct changes *c = NULL;
    struct err e = ERR_INIT;
    struct changes_in in = {.project_root = f.project, .run_dir = f.run, .layers = L1, .max_files = 19};
    assert_int_equal(changes_scan(&in, &c, &e), -ERR_TOO_LARGE);
    assert_null(c);
    in.max_files = 20;
    assert_int_equal(changes_scan(&in, &c, &e), 0);
    changes_free(c);
    const char *const evil[] = {"../0.1", NULL};
    in.layers = evil;
    assert_int_not_equal(changes_scan(&in, &c, &e), 0);
    assert_int_equal(changes_seal(f.run, "a/b", &e), -ERR_INVALID);
    fx_close(&f);
}

static void test_sparse(void **state)
{
    struct fx f;
    fx_open(&f);
    char *up = fx_layer(&f, "0.1");
    char *path = fx_at("%s/sparse", up), *huge = fx_at("%s/huge", up);
    fx_write(path, "x", 1, 0644);
    fx_write(huge, "x", 1, 0644);
    assert_int_equal(truncate(path, (off_t)64 << 20), 0);
    assert_int_equal(truncate(huge, (off_t)1 << 42), 0);
    struct changes *c = scan(&f, L1);
    assert_int_equal(find(c, "sparse")->new_bytes, 64 << 20);
    assert_true(find(c, "sparse")->binary);
    assert_string_equal(find(c, "huge")->refused, "larger than 16 GiB");
    changes_free(c);
    fx_close(&f);
}

static void test_json_and_digest(void **state)
{
    struct fx f;
    fx_open(&f);
    fx_puts(fx_at("%s/a", f.project), "a\n");
    char *up = fx_layer(&f, "0.1");
    fx_whiteout(fx_at("%s/a", up));
    fx_write(fx_at("%s/\xff", up), "n\n", 2, 0755);
    struct changes *c = scan(&f, L1);
    struct buf b = BUF_INIT(MIB);
    struct jw w = JW_INIT(&b);
    jw_arr(&w);
    for (size_t i = 0; i < changes_len(c); i++)
        changes_json_one(changes_at(c, i), &w);
    jw_end_arr(&w);
    assert_string_equal(b.p,
                        "[{\"path\":\"a\",\"kind\":\"deleted\",\"old_mode\":\"100644\",\"new_mode\":null,"
                        "\"old_bytes\":2,\"new_bytes\":0,\"additions\":0,\"deletions\":1,\"binary\":false,"
                        "\"refused\":null},{\"path\":\"\xef\xbf\xbd\",\"path_b64\":\"/w==\",\"kind\":\"added\","
                        "\"old_mode\":null,\"new_mode\":\"100755\",\"old_bytes\":0,\"new_bytes\":2,\"additions\":1,"
                        "\"deletions\":0,\"binary\":false,\"refused\":null}]");
    buf_fini(&b);
    char d1[65], d2[65];
    changes_digest(c, d1);
    changes_free(c);
    c = scan(&f, L1);
    changes_digest(c, d2);
    assert_string_equal(d1, d2);
    changes_free(c);
    fx_write(fx_at("%s/\xff", up), "N\n", 2, 0755);
    c = scan(&f, L1);
    changes_digest(c, d2);
    assert_string_not_equal(d1, d2);
    changes_free(c);
    fx_close(&f);
}

static void test_only(void **state)
{
    struct fx f;
    fx_open(&f);
    char *up = fx_layer(&f, "0.1");
    fx_puts(fx_at("%s/src/a", up), "a\n");
    fx_puts(fx_at("%s/src/sub/b", up), "b\n");
    fx_puts(fx_at("%s/src-x", up), "c\n");
    struct changes *c = scan(&f, L1);
    const char *const dir[] = {"src/", NULL};
    char *p = patch_of(c, dir);
    assert_non_null(strstr(p, "b/src/a\n"));
    assert_non_null(strstr(p, "b/src/sub/b\n"));
    assert_null(strstr(p, "src-x"));
    free(p);
    const char *const wrong[] = {"src/a", "sr", NULL};
    struct buf b = BUF_INIT(MIB);
    struct err e = ERR_INIT;
    assert_int_equal(changes_patch(c, wrong, &b, &e), -ERR_NOT_FOUND);
    assert_non_null(strstr(e.msg, "sr"));
    buf_fini(&b);
    changes_free(c);
    fx_close(&f);
}

static void shell_in_overlay(void *arg)
{
    const char *const argv[] = {"sh", "-ec", arg, NULL};
    if (fx_run(argv, NULL) != 0)
        abort();
}

static void test_real_overlay(void **state)
{
    struct fx f;
    fx_open(&f);
    fx_puts(fx_at("%s/gone", f.project), "g\n");
    fx_puts(fx_at("%s/dir/f", f.project), "f\n");
    fx_puts(fx_at("%s/dir/g", f.project), "g\n");
    fx_puts(fx_at("%s/touched", f.project), "t\n");
    fx_puts(fx_at("%s/edited", f.project), "1\n2\n");
    fx_layer(&f, "0.1");
    char *want = fx_at("%s/expected", f.dir);
    char cmd[] = "rm gone; rm -r dir; mkdir dir; echo f >dir/f; touch touched; echo 3 >>edited; ln -s edited l";
    if (!fx_overlay(&f, NULL, "0.1", shell_in_overlay, cmd, want)) {
        fx_close(&f);
        skip();
    }
    struct changes *c = scan(&f, L1);
    assert_int_equal(changes_len(c), 4);
    assert_int_equal(find(c, "gone")->kind, CH_DELETED);
    assert_int_equal(find(c, "dir/g")->kind, CH_DELETED);
    assert_int_equal(find(c, "edited")->additions, 1);
    assert_int_equal(find(c, "l")->kind, CH_ADDED);
    assert_git_takes(&f, c, want);
    changes_free(c);
    fx_close(&f);
}

static void random_ops(void *arg)
{
    fx_random_ops(arg, 25);
}

/* git cannot take an empty directory out of the way of a file, and what is refused stays as it is. */
static bool git_can_say(const struct changes *c)
{
    const char *replaced = NULL;
    for (size_t i = 0; i < changes_len(c); i++) {
        const struct change *x = changes_at(c, i);
        bool dir = S_ISDIR(x->old_mode);
        if (x->refused)
            return false;
        if (x->kind == CH_KIND && dir)
            replaced = x->path;
        if (replaced && dir && !x->opaque_dir && (x->path == replaced || changes_below(x->path, replaced)))
            return false;
    }
    return true;
}

static bool random_round(uint64_t seed)
{
    struct fx f;
    struct rnd r = {seed};
    fx_open(&f);
    assert_int_equal(chdir(f.project), 0);
    fx_random_tree(&r, 30);
    fx_layer(&f, "0.1");
    char *mid = fx_at("%s/mid", f.dir), *want = fx_at("%s/expected", f.dir);
    if (!fx_overlay(&f, NULL, "0.1", random_ops, &r, mid)) {
        fx_close(&f);
        skip();
    }
    rnd_u64(&r);
    fx_layer(&f, "1.1");
    assert_true(fx_overlay(&f, L1, "1.1", random_ops, &r, want));
    struct changes *c = scan(&f, L2);
    bool sayable = git_can_say(c);
    if (sayable)
        assert_git_takes(&f, c, want);
    changes_free(c);
    fx_close(&f);
    return sayable;
}

static void test_random(void **state)
{
    const char *s = getenv("SALLYPORT_SEED");
    uint64_t seed = s ? strtoull(s, NULL, 10) : (uint64_t)time(NULL) * 1000;
    int rounds = getenv("SALLYPORT_ROUNDS") ? atoi(getenv("SALLYPORT_ROUNDS")) : 12;
    int judged = 0;
    for (int i = 0; i < rounds; i++) {
        fprintf(stderr, "SALLYPORT_SEED=%llu\n", (unsigned long long)(seed + (uint64_t)i));
        judged += random_round(seed + (uint64_t)i + 1);
    }
    fprintf(stderr, "%d of %d judged by git\n", judged, rounds);
}

static bool third_time(void *arg)
{
    int *n = arg;
    return ++*n == 3;
}

/* One large file must not keep a run from being canceled, nor fill the disk: both are looked at between its pieces. */
static void test_copy_stops_inside_a_file(void **state)
{
    (void)state;
    struct fx f;
    int asked = 0;
    int64_t bytes = 0;
    struct err e = ERR_INIT;
    fx_open(&f);
    size_t n = 40 * MIB;
    char *p = malloc(n);
    assert_non_null(p);
    memset(p, 'x', n);
    fx_write(fx_at("%s/large", f.project), p, n, 0644);
    free(p);
    struct seed_in in = {.project_root = f.project, .run_dir = f.run, .stop = third_time, .arg = &asked};
    int r = seed_make(&in, &e);
    if (r == 0 && asked == 1)
        print_message("this file system shares extents: nothing to stop\n");
    else
        assert_int_equal(r, -ERR_CANCELED);
    if (r < 0) {
        assert_int_equal(seed_made(f.run, &bytes, &e), 0);
        assert_int_equal(access(fx_at("%s/layers/copy.tmp", f.run), F_OK), -1);
    }
    fx_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_layers_stack),
        cmocka_unit_test(test_xattr_whiteout),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_seal_keeps_modes),
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_deep_and_long),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_sparse),
        cmocka_unit_test(test_json_and_digest),
        cmocka_unit_test(test_only),
        cmocka_unit_test(test_real_overlay),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_copy_stops_inside_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
