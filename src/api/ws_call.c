/* ws_call.c - a method that names a route: its params become that route's request, its answer becomes a frame.
 *
 *   {run} in the path ◄── run_id     query ◄── the other params of a GET     body ◄── those of a POST or PUT
 *   Idempotency-Key ◄── idempotency_key (or idempotencyKey)     traceparent ◄── the frame's */
#include <stdio.h>
#include <string.h>

#include "api/openapi_int.h"
#include "api/ws.h"
#include "base/str.h"
#include "net/http_local.h"

#define TARGET_MAX (64 * KIB)

const struct route *ws_route(const char *method)
{
    for (size_t i = 0; i < api_nroutes; i++)
        if (api_routes[i].method_name && strcmp(api_routes[i].method_name, method) == 0)
            return &api_routes[i];
    return NULL;
}

/* ---- params ------------------------------------------------------------- */

static bool is_key(const char *name)
{
    return strcmp(name, "idempotency_key") == 0 || strcmp(name, "idempotencyKey") == 0;
}

/* Is it the value of a {…} of the path? */
static bool is_arg(const struct route *rt, const char *name)
{
    size_t n = strlen(name);

    if (!str_ends(name, "_id"))
        return false;
    for (const char *p = rt->path; (p = strchr(p, '{')); p++)
        if (strcspn(p + 1, "}") == n - 3 && memcmp(p + 1, name, n - 3) == 0)
            return true;
    return false;
}

static void escape(struct buf *out, const char *s)
{
    for (; *s; s++) {
        bool plain =
            (*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || strchr("-._~", *s);

        if (plain)
            buf_addc(out, *s);
        else
            buf_printf(out, "%%%02X", (unsigned char)*s);
    }
}

static int put_path(const struct route *rt, const struct json *params, struct buf *out, struct err *e)
{
    for (const char *p = rt->path; *p;) {
        size_t n = strcspn(p, "{");
        const char *value = NULL;
        char name[32];
        int r;

        buf_add(out, p, n);
        p += n;
        if (!*p)
            break;
        n = strcspn(++p, "}");
        snprintf(name, sizeof name, "%.*s_id", (int)n, p);
        r = json_want_str(params, "", name, J_REQ, 200, &value, e);
        if (r < 0)
            return r;
        if (!*value || strcmp(value, ".") == 0 || strcmp(value, "..") == 0 || strchr(value, '/'))
            return err_field(e, ERR_INVALID, name, "that is no id");
        escape(out, value);
        p += n + 1;
    }
    return 0;
}

static int put_param(struct buf *out, const char *name, const struct json *v, struct err *e)
{
    if (json_type(v) != JT_STR && json_type(v) != JT_INT)
        return err_field(e, ERR_INVALID, name, "give text or a whole number");
    buf_addc(out, memchr(out->p, '?', out->len) ? '&' : '?');
    escape(out, name);
    buf_addc(out, '=');
    if (json_type(v) == JT_INT)
        buf_printf(out, "%lld", (long long)json_int(v));
    else
        escape(out, json_str(v));
    return 0;
}

static int put_query(const struct route *rt, const struct json *params, struct buf *out, struct err *e)
{
    for (const void *it = json_first(params); it; it = json_next(params, it)) {
        const char *name = json_key(it);
        const struct json *v = json_val(it);
        int r = 0;

        if (is_key(name) || is_arg(rt, name))
            continue;
        if (json_type(v) != JT_ARR)
            r = put_param(out, name, v, e);
        for (size_t i = 0; r == 0 && json_type(v) == JT_ARR && i < json_len(v); i++)
            r = put_param(out, name, json_at(v, i), e);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Canonical (RFC 8785): the idempotency key of a request holds, however the params were ordered. */
static int put_body(const struct route *rt, const struct json *params, struct buf *out, struct err *e)
{
    AUTO(buf_fini) struct buf all = BUF_INIT(out->max);
    struct jw w = JW_INIT(&all);
    int r = 0;

    jw_obj(&w);
    for (const void *it = json_first(params); it && r == 0; it = json_next(params, it)) {
        AUTO(buf_fini) struct buf v = BUF_INIT(out->max);

        if (is_key(json_key(it)) || is_arg(rt, json_key(it)))
            continue;
        r = json_canonical(json_val(it), &v, e);
        jw_key(&w, json_key(it));
        jw_raw(&w, v.p ? v.p : "null", v.p ? v.len : 4);
    }
    jw_end_obj(&w);
    if (r == 0 && all.bad)
        r = err_set(e, all.bad == -ERR_OOM ? ERR_OOM : ERR_TOO_LARGE, NULL);
    return r < 0 ? r : json_canonical_text(all.p, all.len, out, e);
}

static int want_key(const struct json *params, const char **ret, struct err *e)
{
    const char *alias = NULL;
    int r = json_want_str(params, "", "idempotency_key", J_OPT, 1000, ret, e);

    if (r == 0)
        r = json_want_str(params, "", "idempotencyKey", J_OPT, 1000, &alias, e);
    if (r == 0 && *ret && alias)
        return err_field(e, ERR_INVALID, "idempotencyKey", "give idempotency_key or idempotencyKey, not both");
    if (alias)
        *ret = alias;
    return r;
}

/* ---- request ------------------------------------------------------------- */

static int make(struct gate *g, const struct ws_ask *ask, const struct route *rt, struct http_req **ret, struct err *e)
{
    AUTO(buf_fini) struct buf target = BUF_INIT(TARGET_MAX), body = BUF_INIT(WS_MESSAGE_MAX);
    AUTO_PTR(json_free) struct json *none = NULL;
    const struct json *params = ask->params;
    const char *key = NULL;
    bool get = rt->method == HTTP_M_GET;
    int r = params ? 0 : json_parse("{}", 2, &none, e);

    if (!params)
        params = none;
    if (r == 0)
        r = put_path(rt, params, &target, e);
    if (r == 0)
        r = get ? put_query(rt, params, &target, e) : put_body(rt, params, &body, e);
    if (r == 0)
        r = want_key(params, &key, e);
    if (r == 0 && target.bad)
        r = err_bad(e, target.bad, "the params are too large");
    if (r == 0 && body.len > rt->body)
        r = err_set(e, ERR_TOO_LARGE, "the params of %s have at most %zu bytes", ask->method, rt->body);
    if (r < 0)
        return r;
    const struct http_local_field fields[] = {
        {"accept", "application/json"},
        {"content-type", get ? NULL : "application/json"},
        {"idempotency-key", key},
        {"traceparent", ask->trace},
    };
    return http_local_new(api_server(g->api), rt->method, target.p, fields, ARRAY_LEN(fields), &body, &g->peer,
                          WS_REPLY_MAX, ret, e);
}

/* ---- answer --------------------------------------------------------------- */

/* {"error":{…}} -> "ok":false,"error":{…} */
static void answer_err(struct gate *g, const struct ws_ask *ask, const char *body, size_t n)
{
    struct buf out = BUF_INIT(WS_REPLY_MAX + KIB);
    struct jw w = JW_INIT(&out);

    jw_obj(&w);
    jw_kstr(&w, "type", "res");
    jw_kstr(&w, "id", ask->id);
    jw_kbool(&w, "ok", false);
    buf_addc(&out, ',');
    buf_add(&out, body + 1, n - 2);
    buf_addc(&out, '}');
    ws_say(g, &out);
}

static void answer_ok(struct gate *g, const struct ws_ask *ask, const struct route *rt, const char *body, size_t n,
                      bool replayed)
{
    struct buf out = BUF_INIT(2 * WS_REPLY_MAX); /* text may need more bytes than it has */
    struct jw w = ws_res(&out, ask);

    if (openapi_is_media_type(rt->response)) {
        jw_obj(&w);
        jw_kstr(&w, "media_type", rt->response);
        jw_kbytes(&w, "text", body, n);
        jw_end_obj(&w);
    } else {
        jw_raw(&w, n ? body : "{}", n ? n : 2);
    }
    if (replayed)
        jw_kbool(&w, "replayed", true);
    if (out.bad == -ERR_TOO_LARGE) {
        struct err e = ERR_INIT;

        buf_fini(&out);
        (void)err_set(&e, ERR_TOO_LARGE, "the answer is too large for one message: ask for it over HTTP");
        ws_res_err(g, ask->id, &e);
        return;
    }
    ws_res_send(g, &w);
}

void ws_call(struct gate *g, const struct ws_ask *ask, const struct route *rt, const struct caller *who)
{
    AUTO_PTR(http_local_free) struct http_req *rq = NULL;
    struct err e = ERR_INIT;
    const char *body;
    bool replayed;
    size_t n;
    int status;

    if (make(g, ask, rt, &rq, &e) < 0) {
        ws_res_err(g, ask->id, &e);
        return;
    }
    api_call(g->api, rt, who, rq, &replayed);
    status = http_local_answer(rq, &body, &n);
    if (status >= 200 && status < 300)
        answer_ok(g, ask, rt, body, n, replayed);
    else if (n > 2 && body[0] == '{')
        answer_err(g, ask, body, n);
    else
        ws_res_err(g, ask->id, NULL);
}
