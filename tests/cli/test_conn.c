/* conn: the order in which flags, environment and files are looked at. */
#include "check.h"
#include "cli/conn.h"
#include "base/str.h"
#include "os/file.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static void put(const char *dir, const char *name, const char *text)
{
    int fd = open(dir, O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(file_replace(fd, name, text, strlen(text), 0600, NULL), 0);
    close(fd);
}

/* A home with XDG_DATA_HOME/sallyport in it, and no variable of ours set. */
static int make_home(void **state)
{
    char home[] = "/tmp/test-conn-XXXXXX", data[64];
    assert_non_null(mkdtemp(home));
    snprintf(data, sizeof data, "%s/sallyport", home);
    assert_int_equal(dir_make(AT_FDCWD, data, NULL, NULL), 0);
    unsetenv("SALLYPORT_URL");
    unsetenv("SALLYPORT_TOKEN");
    unsetenv("SALLYPORT_TOKEN_FILE");
    unsetenv("SALLYPORT_DATA");
    setenv("XDG_DATA_HOME", home, 1);
    *state = str_dup(data);
    return 0;
}

static int drop_home(void **state)
{
    int r = dir_remove(AT_FDCWD, getenv("XDG_DATA_HOME"), NULL);
    free(*state);
    return r;
}

static void socket_first(void **state)
{
    struct conn c;
    put(*state, "sock", "");
    put(*state, "admin-token", "sp_admin\n");
    assert_int_equal(conn_find(&c, NULL, NULL, NULL, NULL), 0);
    assert_null(c.url);
    assert_true(str_ends(c.sock, "/sallyport/sock"));
    assert_string_equal(c.token, "");
    conn_fini(&c);
}

/* As a server that lives does. */
static int hold_lock(const char *data)
{
    char path[96];
    snprintf(path, sizeof path, "%s/lock", data);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    return fd;
}

static void then_the_usual_address(void **state)
{
    struct conn c;
    int lock = hold_lock(*state);
    put(*state, "admin-token", "sp_admin\n");
    put(*state, "address", "http://127.0.0.1:7373\n");
    assert_int_equal(conn_find(&c, NULL, NULL, NULL, NULL), 0);
    assert_string_equal(c.url, CONN_URL_DEFAULT);
    assert_null(c.sock);
    assert_string_equal(c.token, "sp_admin");
    conn_fini(&c);
    close(lock);
}

/* Somebody else's program on the port of a server that is down, or on another port, gets no token. */
static void admin_token_only_for_our_server(void **state)
{
    struct conn c;
    put(*state, "admin-token", "sp_admin");
    put(*state, "address", "http://127.0.0.1:7373\n");
    assert_int_equal(conn_find(&c, NULL, NULL, NULL, NULL), 0);
    assert_string_equal(c.token, "");
    conn_fini(&c);
    int lock = hold_lock(*state);
    assert_int_equal(conn_find(&c, "http://127.0.0.1:7374", NULL, NULL, NULL), 0);
    assert_string_equal(c.token, "");
    conn_fini(&c);
    put(*state, "address", "http://0.0.0.0:7374\n");
    assert_int_equal(conn_find(&c, "http://127.0.0.1:7374", NULL, NULL, NULL), 0);
    assert_string_equal(c.token, "sp_admin");
    conn_fini(&c);
    close(lock);
}

static void admin_token_stays_here(void **state)
{
    static const struct {
        const char *url;
        bool sent;
    } t[] = {
        {"http://127.0.0.1:80", true},
        {"http://localhost", true},
        {"http://[::1]/x", true},
        {"http://example.org", false},
        {"http://localhost.example.org", false},
        {"http://127.0.0.1.example.org:80", false},
        {"http://10.0.0.1", false},
        {"http://localhost:x@example.org", false},
    };
    int lock = hold_lock(*state);
    put(*state, "sock", "");
    put(*state, "admin-token", "sp_admin");
    put(*state, "address", "http://127.0.0.1:80\n");
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct conn c;
        assert_int_equal(conn_find(&c, t[i].url, NULL, NULL, NULL), 0);
        assert_string_equal(c.url, t[i].url);
        assert_string_equal(c.token, t[i].sent ? "sp_admin" : "");
        conn_fini(&c);
    }
    close(lock);
}

static void flags_win(void **state)
{
    struct conn c;
    char file[128];
    put(*state, "tok", "sp_file\n");
    put(*state, "sock", "");
    snprintf(file, sizeof file, "%s/tok", (char *)*state);
    setenv("SALLYPORT_URL", "http://h:1", 1);
    setenv("SALLYPORT_TOKEN", "sp_env", 1);
    assert_int_equal(conn_find(&c, NULL, NULL, NULL, NULL), 0);
    assert_string_equal(c.url, "http://h:1");
    assert_string_equal(c.token, "sp_env");
    conn_fini(&c);
    setenv("SALLYPORT_TOKEN_FILE", file, 1);
    assert_int_equal(conn_find(&c, "http://i:2", NULL, NULL, NULL), 0);
    assert_string_equal(c.url, "http://i:2");
    assert_string_equal(c.token, "sp_file");
    conn_fini(&c);
    setenv("SALLYPORT_TOKEN_FILE", "/nonexistent", 1);
    assert_int_equal(conn_find(&c, NULL, file, *state, NULL),
                     0); /* --data: the server there, whatever the environment */
    assert_null(c.url);
    assert_string_equal(c.token, "sp_file");
    conn_fini(&c);
}

/* Whoever names a data directory means the server there, and no other that may listen on this machine. */
static void a_named_server_that_is_down(void **state)
{
    struct conn c;
    struct err e = ERR_INIT;

    assert_int_equal(conn_find(&c, NULL, NULL, *state, &e), -ERR_UNREACHABLE);
    assert_non_null(strstr(e.msg, *state));
    conn_fini(&c);
    setenv("SALLYPORT_DATA", *state, 1);
    assert_int_equal(conn_find(&c, NULL, NULL, NULL, NULL), -ERR_UNREACHABLE);
    conn_fini(&c);
    assert_int_equal(conn_find(&c, "http://h:1", NULL, *state, NULL), 0);
    assert_string_equal(c.url, "http://h:1");
    conn_fini(&c);
    unsetenv("SALLYPORT_DATA");
}

static void bad_tokens(void **state)
{
    static const char *const bad[] = {"", "\n", "two words", "a\x01", "a\nb", "\xc3\xa9"};
    char file[128];
    snprintf(file, sizeof file, "%s/tok", (char *)*state);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct conn c;
        struct err e = ERR_INIT;
        put(*state, "tok", bad[i]);
        assert_int_equal(conn_find(&c, NULL, file, NULL, &e), -ERR_UNAUTHORIZED);
        conn_fini(&c);
    }
    struct conn c;
    assert_int_equal(conn_find(&c, NULL, "/nonexistent", NULL, NULL), -ERR_UNAUTHORIZED);
    conn_fini(&c);
}

#define WITH_HOME(fn) cmocka_unit_test_setup_teardown(fn, make_home, drop_home)
int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_HOME(socket_first),
        WITH_HOME(then_the_usual_address),
        WITH_HOME(admin_token_stays_here),
        WITH_HOME(admin_token_only_for_our_server),
        WITH_HOME(flags_win),
        WITH_HOME(a_named_server_that_is_down),
        WITH_HOME(bad_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
