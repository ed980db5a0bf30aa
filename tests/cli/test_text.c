/* text: what may reach a terminal, and how wide it is. */
#include "check.h"
#include "cli/text.h"
#include <string.h>

#define CLEAN(in, how, want)                                                                                           \
    do {                                                                                                               \
        struct buf b_ = BUF_INIT(4096);                                                                                \
        text_clean(&b_, in, sizeof(in) - 1, how);                                                                      \
        assert_string_equal(b_.p ? b_.p : "", want);                                                                   \
        buf_fini(&b_);                                                                                                 \
    } while (0)

static void shows_controls(void **state)
{
    CLEAN("a\x1b[2Jb", 0, "a^[[2Jb");
    CLEAN("a\rb\x07", 0, "a^Mb^G");
    CLEAN("a\n\tb", 0, "a\n\tb");
    CLEAN("a\n\tb", TEXT_ONE_LINE, "a^J^Ib");
    CLEAN("a\0b", 0, "a^@b");
    CLEAN("\x7f", 0, "^?");
    CLEAN("\xff\xc3(", 0, "\\xFF\\xC3(");
    CLEAN("\xc2\x9b"
          "31m",
          0, "<U+009B>31m"); /* C1 CSI */
}

static void shows_deceptive(void **state)
{
    CLEAN("rm \xe2\x80\xae"
          "txt",
          0, "rm <U+202E>txt");
    CLEAN("a\xe2\x80\x8b"
          "b",
          0, "a<U+200B>b");
    CLEAN("a\xe2\x80\x8b"
          "b",
          TEXT_LOG,
          "a\xe2\x80\x8b"
          "b");
    CLEAN("a\xe2\x80\xae"
          "b",
          TEXT_LOG, "a<U+202E>b");
    CLEAN("运行单测 é", 0, "运行单测 é");
}

static void passes_colours_only(void **state)
{
    CLEAN("\x1b[31mred\x1b[0m", TEXT_LOG | TEXT_SGR, "\x1b[31mred\x1b[0m");
    CLEAN("\x1b[1;38;5;208mx", TEXT_LOG | TEXT_SGR, "\x1b[1;38;5;208mx");
    CLEAN("\x1b[38;2;1;2;3mx\x1b[m", TEXT_LOG | TEXT_SGR, "\x1b[38;2;1;2;3mx\x1b[m");
    CLEAN("\x1b[31mred\x1b[0m", TEXT_LOG | TEXT_SGR | TEXT_PLAIN, "red");
    CLEAN("\x1b[8mhidden", TEXT_LOG | TEXT_SGR, "^[[8mhidden");
    CLEAN("\x1b[38;5mx", TEXT_LOG | TEXT_SGR, "^[[38;5mx");
    CLEAN("\x1b[2J\x1b[H", TEXT_LOG | TEXT_SGR, "^[[2J^[[H");
    CLEAN("\x1b]0;title\x07", TEXT_LOG | TEXT_SGR, "^[]0;title^G");
    CLEAN("a\x1b[K", TEXT_LOG | TEXT_SGR, "a");
    CLEAN("\x1b[31m", 0, "^[[31m");
    CLEAN("\x1b[", TEXT_LOG | TEXT_SGR, "^[[");
    CLEAN("\x1b[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1mx", TEXT_LOG | TEXT_SGR,
          "^[[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1mx");
}

static void holds_back_what_is_unfinished(void **state)
{
    assert_int_equal(text_tail("abc", 3), 0);
    assert_int_equal(text_tail("ab\r", 3), 1);
    assert_int_equal(text_tail("ab\x1b", 3), 1);
    assert_int_equal(text_tail("ab\x1b[3", 5), 3);
    assert_int_equal(text_tail("ab\x1b[3m", 6), 0);
    assert_int_equal(text_tail("a\xe8", 2), 1);
    assert_int_equal(text_tail("a\xe8\xbf", 3), 2);
    assert_int_equal(text_tail("a\xe8\xbf\x90", 4), 0);
    assert_int_equal(text_tail("\xbf\xbf", 2), 0);
    assert_int_equal(text_tail("", 0), 0);
    assert_int_equal(text_tail("12", 2), 0);
}

static void cell_is(const char *s, int width, const char *want)
{
    struct buf b = BUF_INIT(256);
    text_cell(&b, s, width);
    assert_string_equal(b.p ? b.p : "", want);
    buf_fini(&b);
}

static void measures_wide_characters(void **state)
{
    assert_int_equal(text_width("abc"), 3);
    assert_int_equal(text_width("运行"), 4);
    assert_int_equal(text_width("e\xcc\x81"), 1); /* combining acute */
    cell_is("运行", 6, "运行  ");
    cell_is("运行单测", 6, "运行… ");
    cell_is("运行单测", 5, "运行…");
    cell_is("abcdef", 4, "abc…");
    cell_is("abc", 3, "abc");
    cell_is("abc", 0, "");
}

static void says(void (*fn)(struct buf *, int64_t), int64_t n, const char *want)
{
    struct buf b = BUF_INIT(64);
    fn(&b, n);
    assert_string_equal(b.p, want);
    buf_fini(&b);
}

static void writes_durations_and_sizes(void **state)
{
    says(text_duration, 0, "0 ms");
    says(text_duration, 999, "999 ms");
    says(text_duration, 3149, "3.1 s");
    says(text_duration, 125000, "2 min 5 s");
    says(text_duration, 3720000, "1 h 2 min");
    says(text_duration, 47 * 3600000L, "47 h 0 min");
    says(text_duration, 14 * 86400000L + 3 * 3600000L, "14 d 3 h");
    says(text_duration, -1, "-");
    says(text_bytes, 1023, "1023 B");
    says(text_bytes, 1536, "1.5 KiB");
    says(text_bytes, 5 * 1024 * 1024, "5.0 MiB");
    says(text_bytes, INT64_MAX, "8388607.9 TiB");
}

static void knows_a_cut_copy(void **state)
{
    assert_true(text_is_cut("make test", "make test"));
    assert_true(text_is_cut("make…", "make test"));
    assert_true(text_is_cut("…", "make test"));
    assert_false(text_is_cut("make", "make test"));
    assert_false(text_is_cut("made…", "make test"));
    assert_false(text_is_cut("make test and more…", "make test"));
    assert_false(text_is_cut(NULL, "x"));
    assert_false(text_is_cut("x", NULL));
}

static void json_stays_json(void **state)
{
    struct buf b = BUF_INIT(256);
    static const char in[] = "{\"a\":\"x\xe2\x80\xaey\xc2\x9b\xf3\xa0\x80\x81运\"}";
    text_json(&b, in, sizeof in - 1);
    assert_string_equal(b.p, "{\"a\":\"x\\u202ey\\u009b\\udb40\\udc01运\"}");
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_controls),           cmocka_unit_test(shows_deceptive),
        cmocka_unit_test(passes_colours_only),      cmocka_unit_test(holds_back_what_is_unfinished),
        cmocka_unit_test(measures_wide_characters), cmocka_unit_test(writes_durations_and_sizes),
        cmocka_unit_test(knows_a_cut_copy),         cmocka_unit_test(json_stays_json),
    };
    text_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
