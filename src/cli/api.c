/* api - see api.h.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "cli/api.h"
#include "base/hash.h"
#include "base/str.h"
#include "cli/conn.h"
#include "cli/ui.h"
#include "os/clock.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX         "/api/v1"
#define PATH_MAX_BYTES (8 * KIB)
#define PAGE_MAX       500
#define LOST_MAX_US    (60 * SEC_US)

int api_init(struct api *a, struct ui *ui, const struct conn *c, const volatile sig_atomic_t *interrupt, struct err *e)
{
    *a = (struct api){.ui = ui, .interrupt = interrupt};
    struct client_config cfg = {.url = c->url, .unix_path = c->url ? NULL : c->sock};
    a->where = str_dup(c->url ? c->url : c->sock);
    if (!a->where)
        return err_oom(e);
    if (c->token[0]) {
        memcpy(a->auth, "Bearer ", 7);
        memcpy(a->auth + 7, c->token, strlen(c->token) + 1);
    }
    return client_new(&cfg, &a->client, e);
}

void api_fini(struct api *a)
{
    client_free(a->client);
    free(a->where);
    secure_wipe(a, sizeof *a);
}

/* ---- paths ---------------------------------------------------------------- */

/* RFC 3986, section 2.3: what needs no encoding. */
static void encode(struct buf *out, const char *s)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    for (; *s; s++) {
        if (strchr(plain, *s))
            buf_addc(out, *s);
        else
            buf_printf(out, "%%%02X", (unsigned char)*s);
    }
}

void api_path(struct buf *out, const char *pattern, ...)
{
    va_list ap;
    buf_reset(out);
    buf_puts(out, PREFIX);
    va_start(ap, pattern);
    for (const char *p = pattern; *p; p++) {
        if (p[0] == '{' && p[1] == '}') {
            encode(out, va_arg(ap, const char *));
            p++;
        } else {
            buf_addc(out, *p);
        }
    }
    va_end(ap);
}

void api_query(struct buf *path, const char *key, const char *value)
{
    if (!value)
        return;
    buf_addc(path, path->p && memchr(path->p, '?', path->len) ? '&' : '?');
    buf_puts(path, key);
    buf_addc(path, '=');
    encode(path, value);
}

char *api_b64(const char *s)
{
    size_t n = strlen(s);
    char *p = malloc(b64_len(n) + 1);
    if (p)
        b64_encode(s, n, p);
    return p;
}

int api_query_bytes(struct buf *path, const char *key, const char *key_b64, const char *value, struct err *e)
{
    if (utf8_valid(value, strlen(value))) {
        api_query(path, key, value);
        return 0;
    }
    char *b64 = api_b64(value);
    api_query(path, key_b64, b64);
    free(b64);
    return b64 ? 0 : err_oom(e);
}

void api_query_int(struct buf *path, const char *key, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    api_query(path, key, text);
}

/* ---- answers ---------------------------------------------------------------- */

void api_reply_fini(struct api_reply *r)
{
    buf_fini(&r->body);
    json_free(r->json);
    *r = (struct api_reply){0};
}

/* A status without an error body of ours: something else answers there. */
static int foreign_error(struct api *a, int status, struct err *e)
{
    int code = status == 401   ? ERR_UNAUTHORIZED
               : status == 403 ? ERR_FORBIDDEN
               : status == 404 ? ERR_NOT_FOUND
               : status >= 502 ? ERR_UNAVAILABLE
                               : ERR_IO;
    return err_set(e, code, "%s answered HTTP %d without saying why: is that a Sallyport server?", a->where, status);
}

static int error_of(struct api *a, int status, const struct json *body, struct err *e)
{
    const struct json *err = json_get(body, "error");
    const char *code = json_str(json_get(err, "code"));
    const char *msg = json_str(json_get(err, "message"));
    const char *field = json_str(json_get(json_get(err, "details"), "field"));
    if (!code)
        return foreign_error(a, status, e);
    int n = err_by_name(code);
    if (n == ERR_INTERNAL && !str_eq(code, "internal")) /* a newer server's code */
        return err_set(e, n, "%s (%s)", msg ? msg : code, code);
    if (n == ERR_INVALID && field && msg && !strstr(msg, field)) /* "limit: give 1 to 500" */
        return err_field(e, n, field, "%s: %s", field, msg);
    return err_field(e, n, field ? field : "", "%s", msg ? msg : err_info(n)->text);
}

/* What the server says beside its answer, once. */
static void notice(struct api *a, const struct client_answer *ans)
{
    const char *what = client_answer_header(ans, "sallyport-notice");
    if (a->noticed || !what || !str_eq(what, "disk_full") || ans->status == err_info(ERR_DISK_FULL)->http)
        return;
    a->noticed = true;
    ui_warn(a->ui,
            "the server refuses new runs: the disk of its data directory is nearly full; see: sallyport retention");
}

static int take_answer(struct api *a, struct client_answer *ans, struct api_reply *ret, struct err *e)
{
    const char *type = client_answer_header(ans, "content-type");
    struct json *json = NULL;
    struct err why = ERR_INIT;
    a->answered = true;
    notice(a, ans);
    int r = 0;
    if (type && str_starts(type, "application/json") && ans->body.len)
        r = json_parse(ans->body.p, ans->body.len, &json, &why);
    if (ans->status >= 400)
        r = error_of(a, ans->status, json, e);
    else if (r < 0)
        r = err_set(e, ERR_IO, "the server's answer cannot be read: %s", why.msg);
    if (!ret) {
        json_free(json);
        return r;
    }
    ret->status = ans->status;
    ret->body = ans->body;
    ans->body = BUF_INIT(0);
    ret->json = json;
    return r;
}

/* ---- requests ---------------------------------------------------------------- */

bool api_lost(int r)
{
    return r == -ERR_UNREACHABLE || r == -ERR_TIMEOUT || r == -ERR_IO;
}

static bool interrupted(const struct api *a)
{
    return a->interrupt && __atomic_load_n(a->interrupt, __ATOMIC_RELAXED);
}

int api_backoff(struct api *a, int64_t *since_us, unsigned *tries, struct err *e)
{
    int64_t now = clock_mono_us(), wait = 200 * MS_US << (*tries < 5 ? *tries : 5);
    int code = e->code;
    if (wait > 5 * SEC_US)
        wait = 5 * SEC_US;
    if (*since_us == 0) {
        *since_us = now;
        ui_note(a->ui, "sallyport: the connection to the server is lost; trying again for 60 s ...");
    }
    if (now - *since_us + wait > LOST_MAX_US)
        return -code;
    for (int64_t until = now + wait; clock_mono_us() < until;) {
        if (interrupted(a))
            return err_set(e, ERR_INTERRUPTED, NULL);
        clock_sleep_us(50 * MS_US);
    }
    ++*tries;
    return 0;
}

#define HEADERS_MAX 8
struct call {
    struct client_header headers[HEADERS_MAX];
    struct client_call c;
};

static void add_header(struct call *call, const char *name, const char *value)
{
    if (value && *value && call->c.nheaders < HEADERS_MAX)
        call->headers[call->c.nheaders++] = (struct client_header){name, value};
}

static void call_init(struct call *call, const struct api *a, const char *method, const struct buf *path)
{
    *call = (struct call){.c = {.method = method, .target = path->p, .interrupt = a->interrupt}};
    call->c.headers = call->headers;
    add_header(call, "Authorization", a->auth);
    add_header(call, "User-Agent", "sallyport-cli/" SALLYPORT_VERSION); /* the audit names the `surface` by it */
}

/* Random, not a hash of the request: doing the same thing twice on purpose must be possible. */
static void make_key(char key[40])
{
    uint8_t rnd[16];
    random_bytes(rnd, sizeof rnd);
    memcpy(key, "cli-", 4);
    hex_encode(rnd, sizeof rnd, key + 4);
}

/* Repeats a call whose connection broke, once the server has been seen alive: it may be restarting. */
static int call_retry(struct api *a, const struct call *call, struct client_answer *ans, struct err *e)
{
    int64_t since = 0;
    unsigned tries = 0;
    for (;;) {
        int r = client_call(a->client, &call->c, ans, e);
        if (r != -ERR_UNREACHABLE || !a->answered)
            return r;
        r = api_backoff(a, &since, &tries, e);
        if (r < 0)
            return r;
    }
}

int api_send(struct api *a, const char *method, const struct buf *path, const struct buf *body, struct api_reply *ret,
             struct err *e)
{
    struct call call;
    struct client_answer ans = {0};
    char key[40];
    if (path->bad || (body && body->bad))
        return err_bad(e, path->bad ? path->bad : body->bad, "the request is too large");
    ui_flush(a->ui);
    call_init(&call, a, method, path);
    add_header(&call, "Accept", "application/json");
    if (!str_eq(method, "GET")) {
        make_key(key);
        add_header(&call, "Idempotency-Key", key);
    }
    if (body) {
        add_header(&call, "Content-Type", "application/json");
        call.c.body = body->p;
        call.c.nbody = body->len;
    }
    int r = call_retry(a, &call, &ans, e);
    if (r < 0)
        return r;
    r = take_answer(a, &ans, ret, e);
    client_answer_fini(&ans);
    return r;
}

int api_get(struct api *a, const struct buf *path, struct api_reply *ret, struct err *e)
{
    return api_send(a, "GET", path, NULL, ret, e);
}

int api_stream(struct api *a, const struct buf *path, const char *accept, const char *last_event_id, int idle_ms,
               int (*fn)(void *, const char *, size_t), void *arg, struct err *e)
{
    struct call call;
    struct client_answer ans = {0};
    if (path->bad)
        return err_bad(e, path->bad, "the request is too large");
    ui_flush(a->ui);
    call_init(&call, a, "GET", path);
    add_header(&call, "Accept", accept);
    add_header(&call, "Last-Event-ID", last_event_id);
    call.c.idle_ms = idle_ms;
    call.c.on_body = fn;
    call.c.arg = arg;
    int r = client_call(a->client, &call.c, &ans, e);
    if (r < 0)
        return r;
    a->answered = true;
    notice(a, &ans);
    if (ans.status < 200 || ans.status > 299) {
        r = take_answer(a, &ans, NULL, e);
        if (r == 0)
            r = foreign_error(a, ans.status, e);
    }
    client_answer_fini(&ans);
    return r;
}

/* ---- lists ---------------------------------------------------------------- */

/* Where the next page begins: an id for `after`, or (policy versions) a number for `before`. */
struct place {
    const char *key;
    char at[128]; /* "" = nowhere */
};

static int set_place(struct place *p, const struct json *next, struct err *e)
{
    *p = (struct place){.key = "after"};
    if (json_type(next) == JT_INT) {
        p->key = "before";
        snprintf(p->at, sizeof p->at, "%" PRId64, json_int(next));
    } else if (json_str(next) && !str_copy(p->at, sizeof p->at, json_str(next))) {
        return err_set(e, ERR_IO, "the server's answer cannot be read: the next page has a bad name");
    }
    return 0;
}

static int one_page(struct api *a, const struct buf *path, int64_t want, struct place *place, int64_t *ret_n,
                    int (*fn)(void *, const struct json *), void *arg, struct err *e)
{
    AUTO(buf_fini) struct buf p = BUF_INIT(PATH_MAX_BYTES);
    AUTO(api_reply_fini) struct api_reply reply = {0};
    buf_add(&p, path->p, path->len);
    api_query_int(&p, "limit", want);
    api_query(&p, place->key, place->at[0] ? place->at : NULL);
    int r = api_get(a, &p, &reply, e);
    if (r < 0)
        return r;
    const struct json *items = json_get(reply.json, "items");
    if (a->ui->json)
        ui_json(a->ui, reply.body.p, reply.body.len);
    for (size_t i = 0; i < json_len(items) && !a->ui->json && r == 0; i++)
        r = fn(arg, json_at(items, i));
    *ret_n = (int64_t)json_len(items);
    int x = set_place(place, *ret_n > 0 ? json_get(reply.json, "next") : NULL, e);
    return x < 0 ? x : r;
}

int api_each(struct api *a, const struct buf *path, int64_t limit, int (*fn)(void *, const struct json *), void *arg,
             struct err *e)
{
    struct place place = {.key = "after"};
    int64_t got = 0, n = 0;
    do {
        int64_t left = limit > 0 ? limit - got : PAGE_MAX;
        int r = one_page(a, path, left < PAGE_MAX ? left : PAGE_MAX, &place, &n, fn, arg, e);
        if (r != 0)
            return r < 0 ? r : 0;
        got += n;
    } while (place.at[0] && !a->ui->broken && (limit == 0 || got < limit));
    return 0;
}
