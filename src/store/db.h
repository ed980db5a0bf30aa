/* db - one connection to a database, behind a table of functions, and what rows are read and written with.
 *
 * Why it exists: the row modules bind values and read columns; which library does that is the backend's business
 * (sqlite.c today; libpq implements the same table).
 * May include: base.  Included by store/ only: services hold a `struct db *` they cannot look into.
 * Threads: a connection has one user at a time.
 *
 *   AUTO(query_fini) struct query q = {0};
 *   int r = db_one(db, SQL_RUN_GET, VALS(V_ID(id), V_TEXT(tenant)), &q, e);    1 a row, 0 none, or a negative code
 *   if (r > 0)
 *       n = query_int(&q, 0);
 *
 * Errors. A statement that fails because of its data (a constraint) leaves the transaction usable. One that fails
 * because of the world (disk full, I/O, memory, damage) sets db->fatal: nothing after it counts, the transaction is
 * rolled back even when the caller swallowed the code. */
#pragma once
#include "base/err.h"
#include "base/id.h"
#include "store/sql.h"

struct db;

enum db_kind { DB_NULL, DB_INT, DB_TEXT, DB_BLOB };
struct db_val { /* borrowed until query_fini */
    enum db_kind kind;
    int64_t i;
    const void *p;
    size_t n;
};
#define V_INT(v)     ((struct db_val){.kind = DB_INT, .i = (v)})
#define V_TEXT(s)    db_text(s) /* NULL = null */
#define V_ID(idp)    db_id(idp) /* NULL or none = null */
#define V_BLOB(q, l) ((struct db_val){.kind = (q) ? DB_BLOB : DB_NULL, .p = (q), .n = (l)})
struct db_val db_text(const char *s);
struct db_val db_id(const struct id *);
/* Two arguments: the values, their number. */
#define VALS(...)                                                                                                      \
    ((const struct db_val[]){__VA_ARGS__}), (sizeof((struct db_val[]){__VA_ARGS__}) / sizeof(struct db_val))
#define NO_VALS NULL, 0

struct query { /* a statement being run; zero = none */
    struct db *db;
    void *stmt;
    enum sql_id id;
    bool cached; /* goes back to the connection's cache */
};

struct db_ops {
    enum sql_dialect dialect;
    /* Fills q with the statement, values bound; waits for nothing. */
    int (*query)(struct db *, enum sql_id, const struct db_val *, size_t n, struct query *q, struct err *);
    int (*step)(struct query *, struct err *); /* 1 a row, 0 done, or a negative code */
    void (*fini)(struct query *);
    int64_t (*changes)(struct query *);                              /* rows the statement wrote; after 0 from step */
    int64_t (*col_int)(struct query *, int col);                     /* 0 when null */
    const char *(*col_text)(struct query *, int col, size_t *ret_n); /* NULL when null; valid until the next step */
    const void *(*col_blob)(struct query *, int col, size_t *ret_n);
    int (*script)(struct db *, const char *text, struct err *); /* several statements, no values: migrations */
    bool (*in_tx)(struct db *);
    void (*tidy)(struct db *); /* between transactions: checkpoints */
    void (*close)(struct db *);
};

struct db { /* the part of a connection every backend has */
    const struct db_ops *ops;
    int fatal; /* negative code: the transaction is lost */
    struct err fatal_err;
    struct id *touched; /* streams grown in this transaction, each once */
    size_t ntouched, touched_cap;
};
void db_base_fini(struct db *);
void db_close(struct db *); /* NULL is fine */
/* Marks the transaction as lost; keeps the first reason. Returns code. */
int db_lost(struct db *, const struct err *);

CHECKED int db_query(struct db *, enum sql_id, const struct db_val *, size_t n, struct query *, struct err *);
CHECKED int query_step(struct query *, struct err *);
void query_fini(struct query *);
int64_t query_int(struct query *, int col);
const char *query_text(struct query *, int col);        /* NULL when null; borrowed until the next step */
void query_id(struct query *, int col, struct id *ret); /* none when null */
/* Runs to the end: rows written (>= 0) or a negative code. */
CHECKED int64_t db_run(struct db *, enum sql_id, const struct db_val *, size_t n, struct err *);
CHECKED int db_exec(struct db *, enum sql_id, const struct db_val *, size_t n, struct err *); /* the same, 0 for done */
/* The first row: 1, none: 0, or a negative code. */
CHECKED int db_one(struct db *, enum sql_id, const struct db_val *, size_t n, struct query *, struct err *);
CHECKED int db_script(struct db *, const char *text, struct err *);
void db_rollback(struct db *);
/* ERR_NOT_FOUND "there is no run run_…". */
int db_missing(struct err *, const char *what, const char *name);
/* Serialises what is counted per tenant (audit records, policy versions); ERR_NOT_FOUND when there is none. */
CHECKED int db_lock_tenant(struct db *, const char *tenant, struct err *);
/* A LIMIT: 0 or less means all. */
struct db_val db_limit(int limit);

/* Rows as tables: field i is column i, and parameter i + 1 of an INSERT. */
enum field_type { F_ID, F_TEXT, F_INT, F_U64, F_BOOL, F_BLOB };
struct field {
    enum field_type type;
    size_t at;     /* offset of the member */
    size_t len_at; /* F_BLOB: offset of its size_t length */
};
/* clang-format off */
#define FIELD(type, row, member)     {type, offsetof(struct row, member), 0}
#define FIELD_BLOB(row, member, len) {F_BLOB, offsetof(struct row, member), offsetof(struct row, len)}
/* clang-format on */
/* n values from row, borrowed. */
void row_vals(const struct field *, size_t n, const void *row, struct db_val *ret);
/* Columns col… into a zeroed row; on failure nothing is left allocated in it. */
CHECKED int row_read(struct query *, int col, const struct field *, size_t n, void *row, struct err *);
/* Frees and empties what the fields own. */
void row_fini(const struct field *, size_t n, void *row);
