/* fixture - see fixture.h. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include "fixture.h"
#include "os/file.h"

void must(int r, const struct err *e)
{
    if (r != 0)
        fail_msg("got %d: %s", r, e->msg);
}

void refuse(int r, int code)
{
    if (r != -code)
        fail_msg("got %d instead of %d", r, -code);
}

struct id nth(const char *prefix, int n)
{
    uint8_t rnd[10] = {0};
    struct id id;
    id_make(prefix, 1700000000000 + n, rnd, &id);
    return id;
}

void fixture_dir(struct fixture *f)
{
    snprintf(f->dir, sizeof f->dir, "/tmp/sp-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/data/sallyport.db", f->dir);
}

void fixture_remove(struct fixture *f)
{
    OK(dir_remove(AT_FDCWD, f->dir, &e));
}

static int fill(struct db *db, void *arg, struct err *err)
{
    struct fixture *f = arg;
    struct project_row p = {.id = f->project,
                            .tenant_id = (char *)T1,
                            .name = (char *)"hello",
                            .root_path = (char *)"/src/hello",
                            .settings = (char *)"{}",
                            .created_us = 5};
    struct project_row p2 = p;
    p2.id = f->project2;
    p2.tenant_id = (char *)T2;
    OK(tenant_ensure(db, T1, 1, &e));
    OK(tenant_ensure(db, T2, 2, &e));
    OK(project_insert(db, &p, &e));
    OK(project_insert(db, &p2, &e));
    return 0;
}

void fixture_open(struct fixture *f, const struct store_config *more)
{
    struct store_config c = more ? *more : (struct store_config){0};
    c.path = f->path;
    OK(store_open(&c, &f->store, &e));
}

void fixture_fill(struct fixture *f)
{
    f->project = nth(ID_PROJECT, 1);
    f->project2 = nth(ID_PROJECT, 2);
    write_ok(f, fill, f);
}

int fixture_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    fixture_dir(f);
    fixture_open(f, NULL);
    fixture_fill(f);
    *state = f;
    return 0;
}

int fixture_down(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    fixture_remove(f);
    free(f);
    return 0;
}

void write_ok(struct fixture *f, store_fn fn, void *arg)
{
    OK(store_write(f->store, fn, arg, &e));
}

void read_ok(struct fixture *f, store_fn fn, void *arg)
{
    OK(store_read(f->store, fn, arg, &e));
}

struct run_row a_run(const struct fixture *f, int n)
{
    return (struct run_row){.id = nth(ID_RUN, n),
                            .project_id = f->project,
                            .tenant_id = (char *)T1,
                            .kind = (char *)"plan",
                            .node = RN_QUEUED_PLAN,
                            .intent = (char *)"run the tests",
                            .review = (char *)"both",
                            .on_failure = (char *)"review",
                            .on_deny = (char *)"fail",
                            .on_lost = (char *)"retry",
                            .limits = (char *)"{}",
                            .env_names = (char *)"[]",
                            .actor = (char *)"admin",
                            .surface = (char *)"cli",
                            .created_us = 1000 + n,
                            .updated_us = 1000 + n};
}

struct step_row a_step(int run, int n)
{
    return (struct step_row){.id = nth(ID_STEP, run * 1000 + n),
                             .run_id = nth(ID_RUN, run),
                             .index = n,
                             .attempt = 1,
                             .kind = (char *)"command",
                             .command = (char *)"make test",
                             .state = (char *)"pending",
                             .exit_code = -1};
}

char *query_plan(struct fixture *f, const char *sql)
{
    sqlite3 *h = NULL;
    sqlite3_stmt *st = NULL;
    char *text = NULL, *ret = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&ret, &n);
    assert_non_null(out);
    assert_int_equal(asprintf(&text, "EXPLAIN QUERY PLAN %s", sql) > 0, 1);
    assert_int_equal(sqlite3_open_v2(f->path, &h, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(h, text, -1, &st, NULL), SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW)
        fprintf(out, "%s\n", (const char *)sqlite3_column_text(st, 3));
    sqlite3_finalize(st);
    sqlite3_close(h);
    fclose(out);
    free(text);
    return ret;
}

int64_t count_of(struct fixture *f, const char *table)
{
    sqlite3 *h = NULL;
    sqlite3_stmt *st = NULL;
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    assert_int_equal(sqlite3_open_v2(f->path, &h, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(h, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(h);
    return n;
}
