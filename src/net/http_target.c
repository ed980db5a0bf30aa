/* http_target - see http_target.h. RFC 3986 for the escapes; '+' as a space in
 * queries is the application/x-www-form-urlencoded rule of the WHATWG URL standard.
 *
 * Refused, because two readers could disagree about them: %00, %2F in the
 * path, "." and ".." segments however written, broken escapes, bytes that do
 * not decode to UTF-8. */
#include <stdlib.h>
#include <string.h>
#include "base/str.h"
#include "net/http_char.h"
#include "net/http_target.h"
#include "net/mem.h"

/* Decodes s[0..n) to d (room for n + 1), NUL-terminated. Length, or -1 for a broken escape, a NUL or bad UTF-8. */
static long decode(char *d, const char *s, size_t n, bool query)
{
    size_t o = 0;
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        if (c == '%') {
            int hi = i + 1 < n ? hex_digit(s[i + 1]) : -1;
            int lo = i + 2 < n ? hex_digit(s[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return -1;
            c = (char)(hi * 16 + lo);
            i += 2;
            if (c == '/' && !query)
                return -1;
        } else if (c == '+' && query) {
            c = ' ';
        }
        if (c == '\0')
            return -1;
        d[o++] = c;
    }
    d[o] = '\0';
    return utf8_valid(d, o) ? (long)o : -1;
}

static bool bytes_ok(const char *s, size_t n, const char *query)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c <= 0x20 || c >= 0x7f || c == '#')
            return false;
        /* browsers turn it into a slash */
        if (c == '\\' && (!query || s + i < query))
            return false;
    }
    return true;
}

static size_t count(const char *s, size_t n, char c)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        k += s[i] == c;
    return k;
}

/* Cuts a copy of the decoded path at its slashes. False for "." and "..". */
static bool cut_segments(struct http_target *t, char *copy)
{
    t->nsegs = 0;
    if (str_eq(copy, "/"))
        return true;
    for (char *p = copy; p;) {
        *p++ = '\0';
        char *next = strchr(p, '/');
        size_t n = next ? (size_t)(next - p) : strlen(p);
        if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return false;
        t->segs[t->nsegs++] = p;
        p = next;
    }
    return true;
}

static bool cut_query(struct http_target *t, char *d, const char *s, size_t n)
{
    t->nquery = 0;
    const char *end = s + n;
    while (s < end) {
        const char *amp = memchr(s, '&', (size_t)(end - s));
        const char *stop = amp ? amp : end;
        const char *eq = memchr(s, '=', (size_t)(stop - s));
        const char *name_end = eq ? eq : stop;
        if (stop > s) {
            struct http_param *q = &t->query[t->nquery++];
            long k = decode(d, s, (size_t)(name_end - s), true);
            if (k < 0)
                return false;
            q->name = d;
            d += k + 1;
            k = eq ? decode(d, eq + 1, (size_t)(stop - eq - 1), true) : 0;
            if (k < 0)
                return false;
            d[k] = '\0';
            q->value = d;
            d += k + 1;
        }
        s = stop + 1;
    }
    return true;
}

int http_target_parse(const char *s, size_t n, struct http_target *ret, struct err *e)
{
    const char *mark = memchr(s, '?', n);
    size_t npath = mark ? (size_t)(mark - s) : n;
    const char *query = mark ? mark + 1 : s + n;
    size_t nq = (size_t)(s + n - query);
    if (n == 0 || s[0] != '/')
        return err_set(e, ERR_INVALID, "the request target must be a path that begins with '/'");
    if (!bytes_ok(s, n, mark))
        return err_set(e, ERR_INVALID, "the request target holds a byte that must be percent-encoded");
    size_t segs = count(s, npath, '/');
    size_t params = nq ? count(query, nq, '&') + 1 : 0;
    if (segs > HTTP_TARGET_SEGS || params > HTTP_TARGET_QUERY)
        return err_set(e, ERR_INVALID, "the request target has more than 64 path segments or query parameters");

    struct http_target t = {0};
    /* raw path, decoded path, its cut copy, the query with two NULs per parameter */
    size_t text = 3 * (npath + 1) + nq + 2 * params + 2;
    t.mem = mem_new(1, segs * sizeof *t.segs + params * sizeof *t.query + text);
    if (!t.mem)
        return err_oom(e);
    t.query = t.mem;
    t.segs = (const char **)(void *)(t.query + params);
    char *raw = (char *)(t.segs + segs), *path = raw + npath + 1, *copy = path + npath + 1;
    memcpy(raw, s, npath);
    raw[npath] = '\0';
    long k = decode(path, s, npath, false);
    if (k < 0) {
        free(t.mem);
        return err_set(e, ERR_INVALID, "the path has a broken, NUL or slash escape, or is not UTF-8");
    }
    memcpy(copy, path, (size_t)k + 1);
    t.raw_path = raw;
    t.path = path;
    if (!cut_segments(&t, copy)) {
        free(t.mem);
        return err_set(e, ERR_INVALID, "the path must not hold '.' or '..' segments");
    }
    if (!cut_query(&t, copy + npath + 1, query, nq)) {
        free(t.mem);
        return err_set(e, ERR_INVALID, "the query has a broken or NUL escape, or is not UTF-8");
    }
    *ret = t;
    return 0;
}

void http_target_fini(struct http_target *t)
{
    free(t->mem);
    *t = (struct http_target){0};
}
