/* jw - writing JSON, and the canonical form of RFC 8785.
 *
 * Bit d - 1 of `comma` says: at depth d a value stands already, so the next one (or its key) needs a comma.
 * A key clears the bit, for its value follows the colon; the value sets it again.
 * May include: base.  Threads: a writer has one owner.  Declared in json.h. */
#include "base/json.h"
#include "base/fault.h"
#include "base/str.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define JW_DEPTH_MAX 64

static uint64_t bit(const struct jw *w)
{
    return w->depth > 0 ? 1ull << ((w->depth - 1) & 63) : 0;
}

static void separate(struct jw *w)
{
    if (w->comma & bit(w))
        buf_addc(w->out, ',');
    w->comma |= bit(w);
}

static void open_level(struct jw *w, char c)
{
    separate(w);
    buf_addc(w->out, c);
    if (w->depth >= JW_DEPTH_MAX && !w->out->bad)
        w->out->bad = -ERR_TOO_LARGE;
    w->depth++;
    w->comma &= ~bit(w);
}

static void close_level(struct jw *w, char c)
{
    assert(w->depth > 0);
    w->depth--;
    buf_addc(w->out, c);
}

void jw_obj(struct jw *w)
{
    open_level(w, '{');
}

void jw_end_obj(struct jw *w)
{
    close_level(w, '}');
}

void jw_arr(struct jw *w)
{
    open_level(w, '[');
}

void jw_end_arr(struct jw *w)
{
    close_level(w, ']');
}

/* The shortest escape there is (RFC 8785 3.2.2.2); NULL when the byte needs none. */
static const char *escape(unsigned char c, char room[8])
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\t':
        return "\\t";
    case '\n':
        return "\\n";
    case '\f':
        return "\\f";
    case '\r':
        return "\\r";
    default:
        break;
    }
    if (c >= 0x20)
        return NULL;
    memcpy(room, "\\u00", 4);
    hex_encode(&c, 1, room + 4);
    return room;
}

#define REPLACEMENT "\xef\xbf\xbd"

/* Runs of plain bytes are copied whole. A NUL is written as U+FFFD: our own reader refuses \u0000. */
static void quote(struct buf *out, const char *s, size_t n)
{
    const char *run = s, *p = s, *end = s + n;
    char room[8];
    buf_addc(out, '"');
    while (p < end) {
        unsigned char c = (unsigned char)*p;
        const char *esc = c == '\0' ? REPLACEMENT : escape(c, room);
        const char *at = p;
        if (c < 0x80)
            p++;
        else if (utf8_next(&p, end) < 0)
            esc = REPLACEMENT;
        if (!esc)
            continue;
        buf_add(out, run, (size_t)(at - run));
        buf_puts(out, esc);
        run = p;
    }
    buf_add(out, run, (size_t)(end - run));
    buf_addc(out, '"');
}

void jw_key(struct jw *w, const char *key)
{
    separate(w);
    quote(w->out, key, strlen(key));
    buf_addc(w->out, ':');
    w->comma &= ~bit(w);
}

void jw_strn(struct jw *w, const char *s, size_t n)
{
    separate(w);
    quote(w->out, n ? s : "", n);
}

void jw_str(struct jw *w, const char *s)
{
    if (s)
        jw_strn(w, s, strlen(s));
    else
        jw_null(w);
}

void jw_int(struct jw *w, int64_t v)
{
    separate(w);
    buf_printf(w->out, "%" PRId64, v);
}

void jw_uint(struct jw *w, uint64_t v)
{
    separate(w);
    buf_printf(w->out, "%" PRIu64, v);
}

void jw_bool(struct jw *w, bool v)
{
    separate(w);
    buf_puts(w->out, v ? "true" : "false");
}

void jw_null(struct jw *w)
{
    separate(w);
    buf_puts(w->out, "null");
}

void jw_raw(struct jw *w, const char *json, size_t n)
{
    separate(w);
    buf_add(w->out, json, n);
}

void jw_kstr(struct jw *w, const char *k, const char *s)
{
    jw_key(w, k);
    jw_str(w, s);
}

void jw_kstr_opt(struct jw *w, const char *k, const char *s)
{
    if (s && *s)
        jw_kstr(w, k, s);
}

void jw_kint(struct jw *w, const char *k, int64_t v)
{
    jw_key(w, k);
    jw_int(w, v);
}

void jw_kbool(struct jw *w, const char *k, bool v)
{
    jw_key(w, k);
    jw_bool(w, v);
}

void jw_kraw(struct jw *w, const char *k, const char *json)
{
    jw_key(w, k);
    if (json)
        jw_raw(w, json, strlen(json));
    else
        jw_null(w);
}

void jw_ktime(struct jw *w, const char *k, int64_t us)
{
    char text[TIME_LEN];
    if (us)
        time_format(us, text);
    jw_kstr(w, k, us ? text : NULL);
}

static void add_b64(struct buf *out, const void *p, size_t n)
{
    size_t len = b64_len(n);
    if (buf_reserve(out, len) < 0)
        return;
    b64_encode(p, n, out->p + out->len);
    out->len += len;
}

void jw_kbytes(struct jw *w, const char *k, const void *p, size_t n)
{
    jw_key(w, k);
    jw_strn(w, p, n);
    if (n == 0 || (utf8_valid(p, n) && !memchr(p, 0, n)))
        return;
    separate(w);
    buf_addc(w->out, '"');
    buf_puts(w->out, k);
    buf_puts(w->out, "_b64\":\"");
    add_b64(w->out, p, n);
    buf_addc(w->out, '"');
}

/* Order of UTF-16 code units, told from UTF-8: it is byte order, but for code points from U+10000 (lead bytes F0-F4),
 * whose surrogates D800-DFFF come before U+E000-U+FFFF (lead bytes EE, EF). */
static int utf16_weight(unsigned char c)
{
    return c >= 0xf0 ? c - 2 : c >= 0xee ? c + 5 : c;
}

static int by_utf16(const void *a, const void *b)
{
    const unsigned char *x = (const unsigned char *)json_key(*(const void *const *)a);
    const unsigned char *y = (const unsigned char *)json_key(*(const void *const *)b);
    while (*x && *x == *y) {
        x++;
        y++;
    }
    return utf16_weight(*x) - utf16_weight(*y);
}

/* Beyond this, doubles (and so JavaScript, and RFC 8785) cannot tell neighbours apart. */
#define EXACT_MAX 9007199254740991LL

static int canonical(struct jw *w, const struct json *j, struct err *e);

static int canonical_object(struct jw *w, const struct json *o, struct err *e)
{
    size_t n = json_len(o), i = 0;
    const void **its = FAULT(alloc) ? NULL : calloc(n + 1, sizeof *its);
    if (!its)
        return err_oom(e);
    for (const void *it = json_first(o); it && i < n; it = json_next(o, it))
        its[i++] = it;
    qsort(its, i, sizeof *its, by_utf16);
    int r = 0;
    jw_obj(w);
    for (size_t k = 0; k < i && r == 0; k++) {
        jw_key(w, json_key(its[k]));
        r = canonical(w, json_val(its[k]), e);
    }
    jw_end_obj(w);
    free(its);
    return r;
}

static int canonical_array(struct jw *w, const struct json *a, struct err *e)
{
    int r = 0;
    jw_arr(w);
    for (size_t i = 0; i < json_len(a) && r == 0; i++)
        r = canonical(w, json_at(a, i), e);
    jw_end_arr(w);
    return r;
}

/* Recursion ends: values come from json_parse, which refuses more than 64 levels. */
static int canonical(struct jw *w, const struct json *j, struct err *e)
{
    int64_t v = json_int(j);
    switch (json_type(j)) {
    case JT_OBJ:
        return canonical_object(w, j, e);
    case JT_ARR:
        return canonical_array(w, j, e);
    case JT_REAL:
        return err_set(e, ERR_INVALID,
                       "a number with a fraction or exponent has no canonical form here: use an integer");
    case JT_INT:
        if (v > EXACT_MAX || v < -EXACT_MAX)
            return err_set(e, ERR_INVALID, "an integer beyond 2^53 has no canonical form: use a string");
        jw_int(w, v);
        break;
    case JT_STR:
        jw_strn(w, json_str(j), json_str_len(j));
        break;
    case JT_TRUE:
    case JT_FALSE:
        jw_bool(w, json_true(j));
        break;
    case JT_NULL:
        jw_null(w);
        break;
    }
    return 0;
}

int json_canonical(const struct json *j, struct buf *out, struct err *e)
{
    struct jw w = JW_INIT(out);
    int r = canonical(&w, j, e);
    if (r < 0)
        return r;
    return out->bad ? err_set(e, -out->bad, NULL) : 0;
}

int json_canonical_text(const char *p, size_t n, struct buf *out, struct err *e)
{
    AUTO_PTR(json_free) struct json *j = NULL;
    int r = json_parse(p, n, &j, e);
    return r < 0 ? r : json_canonical(j, out, e);
}
