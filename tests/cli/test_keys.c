/* keys: three combinations at the beginning of a line are ours, every other byte is the step's. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/str.h"
#include "check.h"
#include "cli/keys.h"
#include "pretend.h"

/* What the step gets of all of it, whatever pieces it comes in; what was said of the last key. */
static enum keys_say typed(const char *text, size_t piece, char *ret, size_t cap)
{
    struct keys k = {0};
    struct buf out = BUF_INIT(1 << 16);
    enum keys_say what = KEYS_GO;
    size_t n = strlen(text), used = 0;
    for (size_t at = 0; at < n && what != KEYS_LEAVE; at += used) {
        size_t part = n - at < piece ? n - at : piece;
        what = keys_scan(&k, text + at, part, &out, &used);
        assert_true(used > 0 && used <= part);
    }
    assert_true(str_copy(ret, cap, out.len ? out.p : ""));
    buf_fini(&out);
    return what;
}

static void what_goes_where(void **state)
{
    static const struct {
        const char *typed, *step;
        enum keys_say last;
    } row[] = {
        {"ls\r", "ls\r", KEYS_GO},
        {"~.", "", KEYS_LEAVE},
        {"ls\r~.more", "ls\r", KEYS_LEAVE},
        {"ls\n~.", "ls\n", KEYS_LEAVE},
        {"ls ~.\r", "ls ~.\r", KEYS_GO},
        {"~~.\r", "~.\r", KEYS_GO},
        {"~~", "~", KEYS_GO},
        {"~x", "~x", KEYS_GO},
        {"~/bin/x\r", "~/bin/x\r", KEYS_GO},
        {"~\r~.", "~\r", KEYS_LEAVE},
        {"a\r~?", "a\r", KEYS_HELP},
        {"~?~.", "", KEYS_LEAVE},
        {"\x03~.", "\x03~.", KEYS_GO},
        {"~", "", KEYS_GO},
    };
    char got[64];
    for (size_t i = 0; i < ARRAY_LEN(row); i++)
        for (size_t piece = 1; piece < 12; piece++) {
            enum keys_say what = typed(row[i].typed, piece, got, sizeof got);
            if (what != row[i].last || !str_eq(got, row[i].step))
                fail_msg("row %zu in pieces of %zu: \"%s\"", i, piece, got);
        }
}

static void what_asks_a_terminal(void **state)
{
    static const char *const asks[] = {"\x1b[c",  "a\x1b[>0c", "\x1b[6n", "\x1b[?6n",      "\x1b[?2026$p",
                                       "\x1b[>q", "\x1b[18t",  "\x1bZ",   "\x1b]11;?\x07", "\x1bP+q544e\x1b\\",
                                       "\x1b[?u", "\x05",      "\x1b[1x"};
    static const char *const not [] = {
        "",         "plain", "\x1b[?2004h$ ", "\x1b[1;31mred\x1b[0m", "\x1b[2J\x1b[H", "\x1b[4:3m",
        "\x1b[0 q", "\x1b[", "\x1b",          "\x1b[12;40r",          "\x1b[u",        "\x1b[!p"};
    for (size_t i = 0; i < ARRAY_LEN(asks); i++)
        if (!keys_asked(asks[i], strlen(asks[i])))
            fail_msg("row %zu asks", i);
    for (size_t i = 0; i < ARRAY_LEN(not ); i++)
        if (keys_asked(not [i], strlen(not [i])))
            fail_msg("row %zu does not ask", i);
}

/* Our own lines begin and end at the left side of a terminal that is the step's. */
static void notes_in_a_raw_terminal(void **state)
{
    struct ui ui = pretend_ui(true, false);
    struct termios t;
    char got[64] = "";
    int ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(ours >= 0 && grantpt(ours) == 0 && unlockpt(ours) == 0);
    ui.err = open(ptsname(ours), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_int_equal(tcgetattr(ui.err, &t), 0);
    cfmakeraw(&t);
    assert_int_equal(tcsetattr(ui.err, TCSANOW, &t), 0);
    ui_note(&ui, "lost");
    assert_int_equal(read(ours, got, sizeof got - 1), strlen("\r\nlost\r\n"));
    assert_string_equal(got, "\r\nlost\r\n");
    close(ui.err);
    close(ours);
    ui_fini(&ui);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(notes_in_a_raw_terminal), cmocka_unit_test(what_goes_where),
                                       cmocka_unit_test(what_asks_a_terminal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
