/* fuzz_http - any bytes to the request parser. Besides memory errors it must hold that
 *  - how the bytes are split makes no difference: whole, in two, byte by byte;
 *  - an accepted request has a UTF-8 path that begins with '/', no control bytes in fields, and a body in bounds. */
#include <stdlib.h>
#include <string.h>
#include "base/str.h"
#include "net/http_parse.h"

static const struct http_parse_limits limits = {
    .max_line = 512, .max_header_bytes = 1024, .max_headers = 20, .max_body = 256};

/* Feeds at most `step` bytes at a time, a first piece of `first`. Returns how many were taken. */
static size_t feed(struct http_parse *ps, const char *s, size_t n, size_t first, size_t step)
{
    size_t used = 0;
    while (used < n && http_parse_state(ps) < HTTP_PARSE_DONE) {
        size_t k = used == 0 && first ? first : step;
        used += http_parse_feed(ps, s + used, k < n - used ? k : n - used);
    }
    return used;
}

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_msg(const struct http_msg *m)
{
    must(m->target.path[0] == '/' && utf8_valid(m->target.path, strlen(m->target.path)));
    must(m->body.len <= limits.max_body && (m->chunked || m->body.len == m->length));
    must(m->http10 || http_msg_field(m, "host"));
    must(m->nfields <= limits.max_headers && !(m->chunked && http_msg_field(m, "content-length")));
    for (size_t i = 0; i < m->target.nsegs; i++)
        must(!str_eq(m->target.segs[i], "..") && !str_eq(m->target.segs[i], ".") && !strchr(m->target.segs[i], '/'));
    for (size_t i = 0; i < m->target.nquery; i++)
        must(utf8_valid(m->target.query[i].value, strlen(m->target.query[i].value)));
    for (size_t i = 0; i < m->nfields; i++)
        must(!strpbrk(m->fields[i].value, "\r\n") && m->fields[i].name[0]);
}

static void check_same(struct http_parse *a, size_t ua, struct http_parse *b, size_t ub)
{
    must(http_parse_state(a) == http_parse_state(b));
    if (http_parse_state(a) == HTTP_PARSE_BAD)
        must(http_parse_error(a)->code == http_parse_error(b)->code);
    if (http_parse_state(a) != HTTP_PARSE_DONE)
        return;
    const struct http_msg *x = http_parse_msg(a), *y = http_parse_msg(b);
    must(ua == ub && x->method == y->method && x->nfields == y->nfields && x->body.len == y->body.len);
    must(str_eq(x->target.path, y->target.path));
    must(x->body.len == 0 || memcmp(x->body.p, y->body.p, x->body.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *s = (const char *)data;
    size_t n = size;
    for (int k = 0; k < 4 && n > 0; k++) { /* what follows a request is the next one */
        struct http_parse *whole = http_parse_new(&limits), *two = http_parse_new(&limits);
        struct http_parse *bytes = http_parse_new(&limits);
        size_t u1 = feed(whole, s, n, 0, n), u2 = feed(two, s, n, n / 2, n), u3 = feed(bytes, s, n, 0, 1);
        check_same(whole, u1, two, u2);
        check_same(whole, u1, bytes, u3);
        bool done = http_parse_state(whole) == HTTP_PARSE_DONE;
        if (done)
            check_msg(http_parse_msg(whole));
        http_parse_free(whole);
        http_parse_free(two);
        http_parse_free(bytes);
        if (!done)
            break;
        s += u1;
        n -= u1;
    }
    return 0;
}
