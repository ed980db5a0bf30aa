/* file: whole reads and writes, crash-safe replacement, paths that try to leave. */
#include "tmp.h"
#include "base/fault.h"
#include "base/str.h"
#include "os/file.h"
#include <errno.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>

static void closes_and_keeps_errno(void **state)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), n = tmp_fds();
    errno = 77;
    fd_close(&fd);
    assert_int_equal(errno, 77);
    assert_int_equal(fd, -1);
    assert_int_equal(tmp_fds(), n - 1);
    fd_close(&fd);
    assert_int_equal(errno, 77);
}

static void *slow_writer(void *arg)
{
    int fd = *(int *)arg;
    for (int i = 0; i < 10; i++) {
        usleep(2000);
        if (write(fd, "0123456789", 10) != 10)
            break;
    }
    close(fd);
    return NULL;
}

/* A non-blocking pipe gives its bytes in pieces, and late. */
static void reads_in_full(void **state)
{
    int ends[2];
    pthread_t th;
    char p[96];
    struct err e = ERR_INIT;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(pthread_create(&th, NULL, slow_writer, &ends[1]), 0);
    assert_int_equal(fd_read_full(ends[0], p, 95, &e), 0);
    assert_memory_equal(p + 90, "01234", 5);
    assert_int_equal(fd_read_full(ends[0], p, 6, &e), -ERR_IO); /* five are left */
    pthread_join(th, NULL);
    close(ends[0]);
    assert_int_equal(fd_read_full(-1, p, 1, &e), -ERR_IO);
    assert_int_equal(e.sys, EBADF);
}

static void *slow_reader(void *arg)
{
    char chunk[8192];
    int fd = *(int *)arg;
    size_t *total = calloc(1, sizeof *total);
    for (ssize_t n; (n = read(fd, chunk, sizeof chunk)) > 0; *total += (size_t)n)
        usleep(100);
    return total;
}

static void writes_in_full(void **state)
{
    int ends[2];
    pthread_t th;
    void *total;
    size_t n = 1 << 20;
    char *p = calloc(1, n);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(pthread_create(&th, NULL, slow_reader, &ends[0]), 0);
    assert_int_equal(fd_write_full(ends[1], p, n, NULL), 0);
    close(ends[1]);
    pthread_join(th, &total);
    assert_int_equal(*(size_t *)total, n);
    close(ends[0]);
    free(total);
    free(p);
}

static void read_is_bounded(void **state)
{
    struct tmp *t = *state;
    struct err e = ERR_INIT;
    tmp_write(t, "f", "0123456789");
    for (size_t max = 0; max < 15; max++) {
        AUTO(buf_fini) struct buf b = BUF_INIT(max);
        assert_int_equal(file_read(t->fd, "f", &b, &e), max < 10 ? -ERR_TOO_LARGE : 0);
        if (max >= 10)
            assert_string_equal(b.p, "0123456789");
    }
    AUTO(buf_fini) struct buf b = BUF_INIT(100);
    buf_puts(&b, "kept:");
    assert_int_equal(file_read(t->fd, "f", &b, &e), 0);
    assert_string_equal(b.p, "kept:0123456789");
    assert_int_equal(file_read(t->fd, "no", &b, &e), -ERR_NOT_FOUND);
    assert_non_null(strstr(e.msg, "no"));
    tmp_write(t, "empty", "");
    buf_reset(&b);
    assert_int_equal(file_read(t->fd, "empty", &b, &e), 0);
    assert_int_equal(b.len, 0);
}

static void pread_leaves_the_offset(void **state)
{
    struct tmp *t = *state;
    char p[5] = "";
    size_t n = 9;
    tmp_write(t, "f", "0123456789");
    int fd = openat(t->fd, "f", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fd_pread_full(fd, p, 4, 3, NULL), 0);
    assert_string_equal(p, "3456");
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
    assert_int_equal(fd_pread_full(fd, p, 4, 7, NULL), -ERR_IO);
    assert_int_equal(fd_pread_full(fd, p, 1, -1, NULL), -ERR_INVALID);
    assert_int_equal(fd_pread_most(fd, p, 4, 7, &n, NULL), 0);
    assert_int_equal(n, 3);
    assert_memory_equal(p, "789", 3);
    assert_int_equal(fd_pread_most(fd, p, 4, 10, &n, NULL), 0);
    assert_int_equal(n, 0);
    close(fd);
}

static void assert_content(const struct tmp *t, const char *name, const char *want)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(1000);
    assert_int_equal(file_read(t->fd, name, &b, NULL), 0);
    assert_string_equal(b.p, want);
}

static void replace_is_whole(void **state)
{
    struct tmp *t = *state;
    struct stat st;
    mode_t old = umask(077);
    assert_int_equal(file_replace(t->fd, "f", "one", 3, 0644, NULL), 0);
    umask(old);
    assert_content(t, "f", "one");
    assert_int_equal(fstatat(t->fd, "f", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(file_replace(t->fd, "f", "two", 3, 0600, NULL), 0);
    assert_content(t, "f", "two");
    assert_int_equal(mkdirat(t->fd, "d", 0755), 0);
    assert_int_equal(file_replace(t->fd, "d/g", "x", 1, 0600, NULL), 0);
    assert_content(t, "d/g", "x");
    /* A link is replaced, not followed. */
    assert_int_equal(symlinkat("f", t->fd, "link"), 0);
    assert_int_equal(file_replace(t->fd, "link", "new", 3, 0600, NULL), 0);
    assert_content(t, "f", "two");
    assert_int_equal(file_replace(t->fd, "no/f", "x", 1, 0600, NULL), -ERR_NOT_FOUND);
    assert_int_equal(file_replace(t->fd, "d", "x", 1, 0600, NULL), -ERR_IO);
    assert_int_equal(tmp_count(t->path), 3);
}

static void replace_fails_whole(void **state)
{
#ifdef SALLYPORT_FAULTS
    static const char *const points[] = {"write", "fsync", "rename"};
    static const int codes[] = {ERR_STORAGE_FULL, ERR_IO, ERR_IO};
    struct tmp *t = *state;
    assert_int_equal(file_replace(t->fd, "f", "old", 3, 0600, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        fault_arm_nth(points[i], 1);
        assert_int_equal(file_replace(t->fd, "f", "new", 3, 0600, NULL), -codes[i]);
        assert_true(fault_fired());
        assert_content(t, "f", "old");
        assert_int_equal(tmp_count(t->path), 1);
    }
    fault_arm("");
#else
    skip();
#endif
}

static void makes_directories(void **state)
{
    struct tmp *t = *state;
    struct stat st;
    int fd = -1, n = tmp_fds();
    assert_int_equal(dir_make(t->fd, "a/b//c/", &fd, NULL), 0);
    tmp_write(t, "a/b/c/f", "x");
    assert_int_equal(faccessat(fd, "f", F_OK, 0), 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    close(fd);
    assert_int_equal(dir_make(t->fd, "a/b", NULL, NULL), 0);
    assert_int_equal(dir_make(t->fd, "a/b/c/f/g", NULL, NULL), -ERR_IO);
    char absolute[200], big[NAME_MAX + 20];
    snprintf(absolute, sizeof absolute, "%s/abs/x", t->path);
    assert_int_equal(dir_make(AT_FDCWD, absolute, NULL, NULL), 0);
    assert_int_equal(faccessat(t->fd, "abs/x", F_OK, 0), 0);
    memset(big, 'n', sizeof big);
    big[sizeof big - 1] = '\0';
    assert_int_equal(dir_make(t->fd, big, NULL, NULL), -ERR_INVALID);
    assert_int_equal(dir_make(t->fd, ".", &fd, NULL), 0);
    close(fd);
    assert_int_equal(tmp_fds(), n);
}

static void beneath_holds(void **state)
{
    struct tmp *t = *state;
    char absolute[200];
    assert_int_equal(dir_make(t->fd, "root/sub", NULL, NULL), 0);
    tmp_write(t, "outside", "secret");
    tmp_write(t, "root/in", "x");
    int root = openat(t->fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(absolute, sizeof absolute, "%s/root/in", t->path);
    assert_int_equal(symlinkat("../outside", root, "up"), 0);
    assert_int_equal(symlinkat("../../outside", root, "sub/up2"), 0);
    assert_int_equal(symlinkat("/etc/passwd", root, "abs"), 0);
    assert_int_equal(symlinkat(absolute, root, "absin"), 0);
    assert_int_equal(symlinkat("../in", root, "sub/fine"), 0);
    assert_int_equal(symlinkat("..", root, "sub/dir"), 0);
    assert_int_equal(symlinkat("loop", root, "loop"), 0);
    assert_int_equal(symlinkat("/proc/self/fd/0", root, "magic"), 0);
    static const char *const leaves[] = {"..",   "../outside", "sub/../../outside", "up", "sub/up2",
                                         "abs",  "absin",      "/etc/passwd",       "/",  "sub/dir/../outside",
                                         "magic"};
    for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
        int fd = file_open_beneath(root, leaves[i], O_RDONLY, 0, 0);
        if (fd >= 0 || errno != EXDEV)
            fail_msg("%s: %d %s", leaves[i], fd, strerror(errno));
    }
    static const char *const stays[] = {".", "in", "sub/fine", "sub/../in", "sub/dir/in", "./sub/.././in"};
    for (size_t i = 0; i < ARRAY_LEN(stays); i++) {
        int fd = file_open_beneath(root, stays[i], O_RDONLY, 0, 0);
        assert_true(fd >= 0);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        close(fd);
    }
    assert_int_equal(file_open_beneath(root, "sub/fine", O_RDONLY, 0, RESOLVE_NO_SYMLINKS), -1);
    assert_int_equal(errno, ELOOP);
    assert_int_equal(file_open_beneath(root, "loop", O_RDONLY, 0, 0), -1);
    assert_int_equal(errno, ELOOP);
    int fd = file_open_beneath(root, "sub/new", O_WRONLY | O_CREAT | O_EXCL, 0640, 0);
    assert_true(fd >= 0);
    close(fd);
    int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(file_open_beneath(proc, "fd/0", O_RDONLY, 0, 0), -1);
    assert_int_equal(file_open_beneath(proc, "root/etc/passwd", O_RDONLY, 0, 0), -1);
    close(proc);
    close(root);
}

static void canonical_directories(void **state)
{
    struct tmp *t = *state;
    char path[200], *real = NULL;
    assert_int_equal(mkdirat(t->fd, "d", 0755), 0);
    assert_int_equal(symlinkat("d", t->fd, "l"), 0);
    tmp_write(t, "f", "");
    snprintf(path, sizeof path, "%s/l/../l/.", t->path);
    assert_int_equal(dir_canonical(path, &real, NULL), 0);
    snprintf(path, sizeof path, "%s/d", t->path);
    assert_string_equal(real, path);
    free(real);
    real = NULL;
    snprintf(path, sizeof path, "%s/f", t->path);
    assert_int_equal(dir_canonical(path, &real, NULL), -ERR_INVALID);
    snprintf(path, sizeof path, "%s/no", t->path);
    assert_int_equal(dir_canonical(path, &real, NULL), -ERR_NOT_FOUND);
    assert_null(real);
}

static void canonical_directories_are_opened_as_such(void **state)
{
    struct tmp *t = *state;
    char path[200];
    assert_int_equal(mkdirat(t->fd, "x", 0755), 0);
    assert_int_equal(mkdirat(t->fd, "x/y", 0755), 0);
    assert_int_equal(symlinkat("x", t->fd, "z"), 0);
    tmp_write(t, "x/f", "");
    static const struct {
        const char *name;
        int sys;
    } v[] = {{"x/y", 0}, {"z/y", ELOOP}, {"z", ELOOP}, {"x/f", ENOTDIR}, {"x/no", ENOENT}};
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        snprintf(path, sizeof path, "%s/%s", t->path, v[i].name);
        errno = 0;
        int fd = dir_open_canonical(path, i % 2 ? O_RDONLY : O_PATH), sys = errno;
        assert_int_equal(fd >= 0 ? 0 : sys, v[i].sys);
        if (fd >= 0)
            close(fd);
    }
}

static void path_rules(void **state)
{
    assert_true(path_contains("/a", "/a"));
    assert_true(path_contains("/a", "/a/b"));
    assert_true(path_contains("/", "/a"));
    assert_true(path_contains("/", "/"));
    assert_false(path_contains("/a", "/ab"));
    assert_false(path_contains("/a/b", "/a"));
    static const char *const plain[] = {"a", "a/b", ".a", "..a", "a..", "a/...", "-", " ", "a\n"};
    static const char *const bad[] = {"", "/", "/a", "a/", "a//b", ".", "..", "a/.", "a/..", "./a", "../a", "a/../b"};
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        assert_true(path_is_plain(plain[i]));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(path_is_plain(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closes_and_keeps_errno),
        cmocka_unit_test(reads_in_full),
        cmocka_unit_test(writes_in_full),
        TMP_TEST(read_is_bounded),
        TMP_TEST(pread_leaves_the_offset),
        TMP_TEST(replace_is_whole),
        TMP_TEST(replace_fails_whole),
        TMP_TEST(makes_directories),
        TMP_TEST(beneath_holds),
        TMP_TEST(canonical_directories),
        TMP_TEST(canonical_directories_are_opened_as_such),
        cmocka_unit_test(path_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
