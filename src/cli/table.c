/* table - see table.h.
 *
 * May include: base/ cli/ui.h.   Threads: one owner. */
#include "cli/table.h"
#include "base/str.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GAP       2
#define FLEX_MIN  12
#define FLEX_WRAP 64 /* where the line is longer than the terminal anyway: something that can be read */

static bool grow(struct table *t)
{
    size_t cap = t->cap ? t->cap * 2 : 64;
    if (t->n < t->cap)
        return true;
    struct table_cell *p = t->n / t->cols < TABLE_ROWS ? reallocarray(t->cells, cap, sizeof *p) : NULL;
    if (!p) {
        t->bad = true;
        return false;
    }
    t->cells = p;
    t->cap = cap;
    return true;
}

void table_cell(struct table *t, enum ui_style style, const char *text)
{
    struct buf b = BUF_INIT(64 * KIB);
    if (t->bad || !grow(t))
        return;
    if (!text || !*text)
        text = "-";
    text_clean(&b, text, strlen(text), TEXT_ONE_LINE);
    t->cells[t->n++] = (struct table_cell){.text = buf_take(&b, NULL), .style = style};
    buf_fini(&b);
}

void table_cellf(struct table *t, enum ui_style style, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    table_cell(t, style, text);
}

void table_init(struct table *t, size_t cols, size_t flex, const char *const head[])
{
    *t = (struct table){.cols = cols, .flex = flex};
    for (size_t i = 0; i < cols; i++)
        table_cell(t, UI_DIM, head[i]);
}

static const char *cell_text(const struct table_cell *c)
{
    return c->text ? c->text : "?";
}

static void measure(const struct table *t, int columns, int width[TABLE_COLS])
{
    int sum = 0;
    memset(width, 0, TABLE_COLS * sizeof *width);
    for (size_t i = 0; i < t->n; i++) {
        int w = text_width(cell_text(&t->cells[i]));
        if (w > width[i % t->cols])
            width[i % t->cols] = w;
    }
    for (size_t c = 0; c < t->cols; c++)
        sum += width[c] + (c + 1 < t->cols ? GAP : 0);
    if (columns > 0 && sum > columns) {
        int w = width[t->flex] - (sum - columns);
        if (w >= FLEX_MIN || width[t->flex] > FLEX_WRAP)
            width[t->flex] = w >= FLEX_MIN ? w : FLEX_WRAP;
    }
}

static void print_row(struct table *t, struct ui *ui, size_t row, const int width[TABLE_COLS])
{
    for (size_t c = 0; c < t->cols; c++) {
        const struct table_cell *cell = &t->cells[row * t->cols + c];
        AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
        bool last = c + 1 == t->cols;
        if (last && (ui->columns == 0 || t->flex != c))
            buf_puts(&b, cell_text(cell)); /* no blanks at the end of a line */
        else
            text_cell(&b, cell_text(cell), width[c]);
        while (last && b.len > 0 && b.p[b.len - 1] == ' ')
            b.p[--b.len] = '\0';
        ui_put(ui, cell->style, b.p);
        ui_raw(ui, "  ", last ? 0 : GAP);
    }
    ui_raw(ui, "\n", 1);
}

void table_print(struct table *t, struct ui *ui, const char *empty)
{
    int width[TABLE_COLS];
    size_t rows = t->n / t->cols;
    if (rows <= 1)
        ui_note(ui, "%s", empty);
    else
        measure(t, ui->columns, width);
    for (size_t r = 0; rows > 1 && r < rows; r++)
        print_row(t, ui, r, width);
    if (t->bad)
        ui_warn(ui, "the list is longer than can be shown: use --limit or --json");
    for (size_t i = 0; i < t->n; i++)
        free(t->cells[i].text);
    free(t->cells);
    *t = (struct table){.cols = 1};
}
