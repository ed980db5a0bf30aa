/* remains - what is known of a sandbox without its shim's help: its record, its lock, its leftovers.
 *
 * Why it exists: after a crash the reconciler must know which steps ended, which
 * shims live, and must leave nothing behind.
 * May include: base os sandbox/.   Threads: any. */
#include "sandbox/native/native.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/logfile.h"
#include "os/proc.h"

#define REAP_MS 5000

/* ---- the exit record ---- */

/* The record is the last frame and its size is known: a log of any length is answered by one short read. A log with a
 * torn tail, or none, is walked to be sure. */
static int find_exit(struct log_reader *r, uint64_t size, struct step_exit *ret, struct err *e)
{
    struct log_frame f;
    const uint64_t record = 16 + sizeof(struct spw_exit) + 4;
    uint64_t at = size >= LOG_START + record ? size - record : LOG_START;
    int n = at > LOG_START ? logfile_read(r, at, &f, NULL) : 0;
    if (n != 1 || f.stream != LOG_EXIT || f.next != size) {
        for (at = LOG_START; (n = logfile_read(r, at, &f, e)) == 1; at = f.next) {
            if (f.stream == LOG_EXIT)
                break;
        }
    }
    if (n != 1)
        return n;
    struct spw_exit x;
    if (!spw_exit_read(f.p, f.n, &x))
        return err_set(e, ERR_CORRUPT, "the step's exit record is damaged");
    native_exit_from(&x, ret);
    return 1;
}

void native_log_name(char ret[64], int index, int attempt)
{
    snprintf(ret, 64, "logs/%d.%d.log", index, attempt);
}

int sandbox_result(const char *dir, int index, int attempt, struct step_exit *ret, struct err *e)
{
    char name[64];
    uint64_t size = 0;
    AUTO(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "open %s", dir);
    native_log_name(name, index, attempt);
    AUTO_PTR(logfile_close_read) struct log_reader *r = NULL;
    int n = logfile_open_read(fd, name, &r, e);
    if (n == -ERR_NOT_FOUND)
        return 0;
    if (n == 0)
        n = logfile_size_read(r, &size, e);
    return n < 0 ? n : find_exit(r, size, ret, e);
}

int sandbox_keep_log(const char *dir, int index, int attempt, struct err *e)
{
    char name[64];
    AUTO(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "open %s", dir);
    native_log_name(name, index, attempt);
    AUTO(fd_close) int log = openat(fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (log < 0)
        return errno == ENOENT ? 0 : err_sys(e, ERR_IO, "open %s", name);
    int r = FAULT(fsync) ? (errno = EIO, -1) : fdatasync(log);
    return r < 0 ? err_sys(e, ERR_IO, "sync %s", name) : 0;
}

/* ---- alive? ---- */

int native_shim_dir(const char *run_dir, struct err *e)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/shim", run_dir) >= (int)sizeof(path))
        return err_set(e, ERR_INVALID, "path too long: %s", run_dir);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_sys(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "open %s", path) : fd;
}

int native_locked(int shim, struct err *e)
{
    AUTO(fd_close) int fd = openat(shim, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(e, ERR_IO, "open shim/lock");
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return 0; /* taken and, at the close, given back: nobody else has it */
    return errno == EWOULDBLOCK ? 1 : err_sys(e, ERR_IO, "test shim/lock");
}

/* Leaves *ret alone when there is none; one that cannot be opened is not taken for none. */
static int shim_dir_if(const char *run_dir, int *ret, struct err *e)
{
    struct err why = ERR_INIT;
    int fd = native_shim_dir(run_dir, &why);
    if (fd == -ERR_NOT_FOUND)
        return 0;
    if (fd < 0 && e)
        *e = why;
    if (fd >= 0)
        *ret = fd;
    return fd < 0 ? fd : 0;
}

int sandbox_alive(const char *dir, struct err *e)
{
    AUTO(fd_close) int shim = -1;
    int r = shim_dir_if(dir, &shim, e);
    return shim < 0 ? r : native_locked(shim, e);
}

/* ---- leftovers ---- */

void native_remove_cgroup(char *path)
{
    char file[PATH_MAX + 16];
    /* Only what a shim of ours can have written: a group of this name below the cgroup file system. */
    char *sp = strstr(path, "/sallyport/");
    if (!str_starts(path, "/sys/fs/cgroup/") || !sp || strstr(path, "/../"))
        return;
    snprintf(file, sizeof(file), "%s/cgroup.kill", path);
    AUTO(fd_close) int fd = open(file, O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)!write(fd, "1", 1);
    for (int i = 0; i < 200 && rmdir(path) < 0 && errno == EBUSY; i++)
        clock_sleep_us(5 * MS_US); /* the last process is still being torn down */
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(path, '/');
        if (!slash || slash < sp)
            return;
        *slash = 0;
        if (rmdir(path) < 0 && errno != ENOENT)
            return; /* others are in it */
    }
}

int native_sweep(int shim, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
    struct err why = ERR_INIT;
    if (native_locked(shim, NULL) != 0)
        return 0; /* it lives: its own business */
    int r = file_read(shim, "cgroups", &b, &why);
    char *rest = b.p;
    for (char *line; r == 0 && (line = strsep(&rest, "\n"));)
        native_remove_cgroup(line);
    native_quota_remove(shim);
    (void)unlinkat(shim, "ctl", 0);
    (void)unlinkat(shim, "pid", 0);
    (void)unlinkat(shim, "init", 0);
    if (r < 0 && r != -ERR_NOT_FOUND) { /* their names stay for the next time */
        if (e)
            *e = why;
        return r;
    }
    (void)unlinkat(shim, "cgroups", 0);
    return 0;
}

/* A shim that holds the lock but cannot be reached by its socket: its pid is in shim/pid, and a pidfd is proven to be
 * it when the lock goes away with it. */
static int shim_pidfd(int shim, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(64);
    int64_t pid;
    uid_t uid;
    pid_t peer = 0;
    AUTO(fd_close) int sock = unix_connect(shim, "ctl", SOCK_SEQPACKET, NULL);
    if (sock >= 0 && unix_peer(sock, &uid, &peer, NULL) == 0 && uid == geteuid())
        return proc_pidfd_open(peer);
    int r = file_read(shim, "pid", &b, e);
    if (r < 0)
        return r;
    b.p[strcspn(b.p, "\n")] = 0;
    if (!str_i64(b.p, &pid) || pid <= 1 || pid > INT32_MAX)
        return err_set(e, ERR_CORRUPT, "shim/pid is damaged");
    AUTO(buf_fini) struct buf comm = BUF_INIT(64);
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    int fd = proc_pidfd_open((pid_t)pid);
    /* After the pidfd is held the pid cannot be reused unseen: the name read now is that process's. */
    if (fd >= 0 && (file_read(AT_FDCWD, path, &comm, NULL) < 0 || !comm.p || !str_starts(comm.p, "sallyport-shim")))
        fd_close(&fd);
    return fd;
}

/* Field 22 of /proc/PID/stat, in the text from the bracket that ends the name on (proc(5)); NULL: there is none. */
static const char *start_time(const char *stat, size_t *ret_n)
{
    const char *p = strrchr(stat, ')');
    for (int field = 2; p && field < 22; field++) {
        p = strchr(p, ' ');
        p = p ? p + 1 : NULL;
    }
    *ret_n = p ? strcspn(p, " ") : 0;
    return p;
}

/* The kernel ends init, and with it all that a step started, when the shim is dead: a moment later. A process that
 * writes into a layer meanwhile would spoil what is computed from it. Whatever cannot be found out about a process with
 * its number says that it is another one by now (a thread's, one that is hidden from us); want of a descriptor does
 * not. */
int native_wait_for_init(int shim, struct err *e)
{
    AUTO(buf_fini) struct buf then = BUF_INIT(4 * KIB), now = BUF_INIT(4 * KIB);
    struct err why = ERR_INIT;
    char path[64];
    size_t n, m;
    int r = file_read(shim, "init", &then, &why);
    if (r < 0 && r != -ERR_NOT_FOUND)
        return err_set(e, -r, "%s", why.msg);
    if (!then.p)
        return 0;
    int64_t pid = 0;
    char *blank = strchr(then.p, ' ');
    if (blank)
        *blank = 0;
    if (!blank || !str_i64(then.p, &pid) || pid <= 1 || pid > INT32_MAX)
        return 0;
    *blank = ' ';
    AUTO(fd_close) int fd = proc_pidfd_open((pid_t)pid);
    if (fd < 0)
        return err_sys_ours(errno) ? err_sys(e, ERR_IO, "open the init of a sandbox") : 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    r = file_read(AT_FDCWD, path, &now, &why);
    if (r < 0 && err_sys_ours(why.sys))
        return err_set(e, -r, "%s", why.msg);
    if (r < 0 || !now.p)
        return 0;
    const char *a = start_time(then.p, &n), *b = start_time(now.p, &m);
    if (!a || !b || n != m || memcmp(a, b, n) != 0)
        return 0; /* another process has its number */
    struct pollfd p = {fd, POLLIN, 0};
    int64_t left, until = clock_mono_us() + REAP_MS * MS_US;
    while ((left = until - clock_mono_us()) > 0) {
        int ready = poll(&p, 1, (int)(left / 1000) + 1);
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return err_sys(e, ERR_IO, "wait for the init of a sandbox");
    }
    return err_set(e, ERR_SANDBOX_FAILED, "the init of a sandbox whose shim is dead does not die (process %d)",
                   (int)pid);
}

int sandbox_reap(const char *dir, struct err *e)
{
    AUTO(fd_close) int shim = -1;
    int r = shim_dir_if(dir, &shim, e);
    if (shim < 0)
        return r;
    r = native_locked(shim, e);
    if (r < 0)
        return r;
    if (r == 1) {
        AUTO(fd_close) int fd = shim_pidfd(shim, e);
        if (fd >= 0)
            (void)proc_pidfd_kill(fd, SIGKILL);
        int64_t until = clock_mono_us() + REAP_MS * MS_US;
        while ((r = native_locked(shim, e)) == 1 && clock_mono_us() < until)
            clock_sleep_us(2 * MS_US);
        if (r < 0)
            return r;
        if (r == 1)
            return err_set(e, ERR_SANDBOX_FAILED, "the shim of %s does not die", dir);
    }
    r = native_wait_for_init(shim, e);
    if (r < 0)
        return r;
    CRASH_POINT(shim_reaped);
    return native_sweep(shim, e);
}
