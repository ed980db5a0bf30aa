/* logview: margins, colours that end with their line, pieces that come in any cut. */
#include "check.h"
#include "cli/logview.h"
#include "pretend.h"
#include <string.h>

static void add(struct logview *v, int stream, const char *s)
{
    logview_add(v, "stp_1", stream, s, strlen(s));
}

static void tells_streams_apart(void **state)
{
    struct ui ui = pretend_ui(false, false);
    struct logview v;
    logview_init(&v, &ui);
    add(&v, LV_OUT, "one\ntwo");
    add(&v, LV_ERR, "oops\n");
    add(&v, LV_OUT, "three\n");
    add(&v, LV_SYS, "cut\n");
    add(&v, LV_OUT, "\n");
    logview_end(&v);
    PRETEND_IS(&ui, "   | one\n   | two\nerr| oops\n   | three\nsys| cut\n   | \n");
    ui_fini(&ui);
}

static void other_steps_begin_anew(void **state)
{
    struct ui ui = pretend_ui(false, false);
    struct logview v;
    logview_init(&v, &ui);
    logview_add(&v, "stp_1", LV_OUT, "a", 1);
    logview_add(&v, "stp_2", LV_OUT, "b", 1);
    logview_end(&v);
    PRETEND_IS(&ui, "   | a\n   | b\n");
    ui_fini(&ui);
}

static void passes_bytes_when_not_a_terminal(void **state)
{
    struct ui ui = pretend_ui(false, false);
    struct logview v;
    logview_init(&v, &ui);
    add(&v, LV_OUT, "\x1b[2J\r\xff\n");
    logview_end(&v);
    PRETEND_IS(&ui, "   | \x1b[2J\r\xff\n");
    ui_fini(&ui);
}

static void safe_on_a_terminal(void **state)
{
    struct ui ui = pretend_ui(true, false);
    struct logview v;
    logview_init(&v, &ui);
    add(&v, LV_OUT, "\x1b[2Jx\x1b[31mred\xff\n");
    add(&v, LV_OUT, "50%\r100%\r\nok\n");
    add(&v, LV_OUT, "\r\rx\n");
    logview_end(&v);
    PRETEND_IS(&ui, "   | ^[[2Jxred\\xFF\n   | 50%\n   | 100%\n   | ok\n   | x\n");
    ui_fini(&ui);
}

static void colours_end_with_the_line(void **state)
{
    struct ui ui = pretend_ui(true, true);
    struct logview v;
    logview_init(&v, &ui);
    add(&v, LV_ERR, "\x1b[31mred\nstill\x1b[0m no\nplain\n");
    logview_end(&v);
    PRETEND_IS(&ui, "\x1b[31merr| \x1b[0m\x1b[31mred\x1b[0m\n"
                    "\x1b[31merr| \x1b[0m\x1b[31mstill\x1b[0m no\n"
                    "\x1b[31merr| \x1b[0mplain\n");
    ui_fini(&ui);
}

/* Any cut of the bytes gives the same picture. */
static void cut_anywhere(void **state)
{
    static const char text[] = "运行\x1b[1mx\x1b[0m\r\n\xe8\xbf\nend\x1b[";
    struct ui whole = pretend_ui(true, true);
    struct logview v;
    logview_init(&v, &whole);
    logview_add(&v, "s", LV_OUT, text, sizeof text - 1);
    logview_end(&v);
    for (size_t i = 0; i < sizeof text; i++) {
        for (size_t k = i; k < sizeof text; k++) {
            struct ui ui = pretend_ui(true, true);
            logview_init(&v, &ui);
            logview_add(&v, "s", LV_OUT, text, i);
            logview_add(&v, "s", LV_OUT, text + i, k - i);
            logview_add(&v, "s", LV_OUT, text + k, sizeof text - 1 - k);
            logview_end(&v);
            assert_string_equal(pretend_text(&ui), pretend_text(&whole));
            ui_fini(&ui);
        }
    }
    ui_fini(&whole);
}

static void reads_frames(void **state)
{
    struct buf room = BUF_INIT(1024);
    struct json *j;
    const char *p;
    size_t n;
    static const char good[] = "{\"text\":\"?\",\"text_b64\":\"/wA=\"}", bad[] = "{\"text_b64\":\"*\"}", none[] = "{}";
    assert_int_equal(json_parse(good, sizeof good - 1, &j, NULL), 0);
    assert_int_equal(logview_bytes(j, &room, &p, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_memory_equal(p, "\xff\0", 2);
    json_free(j);
    assert_int_equal(json_parse(bad, sizeof bad - 1, &j, NULL), 0);
    assert_int_equal(logview_bytes(j, &room, &p, &n, NULL), -ERR_IO);
    json_free(j);
    assert_int_equal(json_parse(none, sizeof none - 1, &j, NULL), 0);
    assert_int_equal(logview_bytes(j, &room, &p, &n, NULL), 0);
    assert_int_equal(n, 0);
    json_free(j);
    buf_fini(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_streams_apart),
        cmocka_unit_test(other_steps_begin_anew),
        cmocka_unit_test(passes_bytes_when_not_a_terminal),
        cmocka_unit_test(safe_on_a_terminal),
        cmocka_unit_test(colours_end_with_the_line),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(reads_frames),
    };
    text_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
