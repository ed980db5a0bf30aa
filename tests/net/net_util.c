/* net_util - see net_util.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/str.h"
#include "net_util.h"
#include "os/clock.h"

void net_util_config(struct http_config *c, struct net_util *u)
{
    http_config_init(c);
    c->handler = net_util_handler;
    c->arg = u;
    c->nthreads = 2;
    c->idle_ms = 5000;
    c->header_ms = 5000;
    c->body_ms = 5000;
    c->linger_ms = 200;
}

void net_util_start(struct net_util *u, const struct http_config *c)
{
    struct err e = ERR_INIT;
    if (http_server_new(c, &u->srv, &e) < 0 || http_server_listen_tcp(u->srv, "127.0.0.1", 0, &u->port, &e) < 0 ||
        http_server_start(u->srv, &e) < 0)
        fail_msg("%s", e.msg);
    assert_true(u->port > 0);
}

void net_util_stop(struct net_util *u, int grace_ms)
{
    struct http_stats st;
    http_server_stop(u->srv, grace_ms);
    http_server_stats(u->srv, &st);
    assert_int_equal(st.open_conns, 0);
    assert_int_equal(st.open_streams, 0);
    assert_int_equal(st.busy, 0);
    http_server_free(u->srv);
    u->srv = NULL;
}

/* ---- the handler ---------------------------------------------------------- */

static void reply_text(struct http_req *rq, const char *s)
{
    (void)http_reply(rq, 200, "text/plain", s, strlen(s));
}

static void reply_echo(struct http_req *rq)
{
    struct buf b = BUF_INIT(64 * KIB);
    size_t n;
    const char *body = http_req_body(rq, &n);
    buf_printf(&b, "%s %s", http_method_name(http_req_method(rq)), http_req_path(rq));
    for (size_t i = 0; i < http_req_nquery(rq); i++)
        buf_printf(&b, " %s=%s", http_req_query_name(rq, i), http_req_query_value(rq, i));
    buf_printf(&b, " %zu:", n);
    buf_add(&b, body, n);
    (void)http_reply(rq, 200, "text/plain", b.p, b.len);
    buf_fini(&b);
}

static void reply_big(struct http_req *rq)
{
    uint64_t n = 0;
    const char *want = http_req_query(rq, "n");
    char *p = want && str_u64(want, &n) ? malloc(n) : NULL;
    if (p) {
        memset(p, 'x', n);
        (void)http_reply(rq, 200, "text/plain", p, n);
    }
    free(p);
}

static void reply_headers(struct http_req *rq)
{
    struct err e = ERR_INIT;
    bool refused = http_reply_header(rq, "X-A", "a\r\nX-Evil: 1", &e) == -ERR_INVALID &&
                   http_reply_header(rq, "X B", "a", &e) == -ERR_INVALID &&
                   http_reply_header(rq, "Content-Length", "5", &e) == -ERR_INVALID;
    bool taken = http_reply_header(rq, "X-Good", "yes", &e) == 0 &&
                 http_reply_header(rq, "Cache-Control", "max-age=60", &e) == 0;
    reply_text(rq, refused && taken ? "ok" : "not refused");
}

static void reply_peer(struct http_req *rq)
{
    const struct http_peer *p = http_req_peer(rq);
    char s[128];
    snprintf(s, sizeof s, "%s %s %d %d", p->unix_socket ? "unix" : "tcp", p->addr, (int)p->uid, (int)p->pid);
    reply_text(rq, s);
}

void net_util_handler(void *arg, struct http_req *rq)
{
    struct net_util *u = arg;
    const char *path = http_req_path(rq);
    u->handled++;
    if (str_eq(path, "/"))
        reply_text(rq, "hello");
    else if (str_eq(path, "/echo"))
        reply_echo(rq);
    else if (str_eq(path, "/big"))
        reply_big(rq);
    else if (str_eq(path, "/headers"))
        reply_headers(rq);
    else if (str_eq(path, "/peer"))
        reply_peer(rq);
    else if (str_eq(path, "/trace"))
        reply_text(rq, http_req_trace_id(rq));
    else if (str_eq(path, "/204"))
        (void)http_reply(rq, 204, NULL, NULL, 0);
    else if (str_eq(path, "/hold")) {
        while (u->hold)
            clock_sleep_us(1000);
        reply_text(rq, "held");
        assert_int_equal(http_reply(rq, 200, NULL, "again", 5), -ERR_STATE);
    } else if (!str_eq(path, "/none")) {
        struct err e = ERR_INIT;
        (void)err_set(&e, ERR_NOT_FOUND, NULL);
        (void)http_reply_err(rq, &e);
    }
}

/* ---- raw bytes -------------------------------------------------------------- */

int net_util_connect(int port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

void net_util_send_n(int fd, const void *p, size_t n)
{
    const char *s = p;
    while (n > 0) {
        ssize_t k = send(fd, s, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return; /* the server may have closed: the test looks at what it said */
        s += k;
        n -= (size_t)k;
    }
}

void net_util_send(int fd, const char *s)
{
    net_util_send_n(fd, s, strlen(s));
}

/* One read of at most n bytes; 0 at the end, -1 after ms. */
static long read_some(int fd, char *p, size_t n, int ms)
{
    struct pollfd pf = {.fd = fd, .events = POLLIN};
    int r = poll(&pf, 1, ms);
    if (r <= 0)
        return -1;
    ssize_t k = recv(fd, p, n, 0);
    return k < 0 ? 0 : k;
}

static int reply(int fd, struct buf *out, bool body)
{
    char c;
    buf_fini(out);
    buf_init(out, 64 * MIB);
    while (!out->p || !strstr(out->p, "\r\n\r\n")) {
        if (read_some(fd, &c, 1, 5000) <= 0)
            return -1;
        buf_addc(out, c);
    }
    const char *cl = strcasestr(out->p, "\r\ncontent-length:");
    size_t left = cl && body ? (size_t)strtoul(cl + 17, NULL, 10) : 0;
    int status = atoi(out->p + 9);
    while (left > 0) {
        char block[16384];
        long k = read_some(fd, block, left < sizeof block ? left : sizeof block, 5000);
        if (k <= 0)
            return -1;
        buf_add(out, block, (size_t)k);
        left -= (size_t)k;
    }
    return status;
}

int net_util_reply(int fd, struct buf *out)
{
    return reply(fd, out, true);
}

int net_util_head(int fd, struct buf *out)
{
    return reply(fd, out, false);
}

bool net_util_until_close(int fd, struct buf *out, int ms)
{
    char block[16384];
    int64_t end = clock_mono_us() + ms * MS_US;
    for (;;) {
        int64_t left = (end - clock_mono_us()) / MS_US;
        long k = left <= 0 ? -1 : read_some(fd, block, sizeof block, (int)left);
        if (k <= 0)
            return k == 0;
        buf_add(out, block, (size_t)k);
    }
}

bool net_util_until(int fd, struct buf *out, const char *text, int ms)
{
    char block[16384];
    int64_t end = clock_mono_us() + ms * MS_US;
    while (!out->p || !memmem(out->p, out->len, text, strlen(text))) {
        int64_t left = (end - clock_mono_us()) / MS_US;
        long k = left <= 0 ? -1 : read_some(fd, block, sizeof block, (int)left);
        if (k <= 0)
            return false;
        buf_add(out, block, (size_t)k);
    }
    return true;
}

const char *net_util_body(const struct buf *r)
{
    const char *p = r->p ? strstr(r->p, "\r\n\r\n") : NULL;
    return p ? p + 4 : "";
}

bool net_util_wait(bool (*cond)(void *arg), void *arg)
{
    for (int i = 0; i < 5000; i++) {
        if (cond(arg))
            return true;
        clock_sleep_us(1000);
    }
    return false;
}
