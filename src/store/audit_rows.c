/* audit_rows - see base_rows.h: the records of a tenant's audit chain.
 *
 * Records are only ever added: triggers of the schema refuse UPDATE and DELETE; what goes around them is found by the
 * chain (core/audit.h).
 * May include: base core store/db.h. */
#include <string.h>
#include "base/str.h"
#include "store/base_rows.h"
#include "store/db.h"

int audit_head(struct db *db, const char *tenant, int64_t *ret_seq, char ret_hash[65], struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    int r = db_one(db, SQL_AUDIT_HEAD, VALS(V_TEXT(tenant)), &q, e);
    if (r < 0)
        return r;
    if (r == 0) {
        memset(ret_hash, '0', 64);
        ret_hash[64] = '\0';
        *ret_seq = 0;
        return 0;
    }
    char hash[65];
    const char *text = query_text(&q, 1);
    if (!str_copy(hash, sizeof hash, text ? text : ""))
        return err_set(e, ERR_CORRUPT, "the last audit record's hash is damaged");
    memcpy(ret_hash, hash, sizeof hash);
    *ret_seq = query_int(&q, 0);
    return 0;
}

/* record_hash of rec, and the chain's hash after prev. */
static int link_record(const struct audit_rec *rec, const char *prev_hex, char record_hex[65], char hash_hex[65],
                       struct err *e)
{
    uint8_t prev[SHA256_LEN], record[SHA256_LEN], hash[SHA256_LEN];
    if (!hex_decode(prev_hex, prev, sizeof prev))
        return err_set(e, ERR_CORRUPT, "the hash of audit record %lld is damaged", (long long)rec->seq - 1);
    int r = audit_record_hash(rec, record, e);
    if (r < 0)
        return r;
    audit_chain(prev, record, hash);
    hex_encode(record, sizeof record, record_hex);
    hex_encode(hash, sizeof hash, hash_hex);
    return 0;
}

int audit_append(struct db *db, const struct audit_rec *rec, const struct id *run, int64_t *ret_seq, struct err *e)
{
    struct audit_rec next = *rec;
    char prev[65], record_hash[65], hash[65];
    int64_t last = 0;
    if (!next.data)
        next.data = "{}";
    int r = db_lock_tenant(db, rec->tenant_id, e);
    if (r == 0)
        r = audit_head(db, rec->tenant_id, &last, prev, e);
    next.seq = last + 1;
    if (r == 0)
        r = link_record(&next, prev, record_hash, hash, e);
    if (r == 0)
        r = db_exec(db, SQL_AUDIT_INSERT,
                    VALS(V_TEXT(next.tenant_id), V_INT(next.seq), V_INT(next.time_us), V_TEXT(next.actor),
                         V_TEXT(next.surface), V_TEXT(next.action), V_TEXT(next.target), V_TEXT(next.data),
                         V_TEXT(next.trace_id), V_ID(run), V_TEXT(record_hash), V_TEXT(hash)),
                    e);
    if (r == 0 && ret_seq)
        *ret_seq = next.seq;
    return r;
}

/* AUDIT_COLS of sql.def. */
static int read_row(struct query *q, struct audit_row *ret, struct err *e)
{
    *ret = (struct audit_row){
        .rec = {.tenant_id = query_text(q, 0),
                .seq = query_int(q, 1),
                .time_us = query_int(q, 2),
                .actor = query_text(q, 3),
                .surface = query_text(q, 4),
                .action = query_text(q, 5),
                .target = query_text(q, 6),
                .data = query_text(q, 7),
                .trace_id = query_text(q, 8)},
    };
    query_id(q, 9, &ret->run_id);
    const char *record_hash = query_text(q, 10), *hash = query_text(q, 11);
    if (!str_copy(ret->record_hash, sizeof ret->record_hash, record_hash ? record_hash : "") ||
        !str_copy(ret->hash, sizeof ret->hash, hash ? hash : ""))
        return err_set(e, ERR_CORRUPT, "the hash of audit record %lld is damaged", (long long)ret->rec.seq);
    return 0;
}

static int start_list(struct db *db, const struct audit_filter *f, struct query *q, struct err *e)
{
    struct db_val tenant = V_TEXT(f->tenant), after = V_INT(f->after_seq), limit = db_limit(f->limit);
    struct db_val to = V_INT(f->to_seq > 0 ? f->to_seq : INT64_MAX);
    struct db_val action = V_TEXT(f->action), actor = V_TEXT(f->actor);
    struct db_val surface = V_TEXT(f->surface), target = V_TEXT(f->target);
    struct db_val since = V_INT(f->since_us), until = V_INT(f->until_us > 0 ? f->until_us : INT64_MAX);
    if (f->run)
        return db_query(db, f->newest ? SQL_AUDIT_NEWEST_RUN : SQL_AUDIT_LIST_RUN,
                        VALS(tenant, after, to, action, actor, surface, target, since, until, V_ID(f->run), limit), q,
                        e);
    return db_query(db, f->newest ? SQL_AUDIT_NEWEST : SQL_AUDIT_LIST,
                    VALS(tenant, after, to, action, actor, surface, target, since, until, limit), q, e);
}

int audit_list(struct db *db, const struct audit_filter *f, audit_each each, void *arg, struct err *e)
{
    AUTO(query_fini) struct query q = {0};
    if (!f->tenant)
        return err_set(e, ERR_INTERNAL, "a list of audit records needs a tenant");
    int r = start_list(db, f, &q, e);
    while (r == 0) {
        struct audit_row row;
        r = query_step(&q, e);
        if (r <= 0)
            return r;
        r = read_row(&q, &row, e);
        if (r == 0)
            r = each(arg, &row, e);
    }
    return r;
}
