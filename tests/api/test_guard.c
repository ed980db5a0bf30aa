/* Who may call from where, and how often. */
#include <stdio.h>

#include "api/call.h"
#include "os/clock.h"
#include "../check.h"

static const char *const hosts[] = {"box.example", "10.0.0.5", NULL};
static const char *const origins[] = {"https://console.example", NULL};
static const struct api_config cfg = {
    .allowed_hosts = hosts, .allowed_origins = origins, .rate_per_s = 10, .rate_burst = 20};

static struct guard *make(const struct api_config *c)
{
    struct guard *g = NULL;

    assert_int_equal(guard_new(c, &g, NULL), 0);
    return g;
}

static void names(void **state)
{
    static const struct {
        const char *host, *origin;
        bool ok;
    } rows[] = {
        {"127.0.0.1:7373", NULL, true},
        {"127.0.0.1", NULL, true},
        {"localhost:1", NULL, true},
        {"LocalHost", NULL, true},
        {"[::1]:7373", NULL, true},
        {"[::1]", NULL, true},
        {"box.example", NULL, true},
        {"BOX.example:80", NULL, true},
        {"10.0.0.5:7373", NULL, true},
        {NULL, NULL, true}, /* HTTP/1.0: no browser sends that */
        {"", NULL, false},
        {":7373", NULL, false},
        {"evil.example", NULL, false},
        {"box.example.evil.example", NULL, false},
        {"evil.box.example", NULL, false},
        {"box.example.", NULL, false},
        {"localhost.evil.example:7373", NULL, false},
        {"localhost:7373.evil.example", NULL, false},
        {"localhost:evil", NULL, false},
        {"[::1]evil.example", NULL, false},
        {"[::1", NULL, false},
        {"[::2]", NULL, false},
        {"::1", NULL, false},
        {"127.0.0.2", NULL, false},
        {"0.0.0.0", NULL, false},
        /* a page of this very server */
        {"127.0.0.1:7373", "http://127.0.0.1:7373", true},
        {"127.0.0.1:7373", "https://127.0.0.1:7373", true},
        {"localhost:7373", "http://LOCALHOST:7373", true},
        {"127.0.0.1:7373", "http://127.0.0.1", false},
        {"127.0.0.1:7373", "http://127.0.0.1:7374", false},
        {"127.0.0.1:7373", "http://localhost:7373", false},
        {"127.0.0.1:7373", "http://evil.example", false},
        {"127.0.0.1:7373", "null", false},
        {"127.0.0.1:7373", "", false},
        {NULL, "http://127.0.0.1:7373", false},
        /* one that is on the list */
        {"127.0.0.1:7373", "https://console.example", true},
        {"127.0.0.1:7373", "http://console.example", false},
        {"127.0.0.1:7373", "https://console.example.evil.example", false},
        {"evil.example", "https://console.example", false},
    };
    struct guard *g = make(&cfg);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;
        int r = guard_names(g, false, rows[i].host, rows[i].origin, &e);

        if ((r == 0) != rows[i].ok || (r < 0 && e.code != ERR_HOST))
            fail_msg("Host: %s Origin: %s gives %d", rows[i].host, rows[i].origin, r);
    }
    guard_free(g);
}

/* Only a program of this machine can call there, under any name; but a browser's page is refused there too. */
static void unix_socket(void **state)
{
    struct guard *g = make(&cfg);

    assert_int_equal(guard_names(g, true, "sallyport", NULL, NULL), 0);
    assert_int_equal(guard_names(g, true, "sallyport", "http://evil.example", NULL), -ERR_HOST);
    guard_free(g);
}

static void nothing_is_listed(void **state)
{
    struct guard *g = make(&(struct api_config){0});

    assert_int_equal(guard_names(g, false, "localhost", NULL, NULL), 0);
    assert_int_equal(guard_names(g, false, "box.example", NULL, NULL), -ERR_HOST);
    assert_int_equal(guard_names(g, false, "localhost", "https://console.example", NULL), -ERR_HOST);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(guard_take(g, "a", 1, NULL), 0);
    guard_free(g);
}

static int taken(struct guard *g, const char *who, int64_t now, int tries)
{
    int n = 0;

    for (int i = 0; i < tries; i++)
        n += guard_take(g, who, now, NULL) == 0;
    return n;
}

static void bucket(void **state)
{
    struct guard *g = make(&cfg);
    struct err e = ERR_INIT;
    int64_t t = 5 * SEC_US;

    assert_int_equal(taken(g, "a", t, 30), 20); /* the burst */
    assert_int_equal(guard_take(g, "a", t, &e), -ERR_RATE);
    assert_int_equal(taken(g, "b", t, 30), 20); /* others have their own */
    assert_int_equal(taken(g, "a", t + SEC_US / 10, 30), 1);
    assert_int_equal(taken(g, "a", t + SEC_US, 30), 9);
    assert_int_equal(taken(g, "a", t + 3600 * SEC_US, 30), 20); /* never more than the burst */
    guard_free(g);
}

/* More callers than there is room for: each is served, none is refused for another's requests. */
static void crowd(void **state)
{
    struct guard *g = make(&cfg);

    for (int i = 0; i < 5000; i++) {
        char who[32];

        snprintf(who, sizeof who, "token-%d", i);
        assert_int_equal(taken(g, who, SEC_US + i, 21), 20);
    }
    guard_free(g);
}

static void real_clock(void **state)
{
    struct guard *g = make(&cfg);
    int n = 0;

    for (int i = 0; i < 1000; i++)
        n += guard_rate(g, "a", NULL) == 0;
    assert_in_range(n, 20, 500);
    guard_free(g);
    guard_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),  cmocka_unit_test(unix_socket), cmocka_unit_test(nothing_is_listed),
        cmocka_unit_test(bucket), cmocka_unit_test(crowd),       cmocka_unit_test(real_clock),
    };

    return cmocka_run_group_tests_name("api/guard", tests, NULL, NULL);
}
