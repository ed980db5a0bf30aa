/* sqlite - see sqlite.h.
 *
 * Invariants:
 *  1. After a row-by-row failure that SQLite may answer with its own rollback (FULL, IOERR, NOMEM …;
 * sqlite.org/lang_transaction.html "Response To Errors Within A Transaction") db->fatal is set.
 *  2. A cached statement has at most one user; a second one at the same time gets a statement of its own.
 *  3. This process never opens the database file itself while a connection may have it open: closing any descriptor
 *     of a file drops all its POSIX locks (fcntl(2)), SQLite's too.
 *  4. Checkpoints run between transactions, after the callers were answered, never inside a caller's commit. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/str.h"
#include "os/file.h"
#include "store/fault_vfs.h"
#include "store/sqlite.h"

#define WRITER_CACHE_KIB 2048
#define READER_CACHE_KIB 512
#define VALUE_MAX        (64 * 1024 * 1024) /* bytes of one text or blob */
#define CHECKPOINT_PAGES 1000               /* 4 MiB of log: move what readers allow */
#define RESTART_PAGES    8000               /* 32 MiB: wait (shortly) for readers, so the log begins anew */
#define RESTART_WAIT_MS  100
#define LOG_KEEP_BYTES   (8 * 1024 * 1024) /* of an emptied log file; the rest is given back */

struct lite {
    struct db db;
    sqlite3 *h;
    sqlite3_stmt *cache[SQL_N];
    bool used[SQL_N];
    char *path;
    bool writer;
    int busy_ms;
    int log_pages;  /* in the log after the last commit, until it was looked after */
    int restart_at; /* pages from which readers are waited for */
};

static struct lite *lite_of(struct db *db)
{
    return (struct lite *)db; /* db is the first member */
}

/* ---- errors ---- */

static int error_code(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERR_STORAGE_FULL;
    case SQLITE_NOMEM:
        return ERR_OOM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_PROTOCOL:
        return ERR_IO;
    case SQLITE_TOOBIG:
        return ERR_TOO_LARGE;
    case SQLITE_CONSTRAINT:
        if (rc == SQLITE_CONSTRAINT_FOREIGNKEY)
            return ERR_NOT_FOUND;
        return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ? ERR_CONFLICT : ERR_INTERNAL;
    default:
        return ERR_INTERNAL;
    }
}

/* Does the transaction survive it? A file system that turned read-only does not let it. */
static bool ends_tx(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
    case SQLITE_ERROR:
        return false;
    case SQLITE_READONLY:
        return rc != SQLITE_READONLY; /* plain: a write on a reader's connection */
    default:
        return true;
    }
}

static int fail(struct lite *l, int rc, enum sql_id id, struct err *e)
{
    struct err why = ERR_INIT;
    int code = error_code(rc), sys = (rc & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(l->h) : 0;
    /* SQLite says FULL of a write only: not of the index of its log, nor of a file it has to make larger first. */
    if (rc == SQLITE_IOERR_SHMSIZE || sys == ENOSPC || sys == EDQUOT)
        code = ERR_STORAGE_FULL;
    const char *text = rc == SQLITE_READONLY ? "a read may not write" : sqlite3_errmsg(l->h);
    if (code == ERR_STORAGE_FULL)
        err_set(&why, code, "the disk is full: nothing of this was stored (make room and try again)");
    else if (rc == SQLITE_CONSTRAINT_FOREIGNKEY)
        err_set(&why, code, "it refers to something that does not exist (%s)", sql_name(id));
    else
        err_set(&why, code, "store: %s (%s, sqlite %d)", text, sql_name(id), rc);
    why.sys = sys;
    if (ends_tx(rc))
        db_lost(&l->db, &why);
    if (e)
        *e = why;
    return -code;
}

/* ---- statements ---- */

/* $1 $2 … must be SQLite's parameters 1 2 …: see the rules in sql.def. */
static bool params_in_order(sqlite3_stmt *st)
{
    for (int i = 1; i <= sqlite3_bind_parameter_count(st); i++) {
        char want[16];
        snprintf(want, sizeof want, "$%d", i);
        if (!str_eq(sqlite3_bind_parameter_name(st, i), want))
            return false;
    }
    return true;
}

static int prepare(struct lite *l, enum sql_id id, sqlite3_stmt **ret, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v3(l->h, sql_text(id, SQL_SQLITE), -1, SQLITE_PREPARE_PERSISTENT, &st, NULL);
    if (rc != SQLITE_OK)
        return fail(l, rc, id, e);
    if (!params_in_order(st)) {
        sqlite3_finalize(st);
        return err_set(e, ERR_INTERNAL, "store: parameters of %s are out of order", sql_name(id));
    }
    *ret = st;
    return 0;
}

static int take_stmt(struct lite *l, enum sql_id id, struct query *q, struct err *e)
{
    sqlite3_stmt *st = l->cache[id];
    bool own = l->used[id];
    if (own || !st) {
        int r = prepare(l, id, &st, e);
        if (r < 0)
            return r;
    }
    if (!own) {
        l->cache[id] = st;
        l->used[id] = true;
    }
    *q = (struct query){.db = &l->db, .stmt = st, .id = id, .cached = !own};
    return 0;
}

static int bind_one(sqlite3_stmt *st, int i, const struct db_val *v)
{
    switch (v->kind) {
    case DB_NULL:
        return sqlite3_bind_null(st, i);
    case DB_INT:
        return sqlite3_bind_int64(st, i, v->i);
    case DB_TEXT:
        return sqlite3_bind_text64(st, i, v->p, v->n, SQLITE_STATIC, SQLITE_UTF8);
    case DB_BLOB:
        return sqlite3_bind_blob64(st, i, v->n ? v->p : "", v->n, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

static void lite_fini(struct query *q)
{
    struct lite *l = lite_of(q->db);
    if (!q->cached) {
        sqlite3_finalize(q->stmt);
        return;
    }
    sqlite3_reset(q->stmt);
    sqlite3_clear_bindings(q->stmt);
    l->used[q->id] = false;
}

static int lite_query(struct db *db, enum sql_id id, const struct db_val *vals, size_t n, struct query *q,
                      struct err *e)
{
    struct lite *l = lite_of(db);
    int r = take_stmt(l, id, q, e);
    if (r < 0)
        return r;
    if ((size_t)sqlite3_bind_parameter_count(q->stmt) != n)
        return err_set(e, ERR_INTERNAL, "store: %s takes another number of values than %zu", sql_name(id), n);
    for (size_t i = 0; i < n; i++) {
        int rc = bind_one(q->stmt, (int)i + 1, &vals[i]);
        if (rc != SQLITE_OK)
            return fail(l, rc, id, e);
    }
    return 0;
}

static int injected(struct lite *l, enum sql_id id, struct err *e)
{
    if (id > SQL_TX_LAST && FAULT(store_step))
        return fail(l, SQLITE_IOERR, id, e);
    if (id == SQL_TX_COMMIT && l->writer && FAULT(store_commit))
        return fail(l, SQLITE_FULL, id, e);
    return 0;
}

static int lite_step(struct query *q, struct err *e)
{
    struct lite *l = lite_of(q->db);
    int r = injected(l, q->id, e);
    if (r < 0)
        return r;
    int rc = sqlite3_step(q->stmt);
    if (rc == SQLITE_ROW)
        return 1;
    return rc == SQLITE_DONE ? 0 : fail(l, rc, q->id, e);
}

static int64_t lite_changes(struct query *q)
{
    return sqlite3_changes64(lite_of(q->db)->h);
}

static int64_t lite_int(struct query *q, int col)
{
    return sqlite3_column_int64(q->stmt, col);
}

static const char *lite_text(struct query *q, int col, size_t *ret_n)
{
    const char *s = (const char *)sqlite3_column_text(q->stmt, col);
    if (ret_n)
        *ret_n = (size_t)sqlite3_column_bytes(q->stmt, col);
    return s;
}

static const void *lite_blob(struct query *q, int col, size_t *ret_n)
{
    const void *p = sqlite3_column_blob(q->stmt, col);
    *ret_n = (size_t)sqlite3_column_bytes(q->stmt, col);
    /* sqlite3_column_blob gives NULL for an empty blob too */
    return !p && sqlite3_column_type(q->stmt, col) == SQLITE_BLOB ? "" : p;
}

static int lite_script(struct db *db, const char *text, struct err *e)
{
    struct lite *l = lite_of(db);
    int rc = sqlite3_exec(l->h, text, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : fail(l, rc, SQL_SCHEMA_GET, e);
}

static bool lite_in_tx(struct db *db)
{
    return !sqlite3_get_autocommit(lite_of(db)->h);
}

/* ---- the write-ahead log ---- */

/* Instead of SQLite's own automatic checkpoint, which would run inside COMMIT: only notes the size. */
static int on_log(void *arg, sqlite3 *h, const char *name, int pages)
{
    struct lite *l = arg;
    l->log_pages = pages;
    return SQLITE_OK;
}

/* Waits shortly for readers to leave the log, so the next commit begins it anew. When a long read does not let it, the
 * next try comes only after the log has grown further: or every commit would wait. */
static void restart_log(struct lite *l)
{
    sqlite3_busy_timeout(l->h, RESTART_WAIT_MS);
    int rc = sqlite3_wal_checkpoint_v2(l->h, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
    sqlite3_busy_timeout(l->h, l->busy_ms);
    l->restart_at = rc == SQLITE_OK ? RESTART_PAGES : l->log_pages + RESTART_PAGES / 4;
}

/* Failure is no loss: the log is read until a later checkpoint succeeds. */
static void lite_tidy(struct db *db)
{
    struct lite *l = lite_of(db);
    if (l->log_pages >= l->restart_at)
        restart_log(l);
    else if (l->log_pages >= CHECKPOINT_PAGES)
        sqlite3_wal_checkpoint_v2(l->h, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    l->log_pages = 0;
}

static int64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

void sqlite_sizes(const char *path, int64_t *ret_db, int64_t *ret_log)
{
    char *log = str_printf("%s-wal", path);
    *ret_db = size_of(path);
    *ret_log = log ? size_of(log) : 0;
    free(log);
}

/* ---- opening and closing ---- */

static void lite_close(struct db *db)
{
    struct lite *l = lite_of(db);
    for (size_t i = 0; i < SQL_N; i++)
        sqlite3_finalize(l->cache[i]);
    if (l->h && l->writer)
        sqlite3_wal_checkpoint_v2(l->h, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_close_v2(l->h);
    db_base_fini(&l->db);
    free(l->path);
    free(l);
}

static const struct db_ops ops = {
    .dialect = SQL_SQLITE,
    .query = lite_query,
    .step = lite_step,
    .fini = lite_fini,
    .changes = lite_changes,
    .col_int = lite_int,
    .col_text = lite_text,
    .col_blob = lite_blob,
    .script = lite_script,
    .in_tx = lite_in_tx,
    .tidy = lite_tidy,
    .close = lite_close,
};

/* A database file may be handed to us by somebody else (a restored backup): its schema runs no functions with side
 * effects, and damaged pages are noticed (sqlite.org/security.html). */
static int harden(struct lite *l, struct err *e)
{
    static const struct {
        int op, on;
    } configs[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},   {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 1}, {SQLITE_DBCONFIG_ENABLE_TRIGGER, 1},
        {SQLITE_DBCONFIG_DQS_DML, 0},     {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0}, {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
        int now = -1;
        int rc = sqlite3_db_config(l->h, configs[i].op, configs[i].on, &now);
        if (rc != SQLITE_OK || now != configs[i].on)
            return err_set(e, ERR_INTERNAL, "store: SQLite refuses safety setting %d", configs[i].op);
    }
    sqlite3_limit(l->h, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(l->h, SQLITE_LIMIT_LENGTH, VALUE_MAX);
    return lite_script(&l->db,
                       "PRAGMA cell_size_check = ON;"
                       "PRAGMA recursive_triggers = ON;" /* or REPLACE would delete without the trigger */
                       "PRAGMA temp_store = MEMORY;"
                       "PRAGMA secure_delete = ON;", /* a wiped secret leaves no bytes in free pages */
                       e);
}

static int tune(struct lite *l, const struct sqlite_config *c, struct err *e)
{
    char text[256];
    snprintf(
        text, sizeof text,
        "PRAGMA cache_size = -%d; PRAGMA synchronous = %s; PRAGMA journal_size_limit = %d; PRAGMA query_only = %s;",
        c->writer ? WRITER_CACHE_KIB : READER_CACHE_KIB, c->full_sync ? "FULL" : "NORMAL", LOG_KEEP_BYTES,
        c->writer ? "OFF" : "ON");
    sqlite3_busy_timeout(l->h, c->busy_ms);
    sqlite3_wal_hook(l->h, on_log, l);
    return lite_script(&l->db, text, e);
}

int sqlite_open(const struct sqlite_config *c, struct db **ret, struct err *e)
{
    struct lite *l = calloc(1, sizeof *l);
    if (!l)
        return err_oom(e);
    l->db.ops = &ops;
    l->writer = c->writer;
    l->busy_ms = c->busy_ms;
    l->restart_at = RESTART_PAGES;
    l->path = str_dup(c->path);
    int r = l->path ? 0 : err_oom(e);
    fault_vfs_use();
    if (r == 0) {
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
        int rc = sqlite3_open_v2(l->path, &l->h, flags, NULL);
        if (rc != SQLITE_OK)
            r = err_set(e, error_code(rc), "open the database %s: %s", l->path,
                        l->h ? sqlite3_errmsg(l->h) : sqlite3_errstr(rc));
    }
    if (r == 0)
        r = harden(l, e);
    if (r == 0)
        r = tune(l, c, e);
    if (r < 0) {
        lite_close(&l->db);
        return r;
    }
    *ret = &l->db;
    return 0;
}

int sqlite_use_wal(struct db *db, struct err *e)
{
    struct lite *l = lite_of(db);
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(l->h, "PRAGMA journal_mode = WAL", -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    bool wal = rc == SQLITE_ROW && str_eq((const char *)sqlite3_column_text(st, 0), "wal");
    sqlite3_finalize(st);
    if (rc != SQLITE_ROW)
        return fail(l, rc, SQL_TX_WRITE, e);
    if (!wal)
        return err_set(e, ERR_CONFIG, "%s is on a file system without shared memory (SQLite's WAL): use a local disk",
                       l->path);
    return 0;
}

/* ---- where the file lies ---- */

static void free_text(char **p)
{
    free(*p);
}

static int place_dir(const char *path, char **ret, struct err *e)
{
    const char *slash = strrchr(path, '/');
    AUTO(free_text) char *dir = slash ? str_ndup(path, slash == path ? 1 : (size_t)(slash - path)) : str_dup(".");
    if (!dir)
        return err_oom(e);
    AUTO(fd_close) int fd = -1;
    int r = dir_make(AT_FDCWD, dir, &fd, e);
    if (r < 0)
        return err_wrap(e, r, "the database's directory");
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_sys(e, ERR_IO, "stat %s", dir);
    if (st.st_mode & S_IWOTH)
        return err_set(e, ERR_CONFIG, "%s can be written by anybody: keep the database in a directory of its own", dir);
    return dir_canonical(dir, ret, e);
}

/* Invariant 3: an existing file is looked at, never opened. SQLite gives -wal and -shm the mode of the file. */
static int place_file(const char *path, struct err *e)
{
    AUTO(fd_close) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        return 0;
    if (errno != EEXIST)
        return err_sys(e, ERR_IO, "create the database %s", path);
    struct stat st;
    if (lstat(path, &st) < 0)
        return err_sys(e, ERR_IO, "stat the database %s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_CONFIG, "the database %s is not a regular file", path);
    if ((st.st_mode & 0077) && fchmodat(AT_FDCWD, path, 0600, 0) < 0)
        return err_sys(e, ERR_IO, "take the access rights of others from the database %s", path);
    return 0;
}

int sqlite_place(const char *path, char **ret_path, struct err *e)
{
    AUTO(free_text) char *dir = NULL;
    int r = place_dir(path, &dir, e);
    if (r < 0)
        return r;
    const char *slash = strrchr(path, '/');
    AUTO(free_text) char *full = str_printf("%s/%s", str_eq(dir, "/") ? "" : dir, slash ? slash + 1 : path);
    if (!full)
        return err_oom(e);
    r = place_file(full, e);
    if (r == 0)
        *ret_path = TAKE(full);
    return r;
}
