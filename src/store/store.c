/* store - see store.h: opening, the pool of readers, the health check. The writer is writer.c. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include "base/str.h"
#include "store/migrations.h"
#include "store/sqlite.h"
#include "store/store.h"
#include "store/writer.h"

#define BUSY_MS     5000
#define MAX_GROUP   64
#define MAX_QUEUED  4096
#define MAX_READERS 8
#define READERS_CAP 64

struct store {
    struct sqlite_config reader_cfg; /* path is ours */
    char *path;
    struct writer *writer;
    int max_readers;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t freed;
    struct db *idle[READERS_CAP]; /* last in, first out: the hot one is used again */
    int nidle, nopen;
    uint64_t reads;
};

/* ---- opening ---- */

static int or_default(int v, int dflt)
{
    return v > 0 ? v : dflt;
}

/* The writer's connection, schema brought up to date. The file's journal mode is touched only once it is known to be
 * ours. */
static int open_writer(const struct sqlite_config *cfg, struct db **ret, struct err *e)
{
    struct db *db = NULL;
    int r = sqlite_open(cfg, &db, e);
    if (r == 0)
        r = migrations_run(db, cfg->path, e);
    if (r == 0)
        r = sqlite_use_wal(db, e);
    if (r < 0) {
        db_close(db);
        return r;
    }
    *ret = db;
    return 0;
}

static int open_all(struct store *s, const struct store_config *c, struct err *e)
{
    int r = sqlite_place(c->path, &s->path, e);
    if (r < 0)
        return r;
    s->reader_cfg =
        (struct sqlite_config){.path = s->path, .busy_ms = or_default(c->busy_ms, BUSY_MS), .full_sync = c->full_sync};
    struct sqlite_config wcfg = s->reader_cfg;
    wcfg.writer = true;
    struct db *db = NULL;
    r = open_writer(&wcfg, &db, e);
    if (r < 0)
        return r;
    struct writer_config cfg = {or_default(c->max_group, MAX_GROUP), or_default(c->max_queued, MAX_QUEUED)};
    r = writer_new(db, &cfg, &s->writer, e);
    if (r < 0)
        db_close(db);
    return r;
}

int store_open(const struct store_config *c, struct store **ret, struct err *e)
{
    if (!c->path || !c->path[0])
        return err_set(e, ERR_CONFIG, "the database needs a path");
    struct store *s = calloc(1, sizeof *s);
    if (!s)
        return err_oom(e);
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->freed, &attr);
    pthread_condattr_destroy(&attr);
    s->max_readers = or_default(c->max_readers, MAX_READERS);
    if (s->max_readers > READERS_CAP)
        s->max_readers = READERS_CAP;
    int r = open_all(s, c, e);
    if (r < 0) {
        store_close(s);
        return r;
    }
    *ret = s;
    return 0;
}

/* Readers first: the last connection to close empties and removes the log, and the writer may. */
void store_close(struct store *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->nidle; i++)
        db_close(s->idle[i]);
    writer_free(s->writer);
    pthread_cond_destroy(&s->freed);
    pthread_mutex_destroy(&s->lock);
    free(s->path);
    free(s);
}

/* ---- reading ---- */

static struct timespec after_ms(int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (ms % 1000) * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000L;
    }
    return t;
}

/* 1: *ret is an idle connection; 0: the caller may open one (it is counted); or -ERR_BUSY. */
static int claim_reader(struct store *s, struct db **ret, struct err *e)
{
    struct timespec until = after_ms(s->reader_cfg.busy_ms);
    int r = 0, timed_out = 0;
    pthread_mutex_lock(&s->lock);
    while (s->nidle == 0 && s->nopen >= s->max_readers && !timed_out)
        timed_out = pthread_cond_timedwait(&s->freed, &s->lock, &until);
    if (s->nidle > 0) {
        *ret = s->idle[--s->nidle];
        r = 1;
    } else if (s->nopen < s->max_readers) {
        s->nopen++;
    } else {
        r = err_set(e, ERR_BUSY, "%d reads are under way and none ended in time: try again", s->nopen);
    }
    s->reads += r >= 0;
    pthread_mutex_unlock(&s->lock);
    return r;
}

/* db NULL: the counted connection could not be opened, or is not to be trusted any more. */
static void return_reader(struct store *s, struct db *db)
{
    pthread_mutex_lock(&s->lock);
    if (db)
        s->idle[s->nidle++] = db;
    else
        s->nopen--;
    pthread_cond_signal(&s->freed);
    pthread_mutex_unlock(&s->lock);
}

static int take_reader(struct store *s, struct db **ret, struct err *e)
{
    int r = claim_reader(s, ret, e);
    if (r != 0)
        return r < 0 ? r : 0;
    r = sqlite_open(&s->reader_cfg, ret, e);
    if (r < 0)
        return_reader(s, NULL);
    return r;
}

/* The transaction ends whatever fn said; a connection that failed is closed, not used again. */
static void give_reader(struct store *s, struct db *db)
{
    if (db->fatal == 0 && db->ops->in_tx(db) && db_exec(db, SQL_TX_COMMIT, NO_VALS, NULL) < 0)
        db_rollback(db);
    if (db->fatal) {
        db_close(db);
        db = NULL;
    }
    return_reader(s, db);
}

int store_read(struct store *s, store_fn fn, void *arg, struct err *e)
{
    struct db *db = NULL;
    int r = take_reader(s, &db, e);
    if (r < 0)
        return r;
    r = db_exec(db, SQL_TX_READ, NO_VALS, e);
    if (r == 0) {
        r = fn(db, arg, e);
        if (r >= 0 && db->fatal) { /* fn looked away from a failure of the disk */
            r = db->fatal;
            if (e)
                *e = db->fatal_err;
        }
    }
    give_reader(s, db);
    return r;
}

/* ---- the rest ---- */

int store_write(struct store *s, store_fn fn, void *arg, struct err *e)
{
    return writer_do(s->writer, fn, arg, e);
}

void store_on_commit(struct store *s, void (*fn)(void *arg, const struct id *runs, size_t n), void *arg)
{
    writer_on_commit(s->writer, fn, arg);
}

static int check_write(struct db *db, void *arg, struct err *e)
{
    int64_t *ret = arg;
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_SCHEMA_CHECK, VALS(V_INT(migrations_version())), &q, e);
    if (r < 0)
        return r;
    if (r == 0)
        return err_set(e, ERR_CORRUPT, "the database's schema_version is not the one it was opened with");
    *ret = query_int(&q, 0);
    return 0;
}

/* At least what was written: another check may have come between. */
static int check_read(struct db *db, void *arg, struct err *e)
{
    const int64_t *written = arg;
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_SCHEMA_CHECKED, VALS(V_INT(migrations_version())), &q, e);
    if (r < 0)
        return r;
    if (r == 0 || query_int(&q, 0) < *written)
        return err_set(e, ERR_CORRUPT, "the database does not show what was just written");
    return 0;
}

int store_check(struct store *s, struct err *e)
{
    int64_t written = 0;
    int r = store_write(s, check_write, &written, e);
    return r < 0 ? r : store_read(s, check_read, &written, e);
}

void store_stats(struct store *s, struct store_stats *ret)
{
    struct store_stats st;
    writer_stats(s->writer, &st);
    pthread_mutex_lock(&s->lock);
    st.reads = s->reads;
    st.readers = s->nopen;
    pthread_mutex_unlock(&s->lock);
    st.schema_version = migrations_version();
    sqlite_sizes(s->path, &st.db_bytes, &st.wal_bytes);
    *ret = st;
}
