/* show: nothing of what is to be approved hides, whatever the server sends. */
#include "check.h"
#include "cli/show.h"
#include "pretend.h"
#include <string.h>

static struct json *parsed(const char *text)
{
    struct json *j;
    assert_int_equal(json_parse(text, strlen(text), &j, NULL), 0);
    return j;
}

static void shown(struct ui *ui, void (*show)(struct ui *, const struct json *), const char *text)
{
    struct json *j = parsed(text);
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
    struct json *j = parsed(text);
    show_changes(&ui, j, 0);
    PRETEND_IS(&ui, "changes: 3 files, +14 −0, 1 refused\n"
                    "  A report.md  +14 −0\n"
                    "  M $'a\\033.o'  binary\n"
                    "  A .git/hooks/x  +1 −0  refused: hooks stay out\n");
    buf_reset(&ui.ob);
    show_changes(&ui, j, 1);
    PRETEND_HAS(&ui, "  ... and 2 more\n");
    json_free(j);
    ui_fini(&ui);
}

static void one_change(const char *json, const char *want)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(4 * KIB);
    AUTO(buf_fini) struct buf line = BUF_INIT(4 * KIB);
    struct ui ui = pretend_ui(false, false);
    buf_printf(&text, "{\"files\":1,\"additions\":0,\"deletions\":0,\"refused\":0,\"items\":[{%s}]}", json);
    buf_printf(&line, "changes: 1 file, +0 −0\n  %s\n", want);
    struct json *j = parsed(text.p);
    show_changes(&ui, j, 0);
    PRETEND_IS(&ui, line.p);
    json_free(j);
    ui_fini(&ui);
}

#define NEW(path, mode, bytes)                                                                                         \
    "\"path\":\"" path "\",\"kind\":\"added\",\"old_mode\":null,\"new_mode\":\"" mode "\",\"new_bytes\":" bytes        \
    ",\"additions\":1,\"deletions\":0,\"binary\":false,\"refused\":null"
#define WAS(kind, old, old_bytes, new, new_bytes, binary)                                                              \
    "\"path\":\"f\",\"kind\":\"" kind "\",\"old_mode\":\"" old                                                         \
    "\",\"new_mode\":\"" new "\",\"old_bytes\":" old_bytes ",\"new_bytes\":" new_bytes                                 \
                             ",\"additions\":1,\"deletions\":2,\"binary\":" binary

/* Nothing that an apply would do to a file is left out of its line. */
static void a_change_says_mode_kind_and_size(void **state)
{
    one_change(NEW("f", "100644", "312"), "A f  +1 −0  312 B");
    one_change(NEW("f", "100755", "2048"), "A f  +1 −0  executable, 2.0 KiB");
    one_change(NEW("f", "100600", "0"), "A f  +1 −0  mode 600, 0 B");
    one_change(NEW("f", "104755", "9"), "A f  +1 −0  mode 4755, 9 B");
    one_change(NEW("f", "120777", "4"), "A f  +1 −0  symlink");
    one_change(NEW("f", "040755", "0"), "A f  directory");
    one_change(NEW("f", "041777", "0"), "A f  directory, mode 1777");
    one_change(WAS("modified", "100644", "1024", "100644", "2560", "true"), "M f  binary  1.0 KiB → 2.5 KiB");
    one_change(WAS("modified", "100644", "3", "100755", "3", "false"), "M f  +1 −2  mode 644 → 755, 3 B");
    one_change(WAS("mode", "100755", "3", "104755", "3", "false"), "m f  mode 755 → 4755");
    one_change(WAS("kind", "100644", "3", "120777", "5", "false"), "T f  +1 −2  file → symlink, was 3 B");
    one_change(WAS("modified", "100644", "1", "100644", "10737418240", "true"),
               "M f  too large for the diff  1 B → 10.0 GiB");
    one_change(WAS("modified", "100644", "1", "100644", "9437184", "true"), "M f  large  1 B → 9.0 MiB");
    one_change("\"path\":\"f\",\"kind\":\"deleted\",\"old_mode\":\"100644\",\"old_bytes\":7,\"additions\":0,"
               "\"deletions\":3",
               "D f  +0 −3  was 7 B");
    one_change("\"path\":4,\"kind\":5,\"old_mode\":6,\"new_mode\":\"x\",\"new_bytes\":\"y\"", "?   +0 −0");
}

static void a_name_cannot_pose_as_something_else(void **state)
{
    one_change(NEW("src/名字-v1.c", "100644", "1"), "A src/名字-v1.c  +1 −0  1 B");
    one_change(NEW("a  +0 −0  1 B", "100644", "1"), "A 'a  +0 −0  1 B'  +1 −0  1 B");
    one_change(NEW("it's", "100644", "1"), "A 'it'\\''s'  +1 −0  1 B");
    one_change(NEW("new\\nline", "100644", "1"), "A $'new\\nline'  +1 −0  1 B");
    one_change(NEW("\\u001b[2J", "100644", "1"), "A $'\\033[2J'  +1 −0  1 B");
    one_change(NEW("\\u202ecod.exe", "100644", "1"), "A $'\\342\\200\\256cod.exe'  +1 −0  1 B");
    one_change(NEW("b\\ufffdd\",\"path_b64\":\"Yv9k", "100644", "1"), "A $'b\\377d'  +1 −0  1 B");
    one_change(NEW("$'x'", "100644", "1"), "A '$'\\''x'\\'''  +1 −0  1 B");
    one_change(NEW("wide\\u3000blank", "100644", "1"), "A 'wide\xe3\x80\x80"
                                                       "blank'  +1 −0  1 B");
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
        struct json *j = parsed(t[i].json);
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
        cmocka_unit_test(a_change_says_mode_kind_and_size),
        cmocka_unit_test(a_name_cannot_pose_as_something_else),
        cmocka_unit_test(steps_say_why),
        cmocka_unit_test(the_end),
        cmocka_unit_test(questions_show_their_subject),
        cmocka_unit_test(wrong_types_do_no_harm),
    };
    text_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
