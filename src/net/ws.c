/* ws - see ws.h. One connection: its input on the loop, its messages and its output on handler threads.
 *
 *   OPEN --peer's Close--> what waits is handed over --> our Close --> over: FIN, rests are dropped
 *     |--ws_close, the server stops--> our Close --> SBYE: the peer's Close, or linger_ms --> over
 *     |--a broken rule, a guest's time is up--> our Close --> over
 *     '--no pong, the peer is gone--> over, without a Close
 *
 * Facts: `busy` is true exactly while the message job is out, and then the stream
 * is held, so `closed` comes after it; `deaf` and `peer_closed` are never unset;
 * after `gone` the loop's part is empty. `mu` guards the second half of struct ws.
 * May include: base/ os/. */
#include <stdlib.h>
#include <string.h>
#include "net/mem.h"
#include "net/ws_frame.h"
#include "net/ws_int.h"

enum {
    SOFT = 64 * 1024,          /* a fill that has this much asks nobody for more */
    INBOX_BYTES = 1024 * 1024, /* waiting messages with this much stop the reading, too */
    SHARE = 16 * 1024,         /* who has less under way, either way, is not ended for what all have together */
    CTL_BURST = 200,           /* control frames at once, and a second later on: more is a flood (1008) */
    CTL_PER_S = 50,
    WHY_MAX = WS_CONTROL_MAX - 2 + 1,
};

struct ws_msg {
    struct ws_msg *next;
    struct buf text;
};

struct ws_queue {
    struct ws_msg *head, **tail;
};

struct ws {
    struct http_server *srv;
    struct http_stream *stream;
    const struct ws_ops *ops;
    void *arg;
    struct ws_config cfg;

    /* the loop's */
    struct ws_reader rd;
    struct ws_queue in;
    unsigned nin;
    size_t in_bytes;
    struct buf pend; /* bytes that came when the inbox was full */
    size_t held;     /* counted in srv->bodies */
    struct http_job job;
    struct buf now; /* the message in a handler's hands; the job's while busy */
    bool busy;
    bool deaf;        /* the peer broke a rule: nothing it says counts any more */
    bool peer_closed; /* it said Close */
    int echo;         /* with this code */
    double ctl_level;
    int64_t ctl_ms;
    int64_t since_ms; /* when the message that is under way began */
    size_t guest_used;
    bool guest; /* in srv->guests */
    struct ws *guest_prev, *guest_next;
    int64_t guest_until_ms;

    atomic_bool admitted, heard, dead; /* dead: no pong came */
    bool pinged;                       /* fill's */

    pthread_mutex_t mu;
    struct ws_queue out;
    size_t out_bytes; /* of all in `out`, sent parts included */
    size_t part;      /* bytes of the first one's frame that are out, head included */
    uint64_t nput, nsent;
    bool pong;
    unsigned char npong;
    char pong_data[WS_CONTROL_MAX];
    int code;     /* to close with; 0: open */
    bool at_once; /* before what is queued */
    bool said;    /* Close is out, or never will be */
    char why[WHY_MAX];
};

/* ---- queues --------------------------------------------------------------------- */

static void queue_init(struct ws_queue *q)
{
    q->head = NULL;
    q->tail = &q->head;
}

static bool queue_add(struct ws_queue *q, struct buf *text)
{
    struct ws_msg *m = mem_new(1, sizeof *m);
    if (!m)
        return false;
    m->text = *text;
    *text = (struct buf){0};
    *q->tail = m;
    q->tail = &m->next;
    return true;
}

static void queue_take(struct ws_queue *q, struct buf *ret)
{
    struct ws_msg *m = q->head;
    q->head = m->next;
    if (!q->head)
        q->tail = &q->head;
    *ret = m->text;
    free(m);
}

static void queue_drop(struct ws_queue *q)
{
    while (q->head) {
        struct buf b;
        queue_take(q, &b);
        buf_fini(&b);
    }
}

/* ---- closing: any thread ---------------------------------------------------------- */

static void close_locked(struct ws *w, int code, const char *why, bool at_once)
{
    if (w->code == 0) {
        w->code = code;
        size_t n = strnlen(why, WHY_MAX - 1);
        memcpy(w->why, why, n);
        w->why[n] = '\0';
    }
    w->at_once |= at_once;
}

static void say_close(struct ws *w, int code, const char *why, bool at_once)
{
    pthread_mutex_lock(&w->mu);
    close_locked(w, code, why, at_once);
    pthread_mutex_unlock(&w->mu);
    ws_wake(w);
}

void ws_close(struct ws *w, int code, const char *why)
{
    say_close(w, code, why, false);
}

void ws_wake(struct ws *w)
{
    http_stream_wake(w->stream);
}

void ws_admit(struct ws *w)
{
    atomic_store(&w->admitted, true);
}

/* ---- sending: any thread ------------------------------------------------------------ */

/* Lock held. What clients have not taken, all together, is bounded for answers in the same way (http.h, max_unsent);
 * but who takes his answers is not ended for those who do not. */
static bool out_room(struct ws *w, size_t n)
{
    size_t all = atomic_fetch_add(&w->srv->ws_unsent, n) + n;
    if (all <= w->srv->cfg.max_unsent || w->out_bytes + n <= SHARE)
        return true;
    atomic_fetch_sub(&w->srv->ws_unsent, n);
    return false;
}

uint64_t ws_send(struct ws *w, struct buf *text)
{
    size_t n = text->len;
    uint64_t number = 0;
    pthread_mutex_lock(&w->mu);
    if (w->code == 0) {
        if (!text->bad && out_room(w, n)) {
            if (queue_add(&w->out, text)) {
                w->out_bytes += n;
                number = ++w->nput;
            } else {
                atomic_fetch_sub(&w->srv->ws_unsent, n);
            }
        }
        if (!number)
            close_locked(w, WS_CODE_TRY_LATER, "the answer does not fit into memory now", false);
    }
    pthread_mutex_unlock(&w->mu);
    buf_fini(text);
    ws_wake(w);
    return number;
}

void ws_text(struct buf *out, const struct buf *a, const char *p, size_t n, const char *end)
{
    unsigned char head[WS_HEAD_MAX];
    size_t k = strlen(end), nh = ws_head(head, WS_TEXT, a->len + n + k);
    if (buf_reserve(out, nh + a->len + n + k) < 0) /* the whole frame or nothing of it */
        return;
    buf_add(out, head, nh);
    buf_add(out, a->p, a->len);
    buf_add(out, p, n);
    buf_add(out, end, k);
}

/* ---- filling: a handler thread, or the loop -------------------------------------------------------- */

static void out_drop(struct ws *w)
{
    atomic_fetch_sub(&w->srv->ws_unsent, w->out_bytes);
    w->out_bytes = 0;
    w->part = 0;
    queue_drop(&w->out);
}

/* As much of the first queued message as fits; false when it did not fit whole. */
static bool put_first(struct ws *w, struct buf *out)
{
    const struct buf *b = &w->out.head->text;
    unsigned char head[WS_HEAD_MAX];
    size_t nhead = ws_head(head, WS_TEXT, b->len);
    if (w->part == 0) {
        if (out->max - out->len < nhead)
            return false;
        buf_add(out, head, nhead);
        w->part = nhead;
    }
    size_t at = w->part - nhead, n = b->len - at, room = out->max - out->len;
    n = n < room ? n : room;
    buf_add(out, b->len ? b->p + at : "", n);
    w->part += n;
    if (w->part < nhead + b->len)
        return false;
    struct buf done;
    w->out_bytes -= b->len;
    atomic_fetch_sub(&w->srv->ws_unsent, b->len);
    queue_take(&w->out, &done);
    buf_fini(&done);
    w->part = 0;
    w->nsent++;
    return true;
}

/* Lock held. What has begun is ended first, then a pong, then Close or the rest. True: there is nothing more queued. */
static bool put_queued(struct ws *w, struct buf *out)
{
    if (w->part && !put_first(w, out))
        return false;
    if (w->pong && out->max - out->len >= WS_CONTROL_MAX + 2) {
        ws_put(out, WS_PONG, w->pong_data, w->npong);
        w->pong = false;
    }
    while (w->out.head && !w->at_once)
        if (out->len >= SOFT || !put_first(w, out))
            return false;
    return out->max - out->len >= WS_CONTROL_MAX + 2;
}

/* A client that has not said a word since the last ping is gone. */
static bool is_gone(struct ws *w, unsigned why, struct buf *out)
{
    if (!(why & HTTP_FILL_TIMER) || out->len)
        return false;
    if (w->pinged && !atomic_load(&w->heard))
        return true;
    w->pinged = true;
    atomic_store(&w->heard, false);
    ws_put(out, WS_PING, "", 0);
    return false;
}

enum turn { TURN_MORE, TURN_END, TURN_ASK };

static enum turn fill_own(struct ws *w, unsigned why, struct buf *out, uint64_t *ret_sent)
{
    pthread_mutex_lock(&w->mu);
    if (why & HTTP_FILL_STOP)
        close_locked(w, WS_CODE_AWAY, "the server stops", true);
    bool empty = put_queued(w, out);
    enum turn t = !empty ? TURN_MORE : w->code ? TURN_END : TURN_ASK;
    if (t == TURN_END)
        ws_put_close(out, w->code, w->why);
    else if (why & HTTP_FILL_STOP)
        out->bad = -ERR_TOO_LARGE; /* a message cannot be ended: cut */
    if (t == TURN_END || why & HTTP_FILL_STOP) {
        w->said = true;
        out_drop(w);
    }
    *ret_sent = w->nsent;
    pthread_mutex_unlock(&w->mu);
    return t;
}

static enum http_fill ask(struct ws *w, enum http_fill (*user)(void *arg, unsigned why, uint64_t sent, struct buf *out),
                          unsigned why, struct buf *out)
{
    uint64_t sent;
    enum turn t = fill_own(w, why, out, &sent);
    if (t != TURN_ASK)
        return t == TURN_END ? HTTP_FILL_END : HTTP_FILL_MORE;
    if (out->len >= SOFT)
        return HTTP_FILL_MORE;
    enum http_fill r = user(w->arg, why, sent, out);
    if (r == HTTP_FILL_BLOCKS)
        return r;
    if (r == HTTP_FILL_END) {
        say_close(w, WS_CODE_NORMAL, "", false);
        return HTTP_FILL_MORE;
    }
    if (!is_gone(w, why, out))
        return r;
    pthread_mutex_lock(&w->mu);
    w->said = true; /* to nobody */
    w->code = WS_CODE_AWAY;
    pthread_mutex_unlock(&w->mu);
    atomic_store(&w->dead, true);
    return HTTP_FILL_END;
}

static enum http_fill ws_fill(void *arg, unsigned why, struct buf *out)
{
    struct ws *w = arg;
    return ask(w, w->ops->fill, why, out);
}

static enum http_fill ws_poll(void *arg, unsigned why, struct buf *out)
{
    struct ws *w = arg;
    return w->ops->poll ? ask(w, w->ops->poll, why, out) : HTTP_FILL_BLOCKS;
}

static void ws_closed(void *arg)
{
    struct ws *w = arg;
    w->ops->closed(w->arg);
    out_drop(w);
    pthread_mutex_destroy(&w->mu);
    free(w);
}

/* ---- hearing: the loop ------------------------------------------------------------------ */

/* The memory of what came and is not done with counts as bodies of requests do. */
static void recount(struct ws *w)
{
    size_t now = w->rd.msg.len + w->in_bytes + w->pend.len + w->now.len;
    w->srv->bodies += now - w->held;
    w->srv->ws_bodies += now - w->held;
    w->held = now;
}

/* Half of what bodies may have: requests over HTTP find room whatever WebSockets say. Who holds little goes on: else a
 * few who stay just below that would end all the others. */
static bool in_too_much(const struct ws *w)
{
    return w->srv->ws_bodies > w->srv->cfg.max_bodies / 2 && w->held > SHARE;
}

static void in_drop(struct ws *w)
{
    queue_drop(&w->in);
    w->nin = 0;
    w->in_bytes = 0;
    buf_fini(&w->pend);
    buf_fini(&w->rd.msg);
    recount(w);
}

/* RFC 6455, 7.1.7 */
static void fail(struct ws *w, int code, const char *why)
{
    if (w->deaf)
        return;
    w->deaf = true;
    w->srv->n.ws_failed++;
    in_drop(w);
    say_close(w, code, why, true);
}

static void message_run(struct http_job *j)
{
    struct ws *w = (struct ws *)((char *)j - offsetof(struct ws, job));
    char none[1] = "";
    w->ops->message(w->arg, w->now.p ? w->now.p : none, w->now.len);
}

static void pump(struct ws *);

static void message_done(struct http_job *j)
{
    struct ws *w = (struct ws *)((char *)j - offsetof(struct ws, job));
    w->busy = false;
    w->srv->n.busy--;
    buf_fini(&w->now);
    recount(w);
    if (w->stream->conn)
        pump(w);
    http_stream_release(w->stream); /* w may be gone after this */
}

static void hand_over(struct ws *w)
{
    queue_take(&w->in, &w->now);
    w->nin--;
    w->in_bytes -= w->now.len;
    w->busy = true;
    w->srv->n.ws_messages++;
    w->srv->n.busy++;
    w->job.run = message_run;
    w->job.done = message_done;
    http_stream_hold(w->stream);
    http_conn_push(w->srv, HTTP_POOL_REQUEST, &w->job);
}

/* Pings, pongs and Closes come from a bucket, too. */
static bool ctl_flood(struct ws *w)
{
    int64_t now = io_now(w->srv->io);
    w->ctl_level += (double)(now - w->ctl_ms) * CTL_PER_S / 1000;
    if (w->ctl_level > CTL_BURST)
        w->ctl_level = CTL_BURST;
    w->ctl_ms = now;
    w->ctl_level -= 1;
    return w->ctl_level < 0;
}

/* Only the last ping needs an answer (5.5.3), so a flood of them costs one. */
static void note_ping(struct ws *w, const struct ws_in *in)
{
    pthread_mutex_lock(&w->mu);
    w->pong = true;
    w->npong = (unsigned char)in->n;
    memcpy(w->pong_data, in->p, in->n);
    pthread_mutex_unlock(&w->mu);
    ws_wake(w);
}

static bool in_full(const struct ws *w)
{
    return w->nin >= w->cfg.inbox || w->in_bytes >= INBOX_BYTES;
}

static void take_message(struct ws *w)
{
    struct buf text;
    ws_reader_take(&w->rd, &text);
    size_t n = text.len;
    w->since_ms = io_now(w->srv->io); /* of the next one, when it is in this piece, too */
    if (queue_add(&w->in, &text)) {
        w->nin++;
        w->in_bytes += n;
    } else {
        buf_fini(&text);
        fail(w, WS_CODE_TRY_LATER, "out of memory");
    }
}

static void take(struct ws *w, const struct ws_in *in)
{
    if (in->op == WS_TEXT) {
        take_message(w);
    } else if (ctl_flood(w)) {
        fail(w, WS_CODE_POLICY, "too many control frames");
    } else if (in->op == WS_PING) {
        note_ping(w, in);
    } else if (in->op == WS_CLOSE) {
        w->peer_closed = true;
        w->echo = in->code;
    }
}

/* Reads frames until the inbox is full; what is left then waits in pend. */
static void digest(struct ws *w, const char *p, size_t n)
{
    struct ws_in in;
    int r = 0;
    if (!w->rd.msg_op)
        w->since_ms = io_now(w->srv->io);
    w->rd.max_message = atomic_load(&w->admitted) ? w->cfg.max_message : w->cfg.guest_bytes;
    while (!w->deaf && !w->peer_closed && !in_full(w) && (r = ws_read(&w->rd, &p, &n, &in)) == 1)
        take(w, &in);
    if (r < 0)
        fail(w, w->rd.bad, w->rd.why);
    if (!w->deaf && !w->peer_closed && n) {
        buf_init(&w->pend, n);
        buf_add(&w->pend, p, n);
        if (w->pend.bad)
            fail(w, WS_CODE_TRY_LATER, "out of memory");
    }
    recount(w);
    if (in_too_much(w))
        fail(w, WS_CODE_TRY_LATER, "too many messages are under way");
}

static bool out_full(struct ws *w, bool *ret_closing)
{
    pthread_mutex_lock(&w->mu);
    bool full = w->out_bytes > w->cfg.outbox;
    *ret_closing = w->code != 0;
    pthread_mutex_unlock(&w->mu);
    return full;
}

/* Whatever may go on goes on: called after every change of what holds something up. */
static void pump(struct ws *w)
{
    bool closing, full = out_full(w, &closing);
    if (w->rd.msg_op && io_now(w->srv->io) - w->since_ms > w->srv->cfg.body_ms)
        fail(w, WS_CODE_POLICY, "a message did not arrive in time");
    if (closing && !w->deaf)
        in_drop(w); /* we said, or will say, Close: what the peer asks for now is not done */
    while (!w->deaf && w->pend.len && !in_full(w)) {
        struct buf rest = w->pend;
        w->pend = (struct buf){0};
        digest(w, rest.p, rest.len);
        buf_fini(&rest);
    }
    if (!w->deaf && !w->busy && !full && w->in.head)
        hand_over(w);
    if (w->peer_closed && !w->busy && !w->in.head)
        say_close(w, w->echo, "", false); /* 5.5.1: the code comes back */
    if (w->pend.len)
        atomic_store(&w->heard, true); /* its pong cannot be read now */
    if (w->stream->conn)
        io_read(w->stream->conn->io, w->pend.len == 0);
}

/* ---- guests: the loop ---------------------------------------------------------------------- */

static void guest_remove(struct ws *w)
{
    struct http_server *srv = w->srv;
    if (!w->guest)
        return;
    srv->nguests--;
    w->guest = false;
    *(w->guest_prev ? &w->guest_prev->guest_next : &srv->guests) = w->guest_next;
    *(w->guest_next ? &w->guest_next->guest_prev : &srv->guests_last) = w->guest_prev;
    w->guest_prev = w->guest_next = NULL;
}

/* Half of all connections may be guests, and three quarters of the streams. Fewer would cut off those who all come back
 * at once after a restart, more would leave attackers no room to share. */
static bool guests_full(const struct http_server *srv)
{
    unsigned max = srv->cfg.max_streams - srv->cfg.max_streams / 4;
    if (max > srv->cfg.max_conns / 2)
        max = srv->cfg.max_conns / 2;
    return srv->nguests > 0 && srv->nguests >= max;
}

/* One too many takes the place of the oldest. */
static void guest_add(struct ws *w)
{
    struct http_server *srv = w->srv;
    if (guests_full(srv)) {
        struct ws *oldest = srv->guests;
        guest_remove(oldest);
        if (!atomic_load(&oldest->admitted))
            fail(oldest, WS_CODE_TRY_LATER, "too many have not said who they are");
    }
    srv->nguests++;
    w->guest = true;
    w->guest_until_ms = io_now(srv->io) + srv->cfg.guest_ms;
    w->guest_prev = srv->guests_last;
    *(srv->guests_last ? &srv->guests_last->guest_next : &srv->guests) = w;
    srv->guests_last = w;
    io_arm(srv->io, w->guest_until_ms);
}

int64_t ws_guests(struct http_server *srv, int64_t now)
{
    while (srv->guests && (srv->guests->guest_until_ms <= now || atomic_load(&srv->guests->admitted))) {
        struct ws *w = srv->guests;
        guest_remove(w);
        if (!atomic_load(&w->admitted))
            fail(w, WS_CODE_POLICY, "who you are was not said in time");
    }
    return srv->guests ? srv->guests->guest_until_ms : -1;
}

static void count_guest(struct ws *w, size_t n)
{
    if (atomic_load(&w->admitted)) {
        guest_remove(w);
        return;
    }
    w->guest_used += n;
    if (w->guest_used > w->cfg.guest_bytes)
        fail(w, WS_CODE_POLICY, "too much was said before who you are");
}

/* ---- what the stream asks: the loop ----------------------------------------------------------- */

static void tap_begun(void *arg)
{
    struct ws *w = arg;
    w->srv->n.open_ws++;
    w->ctl_ms = io_now(w->srv->io);
    guest_add(w);
}

static enum http_tapped tap_input(void *arg, const char *p, size_t n)
{
    struct ws *w = arg;
    if (n == 0) /* the peer sends no more: fine after a Close, when ours may still be on its way */
        return w->peer_closed ? HTTP_TAP_TAKEN : HTTP_TAP_GONE;
    atomic_store(&w->heard, true);
    if (w->deaf || w->peer_closed)
        return HTTP_TAP_DROPPED;
    count_guest(w, n);
    if (!w->deaf)
        digest(w, p, n);
    pump(w);
    return HTTP_TAP_TAKEN;
}

static void tap_filled(void *arg)
{
    pump(arg);
}

static bool tap_over(void *arg)
{
    struct ws *w = arg;
    return w->peer_closed || w->deaf || atomic_load(&w->dead);
}

static void tap_gone(void *arg)
{
    struct ws *w = arg;
    w->srv->n.open_ws--;
    guest_remove(w);
    in_drop(w);
}

/* ---- beginning: the handler's thread --------------------------------------------------------------- */

static struct ws *ws_new(struct http_server *srv, const struct ws_config *cfg, const struct ws_ops *ops, void *arg)
{
    struct ws *w = mem_new(1, sizeof *w);
    if (!w)
        return NULL;
    w->srv = srv;
    w->cfg = *cfg;
    w->ops = ops;
    w->arg = arg;
    w->ctl_level = CTL_BURST;
    queue_init(&w->in);
    queue_init(&w->out);
    ws_reader_init(&w->rd, cfg->guest_bytes, true);
    pthread_mutex_init(&w->mu, NULL);
    return w;
}

int ws_adopt(struct http_req *rq, const char *fields, const struct ws_config *cfg, const struct ws_ops *ops, void *arg,
             struct ws **ret, struct err *e)
{
    static const struct http_stream_ops stream_ops = {ws_fill, ws_closed, ws_poll};
    static const struct http_tap tap = {tap_begun, tap_input, tap_filled, tap_over, tap_gone};
    struct ws *w = ws_new(rq->srv, cfg, ops, arg);
    if (!w)
        return err_oom(e);
    int r = http_stream_upgrade(rq, fields, &stream_ops, &tap, w, &w->stream, e);
    if (r < 0) {
        pthread_mutex_destroy(&w->mu);
        free(w);
        return r;
    }
    *ret = w;
    return 0;
}
