/* resolve: which abbreviations mean an id. */
#include "check.h"
#include "cli/resolve.h"

#define ID "run_01JD3K7Q2V5W8X9Y0Z1A2B3C4D"

static void matches(void **state)
{
    assert_true(resolve_match(ID, "run", ID));
    assert_true(resolve_match(ID, "run", "run_01JD"));
    assert_true(resolve_match(ID, "run", "RUN_01jd3k"));
    assert_true(resolve_match(ID, "run", "01jd3k7"));
    assert_true(resolve_match(ID, "run", "3C4D"));
    assert_true(resolve_match(ID, "run", "b3c4d"));
}

static void does_not_match(void **state)
{
    assert_false(resolve_match(ID, "run", ""));
    assert_false(resolve_match(ID, "run", "C4D"));     /* too short */
    assert_false(resolve_match(ID, "run", "run_01J")); /* so is its own part */
    assert_false(resolve_match(ID, "run", "run_3C4D"));
    assert_false(resolve_match(ID, "run", "D3K7")); /* in the middle */
    assert_false(resolve_match(ID, "apr", "3C4D"));
    assert_false(resolve_match(ID, "run", "apr_01JD3K"));
    assert_false(resolve_match(ID, "run", ID "X"));
    assert_false(resolve_match(ID, "run", "../."));
    assert_false(resolve_match("run_", "run", "run_"));
    assert_false(resolve_match("", "run", "3C4D"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(matches), cmocka_unit_test(does_not_match)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
