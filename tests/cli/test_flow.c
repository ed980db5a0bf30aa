/* flow: the exit code a finished run stands for. */
#include "check.h"
#include "cli/flow.h"
#include <string.h>

static int exit_of(const char *text)
{
    struct json *j;
    assert_int_equal(json_parse(text, strlen(text), &j, NULL), 0);
    int code = flow_exit(j);
    json_free(j);
    return code;
}

static void exits(void **state)
{
    assert_int_equal(exit_of("{\"state\":\"succeeded\"}"), 0);
    assert_int_equal(exit_of("{\"state\":\"failed\",\"reason\":{\"code\":\"policy_denied\"}}"), 10);
    assert_int_equal(exit_of("{\"state\":\"rejected\",\"reason\":{\"code\":\"plan_rejected\"}}"), 11);
    assert_int_equal(exit_of("{\"state\":\"failed\",\"reason\":{\"code\":\"step_failed\"}}"), 12);
    assert_int_equal(exit_of("{\"state\":\"canceled\",\"reason\":{\"code\":\"canceled_by_user\"}}"), 13);
    assert_int_equal(exit_of("{\"state\":\"failed\",\"reason\":{\"code\":\"apply_conflict\"}}"), 15);
    assert_int_equal(exit_of("{\"state\":\"failed\",\"reason\":{\"code\":\"internal\"}}"), 70);
    /* a reason of a newer server: by the state */
    assert_int_equal(exit_of("{\"state\":\"failed\",\"reason\":{\"code\":\"new_thing\"}}"), 12);
    assert_int_equal(exit_of("{\"state\":\"expired\",\"reason\":null}"), 14);
    assert_int_equal(exit_of("{\"state\":\"canceled\"}"), 13);
    assert_int_equal(exit_of("{}"), 70);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(exits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
