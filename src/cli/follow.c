/* follow - see follow.h.
 *
 *   connect --(Last-Event-ID: cursor)--> events --> handled: cursor = id
 *      ^                                   |
 *      '---- wait, 0.2 s .. 5 s ---- lost or ended early; 60 s without an answer: give up
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "cli/follow.h"
#include "base/str.h"
#include "cli/ui.h"
#include "net/sse.h"
#include <string.h>

/* A log frame holds 256 KiB; as JSON with every byte escaped it is six times that. */
#define EVENT_MAX  (4 * MIB)
#define CURSOR_MAX (8 * KIB)
/* The server sends a comment every 15 s: three of them missing means that nobody is there. */
#define STREAM_IDLE_MS 45000
#define PAGE           "500"

void follow_init(struct follow *f, struct api *api, const char *run,
                 int (*on_event)(void *, const struct json *, const char *, size_t, struct err *), void *arg)
{
    *f = (struct follow){.api = api, .run = run, .on_event = on_event, .arg = arg};
    buf_init(&f->cursor, CURSOR_MAX);
}

void follow_fini(struct follow *f)
{
    buf_fini(&f->cursor);
}

static const char *cursor(const struct follow *f)
{
    return f->cursor.p && f->cursor.len ? f->cursor.p : NULL;
}

static int set_cursor(struct follow *f, const char *id, struct err *e)
{
    if (!id || !*id)
        return 0;
    buf_reset(&f->cursor);
    buf_puts(&f->cursor, id);
    return f->cursor.bad ? err_set(e, ERR_IO, "the server's cursor is too long") : 0;
}

static int handle(struct follow *f, const struct json *ev, const char *raw, size_t n, const char *id, struct err *e)
{
    int r = f->on_event(f->arg, ev, raw, n, e);
    if (r < 0)
        return r;
    if (str_eq(json_str(json_get(ev, "type")), "run.completed"))
        f->ended = true;
    int x = set_cursor(f, id, e);
    return x < 0 ? x : r;
}

/* ---- the stream ------------------------------------------------------------- */

struct feed {
    struct follow *f;
    struct sse_parser *sse;
    struct err *e;
    int r;      /* why it stopped: 1 or a negative code; 0: it did not */
    bool alive; /* something came */
};

static int on_msg(void *arg, const struct sse_msg *m)
{
    struct feed *d = arg;
    AUTO_PTR(json_free) struct json *ev = NULL;
    d->alive = true;
    d->r = json_parse(m->data, m->n, &ev, d->e);
    if (d->r < 0)
        d->r = err_set(d->e, ERR_INTERNAL, "the server sent an event that cannot be read");
    else
        d->r = handle(d->f, ev, m->data, m->n, m->id, d->e);
    if (d->r == 0 && (d->f->ended || d->f->api->ui->broken))
        d->r = 1;
    return d->r;
}

static int on_bytes(void *arg, const char *p, size_t n)
{
    struct feed *d = arg;
    struct err e = ERR_INIT;
    if (d->f->lost)
        ui_note(d->f->api->ui, "sallyport: connected again");
    d->f->lost = false;
    int r = sse_feed(d->sse, p, n, &e);
    if (r < 0 && d->r >= 0 && e.code) { /* of the parser, not of on_msg */
        d->r = r;
        *d->e = e;
    }
    ui_flush(d->f->api->ui);
    return d->r;
}

/* One connection. 1: stopped by the handler or completed; 0: the stream ended; negative: an error. */
static int stream_once(struct follow *f, bool *ret_alive, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    struct feed d = {.f = f, .e = e};
    d.sse = sse_parser_new(EVENT_MAX, on_msg, &d);
    if (!d.sse)
        return err_oom(e);
    api_path(&path, "/runs/{}/events", f->run, NULL);
    struct err why = ERR_INIT;
    int r = api_stream(f->api, &path, "text/event-stream", cursor(f), STREAM_IDLE_MS, on_bytes, &d, &why);
    sse_parser_free(d.sse);
    *ret_alive = d.alive;
    f->api->answered = f->api->answered || d.alive; /* also when the connection broke before the answer's end */
    if (d.r != 0)
        return d.r;
    if (r < 0)
        *e = why;
    return r;
}

/* A stream that ends by itself while the run goes on: the server is stopping, or a proxy cut it. */
static bool worth_again(int r)
{
    return r == 0 || api_lost(r) || err_info(-r)->retryable;
}

int follow_stream(struct follow *f, struct err *e)
{
    int64_t since = 0;
    unsigned tries = 0;
    bool first = !f->api->answered;
    for (;;) {
        bool alive = false;
        int r = stream_once(f, &alive, e);
        if (r == 1)
            return 0;
        if (!worth_again(r) || (first && !f->api->answered))
            return r;
        if (alive) {
            since = 0;
            tries = 0;
        }
        if (r == 0)
            (void)err_set(e, ERR_UNREACHABLE, "the server at %s ended the stream and did not come back", f->api->where);
        f->lost = true;
        r = api_backoff(f->api, &since, &tries, e);
        if (r < 0)
            return r;
    }
}

/* ---- pages ------------------------------------------------------------------- */

static int handle_page(struct follow *f, const struct json *items, struct err *e)
{
    for (size_t i = 0; i < json_len(items); i++) {
        AUTO(buf_fini) struct buf raw = BUF_INIT(EVENT_MAX);
        const struct json *ev = json_at(items, i);
        int r = json_canonical(ev, &raw, e);
        if (r == 0)
            r = handle(f, ev, raw.p, raw.len, json_str(json_get(ev, "id")), e);
        if (r != 0 || f->api->ui->broken)
            return r < 0 ? r : 1;
    }
    return 0;
}

int follow_now(struct follow *f, struct err *e)
{
    for (;;) {
        AUTO(buf_fini) struct buf path = BUF_INIT(CURSOR_MAX + KIB);
        AUTO(api_reply_fini) struct api_reply reply = {0};
        api_path(&path, "/runs/{}/events", f->run, NULL);
        api_query(&path, "cursor", cursor(f));
        api_query(&path, "limit", PAGE);
        int r = api_get(f->api, &path, &reply, e);
        if (r < 0)
            return r;
        const struct json *items = json_get(reply.json, "items");
        r = handle_page(f, items, e);
        if (r == 0)
            r = set_cursor(f, json_str(json_get(reply.json, "cursor")), e);
        if (r != 0 || json_len(items) == 0 || f->ended)
            return r < 0 ? r : 0;
    }
}
