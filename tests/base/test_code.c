/* code: hex and base64, the vectors of RFC 4648 section 10, and one text per value. */
#include "check.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

static void hex(void **state)
{
    char text[9];
    unsigned char raw[4] = {9, 9, 9, 9};
    hex_encode("\x00\xff\x10\xab", 4, text);
    assert_string_equal(text, "00ff10ab");
    assert_true(hex_decode("00FF10ab", raw, 4));
    assert_memory_equal(raw, "\x00\xff\x10\xab", 4);
    static const char *const bad[] = {"", "00ff10a", "00ff10abc", "00ff10a ", "00ff10ag", "0x0f10ab", "00ff10ab00"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(hex_decode(bad[i], raw, 4));
    assert_true(hex_decode("", raw, 0));
}

static void rfc4648_vectors(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "+/+/"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[16], raw[16];
        size_t n = strlen(rows[i][0]);
        b64_encode(rows[i][0], n, text);
        assert_string_equal(text, rows[i][1]);
        assert_int_equal(b64_len(n), strlen(text));
        assert_int_equal(b64_decode(text, raw), n);
        assert_memory_equal(raw, rows[i][0], n);
    }
    char url[16];
    b64url_encode("\xfb\xff\xbf\xff", 4, url);
    assert_string_equal(url, "-_-__w");
}

static void round_trips(void **state)
{
    unsigned char in[100], out[120];
    char text[160];
    for (size_t n = 0; n < sizeof in; n++) {
        for (size_t i = 0; i < n; i++)
            in[i] = (unsigned char)(i * 37 + n);
        b64_encode(in, n, text);
        assert_int_equal(b64_decode(text, out), n);
        assert_memory_equal(in, out, n);
        b64url_encode(in, n, text);
        assert_int_equal(strlen(text), b64url_len(n));
        assert_int_equal(b64url_decode(text, strlen(text), out), n);
        assert_memory_equal(in, out, n);
    }
}

static void decoding_is_strict(void **state)
{
    static const char *const bad[] = {
        "Z",    "Zg",   "Zg=",      "Zh==",  "Zm9=", "Zm9v\n", "Zm 9",    "====",
        "Z===", "=Zg=", "Zg==Zg==", "Zm9vZ", "Zm-_", "Zg=a",   "Zm9\x80",
    };
    static const char *const bad_url[] = {"Z", "Zh", "Zm9", "Zg==", "Zm+/", "Zm9vZ", "Z g", "Zg\n"};
    char out[32];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (b64_decode(bad[i], out) >= 0)
            fail_msg("%s", bad[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad_url); i++)
        if (b64url_decode(bad_url[i], strlen(bad_url[i]), out) >= 0)
            fail_msg("%s", bad_url[i]);
    assert_int_equal(b64url_decode("Zg/rest", 2, out), 1);
    assert_int_equal(b64_decode("", out), 0);
}

/* Any four digits decode only if encoding gives them back. */
static void one_text_per_value(void **state)
{
    static const char some[] = "AQgwB+/z=Zf09-";
    size_t n = sizeof some - 1;
    for (size_t k = 0; k < n * n * n * n; k++) {
        char text[5] = {some[k % n], some[k / n % n], some[k / n / n % n], some[k / n / n / n], 0}, again[9];
        unsigned char raw[4];
        long len = b64_decode(text, raw);
        if (len < 0)
            continue;
        b64_encode(raw, (size_t)len, again);
        assert_string_equal(again, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex),
        cmocka_unit_test(rfc4648_vectors),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(decoding_is_strict),
        cmocka_unit_test(one_text_per_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
