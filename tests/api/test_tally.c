/* tally: how many connections a token has, and who of them looks whether it still counts. */
#include "../check.h"

#include <string.h>

#include "api/tally.h"
#include "base/str.h"

static struct tally_token *enter(struct tally *t, const char *token)
{
    struct tally_token *x = NULL;
    struct err e = ERR_INIT;
    assert_int_equal(tally_enter(t, token, &x, &e), 0);
    return x;
}

static struct tally *tally_of(unsigned max)
{
    struct tally *t = NULL;
    struct err e = ERR_INIT;
    assert_int_equal(tally_new(max, "doves", &t, &e), 0);
    return t;
}

static void each_token_has_so_many(void **state)
{
    struct tally *t = tally_of(2);
    struct tally_token *a = enter(t, "tok_a"), *again = enter(t, "tok_a"), *b = enter(t, "tok_b"), *none = NULL;
    struct err e = ERR_INIT;
    assert_ptr_equal(a, again);
    assert_ptr_not_equal(a, b);
    assert_int_equal(tally_enter(t, "tok_a", &none, &e), -ERR_CONNECTIONS);
    assert_null(none);
    assert_non_null(strstr(e.msg, "2 doves"));
    tally_leave(t, a);
    a = enter(t, "tok_a");
    assert_ptr_equal(a, again);
    tally_leave(t, a);
    tally_leave(t, again);
    tally_leave(t, b);
    tally_free(t);
}

static void one_looks_for_all(void **state)
{
    struct tally *t = tally_of(0);
    struct tally_token *a = enter(t, "tok_a"), *other = enter(t, "tok_b");
    (void)enter(t, "tok_a");
    assert_int_equal(tally_ask(a), TALLY_GOOD); /* it was found good when it came */
    tally_pass(a);
    assert_int_equal(tally_ask(a), TALLY_LOOK);
    assert_int_equal(tally_ask(a), TALLY_GOOD); /* the others do not wait for it */
    tally_pass(a);                              /* who was to look went away */
    assert_int_equal(tally_ask(a), TALLY_LOOK);
    tally_saw(a, true);
    assert_int_equal(tally_ask(a), TALLY_GOOD);
    tally_pass(a);
    assert_int_equal(tally_ask(a), TALLY_LOOK);
    tally_saw(a, false);
    assert_int_equal(tally_ask(a), TALLY_OVER);
    assert_int_equal(tally_ask(a), TALLY_OVER);
    assert_int_equal(tally_ask(other), TALLY_GOOD);
    tally_leave(t, a);
    assert_int_equal(tally_ask(a), TALLY_OVER);
    tally_leave(t, a);
    tally_leave(t, other);
    tally_free(t);
}

static void a_peer_of_the_socket_stays_who_it_is(void **state)
{
    struct tally *t = tally_of(0);
    struct tally_token *a = enter(t, "uid:0");
    tally_pass(a);
    assert_int_equal(tally_ask(a), TALLY_GOOD);
    tally_leave(t, a);
    tally_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_token_has_so_many),
        cmocka_unit_test(one_looks_for_all),
        cmocka_unit_test(a_peer_of_the_socket_stays_who_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
