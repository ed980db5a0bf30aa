/* memory - how much memory a sandbox holds, where no cgroup counts it; and what of it would outlive a step.
 *
 * Why it exists: as an ordinary user without a delegated cgroup the limit is kept by looking (every 100 ms). That stops
 * what grows by accident; what the kernel holds for sockets, pipes and page tables nobody can see from here.
 * May include: base os.   In init only.   proc(5), shmctl(2).
 *
 *   private pages     RssAnon of each process; exactly: Pss_Anon, where pages shared after fork(2) count once
 *   shared pages      the larger of what is mapped (Pss_Shmem) and what exists: System V segments, memfds, /tmp */
#include "shim/shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "os/file.h"
#include "os/proc.h"
#include "shim/sys.h"

#define FDS_MAX 4096 /* looked at per sample; a walk of the layers looks at all */

/* A file without a name; there may be many descriptors of it. */
struct nameless {
    dev_t dev;
    ino_t ino;
    int64_t bytes;
    bool memfd;
};

struct sum {
    int64_t anon, shmem, memfd, unlinked; /* bytes */
    int fds_left;
    bool partly;   /* for want of memory or descriptors something was not looked at */
    dev_t scratch; /* /tmp: counted by its file system */
    struct nameless *files;
    size_t nfiles, cap;
};

static int64_t field(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? strtoll(at + strlen(name), NULL, 10) * 1024 : 0;
}

static void add_pages(struct sum *s, int proc, const char *pid, bool exact)
{
    char path[64], b[2048];
    snprintf(path, sizeof(path), "%.20s/%s", pid, exact ? "smaps_rollup" : "status");
    AUTO(fd_close) int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, b, sizeof(b) - 1);
    if (n <= 0)
        return;
    b[n] = 0;
    s->anon += field(b, exact ? "Pss_Anon:" : "RssAnon:");
    s->shmem += field(b, exact ? "Pss_Shmem:" : "RssShmem:");
}

/* A memfd, or a file that was removed while it is open. */
static void add_file(struct sum *s, const struct stat *st, bool memfd)
{
    if (st->st_nlink > 0 || !S_ISREG(st->st_mode) || st->st_dev == s->scratch)
        return;
    if (s->nfiles == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 256;
        void *p = realloc(s->files, cap * sizeof(*s->files));
        s->partly |= !p;
        if (!p)
            return;
        s->files = p;
        s->cap = cap;
    }
    s->files[s->nfiles++] = (struct nameless){st->st_dev, st->st_ino, (int64_t)st->st_blocks * 512, memfd};
}

static void add_fd(struct sum *s, int fds, const char *name)
{
    char to[16];
    struct stat st;
    if (readlinkat(fds, name, to, sizeof(to)) < 7 || fstatat(fds, name, &st, 0) < 0)
        return;
    add_file(s, &st, memcmp(to, "/memfd:", 7) == 0);
}

/* What a process that lets nobody look at it (PR_SET_DUMPABLE, a program that may not be read) has in /proc belongs to
 * a root there is not in here. But who may trace it may have copies of its descriptors: pidfd_getfd(2). */
static void add_copies(struct sum *s, int proc, const char *pid)
{
    char path[64], b[2048];
    AUTO(fd_close) int of = proc_pidfd_open((pid_t)strtol(pid, NULL, 10));
    snprintf(path, sizeof(path), "%.20s/status", pid);
    AUTO(fd_close) int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, b, sizeof(b) - 1);
    s->partly |= n < 0 && err_sys_ours(errno);
    if (of < 0 || n <= 0)
        return;
    b[n] = 0;
    int64_t slots = field(b, "FDSize:") / 1024;
    for (int i = 0; i < slots && s->fds_left > 0; i++) {
        struct stat st;
        AUTO(fd_close) int copy = (int)syscall(SYS_pidfd_getfd, of, i, 0);
        s->partly |= copy < 0 && err_sys_ours(errno);
        s->fds_left--;
        if (copy < 0 || fstat(copy, &st) < 0)
            continue;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
        add_file(s, &st, readlink(path, b, 7) == 7 && memcmp(b, "/memfd:", 7) == 0);
    }
}

static void add_fds(struct sum *s, int proc, const char *pid)
{
    char path[64];
    snprintf(path, sizeof(path), "%.20s/fd", pid);
    int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        s->partly |= err_sys_ours(errno);
        if (fd >= 0)
            close(fd);
        else if (errno == EACCES)
            add_copies(s, proc, pid);
        return;
    }
    for (struct dirent *de; s->fds_left > 0 && (de = readdir(d)); s->fds_left--)
        add_fd(s, dirfd(d), de->d_name);
    closedir(d);
}

static int by_file(const void *a, const void *b)
{
    const struct nameless *x = a, *y = b;
    return x->dev != y->dev ? (x->dev < y->dev ? -1 : 1) : x->ino != y->ino ? (x->ino < y->ino ? -1 : 1) : 0;
}

/* Each once, however many descriptors there are of it. */
static void add_nameless(struct sum *s)
{
    if (s->nfiles)
        qsort(s->files, s->nfiles, sizeof(*s->files), by_file);
    for (size_t i = 0; i < s->nfiles; i++) {
        const struct nameless *f = &s->files[i];
        if (i == 0 || by_file(f - 1, f) != 0)
            *(f->memfd ? &s->memfd : &s->unlinked) += f->bytes;
    }
    free(s->files);
}

static int64_t shared_files(const struct sum *s)
{
    struct shm_info shm;
    struct statvfs v;
    int64_t sum = s->memfd;
    if (shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&shm) >= 0)
        sum += (int64_t)shm.shm_rss * sysconf(_SC_PAGESIZE);
    if (statvfs("/tmp", &v) == 0)
        sum += (int64_t)((v.f_blocks - v.f_bfree) * v.f_frsize);
    return sum;
}

static void add_processes(struct sum *s, bool pages, bool exact)
{
    struct stat tmp;
    DIR *d = opendir("/proc");
    s->partly |= !d;
    if (!d)
        return;
    s->scratch = stat("/tmp", &tmp) == 0 ? tmp.st_dev : 0;
    for (struct dirent *de; (de = readdir(d));) {
        if (de->d_name[0] < '1' || de->d_name[0] > '9')
            continue;
        if (pages)
            add_pages(s, dirfd(d), de->d_name, exact);
        add_fds(s, dirfd(d), de->d_name);
    }
    closedir(d);
    add_nameless(s);
}

int64_t memory_used(bool exact)
{
    struct sum s = {.fds_left = FDS_MAX};
    add_processes(&s, true, exact);
    int64_t files = shared_files(&s);
    if (!exact)
        return s.anon + s.shmem + files;
    return s.anon + (s.shmem > files ? s.shmem : files);
}

int64_t memory_unlinked(void)
{
    struct sum s = {.fds_left = INT_MAX};
    add_processes(&s, false, false);
    return s.partly ? -1 : s.unlinked;
}

void memory_clear(void)
{
    struct shm_info shm;
    struct shmid_ds sd;
    struct seminfo sem;
    struct semid_ds sm;
    struct msginfo msg;
    struct msqid_ds md;
    union {
        struct semid_ds *ds;
        struct seminfo *info;
    } arg;
    int last = shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&shm);
    for (int i = 0; shm.used_ids > 0 && i <= last; i++)
        (void)shmctl(shmctl(i, SHM_STAT, &sd), IPC_RMID, NULL);
    arg.info = &sem;
    last = semctl(0, 0, SEM_INFO, arg);
    for (int i = 0; i <= last && sem.semusz > 0; i++) {
        arg.ds = &sm;
        (void)semctl(semctl(i, 0, SEM_STAT, arg), 0, IPC_RMID);
    }
    last = msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)&msg);
    for (int i = 0; i <= last && msg.msgpool > 0; i++)
        (void)msgctl(msgctl(i, MSG_STAT, &md), IPC_RMID, NULL);
}
