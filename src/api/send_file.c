/* send_file.c - an answer from a file: whole when it is small, as a stream when it is not.
 *
 * Why it exists: a diff of very many files is larger than what one answer may hold in memory (http.h, max_reply). */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/call.h"
#include "service/effects_show.h"

#define WHOLE_MAX ((int64_t)(256 * KIB))

struct sending {
    struct effects_view v;
    size_t head_at, i, tail_at; /* how much of each is out */
    size_t range_at;
};

static void some_of(struct buf *out, const struct buf *from, size_t *at)
{
    size_t room = out->max - out->len, n = from->len - *at;

    n = n < room ? n : room;
    buf_add(out, from->p ? from->p + *at : "", n);
    *at += n;
}

/* False when the file could not be read: it is gone from under its name, or the disk failed. */
static bool some_of_file(struct sending *s, struct buf *out)
{
    while (s->i < s->v.nranges && out->len < out->max) {
        const struct effects_range *g = &s->v.range[s->i];
        size_t room = out->max - out->len, n = g->n - s->range_at;
        ssize_t k;

        n = n < room ? n : room;
        if (buf_reserve(out, n) < 0)
            return false;
        k = pread(s->v.fd, out->p + out->len, n, g->at + (off_t)s->range_at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return false;
        out->len += (size_t)k;
        s->range_at += (size_t)k;
        if (s->range_at == g->n) {
            s->range_at = 0;
            s->i++;
        }
    }
    return true;
}

static bool fill_some(struct sending *s, struct buf *out)
{
    some_of(out, &s->v.head, &s->head_at);
    if (!some_of_file(s, out))
        return false;
    if (s->i == s->v.nranges)
        some_of(out, &s->v.tail, &s->tail_at);
    return true;
}

static bool is_done(const struct sending *s)
{
    return s->head_at == s->v.head.len && s->i == s->v.nranges && s->tail_at == s->v.tail.len;
}

/* An answer that cannot go on is cut off (http.h: an overflow), so that the client never takes a part for the whole. */
static enum http_fill fill(void *arg, unsigned why, struct buf *out)
{
    struct sending *s = arg;
    bool ok = fill_some(s, out);

    if (ok && is_done(s))
        return HTTP_FILL_END;
    if (!ok || why & HTTP_FILL_STOP)
        out->bad = -ERR_TOO_LARGE;
    return HTTP_FILL_MORE;
}

static void closed(void *arg)
{
    struct sending *s = arg;

    effects_view_fini(&s->v);
    free(s);
}

static int send_whole(struct call *c, const char *type, struct sending *s, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT((size_t)WHOLE_MAX);

    if (!fill_some(s, &b) || b.bad || !is_done(s))
        return err_set(e, ERR_IO, "a file of the run cannot be read");
    return http_reply(c->rq, 200, type, b.p ? b.p : "", b.len);
}

int call_send(struct call *c, const char *type, struct effects_view *v, struct err *e)
{
    static const struct http_stream_ops ops = {fill, closed};
    struct http_stream *stream;
    struct sending *s = calloc(1, sizeof *s);
    bool small = effects_view_size(v) <= WHOLE_MAX;
    int r;

    if (!s)
        return err_oom(e);
    s->v = *v;
    *v = (struct effects_view){.fd = -1};
    r = small ? send_whole(c, type, s, e) : http_stream_open(c->rq, 200, type, &ops, s, &stream, e);
    if (small || r < 0)
        closed(s);
    return r;
}
