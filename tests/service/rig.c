#include "tests/service/rig.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "service/projects.h"
#include "service/terminals.h"
#include "service/stream.h"

void must(int r, const struct err *e)
{
    if (r < 0)
        fail_msg("%s (%s) %s", e->msg, err_info(e->code)->name, e->field);
}

static void on_commit(void *arg, const struct id *runs, size_t n)
{
    struct rig *g = arg;

    g->ticks++;
    for (size_t i = 0; i < n; i++)
        hub_wake(g->svc.hub, &runs[i]);
}

int rig_up_over(void **state, void (*make_db)(const char *path))
{
    struct rig *g = calloc(1, sizeof *g);
    struct store_config sc = {0};
    char path[96];

    assert_non_null(g);
    snprintf(g->dir, sizeof g->dir, "/tmp/sallyport-service-XXXXXX");
    assert_non_null(mkdtemp(g->dir));
    snprintf(path, sizeof path, "%s/data", g->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(g->project, sizeof g->project, "%s/hello", g->dir);
    assert_int_equal(mkdir(g->project, 0755), 0);
    g->svc.data_dir = strdup(path);
    g->svc.data_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g->svc.node = "test";
    g->svc.set =
        (struct svc_settings){.lease_ms = 30000, .review_ms = 60000, .approval_ms = 60000, .max_open_runs = 100};
    snprintf(path, sizeof path, "%s/data/sallyport.db", g->dir);
    sc.path = path;
    if (make_db)
        make_db(path);
    OK(store_open(&sc, &g->svc.store, &e));
    OK(hub_new(16, &g->svc.hub, &e));
    OK(terminals_new(&g->svc.terminals, &e));
    OK(streams_new(&g->svc, &g->svc.streams, &e));
    store_on_commit(g->svc.store, on_commit, g);
    OK(secrets_open(g->svc.data_fd, &g->svc.secrets, &e));
    OK(audits_open(g->svc.data_fd, g->svc.store, &g->svc.audits, &e));
    OK(policies_new(g->svc.store, &g->svc.policies, &e));
    caller_system(&g->c, "default", "token:tester", "0123456789abcdef0123456789abcdef");
    g->c.scopes = ~0u;
    OK(projects_add(&g->svc, &g->c, g->project, NULL, NULL, &e));
    *state = g;
    return 0;
}

int rig_up(void **state)
{
    return rig_up_over(state, NULL);
}

int rig_down(void **state)
{
    struct rig *g = *state;

    json_free(g->reply);
    caller_fini(&g->c);
    streams_free(g->svc.streams);
    store_close(g->svc.store);
    policies_free(g->svc.policies);
    audits_close(g->svc.audits);
    secrets_close(g->svc.secrets);
    terminals_free(g->svc.terminals);
    hub_free(g->svc.hub);
    close(g->svc.data_fd);
    free((char *)g->svc.data_dir);
    OK(dir_remove(AT_FDCWD, g->dir, &e));
    free(g);
    return 0;
}

const struct json *rig_json(struct rig *g, const char *text)
{
    json_free(g->reply);
    g->reply = NULL;
    OK(json_parse(text, strlen(text), &g->reply, &e));
    return g->reply;
}

struct id rig_run(struct rig *g, const char *body)
{
    struct id id;

    OK(runs_create(&g->svc, &g->c, rig_json(g, body), &id, &e));
    assert_int_equal(g->c.status, 202);
    return id;
}

const char *rig_state(struct rig *g, const struct id *id)
{
    struct run_row row = {0};
    const char *s;

    OK(runs_row(&g->svc, "default", id, &row, &e));
    s = run_sm_state(row.node);
    run_row_fini(&row);
    return s;
}

struct lease rig_claim(struct rig *g, const char *phase)
{
    struct run_row row = {0};
    struct lease l;

    OK(runs_claim(&g->svc, "w", &l, &row, &e));
    run_row_fini(&row);
    assert_string_equal(l.phase, phase);
    return l;
}

void rig_planned(struct rig *g, const struct id *id)
{
    struct lease l = rig_claim(g, "plan");
    struct run_row row = {0};
    struct plan *plan = NULL;
    enum run_node node;

    assert_true(id_eq(&l.run_id, id));
    OK(runs_row(&g->svc, NULL, id, &row, &e));
    OK(runs_plan(&row, &plan, &e));
    OK(runs_planned(&g->svc, &l, plan, &node, &e));
    plan_free(plan);
    run_row_fini(&row);
}

void rig_finish(struct rig *g, const struct lease *l)
{
    struct kept k = {.name = "report.md", .media_type = "text/markdown", .size_bytes = 0};

    memset(k.sha256, '0', 64);
    OK(runs_finish(&g->svc, l, &k, 1, &e));
}

int64_t rig_count(struct rig *g, const char *sql)
{
    char path[96];
    sqlite3 *db;
    sqlite3_stmt *st;
    int64_t n;

    /* A child's own process would be needed for a second connection beside a writer; here nobody writes meanwhile. */
    snprintf(path, sizeof path, "%s/data/sallyport.db", g->dir);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}

void rig_sql(struct rig *g, const char *sql)
{
    char path[96];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/data/sallyport.db", g->dir);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

int rig_mend(struct rig *g, enum mend kind, int64_t now_us)
{
    const struct mend_by by = {"system", "system", NULL, "reconcile.test", "{}"};
    struct id v[16];
    size_t n = 0;
    int done = 0;

    OK(runs_find(&g->svc, kind, now_us, v, ARRAY_LEN(v), &n, &e));
    for (size_t i = 0; i < n; i++) {
        bool did = false;

        OK(runs_mend(&g->svc, kind, &v[i], now_us, &by, &did, &e));
        done += did;
    }
    return done;
}
