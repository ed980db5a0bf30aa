/* http_conn - one connection: reads requests, hands them over, writes answers.
 *
 * Why it exists: every rule about who may keep a socket, how long and with how
 * many bytes is here.
 * May include: base/ os/.   Threads: loop.
 *
 *   NEW -> IDLE --byte--> HEAD --head complete--> BODY --complete--> HANDLE ---> reply: WRITE -> IDLE (kept) or LINGER
 *            ^              |  '------- no body -----------------------^  '---> stream: SWRITE <-> SFILL <-> SWAIT
 *            |              '-- refused (also BODY): WRITE -> LINGER              ended: IDLE (kept) or LINGER
 *            '--- next request
 *   any -> CLOSING: time is up, the peer is gone, or the server stops; IDLE, HEAD, BODY: another needs the place
 *
 *   state   reads  ends by itself after  what holds
 *   IDLE    yes    idle_ms               no memory but the connection itself
 *   HEAD    yes    header_ms  (408)      parse
 *   BODY    yes    body_ms    (408)      parse, held
 *   HANDLE  no     -                     rq is with the pool; pend at most one read
 *   WRITE   no     write_ms w/o progress bytes unsent
 *   SWRITE  drop   write_ms w/o progress stream, bytes unsent
 *   SWAIT   drop   heartbeat_ms (a fill) stream, nothing unsent
 *   SFILL   drop   -                     stream, its job in the pool, nothing unsent
 *   SBYE    tap    linger_ms             stream (upgraded), all said; only the peer's last word is waited for
 *   LINGER  drop   linger_ms             answered, FIN sent
 *
 * drop: an upgraded stream (http_tap) gets these bytes instead. */
#include <stdlib.h>
#include <string.h>
#include "net/http_int.h"
#include "net/mem.h"
#include "net/ws_int.h"

/* DROP: of who talks into a stream. LAST: of who was refused, or a WebSocket that was failed: reset too early, it would
 * not read why. EXTRA: told that there are too many. OWN: kept for the unix socket, which others cannot open: whoever
 * fills the TCP port does not lock the owner out. */
enum { DROP_MAX = 1024 * 1024, LAST_MAX = 8 * 1024 * 1024, EXTRA_CONNS = 64, OWN_CONNS = 64 };

static void conn_input(struct http_conn *, const char *p, size_t n);
static void conn_tapped(struct http_conn *, const char *p, size_t n);

/* ---- states ---------------------------------------------------------------- */

int http_conn_timeout(const struct http_server *srv, enum http_conn_state st)
{
    switch (st) {
    case HTTP_C_IDLE:
        return srv->cfg.idle_ms;
    case HTTP_C_HEAD:
        return srv->cfg.header_ms;
    case HTTP_C_BODY:
        return srv->cfg.body_ms;
    case HTTP_C_WRITE:
    case HTTP_C_SWRITE:
        return srv->cfg.write_ms;
    case HTTP_C_SWAIT:
        return srv->cfg.heartbeat_ms;
    case HTTP_C_SBYE:
    case HTTP_C_LINGER:
        return srv->cfg.linger_ms;
    default:
        return -1;
    }
}

static void list_remove(struct http_list *l, struct http_conn *c)
{
    *(c->prev ? &c->prev->next : &l->head) = c->next;
    *(c->next ? &c->next->prev : &l->tail) = c->prev;
    c->prev = c->next = NULL;
    l->n--;
}

static void list_add(struct http_list *l, struct http_conn *c)
{
    c->prev = l->tail;
    *(l->tail ? &l->tail->next : &l->head) = c;
    l->tail = c;
    l->n++;
}

/* The only writer of `state`. */
void http_conn_enter(struct http_conn *c, enum http_conn_state st)
{
    struct http_server *srv = c->srv;
    int ms = http_conn_timeout(srv, st);
    if (c->state != HTTP_C_NEW)
        list_remove(&srv->lists[c->state], c);
    c->state = st;
    list_add(&srv->lists[st], c);
    c->deadline_ms = io_now(srv->io) + ms;
    if (st == HTTP_C_WRITE || st == HTTP_C_SWRITE)
        c->mark = io_unsent(c->io);
    if (ms >= 0)
        io_arm(srv->io, c->deadline_ms);
}

static void drop_parse(struct http_conn *c)
{
    http_parse_free(c->parse);
    c->parse = NULL;
    c->srv->bodies -= c->held;
    c->held = 0;
}

static void all_taken(struct http_conn *c)
{
    c->srv->unsent -= c->unsent;
    c->unsent = 0;
}

void http_conn_close(struct http_conn *c)
{
    if (c->state == HTTP_C_CLOSING)
        return;
    http_conn_enter(c, HTTP_C_CLOSING);
    drop_parse(c);
    all_taken(c);
    buf_fini(&c->pend);
    if (c->rq)
        c->rq->conn = NULL; /* it comes back from the pool and is dropped then */
    c->rq = NULL;
    if (c->stream)
        http_stream_detach(c->stream);
    io_close(c->io);
}

/* The answer's last byte went to the kernel and the connection ends: FIN, then drop what still comes. */
static void conn_linger(struct http_conn *c)
{
    c->dropped = 0;
    io_shutdown(c->io);
    http_conn_enter(c, HTTP_C_LINGER);
    io_read(c->io, true);
}

/* ---- writing ----------------------------------------------------------------- */

static enum io_sent conn_sent(struct http_conn *c, size_t n, enum io_sent r)
{
    struct http_server *srv = c->srv;
    srv->n.bytes_out += n;
    if (r != IO_LATER)
        return r;
    c->unsent += n;
    srv->unsent += n;
    return srv->unsent <= srv->cfg.max_unsent ? r : IO_BROKEN;
}

/* The memory of what waits is counted until the client has taken all of it. */
enum io_sent http_conn_send(struct http_conn *c, struct buf *a, struct buf *b)
{
    size_t n = a->len + b->len;
    return conn_sent(c, n, io_send(c->io, a, b));
}

enum io_sent http_conn_send_copy(struct http_conn *c, const struct buf *b)
{
    return conn_sent(c, b->len, io_send_copy(c->io, b));
}

/* An answer is out: the next request, or the end. */
void http_conn_answered(struct http_conn *c)
{
    if (!c->keep || c->srv->stopping) {
        buf_fini(&c->pend);
        conn_linger(c);
        return;
    }
    http_conn_enter(c, HTTP_C_IDLE);
    struct buf pend = c->pend;
    c->pend = (struct buf){0};
    if (pend.len)
        conn_input(c, pend.p, pend.len);
    buf_fini(&pend);
    if (c->state == HTTP_C_IDLE || c->state == HTTP_C_HEAD || c->state == HTTP_C_BODY)
        io_read(c->io, true);
}

static void conn_answer(struct http_conn *c, struct buf *a, struct buf *b, bool keep)
{
    c->keep = keep;
    c->srv->n.replies++;
    switch (http_conn_send(c, a, b)) {
    case IO_DONE:
        http_conn_answered(c);
        break;
    case IO_LATER:
        io_read(c->io, false);
        http_conn_enter(c, HTTP_C_WRITE);
        break;
    case IO_BROKEN:
        http_conn_close(c);
        break;
    }
}

/* ---- refusing ------------------------------------------------------------------ */

static void count_refusal(struct http_counters *n, int code)
{
    switch (code) {
    case ERR_UNAVAILABLE:
    case ERR_OOM:
        n->refused_full++;
        break;
    case ERR_TOO_LARGE:
    case ERR_URI:
    case ERR_HEADERS:
        n->refused_large++;
        break;
    case ERR_REQUEST_TIMEOUT:
        n->refused_timeout++;
        break;
    default:
        n->refused_bad++;
    }
}

/* What came cannot be trusted to end where it says, so neither can what follows: answer and close. */
static void conn_refuse(struct http_conn *c, const struct err *e)
{
    struct buf out = BUF_INIT(16 * KIB);
    count_refusal(&c->srv->n, e->code);
    http_reply_refusal(&out, e);
    drop_parse(c);
    if (out.bad) {
        buf_fini(&out);
        http_conn_close(c);
        return;
    }
    conn_answer(c, &out, &(struct buf){0}, false);
}

static void conn_refuse_code(struct http_conn *c, int code, const char *msg)
{
    struct err e = ERR_INIT;
    (void)err_set(&e, code, "%s", msg);
    conn_refuse(c, &e);
}

/* ---- handing over ---------------------------------------------------------------- */

void http_conn_push(struct http_server *srv, enum http_pool_queue q, struct http_job *j)
{
    srv->njobs++;
    http_pool_push(srv->pool, q, j);
}

static struct http_req *of_job(struct http_job *j)
{
    return (struct http_req *)((char *)j - offsetof(struct http_req, job));
}

static void rq_run(struct http_job *j)
{
    struct http_req *rq = of_job(j);
    rq->srv->cfg.handler(rq->srv->cfg.arg, rq);
    if (!rq->answered)
        (void)http_reply_err(rq, NULL);
}

/* What came behind an upgrade's request, before its answer, is for the tap. */
static void conn_pended(struct http_conn *c)
{
    struct buf pend = c->pend;
    c->pend = (struct buf){0};
    if (pend.len && c->stream)
        conn_tapped(c, pend.p, pend.len);
    buf_fini(&pend);
}

static void rq_done(struct http_job *j)
{
    struct http_req *rq = of_job(j);
    struct http_conn *c = rq->conn;
    struct http_server *srv = rq->srv;
    srv->n.busy--;
    srv->bodies -= rq->msg->body.len;
    if (c)
        c->rq = NULL;
    if (rq->stream) {
        if (c) {
            srv->n.replies++;
            c->keep = rq->keep;
        }
        bool tapped = rq->stream->tap;
        http_stream_adopt(rq->stream, c, &rq->head);
        if (c && tapped)
            conn_pended(c);
    } else if (c) {
        conn_answer(c, &rq->head, &rq->body, rq->keep);
    }
    http_req_free(rq);
}

/* A whole request has come. */
static void conn_dispatch(struct http_conn *c)
{
    struct http_server *srv = c->srv;
    struct http_req *rq = http_req_new(srv, http_parse_take(c->parse));
    if (!rq) {
        conn_refuse_code(c, ERR_OOM, "out of memory");
        return;
    }
    c->held = 0; /* counted for rq from here on */
    drop_parse(c);
    c->nreq++;
    rq->conn = c;
    rq->keep = rq->msg->keep_alive && !srv->stopping && (!srv->cfg.max_requests || c->nreq < srv->cfg.max_requests);
    io_peer(c->io, &rq->peer);
    rq->job.run = rq_run;
    rq->job.done = rq_done;
    c->rq = rq;
    srv->n.requests++;
    srv->n.busy++;
    io_read(c->io, false);
    http_conn_enter(c, HTTP_C_HANDLE);
    http_conn_push(srv, HTTP_POOL_REQUEST, &rq->job);
}

/* ---- reading ------------------------------------------------------------------------ */

/* True when the body bytes of all requests under way stay within the limit. */
static bool count_body(struct http_conn *c)
{
    size_t now = http_parse_msg(c->parse)->body.len;
    c->srv->bodies += now - c->held;
    c->held = now;
    return c->srv->bodies <= c->srv->cfg.max_bodies;
}

/* The head is complete and a body is to come. */
static void conn_body_begins(struct http_conn *c, bool came_already)
{
    http_conn_enter(c, HTTP_C_BODY);
    if (!http_parse_msg(c->parse)->expect || came_already)
        return; /* a client that sends the body at once needs no invitation (RFC 9110, 10.1.1) */
    struct buf go = BUF_INIT(64);
    buf_puts(&go, "HTTP/1.1 100 Continue\r\n\r\n");
    if (http_conn_send(c, &go, &(struct buf){0}) == IO_BROKEN)
        http_conn_close(c);
}

static void conn_refuse_bad(struct http_conn *c)
{
    struct err e = *http_parse_error(c->parse); /* the parser goes before it is told */
    conn_refuse(c, &e);
}

/* The parser has taken bytes: where is it now? */
static void conn_parsed(struct http_conn *c, bool more)
{
    switch (http_parse_state(c->parse)) {
    case HTTP_PARSE_HEAD:
        break;
    case HTTP_PARSE_BODY:
        if (!count_body(c))
            conn_refuse_code(c, ERR_UNAVAILABLE, "too many request bodies are under way: try again");
        else if (c->state == HTTP_C_HEAD)
            conn_body_begins(c, more);
        break;
    case HTTP_PARSE_DONE:
        count_body(c);
        conn_dispatch(c);
        break;
    case HTTP_PARSE_BAD:
        conn_refuse_bad(c);
        break;
    }
}

static void conn_input(struct http_conn *c, const char *p, size_t n)
{
    while (n > 0 && (c->state == HTTP_C_IDLE || c->state == HTTP_C_HEAD || c->state == HTTP_C_BODY)) {
        if (c->state == HTTP_C_IDLE) {
            c->parse = http_parse_new(&c->srv->parse);
            if (!c->parse) {
                conn_refuse_code(c, ERR_OOM, "out of memory");
                return;
            }
            http_conn_enter(c, HTTP_C_HEAD);
        }
        size_t used = http_parse_feed(c->parse, p, n);
        p += used;
        n -= used;
        conn_parsed(c, n > 0);
    }
    /* The next request waits here: at most one read, since reading is off now. */
    if (n > 0 && (c->state == HTTP_C_HANDLE || (c->state == HTTP_C_WRITE && c->keep))) {
        if (!c->pend.max)
            buf_init(&c->pend, 2 * 64 * KIB);
        buf_add(&c->pend, p, n);
        if (c->pend.bad)
            http_conn_close(c);
    }
}

/* What comes while an answer is streamed is not kept for later: then this connection takes no further request. */
static void conn_drop(struct http_conn *c, size_t n)
{
    bool last = c->state == HTTP_C_LINGER || (c->stream && c->stream->tap);
    c->keep = false;
    c->dropped += n;
    if (c->dropped > (last ? LAST_MAX : DROP_MAX))
        http_conn_close(c);
}

static void conn_tapped(struct http_conn *c, const char *p, size_t n)
{
    struct http_stream *s = c->stream;
    c->srv->n.bytes_in += n;
    switch (s->tap->input(s->arg, p, n)) {
    case HTTP_TAP_TAKEN:
        break;
    case HTTP_TAP_DROPPED:
        conn_drop(c, n);
        break;
    case HTTP_TAP_GONE:
        http_conn_close(c);
        break;
    }
    if (c->state == HTTP_C_SBYE && s->tap->over(s->arg))
        http_stream_ready(s);
}

static void on_read(void *user, const char *p, size_t n)
{
    struct http_conn *c = user;
    if (c->state == HTTP_C_CLOSING)
        return;
    if (c->stream && c->stream->tap) {
        conn_tapped(c, p, n);
        return;
    }
    if (n == 0) {
        http_conn_close(c);
        return;
    }
    c->srv->n.bytes_in += n;
    switch (c->state) {
    case HTTP_C_SWRITE:
    case HTTP_C_SWAIT:
    case HTTP_C_SFILL:
    case HTTP_C_LINGER:
        conn_drop(c, n);
        break;
    default:
        conn_input(c, p, n);
    }
}

static void on_sent(void *user)
{
    struct http_conn *c = user;
    all_taken(c);
    if (c->state == HTTP_C_WRITE)
        http_conn_answered(c);
    else if (c->state == HTTP_C_SWRITE)
        http_stream_ready(c->stream);
}

/* ---- coming and going ------------------------------------------------------------------ */

/* Who has been in this state for `ms`, the longest first. Not the unix socket's, which have room of their own. */
static bool gives_way(struct http_server *srv, enum http_conn_state st, int64_t ms)
{
    int64_t last = io_now(srv->io) - ms + http_conn_timeout(srv, st);
    for (struct http_conn *c = srv->lists[st].head; c && c->deadline_ms <= last; c = c->next) {
        struct http_peer peer;
        io_peer(c->io, &peer);
        if (peer.unix_socket)
            continue;
        srv->n.gave_way++;
        http_conn_close(c);
        return true;
    }
    return false;
}

/* A server may close a connection at any time (RFC 9112, 9.5): who asks for nothing gives way to who comes, and who
 * never comes to the end of a request: with a byte of one, places would be held as well as with none. */
static bool one_gives_way(struct http_server *srv)
{
    int64_t ms = srv->cfg.spare_ms;
    return gives_way(srv, HTTP_C_IDLE, ms) || gives_way(srv, HTTP_C_HEAD, ms) || gives_way(srv, HTTP_C_BODY, 10 * ms);
}

static void *on_accepted(void *arg, struct io_conn *ic)
{
    struct http_server *srv = arg;
    struct http_peer peer;
    io_peer(ic, &peer);
    unsigned room = srv->cfg.max_conns + (peer.unix_socket ? EXTRA_CONNS + OWN_CONNS : 0);
    srv->n.conns++;
    if (srv->nconns >= room + EXTRA_CONNS) {
        srv->n.refused_full++;
        return NULL;
    }
    struct http_conn *c = mem_new(1, sizeof *c);
    if (!c)
        return NULL;
    c->srv = srv;
    c->io = ic;
    srv->nconns++;
    srv->n.open_conns++;
    http_conn_enter(c, HTTP_C_IDLE);
    if (srv->nconns - srv->lists[HTTP_C_CLOSING].n > room && !one_gives_way(srv))
        conn_refuse_code(c, ERR_UNAVAILABLE, "too many connections: try again");
    else
        io_read(ic, true);
    return c;
}

static void end_when_empty(struct http_server *srv)
{
    if (srv->stopping && srv->nconns == 0 && srv->njobs == 0)
        io_end(srv->io);
}

static void on_closed(void *user)
{
    struct http_conn *c = user;
    struct http_server *srv = c->srv;
    list_remove(&srv->lists[c->state], c);
    free(c);
    srv->nconns--;
    srv->n.open_conns--;
    end_when_empty(srv);
}

/* ---- time --------------------------------------------------------------------------------- */

static void conn_expire(struct http_conn *c)
{
    switch (c->state) {
    case HTTP_C_HEAD:
        conn_refuse_code(c, ERR_REQUEST_TIMEOUT, "the request's head did not arrive in time");
        return;
    case HTTP_C_BODY:
        conn_refuse_code(c, ERR_REQUEST_TIMEOUT, "the request's body did not arrive in time");
        return;
    case HTTP_C_SWAIT:
        http_stream_due(c->stream);
        return;
    case HTTP_C_WRITE:
    case HTTP_C_SWRITE:
        if (io_unsent(c->io) < c->mark) {
            http_conn_enter(c, c->state); /* slow, but alive */
            return;
        }
        break;
    default:
        break;
    }
    if (c->state != HTTP_C_LINGER && c->state != HTTP_C_SBYE)
        c->srv->n.refused_timeout++;
    http_conn_close(c);
}

static void close_all(struct http_server *srv)
{
    for (int i = 0; i < HTTP_C_NSTATE; i++)
        while (i != HTTP_C_CLOSING && srv->lists[i].head)
            http_conn_close(srv->lists[i].head);
}

static void on_timer(void *arg)
{
    struct http_server *srv = arg;
    int64_t now = io_now(srv->io), next = -1;
    if (srv->stopping && now >= srv->stop_at_ms)
        close_all(srv);
    for (int i = 0; i < HTTP_C_NSTATE; i++) {
        if (http_conn_timeout(srv, (enum http_conn_state)i) < 0)
            continue;
        /* an expired connection leaves the list's head, or goes to its tail with a later deadline */
        while (srv->lists[i].head && srv->lists[i].head->deadline_ms <= now)
            conn_expire(srv->lists[i].head);
        if (srv->lists[i].head && (next < 0 || srv->lists[i].head->deadline_ms < next))
            next = srv->lists[i].head->deadline_ms;
    }
    int64_t guests = ws_guests(srv, now);
    if (guests >= 0 && (next < 0 || guests < next))
        next = guests;
    if (srv->stopping && now < srv->stop_at_ms && (next < 0 || srv->stop_at_ms < next))
        next = srv->stop_at_ms;
    if (next >= 0)
        io_arm(srv->io, next);
}

/* ---- stopping ------------------------------------------------------------------------------- */

static void begin_stop(struct http_server *srv, int grace_ms)
{
    srv->stopping = true;
    srv->stop_at_ms = io_now(srv->io) + grace_ms;
    io_stop_listening(srv->io);
    while (srv->lists[HTTP_C_IDLE].head)
        http_conn_close(srv->lists[HTTP_C_IDLE].head);
    static const enum http_conn_state streams[] = {HTTP_C_SWRITE, HTTP_C_SFILL, HTTP_C_SWAIT};
    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        struct http_conn *next;
        for (struct http_conn *c = srv->lists[streams[i]].head; c; c = next) {
            next = c->next;
            http_stream_stop(c->stream);
        }
    }
    io_arm(srv->io, srv->stop_at_ms);
}

static void on_woken(void *arg)
{
    struct http_server *srv = arg;
    struct http_job *next;
    for (struct http_job *j = http_pool_take_done(srv->pool); j; j = next) {
        next = j->next;
        srv->njobs--;
        j->done(j);
    }
    http_stream_wakes(srv);
    pthread_mutex_lock(&srv->wake_lock);
    bool stop = srv->stop_asked && !srv->stopping;
    int grace = srv->stop_grace_ms;
    pthread_mutex_unlock(&srv->wake_lock);
    if (stop)
        begin_stop(srv, grace);
    end_when_empty(srv);
}

const struct io_ops http_conn_ops = {
    .accepted = on_accepted,
    .read = on_read,
    .sent = on_sent,
    .closed = on_closed,
    .woken = on_woken,
    .timer = on_timer,
};
