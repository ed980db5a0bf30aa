/* sse.c - a run's events as a server-sent stream.
 *
 * Nothing is buffered for a slow client but what one fill gave: the stream stays where it is. */
#include "net/sse.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/call.h"
#include "api/frames.h"
#include "api/tally.h"
#include "base/str.h"
#include "service/auth.h"
#include "service/stream.h"

#define RETRY_MS 1000
#define SOFT_MAX (64 * KIB) /* a fill stops after this much; a single item may be larger */

struct sub {
    struct svc *svc;
    struct stream *stream;
    struct http_stream *http;
    struct tally *tally;
    struct tally_token *token;
    bool begun, dead;
    char tenant[64], token_id[40]; /* caller.token_id */
    struct id run;
    char trace_id[33]; /* of the request that opened it */
};

static int enter(struct call *c, struct sub *s, struct err *e)
{
    struct tally *t = api_sse_tally(c->api);
    int r = tally_enter(t, c->who.token_id, &s->token, e);

    if (r < 0)
        return r;
    s->tally = t;
    snprintf(s->token_id, sizeof s->token_id, "%s", c->who.token_id);
    snprintf(s->tenant, sizeof s->tenant, "%s", c->who.tenant);
    return 0;
}

static void sub_free(struct sub *s)
{
    stream_close(s->stream);
    if (s->token)
        tally_leave(s->tally, s->token);
    free(s);
}

static void wake(void *arg)
{
    http_stream_wake(arg);
}

static void say(const struct stream_item *it, struct buf *out)
{
    FRAME_SENT("sse", "", it->json, it->json_len, "");
    sse_event(out, it->cursor, it->type, it->json, it->json_len);
}

/* The first bytes: how soon a client that was cut off comes back with its cursor. */
static void begin(struct sub *s, struct buf *out)
{
    if (!s->begun)
        sse_retry(out, RETRY_MS);
    s->begun = true;
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

static int look(void *arg, struct err *e)
{
    struct sub *s = arg;

    return auth_token_lives(s->svc, s->tenant, s->token_id, e);
}

static enum http_fill fill(void *arg, unsigned why, struct buf *out)
{
    struct sub *s = arg;
    struct stream_item it;
    struct err e = ERR_INIT;
    int r = 0;

    if (!look_still_good(tally_look(s->token), look, s))
        return HTTP_FILL_END; /* the client comes back, and is told why not */
    begin(s, out);
    while (!s->dead && out->len < SOFT_MAX && (r = stream_next(s->stream, &it, &e)) == 1)
        say(&it, out);
    stream_rest(s->stream);
    if (r < 0) {
        log_err(s->svc->log, log_level_refused(e.code), "sse",
                &(struct log_ctx){.trace_id = s->trace_id, .run_id = s->run.s}, "read a stream", &e);
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

    if (!look_good_now(tally_look(s->token)))
        return HTTP_FILL_BLOCKS;
    begin(s, out);
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

    sub_free(s);
}

/* Proxies are to pass each event on as it comes (nginx's own word for it). */
static int open_http(struct call *c, struct sub *s, struct err *e)
{
    static const struct http_stream_ops ops = {fill, closed, poll};
    int r = http_reply_header(c->rq, "X-Accel-Buffering", "no", e);

    return r < 0 ? r : http_stream_open(c->rq, 200, "text/event-stream", &ops, s, &s->http, e);
}

int sse_reply(struct call *c, const struct id *run, const char *cursor, struct err *e)
{
    struct sub *s = calloc(1, sizeof *s);
    int r;

    if (!s)
        return err_oom(e);
    s->svc = c->svc;
    s->run = *run;
    (void)!str_copy(s->trace_id, sizeof s->trace_id, c->who.trace_id);
    r = stream_open(c->svc, c->who.tenant, run, cursor, &s->stream, e);
    if (r == 0)
        r = enter(c, s, e);
    if (r == 0)
        r = open_http(c, s, e);
    if (r < 0) {
        sub_free(s);
        return r;
    }
    /* After it is open (a wake needs it), before the first fill (which comes after this handler returns): what grows in
     * between is read by that fill. */
    if (stream_follow(s->stream, wake, s->http, e) < 0)
        s->dead = true;
    return 0;
}
