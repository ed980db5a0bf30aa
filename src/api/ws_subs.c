/* ws_subs.c - the event streams of one WebSocket: each run that is followed has its own reader and cursor; see ws.h.
 *
 * Fair: readers take turns, a few events each, so that a run that prints megabytes does not hold up another's end.
 * Nothing is buffered: what does not fit into this fill is read by the next one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/ws.h"
#include "api/frames.h"
#include "base/str.h"
#include "service/stream.h"

#define SOFT_MAX (64 * KIB) /* a fill stops after this much; a single event may be larger */
#define TURN_MAX (16 * KIB) /* and one reader's turn after this much */
#define NAME_LEN 24
#define HEAD_LEN (NAME_LEN + 48)

struct ws_sub {
    struct ws_sub *next;
    struct ws *ws;
    struct id run;
    struct stream *stream;
    uint64_t after;   /* the message with this number goes before its first event */
    atomic_bool grew; /* the run may have something new */
    char name[NAME_LEN];
    char head[HEAD_LEN]; /* of each event's frame */
};

void ws_subs_init(struct gate *g)
{
    g->subs = NULL;
    g->last = &g->subs;
}

/* Any thread; short, see stream_follow. */
static void wake(void *arg)
{
    struct ws_sub *s = arg;

    if (!atomic_exchange(&s->grew, true))
        ws_wake(s->ws);
}

static void sub_free(struct ws_sub *s)
{
    stream_close(s->stream);
    free(s);
}

static void append(struct gate *g, struct ws_sub *s)
{
    s->next = NULL;
    *g->last = s;
    g->last = &s->next;
}

static void unlink_at(struct gate *g, struct ws_sub **p)
{
    struct ws_sub *s = *p;

    *p = s->next;
    if (!s->next)
        g->last = p;
}

void ws_subs_close(struct gate *g)
{
    while (g->subs) {
        struct ws_sub *s = g->subs;

        unlink_at(g, &g->subs);
        sub_free(s);
    }
}

/* ---- opening -------------------------------------------------------------- */

static int reserve(struct gate *g, uint64_t *ret_name, struct err *e)
{
    bool full;

    pthread_mutex_lock(&g->mu);
    full = g->nsubs >= WS_SUBS_MAX;
    if (!full) {
        g->nsubs++;
        *ret_name = ++g->names;
    }
    pthread_mutex_unlock(&g->mu);
    return full ? err_set(e, ERR_SUBSCRIPTIONS, "a connection follows at most %d runs: unsubscribe from some",
                          WS_SUBS_MAX)
                : 0;
}

static void give_back(struct gate *g)
{
    pthread_mutex_lock(&g->mu);
    g->nsubs--;
    pthread_mutex_unlock(&g->mu);
}

int ws_sub_open(struct gate *g, const char *tenant, const struct id *run, const char *cursor, struct ws_sub **ret,
                struct err *e)
{
    struct ws_sub *s;
    uint64_t name = 0;
    int r = reserve(g, &name, e);

    if (r < 0)
        return r;
    s = calloc(1, sizeof *s);
    r = s ? stream_open(g->svc, tenant, run, cursor, &s->stream, e) : err_oom(e);
    if (r == 0) {
        s->ws = g->ws;
        s->run = *run;
        s->grew = true;
        snprintf(s->name, sizeof s->name, "s%llu", (unsigned long long)name);
        snprintf(s->head, sizeof s->head, "{\"type\":\"event\",\"subscription\":\"%s\",\"event\":", s->name);
        r = stream_follow(s->stream, wake, s, e);
    }
    if (r < 0) {
        give_back(g);
        if (s)
            stream_close(s->stream);
        free(s);
        return r;
    }
    *ret = s;
    return 0;
}

void ws_sub_json(struct jw *w, struct ws_sub *s)
{
    jw_obj(w);
    jw_kstr(w, "subscription", s->name);
    jw_kstr(w, "run_id", s->run.s);
    jw_kstr(w, "cursor", stream_cursor(s->stream));
    jw_end_obj(w);
}

void ws_sub_start(struct gate *g, struct ws_sub *s, uint64_t after)
{
    if (!after) {
        sub_free(s);
        give_back(g);
        return;
    }
    s->after = after;
    pthread_mutex_lock(&g->mu);
    append(g, s);
    pthread_mutex_unlock(&g->mu);
    ws_wake(g->ws);
}

int ws_subscribe(struct gate *g, const struct ws_ask *ask, const struct caller *who, struct err *e)
{
    static const char *const keys[] = {"run_id", "cursor", NULL};
    struct buf out = BUF_INIT(8 * KIB);
    const char *id = NULL, *cursor = NULL;
    struct ws_sub *s;
    struct id run;
    struct jw w;
    int r = json_known(ask->params, "", keys, e);

    if (r == 0)
        r = json_want_str(ask->params, "", "run_id", J_REQ, 64, &id, e);
    if (r == 0)
        r = json_want_str(ask->params, "", "cursor", J_OPT, 8 * KIB, &cursor, e);
    if (r == 0 && !(who->scopes & SCOPE_RUN_READ))
        r = err_set(e, ERR_FORBIDDEN, "this needs the scope %s", auth_scope_name(SCOPE_RUN_READ));
    if (r == 0 && !id_parse(ID_RUN, id, &run))
        r = err_field(e, ERR_NOT_FOUND, "run_id", "that is no run id: they look like run_ and 26 characters");
    if (r == 0)
        r = ws_sub_open(g, who->tenant, &run, cursor, &s, e);
    if (r < 0)
        return r;
    w = ws_res(&out, ask);
    ws_sub_json(&w, s);
    ws_sub_start(g, s, ws_res_send(g, &w));
    return 0;
}

/* ---- ending ----------------------------------------------------------------- */

static struct ws_sub *take(struct gate *g, const char *name)
{
    struct ws_sub *found = NULL;

    pthread_mutex_lock(&g->mu);
    for (struct ws_sub **p = &g->subs; *p; p = &(*p)->next)
        if (strcmp((*p)->name, name) == 0) {
            found = *p;
            unlink_at(g, p);
            g->nsubs--;
            break;
        }
    pthread_mutex_unlock(&g->mu);
    return found;
}

/* One that has ended by itself a moment ago is not the client's mistake. */
static bool was_given(struct gate *g, const char *name)
{
    uint64_t n, names;

    pthread_mutex_lock(&g->mu);
    names = g->names;
    pthread_mutex_unlock(&g->mu);
    return name[0] == 's' && name[1] >= '1' && name[1] <= '9' && str_u64(name + 1, &n) && n <= names;
}

int ws_unsubscribe(struct gate *g, const struct ws_ask *ask, struct err *e)
{
    static const char *const keys[] = {"subscription", NULL};
    struct buf out = BUF_INIT(8 * KIB);
    const char *name = NULL;
    struct ws_sub *s;
    struct jw w;
    int r = json_known(ask->params, "", keys, e);

    if (r == 0)
        r = json_want_str(ask->params, "", "subscription", J_REQ, NAME_LEN, &name, e);
    if (r < 0)
        return r;
    s = take(g, name);
    if (!s && !was_given(g, name))
        return err_field(e, ERR_NOT_FOUND, "subscription", "this connection has no such subscription");
    w = ws_res(&out, ask);
    if (s) {
        ws_sub_json(&w, s);
        sub_free(s);
    } else {
        jw_obj(&w);
        jw_kstr(&w, "subscription", name);
        jw_kstr(&w, "run_id", NULL);
        jw_kstr(&w, "cursor", NULL);
        jw_end_obj(&w);
    }
    ws_res_send(g, &w);
    return 0;
}

/* ---- saying ------------------------------------------------------------------- */

static void say(const struct buf *head, const char *json, size_t n, const char *tail, struct buf *out)
{
    FRAME_SENT("ws", head->p, json, n, tail);
    ws_text(out, head, json, n, tail);
}

static void say_error(struct ws_sub *s, const struct err *e, struct buf *out)
{
    AUTO(buf_fini) struct buf head = BUF_INIT(128), body = BUF_INIT(16 * KIB);

    buf_printf(&head, "{\"type\":\"event\",\"subscription\":\"%s\",", s->name);
    http_error_json(&body, e, NULL, NULL);
    if (body.bad)
        return;
    say(&head, body.p + 1, body.len - 1, "", out);
}

enum turn { TURN_IDLE, TURN_MORE, TURN_OVER, TURN_BLOCKS };

static int next(struct ws_sub *s, bool may_block, struct stream_item *it, struct err *e)
{
    return may_block ? stream_next(s->stream, it, e) : stream_poll(s->stream, it);
}

static enum turn turn(struct gate *g, struct ws_sub *s, bool may_block, struct buf *out)
{
    const struct buf head = {.p = s->head, .len = strlen(s->head)};
    size_t stop = out->len + TURN_MAX;
    struct stream_item it;
    struct err e = ERR_INIT;
    int r = 0;

    while (out->len < stop && out->len < SOFT_MAX && !out->bad && (r = next(s, may_block, &it, &e)) == 1)
        say(&head, it.json, it.json_len, "}", out);
    if (r == STREAM_BLOCKS)
        return TURN_BLOCKS;
    stream_rest(s->stream);
    if (r < 0) {
        log_err(g->svc->log, log_level_refused(e.code), "ws",
                &(struct log_ctx){.trace_id = g->trace_id, .run_id = s->run.s}, "read a stream", &e);
        say_error(s, &e, out);
    }
    if (r < 0 || stream_ended(s->stream))
        return may_block ? TURN_OVER : TURN_BLOCKS; /* what it holds is given back where that may take a while */
    return r ? TURN_MORE : TURN_IDLE;
}

/* Every reader that may have something gets a turn. The answer is the most that is left to do. */
static enum turn round_robin(struct gate *g, bool may_block, uint64_t sent, struct buf *out)
{
    struct ws_sub *end = NULL; /* the first that was put behind the others */
    bool more = false, blocks = false;

    while (g->subs && g->subs != end && out->len < SOFT_MAX) {
        struct ws_sub *s = g->subs;
        enum turn t = TURN_IDLE;

        unlink_at(g, &g->subs);
        if (s->after <= sent && atomic_exchange(&s->grew, false))
            t = turn(g, s, may_block, out);
        if (t == TURN_OVER) {
            g->nsubs--;
            sub_free(s);
            continue;
        }
        if (t != TURN_IDLE)
            atomic_store(&s->grew, true);
        more = more || t == TURN_MORE;
        blocks = blocks || t == TURN_BLOCKS;
        append(g, s);
        if (!end)
            end = s;
    }
    if (blocks)
        return TURN_BLOCKS;
    return more || (g->subs && g->subs != end) ? TURN_MORE : TURN_IDLE;
}

static enum http_fill fill(struct gate *g, bool may_block, unsigned why, uint64_t sent, struct buf *out)
{
    enum turn t = TURN_MORE;

    for (struct ws_sub *s = g->subs; s && why & HTTP_FILL_TIMER; s = s->next)
        atomic_store(&s->grew, true); /* now and then without being told, as every other reader does */
    while (t == TURN_MORE && out->len < SOFT_MAX && !out->bad)
        t = round_robin(g, may_block, sent, out);
    if (t == TURN_BLOCKS)
        return HTTP_FILL_BLOCKS;
    return t == TURN_MORE ? HTTP_FILL_MORE : HTTP_FILL_WAIT;
}

enum http_fill ws_subs_fill(struct gate *g, unsigned why, uint64_t sent, struct buf *out)
{
    enum http_fill r;

    pthread_mutex_lock(&g->mu);
    r = fill(g, true, why, sent, out);
    pthread_mutex_unlock(&g->mu);
    return r;
}

enum http_fill ws_subs_poll(struct gate *g, unsigned why, uint64_t sent, struct buf *out)
{
    return fill(g, false, why, sent, out);
}
