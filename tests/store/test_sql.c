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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_statements),
        cmocka_unit_test(test_value_count),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("store/sql", tests, fixture_up, fixture_down);
}
