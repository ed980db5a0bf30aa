/* fuzz_sse - any bytes to the event parser: the split makes no difference, and what it reports reads back as
 * the same after it was written by sse_event. */
#include <stdlib.h>
#include <string.h>
#include "net/sse.h"

static int note(void *arg, const struct sse_msg *m)
{
    struct buf *b = arg;
    buf_printf(b, "[%s|%s|", m->id, m->type);
    buf_add(b, m->data, m->n);
    buf_addc(b, ']');
    return 0;
}

static int rewrite(void *arg, const struct sse_msg *m)
{
    sse_event(arg, m->id, m->type, m->data, m->n);
    return 0;
}

static int parse(const char *s, size_t n, size_t step, sse_fn fn, struct buf *out)
{
    struct sse_parser *p = sse_parser_new(256, fn, out);
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i += step)
        r = sse_feed(p, s + i, step < n - i ? step : n - i, NULL);
    sse_parser_free(p);
    return r;
}

static bool same(const struct buf *a, const struct buf *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->p, b->p, a->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *s = (const char *)data;
    struct buf a = BUF_INIT(MIB), b = BUF_INIT(MIB), w = BUF_INIT(MIB), c = BUF_INIT(MIB);
    int x = parse(s, size, size, note, &a), y = parse(s, size, 1, note, &b);
    if (x != y || !same(&a, &b))
        abort();
    /* every event here gives its id, so an empty one clears the last as the first reading did */
    if (x == 0 && parse(s, size, size, rewrite, &w) == 0 && parse(w.p, w.len, w.len, note, &c) == 0 && !same(&a, &c))
        abort();
    buf_fini(&a);
    buf_fini(&b);
    buf_fini(&w);
    buf_fini(&c);
    return 0;
}
