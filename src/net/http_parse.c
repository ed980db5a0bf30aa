/* http_parse - see http_parse.h.
 *
 * Two readers see every byte: the checks here and llhttp. The checks come
 * first and are stricter; then llhttp must find the same method, the same
 * framing and the same end, or the request is refused.
 *
 * Invariants
 *  1. llhttp gets the head only when every line of it has passed, and its word
 *     counts only when the whole has passed too.
 *  2. llhttp never gets a byte beyond the end the checks have found.
 *  3. Memory: the head at most max_line + max_header_bytes, the body at most
 *     max_body, and both grow with what has come, not with what was announced. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <llhttp.h>
#include "base/str.h"
#include "net/http_char.h"
#include "net/http_chunk.h"
#include "net/http_parse.h"
#include "net/mem.h"

struct http_parse {
    const struct http_parse_limits *lim;
    enum http_parse_state state;
    size_t line;      /* offset in head where the line being read begins */
    size_t first_end; /* length of the request line with its CRLF; 0 while it is read */
    unsigned nlines;  /* header lines so far */
    bool lib_end;     /* llhttp has seen the end of the message */
    uint64_t left;    /* of a body with Content-Length */
    struct http_chunk chunk;
    struct http_msg *msg;
    llhttp_t lib;
    struct err err;
};

/* ---- messages ---------------------------------------------------------- */

void http_msg_free(struct http_msg *m)
{
    if (!m)
        return;
    buf_fini(&m->head);
    buf_fini(&m->body);
    free(m->fields);
    http_target_fini(&m->target);
    free(m);
}

const char *http_msg_field(const struct http_msg *m, const char *name)
{
    for (size_t i = 0; i < m->nfields; i++)
        if (strcmp(m->fields[i].name, name) == 0)
            return m->fields[i].value;
    return NULL;
}

/* ---- llhttp, the second reader ------------------------------------------ */

static int on_headers_complete(llhttp_t *lib)
{
    lib->upgrade = 0; /* an Upgrade nobody takes is an ordinary request (RFC 9110, 7.8) */
    return 0;
}

static int on_body(llhttp_t *lib, const char *p, size_t n)
{
    struct http_parse *ps = lib->data;
    buf_add(&ps->msg->body, p, n);
    return ps->msg->body.bad ? HPE_USER : HPE_OK;
}

static int on_message_complete(llhttp_t *lib)
{
    struct http_parse *ps = lib->data;
    ps->lib_end = true;
    return HPE_OK;
}

static const llhttp_settings_t lib_settings = {
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

static const struct {
    const char *name;
    enum http_method method;
    int lib;
} methods[] = {
    {"GET", HTTP_M_GET, HTTP_GET},
    {"HEAD", HTTP_M_HEAD, HTTP_HEAD},
    {"POST", HTTP_M_POST, HTTP_POST},
    {"PUT", HTTP_M_PUT, HTTP_PUT},
    {"PATCH", HTTP_M_PATCH, HTTP_PATCH},
    {"DELETE", HTTP_M_DELETE, HTTP_DELETE},
    {"OPTIONS", HTTP_M_OPTIONS, HTTP_OPTIONS},
};

const char *http_method_name(enum http_method m)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (methods[i].method == m)
            return methods[i].name;
    return "";
}

/* ---- the head: line by line ---------------------------------------------- */

static int bad(struct err *e, const char *what)
{
    return err_set(e, ERR_INVALID, "%s", what);
}

/* A line with its LF: ends in CRLF and holds no other CR and no NUL. */
static int check_ends(const char *l, size_t n, struct err *e)
{
    if (n < 2 || l[n - 2] != '\r')
        return bad(e, "a line ends in LF without CR");
    if (memchr(l, '\r', n - 2))
        return bad(e, "a line holds a CR that does not end it");
    if (memchr(l, '\0', n))
        return bad(e, "the head holds a NUL byte");
    return 0;
}

/* METHOD SP target SP HTTP/x.y (RFC 9112, 3): exactly one space each. Lengths only; the rest when the head is whole. */
static int check_request_line(const char *l, size_t n, struct err *e)
{
    const char *sp1 = memchr(l, ' ', n);
    if (!sp1 || sp1 == l)
        return bad(e, "the request line must be: method, space, target, space, version");
    for (const char *p = l; p < sp1; p++)
        if (!http_char_token(*p))
            return bad(e, "the method is not a token");
    const char *target = sp1 + 1;
    const char *sp2 = memchr(target, ' ', (size_t)(l + n - target));
    if (!sp2 || sp2 == target)
        return bad(e, "the request line must be: method, space, target, space, version (HTTP/0.9 is not spoken here)");
    const char *v = sp2 + 1;
    if (l + n - v != 8 || memcmp(v, "HTTP/", 5) != 0 || v[5] < '0' || v[5] > '9' || v[6] != '.' || v[7] < '0' ||
        v[7] > '9')
        return bad(e, "the HTTP version is malformed");
    if (v[5] != '1' || (v[7] != '0' && v[7] != '1'))
        return err_set(e, ERR_HTTP_VERSION, NULL);
    return 0;
}

static int check_header_line(const char *l, size_t n, struct err *e)
{
    if (l[0] == ' ' || l[0] == '\t')
        return bad(e, "folded header lines are obsolete and refused");
    const char *colon = memchr(l, ':', n);
    if (!colon || colon == l)
        return bad(e, "a header line must be: name, colon, value");
    for (const char *p = l; p < colon; p++)
        if (!http_char_token(*p))
            return bad(e, "a header name holds a space or another byte that is not allowed");
    for (const char *p = colon + 1; p < l + n; p++)
        if (!http_char_value(*p))
            return bad(e, "a header value holds a control character");
    return 0;
}

/* A whole line has come: l[0..n) with its CRLF. Returns 1 at the empty line. */
static int take_line(struct http_parse *ps, const char *l, size_t n)
{
    int r = check_ends(l, n, &ps->err);
    if (r < 0)
        return r;
    n -= 2;
    if (ps->first_end == 0) {
        ps->first_end = n + 2;
        return check_request_line(l, n, &ps->err);
    }
    if (n == 0)
        return 1;
    if (++ps->nlines > ps->lim->max_headers)
        return err_set(&ps->err, ERR_HEADERS, "more than %u header fields", ps->lim->max_headers);
    return check_header_line(l, n, &ps->err);
}

/* Room for `more` bytes in the line being read. */
static int check_room(struct http_parse *ps, size_t more)
{
    size_t len = ps->msg->head.len;
    if (ps->first_end == 0 && len + more > ps->lim->max_line)
        return err_set(&ps->err, ERR_URI, "the request line is longer than %zu bytes", ps->lim->max_line);
    if (ps->first_end != 0 && len + more - ps->first_end > ps->lim->max_header_bytes)
        return err_set(&ps->err, ERR_HEADERS, "the header fields are longer than %zu bytes", ps->lim->max_header_bytes);
    return 0;
}

/* ---- the head: as a whole ------------------------------------------------- */

/* Cuts the checked lines into strings: names lowered, values trimmed (RFC 9110, 5.5). */
static int cut_fields(struct http_parse *ps, struct err *e)
{
    struct http_msg *m = ps->msg;
    m->fields = mem_new(ps->nlines ? ps->nlines : 1, sizeof *m->fields);
    if (!m->fields)
        return err_oom(e);
    char *p = m->head.p + ps->first_end;
    for (unsigned i = 0; i < ps->nlines; i++) {
        char *eol = memchr(p, '\r', (size_t)(m->head.p + m->head.len - p));
        char *colon = memchr(p, ':', (size_t)(eol - p));
        char *end = eol;
        for (char *c = p; c < colon; c++)
            *c = http_char_lower(*c);
        *colon = '\0';
        char *v = colon + 1;
        while (v < end && (*v == ' ' || *v == '\t'))
            v++;
        while (end > v && (end[-1] == ' ' || end[-1] == '\t'))
            end--;
        *end = '\0';
        m->fields[m->nfields++] = (struct http_field){p, v};
        p = eol + 2;
    }
    return 0;
}

/* Fields whose repetition would let two readers see two requests. */
static int check_once(const struct http_msg *m, struct err *e)
{
    static const char *const once[] = {"host",          "content-length",    "transfer-encoding",
                                       "content-type",  "authorization",     "origin",
                                       "expect",        "idempotency-key",   "traceparent",
                                       "last-event-id", "sec-websocket-key", "sec-websocket-version"};
    for (size_t k = 0; k < ARRAY_LEN(once); k++) {
        unsigned seen = 0;
        for (size_t i = 0; i < m->nfields; i++)
            seen += strcmp(m->fields[i].name, once[k]) == 0;
        if (seen > 1)
            return err_set(e, ERR_INVALID, "the header field %s may come only once", once[k]);
    }
    return 0;
}

/* host [":" port], host a name, an IPv4 or a bracketed IPv6 address. */
static bool authority_ok(const char *s, size_t n)
{
    size_t i = 0;
    if (n > 0 && s[0] == '[') {
        for (i = 1; i < n && (hex_digit(s[i]) >= 0 || s[i] == ':' || s[i] == '.'); i++)
            ;
        if (i == 1 || i >= n || s[i++] != ']')
            return false;
    } else {
        for (; i < n && (http_char_alnum(s[i]) || s[i] == '-' || s[i] == '.' || s[i] == '_'); i++)
            ;
    }
    if (i == 0 || (i < n && s[i++] != ':'))
        return false;
    for (; i < n; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return true;
}

static int check_host(const struct http_msg *m, struct err *e)
{
    const char *h = http_msg_field(m, "host");
    if (!h)
        return m->http10 ? 0 : bad(e, "an HTTP/1.1 request needs a Host header");
    return authority_ok(h, strlen(h)) ? 0 : bad(e, "the Host header is not a host with an optional port");
}

/* True when the comma list holds the token (case does not matter). */
static bool list_has(const char *list, const char *token)
{
    size_t n = strlen(token);
    while (list && *list) {
        list += strspn(list, " \t,");
        size_t k = strcspn(list, ",");
        size_t t = k;
        while (t > 0 && (list[t - 1] == ' ' || list[t - 1] == '\t'))
            t--;
        if (t == n && strncasecmp(list, token, n) == 0)
            return true;
        list += k;
    }
    return false;
}

static bool connection_has(const struct http_msg *m, const char *token)
{
    for (size_t i = 0; i < m->nfields; i++)
        if (strcmp(m->fields[i].name, "connection") == 0 && list_has(m->fields[i].value, token))
            return true;
    return false;
}

/* Where the body ends (RFC 9112, 6.3), without the leniencies. */
static int check_framing(struct http_msg *m, struct err *e)
{
    const char *cl = http_msg_field(m, "content-length"), *te = http_msg_field(m, "transfer-encoding");
    if (cl && te)
        return bad(e, "Content-Length and Transfer-Encoding must not come together");
    if (te) {
        if (m->http10 || strcasecmp(te, "chunked") != 0)
            return bad(e, "the only transfer coding known here is chunked, on HTTP/1.1");
        m->chunked = true;
    }
    if (cl) {
        size_t n = strlen(cl);
        if (n == 0 || n > 18 || strspn(cl, "0123456789") != n)
            return bad(e, "Content-Length must be one decimal number");
        for (const char *p = cl; *p; p++)
            m->length = m->length * 10 + (uint64_t)(*p - '0');
    }
    return 0;
}

static int check_expect(struct http_msg *m, struct err *e)
{
    const char *x = http_msg_field(m, "expect");
    if (!x || m->http10) /* 1.0: ignored (RFC 9110, 10.1.1) */
        return 0;
    if (strcasecmp(x, "100-continue") != 0)
        return err_set(e, ERR_EXPECT, NULL);
    m->expect = m->chunked || m->length > 0;
    return 0;
}

/* Origin form; absolute form when it names this scheme and the same host; "*" for OPTIONS (RFC 9112, 3.2). */
static int check_target(struct http_msg *m, const char *s, size_t n, struct err *e)
{
    static const char scheme[] = "http://";
    if (m->method == HTTP_M_OPTIONS && n == 1 && s[0] == '*')
        return http_target_parse("/", 1, &m->target, e);
    if (n >= sizeof scheme - 1 && strncasecmp(s, scheme, sizeof scheme - 1) == 0) {
        s += sizeof scheme - 1;
        n -= sizeof scheme - 1;
        size_t k = 0;
        while (k < n && s[k] != '/' && s[k] != '?')
            k++;
        const char *host = http_msg_field(m, "host");
        if (!host || strlen(host) != k || strncasecmp(host, s, k) != 0)
            return bad(e, "the target names another host than the Host header");
        s += k;
        n -= k;
        if (n == 0)
            return http_target_parse("/", 1, &m->target, e);
    }
    return http_target_parse(s, n, &m->target, e);
}

static int find_method(struct http_msg *m, const char *s, size_t n, int *ret_lib, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (strlen(methods[i].name) == n && memcmp(methods[i].name, s, n) == 0) {
            m->method = methods[i].method;
            *ret_lib = methods[i].lib;
            return 0;
        }
    }
    return err_set(e, ERR_METHOD, NULL);
}

/* The second reader must have understood the same. */
static int check_lib(struct http_parse *ps, int method, enum llhttp_errno x)
{
    const struct http_msg *m = ps->msg;
    bool body = m->chunked || m->length > 0;
    if (ps->msg->body.bad)
        return err_set(&ps->err, ps->msg->body.bad == -ERR_OOM ? ERR_OOM : ERR_TOO_LARGE, NULL);
    if (x != HPE_OK)
        return err_set(&ps->err, ERR_INVALID, "not proper HTTP: %s", llhttp_get_error_reason(&ps->lib));
    if (ps->lib.method != method || ps->lib_end == body || ((ps->lib.flags & F_CHUNKED) != 0) != m->chunked ||
        (body && !m->chunked && ps->lib.content_length != m->length))
        return bad(&ps->err, "the framing of the request is ambiguous");
    return 0;
}

static int check_limit(struct http_parse *ps)
{
    struct http_msg *m = ps->msg;
    size_t max = ps->lim->max_body;
    if (ps->lim->limit) {
        size_t route = ps->lim->limit(ps->lim->arg, m->method, m->target.raw_path);
        max = route < max ? route : max;
    }
    m->max_body = max;
    buf_init(&m->body, max);
    ps->left = m->length;
    ps->chunk = (struct http_chunk){.max = max};
    if (m->length > max)
        return err_set(&ps->err, ERR_TOO_LARGE, "the body is larger than the %zu bytes allowed here", max);
    return 0;
}

static int head_done(struct http_parse *ps)
{
    struct http_msg *m = ps->msg;
    struct err *e = &ps->err;
    const char *line = m->head.p;
    size_t nmethod = strcspn(line, " ");
    const char *target = line + nmethod + 1;
    size_t ntarget = strcspn(target, " ");
    int method = 0, r;

    if ((r = find_method(m, line, nmethod, &method, e)) < 0)
        return r;
    m->http10 = line[ps->first_end - 3] == '0';
    /* llhttp reads the head before it is cut into strings, and is judged after the checks */
    llhttp_init(&ps->lib, HTTP_REQUEST, &lib_settings);
    ps->lib.data = ps;
    enum llhttp_errno x = llhttp_execute(&ps->lib, m->head.p, m->head.len);
    if ((r = cut_fields(ps, e)) < 0 || (r = check_once(m, e)) < 0 || (r = check_host(m, e)) < 0 ||
        (r = check_framing(m, e)) < 0 || (r = check_target(m, target, ntarget, e)) < 0 ||
        (r = check_expect(m, e)) < 0 || (r = check_lib(ps, method, x)) < 0)
        return r;
    m->keep_alive = m->http10 ? connection_has(m, "keep-alive") : !connection_has(m, "close");
    return check_limit(ps);
}

/* ---- feeding ---------------------------------------------------------------- */

static void fail(struct http_parse *ps)
{
    ps->state = HTTP_PARSE_BAD;
}

static size_t feed_head(struct http_parse *ps, const char *p, size_t n)
{
    struct buf *head = &ps->msg->head;
    size_t used = 0;
    if (head->len == 0 && !http_char_token(p[0])) {
        bad(&ps->err, "this is not an HTTP/1.1 request (TLS is not spoken here)");
        fail(ps);
        return 0;
    }
    while (used < n && ps->state == HTTP_PARSE_HEAD) {
        const char *lf = memchr(p + used, '\n', n - used);
        size_t k = lf ? (size_t)(lf - (p + used)) + 1 : n - used;
        int r = check_room(ps, k);
        if (r == 0) {
            buf_add(head, p + used, k);
            r = head->bad ? err_set(&ps->err, ERR_OOM, NULL) : 0;
        }
        used += k;
        if (r == 0 && lf) {
            size_t start = ps->line;
            ps->line = head->len;
            r = take_line(ps, head->p + start, head->len - start);
        }
        if (r > 0) {
            r = head_done(ps);
            ps->state = ps->lib_end ? HTTP_PARSE_DONE : HTTP_PARSE_BODY;
        }
        if (r < 0)
            fail(ps);
    }
    return used;
}

/* Where the checks say this body ends within p; false when the framing is wrong, or says more than is allowed. */
static bool body_end(struct http_parse *ps, const char *p, size_t n, size_t *ret_used, bool *ret_last)
{
    if (!ps->msg->chunked) {
        *ret_used = ps->left < n ? (size_t)ps->left : n;
        ps->left -= *ret_used;
        *ret_last = ps->left == 0;
        return true;
    }
    *ret_used = http_chunk_feed(&ps->chunk, p, n);
    *ret_last = ps->chunk.state == HTTP_CHUNK_DONE;
    if (ps->chunk.state == HTTP_CHUNK_BAD)
        bad(&ps->err, "the chunked body is malformed, or has trailers or long extensions");
    return ps->chunk.state <= HTTP_CHUNK_DONE;
}

static size_t feed_body(struct http_parse *ps, const char *p, size_t n)
{
    size_t used;
    bool last;
    bool framed = body_end(ps, p, n, &used, &last), large = ps->chunk.state == HTTP_CHUNK_LARGE;
    if (!framed && !large) {
        fail(ps);
        return used;
    }
    enum llhttp_errno x = llhttp_execute(&ps->lib, p, used);
    if (ps->msg->body.bad) {
        err_set(&ps->err, ps->msg->body.bad == -ERR_OOM ? ERR_OOM : ERR_TOO_LARGE, NULL);
        fail(ps);
    } else if (x != HPE_OK || ps->lib_end != last) {
        bad(&ps->err, "the framing of the body is ambiguous");
        fail(ps);
    } else if (large) { /* the same answer however the bytes came: what else is wrong with them was seen first */
        err_set(&ps->err, ERR_TOO_LARGE, "the body is larger than the %zu bytes allowed here", ps->msg->max_body);
        fail(ps);
    } else if (last) {
        ps->state = HTTP_PARSE_DONE;
    }
    return used;
}

size_t http_parse_feed(struct http_parse *ps, const char *p, size_t n)
{
    if (n == 0)
        return 0;
    if (ps->state == HTTP_PARSE_HEAD)
        return feed_head(ps, p, n);
    return ps->state == HTTP_PARSE_BODY ? feed_body(ps, p, n) : 0;
}

/* ---- life ---------------------------------------------------------------- */

struct http_parse *http_parse_new(const struct http_parse_limits *lim)
{
    struct http_parse *ps = mem_new(1, sizeof *ps);
    struct http_msg *m = mem_new(1, sizeof *m);
    if (!ps || !m) {
        free(ps);
        free(m);
        return NULL;
    }
    ps->lim = lim;
    ps->msg = m;
    buf_init(&m->head, lim->max_line + lim->max_header_bytes);
    return ps;
}

void http_parse_free(struct http_parse *ps)
{
    if (!ps)
        return;
    http_msg_free(ps->msg);
    free(ps);
}

enum http_parse_state http_parse_state(const struct http_parse *ps)
{
    return ps->state;
}

const struct err *http_parse_error(const struct http_parse *ps)
{
    return &ps->err;
}

const struct http_msg *http_parse_msg(const struct http_parse *ps)
{
    return ps->msg;
}

struct http_msg *http_parse_take(struct http_parse *ps)
{
    struct http_msg *m = ps->msg;
    ps->msg = NULL;
    return m;
}
