/* tally and look: how many connections a token has, and who of them looks whether it still counts. */
#include "../check.h"

#include <string.h>

#include "api/tally.h"
#include "os/clock.h"

static struct tally_token *enter(struct tally *t, const char *token)
{
    struct tally_token *x = NULL;
    struct err e = ERR_INIT;
    assert_int_equal(tally_enter(t, token, &x, &e), 0);
    return x;
}

static void each_token_has_so_many(void **state)
{
    struct tally *t = NULL;
    struct err e = ERR_INIT;
    assert_int_equal(tally_new(2, "doves", &t, &e), 0);
    struct tally_token *a = enter(t, "tok_a"), *again = enter(t, "tok_a"), *b = enter(t, "tok_b"), *none = NULL;
    assert_ptr_equal(a, again);
    assert_ptr_not_equal(a, b);
    assert_int_equal(tally_enter(t, "tok_a", &none, &e), -ERR_CONNECTIONS);
    assert_null(none);
    assert_non_null(strstr(e.msg, "2 doves"));
    tally_leave(t, a);
    assert_ptr_equal(enter(t, "tok_a"), again);
    struct tally_token *peer = enter(t, "uid:0");
    assert_true(tally_look(peer)->never);
    assert_false(tally_look(a)->never);
    tally_leave(t, peer);
    tally_leave(t, again);
    tally_leave(t, again);
    tally_leave(t, b);
    tally_free(t);
}

struct asked {
    int n, says;
};

static int ask(void *arg, struct err *e)
{
    struct asked *a = arg;
    a->n++;
    return a->says ? err_set(e, -a->says, NULL) : 0;
}

static void seen_good_before(struct look *l, int64_t us)
{
    atomic_store(&l->good_us, clock_mono_us() - us);
    atomic_store(&l->again_us, 0);
}

static void one_looks_for_all(void **state)
{
    struct look l;
    struct asked a = {0};
    look_init(&l, false);
    assert_true(look_good_now(&l)); /* it was found good when it came */
    assert_true(look_still_good(&l, ask, &a));
    assert_int_equal(a.n, 0);
    seen_good_before(&l, LOOK_SOON_US);
    assert_false(look_good_now(&l)); /* one is to look */
    assert_true(look_good_now(&l));  /* the others do not wait for it */
    atomic_store(&l.again_us, clock_mono_us());
    assert_false(look_good_now(&l)); /* it did not come to it: the next one */
    assert_true(look_still_good(&l, ask, &a));
    assert_int_equal(a.n, 1);
    assert_true(look_good_now(&l));
    assert_true(look_still_good(&l, ask, &a));
    assert_int_equal(a.n, 1);
}

static void nobody_is_told_more_without_a_look(void **state)
{
    struct look l;
    struct asked a = {.says = -ERR_UNAUTHORIZED};
    look_init(&l, false);
    seen_good_before(&l, LOOK_US);
    assert_false(look_good_now(&l));
    assert_false(look_good_now(&l));
    assert_false(look_still_good(&l, ask, &a));
    assert_false(look_good_now(&l));
    assert_false(look_still_good(&l, ask, &a)); /* known by now */
    assert_int_equal(a.n, 1);
}

/* A store that does not answer ends nothing, and is no answer. */
static void no_answer_is_asked_for_again(void **state)
{
    struct look l;
    struct asked a = {.says = -ERR_IO};
    look_init(&l, false);
    seen_good_before(&l, LOOK_US);
    assert_true(look_still_good(&l, ask, &a));
    assert_false(look_good_now(&l));
    assert_true(look_still_good(&l, ask, &a));
    assert_int_equal(a.n, 2);
    a.says = 0;
    assert_true(look_still_good(&l, ask, &a));
    assert_true(look_good_now(&l));
}

static void a_peer_of_the_socket_stays_who_it_is(void **state)
{
    struct look l;
    struct asked a = {.says = -ERR_UNAUTHORIZED};
    look_init(&l, true);
    seen_good_before(&l, LOOK_US);
    assert_true(look_good_now(&l));
    assert_true(look_still_good(&l, ask, &a));
    assert_int_equal(a.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_token_has_so_many),
        cmocka_unit_test(one_looks_for_all),
        cmocka_unit_test(nobody_is_told_more_without_a_look),
        cmocka_unit_test(no_answer_is_asked_for_again),
        cmocka_unit_test(a_peer_of_the_socket_stays_who_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
