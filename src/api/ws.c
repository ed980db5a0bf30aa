/* ws.c - one WebSocket of the gateway: who it is, what it asks, what it is told; see ws.h. */
#include "api/ws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/frames.h"
#include "api/login.h"
#include "base/str.h"
#include "os/clock.h"
#include "service/logins.h"

#define TRACE_MAX 100

/* ---- what goes out ------------------------------------------------------- */

struct jw ws_res(struct buf *out, const struct ws_ask *ask)
{
    struct jw w = JW_INIT(out);

    jw_obj(&w);
    jw_kstr(&w, "type", "res");
    jw_kstr(&w, "id", ask->id);
    jw_kbool(&w, "ok", true);
    jw_key(&w, "result");
    return w;
}

uint64_t ws_say(struct gate *g, struct buf *text)
{
    if (!text->bad && text->p)
        FRAME_SENT("ws", "", text->p, text->len, "");
    return ws_send(g->ws, text);
}

uint64_t ws_res_send(struct gate *g, struct jw *w)
{
    jw_end_obj(w);
    return ws_say(g, w->out);
}

void ws_res_err(struct gate *g, const char *id, const struct err *e)
{
    struct buf out = BUF_INIT(32 * KIB);
    AUTO(buf_fini) struct buf body = BUF_INIT(16 * KIB);
    struct jw w = JW_INIT(&out);

    http_error_json(&body, e, NULL, NULL);
    jw_obj(&w);
    jw_kstr(&w, "type", "res");
    jw_kstr(&w, "id", id);
    jw_kbool(&w, "ok", false);
    buf_addc(&out, ',');
    if (body.len > 2)
        buf_add(&out, body.p + 1, body.len - 2);
    buf_addc(&out, '}');
    ws_say(g, &out);
}

/* ---- who it is ------------------------------------------------------------ */

int ws_identify(struct gate *g, struct caller *ret, struct err *e)
{
    int r;

    if (!id_none(&g->login))
        return login_caller(g->svc, &g->login, ret, e);
    r = api_identify(g->api, g->has_token ? g->token : NULL, &g->peer, ret, e);
    ret->surface = "ws";
    return r;
}

static int want_protocol(const struct json *params, struct err *e)
{
    static const char *const keys[] = {"min", "max", NULL};
    const struct json *range = NULL;
    int64_t min, max;
    int r = json_want_obj(params, "", "protocol", J_REQ, &range, e);

    if (r == 0)
        r = json_known(range, "protocol", keys, e);
    if (r == 0)
        r = json_want_int(range, "protocol", "min", J_REQ, 0, INT32_MAX, &min, e);
    if (r == 0)
        r = json_want_int(range, "protocol", "max", J_REQ, 0, INT32_MAX, &max, e);
    if (r == 0 && (min > WS_PROTOCOL || max < WS_PROTOCOL))
        return err_field(e, ERR_PROTOCOL, "protocol", "this server speaks version %d only", WS_PROTOCOL);
    return r;
}

static int want_token(struct gate *g, const struct json *params, struct err *e)
{
    const char *token = NULL;
    int r = json_want_str(params, "", "token", J_OPT, 200, &token, e);

    if (r < 0 || !token)
        return r;
    if (!str_copy(g->token, sizeof g->token, token))
        return err_field(e, ERR_UNAUTHORIZED, "token", "that is no token: they begin with sp_");
    g->has_token = true;
    return 0;
}

/* The other half of the login that the handshake's cookie names. */
static int want_csrf(struct gate *g, const struct json *params, struct err *e)
{
    const char *proof = NULL;
    int r = json_want_str(params, "", "csrf", J_OPT, 200, &proof, e);

    if (r < 0 || (!proof && (!g->cookies || g->has_token || g->peer.unix_socket)))
        return r;
    if (!proof)
        return err_field(e, ERR_UNAUTHORIZED, "csrf", "a login's cookie counts only with its csrf");
    if (g->has_token)
        return err_field(e, ERR_INVALID, "csrf", "give token or csrf, not both");
    return login_of_kept(g->svc, g->cookies, proof, &g->login, e);
}

/* Each run of `cursors` is followed from there; what is wrong with one is said beside it, and harms no other. */
static void follow_cursors(struct gate *g, const struct json *cursors, struct ws_sub *subs[WS_SUBS_MAX], struct jw *w)
{
    size_t n = 0;

    for (const void *it = json_first(cursors); it; it = json_next(cursors, it)) {
        const char *cursor = json_str(json_val(it));
        struct err e = ERR_INIT;
        struct id run;
        int r = 0;

        if (!(g->who.scopes & SCOPE_RUN_READ))
            r = err_set(&e, ERR_FORBIDDEN, "this needs the scope %s", auth_scope_name(SCOPE_RUN_READ));
        else if (!id_parse(ID_RUN, json_key(it), &run))
            r = err_set(&e, ERR_NOT_FOUND, "that is no run id");
        else
            r = ws_sub_open(g, g->who.tenant, &run, cursor, &subs[n], &e);
        if (r == 0) {
            ws_sub_json(w, subs[n++]);
            continue;
        }
        AUTO(buf_fini) struct buf b = BUF_INIT(16 * KIB);

        http_error_json(&b, &e, NULL, NULL);
        jw_obj(w);
        jw_kstr(w, "run_id", json_key(it));
        if (!b.bad) {
            jw_key(w, "error");
            jw_raw(w, b.p + strlen("{\"error\":"), b.len - strlen("{\"error\":}"));
        }
        jw_end_obj(w);
    }
}

static void hello(struct gate *g, const struct ws_ask *ask, const struct json *cursors)
{
    struct buf out = BUF_INIT(MIB);
    struct ws_sub *subs[WS_SUBS_MAX] = {NULL};
    struct jw w = ws_res(&out, ask);
    uint64_t number;

    jw_obj(&w);
    jw_kstr(&w, "type", "hello");
    jw_kint(&w, "protocol", WS_PROTOCOL);
    jw_kstr(&w, "version", SALLYPORT_VERSION);
    call_who(&w, &g->who);
    jw_key(&w, "limits");
    jw_obj(&w);
    jw_kint(&w, "message_bytes", WS_MESSAGE_MAX);
    jw_kint(&w, "messages_per_s", WS_RATE);
    jw_kint(&w, "subscriptions", WS_SUBS_MAX);
    jw_end_obj(&w);
    jw_key(&w, "methods");
    jw_arr(&w);
    for (size_t i = 0; i < api_nroutes; i++)
        if (api_routes[i].method_name)
            jw_str(&w, api_routes[i].method_name);
    jw_str(&w, "subscribe");
    jw_str(&w, "unsubscribe");
    jw_str(&w, "ping");
    jw_end_arr(&w);
    jw_key(&w, "subscriptions");
    jw_arr(&w);
    follow_cursors(g, cursors, subs, &w);
    jw_end_arr(&w);
    jw_end_obj(&w);
    number = ws_res_send(g, &w);
    for (size_t i = 0; i < WS_SUBS_MAX && subs[i]; i++)
        ws_sub_start(g, subs[i], number);
}

static int want_cursors(const struct json *params, const struct json **ret, struct err *e)
{
    int r = json_want_obj(params, "", "cursors", J_OPT, ret, e);

    if (r < 0)
        return r;
    if (json_len(*ret) > WS_SUBS_MAX)
        return err_field(e, ERR_SUBSCRIPTIONS, "cursors", "a connection follows at most %d runs", WS_SUBS_MAX);
    for (const void *it = json_first(*ret); it; it = json_next(*ret, it))
        if (json_type(json_val(it)) != JT_STR && json_type(json_val(it)) != JT_NULL)
            return err_field(e, ERR_INVALID, "cursors", "give a cursor for each run, or null for its beginning");
    return 0;
}

static int connect(struct gate *g, const struct ws_ask *ask, struct err *e)
{
    static const char *const keys[] = {"protocol", "token", "csrf", "cursors", "client", NULL};
    AUTO(caller_fini) struct caller who;
    const struct json *cursors = NULL, *client = NULL;
    struct tally_token *counted = NULL;
    int r = json_known(ask->params, "", keys, e);

    caller_init(&who);
    if (r == 0)
        r = want_protocol(ask->params, e);
    if (r == 0)
        r = json_want_obj(ask->params, "", "client", J_OPT, &client, e); /* what it says of itself: for its own logs */
    if (r == 0)
        r = want_cursors(ask->params, &cursors, e);
    if (r == 0)
        r = want_token(g, ask->params, e);
    if (r == 0)
        r = want_csrf(g, ask->params, e);
    if (r == 0)
        r = ws_identify(g, &who, e);
    if (r == 0)
        r = tally_enter(api_ws_tally(g->api), who.token_id, &counted, e);
    if (r < 0)
        return r;
    free(g->cookies);
    g->cookies = NULL;
    pthread_mutex_lock(&g->mu);
    g->counted = counted;
    g->who = who; /* its reply is empty: nothing is owned twice */
    look_init(&g->login_look, false);
    g->look = id_none(&g->login) ? tally_look(counted) : &g->login_look;
    g->connected = true;
    pthread_mutex_unlock(&g->mu);
    ws_admit(g->ws);
    hello(g, ask, cursors);
    return 0;
}

/* ---- what it asks ----------------------------------------------------------- */

static int ping(struct gate *g, const struct ws_ask *ask, struct err *e)
{
    static const char *const none[] = {NULL};
    struct buf out = BUF_INIT(KIB);
    struct jw w;
    int r = ask->params ? json_known(ask->params, "", none, e) : 0;

    if (r < 0)
        return r;
    w = ws_res(&out, ask);
    jw_obj(&w);
    jw_ktime(&w, "time", clock_now_us());
    jw_end_obj(&w);
    ws_res_send(g, &w);
    return 0;
}

static int serve(struct gate *g, const struct ws_ask *ask, struct err *e)
{
    const struct route *rt = ws_route(ask->method);
    AUTO(caller_fini) struct caller who;
    int r;

    caller_init(&who);
    r = ws_identify(g, &who, e);
    if (r < 0) {
        if (r == -ERR_UNAUTHORIZED)
            g->connected = false; /* the caller closes */
        return r;
    }
    if (strcmp(ask->method, "ping") == 0)
        return ping(g, ask, e);
    if (strcmp(ask->method, "subscribe") == 0)
        return ws_subscribe(g, ask, &who, e);
    if (strcmp(ask->method, "unsubscribe") == 0)
        return ws_unsubscribe(g, ask, e);
    if (strcmp(ask->method, "connect") == 0)
        return err_set(e, ERR_STATE, "this connection is connected already");
    if (!rt)
        return err_field(e, ERR_UNKNOWN_METHOD, "method", "there is no method \"%.60s\": hello names all there are",
                         ask->method);
    ws_call(g, ask, rt, &who);
    return 0;
}

/* The frame itself. *ret->id is filled as soon as it is known, so that the error can name it. */
static int read_frame(const struct json *doc, struct ws_ask *ret, struct err *e)
{
    static const char *const keys[] = {"type", "id", "method", "params", "traceparent", NULL};
    const char *type = NULL;
    int r;

    if (json_type(doc) != JT_OBJ)
        return err_set(e, ERR_INVALID, "a frame is a JSON object: {\"type\":\"req\",\"id\",\"method\",\"params\"}");
    r = json_want_str(doc, "", "id", J_REQ, WS_ID_MAX, &ret->id, e);
    if (r == 0)
        r = json_known(doc, "", keys, e);
    if (r == 0)
        r = json_want_str(doc, "", "type", J_REQ, 16, &type, e);
    if (r == 0 && strcmp(type, "req") != 0)
        r = err_field(e, ERR_INVALID, "type", "clients send frames of the type req only");
    if (r == 0)
        r = json_want_str(doc, "", "method", J_REQ, 100, &ret->method, e);
    if (r == 0)
        r = json_want_obj(doc, "", "params", J_OPT, &ret->params, e);
    return r < 0 ? r : json_want_str(doc, "", "traceparent", J_OPT, TRACE_MAX, &ret->trace, e);
}

/* A bucket per connection; below zero by twice its size, nobody listens to the answers any more. */
static int count_message(struct gate *g, struct err *e)
{
    int64_t now = clock_mono_us();

    g->level += (double)(now - g->level_us) * WS_RATE / (double)SEC_US;
    if (g->level > WS_BURST)
        g->level = WS_BURST;
    g->level_us = now;
    g->level -= 1;
    if (g->level < -2 * WS_BURST)
        ws_close(g->ws, WS_POLICY, "too many messages");
    return g->level >= 0 ? 0 : err_set(e, ERR_RATE, "more than %d messages a second: slow down", WS_RATE);
}

static void on_message(void *arg, char *text, size_t n)
{
    struct gate *g = arg;
    AUTO_PTR(json_free) struct json *doc = NULL;
    struct ws_ask ask = {0};
    struct err e = ERR_INIT;
    struct err much = ERR_INIT;
    bool was = g->connected;
    int counted = count_message(g, &much); /* whatever it is: to be told that it is wrong costs as much */
    int r = json_parse(text, n, &doc, &e);

    if (r == 0)
        r = read_frame(doc, &ask, &e);
    if (counted < 0) {
        r = counted;
        e = much;
    }
    if (r == 0 && was)
        r = serve(g, &ask, &e);
    else if (r == 0)
        r = strcmp(ask.method, "connect") == 0 ? connect(g, &ask, &e) : err_set(&e, ERR_STATE, "send connect first");
    if (r == 0)
        return;
    if (err_info(e.code)->http >= 500)
        log_err(g->svc->log, log_level_refused(e.code), "ws", &(struct log_ctx){.trace_id = g->trace_id},
                ask.method ? ask.method : "frame", &e);
    ws_res_err(g, ask.id, &e);
    if (!g->connected)
        ws_close(g->ws, WS_POLICY, was ? "the token is not valid any more" : "connect failed");
}

/* ---- what it is told ---------------------------------------------------------- */

/* By the login, or by the token's id: looked up by its text it would count as a guess when it has ended, and be
 * refused, not answered, while others guess from the same address. */
static int look(void *arg, struct err *e)
{
    struct gate *g = arg;
    AUTO(caller_fini) struct caller who;

    caller_init(&who);
    return id_none(&g->login) ? auth_token_lives(g->svc, g->who.tenant, g->who.token_id, e)
                              : login_caller(g->svc, &g->login, &who, e);
}

static bool still_valid(struct gate *g)
{
    struct look *l;

    pthread_mutex_lock(&g->mu);
    l = g->look;
    pthread_mutex_unlock(&g->mu);
    if (!l || look_still_good(l, look, g))
        return true;
    ws_close(g->ws, WS_POLICY, "the token is not valid any more");
    return false;
}

static enum http_fill on_fill(void *arg, unsigned why, uint64_t sent, struct buf *out)
{
    struct gate *g = arg;

    return still_valid(g) ? ws_subs_fill(g, why, sent, out) : HTTP_FILL_MORE;
}

/* On the loop: whatever would wait for somebody is left to on_fill. */
static enum http_fill on_poll(void *arg, unsigned why, uint64_t sent, struct buf *out)
{
    struct gate *g = arg;
    enum http_fill r = HTTP_FILL_BLOCKS;

    if (pthread_mutex_trylock(&g->mu) != 0)
        return r;
    if (!g->look || look_good_now(g->look))
        r = ws_subs_poll(g, why, sent, out);
    pthread_mutex_unlock(&g->mu);
    return r;
}

static void on_closed(void *arg)
{
    struct gate *g = arg;

    ws_subs_close(g);
    if (g->counted)
        tally_leave(api_ws_tally(g->api), g->counted);
    secure_wipe(g->token, sizeof g->token);
    free(g->cookies);
    caller_fini(&g->who);
    pthread_mutex_destroy(&g->mu);
    free(g);
}

/* ---- the route ------------------------------------------------------------------ */

int get_ws(struct call *c, struct err *e)
{
    static const struct ws_ops ops = {on_message, on_fill, on_closed, on_poll};
    static const struct ws_config cfg = {
        .protocol = WS_SUBPROTOCOL,
        .max_message = WS_MESSAGE_MAX,
        .guest_bytes = 16 * KIB, /* a connect with many cursors */
        .inbox = 16,
        .outbox = 64 * KIB,
    };
    const char *auth = http_req_header(c->rq, "authorization");
    struct gate *g = calloc(1, sizeof *g);
    int r;

    if (!g)
        return err_oom(e);
    g->api = c->api;
    g->svc = c->svc;
    g->peer = *http_req_peer(c->rq);
    snprintf(g->trace_id, sizeof g->trace_id, "%s", http_req_trace_id(c->rq));
    g->level = WS_BURST;
    g->level_us = clock_mono_us();
    g->cookies = auth ? NULL : login_keep(c->rq);
    g->has_token = auth && str_copy(g->token, sizeof g->token, auth + strlen("Bearer "));
    caller_init(&g->who);
    pthread_mutex_init(&g->mu, NULL);
    ws_subs_init(g);
    r = ws_open(c->rq, &cfg, &ops, g, &g->ws, e);
    if (r < 0)
        on_closed(g);
    return r;
}
