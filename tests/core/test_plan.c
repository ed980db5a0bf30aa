/* Plans: what is taken, what is refused and under which name, one shape out, and the hash of what will run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/str.h"
#include "core/plan.h"

static int from_steps(const char *text, struct plan **ret, struct err *e)
{
    AUTO_PTR(json_free) struct json *j = NULL;

    int r = json_parse(text, strlen(text), &j, e);
    return r < 0 ? r : plan_from_steps(j, "steps", ret, e);
}

static struct plan *good(const char *text)
{
    struct plan *p = NULL;
    struct err e = ERR_INIT;

    if (from_steps(text, &p, &e) < 0)
        fail_msg("%s: %s", text, e.msg);
    return p;
}

static void shape(const struct plan *p, const char *want)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(MIB);
    struct jw w = JW_INIT(&b);

    plan_json(&w, p);
    assert_int_equal(b.bad, 0);
    assert_string_equal(b.p, want);
}

static void one_shape(void **state)
{
    AUTO_PTR(plan_free)
    struct plan *p =
        good("[{\"command\":\"make test\"},"
             "{\"argv\":[\"ls\",\"-l\",\"a b\"],\"title\":\"look\",\"reason\":\"why\",\"cwd\":\"./src//a/\","
             "\"env_names\":[\"CC\",\"_x1\"],\"wall_ms\":5000,\"kind\":\"command\"}]");

    shape(p, "{\"title\":\"make test (+1)\",\"notes\":[],\"steps\":["
             "{\"index\":0,\"kind\":\"command\",\"title\":\"make test\",\"reason\":null,\"command\":\"make test\","
             "\"argv\":null,\"cwd\":\"\",\"env_names\":[],\"wall_ms\":null},"
             "{\"index\":1,\"kind\":\"command\",\"title\":\"look\",\"reason\":\"why\",\"command\":null,"
             "\"argv\":[\"ls\",\"-l\",\"a b\"],\"cwd\":\"src/a\",\"env_names\":[\"CC\",\"_x1\"],\"wall_ms\":5000}]}");
    assert_null(p->steps[1].argv[3]);
}

static void terminals(void **state)
{
    AUTO_PTR(plan_free)
    struct plan *p =
        good("[{\"command\":\"a\",\"pty\":true,\"rows\":50},{\"command\":\"b\",\"pty\":false,\"cols\":null}]");

    shape(p, "{\"title\":\"a (+1)\",\"notes\":[],\"steps\":["
             "{\"index\":0,\"kind\":\"command\",\"title\":\"a\",\"reason\":null,\"command\":\"a\","
             "\"argv\":null,\"cwd\":\"\",\"env_names\":[],\"wall_ms\":null,\"pty\":true,\"cols\":80,\"rows\":50},"
             "{\"index\":1,\"kind\":\"command\",\"title\":\"b\",\"reason\":null,\"command\":\"b\","
             "\"argv\":null,\"cwd\":\"\",\"env_names\":[],\"wall_ms\":null}]}");
}

/* What is written is read back as the same, from the store and as an edited plan. */
static void written_reads_back(void **state)
{
    AUTO_PTR(plan_free) struct plan *p = good("[{\"command\":\"a\"},{\"argv\":[\"b\"],\"cwd\":\"x\",\"wall_ms\":1}]");
    AUTO_PTR(plan_free) struct plan *stored = NULL;
    AUTO_PTR(plan_free) struct plan *edited = NULL;
    AUTO_PTR(json_free) struct json *j = NULL;
    AUTO(buf_fini) struct buf b = BUF_INIT(MIB);
    struct jw w = JW_INIT(&b);
    char h1[SHA256_HEX], h2[SHA256_HEX];

    assert_int_equal(plan_add_note(p, "a note", NULL), 0);
    plan_json(&w, p);
    assert_int_equal(json_parse(b.p, b.len, &j, NULL), 0);
    assert_int_equal(plan_from_json(j, &stored, NULL), 0);
    shape(stored, b.p);
    assert_int_equal(plan_from_steps(json_get(j, "steps"), "steps", &edited, NULL), 0);
    assert_int_equal(plan_hash(p, true, h1, NULL), 0);
    assert_int_equal(plan_hash(edited, true, h2, NULL), 0);
    assert_string_equal(h1, h2);
    plan_free(TAKE(edited));
    edited = good("[{\"index\":0,\"command\":\"a\",\"decision\":{\"action\":\"allow\"}},"
                  "{\"index\":7,\"command\":null,\"reason\":null,\"wall_ms\":1,\"argv\":[\"b\"],\"cwd\":\"x\","
                  "\"decision\":null}]");
    assert_int_equal(plan_hash(edited, true, h2, NULL), 0);
    assert_string_equal(h1, h2);
}

static void stored_plans_are_checked(void **state)
{
    static const char *const bad[][2] = {
        {"[]", ""},
        {"{}", "steps"},
        {"{\"steps\":[]}", "steps"},
        {"{\"steps\":[{\"command\":\"a\"}],\"x\":1}", "x"},
        {"{\"steps\":[{\"command\":\"a\"}],\"title\":7}", "title"},
        {"{\"steps\":[{\"command\":\"a\"}],\"title\":\"a\\nb\"}", "title"},
        {"{\"steps\":[{\"command\":\"a\"}],\"notes\":[1]}", "notes"},
        {"{\"steps\":[{\"command\":\"a\"}],\"notes\":\"a\"}", "notes"},
        {"{\"steps\":[{\"command\":\"a\"}],\"notes\":[\"\\u0007\"]}", "notes"},
        {"{\"steps\":[{\"command\":\"a\",\"y\":1}]}", "steps[0].y"},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO_PTR(json_free) struct json *j = NULL;
        struct plan *p = NULL;
        struct err e = ERR_INIT;
        assert_int_equal(json_parse(bad[i][0], strlen(bad[i][0]), &j, NULL), 0);
        assert_true(plan_from_json(j, &p, &e) < 0);
        assert_string_equal(e.field, bad[i][1]);
        assert_null(p);
    }
}

static void problems_name_their_field(void **state)
{
    static const struct {
        const char *text, *field;
        int code;
    } row[] = {
        {"{}", "steps", ERR_INVALID},
        {"null", "steps", ERR_INVALID},
        {"[]", "steps", ERR_INVALID},
        {"[1]", "steps[0]", ERR_INVALID},
        {"[null]", "steps[0]", ERR_INVALID},
        {"[{}]", "steps[0]", ERR_INVALID},
        {"[{\"command\":\"a\",\"argv\":[\"a\"]}]", "steps[0]", ERR_INVALID},
        {"[{\"command\":null}]", "steps[0]", ERR_INVALID},
        {"[{\"command\":7}]", "steps[0].command", ERR_INVALID},
        {"[{\"command\":\"\"}]", "steps[0].command", ERR_INVALID},
        {"[{\"command\":\" \\n\\t\"}]", "steps[0].command", ERR_INVALID},
        {"[{\"command\":\"a\",\"cmd\":\"b\"}]", "steps[0].cmd", ERR_UNKNOWN_FIELD},
        {"[{\"command\":\"a\"},{\"command\":\"a\"},{\"command\":\"a\",\"cwd\":\"../x\"}]", "steps[2].cwd", ERR_INVALID},
        {"[{\"command\":\"a\",\"cwd\":\"/x\"}]", "steps[0].cwd", ERR_INVALID},
        {"[{\"command\":\"a\",\"cwd\":\"a/..\"}]", "steps[0].cwd", ERR_INVALID},
        {"[{\"command\":\"a\",\"cwd\":\"a/./../b\"}]", "steps[0].cwd", ERR_INVALID},
        {"[{\"command\":\"a\",\"cwd\":\"a\\nb\"}]", "steps[0].cwd", ERR_INVALID},
        {"[{\"command\":\"a\",\"cwd\":null}]", "steps[0].cwd", ERR_INVALID},
        {"[{\"command\":\"a\",\"title\":1}]", "steps[0].title", ERR_INVALID},
        {"[{\"command\":\"a\",\"title\":\"a\\u001b[31m\"}]", "steps[0].title", ERR_INVALID},
        {"[{\"command\":\"a\",\"title\":\"a\\u202eb\"}]", "steps[0].title", ERR_INVALID},
        {"[{\"command\":\"a\",\"title\":\"a\\u0085b\"}]", "steps[0].title", ERR_INVALID},
        {"[{\"command\":\"a\",\"title\":\"a\\u2028b\"}]", "steps[0].title", ERR_INVALID},
        {"[{\"command\":\"a\",\"reason\":\"a\\rb\"}]", "steps[0].reason", ERR_INVALID},
        {"[{\"command\":\"a\",\"kind\":\"tool\"}]", "steps[0].kind", ERR_INVALID},
        {"[{\"command\":\"a\",\"kind\":1}]", "steps[0].kind", ERR_INVALID},
        {"[{\"command\":\"a\",\"wall_ms\":0}]", "steps[0].wall_ms", ERR_INVALID},
        {"[{\"command\":\"a\",\"wall_ms\":-1}]", "steps[0].wall_ms", ERR_INVALID},
        {"[{\"command\":\"a\",\"wall_ms\":1.5}]", "steps[0].wall_ms", ERR_INVALID},
        {"[{\"command\":\"a\",\"wall_ms\":604800001}]", "steps[0].wall_ms", ERR_INVALID},
        {"[{\"command\":\"a\",\"pty\":1}]", "steps[0].pty", ERR_INVALID},
        {"[{\"command\":\"a\",\"cols\":80}]", "steps[0].cols", ERR_INVALID},
        {"[{\"command\":\"a\",\"pty\":true,\"cols\":0}]", "steps[0].cols", ERR_INVALID},
        {"[{\"command\":\"a\",\"pty\":true,\"rows\":4097}]", "steps[0].rows", ERR_INVALID},
        {"[{\"argv\":[]}]", "steps[0].argv", ERR_INVALID},
        {"[{\"argv\":\"ls\"}]", "steps[0].argv", ERR_INVALID},
        {"[{\"argv\":[\"\"]}]", "steps[0].argv[0]", ERR_INVALID},
        {"[{\"argv\":[\"ls\",null]}]", "steps[0].argv[1]", ERR_INVALID},
        {"[{\"command\":\"a\",\"env_names\":\"A\"}]", "steps[0].env_names", ERR_INVALID},
        {"[{\"command\":\"a\",\"env_names\":[\"A\",\"B=1\"]}]", "steps[0].env_names[1]", ERR_INVALID},
        {"[{\"command\":\"a\",\"env_names\":[\"1A\"]}]", "steps[0].env_names[0]", ERR_INVALID},
        {"[{\"command\":\"a\",\"env_names\":[\"\"]}]", "steps[0].env_names[0]", ERR_INVALID},
        {"[{\"command\":\"a\",\"env_names\":[\"A\",\"A\"]}]", "steps[0].env_names[1]", ERR_INVALID},
        {"[{\"command\":\"a\",\"env_names\":[1]}]", "steps[0].env_names[0]", ERR_INVALID},
    };

    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct plan *p = NULL;
        struct err e = ERR_INIT;
        int r = from_steps(row[i].text, &p, &e);
        if (r != -row[i].code || strcmp(e.field, row[i].field) != 0)
            fail_msg("%s: got %d \"%s\" at \"%s\"", row[i].text, r, e.msg, e.field);
        assert_non_null(strstr(e.msg, row[i].field));
        assert_null(p);
    }
}

/* `n` times `c` between the two texts. */
static char *long_text(const char *before, char c, size_t n, const char *after)
{
    char *mid = malloc(n + 1);

    assert_non_null(mid);
    memset(mid, c, n);
    mid[n] = '\0';
    char *all = str_printf("%s%s%s", before, mid, after);
    free(mid);
    assert_non_null(all);
    return all;
}

static void limits(void **state)
{
    static const struct {
        const char *before;
        size_t most;
        const char *after, *field;
    } row[] = {
        {"[{\"command\":\"", 64 * KIB, "\"}]", "steps[0].command"},
        {"[{\"argv\":[\"", 64 * KIB - 1, "\"]}]", "steps[0].argv"},
        {"[{\"command\":\"a\",\"title\":\"", 200, "\"}]", "steps[0].title"},
        {"[{\"command\":\"a\",\"cwd\":\"", 1024, "\"}]", "steps[0].cwd"},
        {"[{\"command\":\"a\",\"reason\":\"", 1000, "\"}]", "steps[0].reason"},
        {"[{\"command\":\"a\",\"env_names\":[\"", 128, "\"]}]", "steps[0].env_names[0]"},
    };

    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        char *fits = long_text(row[i].before, 'a', row[i].most, row[i].after);
        char *over = long_text(row[i].before, 'a', row[i].most + 1, row[i].after);
        struct plan *p = good(fits);
        struct err e = ERR_INIT;
        plan_free(TAKE(p));
        assert_int_equal(from_steps(over, &p, &e), -ERR_INVALID);
        assert_string_equal(e.field, row[i].field);
        free(fits);
        free(over);
    }
}

/* n items, each a number between the two texts of `one`. */
static char *many(const char *before, const char *const one[2], size_t n, const char *after)
{
    struct buf b = BUF_INIT(MIB);

    buf_puts(&b, before);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(&b, ',');
        buf_printf(&b, "%s%zu%s", one[0], i, one[1]);
    }
    buf_puts(&b, after);
    return buf_take(&b, NULL);
}

static void counts(void **state)
{
    static const struct {
        const char *before, *one[2];
        size_t most;
        const char *after, *field;
    } row[] = {
        {"[", {"{\"command\":\"a", "\"}"}, 64, "]", "steps"},
        {"[{\"argv\":[", {"\"w", "\""}, 256, "]}]", "steps[0].argv"},
        {"[{\"command\":\"a\",\"env_names\":[", {"\"V", "\""}, 64, "]}]", "steps[0].env_names"},
    };

    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        char *fits = many(row[i].before, row[i].one, row[i].most, row[i].after);
        char *over = many(row[i].before, row[i].one, row[i].most + 1, row[i].after);
        struct plan *p = good(fits);
        struct err e = ERR_INIT;
        char hash[SHA256_HEX];
        assert_int_equal(plan_hash(p, false, hash, &e), 0);
        plan_free(TAKE(p));
        assert_int_equal(from_steps(over, &p, &e), -ERR_INVALID);
        assert_string_equal(e.field, row[i].field);
        free(fits);
        free(over);
    }
}

static void titles_from_commands(void **state)
{
    static const char *const row[][2] = {
        {"[{\"command\":\"  make\\n\\ttest \"}]", "make test"},
        {"[{\"command\":\"echo a\\u202eb\"}]", "echo a b"},
        {"[{\"command\":\"echo \\u001b[31m\"}]", "echo [31m"},
        {"[{\"command\":\"\\u200b\"}]", "command"},
        {"[{\"argv\":[\"ls\",\"\",\"运行\"]}]", "ls 运行"},
        {"[{\"command\":\"a\",\"title\":\"\"}]", "a"},
        {"[{\"command\":"
         "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}]",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…"},
    };

    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        AUTO_PTR(plan_free) struct plan *p = good(row[i][0]);
        assert_string_equal(p->steps[0].title, row[i][1]);
        assert_string_equal(p->title, row[i][1]);
    }
}

static void hash_of(const char *text, bool network, char ret[SHA256_HEX])
{
    AUTO_PTR(plan_free) struct plan *p = good(text);

    assert_int_equal(plan_hash(p, network, ret, NULL), 0);
}

/* Computed with Python: sha256 of json.dumps({"network": False, "steps": [{"command": "make test", "cwd": "",
 * "env_names": [], "kind": "command", "wall_ms": 0}, {"argv": […], …}]}, sort_keys, no blanks, ensure_ascii=False). */
static void known_hash(void **state)
{
    char h[SHA256_HEX];

    hash_of("[{\"command\":\"make test\"},{\"argv\":[\"printf\",\"%s\\n\",\"\\u00e4\\u20ac\"],\"cwd\":\"src/a\","
            "\"env_names\":[\"HOME_X\",\"CC\"],\"wall_ms\":5000}]",
            false, h);
    assert_string_equal(h, "a4f8d5777f03c6a6d3a05ba947c649d31d34525b35a000ff79400d4d57d2291a");
}

static void hash_follows_what_runs(void **state)
{
    static const char base[] = "[{\"command\":\"ls a\",\"cwd\":\"x\",\"env_names\":[\"A\",\"B\"],\"wall_ms\":9}]";
    static const struct {
        const char *text;
        bool network, same;
    } row[] = {
        {base, false, true},
        {base, true, false},
        {"[{\"command\":\"ls "
         "a\",\"cwd\":\"./x/\",\"env_names\":[\"B\",\"A\"],\"wall_ms\":9,\"title\":\"t\",\"reason\":\"r\"}]",
         false, true},
        {"[{\"command\":\"ls  a\",\"cwd\":\"x\",\"env_names\":[\"A\",\"B\"],\"wall_ms\":9}]", false, false},
        {"[{\"argv\":[\"ls\",\"a\"],\"cwd\":\"x\",\"env_names\":[\"A\",\"B\"],\"wall_ms\":9}]", false, false},
        {"[{\"argv\":[\"ls a\"],\"cwd\":\"x\",\"env_names\":[\"A\",\"B\"],\"wall_ms\":9}]", false, false},
        {"[{\"command\":\"ls a\",\"cwd\":\"y\",\"env_names\":[\"A\",\"B\"],\"wall_ms\":9}]", false, false},
        {"[{\"command\":\"ls a\",\"cwd\":\"x\",\"env_names\":[\"A\"],\"wall_ms\":9}]", false, false},
        {"[{\"command\":\"ls a\",\"cwd\":\"x\",\"env_names\":[\"A\",\"B\"]}]", false, false},
        {"[{\"command\":\"ls a\",\"cwd\":\"x\",\"env_names\":[\"A\",\"B\"],\"wall_ms\":9,\"pty\":false}]", false, true},
        {"[{\"command\":\"ls a\",\"cwd\":\"x\",\"env_names\":[\"A\",\"B\"],\"wall_ms\":9,\"pty\":true}]", false, false},
        {"[{\"command\":\"ls a\",\"cwd\":\"x\",\"env_names\":[\"A\",\"B\"],\"wall_ms\":9},{\"command\":\"b\"}]", false,
         false},
    };
    char want[SHA256_HEX], h[SHA256_HEX];

    hash_of(base, false, want);
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        hash_of(row[i].text, row[i].network, h);
        if (!strcmp(h, want) != row[i].same)
            fail_msg("row %zu", i);
    }
}

static void built_plans(void **state)
{
    AUTO_PTR(plan_free) struct plan *p = plan_new();
    struct err e = ERR_INIT;
    char h[SHA256_HEX];

    assert_non_null(p);
    for (int i = 0; i < PLAN_STEPS_MAX; i++)
        assert_int_equal(plan_add_command(p, i ? "title" : NULL, "because", "make all", &e), 0);
    assert_int_equal(plan_add_command(p, "t", NULL, "x", &e), -ERR_TOO_LARGE);
    assert_string_equal(p->steps[0].title, "make all");
    assert_string_equal(p->steps[1].title, "title");
    for (int i = 0; i < 16; i++)
        assert_int_equal(plan_add_note(p, "n", &e), 0);
    assert_int_equal(plan_add_note(p, "n", &e), -ERR_TOO_LARGE);
    assert_int_equal(plan_hash(p, false, h, &e), 0);
    p->steps[3].command[0] = (char)0xff;
    assert_int_equal(plan_hash(p, false, h, &e), -ERR_INVALID);
    plan_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_shape),
        cmocka_unit_test(terminals),
        cmocka_unit_test(written_reads_back),
        cmocka_unit_test(stored_plans_are_checked),
        cmocka_unit_test(problems_name_their_field),
        cmocka_unit_test(limits),
        cmocka_unit_test(counts),
        cmocka_unit_test(titles_from_commands),
        cmocka_unit_test(known_hash),
        cmocka_unit_test(hash_follows_what_runs),
        cmocka_unit_test(built_plans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
