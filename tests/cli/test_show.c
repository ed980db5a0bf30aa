/* show: nothing of what is to be approved hides, whatever the server sends. */
#include "check.h"
#include "cli/show.h"
#include "pretend.h"
#include <string.h>

static void shown(struct ui *ui, void (*show)(struct ui *, const struct json *), const char *text)
{
    struct json *j;
    assert_int_equal(json_parse(text, strlen(text), &j, NULL), 0);
    show(ui, j);
    json_free(j);
}

#define PLAN                                                                                                           \
    "{\"plan_hash\":\"h\",\"title\":\"run the tests\",\"notes\":[\"two recipes fit\"],\"steps\":["                     \
    "{\"index\":0,\"title\":\"Run the unit tests\",\"reason\":\"the Makefile has a test target\","                     \
    "\"command\":\"make test\",\"cwd\":\".\",\"env_names\":[],\"wall_ms\":600000,"                                     \
    "\"decision\":{\"action\":\"allow\",\"rule\":\"tests\",\"reason\":\"tests may run\",\"piece\":null}},"             \
    "{\"index\":1,\"title\":\"x\\n  approve? y\",\"command\":\"echo \\u202e hi\\nrm -rf /\","                          \
    "\"cwd\":\"sub\",\"env_names\":[\"CI\"],"                                                                          \
    "\"decision\":{\"action\":\"deny\",\"rule\":\"no-root-wipe\",\"reason\":\"no\",\"piece\":\"rm -rf /\"}}]}"

static void plan_shows_everything(void **state)
{
    struct ui ui = pretend_ui(false, false);
    shown(&ui, show_plan, PLAN);
    PRETEND_IS(&ui, "plan: 2 steps  run the tests\n"
                    "  1. Run the unit tests\n"
                    "     $ make test\n"
                    "     at most 10 min 0 s\n"
                    "     why: the Makefile has a test target\n"
                    "     allow  rule tests: tests may run\n"
                    "  2. x^J  approve? y\n"
                    "     $ echo <U+202E> hi\n"
                    "     > rm -rf /\n"
                    "     in sub\n"
                    "     env CI\n"
                    "     deny  rule no-root-wipe: no  [rm -rf /]\n"
                    "  note: two recipes fit\n");
    ui_fini(&ui);
}

static void colour_is_only_decoration(void **state)
{
    struct ui ui = pretend_ui(true, true);
    shown(&ui, show_plan, PLAN);
    PRETEND_HAS(&ui, "\x1b[31mdeny\x1b[0m  rule no-root-wipe");
    PRETEND_HAS(&ui, "\x1b[1mecho <U+202E> hi\x1b[0m\n");
    ui_fini(&ui);
}

static void argv_is_quoted(void **state)
{
    struct ui ui = pretend_ui(false, false);
    shown(&ui, show_plan, "{\"steps\":[{\"index\":0,\"title\":\"t\",\"argv\":[\"rm\",\"a b\",\"$HOME\"]}]}");
    PRETEND_HAS(&ui, "$ rm 'a b' '$HOME'\n");
    ui_fini(&ui);
}

static void changes_show(void **state)
{
    struct ui ui = pretend_ui(false, false);
    static const char text[] =
        "{\"files\":3,\"additions\":14,\"deletions\":0,\"refused\":1,\"items\":["
        "{\"path\":\"report.md\",\"kind\":\"added\",\"additions\":14,\"deletions\":0,\"binary\":false,\"refused\":null}"
        ","
        "{\"path\":\"a\\u001b.o\",\"kind\":\"modified\",\"binary\":true,\"refused\":null},"
        "{\"path\":\".git/hooks/x\",\"kind\":\"added\",\"additions\":1,\"deletions\":0,\"refused\":\"hooks stay "
        "out\"}]}";
    shown(&ui, show_run, "{}"); /* nothing there: no crash */
    buf_reset(&ui.ob);
    struct json *j;
    assert_int_equal(json_parse(text, sizeof text - 1, &j, NULL), 0);
    show_changes(&ui, j, 0);
    PRETEND_IS(&ui, "changes: 3 files, +14 −0, 1 refused\n"
                    "  A report.md  +14 −0\n"
                    "  M a^[.o  binary\n"
                    "  A .git/hooks/x  +1 −0  refused: hooks stay out\n");
    buf_reset(&ui.ob);
    show_changes(&ui, j, 1);
    PRETEND_HAS(&ui, "  ... and 2 more\n");
    json_free(j);
    ui_fini(&ui);
}

static void steps_say_why(void **state)
{
    static const struct {
        const char *json, *want;
    } t[] = {
        {"{\"index\":0,\"state\":\"succeeded\",\"exit_code\":0,\"duration_ms\":1200}", "step 1/2  ok in 1.2 s\n"},
        {"{\"index\":1,\"state\":\"failed\",\"exit_code\":2,\"duration_ms\":5}",
         "step 2/2  failed: exit code 2 in 5 ms\n"},
        {"{\"index\":0,\"state\":\"failed\",\"exit_code\":null,\"signal\":9,\"oom_killed\":true}",
         "step 1/2  failed: out of memory\n"},
        {"{\"index\":0,\"state\":\"failed\",\"signal\":9,\"timed_out\":true}",
         "step 1/2  failed: longer than its time limit\n"},
        {"{\"index\":0,\"state\":\"failed\",\"signal\":11}",
         "step 1/2  failed: killed by signal 11 (Segmentation fault)\n"},
        {"{\"index\":0,\"state\":\"lost\",\"error\":\"gone\"}", "step 1/2  lost: gone\n"},
        {"{}", "step 1/2  ?\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct ui ui = pretend_ui(false, false);
        struct json *j;
        assert_int_equal(json_parse(t[i].json, strlen(t[i].json), &j, NULL), 0);
        show_step_end(&ui, j, 2);
        PRETEND_IS(&ui, t[i].want);
        json_free(j);
        ui_fini(&ui);
    }
}

static void the_end(void **state)
{
    struct ui ui = pretend_ui(false, false);
    shown(&ui, show_end,
          "{\"state\":\"succeeded\",\"duration_ms\":3149,\"artifacts\":[{\"name\":\"report.md\"},"
          "{\"name\":\"audit.json\"},{\"name\":\"diff.patch\"}]}");
    PRETEND_IS(&ui, "succeeded in 3.1 s   report.md  audit.json  diff.patch\n");
    buf_reset(&ui.ob);
    shown(&ui, show_end,
          "{\"state\":\"failed\",\"reason\":{\"code\":\"apply_conflict\",\"message\":\"moved on\"},"
          "\"apply\":{\"conflicts\":[{\"path\":\"a\",\"why\":\"changed\"}]}}");
    PRETEND_IS(&ui, "  conflict: a: changed\nfailed: moved on (apply_conflict)\n");
    ui_fini(&ui);
}

static void questions_show_their_subject(void **state)
{
    struct ui ui = pretend_ui(false, false);
    shown(&ui, show_approval,
          "{\"id\":\"apr_1\",\"kind\":\"command\",\"state\":\"pending\",\"rule\":\"network\",\"reason\":\"asks\","
          "\"piece\":\"curl x\",\"subject\":{\"text\":\"curl x\\nid\",\"cwd\":\"d\",\"network\":\"full\"}}");
    PRETEND_IS(&ui, "apr_1  command  pending\n  $ curl x\n  > id\n  in d\n  with network: full\n"
                    "  asked by rule network: asks\n  because of [curl x]\n");
    buf_reset(&ui.ob);
    shown(&ui, show_approval, "{\"subject\":{\"argv\":[\"a\",\"b c\"],\"cwd\":\"\",\"network\":\"none\"}}");
    PRETEND_HAS(&ui, "  $ a 'b c'\n");
    PRETEND_LACKS(&ui, "network");
    buf_reset(&ui.ob);
    shown(&ui, show_approval, "{\"subject\":{\"plan\":\"ab12\",\"cwd\":\"\"}}");
    PRETEND_HAS(&ui, "  plan ab12\n");
    buf_reset(&ui.ob);
    shown(&ui, show_approval, "{\"id\":\"apr_1\",\"kind\":\"file\",\"subject\":{\"file\":{\"path\":\"/x\"}}}");
    PRETEND_HAS(&ui, "{\"file\":{\"path\":\"/x\"}}");
    ui_fini(&ui);
}

static void wrong_types_do_no_harm(void **state)
{
    static const char odd[] = "{\"id\":7,\"state\":[],\"steps\":\"x\",\"changes\":3,\"reason\":\"no\",\"artifacts\":{},"
                              "\"apply\":[1],\"duration_ms\":\"x\",\"commands\":7,\"opaque\":[3],\"decision\":1}";
    struct ui ui = pretend_ui(false, false);
    shown(&ui, show_plan, odd);
    shown(&ui, show_run, odd);
    shown(&ui, show_end, odd);
    shown(&ui, show_approval, odd);
    shown(&ui, show_verdict, odd);
    shown(&ui, show_plan, "{\"steps\":[null,1,\"x\",[],{\"argv\":[1,null]}]}");
    shown(&ui, show_run, "[]");
    ui_fini(&ui);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_shows_everything),
        cmocka_unit_test(colour_is_only_decoration),
        cmocka_unit_test(argv_is_quoted),
        cmocka_unit_test(changes_show),
        cmocka_unit_test(steps_say_why),
        cmocka_unit_test(the_end),
        cmocka_unit_test(questions_show_their_subject),
        cmocka_unit_test(wrong_types_do_no_harm),
    };
    text_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
