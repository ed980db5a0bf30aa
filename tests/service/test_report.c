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

/* A step may exit with 0 at the moment in which its layers are found too large. */
static void who_ran_was_started(void **state)
{
    struct rig *g = *state;
    struct id id = rig_run(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}]}");
    static const char words[] = "could not be started";

    rig_planned(g, &id);
    for (int code = -1; code <= 1; code++) {
        AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
        AUTO(run_steps_fini) struct run_steps steps = {0};
        AUTO(run_row_fini) struct run_row row = {0};

        OK(runs_load(&g->svc, &id, &row, &steps, &e));
        steps.v[0].exit_code = code;
        steps.v[0].error = str_dup("its layers grew over the limit");
        OK(report_write(&g->svc, &row, &steps, &b, &e));
        assert_true((strstr(b.p, words) != NULL) == (code == -1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_report_always_fits, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(who_ran_was_started, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_lost_list_of_changes_is_said, rig_up, rig_down),
    };

    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
