/* Frames: every rule of RFC 6455, section 5, at every split of the bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../check.h"
#include "base/str.h"
#include "net/ws_frame.h"

/* What the reader made of bytes, as text: "T(..)" "B(..)" "P(..)" "O(..)" "C1000(..)" and "!1002" at a mistake. */
static void read_all(const char *p, size_t n, size_t step, size_t max, bool text_only, struct buf *out)
{
    struct ws_reader r;
    ws_reader_init(&r, max, text_only);
    buf_reset(out);
    for (size_t at = 0; at < n && !r.bad; at += step) {
        const char *q = p + at;
        size_t k = step < n - at ? step : n - at;
        struct ws_in in;
        int got;
        while ((got = ws_read(&r, &q, &k, &in)) == 1) {
            struct buf msg = {0};
            if (in.op == WS_TEXT || in.op == WS_BINARY) {
                ws_reader_take(&r, &msg);
                assert_int_equal(msg.len, in.n);
                buf_addc(out, in.op == WS_TEXT ? 'T' : 'B');
                in.p = msg.p ? msg.p : "";
            } else if (in.op == WS_CLOSE) {
                buf_printf(out, "C%d", in.code);
            } else {
                buf_addc(out, in.op == WS_PING ? 'P' : 'O');
            }
            buf_printf(out, "(%.*s)", (int)in.n, in.p);
            buf_fini(&msg);
        }
        if (got < 0)
            buf_printf(out, "!%d", r.bad);
        else
            assert_int_equal(k, 0);
    }
    ws_reader_fini(&r);
}

static void expect(const char *p, size_t n, const char *want)
{
    AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
    for (size_t step = 1; step <= n; step++) {
        read_all(p, n, step, 1000, true, &out);
        assert_string_equal(out.p ? out.p : "", want);
    }
}
#define EXPECT(bytes, want) expect("" bytes, sizeof(bytes) - 1, want)
#define M                   "\x00\x00\x00\x00" /* the mask that changes nothing */

static void whole_messages(void **state)
{
    EXPECT("\x81\x80" M, "T()");
    EXPECT("\x81\x85" M "hello", "T(hello)");
    EXPECT("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "T(Hello)"); /* RFC 6455, 5.7 */
    EXPECT("\x81\x82" M "ab\x81\x81" M "c", "T(ab)T(c)");
}

static void fragments_and_what_comes_between(void **state)
{
    EXPECT("\x01\x83" M "Hel\x80\x82" M "lo", "T(Hello)");
    EXPECT("\x01\x80" M "\x00\x80" M "\x80\x80" M, "T()");
    EXPECT("\x01\x81" M "a\x89\x81" M "x\x00\x81" M "b\x8a\x80" M "\x80\x81" M "c", "P(x)O()T(abc)");
    EXPECT("\x01\x81" M "a\x88\x82" M "\x03\xe8", "C1000()"); /* a Close inside: the rest never comes */
    EXPECT("\x80\x81" M "a", "!1002");                        /* nothing to continue */
    EXPECT("\x01\x81" M "a\x81\x81" M "b", "!1002");          /* a message inside a message */
    EXPECT("\x01\x81" M "a\x80\x81" M "b\x80\x81" M "c", "T(ab)!1002");
}

static void the_first_two_bytes(void **state)
{
    EXPECT("\x81\x01"
           "a",
           "!1002"); /* no mask */
    EXPECT("\xc1\x81" M "a", "!1002");
    EXPECT("\xa1\x81" M "a", "!1002");
    EXPECT("\x91\x81" M "a", "!1002");
    for (unsigned op = 3; op < 16; op++) {
        char b[] = {(char)(0x80 | op), (char)0x80, 0, 0, 0, 0};
        if (op < 8 || op > 10)
            expect(b, sizeof b, "!1002");
    }
    EXPECT("\x82\x80" M, "!1003"); /* binary */
    EXPECT("\x02\x80" M, "!1003");
    EXPECT("\x09\x80" M, "!1002"); /* control frames are whole and small */
    EXPECT("\x08\x80" M, "!1002");
    EXPECT("\x0a\x80" M, "!1002");
    EXPECT("\x89\xfe\x00\x7e" M, "!1002");
    EXPECT("\x88\xff\x00\x00\x00\x00\x00\x01\x00\x00" M, "!1002");
}

static void lengths(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(MIB), out = BUF_INIT(MIB);
    static const size_t n[] = {0, 1, 124, 125, 126, 127, 128, 65534, 65535, 65536, 65537, 100000};
    for (size_t i = 0; i < ARRAY_LEN(n); i++) {
        unsigned char head[WS_HEAD_MAX];
        size_t k = ws_head(head, WS_TEXT, n[i]);
        head[1] |= 0x80;
        buf_reset(&b);
        buf_add(&b, head, k);
        buf_add(&b, M, 4);
        for (size_t c = 0; c < n[i]; c++)
            buf_addc(&b, 'x');
        read_all(b.p, b.len, 4093, n[i], true, &out);
        assert_int_equal(out.len, n[i] + 3);
        if (n[i] == 0)
            continue;
        read_all(b.p, b.len, 4093, n[i] - 1, true, &out); /* one more than is taken */
        assert_string_equal(out.p, "!1009");
    }
    EXPECT("\x81\xfe\x00\x7d" M, "!1002"); /* not the shortest form */
    EXPECT("\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff" M, "!1002");
    EXPECT("\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00" M, "!1002"); /* a sign */
    EXPECT("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff" M, "!1009"); /* huge, and refused at the head */
}

static void fragments_add_up(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(MIB), out = BUF_INIT(MIB);
    for (int i = 0; i < 11; i++) { /* 11 x 100 > 1000 */
        buf_addc(&b, i ? 0 : 1);
        buf_add(&b, "\xe4" M, 5);
        for (int c = 0; c < 100; c++)
            buf_addc(&b, 'x');
    }
    for (size_t step = 1; step < 300; step += 7) {
        read_all(b.p, b.len, step, 1000, true, &out);
        assert_string_equal(out.p, "!1009");
    }
}

static void text_is_utf8(void **state)
{
    EXPECT("\x81\x83" M "\xe2\x82\xac", "T(\xe2\x82\xac)");
    EXPECT("\x01\x81" M "\xe2\x00\x81" M "\x82\x80\x81" M "\xac", "T(\xe2\x82\xac)"); /* split inside a character */
    EXPECT("\x01\x82" M "\xf0\x9f\x89\x80" M "\x80\x82" M "\x98\x80", "P()T(\xf0\x9f\x98\x80)");
    EXPECT("\x81\x81" M "\x80", "!1007");
    EXPECT("\x81\x82" M "\xc0\xaf", "!1007"); /* overlong */
    EXPECT("\x81\x83" M "\xe0\x80\xaf", "!1007");
    EXPECT("\x81\x84" M "\xf0\x80\x80\xaf", "!1007");
    EXPECT("\x81\x83" M "\xed\xa0\x80", "!1007"); /* a surrogate */
    EXPECT("\x81\x84" M "\xf4\x90\x80\x80", "!1007");
    EXPECT("\x81\x84" M "\xf5\x80\x80\x80", "!1007");
    EXPECT("\x81\x82" M "\xe2\x82", "!1007"); /* ends inside */
    EXPECT("\x01\x82" M "\xe2\x82\x80\x80" M, "!1007");
    EXPECT("\x01\x82" M "\xe2\x28", "!1007"); /* known before the message is whole */
    EXPECT("\x01\x82" M "\xf4\x90", "!1007");
}

/* The automaton and base's utf8_valid agree on every short sequence. */
static void utf8_agrees(void **state)
{
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b += 3)
            for (unsigned c = 0x70; c < 0x100; c += 0x0b)
                for (unsigned d = 0x70; d < 0x100; d += 0x1d) {
                    char s[4] = {(char)a, (char)b, (char)c, (char)d};
                    for (size_t n = 1; n <= 4; n++) {
                        struct ws_utf8 u = {0};
                        bool ok = ws_utf8_feed(&u, s, n) && u.need == 0;
                        if (ok != utf8_valid(s, n))
                            fail_msg("%02x %02x %02x %02x: %zu", a, b, c, d, n);
                    }
                }
}

static void closes(void **state)
{
    EXPECT("\x88\x80" M, "C1005()");
    EXPECT("\x88\x81" M "\x03", "!1002");
    EXPECT("\x88\x82" M "\x03\xe8", "C1000()");
    EXPECT("\x88\x85" M "\x03\xe9"
           "bye",
           "C1001(bye)");
    EXPECT("\x88\x83" M "\x03\xe8\xff", "!1007");
    EXPECT("\x88\x82" M "\x03\xe8\x81\x81" M "a", "C1000()"); /* what follows does not count */
    EXPECT("\x88\x82" M "\x03\xe8\xff\xff\xff", "C1000()");
    for (int code = 0; code < 65536; code++) {
        char b[] = {(char)0x88, (char)0x82, 0, 0, 0, 0, (char)(code >> 8), (char)code};
        char want[32];
        bool ok = (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
                  (code >= 3000 && code < 5000);
        snprintf(want, sizeof want, ok ? "C%d()" : "!1002", code);
        AUTO(buf_fini) struct buf out = BUF_INIT(64);
        read_all(b, sizeof b, 3, 10, true, &out);
        assert_string_equal(out.p, want);
    }
}

static void binary_where_it_is_taken(void **state)
{
    AUTO(buf_fini) struct buf out = BUF_INIT(64);
    read_all("\x02\x81" M "\xff\x80\x81" M "\xfe", 14, 1, 10, false, &out);
    assert_string_equal(out.p, "B(\xff\xfe)");
}

static void masks(void **state)
{
    char text[300], frame[320];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 26);
    for (size_t n = 0; n < 40; n++)
        for (size_t step = 1; step < 20; step++) {
            static const unsigned char mask[4] = {0x01, 0x02, 0x07, 0x1f};
            AUTO(buf_fini) struct buf out = BUF_INIT(MIB);
            char want[64];
            frame[0] = (char)0x81;
            frame[1] = (char)(0x80 | n);
            memcpy(frame + 2, mask, 4);
            for (size_t i = 0; i < n; i++)
                frame[6 + i] = (char)((unsigned char)text[i] ^ mask[i & 3]);
            read_all(frame, n + 6, step, 1000, true, &out);
            snprintf(want, sizeof want, "T(%.*s)", (int)n, text);
            assert_string_equal(out.p, want);
        }
}

static void written_closes(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(KIB);
    ws_put_close(&b, WS_CODE_NONE, "not said");
    assert_int_equal(b.len, 2);
    assert_memory_equal(b.p, "\x88\x00", 2);
    buf_reset(&b);
    ws_put_close(&b, WS_CODE_POLICY, "no");
    assert_int_equal(b.len, 6);
    assert_memory_equal(b.p, "\x88\x04\x03\xf0no", 6);
    buf_reset(&b);
    char reason[200]; /* cut before the character that does not fit */
    memset(reason, 'x', sizeof reason);
    memcpy(reason + 122, "\xe2\x82\xac", 4);
    ws_put_close(&b, WS_CODE_POLICY, reason);
    assert_int_equal((unsigned char)b.p[1], 2 + 122);
    assert_int_equal(b.len, 2 + 2 + 122);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_messages),
        cmocka_unit_test(fragments_and_what_comes_between),
        cmocka_unit_test(the_first_two_bytes),
        cmocka_unit_test(lengths),
        cmocka_unit_test(fragments_add_up),
        cmocka_unit_test(text_is_utf8),
        cmocka_unit_test(utf8_agrees),
        cmocka_unit_test(closes),
        cmocka_unit_test(binary_where_it_is_taken),
        cmocka_unit_test(masks),
        cmocka_unit_test(written_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
