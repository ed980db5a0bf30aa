/* apply_times - when the directories changed that an apply wrote in: an undo gives that back too.
 *
 *   <applied>/apply/before ─┐  of each directory a step makes, replaces or removes a name in
 *   <applied>/apply/after  ─┴─ still as now in the project? ─► <undo>/apply/times ─► set when the undo's steps are done
 *
 * A directory somebody wrote in since keeps its time: tools that remember directories by it (git's untracked cache)
 * must see that. Best effort and not synced: what a crash tore is not restored, and nothing else depends on it.
 * File: <seconds> <nanoseconds> <path>\0 …, then "end\0". "." is the project's root.
 * May include: base os.   Threads: one per project (apply.h). */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/str.h"
#include "os/file.h"
#include "sandbox/apply_priv.h"

#define TIMES_MAX (256 * MIB)
#define END       "end"

struct dir_ref { /* the first len bytes of a path of the plan */
    const char *path;
    size_t len;
};

static int by_name(const void *a, const void *b)
{
    const struct dir_ref *x = a, *y = b;
    size_t n = x->len < y->len ? x->len : y->len;
    int c = memcmp(x->path, y->path, n);
    return c ? c : (x->len > y->len) - (x->len < y->len);
}

static bool touches_names(const struct apply_op *op)
{
    return !(S_ISDIR(op->from.mode) && S_ISDIR(op->to.mode));
}

/* Each directory once; a removed directory that comes back has its own time too. */
static size_t gather(const struct apply_plan *p, struct dir_ref *ref)
{
    size_t n = 0, k = 0;
    for (size_t i = 0; i < p->n; i++) {
        const struct apply_op *op = &p->op[i];
        const char *slash = strrchr(op->path, '/');
        if (!touches_names(op))
            continue;
        ref[n++] = (struct dir_ref){op->path, slash ? (size_t)(slash - op->path) : 0};
        if (S_ISDIR(op->from.mode) || S_ISDIR(op->to.mode))
            ref[n++] = (struct dir_ref){op->path, strlen(op->path)};
    }
    if (n > 0)
        qsort(ref, n, sizeof *ref, by_name);
    for (size_t i = 0; i < n; i++)
        if (k == 0 || by_name(&ref[k - 1], &ref[i]) != 0)
            ref[k++] = ref[i];
    return k;
}

static void put(struct buf *b, const struct timespec *t, const char *path)
{
    buf_printf(b, "%lld %ld ", (long long)t->tv_sec, t->tv_nsec);
    buf_add(b, path, strlen(path) + 1);
}

static void look(const struct apply_ctx *c, const struct dir_ref *d, struct buf *b)
{
    struct stat st;
    char *path = d->len ? str_ndup(d->path, d->len) : str_dup(".");
    if (!path)
        return;
    int r = d->len ? layer_stat(c->root, path, &st) : fstat(c->root, &st);
    if (r == 0 && S_ISDIR(st.st_mode))
        put(b, &st.st_mtim, path);
    free(path);
}

static void write_file(int journal, const char *name, struct buf *b)
{
    buf_add(b, END, sizeof END);
    AUTO(fd_close) int fd = openat(journal, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && !b->bad)
        (void)!fd_write_full(fd, b->p, b->len, NULL);
}

void apply_times_note(const struct apply_ctx *c, const char *name)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(TIMES_MAX);
    struct dir_ref *ref = calloc(2 * c->plan->n + 1, sizeof *ref);
    size_t n = ref ? gather(c->plan, ref) : 0;
    for (size_t i = 0; i < n; i++)
        look(c, &ref[i], &b);
    free(ref);
    write_file(c->journal, name, &b);
}

/* ---- reading ---- */

static bool load(const struct apply_ctx *c, const char *name, struct buf *b)
{
    return file_read(c->journal, name, b, NULL) == 0 && b->len >= sizeof END &&
           memcmp(b->p + b->len - sizeof END, END, sizeof END) == 0;
}

/* The next entry; NULL at the end. */
static const char *next(const char **at, const char *end, struct timespec *t)
{
    long long s;
    long ns;
    int used = 0;
    if (*at >= end || sscanf(*at, "%lld %ld%n", &s, &ns, &used) != 2 || used == 0)
        return NULL;
    const char *path = *at + used + 1;
    *t = (struct timespec){.tv_sec = s, .tv_nsec = ns};
    *at = path + strlen(path) + 1;
    return str_eq(path, ".") || path_is_plain(path) ? path : NULL;
}

static int open_dir(const struct apply_ctx *c, const char *path)
{
    return layer_open(c->root, str_eq(path, ".") ? "" : path, O_PATH | O_DIRECTORY);
}

static bool same(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* The time of `path` in a list that is in the same order; *at goes along. */
static bool find(const char **at, const char *end, const char *path, struct timespec *ret)
{
    const char *p, *here = *at;
    while ((p = next(&here, end, ret)) != NULL) {
        int c = str_eq(p, path) ? 0 : str_eq(p, ".") ? -1 : str_eq(path, ".") ? 1 : strcmp(p, path);
        if (c > 0)
            return false;
        *at = here;
        if (c == 0)
            return true;
    }
    return false;
}

void apply_times_plan(const struct apply_ctx *done, const struct apply_ctx *undo)
{
    AUTO(buf_fini) struct buf before = BUF_INIT(TIMES_MAX), after = BUF_INIT(TIMES_MAX), times = BUF_INIT(TIMES_MAX);
    struct timespec old, left;
    struct stat st;
    if (!load(done, "before", &before) || !load(done, "after", &after))
        return;
    const char *a = before.p, *b = after.p, *path;
    while ((path = next(&a, before.p + before.len, &old)) != NULL) {
        AUTO(fd_close) int fd = open_dir(undo, path);
        bool there = find(&b, after.p + after.len, path, &left);
        bool untouched = there ? fd >= 0 && fstat(fd, &st) == 0 && same(&st.st_mtim, &left) : fd < 0;
        if (untouched)
            put(&times, &old, path);
    }
    AUTO(fd_close) int journal = openat(undo->run, "apply", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    write_file(journal, "times", &times);
}

void apply_times_set(const struct apply_ctx *c)
{
    AUTO(buf_fini) struct buf times = BUF_INIT(TIMES_MAX);
    struct timespec t[2] = {{.tv_nsec = UTIME_OMIT}};
    const char *path;
    if (!load(c, "times", &times))
        return;
    for (const char *at = times.p; (path = next(&at, times.p + times.len, &t[1])) != NULL;) {
        AUTO(fd_close) int fd = open_dir(c, path);
        if (fd >= 0)
            (void)utimensat(fd, "", t, AT_EMPTY_PATH);
    }
}
