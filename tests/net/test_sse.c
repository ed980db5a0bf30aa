/* Event streams: what is written reads back; the parser takes any split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "net/sse.h"

/* What the parser reported, as text: [id|type|data] */
static int note(void *arg, const struct sse_msg *m)
{
    struct buf *b = arg;
    assert_int_equal(strlen(m->data), m->n);
    buf_printf(b, "[%s|%s|%s]", m->id, m->type, m->data);
    return 0;
}

static void check(const char *in, const char *want)
{
    size_t n = strlen(in);
    for (size_t split = 0; split <= n; split++) {
        AUTO(buf_fini) struct buf got = BUF_INIT(4096);
        AUTO_PTR(sse_parser_free) struct sse_parser *p = sse_parser_new(1024, note, &got);
        struct err e = ERR_INIT;
        buf_puts(&got, "");
        assert_int_equal(sse_feed(p, in, split, &e), 0);
        assert_int_equal(sse_feed(p, in + split, n - split, &e), 0);
        assert_string_equal(got.p ? got.p : "", want);
    }
    AUTO(buf_fini) struct buf got = BUF_INIT(4096);
    AUTO_PTR(sse_parser_free) struct sse_parser *p = sse_parser_new(1024, note, &got);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(sse_feed(p, in + i, 1, NULL), 0);
    assert_string_equal(got.p ? got.p : "", want);
}

static void test_parse(void **state)
{
    check("", "");
    check("data: a\n\n", "[|message|a]");
    check("data:a\r\r", "[|message|a]");
    check("data:  a\r\n\r\n", "[|message| a]");
    check("data: a\rdata: b\r\ndata: c\n\r\n", "[|message|a\nb\nc]");
    check("data: not finished\n", "");
    check(": hello\n\ndata: a\n: in between\ndata: b\n\n", "[|message|a\nb]");
    check("id: 7\nevent: run.status\ndata: {}\n\ndata: x\n\n", "[7|run.status|{}][7|message|x]");
    check("id: 7\ndata: a\n\nid\ndata: b\n\n", "[7|message|a][|message|b]");
    check("event: e\n\ndata: a\n\n", "[|message|a]"); /* no data: no event, and the type is forgotten */
    check("data\n\ndata\ndata\n\ndata:", "[|message|][|message|\n]");
    check("datax: a\nfoo: b\n\n", "");
    check("\xef\xbb\xbf"
          "data: a\n\n",
          "[|message|a]");
    check("\xef\xbb"
          "data: a\n\n",
          "");
    check("retry: 10\nretry: x\nretry: 99999999999\ndata: :\n\n", "[|message|:]");
}

static void test_retry_and_id(void **state)
{
    AUTO(buf_fini) struct buf got = BUF_INIT(4096);
    AUTO_PTR(sse_parser_free) struct sse_parser *p = sse_parser_new(1024, note, &got);
    static const char s[] = "retry: 250\nid: a\n\nid: b\0c\nretry: -1\n\n";
    assert_int_equal(sse_retry_ms(p), -1);
    assert_string_equal(sse_last_id(p), "");
    assert_int_equal(sse_feed(p, s, sizeof s - 1, NULL), 0);
    assert_int_equal(sse_retry_ms(p), 250);
    assert_string_equal(sse_last_id(p), "a");
    static const char nul[] = "event: \0x\ndata: y\n\n";
    assert_int_equal(sse_feed(p, nul, sizeof nul - 1, NULL), 0);
    assert_string_equal(got.p, "[a|message|y]");
}

static void test_bounds(void **state)
{
    AUTO(buf_fini) struct buf got = BUF_INIT(4096);
    struct err e = ERR_INIT;
    for (int kind = 0; kind < 2; kind++) {
        AUTO_PTR(sse_parser_free) struct sse_parser *p = sse_parser_new(64, note, &got);
        int r = 0, n = 0;
        for (; r == 0 && n < 1000; n++) /* one endless line; an endless event */
            r = kind == 0 ? sse_feed(p, "data: aaaaaaaa", 14, &e) : sse_feed(p, "data: aaaa\n", 11, &e);
        assert_int_equal(r, -ERR_TOO_LARGE);
        assert_true(n < 20);
        assert_int_equal(sse_feed(p, "\n\n", 2, &e), -ERR_TOO_LARGE);
    }
    assert_int_equal(got.len, 0);
}

static int stop(void *arg, const struct sse_msg *m)
{
    return 42;
}

static void test_callback_stops(void **state)
{
    AUTO_PTR(sse_parser_free) struct sse_parser *p = sse_parser_new(64, stop, NULL);
    assert_int_equal(sse_feed(p, "data: a\n\ndata: b\n\n", 18, NULL), 42);
}

static void test_write(void **state)
{
    static const struct {
        const char *id, *type, *data, *want, *back;
    } rows[] = {
        {"1", "t", "x", "id: 1\nevent: t\ndata: x\n\n", "[1|t|x]"},
        {NULL, NULL, "", "data: \n\n", "[|message|]"},
        {NULL, NULL, "a\nb", "data: a\ndata: b\n\n", "[|message|a\nb]"},
        {NULL, NULL, "a\r\nb\rc\n", "data: a\ndata: b\ndata: c\ndata: \n\n", "[|message|a\nb\nc\n]"},
        {NULL, NULL, "\nid: 9\n\nevent: evil", "data: \ndata: id: 9\ndata: \ndata: event: evil\n\n",
         "[|message|\nid: 9\n\nevent: evil]"},
        {"1\n2", "a\rb", " x", "data:  x\n\n", "[|message| x]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf_fini) struct buf b = BUF_INIT(4096);
        sse_event(&b, rows[i].id, rows[i].type, rows[i].data, strlen(rows[i].data));
        assert_string_equal(b.p, rows[i].want);
        assert_true(b.len <= sse_event_size(rows[i].id, rows[i].type, rows[i].data, strlen(rows[i].data)));
        check(b.p, rows[i].back);
    }
    AUTO(buf_fini) struct buf b = BUF_INIT(4096);
    sse_comment(&b, "still\nhere");
    sse_retry(&b, 1000);
    assert_string_equal(b.p, ": still here\n\nretry: 1000\n\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),          cmocka_unit_test(test_retry_and_id), cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_callback_stops), cmocka_unit_test(test_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
