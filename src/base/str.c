/* str - bounded copies, numbers, sizes, durations. UTF-8, time, base64 and globs have their own files.
 *
 * May include: base.  Pure.  Threads: any. */
#include "base/str.h"
#include "base/fault.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool str_eq(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts(const char *s, const char *prefix)
{
    return s && prefix && strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
    if (!s || !suffix)
        return false;
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool str_copy(char *dst, size_t cap, const char *src)
{
    size_t n = strlen(src);
    if (n >= cap) {
        if (cap > 0)
            dst[0] = '\0';
        return false;
    }
    memcpy(dst, src, n + 1);
    return true;
}

char *str_dup(const char *s)
{
    return s ? str_ndup(s, strlen(s)) : NULL;
}

char *str_ndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *p = FAULT(alloc) ? NULL : malloc(len + 1);
    if (!p)
        return NULL;
    memcpy(p, s, len);
    p[len] = '\0';
    return p;
}

char *str_printf(const char *fmt, ...)
{
    char *p = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = FAULT(alloc) ? -1 : vasprintf(&p, fmt, ap);
    va_end(ap);
    return n < 0 ? NULL : p;
}

/* Digits from s; at least one; *end behind the last. False on overflow. */
static bool digits(const char *s, const char **end, uint64_t *ret)
{
    uint64_t v = 0;
    const char *p = s;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
            return false;
    *end = p;
    *ret = v;
    return p > s;
}

bool str_u64(const char *s, uint64_t *ret)
{
    uint64_t v;
    if (!s || !digits(s, &s, &v) || *s)
        return false;
    *ret = v;
    return true;
}

bool str_i64(const char *s, int64_t *ret)
{
    bool neg = s && *s == '-';
    uint64_t v;
    if (!str_u64(neg ? s + 1 : s, &v) || v > (uint64_t)INT64_MAX + neg)
        return false;
    *ret = (int64_t)(neg ? -v : v);
    return true;
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* number + unit name -> product; the units are a table that ends in a NULL name. */
static bool scaled(const char *s, const struct unit *u, uint64_t *ret)
{
    uint64_t v;
    if (!s || !digits(s, &s, &v))
        return false;
    for (; u->name; u++)
        if (strcmp(u->name, s) == 0)
            return !__builtin_mul_overflow(v, u->factor, ret);
    return false;
}

bool str_bytes(const char *s, uint64_t *ret)
{
    static const uint64_t k = 1000, ki = 1024;
    const struct unit units[] = {
        {"", 1},
        {"B", 1},
        {"k", k},
        {"K", k},
        {"kB", k},
        {"KB", k},
        {"M", k * k},
        {"MB", k * k},
        {"G", k * k * k},
        {"GB", k * k * k},
        {"KiB", ki},
        {"Ki", ki},
        {"MiB", ki * ki},
        {"Mi", ki * ki},
        {"GiB", ki * ki * ki},
        {"Gi", ki * ki * ki},
        {"T", k * k * k * k},
        {"TB", k * k * k * k},
        {"TiB", ki * ki * ki * ki},
        {"Ti", ki * ki * ki * ki},
        {NULL, 0},
    };
    uint64_t v;
    if (!scaled(s, units, &v))
        return false;
    *ret = v;
    return true;
}

bool str_duration_ms(const char *s, int64_t *ret)
{
    static const struct unit units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0},
    };
    uint64_t v;
    if (!scaled(s, units, &v) || v > INT64_MAX)
        return false;
    *ret = (int64_t)v;
    return true;
}

void secure_wipe(void *p, size_t n)
{
    if (p && n)
        explicit_bzero(p, n);
}
