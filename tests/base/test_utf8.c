/* utf8: every code point and every class of bad sequence (RFC 3629). */
#include "check.h"
#include "base/str.h"
#include <string.h>

static size_t encode(int32_t cp, char *p)
{
    if (cp < 0x80) {
        p[0] = (char)cp;
        return 1;
    }
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, cp >>= 6)
        p[i] = (char)(0x80 | (cp & 0x3f));
    p[0] = (char)(0xf00 >> n | cp);
    return n;
}

static void every_code_point(void **state)
{
    for (int32_t cp = 0; cp < 0x120000; cp++) {
        char s[4];
        size_t n = encode(cp, s);
        bool good = cp <= 0x10ffff && !(cp >= 0xd800 && cp <= 0xdfff);
        const char *p = s;
        if (utf8_valid(s, n) != good || utf8_next(&p, s + n) != (good ? cp : -1) || p != s + (good ? n : 1))
            fail_msg("U+%04X", (unsigned)cp);
        for (size_t cut = 1; cut < n; cut++)
            if (utf8_valid(s, cut))
                fail_msg("U+%04X cut to %zu", (unsigned)cp, cut);
    }
}

static void bad_sequences(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xfe",
        "\xff",
        "\xc3(",
        "\xe2\x82(",
        "\xe2(\xac",
        "\xf0\x9f\x98(",
        "\xc3",
        "\xe2\x82",
        "\xf0\x9f\x98",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *p = bad[i];
        assert_false(utf8_valid(bad[i], strlen(bad[i])));
        assert_int_equal(utf8_next(&p, bad[i] + strlen(bad[i])), -1);
        assert_ptr_equal(p, bad[i] + 1);
    }
    assert_true(utf8_valid("", 0));
    assert_true(utf8_valid("a\0b", 3));
    assert_true(utf8_valid("中文 é 😀", strlen("中文 é 😀")));
}

static void deceptive(void **state)
{
    static const int32_t yes[] = {0xad, 0x200b, 0x200e, 0x202e, 0x2066, 0x2069, 0x2060, 0xfeff, 0xe0041, 0x3164, 0x61c};
    static const int32_t no[] = {'a', ' ', '\n', 0xe9, 0x4e2d, 0x1f600, 0x3000, 0x2026, -1};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        assert_true(utf8_deceptive(yes[i]));
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        assert_false(utf8_deceptive(no[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point),
        cmocka_unit_test(bad_sequences),
        cmocka_unit_test(deceptive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
