/* policy_path - paths as patterns, compared without touching the disk.
 *
 * Why it exists: `rm -rf /tmp/..`, `~/..` and `{/,}` must meet the same rule
 * as `/`. A path is a form (core/shell.h) because a command may only tell it in
 * part; two questions are asked: may it be one of these (deny, ask), must it
 * be one of these (allow). Links are not seen: the sandbox is the wall.
 * May include: core/policy_int.h.  Pure. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/policy_int.h"

#define PATH_FORM_MAX 4096

static bool wild(char c)
{
    return c == SHELL_F_STAR || c == SHELL_F_ONE;
}

/* --- normal form --- */

/* One component at p, up to '/'. Variables hold no '/': their names are skipped as a whole. */
static size_t component(const char *p)
{
    size_t n = 0;

    while (p[n] && p[n] != '/') {
        if (p[n] == SHELL_F_VAR) {
            const char *end = strchr(p + n + 1, SHELL_F_VAR);
            n = end ? (size_t)(end - p) + 1 : strlen(p);
        } else {
            n++;
        }
    }
    return n;
}

static void pop(struct buf *out, size_t root)
{
    while (out->len > root && out->p[out->len - 1] != '/')
        out->len--;
    if (out->len > root)
        out->len--;
    if (out->p)
        out->p[out->len] = '\0';
}

/* Appends the components of p to the absolute path in out. */
static void walk(struct buf *out, const char *p, size_t root)
{
    while (*p && !out->bad) {
        if (*p == '/') {
            p++;
            continue;
        }
        size_t n = component(p);
        if (n == 2 && p[0] == '.' && p[1] == '.') {
            pop(out, root);
        } else if (!(n == 1 && p[0] == '.')) {
            buf_addc(out, '/');
            buf_add(out, p, n);
        }
        p += n;
    }
}

bool path_normal(const struct place *pl, const char *cwd, const char *form, struct buf *out)
{
    size_t root = out->len;

    if (strlen(form) > PATH_FORM_MAX)
        return false;
    if (*form == SHELL_F_HOME) {
        walk(out, pl->home, root);
        form++;
        /* ~x with x unknown is another user's home; ~"x" would be a name in ours. Keep it as one component. */
        if (*form && *form != '/') {
            buf_puts(out, form);
            form = "";
        }
    } else if (*form == SHELL_F_PWD) {
        walk(out, cwd, root);
        form++;
        if (*form && *form != '/') {
            buf_puts(out, form);
            form = "";
        }
    } else if (*form != '/') {
        walk(out, cwd, root);
    }
    walk(out, form, root);
    if (out->len == root)
        buf_addc(out, '/');
    return !out->bad && out->len - root <= PATH_FORM_MAX;
}

/* a + b into out; false when it does not fit. */
static bool concat(char *out, size_t cap, const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);

    if (na + nb >= cap)
        return false;
    memcpy(out, a, na);
    memcpy(out + na, b, nb + 1);
    return true;
}

bool path_pattern(const struct place *pl, const char *pattern, char *out, size_t cap)
{
    bool ok;

    if (pattern[0] == '~' && (pattern[1] == '/' || !pattern[1])) {
        ok = concat(out, cap, pl->home, pattern + 1);
    } else if (pattern[0] == '/' || str_starts(pattern, "**")) {
        ok = concat(out, cap, pattern, "");
    } else {
        pattern += str_starts(pattern, "./") ? 2 : 0;
        bool whole = !*pattern || str_eq(pattern, ".");
        ok = concat(out, cap, pl->workspace, whole ? "" : "/");
        ok = ok && (whole || concat(out + strlen(out), cap - strlen(out), pattern, ""));
    }
    for (size_t n = ok ? strlen(out) : 0; n > 1 && out[n - 1] == '/'; n--)
        out[n - 1] = '\0';
    return ok;
}

/* --- patterns against forms --- */

/* One token of a pattern. */
enum tok { T_END, T_CHAR, T_ONE, T_STAR, T_DEEP };

static enum tok next_tok(const char **p, char *ret)
{
    char c = **p;

    if (!c)
        return T_END;
    ++*p;
    if (c == '*') {
        if (**p != '*')
            return T_STAR;
        while (**p == '*')
            ++*p;
        return T_DEEP;
    }
    if (c == '?')
        return T_ONE;
    if (c == '\\' && **p)
        c = *(*p)++;
    *ret = c;
    return T_CHAR;
}

/* The form with each variable as one byte, so that an index is a token. */
static size_t flatten(const char *form, char *out, size_t cap)
{
    size_t n = 0;

    for (; *form && n + 1 < cap; form++) {
        if (*form == SHELL_F_VAR) {
            const char *end = strchr(form + 1, SHELL_F_VAR);
            out[n++] = SHELL_F_VAR;
            form = end ? end : form + strlen(form) - 1;
        } else {
            out[n++] = *form;
        }
    }
    out[n] = '\0';
    return n;
}

static bool many(char f)
{
    return f == SHELL_F_STAR || f == SHELL_F_VAR;
}

/* May the pattern token and the form byte stand for the same character? */
static bool common(enum tok t, char c, char f, bool lead)
{
    bool any = many(f) || f == SHELL_F_ONE;

    if (lead && c == '.' && t == T_CHAR && any)
        return false; /* no glob matches the dot that begins a name; of unknown text it is not assumed */

    switch (t) {
    case T_CHAR:
        return any ? c != '/' : c == f;
    case T_ONE:
    case T_STAR:
        return f != '/';
    default:
        return true;
    }
}

/* Rows: tokens of the pattern. Columns: bytes of the form. A cell: both prefixes can spell the same string. */
static void may_row(enum tok t, char c, bool lead, const char *f, size_t m, const bool *cur, bool *nxt)
{
    bool star = t == T_STAR || t == T_DEEP;
    bool here = false; /* reached (this row, j) by staying in the row */

    memset(nxt, 0, m + 1);
    for (size_t j = 0; j <= m; j++) {
        bool on = cur[j] || here;
        here = false;
        if (!on)
            continue;
        if (star)
            nxt[j] = true;
        if (j == m)
            continue;
        if (many(f[j]))
            here = true; /* the form's star is empty from here */
        if (!common(t, c, f[j], lead))
            continue;
        if (star)
            here = true;
        if (many(f[j]) && !star)
            nxt[j] = true;
        nxt[j + 1] = nxt[j + 1] || !star;
    }
}

/* What both begin with differs already: saves the table for nearly every pair. */
static bool heads_differ(const char *pattern, const char *form)
{
    while (*pattern && *form && !strchr("*?\\", *pattern) && (unsigned char)*form > SHELL_F_PWD && *pattern == *form) {
        pattern++;
        form++;
    }
    return *pattern && !strchr("*?\\", *pattern) && (!*form || (unsigned char)*form > SHELL_F_PWD);
}

bool path_may(const char *pattern, const char *form)
{
    char f[PATH_FORM_MAX + 1];
    bool rows[2][PATH_FORM_MAX + 2];
    int at = 0;
    char before = '/';

    if (heads_differ(pattern, form))
        return false;
    size_t m = flatten(form, f, sizeof(f));
    memset(rows[0], 0, m + 1);
    rows[0][0] = true;
    for (;;) {
        char c = '\0';
        enum tok t = next_tok(&pattern, &c);
        if (t == T_END)
            break;
        may_row(t, c, before == '/', f, m, rows[at], rows[1 - at]);
        at = 1 - at;
        before = t == T_CHAR ? c : '\0';
    }
    /* what is left of the form must be able to be empty */
    while (!rows[at][m] && m > 0 && many(f[m - 1]))
        m--;
    return rows[at][m];
}

/* Sound, not complete: a star of the form is only covered by a star of the pattern. */
static void must_row(enum tok t, char c, const char *f, size_t m, const bool *cur, bool *nxt)
{
    bool star = t == T_STAR || t == T_DEEP, here = false;

    memset(nxt, 0, m + 1);
    for (size_t j = 0; j <= m; j++) {
        bool on = cur[j] || here;
        here = false;
        if (!on)
            continue;
        if (star)
            nxt[j] = true;
        if (j == m || f[j] == SHELL_F_VAR)
            continue;
        bool covers = wild(f[j]) ? star || (t == T_ONE && f[j] == SHELL_F_ONE) : common(t, c, f[j], false);
        if (!covers)
            continue;
        if (star)
            here = true;
        else
            nxt[j + 1] = true;
    }
}

bool path_must(const char *pattern, const char *form)
{
    char f[PATH_FORM_MAX + 1];
    bool rows[2][PATH_FORM_MAX + 2];
    int at = 0;

    if (heads_differ(pattern, form))
        return false;
    size_t m = flatten(form, f, sizeof(f));
    memset(rows[0], 0, m + 1);
    rows[0][0] = true;
    for (;;) {
        char c = '\0';
        enum tok t = next_tok(&pattern, &c);
        if (t == T_END)
            return rows[at][m];
        must_row(t, c, f, m, rows[at], rows[1 - at]);
        at = 1 - at;
    }
}

/* A final slash-star-star matches the directory itself too. */
static bool with_dir(bool (*fn)(const char *, const char *), const char *pattern, const char *form)
{
    char dir[POLICY_PATTERN_MAX + PATH_FORM_MAX];
    size_t n = strlen(pattern);

    if (fn(pattern, form))
        return true;
    if (n < 4 || n >= sizeof(dir) || strcmp(pattern + n - 3, "/**") != 0)
        return false;
    memcpy(dir, pattern, n - 3);
    dir[n - 3] = '\0';
    return fn(dir, form);
}

/* --- lists --- */

/* `.*` may be `..`. */
static bool may_climb(const char *form)
{
    for (const char *p = form; *p; p++) {
        if ((p == form || p[-1] == '/') && *p == '.' && (wild(p[1]) || (p[1] == '.' && wild(p[2]))))
            return true;
    }
    return false;
}

/* Nothing in the path depends on what is only known when it runs. */
static bool certain(const char *cwd, const char *form)
{
    bool relative = *form != '/' && *form != SHELL_F_HOME;

    return shell_form_known(form) && !may_climb(form) && (!relative || shell_form_known(cwd));
}

bool path_spend(const struct place *pl, size_t n)
{
    if (!pl->left)
        return true;
    bool enough = *pl->left > n;
    *pl->left = enough ? *pl->left - n : 0;
    return enough;
}

bool path_reading(const struct place *pl, const struct shell *sh, const char *form, unsigned pick, struct buf *out)
{
    /* Each variable of the form is looked up among those of the text. */
    size_t names = shell_form_known(form) ? 0 : strlen(form) * sh->nvars / 4;

    return path_spend(pl, names) && shell_resolve(sh, form, pick, out) && out->p && path_spend(pl, out->len);
}

bool path_see(const struct place *pl, const char *cwd, const char *form, struct seen *ret)
{
    buf_reset(&ret->abs);
    ret->sure = certain(cwd, form);
    return path_normal(pl, cwd, form, &ret->abs) && path_spend(pl, ret->abs.len);
}

static bool in_list(const struct policy_list *l, const struct place *pl, const struct buf *abs,
                    bool (*fn)(const char *, const char *))
{
    char p[PATH_FORM_MAX];

    for (size_t i = 0; i < l->n; i++) {
        if (!path_pattern(pl, l->v[i], p, sizeof(p)))
            continue;
        if (!heads_differ(p, abs->p) && !path_spend(pl, abs->len))
            return false;
        if (with_dir(fn, p, abs->p))
            return true;
    }
    return false;
}

bool path_in_may(const struct policy_list *l, const struct place *pl, const struct seen *s)
{
    return in_list(l, pl, &s->abs, path_may);
}

bool path_in_must(const struct policy_list *l, const struct place *pl, const struct seen *s)
{
    return s->sure && in_list(l, pl, &s->abs, path_must);
}

bool path_list_may(const struct policy_list *l, const struct place *pl, const char *cwd, const char *form)
{
    AUTO(seen_fini) struct seen s = SEEN_INIT;

    return path_see(pl, cwd, form, &s) && path_in_may(l, pl, &s);
}

bool path_list_must(const struct policy_list *l, const struct place *pl, const char *cwd, const char *form)
{
    AUTO(seen_fini) struct seen s = SEEN_INIT;

    return path_see(pl, cwd, form, &s) && path_in_must(l, pl, &s);
}

void seen_fini(struct seen *s)
{
    buf_fini(&s->abs);
}

bool path_harmless(const struct place *pl, const struct seen *s)
{
    const char *ok[] = {"./**",        "/tmp/**",  "/var/tmp/**", "/dev/null", "/dev/stdout",
                        "/dev/stderr", "/dev/tty", "/dev/zero",   "/dev/full", "/dev/fd/?"};
    struct policy_list l = {ok, ARRAY_LEN(ok)};

    return path_in_must(&l, pl, s);
}
