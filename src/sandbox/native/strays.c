/* strays - what sandboxes left outside the directories of runs: processes, cgroups, temporary directories.
 *
 * Why it exists: a directory that was removed by hand, or a server that was killed between two calls, leaves things
 * that no run's directory names. They are found by their own names here; whether they are ours to end is the caller's
 * to say: other servers of this user may live on this machine, so a shim or a group with somebody in it is ended for
 * the run it names only, and a nursery when its parent is no server. May include: base os sandbox/.   Threads: any. */
#include "sandbox/native/native.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/str.h"
#include "os/cgroups.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/proc.h"

#define COMM         "sallyport-shim" /* the kernel keeps 15 bytes: all of it */
#define NURSERY_S    10               /* one whose server died ends at once; this one did not */
#define CGROUP_OLD_S 600              /* far more than a sandbox takes to be built */
#define TEMP_OLD_S   3600
#define KILL_MS      5000

struct walk {
    int (*each)(void *, const struct sandbox_stray *);
    void *arg;
};

static bool ours(int dirfd, const char *name, struct stat *st)
{
    return fstatat(dirfd, name, st, AT_SYMLINK_NOFOLLOW) == 0 && st->st_uid == geteuid();
}

static bool older_than(const struct stat *st, int64_t seconds)
{
    return clock_now_us() / SEC_US - st->st_mtime > seconds;
}

/* ---- processes --------------------------------------------------------- */

struct process {
    char comm[32], words[256]; /* its name; its arguments, NUL between them */
    pid_t parent;
    unsigned long long started;
};

static bool read_small(int dir, const char *name, char *ret, size_t cap)
{
    AUTO(fd_close) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, ret, cap - 1);
    if (n < 0)
        return false;
    ret[n] = 0;
    return true;
}

/* proc(5): "PID (COMM) STATE PPID ... STARTTIME ..."; STARTTIME is field 22. */
static bool look_at(int proc, const char *pid, struct process *ret)
{
    char stat[1024];
    AUTO(fd_close) int dir = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *ret = (struct process){.parent = 0};
    if (dir < 0 || !read_small(dir, "stat", stat, sizeof(stat)))
        return false;
    char *name = strchr(stat, '('), *end = strrchr(stat, ')');
    if (!name || !end || end < name)
        return false;
    *end = 0;
    if (!str_copy(ret->comm, sizeof(ret->comm), name + 1))
        return false;
    if (sscanf(end + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ret->parent,
               &ret->started) != 2)
        return false;
    return strcmp(ret->comm, COMM) != 0 || read_small(dir, "cmdline", ret->words, sizeof(ret->words));
}

/* argv[1], without the room a nursery keeps for a run's id. */
static const char *first_word(struct process *p)
{
    size_t n = strlen(p->words);
    if (n + 1 >= sizeof(p->words))
        return "";
    char *w = p->words + n + 1;
    w[strcspn(w, " ")] = 0;
    return w;
}

static bool parent_is_server(int proc, pid_t parent)
{
    struct process p;
    char name[32];
    snprintf(name, sizeof(name), "%d", (int)parent);
    return look_at(proc, name, &p) && str_starts(p.comm, "sallyport");
}

/* Seconds since a process started (clock ticks since boot). */
static int64_t age_of(const struct process *p)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec - (int64_t)(p->started / (unsigned long long)sysconf(_SC_CLK_TCK));
}

static int show_process(const struct walk *w, int proc, const char *name)
{
    struct process p;
    struct stat st;
    struct sandbox_stray s = {.kind = STRAY_SHIM};
    int64_t pid;
    if (!str_i64(name, &pid) || pid <= 1 || !look_at(proc, name, &p) || strcmp(p.comm, COMM) != 0)
        return 0;
    /* A process that lets nobody look at its memory belongs to root in /proc. */
    if (!ours(proc, name, &st) && st.st_uid != 0)
        return 0;
    const char *word = first_word(&p);
    s.pid = (pid_t)pid;
    s.started = p.started;
    if (id_parse(ID_RUN, word, &s.run))
        return w->each(w->arg, &s);
    if (strcmp(word, "--nursery") != 0 || age_of(&p) < NURSERY_S || parent_is_server(proc, p.parent))
        return 0;
    s.kind = STRAY_NURSERY;
    return w->each(w->arg, &s);
}

/* each(dir, name) for what is in a directory; one that is not there has nothing in it. */
static int for_names(int at, const char *path, int (*fn)(const struct walk *, int dir, const char *path, const char *),
                     const struct walk *w)
{
    int r = 0, fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        fd_close(&fd);
        return 0;
    }
    for (struct dirent *de; r == 0 && (de = readdir(d));)
        if (de->d_name[0] != '.')
            r = fn(w, dirfd(d), path, de->d_name);
    closedir(d);
    return r;
}

static int each_process(const struct walk *w, int dir, const char *path, const char *name)
{
    return show_process(w, dir, name);
}

/* ---- cgroups ----------------------------------------------------------- */

/* A v2 group says it in cgroup.events, a v1 group in its list of processes. */
static bool nobody_in(int dir, const char *name)
{
    char file[NAME_MAX + 32], text[256];
    snprintf(file, sizeof(file), "%s/cgroup.events", name);
    if (read_small(dir, file, text, sizeof(text)))
        return strstr(text, "populated 0") != NULL;
    snprintf(file, sizeof(file), "%s/cgroup.procs", name);
    return read_small(dir, file, text, sizeof(text)) && !text[0];
}

static int each_group(const struct walk *w, int dir, const char *path, const char *name)
{
    char full[PATH_MAX];
    struct sandbox_stray s = {.kind = STRAY_CGROUP, .path = full};
    struct stat st;
    bool run = id_parse(ID_RUN, name, &s.run);
    if ((!run && !str_starts(name, "probe-")) || !ours(dir, name, &st) || !S_ISDIR(st.st_mode) ||
        snprintf(full, sizeof(full), "%s/%s", path, name) >= (int)sizeof(full))
        return 0;
    s.old = older_than(&st, CGROUP_OLD_S) && nobody_in(dir, name);
    return w->each(w->arg, &s);
}

static int each_tenant(const struct walk *w, int dir, const char *path, const char *name)
{
    char full[PATH_MAX];
    struct stat st;
    if (!ours(dir, name, &st) || !S_ISDIR(st.st_mode) ||
        snprintf(full, sizeof(full), "%s/%s", path, name) >= (int)sizeof(full))
        return 0;
    return for_names(AT_FDCWD, full, each_group, w);
}

static int all_groups(const struct walk *w)
{
    static const char *const controllers[] = {"", "memory", "cpu", "pids"};
    AUTO(buf_fini) struct buf self = BUF_INIT(64 * KIB);
    char base[PATH_MAX], top[PATH_MAX + 16];
    int r = 0;
    if (file_read(AT_FDCWD, "/proc/self/cgroup", &self, NULL) < 0 || !self.len)
        return 0;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(controllers); i++) {
        if (!cgroups_base(self.p, controllers[i], base, sizeof(base)))
            continue;
        snprintf(top, sizeof(top), "%s/sallyport", base);
        r = for_names(AT_FDCWD, top, each_tenant, w);
    }
    return r;
}

/* ---- temporary directories --------------------------------------------- */

static int each_temp(const struct walk *w, int dir, const char *path, const char *name)
{
    char full[PATH_MAX];
    struct sandbox_stray s = {.kind = STRAY_TEMP, .path = full};
    struct stat st;
    if (!str_starts(name, "sallyport-probe-") || !ours(dir, name, &st) || !S_ISDIR(st.st_mode) ||
        !older_than(&st, TEMP_OLD_S) || snprintf(full, sizeof(full), "%s/%s", path, name) >= (int)sizeof(full))
        return 0;
    return w->each(w->arg, &s);
}

static int all_temps(const struct walk *w)
{
    const char *tmp = getenv("TMPDIR");
    const char *dirs[] = {tmp && *tmp == '/' ? tmp : "/var/tmp", "/tmp"};
    int r = for_names(AT_FDCWD, dirs[0], each_temp, w);
    return r != 0 || strcmp(dirs[0], dirs[1]) == 0 ? r : for_names(AT_FDCWD, dirs[1], each_temp, w);
}

/* ---- the interface ----------------------------------------------------- */

int sandbox_strays(int (*each)(void *, const struct sandbox_stray *), void *arg, struct err *e)
{
    const struct walk w = {each, arg};
    int r = for_names(AT_FDCWD, "/proc", each_process, &w);
    if (r == 0)
        r = all_groups(&w);
    return r != 0 ? r : all_temps(&w);
}

static int end_process(const struct sandbox_stray *s, struct err *e)
{
    char name[32];
    struct process p;
    AUTO(fd_close) int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(fd_close) int fd = proc_pidfd_open(s->pid);
    snprintf(name, sizeof(name), "%d", (int)s->pid);
    /* After the pidfd is held the pid cannot be reused unseen: what is read now is that process's. */
    if (fd < 0 || !look_at(proc, name, &p) || p.started != s->started || strcmp(p.comm, COMM) != 0)
        return 0;
    if (proc_pidfd_kill(fd, SIGKILL) < 0 && errno != ESRCH)
        return err_sys(e, ERR_SANDBOX_FAILED, "kill process %s", name);
    struct pollfd pf = {fd, POLLIN, 0};
    return poll(&pf, 1, KILL_MS) > 0 ? 0 : err_set(e, ERR_SANDBOX_FAILED, "process %s does not die", name);
}

int sandbox_stray_end(const struct sandbox_stray *s, struct err *e)
{
    char path[PATH_MAX];
    if (s->kind == STRAY_SHIM || s->kind == STRAY_NURSERY)
        return end_process(s, e);
    if (s->kind == STRAY_TEMP)
        return dir_remove(AT_FDCWD, s->path, e);
    if (!str_copy(path, sizeof(path), s->path))
        return err_set(e, ERR_INVALID, "path too long: %s", s->path);
    native_remove_cgroup(path);
    return access(s->path, F_OK) < 0 ? 0 : err_set(e, ERR_SANDBOX_FAILED, "%s cannot be removed", s->path);
}
