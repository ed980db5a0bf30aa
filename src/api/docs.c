/* docs.c - /docs: the same description as /openapi.json, for people. One page of plain HTML: no script, nothing fetched
 * from anywhere, and a Content-Security-Policy that holds the browser to it. See openapi_int.h. */
#include <stdio.h>
#include <string.h>

#include "api/openapi_int.h"
#include "base/hash.h"
#include "base/str.h"
#include "service/auth.h"

#define PAGE_MAX   (2 * MIB)
#define KEY_HEADER "Idempotency-Key"

static const char style[] =
#include <api/docs.css.inc>
    ;

struct page {
    struct buf *out;
    struct openapi o;
};

/* Text into HTML; everything here is our own, but it holds < and & too. */
static void text(struct page *p, const char *s)
{
    for (; s && *s; s++) {
        if (*s == '<')
            buf_puts(p->out, "&lt;");
        else if (*s == '>')
            buf_puts(p->out, "&gt;");
        else if (*s == '&')
            buf_puts(p->out, "&amp;");
        else if (*s == '"')
            buf_puts(p->out, "&quot;");
        else
            buf_addc(p->out, *s);
    }
}

static void raw(struct page *p, const char *html)
{
    buf_puts(p->out, html);
}

/* ---- types ------------------------------------------------------------- */

static void type_of(struct page *p, const struct json *s, int depth);

static void link_to(struct page *p, const char *schema)
{
    raw(p, "<a href=\"#");
    text(p, schema);
    raw(p, "\">");
    text(p, schema);
    raw(p, "</a>");
}

static void words(struct page *p, const struct json *list)
{
    for (size_t i = 0, n = 0; i < json_len(list); i++)
        if (json_str(json_at(list, i))) {
            raw(p, n++ ? " | <code>" : "<code>");
            text(p, json_str(json_at(list, i)));
            raw(p, "</code>");
        }
}

static void number_or(struct page *p, const char *before, const struct json *v)
{
    if (json_type(v) == JT_INT)
        buf_printf(p->out, "%s%lld", before, (long long)json_int(v));
}

static void bounds(struct page *p, const struct json *s)
{
    bool least = json_get(s, "minimum"), most = json_get(s, "maximum");

    number_or(p, least && most ? ", " : ", at least ", json_get(s, "minimum"));
    number_or(p, least && most ? " to " : ", at most ", json_get(s, "maximum"));
    number_or(p, ", at most ", json_get(s, "maxLength"));
    number_or(p, ", at most ", json_get(s, "maxItems"));
    number_or(p, "; default ", json_get(s, "default"));
    if (json_str(json_get(s, "default"))) {
        raw(p, "; default ");
        text(p, json_str(json_get(s, "default")));
    }
}

static void inline_object(struct page *p, const struct json *s, int depth)
{
    const struct json *m = json_get(s, "properties");
    const char *comma = "{";

    if (!json_len(m)) {
        raw(p, "object");
        return;
    }
    for (const void *it = json_first(m); it; it = json_next(m, it), comma = ", ") {
        raw(p, comma);
        text(p, json_key(it));
        raw(p, ": ");
        type_of(p, json_val(it), depth + 1);
    }
    raw(p, "}");
}

/* "string", or the first of ["string", "null"]. */
static const char *type_name(const struct json *s, bool *ret_null)
{
    const struct json *t = json_get(s, "type");
    const char *name = json_str(t);

    *ret_null = false;
    for (size_t i = 0; i < json_len(t); i++) {
        const char *one = json_str(json_at(t, i));

        if (str_eq(one, "null"))
            *ret_null = true;
        else
            name = one;
    }
    return name;
}

static void any_of(struct page *p, const struct json *list, int depth)
{
    for (size_t i = 0; i < json_len(list); i++) {
        raw(p, i ? " | " : "");
        type_of(p, json_at(list, i), depth + 1);
    }
}

static void plain_type(struct page *p, const struct json *s, int depth)
{
    bool null;
    const char *name = type_name(s, &null);

    if (str_eq(name, "array")) {
        raw(p, "list of ");
        type_of(p, json_get(s, "items"), depth + 1);
    } else if (str_eq(name, "object")) {
        inline_object(p, s, depth);
    } else {
        text(p, name ? name : "any");
    }
    bounds(p, s);
    if (null)
        raw(p, " | null");
}

/* A schema in a few words; depth ends what refers to itself. */
static void type_of(struct page *p, const struct json *s, int depth)
{
    const char *ref = json_str(json_get(s, "$ref")), *one = json_str(json_get(s, "const"));

    if (depth > 8)
        return;
    if (ref)
        link_to(p, strrchr(ref, '/') + 1);
    else if (json_get(s, "const"))
        text(p, one ? one : json_true(json_get(s, "const")) ? "true" : "false");
    else if (json_get(s, "enum")) {
        words(p, json_get(s, "enum"));
        bounds(p, s);
    } else if (json_get(s, "oneOf") && !json_get(s, "properties"))
        any_of(p, json_get(s, "oneOf"), depth);
    else
        plain_type(p, s, depth);
}

/* ---- routes ------------------------------------------------------------ */

static const struct json *param_schema(const struct json *def)
{
    return json_get(def, "schema");
}

static void parameters(struct page *p, const struct route *rt)
{
    struct openapi_param it = {0};
    bool any = false;

    while (openapi_param_next(&p->o, rt, &it)) {
        if (str_eq(it.key, KEY_HEADER))
            continue; /* said once, at the top of the page */
        raw(p, any ? "" : "<div class=wide><table>");
        any = true;
        raw(p, "<tr><td><code>");
        text(p, json_str(json_get(it.def, "name")));
        raw(p, "</code><td class=dim>");
        text(p, json_str(json_get(it.def, "in")));
        raw(p, "<td>");
        type_of(p, param_schema(it.def), 0);
        raw(p, "<td>");
        text(p, json_str(json_get(it.def, "description")));
    }
    raw(p, any ? "</table></div>" : "");
}

static void media(struct page *p, const char *what)
{
    if (openapi_is_media_type(what))
        text(p, what);
    else
        link_to(p, what);
}

static void answers(struct page *p, const struct route *rt)
{
    raw(p, "<p>");
    if (rt->request) {
        raw(p, "Body: ");
        link_to(p, rt->request);
        buf_printf(p->out, ", at most %zu KiB. ", rt->body / KIB);
    }
    buf_printf(p->out, "Answer: %d", rt->status);
    if (rt->response) {
        raw(p, " ");
        media(p, rt->response);
    }
    for (const struct openapi_extra *x = openapi_extras; x < openapi_extras + openapi_nextras; x++) {
        if (x->method != rt->method || !str_eq(x->path, rt->path))
            continue;
        buf_printf(p->out, "; %d %s%s", x->status, x->type ? x->type : "", x->type && x->schema ? " of " : "");
        if (x->type && x->schema)
            link_to(p, x->schema);
        raw(p, ": ");
        text(p, x->what);
    }
    raw(p, "</p>");
}

static void access_of(struct page *p, const struct route *rt)
{
    raw(p, "<p class=dim>");
    if (rt->flags & OPEN)
        raw(p, "No token");
    else if (rt->scope)
        buf_printf(p->out, "Scope <code>%s</code>", auth_scope_name(rt->scope));
    else
        raw(p, "Any token");
    raw(p, rt->flags & LOCAL ? "; none from this machine" : "");
    raw(p, rt->flags & KEY ? "; needs an <a href=\"#key\">" KEY_HEADER "</a></p>" : "</p>");
}

static void route_entry(struct page *p, const struct route *rt)
{
    char id[OPENAPI_ID_MAX];

    openapi_operation_id(rt, id);
    buf_printf(p->out, "<h3 id=%s><span class=m>%s</span> ", id, http_method_name(rt->method));
    text(p, rt->path);
    raw(p, "</h3><p>");
    text(p, rt->summary);
    raw(p, "</p>");
    access_of(p, rt);
    parameters(p, rt);
    answers(p, rt);
}

static void routes(struct page *p)
{
    for (const struct openapi_tag *t = openapi_tags; t < openapi_tags + openapi_ntags; t++) {
        buf_printf(p->out, "<h2 id=tag-%s>%s</h2><p>", t->name, t->name);
        text(p, t->what);
        raw(p, "</p>");
        for (size_t i = 0; i < api_nroutes; i++)
            if (openapi_tag_of(&api_routes[i]) == t)
                route_entry(p, &api_routes[i]);
    }
}

/* ---- shapes and errors ------------------------------------------------- */

static bool listed(const struct json *list, const char *word)
{
    for (size_t i = 0; i < json_len(list); i++)
        if (str_eq(json_str(json_at(list, i)), word))
            return true;
    return false;
}

static void members(struct page *p, const struct json *s)
{
    const struct json *m = json_get(s, "properties");

    raw(p, "<div class=wide><table>");
    for (const void *it = json_first(m); it; it = json_next(m, it)) {
        raw(p, "<tr><td><code>");
        text(p, json_key(it));
        raw(p, listed(json_get(s, "required"), json_key(it)) ? "</code><td>" : "</code><td class=dim>optional<td>");
        if (listed(json_get(s, "required"), json_key(it)))
            raw(p, "<td>");
        type_of(p, json_val(it), 0);
        raw(p, "<td>");
        text(p, json_str(json_get(json_val(it), "description")));
    }
    raw(p, "</table></div>");
}

/* "One of: {type, data} | …" of a schema that has both members and cases. */
static void cases(struct page *p, const struct json *s)
{
    const struct json *list = json_get(s, "oneOf");

    for (size_t i = 0; json_get(s, "properties") && i < json_len(list); i++) {
        const struct json *c = json_at(list, i), *type = json_get(json_get(c, "properties"), "type");

        if (!json_get(type, "const"))
            return; /* cases of which members are given: the description says it */
        raw(p, i ? "; <code>" : "<p><code>");
        text(p, json_str(json_get(type, "const")));
        raw(p, "</code>: ");
        type_of(p, json_get(json_get(c, "properties"), "data"), 0);
    }
    raw(p, json_len(list) ? "</p>" : "");
}

static void schemas(struct page *p)
{
    raw(p, "<h2 id=shapes>Shapes</h2>");
    for (const void *it = json_first(p->o.schemas); it; it = json_next(p->o.schemas, it)) {
        const struct json *s = json_val(it), *base = json_at(json_get(s, "allOf"), 0);

        buf_printf(p->out, "<h3 id=%s>%s</h3><p>", json_key(it), json_key(it));
        text(p, json_str(json_get(s, "description")));
        raw(p, "</p>");
        if (json_get(s, "properties")) {
            members(p, s);
            cases(p, s);
            continue;
        }
        raw(p, "<p>");
        type_of(p, base ? base : s, 0);
        for (size_t i = 0; base && i < json_len(json_get(s, "required")); i++) {
            raw(p, i ? ", " : " with ");
            text(p, json_str(json_at(json_get(s, "required"), i)));
        }
        raw(p, "</p>");
    }
}

static void errors(struct page *p)
{
    raw(p, "<h2 id=errors>Errors</h2><div class=wide><table><tr><th>code<th>status<th>exit<th>again?<th>text");
    for (int i = ERR_NONE + 1; i < ERR_N; i++) {
        const struct err_info *info = err_info(i);

        buf_printf(p->out, "<tr><td><code>%s</code><td>%d<td>%d<td>%s<td>", info->name, info->http, info->exit,
                   info->retryable ? "later" : "");
        text(p, info->text);
    }
    raw(p, "</table></div>");
}

/* ---- the page ---------------------------------------------------------- */

static void head(struct page *p)
{
    raw(p, "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">"
           "<title>Sallyport API</title><style>");
    raw(p, style);
    raw(p, "</style><main><h1>Sallyport API</h1><p class=dim>Version " SALLYPORT_VERSION
           "; for programs: <a href=\"/openapi.json\">/openapi.json</a></p><nav>");
    for (const struct openapi_tag *t = openapi_tags; t < openapi_tags + openapi_ntags; t++)
        buf_printf(p->out, "<a href=\"#tag-%s\">%s</a>", t->name, t->name);
    raw(p, "<a href=\"#shapes\">Shapes</a><a href=\"#errors\">Errors</a></nav>"
           "<p>Send <code>Authorization: Bearer sp_…</code>; on the unix socket the peer's uid counts instead. Unknown "
           "fields and "
           "query names are refused. A member without a value is <code>null</code>, never absent, unless it is "
           "optional. Errors "
           "are <a href=\"#Error\">Error</a>. Lists are paged with <code>?limit=</code> and <code>?after=</code>. "
           "Times are UTC; "
           "durations end in <code>_ms</code>, sizes in <code>_bytes</code>. Maximum lengths count bytes.</p>"
           "<p id=key><code>" KEY_HEADER "</code>: ");
    text(p, json_str(json_get(json_get(json_get(p->o.parts, "parameters"), KEY_HEADER), "description")));
    raw(p, "</p>");
}

/* CSP Level 3, 2.3.1: the hash is of the style element's text. */
static int policy_header(struct http_req *rq, struct err *e)
{
    uint8_t sum[SHA256_LEN];
    char b64[64], value[256];

    sha256_of(style, sizeof style - 1, sum);
    b64_encode(sum, sizeof sum, b64);
    snprintf(value, sizeof value,
             "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
             b64);
    return http_reply_header(rq, "Content-Security-Policy", value, e);
}

int openapi_docs(struct buf *out, struct err *e)
{
    struct page p = {.out = out};
    int r = openapi_load(&p.o, e);

    if (r < 0)
        return r;
    head(&p);
    routes(&p);
    schemas(&p);
    errors(&p);
    raw(&p, "</main></html>\n");
    openapi_fini(&p.o);
    return out->bad ? err_set(e, -out->bad, NULL) : 0;
}

int get_docs(struct call *c, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(PAGE_MAX);
    int r = openapi_docs(&b, e);

    if (r == 0)
        r = policy_header(c->rq, e);
    if (r == 0)
        r = http_reply_header(c->rq, "Referrer-Policy", "no-referrer", e);
    return r < 0 ? r : http_reply(c->rq, 200, "text/html; charset=utf-8", b.p, b.len);
}
