/* fuzz_terminal - any bytes of a step, in any cut, to the terminal: nothing but text, line ends and known colours comes
 * out, every line begins with our margin, and the cut makes no difference.
 *
 * First byte: where the rest is cut in two. */
#include "fuzz.h"
#include "base/str.h"
#include "cli/logview.h"

static const char margin[] = "   | ";

static struct ui screen(bool color)
{
    struct ui ui = {.in = -1, .out = -1, .err = -1, .out_tty = true, .color = color};
    buf_init(&ui.ob, 16 << 20);
    return ui;
}

static void show(struct ui *ui, const char *p, size_t n, size_t cut)
{
    struct logview v;
    logview_init(&v, ui);
    logview_add(&v, "stp_1", LV_OUT, p, cut);
    logview_add(&v, "stp_1", LV_OUT, p + cut, n - cut);
    logview_end(&v);
}

/* Without colour: printable UTF-8, tabs, and lines that each begin with the margin. */
static void check_plain(const char *p, size_t n)
{
    if (n == 0)
        return;
    const char *end = p + n;
    bool begin = true;
    if (!utf8_valid(p, n) || p[n - 1] != '\n')
        abort();
    while (p < end) {
        if (begin && (end - p < (long)sizeof margin || memcmp(p, margin, sizeof margin - 1) != 0))
            abort();
        begin = *p == '\n';
        int32_t cp = utf8_next(&p, end);
        if ((cp < 0x20 && cp != '\n' && cp != '\t') || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x202a && cp <= 0x202e))
            abort();
    }
}

/* With colour: every escape is one that text_sgr knows. */
static void check_colour(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((p[i] == '\x1b' && text_sgr(p + i, n - i) == 0) || p[i] == '\r' || p[i] == '\a' || p[i] == '\b')
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *p = (const char *)data + 1;
    size_t n = size - 1, cut = data[0] % (n + 1);
    for (int color = 0; color < 2; color++) {
        struct ui whole = screen(color), two = screen(color);
        show(&whole, p, n, n);
        show(&two, p, n, cut);
        if (whole.ob.len != two.ob.len || (whole.ob.len && memcmp(whole.ob.p, two.ob.p, whole.ob.len) != 0))
            abort();
        if (color)
            check_colour(whole.ob.p, whole.ob.len);
        else
            check_plain(whole.ob.p, whole.ob.len);
        ui_fini(&whole);
        ui_fini(&two);
    }
    return 0;
}
