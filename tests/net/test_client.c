/* The client: against our server, and against answers no good server gives. */
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/fault.h"
#include "base/str.h"
#include "net/client.h"
#include "net/client_resp.h"
#include "net_util.h"
#include "os/clock.h"

static struct client *client_for(int port, const char *prefix)
{
    char url[64];
    struct client *c = NULL;
    struct err e = ERR_INIT;
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, prefix);
    struct client_config cfg = {.url = url};
    if (client_new(&cfg, &c, &e) < 0)
        fail_msg("%s", e.msg);
    return c;
}

static void ask(struct client *c, struct client_call call, int status, const char *body)
{
    struct client_answer a = {0};
    struct err e = ERR_INIT;
    if (!call.method)
        call.method = "GET";
    if (client_call(c, &call, &a, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(a.status, status);
    assert_string_equal(a.body.p ? a.body.p : "", body);
    client_answer_fini(&a);
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

static void test_calls(void **state)
{
    struct net_util *u = *state;
    AUTO_PTR(client_free) struct client *c = client_for(u->port, "");
    ask(c, (struct client_call){.target = "/"}, 200, "hello");
    ask(c, (struct client_call){.method = "HEAD", .target = "/"}, 200, "");
    ask(c, (struct client_call){.target = "/204"}, 204, "");
    ask(c, (struct client_call){.method = "POST", .target = "/echo?a=%41", .body = "xy\0z", .nbody = 4}, 200,
        "POST /echo a=A 4:xy");
    ask(c, (struct client_call){.method = "POST", .target = "/echo"}, 200, "POST /echo 0:");
    struct http_stats st;
    http_server_stats(u->srv, &st);
    assert_int_equal(st.conns, 1); /* one connection for all of them */
}

static void test_prefix_and_headers(void **state)
{
    struct net_util *u = *state;
    AUTO_PTR(client_free) struct client *c = client_for(u->port, "/ec/");
    struct client_answer a = {0};
    struct err e = ERR_INIT;
    struct client_header h[] = {{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}};
    struct client_call call = {.method = "GET", .target = "/ho", .headers = h, .nheaders = 1};
    assert_int_equal(client_call(c, &call, &a, &e), 0);
    assert_int_equal(a.status, 404);
    assert_string_equal(client_answer_header(&a, "content-type"), "application/json");
    assert_string_equal(client_answer_header(&a, "X-Request-Id"), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_null(client_answer_header(&a, "x-none"));
    client_answer_fini(&a);
    h[0] = (struct client_header){"x", "a\r\nevil: 1"};
    assert_int_equal(client_call(c, &call, &a, &e), -ERR_INVALID);
    call.nheaders = 0;
    call.target = "/a b";
    assert_int_equal(client_call(c, &call, &a, &e), -ERR_INVALID);
    call.target = "http://x/";
    assert_int_equal(client_call(c, &call, &a, &e), -ERR_INVALID);
}

static void test_big(void **state)
{
    struct net_util *u = *state;
    AUTO_PTR(client_free) struct client *c = client_for(u->port, "");
    struct client_answer a = {0};
    struct err e = ERR_INIT;
    assert_int_equal(client_call(c, &(struct client_call){.method = "GET", .target = "/big?n=9000000"}, &a, &e), 0);
    assert_int_equal(a.body.len, 9000000);
    client_answer_fini(&a);
    /* a body the server refuses: its answer is found although it closes while we send */
    size_t n = 30 * MIB;
    char *body = calloc(1, n);
    struct client_call post = {.method = "POST", .target = "/echo", .body = body, .nbody = n};
    if (client_call(c, &post, &a, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(a.status, 413);
    client_answer_fini(&a);
    free(body);
    ask(c, (struct client_call){.target = "/"}, 200, "hello");
    /* our own bound */
    char url[64];
    AUTO_PTR(client_free) struct client *small = NULL;
    snprintf(url, sizeof url, "http://localhost:%d", u->port);
    assert_int_equal(client_new(&(struct client_config){.url = url, .max_body = 1000}, &small, &e), 0);
    assert_int_equal(client_call(small, &(struct client_call){.method = "GET", .target = "/big?n=1001"}, &a, &e),
                     -ERR_TOO_LARGE);
    ask(small, (struct client_call){.target = "/"}, 200, "hello");
}

struct gathered {
    struct buf b;
    int heads, stop_at;
};

static int gather(void *arg, const char *p, size_t n)
{
    struct gathered *g = arg;
    buf_add(&g->b, p, n);
    return g->stop_at && g->b.len >= (size_t)g->stop_at;
}

static void head_seen(void *arg, const struct client_answer *a)
{
    struct gathered *g = arg;
    assert_int_equal(g->b.len, 0);
    assert_int_equal(a->status, 200);
    g->heads++;
}

static void test_body_callback(void **state)
{
    struct net_util *u = *state;
    AUTO_PTR(client_free) struct client *c = client_for(u->port, "");
    struct gathered g = {.b = BUF_INIT(16 * MIB)};
    struct client_call call = {.target = "/big?n=500000", .on_body = gather, .on_head = head_seen, .arg = &g};
    ask(c, call, 200, "");
    assert_int_equal(g.b.len, 500000);
    assert_int_equal(g.heads, 1);
    buf_reset(&g.b);
    g.stop_at = 1000;
    ask(c, call, 200, "");
    assert_true(g.b.len >= 1000 && g.b.len < 500000);
    /* an error's body is not streamed */
    buf_reset(&g.b);
    struct client_answer a = {0};
    struct err e = ERR_INIT;
    call.method = "GET";
    call.target = "/nowhere";
    call.on_head = NULL;
    assert_int_equal(client_call(c, &call, &a, &e), 0);
    assert_int_equal(a.status, 404);
    assert_true(a.body.len > 0);
    assert_int_equal(g.b.len, 0);
    client_answer_fini(&a);
    buf_fini(&g.b);
}

static void test_unreachable(void **state)
{
    struct net_util *u = *state;
    int fd = socket(AF_INET, SOCK_STREAM, 0), port;
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0); /* bound, not listening */
    getsockname(fd, (struct sockaddr *)&sa, &len);
    port = ntohs(sa.sin_port);
    AUTO_PTR(client_free) struct client *c = client_for(port, "");
    struct client_answer a = {0};
    struct err e = ERR_INIT;
    struct client_call call = {.method = "GET", .target = "/"};
    assert_int_equal(client_call(c, &call, &a, &e), -ERR_UNREACHABLE);
    assert_non_null(strstr(e.msg, "sallyport serve"));
    close(fd);
    AUTO_PTR(client_free) struct client *un = NULL;
    assert_int_equal(client_new(&(struct client_config){.unix_path = "/tmp/sp_net_none.sock"}, &un, &e), 0);
    assert_int_equal(client_call(un, &call, &a, &e), -ERR_UNREACHABLE);
    assert_non_null(strstr(e.msg, "/tmp/sp_net_none.sock"));
    (void)u;
}

static void test_bad_urls(void **state)
{
    static const char *const urls[] = {"",           "ftp://a",     "http://",      "http://:80",      "http://a:",
                                       "http://a:0", "http://a:x",  "http://[::1",  "http://[::1]x",   "http://a b",
                                       "a",          "http://u@a/", "http://a?q=1", "http://a:99999/", "http://a#f"};
    struct err e = ERR_INIT;
    struct client *c = NULL;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        if (client_new(&(struct client_config){.url = urls[i]}, &c, &e) != -ERR_INVALID)
            fail_msg("accepted: %s", urls[i]);
    }
    assert_int_equal(client_new(&(struct client_config){.url = "https://a/"}, &c, &e), -ERR_INVALID);
    assert_non_null(strstr(e.msg, "ssh -L"));
    assert_int_equal(client_new(&(struct client_config){0}, &c, &e), -ERR_INVALID);
    assert_null(c);
    assert_int_equal(client_new(&(struct client_config){.url = "HTTP://[::1]:7373/x/"}, &c, &e), 0);
    client_free(c);
}

static void test_timeout_and_interrupt(void **state)
{
    struct net_util *u = *state;
    AUTO_PTR(client_free) struct client *c = client_for(u->port, "");
    struct client_answer a = {0};
    struct err e = ERR_INIT;
    volatile sig_atomic_t stop_now = 1;
    u->hold = 1;
    struct client_call call = {.method = "GET", .target = "/hold", .idle_ms = 100};
    int64_t t0 = clock_mono_us();
    assert_int_equal(client_call(c, &call, &a, &e), -ERR_TIMEOUT);
    assert_true(clock_mono_us() - t0 < 2000 * MS_US);
    call.idle_ms = -1;
    call.interrupt = &stop_now;
    assert_int_equal(client_call(c, &call, &a, &e), -ERR_INTERRUPTED);
    u->hold = 0;
}

static void test_unix(void **state)
{
    struct net_util u = {0};
    struct http_config c;
    struct err e = ERR_INIT;
    char dir[] = "/tmp/sp_net_XXXXXX", path[64], want[64];
    assert_non_null(mkdtemp(dir));
    int dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    snprintf(path, sizeof path, "%s/s", dir);
    net_util_config(&c, &u);
    assert_int_equal(http_server_new(&c, &u.srv, &e), 0);
    assert_int_equal(http_server_listen_unix(u.srv, dirfd, "s", 0600, &e), 0);
    assert_int_equal(http_server_start(u.srv, &e), 0);
    AUTO_PTR(client_free) struct client *cl = NULL;
    assert_int_equal(client_new(&(struct client_config){.unix_path = path}, &cl, &e), 0);
    snprintf(want, sizeof want, "unix  %d %d", (int)getuid(), (int)getpid());
    ask(cl, (struct client_call){.target = "/peer"}, 200, want);
    ask(cl, (struct client_call){.target = "/peer"}, 200, want);
    /* taken: a second server does not steal it; left behind: it is replaced */
    struct http_server *second = NULL;
    assert_int_equal(http_server_new(&c, &second, &e), 0);
    assert_int_equal(http_server_listen_unix(second, dirfd, "s", 0600, &e), -ERR_CONFLICT);
    net_util_stop(&u, 1000);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct {
        unsigned short family;
        char path[108];
    } sa = {AF_UNIX, ""};
    memcpy(sa.path, path, strlen(path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    close(fd);
    assert_int_equal(http_server_listen_unix(second, dirfd, "s", 0600, &e), 0);
    http_server_free(second);
    close(dirfd);
    assert_int_equal(rmdir(dir), 0); /* nothing is left in it */
}

/* A kept connection the server has closed meanwhile. */
static void test_stale_connection(void **state)
{
    struct net_util u = {0};
    struct http_config cfg;
    net_util_config(&cfg, &u);
    cfg.idle_ms = 50;
    net_util_start(&u, &cfg);
    AUTO_PTR(client_free) struct client *c = client_for(u.port, "");
    for (int i = 0; i < 3; i++) {
        ask(c, (struct client_call){.method = "POST", .target = "/echo"}, 200, "POST /echo 0:");
        clock_sleep_us(150 * MS_US);
    }
    struct http_stats st;
    http_server_stats(u.srv, &st);
    assert_int_equal(st.conns, 3);
    net_util_stop(&u, 0);
}

/* ---- answers by raw bytes ---------------------------------------------------------- */

/* Feeds s in two pieces and perhaps the end; 1: not complete. */
static int read_split(const char *method, const char *s, size_t n, size_t split, bool then_end,
                      struct client_answer *ret, bool *keep)
{
    struct client_call call = {.method = method, .target = "/"};
    struct err e = ERR_INIT;
    AUTO_PTR(client_resp_free) struct client_resp *r = client_resp_new(&call, 100, ret);
    int k = split ? client_resp_feed(r, s, split, &e) : 0;
    if (k == 0 && split < n && !client_resp_done(r))
        k = client_resp_feed(r, s + split, n - split, &e);
    if (k == 0 && then_end && !client_resp_done(r))
        k = client_resp_feed(r, NULL, 0, &e);
    if (k < 0)
        assert_string_not_equal(e.msg, "");
    *keep = client_resp_keep(r);
    return k == 0 && !client_resp_done(r) ? 1 : k;
}

static void test_raw_answers(void **state)
{
    static const struct {
        const char *method, *raw;
        bool then_end;
        int code, status;
        const char *body;
        bool keep;
    } rows[] = {
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", false, 0, 200, "abc", true},
        {"GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false, 0, 200, "", true},
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", false, 0, 200, "abc", false},
        {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", false, 0, 200, "abc", false},
        {"GET", "HTTP/1.1 200 OK\r\n\r\nto the end", true, 0, 200, "to the end", false},
        {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\nT: t\r\n\r\n", false,
         0, 200, "abc", true},
        {"GET", "HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\na", false, 0,
         201, "a", true},
        {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n", false, 0, 200, "", true},
        {"GET", "HTTP/1.1 304 Not Modified\r\n\r\n", false, 0, 304, "", true},
        {"GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", false, -ERR_IO, 0,
         NULL, false},
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", true, -ERR_IO, 0, NULL, false},
        {"GET", "HTTP/1.1 200 OK\r\nContent-Le", true, -ERR_IO, 0, NULL, false},
        {"GET", "SSH-2.0-OpenSSH_9.2\r\n", false, -ERR_IO, 0, NULL, false},
        {"GET",
         "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n"
         "01234567890123456789012345678901234567890123456789"
         "012345678901234567890123456789012345678901234567890",
         false, -ERR_TOO_LARGE, 0, NULL, false},
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", false, -ERR_IO, 0, NULL, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n = strlen(rows[i].raw);
        for (size_t split = 0; split <= n; split++) {
            struct client_answer a = {0};
            bool keep = false;
            int k = read_split(rows[i].method, rows[i].raw, n, split, rows[i].then_end, &a, &keep);
            if (k != rows[i].code)
                fail_msg("%d instead of %d at %zu: %s", k, rows[i].code, split, rows[i].raw);
            if (k == 0) {
                assert_int_equal(a.status, rows[i].status);
                assert_string_equal(a.body.p ? a.body.p : "", rows[i].body);
                assert_int_equal(keep, rows[i].keep);
            }
            client_answer_fini(&a);
        }
    }
}

#ifdef SALLYPORT_FAULTS
static void test_no_memory(void **state)
{
    struct net_util *u = *state;
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", u->port);
    bool fired = true;
    for (int n = 1; fired; n++) {
        struct client *c = NULL;
        struct err e = ERR_INIT;
        struct client_answer a = {0};
        fault_arm_nth("alloc", n);
        int r = client_new(&(struct client_config){.url = url}, &c, &e);
        if (r == 0)
            r = client_call(c, &(struct client_call){.method = "GET", .target = "/"}, &a, &e);
        fired = fault_fired();
        fault_arm("");
        assert_true(fired || (r == 0 && a.status == 200));
        if (r < 0)
            assert_string_not_equal(e.msg, "");
        client_answer_fini(&a);
        client_free(c);
    }
}
#endif

#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_calls),
        T(test_prefix_and_headers),
        T(test_big),
        T(test_body_callback),
        T(test_unreachable),
        T(test_timeout_and_interrupt),
#ifdef SALLYPORT_FAULTS
        T(test_no_memory),
#endif
        cmocka_unit_test(test_bad_urls),
        cmocka_unit_test(test_unix),
        cmocka_unit_test(test_stale_connection),
        cmocka_unit_test(test_raw_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
