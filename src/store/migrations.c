/* migrations - see migrations.h.
 *
 * One numbered entry per migration, both dialects from one file of SQL pieces. How to add one: write schema_NNN.def,
 * include it below per dialect, add a row to `list`. Released ones are never changed. */
#include "os/clock.h"
#include "store/db.h"
#include "store/migrations.h"

struct migration {
    int64_t version;
    const char *name;
    const char *text[2]; /* by enum sql_dialect */
};

/* STRICT: a column holds only its own type (sqlite.org/stricttables.html). SQLite compares text byte by byte unless
 * told otherwise; PostgreSQL has to be told ("C"), or ids would sort by language. */
#define INT       "INTEGER"
#define BYTES     "BLOB"
#define KEY       "TEXT"
#define END       ") STRICT;"
#define END_KEYED ") STRICT, WITHOUT ROWID;"
#define IMMUTABLE(table)                                                                                               \
    "CREATE TRIGGER " table "_no_update BEFORE UPDATE ON " table " BEGIN SELECT RAISE(ABORT, '" table                  \
    " cannot be changed'); END;"                                                                                       \
    "CREATE TRIGGER " table "_no_delete BEFORE DELETE ON " table " BEGIN SELECT RAISE(ABORT, '" table                  \
    " cannot be removed'); END;"
static const char sqlite_001[] =
#include "store/schema_001.def"
    ;
static const char sqlite_002[] =
#include "store/schema_002.def"
    ;
static const char sqlite_003[] =
#include "store/schema_003.def"
    ;
#undef INT
#undef BYTES
#undef KEY
#undef END
#undef END_KEYED
#undef IMMUTABLE

#define INT       "BIGINT"
#define BYTES     "BYTEA"
#define KEY       "TEXT COLLATE \"C\""
#define END       ");"
#define END_KEYED ");"
#define IMMUTABLE(table)                                                                                               \
    "CREATE FUNCTION " table "_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '" table          \
    " cannot be changed'; END $$;"                                                                                     \
    "CREATE TRIGGER " table "_immutable BEFORE UPDATE OR DELETE ON " table " FOR EACH ROW EXECUTE FUNCTION " table     \
    "_refuse();"                                                                                                       \
    "CREATE TRIGGER " table "_no_truncate BEFORE TRUNCATE ON " table " FOR EACH STATEMENT EXECUTE FUNCTION " table     \
    "_refuse();"
static const char postgres_001[] =
#include "store/schema_001.def"
    ;
static const char postgres_002[] =
#include "store/schema_002.def"
    ;
static const char postgres_003[] =
#include "store/schema_003.def"
    ;

static const struct migration list[] = {
    {1, "first tables", {sqlite_001, postgres_001}},
    {2, "copied workspaces", {sqlite_002, postgres_002}},
    {3, "streams, queue, retention, reconciler", {sqlite_003, postgres_003}},
};

int64_t migrations_version(void)
{
    return list[ARRAY_LEN(list) - 1].version;
}

/* 0 for an empty database. */
static int current_version(struct db *db, const char *what, int64_t *ret, struct err *e)
{
    int64_t tables = 0, ours = 0;
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_SCHEMA_TABLES, NO_VALS, &q, e);
    if (r < 0)
        return r;
    if (r) {
        tables = query_int(&q, 0);
        ours = query_int(&q, 1);
    }
    if (tables == 0) {
        *ret = 0;
        return 0;
    }
    if (!ours)
        return err_set(e, ERR_CONFIG, "%s is a database of something else: give Sallyport its own path", what);
    AUTO(query_fini) struct query v = {0};
    r = db_one(db, SQL_SCHEMA_GET, NO_VALS, &v, e);
    if (r < 0)
        return r;
    *ret = r ? query_int(&v, 0) : 0;
    return 0;
}

static int apply(struct db *db, const struct migration *m, struct err *e)
{
    int r = db_script(db, m->text[db->ops->dialect], e);
    if (r < 0)
        return err_wrap(e, r, "migration %lld (%s)", (long long)m->version, m->name);
    r = db_exec(db, SQL_SCHEMA_PUT, VALS(V_INT(m->version), V_TEXT(m->name), V_INT(clock_now_us())), e);
    return r < 0 ? r : 0;
}

/* The version is read inside the transaction: two servers that start at once migrate one after the other. */
static int migrate(struct db *db, const char *what, struct err *e)
{
    int64_t version = 0;
    int r = current_version(db, what, &version, e);
    if (r < 0)
        return r;
    if (version > migrations_version())
        return err_set(e, ERR_CONFIG,
                       "%s has schema version %lld, this build knows %lld: start the newer Sallyport it belongs to, "
                       "or restore a backup",
                       what, (long long)version, (long long)migrations_version());
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        r = list[i].version > version ? apply(db, &list[i], e) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

int migrations_run(struct db *db, const char *what, struct err *e)
{
    int r = db_exec(db, SQL_TX_WRITE, NO_VALS, e);
    if (r < 0)
        return r;
    r = migrate(db, what, e);
    if (r == 0)
        r = db_exec(db, SQL_TX_COMMIT, NO_VALS, e);
    if (r < 0)
        db_rollback(db);
    return r < 0 ? r : 0;
}
