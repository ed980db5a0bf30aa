/* id: the ULID layout, sorting by time, strict parsing. */
#include "check.h"
#include "base/id.h"
#include <string.h>

static void layout(void **state)
{
    static const uint8_t zero[10] = {0}, ones[10] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    struct id id;
    id_make("run", 0, zero, &id);
    assert_string_equal(id.s, "run_00000000000000000000000000");
    id_make("stp", 0xffffffffffff, ones, &id);
    assert_string_equal(id.s, "stp_7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    id_make("prj", 1469918176385, zero, &id); /* the example of the ULID specification: 01ARYZ6S41 */
    assert_memory_equal(id.s, "prj_01ARYZ6S41", 14);
    id_make("run", 1, (const uint8_t[]){0, 0, 0, 0, 0, 0, 0, 0, 0, 33}, &id);
    assert_string_equal(id.s, "run_00000000010000000000000011");
}

static void sorts_by_time(void **state)
{
    static const uint8_t high[10] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255}, low[10] = {0};
    struct id a, b;
    for (int64_t ms = 1; ms < 1LL << 47; ms = ms * 3 + 1) {
        id_make("run", ms, high, &a);
        id_make("run", ms + 1, low, &b);
        assert_true(strcmp(a.s, b.s) < 0);
    }
}

static void parse_is_strict(void **state)
{
    static const char *const bad[] = {
        "",
        "run_",
        "run_0000000000000000000000000",
        "run_000000000000000000000000000",
        "run-00000000000000000000000000",
        "stp_00000000000000000000000000",
        "run_80000000000000000000000000",
        "run_0000000000000000000000000I",
        "run_0000000000000000000000000L",
        "run_0000000000000000000000000O",
        "run_0000000000000000000000000U",
        "run_0000000000000000000000000a",
        "run_0000000000000000000000000 ",
        "RUN_00000000000000000000000000",
        "run_000000000000000000000000\xc3\xa9",
    };
    struct id id = {"keep"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (id_parse("run", bad[i], &id))
            fail_msg("%s", bad[i]);
    assert_false(id_parse("run", NULL, &id));
    assert_string_equal(id.s, "keep");
    assert_true(id_parse("run", "run_7ZZZZZZZZZZZZZZZZZZZZZZZZZ", &id));
    struct id same = id, none = {""};
    assert_true(id_eq(&id, &same));
    assert_false(id_eq(&id, &none));
    assert_true(id_none(&none));
    assert_false(id_none(&id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout),
        cmocka_unit_test(sorts_by_time),
        cmocka_unit_test(parse_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
