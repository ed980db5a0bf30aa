/* cgroup - see cgroup.h.   Sources: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/. */
#include "shim/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/str.h"
#include "os/cgroups.h"
#include "os/file.h"

#define CPU_PERIOD_US 100000
#define TRIES         8 /* another run of the tenant may just be removing the empty parent */

enum ctl { MEMORY, CPU, PIDS, UNIFIED, NCTL };
static const char *const names[NCTL] = {"memory", "cpu", "pids", ""};

struct group {
    char path[PATH_MAX]; /* "" = none */
};

struct cgroup {
    struct group g[NCTL]; /* UNIFIED: the v2 group; the others: v1 groups */
    char base[NCTL][PATH_MAX];
    bool limited[NCTL]; /* MEMORY CPU PIDS: by v1 or v2 */
    int fd;
};

static bool put(const char *dir, const char *file, const char *value)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
        return false;
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC);
    size_t n = strlen(value);
    return fd >= 0 && write(fd, value, n) == (ssize_t)n;
}

static bool put_i64(const char *dir, const char *file, int64_t v)
{
    char b[32];
    snprintf(b, sizeof(b), "%lld", (long long)v);
    return put(dir, file, b);
}

/* Every group but the root has a type; a file that cannot be read counts as "somebody is in it". */
static bool holds_processes(const char *dir)
{
    char path[PATH_MAX], first;
    if (snprintf(path, sizeof(path), "%s/cgroup.type", dir) >= (int)sizeof(path))
        return true;
    if (access(path, F_OK) < 0)
        return false;
    if (snprintf(path, sizeof(path), "%s/cgroup.procs", dir) >= (int)sizeof(path))
        return true;
    AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 || read(fd, &first, 1) != 0;
}

static int read_small(const char *dir, const char *file, struct buf *ret)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
        return -ERR_INVALID;
    return file_read(AT_FDCWD, path, ret, NULL);
}

/* Of a line of words; cgroup.controllers and cgroup.subtree_control are such. */
static bool has_word(const struct buf *line, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = line->len ? line->p : ""; *p; p += strcspn(p, " \n"), p += *p != 0) {
        if (strncmp(p, word, n) == 0 && strcspn(p, " \n") == n)
            return true;
    }
    return false;
}

/* A group's limits apply only where every parent passes the controllers down, and a parent that holds processes must
 * not: it could pass cpu and pids, and its children would be "domain invalid" and take no process ("no internal
 * processes", cgroup-v2.rst). Then there is no such limit. Only what is not passed yet is written: each write waits for
 * the one lock of all groups, under which those that were removed are taken down (css_killed_work_fn,
 * kernel/cgroup/cgroup.c), and looks at every group below. */
static void pass_down(const char *dir)
{
    AUTO(buf_fini) struct buf have = BUF_INIT(4 * KIB), passed = BUF_INIT(4 * KIB);
    if (read_small(dir, "cgroup.controllers", &have) < 0 || read_small(dir, "cgroup.subtree_control", &passed) < 0 ||
        holds_processes(dir))
        return;
    for (int i = MEMORY; i <= PIDS; i++) {
        char b[16];
        snprintf(b, sizeof(b), "+%s", names[i]);
        if (has_word(&have, names[i]) && !has_word(&passed, names[i]))
            (void)put(dir, "cgroup.subtree_control", b);
    }
}

/* In the order in which a controller comes down to the run's group. */
static void pass_down_all(const char *base, const char *tenant)
{
    char p[PATH_MAX];
    pass_down(base);
    if (snprintf(p, sizeof(p), "%s/sallyport", base) < (int)sizeof(p))
        pass_down(p);
    if (snprintf(p, sizeof(p), "%s/sallyport/%s", base, tenant) < (int)sizeof(p))
        pass_down(p);
}

/* The run's group; its parents are mostly there, for another run. */
static bool make_one(const char *base, const char *tenant, const char *run)
{
    char p[3][PATH_MAX];
    if (snprintf(p[0], PATH_MAX, "%s/sallyport", base) >= PATH_MAX ||
        snprintf(p[1], PATH_MAX, "%s/sallyport/%s", base, tenant) >= PATH_MAX ||
        snprintf(p[2], PATH_MAX, "%s/sallyport/%s/%s", base, tenant, run) >= PATH_MAX)
        return false;
    for (int t = 0; t < TRIES; t++) {
        if (mkdir(p[2], 0755) == 0 || errno == EEXIST)
            return true;
        if (errno != ENOENT)
            return false;
        for (int i = 0; i < 2; i++) {
            if (mkdir(p[i], 0755) < 0 && errno != EEXIST && errno != ENOENT)
                return false;
        }
    }
    return false;
}

/* ---- limits ---- */

static bool limit_memory(const char *dir, bool v2, int64_t max)
{
    if (v2) {
        (void)put(dir, "memory.swap.max", "0");
        return put_i64(dir, "memory.max", max);
    }
    (void)put(dir, "memory.swappiness", "0");
    if (!put_i64(dir, "memory.limit_in_bytes", max))
        return false;
    (void)put_i64(dir, "memory.memsw.limit_in_bytes", max); /* only with swap accounting */
    return true;
}

static bool limit_cpu(const char *dir, bool v2, int64_t millis)
{
    int64_t quota = millis * (CPU_PERIOD_US / 1000);
    if (quota < 1000)
        quota = 1000; /* the kernel's least */
    if (v2) {
        char b[64];
        snprintf(b, sizeof(b), "%lld %d", (long long)quota, CPU_PERIOD_US);
        return put(dir, "cpu.max", b);
    }
    return put_i64(dir, "cpu.cfs_period_us", CPU_PERIOD_US) && put_i64(dir, "cpu.cfs_quota_us", quota);
}

static bool limit_one(enum ctl c, const char *dir, bool v2, const struct spw_spec *s)
{
    switch (c) {
    case MEMORY:
        return limit_memory(dir, v2, s->memory_bytes);
    case CPU:
        return limit_cpu(dir, v2, s->cpu_millis);
    case PIDS:
        /* And init, and who measures the layers: the step cannot take that place, its RLIMIT_NPROC (step.c) is lower.
         */
        return put_i64(dir, "pids.max", s->pids + 2);
    default:
        return false;
    }
}

static int64_t wanted(enum ctl c, const struct spw_spec *s)
{
    return c == MEMORY ? s->memory_bytes : c == CPU ? s->cpu_millis : c == PIDS ? s->pids : 1;
}

/* ---- the interface ---- */

static void rmdir_up(const char *path)
{
    char p[PATH_MAX];
    if (!str_copy(p, sizeof(p), path))
        return;
    for (int i = 0; i < 3; i++) { /* run, tenant, sallyport: the last two only when empty */
        if (rmdir(p) < 0)
            return;
        char *slash = strrchr(p, '/');
        if (!slash)
            return;
        *slash = 0;
    }
}

static void undo(struct cgroup *g, enum ctl c)
{
    rmdir_up(g->g[c].path);
    g->g[c].path[0] = 0;
}

/* Where each group would be; nothing is made yet. */
static void plan(struct cgroup *g, const struct spw_spec *s, const char *text)
{
    for (int c = 0; c < NCTL; c++) {
        char at[PATH_MAX]; /* gcc cannot see that the two arrays of *g do not overlap */
        if (!wanted(c, s) || !cgroups_base(text, names[c], g->base[c], PATH_MAX) ||
            snprintf(at, sizeof at, "%s/sallyport/%s/%s", g->base[c], s->tenant, s->run_id) >= PATH_MAX ||
            !str_copy(g->g[c].path, sizeof g->g[c].path, at))
            g->g[c].path[0] = 0;
    }
}

/* True when all that are wanted hold. */
static bool limit_unified(struct cgroup *g, const struct spw_spec *s)
{
    const char *path = g->g[UNIFIED].path;
    bool all = true;
    for (int c = MEMORY; c <= PIDS; c++) {
        g->limited[c] = wanted(c, s) && path[0] && limit_one(c, path, true, s);
        all = all && (g->limited[c] || !wanted(c, s));
    }
    return all;
}

static void make_unified(struct cgroup *g, const struct spw_spec *s)
{
    char *path = g->g[UNIFIED].path;
    if (path[0] && !make_one(g->base[UNIFIED], s->tenant, s->run_id))
        path[0] = 0;
    if (!limit_unified(g, s) && path[0]) { /* the first run since the parents were made, or since it became possible */
        pass_down_all(g->base[UNIFIED], s->tenant);
        (void)limit_unified(g, s);
    }
    if (path[0])
        g->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int c = MEMORY; c <= PIDS && g->fd < 0; c++)
        g->limited[c] = false; /* no way in: nothing would be limited */
}

void cgroup_limit(struct cgroup *g, const struct spw_spec *s)
{
    for (int c = MEMORY; c <= PIDS; c++) {
        char *path = g->g[c].path;
        if (g->limited[c] || (path[0] && !make_one(g->base[c], s->tenant, s->run_id)))
            path[0] = 0;
        if (!path[0])
            continue;
        g->limited[c] = limit_one(c, path, false, s);
        if (!g->limited[c])
            undo(g, c);
    }
}

static int write_names(const struct cgroup *g, int shim_dirfd, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(NCTL * PATH_MAX);
    for (int c = 0; c < NCTL; c++) {
        if (g->g[c].path[0])
            buf_printf(&b, "%s\n", g->g[c].path);
    }
    AUTO(fd_close) int fd = openat(shim_dirfd, "cgroups", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "write shim/cgroups");
    return b.len ? fd_write_full(fd, b.p, b.len, e) : 0;
}

int cgroup_open(const struct spw_spec *s, int shim_dirfd, struct cgroup **ret, struct err *e)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(64 * KIB);
    struct cgroup *g = calloc(1, sizeof(*g));
    if (!g)
        return err_oom(e);
    g->fd = -1;
    if (file_read(AT_FDCWD, "/proc/self/cgroup", &text, NULL) == 0 && text.len)
        plan(g, s, text.p);
    int r = write_names(g, shim_dirfd, e);
    if (r < 0) {
        free(g);
        return r;
    }
    make_unified(g, s);
    *ret = g;
    return 0;
}

void cgroup_remove(struct cgroup *g)
{
    if (!g)
        return;
    fd_close(&g->fd);
    for (int c = 0; c < NCTL; c++) {
        if (g->g[c].path[0])
            rmdir_up(g->g[c].path);
    }
    free(g);
}

int cgroup_fd(const struct cgroup *g)
{
    return g->fd;
}

int cgroup_doors(const struct cgroup *g, int fds[CGROUP_DOORS], size_t *ret_n, struct err *e)
{
    char path[PATH_MAX + 16];
    size_t n = 0;
    for (int c = MEMORY; c <= PIDS; c++) {
        if (!g->g[c].path[0])
            continue;
        snprintf(path, sizeof(path), "%s/tasks", g->g[c].path);
        fds[n] = open(path, O_WRONLY | O_CLOEXEC);
        if (fds[n] < 0) {
            int r = err_sys(e, ERR_SANDBOX_FAILED, "open %s", path);
            while (n > 0)
                close(fds[--n]);
            return r;
        }
        n++;
    }
    *ret_n = n;
    return 0;
}

int cgroup_enter(int door, struct err *e)
{
    return write(door, "0", 1) == 1 ? 0 : err_sys(e, ERR_SANDBOX_FAILED, "enter a cgroup");
}

static bool has_line(const char *text, pid_t pid)
{
    char line[32];
    int n = snprintf(line, sizeof(line), "%d\n", (int)pid);
    for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p != 0) {
        if (strncmp(p, line, (size_t)n) == 0)
            return true;
    }
    return false;
}

int cgroup_holds(const struct cgroup *g, pid_t pid, struct err *e)
{
    char path[PATH_MAX + 16];
    for (int c = MEMORY; c <= PIDS; c++) {
        AUTO(buf_fini) struct buf b = BUF_INIT(4096);
        if (!g->g[c].path[0])
            continue;
        snprintf(path, sizeof(path), "%s/cgroup.procs", g->g[c].path);
        int r = file_read(AT_FDCWD, path, &b, e);
        if (r < 0)
            return r;
        if (!has_line(b.len ? b.p : "", pid))
            return err_set(e, ERR_SANDBOX_FAILED, "the sandbox is not in %s", g->g[c].path);
    }
    return 0;
}

bool cgroup_has(const struct cgroup *g, const char *controller)
{
    for (int c = MEMORY; c <= PIDS; c++) {
        if (strcmp(controller, names[c]) == 0)
            return g->limited[c];
    }
    return false;
}

int64_t cgroup_oom_kills(const struct cgroup *g)
{
    char path[PATH_MAX + 32];
    AUTO(buf_fini) struct buf b = BUF_INIT(4096);
    if (!g->limited[MEMORY])
        return 0;
    bool v1 = g->g[MEMORY].path[0];
    snprintf(path, sizeof(path), "%s/%s", g->g[v1 ? MEMORY : UNIFIED].path,
             v1 ? "memory.oom_control" : "memory.events");
    if (file_read(AT_FDCWD, path, &b, NULL) < 0 || !b.len)
        return 0;
    const char *at = strstr(b.p, "oom_kill "); /* not "oom_kill_disable" */
    return at ? strtoll(at + 9, NULL, 10) : 0;
}

int cgroup_hold(struct err *e)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(64 * KIB);
    char base[PATH_MAX], leaf[PATH_MAX + sizeof(CGROUPS_LEAF)];
    int r = file_read(AT_FDCWD, "/proc/self/cgroup", &text, e);
    if (r < 0)
        return r;
    if (!text.len || !cgroups_base(text.p, "", base, sizeof(base)))
        return err_set(e, ERR_SANDBOX_UNAVAILABLE, "there is no cgroup v2 here to hold");
    snprintf(leaf, sizeof(leaf), "%s" CGROUPS_LEAF, base);
    if (mkdir(leaf, 0755) < 0 && errno != EEXIST)
        return err_sys(e, ERR_SANDBOX_UNAVAILABLE, "make %s", leaf);
    return put(leaf, "cgroup.procs", "0") ? 0 : err_sys(e, ERR_SANDBOX_UNAVAILABLE, "move into %s", leaf);
}

void cgroup_probe(int tmp_dirfd, struct cgroup_levels *ret)
{
    struct spw_spec s = {
        .tenant = "probe", .run_id = "probe", .cpu_millis = 1000, .memory_bytes = 64 << 20, .pids = 64};
    char run[32];
    snprintf(run, sizeof(run), "probe-%d", (int)getpid());
    s.run_id = run;
    struct cgroup *g = NULL;
    *ret = (struct cgroup_levels){.v2 = cgroups_v2("/sys/fs/cgroup")};
    if (cgroup_open(&s, tmp_dirfd, &g, NULL) < 0)
        return;
    cgroup_limit(g, &s);
    ret->memory = g->limited[MEMORY];
    ret->cpu = g->limited[CPU];
    ret->pids = g->limited[PIDS];
    ret->kill = g->fd >= 0;
    cgroup_remove(g);
}
