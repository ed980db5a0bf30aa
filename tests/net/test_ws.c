/* WebSockets over loopback: what has to do with time, order and back-pressure. The frames' own rules: test_ws_frame.c.
 */
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
#include "net/ws.h"
#include "net_util.h"
#include "os/clock.h"

#define HELLO                                                                                                          \
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"        \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

/* Echoes; "admit", "close", "big", "slow" and "event" do what they say. */
struct echo {
    struct net_util net;
    atomic_int opened, closed, messages, now, overlap, events, fills;
    atomic_int hold; /* while set, "slow" does not end */
    bool admit;      /* at once */
    bool poll;       /* ask on the loop first */
};

struct conn {
    struct echo *t;
    struct ws *ws;
};

static void on_message(void *arg, char *text, size_t n)
{
    struct conn *c = arg;
    struct echo *t = c->t;
    struct buf out = BUF_INIT(2 * MIB);
    t->messages++;
    if (atomic_fetch_add(&t->now, 1) > 0)
        t->overlap++; /* of tests with one connection */
    if (str_eq(text, "admit"))
        ws_admit(c->ws);
    while (str_eq(text, "slow") && t->hold)
        usleep(1000);
    if (str_eq(text, "event")) {
        t->events++;
        ws_wake(c->ws);
    }
    if (str_eq(text, "big"))
        for (int i = 0; i < 1024 * 1024; i++)
            buf_addc(&out, 'b');
    else
        buf_add(&out, text, n);
    (void)ws_send(c->ws, &out);
    if (str_eq(text, "close"))
        ws_close(c->ws, WS_POLICY, "because");
    t->now--;
}

static enum http_fill on_fill(void *arg, unsigned why, uint64_t sent, struct buf *out)
{
    struct echo *t = ((struct conn *)arg)->t;
    t->fills++;
    if (t->events > 0) {
        t->events--;
        AUTO(buf_fini) struct buf a = BUF_INIT(64);
        buf_printf(&a, "event after %llu", (unsigned long long)sent);
        ws_text(out, &a, "", 0, ".");
    }
    return HTTP_FILL_WAIT;
}

/* Now and then it would block. */
static enum http_fill on_poll(void *arg, unsigned why, uint64_t sent, struct buf *out)
{
    struct echo *t = ((struct conn *)arg)->t;
    return t->fills++ % 3 == 0 ? HTTP_FILL_BLOCKS : on_fill(arg, why, sent, out);
}

static void on_closed(void *arg)
{
    struct conn *c = arg;
    c->t->closed++;
    free(c);
}

static void handler(void *arg, struct http_req *rq)
{
    static const struct ws_ops polled = {on_message, on_fill, on_closed, on_poll};
    static const struct ws_ops pulled = {on_message, on_fill, on_closed, NULL};
    static const struct ws_config cfg = {.max_message = 100000, .guest_bytes = 200, .inbox = 4, .outbox = 16 * KIB};
    struct echo *t = arg;
    struct err e = ERR_INIT;
    struct conn *c = malloc(sizeof *c);
    assert_non_null(c);
    c->t = t;
    if (ws_open(rq, &cfg, t->poll ? &polled : &pulled, c, &c->ws, &e) < 0) {
        (void)http_reply_err(rq, &e);
        free(c);
        return;
    }
    t->opened++;
    if (t->admit)
        ws_admit(c->ws);
}

static void start(struct echo *t, int heartbeat_ms, int guest_ms)
{
    struct http_config c;
    net_util_config(&c, &t->net);
    c.handler = handler;
    c.arg = t;
    c.heartbeat_ms = heartbeat_ms;
    c.guest_ms = guest_ms;
    c.linger_ms = 500;
    net_util_start(&t->net, &c);
}

static void stop(struct echo *t)
{
    net_util_stop(&t->net, 2000);
    assert_int_equal(t->opened, t->closed);
    assert_int_equal(t->overlap, 0);
}

static int join(struct echo *t)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(MIB);
    int fd = net_util_connect(t->net.port);
    net_util_send(fd, HELLO);
    assert_true(net_util_until(fd, &b, "\r\n\r\n", 5000));
    assert_non_null(strstr(b.p, "HTTP/1.1 101 Switching Protocols\r\n"));
    assert_non_null(strstr(b.p, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")); /* RFC 6455, 1.3 */
    return fd;
}

/* Masked with zeros, so that it can be read in a debugger. */
static void say(int fd, int op, const char *text)
{
    char b[256] = {(char)(0x80 | op), (char)(0x80 | strlen(text))};
    assert_true(strlen(text) < 126);
    memcpy(b + 6, text, strlen(text));
    net_util_send_n(fd, b, strlen(text) + 6);
}

static bool read_all(int fd, void *p, size_t n)
{
    for (size_t k = 0; k < n;) {
        ssize_t r = recv(fd, (char *)p + k, n - k, 0);
        if (r <= 0)
            return false;
        k += (size_t)r;
    }
    return true;
}

/* The next frame's opcode, its payload in out; -1 at the end. */
static int hear(int fd, struct buf *out)
{
    unsigned char h[10];
    if (!read_all(fd, h, 2))
        return -1;
    uint64_t n = h[1];
    size_t ext = n == 126 ? 2 : n == 127 ? 8 : 0;
    assert_true(read_all(fd, h + 2, ext));
    for (size_t i = 0; i < ext; i++)
        n = (i ? n << 8 : 0) | h[2 + i];
    buf_reset(out);
    assert_int_equal(buf_reserve(out, n), 0);
    assert_true(read_all(fd, out->p, n));
    out->len = n;
    out->p[n] = '\0';
    return h[0] & 15;
}

static void expect(int fd, int op, const char *text)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(2 * MIB);
    assert_int_equal(hear(fd, &b), op);
    assert_string_equal(b.p, text);
}

/* Close with that code, answered, and then the end of the connection. */
static void expect_close(int fd, int code)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(KIB);
    assert_int_equal(hear(fd, &b), 8);
    assert_true(b.len >= 2);
    assert_int_equal((unsigned char)b.p[0] << 8 | (unsigned char)b.p[1], code);
    say(fd, 8, "\x03\xe8");
    assert_int_equal(hear(fd, &b), -1);
    close(fd);
}

static void messages_come_back_in_order(void **state)
{
    struct echo t = {.poll = *state, .admit = true};
    start(&t, 5000, 1000);
    int fd = join(&t);
    char text[32];
    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "message %d", i);
        say(fd, 1, text);
    }
    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "message %d", i);
        expect(fd, 1, text);
    }
    say(fd, 8, "\x03\xe8");
    expect_close(fd, 1000);
    stop(&t);
}

static void an_event_knows_what_went_before(void **state)
{
    struct echo t = {.poll = *state, .admit = true};
    start(&t, 5000, 1000);
    int fd = join(&t);
    say(fd, 1, "one");
    expect(fd, 1, "one");
    say(fd, 1, "event");
    AUTO(buf_fini) struct buf b = BUF_INIT(KIB);
    bool event = false, echo = false;
    while (!event || !echo) { /* a fill may have begun before the answer was queued: then it says so */
        assert_int_equal(hear(fd, &b), 1);
        if (str_eq(b.p, "event"))
            echo = true;
        else
            event = str_eq(b.p, echo ? "event after 2." : "event after 1.");
    }
    close(fd);
    stop(&t);
}

/* The server's ping, and the end of who does not answer it. */
static void heartbeat(void **state)
{
    struct echo t = {.poll = *state, .admit = true};
    start(&t, 150, 1000);
    int lively = join(&t), dead = join(&t);
    AUTO(buf_fini) struct buf b = BUF_INIT(KIB);
    int64_t began = clock_mono_us();
    for (int i = 0; i < 6; i++) {
        expect(lively, 9, "");
        say(lively, 10, "");
    }
    assert_true(clock_mono_us() - began >= 600 * MS_US);
    assert_int_equal(hear(dead, &b), 9);
    assert_int_equal(hear(dead, &b), -1); /* without a Close: there is nobody to hear it */
    say(lively, 1, "still");
    do
        assert_true(hear(lively, &b) > 0);
    while (!str_eq(b.p, "still"));
    close(lively);
    close(dead);
    stop(&t);
}

static void guests_have_an_end(void **state)
{
    struct echo t = {.poll = *state};
    start(&t, 5000, 300);
    int silent = join(&t), late = join(&t), loud = join(&t), pinging = join(&t);
    for (int i = 0; i < 20; i++)
        say(loud, 10, "too many bytes");
    expect_close(loud, 1008);
    for (int i = 0; i < 10; i++)
        say(pinging, 10, "");
    expect_close(silent, 1008);
    expect_close(late, 1008);
    expect_close(pinging, 1008);
    int fd = join(&t);
    say(fd, 1, "admit");
    expect(fd, 1, "admit");
    usleep(500000);
    say(fd, 1, "here");
    expect(fd, 1, "here");
    close(fd);
    stop(&t);
}

/* As soon as there is room; at most 5 s. */
static int join_soon(struct echo *t)
{
    for (int i = 0; i < 500; i++, usleep(10000)) {
        AUTO(buf_fini) struct buf b = BUF_INIT(MIB);
        int fd = net_util_connect(t->net.port);
        net_util_send(fd, HELLO);
        assert_true(net_util_until(fd, &b, "\r\n\r\n", 5000));
        if (strstr(b.p, " 101 "))
            return fd;
        close(fd);
    }
    fail_msg("there is no room");
    return -1;
}

/* Who does not say who he is cannot take the streams of all others. */
static void guests_leave_room(void **state)
{
    struct echo t = {.poll = *state};
    struct http_config c;
    net_util_config(&c, &t.net);
    c.handler = handler;
    c.arg = &t;
    c.max_streams = 8;
    c.guest_ms = 60000;
    net_util_start(&t.net, &c);
    int fds[20];
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = join_soon(&t);
    say(fds[19], 1, "admit");
    expect(fds[19], 1, "admit");
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
    stop(&t);
}

/* A message that is begun and never ended. */
static void messages_have_to_end(void **state)
{
    struct echo t = {.poll = *state, .admit = true};
    struct http_config c;
    net_util_config(&c, &t.net);
    c.handler = handler;
    c.arg = &t;
    c.body_ms = 300;
    c.heartbeat_ms = 100;
    net_util_start(&t.net, &c);
    int fd = join(&t);
    AUTO(buf_fini) struct buf b = BUF_INIT(KIB);
    net_util_send_n(fd, "\x01\x81\0\0\0\0a", 7);
    int op;
    while ((op = hear(fd, &b)) == 9)
        say(fd, 10, "");
    assert_int_equal(op, 8);
    assert_int_equal((unsigned char)b.p[0] << 8 | (unsigned char)b.p[1], 1008);
    close(fd);
    stop(&t);
}

/* Each message is whole in time, though there is always one that is not. */
static void messages_may_follow_each_other_closely(void **state)
{
    struct echo t = {.poll = *state, .admit = true};
    struct http_config c;
    net_util_config(&c, &t.net);
    c.handler = handler;
    c.arg = &t;
    c.body_ms = 2000;
    c.heartbeat_ms = 10000;
    net_util_start(&t.net, &c);
    int fd = join(&t);
    net_util_send_n(fd, "\x81\x82\0\0\0\0a", 7);
    for (int64_t end = clock_mono_us() + 2300 * MS_US; clock_mono_us() < end; usleep(20000)) {
        net_util_send_n(fd, "b\x81\x82\0\0\0\0a", 8);
        expect(fd, 1, "ab");
    }
    close(fd);
    stop(&t);
}

/* One that comes near to what all together may have under way does not end the others by it. */
static void who_holds_much_goes_first(void **state)
{
    static char part[32708] = "\x81\xfe\xff\xff";
    struct echo t = {.poll = *state, .admit = true};
    struct http_config c;
    net_util_config(&c, &t.net);
    c.handler = handler;
    c.arg = &t;
    c.max_bodies = 64 * KIB;
    c.heartbeat_ms = 5000;
    net_util_start(&t.net, &c);
    int hog = join(&t), small = join(&t), more = join(&t);
    char text[101];
    memset(text, 'x', 100);
    text[100] = '\0';
    memset(part + 8, 'a', sizeof part - 8);
    net_util_send_n(hog, part, sizeof part);
    usleep(20000); /* else it only is no test */
    for (int i = 0; i < 10; i++) {
        say(small, 1, text);
        say(small, 1, text);
        expect(small, 1, text);
        expect(small, 1, text);
    }
    net_util_send_n(more, part, sizeof part);
    expect_close(more, 1013);
    close(hog);
    close(small);
    stop(&t);
}

/* The same for answers: of a megabyte, for one who does not read them, and small, for one who does. */
static void who_reads_is_served_whatever_others_leave(void **state)
{
    struct echo t = {.poll = *state, .admit = true};
    struct http_config c;
    net_util_config(&c, &t.net);
    c.handler = handler;
    c.arg = &t;
    c.max_reply = MIB;
    c.max_unsent = MIB + 50;
    c.heartbeat_ms = 5000;
    net_util_start(&t.net, &c);
    int hog = join(&t), small = join(&t);
    char text[101];
    memset(text, 'x', 100);
    text[100] = '\0';
    for (int i = 0; i < 20; i++)
        say(hog, 1, "big");
    for (int before = -1; before != t.messages; usleep(100000))
        before = t.messages;
    for (int i = 0; i < 10; i++) {
        say(small, 1, text);
        expect(small, 1, text);
    }
    close(hog);
    close(small);
    t.overlap = 0;
    stop(&t);
}

/* A client that is not read from, since more waits than is taken, cannot show that it is there. */
static void who_is_not_read_from_is_not_dropped(void **state)
{
    struct echo t = {.poll = *state, .admit = true, .hold = 1};
    AUTO(buf_fini) struct buf b = BUF_INIT(KIB), all = BUF_INIT(KIB);
    start(&t, 50, 5000);
    int fd = join(&t);
    for (int i = 0; i < 12; i++)
        buf_add(&all, i ? "\x81\x81\0\0\0\0m" : "\x81\x84\0\0\0\0slow", i ? 7 : 10);
    net_util_send_n(fd, all.p, all.len);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(hear(fd, &b), 9);
        say(fd, 10, "");
    }
    t.hold = 0;
    for (int i = 0; i < 12;) {
        int op = hear(fd, &b);
        assert_true(op == 1 || op == 9);
        i += op == 1;
    }
    assert_string_equal(b.p, "m");
    close(fd);
    stop(&t);
}

static void close_comes_after_what_was_sent(void **state)
{
    struct echo t = {.poll = *state, .admit = true};
    start(&t, 5000, 1000);
    int fd = join(&t);
    say(fd, 1, "close");
    say(fd, 1, "not any more");
    expect(fd, 1, "close");
    expect_close(fd, 1008);
    fd = join(&t); /* who does not answer Close is not waited for for ever */
    say(fd, 1, "close");
    expect(fd, 1, "close");
    AUTO(buf_fini) struct buf b = BUF_INIT(KIB);
    int64_t began = clock_mono_us();
    assert_int_equal(hear(fd, &b), 8);
    assert_int_equal(hear(fd, &b), -1);
    assert_true(clock_mono_us() - began >= 300 * MS_US);
    close(fd);
    stop(&t);
}

static void the_end_of_the_server_is_said(void **state)
{
    struct echo t = {.poll = *state, .admit = true};
    start(&t, 5000, 1000);
    int fd = join(&t);
    pthread_t th;
    assert_int_equal(pthread_create(&th, NULL, (void *(*)(void *))(void (*)(void))stop, &t), 0);
    expect_close(fd, 1001);
    pthread_join(th, NULL);
}

/* A handler that takes its time delays neither pongs nor Closes, and nothing is handed over beside it. */
static void control_frames_pass_a_slow_handler(void **state)
{
    struct echo t = {.poll = *state, .admit = true, .hold = 1};
    start(&t, 5000, 1000);
    int fd = join(&t);
    say(fd, 1, "slow");
    say(fd, 1, "next");
    say(fd, 9, "are you there");
    expect(fd, 10, "are you there");
    assert_true(t.messages <= 1);
    t.hold = 0;
    expect(fd, 1, "slow");
    expect(fd, 1, "next");
    t.hold = 1;
    say(fd, 1, "slow"); /* and gone while it runs: closed comes after it */
    while (t.messages < 3)
        usleep(1000);
    close(fd);
    usleep(50000);
    assert_int_equal(t.closed, 0);
    t.hold = 0;
    stop(&t);
}

/* Answers of a megabyte that nobody reads: the next request waits, and so does the socket. */
static void who_does_not_read_is_not_served(void **state)
{
    struct echo t = {.poll = *state, .admit = true};
    start(&t, 5000, 1000);
    int fd = join(&t);
    for (int i = 0; i < 50; i++)
        say(fd, 1, "big");
    usleep(500000);
    int served = t.messages;
    assert_in_range(served, 1, 12); /* what the kernel's buffers took, and one more */
    AUTO(buf_fini) struct buf b = BUF_INIT(2 * MIB);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(hear(fd, &b), 1);
        assert_int_equal(b.len, 1024 * 1024);
    }
    close(fd);
    stop(&t);
}

static bool has_closed(void *arg)
{
    struct echo *t = arg;
    return t->closed == t->opened;
}

static void clients_that_vanish(void **state)
{
    struct echo t = {.poll = *state, .admit = true};
    start(&t, 5000, 1000);
    static const char half[] = "\x81\xfe\x10\x00"
                               "abcd"
                               "half of a message";
    for (int i = 0; i < 60; i++) {
        int fd = join(&t);
        if (i % 3 == 1)
            net_util_send_n(fd, half, sizeof half - 1);
        if (i % 3 == 2)
            for (int k = 0; k < 10; k++)
                say(fd, 1, "big");
        struct linger hard = {1, 0};
        if (i % 2)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(fd);
    }
    assert_true(net_util_wait(has_closed, &t));
    t.overlap = 0;
    stop(&t);
}

static void other_requests(void **state)
{
    struct echo t = {.poll = *state, .admit = true};
    start(&t, 5000, 1000);
    AUTO(buf_fini) struct buf b = BUF_INIT(MIB);
    int fd = net_util_connect(t.net.port);
    net_util_send(fd, "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(net_util_reply(fd, &b), 426);
    assert_non_null(strstr(b.p, "Upgrade: websocket\r\n"));
    assert_non_null(strstr(b.p, "Connection: Upgrade\r\n"));
    net_util_send(fd, HELLO); /* the same connection goes on */
    buf_reset(&b);
    assert_true(net_util_until(fd, &b, "\r\n\r\n", 5000));
    assert_non_null(strstr(b.p, " 101 "));
    say(fd, 1, "x");
    expect(fd, 1, "x");
    net_util_send(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); /* HTTP is no frame */
    expect_close(fd, 1002);
    stop(&t);
}

#define PULLED(f)                                                                                                      \
    {                                                                                                                  \
#f, f, NULL, NULL, NULL                                                                                        \
    }
#define POLLED(f)                                                                                                      \
    {                                                                                                                  \
#f "_polled", f, NULL, NULL, (void *)""                                                                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        PULLED(messages_come_back_in_order),
        POLLED(messages_come_back_in_order),
        PULLED(an_event_knows_what_went_before),
        POLLED(an_event_knows_what_went_before),
        PULLED(heartbeat),
        POLLED(heartbeat),
        PULLED(guests_have_an_end),
        POLLED(guests_have_an_end),
        PULLED(guests_leave_room),
        PULLED(messages_have_to_end),
        POLLED(messages_have_to_end),
        PULLED(messages_may_follow_each_other_closely),
        PULLED(who_holds_much_goes_first),
        POLLED(who_holds_much_goes_first),
        PULLED(who_reads_is_served_whatever_others_leave),
        PULLED(who_is_not_read_from_is_not_dropped),
        POLLED(who_is_not_read_from_is_not_dropped),
        PULLED(close_comes_after_what_was_sent),
        POLLED(close_comes_after_what_was_sent),
        PULLED(the_end_of_the_server_is_said),
        POLLED(the_end_of_the_server_is_said),
        PULLED(control_frames_pass_a_slow_handler),
        POLLED(control_frames_pass_a_slow_handler),
        PULLED(who_does_not_read_is_not_served),
        POLLED(who_does_not_read_is_not_served),
        PULLED(clients_that_vanish),
        POLLED(clients_that_vanish),
        PULLED(other_requests),
        POLLED(other_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
