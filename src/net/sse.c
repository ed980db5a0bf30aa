/* sse - see sse.h. Parsing follows the WHATWG HTML standard, 9.2.6: lines end in
 * CR, LF or CRLF; one BOM at the start is dropped; an id with a NUL is ignored. */
#include <stdlib.h>
#include <string.h>
#include "base/str.h"
#include "net/sse.h"
#include "net/mem.h"

struct sse_parser {
    size_t max;
    sse_fn fn;
    void *arg;
    bool cr;      /* the last byte was a CR: an LF now belongs to it */
    unsigned bom; /* bytes of a BOM seen; 3 = past the start */
    int failed;
    struct buf line, data, type, id; /* id stays from event to event */
    bool has_data;
    int64_t retry_ms;
};

/* ---- writing ------------------------------------------------------------- */

static bool one_line(const char *s)
{
    return s && !strpbrk(s, "\r\n");
}

/* Length of the line at p and, in *ret_skip, of its end. */
static size_t line_len(const char *p, size_t n, size_t *ret_skip)
{
    const char *lf = n ? memchr(p, '\n', n) : NULL;
    size_t i = lf ? (size_t)(lf - p) : n;
    const char *cr = i ? memchr(p, '\r', i) : NULL;
    if (cr)
        i = (size_t)(cr - p);
    *ret_skip = i == n ? 0 : p[i] == '\r' && i + 1 < n && p[i + 1] == '\n' ? 2 : 1;
    return i;
}

static void put_field(struct buf *out, const char *name, const char *value)
{
    if (!one_line(value))
        return;
    buf_puts(out, name);
    buf_puts(out, value);
    buf_addc(out, '\n');
}

void sse_event(struct buf *out, const char *id, const char *type, const char *data, size_t n)
{
    put_field(out, "id: ", id);
    put_field(out, "event: ", type);
    for (;;) {
        size_t skip, k = line_len(data, n, &skip);
        buf_puts(out, "data: ");
        buf_add(out, data, k);
        buf_addc(out, '\n');
        data += k + skip;
        n -= k + skip;
        if (skip == 0)
            break;
    }
    buf_addc(out, '\n');
}

size_t sse_event_size(const char *id, const char *type, const char *data, size_t n)
{
    size_t lines = 1;
    for (size_t i = 0; i < n; i++)
        lines += data[i] == '\n' || data[i] == '\r';
    return (id ? strlen(id) + 5 : 0) + (type ? strlen(type) + 8 : 0) + n + lines * 7 + 1;
}

void sse_comment(struct buf *out, const char *text)
{
    buf_puts(out, ": ");
    for (; *text; text++)
        buf_addc(out, *text == '\r' || *text == '\n' ? ' ' : *text);
    buf_puts(out, "\n\n");
}

void sse_retry(struct buf *out, unsigned ms)
{
    buf_printf(out, "retry: %u\n\n", ms);
}

/* ---- reading ------------------------------------------------------------- */

struct sse_parser *sse_parser_new(size_t max, sse_fn fn, void *arg)
{
    struct sse_parser *p = mem_new(1, sizeof *p);
    if (!p)
        return NULL;
    p->max = max;
    p->fn = fn;
    p->arg = arg;
    p->retry_ms = -1;
    buf_init(&p->line, max);
    buf_init(&p->data, max + 1); /* its last LF is dropped */
    buf_init(&p->type, max);
    buf_init(&p->id, max);
    return p;
}

void sse_parser_free(struct sse_parser *p)
{
    if (!p)
        return;
    buf_fini(&p->line);
    buf_fini(&p->data);
    buf_fini(&p->type);
    buf_fini(&p->id);
    free(p);
}

const char *sse_last_id(const struct sse_parser *p)
{
    return p->id.p ? p->id.p : "";
}

int64_t sse_retry_ms(const struct sse_parser *p)
{
    return p->retry_ms;
}

static int dispatch(struct sse_parser *p)
{
    int r = 0;
    if (p->has_data) {
        struct sse_msg m = {
            .id = sse_last_id(p),
            .type = p->type.p && p->type.p[0] ? p->type.p : "message",
            .data = p->data.p,
            .n = p->data.len - 1,
        };
        p->data.p[m.n] = '\0';
        r = p->fn(p->arg, &m);
    }
    buf_reset(&p->data);
    buf_reset(&p->type);
    p->has_data = false;
    return r;
}

static void set(struct buf *b, const char *v, size_t n)
{
    buf_reset(b);
    buf_add(b, v, n);
    buf_addc(b, '\0'); /* so that an empty value is a string too */
    b->len -= b->len > 0;
}

static void field(struct sse_parser *p, const char *name, size_t nname, const char *v, size_t n)
{
    if (nname == 4 && memcmp(name, "data", 4) == 0) {
        buf_add(&p->data, v, n);
        buf_addc(&p->data, '\n');
        p->has_data = true;
    } else if (nname == 5 && memcmp(name, "event", 5) == 0) {
        set(&p->type, v, n);
    } else if (nname == 2 && memcmp(name, "id", 2) == 0) {
        if (!memchr(v, '\0', n))
            set(&p->id, v, n);
    } else if (nname == 5 && memcmp(name, "retry", 5) == 0) {
        uint64_t ms;
        if (n < 10 && str_u64(v, &ms))
            p->retry_ms = (int64_t)ms;
    }
}

/* A whole line is in p->line. */
static int take_line(struct sse_parser *p)
{
    const char *s = p->line.len ? p->line.p : "";
    size_t n = p->line.len;
    if (n == 0)
        return dispatch(p);
    const char *colon = memchr(s, ':', n);
    if (colon == s)
        return 0; /* a comment */
    const char *v = colon ? colon + 1 : s + n;
    if (v < s + n && *v == ' ')
        v++;
    field(p, s, colon ? (size_t)(colon - s) : n, v, (size_t)(s + n - v));
    return 0;
}

/* U+FEFF at the very start is not content. True while the byte may belong to it. */
static bool skip_bom(struct sse_parser *p, char c)
{
    static const char bom[] = "\xef\xbb\xbf";
    if (p->bom < 3 && c == bom[p->bom]) {
        p->bom++;
        return true;
    }
    if (p->bom > 0 && p->bom < 3) /* it was not one: give the bytes back */
        buf_add(&p->line, bom, p->bom);
    p->bom = 3;
    return false;
}

static int take_byte(struct sse_parser *p, char c)
{
    if (p->bom < 3 && skip_bom(p, c))
        return 0;
    bool after_cr = p->cr;
    p->cr = c == '\r';
    if (c == '\n' && after_cr)
        return 0;
    if (c != '\n' && c != '\r') {
        buf_addc(&p->line, c);
        return 0;
    }
    int r = take_line(p);
    buf_reset(&p->line);
    return r;
}

static int first_bad(const struct sse_parser *p)
{
    const struct buf *const all[] = {&p->line, &p->data, &p->type, &p->id};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i]->bad)
            return all[i]->bad;
    return 0;
}

int sse_feed(struct sse_parser *p, const char *s, size_t n, struct err *e)
{
    for (size_t i = 0; i < n && !p->failed; i++) {
        size_t before = p->line.len;
        int r = take_byte(p, s[i]);
        if (r != 0)
            return r;
        /* only a full line or an added byte can have filled a buffer */
        if (p->line.bad || p->line.len <= before)
            p->failed = first_bad(p);
    }
    if (p->failed)
        return err_bad(e, p->failed, "an event of the stream is larger than %zu bytes", p->max);
    return 0;
}
