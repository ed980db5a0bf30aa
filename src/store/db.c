/* db - see db.h. */
#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "base/str.h"
#include "store/db.h"
#include "store/store.h"

struct db_val db_text(const char *s)
{
    return (struct db_val){.kind = s ? DB_TEXT : DB_NULL, .p = s, .n = s ? strlen(s) : 0};
}

struct db_val db_id(const struct id *id)
{
    return db_text(id && id->s[0] ? id->s : NULL);
}

struct db_val db_limit(int limit)
{
    return V_INT(limit > 0 ? limit : INT64_MAX);
}

void db_base_fini(struct db *db)
{
    free(db->touched);
    db->touched = NULL;
    db->ntouched = db->touched_cap = 0;
}

void db_close(struct db *db)
{
    if (db)
        db->ops->close(db);
}

int db_lost(struct db *db, const struct err *why)
{
    if (db->fatal == 0) {
        db->fatal = -why->code;
        db->fatal_err = *why;
    }
    return -why->code;
}

/* A stream that is not told about would leave its subscribers asleep: without memory for the note there is no commit.
 */
void db_touch(struct db *db, const struct id *run_id)
{
    for (size_t i = db->ntouched; i-- > 0;)
        if (id_eq(&db->touched[i], run_id))
            return;
    if (db->ntouched == db->touched_cap) {
        size_t cap = db->touched_cap ? db->touched_cap * 2 : 32;
        struct id *p = reallocarray(db->touched, cap, sizeof *p);
        if (!p) {
            struct err oom = ERR_INIT;
            err_oom(&oom);
            db_lost(db, &oom);
            return;
        }
        db->touched = p;
        db->touched_cap = cap;
    }
    db->touched[db->ntouched++] = *run_id;
}

int db_query(struct db *db, enum sql_id id, const struct db_val *vals, size_t n, struct query *q, struct err *e)
{
    assert(!q->stmt);
    return db->ops->query(db, id, vals, n, q, e);
}

int query_step(struct query *q, struct err *e)
{
    return q->db->ops->step(q, e);
}

void query_fini(struct query *q)
{
    if (q->stmt)
        q->db->ops->fini(q);
    *q = (struct query){0};
}

int64_t query_int(struct query *q, int col)
{
    return q->db->ops->col_int(q, col);
}

const char *query_text(struct query *q, int col)
{
    return q->db->ops->col_text(q, col, NULL);
}

void query_id(struct query *q, int col, struct id *ret)
{
    const char *s = query_text(q, col);
    if (!str_copy(ret->s, sizeof ret->s, s ? s : ""))
        ret->s[0] = '\0';
}

int64_t db_run(struct db *db, enum sql_id id, const struct db_val *vals, size_t n, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_query(db, id, vals, n, &q, e);
    while (r >= 0) {
        r = query_step(&q, e);
        if (r == 0)
            return db->ops->changes(&q);
    }
    return r;
}

int db_exec(struct db *db, enum sql_id id, const struct db_val *vals, size_t n, struct err *e)
{
    int64_t r = db_run(db, id, vals, n, e);
    return r < 0 ? (int)r : 0;
}

int db_one(struct db *db, enum sql_id id, const struct db_val *vals, size_t n, struct query *q, struct err *e)
{
    int r = db_query(db, id, vals, n, q, e);
    return r < 0 ? r : query_step(q, e);
}

int db_script(struct db *db, const char *text, struct err *e)
{
    return db->ops->script(db, text, e);
}

/* Best effort: the backend may have rolled back on its own already. */
void db_rollback(struct db *db)
{
    if (db->ops->in_tx(db) && db_exec(db, SQL_TX_ROLLBACK, NO_VALS, NULL) < 0)
        return;
}

int db_missing(struct err *e, const char *what, const char *name)
{
    return err_set(e, ERR_NOT_FOUND, "there is no %s %s", what, name ? name : "");
}

int db_lock_tenant(struct db *db, const char *tenant, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_TENANT_LOCK, VALS(V_TEXT(tenant)), &q, e);
    if (r < 0)
        return r;
    return r ? 0 : db_missing(e, "tenant", tenant);
}

static const char *text_at(const void *member)
{
    const char *s;
    memcpy(&s, member, sizeof s);
    return s;
}

static struct db_val field_val(const struct field *f, const char *row)
{
    const void *m = row + f->at;
    int64_t i = 0;
    size_t n = 0;
    switch (f->type) {
    case F_ID:
        return db_id(m);
    case F_TEXT:
        return db_text(text_at(m));
    case F_INT:
    case F_U64:
        memcpy(&i, m, sizeof i);
        return V_INT(i);
    case F_BOOL:
        return V_INT(*(const bool *)m);
    case F_BLOB:
        memcpy(&n, row + f->len_at, sizeof n);
        return V_BLOB(text_at(m), n);
    }
    return (struct db_val){0};
}

void row_vals(const struct field *f, size_t n, const void *row, struct db_val *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = field_val(&f[i], row);
}

/* A copy with a NUL behind it, for text and bytes alike; NULL stays NULL. */
static int copy_out(const void *p, size_t n, void *member, struct err *e)
{
    if (!p)
        return 0;
    char *copy = malloc(n + 1);
    if (!copy)
        return err_oom(e);
    memcpy(copy, p, n);
    copy[n] = '\0';
    memcpy(member, &copy, sizeof copy);
    return 0;
}

static int field_read(struct query *q, int col, const struct field *f, char *row, struct err *e)
{
    void *m = row + f->at;
    size_t n = 0;
    int64_t i;
    const void *p;
    switch (f->type) {
    case F_ID:
        query_id(q, col, m);
        return 0;
    case F_TEXT:
        p = q->db->ops->col_text(q, col, &n);
        return copy_out(p, n, m, e);
    case F_INT:
    case F_U64:
        i = query_int(q, col);
        memcpy(m, &i, sizeof i);
        return 0;
    case F_BOOL:
        *(bool *)m = query_int(q, col) != 0;
        return 0;
    case F_BLOB:
        p = q->db->ops->col_blob(q, col, &n);
        memcpy(row + f->len_at, &n, sizeof n);
        return copy_out(p, n, m, e);
    }
    return 0;
}

int row_read(struct query *q, int col, const struct field *f, size_t n, void *row, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        int r = field_read(q, col + (int)i, &f[i], row, e);
        if (r < 0) {
            row_fini(f, n, row);
            return r;
        }
    }
    return 0;
}

static void field_fini(const struct field *f, char *row)
{
    char *p;
    if (f->type != F_TEXT && f->type != F_BLOB)
        return;
    memcpy(&p, row + f->at, sizeof p);
    free(p);
    p = NULL;
    memcpy(row + f->at, &p, sizeof p);
    if (f->type == F_BLOB)
        memset(row + f->len_at, 0, sizeof(size_t));
}

void row_fini(const struct field *f, size_t n, void *row)
{
    for (size_t i = 0; i < n; i++)
        field_fini(&f[i], row);
}
