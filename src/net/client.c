/* client - see client.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "base/str.h"
#include "net/client.h"
#include "net/client_resp.h"
#include "net/client_sock.h"
#include "net/http_char.h"
#include "net/mem.h"

struct client {
    char *host, *port; /* TCP */
    char *host_field;  /* value of Host */
    char *prefix;      /* of the url's path, without a slash at its end; "" when none */
    char *unix_path;   /* or this */
    int connect_ms, idle_ms;
    size_t max_body;
    int fd; /* kept connection, or -1 */
};

/* ---- configuration --------------------------------------------------------- */

static int bad_url(struct err *e, const char *url)
{
    if (strncasecmp(url, "https://", 8) == 0)
        return err_field(e, ERR_INVALID, "url",
                         "TLS is not spoken by this command: reach the server through `ssh -L 7373:127.0.0.1:7373 "
                         "HOST` or a local reverse proxy, and use its http:// address");
    return err_field(e, ERR_INVALID, "url", "%s is not of the form http://HOST[:PORT][/PREFIX]", url);
}

static bool plain(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] <= 0x20 || (unsigned char)s[i] >= 0x7f || s[i] == '#')
            return false;
    return true;
}

static bool port_ok(const char *s)
{
    uint64_t v;
    return str_u64(s, &v) && v >= 1 && v <= 65535;
}

/* "http://" host [":" port] ["/" prefix] into c. */
static int take_url(struct client *c, const char *url, struct err *e)
{
    if (strncasecmp(url, "http://", 7) != 0 || !plain(url, strlen(url)) || strpbrk(url, "@?"))
        return bad_url(e, url);
    const char *auth = url + 7;
    size_t n = strcspn(auth, "/");
    const char *end = auth + n;
    bool v6 = auth[0] == '[';
    const char *host_end = v6 ? memchr(auth, ']', n) : memchr(auth, ':', n);
    if (v6 && !host_end)
        return bad_url(e, url);
    const char *colon = v6 ? host_end + 1 : host_end ? host_end : end;
    size_t nhost = (size_t)((v6 || host_end ? host_end : end) - auth) - v6;
    if (nhost == 0 || (colon < end && *colon != ':'))
        return bad_url(e, url);
    size_t nprefix = strlen(end);
    while (nprefix > 0 && end[nprefix - 1] == '/')
        nprefix--;
    c->host = str_ndup(auth + v6, nhost);
    c->port = colon < end ? str_ndup(colon + 1, (size_t)(end - colon - 1)) : str_dup("80");
    c->host_field = str_ndup(auth, n);
    c->prefix = str_ndup(end, nprefix);
    if (!c->host || !c->port || !c->host_field || !c->prefix)
        return err_oom(e);
    return port_ok(c->port) ? 0 : bad_url(e, url);
}

int client_new(const struct client_config *cfg, struct client **ret, struct err *e)
{
    if (!cfg->url && !cfg->unix_path)
        return err_field(e, ERR_INVALID, "url", "the client needs a url or a socket path");
    AUTO_PTR(client_free) struct client *c = mem_new(1, sizeof *c);
    if (!c)
        return err_oom(e);
    c->fd = -1;
    c->connect_ms = cfg->connect_ms ? cfg->connect_ms : 5000;
    c->idle_ms = cfg->idle_ms ? cfg->idle_ms : 60000;
    c->max_body = cfg->max_body ? cfg->max_body : 64 * MIB;
    int r = take_url(c, cfg->url ? cfg->url : "http://localhost", e);
    if (r < 0)
        return r;
    if (cfg->unix_path && !(c->unix_path = str_dup(cfg->unix_path)))
        return err_oom(e);
    *ret = TAKE(c);
    return 0;
}

static void drop_connection(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    drop_connection(c);
    free(c->host);
    free(c->port);
    free(c->host_field);
    free(c->prefix);
    free(c->unix_path);
    free(c);
}

/* ---- answers ------------------------------------------------------------------ */

const char *client_answer_header(const struct client_answer *a, const char *name)
{
    if (!a->headers.p)
        return NULL;
    const char *p = a->headers.p, *end = p + a->headers.len;
    while (p < end) {
        const char *value = p + strlen(p) + 1;
        if (value >= end) /* a name without its value: the answer was cut */
            return NULL;
        if (strcasecmp(p, name) == 0)
            return value;
        p = value + strlen(value) + 1;
    }
    return NULL;
}

void client_answer_fini(struct client_answer *a)
{
    buf_fini(&a->headers);
    buf_fini(&a->body);
    a->status = 0;
}

/* ---- a call ------------------------------------------------------------------- */

static bool wants_length(const struct client_call *call)
{
    return call->nbody > 0 || str_eq(call->method, "POST") || str_eq(call->method, "PUT") ||
           str_eq(call->method, "PATCH");
}

static int build_head(const struct client *c, const struct client_call *call, struct buf *out, struct err *e)
{
    if (!http_char_all_token(call->method) || call->target[0] != '/' || !plain(call->target, strlen(call->target)))
        return err_set(e, ERR_INVALID, "the request line cannot be sent: %s %s", call->method, call->target);
    buf_printf(out, "%s %s%s HTTP/1.1\r\nHost: %s\r\n", call->method, c->prefix, call->target, c->host_field);
    for (size_t i = 0; i < call->nheaders; i++) {
        const struct client_header *h = &call->headers[i];
        if (!http_char_all_token(h->name) || !http_char_all_value(h->value))
            return err_set(e, ERR_INVALID, "the header field %s cannot be sent", h->name);
        buf_printf(out, "%s: %s\r\n", h->name, h->value);
    }
    if (wants_length(call))
        buf_printf(out, "Content-Length: %zu\r\n", call->nbody);
    buf_puts(out, "\r\n");
    if (call->nbody > 0 && call->nbody <= 32 * KIB) /* small: one write for both */
        buf_add(out, call->body, call->nbody);
    return out->bad ? err_bad(e, out->bad, "the request is too large") : 0;
}

/* Doing it twice does what doing it once does (RFC 9110, 9.2.2), or the server knows it by its key. */
static bool repeatable(const struct client_call *call)
{
    static const char *const safe[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
    for (size_t i = 0; i < ARRAY_LEN(safe); i++)
        if (str_eq(call->method, safe[i]))
            return true;
    for (size_t i = 0; i < call->nheaders; i++)
        if (strcasecmp(call->headers[i].name, "idempotency-key") == 0)
            return true;
    return false;
}

static int open_connection(struct client *c, const struct client_call *call, struct err *e)
{
    struct client_wait w = {c->connect_ms, call->interrupt};
    int fd = c->unix_path ? client_sock_unix(c->unix_path, e) : client_sock_tcp(c->host, c->port, w, e);
    if (fd < 0)
        return fd;
    c->fd = fd;
    return 0;
}

static int send_request(struct client *c, const struct client_call *call, const struct buf *head, struct client_wait w,
                        struct err *e)
{
    int r = client_sock_send(c->fd, head->p, head->len, w, e);
    if (r == 0 && call->nbody > 32 * KIB)
        r = client_sock_send(c->fd, call->body, call->nbody, w, e);
    return r;
}

/* Sends, then reads until the answer is whole. */
static int exchange(struct client *c, const struct client_call *call, const struct buf *head, struct client_resp *resp,
                    struct err *e)
{
    char block[16 * 1024];
    struct client_wait w = {call->idle_ms ? call->idle_ms : c->idle_ms, call->interrupt};
    int r = send_request(c, call, head, w, e);
    if (r < 0 && r != -ERR_UNREACHABLE)
        return r;
    /* A server that refuses a body answers and closes before it has all: look for that answer. */
    struct err *re = r < 0 ? NULL : e;
    while (!client_resp_done(resp)) {
        long n = client_sock_recv(c->fd, block, sizeof block, w, re);
        int k = n < 0 ? (int)n : client_resp_feed(resp, block, (size_t)n, re);
        if (k < 0)
            return r < 0 ? r : k;
    }
    return 0;
}

static int attempt(struct client *c, const struct client_call *call, const struct buf *head, bool *ret_again,
                   struct client_answer *ret, struct err *e)
{
    if (c->fd >= 0 && !client_sock_alive(c->fd))
        drop_connection(c);
    bool kept = c->fd >= 0;
    int r = kept ? 0 : open_connection(c, call, e);
    if (r < 0)
        return r;
    struct client_answer a = {0};
    AUTO_PTR(client_resp_free) struct client_resp *resp = client_resp_new(call, c->max_body, &a);
    if (!resp)
        return err_oom(e);
    r = exchange(c, call, head, resp, e);
    if (r < 0 || !client_resp_keep(resp))
        drop_connection(c);
    if (r < 0) {
        *ret_again = r == -ERR_UNREACHABLE && kept && !client_resp_begun(resp);
        client_answer_fini(&a);
        return r;
    }
    *ret = a;
    return 0;
}

int client_call(struct client *c, const struct client_call *call, struct client_answer *ret, struct err *e)
{
    AUTO(buf_fini) struct buf head = BUF_INIT(128 * KIB);
    int r = build_head(c, call, &head, e);
    if (r < 0)
        return r;
    bool again = false;
    r = attempt(c, call, &head, &again, ret, e);
    if (r < 0 && again && repeatable(call))
        r = attempt(c, call, &head, &again, ret, e);
    return r;
}
