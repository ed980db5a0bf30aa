#include "service/picks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "service/effects_files.h"
#include "service/effects_show.h"

/* ---- reading ----------------------------------------------------------- */

void picks_fini(struct picks *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->v[i]);
    free(p->v);
    for (size_t i = 0; i < p->nhunk; i++)
        free((void *)p->hunk[i].v);
    free(p->hunk);
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

static void field_name(const struct picks *p, size_t i, char ret[48])
{
    if (i < p->ntext)
        snprintf(ret, 48, "paths[%zu]", i);
    else if (i < p->ntext + p->nbytes)
        snprintf(ret, 48, "paths_b64[%zu]", i - p->ntext);
    else
        snprintf(ret, 48, "hunks[%zu].path", i - p->ntext - p->nbytes);
}

/* text: a path; else base64 of one. */
static int read_one(struct picks *p, const struct json *it, bool text, struct err *e)
{
    const char *s = json_str(it);
    char field[48];
    size_t len;
    int r = 0;

    field_name(p, p->n, field);
    if (!s)
        return err_field(e, ERR_INVALID, field, "must be a string");
    if (text)
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

static int read_numbers(const struct json *list, const char *field, struct apply_hunks *h, struct err *e)
{
    size_t n = json_len(list);
    uint32_t *v = calloc(n + 1, sizeof *v);

    if (!v)
        return err_oom(e);
    h->v = v;
    h->n = n;
    for (size_t i = 0; i < n; i++) {
        int64_t k = json_type(json_at(list, i)) == JT_INT ? json_int(json_at(list, i)) : 0;

        if (k < 1 || k > INT32_MAX)
            return err_field(e, ERR_INVALID, field, "give numbers of hunks, from 1");
        v[i] = (uint32_t)k;
    }
    return n ? 0 : err_field(e, ERR_INVALID, field, "name at least one hunk, or leave the file out");
}

static int read_hunks(struct picks *p, const struct json *it, struct err *e)
{
    static const char *const keys[] = {"path", "path_b64", "hunks", NULL};
    const struct json *path = json_get(it, "path"), *b64 = json_get(it, "path_b64"), *list = NULL;
    char field[48], whole[48];
    int r = 0;

    snprintf(field, sizeof field, "hunks[%zu]", p->nhunk);
    if (json_type(it) != JT_OBJ)
        return err_field(e, ERR_INVALID, field, "must be an object: {path, hunks}");
    r = json_known(it, field, keys, e);
    if (r == 0)
        r = json_want_arr(it, field, "hunks", J_REQ, 10000, &list, e);
    if (r == 0 && !path == !b64)
        r = err_field(e, ERR_INVALID, field, "give either `path` or `path_b64`");
    if (r == 0)
        r = read_one(p, path ? path : b64, path != NULL, e);
    if (r < 0)
        return r;
    for (size_t i = 0; i < p->nhunk; i++)
        if (strcmp(p->hunk[i].path, p->v[p->n - 1]) == 0)
            return err_field(e, ERR_INVALID, field, "name each file once");
    for (size_t i = 0; i < p->ntext + p->nbytes; i++) /* all of it, or some of it? */
        if (strcmp(p->v[i], p->v[p->n - 1]) == 0) {
            field_name(p, i, whole);
            return err_field(
                e, ERR_INVALID, field,
                "its file is named by %s, too: name it there to take all of it, or here to take some hunks", whole);
        }
    p->hunk[p->nhunk].path = p->v[p->n - 1];
    return read_numbers(list, field, &p->hunk[p->nhunk++], e);
}

int picks_read(const struct picks_ask *a, struct picks *ret, struct err *e)
{
    size_t n = json_len(a->paths), n64 = json_len(a->paths_b64), nh = json_len(a->hunks);
    struct picks p = {.ntext = n, .nbytes = n64};
    int r = 0;

    p.all = json_type(a->paths) != JT_ARR && json_type(a->paths_b64) != JT_ARR && json_type(a->hunks) != JT_ARR;
    p.v = calloc(n + n64 + nh + 1, sizeof *p.v);
    p.hunk = calloc(nh + 1, sizeof *p.hunk);
    if (!p.v || !p.hunk)
        r = err_oom(e);
    for (size_t i = 0; r == 0 && i < n + n64; i++)
        r = read_one(&p, i < n ? json_at(a->paths, i) : json_at(a->paths_b64, i - n), i < n, e);
    for (size_t i = 0; r == 0 && i < nh; i++)
        r = read_hunks(&p, json_at(a->hunks, i), e);
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

static void put_hunks(struct jw *w, const struct json *list)
{
    jw_key(w, "hunks");
    jw_arr(w);
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *it = json_at(list, i), *numbers = json_get(it, "hunks");

        jw_obj(w);
        jw_kstr_opt(w, "path", json_str(json_get(it, "path")));
        jw_kstr_opt(w, "path_b64", json_str(json_get(it, "path_b64")));
        jw_key(w, "hunks");
        jw_arr(w);
        for (size_t k = 0; k < json_len(numbers); k++)
            jw_int(w, json_int(json_at(numbers, k)));
        jw_end_arr(w);
        jw_end_obj(w);
    }
    jw_end_arr(w);
}

void picks_json(const struct picks_ask *a, struct jw *w)
{
    if (json_type(a->paths) != JT_ARR && json_type(a->paths_b64) != JT_ARR && json_type(a->hunks) != JT_ARR) {
        jw_key(w, "paths");
        jw_null(w);
        return;
    }
    put_texts(w, "paths", a->paths);
    if (json_len(a->paths_b64) > 0)
        put_texts(w, "paths_b64", a->paths_b64);
    if (json_len(a->hunks) > 0)
        put_hunks(w, a->hunks);
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
        bool text;         /* it is a modified text file itself: it has hunks that can be taken */
        char refused[120]; /* it is a change itself that is never applied, and why */
    } * state;
    struct err *e;
    int r;
};

/* Equal texts lie side by side: what holds for the first holds for all. */
static void meet(struct checked *c, size_t i, bool text, const char *refused)
{
    for (size_t k = i; k < c->set.n && strcmp(c->set.v[k], c->set.v[i]) == 0; k++) {
        c->state[k].met = true;
        c->state[k].text |= text;
        if (refused)
            snprintf(c->state[k].refused, sizeof c->state[k].refused, "%s", refused);
    }
}

static void meet_path(struct checked *c, const char *path, bool text, const char *refused)
{
    size_t i;

    for (const char *slash = path; (slash = strchr(slash, '/')) != NULL; slash++)
        if ((i = find(&c->set, path, (size_t)(slash - path))) < c->set.n)
            meet(c, i, false, NULL);
    if ((i = find(&c->set, path, strlen(path))) < c->set.n)
        meet(c, i, text, refused);
}

static void each_change(void *arg, const struct json *change)
{
    struct checked *c = arg;
    const char *path = json_str(json_get(change, "path")), *b64 = json_str(json_get(change, "path_b64"));
    bool text = str_eq(json_str(json_get(change, "kind")), "modified") && !json_true(json_get(change, "binary"));
    char *bytes = NULL;

    if (c->r == 0 && b64)
        c->r = picks_b64(b64, "path_b64", &bytes, c->e);
    if (c->r == 0 && (bytes || path))
        meet_path(c, bytes ? bytes : path, text, json_str(json_get(change, "refused")));
    free(bytes);
}

static int judge(const struct picks *p, const struct checked *c, struct err *e)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct pick_state *s = &c->state[find(&c->set, p->v[i], strlen(p->v[i]))];
        char field[48];

        field_name(p, i, field);
        if (!s->met)
            return err_field(e, ERR_INVALID, field, "%.200s is not among the changes of the run", p->v[i]);
        if (*s->refused)
            return err_field(e, ERR_INVALID, field, "%.200s is never applied: %s", p->v[i], s->refused);
        if (i >= p->ntext + p->nbytes && !s->text)
            return err_field(e, ERR_INVALID, field,
                             "%.200s is no modified text file: name it in `paths`, or not at all", p->v[i]);
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

/* ---- against the diff --------------------------------------------------- */

/* Lines that begin with "@@ -": in a text patch no other line does. */
struct heads {
    size_t n, at; /* so many of its bytes were met at the beginning of this line */
    bool line;    /* still at the beginning of a line */
};

static void count_heads(struct heads *h, const char *p, size_t n)
{
    static const char mark[] = "@@ -";

    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\n') {
            h->line = true;
            h->at = 0;
        } else if (h->line && p[i] == mark[h->at]) {
            if (++h->at == sizeof mark - 1) {
                h->n++;
                h->line = false;
            }
        } else {
            h->line = false;
        }
    }
}

static int count_range(int fd, const struct effects_range *g, struct heads *h, struct err *e)
{
    char part[16 * KIB];

    for (size_t done = 0; done < g->n;) {
        size_t want = g->n - done < sizeof part ? g->n - done : sizeof part;
        ssize_t k = pread(fd, part, want, g->at + (off_t)done);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return err_sys(e, ERR_IO, "read the diff");
        count_heads(h, part, (size_t)k);
        done += (size_t)k;
    }
    return 0;
}

static int check_file(struct svc *svc, const char *tenant, const struct id *run, const struct apply_hunks *f,
                      const char *field, struct err *e)
{
    AUTO(effects_view_fini) struct effects_view v = {.fd = -1};
    struct heads h = {.line = true};
    int r = effects_diff_view(svc, tenant, run, &f->path, 1, &v, e);

    for (size_t i = 0; r == 0 && i < v.nranges; i++)
        r = count_range(v.fd, &v.range[i], &h, e);
    for (size_t i = 0; r == 0 && i < f->n; i++)
        if (f->v[i] > h.n)
            r = err_field(e, ERR_INVALID, field, "%.200s has %zu hunks in the diff, and no hunk %u", f->path, h.n,
                          f->v[i]);
    return r;
}

int picks_check_hunks(struct svc *svc, const char *tenant, const struct id *run, const struct picks *p, struct err *e)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < p->nhunk; i++) {
        char field[48];

        snprintf(field, sizeof field, "hunks[%zu]", i);
        r = check_file(svc, tenant, run, &p->hunk[i], field, e);
    }
    return r;
}
