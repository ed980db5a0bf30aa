/* openapi.c - /openapi.json (OpenAPI 3.1, https://spec.openapis.org/oas/v3.1.0): the route table and the error table
 * written out, with the shapes of openapi_schemas.json. See openapi_int.h. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "api/openapi_int.h"
#include "base/str.h"
#include "service/auth.h"

#define DOC_MAX (4 * MIB)
#define REF     "#/components/"

/* ---- the parts --------------------------------------------------------- */

static const char parts_text[] =
#include <api/openapi_parts.json.inc>
    ;

int openapi_load(struct openapi *ret, struct err *e)
{
    struct openapi o = {.shapes = BUF_INIT(DOC_MAX)};
    int r;

    openapi_shapes(&o.shapes);
    r = o.shapes.bad ? err_oom(e) : json_parse(o.shapes.p, o.shapes.len, &o.schemas, e);
    if (r == 0)
        r = json_parse(parts_text, sizeof parts_text - 1, &o.parts, e);
    if (r < 0) {
        openapi_fini(&o);
        return err_wrap(e, r, "the built-in description of the API");
    }
    *ret = o;
    return 0;
}

void openapi_fini(struct openapi *o)
{
    json_free(o->schemas);
    json_free(o->parts);
    buf_fini(&o->shapes);
    *o = (struct openapi){0};
}

const struct openapi_tag openapi_tags[] = {
    {"projects", "Directories that runs work on"},
    {"runs", "Jobs: asked for, reviewed, run in a sandbox, reviewed again, applied"},
    {"steps", "The commands of a run and their output"},
    {"approvals", "What is asked of people"},
    {"artifacts", "Files that runs leave"},
    {"ws", "Requests and event streams over one connection"},
    {"policy", "Which commands are allowed, denied, or asked about"},
    {"audit", "Who decided and did what, as a chain of hashes"},
    {"tokens", "Access for programs and people"},
    {"node", "The server itself"},
};
const size_t openapi_ntags = ARRAY_LEN(openapi_tags);

/* The first segment below /api/v1. */
static const char *first_segment(const struct route *rt, size_t *ret_n)
{
    const char *p = str_starts(rt->path, "/api/v1/") ? rt->path + 8 : rt->path + 1;

    *ret_n = strcspn(p, "/");
    return p;
}

/* Routes that stand among those of another name. */
static const struct {
    const char *segment;
    size_t tag;
} others[] = {{"plan", 1}, {"inbox", 3}, {"login", 8}, {"logout", 8}, {"me", 8}};

const struct openapi_tag *openapi_tag_of(const struct route *rt)
{
    size_t n;
    const char *p = first_segment(rt, &n);

    for (size_t i = 0; i < openapi_ntags; i++)
        if (strlen(openapi_tags[i].name) == n && memcmp(openapi_tags[i].name, p, n) == 0)
            return &openapi_tags[i];
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (strlen(others[i].segment) == n && memcmp(others[i].segment, p, n) == 0)
            return &openapi_tags[others[i].tag];
    return &openapi_tags[openapi_ntags - 1];
}

/* clang-format off */
const struct openapi_extra openapi_extras[] = {
    {HTTP_M_GET,  "/readyz", 503, "application/json", "Ready", NULL, "Not ready: the reason is in the answer"},
    {HTTP_M_POST, "/api/v1/runs", 200, "text/event-stream", "Event", NULL,
     "With Accept: text/event-stream: the run's events, as from GET /runs/{run}/events; the first tells the run's id"},
    {HTTP_M_GET,  "/api/v1/runs/{run}/events", 200, "text/event-stream", "Event", NULL,
     "Server-sent events, unless Accept asks for application/json: `id:` is the cursor, `event:` the type, `data:` the Event on one "
     "line. A comment line every 15 s; the stream ends after run.completed"},
    {HTTP_M_GET,  "/api/v1/steps/{step}/log", 200, "text/plain", NULL, "X-Next-Offset X-Log-Complete",
     "The output's own bytes, unless Accept asks for application/json"},
    {HTTP_M_GET,  "/api/v1/artifacts/{artifact}", 200, NULL, NULL, "ETag", "With the artifact's own media type"},
    {HTTP_M_GET,  "/api/v1/artifacts/{artifact}", 304, NULL, NULL, NULL, "If-None-Match names these bytes"},
    {HTTP_M_GET,  "/api/v1/ws", 101, NULL, NULL, "Sec-WebSocket-Accept Sec-WebSocket-Protocol",
     "RFC 6455, version 13. Each message is one JSON text; x-frames has their shapes. The first request is connect, within 5 s"},
    {HTTP_M_GET,  "/api/v1/ws", 426, "application/json", "Error", NULL, "Not a handshake of WebSocket version 13"},
};
/* clang-format on */
const size_t openapi_nextras = ARRAY_LEN(openapi_extras);

bool openapi_is_media_type(const char *name)
{
    return name && strchr(name, '/');
}

/* ---- parameters -------------------------------------------------------- */

static const struct json *param_named(const struct openapi *o, struct openapi_param *it, const char *prefix, size_t np,
                                      const char *name, size_t n)
{
    snprintf(it->key, sizeof it->key, "%.*s%s%.*s", (int)np, prefix, np ? "." : "", (int)n, name);
    return json_get(json_get(o->parts, "parameters"), it->key);
}

/* The last segment of the path that is a word: of /runs/{run}/events it is events. */
static const char *last_word(const char *path, size_t *ret_n)
{
    const char *word = path;

    *ret_n = 0;
    while (*path == '/') {
        size_t n = strcspn(++path, "/");

        if (*path != '{') {
            word = path;
            *ret_n = n;
        }
        path += n;
    }
    return word;
}

static bool path_param(const struct openapi *o, const struct route *rt, size_t i, struct openapi_param *it)
{
    const char *p = rt->path;

    while ((p = strchr(p, '{')))
        if (i-- == 0) {
            it->def = param_named(o, it, "", 0, p + 1, strcspn(p + 1, "}"));
            return true;
        } else {
            p++;
        }
    return false;
}

static bool query_param(const struct openapi *o, const struct route *rt, size_t i, struct openapi_param *it)
{
    const char *q = rt->query ? rt->query : "";
    size_t nw;
    const char *word = last_word(rt->path, &nw);

    for (; *q; q += strspn(q, " ")) {
        size_t n = strcspn(q, " ");

        if (i-- == 0) {
            it->def = param_named(o, it, word, nw, q, n);
            if (!it->def)
                it->def = param_named(o, it, "query", 5, q, n);
            return true;
        }
        q += n;
    }
    return false;
}

static bool header_param(const struct openapi *o, const struct route *rt, size_t i, struct openapi_param *it)
{
    const char *const names[] = {rt->flags & KEY ? "Idempotency-Key" : NULL,
                                 rt->fn == get_events ? "Last-Event-ID" : NULL};

    for (size_t k = 0; k < ARRAY_LEN(names); k++)
        if (names[k] && i-- == 0) {
            it->def = param_named(o, it, "", 0, names[k], strlen(names[k]));
            return true;
        }
    return false;
}

static size_t count(bool (*of)(const struct openapi *, const struct route *, size_t, struct openapi_param *),
                    const struct openapi *o, const struct route *rt)
{
    struct openapi_param it;
    size_t n = 0;

    while (of(o, rt, n, &it))
        n++;
    return n;
}

bool openapi_param_next(const struct openapi *o, const struct route *rt, struct openapi_param *it)
{
    size_t i = it->i++, np = count(path_param, o, rt), nq = count(query_param, o, rt);

    if (i < np)
        return path_param(o, rt, i, it);
    if (i < np + nq)
        return query_param(o, rt, i - np, it);
    return header_param(o, rt, i - np - nq, it);
}

/* ---- one operation ----------------------------------------------------- */

/* A collection followed by a parameter is named by the parameter: /runs/{run}/cancel is "run_cancel". */
void openapi_operation_id(const struct route *rt, char ret[OPENAPI_ID_MAX])
{
    size_t n, at;
    const char *p = first_segment(rt, &n), *m = http_method_name(rt->method);

    for (at = 0; m[at] && at + 1 < OPENAPI_ID_MAX; at++)
        ret[at] = (char)tolower((unsigned char)m[at]);
    for (p--; *p == '/'; p += n) {
        n = strcspn(++p, "/");
        if (p[0] != '{' && p[n] == '/' && p[n + 1] == '{')
            continue;
        if (at + 1 < OPENAPI_ID_MAX)
            ret[at++] = '_';
        for (size_t i = 0; i < n && at + 1 < OPENAPI_ID_MAX; i++)
            if (p[i] != '{' && p[i] != '}')
                ret[at++] = isalnum((unsigned char)p[i]) ? p[i] : '_';
    }
    ret[at] = '\0';
}

static void write_ref(struct jw *w, const char *kind, const char *name)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(256);

    buf_printf(&b, REF "%s/%s", kind, name);
    jw_obj(w);
    jw_kstr(w, "$ref", b.p);
    jw_end_obj(w);
}

static void write_parameters(struct jw *w, const struct openapi *o, const struct route *rt)
{
    struct openapi_param it = {0};

    jw_key(w, "parameters");
    jw_arr(w);
    while (openapi_param_next(o, rt, &it))
        write_ref(w, "parameters", it.key);
    jw_end_arr(w);
}

static void write_request(struct jw *w, const struct openapi *o, const struct route *rt)
{
    const struct json *s = json_get(o->schemas, rt->request);

    jw_key(w, "requestBody");
    jw_obj(w);
    jw_kbool(w, "required", json_get(s, "required") || json_get(s, "oneOf"));
    jw_key(w, "content");
    jw_obj(w);
    jw_key(w, "application/json");
    jw_obj(w);
    jw_key(w, "schema");
    write_ref(w, "schemas", rt->request);
    jw_end_obj(w);
    jw_end_obj(w);
    jw_end_obj(w);
    jw_kint(w, "x-max-body-bytes", (int64_t)rt->body);
}

/* An event stream's schema is of the text; what each event holds is beside it (OpenAPI 3.1 has no word for it). */
static void write_media(struct jw *w, const char *type, const char *schema)
{
    bool stream = str_eq(type, "text/event-stream");

    jw_key(w, type);
    jw_obj(w);
    jw_key(w, "schema");
    if (schema && !stream)
        write_ref(w, "schemas", schema);
    else
        jw_raw(w, str_eq(type, "application/json") ? "{\"type\":\"object\"}" : "{\"type\":\"string\"}", 17);
    if (schema && stream) {
        jw_key(w, "x-event-schema");
        write_ref(w, "schemas", schema);
    }
    jw_end_obj(w);
}

static void write_headers(struct jw *w, const char *names)
{
    jw_key(w, "headers");
    jw_obj(w);
    for (const char *p = names; *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        char name[48];

        snprintf(name, sizeof name, "%.*s", (int)n, p);
        jw_key(w, name);
        write_ref(w, "headers", name);
        p += n;
    }
    jw_end_obj(w);
}

static bool extra_of(const struct openapi_extra *x, const struct route *rt)
{
    return x->method == rt->method && str_eq(x->path, rt->path);
}

/* What the route table says of this status; NULL when it is another one. */
static const char *media_of(const struct route *rt, int status, const char **ret_schema)
{
    *ret_schema = NULL;
    if (status != rt->status || !rt->response)
        return NULL;
    if (openapi_is_media_type(rt->response))
        return rt->response;
    *ret_schema = rt->response;
    return "application/json";
}

static void write_content(struct jw *w, const struct route *rt, int status)
{
    const char *schema, *type = media_of(rt, status, &schema);

    jw_key(w, "content");
    jw_obj(w);
    if (type)
        write_media(w, type, schema);
    for (const struct openapi_extra *x = openapi_extras; x < openapi_extras + openapi_nextras; x++)
        if (extra_of(x, rt) && x->status == status && x->type)
            write_media(w, x->type, x->schema);
    jw_end_obj(w);
}

static void write_response(struct jw *w, const struct route *rt, int status)
{
    AUTO(buf_fini) struct buf what = BUF_INIT(1 * KIB), headers = BUF_INIT(256);
    char key[8];

    buf_puts(&headers, "X-Request-Id");
    if (status == rt->status)
        buf_puts(&what, rt->summary);
    if (status == rt->status && rt->flags & KEY)
        buf_puts(&headers, " Idempotency-Replayed");
    for (const struct openapi_extra *x = openapi_extras; x < openapi_extras + openapi_nextras; x++)
        if (extra_of(x, rt) && x->status == status) {
            buf_printf(&what, "%s%s", what.len ? ". " : "", x->what);
            buf_printf(&headers, " %s", x->headers ? x->headers : "");
        }
    snprintf(key, sizeof key, "%d", status);
    jw_key(w, key);
    jw_obj(w);
    jw_kstr(w, "description", what.p);
    write_headers(w, headers.p);
    write_content(w, rt, status);
    jw_end_obj(w);
}

static void write_responses(struct jw *w, const struct route *rt)
{
    bool body = rt->body > 0, key = rt->flags & KEY, closed = !(rt->flags & OPEN);
    const struct {
        const char *status;
        bool here;
    } errors[] = {{"400", body || rt->query || key},
                  {"401", closed},
                  {"403", true},
                  {"404", strchr(rt->path, '{')},
                  {"409", key},
                  {"413", body},
                  {"415", body},
                  {"422", key},
                  {"429", closed},
                  {"default", true}};

    jw_key(w, "responses");
    jw_obj(w);
    write_response(w, rt, rt->status);
    for (size_t i = 0; i < openapi_nextras; i++)
        if (extra_of(&openapi_extras[i], rt) && openapi_extras[i].status != rt->status)
            write_response(w, rt, openapi_extras[i].status);
    for (size_t i = 0; i < ARRAY_LEN(errors); i++)
        if (errors[i].here) {
            jw_key(w, errors[i].status);
            write_ref(w, "responses", "Error");
        }
    jw_end_obj(w);
}

static void write_any(struct jw *w, const struct json *v)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);

    if (json_canonical(v, &b, NULL) == 0)
        jw_raw(w, b.p, b.len);
    else
        jw_null(w);
}

static void write_operation(struct jw *w, const struct openapi *o, const struct route *rt)
{
    char id[OPENAPI_ID_MAX], method[16] = "";

    for (size_t i = 0; http_method_name(rt->method)[i] && i + 1 < sizeof method; i++)
        method[i] = (char)tolower((unsigned char)http_method_name(rt->method)[i]);
    openapi_operation_id(rt, id);
    jw_key(w, method);
    jw_obj(w);
    jw_kstr(w, "operationId", id);
    jw_key(w, "tags");
    jw_arr(w);
    jw_str(w, openapi_tag_of(rt)->name);
    jw_end_arr(w);
    jw_kstr(w, "summary", rt->summary);
    if (rt->flags & OPEN)
        jw_kraw(w, "security", "[]");
    else if (rt->flags & (LOCAL | LATE))
        jw_kraw(w, "security", "[{\"bearer\":[]},{\"console\":[]},{}]"); /* none from loopback, or said later */
    if (rt->scope)
        jw_kstr(w, "x-scope", auth_scope_name(rt->scope));
    write_parameters(w, o, rt);
    if (rt->request)
        write_request(w, o, rt);
    if (rt->method_name)
        jw_kstr(w, "x-ws-method", rt->method_name);
    if (rt->fn == get_ws) {
        jw_key(w, "x-frames");
        write_any(w, json_get(o->parts, "frames"));
    }
    write_responses(w, rt);
    jw_end_obj(w);
}

/* ---- the document ------------------------------------------------------ */

static bool seen_before(size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (str_eq(api_routes[k].path, api_routes[i].path))
            return true;
    return false;
}

static void write_paths(struct jw *w, const struct openapi *o)
{
    jw_key(w, "paths");
    jw_obj(w);
    for (size_t i = 0; i < api_nroutes; i++) {
        if (seen_before(i))
            continue;
        jw_key(w, api_routes[i].path);
        jw_obj(w);
        for (size_t k = i; k < api_nroutes; k++)
            if (str_eq(api_routes[k].path, api_routes[i].path))
                write_operation(w, o, &api_routes[k]);
        jw_end_obj(w);
    }
    jw_end_obj(w);
}

static void write_head(struct jw *w)
{
    jw_kstr(w, "openapi", "3.1.0");
    jw_key(w, "info");
    jw_obj(w);
    jw_kstr(w, "title", "Sallyport");
    jw_kstr(w, "version", SALLYPORT_VERSION);
    jw_kstr(w, "description",
            "A self-hosted control plane for AI agents: plan, review, run in a sandbox, review the effects, apply. "
            "Unknown fields "
            "and query names are refused. A member that has no value is null, never absent, unless it is not required. "
            "Lists are "
            "paged with ?limit= and ?after=. Maximum lengths count bytes. Readable at /docs.");
    jw_end_obj(w);
    jw_kraw(w, "servers", "[{\"url\":\"/\"}]");
    jw_kraw(w, "security", "[{\"bearer\":[]},{\"console\":[]}]");
    jw_key(w, "tags");
    jw_arr(w);
    for (size_t i = 0; i < openapi_ntags; i++) {
        jw_obj(w);
        jw_kstr(w, "name", openapi_tags[i].name);
        jw_kstr(w, "description", openapi_tags[i].what);
        jw_end_obj(w);
    }
    jw_end_arr(w);
}

static void write_errors(struct jw *w)
{
    jw_key(w, "x-error-codes");
    jw_arr(w);
    for (int i = ERR_NONE + 1; i < ERR_N; i++) {
        const struct err_info *info = err_info(i);

        jw_obj(w);
        jw_kstr(w, "code", info->name);
        jw_kint(w, "status", info->http);
        jw_kint(w, "exit", info->exit);
        jw_kbool(w, "retryable", info->retryable);
        jw_kstr(w, "text", info->text);
        jw_end_obj(w);
    }
    jw_end_arr(w);
}

int openapi_write(struct buf *out, struct err *e)
{
    AUTO(buf_fini) struct buf parts = BUF_INIT(DOC_MAX);
    struct jw w = JW_INIT(out);
    struct openapi o;
    int r = openapi_load(&o, e);

    if (r < 0)
        return r;
    jw_obj(&w);
    write_head(&w);
    write_paths(&w, &o);
    buf_add(&parts, parts_text, sizeof parts_text - 2); /* without its last brace: the schemas go inside */
    buf_printf(&parts, ",\"schemas\":%s}", o.shapes.p);
    jw_kraw(&w, "components", parts.p);
    write_errors(&w);
    jw_end_obj(&w);
    openapi_fini(&o);
    return parts.bad ? err_oom(e) : out->bad ? err_set(e, -out->bad, NULL) : 0;
}

int get_openapi(struct call *c, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(DOC_MAX);
    int r = openapi_write(&b, e);

    return r < 0 ? r : http_reply(c->rq, 200, "application/json", b.p, b.len);
}
