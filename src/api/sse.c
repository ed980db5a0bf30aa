/* sse.c - a run's events as a server-sent stream.
 *
 * Nothing is buffered for a slow client but what one fill gave: the stream stays where it is. */
#include "net/sse.h"

#include <stdlib.h>

#include "api/call.h"
#include "api/frames.h"
#include "service/stream.h"

#define SOFT_MAX (64 * KIB) /* a fill stops after this much; a single item may be larger */

struct sub {
    struct svc *svc;
    struct stream *stream;
    struct http_stream *http;
    bool dead;
};

static void wake(void *arg)
{
    struct sub *s = arg;

    http_stream_wake(s->http);
}

static void say(const struct stream_item *it, struct buf *out)
{
    FRAME_SENT("sse", "", it->json, it->json_len, "");
    sse_event(out, it->cursor, it->type, it->json, it->json_len);
}

static enum http_fill outcome(struct sub *s, unsigned why, struct buf *out)
{
    if (s->dead || stream_ended(s->stream))
        return HTTP_FILL_END;
    if (out->len >= SOFT_MAX)
        return HTTP_FILL_MORE;
    if (out->len == 0 && why & HTTP_FILL_TIMER)
        sse_comment(out, "still here");
    return HTTP_FILL_WAIT;
}

static enum http_fill fill(void *arg, unsigned why, struct buf *out)
{
    struct sub *s = arg;
    struct stream_item it;
    struct err e = ERR_INIT;
    int r = 0;

    while (!s->dead && out->len < SOFT_MAX && (r = stream_next(s->stream, &it, &e)) == 1)
        say(&it, out);
    stream_rest(s->stream);
    if (r < 0) {
        log_err(s->svc->log, LOG_LV_ERROR, "sse", NULL, "read a stream", &e);
        return HTTP_FILL_END; /* the client comes back with its cursor */
    }
    return outcome(s, why, out);
}

/* As fill, as far as that goes without blocking. */
static enum http_fill poll(void *arg, unsigned why, struct buf *out)
{
    struct sub *s = arg;
    struct stream_item it;
    int r = 0;

    while (!s->dead && out->len < SOFT_MAX && (r = stream_poll(s->stream, &it)) == 1)
        say(&it, out);
    if (r == STREAM_BLOCKS)
        return HTTP_FILL_BLOCKS;
    stream_rest(s->stream);
    return outcome(s, why, out);
}

static void closed(void *arg)
{
    struct sub *s = arg;

    stream_close(s->stream);
    free(s);
}

int sse_reply(struct call *c, const struct id *run, const char *cursor, struct err *e)
{
    static const struct http_stream_ops ops = {fill, closed, poll};
    struct sub *s = calloc(1, sizeof *s);
    int r;

    if (!s)
        return err_oom(e);
    s->svc = c->svc;
    r = stream_open(c->svc, c->who.tenant, run, cursor, &s->stream, e);
    if (r == 0)
        r = http_stream_open(c->rq, 200, "text/event-stream", &ops, s, &s->http, e);
    if (r < 0) {
        stream_close(s->stream);
        free(s);
        return r;
    }
    /* After it is open (a wake needs it), before the first fill (which comes after this handler returns): what grows in
     * between is read by that fill. */
    if (stream_follow(s->stream, wake, s, e) < 0)
        s->dead = true;
    return 0;
}
