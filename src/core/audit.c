/* audit - see audit.h: the canonical form of a record, its hash, the chain, one exported record.
 *
 * May include: base.  Pure.  Threads: any. */
#include "core/audit.h"
#include "core/audit_members.h"
#include "base/buf.h"
#include "base/str.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RECORD_MAX (4 * MIB)

/* Sorted: all names are ASCII, so byte order is the UTF-16 order RFC 8785 asks for. */
const char *const audit_members[AUDIT_NMEMBERS + 1] = {"action", "actor",     "data", "seq",      "surface",
                                                       "target", "tenant_id", "time", "trace_id", NULL};

int audit_members_hash(const struct json *rec, uint8_t ret[SHA256_LEN], struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(RECORD_MAX);

    for (int i = 0; i < AUDIT_NMEMBERS; i++) {
        buf_printf(&b, "%c\"%s\":", i ? ',' : '{', audit_members[i]);
        int r = json_canonical(json_get(rec, audit_members[i]), &b, e);
        if (r < 0)
            return r;
    }
    buf_addc(&b, '}');
    if (b.bad)
        return err_set(e, -b.bad, NULL);
    sha256_of(b.p, b.len, ret);
    return 0;
}

static void write_members(struct jw *w, const struct audit_rec *rec)
{
    char time[TIME_LEN];

    time_format(rec->time_us, time);
    jw_kint(w, "seq", rec->seq);
    jw_kstr(w, "time", time);
    jw_kstr(w, "tenant_id", rec->tenant_id);
    jw_kstr(w, "actor", rec->actor);
    jw_kstr(w, "surface", rec->surface);
    jw_kstr(w, "action", rec->action);
    jw_kstr(w, "target", rec->target);
    jw_kraw(w, "data", rec->data ? rec->data : "{}");
    jw_kstr(w, "trace_id", rec->trace_id);
}

/* `data` is put into the record as text: it must be one object, so that it cannot add members of its own. */
static int check_data(const char *data, struct err *e)
{
    AUTO_PTR(json_free) struct json *j = NULL;

    if (!data)
        return 0;
    int r = json_parse(data, strlen(data), &j, e);
    if (r < 0)
        return err_wrap(e, r, "data of an audit record");
    if (json_type(j) != JT_OBJ)
        return err_field(e, ERR_INVALID, "data", "data of an audit record must be a JSON object");
    return 0;
}

int audit_record_hash(const struct audit_rec *rec, uint8_t ret[SHA256_LEN], struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(RECORD_MAX);
    AUTO_PTR(json_free) struct json *j = NULL;
    struct jw w = JW_INIT(&b);

    int r = check_data(rec->data, e);
    if (r < 0)
        return r;
    jw_obj(&w);
    write_members(&w, rec);
    jw_end_obj(&w);
    if (b.bad)
        return err_bad(e, b.bad, "the audit record is too large");
    r = json_parse(b.p, b.len, &j, e);
    return r < 0 ? r : audit_members_hash(j, ret, e);
}

void audit_chain(const uint8_t prev[SHA256_LEN], const uint8_t record_hash[SHA256_LEN], uint8_t ret[SHA256_LEN])
{
    uint8_t both[2 * SHA256_LEN];

    memcpy(both, prev, SHA256_LEN);
    memcpy(both + SHA256_LEN, record_hash, SHA256_LEN);
    sha256_of(both, sizeof both, ret);
}

void audit_json(struct jw *w, const struct audit_rec *rec, const char *record_hash_hex, const char *hash_hex)
{
    jw_obj(w);
    write_members(w, rec);
    jw_kstr(w, "record_hash", record_hash_hex);
    jw_kstr(w, "hash", hash_hex);
    jw_end_obj(w);
}

void audit_head_text(int64_t seq, const char *hash_hex, char ret[AUDIT_HEAD_TEXT])
{
    snprintf(ret, AUDIT_HEAD_TEXT, "sallyport-audit-head\n%" PRId64 "\n%.64s", seq, hash_hex);
}
