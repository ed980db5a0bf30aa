/* The live chain: whole when nobody touched it, and named where somebody did. */
#include "tests/service/rig.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static void run_some(struct rig *g)
{
    for (int i = 0; i < 5; i++)
        rig_run(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}]}");
    OK(audits_sign_head(g->svc.audits, "default", &e));
}

/* What verify says; reply kept in g->reply. */
static bool whole(struct rig *g, const char **why)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
    struct jw w = JW_INIT(&b);
    const struct json *doc;

    OK(audits_verify_json(&g->svc, "default", &w, &e));
    doc = rig_json(g, b.p);
    *why = json_str(json_get(doc, "error"));
    return json_true(json_get(doc, "ok"));
}

/* As an attacker with the file: past the triggers. */
static void tamper(struct rig *g, const char *sql)
{
    char path[96], *msg = NULL;
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/data/sallyport.db", g->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (;;) {
        sqlite3_stmt *st;
        char drop[200] = "";

        assert_int_equal(sqlite3_prepare_v2(db,
                                            "SELECT name FROM sqlite_master WHERE type='trigger' AND tbl_name='audits'",
                                            -1, &st, NULL),
                         SQLITE_OK);
        if (sqlite3_step(st) == SQLITE_ROW)
            snprintf(drop, sizeof drop, "DROP TRIGGER %s", sqlite3_column_text(st, 0));
        sqlite3_finalize(st);
        if (!drop[0])
            break;
        assert_int_equal(sqlite3_exec(db, drop, NULL, NULL, NULL), SQLITE_OK);
    }
    if (sqlite3_exec(db, sql, NULL, NULL, &msg) != SQLITE_OK)
        fail_msg("%s: %s", sql, msg);
    sqlite3_close(db);
}

static void an_untouched_chain_is_whole(void **state)
{
    struct rig *g = *state;
    const char *why;

    run_some(g);
    assert_true(whole(g, &why));
    rig_run(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}]}"); /* beyond the signed head */
    assert_true(whole(g, &why));
}

static void a_changed_record_is_named(void **state)
{
    struct rig *g = *state;
    const char *why;

    run_some(g);
    tamper(g, "UPDATE audits SET actor='token:somebody' WHERE seq=3");
    assert_false(whole(g, &why));
    assert_non_null(strstr(why, "3"));
}

static void a_removed_record_is_named(void **state)
{
    struct rig *g = *state;
    const char *why;

    run_some(g);
    tamper(g, "DELETE FROM audits WHERE seq=2");
    assert_false(whole(g, &why));
    assert_non_null(strstr(why, "2"));
}

static void a_cut_tail_is_named(void **state)
{
    struct rig *g = *state;
    const char *why;

    run_some(g);
    tamper(g, "DELETE FROM audits WHERE seq>=5");
    assert_false(whole(g, &why));
    assert_non_null(strstr(why, "cut off"));
}

static void export_text(struct rig *g, struct buf *out)
{
    int64_t seq = 0;
    bool done = false;

    while (!done)
        OK(audits_export(&g->svc, "default", &seq, &done, out, &e));
}

static void an_export_verifies_offline(void **state)
{
    struct rig *g = *state;
    AUTO(buf_fini) struct buf b = BUF_INIT(1 * MIB);
    struct audit_verifier v;
    char *at;

    run_some(g);
    export_text(g, &b);
    audit_verifier_init(&v);
    OK(audit_verify_text(b.p, b.len, &v, &e));
    assert_int_equal(v.records, 6);
    at = strstr(b.p, "run.created");
    at[0] = 'R'; /* one byte */
    audit_verifier_init(&v);
    NO(ERR_AUDIT_BROKEN, audit_verify_text(b.p, b.len, &v, &e));
}

/* The server comes back after somebody cut the tail, writes on, and its timer signs: nothing of that may hide the cut.
 */
static void a_cut_tail_stays_cut_after_a_restart(void **state)
{
    struct rig *g = *state;
    AUTO(buf_fini) struct buf b = BUF_INIT(1 * MIB);
    struct audit_verifier v;
    const char *why;

    run_some(g);
    tamper(g, "DELETE FROM audits WHERE seq>=5");
    audits_close(g->svc.audits);
    OK(audits_open(g->svc.data_fd, g->svc.store, &g->svc.audits, &e));
    for (int i = 0; i < 3; i++) {
        NO(ERR_AUDIT_BROKEN, audits_sign_head(g->svc.audits, "default", &e));
        assert_false(whole(g, &why));
        rig_run(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}]}");
    }
    export_text(g, &b);
    audit_verifier_init(&v);
    NO(ERR_AUDIT_BROKEN, audit_verify_text(b.p, b.len, &v, &e));
}

static void a_runs_audit_verifies_alone(void **state)
{
    struct rig *g = *state;
    AUTO(buf_fini) struct buf b = BUF_INIT(1 * MIB);
    struct audit_verifier v;
    struct id id;

    rig_run(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}]}");
    id = rig_run(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}]}");
    rig_run(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}]}"); /* between: a foreign one */
    OK(runs_cancel(&g->svc, &g->c, &id, &e));
    OK(audits_run_json(&g->svc, "default", &id, &b, &e));
    audit_verifier_init(&v);
    OK(audit_verify_text(b.p, b.len, &v, &e));
    assert_int_equal(v.records, 3);
    assert_int_equal(v.foreign, 1);
}

/* A run that waited for days among many others: its audit.json has no room for what stands between. */
static void a_runs_audit_always_fits(void **state)
{
    struct rig *g = *state;
    AUTO(buf_fini) struct buf b = BUF_INIT(4 * KIB);
    const struct json *doc;
    struct id id = rig_run(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}]}");

    for (int i = 0; i < 20; i++)
        rig_run(g, "{\"project_id\":\"hello\",\"steps\":[{\"command\":\"true\"}]}");
    OK(runs_cancel(&g->svc, &g->c, &id, &e));
    OK(audits_run_json(&g->svc, "default", &id, &b, &e));
    doc = rig_json(g, b.p);
    assert_int_equal(json_len(json_get(doc, "records")), 2);
    assert_non_null(json_str(json_get(doc, "problem")));
}

static void a_head_of_another_key_is_refused(void **state)
{
    struct rig *g = *state;
    AUTO(buf_fini) struct buf b = BUF_INIT(4 * KIB);
    struct jw w = JW_INIT(&b);

    run_some(g);
    OK(audits_head_json(g->svc.audits, "default", &w, &e));
    OK(audits_check_head(rig_json(g, b.p), NULL, &e));
    NO(ERR_AUDIT_BROKEN, audits_check_head(rig_json(g, b.p), "00", &e));
    strstr(b.p, "\"seq\":6")[6] = '5'; /* the signature is over the seq too */
    NO(ERR_AUDIT_BROKEN, audits_check_head(rig_json(g, b.p), NULL, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_untouched_chain_is_whole, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_changed_record_is_named, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_removed_record_is_named, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_cut_tail_is_named, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(an_export_verifies_offline, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_cut_tail_stays_cut_after_a_restart, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_runs_audit_verifies_alone, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_runs_audit_always_fits, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_head_of_another_key_is_refused, rig_up, rig_down),
    };

    return cmocka_run_group_tests_name("audits", tests, NULL, NULL);
}
