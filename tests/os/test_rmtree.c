/* rmtree: trees that a hostile program leaves behind. */
#include "tmp.h"
#include "os/file.h"
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

static void missing_is_fine(void **state)
{
    struct tmp *t = *state;
    assert_int_equal(dir_remove(t->fd, "no", NULL), 0);
    assert_int_equal(dir_remove(t->fd, "no/such/thing", NULL), 0);
    tmp_write(t, "f", "x");
    assert_int_equal(dir_remove(t->fd, "f", NULL), 0);
    assert_int_equal(tmp_count(t->path), 0);
}

static void odd_names_and_links(void **state)
{
    struct tmp *t = *state;
    static const char *const names[] = {"-rf", " ", "a\nb", "\xff\xfe", "*", "$(x)", "...", ".x", "中文"};
    char big[256];
    int n = tmp_fds();
    memset(big, 'n', 255);
    big[255] = '\0';
    assert_int_equal(dir_make(t->fd, "keep/in", NULL, NULL), 0);
    tmp_write(t, "keep/in/f", "precious");
    assert_int_equal(dir_make(t->fd, "tree/d", NULL, NULL), 0);
    int tree = openat(t->fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char sub[64];
        assert_int_equal(mkdirat(tree, names[i], 0755), 0);
        snprintf(sub, sizeof sub, "%s/%s", names[i], names[i]);
        assert_int_equal(mknodat(tree, sub, S_IFREG | 0600, 0), 0);
    }
    assert_int_equal(mkdirat(tree, big, 0), 0);
    assert_int_equal(symlinkat("../keep", tree, "out"), 0);
    assert_int_equal(symlinkat("../../keep/in/f", tree, "d/f"), 0);
    assert_int_equal(symlinkat("..", tree, "d/up"), 0);
    assert_int_equal(mkfifoat(tree, "d/fifo", 0600), 0);
    assert_int_equal(linkat(t->fd, "keep/in/f", tree, "hard", 0), 0);
    close(tree);
    assert_int_equal(dir_remove(t->fd, "tree", NULL), 0);
    assert_int_equal(tmp_count(t->path), 1);
    assert_int_equal(faccessat(t->fd, "keep/in/f", F_OK, 0), 0);
    /* A link at the top is removed itself. */
    assert_int_equal(symlinkat("keep", t->fd, "link"), 0);
    assert_int_equal(dir_remove(t->fd, "link", NULL), 0);
    assert_int_equal(faccessat(t->fd, "keep/in/f", F_OK, 0), 0);
    assert_int_equal(tmp_fds(), n);
}

static void many_entries(void **state)
{
    struct tmp *t = *state;
    char name[64];
    assert_int_equal(mkdirat(t->fd, "tree", 0755), 0);
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "tree/%d", i);
        assert_int_equal(i % 3 ? mknodat(t->fd, name, S_IFREG | 0600, 0) : mkdirat(t->fd, name, 0755), 0);
        if (i % 3 == 0) {
            snprintf(name, sizeof name, "tree/%d/x", i);
            assert_int_equal(mknodat(t->fd, name, S_IFREG | 0600, 0), 0);
        }
    }
    assert_int_equal(dir_remove(t->fd, "tree", NULL), 0);
    assert_int_equal(tmp_count(t->path), 0);
}

static void build_deep(int at, int depth, mode_t mode)
{
    int cur = dup(at);
    for (int i = 0; i < depth; i++) {
        assert_int_equal(mkdirat(cur, "d", 0755), 0);
        assert_int_equal(mknodat(cur, "f", S_IFREG | 0600, 0), 0);
        int next = openat(cur, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        assert_int_equal(i == 0 ? 0 : fchmod(cur, mode), 0);
        close(cur);
        cur = next;
    }
    close(cur);
}

/* Deeper than any path can name. */
static void very_deep(void **state)
{
    struct tmp *t = *state;
    int n = tmp_fds();
    assert_int_equal(mkdirat(t->fd, "tree", 0755), 0);
    int tree = openat(t->fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    build_deep(tree, 3000, 0755);
    close(tree);
    assert_int_equal(dir_remove(t->fd, "tree", NULL), 0);
    assert_int_equal(tmp_count(t->path), 0);
    assert_int_equal(tmp_fds(), n);
}

/* Runs fn in a child; its exit status. 77 means: cannot be tried here. */
static int in_child(const struct tmp *t, int (*fn)(const struct tmp *))
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(fn(t));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int without_rights(const struct tmp *t)
{
    struct err e = ERR_INIT;
    if (getuid() == 0 &&
        (fchmod(t->fd, 0777) < 0 || setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0))
        return 77;
    int at = openat(t->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_make(at, "tree/a/b", NULL, NULL) < 0 || mknodat(at, "tree/a/b/f", S_IFREG, 0) < 0 ||
        dir_make(at, "tree/ro/sub", NULL, NULL) < 0 || mknodat(at, "tree/ro/f", S_IFREG, 0) < 0)
        return 1;
    int deep = openat(at, "tree/ro/sub", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    build_deep(deep, 120, 0500);
    if (fchmodat(at, "tree/a/b", 0, 0) < 0 || fchmodat(at, "tree/a", 0, 0) < 0 ||
        fchmodat(at, "tree/ro/sub", 0500, 0) < 0 || fchmodat(at, "tree/ro", 0500, 0) < 0 ||
        fchmodat(at, "tree", 0500, 0) < 0)
        return 2;
    if (dir_remove(at, "tree", &e) < 0)
        return 3;
    return faccessat(at, "tree", F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? 4 : 0;
}

static void readonly_directories(void **state)
{
    int r = in_child(*state, without_rights);
    if (r == 77)
        skip();
    assert_int_equal(r, 0);
}

/* What it cannot remove is named, and everything else goes. */
static int foreign_files(const struct tmp *t)
{
    struct err e = ERR_INIT;
    if (getuid() != 0)
        return 77;
    if (dir_make(t->fd, "tree/theirs", NULL, NULL) < 0 || mknodat(t->fd, "tree/theirs/stays", S_IFREG, 0) < 0 ||
        mknodat(t->fd, "tree/goes", S_IFREG, 0) < 0 || fchmodat(t->fd, "tree/theirs", 0755, 0) < 0 ||
        fchownat(t->fd, "tree", 65534, 65534, 0) < 0 || fchmod(t->fd, 0777) < 0)
        return 1;
    if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
        return 77;
    if (dir_remove(t->fd, "tree", &e) != -ERR_IO || !strstr(e.msg, "stays"))
        return 2;
    return faccessat(t->fd, "tree/theirs/stays", F_OK, 0) == 0 && faccessat(t->fd, "tree/goes", F_OK, 0) < 0 ? 0 : 3;
}

static void names_what_stays(void **state)
{
    int r = in_child(*state, foreign_files);
    if (r == 77)
        skip();
    assert_int_equal(r, 0);
}

static int over_a_mount(const struct tmp *t)
{
    char mnt[100], file[100];
    struct err e = ERR_INIT;
    snprintf(mnt, sizeof mnt, "%s/tree/mnt", t->path);
    snprintf(file, sizeof file, "%s/tree/file", t->path);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return 77;
    if (dir_make(t->fd, "keep", NULL, NULL) < 0 || mknodat(t->fd, "keep/f", S_IFREG, 0) < 0 ||
        dir_make(t->fd, "tree/mnt", NULL, NULL) < 0 || mknodat(t->fd, "tree/file", S_IFREG, 0) < 0 ||
        mknodat(t->fd, "tree/other", S_IFREG, 0) < 0)
        return 1;
    char keep[100], keep_f[110];
    snprintf(keep, sizeof keep, "%s/keep", t->path);
    snprintf(keep_f, sizeof keep_f, "%s/f", keep);
    if (mount(keep, mnt, NULL, MS_BIND, NULL) < 0 || mount(keep_f, file, NULL, MS_BIND, NULL) < 0)
        return 77;
    if (dir_remove(t->fd, "tree", &e) >= 0 || faccessat(t->fd, "keep/f", F_OK, 0) < 0)
        return 2;
    if (faccessat(t->fd, "tree/other", F_OK, 0) == 0)
        return 3;
    if (umount(file) < 0 || umount(mnt) < 0)
        return 4;
    return dir_remove(t->fd, "tree", &e) < 0 ? 5 : 0;
}

static void mounts_are_not_crossed(void **state)
{
    int r = in_child(*state, over_a_mount);
    if (r == 77)
        skip();
    assert_int_equal(r, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TMP_TEST(missing_is_fine),        TMP_TEST(odd_names_and_links),
        TMP_TEST(many_entries),           TMP_TEST(very_deep),
        TMP_TEST(readonly_directories),   TMP_TEST(names_what_stays),
        TMP_TEST(mounts_are_not_crossed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
