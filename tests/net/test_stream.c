/* Streams: pulled, bounded, closed once. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/str.h"
#include "net/sse.h"
#include "net_util.h"
#include "os/clock.h"

#define ASK(path)  "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define LAST(path) "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

/* One log that many subscribers read from their own cursor, as the hub does. */
struct topic {
    pthread_mutex_t lock; /* held by wakers; closed takes it to leave the list */
    int grown;            /* how many events there are */
    struct sub *subs;
    atomic_int opened, closed, fills, in_fill, overlap, stops, timers;
    atomic_int hold; /* while set, a fill does not return */
    struct net_util net;
};

struct sub {
    struct topic *t;
    struct sub *next;
    struct http_stream *stream;
    int cursor;
    unsigned polls;
    char kind;
    atomic_int busy;
};
static int polled; /* the streams of this group are polled on the loop, too */

static enum http_fill fill_events(struct sub *s, unsigned why, struct buf *out)
{
    pthread_mutex_lock(&s->t->lock);
    int grown = s->t->grown;
    pthread_mutex_unlock(&s->t->lock);
    char text[32];
    for (; s->cursor < grown && out->max - out->len > 64; s->cursor++) {
        snprintf(text, sizeof text, "%d", s->cursor);
        sse_event(out, text, NULL, text, strlen(text));
    }
    if (why & HTTP_FILL_STOP)
        sse_comment(out, "bye");
    else if ((why & HTTP_FILL_TIMER) && out->len == 0)
        sse_comment(out, "still here");
    return s->cursor < grown ? HTTP_FILL_MORE : HTTP_FILL_WAIT;
}

static enum http_fill fill_by_kind(struct sub *s, unsigned why, struct buf *out)
{
    switch (s->kind) {
    case 'f': /* flood */
        while (out->len < out->max)
            buf_addc(out, 'x');
        return HTTP_FILL_MORE;
    case 'e': /* three pieces and the end */
        buf_printf(out, "piece %d\n", s->cursor++);
        return s->cursor < 3 ? HTTP_FILL_MORE : HTTP_FILL_END;
    case 'b': /* what only a fill can say */
        buf_puts(out, "filled\n");
        return HTTP_FILL_END;
    case 'o': /* overflow */
        while (!out->bad)
            buf_addc(out, 'x');
        return HTTP_FILL_WAIT;
    default:
        return fill_events(s, why, out);
    }
}

static enum http_fill fill(void *arg, unsigned why, struct buf *out)
{
    struct sub *s = arg;
    if (atomic_fetch_add(&s->busy, 1) != 0)
        s->t->overlap++;
    s->t->fills++;
    s->t->in_fill++;
    s->t->stops += (why & HTTP_FILL_STOP) != 0;
    s->t->timers += (why & HTTP_FILL_TIMER) != 0;
    while (s->t->hold)
        clock_sleep_us(500);
    enum http_fill r = fill_by_kind(s, why, out);
    s->t->in_fill--;
    atomic_fetch_sub(&s->busy, 1);
    return r;
}

/* Now and then it blocks, with or without something to say before. */
static enum http_fill poll(void *arg, unsigned why, struct buf *out)
{
    struct sub *s = arg;
    unsigned turn = s->polls++ % 3;
    if (s->kind == 'b') { /* and each time has something new */
        buf_puts(out, "polled\n");
        return HTTP_FILL_BLOCKS;
    }
    if (s->t->hold || turn == 0)
        return HTTP_FILL_BLOCKS;
    if (turn == 1 && s->kind == 'l') {
        pthread_mutex_lock(&s->t->lock);
        int grown = s->t->grown;
        pthread_mutex_unlock(&s->t->lock);
        if (s->cursor < grown) {
            char text[32];
            snprintf(text, sizeof text, "%d", s->cursor++);
            sse_event(out, text, NULL, text, strlen(text));
            return HTTP_FILL_BLOCKS;
        }
    }
    return fill(arg, why, out);
}

static void closed(void *arg)
{
    struct sub *s = arg;
    struct topic *t = s->t;
    if (s->busy)
        t->overlap++;
    pthread_mutex_lock(&t->lock);
    struct sub **p = &t->subs;
    while (*p && *p != s)
        p = &(*p)->next;
    if (*p)
        *p = s->next;
    else
        t->overlap++; /* closed twice */
    pthread_mutex_unlock(&t->lock);
    free(s);
    t->closed++;
}

static void handler(void *arg, struct http_req *rq)
{
    static const struct http_stream_ops ops[] = {{fill, closed, NULL}, {fill, closed, poll}};
    struct topic *t = arg;
    struct sub *s = calloc(1, sizeof *s);
    struct err e = ERR_INIT;
    s->t = t;
    s->kind = http_req_path(rq)[1];
    pthread_mutex_lock(&t->lock);
    if (http_stream_open(rq, 200, "text/event-stream", &ops[polled], s, &s->stream, &e) < 0) {
        (void)http_reply_err(rq, &e);
        free(s);
    } else {
        s->next = t->subs;
        t->subs = s;
        t->opened++;
    }
    pthread_mutex_unlock(&t->lock);
}

static void publish(struct topic *t, int n)
{
    pthread_mutex_lock(&t->lock);
    t->grown += n;
    for (struct sub *s = t->subs; s; s = s->next)
        http_stream_wake(s->stream);
    pthread_mutex_unlock(&t->lock);
}

static void begin(struct topic *t, void (*tune)(struct http_config *))
{
    struct http_config c;
    memset(t, 0, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    net_util_config(&c, &t->net);
    c.handler = handler;
    c.arg = t;
    c.stream_chunk = 4096;
    if (tune)
        tune(&c);
    net_util_start(&t->net, &c);
}

/* Everything that was opened was closed, once, and nothing ran at the same time. */
static void end(struct topic *t)
{
    net_util_stop(&t->net, 2000);
    assert_int_equal(t->closed, t->opened);
    assert_int_equal(t->overlap, 0);
    assert_null(t->subs);
    pthread_mutex_destroy(&t->lock);
}

static bool all_closed(void *arg)
{
    struct topic *t = arg;
    return t->opened > 0 && t->closed == t->opened;
}

static bool filling(void *arg)
{
    return ((struct topic *)arg)->in_fill > 0;
}

static bool opened(void *arg)
{
    return ((struct topic *)arg)->opened > 0;
}

/* ---- tests ------------------------------------------------------------------ */

static void test_wake(void **state)
{
    struct topic t;
    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    begin(&t, NULL);
    int fd = net_util_connect(t.net.port);
    publish(&t, 2); /* before anybody listens */
    net_util_send(fd, ASK("/log"));
    assert_true(net_util_until(fd, &out, "data: 1\n\n", 3000));
    assert_true(strstr(out.p, "\r\nTransfer-Encoding: chunked\r\n") != NULL);
    assert_true(strstr(out.p, "\r\nContent-Type: text/event-stream\r\n") != NULL);
    assert_true(strstr(out.p, "\r\nCache-Control: no-store\r\n") != NULL);
    for (int i = 2; i < 50; i++) {
        char want[32];
        publish(&t, 1);
        snprintf(want, sizeof want, "data: %d\n\n", i);
        assert_true(net_util_until(fd, &out, want, 3000));
    }
    close(fd);
    assert_true(net_util_wait(all_closed, &t));
    end(&t);
}

static void short_heartbeat(struct http_config *c)
{
    c->heartbeat_ms = 50;
}

static void test_heartbeat(void **state)
{
    struct topic t;
    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    begin(&t, short_heartbeat);
    int fd = net_util_connect(t.net.port);
    net_util_send(fd, ASK("/log"));
    assert_true(net_util_until(fd, &out, ": still here\n\n\r\ne\r\n: still here", 3000));
    /* also when wakes with nothing to say come all the time */
    int before = t.timers;
    for (int i = 0; i < 200 && t.timers < before + 3; i++) {
        publish(&t, 0);
        clock_sleep_us(5 * MS_US);
    }
    assert_true(t.timers >= before + 3);
    close(fd);
    end(&t);
}

static void test_end(void **state)
{
    struct topic t;
    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    begin(&t, NULL);
    int fd = net_util_connect(t.net.port);
    net_util_send(fd, LAST("/e"));
    assert_true(net_util_until_close(fd, &out, 3000));
    assert_string_equal(net_util_body(&out), "8\r\npiece 0\n\r\n8\r\npiece 1\n\r\n8\r\npiece 2\n\r\n0\r\n\r\n");
    close(fd);

    buf_reset(&out);
    fd = net_util_connect(t.net.port);
    net_util_send(fd, "GET /e HTTP/1.0\r\n\r\n");
    assert_true(net_util_until_close(fd, &out, 3000));
    assert_null(strstr(out.p, "chunked"));
    assert_string_equal(net_util_body(&out), "piece 0\npiece 1\npiece 2\n");
    close(fd);

    buf_reset(&out);
    int fills = t.fills;
    fd = net_util_connect(t.net.port);
    net_util_send(fd, "HEAD /e HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_true(net_util_until_close(fd, &out, 3000));
    assert_string_equal(net_util_body(&out), "");
    assert_int_equal(t.fills, fills);
    close(fd);
    assert_true(net_util_wait(all_closed, &t));
    assert_int_equal(t.closed, 3);
    end(&t);
}

#define PIECES "8\r\npiece 0\n\r\n8\r\npiece 1\n\r\n8\r\npiece 2\n\r\n0\r\n\r\n"

/* A stream that ended leaves its connection for the next request: also one that came with the first. */
static void test_kept(void **state)
{
    struct topic t;
    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    begin(&t, NULL);
    int fd = net_util_connect(t.net.port);
    for (int i = 0; i < 3; i++) {
        buf_reset(&out);
        net_util_send(fd, ASK("/e"));
        assert_true(net_util_until(fd, &out, "\r\n0\r\n\r\n", 3000));
        assert_null(strstr(out.p, "Connection: close"));
        assert_string_equal(net_util_body(&out), PIECES);
    }
    buf_reset(&out);
    net_util_send(fd, ASK("/e") LAST("/e"));
    assert_true(net_util_until_close(fd, &out, 3000));
    const char *second = strstr(out.p + 1, "HTTP/1.1 200");
    assert_non_null(second);
    assert_non_null(strstr(second, PIECES));
    close(fd);
    assert_true(net_util_wait(all_closed, &t));
    assert_int_equal(t.closed, 5);
    end(&t);
}

/* What comes in the middle of a stream is not kept for later, so the connection ends with it: nobody waits for an
 * answer that will not come. */
static void test_talked_over(void **state)
{
    struct topic t;
    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    begin(&t, NULL);
    t.hold = 1;
    int fd = net_util_connect(t.net.port);
    net_util_send(fd, ASK("/e"));
    assert_true(net_util_until(fd, &out, "\r\n\r\n", 3000));
    net_util_send(fd, ASK("/e"));
    clock_sleep_us(20 * MS_US);
    t.hold = 0;
    assert_true(net_util_until_close(fd, &out, 3000));
    assert_null(strstr(out.p + 1, "HTTP/1.1"));
    close(fd);
    end(&t);
}

/* A poll that always has something to say before it would block does not keep the fill away. */
static void test_fill_after_poll(void **state)
{
    struct topic t;
    AUTO(buf_fini) struct buf out = BUF_INIT(64 * MIB);
    begin(&t, NULL);
    int fd = net_util_connect(t.net.port);
    net_util_send(fd, LAST("/b"));
    assert_true(net_util_until_close(fd, &out, 3000));
    assert_string_equal(net_util_body(&out),
                        polled ? "7\r\npolled\n\r\n7\r\nfilled\n\r\n0\r\n\r\n" : "7\r\nfilled\n\r\n0\r\n\r\n");
    close(fd);
    end(&t);
}

static void test_overflow_cuts(void **state)
{
    struct topic t;
    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    begin(&t, NULL);
    int fd = net_util_connect(t.net.port);
    net_util_send(fd, ASK("/o"));
    assert_true(net_util_until_close(fd, &out, 3000));
    assert_string_equal(net_util_body(&out), ""); /* no last chunk: the client can tell */
    close(fd);
    end(&t);
}

static int connect_small(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 8192;
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

/* A client that does not read stops the filling; others go on; when it reads, filling goes on. */
static void test_slow_reader(void **state)
{
    struct topic t;
    AUTO(buf_fini) struct buf out = BUF_INIT(4 * MIB);
    begin(&t, NULL);
    int slow = connect_small(t.net.port);
    net_util_send(slow, ASK("/flood"));
    int last = -1;
    for (int i = 0; i < 100 && last != t.fills; i++) {
        last = t.fills;
        clock_sleep_us(30 * MS_US);
    }
    int stuck = t.fills;
    assert_true(stuck > 0 && stuck < 600); /* x 4 KiB: what the kernel holds for a small window */

    int quick = net_util_connect(t.net.port);
    net_util_send(quick, ASK("/log"));
    publish(&t, 3);
    assert_true(net_util_until(quick, &out, "data: 2\n\n", 3000));
    assert_true(t.fills < stuck + 20);

    char block[65536];
    for (int i = 0; i < 400 && t.fills < stuck + 100; i++) {
        assert_true(recv(slow, block, sizeof block, 0) > 0);
        clock_sleep_us(500);
    }
    assert_true(t.fills >= stuck + 100);
    close(slow);
    close(quick);
    end(&t);
}

static void short_write(struct http_config *c)
{
    c->write_ms = 100;
}

static void test_dead_reader(void **state)
{
    struct topic t;
    begin(&t, short_write);
    int fd = connect_small(t.net.port);
    net_util_send(fd, ASK("/flood"));
    assert_true(net_util_wait(all_closed, &t));
    close(fd);
    end(&t);
}

static void test_close_while_filling(void **state)
{
    struct topic t;
    begin(&t, NULL);
    for (int rst = 0; rst < 2; rst++) {
        t.hold = 1;
        int fd = net_util_connect(t.net.port);
        net_util_send(fd, ASK("/log"));
        assert_true(net_util_wait(filling, &t));
        struct linger l = {rst, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
        close(fd);
        clock_sleep_us(50 * MS_US);
        publish(&t, 1); /* a wake for a client that is gone */
        assert_int_equal(t.closed, rst);
        t.hold = 0;
        assert_true(net_util_wait(all_closed, &t));
    }
    end(&t);
}

/* What a client sends while it listens is dropped, and not without limit. */
static void test_talking_listener(void **state)
{
    struct topic t;
    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    begin(&t, NULL);
    int fd = net_util_connect(t.net.port);
    net_util_send(fd, ASK("/log") ASK("/log"));
    publish(&t, 1);
    assert_true(net_util_until(fd, &out, "data: 0\n\n", 3000));
    char junk[65536] = {0};
    for (int i = 0; i < 40; i++)
        net_util_send_n(fd, junk, sizeof junk);
    assert_true(net_util_wait(all_closed, &t));
    assert_int_equal(t.opened, 1);
    close(fd);
    end(&t);
}

static void test_stop(void **state)
{
    struct topic t;
    enum { N = 10 };
    int fds[N];
    begin(&t, NULL);
    for (int i = 0; i < N; i++) {
        AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
        fds[i] = net_util_connect(t.net.port);
        net_util_send(fds[i], ASK("/log"));
        publish(&t, 1);
        assert_true(net_util_until(fds[i], &out, "data: 0\n\n", 3000));
    }
    int slow = connect_small(t.net.port);
    net_util_send(slow, ASK("/flood"));
    clock_sleep_us(50 * MS_US);
    int64_t t0 = clock_mono_us();
    net_util_stop(&t.net, 400);
    assert_true(clock_mono_us() - t0 < 2000 * MS_US);
    for (int i = 0; i < N; i++) {
        AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
        assert_true(net_util_until_close(fds[i], &out, 1000));
        assert_true(strstr(out.p, ": bye\n\n\r\n0\r\n\r\n") != NULL);
        close(fds[i]);
    }
    assert_true(t.stops >= N);
    assert_int_equal(t.closed, N + 1);
    assert_int_equal(t.overlap, 0);
    close(slow);
    pthread_mutex_destroy(&t.lock);
}

static void two_streams(struct http_config *c)
{
    c->max_streams = 2;
}

static void test_max_streams(void **state)
{
    struct topic t;
    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    begin(&t, two_streams);
    int a = net_util_connect(t.net.port), b = net_util_connect(t.net.port), c = net_util_connect(t.net.port);
    publish(&t, 1);
    net_util_send(a, ASK("/log"));
    assert_true(net_util_until(a, &out, "data: 0\n\n", 3000));
    net_util_send(b, ASK("/log"));
    buf_reset(&out);
    assert_true(net_util_until(b, &out, "data: 0\n\n", 3000));
    net_util_send(c, ASK("/log"));
    assert_int_equal(net_util_reply(c, &out), 503);
    close(a);
    for (int i = 0; i < 3000 && t.closed == 0; i++)
        clock_sleep_us(1000);
    clock_sleep_us(20 * MS_US);
    net_util_send(c, ASK("/log")); /* the connection was kept */
    buf_reset(&out);
    assert_true(net_util_until(c, &out, "data: 0\n\n", 3000));
    close(b);
    close(c);
    end(&t);
}

/* ---- many at once -------------------------------------------------------------- */

static void *publisher(void *arg)
{
    struct topic *t = arg;
    for (int i = 0; i < 250; i++) {
        publish(t, 1);
        clock_sleep_us(100);
    }
    return NULL;
}

/* Every subscriber gets every event once and in order, whoever wakes, while others come and go. */
static void test_fan_out(void **state)
{
    struct topic t;
    enum { N = 20 };
    int fds[N];
    pthread_t threads[2];
    begin(&t, NULL);
    for (int i = 0; i < N; i++) {
        fds[i] = net_util_connect(t.net.port);
        net_util_send(fds[i], ASK("/log"));
    }
    assert_true(net_util_wait(opened, &t));
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, publisher, &t), 0);
    for (int i = 0; i < 50; i++) {
        int fd = net_util_connect(t.net.port);
        net_util_send(fd, ASK("/log"));
        clock_sleep_us(500);
        close(fd);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < N; i++) {
        AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
        assert_true(net_util_until(fds[i], &out, "data: 499\n\n", 5000));
        const char *p = out.p;
        for (int k = 0; k < 500; k++) {
            char want[32];
            snprintf(want, sizeof want, "id: %d\n", k);
            p = strstr(p, want);
            if (!p)
                fail_msg("event %d is missing or out of order", k);
            assert_null(strstr(p + 1, want));
        }
        close(fds[i]);
    }
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wake),
        cmocka_unit_test(test_heartbeat),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_talked_over),
        cmocka_unit_test(test_fill_after_poll),
        cmocka_unit_test(test_overflow_cuts),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_dead_reader),
        cmocka_unit_test(test_close_while_filling),
        cmocka_unit_test(test_talking_listener),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_max_streams),
        cmocka_unit_test(test_fan_out),
    };
    int failed = cmocka_run_group_tests_name("filled", tests, NULL, NULL);
    polled = 1;
    return failed + cmocka_run_group_tests_name("polled", tests, NULL, NULL);
}
