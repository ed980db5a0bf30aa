/* pretend - a ui whose output stays in memory. */
#pragma once
#include "cli/ui.h"

static inline struct ui pretend_ui(bool tty, bool color)
{
    struct ui ui = {.in = -1, .out = -1, .err = -1, .out_tty = tty, .color = color};
    buf_init(&ui.ob, 1 << 20);
    return ui;
}

static inline const char *pretend_text(const struct ui *ui)
{
    return ui->ob.p ? ui->ob.p : "";
}

#define PRETEND_IS(ui, want)    assert_string_equal(pretend_text(ui), want)
#define PRETEND_HAS(ui, want)   assert_non_null(strstr(pretend_text(ui), want))
#define PRETEND_LACKS(ui, want) assert_null(strstr(pretend_text(ui), want))
