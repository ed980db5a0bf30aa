/* http_stream - an answer that is pulled piece by piece; see http.h.
 *
 * Where a stream is, seen from the loop (the connection's state):
 *
 *   adopt -> SWRITE(head) -> [ready] --more, woken, stop--> SFILL -> SWRITE -> [ready] ...
 *                               '------- nothing ---> SWAIT --woken, heartbeat, stop--> SFILL
 *   ended and written, or client gone -> detached -> (not held) -> closed job -> freed
 *   upgraded: ended and written -> SBYE -> the peer's last word -> detached ...
 *
 * Facts: out_now is true exactly while its job (fill or closed) is in the pool,
 * so fill and closed never overlap; after detach `conn` is NULL and the next
 * job is `closed`, the last; it waits while somebody holds the stream.
 * May include: base/ os/.   Threads: loop; fill_run, closed_run: pool; wake: any. */
#include <stdlib.h>
#include <string.h>
#include "net/http_int.h"
#include "net/mem.h"

#define UNSENT                                                                                                         \
    (128 * KIB) /* what the kernel may hold of a stream and not have sent: a client that never reads costs it */

static void fill_run(struct http_job *);
static void fill_done(struct http_job *);
static void closed_run(struct http_job *);
static void closed_done(struct http_job *);

static struct http_stream *of_job(struct http_job *j)
{
    return (struct http_stream *)((char *)j - offsetof(struct http_stream, job));
}

/* ---- opening: handler thread -------------------------------------------- */

static int check_open(struct http_req *rq, int status, const char *type, struct err *e)
{
    if (rq->local)
        return err_set(e, ERR_TOO_LARGE, "the answer is too large for one message: ask for it over HTTP");
    if (rq->answered)
        return err_set(e, ERR_STATE, "the request was answered already");
    if (status < 200 || status > 599 || status == 204 || status == 304 || !type || strpbrk(type, "\r\n"))
        return err_set(e, ERR_INVALID, "a stream needs a status with a body and a content type");
    return 0;
}

/* The head is in rq->head: counts the stream and makes it rq's answer. It is freed on failure. */
static int opened(struct http_req *rq, struct http_stream *s, bool keep, struct http_stream **ret, struct err *e)
{
    bool full = atomic_fetch_add(&s->srv->n.open_streams, 1) >= s->srv->cfg.max_streams;
    if (full || rq->head.bad) {
        atomic_fetch_sub(&s->srv->n.open_streams, 1);
        buf_reset(&rq->head);
        rq->keep = keep;
        free(s);
        return full ? err_set(e, ERR_UNAVAILABLE, "too many event streams are open: close some or try again")
                    : err_oom(e);
    }
    rq->answered = true;
    rq->stream = s;
    *ret = s;
    return 0;
}

static struct http_stream *stream_new(struct http_req *rq, const struct http_stream_ops *ops, void *arg)
{
    struct http_stream *s = mem_new(1, sizeof *s);
    if (!s)
        return NULL;
    s->srv = rq->srv;
    s->ops = ops;
    s->arg = arg;
    s->more = true; /* the first fill */
    return s;
}

int http_stream_open(struct http_req *rq, int status, const char *type, const struct http_stream_ops *ops, void *arg,
                     struct http_stream **ret, struct err *e)
{
    int r = check_open(rq, status, type, e);
    if (r < 0)
        return r;
    struct http_stream *s = stream_new(rq, ops, arg);
    if (!s)
        return err_oom(e);
    s->chunked = !rq->msg->http10;
    s->head_only = rq->msg->method == HTTP_M_HEAD;
    bool keep = rq->keep;
    rq->keep = keep && s->chunked; /* only its chunks tell where it ends */
    http_reply_head(&rq->head, rq, status, type, -1, s->chunked ? "Transfer-Encoding: chunked\r\n" : NULL);
    return opened(rq, s, keep, ret, e);
}

int http_stream_upgrade(struct http_req *rq, const char *fields, const struct http_stream_ops *ops,
                        const struct http_tap *tap, void *arg, struct http_stream **ret, struct err *e)
{
    if (rq->answered)
        return err_set(e, ERR_STATE, "the request was answered already");
    struct http_stream *s = stream_new(rq, ops, arg);
    if (!s)
        return err_oom(e);
    s->tap = tap;
    bool keep = rq->keep;
    rq->keep = false; /* nothing that comes on this connection is HTTP any more */
    http_reply_switch(&rq->head, rq, fields);
    return opened(rq, s, keep, ret, e);
}

/* ---- waking: any thread --------------------------------------------------- */

static void list(struct http_stream *s)
{
    struct http_server *srv = s->srv;
    pthread_mutex_lock(&srv->wake_lock);
    bool first = srv->wakes == NULL;
    if (!s->listed) { /* a fill may have begun, for another reason, before the loop looked at the list */
        s->wake_next = srv->wakes;
        s->listed = true;
        srv->wakes = s;
    }
    if (first)
        io_wake(srv->io);
    pthread_mutex_unlock(&srv->wake_lock);
}

void http_stream_wake(struct http_stream *s)
{
    if (!atomic_exchange(&s->woken, true)) /* else the wake before has not been answered by a fill yet */
        list(s);
}

/* A stream must not be freed while listed. */
static void unlist(struct http_stream *s)
{
    struct http_server *srv = s->srv;
    pthread_mutex_lock(&srv->wake_lock);
    if (s->listed) {
        struct http_stream **p = &srv->wakes;
        while (*p != s)
            p = &(*p)->wake_next;
        *p = s->wake_next;
    }
    pthread_mutex_unlock(&srv->wake_lock);
}

/* ---- the pool's side -------------------------------------------------------- */

static void fill_run(struct http_job *j)
{
    struct http_stream *s = of_job(j);
    buf_init(&s->out, s->srv->cfg.stream_chunk);
    s->result = s->ops->fill(s->arg, s->why, &s->out);
}

static void closed_run(struct http_job *j)
{
    struct http_stream *s = of_job(j);
    s->ops->closed(s->arg);
}

struct chunk_head {
    size_t at; /* where it begins; it ends at the end */
    char text[2 * sizeof(size_t) + 2];
};

/* ---- the loop's side --------------------------------------------------------- */

static void push(struct http_stream *s, void (*run)(struct http_job *), void (*done)(struct http_job *))
{
    s->out_now = true;
    s->job.run = run;
    s->job.done = done;
    http_conn_push(s->srv, HTTP_POOL_STREAM, &s->job);
}

/* No connection, and nobody works for it any more: `closed` is its last job. */
static void close_unused(struct http_stream *s)
{
    if (!s->conn && !s->out_now && s->held == 0)
        push(s, closed_run, closed_done);
}

void http_stream_hold(struct http_stream *s)
{
    s->held++;
}

void http_stream_release(struct http_stream *s)
{
    s->held--;
    close_unused(s);
}

static void poll_now(struct http_stream *s);

static void push_fill(struct http_stream *s)
{
    s->blocks = false;
    http_conn_enter(s->conn, HTTP_C_SFILL);
    push(s, fill_run, fill_done);
}

/* Asks for the next piece: on the loop where that can be told without blocking, else in the pool. */
static void start_fill(struct http_stream *s, unsigned why)
{
    s->why = why | (s->wake ? HTTP_FILL_WAKE : 0) | (s->more ? HTTP_FILL_ROOM : 0) | (s->stop ? HTTP_FILL_STOP : 0);
    if (io_now(s->srv->io) - s->said_ms >= s->srv->cfg.heartbeat_ms)
        s->why |= HTTP_FILL_TIMER; /* also when it was woken often with nothing to say */
    s->wake = s->more = false;
    /* From here on a wake asks for another fill. An exchange, not a store: what a waker wrote before a wake that
     * was merged into this one must be seen by this fill. */
    atomic_exchange(&s->woken, false);
    if (s->ops->poll && !s->blocks)
        poll_now(s);
    else
        push_fill(s);
}

/* Hands bytes to the connection; goes on by itself when the kernel took all. */
static void say(struct http_stream *s, struct buf *a, struct buf *b)
{
    struct http_conn *c = s->conn;
    s->said_ms = io_now(s->srv->io);
    switch (http_conn_send(c, a, b)) {
    case IO_DONE:
        http_stream_ready(s);
        break;
    case IO_LATER:
        http_conn_enter(c, HTTP_C_SWRITE);
        break;
    case IO_BROKEN:
        http_conn_close(c);
        break;
    }
}

void http_stream_ready(struct http_stream *s)
{
    struct http_conn *c = s->conn;
    if (s->ended && s->tap && !s->tap->over(s->arg)) {
        http_conn_enter(c, HTTP_C_SBYE);
    } else if (s->ended || s->head_only) {
        http_stream_detach(s);
        http_conn_answered(c);
    } else if ((s->more || s->wake || s->stop) && s->ops->poll) {
        http_conn_enter(c, HTTP_C_SWAIT); /* the next piece in the next turn of the loop: others have theirs before */
        list(s);
    } else if (s->more || s->wake || s->stop) {
        start_fill(s, 0);
    } else {
        http_conn_enter(c, HTTP_C_SWAIT);
    }
}

void http_stream_due(struct http_stream *s)
{
    start_fill(s, HTTP_FILL_TIMER);
}

void http_stream_stop(struct http_stream *s)
{
    s->stop = true;
    if (s->conn->state == HTTP_C_SWAIT)
        start_fill(s, 0);
}

/* Chunked framing (RFC 9112, 7.1): what goes before `out`, the line with its size, is returned, and the line end and
 * the last chunk are added behind. */
static struct chunk_head frame(const struct http_stream *s, struct buf *out)
{
    struct chunk_head h = {.at = sizeof h.text};
    if (s->chunked && out->len) {
        h.text[--h.at] = '\n';
        h.text[--h.at] = '\r';
        for (size_t n = out->len; n; n >>= 4)
            h.text[--h.at] = "0123456789abcdef"[n & 15];
        out->max += sizeof h.text + 2;
        buf_add(out, "\r\n", 2);
    }
    if (s->chunked && s->ended) {
        out->max += 16;
        buf_puts(out, "0\r\n\r\n");
    }
    return h;
}

static void told(struct http_stream *s)
{
    s->ended = s->result == HTTP_FILL_END || (s->why & HTTP_FILL_STOP);
    s->more = s->result == HTTP_FILL_MORE;
}

/* The server's buffer is used for one piece after the other; only what a client does not take at once is copied. */
static void say_copy(struct http_stream *s)
{
    struct http_conn *c = s->conn;
    struct buf *out = &s->srv->out;
    s->said_ms = io_now(s->srv->io);
    if (!out->bad) {
        struct chunk_head h = frame(s, out);
        buf_prepend(out, h.text + h.at, sizeof h.text - h.at);
    }
    enum io_sent r = out->bad ? IO_BROKEN : http_conn_send_copy(c, out);
    if (r == IO_DONE)
        http_stream_ready(s);
    else if (r == IO_LATER)
        http_conn_enter(c, HTTP_C_SWRITE);
    else
        http_conn_close(c);
}

/* What was polled before it would have blocked goes out; the rest is asked for in the pool, next time: a poll that
 * always has something new would keep it waiting. */
static void blocks(struct http_stream *s)
{
    s->blocks = true;
    s->stop = s->stop || (s->why & HTTP_FILL_STOP);
    s->why &= ~(unsigned)HTTP_FILL_STOP; /* not the last word yet */
    s->result = HTTP_FILL_MORE;
}

static void poll_now(struct http_stream *s)
{
    enum { KEEP = 256 * 1024 };
    struct buf *out = &s->srv->out;
    out->max = s->srv->cfg.stream_chunk;
    buf_reset(out);
    s->result = s->ops->poll(s->arg, s->why, out);
    if (s->result == HTTP_FILL_BLOCKS && out->len == 0 && !out->bad) {
        push_fill(s);
        return;
    }
    if (s->result == HTTP_FILL_BLOCKS)
        blocks(s);
    told(s);
    if (out->len == 0 && !out->bad && !s->ended)
        http_stream_ready(s);
    else
        say_copy(s);
    if (out->cap > KEEP)
        buf_fini(out);
    if (s->tap && s->conn)
        s->tap->filled(s->arg);
}

static void fill_done(struct http_job *j)
{
    struct http_stream *s = of_job(j);
    struct http_conn *c = s->conn;
    s->out_now = false;
    if (!c) {
        buf_fini(&s->out);
        close_unused(s);
        return;
    }
    bool cut = s->out.bad != 0;
    told(s);
    struct buf head = BUF_INIT(32);
    if (!cut) {
        struct chunk_head h = frame(s, &s->out);
        buf_add(&head, h.text + h.at, sizeof h.text - h.at);
    }
    struct buf out = s->out;
    s->out = (struct buf){0};
    bool bad = cut || out.bad || head.bad;
    if (!bad && out.len) {
        say(s, &head, &out);
    } else {
        buf_fini(&out);
        buf_fini(&head);
        if (bad)
            http_conn_close(c);
        else
            http_stream_ready(s);
    }
    if (s->tap && s->conn)
        s->tap->filled(s->arg);
}

static void closed_done(struct http_job *j)
{
    struct http_stream *s = of_job(j);
    unlist(s);
    atomic_fetch_sub(&s->srv->n.open_streams, 1);
    free(s);
}

void http_stream_adopt(struct http_stream *s, struct http_conn *c, struct buf *head)
{
    if (!c) {
        close_unused(s);
        return;
    }
    s->conn = c;
    s->stop = s->srv->stopping;
    c->stream = s;
    c->mark = 0;
    io_bound_unsent(c->io, (int)(s->srv->cfg.stream_chunk < UNSENT ? s->srv->cfg.stream_chunk : UNSENT));
    io_read(c->io, true); /* to see the client go, or to hear it */
    if (s->tap)
        s->tap->begun(s->arg);
    say(s, head, &(struct buf){0});
}

void http_stream_detach(struct http_stream *s)
{
    if (s->tap)
        s->tap->gone(s->arg);
    s->conn->stream = NULL;
    s->conn = NULL;
    close_unused(s);
}

/* Takes all that were woken; those that are woken from now on come with the next turn. */
static struct http_stream *take_woken(struct http_server *srv)
{
    pthread_mutex_lock(&srv->wake_lock);
    struct http_stream *all = srv->wakes;
    for (struct http_stream *s = all; s; s = s->wake_next) {
        s->turn_next = s->wake_next;
        s->listed = false;
    }
    srv->wakes = NULL;
    pthread_mutex_unlock(&srv->wake_lock);
    return all;
}

/* A thousand clients are more than a cache holds. What the next ones need comes into it while the kernel sends for this
 * one: each is known one turn before what it points to. */
static void fetch_next(const struct http_stream *s)
{
    const struct http_stream *n = s->turn_next;
    if (n && n->conn)
        io_fetch(n->conn->io);
    n = n ? n->turn_next : NULL;
    if (n) {
        mem_fetch(n->conn, sizeof *n->conn);
        mem_fetch(n->arg, 4 * MEM_LINE);
        if (n->turn_next)
            mem_fetch(n->turn_next, sizeof *n);
    }
}

/* None of them is freed before this returns: that is a job's return. */
void http_stream_wakes(struct http_server *srv)
{
    struct http_stream *next;
    for (struct http_stream *s = take_woken(srv); s; s = next) {
        next = s->turn_next;
        fetch_next(s);
        s->wake = true;
        if (s->conn && s->conn->state == HTTP_C_SWAIT)
            start_fill(s, 0);
    }
}
