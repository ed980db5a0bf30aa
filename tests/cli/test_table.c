/* table: columns line up, also with wide characters, and are cut only on a terminal. */
#include "check.h"
#include "cli/table.h"
#include "pretend.h"
#include <string.h>

static const char *const head[] = {"NAME", "WHAT", "N"};

static void fill(struct table *t)
{
    table_init(t, 3, 1, head);
    table_cell(t, UI_PLAIN, "运行");
    table_cell(t, UI_PLAIN, "a rather long text that will be cut on a terminal");
    table_cellf(t, UI_PLAIN, "%d", 7);
    table_cell(t, UI_PLAIN, "b");
    table_cell(t, UI_PLAIN, NULL);
    table_cell(t, UI_PLAIN, "x\ny");
}

static void whole_in_a_pipe(void **state)
{
    struct ui ui = pretend_ui(false, false);
    struct table t;
    fill(&t);
    table_print(&t, &ui, "");
    PRETEND_IS(&ui, "NAME  WHAT                                               N\n"
                    "运行  a rather long text that will be cut on a terminal  7\n"
                    "b     -                                                  x^Jy\n");
    ui_fini(&ui);
}

static void cut_on_a_terminal(void **state)
{
    struct ui ui = pretend_ui(true, false);
    struct table t;
    ui.columns = 30;
    fill(&t);
    table_print(&t, &ui, "");
    PRETEND_IS(&ui, "NAME  WHAT                N\n"
                    "运行  a rather long tex…  7\n"
                    "b     -                   x^Jy\n");
    ui_fini(&ui);
}

/* A line that does not fit anyway is not cut down to a stump. */
static void long_lines_wrap(void **state)
{
    struct ui ui = pretend_ui(true, false);
    struct table t;
    ui.columns = 20;
    fill(&t);
    table_print(&t, &ui, "");
    PRETEND_IS(&ui, "NAME  WHAT                                               N\n"
                    "运行  a rather long text that will be cut on a terminal  7\n"
                    "b     -                                                  x^Jy\n");
    ui_fini(&ui);
}

static void empty(void **state)
{
    struct ui ui = pretend_ui(false, false);
    struct table t;
    table_init(&t, 3, 1, head);
    table_print(&t, &ui, "nothing");
    PRETEND_IS(&ui, "");
    ui_fini(&ui);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole_in_a_pipe), cmocka_unit_test(cut_on_a_terminal),
                                       cmocka_unit_test(long_lines_wrap), cmocka_unit_test(empty)};
    text_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
