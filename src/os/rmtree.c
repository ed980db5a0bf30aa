/* rmtree - removing a directory tree that a hostile program may have built.
 *
 * Rules: names are only used relative to an open directory; a directory is entered
 * by openat2(2) without following links and without crossing mounts; at most
 * MAX_LEVEL directories are open at once. What lies deeper is first moved up to
 * the top of the tree, so neither stack nor fds grow with the depth:
 *
 *     top/ ... level 48/x/y/z     ->     top/.deep-0/y/z     (and the scan of top begins again)
 *
 * An entry that cannot be removed does not stop the others; the first error is returned.
 * May include: base.  Threads: any.  Declared in file.h. */
#include "os/file.h"
#include "base/fault.h"
#include "os/clock.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LEVEL 48

struct rm {
    int top;       /* directory at the top of the tree; -1 until it is open */
    uint64_t salt; /* makes the names of what was moved up our own */
    unsigned moved;
    bool failed;
    struct err first; /* what went wrong first */
};

static void note(struct rm *rm, const char *what, const char *name)
{
    if (rm->first.code == 0)
        err_sys(&rm->first, ERR_IO, "%s %s", what, name);
    rm->failed = true;
}

/* As an ordinary user, a directory of mode 0 can be neither read nor emptied: give it back to its owner.
 * O_PATH needs no right on the directory itself; the /proc link names exactly what was opened, so no link is followed.
 * What fails here is reported by the call that needed it. */
static void make_writable(int at, const char *name)
{
    char link[64];
    struct stat st;
    AUTO(fd_close) int fd = openat(at, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 0700) == 0700)
        return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    (void)!chmod(link, 0700);
}

static int enter_once(int at, const char *name)
{
    return file_open_beneath(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK, 0,
                             RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
}

static int enter(int at, const char *name)
{
    struct stat st;
    int fd = enter_once(at, name);
    if (fd < 0 && errno == EACCES) {
        make_writable(at, name);
        fd = enter_once(at, name);
    }
    if (fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700 && st.st_uid == geteuid())
        (void)!fchmod(fd, 0700);
    return fd;
}

static void remove_at(struct rm *rm, int at, const char *name, int level);

/* One pass over a directory; the number of entries that are gone. Takes fd. */
static size_t empty(struct rm *rm, int fd, int level)
{
    size_t gone = 0;
    DIR *d = fdopendir(fd);
    if (!d) {
        close(fd);
        return 0;
    }
    for (struct dirent *ent; (ent = readdir(d));) {
        if (strcmp(ent->d_name, ".") == 0 || strcmp(ent->d_name, "..") == 0)
            continue;
        bool failed = rm->failed;
        rm->failed = false;
        remove_at(rm, dirfd(d), ent->d_name, level + 1);
        gone += !rm->failed;
        rm->failed = rm->failed || failed;
    }
    closedir(d);
    return gone;
}

/* Renames a directory that lies too deep to the top, under a name of ours. */
static void move_up(struct rm *rm, int at, const char *name)
{
    char to[64];
    make_writable(at, name); /* its ".." is about to be written */
    snprintf(to, sizeof to, ".deep-%016llx-%u", (unsigned long long)rm->salt, rm->moved++);
    if (renameat(at, name, rm->top, to) < 0)
        note(rm, "move", name);
}

static void remove_dir(struct rm *rm, int at, const char *name, int level)
{
    for (;;) {
        int fd = enter(at, name);
        if (fd < 0) {
            note(rm, "enter", name);
            return;
        }
        if (level == 0)
            rm->top = dup(fd);
        size_t gone = empty(rm, fd, level);
        CRASH_POINT(dir_emptied);
        if (level == 0)
            fd_close(&rm->top);
        if (unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
            return;
        /* Moved up from below, or skipped by a file system that loses its place: look again while it helps. */
        if (errno != ENOTEMPTY || gone == 0) {
            note(rm, "remove", name);
            return;
        }
    }
}

static void remove_at(struct rm *rm, int at, const char *name, int level)
{
    if (!FAULT(unlink) && (unlinkat(at, name, 0) == 0 || errno == ENOENT))
        return;
    if (errno != EISDIR && errno != EPERM) {
        note(rm, "remove", name);
        return;
    }
    if (unlinkat(at, name, AT_REMOVEDIR) == 0)
        return;
    if (errno != ENOTEMPTY && errno != EACCES && errno != EPERM)
        note(rm, "remove", name);
    else if (level < MAX_LEVEL)
        remove_dir(rm, at, name, level);
    else
        move_up(rm, at, name);
}

int dir_remove(int dirfd, const char *path, struct err *e)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) + 1 : 0;
    if (n >= sizeof parent)
        return err_set(e, ERR_INVALID, "the path is too long");
    memcpy(parent, path, n);
    parent[n] = '\0';
    AUTO(fd_close) int at = openat(dirfd, n ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return errno == ENOENT ? 0 : err_sys(e, ERR_IO, "open %s", parent);
    struct rm rm = {.top = -1};
    random_bytes(&rm.salt, sizeof rm.salt);
    remove_at(&rm, at, path + n, 0);
    if (!rm.failed)
        return 0;
    if (e)
        *e = rm.first;
    return err_wrap(e, -rm.first.code, "remove %s", path);
}
