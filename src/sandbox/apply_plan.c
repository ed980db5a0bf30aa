/* apply_plan - the list of steps, in memory and as the file `plan` of the journal.
 *
 *   sallyport apply 1 <tag> <n>\n
 *   <counts> <add> <del> <state> <state>\0<path>\0<link>\0<source>\0<link>\0<source>\0\n       n times
 *   <sha256 of everything before>\n
 *   state: mode sha stamped uid gid mtime_s mtime_ns
 *
 * The hash tells a torn plan from a whole one; nobody but us writes there.
 * May include: base.   Threads: one owner. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/fault.h"
#include "base/hash.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "sandbox/apply_priv.h"

#define ARENA_MAX (GIB)

int apply_plan_new(struct apply_plan **ret, struct err *e)
{
    AUTO_PTR(apply_plan_free) struct apply_plan *p = calloc(1, sizeof *p);
    if (!p || !(p->arena = arena_new(ARENA_MAX)))
        return err_oom(e);
    uint8_t rnd[8];
    random_bytes(rnd, sizeof rnd);
    hex_encode(rnd, sizeof rnd, p->tag);
    *ret = TAKE(p);
    return 0;
}

void apply_plan_free(struct apply_plan *p)
{
    if (!p)
        return;
    arena_free(p->arena);
    free(p->op);
    free(p->by_path);
    free(p);
}

char *apply_plan_str(struct apply_plan *p, const char *fmt, ...)
{
    char *tmp = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&tmp, fmt, ap);
    va_end(ap);
    char *s = n < 0 ? NULL : arena_str(p->arena, tmp, (size_t)n);
    if (n >= 0)
        free(tmp);
    return s;
}

static const char *copy(struct apply_plan *p, const char *s)
{
    return !s || !*s ? "" : arena_str(p->arena, s, strlen(s));
}

static int copy_state(struct apply_plan *p, const struct apply_state *in, struct apply_state *out, struct err *e)
{
    *out = *in;
    out->link = copy(p, in->link);
    out->source = copy(p, in->source);
    return out->link && out->source ? 0 : err_oom(e);
}

int apply_plan_add(struct apply_plan *p, const char *path, const struct apply_state *from, const struct apply_state *to,
                   struct apply_op **ret, struct err *e)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 64;
        struct apply_op *op = FAULT(alloc) ? NULL : realloc(p->op, cap * sizeof *op);
        if (!op)
            return err_oom(e);
        p->op = op;
        p->cap = cap;
    }
    struct apply_op *op = &p->op[p->n];
    *op = (struct apply_op){.path = copy(p, path), .prev = APPLY_NONE, .next = APPLY_NONE};
    if (!op->path)
        return err_oom(e);
    int r = copy_state(p, from, &op->from, e);
    if (r == 0)
        r = copy_state(p, to, &op->to, e);
    if (r < 0)
        return r;
    p->n++;
    if (ret)
        *ret = op;
    return 0;
}

static int by_path(const void *a, const void *b, void *arg)
{
    const struct apply_plan *p = arg;
    size_t i = *(const size_t *)a, k = *(const size_t *)b;
    int c = changes_path_cmp(p->op[i].path, p->op[k].path);
    return c ? c : (i > k) - (i < k);
}

int apply_plan_link(struct apply_plan *p, struct err *e)
{
    size_t *index = realloc(p->by_path, (p->n + 1) * sizeof *index);
    if (!index)
        return err_oom(e);
    p->by_path = index;
    for (size_t i = 0; i < p->n; i++)
        index[i] = i;
    qsort_r(index, p->n, sizeof *index, by_path, p);
    for (size_t i = 0; i < p->n; i++) {
        struct apply_op *op = &p->op[index[i]];
        op->prev = i > 0 && strcmp(p->op[index[i - 1]].path, op->path) == 0 ? index[i - 1] : APPLY_NONE;
        op->next = i + 1 < p->n && strcmp(p->op[index[i + 1]].path, op->path) == 0 ? index[i + 1] : APPLY_NONE;
    }
    return 0;
}

void apply_plan_sweep(struct apply_plan *p)
{
    size_t k = 0;
    for (size_t i = 0; i < p->n; i++)
        if (!p->op[i].drop)
            p->op[k++] = p->op[i];
    p->n = k;
}

size_t apply_plan_find(const struct apply_plan *p, const char *path)
{
    size_t lo = 0, hi = p->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (changes_path_cmp(p->op[p->by_path[mid]].path, path) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < p->n && strcmp(p->op[p->by_path[lo]].path, path) == 0 ? p->by_path[lo] : APPLY_NONE;
}

struct apply_result apply_plan_totals(const struct apply_plan *p)
{
    struct apply_result r = {0};
    for (size_t i = 0; i < p->n; i++) {
        r.files += p->op[i].counts;
        r.additions += p->op[i].additions;
        r.deletions += p->op[i].deletions;
    }
    return r;
}

/* --- as a file ----------------------------------------------------------------------------------- */

static void put_state(const struct apply_state *s, struct buf *out)
{
    buf_printf(out, " %o %s %d %u %u %lld %lld", s->mode, *s->sha ? s->sha : "-", s->stamped, s->uid, s->gid,
               (long long)s->mtime_s, (long long)s->mtime_ns);
}

static void put_str(const char *s, struct buf *out)
{
    buf_add(out, s, strlen(s) + 1);
}

int apply_plan_text(const struct apply_plan *p, struct buf *out, struct err *e)
{
    buf_printf(out, "sallyport apply 1 %s %zu\n", p->tag, p->n);
    for (size_t i = 0; i < p->n; i++) {
        const struct apply_op *op = &p->op[i];
        buf_printf(out, "%d %lld %lld", op->counts, (long long)op->additions, (long long)op->deletions);
        put_state(&op->from, out);
        put_state(&op->to, out);
        buf_addc(out, '\0');
        put_str(op->path, out);
        put_str(op->from.link, out);
        put_str(op->from.source, out);
        put_str(op->to.link, out);
        put_str(op->to.source, out);
        buf_addc(out, '\n');
    }
    char hex[SHA256_HEX];
    if (!out->bad)
        sha256_hex_of(out->p, out->len, hex);
    else
        return err_bad(e, out->bad, "the plan of the apply is too large");
    buf_printf(out, "%s\n", hex);
    return out->bad ? err_bad(e, out->bad, "the plan of the apply is too large") : 0;
}

static int damaged(struct err *e)
{
    return err_set(e, ERR_CORRUPT, "the journal of the apply is damaged");
}

/* The next NUL-terminated string; NULL when there is none. */
static const char *take_str(const char **p, const char *end)
{
    const char *s = *p, *nul = s < end ? memchr(s, '\0', (size_t)(end - s)) : NULL;
    if (!nul)
        return NULL;
    *p = nul + 1;
    return s;
}

static bool read_numbers(const char *s, struct apply_op *op)
{
    struct apply_state *a = &op->from, *b = &op->to;
    int counts, sa, sb;
    long long add, del, am, an, bm, bn;
    int n =
        sscanf(s, "%d %lld %lld %o %64s %d %u %u %lld %lld %o %64s %d %u %u %lld %lld", &counts, &add, &del, &a->mode,
               a->sha, &sa, &a->uid, &a->gid, &am, &an, &b->mode, b->sha, &sb, &b->uid, &b->gid, &bm, &bn);
    if (n != 17)
        return false;
    op->counts = counts != 0;
    op->additions = add;
    op->deletions = del;
    a->stamped = sa != 0;
    b->stamped = sb != 0;
    a->mtime_s = am, a->mtime_ns = an;
    b->mtime_s = bm, b->mtime_ns = bn;
    if (str_eq(a->sha, "-"))
        a->sha[0] = '\0';
    if (str_eq(b->sha, "-"))
        b->sha[0] = '\0';
    return true;
}

static int read_op(struct apply_plan *plan, const char **p, const char *end, struct err *e)
{
    struct apply_op tmp = {0}, *op;
    const char *numbers = take_str(p, end), *path = take_str(p, end);
    tmp.from.link = take_str(p, end);
    tmp.from.source = take_str(p, end);
    tmp.to.link = take_str(p, end);
    tmp.to.source = take_str(p, end);
    if (!tmp.to.source || *p >= end || **p != '\n' || !read_numbers(numbers, &tmp) || !path_is_plain(path))
        return damaged(e);
    ++*p;
    int r = apply_plan_add(plan, path, &tmp.from, &tmp.to, &op, e);
    if (r < 0)
        return r;
    op->counts = tmp.counts;
    op->additions = tmp.additions;
    op->deletions = tmp.deletions;
    return 0;
}

/* The trailer is right: p[0..*ret) is the plan as it was written. */
static bool whole(const char *p, size_t n, size_t *ret)
{
    if (n < SHA256_HEX)
        return false;
    char hex[SHA256_HEX];
    size_t body = n - SHA256_HEX; /* 64 digits and a newline */
    sha256_hex_of(p, body, hex);
    *ret = body;
    return memcmp(p + body, hex, SHA256_HEX - 1) == 0 && p[n - 1] == '\n';
}

int apply_plan_parse(const char *p, size_t n, struct apply_plan **ret, struct err *e)
{
    AUTO_PTR(apply_plan_free) struct apply_plan *plan = NULL;
    size_t body, count;
    int used = 0, r = apply_plan_new(&plan, e);
    if (r < 0)
        return r;
    if (!whole(p, n, &body) || sscanf(p, "sallyport apply 1 %16s %zu%n", plan->tag, &count, &used) != 2 || used == 0)
        return damaged(e);
    const char *at = p + used + 1, *end = p + body;
    for (size_t i = 0; i < count && r == 0; i++)
        r = read_op(plan, &at, end, e);
    if (r == 0 && at != end)
        r = damaged(e);
    if (r == 0)
        r = apply_plan_link(plan, e);
    if (r == 0)
        *ret = TAKE(plan);
    return r;
}
