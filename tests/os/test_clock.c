/* clock: sane, monotonic, and ids that differ. */
#include "check.h"
#include "base/str.h"
#include "os/clock.h"
#include <string.h>
#include <time.h>

static void moves_on(void **state)
{
    int64_t a = clock_mono_us(), wall = clock_now_us();
    assert_in_range(wall / SEC_US, (uint64_t)time(NULL) - 2, (uint64_t)time(NULL) + 2);
    clock_sleep_us(3000);
    int64_t b = clock_mono_us();
    assert_true(b - a >= 3000);
    assert_true(b - a < 5 * SEC_US);
    clock_sleep_us(0);
    clock_sleep_us(-5);
}

static void random_differs(void **state)
{
    uint8_t a[1000] = {0}, b[1000] = {0};
    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    random_bytes(a, 0);
}

static void ids_are_new(void **state)
{
    struct id last = id_new(ID_RUN), parsed;
    for (int i = 0; i < 1000; i++) {
        struct id id = id_new(ID_RUN);
        assert_true(id_parse(ID_RUN, id.s, &parsed));
        assert_false(id_eq(&id, &last));
        last = id;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_on),
        cmocka_unit_test(random_differs),
        cmocka_unit_test(ids_are_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
