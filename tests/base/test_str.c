/* str: comparing, copying, numbers, sizes, durations. */
#include "check.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

static void compares(void **state)
{
    assert_true(str_eq(NULL, NULL));
    assert_false(str_eq(NULL, ""));
    assert_false(str_eq("a", NULL));
    assert_true(str_eq("a", "a"));
    assert_true(str_starts("abc", "ab"));
    assert_true(str_starts("abc", ""));
    assert_false(str_starts("a", "ab"));
    assert_true(str_ends("abc", "bc"));
    assert_true(str_ends("abc", ""));
    assert_false(str_ends("c", "bc"));
    assert_false(str_ends(NULL, "x"));
    assert_false(str_starts("x", NULL));
}

static void copies_bounded(void **state)
{
    char d[4] = "zzz";
    assert_true(str_copy(d, sizeof d, "abc"));
    assert_string_equal(d, "abc");
    assert_false(str_copy(d, sizeof d, "abcd"));
    assert_string_equal(d, "");
    assert_false(str_copy(d, 0, ""));
    assert_true(str_copy(d, 1, ""));
    char *p = str_ndup("abcdef", 3);
    assert_string_equal(p, "abc");
    free(p);
    p = str_ndup("ab", 9);
    assert_string_equal(p, "ab");
    free(p);
    assert_null(str_dup(NULL));
    p = str_printf("%s-%d", "x", 5);
    assert_string_equal(p, "x-5");
    free(p);
    char secret[8] = "1234567";
    secure_wipe(secret, sizeof secret);
    assert_memory_equal(secret, "\0\0\0\0\0\0\0\0", 8);
    secure_wipe(NULL, 0);
}

static void signed_numbers(void **state)
{
    static const struct {
        const char *s;
        bool ok;
        int64_t v;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"42", true, 42},
        {"-42", true, -42},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"--1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"0x10", false, 0},
        {"1e3", false, 0},
        {NULL, false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t v = 77;
        assert_int_equal(str_i64(rows[i].s, &v), rows[i].ok);
        assert_int_equal(v, rows[i].ok ? rows[i].v : 77);
    }
    uint64_t u = 77;
    assert_true(str_u64("18446744073709551615", &u));
    assert_true(u == UINT64_MAX);
    assert_false(str_u64("18446744073709551616", &u));
    assert_false(str_u64("-1", &u));
    assert_false(str_u64(NULL, &u));
}

static void sizes(void **state)
{
    static const struct {
        const char *s;
        uint64_t v; /* 0 = refused */
    } rows[] = {
        {"1048576", 1048576},
        {"1B", 1},
        {"100k", 100000},
        {"100K", 100000},
        {"2GB", 2000000000},
        {"512MiB", 536870912},
        {"512Mi", 536870912},
        {"1TiB", 1099511627776},
        {"16777215TiB", 16777215ull << 40},
        {"16777216TiB", 0},
        {"18446744073709551615k", 0},
        {"", 0},
        {"MiB", 0},
        {"1 MiB", 0},
        {"1.5G", 0},
        {"1mib", 0},
        {"-1k", 0},
        {"1MiBx", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t v = 0;
        assert_int_equal(str_bytes(rows[i].s, &v), rows[i].v != 0);
        assert_true(v == rows[i].v);
    }
    uint64_t v = 9;
    assert_true(str_bytes("0", &v));
    assert_int_equal(v, 0);
    assert_false(str_bytes(NULL, &v));
}

static void durations(void **state)
{
    static const struct {
        const char *s;
        int64_t v; /* -1 = refused */
    } rows[] = {
        {"250ms", 250},
        {"30s", 30000},
        {"5m", 300000},
        {"2h", 7200000},
        {"7d", 604800000},
        {"0s", 0},
        {"5", -1},
        {"", -1},
        {"s", -1},
        {"1.5s", -1},
        {"-1s", -1},
        {"1h30m", -1},
        {"9223372036854775807ms", INT64_MAX},
        {"9223372036854775808ms", -1},
        {"106751991168d", -1},
        {NULL, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t v = -1;
        assert_int_equal(str_duration_ms(rows[i].s, &v), rows[i].v >= 0);
        assert_int_equal(v, rows[i].v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares), cmocka_unit_test(copies_bounded), cmocka_unit_test(signed_numbers),
        cmocka_unit_test(sizes),    cmocka_unit_test(durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
