/* planform: what the editor shows comes back exactly as it was. */
#include "check.h"
#include "cli/planform.h"
#include "cli/text.h"
#include <stdlib.h>
#include <string.h>

/* The steps a PUT would send for this text, canonical; free() it. */
static char *body_of(const char *text, size_t *ret_n)
{
    struct buf body = BUF_INIT(1 << 20), canon = BUF_INIT(1 << 20);
    struct err e = ERR_INIT;
    assert_int_equal(planform_read(text, strlen(text), &body, ret_n, &e), 0);
    assert_int_equal(json_canonical_text(body.p, body.len, &canon, &e), 0);
    buf_fini(&body);
    return buf_take(&canon, NULL);
}

static void round_trip(const char *steps)
{
    struct buf plan = BUF_INIT(1 << 20), text = BUF_INIT(1 << 20), want = BUF_INIT(1 << 20);
    struct json *j;
    size_t n;
    buf_printf(&plan, "{\"steps\":%s}", steps);
    assert_int_equal(json_parse(plan.p, plan.len, &j, NULL), 0);
    assert_int_equal(json_canonical(j, &want, NULL), 0);
    planform_write(&text, j);
    char *got = body_of(text.p, &n);
    assert_string_equal(got, want.p);
    assert_int_equal(n, json_len(json_get(j, "steps")));
    free(got);
    json_free(j);
    buf_fini(&plan);
    buf_fini(&text);
    buf_fini(&want);
}

static void round_trips(void **state)
{
    round_trip("[{\"command\":\"make test\"}]");
    round_trip("[{\"command\":\"make test\",\"title\":\"运行单测\",\"cwd\":\"a/b\",\"env_names\":[\"CI\",\"HOME\"],"
               "\"wall_ms\":30000},{\"argv\":[\"ls\",\"a b\",\"\"]}]");
    round_trip("[{\"command\":\"set -e\\nmake  test\\n\\n\\n  make lint # x\",\"wall_ms\":1500}]");
    round_trip("[{\"command\":\"cat <<'E'\\n\\tx\\nE\"},{\"command\":\"b\",\"wall_ms\":120000}]");
    round_trip("[{\"command\":\"|\"},{\"command\":\"# no comment\"},{\"command\":\"\\\"q\\\" 'r'\"}]");
    round_trip("[{\"command\":\" lead\"},{\"command\":\"trail \"},{\"command\":\"a\\n\"},{\"command\":\"\\na\"}]");
    round_trip("[{\"command\":\"a\\u202eb\"},{\"command\":\"a\\u001b[2J\\nb\"},{\"command\":\"a\\r\\nb\"}]");
    round_trip("[{\"command\":\"bash\",\"pty\":true,\"cols\":132,\"rows\":43},{\"command\":\"b\"}]");
    round_trip("[{\"argv\":[\"\\u200b\",\"title: x\"]}]");
    round_trip("[{\"command\":\"a\\n \\nb\"},{\"command\":\"a\\n    indented\"}]");
}

static void reads_what_people_type(void **state)
{
    size_t n;
    char *got = body_of("# hello\r\nstep:make  \r\ntitle:  T \r\n\r\n   \nstep: |\n    a\n\n    b\n\n\n# end\n", &n);
    assert_string_equal(got, "{\"steps\":[{\"command\":\"make\",\"title\":\"T\"},{\"command\":\"a\\n\\nb\"}]}");
    assert_int_equal(n, 2);
    free(got);
    got = body_of("# nothing\n\n", &n);
    assert_string_equal(got, "{\"steps\":[]}");
    assert_int_equal(n, 0);
    free(got);
}

static void fails(const char *text, const char *says)
{
    struct buf body = BUF_INIT(4096);
    struct err e = ERR_INIT;
    size_t n = 77;
    assert_int_equal(planform_read(text, strlen(text), &body, &n, &e), -ERR_INVALID);
    assert_non_null(strstr(e.msg, says));
    assert_int_equal(n, 77);
    buf_fini(&body);
}

static void names_the_line(void **state)
{
    fails("step: a\nfoo\n", "line 2");
    fails("step: a\nfoo: x\n", "line 2");
    fails("title: x\n", "line 1");
    fails("step: a\ntitle: x\ntitle: y\n", "line 3");
    fails("step: a\ntime: soon\n", "line 2");
    fails("step: a\ntime: 0s\n", "line 2");
    fails("step: a\nenv: A 1B\n", "line 2");
    fails("step: a\nenv: A=1\n", "line 2");
    fails("\nstep:\n", "line 2");
    fails("step: |\nstep: b\n", "line 1");
    fails("step: |\n", "line 1");
    fails("argv: [1]\n", "line 1");
    fails("argv: []\n", "line 1");
    fails("argv: make\n", "line 1");
    fails("json: 7\n", "line 1");
    fails("step: a\n    lost\n", "line 2");
    fails("step: \xff\n", "UTF-8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(round_trips), cmocka_unit_test(reads_what_people_type),
                                       cmocka_unit_test(names_the_line)};
    text_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
