/* args: options from tables. */
#include "check.h"
#include "cli/args.h"
#include "cli/cmd.h"
#include <string.h>

static const struct opt own[] = {
    {"project", 'p', "P", "", false}, {"yes", 'y', NULL, "", false},  {"env", 'e', "E", "", true},
    {"detach", 'd', NULL, "", false}, {"profile", 0, "X", "", false}, {0},
};
static const struct opt global[] = {{"json", 0, NULL, "", false}, {"data", 0, "DIR", "", false}, {0}};

static int parse(struct args *a, bool stop, int *used, struct err *e, int argc, const char *const *argv)
{
    memset(a, 0, sizeof *a);
    *e = ERR_INIT;
    return args_parse(a, argc, (char *const *)(uintptr_t)argv, own, global, stop, used, e);
}
#define PARSE(a, stop, used, e, ...)                                                                                   \
    parse(a, stop, used, e, (int)ARRAY_LEN(((const char *[]){__VA_ARGS__})), (const char *[]){__VA_ARGS__})

static void reads_every_form(void **state)
{
    static struct args a;
    struct err e;
    int used;
    assert_int_equal(
        PARSE(&a, false, &used, &e, "x", "-p", "one", "--json", "-eA=1", "--env=B", "-yd", "-", "--", "-p"), 0);
    assert_string_equal(args_get(&a, "project"), "one");
    assert_true(args_has(&a, "json") && args_has(&a, "yes") && args_has(&a, "detach"));
    assert_string_equal(args_nth(&a, "env", 0), "A=1");
    assert_string_equal(args_nth(&a, "env", 1), "B");
    assert_null(args_nth(&a, "env", 2));
    assert_int_equal(a.npos, 3);
    assert_string_equal(a.pos[0], "x");
    assert_string_equal(a.pos[1], "-");
    assert_string_equal(a.pos[2], "-p");
    assert_int_equal(used, 10);
    assert_false(args_has(&a, "data"));
}

static void last_one_wins(void **state)
{
    static struct args a;
    struct err e;
    int used;
    assert_int_equal(PARSE(&a, false, &used, &e, "-p", "one", "--project", "two", "--project="), 0);
    assert_string_equal(args_get(&a, "project"), "");
}

static void short_forms_of_long_names(void **state)
{
    static struct args a;
    struct err e;
    int used;
    assert_int_equal(PARSE(&a, false, &used, &e, "--det", "--proj", "x"), 0);
    assert_true(args_has(&a, "detach"));
    assert_string_equal(args_get(&a, "project"), "x");
    assert_int_equal(PARSE(&a, false, &used, &e, "--pro", "x"), -ERR_USAGE);
    assert_non_null(strstr(e.msg, "more than one"));
}

static void stops_at_the_command(void **state)
{
    static struct args a;
    struct err e;
    int used;
    assert_int_equal(PARSE(&a, true, &used, &e, "--data", "d", "run", "--nonsense"), 0);
    assert_int_equal(used, 2);
    assert_int_equal(a.npos, 0);
}

static void refuses(void **state)
{
    static struct args a;
    struct err e;
    int used;
    assert_int_equal(PARSE(&a, false, &used, &e, "--nope"), -ERR_USAGE);
    assert_non_null(strstr(e.msg, "--nope"));
    assert_int_equal(PARSE(&a, false, &used, &e, "-z"), -ERR_USAGE);
    assert_int_equal(PARSE(&a, false, &used, &e, "-\xc3\xa9"), -ERR_USAGE);
    assert_int_equal(PARSE(&a, false, &used, &e, "--project"), -ERR_USAGE);
    assert_int_equal(PARSE(&a, false, &used, &e, "-yp"), -ERR_USAGE);
    assert_int_equal(PARSE(&a, false, &used, &e, "--yes=1"), -ERR_USAGE);
    assert_int_equal(PARSE(&a, false, &used, &e, "--=1"), -ERR_USAGE);
}

static void bounded(void **state)
{
    static struct args a;
    static const char *argv[ARGS_POS_MAX + 1];
    struct err e;
    int used;
    for (size_t i = 0; i < ARRAY_LEN(argv); i++)
        argv[i] = "-eX";
    assert_int_equal(parse(&a, false, &used, &e, (int)ARRAY_LEN(argv), argv), -ERR_USAGE);
    for (size_t i = 0; i < ARRAY_LEN(argv); i++)
        argv[i] = "x";
    assert_int_equal(parse(&a, false, &used, &e, ARGS_POS_MAX, argv), 0);
    assert_int_equal(parse(&a, false, &used, &e, ARGS_POS_MAX + 1, argv), -ERR_USAGE);
}

static const struct cli_cmd *find(const char *a, const char *b, int *words)
{
    const char *argv[] = {a, b};
    return cli_find(b ? 2 : 1, (char *const *)(uintptr_t)argv, words);
}

static void finds_commands(void **state)
{
    int words;
    assert_string_equal(find("run", "policy", &words)->name, "run");
    assert_int_equal(words, 1);
    assert_string_equal(find("audit", NULL, &words)->name, "audit");
    assert_string_equal(find("audit", "verify", &words)->name, "audit verify");
    assert_int_equal(words, 2);
    assert_string_equal(find("audit", "--json", &words)->name, "audit");
    assert_null(find("policy", NULL, &words));
    assert_null(find("policy", "nope", &words));
    assert_null(find("pol", "test", &words));
    assert_null(find("", NULL, &words));
    assert_true(cli_is_group("policy"));
    assert_true(cli_is_group("audit"));
    assert_false(cli_is_group("run"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_form),
        cmocka_unit_test(last_one_wins),
        cmocka_unit_test(short_forms_of_long_names),
        cmocka_unit_test(stops_at_the_command),
        cmocka_unit_test(refuses),
        cmocka_unit_test(bounded),
        cmocka_unit_test(finds_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
