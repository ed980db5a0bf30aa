#include "service/picks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "service/effects_files.h"

/* ---- reading ----------------------------------------------------------- */

void picks_fini(struct picks *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->v[i]);
    free(p->v);
    *p = (struct picks){0};
}

int picks_b64(const char *text, const char *field, char **ret, struct err *e)
{
    char *p = malloc(strlen(text) + 1); /* more than its bytes */
    long n = p ? b64_decode(text, p) : 0;

    if (!p)
        return err_oom(e);
    if (n < 0 || memchr(p, '\0', (size_t)n)) {
        free(p);
        return n < 0 ? err_field(e, ERR_INVALID, field, "must be base64 (RFC 4648, with padding) of a path's bytes")
                     : err_field(e, ERR_INVALID, field, "holds a NUL byte: no path has one");
    }
    p[n] = '\0';
    *ret = p;
    return 0;
}

static void field_name(const struct picks *p, size_t i, char ret[40])
{
    bool text = i < p->ntext;

    snprintf(ret, 40, "%s[%zu]", text ? "paths" : "paths_b64", text ? i : i - p->ntext);
}

static int read_one(struct picks *p, const struct json *it, struct err *e)
{
    const char *s = json_str(it);
    char field[40];
    size_t len;
    int r = 0;

    field_name(p, p->n, field);
    if (!s)
        return err_field(e, ERR_INVALID, field, "must be a string");
    if (p->n < p->ntext)
        p->v[p->n] = str_dup(s);
    else
        r = picks_b64(s, field, &p->v[p->n], e);
    if (r < 0)
        return r;
    if (!p->v[p->n])
        return err_oom(e);
    len = strlen(p->v[p->n]);
    while (len > 1 && p->v[p->n][len - 1] == '/') /* "src/", as shells complete it */
        p->v[p->n][--len] = '\0';
    p->n++;
    return 0;
}

int picks_read(const struct json *paths, const struct json *paths_b64, struct picks *ret, struct err *e)
{
    size_t n = json_len(paths), n64 = json_len(paths_b64);
    struct picks p = {.ntext = n, .all = json_type(paths) != JT_ARR && json_type(paths_b64) != JT_ARR};
    int r = 0;

    p.v = calloc(n + n64 + 1, sizeof *p.v);
    if (!p.v)
        return err_oom(e);
    for (size_t i = 0; r == 0 && i < n + n64; i++)
        r = read_one(&p, i < n ? json_at(paths, i) : json_at(paths_b64, i - n), e);
    if (r < 0)
        picks_fini(&p);
    else
        *ret = p;
    return r;
}

static void put_texts(struct jw *w, const char *key, const struct json *list)
{
    jw_key(w, key);
    jw_arr(w);
    for (size_t i = 0; i < json_len(list); i++)
        jw_str(w, json_str(json_at(list, i)));
    jw_end_arr(w);
}

void picks_json(const struct json *paths, const struct json *paths_b64, struct jw *w)
{
    if (json_type(paths) != JT_ARR && json_type(paths_b64) != JT_ARR) {
        jw_key(w, "paths");
        jw_null(w);
        return;
    }
    put_texts(w, "paths", paths);
    if (json_len(paths_b64) > 0)
        put_texts(w, "paths_b64", paths_b64);
}

/* ---- sets -------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int picks_set_init(struct picks_set *s, const char *const *v, struct err *e)
{
    size_t n = 0;

    while (v[n])
        n++;
    s->n = n;
    s->v = calloc(n + 1, sizeof *s->v);
    if (!s->v)
        return err_oom(e);
    memcpy(s->v, v, n * sizeof *s->v);
    qsort(s->v, n, sizeof *s->v, by_text);
    return 0;
}

void picks_set_fini(struct picks_set *s)
{
    free(s->v);
    *s = (struct picks_set){0};
}

/* The first of those that are the first n bytes of path; s->n when none is. */
static size_t find(const struct picks_set *s, const char *path, size_t n)
{
    size_t lo = 0, hi = s->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strncmp(s->v[mid], path, n) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < s->n && strncmp(s->v[lo], path, n) == 0 && s->v[lo][n] == '\0' ? lo : s->n;
}

bool picks_set_has(const struct picks_set *s, const char *path)
{
    for (const char *slash = path; (slash = strchr(slash, '/')) != NULL; slash++)
        if (find(s, path, (size_t)(slash - path)) < s->n)
            return true;
    return find(s, path, strlen(path)) < s->n;
}

/* ---- against the changes ----------------------------------------------- */

/* What the list of changes says of each pick; by the place in the sorted set. */
struct checked {
    struct picks_set set;
    struct pick_state {
        bool met;
        char refused[120]; /* it is a change itself that is never applied, and why */
    } * state;
    struct err *e;
    int r;
};

/* Equal texts lie side by side: what holds for the first holds for all. */
static void meet(struct checked *c, size_t i, const char *refused)
{
    for (size_t k = i; k < c->set.n && strcmp(c->set.v[k], c->set.v[i]) == 0; k++) {
        c->state[k].met = true;
        if (refused)
            snprintf(c->state[k].refused, sizeof c->state[k].refused, "%s", refused);
    }
}

static void meet_path(struct checked *c, const char *path, const char *refused)
{
    size_t i;

    for (const char *slash = path; (slash = strchr(slash, '/')) != NULL; slash++)
        if ((i = find(&c->set, path, (size_t)(slash - path))) < c->set.n)
            meet(c, i, NULL);
    if ((i = find(&c->set, path, strlen(path))) < c->set.n)
        meet(c, i, refused);
}

static void each_change(void *arg, const struct json *change)
{
    struct checked *c = arg;
    const char *path = json_str(json_get(change, "path")), *b64 = json_str(json_get(change, "path_b64"));
    char *bytes = NULL;

    if (c->r == 0 && b64)
        c->r = picks_b64(b64, "path_b64", &bytes, c->e);
    if (c->r == 0 && (bytes || path))
        meet_path(c, bytes ? bytes : path, json_str(json_get(change, "refused")));
    free(bytes);
}

static int judge(const struct picks *p, const struct checked *c, struct err *e)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct pick_state *s = &c->state[find(&c->set, p->v[i], strlen(p->v[i]))];
        char field[40];

        field_name(p, i, field);
        if (!s->met)
            return err_field(e, ERR_INVALID, field, "%.200s is not among the changes of the run", p->v[i]);
        if (*s->refused)
            return err_field(e, ERR_INVALID, field, "%.200s is never applied: %s", p->v[i], s->refused);
    }
    return 0;
}

int picks_check(const struct picks *p, int run_dirfd, struct err *e)
{
    struct checked c = {.e = e};
    size_t n;
    int r = picks_set_init(&c.set, (const char *const *)p->v, e);

    if (r == 0 && !(c.state = calloc(p->n + 1, sizeof *c.state)))
        r = err_oom(e);
    if (r == 0)
        r = effects_files_list(run_dirfd, SIZE_MAX, each_change, &c, &n, e);
    if (r == 0)
        r = c.r;
    if (r == 0)
        r = judge(p, &c, e);
    free(c.state);
    picks_set_fini(&c.set);
    return r;
}
