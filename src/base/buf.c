/* buf - see buf.h. Invariants: p == NULL or p[len] == '\0'; len <= max; len < cap when p.
 *
 * May include: base.  Threads: one owner. */
#include "base/buf.h"
#include "base/err.h"
#include "base/fault.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t max)
{
    *b = BUF_INIT(max);
}

void buf_fini(struct buf *b)
{
    free(b->p);
    *b = BUF_INIT(b->max);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->bad = 0;
    if (b->p)
        b->p[0] = '\0';
}

static int fail(struct buf *b, int code)
{
    b->bad = -code;
    return b->bad;
}

/* Doubles, so that n bytes cost O(n) copies; never past max + 1. */
static size_t grown(const struct buf *b, size_t need)
{
    size_t cap = b->cap < 64 ? 64 : b->cap;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (b->max < SIZE_MAX && cap > b->max + 1)
        cap = b->max + 1;
    return cap;
}

int buf_reserve(struct buf *b, size_t more)
{
    if (b->bad)
        return b->bad;
    if (more > b->max - b->len || more >= SIZE_MAX - b->len)
        return fail(b, ERR_TOO_LARGE);
    size_t need = b->len + more + 1;
    if (b->p && need <= b->cap)
        return 0;
    size_t cap = grown(b, need);
    char *p = FAULT(alloc) ? NULL : realloc(b->p, cap);
    if (!p)
        return fail(b, ERR_OOM);
    b->p = p;
    b->cap = cap;
    b->p[b->len] = '\0';
    return 0;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    if (buf_reserve(b, n) < 0)
        return;
    if (n > 0)
        memcpy(b->p + b->len, p, n);
    b->len += n;
    b->p[b->len] = '\0';
}

void buf_prepend(struct buf *b, const void *p, size_t n)
{
    if (n == 0 || buf_reserve(b, n) < 0)
        return;
    memmove(b->p + n, b->p, b->len + 1);
    memcpy(b->p, p, n);
    b->len += n;
}

void buf_addc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_puts(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    if (b->bad)
        return;
    size_t room = b->p ? b->cap - b->len : 0;
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(room ? b->p + b->len : NULL, room, fmt, ap);
    if (n < 0)
        fail(b, ERR_TOO_LARGE);
    else if (room > 0 && (size_t)n < room && (size_t)n <= b->max - b->len)
        b->len += (size_t)n;
    else if (buf_reserve(b, (size_t)n) == 0)
        b->len += (size_t)vsnprintf(b->p + b->len, (size_t)n + 1, fmt, again);
    if (b->p)
        b->p[b->len] = '\0';
    va_end(again);
}

void buf_quote(struct buf *b, const char *s)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
    if (*s && strspn(s, plain) == strlen(s)) {
        buf_puts(b, s);
        return;
    }
    buf_addc(b, '\'');
    for (; *s; s++) {
        if (*s == '\'')
            buf_puts(b, "'\\''");
        else
            buf_addc(b, *s);
    }
    buf_addc(b, '\'');
}

void buf_consume(struct buf *b, size_t n)
{
    if (n >= b->len)
        n = b->len;
    if (n == 0)
        return;
    memmove(b->p, b->p + n, b->len - n + 1);
    b->len -= n;
}

char *buf_take(struct buf *b, size_t *ret_len)
{
    if (b->bad || buf_reserve(b, 0) < 0)
        return NULL;
    char *p = b->p;
    if (ret_len)
        *ret_len = b->len;
    *b = BUF_INIT(b->max);
    return p;
}
