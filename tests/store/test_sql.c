/* Every statement is known to SQLite against the schema, and follows the rules of sql.def. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "fixture.h"

/* The numbers of $n in order of first appearance are 1 2 3 …; returns how many. */
static int params(const char *text)
{
    int most = 0;
    for (const char *p = text; (p = strchr(p, '$')); p++) {
        int n = atoi(p + 1);
        assert_true(n >= 1 && n <= most + 1);
        if (n > most)
            most = n;
    }
    return most;
}

static int prepare_all(struct db *db, void *arg, struct err *err)
{
    for (int id = SQL_TX_LAST + 1; id < SQL_N; id++) {
        struct db_val nulls[64] = {0};
        AUTO(query_fini) struct query q = {0};
        int n = params(sql_text(id, SQL_SQLITE));
        assert_int_equal(n, params(sql_text(id, SQL_POSTGRES)));
        OK(db_query(db, id, nulls, (size_t)n, &q, &e));
    }
    return 0;
}

static void test_all_statements(void **state)
{
    read_ok(*state, prepare_all, NULL);
}

/* Another number of values than the text has is found, not bound short. */
static int bind_short(struct db *db, void *arg, struct err *err)
{
    AUTO(query_fini) struct query q = {0}, q2 = {0};
    NO(ERR_INTERNAL, db_query(db, SQL_RUN_GET, NO_VALS, &q, &e));
    NO(ERR_INTERNAL, db_query(db, SQL_RUN_GET, VALS(V_INT(1), V_INT(2), V_INT(3)), &q2, &e));
    return 0;
}

static void test_value_count(void **state)
{
    read_ok(*state, bind_short, NULL);
}

static void test_names(void **state)
{
    assert_string_equal(sql_name(SQL_RUN_GET), "RUN_GET");
    for (int id = 0; id < SQL_N; id++)
        for (const char *p = sql_name(id); *p; p++)
            assert_true(isupper((unsigned char)*p) || *p == '_');
}

/* A pass of retention looks at what goes, not at all that stays, nor at what went before. */
static void test_retention_goes_by_indexes(void **state)
{
    static const struct {
        enum sql_id id;
        const char *index;
    } v[] = {
        {SQL_RUN_LIST_OLD, "runs_removable (project_id=? AND finished_us>? AND finished_us<?)"},
        {SQL_RUN_LIST_OLD_LOGS, "runs_with_logs (project_id=? AND finished_us>? AND finished_us<?)"},
        {SQL_RUN_LIST_OLDEST, "runs_oldest (finished_us>?)"},
        {SQL_RUN_LIST_UNPACKED, "runs_unpacked (finished_us>? AND finished_us<?)"},
        {SQL_RUN_LIST_REMOVING, "runs_removing"},
        {SQL_RUN_UNDONE_BY, "runs_undoes (tenant_id=? AND undoes=?)"},
        {SQL_ARTIFACT_USES, "artifacts_sha256 (sha256=?)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        char *plan = query_plan(*state, sql_text(v[i].id, SQL_SQLITE));
        if (!strstr(plan, v[i].index) || strstr(plan, "ORDER BY"))
            fail_msg("%s:\n%s", sql_name(v[i].id), plan);
        free(plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_statements),
        cmocka_unit_test(test_value_count),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_retention_goes_by_indexes),
    };
    return cmocka_run_group_tests_name("store/sql", tests, fixture_up, fixture_down);
}
