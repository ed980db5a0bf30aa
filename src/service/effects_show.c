#include "service/effects_show.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "sandbox/diff.h"
#include "service/retention.h"
#include "service/runs.h"

void effects_view_fini(struct effects_view *v)
{
    buf_fini(&v->head);
    buf_fini(&v->tail);
    fd_close(&v->fd);
    free(v->range);
    v->range = NULL;
    v->nranges = 0;
}

int64_t effects_view_size(const struct effects_view *v)
{
    int64_t n = (int64_t)(v->head.len + v->tail.len);

    for (size_t i = 0; i < v->nranges; i++)
        n += (int64_t)v->range[i].n;
    return n;
}

static int add_range(struct effects_view *v, off_t at, size_t n, struct err *e)
{
    struct effects_range *last = v->nranges ? &v->range[v->nranges - 1] : NULL, *p;

    if (last && last->at + (off_t)last->n == at) {
        last->n += n;
        return 0;
    }
    p = realloc(v->range, (v->nranges + 1) * sizeof *p); /* at most one for each path that was asked for */
    if (!p)
        return err_oom(e);
    v->range = p;
    p[v->nranges++] = (struct effects_range){at, n};
    return 0;
}

static int file_size(int fd, size_t *ret, struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_sys(e, ERR_IO, "look at a file of the run");
    *ret = (size_t)st.st_size;
    return 0;
}

int effects_file_view(int fd, struct effects_view *ret, struct err *e)
{
    size_t n;
    int r;

    ret->fd = fd;
    r = file_size(fd, &n, e);
    return r < 0 || n == 0 ? r : add_range(ret, 0, n, e);
}

/* v->fd stays -1 when the run changed nothing. */
static int open_of_run(struct svc *svc, const char *tenant, const struct id *id, const char *name, struct run_row *row,
                       struct effects_view *v, struct err *e)
{
    char rel[96];
    int r = runs_row(svc, tenant, id, row, e);

    if (r < 0)
        return r;
    if (!row->changes && !run_sm_final(row->node))
        return err_set(e, ERR_STATE, "the run is %s: its changes are computed when its steps are done",
                       run_sm_state(row->node));
    r = retention_all_there(row, e);
    if (r < 0)
        return r;
    snprintf(rel, sizeof rel, "runs/%s/%s", id->s, name);
    v->fd = openat(svc->data_fd, rel, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return v->fd >= 0 || errno == ENOENT ? 0 : err_sys(e, ERR_IO, "open %s", rel);
}

int effects_changes_view(struct svc *svc, const char *tenant, const struct id *id, struct effects_view *ret,
                         struct err *e)
{
    static const char none[] = "{\"files\":0,\"additions\":0,\"deletions\":0,\"refused\":0,\"digest\":null}";
    AUTO(run_row_fini) struct run_row row = {0};
    const char *sum;
    size_t n = 0;
    int r = open_of_run(svc, tenant, id, "changes.json", &row, ret, e);

    if (r < 0)
        return r;
    sum = row.changes ? row.changes : none;
    buf_init(&ret->head, 64 * KIB);
    buf_init(&ret->tail, 16);
    buf_add(&ret->head, sum, strlen(sum) - 1);
    buf_puts(&ret->head, ",\"items\":");
    buf_puts(ret->fd < 0 ? &ret->head : &ret->tail, ret->fd < 0 ? "[]}" : "}");
    if (ret->head.bad || ret->tail.bad)
        return err_oom(e);
    r = ret->fd < 0 ? 0 : file_size(ret->fd, &n, e);
    return r < 0 || n == 0 ? r : add_range(ret, 0, n, e);
}

/* ---- parts of a patch --------------------------------------------------- */

/* Where a file's part begins: no line of a part's content can begin so (they begin with + - blank @ or base85). */
static const char *part_next(const char *p, const char *end)
{
    static const char mark[] = "\ndiff --git ";
    const char *q = p < end ? memmem(p, (size_t)(end - p), mark, sizeof mark - 1) : NULL;

    return q ? q + 1 : end;
}

/* How the part of each of the files begins, one line each. */
struct heads {
    struct buf *v;
    size_t n;
};

static void heads_fini(struct heads *h)
{
    for (size_t i = 0; i < h->n; i++)
        buf_fini(&h->v[i]);
    free(h->v);
}

static int heads_init(struct heads *h, const char *const *paths, size_t n, struct err *e)
{
    h->v = calloc(n, sizeof *h->v);
    for (; h->v && h->n < n; h->n++) {
        struct buf *b = &h->v[h->n];

        buf_init(b, 64 * KIB);
        buf_puts(b, "diff --git ");
        diff_quote("a/", paths[h->n], b);
        buf_addc(b, ' ');
        diff_quote("b/", paths[h->n], b);
        buf_addc(b, '\n');
        if (b->bad == ERR_OOM)
            return err_oom(e);
    }
    return h->v ? 0 : err_oom(e);
}

/* A name too long for its line is in no patch. */
static bool begins_with_one(const char *p, const char *end, const struct heads *h)
{
    for (size_t i = 0; i < h->n; i++) {
        const struct buf *b = &h->v[i];

        if (!b->bad && (size_t)(end - p) >= b->len && memcmp(p, b->p, b->len) == 0)
            return true;
    }
    return false;
}

static int pick_parts(const char *all, const char *end, const struct heads *h, struct effects_view *v, struct err *e)
{
    static const char mark[] = "diff --git ";
    bool first = (size_t)(end - all) >= sizeof mark - 1 && memcmp(all, mark, sizeof mark - 1) == 0;
    const char *next;
    int r = 0;

    for (const char *p = first ? all : part_next(all, end); r == 0 && p < end; p = next) {
        next = part_next(p, end);
        if (begins_with_one(p, end, h))
            r = add_range(v, p - all, (size_t)(next - p), e);
    }
    return r;
}

/* The file was written whole before it got its name, and is replaced, never changed: it can be mapped. */
static int pick(const char *const *paths, size_t n, struct effects_view *v, struct err *e)
{
    AUTO(heads_fini) struct heads h = {0};
    size_t size = 0;
    void *p;
    int r = file_size(v->fd, &size, e);

    if (r < 0 || size == 0)
        return r;
    r = heads_init(&h, paths, n, e);
    if (r < 0)
        return r;
    p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, v->fd, 0);
    if (p == MAP_FAILED)
        return err_sys(e, ERR_IO, "map the diff");
    r = pick_parts(p, (const char *)p + size, &h, v, e);
    munmap(p, size);
    return r;
}

int effects_diff_view(struct svc *svc, const char *tenant, const struct id *id, const char *const *paths, size_t n,
                      struct effects_view *ret, struct err *e)
{
    AUTO(run_row_fini) struct run_row row = {0};
    size_t size = 0;
    int r = open_of_run(svc, tenant, id, "diff.patch", &row, ret, e);

    if (r < 0 || ret->fd < 0)
        return r;
    if (n > 0)
        return pick(paths, n, ret, e);
    r = file_size(ret->fd, &size, e);
    return r < 0 || size == 0 ? r : add_range(ret, 0, size, e);
}
