/* The server over real sockets: requests, limits, time-outs, stopping. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/fault.h"
#include "base/json.h"
#include "net_util.h"
#include "os/clock.h"
#include "os/proc.h"

#define H   "Host: a\r\n"
#define GET "GET / HTTP/1.1\r\n" H "\r\n"

static bool has(const struct buf *b, const char *s)
{
    return b->p && strstr(b->p, s) != NULL;
}

static int start(void **state)
{
    struct net_util *u = calloc(1, sizeof *u);
    struct http_config c;
    net_util_config(&c, u);
    net_util_start(u, &c);
    *state = u;
    return 0;
}

static int stop(void **state)
{
    struct net_util *u = *state;
    net_util_stop(u, 0);
    free(u);
    return 0;
}

static void expect(int fd, const char *send, int status, const char *text)
{
    AUTO(buf_fini) struct buf out = BUF_INIT(0);
    net_util_send(fd, send);
    assert_int_equal(net_util_reply(fd, &out), status);
    if (!has(&out, text))
        fail_msg("no %s in: %s", text, out.p);
}

/* ---- plain requests ----------------------------------------------------------- */

static void test_get(void **state)
{
    struct net_util *u = *state;
    AUTO(buf_fini) struct buf out = BUF_INIT(0);
    int fd = net_util_connect(u->port);
    net_util_send(fd, GET);
    assert_int_equal(net_util_reply(fd, &out), 200);
    assert_memory_equal(out.p, "HTTP/1.1 200 OK\r\nDate: ", 23);
    assert_true(has(&out, " GMT\r\n"));
    assert_true(has(&out, "\r\nContent-Type: text/plain\r\n"));
    assert_true(has(&out, "\r\nContent-Length: 5\r\n"));
    assert_true(has(&out, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_true(has(&out, "\r\nCache-Control: no-store\r\n"));
    assert_false(has(&out, "Server:"));
    assert_false(has(&out, "Connection:"));
    assert_string_equal(net_util_body(&out), "hello");
    close(fd);
}

static void test_keep_alive(void **state)
{
    struct net_util *u = *state;
    int fd = net_util_connect(u->port);
    for (int i = 0; i < 20; i++) {
        expect(fd, GET, 200, "hello");
        expect(fd, "POST /echo?a=%20&b HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nxyz", 200, "POST /echo a=  b= 3:xyz");
        expect(fd, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 200,
               "POST /echo 3:abc");
    }
    close(fd);
    struct http_stats st;
    http_server_stats(u->srv, &st);
    assert_int_equal(st.requests, 60);
    assert_int_equal(st.replies, 60);
    assert_int_equal(st.conns, 1);
}

static void test_close(void **state)
{
    struct net_util *u = *state;
    static const char *const asks[] = {"GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
        int fd = net_util_connect(u->port);
        net_util_send(fd, asks[i]);
        assert_true(net_util_until_close(fd, &out, 3000));
        assert_true(has(&out, "\r\nConnection: close\r\n"));
        close(fd);
    }
    int fd = net_util_connect(u->port);
    expect(fd, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, "\r\nConnection: keep-alive\r\n");
    expect(fd, GET, 200, "hello");
    close(fd);
}

static void test_pipelining(void **state)
{
    struct net_util *u = *state;
    AUTO(buf_fini) struct buf many = BUF_INIT(4 * MIB);
    AUTO(buf_fini) struct buf out = BUF_INIT(0);
    for (int i = 0; i < 200; i++)
        buf_printf(&many, "POST /echo?i=%d HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\nbody", i);
    int fd = net_util_connect(u->port);
    net_util_send_n(fd, many.p, many.len);
    for (int i = 0; i < 200; i++) {
        char want[64];
        snprintf(want, sizeof want, "POST /echo i=%d 4:body", i);
        assert_int_equal(net_util_reply(fd, &out), 200);
        assert_string_equal(net_util_body(&out), want);
    }
    close(fd);
}

/* While one is being answered nothing more is read: the sender's buffers fill up. */
static void test_pipelining_is_bounded(void **state)
{
    struct net_util *u = *state;
    struct http_stats st;
    u->hold = 1;
    int fd = net_util_connect(u->port);
    net_util_send(fd, "GET /hold HTTP/1.1\r\n" H "\r\n");
    while (u->handled == 0)
        clock_sleep_us(1000);
    char junk[65536];
    memset(junk, 'G', sizeof junk);
    size_t sent = 0;
    for (int idle = 0; idle < 50;) {
        ssize_t k = send(fd, junk, sizeof junk, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (k > 0)
            sent += (size_t)k;
        else
            clock_sleep_us(1000), idle++;
    }
    http_server_stats(u->srv, &st);
    assert_true(st.bytes_in < 200 * 1024);
    assert_true(sent > st.bytes_in);
    u->hold = 0;
    AUTO(buf_fini) struct buf out = BUF_INIT(0);
    assert_int_equal(net_util_reply(fd, &out), 200);
    close(fd);
}

static void test_split_everywhere(void **state)
{
    struct net_util *u = *state;
    static const char rq[] = "POST /echo?a=b HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    int fd = net_util_connect(u->port);
    int one = 1;
    setsockopt(fd, 6 /* IPPROTO_TCP */, 1 /* TCP_NODELAY */, &one, sizeof one);
    AUTO(buf_fini) struct buf out = BUF_INIT(0);
    for (size_t split = 1; split < sizeof rq - 1; split += 3) {
        net_util_send_n(fd, rq, split);
        clock_sleep_us(300);
        net_util_send_n(fd, rq + split, sizeof rq - 1 - split);
        assert_int_equal(net_util_reply(fd, &out), 200);
        assert_string_equal(net_util_body(&out), "POST /echo a=b 3:abc");
    }
    close(fd);
}

static void test_head(void **state)
{
    struct net_util *u = *state;
    AUTO(buf_fini) struct buf out = BUF_INIT(0);
    int fd = net_util_connect(u->port);
    net_util_send(fd, "HEAD / HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(net_util_head(fd, &out), 200);
    assert_true(has(&out, "\r\nContent-Length: 5\r\n"));
    expect(fd, GET, 200, "hello"); /* no stray body in between */
    net_util_send(fd, "GET /204 HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(net_util_reply(fd, &out), 204);
    assert_false(has(&out, "Content-Length"));
    expect(fd, "OPTIONS /echo HTTP/1.1\r\n" H "\r\n", 200, "OPTIONS /echo 0:");
    close(fd);
}

static void check_error_json(const struct buf *out, const char *code)
{
    AUTO_PTR(json_free) struct json *j = NULL;
    struct err e = ERR_INIT;
    const char *body = net_util_body(out);
    assert_int_equal(json_parse(body, strlen(body), &j, &e), 0);
    const struct json *o = json_get(j, "error");
    assert_string_equal(json_str(json_get(o, "code")), code);
    assert_true(json_str_len(json_get(o, "message")) > 0);
    assert_int_equal(json_type(json_get(o, "details")), JT_OBJ);
    assert_int_equal(json_str_len(json_get(o, "trace_id")), 32);
    assert_true(has(out, json_str(json_get(o, "trace_id"))));
    assert_true(has(out, "\r\nContent-Type: application/json\r\n"));
}

static void test_answers(void **state)
{
    struct net_util *u = *state;
    AUTO(buf_fini) struct buf out = BUF_INIT(0);
    int fd = net_util_connect(u->port);
    net_util_send(fd, "GET /none HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(net_util_reply(fd, &out), 500);
    check_error_json(&out, "internal");
    net_util_send(fd, "GET /nowhere HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(net_util_reply(fd, &out), 404);
    check_error_json(&out, "not_found");
    net_util_send(fd, "GET /headers HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(net_util_reply(fd, &out), 200);
    assert_string_equal(net_util_body(&out), "ok");
    assert_true(has(&out, "\r\nX-Good: yes\r\n"));
    assert_true(has(&out, "\r\nCache-Control: max-age=60\r\n"));
    assert_false(has(&out, "no-store"));
    assert_false(has(&out, "Evil"));
    net_util_send(fd, "GET /big?n=20000000 HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(net_util_reply(fd, &out), 500);
    net_util_send(fd, "GET /big?n=9000000 HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(net_util_reply(fd, &out), 200);
    assert_int_equal(strlen(net_util_body(&out)), 9000000);
    close(fd);
}

static void test_trace(void **state)
{
    struct net_util *u = *state;
    AUTO(buf_fini) struct buf out = BUF_INIT(0);
    static const char id[] = "4bf92f3577b34da6a3ce929d0e0e4736";
    int fd = net_util_connect(u->port);
    net_util_send(fd, "GET /trace HTTP/1.1\r\n" H
                      "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n");
    assert_int_equal(net_util_reply(fd, &out), 200);
    assert_string_equal(net_util_body(&out), id);
    assert_true(has(&out, "\r\nX-Request-Id: 4bf92f3577b34da6a3ce929d0e0e4736\r\n"));
    net_util_send(fd, "GET /trace HTTP/1.1\r\n" H
                      "traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01\r\n\r\n");
    assert_int_equal(net_util_reply(fd, &out), 200);
    assert_int_equal(strlen(net_util_body(&out)), 32);
    assert_string_not_equal(net_util_body(&out), "00000000000000000000000000000000");
    close(fd);
}

/* ---- refusals -------------------------------------------------------------------- */

static void check_refused(int port, const char *raw, int status, const char *code)
{
    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    int fd = net_util_connect(port);
    net_util_send(fd, raw);
    assert_true(net_util_until_close(fd, &out, 3000));
    close(fd);
    assert_true(out.len > 12);
    assert_int_equal(atoi(out.p + 9), status);
    assert_true(has(&out, "\r\nConnection: close\r\n"));
    check_error_json(&out, code);
}

static void test_refusals(void **state)
{
    struct net_util *u = *state;
    int before = u->handled;
    check_refused(u->port, "GET / HTTP/1.1\r\n\r\n", 400, "invalid_request");
    check_refused(u->port, "GET /\r\n", 400, "invalid_request");
    check_refused(u->port, "GET / HTTP/3.0\r\n" H "\r\n", 505, "http_version_not_supported");
    check_refused(u->port, "TRACE / HTTP/1.1\r\n" H "\r\n", 405, "method_not_allowed");
    check_refused(u->port, "POST / HTTP/1.1\r\n" H "Content-Length: 999999999\r\n\r\n", 413, "payload_too_large");
    check_refused(u->port, "POST / HTTP/1.1\r\n" H "Expect: x\r\n\r\n", 417, "expectation_failed");
    assert_int_equal(u->handled, before);
    struct http_stats st;
    http_server_stats(u->srv, &st);
    assert_int_equal(st.refused_large, 1);
    assert_int_equal(st.refused_bad, 5);
}

static void test_refusal_after_request(void **state)
{
    struct net_util *u = *state;
    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    int fd = net_util_connect(u->port);
    net_util_send(fd, GET "GARBAGE\n");
    assert_true(net_util_until_close(fd, &out, 3000));
    assert_memory_equal(out.p, "HTTP/1.1 200 OK", 15);
    assert_true(has(&out, "HTTP/1.1 400 Bad Request"));
    close(fd);
}

static void test_long_heads(void **state)
{
    struct net_util *u = *state;
    AUTO(buf_fini) struct buf b = BUF_INIT(MIB);
    buf_puts(&b, "GET /");
    while (b.len < 9000)
        buf_addc(&b, 'a');
    buf_puts(&b, " HTTP/1.1\r\n" H "\r\n");
    check_refused(u->port, b.p, 414, "uri_too_long");
    buf_reset(&b);
    buf_puts(&b, "GET / HTTP/1.1\r\n" H "X: ");
    while (b.len < 17000)
        buf_addc(&b, 'a');
    buf_puts(&b, "\r\n\r\n");
    check_refused(u->port, b.p, 431, "headers_too_large");
    buf_reset(&b);
    buf_puts(&b, "GET / HTTP/1.1\r\n" H);
    for (int i = 0; i < 100; i++)
        buf_puts(&b, "X: a\r\n");
    buf_puts(&b, "\r\n");
    check_refused(u->port, b.p, 431, "headers_too_large");
}

/* A body that is refused is not read; what the client sends meanwhile does not destroy the answer. */
static void test_refused_upload(void **state)
{
    struct net_util *u = *state;
    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    char junk[65536] = {0};
    int fd = net_util_connect(u->port);
    net_util_send(fd, "POST /echo HTTP/1.1\r\n" H "Content-Length: 100000000\r\n\r\n");
    for (int i = 0; i < 8; i++)
        net_util_send_n(fd, junk, sizeof junk);
    assert_true(net_util_until_close(fd, &out, 3000));
    assert_memory_equal(out.p, "HTTP/1.1 413 ", 13);
    close(fd);
}

static void test_continue(void **state)
{
    struct net_util *u = *state;
    AUTO(buf_fini) struct buf out = BUF_INIT(0);
    int fd = net_util_connect(u->port);
    net_util_send(fd, "POST /echo HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_int_equal(net_util_reply(fd, &out), 100);
    assert_string_equal(out.p, "HTTP/1.1 100 Continue\r\n\r\n");
    expect(fd, "abc", 200, "POST /echo 3:abc");
    /* the body comes at once: no invitation */
    expect(fd, "POST /echo HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 3\r\n\r\nabc", 200,
           "POST /echo 3:abc");
    /* no body at all */
    expect(fd, "GET /echo HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n", 200, "GET /echo 0:");
    close(fd);
    /* refused before the invitation */
    check_refused(u->port, "POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 999999999\r\n\r\n", 413,
                  "payload_too_large");
}

/* ---- limits with a config of their own ----------------------------------------------- */

static void test_max_requests(void **state)
{
    struct net_util u = {0};
    struct http_config c;
    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    net_util_config(&c, &u);
    c.max_requests = 3;
    net_util_start(&u, &c);
    int fd = net_util_connect(u.port);
    net_util_send(fd, GET GET GET GET);
    assert_true(net_util_until_close(fd, &out, 3000));
    close(fd);
    net_util_stop(&u, 1000);
    assert_int_equal(u.handled, 3);
    assert_true(has(&out, "Connection: close"));
}

static void test_timeouts(void **state)
{
    struct net_util u = {0};
    struct http_config c;
    net_util_config(&c, &u);
    c.idle_ms = 300;
    c.header_ms = 150;
    c.body_ms = 150;
    net_util_start(&u, &c);

    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    int idle = net_util_connect(u.port), slow = net_util_connect(u.port), body = net_util_connect(u.port);
    int64_t t0 = clock_mono_us();
    net_util_send(body, "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\na");
    /* a byte now and then does not help */
    const char *drip = "GET / HTTP/1.1\r\nHost: a\r\nX: aaaaaaaaaaaaaaaaaaaaaaaa";
    for (int i = 0; i < 10; i++) {
        net_util_send_n(slow, drip + i, 1);
        clock_sleep_us(20 * MS_US);
    }
    assert_true(net_util_until_close(slow, &out, 3000));
    assert_memory_equal(out.p, "HTTP/1.1 408 ", 13);
    check_error_json(&out, "request_timeout");
    buf_reset(&out);
    assert_true(net_util_until_close(body, &out, 3000));
    assert_memory_equal(out.p, "HTTP/1.1 408 ", 13);
    buf_reset(&out);
    assert_true(net_util_until_close(idle, &out, 3000));
    assert_int_equal(out.len, 0);
    int64_t took = clock_mono_us() - t0;
    assert_true(took >= 290 * MS_US && took < 2000 * MS_US);
    close(idle);
    close(slow);
    close(body);
    struct http_stats st;
    http_server_stats(u.srv, &st);
    assert_int_equal(st.refused_timeout, 3);
    net_util_stop(&u, 1000);
    assert_int_equal(u.handled, 0);
}

/* A client that takes no byte of its answer is closed; one that takes some now and then is not. */
static void test_write_timeout(void **state)
{
    struct net_util u = {0};
    struct http_config c;
    net_util_config(&c, &u);
    c.write_ms = 400;
    net_util_start(&u, &c);
    int dead = net_util_connect(u.port), slow = net_util_connect(u.port);
    static const char ask[] = "GET /big?n=12000000 HTTP/1.1\r\n" H "\r\n";
    net_util_send(dead, ask);
    net_util_send(slow, ask);
    size_t got = 0;
    char block[256 * 1024];
    for (;;) {
        ssize_t k = recv(slow, block, sizeof block, 0);
        if (k <= 0)
            break;
        got += (size_t)k;
        clock_sleep_us(10 * MS_US);
        if (got > 12000000)
            break;
    }
    assert_true(got > 12000000);
    struct http_stats st;
    for (int i = 0; i < 3000; i++) {
        http_server_stats(u.srv, &st);
        if (st.refused_timeout == 1)
            break;
        clock_sleep_us(1000);
    }
    assert_int_equal(st.refused_timeout, 1);
    close(dead);
    close(slow);
    net_util_stop(&u, 1000);
}

/* Clients that ask for much and take nothing cannot fill the memory. */
static void test_unsent_limit(void **state)
{
    struct net_util u = {0};
    struct http_config c;
    net_util_config(&c, &u);
    c.max_unsent = 20 * MIB;
    net_util_start(&u, &c);
    int fds[4];
    struct http_stats st = {0};
    for (int i = 0; i < 4; i++) {
        fds[i] = net_util_connect(u.port);
        net_util_send(fds[i], "GET /big?n=9000000 HTTP/1.1\r\n" H "\r\n");
    }
    for (int i = 0; i < 3000 && (st.replies < 4 || st.open_conns > 2); i++) {
        http_server_stats(u.srv, &st);
        clock_sleep_us(1000);
    }
    assert_int_equal(st.open_conns, 2);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    int fd = net_util_connect(u.port);
    expect(fd, "GET /big?n=9000000 HTTP/1.1\r\n" H "\r\n", 200, "xxxx"); /* there is room again */
    close(fd);
    net_util_stop(&u, 1000);
}

static size_t no_body_limit(void *arg, enum http_method m, const char *path)
{
    return m == HTTP_M_GET ? 0 : strcmp(path, "/echo") == 0 ? 10 : MIB;
}

static void test_route_limits(void **state)
{
    struct net_util u = {0};
    struct http_config c;
    net_util_config(&c, &u);
    c.limit = no_body_limit;
    net_util_start(&u, &c);
    int fd = net_util_connect(u.port);
    expect(fd, "POST /echo HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\n0123456789", 200, "10:0123456789");
    close(fd);
    check_refused(u.port, "POST /echo?x HTTP/1.1\r\n" H "Content-Length: 11\r\n\r\n01234567890", 413,
                  "payload_too_large");
    check_refused(u.port, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n5\r\n", 413,
                  "payload_too_large");
    check_refused(u.port, "GET / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx", 413, "payload_too_large");
    net_util_stop(&u, 1000);
}

static void test_bodies_limit(void **state)
{
    struct net_util u = {0};
    struct http_config c;
    net_util_config(&c, &u);
    c.max_bodies = 10;
    net_util_start(&u, &c);
    int fd = net_util_connect(u.port);
    net_util_send(fd, "POST /echo HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\n12345678");
    clock_sleep_us(50 * MS_US);
    check_refused(u.port, "POST /echo HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\n12345678", 503, "unavailable");
    expect(fd, "9", 200, "123456789");
    expect(fd, "POST /echo HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\n123456789", 200, "9:123456789");
    close(fd);
    net_util_stop(&u, 1000);
}

static void test_too_many_connections(void **state)
{
    struct net_util u = {0};
    struct http_config c;
    net_util_config(&c, &u);
    c.max_conns = 8;
    c.spare_ms = c.idle_ms; /* nobody is idle for so long */
    net_util_start(&u, &c);
    int fds[8];
    for (int i = 0; i < 8; i++) {
        fds[i] = net_util_connect(u.port);
        expect(fds[i], GET, 200, "hello");
    }
    for (int i = 0; i < 100; i++) {
        AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
        int fd = net_util_connect(u.port);
        assert_true(net_util_until_close(fd, &out, 3000));
        if (out.len)
            assert_memory_equal(out.p, "HTTP/1.1 503 ", 13);
        else
            assert_true(i >= 64);
        close(fd);
    }
    for (int i = 0; i < 8; i++) {
        expect(fds[i], GET, 200, "hello");
        close(fds[i]);
    }
    struct http_stats st;
    http_server_stats(u.srv, &st);
    assert_int_equal(st.refused_full, 100);
    net_util_stop(&u, 1000);
}

static void few_places(struct net_util *u, unsigned n, int spare_ms)
{
    struct http_config c;
    net_util_config(&c, u);
    c.max_conns = n;
    c.spare_ms = spare_ms;
    net_util_start(u, &c);
}

/* All places taken: who has asked for nothing for longest gives way, before who is in the middle of a request. */
static void test_idle_gives_way(void **state)
{
    struct net_util u = {0};
    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    int fds[8];
    few_places(&u, ARRAY_LEN(fds), 300);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = net_util_connect(u.port);
    net_util_send(fds[0], "GET ");
    expect(fds[1], GET, 200, "hello"); /* the oldest but one is the youngest now */
    clock_sleep_us(400 * MS_US);
    expect(fds[2], GET, 200, "hello");
    int fd = net_util_connect(u.port);
    expect(fd, GET, 200, "hello");
    assert_true(net_util_until_close(fds[3], &out, 3000));
    assert_int_equal(out.len, 0);
    expect(fds[0], "/ HTTP/1.1\r\n" H "\r\n", 200, "hello");
    expect(fds[1], GET, 200, "hello");
    expect(fds[2], GET, 200, "hello");
    struct http_stats st;
    http_server_stats(u.srv, &st);
    assert_int_equal(st.gave_way, 1);
    assert_int_equal(st.refused_full, 0);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
    close(fd);
    net_util_stop(&u, 1000);
}

#define HALF "POST /echo HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\n1234"

/* Half a head gives way like no request at all, half a body ten times later: else each would hold a place as well. */
static void test_half_requests_give_way(void **state)
{
    struct net_util u = {0};
    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    int fds[8];
    few_places(&u, ARRAY_LEN(fds), 50);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = net_util_connect(u.port);
        net_util_send(fds[i], i == 0 ? "G" : HALF);
    }
    clock_sleep_us(150 * MS_US);
    int first = net_util_connect(u.port);
    expect(first, GET, 200, "hello");
    assert_true(net_util_until_close(fds[0], &out, 3000));
    net_util_send(first, HALF);
    clock_sleep_us(600 * MS_US);
    int second = net_util_connect(u.port);
    expect(second, GET, 200, "hello");
    assert_true(net_util_until_close(fds[1], &out, 3000));
    assert_int_equal(out.len, 0);
    expect(fds[2], "56789", 200, "9:123456789");
    struct http_stats st;
    http_server_stats(u.srv, &st);
    assert_int_equal(st.gave_way, 2);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
    close(first);
    close(second);
    net_util_stop(&u, 1000);
}

static void test_many_connections(void **state)
{
    struct net_util *u = *state;
    enum { N = 300 };
    int fds[N];
    for (int i = 0; i < N; i++)
        fds[i] = net_util_connect(u->port);
    for (int i = 0; i < N; i++)
        net_util_send(fds[i], GET);
    for (int i = 0; i < N; i++) {
        AUTO(buf_fini) struct buf out = BUF_INIT(0);
        assert_int_equal(net_util_reply(fds[i], &out), 200);
    }
    for (int i = 0; i < N; i++)
        close(fds[i]);
}

/* ---- unix socket ------------------------------------------------------------------------ */

static void test_unix(void **state)
{
    struct net_util u = {0};
    struct http_config c;
    struct err e = ERR_INIT;
    char dir[128] = "/tmp/sp_net_XXXXXX", want[64];
    assert_non_null(mkdtemp(dir));
    /* a directory whose path does not fit sun_path */
    char deep[300];
    snprintf(deep, sizeof deep, "%s/%0120d", dir, 1);
    assert_int_equal(mkdir(deep, 0700), 0);
    int dirfd = open(deep, O_PATH | O_DIRECTORY | O_CLOEXEC);
    net_util_config(&c, &u);
    c.max_conns = 8;
    assert_int_equal(http_server_new(&c, &u.srv, &e), 0);
    assert_int_equal(http_server_listen_tcp(u.srv, "127.0.0.1", 0, &u.port, &e), 0);
    if (http_server_listen_unix(u.srv, dirfd, "s.sock", 0600, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(http_server_start(u.srv, &e), 0);
    struct stat sb;
    assert_int_equal(fstatat(dirfd, "s.sock", &sb, 0), 0);
    assert_int_equal(sb.st_mode & 0777, 0600);

    int fds[80]; /* the TCP port is full: not for whoever may open the socket */
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        net_util_send(fds[i] = net_util_connect(u.port), "GET");
    clock_sleep_us(50 * MS_US);
    int fd = unix_connect(dirfd, "s.sock", SOCK_STREAM, &e);
    assert_true(fd >= 0);
    snprintf(want, sizeof want, "unix  %d %d", (int)getuid(), (int)getpid());
    expect(fd, "GET /peer HTTP/1.1\r\n" H "\r\n", 200, want);
    close(fd);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
    net_util_stop(&u, 1000);
    assert_int_not_equal(fstatat(dirfd, "s.sock", &sb, 0), 0); /* removed */
    close(dirfd);
    rmdir(deep);
    rmdir(dir);
}

static void test_tcp_peer(void **state)
{
    struct net_util *u = *state;
    int fd = net_util_connect(u->port);
    expect(fd, "GET /peer HTTP/1.1\r\n" H "\r\n", 200, "tcp 127.0.0.1:");
    close(fd);
}

/* ---- life ----------------------------------------------------------------------------------- */

static void *stop_soon(void *arg)
{
    struct net_util *u = arg;
    clock_sleep_us(100 * MS_US);
    u->hold = 0;
    return NULL;
}

/* Requests under way are finished; idle connections and the listener go at once. */
static void test_graceful_stop(void **state)
{
    struct net_util u = {0};
    struct http_config c;
    pthread_t t;
    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    net_util_config(&c, &u);
    net_util_start(&u, &c);
    u.hold = 1;
    int idle = net_util_connect(u.port), busy = net_util_connect(u.port);
    expect(idle, GET, 200, "hello");
    net_util_send(busy, "GET /hold HTTP/1.1\r\n" H "\r\n");
    while (u.handled < 2)
        clock_sleep_us(1000);
    assert_int_equal(pthread_create(&t, NULL, stop_soon, &u), 0);
    int port = u.port;
    int64_t t0 = clock_mono_us();
    net_util_stop(&u, 3000);
    assert_true(clock_mono_us() - t0 < 2000 * MS_US);
    pthread_join(t, NULL);
    assert_true(net_util_until_close(idle, &out, 1000));
    assert_int_equal(out.len, 0);
    assert_true(net_util_until_close(busy, &out, 1000));
    assert_true(has(&out, "held"));
    close(idle);
    close(busy);
    struct http_server *again = NULL;
    struct err e = ERR_INIT;
    assert_int_equal(http_server_new(&c, &again, &e), 0);
    assert_int_equal(http_server_listen_tcp(again, "127.0.0.1", port, NULL, &e), 0);
    http_server_free(again); /* never started */
}

static void test_stop_without_grace(void **state)
{
    struct net_util u = {0};
    struct http_config c;
    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    net_util_config(&c, &u);
    net_util_start(&u, &c);
    int half = net_util_connect(u.port);
    net_util_send(half, "POST /echo HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\n1");
    clock_sleep_us(20 * MS_US);
    net_util_stop(&u, 50);
    assert_true(net_util_until_close(half, &out, 1000));
    close(half);
}

/* The client goes while its handler runs. */
static void test_client_gone(void **state)
{
    struct net_util *u = *state;
    u->hold = 1;
    for (int i = 0; i < 2; i++) {
        int fd = net_util_connect(u->port);
        net_util_send(fd, "GET /hold HTTP/1.1\r\n" H "\r\n");
        while (u->handled <= i)
            clock_sleep_us(1000);
        struct linger l = {1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l); /* RST */
        close(fd);
    }
    u->hold = 0;
    int fd = net_util_connect(u->port);
    expect(fd, GET, 200, "hello");
    close(fd);
}

static void test_bad_config(void **state)
{
    struct http_config c;
    struct http_server *srv = NULL;
    struct err e = ERR_INIT;
    struct net_util u = {0};
    net_util_config(&c, &u);
    c.nthreads = 0;
    assert_int_equal(http_server_new(&c, &srv, &e), -ERR_CONFIG);
    assert_string_equal(e.field, "nthreads");
    net_util_config(&c, &u);
    c.handler = NULL;
    assert_int_equal(http_server_new(&c, &srv, &e), -ERR_CONFIG);
    assert_null(srv);
    net_util_config(&c, &u);
    assert_int_equal(http_server_new(&c, &srv, &e), 0);
    assert_int_equal(http_server_listen_tcp(srv, "example.org", 0, NULL, &e), -ERR_CONFIG);
    assert_int_equal(http_server_listen_tcp(srv, "127.0.0.1", 70000, NULL, &e), -ERR_CONFIG);
    int port = 0;
    assert_int_equal(http_server_listen_tcp(srv, "127.0.0.1", 0, &port, &e), 0);
    struct http_server *second = NULL;
    assert_int_equal(http_server_new(&c, &second, &e), 0);
    assert_int_equal(http_server_listen_tcp(second, "localhost", port, NULL, &e), -ERR_CONFLICT);
    http_server_free(second);
    http_server_free(srv);
}

#ifdef SALLYPORT_FAULTS
/* Every allocation fails once, wherever it is: the one client sees an error or a close, the next is served. */
static void test_no_memory(void **state)
{
    struct net_util *u = *state;
    bool fired = true;
    int n = 0;
    while (fired) {
        AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
        fault_arm_nth("alloc", ++n);
        int fd = net_util_connect(u->port);
        net_util_send(fd, "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc");
        int status = net_util_reply(fd, &out);
        close(fd);
        fired = fault_fired();
        fault_arm("");
        assert_true(status == 200 || status == 500 || status == -1);
        if (status == 500) /* also when it was the answer itself that could not be built */
            assert_non_null(strstr(out.p, "{\"error\":{\"code\":\"out_of_memory\""));
        assert_true(fired || status == 200);
        fd = net_util_connect(u->port);
        expect(fd, GET, 200, "hello");
        close(fd);
    }
    assert_true(n > 10);
}
#endif

#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_get),
        T(test_keep_alive),
        T(test_close),
        T(test_pipelining),
        T(test_pipelining_is_bounded),
        T(test_split_everywhere),
        T(test_head),
        T(test_answers),
        T(test_trace),
        T(test_refusals),
        T(test_refusal_after_request),
        T(test_long_heads),
        T(test_refused_upload),
        T(test_continue),
        T(test_many_connections),
        T(test_tcp_peer),
        T(test_client_gone),
#ifdef SALLYPORT_FAULTS
        T(test_no_memory),
#endif
        cmocka_unit_test(test_max_requests),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_write_timeout),
        cmocka_unit_test(test_unsent_limit),
        cmocka_unit_test(test_route_limits),
        cmocka_unit_test(test_bodies_limit),
        cmocka_unit_test(test_too_many_connections),
        cmocka_unit_test(test_idle_gives_way),
        cmocka_unit_test(test_half_requests_give_way),
        cmocka_unit_test(test_unix),
        cmocka_unit_test(test_graceful_stop),
        cmocka_unit_test(test_stop_without_grace),
        cmocka_unit_test(test_bad_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
