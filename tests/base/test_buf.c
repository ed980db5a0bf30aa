/* buf: limits to the byte, the sticky error, taking, and every allocation failing. */
#include "check.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fault.h"
#include <stdlib.h>
#include <string.h>

static void grows_and_stays_terminated(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(100000);
    for (int i = 0; i < 5000; i++) {
        buf_addc(&b, (char)('a' + i % 26));
        assert_int_equal(b.p[b.len], 0);
    }
    buf_puts(&b, "end");
    buf_printf(&b, "-%05d-%s", 42, "x");
    assert_int_equal(b.bad, 0);
    assert_int_equal(b.len, 5000 + 3 + 8);
    assert_string_equal(b.p + 5000, "end-00042-x");
    buf_consume(&b, 5000);
    assert_string_equal(b.p, "end-00042-x");
    buf_consume(&b, 999);
    assert_int_equal(b.len, 0);
    assert_string_equal(b.p, "");
}

static void limit_is_exact(void **state)
{
    for (size_t max = 0; max < 200; max++) {
        AUTO(buf_fini) struct buf b = BUF_INIT(max);
        for (size_t i = 0; i < max; i++)
            buf_add(&b, "x", 1);
        assert_int_equal(b.bad, 0);
        assert_int_equal(b.len, max);
        buf_add(&b, "", 0);
        assert_int_equal(b.bad, 0);
        buf_addc(&b, 'y');
        assert_int_equal(b.bad, -ERR_TOO_LARGE);
        buf_consume(&b, 1); /* room again, but the error sticks until reset */
        buf_addc(&b, 'z');
        assert_int_equal(b.bad, -ERR_TOO_LARGE);
        assert_null(buf_take(&b, NULL));
        buf_reset(&b);
        buf_printf(&b, "%.*s", (int)max,
                   "0123456789012345678901234567890123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789012345678901234567890123456789");
        assert_int_equal(b.bad, 0);
        assert_int_equal(b.len, max);
        buf_printf(&b, "%d", 1);
        assert_int_equal(b.bad, -ERR_TOO_LARGE);
        assert_int_equal(b.len, max);
        if (b.p)
            assert_int_equal(b.p[b.len], 0);
    }
}

static void goes_before_what_is_there(void **state)
{
    struct buf b = BUF_INIT(8);
    buf_prepend(&b, "", 0);
    assert_null(b.p);
    buf_prepend(&b, "cd", 2);
    buf_prepend(&b, "ab", 2);
    buf_add(&b, "e\0f", 3);
    buf_prepend(&b, "-", 1);
    assert_int_equal(b.len, 8);
    assert_memory_equal(b.p, "-abcde\0f", 9);
    buf_prepend(&b, "x", 1);
    assert_int_equal(b.bad, -ERR_TOO_LARGE);
    assert_memory_equal(b.p, "-abcde\0f", 9);
    buf_fini(&b);
}

static void absurd_sizes_are_refused(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(SIZE_MAX);
    buf_puts(&b, "abc");
    assert_int_equal(buf_reserve(&b, SIZE_MAX - 3), -ERR_TOO_LARGE);
    buf_reset(&b);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), -ERR_TOO_LARGE);
}

static void take_hands_over(void **state)
{
    struct buf b = BUF_INIT(10);
    size_t n = 99;
    char *p = buf_take(&b, &n);
    assert_string_equal(p, "");
    assert_int_equal(n, 0);
    free(p);
    buf_add(&b, "a\0b", 3);
    p = buf_take(&b, &n);
    assert_int_equal(n, 3);
    assert_memory_equal(p, "a\0b", 4);
    free(p);
    assert_null(b.p);
    buf_puts(&b, "again");
    assert_string_equal(b.p, "again");
    buf_fini(&b);
    buf_init(&b, 3);
    assert_int_equal(b.max, 3);
}

static void out_of_memory_sticks(void **state)
{
#ifdef SALLYPORT_FAULTS
    int n = 0;
    do {
        AUTO(buf_fini) struct buf b = BUF_INIT(100000);
        fault_arm_nth("alloc", ++n);
        for (int i = 0; i < 300; i++)
            buf_printf(&b, "line %d\n", i);
        char *p = buf_take(&b, NULL);
        assert_int_equal(p == NULL, fault_fired());
        if (fault_fired())
            assert_int_equal(b.bad, -ERR_OOM);
        free(p);
    } while (fault_fired());
    assert_true(n > 3);
    fault_arm("");
#else
    skip();
#endif
}

static void quoted(const char *s, const char *want)
{
    struct buf b = BUF_INIT(256);
    buf_quote(&b, s);
    assert_string_equal(b.p, want);
    buf_fini(&b);
}

static void quotes_for_a_shell(void **state)
{
    quoted("make", "make");
    quoted("", "''");
    quoted("a b", "'a b'");
    quoted("it's", "'it'\\''s'");
    quoted("$x", "'$x'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_stays_terminated),
        cmocka_unit_test(limit_is_exact),
        cmocka_unit_test(goes_before_what_is_there),
        cmocka_unit_test(absurd_sizes_are_refused),
        cmocka_unit_test(take_hands_over),
        cmocka_unit_test(out_of_memory_sticks),
        cmocka_unit_test(quotes_for_a_shell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
