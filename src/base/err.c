/* err - the table behind err.def, and filling in a struct err.
 *
 * May include: base.  Threads: any; nothing here is shared but the constant table. */
#include "base/err.h"
#include "base/str.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct err_info table[ERR_N] = {
    [ERR_NONE] = {"none", 200, 0, false, "no error"},
#define ERR(id, name, http, exit, retry, text) [ERR_##id] = {name, http, exit, retry, text},
#include "base/err.def"
#undef ERR
};

const struct err_info *err_info(int code)
{
    int c = code < 0 && code > -ERR_N ? -code : code;
    return c >= 0 && c < ERR_N ? &table[c] : &table[ERR_INTERNAL];
}

int err_by_name(const char *name)
{
    for (int i = 1; name && i < ERR_N; i++)
        if (strcmp(table[i].name, name) == 0)
            return i;
    return ERR_INTERNAL;
}

/* A cut message must stay UTF-8: it goes into JSON. Drops a last character that lost its tail. */
static void trim_utf8(char *s)
{
    size_t n = strlen(s), i = n;
    while (i > 0 && n - i < 3 && ((unsigned char)s[i - 1] & 0xc0) == 0x80)
        i--;
    if (i == 0)
        return;
    unsigned char lead = (unsigned char)s[i - 1];
    size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (want > n - i + 1)
        s[i - 1] = '\0';
}

/* Messages quote names and bytes from outside, and end in JSON, in logs and on terminals: what is no UTF-8, and
 * control characters other than tab and newline (an escape sequence begins with one), become '?'. */
static void scrub(char *s)
{
    const char *p = s, *end = s + strlen(s);
    while (p < end) {
        const char *at = p;
        int32_t cp = utf8_next(&p, end);
        bool control = cp < 0x20 ? cp != '\t' && cp != '\n' : cp >= 0x7f && cp < 0xa0;
        if (control) /* -1, a bad byte, is one as well */
            memset(s + (at - s), '?', (size_t)(p - at));
    }
}

static void put(char *dst, size_t cap, const char *fmt, va_list ap) PRINTF(3, 0);
static void put(char *dst, size_t cap, const char *fmt, va_list ap)
{
    int n = vsnprintf(dst, cap, fmt, ap);
    if (n < 0)
        dst[0] = '\0';
    else if ((size_t)n >= cap)
        trim_utf8(dst);
    scrub(dst);
}

static void append(char *dst, size_t cap, const char *a, const char *b)
{
    size_t len = strlen(dst);
    int n = snprintf(dst + len, cap - len, "%s%s", a, b);
    if (n >= 0 && (size_t)n >= cap - len)
        trim_utf8(dst);
    scrub(dst + len);
}

static void fill(struct err *e, int code, int sys, const char *field, const char *fmt, va_list ap) PRINTF(5, 0);
static void fill(struct err *e, int code, int sys, const char *field, const char *fmt, va_list ap)
{
    *e = (struct err){.code = code, .sys = sys};
    append(e->field, sizeof e->field, field ? field : "", "");
    if (fmt)
        put(e->msg, sizeof e->msg, fmt, ap);
    else
        append(e->msg, sizeof e->msg, table[code].text, "");
}

/* The negative and the unknown must not index the table. */
static int sane(int code)
{
    int c = code < 0 && code > -ERR_N ? -code : code;
    return c > 0 && c < ERR_N ? c : ERR_INTERNAL;
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
    code = sane(code);
    if (e) {
        va_list ap;
        va_start(ap, fmt);
        fill(e, code, 0, NULL, fmt, ap);
        va_end(ap);
    }
    return -code;
}

int err_field(struct err *e, int code, const char *field, const char *fmt, ...)
{
    code = sane(code);
    if (e) {
        va_list ap;
        va_start(ap, fmt);
        fill(e, code, 0, field, fmt, ap);
        va_end(ap);
    }
    return -code;
}

int err_sys(struct err *e, int code, const char *fmt, ...)
{
    int sys = errno;
    code = sane(code);
    if (sys == ENOSPC || sys == EDQUOT)
        code = ERR_STORAGE_FULL;
    else if (sys == ENOMEM)
        code = ERR_OOM;
    if (e) {
        va_list ap;
        va_start(ap, fmt);
        fill(e, code, sys, NULL, fmt, ap);
        va_end(ap);
        char text[128];
        append(e->msg, sizeof e->msg, ": ", strerror_r(sys, text, sizeof text));
    }
    return -code;
}

bool err_sys_ours(int sys)
{
    return sys == EMFILE || sys == ENFILE || sys == ENOMEM;
}

int err_wrap(struct err *e, int r, const char *fmt, ...)
{
    if (!e || r >= 0)
        return r;
    if (e->code == 0)
        err_set(e, -r, NULL);
    char old[sizeof e->msg];
    memcpy(old, e->msg, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    put(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    append(e->msg, sizeof e->msg, ": ", old);
    return r;
}

int err_oom(struct err *e)
{
    return err_set(e, ERR_OOM, NULL);
}

static int bad_buf(struct err *e, int bad, const char *field, const char *fmt, va_list ap) PRINTF(4, 0);
static int bad_buf(struct err *e, int bad, const char *field, const char *fmt, va_list ap)
{
    if (bad == -ERR_OOM)
        return err_oom(e);
    if (e)
        fill(e, sane(-bad), 0, field, fmt, ap);
    return -sane(-bad);
}

int err_bad(struct err *e, int bad, const char *too_large, ...)
{
    va_list ap;
    va_start(ap, too_large);
    int r = bad_buf(e, bad, NULL, too_large, ap);
    va_end(ap);
    return r;
}

int err_bad_field(struct err *e, int bad, const char *field, const char *too_large, ...)
{
    va_list ap;
    va_start(ap, too_large);
    int r = bad_buf(e, bad, field, too_large, ap);
    va_end(ap);
    return r;
}
