/* buf - a growable byte buffer with a maximum and a sticky error.
 *
 * Why it exists: everything that is built piece by piece (JSON, reports,
 * frames) is bounded, and is checked once at the end.
 * May include: base.  Threads: one owner. */
#pragma once
#include <stdarg.h>
#include "base/base.h"

struct buf {
    char *p;    /* NUL-terminated once anything was added; NULL before */
    size_t len; /* bytes without the NUL */
    size_t cap;
    size_t max; /* no more than this many bytes; set by buf_init */
    int bad;    /* 0, -ERR_OOM or -ERR_TOO_LARGE: once set, adds do nothing */
};

#define BUF_INIT(limit) ((struct buf){.max = (limit)})

void buf_init(struct buf *, size_t max);
void buf_fini(struct buf *);                /* frees; the buffer may be used again */
void buf_reset(struct buf *);               /* len = 0, bad = 0; keeps the memory */
int buf_reserve(struct buf *, size_t more); /* room for `more` after len */
void buf_add(struct buf *, const void *p, size_t n);
void buf_addc(struct buf *, char c);
void buf_puts(struct buf *, const char *s);
void buf_prepend(struct buf *, const void *p, size_t n); /* before what is there, which moves; p is not of it */
void buf_printf(struct buf *, const char *fmt, ...) PRINTF(2, 3);
void buf_vprintf(struct buf *, const char *fmt, va_list ap) PRINTF(2, 0);
/* One argument as a POSIX shell would take it back: plain when it can be, else in single quotes. */
void buf_quote(struct buf *, const char *s);
void buf_consume(struct buf *, size_t n); /* drops the first n bytes */
/* Hands the memory over (free() it); NULL when bad. Empty gives "". */
CHECKED char *buf_take(struct buf *, size_t *ret_len);
