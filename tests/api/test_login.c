/* The console's login: cookie and proof, and whose request it is. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/login.h"
#include "base/hash.h"
#include "os/clock.h"
#include "os/file.h"
#include "service/logins.h"
#include "service/secrets.h"
#include "../check.h"

#define NOW 1700000000000000

static void names(void **state)
{
    static const struct {
        const char *host, *name;
    } rows[] = {
        {"127.0.0.1:7373", "sallyport-7373"},
        {"box.example", "sallyport-80"},
        {"[::1]:7373", "sallyport-7373"},
        {"[::1]", "sallyport-80"},
        {"localhost:1", "sallyport-1"},
        {"box:65535", "sallyport-65535"},
        {NULL, "sallyport-80"},
        {"box:", NULL},
        {"box:x", NULL},
        {"box:1;a=b", NULL},
        {"box:123456", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char name[LOGIN_NAME_MAX] = "";
        bool ok = login_name(rows[i].host, name);

        if (ok != (rows[i].name != NULL) || (ok && strcmp(name, rows[i].name) != 0))
            fail_msg("Host: %s gives %s", rows[i].host, name);
    }
}

static void cookies(void **state)
{
    static const struct {
        const char *header, *values; /* joined by | */
    } rows[] = {
        {"", ""},
        {"n=1", "1"},
        {"a=b; n=1; c=d", "1"},
        {"n=1;n=2 ;  n=3", "1|2|3"},
        {"nn=1; n =2; N=3", ""},
        {"n=", ""},
        {"n==x=", "=x="},
        {";;; n=1;", "1"},
        {"n", ""},
        {"x n=1", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf_fini) struct buf got = BUF_INIT(100);
        const char *p = rows[i].header, *v;
        size_t n;

        while (login_cookie(&p, "n", &v, &n))
            if (n)
                buf_printf(&got, "%s%.*s", got.len ? "|" : "", (int)n, v);
        if (strcmp(got.len ? got.p : "", rows[i].values) != 0)
            fail_msg("Cookie: %s gives %s", rows[i].header, got.p);
    }
}

static void origins(void **state)
{
    static const struct {
        const char *origin, *site;
        bool ok;
    } rows[] = {
        {NULL, NULL, true},
        {"http://127.0.0.1:7373", NULL, true},
        {"https://127.0.0.1:7373", "same-origin", true},
        {NULL, "same-origin", true},
        {"http://127.0.0.1:7374", NULL, false},
        {"http://127.0.0.1", NULL, false},
        {"http://localhost:7373", NULL, false},
        {"null", NULL, false},
        {"", NULL, false},
        {"ftp://127.0.0.1:7373", NULL, false},
        {NULL, "same-site", false}, /* another port of this host */
        {NULL, "cross-site", false},
        {NULL, "none", false},
        {NULL, "", false},
        {"http://127.0.0.1:7373", "same-site", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (login_same_origin("127.0.0.1:7373", rows[i].origin, rows[i].site) != rows[i].ok)
            fail_msg("Origin: %s Sec-Fetch-Site: %s", rows[i].origin, rows[i].site);
    assert_false(login_same_origin(NULL, "http://127.0.0.1:7373", NULL));
}

/* ---- pairs --------------------------------------------------------------- */

/* A server of its own: another key. */
static struct logins *server(int64_t lifetime_ms)
{
    char dir[] = "/tmp/sallyport-login.XXXXXX";
    struct secrets *s = NULL;
    struct logins *l = NULL;
    int fd;

    assert_non_null(mkdtemp(dir));
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(secrets_open(fd, &s, NULL), 0);
    assert_int_equal(logins_new(s, lifetime_ms, &l, NULL), 0);
    secrets_close(s);
    assert_int_equal(unlinkat(fd, "key", 0), 0);
    close(fd);
    assert_int_equal(rmdir(dir), 0);
    return l;
}

static int check(const struct logins *l, const char *cookie, const char *proof, int64_t now, struct id *ret)
{
    struct err e = ERR_INIT;
    int r = login_check(l, cookie, strlen(cookie), proof, now, ret, &e);

    assert_true(r == 0 || r == -ERR_UNAUTHORIZED);
    return r;
}

static void a_pair(void **state)
{
    struct logins *l = server(60000), *other = server(60000);
    struct id id = id_new(ID_LOGIN), got;
    struct login_pair p, q, theirs;

    assert_int_equal(login_make(l, &id, NOW, &p, NULL), 0);
    assert_int_equal(login_make(l, &id, NOW, &q, NULL), 0);
    assert_int_equal(login_make(other, &id, NOW, &theirs, NULL), 0);
    assert_int_equal(p.max_age_s, 60);
    assert_string_not_equal(p.cookie, q.cookie);
    assert_null(strstr(p.cookie, id.s));
    assert_int_equal(check(l, p.cookie, p.proof, NOW, &got), 0);
    assert_string_equal(got.s, id.s);
    /* the halves of two logins do not fit; nor do those of another server, or both of them here */
    assert_true(check(l, p.cookie, q.proof, NOW, &got) < 0);
    assert_true(check(l, theirs.cookie, p.proof, NOW, &got) < 0);
    assert_true(check(l, p.cookie, theirs.proof, NOW, &got) < 0);
    assert_true(check(l, theirs.cookie, theirs.proof, NOW, &got) < 0);
    assert_true(check(l, p.cookie, "", NOW, &got) < 0);
    assert_true(check(l, "", p.proof, NOW, &got) < 0);
    assert_true(check(l, "", "", NOW, &got) < 0);
    /* to the microsecond */
    assert_int_equal(check(l, p.cookie, p.proof, NOW + 59999999, &got), 0);
    assert_true(check(l, p.cookie, p.proof, NOW + 60000000, &got) < 0);
    logins_free(l);
    logins_free(other);
}

/* No character of either half may differ, and none may be missing. */
static void bent(void **state)
{
    struct logins *l = server(60000);
    struct id id = id_new(ID_LOGIN), got;
    struct login_pair p;
    char text[LOGIN_COOKIE_MAX + 10];

    assert_int_equal(login_make(l, &id, NOW, &p, NULL), 0);
    for (size_t i = 0; p.cookie[i]; i++) {
        snprintf(text, sizeof text, "%s", p.cookie);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        assert_true(check(l, text, p.proof, NOW, &got) < 0);
        text[i] = '\0';
        assert_true(check(l, text, p.proof, NOW, &got) < 0);
    }
    for (size_t i = 0; p.proof[i]; i++) {
        snprintf(text, sizeof text, "%s", p.proof);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        assert_true(check(l, p.cookie, text, NOW, &got) < 0);
    }
    memset(text, 'A', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_true(check(l, text, p.proof, NOW, &got) < 0);
    logins_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),  cmocka_unit_test(cookies), cmocka_unit_test(origins),
        cmocka_unit_test(a_pair), cmocka_unit_test(bent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
