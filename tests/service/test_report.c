/* report.md is written whatever the steps left: a run must not be kept from ending by its report. */
#include "tests/service/rig.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "worker/drive.h"

static void a_report_always_fits(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}]}");
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
    AUTO(run_steps_fini) struct run_steps steps = {0};
    AUTO(run_row_fini) struct run_row row = {0};

    rig_planned(g, &id);
    OK(runs_load(&g->svc, &id, &row, &steps, &e));
    OK(report_write(&g->svc, &row, &steps, &b, &e));
    assert_non_null(strstr(b.p, "## Spent"));
    free(steps.v[0].command);
    steps.v[0].command = malloc(32 * KIB);
    memset(steps.v[0].command, 0x7f, 32 * KIB); /* each is shown as <U+007F> */
    steps.v[0].command[32 * KIB - 1] = '\0';
    buf_reset(&b);
    OK(report_write(&g->svc, &row, &steps, &b, &e));
    assert_non_null(strstr(b.p, "too long"));
    assert_null(strstr(b.p, "## Spent"));
}

static void a_lost_list_of_changes_is_said(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}]}");
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
    AUTO(run_steps_fini) struct run_steps steps = {0};
    AUTO(run_row_fini) struct run_row row = {0};

    OK(runs_load(&g->svc, &id, &row, &steps, &e));
    row.changes = str_dup("{\"files\":1}"); /* and no changes.json in the run's directory */
    OK(report_write(&g->svc, &row, &steps, &b, &e));
    assert_non_null(strstr(b.p, "cannot be read"));
    assert_non_null(strstr(b.p, "## Spent"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_report_always_fits, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_lost_list_of_changes_is_said, rig_up, rig_down),
    };

    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
