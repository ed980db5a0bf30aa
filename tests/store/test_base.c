/* Tenants, tokens, projects, policies, the audit chain, idempotency keys, nodes. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/str.h"
#include "fixture.h"

#define S(s) ((char *)(s))

struct seen {
    int n;
    struct id ids[16];
};

/* ---- tenants, nodes ---- */

static int tenants(struct db *db, void *arg, struct err *err)
{
    char name[80];
    memset(name, 't', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    OK(tenant_ensure(db, T1, 9, &e)); /* again */
    NO(ERR_INTERNAL, tenant_ensure(db, "", 9, &e));
    NO(ERR_INTERNAL, tenant_ensure(db, name, 9, &e));
    OK(node_seen(db, "node-a", "0.1", 5, &e));
    OK(node_seen(db, "node-a", "0.2", 6, &e));
    return 0;
}

static void test_tenants(void **state)
{
    write_ok(*state, tenants, NULL);
    assert_int_equal(count_of(*state, "tenants"), 2);
    assert_int_equal(count_of(*state, "nodes WHERE version = '0.2' AND first_seen_us = 5 AND seen_us = 6"), 1);
}

/* ---- tokens ---- */

static struct token_row a_token(int n, char hash[65])
{
    snprintf(hash, 65, "%064d", n);
    return (struct token_row){.id = nth(ID_TOKEN, n),
                              .tenant_id = S(T1),
                              .name = S("laptop"),
                              .scopes = S("run:read run:write"),
                              .hash = hash,
                              .created_us = 1,
                              .expires_us = 2};
}

static int note_token(void *arg, const struct token_row *row, struct err *e)
{
    struct seen *s = arg;
    s->ids[s->n++] = row->id;
    return 0;
}

static void check_token(const struct token_row *want, const struct token_row *got)
{
    assert_true(id_eq(&want->id, &got->id));
    assert_string_equal(got->tenant_id, want->tenant_id);
    assert_string_equal(got->name, want->name);
    assert_string_equal(got->scopes, want->scopes);
    assert_string_equal(got->hash, want->hash);
    assert_int_equal(got->created_us, want->created_us);
    assert_int_equal(got->expires_us, want->expires_us);
    assert_int_equal(got->revoked_us, want->revoked_us);
    assert_int_equal(got->used_us, want->used_us);
}

static int logins(struct db *db, void *arg, struct err *err)
{
    char hash[65], hash2[65];
    struct token_row t = a_token(5, hash), t2 = a_token(6, hash2);
    AUTO(token_row_fini) struct token_row got = {0}, got2 = {0}, no = {0};
    struct id id[4], of2 = nth(ID_LOGIN, 9), none = nth(ID_LOGIN, 10);
    OK(token_insert(db, &t, &e));
    OK(token_insert(db, &t2, &e));
    for (int i = 0; i < 4; i++) {
        id[i] = nth(ID_LOGIN, i + 1);
        OK(login_insert(db, &id[i], &t.id, 10 + i, 100 + i, &e));
    }
    OK(login_insert(db, &of2, &t2.id, 10, 100, &e));
    OK(login_token(db, &id[0], 99, &got, &e));
    check_token(&t, &got);
    NO(ERR_NOT_FOUND, login_token(db, &id[0], 100, &no, &e)); /* expired */
    NO(ERR_NOT_FOUND, login_token(db, &none, 50, &no, &e));
    OK(login_sweep(db, &t.id, 2, 50, &e)); /* the two oldest of this token */
    NO(ERR_NOT_FOUND, login_token(db, &id[1], 50, &no, &e));
    OK(login_token(db, &id[2], 50, &got2, &e));
    OK(login_delete(db, &id[2], &e));
    OK(login_delete(db, &id[2], &e));
    NO(ERR_NOT_FOUND, login_token(db, &id[2], 50, &no, &e));
    OK(login_sweep(db, &t.id, 2, 100, &e)); /* of2 has expired, the newest has not */
    NO(ERR_NOT_FOUND, login_token(db, &of2, 50, &no, &e));
    token_row_fini(&got2);
    got2 = (struct token_row){0};
    OK(login_token(db, &id[3], 50, &got2, &e));
    return 0;
}

static int tokens(struct db *db, void *arg, struct err *err)
{
    char hash[65], hash2[65], none[65];
    struct token_row t = a_token(1, hash), t2 = a_token(2, hash2), missing = a_token(3, none);
    AUTO(token_row_fini) struct token_row got = {0}, got2 = {0};
    OK(token_insert(db, &t, &e));
    OK(token_insert(db, &t2, &e));
    OK(token_by_hash(db, hash, &got, &e));
    check_token(&t, &got);
    NO(ERR_NOT_FOUND, token_by_hash(db, none, &got2, &e));
    struct err said = ERR_INIT;
    refuse(token_by_hash(db, none, &got2, &said), ERR_NOT_FOUND);
    assert_null(strstr(said.msg, none)); /* the hash is nobody's business */
    NO(ERR_NOT_FOUND, token_get(db, T2, &t.id, &got2, &e));

    struct token_row twin = missing;
    twin.hash = hash;
    NO(ERR_CONFLICT, token_insert(db, &twin, &e));
    NO(ERR_NOT_FOUND, token_revoke(db, T2, &t.id, 70, &e));
    OK(token_revoke(db, T1, &t.id, 70, &e));
    OK(token_revoke(db, T1, &t.id, 90, &e));
    OK(token_used(db, &t.id, 80, &e));
    NO(ERR_NOT_FOUND, token_used(db, &missing.id, 80, &e));
    NO(ERR_NOT_FOUND, token_revoke(db, T1, &missing.id, 80, &e));
    OK(token_get(db, T1, &t.id, &got2, &e));
    t.revoked_us = 70; /* the first time stays */
    t.used_us = 80;
    check_token(&t, &got2);

    struct seen s = {0};
    OK(token_list(db, T1, NULL, 0, note_token, &s, &e));
    assert_int_equal(s.n, 2);
    OK(token_list(db, T1, &t.id, 5, note_token, &s, &e));
    assert_int_equal(s.n, 3);
    assert_true(id_eq(&s.ids[2], &t2.id));
    OK(token_list(db, T2, NULL, 5, note_token, &s, &e));
    assert_int_equal(s.n, 3);
    return 0;
}

static void test_logins(void **state)
{
    write_ok(*state, logins, NULL);
    assert_int_equal(count_of(*state, "logins"), 1);
}

static void test_tokens(void **state)
{
    write_ok(*state, tokens, NULL);
}

/* ---- projects ---- */

static int note_project(void *arg, const struct project_row *row, struct err *e)
{
    struct seen *s = arg;
    s->ids[s->n++] = row->id;
    return 0;
}

static int projects(struct db *db, void *arg, struct err *err)
{
    struct fixture *f = arg;
    AUTO(project_row_fini) struct project_row got = {0}, removed = {0};
    OK(project_by_name(db, T1, "hello", &got, &e));
    assert_true(id_eq(&got.id, &f->project));
    assert_string_equal(got.root_path, "/src/hello");
    assert_string_equal(got.settings, "{}");
    assert_int_equal(got.created_us, 5);
    NO(ERR_NOT_FOUND, project_get(db, T2, &f->project, &removed, &e));
    NO(ERR_NOT_FOUND, project_by_name(db, T1, "he%", &removed, &e));

    struct project_row p = {
        .id = nth(ID_PROJECT, 5), .tenant_id = S(T1), .name = S("hello"), .root_path = S("/x"), .settings = S("{}")};
    struct err said = ERR_INIT;
    refuse(project_insert(db, &p, &said), ERR_CONFLICT);
    assert_string_equal(said.field, "name");
    p.name = S("other");
    p.root_path = S("/src/hello");
    refuse(project_insert(db, &p, &said), ERR_CONFLICT);
    assert_string_equal(said.field, "root_path");
    p.root_path = S("/x");
    p.id = f->project;
    NO(ERR_CONFLICT, project_insert(db, &p, &e));

    NO(ERR_NOT_FOUND, project_remove(db, T2, &f->project, 33, &e));
    OK(project_remove(db, T1, &f->project, 33, &e));
    NO(ERR_NOT_FOUND, project_remove(db, T1, &f->project, 34, &e));
    OK(project_get(db, T1, &f->project, &removed, &e)); /* still there for its runs */
    assert_int_equal(removed.removed_us, 33);
    p = (struct project_row){.id = nth(ID_PROJECT, 6),
                             .tenant_id = S(T1),
                             .name = S("hello"),
                             .root_path = S("/src/hello"),
                             .settings = S("{}")};
    OK(project_insert(db, &p, &e)); /* name and root are free again */
    struct seen s = {0};
    OK(project_list(db, T1, NULL, 0, note_project, &s, &e));
    assert_int_equal(s.n, 1);
    OK(project_list(db, T1, &p.id, 0, note_project, &s, &e));
    assert_int_equal(s.n, 1);
    return 0;
}

static void test_projects(void **state)
{
    write_ok(*state, projects, *state);
}

/* ---- policies ---- */

static int next_lower(void *arg, const struct policy_row *row, struct err *e)
{
    int64_t *version = arg;
    assert_int_equal(row->version, --*version);
    return 0;
}

static int policies(struct db *db, void *arg, struct err *err)
{
    struct policy_row p = {
        .tenant_id = S(T1), .text = S("default: ask\n"), .sha256 = S(HEX64), .actor = S("admin"), .created_us = 4};
    AUTO(policy_row_fini) struct policy_row got = {0}, first = {0};
    int64_t version = 0;
    NO(ERR_NOT_FOUND, policy_row_get(db, T1, 0, &got, &e));
    for (int i = 1; i <= 3; i++) {
        p.note = i == 3 ? S("third") : NULL;
        OK(policy_row_insert(db, &p, &version, &e));
        assert_int_equal(version, i);
    }
    OK(policy_row_get(db, T1, 0, &got, &e));
    assert_int_equal(got.version, 3);
    assert_string_equal(got.note, "third");
    assert_string_equal(got.text, p.text);
    assert_string_equal(got.sha256, HEX64);
    assert_string_equal(got.actor, "admin");
    assert_int_equal(got.created_us, 4);
    OK(policy_row_get(db, T1, 1, &first, &e));
    assert_null(first.note);
    NO(ERR_NOT_FOUND, policy_row_get(db, T1, 9, &got, &e));
    NO(ERR_NOT_FOUND, policy_row_get(db, T2, 1, &got, &e));
    p.tenant_id = S(T2);
    OK(policy_row_insert(db, &p, &version, &e));
    assert_int_equal(version, 1); /* each tenant counts for itself */
    p.tenant_id = S("nobody");
    NO(ERR_NOT_FOUND, policy_row_insert(db, &p, &version, &e));
    int64_t expect = 4;
    OK(policy_row_list(db, T1, 0, 0, next_lower, &expect, &e));
    assert_int_equal(expect, 1);
    expect = 3;
    OK(policy_row_list(db, T1, 3, 1, next_lower, &expect, &e));
    assert_int_equal(expect, 2);
    return 0;
}

static void test_policies(void **state)
{
    write_ok(*state, policies, NULL);
}

/* ---- audit ---- */

static struct audit_rec a_record(const char *tenant, int n)
{
    static const char *const actors[] = {"alice", "bob"};
    return (struct audit_rec){.time_us = 1000 + n,
                              .tenant_id = tenant,
                              .actor = actors[n % 2],
                              .surface = "api",
                              .action = n % 3 ? "run.create" : "policy.deny",
                              .target = n % 4 ? "run" : NULL,
                              .data = n % 5 ? "{\"b\":1,\"a\":\"\\u8fd0\"}" : NULL,
                              .trace_id = n % 6 ? "trace" : NULL};
}

static int append_records(struct db *db, void *arg, struct err *err)
{
    for (int i = 1; i <= 12; i++) {
        struct audit_rec rec = a_record(T1, i);
        struct id run = nth(ID_RUN, i % 2);
        int64_t seq = 0;
        OK(audit_append(db, &rec, i > 6 ? &run : NULL, &seq, &e));
        assert_int_equal(seq, i);
    }
    struct audit_rec other = a_record(T2, 1), nobody = a_record("nobody", 1), bad = a_record(T1, 1);
    int64_t seq = 0;
    OK(audit_append(db, &other, NULL, &seq, &e));
    assert_int_equal(seq, 1);
    NO(ERR_NOT_FOUND, audit_append(db, &nobody, NULL, NULL, &e));
    bad.data = "{\"x\":1.5}"; /* a float has no canonical form here */
    assert_true(audit_append(db, &bad, NULL, NULL, NULL) < 0);
    return 0;
}

static int verify_row(void *arg, const struct audit_row *row, struct err *e)
{
    struct buf b = BUF_INIT(64 * KIB);
    struct jw w = JW_INIT(&b);
    struct json *doc = NULL;
    audit_json(&w, &row->rec, row->record_hash, row->hash);
    assert_int_equal(b.bad, 0);
    int r = json_parse(b.p, b.len, &doc, e);
    if (r == 0)
        r = audit_verify_record(arg, doc, e);
    json_free(doc);
    buf_fini(&b);
    return r;
}

static int verify(struct db *db, void *arg, struct err *err)
{
    struct audit_verifier v;
    audit_verifier_init(&v);
    int r = audit_list(db, &(struct audit_filter){.tenant = T1}, verify_row, &v, err);
    if (r == 0) {
        char hash[65], have[65];
        int64_t seq = 0;
        assert_int_equal(v.records, 12);
        OK(audit_head(db, T1, &seq, hash, &e));
        assert_int_equal(seq, 12);
        hex_encode(v.hash, sizeof v.hash, have);
        assert_string_equal(hash, have);
    }
    return r;
}

static int count_record(void *arg, const struct audit_row *row, struct err *e)
{
    int *n = arg;
    ++*n;
    return 0;
}

static int filters(struct db *db, void *arg, struct err *err)
{
    struct id run = nth(ID_RUN, 1);
    const struct {
        struct audit_filter f;
        int n;
    } cases[] = {
        {{.tenant = T1}, 12},
        {{.tenant = T2}, 1},
        {{.tenant = "nobody"}, 0},
        {{.tenant = T1, .after_seq = 3, .to_seq = 5}, 2},
        {{.tenant = T1, .limit = 7}, 7},
        {{.tenant = T1, .action = "policy.deny"}, 4},
        {{.tenant = T1, .actor = "bob"}, 6},
        {{.tenant = T1, .actor = "bob", .action = "policy.deny"}, 2},
        {{.tenant = T1, .actor = "%"}, 0},
        {{.tenant = T1, .run = &run}, 3},
        {{.tenant = T1, .run = &run, .after_seq = 7}, 2},
        {{.tenant = T2, .run = &run}, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int n = 0;
        OK(audit_list(db, &cases[i].f, count_record, &n, &e));
        if (n != cases[i].n)
            fail_msg("filter %zu: %d records", i, n);
    }
    return 0;
}

static int empty_head(struct db *db, void *arg, struct err *err)
{
    char hash[65];
    int64_t seq = 7;
    OK(audit_head(db, T1, &seq, hash, &e));
    assert_int_equal(seq, 0);
    assert_string_equal(hash, "0000000000000000000000000000000000000000000000000000000000000000");
    return 0;
}

static void test_audit(void **state)
{
    read_ok(*state, empty_head, NULL);
    write_ok(*state, append_records, NULL);
    read_ok(*state, verify, NULL);
    read_ok(*state, filters, NULL);
}

/* As a person with sqlite3 in hand: with the triggers, then without. */
static int by_hand(struct fixture *f, const char *sql)
{
    sqlite3 *h = NULL;
    assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
    sqlite3_busy_timeout(h, 1000);
    int rc = sqlite3_exec(h, sql, NULL, NULL, NULL);
    sqlite3_close(h);
    return rc;
}

static int script_refused(struct db *db, void *arg, struct err *err)
{
    NO(ERR_INTERNAL, db_script(db, arg, &e));
    return 0;
}

static void test_audit_immutable(void **state)
{
    struct fixture *f = *state;
    write_ok(f, append_records, NULL);
    write_ok(f, script_refused, S("UPDATE audits SET actor = 'eve' WHERE seq = 5"));
    write_ok(f, script_refused, S("DELETE FROM audits WHERE seq = 12"));
    write_ok(f, script_refused,
             S("INSERT OR REPLACE INTO audits SELECT tenant_id, seq, time_us, 'eve', surface, action, target, data,"
               " trace_id, run_id, record_hash, hash FROM audits WHERE seq = 5"));
    assert_int_equal(by_hand(f, "UPDATE audits SET actor = 'eve'"), SQLITE_CONSTRAINT);
    read_ok(f, verify, NULL);

    assert_int_equal(by_hand(f, "DROP TRIGGER audits_no_update; UPDATE audits SET actor = 'eve' WHERE seq = 5"),
                     SQLITE_OK);
    struct err said = ERR_INIT;
    refuse(store_read(f->store, verify, NULL, &said), ERR_AUDIT_BROKEN);
    assert_non_null(strstr(said.msg, "5"));
}

/* ---- idempotency ---- */

static int idem(struct db *db, void *arg, struct err *err)
{
    struct idem_row row = {.tenant_id = S(T1),
                           .token_id = S("tok"),
                           .route = S("POST /runs"),
                           .key = S("k'1"),
                           .request_hash = S(HEX64),
                           .status = 202,
                           .body = S("{\"id\":1}"),
                           .media_type = S("application/json"),
                           .created_us = 50};
    AUTO(idem_row_fini) struct idem_row got = {0}, bare = {0};
    NO(ERR_NOT_FOUND, idem_get(db, &row, &got, &e));
    OK(idem_put(db, &row, &e));
    NO(ERR_CONFLICT, idem_put(db, &row, &e));
    OK(idem_get(db, &row, &got, &e));
    assert_string_equal(got.tenant_id, T1);
    assert_string_equal(got.token_id, "tok");
    assert_string_equal(got.route, "POST /runs");
    assert_string_equal(got.key, "k'1");
    assert_string_equal(got.request_hash, HEX64);
    assert_int_equal(got.status, 202);
    assert_string_equal(got.body, "{\"id\":1}");
    assert_string_equal(got.media_type, "application/json");
    assert_int_equal(got.created_us, 50);

    struct idem_row others[4] = {row, row, row, row}; /* every part of the scope counts */
    others[0].tenant_id = S(T2);
    others[1].token_id = S("tok2");
    others[2].route = S("POST /projects");
    others[3].key = S("k2");
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        NO(ERR_NOT_FOUND, idem_get(db, &others[i], &bare, &e));
        others[i].body = others[i].media_type = NULL;
        others[i].created_us = 60;
        OK(idem_put(db, &others[i], &e));
    }
    OK(idem_get(db, &others[3], &bare, &e));
    assert_null(bare.body);
    int64_t n = 0;
    OK(idem_purge(db, 60, &n, &e));
    assert_int_equal(n, 1);
    OK(idem_put(db, &row, &e)); /* free again */
    return 0;
}

static void test_idem(void **state)
{
    write_ok(*state, idem, NULL);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_up, fixture_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_tenants),  T(test_tokens), T(test_logins),          T(test_projects),
        T(test_policies), T(test_audit),  T(test_audit_immutable), T(test_idem),
    };
    return cmocka_run_group_tests_name("store/base", tests, NULL, NULL);
}
