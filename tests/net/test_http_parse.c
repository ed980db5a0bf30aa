/* The request parser without sockets: every rule, by raw bytes, at every split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/fault.h"
#include "net/http_parse.h"

static size_t route_limit(void *arg, enum http_method m, const char *path)
{
    return strcmp(path, "/small") == 0 ? 4 : 1000;
}

static const struct http_parse_limits limits = {
    .max_line = 256, .max_header_bytes = 512, .max_headers = 10, .max_body = 100, .limit = route_limit};

/* Feeds a[0..split) and then the rest; returns the parser. *ret_used: bytes taken. */
static struct http_parse *feed2(const char *s, size_t n, size_t split, size_t *ret_used)
{
    struct http_parse *ps = http_parse_new(&limits);
    assert_non_null(ps);
    size_t used = 0;
    while (used < n) {
        size_t stop = used < split ? split : n;
        size_t k = http_parse_feed(ps, s + used, stop - used);
        used += k;
        if (http_parse_state(ps) >= HTTP_PARSE_DONE)
            break;
    }
    *ret_used = used;
    return ps;
}

static void check_error(const char *s, size_t n, int code)
{
    for (size_t split = 0; split <= n; split++) {
        size_t used;
        AUTO_PTR(http_parse_free) struct http_parse *ps = feed2(s, n, split, &used);
        if (http_parse_state(ps) != HTTP_PARSE_BAD)
            fail_msg("accepted at split %zu: %.200s", split, s);
        if (http_parse_error(ps)->code != code)
            fail_msg("%s instead of %s at split %zu: %.200s", err_info(http_parse_error(ps)->code)->name,
                     err_info(code)->name, split, s);
        assert_string_not_equal(http_parse_error(ps)->msg, "");
    }
}

#define H "Host: a\r\n"

static const struct {
    const char *raw;
    int code;
} refused[] = {
    /* request line */
    {"GET /\r\n\r\n", ERR_INVALID}, /* HTTP/0.9 */
    {"GET\r\n\r\n", ERR_INVALID},
    {"GET  / HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /  HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET / HTTP/1.1 \r\n" H "\r\n", ERR_INVALID},
    {" GET / HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"\r\nGET / HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"\n", ERR_INVALID},
    {"GET\t/ HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"G(T / HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\n" H "\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\nHost: a\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\nHost: a\r\n\n", ERR_INVALID},
    {"GET / HTTP/1.1\rHost: a\r\n\r\n", ERR_INVALID},
    {"GET / http/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET / HTTP/1.10\r\n" H "\r\n", ERR_INVALID},
    {"GET / HTTP/11\r\n" H "\r\n", ERR_INVALID},
    {"GET / HTTP/2.0\r\n" H "\r\n", ERR_HTTP_VERSION},
    {"GET / HTTP/1.2\r\n" H "\r\n", ERR_HTTP_VERSION},
    {"GET / HTTP/0.9\r\n" H "\r\n", ERR_HTTP_VERSION},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ERR_HTTP_VERSION},
    {"\x16\x03\x01\x02", ERR_INVALID}, /* TLS */
    {"BREW / HTTP/1.1\r\n" H "\r\n", ERR_METHOD},
    {"get / HTTP/1.1\r\n" H "\r\n", ERR_METHOD},
    {"TRACE / HTTP/1.1\r\n" H "\r\n", ERR_METHOD},
    {"CONNECT a:1 HTTP/1.1\r\n" H "\r\n", ERR_METHOD},
    /* target */
    {"GET a HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET * HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /a#b HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /a?b#c HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /\x01 HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /\x7f HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /a\\b HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /%00 HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /%2f HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /a%2Fb HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /%ff HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /%c0%af HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /%ed%a0%80 HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /%4 HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /% HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /%zz HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /. HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /../etc/passwd HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /a/%2e%2E/b HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /a/.%2e HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /?a=%00 HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /?%ff=1 HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET /?a=%f HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET https://a/ HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET http://b/ HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET http://u@a/ HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET http:/// HTTP/1.1\r\n" H "\r\n", ERR_INVALID},
    {"GET http://a/ HTTP/1.0\r\n\r\n", ERR_INVALID},
    /* header lines */
    {"GET / HTTP/1.1\r\n" H " folded\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\n" H "X: a\r\n\tb\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\n" H "X\t: a\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\n" H ": a\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\n" H "X\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\n" H "X(: a\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\n" H "X: a\x01\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\n" H "X: a\r\r\n\r\n", ERR_INVALID},
    /* host */
    {"GET / HTTP/1.1\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\n" H "Host: b\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\n" H "hOST: a\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\nHost: a/\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\nHost: []\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.0\r\nHost: a b\r\n\r\n", ERR_INVALID},
    /* framing */
    {"POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 1, 1\r\n\r\nx", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\nx", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\nx", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 1 1\r\n\r\nx", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0x1\r\n\r\nx", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\nx", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\nx", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n", ERR_INVALID},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ERR_INVALID},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 101\r\n\r\n", ERR_TOO_LARGE},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 999999999999999999\r\n\r\n", ERR_TOO_LARGE},
    {"POST /small HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n", ERR_TOO_LARGE},
/* chunks */
#define C "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
    {C "\r\n", ERR_INVALID},
    {C "x\r\n", ERR_INVALID},
    {C "-1\r\n", ERR_INVALID},
    {C "0x1\r\na\r\n", ERR_INVALID},
    {C " 1\r\na\r\n", ERR_INVALID},
    {C "1 \r\na\r\n", ERR_INVALID},
    {C "1\na\r\n", ERR_INVALID},
    {C "1\r\na\n", ERR_INVALID},
    {C "1\r\nab\r\n", ERR_INVALID},
    {C "1\r\na\r\n0\r\n\n", ERR_INVALID},
    {C "1\r\na\r\n0\n\r\n", ERR_INVALID},
    {C "1\r\na\r\n0\r\nX: trailer\r\n\r\n", ERR_INVALID},
    {C "1;a\x01\r\na\r\n", ERR_INVALID},
    {C "1;a\na\r\n", ERR_INVALID},
    {C "000000001\r\na\r\n", ERR_INVALID},
    {C "65\r\n", ERR_TOO_LARGE},
    {C "ffffffff\r\n", ERR_TOO_LARGE},
    {"POST /small HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\n", ERR_TOO_LARGE},
    /* expectations, repeated singles, counts */
    {"POST / HTTP/1.1\r\n" H "Expect: 200-ok\r\nContent-Length: 1\r\n\r\nx", ERR_EXPECT},
    {"GET / HTTP/1.1\r\n" H "Authorization: a\r\nAuthorization: b\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\n" H "Idempotency-Key: a\r\nidempotency-key: a\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\n" H "Origin: a\r\nOrigin: b\r\n\r\n", ERR_INVALID},
    {"GET / HTTP/1.1\r\n" H "a:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\n\r\n", ERR_HEADERS},
};

static void test_refused(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        check_error(refused[i].raw, strlen(refused[i].raw), refused[i].code);
}

static void test_nul(void **state)
{
    static const char in_line[] = "GET /\0 HTTP/1.1\r\n" H "\r\n";
    static const char in_name[] = "GET / HTTP/1.1\r\nHo\0st: a\r\n\r\n";
    static const char in_value[] = "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n";
    static const char in_chunk[] = C "1\0\r\na\r\n0\r\n\r\n";
    check_error(in_line, sizeof in_line - 1, ERR_INVALID);
    check_error(in_name, sizeof in_name - 1, ERR_INVALID);
    check_error(in_value, sizeof in_value - 1, ERR_INVALID);
    check_error(in_chunk, sizeof in_chunk - 1, ERR_INVALID);
}

static void test_too_long(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(4096);
    buf_puts(&b, "GET /");
    while (b.len < 300)
        buf_addc(&b, 'a');
    check_error(b.p, b.len, ERR_URI); /* before its line has ended */
    buf_reset(&b);
    buf_puts(&b, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    while (b.len < 600)
        buf_addc(&b, 'a');
    check_error(b.p, b.len, ERR_HEADERS);
    buf_reset(&b);
    buf_puts(&b, "GET /");
    for (int i = 0; i < 65; i++)
        buf_puts(&b, "a/");
    buf_puts(&b, " HTTP/1.1\r\n" H "\r\n");
    check_error(b.p, b.len, ERR_INVALID);
    buf_reset(&b);
    buf_puts(&b, C "1;");
    for (int i = 0; i < 129; i++)
        buf_addc(&b, 'a');
    check_error(b.p, b.len, ERR_INVALID);
}

/* ---- accepted ---------------------------------------------------------------- */

static void check_full(const struct http_msg *m)
{
    assert_int_equal(m->method, HTTP_M_POST);
    assert_string_equal(m->target.raw_path, "/api/v1/%e8%BF%90x/");
    assert_string_equal(m->target.path, "/api/v1/\xe8\xbf\x90x/");
    assert_int_equal(m->target.nsegs, 4);
    assert_string_equal(m->target.segs[1], "v1");
    assert_string_equal(m->target.segs[2], "\xe8\xbf\x90x");
    assert_string_equal(m->target.segs[3], "");
    assert_int_equal(m->target.nquery, 4);
    assert_string_equal(m->target.query[0].name, "a b");
    assert_string_equal(m->target.query[0].value, "1/2=3");
    assert_string_equal(m->target.query[1].name, "flag");
    assert_string_equal(m->target.query[1].value, "");
    assert_string_equal(m->target.query[2].value, "x+y");
    assert_string_equal(m->target.query[3].name, "a b");
    assert_int_equal(m->nfields, 5);
    assert_string_equal(http_msg_field(m, "host"), "localhost:7373");
    assert_string_equal(http_msg_field(m, "x-thing"), "some \t value");
    assert_string_equal(http_msg_field(m, "x-empty"), "");
    assert_null(http_msg_field(m, "X-Empty"));
    assert_true(m->keep_alive);
    assert_false(m->http10);
    assert_int_equal(m->body.len, 11);
    assert_memory_equal(m->body.p, "hello\r\n\0abc", 11);
}

/* Whole, split in two at every byte, and byte by byte; bytes of the next request are left alone. */
static void check_every_split(const char *s, size_t n, size_t want, void (*check)(const struct http_msg *))
{
    for (size_t split = 0; split <= n; split++) {
        size_t used;
        AUTO_PTR(http_parse_free) struct http_parse *ps = feed2(s, n, split, &used);
        if (http_parse_state(ps) != HTTP_PARSE_DONE)
            fail_msg("split %zu: %s", split, http_parse_error(ps)->msg);
        assert_int_equal(used, want);
        struct http_msg *m = http_parse_take(ps);
        check(m);
        http_msg_free(m);
    }
    AUTO_PTR(http_parse_free) struct http_parse *ps = http_parse_new(&limits);
    size_t used = 0;
    while (http_parse_state(ps) < HTTP_PARSE_DONE && used < n)
        used += http_parse_feed(ps, s + used, 1);
    assert_int_equal(http_parse_state(ps), HTTP_PARSE_DONE);
    assert_int_equal(used, want);
    check(http_parse_msg(ps));
}

#define FULL_LINE "POST /api/v1/%e8%BF%90x/?a+b=1/2%3D3&flag&&z=x%2By&a%20b=2 HTTP/1.1\r\n"
#define FULL_HEAD                                                                                                      \
    FULL_LINE "hOst: \t localhost:7373 \t\r\nX-Thing:some \t value\r\nX-Empty:\r\nConnection: Foo , keep-alive\r\n"

static void test_length_body(void **state)
{
    static const char s[] = FULL_HEAD "Content-Length: 11\r\n\r\nhello\r\n\0abcGET / HT";
    check_every_split(s, sizeof s - 1, sizeof s - 1 - 8, check_full);
}

static void test_chunked_body(void **state)
{
    static const char s[] = FULL_HEAD
        "Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n003;x=\"y\"\r\n\r\n\0\r\n3;a;b\r\nabc\r\n0;last\r\n\r\nGET";
    check_every_split(s, sizeof s - 1, sizeof s - 1 - 3, check_full);
}

static void check_get(const struct http_msg *m)
{
    assert_int_equal(m->method, HTTP_M_GET);
    assert_string_equal(m->target.path, "/");
    assert_int_equal(m->target.nsegs, 0);
    assert_int_equal(m->body.len, 0);
    assert_true(m->keep_alive);
}

static void test_small(void **state)
{
    static const char plain[] = "GET / HTTP/1.1\r\n" H "\r\n";
    static const char absolute[] = "GET HTTP://A/ HTTP/1.1\r\n" H "\r\n";
    static const char bare[] = "GET http://a HTTP/1.1\r\n" H "\r\n";
    static const char old[] = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";
    static const char upgrade[] = "GET / HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    static const char zero[] = "GET / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n";
    static const char v6[] = "GET / HTTP/1.1\r\nHost: [::1]:7373\r\n\r\n";
    check_every_split(plain, sizeof plain - 1, sizeof plain - 1, check_get);
    check_every_split(absolute, sizeof absolute - 1, sizeof absolute - 1, check_get);
    check_every_split(bare, sizeof bare - 1, sizeof bare - 1, check_get);
    check_every_split(old, sizeof old - 1, sizeof old - 1, check_get);
    check_every_split(upgrade, sizeof upgrade - 1, sizeof upgrade - 1, check_get);
    check_every_split(zero, sizeof zero - 1, sizeof zero - 1, check_get);
    check_every_split(v6, sizeof v6 - 1, sizeof v6 - 1, check_get);
}

static void check_close(const struct http_msg *m)
{
    assert_false(m->keep_alive);
}

static void test_keep_alive(void **state)
{
    static const char close1[] = "GET / HTTP/1.1\r\n" H "Connection: x, Close\r\n\r\n";
    static const char old[] = "GET / HTTP/1.0\r\n\r\n";
    check_every_split(close1, sizeof close1 - 1, sizeof close1 - 1, check_close);
    check_every_split(old, sizeof old - 1, sizeof old - 1, check_close);
}

static void test_options(void **state)
{
    size_t used;
    static const char s[] = "OPTIONS * HTTP/1.1\r\n" H "\r\n";
    AUTO_PTR(http_parse_free) struct http_parse *ps = feed2(s, sizeof s - 1, 0, &used);
    assert_int_equal(http_parse_state(ps), HTTP_PARSE_DONE);
    assert_string_equal(http_parse_msg(ps)->target.path, "/");
}

static void test_methods(void **state)
{
    for (int i = HTTP_M_GET; i <= HTTP_M_OPTIONS; i++) {
        AUTO(buf_fini) struct buf b = BUF_INIT(256);
        buf_printf(&b, "%s / HTTP/1.1\r\n" H "\r\n", http_method_name((enum http_method)i));
        size_t used;
        AUTO_PTR(http_parse_free) struct http_parse *ps = feed2(b.p, b.len, 0, &used);
        assert_int_equal(http_parse_state(ps), HTTP_PARSE_DONE);
        assert_int_equal((int)http_parse_msg(ps)->method, i);
    }
}

#ifdef SALLYPORT_FAULTS
/* Every allocation fails once: a clear refusal, never a half-read request, nothing leaked. */
static void test_no_memory(void **state)
{
    static const char s[] = FULL_HEAD "Content-Length: 11\r\n\r\nhello\r\n\0abc";
    int n = 0;
    do {
        fault_arm_nth("alloc", ++n);
        struct http_parse *ps = http_parse_new(&limits);
        for (size_t i = 0; ps && i < sizeof s - 1 && http_parse_state(ps) < HTTP_PARSE_DONE; i++)
            http_parse_feed(ps, s + i, 1);
        if (ps && http_parse_state(ps) == HTTP_PARSE_DONE)
            check_full(http_parse_msg(ps));
        else if (ps)
            assert_int_equal(http_parse_error(ps)->code, ERR_OOM);
        http_parse_free(ps);
    } while (fault_fired());
    fault_arm("");
    assert_true(n > 5);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_nul),          cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_length_body), cmocka_unit_test(test_chunked_body), cmocka_unit_test(test_small),
        cmocka_unit_test(test_keep_alive),  cmocka_unit_test(test_options),      cmocka_unit_test(test_methods),
#ifdef SALLYPORT_FAULTS
        cmocka_unit_test(test_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
