/* Opening, migrating, grouping, rolling back, filling the disk, reading side by side. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fixture.h"
#include "os/clock.h"
#include "store/migrations.h"

/* ---- opening ---- */

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void test_modes(void **state)
{
    struct fixture *f = *state;
    char path[160];
    assert_int_equal(mode_of(f->path), 0600);
    snprintf(path, sizeof path, "%s-wal", f->path);
    assert_int_equal(mode_of(path), 0600);
    snprintf(path, sizeof path, "%s-shm", f->path);
    assert_int_equal(mode_of(path), 0600);
    snprintf(path, sizeof path, "%s/data", f->dir);
    assert_int_equal(mode_of(path), 0700);

    /* a file that others could read is closed to them */
    store_close(f->store);
    assert_int_equal(chmod(f->path, 0644), 0);
    fixture_open(f, NULL);
    assert_int_equal(mode_of(f->path), 0600);
}

static void test_close_leaves_no_log(void **state)
{
    struct fixture *f = *state;
    char log[160];
    snprintf(log, sizeof log, "%s-wal", f->path);
    OK(store_check(f->store, &e));
    store_close(f->store);
    assert_int_equal(access(log, F_OK), -1);
    fixture_open(f, NULL);
    assert_int_equal(count_of(f, "projects"), 2);
}

static void refuse_open(const char *path, int code, const char *word)
{
    struct store *s = NULL;
    struct err e = ERR_INIT;
    refuse(store_open(&(struct store_config){.path = path}, &s, &e), code);
    assert_null(s);
    if (!strstr(e.msg, word))
        fail_msg("\"%s\" does not say \"%s\"", e.msg, word);
}

static void by_hand(const char *path, const char *sql)
{
    sqlite3 *h = NULL;
    assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
    assert_int_equal(sqlite3_exec(h, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(h);
}

static void test_newer_schema(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    f->store = NULL;
    by_hand(f->path, "INSERT INTO schema_version VALUES (99, 'from the future', 1, 0)");
    refuse_open(f->path, ERR_CONFIG, "schema version 99");
    by_hand(f->path, "DELETE FROM schema_version WHERE version = 99");
    fixture_open(f, NULL);
}

static void test_foreign_files(void **state)
{
    struct fixture *f = *state;
    char path[160], target[160];
    snprintf(path, sizeof path, "%s/data/theirs.db", f->dir);
    by_hand(path, "CREATE TABLE bookmarks (url)");
    refuse_open(path, ERR_CONFIG, "something else");
    by_hand(path, "DROP TABLE bookmarks"); /* and nothing of ours was left in it */
    assert_int_equal(unlink(path), 0);

    FILE *text = fopen(path, "w");
    assert_non_null(text);
    for (int i = 0; i < 1000; i++)
        fputs("this is no database\n", text);
    fclose(text);
    refuse_open(path, ERR_CORRUPT, "not a database");
    assert_int_equal(unlink(path), 0);

    snprintf(target, sizeof target, "%s/data/target", f->dir);
    assert_int_equal(symlink(target, path), 0);
    refuse_open(path, ERR_CONFIG, "not a regular file");
    assert_int_equal(access(target, F_OK), -1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    refuse_open(path, ERR_CONFIG, "not a regular file");

    snprintf(path, sizeof path, "%s/open", f->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0777), 0);
    snprintf(path, sizeof path, "%s/open/x.db", f->dir);
    refuse_open(path, ERR_CONFIG, "written by anybody");
    refuse_open("", ERR_CONFIG, "path");
    refuse_open("/proc/nowhere/x.db", ERR_NOT_FOUND, "directory");
}

/* Through a linked directory it is the same file. */
static void test_paths(void **state)
{
    struct fixture *f = *state;
    char dir[160], link[160];
    snprintf(dir, sizeof dir, "%s/data", f->dir);
    snprintf(link, sizeof link, "%s/link", f->dir);
    assert_int_equal(symlink(dir, link), 0);
    store_close(f->store);
    snprintf(f->path, sizeof f->path, "%s/link/sallyport.db", f->dir);
    fixture_open(f, NULL);
    OK(store_check(f->store, &e));
    store_close(f->store);
    snprintf(f->path, sizeof f->path, "%s/data/sallyport.db", f->dir);
    fixture_open(f, NULL);
    assert_int_equal(count_of(f, "tenants"), 2);
}

/* ---- transactions ---- */

static int two_runs_then_fail(struct db *db, void *arg, struct err *err)
{
    struct run_row a = a_run(arg, 1), b = a_run(arg, 2);
    OK(run_insert(db, &a, &e));
    OK(run_insert(db, &b, &e));
    OK(event_append(db, &a.id, NULL, "run.status", 1, NULL, NULL, &e));
    return err_set(err, ERR_STATE, "changed my mind");
}

static void test_rollback(void **state)
{
    struct fixture *f = *state;
    struct err e = ERR_INIT;
    refuse(store_write(f->store, two_runs_then_fail, f, &e), ERR_STATE);
    assert_string_equal(e.msg, "changed my mind");
    assert_int_equal(count_of(f, "runs"), 0);
    assert_int_equal(count_of(f, "run_events"), 0);
    refuse(store_write(f->store, two_runs_then_fail, f, NULL), ERR_STATE); /* nobody asks why */
}

static int insert_one(struct db *db, void *arg, struct err *e)
{
    struct run_row a = a_run(arg, 1);
    return run_insert(db, &a, e);
}

static int write_in_write(struct db *db, void *arg, struct err *err)
{
    struct fixture *f = arg;
    NO(ERR_INTERNAL, store_write(f->store, insert_one, f, &e));
    return 0;
}

static int write_in_read(struct db *db, void *arg, struct err *err)
{
    NO(ERR_INTERNAL, insert_one(db, arg, &e));
    return 7;
}

static void test_misuse(void **state)
{
    struct fixture *f = *state;
    write_ok(f, write_in_write, f);
    assert_int_equal(store_read(f->store, write_in_read, f, NULL), 7);
    assert_int_equal(count_of(f, "runs"), 0);
}

static void test_check_and_stats(void **state)
{
    struct fixture *f = *state;
    struct store_stats a, b;
    store_stats(f->store, &a);
    OK(store_check(f->store, &e));
    refuse(store_write(f->store, two_runs_then_fail, f, NULL), ERR_STATE);
    store_stats(f->store, &b);
    assert_int_equal(b.transactions - a.transactions, 1);
    assert_int_equal(b.failed - a.failed, 1);
    assert_int_equal(b.commits - a.commits, 2);
    assert_int_equal(b.reads - a.reads, 1);
    assert_int_equal(b.readers, 1);
    assert_int_equal(b.queued, 0);
    assert_int_equal(b.schema_version, migrations_version());
    assert_true(b.db_bytes > 0 && b.wal_bytes > 0);
}

/* ---- many at once ---- */

#define THREADS 16
#define ROUNDS  200

struct crowd {
    struct fixture *f;
    struct id run; /* all append to one stream */
    atomic_int refused;
    atomic_llong touched, commits;
};

struct one {
    struct crowd *crowd;
    int n;
    int64_t seq;
    bool fail;
};

static int append_one(struct db *db, void *arg, struct err *e)
{
    struct one *o = arg;
    int r = event_append(db, &o->crowd->run, NULL, "run.status", o->n, NULL, &o->seq, e);
    if (r == 0 && o->fail)
        return err_set(e, ERR_STATE, "on purpose");
    return r;
}

static void *append_many(void *arg)
{
    struct crowd *c = arg;
    int64_t last = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct one o = {.crowd = c, .n = i, .fail = i % 10 == 9};
        struct err e = ERR_INIT;
        int r = store_write(c->f->store, append_one, &o, &e);
        if (r < 0) {
            c->refused++;
            if (!o.fail || r != -ERR_STATE || strcmp(e.msg, "on purpose") != 0)
                abort();
            continue;
        }
        if (o.fail || o.seq <= last) /* what I did later comes later */
            abort();
        last = o.seq;
    }
    return NULL;
}

static void count_commit(void *arg, const struct id *runs, size_t n)
{
    struct crowd *c = arg;
    c->commits++;
    c->touched += (long long)n;
    if (n != 1 || !id_eq(runs, &c->run))
        abort();
}

static int gap_free(void *arg, const struct event_row *row, struct err *e)
{
    int64_t *last = arg;
    assert_int_equal(row->seq, ++*last);
    return 0;
}

static int check_stream(struct db *db, void *arg, struct err *err)
{
    struct crowd *c = arg;
    int64_t last = 0;
    OK(event_list(db, &c->run, 0, 0, gap_free, &last, &e));
    assert_int_equal(last, THREADS * ROUNDS * 9 / 10);
    return 0;
}

static void test_group_commit(void **state)
{
    struct fixture *f = *state;
    struct crowd c = {.f = f, .run = nth(ID_RUN, 1)};
    pthread_t t[THREADS];
    struct store_stats a, b;
    store_close(f->store);
    fixture_open(f, &(struct store_config){.full_sync = true});
    store_on_commit(f->store, count_commit, &c);
    write_ok(f, insert_one, f);
    store_stats(f->store, &a);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, append_many, &c), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    store_stats(f->store, &b);
    read_ok(f, check_stream, &c);
    assert_int_equal(c.refused, THREADS * ROUNDS / 10);
    assert_int_equal(b.transactions - a.transactions, THREADS * ROUNDS * 9 / 10);
    assert_int_equal(b.failed - a.failed, THREADS * ROUNDS / 10);
    assert_true(b.commits - a.commits < THREADS * ROUNDS * 9 / 10); /* they did share */
    store_close(f->store);                                          /* the last on_commit is over */
    assert_int_equal(c.touched, c.commits);
    assert_true(c.commits > 0 && (uint64_t)c.commits <= b.commits - a.commits);
    fixture_open(f, NULL);
}

/* ---- telling the hub ---- */

struct told {
    int calls;
    size_t n;
    struct id runs[4];
};

static void tell(void *arg, const struct id *runs, size_t n)
{
    struct told *t = arg;
    t->calls++;
    for (size_t i = 0; i < n && t->n < ARRAY_LEN(t->runs); i++)
        t->runs[t->n++] = runs[i];
}

static int touch_two(struct db *db, void *arg, struct err *err)
{
    struct id a = nth(ID_RUN, 1), b = nth(ID_RUN, 2);
    db_touch(db, &a);
    db_touch(db, &b);
    db_touch(db, &a);
    return 0;
}

static int touch_and_fail(struct db *db, void *arg, struct err *err)
{
    struct id c = nth(ID_RUN, 3);
    db_touch(db, &c);
    return err_set(err, ERR_STATE, "no");
}

static void test_on_commit(void **state)
{
    struct fixture *f = *state;
    struct told t = {0};
    store_on_commit(f->store, tell, &t);
    write_ok(f, touch_two, NULL);
    refuse(store_write(f->store, touch_and_fail, NULL, NULL), ERR_STATE);
    OK(store_check(f->store, &e)); /* touches nothing */
    store_close(f->store);
    assert_int_equal(t.calls, 1);
    assert_int_equal(t.n, 2); /* each once */
    assert_string_equal(t.runs[0].s, nth(ID_RUN, 1).s);
    assert_string_equal(t.runs[1].s, nth(ID_RUN, 2).s);
    fixture_open(f, NULL);
}

/* ---- the disk is full ---- */

static int script(struct db *db, void *arg, struct err *e)
{
    return db_script(db, arg, e);
}

struct big {
    struct fixture *f;
    int n, result;
};

static int insert_big(struct db *db, void *arg, struct err *e)
{
    struct big *b = arg;
    struct run_row row = a_run(b->f, b->n);
    char *plan = malloc(200001);
    assert_non_null(plan);
    memset(plan, 'x', 200000);
    plan[200000] = '\0';
    row.plan = plan;
    int r = run_insert(db, &row, e);
    free(plan);
    return r;
}

/* Swallows the failure: it must not be told it was stored. */
static int insert_big_carelessly(struct db *db, void *arg, struct err *e)
{
    int r = insert_big(db, arg, NULL);
    return r < 0 ? 0 : r;
}

static void test_full(void **state)
{
    struct fixture *f = *state;
    struct big b = {.f = f, .n = 1};
    write_ok(f, script, (char *)"PRAGMA max_page_count = 300");
    int stored = 0, r = 0;
    struct err e = ERR_INIT;
    for (int i = 0; i < 20 && r == 0; i++) {
        b.n = i + 1;
        r = store_write(f->store, insert_big, &b, &e);
        stored += r == 0;
    }
    refuse(r, ERR_STORAGE_FULL);
    assert_non_null(strstr(e.msg, "full"));
    assert_true(stored > 0 && stored < 20);
    refuse(store_write(f->store, insert_big_carelessly, &b, NULL), ERR_STORAGE_FULL);
    assert_int_equal(count_of(f, "runs"), stored);
    write_ok(f, script, (char *)"PRAGMA max_page_count = 100000"); /* room again: it goes on */
    write_ok(f, insert_big, &b);
    assert_int_equal(count_of(f, "runs"), stored + 1);
}

/* ---- a writer that is held up, so that others gather behind it ---- */

struct gate {
    struct fixture *f;
    atomic_bool entered, open;
    int result;
    pthread_t thread;
};

static int wait_gate(struct db *db, void *arg, struct err *e)
{
    struct gate *g = arg;
    atomic_store(&g->entered, true);
    while (!atomic_load(&g->open))
        clock_sleep_us(500);
    return 0;
}

static void *hold(void *arg)
{
    struct gate *g = arg;
    g->result = store_write(g->f->store, wait_gate, g, NULL);
    return NULL;
}

static void *hold_read(void *arg)
{
    struct gate *g = arg;
    g->result = store_read(g->f->store, wait_gate, g, NULL);
    return NULL;
}

static void gate_shut(struct gate *g, struct fixture *f, void *(*fn)(void *))
{
    *g = (struct gate){.f = f};
    assert_int_equal(pthread_create(&g->thread, NULL, fn, g), 0);
    while (!atomic_load(&g->entered))
        clock_sleep_us(500);
}

static int gate_open(struct gate *g)
{
    atomic_store(&g->open, true);
    pthread_join(g->thread, NULL);
    return g->result;
}

static void *small_write(void *arg)
{
    struct big *b = arg;
    b->result = store_write(b->f->store, insert_one, b->f, NULL);
    return NULL;
}

static void *big_write(void *arg)
{
    struct big *b = arg;
    b->result = store_write(b->f->store, insert_big, b, NULL);
    return NULL;
}

static void wait_queued(struct fixture *f, int n)
{
    struct store_stats st;
    do {
        clock_sleep_us(500);
        store_stats(f->store, &st);
    } while (st.queued < n);
}

/* A group shares its fate: everyone in it is told, and nothing of it is there. */
static void test_full_fails_group(void **state)
{
    struct fixture *f = *state;
    struct big small = {.f = f, .n = 1}, large = {.f = f, .n = 2};
    struct gate g;
    pthread_t a, b;
    write_ok(f, script, (char *)"PRAGMA max_page_count = 80");
    gate_shut(&g, f, hold);
    assert_int_equal(pthread_create(&a, NULL, small_write, &small), 0);
    wait_queued(f, 1);
    assert_int_equal(pthread_create(&b, NULL, big_write, &large), 0);
    wait_queued(f, 2);
    refuse(gate_open(&g), ERR_STORAGE_FULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    refuse(large.result, ERR_STORAGE_FULL);
    refuse(small.result, ERR_STORAGE_FULL);
    assert_int_equal(count_of(f, "runs"), 0);
    write_ok(f, insert_one, f); /* and the next one finds a writer that works */
}

/* The same gathering, one fails by itself: the others do not notice. */
static void test_failure_alone(void **state)
{
    struct fixture *f = *state;
    struct big small = {.f = f, .n = 1}, twin = {.f = f, .n = 1}, other = {.f = f, .n = 2};
    struct gate g;
    pthread_t t[3];
    struct store_stats st, st2;
    store_stats(f->store, &st);
    gate_shut(&g, f, hold);
    assert_int_equal(pthread_create(&t[0], NULL, small_write, &small), 0);
    wait_queued(f, 1);
    assert_int_equal(pthread_create(&t[1], NULL, big_write, &twin), 0); /* the same id */
    wait_queued(f, 2);
    assert_int_equal(pthread_create(&t[2], NULL, big_write, &other), 0);
    wait_queued(f, 3);
    assert_int_equal(gate_open(&g), 0);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        pthread_join(t[i], NULL);
    assert_int_equal(small.result, 0);
    refuse(twin.result, ERR_CONFLICT);
    assert_int_equal(other.result, 0);
    assert_int_equal(count_of(f, "runs"), 2);
    store_stats(f->store, &st2);
    assert_int_equal(st2.commits - st.commits, 1); /* all of it one commit */
}

static void test_queue_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct big small = {.f = f, .n = 1};
    struct gate g;
    pthread_t t;
    store_close(f->store);
    fixture_open(f, &(struct store_config){.max_queued = 1});
    gate_shut(&g, f, hold);
    assert_int_equal(pthread_create(&t, NULL, small_write, &small), 0);
    wait_queued(f, 1);
    NO(ERR_BUSY, store_write(f->store, insert_one, f, &e));
    assert_int_equal(gate_open(&g), 0);
    pthread_join(t, NULL);
    assert_int_equal(small.result, 0);
}

/* What was queued before the end is done before the end. */
static void *close_store(void *arg)
{
    store_close(arg);
    return NULL;
}

static void test_close_finishes(void **state)
{
    struct fixture *f = *state;
    struct big small = {.f = f, .n = 1};
    struct gate g;
    pthread_t t, closer;
    gate_shut(&g, f, hold);
    assert_int_equal(pthread_create(&t, NULL, small_write, &small), 0);
    wait_queued(f, 1);
    atomic_store(&g.open, true);
    pthread_join(g.thread, NULL);
    pthread_join(t, NULL);
    assert_int_equal(pthread_create(&closer, NULL, close_store, f->store), 0);
    pthread_join(closer, NULL);
    assert_int_equal(small.result, 0);
    fixture_open(f, NULL);
    assert_int_equal(count_of(f, "runs"), 1);
}

/* ---- readers ---- */

static void test_readers_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct gate a, b;
    struct store_stats st;
    store_close(f->store);
    fixture_open(f, &(struct store_config){.max_readers = 2, .busy_ms = 50});
    gate_shut(&a, f, hold_read);
    gate_shut(&b, f, hold_read);
    struct err e = ERR_INIT;
    refuse(store_read(f->store, write_in_read, f, &e), ERR_BUSY);
    assert_non_null(strstr(e.msg, "2 reads"));
    assert_int_equal(gate_open(&a), 0);
    assert_int_equal(store_read(f->store, write_in_read, f, NULL), 7);
    assert_int_equal(gate_open(&b), 0);
    store_stats(f->store, &st);
    assert_int_equal(st.readers, 2);
}

struct snapshot {
    struct gate gate;
    int before, after;
};

static int count_run(void *arg, const struct run_row *row, struct err *e)
{
    int *n = arg;
    ++*n;
    return 0;
}

static int read_twice(struct db *db, void *arg, struct err *err)
{
    struct snapshot *s = arg;
    struct run_filter all = {.tenant = T1};
    int r = run_list(db, &all, count_run, &s->before, err);
    if (r == 0)
        r = wait_gate(db, &s->gate, err);
    return r ? r : run_list(db, &all, count_run, &s->after, err);
}

static void *snapshot_reader(void *arg)
{
    struct snapshot *s = arg;
    s->gate.result = store_read(s->gate.f->store, read_twice, s, NULL);
    return NULL;
}

/* A read sees one moment, and holds nobody up. */
static void test_snapshot(void **state)
{
    struct fixture *f = *state;
    struct snapshot s = {.gate = {.f = f}};
    assert_int_equal(pthread_create(&s.gate.thread, NULL, snapshot_reader, &s), 0);
    while (!atomic_load(&s.gate.entered))
        clock_sleep_us(500);
    write_ok(f, insert_one, f);
    assert_int_equal(gate_open(&s.gate), 0);
    assert_int_equal(s.before, 0);
    assert_int_equal(s.after, 0);
    assert_int_equal(count_of(f, "runs"), 1);
}

/* ---- other processes, and the log ---- */

static void test_locked_out(void **state)
{
    struct fixture *f = *state;
    sqlite3 *h = NULL;
    store_close(f->store);
    fixture_open(f, &(struct store_config){.busy_ms = 50});
    assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
    assert_int_equal(sqlite3_exec(h, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    NO(ERR_BUSY, store_write(f->store, insert_one, f, &e));
    assert_int_equal(sqlite3_exec(h, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    write_ok(f, insert_one, f);
    sqlite3_close(h);
}

static void *let_go_soon(void *arg)
{
    clock_sleep_us(100 * MS_US);
    assert_int_equal(sqlite3_exec(arg, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    return NULL;
}

static void test_lock_is_waited_for(void **state)
{
    struct fixture *f = *state;
    sqlite3 *h = NULL;
    pthread_t t;
    assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
    assert_int_equal(sqlite3_exec(h, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(pthread_create(&t, NULL, let_go_soon, h), 0);
    write_ok(f, insert_one, f);
    pthread_join(t, NULL);
    sqlite3_close(h);
}

/* 16 MB written: the log was emptied on the way. */
static void test_log_stays_small(void **state)
{
    struct fixture *f = *state;
    struct store_stats st;
    for (int i = 0; i < 80; i++) {
        struct big b = {.f = f, .n = i};
        write_ok(f, insert_big, &b);
    }
    store_stats(f->store, &st);
    assert_true(st.wal_bytes < (int64_t)(8 * MIB));
    assert_true(st.db_bytes > (int64_t)(8 * MIB));
}

/* A long read keeps the log from being emptied, but stops nobody; after its end the log shrinks again. */
static void test_long_read(void **state)
{
    struct fixture *f = *state;
    struct snapshot s = {.gate = {.f = f}};
    struct store_stats during, after;
    assert_int_equal(pthread_create(&s.gate.thread, NULL, snapshot_reader, &s), 0);
    while (!atomic_load(&s.gate.entered))
        clock_sleep_us(500);
    for (int i = 0; i < 200; i++) {
        struct big b = {.f = f, .n = i};
        write_ok(f, insert_big, &b);
    }
    store_stats(f->store, &during);
    assert_true(during.wal_bytes > (int64_t)(32 * MIB));
    assert_int_equal(gate_open(&s.gate), 0);
    assert_int_equal(s.after, 0);
    for (int i = 200; i < 240; i++) {
        struct big b = {.f = f, .n = i};
        write_ok(f, insert_big, &b);
    }
    store_stats(f->store, &after);
    assert_true(after.wal_bytes <= (int64_t)(8 * MIB));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_up, fixture_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_modes),
        T(test_close_leaves_no_log),
        T(test_newer_schema),
        T(test_foreign_files),
        T(test_paths),
        T(test_rollback),
        T(test_misuse),
        T(test_check_and_stats),
        T(test_group_commit),
        T(test_on_commit),
        T(test_full),
        T(test_full_fails_group),
        T(test_failure_alone),
        T(test_queue_is_bounded),
        T(test_close_finishes),
        T(test_readers_are_bounded),
        T(test_snapshot),
        T(test_locked_out),
        T(test_lock_is_waited_for),
        T(test_log_stays_small),
        T(test_long_read),
    };
    return cmocka_run_group_tests_name("store/store", tests, NULL, NULL);
}
