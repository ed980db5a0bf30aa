/* The files an apply is to take: as text or as bytes, and only what the list of changes has. */
#include "tests/service/rig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "os/file.h"
#include "service/picks.h"

static const char changes[] = "[{\"path\":\"a/b\",\"refused\":null},\n"
                              "{\"path\":\"a/never\",\"refused\":\"setuid bit\"},\n"
                              "{\"path\":\"a.c\",\"refused\":null},\n"
                              "{\"path\":\"odd/b\xef\xbf\xbd"
                              "d\",\"path_b64\":\"b2RkL2L/ZA==\",\"refused\":null}]\n";

/* 0, or the field that is refused, which must be `field`, with `text` in the message. */
static void check(const char *paths, const char *b64, const char *field, const char *text)
{
    AUTO_PTR(json_free) struct json *p = NULL;
    AUTO_PTR(json_free) struct json *q = NULL;
    AUTO(picks_fini) struct picks picks = {0};
    char dir[] = "/tmp/sallyport-picks.XXXXXX";
    struct err er = ERR_INIT;
    int fd, r;

    assert_non_null(mkdtemp(dir));
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    OK(file_replace(fd, "changes.json", changes, sizeof changes - 1, 0600, &e));
    if (paths)
        OK(json_parse(paths, strlen(paths), &p, &e));
    if (b64)
        OK(json_parse(b64, strlen(b64), &q, &e));
    r = picks_read(&(struct picks_ask){.paths = p, .paths_b64 = q}, &picks, &er);
    if (r == 0)
        r = picks_check(&picks, fd, &er);
    close(fd);
    assert_int_equal(dir_remove(AT_FDCWD, dir, NULL), 0);
    if (!field) {
        assert_int_equal(r, 0);
        return;
    }
    assert_int_equal(r, -ERR_INVALID);
    assert_string_equal(er.field, field);
    assert_non_null(strstr(er.msg, text));
}

static void text_bytes_and_directories_are_found(void **state)
{
    (void)state;
    check("[\"a/b\"]", NULL, NULL, NULL);
    check("[\"a\"]", NULL, NULL, NULL);
    check("[\"a/\"]", NULL, NULL, NULL);
    check("[\"a.c\", \"a.c\", \"a\"]", NULL, NULL, NULL);
    check(NULL, "[\"b2RkL2L/ZA==\"]", NULL, NULL);
    check("[\"odd\"]", "[\"b2RkL2L/ZA==\", \"YS9i\"]", NULL, NULL); /* YS9i: a/b */
}

static void what_is_no_change_is_refused_by_its_place(void **state)
{
    (void)state;
    check("[\"a/b\", \"b\"]", NULL, "paths[1]", "not among");
    check("[\"a/b/c\"]", NULL, "paths[0]", "not among");
    check("[\"/a/b\"]", NULL, "paths[0]", "not among");
    check("[\"../a\"]", NULL, "paths[0]", "not among");
    check("[\"\"]", NULL, "paths[0]", "not among");
    check("[\"/\"]", NULL, "paths[0]", "not among");
    check("[\"a/never\"]", NULL, "paths[0]", "never applied: setuid bit");
    check("[1]", NULL, "paths[0]", "must be a string");
    check("[\"odd/b\xef\xbf\xbd"
          "d\"]",
          NULL, "paths[0]", "not among"); /* its readable form is another name */
}

static void bytes_are_held_to_the_same(void **state)
{
    (void)state;
    check("[\"a/b\"]", "[\"b2RkL2L/ZA==\", \"****\"]", "paths_b64[1]", "base64");
    check(NULL, "[\"YS9i=\"]", "paths_b64[0]", "base64");
    check(NULL, "[\"YS9iAHg=\"]", "paths_b64[0]", "NUL");           /* a/b\0x */
    check(NULL, "[\"L2EvYg==\"]", "paths_b64[0]", "not among");     /* /a/b */
    check(NULL, "[\"Li4vYQ==\"]", "paths_b64[0]", "not among");     /* ../a */
    check(NULL, "[\"YS8uLi9hLmM=\"]", "paths_b64[0]", "not among"); /* a/../a.c */
    check(NULL, "[\"\"]", "paths_b64[0]", "not among");
    check(NULL, "[\"YS9uZXZlcg==\"]", "paths_b64[0]", "never applied");
    check(NULL, "[null]", "paths_b64[0]", "must be a string");
}

static void refused_hunks(const char *paths, const char *b64, const char *hunks, const char *field, const char *text)
{
    AUTO_PTR(json_free) struct json *p = NULL;
    AUTO_PTR(json_free) struct json *q = NULL;
    AUTO_PTR(json_free) struct json *h = NULL;
    AUTO(picks_fini) struct picks picks = {0};
    struct err er = ERR_INIT;

    OK(json_parse(paths, strlen(paths), &p, &e));
    OK(json_parse(b64, strlen(b64), &q, &e));
    OK(json_parse(hunks, strlen(hunks), &h, &e));
    assert_int_equal(picks_read(&(struct picks_ask){p, q, h}, &picks, &er), field ? -ERR_INVALID : 0);
    if (!field)
        return;
    assert_string_equal(er.field, field);
    assert_non_null(strstr(er.msg, text));
}

static void a_file_is_taken_whole_or_in_part(void **state)
{
    static const char one[] =
        "[{\"path\":\"a.c\",\"hunks\":[1]},{\"path_b64\":\"YS9i\",\"hunks\":[1]}]"; /* YS9i: a/b */

    (void)state;
    refused_hunks("[\"b\"]", "[]", one, NULL, NULL);
    refused_hunks("[\"a\"]", "[]", one, NULL, NULL); /* of a directory all, but of a/b only that */
    refused_hunks("[\"b\", \"a.c\"]", "[]", one, "hunks[0]", "paths[1]");
    refused_hunks("[\"a/b/\"]", "[]", one, "hunks[1]", "paths[0]");
    refused_hunks("[\"b\"]", "[\"YQ==\", \"YS5j\"]", one, "hunks[0]", "paths_b64[1]"); /* a, a.c */
    refused_hunks("[]", "[]", "[{\"path\":\"x\",\"hunks\":[1]},{\"path\":\"x\",\"hunks\":[2]}]", "hunks[1]", "once");
}

static void a_set_knows_what_is_below(void **state)
{
    static const char *const v[] = {"b", "a/c", "a-", "\xff", NULL};
    AUTO(picks_set_fini) struct picks_set s = {0};

    (void)state;
    OK(picks_set_init(&s, v, &e));
    assert_true(picks_set_has(&s, "b"));
    assert_true(picks_set_has(&s, "b/x/y"));
    assert_true(picks_set_has(&s, "a/c/d"));
    assert_true(picks_set_has(&s, "\xff/a"));
    assert_false(picks_set_has(&s, "a"));
    assert_false(picks_set_has(&s, "a/cd"));
    assert_false(picks_set_has(&s, "bb"));
    assert_false(picks_set_has(&s, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_bytes_and_directories_are_found),
        cmocka_unit_test(what_is_no_change_is_refused_by_its_place),
        cmocka_unit_test(bytes_are_held_to_the_same),
        cmocka_unit_test(a_file_is_taken_whole_or_in_part),
        cmocka_unit_test(a_set_knows_what_is_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
