/* table - rows with aligned columns.
 *
 * Why it exists: lists must line up with wide characters in them, and be cut to
 * the terminal, never elsewhere.
 * May include: base/ cli/ui.h.   Threads: one owner. */
#pragma once
#include "cli/ui.h"

#define TABLE_COLS 8
#define TABLE_ROWS 100000

struct table {
    size_t cols, n, cap; /* n cells */
    size_t flex;         /* the column that is cut when the terminal is too narrow */
    struct table_cell {
        char *text; /* clean; NULL: out of memory */
        enum ui_style style;
    } * cells;
    bool bad;
};
/* head: names of the columns, `cols` of them. */
void table_init(struct table *, size_t cols, size_t flex, const char *const head[]);
/* The next cell, row by row. text may be NULL (shown as "-"); it is cleaned. */
void table_cell(struct table *, enum ui_style, const char *text);
void table_cellf(struct table *, enum ui_style, const char *fmt, ...) PRINTF(3, 4);
/* Prints what is there (nothing but `empty` when there are no rows) and frees. */
void table_print(struct table *, struct ui *, const char *empty);
