/* Requests under one idempotency key pass one after the other; others do not wait for them. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "api/call.h"
#include "../check.h"

#define THREADS 16
#define ROUNDS  50

static struct caller who(const char *token, const char *route, const char *key)
{
    struct caller c = {.idem_route = route, .idem_key = key};

    snprintf(c.tenant, sizeof c.tenant, "default");
    snprintf(c.token_id, sizeof c.token_id, "%s", token);
    return c;
}

static void others_pass(void **state)
{
    static const char *const rows[][3] = {
        {"tok_a", "/runs", "k"}, {"tok_b", "/runs", "k"}, {"tok_a", "/tokens", "k"}, {"tok_a", "/runs", "k2"}};
    struct flights *f = NULL;
    struct caller c[ARRAY_LEN(rows)];

    assert_int_equal(flights_new(&f, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        c[i] = who(rows[i][0], rows[i][1], rows[i][2]);
        assert_int_equal(flight_enter(f, &c[i], NULL), 0); /* would wait, were it the same */
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        flight_leave(f, &c[i]);
    assert_int_equal(flight_enter(f, &c[0], NULL), 0); /* free again */
    flights_free(f);                                   /* also with one inside */
    flights_free(NULL);
}

struct crowd {
    struct flights *f;
    _Atomic int inside, most, entered, failed;
};

static void *same_key(void *arg)
{
    struct crowd *w = arg;
    struct caller c = who("tok_a", "/runs", "k");

    for (int i = 0; i < ROUNDS; i++) {
        if (flight_enter(w->f, &c, NULL) < 0) {
            w->failed++;
            continue;
        }
        int now = ++w->inside;

        if (now > w->most)
            w->most = now;
        w->entered++;
        if (i % 10 == 0)
            usleep(100);
        w->inside--;
        flight_leave(w->f, &c);
    }
    return NULL;
}

static void one_at_a_time(void **state)
{
    struct crowd w = {0};
    pthread_t t[THREADS];

    assert_int_equal(flights_new(&w.f, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, same_key, &w), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    flights_free(w.f);
    assert_int_equal(w.most, 1);
    assert_int_equal(w.failed, 0);
    assert_int_equal(w.entered, THREADS * ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(others_pass), cmocka_unit_test(one_at_a_time)};

    return cmocka_run_group_tests_name("api/flights", tests, NULL, NULL);
}
