/* changes_only - which changes the user picked: by exact path, or by a directory above them.
 *
 * May include: base.   Threads: one owner. */
#include <stdlib.h>
#include <string.h>
#include "sandbox/changes_priv.h"

/* Rank of a byte: the end first, then '/', then the rest. */
static int rank(const char *s, size_t i, size_t n)
{
    return i >= n ? -1 : s[i] == '/' ? 0 : (unsigned char)s[i];
}

static int cmp_n(const char *a, size_t na, const char *b, size_t nb)
{
    size_t i = 0;
    while (i < na && i < nb && a[i] == b[i])
        i++;
    int x = rank(a, i, na), y = rank(b, i, nb);
    return (x > y) - (x < y);
}

int changes_path_cmp(const char *a, const char *b)
{
    return cmp_n(a, strlen(a), b, strlen(b));
}

bool changes_below(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return n == 0 ? *path != '\0' : strncmp(path, dir, n) == 0 && path[n] == '/';
}

/* First item at or behind path. */
static size_t lower_bound(const struct changes *c, const char *path)
{
    size_t lo = 0, hi = c->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (changes_path_cmp(c->item[mid].c.path, path) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

long changes_find(const struct changes *c, const char *path)
{
    size_t i = lower_bound(c, path);
    return i < c->n && strcmp(c->item[i].c.path, path) == 0 ? (long)i : -1;
}

static int by_path(const void *a, const void *b)
{
    return changes_path_cmp(*(char *const *)a, *(char *const *)b);
}

static int add_choice(struct changes_only *o, const struct changes *c, const char *path, struct err *e)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') /* "src/", as shells complete it */
        n--;
    char *s = strndup(path, n);
    if (!s)
        return err_oom(e);
    o->path[o->n++] = s;
    size_t at = lower_bound(c, s);
    const char *p = at < c->n ? c->item[at].c.path : "";
    if (n == 0 || (strcmp(p, s) != 0 && !changes_below(p, s)))
        return err_field(e, ERR_NOT_FOUND, "files", "no change is at %s", path);
    return 0;
}

int changes_only_init(struct changes_only *o, const struct changes *c, const char *const *only, struct err *e)
{
    size_t n = 0;
    while (only && only[n])
        n++;
    *o = (struct changes_only){.all = !only};
    o->path = calloc(n + 1, sizeof *o->path);
    if (!o->path)
        return err_oom(e);
    for (size_t i = 0; i < n; i++) {
        int r = add_choice(o, c, only[i], e);
        if (r < 0) {
            changes_only_fini(o);
            return r;
        }
    }
    qsort(o->path, n, sizeof *o->path, by_path);
    return 0;
}

void changes_only_fini(struct changes_only *o)
{
    for (size_t i = 0; i < o->n; i++)
        free(o->path[i]);
    free(o->path);
    *o = (struct changes_only){0};
}

/* Some chosen path equals the first n bytes of `path`. */
static bool has_prefix(const struct changes_only *o, const char *path, size_t n)
{
    size_t lo = 0, hi = o->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = cmp_n(o->path[mid], strlen(o->path[mid]), path, n);
        if (c == 0)
            return true;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

bool changes_only_has(const struct changes_only *o, const char *path)
{
    if (o->all)
        return true;
    for (const char *slash = path; (slash = strchr(slash, '/')) != NULL; slash++)
        if (has_prefix(o, path, (size_t)(slash - path)))
            return true;
    return has_prefix(o, path, strlen(path));
}
