/* time: against libc's calendar, at the edges, and text that is nearly right. */
#include "check.h"
#include "base/str.h"
#include <string.h>
#include <time.h>

static void same_as_libc(void **state)
{
    uint64_t x = 88172645463325252ull; /* xorshift64: the same moments each time */
    for (int i = 0; i < 20000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        int64_t us = (int64_t)(x % (253402300800ull * 1000000ull));
        us = i % 3 == 0 ? -(us % (62167219200LL * SEC_US)) : us;
        time_t s = (time_t)(us / SEC_US - (us % SEC_US < 0));
        struct tm tm;
        char want[64], got[TIME_LEN];
        gmtime_r(&s, &tm);
        strftime(want, sizeof want, "%FT%T", &tm);
        time_format(us, got);
        if (tm.tm_year + 1900 >= 1000) /* %F does not pad the years before */
            assert_memory_equal(got, want, 19);
        int64_t back = 0;
        assert_true(time_parse(got, &back));
        assert_int_equal(back, us);
    }
}

static void edges(void **state)
{
    static const struct {
        int64_t us;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {951782400000000, "2000-02-29T00:00:00.000000Z"},
        {4107542400000000, "2100-03-01T00:00:00.000000Z"},
        {-62167219200000000, "0000-01-01T00:00:00.000000Z"},
        {253402300799999999, "9999-12-31T23:59:59.999999Z"},
        {253402300800000000, "9999-12-31T23:59:59.999999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999999Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000000Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char got[TIME_LEN];
        time_format(rows[i].us, got);
        assert_string_equal(got, rows[i].text);
    }
}

static void parse_is_strict(void **state)
{
    static const char *const bad[] = {
        "",
        "2026",
        "2026-11-20 23:44:01Z",
        "2026-11-20T23:44:01",
        "2026-11-20T23:44:01z",
        "2026-11-20T23:44:01+00:00",
        "2026-11-20T23:44:01.Z",
        "2026-11-20T23:44:01.1234567Z",
        "2026-11-20T23:44:01.12 Z",
        "2026-11-20T23:44:01ZZ",
        "2026-13-20T23:44:01Z",
        "2026-00-20T23:44:01Z",
        "2026-11-31T23:44:01Z",
        "2026-11-00T23:44:01Z",
        "2025-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T23:60:00Z",
        "2026-11-20T23:59:60Z",
        "+026-11-20T23:44:01Z",
        "2026-1 -20T23:44:01Z",
        "2026/11/20T23:44:01Z",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t us = 5;
        if (time_parse(bad[i], &us))
            fail_msg("%s", bad[i]);
        assert_int_equal(us, 5);
    }
    int64_t us;
    assert_false(time_parse(NULL, &us));
    assert_true(time_parse("1970-01-01T00:00:01Z", &us));
    assert_int_equal(us, 1000000);
    assert_true(time_parse("1970-01-01T00:00:01.5Z", &us));
    assert_int_equal(us, 1500000);
    assert_true(time_parse("2000-02-29T00:00:00.000001Z", &us));
    assert_int_equal(us, 951782400000001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_libc),
        cmocka_unit_test(edges),
        cmocka_unit_test(parse_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
