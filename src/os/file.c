/* file - opening, replacing and naming files. Removing trees is rmtree.c.
 *
 * May include: base.  Threads: any. */
#include "os/file.h"
#include "base/fault.h"
#include "base/str.h"
#include "os/clock.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TMP_NAME ".tmp-"

static int path_error(struct err *e, const char *what, const char *path)
{
    int code = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    return err_sys(e, code, "%s %s", what, path);
}

int file_read(int dirfd, const char *path, struct buf *out, struct err *e)
{
    AUTO(fd_close) int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return path_error(e, "open", path);
    int r = fd_read_all(fd, out, e);
    return r < 0 ? err_wrap(e, r, "%s", path) : 0;
}

int dir_sync(int fd, struct err *e)
{
    if (FAULT(fsync))
        errno = EIO;
    else if (fsync(fd) == 0)
        return 0;
    return err_sys(e, ERR_IO, "fsync");
}

/* "a/b/c" -> an fd of a/b and "c". */
static int open_parent(int dirfd, const char *path, const char **ret_base, struct err *e)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= sizeof dir)
        return err_set(e, ERR_INVALID, "the path is too long");
    memcpy(dir, path, n);
    dir[n] = '\0';
    *ret_base = slash ? slash + 1 : path;
    const char *name = !slash ? "." : n == 0 ? "/" : dir;
    int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd : path_error(e, "open", name);
}

static int write_new(int dir, const char *name, const void *p, size_t n, mode_t mode, struct err *e)
{
    AUTO(fd_close) int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return path_error(e, "create", name);
    int r = fd_write_full(fd, p, n, e);
    if (r < 0)
        return r;
    if (fchmod(fd, mode) < 0) /* exact, whatever the umask */
        return err_sys(e, ERR_IO, "fchmod %s", name);
    return dir_sync(fd, e);
}

static int replace(int tmpdir, int dir, const char *base, const void *p, size_t n, mode_t mode, struct err *e)
{
    char tmp[32];
    uint64_t rnd;
    random_bytes(&rnd, sizeof rnd);
    snprintf(tmp, sizeof tmp, TMP_NAME "%016llx", (unsigned long long)rnd);
    int r = write_new(tmpdir, tmp, p, n, mode, e);
    CRASH_POINT(file_replace);
    if (r == 0 && (FAULT(rename) ? (errno = EIO, -1) : renameat(tmpdir, tmp, dir, base)) < 0)
        r = err_sys(e, ERR_IO, "rename");
    CRASH_POINT(file_replaced);
    if (r == 0)
        return dir_sync(dir, e);
    unlinkat(tmpdir, tmp, 0);
    return r;
}

int file_replace(int dirfd, const char *path, const void *p, size_t n, mode_t mode, struct err *e)
{
    const char *base;
    AUTO(fd_close) int dir = open_parent(dirfd, path, &base, e);
    int r = dir < 0 ? dir : replace(dir, dir, base, p, n, mode, e);
    return r < 0 ? err_wrap(e, r, "replace %s", path) : 0;
}

int file_replace_via(int tmpdirfd, int dirfd, const char *path, const void *p, size_t n, mode_t mode, struct err *e)
{
    const char *base;
    AUTO(fd_close) int dir = open_parent(dirfd, path, &base, e);
    int r = dir < 0 ? dir : replace(tmpdirfd, dir, base, p, n, mode, e);
    return r < 0 ? err_wrap(e, r, "replace %s", path) : 0;
}

void dir_sweep(int dirfd, const char *path)
{
    int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d)
        fd_close(&fd);
    for (struct dirent *de; d && (de = readdir(d));) {
        if (strncmp(de->d_name, TMP_NAME, strlen(TMP_NAME)) == 0)
            (void)unlinkat(fd, de->d_name, 0);
    }
    if (d)
        closedir(d);
}

int dir_make(int dirfd, const char *path, int *ret_fd, struct err *e)
{
    char part[NAME_MAX + 1];
    AUTO(fd_close) int cur = openat(dirfd, *path == '/' ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cur < 0)
        return path_error(e, "open", path);
    for (const char *p = path + strspn(path, "/"); *p; p += strspn(p, "/")) {
        size_t n = strcspn(p, "/");
        if (n >= sizeof part)
            return err_set(e, ERR_INVALID, "a name in %s is too long", path);
        memcpy(part, p, n);
        part[n] = '\0';
        p += n;
        if (mkdirat(cur, part, 0700) < 0 && errno != EEXIST)
            return path_error(e, "mkdir", path);
        int next = openat(cur, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (next < 0)
            return path_error(e, "open", path);
        fd_close(&cur);
        cur = next;
    }
    if (ret_fd) {
        *ret_fd = cur;
        cur = -1;
    }
    return 0;
}

int file_open_beneath(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? mode : 0, /* anything else is EINVAL */
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve,
    };
    /* EAGAIN: a rename somewhere on the system raced with a ".." of the walk (openat2(2)). */
    for (int tries = 0;; tries++) {
        long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);
        if (fd >= 0 || (errno != EINTR && errno != EAGAIN) || tries == 100)
            return (int)fd;
    }
}

int dir_canonical(const char *path, char **ret, struct err *e)
{
    struct stat st;
    char *real = realpath(path, NULL);
    if (!real)
        return path_error(e, "find", path);
    if (stat(real, &st) < 0 || !S_ISDIR(st.st_mode)) {
        free(real);
        return err_set(e, ERR_INVALID, "%s is not a directory", path);
    }
    *ret = real;
    return 0;
}

int dir_open_canonical(const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_DIRECTORY | O_CLOEXEC),
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    long fd;
    while ((fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how)) < 0 && errno == EINTR)
        ;
    return (int)fd;
}

bool path_contains(const char *a, const char *b)
{
    size_t n = strlen(a);
    while (n > 0 && a[n - 1] == '/')
        n--;
    return strncmp(a, b, n) == 0 && (b[n] == '\0' || b[n] == '/');
}

bool path_is_plain(const char *rel)
{
    for (const char *p = rel;; p++) {
        size_t n = strcspn(p, "/");
        if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return false;
        p += n;
        if (!*p)
            return true;
    }
}
