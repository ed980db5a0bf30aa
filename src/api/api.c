/* api.c - the dispatcher: see api.h for the way of a request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/console.h"
#include "api/login.h"
#include "api/tally.h"
#include "api/ws.h"
#include "base/hash.h"
#include "base/str.h"
#include "service/keeper.h"
#include "service/auth.h"
#include "service/idem.h"
#include "service/logins.h"

#define KEY_MAX 200

struct api {
    struct svc *svc;
    struct api_config cfg;
    struct guard *guard;
    struct flights *flights;
    struct tally *ws, *sse;
    struct http_server *server;
};

int api_new(struct svc *svc, const struct api_config *cfg, struct api **ret, struct err *e)
{
    struct api *a = calloc(1, sizeof *a);
    int r;

    if (!a)
        return err_oom(e);
    a->svc = svc;
    a->cfg = *cfg;
    r = guard_new(&a->cfg, &a->guard, e);
    if (r == 0)
        r = flights_new(&a->flights, e);
    if (r == 0)
        r = tally_new(cfg->max_ws_per_token, "WebSockets", &a->ws, e);
    if (r == 0)
        r = tally_new(cfg->max_sse_per_token, "event streams", &a->sse, e);
    if (r < 0) {
        api_free(a);
        return r;
    }
    *ret = a;
    return 0;
}

void api_free(struct api *a)
{
    if (!a)
        return;
    guard_free(a->guard);
    flights_free(a->flights);
    tally_free(a->ws);
    tally_free(a->sse);
    free(a);
}

void api_set_server(struct api *a, struct http_server *s)
{
    a->server = s;
}

struct http_server *api_server(const struct api *a)
{
    return a->server;
}

struct tally *api_ws_tally(struct api *a)
{
    return a->ws;
}

struct tally *api_sse_tally(struct api *a)
{
    return a->sse;
}

const struct api_config *api_cfg(const struct api *a)
{
    return &a->cfg;
}

/* ---- route ------------------------------------------------------------- */

/* A body that comes to a wrong place is read when it is small, so that the answer can say what is wrong: 404 or 405. */
size_t api_limit(void *arg, enum http_method m, const char *path)
{
    bool known;
    const struct route *r = route_find(m, path, &known);

    return r ? r->body : 64 * KIB;
}

static void path_args(struct call *c)
{
    const char *p = c->route->path;
    size_t n = 0;

    for (size_t seg = 0; *p == '/' && n < ARGS_MAX; seg++) {
        size_t len = strcspn(++p, "/");

        if (p[0] == '{')
            c->arg[n++] = http_req_seg(c->rq, seg);
        p += len;
    }
}

static int allow_header(struct call *c, const char *path, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(256);

    for (size_t i = 0; i < api_nroutes; i++)
        if (route_matches(api_routes[i].path, path))
            buf_printf(&b, "%s%s%s", b.len ? ", " : "", http_method_name(api_routes[i].method),
                       api_routes[i].method == HTTP_M_GET ? ", HEAD" : "");
    if (http_reply_header(c->rq, "Allow", b.p ? b.p : "", e) < 0)
        return -e->code;
    return err_set(e, ERR_METHOD, "%s takes: %s", path, b.p ? b.p : "nothing");
}

static int route(struct call *c, struct err *e)
{
    const char *path = http_req_path(c->rq);
    bool known;

    c->route = route_find(http_req_method(c->rq), path, &known);
    if (!c->route)
        return known ? allow_header(c, path, e)
                     : err_set(e, ERR_NOT_FOUND, "there is no %.100s: see /openapi.json", path);
    path_args(c);
    return 0;
}

/* ---- caller ------------------------------------------------------------ */

/* What the client says of itself; for the audit's reader, never for access. */
static const char *surface_of(const struct call *c)
{
    const char *ua = http_req_header(c->rq, "user-agent");

    return ua && str_starts(ua, "sallyport-cli/") ? "cli" : "api";
}

static int peer_caller(const struct api *a, const struct http_peer *p, struct caller *who, struct err *e)
{
    if (p->uid != a->cfg.uid && p->uid != 0)
        return err_set(e, ERR_UNAUTHORIZED, "uid %u is not the server's user: use a token", (unsigned)p->uid);
    snprintf(who->tenant, sizeof who->tenant, "default");
    snprintf(who->actor, sizeof who->actor, "uid:%u", (unsigned)p->uid);
    snprintf(who->token_id, sizeof who->token_id, "uid:%u", (unsigned)p->uid);
    who->scopes = ~0u;
    return 0;
}

/* Wrong tokens are slowed down by address, right ones by token. */
static void rate_name(const struct http_peer *p, char ret[80])
{
    const char *colon = strrchr(p->addr, ':');

    snprintf(ret, 80, "addr:%.*s", colon ? (int)(colon - p->addr) : 0, p->addr);
}

/* Who was not known pays for it. */
static int slow_down(struct api *a, const struct http_peer *p, int r, struct err *e)
{
    char name[80];

    rate_name(p, name);
    return guard_rate(a->guard, name, e) < 0 ? -ERR_RATE : r;
}

int api_identify(struct api *a, const char *bearer, const struct http_peer *p, struct caller *who, struct err *e)
{
    int r;

    if (!bearer)
        return p->unix_socket ? peer_caller(a, p, who, e) : err_set(e, ERR_UNAUTHORIZED, NULL);
    r = auth_token(a->svc, bearer, who, e);
    return r == -ERR_UNAUTHORIZED ? slow_down(a, p, r, e) : r;
}

static bool is_local(const struct call *c)
{
    const struct http_peer *p = http_req_peer(c->rq);

    return p->unix_socket || str_starts(p->addr, "127.") || str_starts(p->addr, "[::1]");
}

int api_admit(struct call *c, struct err *e)
{
    int r = guard_rate(c->api->guard, c->who.token_id, e);

    if (r < 0)
        return r;
    if (c->route->scope && !(c->who.scopes & c->route->scope))
        return err_set(e, ERR_FORBIDDEN, "this needs the scope %s", auth_scope_name(c->route->scope));
    return 0;
}

static int by_login(struct call *c, const char *proof, struct err *e)
{
    struct id login;
    int r = login_of(c->svc, c->rq, proof, &login, e);

    if (r == 0)
        r = login_caller(c->svc, &login, &c->who, e);
    return r == -ERR_UNAUTHORIZED ? slow_down(c->api, http_req_peer(c->rq), r, e) : r;
}

static int caller(struct call *c, struct err *e)
{
    const char *auth = http_req_header(c->rq, "authorization"), *proof = http_req_header(c->rq, LOGIN_HEADER);
    int r;

    snprintf(c->who.trace_id, sizeof c->who.trace_id, "%s", http_req_trace_id(c->rq));
    c->who.surface = surface_of(c);
    if (c->route->flags & OPEN || (c->route->flags & LOCAL && !auth && is_local(c)))
        return 0;
    if (auth && strncasecmp(auth, "Bearer ", 7) != 0)
        return err_set(e, ERR_UNAUTHORIZED, "use Authorization: Bearer sp_…");
    if (!auth && c->route->flags & LATE)
        return 0;
    if (!auth && proof)
        r = by_login(c, proof, e);
    else if (!auth && !http_req_peer(c->rq)->unix_socket && login_has_cookie(c->rq))
        r = err_field(e, ERR_UNAUTHORIZED, "Sallyport-CSRF",
                      "a login's cookie counts only with its Sallyport-CSRF header");
    else
        r = api_identify(c->api, auth ? auth + 7 : NULL, http_req_peer(c->rq), &c->who, e);
    return r < 0 ? r : api_admit(c, e);
}

/* ---- query and body ---------------------------------------------------- */

static bool word_in(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = list; p && *p; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");

        if (len == n && memcmp(p, word, n) == 0)
            return true;
        p += len;
    }
    return false;
}

static int query_known(struct call *c, struct err *e)
{
    for (size_t i = 0; i < http_req_nquery(c->rq); i++) {
        const char *name = http_req_query_name(c->rq, i);

        if (!word_in(c->route->query, name))
            return err_field(e, ERR_UNKNOWN_FIELD, name, "there is no query parameter \"%.60s\" here; known: %s", name,
                             c->route->query ? c->route->query : "none");
        for (size_t k = 0; k < i && strcmp(name, "path") != 0 && strcmp(name, "path_b64") != 0; k++)
            if (strcmp(http_req_query_name(c->rq, k), name) == 0)
                return err_field(e, ERR_INVALID, name, "give the query parameter \"%.60s\" once", name);
    }
    return 0;
}

static bool json_type_ok(const char *ct)
{
    size_t n = ct ? strcspn(ct, ";") : 0;

    while (n && (ct[n - 1] == ' ' || ct[n - 1] == '\t'))
        n--;
    return n == 16 && strncasecmp(ct, "application/json", 16) == 0;
}

static int read_body(struct call *c, struct err *e)
{
    size_t n;
    const char *p = http_req_body(c->rq, &n);
    int r;

    if (c->route->body == 0)
        return 0; /* a body was refused by the limit already */
    if (n == 0) {
        p = "{}"; /* the checks of each field say what is missing */
        n = 2;
    } else if (!json_type_ok(http_req_header(c->rq, "content-type"))) {
        return err_set(e, ERR_MEDIA_TYPE, NULL);
    }
    r = json_parse(p, n, &c->body, e);
    if (r < 0)
        return r;
    if (json_type(c->body) != JT_OBJ)
        return err_set(e, ERR_INVALID, "the body must be a JSON object");
    return 0;
}

/* ---- idempotency ------------------------------------------------------- */

/* The body counts as the value it is, not as it was spelled: the same request over HTTP and over WebSocket is one. */
static void request_hash(struct call *c)
{
    AUTO(buf_fini) struct buf canonical = BUF_INIT(2 * c->route->body + 64);
    struct sha256 *h = sha256_new();
    uint8_t sum[SHA256_LEN];
    size_t n;
    const void *body = http_req_body(c->rq, &n);
    const char *path = http_req_path(c->rq), *m = http_method_name(http_req_method(c->rq));

    if (!h)
        return; /* an empty hash never matches: the request is treated as another one */
    if (c->body && json_canonical(c->body, &canonical, NULL) == 0 && !canonical.bad) {
        body = canonical.p;
        n = canonical.len;
    }
    sha256_add(h, m, strlen(m) + 1);
    sha256_add(h, path, strlen(path) + 1);
    sha256_add(h, body, n);
    sha256_final(h, sum);
    sha256_free(h);
    hex_encode(sum, sizeof sum, c->who.idem_hash);
}

static int idem_key(struct call *c, struct err *e)
{
    const char *key = http_req_header(c->rq, "idempotency-key");
    size_t n = key ? strlen(key) : 0;

    if (n == 0)
        return err_field(e, ERR_KEY_REQUIRED, "Idempotency-Key",
                         "send an Idempotency-Key header: any text that is new for each new request");
    if (n > KEY_MAX)
        return err_field(e, ERR_INVALID, "Idempotency-Key", "a key has at most %d characters", KEY_MAX);
    for (size_t i = 0; i < n; i++)
        if (key[i] < 0x20 || key[i] > 0x7e)
            return err_field(e, ERR_INVALID, "Idempotency-Key", "a key has printable ASCII characters only");
    c->who.idem_route = c->route->path;
    c->who.idem_key = key;
    request_hash(c);
    return 0;
}

static int replay(struct call *c, bool *ret_done, struct err *e)
{
    int r = idem_replay(c->svc, &c->who, ret_done, e);

    if (r < 0 || !*ret_done)
        return r;
    c->replayed = true;
    r = http_reply_header(c->rq, "Idempotency-Replayed", "true", e);
    if (r < 0)
        return r;
    if (c->route->fn == post_run && call_accepts(c, "text/event-stream")) {
        AUTO_PTR(json_free) struct json *run = NULL;
        struct id id;

        if (json_parse(c->who.reply.p, c->who.reply.len, &run, e) == 0 &&
            id_parse(ID_RUN, json_str(json_get(run, "id")), &id))
            return sse_reply(c, &id, NULL, e);
    }
    return call_reply(c);
}

static int perform(struct call *c, struct err *e)
{
    bool done = false;
    int r;

    if (!(c->route->flags & KEY))
        return c->route->fn(c, e);
    r = idem_key(c, e);
    if (r < 0)
        return r;
    r = flight_enter(c->api->flights, &c->who, e);
    if (r < 0)
        return r;
    r = replay(c, &done, e);
    if (r == 0 && !done)
        r = c->route->fn(c, e);
    flight_leave(c->api->flights, &c->who);
    return r;
}

/* ---- the way of a request ---------------------------------------------- */

static int cors(struct call *c, bool *ret_preflight, struct err *e)
{
    const char *origin = http_req_header(c->rq, "origin");
    bool listed = false;
    int r;

    *ret_preflight = false;
    for (const char *const *o = c->api->cfg.allowed_origins; origin && o && *o; o++)
        listed = listed || str_eq(*o, origin);
    if (!listed)
        return 0;
    r = http_reply_header(c->rq, "Access-Control-Allow-Origin", origin, e);
    if (r == 0)
        r = http_reply_header(c->rq, "Vary", "Origin", e);
    if (r < 0 || http_req_method(c->rq) != HTTP_M_OPTIONS)
        return r;
    *ret_preflight = true;
    r = http_reply_header(c->rq, "Access-Control-Allow-Methods", "GET, POST, PUT, DELETE", e);
    if (r == 0)
        r = http_reply_header(c->rq, "Access-Control-Allow-Headers",
                              "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, traceparent", e);
    return r;
}

static int handle(struct call *c, struct err *e)
{
    bool preflight, taken;
    int r = guard_host(c->api->guard, c->rq, e);

    if (r == 0)
        r = console_serve(c->rq, &taken, e);
    if (r < 0 || taken)
        return r;
    r = cors(c, &preflight, e);
    if (r < 0)
        return r;
    if (preflight) {
        http_reply(c->rq, 204, NULL, "", 0);
        return 0;
    }
    r = route(c, e);
    if (r == -ERR_NOT_FOUND) {
        int lost = console_serve_lost(c->rq, &taken, e);

        if (lost < 0 || taken)
            return lost;
    }
    if (r == 0)
        r = caller(c, e);
    if (r == 0)
        r = query_known(c, e);
    if (r == 0)
        r = read_body(c, e);
    if (r == 0 && keeper_full(c->svc->keeper)) /* for people: the command line shows it beside whatever was asked */
        r = http_reply_header(c->rq, "Sallyport-Notice", "disk_full", e);
    return r < 0 ? r : perform(c, e);
}

static void answer_err(struct call *c, const struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(256 * KIB);
    struct log_ctx cx = {.trace_id = c->who.trace_id};

    if (err_info(e->code)->http >= 500)
        log_err(c->svc->log, log_level_refused(e->code), "api", &cx, http_req_path(c->rq), e);
    if ((e->code == ERR_RATE || e->code == ERR_QUOTA) && http_reply_header(c->rq, "Retry-After", "1", NULL) < 0)
        return;
    if (e->code == ERR_UNAUTHORIZED && http_reply_header(c->rq, "WWW-Authenticate", "Bearer", NULL) < 0)
        return;
    if (!c->details) {
        http_reply_err(c->rq, e);
        return;
    }
    http_error_json(&b, e, c->details, http_req_trace_id(c->rq));
    http_reply(c->rq, err_info(e->code)->http, "application/json", b.p, b.len);
}

static void finish(struct call *c, int r, const struct err *e)
{
    if (r < 0 && !http_req_answered(c->rq))
        answer_err(c, e);
    json_free(c->body);
    free(c->details);
    caller_fini(&c->who);
}

void api_handle(void *arg, struct http_req *rq)
{
    struct api *a = arg;
    struct call c = {.api = a, .svc = a->svc, .rq = rq};
    struct err e = ERR_INIT;

    caller_init(&c.who);
    finish(&c, handle(&c, &e), &e);
}

static int handle_as(struct call *c, const struct caller *as, struct err *e)
{
    int r;

    memcpy(c->who.tenant, as->tenant, sizeof c->who.tenant);
    memcpy(c->who.actor, as->actor, sizeof c->who.actor);
    memcpy(c->who.token_id, as->token_id, sizeof c->who.token_id);
    snprintf(c->who.trace_id, sizeof c->who.trace_id, "%s", http_req_trace_id(c->rq));
    c->who.surface = as->surface;
    c->who.scopes = as->scopes;
    path_args(c);
    r = api_admit(c, e);
    if (r == 0)
        r = query_known(c, e);
    if (r == 0)
        r = read_body(c, e);
    return r < 0 ? r : perform(c, e);
}

void api_call(struct api *a, const struct route *route, const struct caller *as, struct http_req *rq,
              bool *ret_replayed)
{
    struct call c = {.api = a, .svc = a->svc, .rq = rq, .route = route};
    struct err e = ERR_INIT;
    int r;

    caller_init(&c.who);
    r = handle_as(&c, as, &e);
    *ret_replayed = c.replayed;
    finish(&c, r, &e);
}

/* ---- shared by handlers ------------------------------------------------ */

int call_reply(struct call *c)
{
    return http_reply(c->rq, c->who.status, c->who.reply.len ? "application/json" : NULL,
                      c->who.reply.p ? c->who.reply.p : "", c->who.reply.len);
}

int call_json(struct call *c, int (*render)(struct call *, struct jw *, struct err *), struct err *e)
{
    struct jw w = caller_reply(&c->who);
    int r = render(c, &w, e);

    if (r < 0)
        return r;
    if (c->who.reply.bad)
        return err_bad(e, c->who.reply.bad, "the answer is too large: ask for less with ?limit=");
    c->who.status = c->route->status;
    return call_reply(c);
}

int call_id(struct call *c, int arg, const char *prefix, const char *what, struct id *ret, struct err *e)
{
    if (!id_parse(prefix, c->arg[arg], ret))
        return err_set(e, ERR_NOT_FOUND, "\"%.60s\" is no %s id: they look like %s_ and 26 characters", c->arg[arg],
                       what, prefix);
    return 0;
}

int call_query_i64(struct call *c, const char *name, int64_t dflt, int64_t *ret, struct err *e)
{
    const char *s = http_req_query(c->rq, name);

    if (!s) {
        *ret = dflt;
        return 0;
    }
    if (!str_i64(s, ret) || *ret < 0)
        return err_field(e, ERR_INVALID, name, "give a whole number from 0");
    return 0;
}

int call_limit(struct call *c, int dflt, int max, int *ret, struct err *e)
{
    int64_t v;
    int r = call_query_i64(c, "limit", dflt, &v, e);

    if (r < 0)
        return r;
    if (v < 1 || v > max)
        return err_field(e, ERR_INVALID, "limit", "give 1 to %d", max);
    *ret = (int)v;
    return 0;
}

int call_query_id(struct call *c, const char *name, const char *prefix, struct id *ret, struct err *e)
{
    const char *s = http_req_query(c->rq, name);

    *ret = (struct id){{0}};
    if (s && !id_parse(prefix, s, ret))
        return err_field(e, ERR_INVALID, name, "give an id: %s_ and 26 characters", prefix);
    return 0;
}

bool call_accepts(struct call *c, const char *media_type)
{
    const char *a = http_req_header(c->rq, "accept");

    return a && strstr(a, media_type);
}
