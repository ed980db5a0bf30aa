/* audit_verify - see audit.h: does a chain hold, record by record, and as a file.
 *
 * Hashes are compared as text, so that a flipped case of a hex digit is found like any other flipped byte.
 * The file is walked by a small cursor (struct source) over its two forms, an array or lines: it can be copied to
 * look ahead, which tells records out of order from records that are gone.
 * May include: base.  Pure.  Threads: a verifier has one owner. */
#include "core/audit.h"
#include "core/audit_members.h"
#include "base/str.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SEQ_MAX 9007199254740991LL /* 2^53 - 1: integers of RFC 8785 */

void audit_verifier_init(struct audit_verifier *v)
{
    *v = (struct audit_verifier){.head_seq = -1};
}

/* What the reader finds wrong is a broken chain; running out of memory is not. */
static int broken(struct err *e, int r, const char *what)
{
    if (r == -ERR_OOM)
        return r;
    if (e)
        e->code = ERR_AUDIT_BROKEN;
    return err_wrap(e, -ERR_AUDIT_BROKEN, "%s", what);
}

static int want_seq(const struct json *rec, int64_t min, int64_t *ret, struct err *e)
{
    int r = json_want_int(rec, "", "seq", J_REQ, min, SEQ_MAX, ret, e);

    return r < 0 ? broken(e, r, "a record has no usable seq") : 0;
}

static bool is_hash(const struct json *j)
{
    const char *s = json_str(j);

    return s && strlen(s) == SHA256_HEX - 1 && strspn(s, "0123456789abcdef") == SHA256_HEX - 1;
}

int audit_verifier_expect(struct audit_verifier *v, const struct json *head, struct err *e)
{
    int64_t seq = 0;
    int r = want_seq(head, 0, &seq, e);

    if (r < 0)
        return broken(e, r, "the head cannot be read");
    if (!is_hash(json_get(head, "hash")))
        return err_set(e, ERR_AUDIT_BROKEN, "the head has no usable hash");
    v->head_seq = seq;
    memcpy(v->head_hash, json_str(json_get(head, "hash")), SHA256_HEX);
    return 0;
}

/* Which kind of record is it? 1: a whole one, 0: a foreign one (hashes only). */
static int kind_of(const struct json *rec, int64_t seq, struct err *e)
{
    static const char *const known[] = {"action", "actor",    "data",        "seq",  "surface",   "target", "tenant_id",
                                        "time",   "trace_id", "record_hash", "hash", "prev_hash", NULL};
    char at[48];
    int have = 0;

    snprintf(at, sizeof at, "record %" PRId64, seq);
    int r = json_known(rec, "", known, e);
    if (r < 0)
        return broken(e, r, at);
    const char *missing = NULL;
    for (int i = 0; i < AUDIT_NMEMBERS; i++) {
        if (json_get(rec, audit_members[i]))
            have++;
        else
            missing = audit_members[i];
    }
    if (have > 1 && missing)
        return err_set(e, ERR_AUDIT_BROKEN, "%s lacks its member \"%s\"", at, missing);
    if (!is_hash(json_get(rec, "record_hash")) || !is_hash(json_get(rec, "hash")))
        return err_set(e, ERR_AUDIT_BROKEN, "%s lacks a usable record_hash or hash", at);
    return have == AUDIT_NMEMBERS;
}

static int check_order(const struct audit_verifier *v, int64_t seq, struct err *e)
{
    int64_t want = v->next_seq, last = want - 1;

    if (want == 0 || seq == want)
        return 0;
    if (seq == last)
        return err_set(e, ERR_AUDIT_BROKEN, "record %" PRId64 " is there twice", seq);
    if (seq < last)
        return err_set(e, ERR_AUDIT_BROKEN, "record %" PRId64 " stands after record %" PRId64 ": out of order", seq,
                       last);
    if (seq == want + 1)
        return err_set(e, ERR_AUDIT_BROKEN, "record %" PRId64 " is missing: record %" PRId64 " follows record %" PRId64,
                       want, seq, last);
    return err_set(e, ERR_AUDIT_BROKEN,
                   "records %" PRId64 " to %" PRId64 " are missing: record %" PRId64 " follows record %" PRId64, want,
                   seq - 1, seq, last);
}

/* A hash to start from, of the file or of its first record. Record 1 follows zeros, as audit_verifier_init left them.
 */
static void take_prev(struct audit_verifier *v, const struct json *prev)
{
    v->have_prev = hex_decode(json_str(prev), v->hash, SHA256_LEN);
}

static int check_prev(struct audit_verifier *v, const struct json *rec, int64_t seq, struct err *e)
{
    static const uint8_t zeros[SHA256_LEN];
    const struct json *prev = json_get(rec, "prev_hash");
    char have[SHA256_HEX];

    if (prev && !is_hash(prev))
        return err_set(e, ERR_AUDIT_BROKEN, "record %" PRId64 " has an unusable prev_hash", seq);
    if (v->next_seq == 0 && seq > 1 && !v->have_prev) {
        if (!prev)
            return err_set(
                e, ERR_AUDIT_BROKEN,
                "the chain starts at record %" PRId64 " without a prev_hash: what stands before it is missing", seq);
        take_prev(v, prev);
    }
    hex_encode(v->hash, SHA256_LEN, have);
    if ((prev && !str_eq(have, json_str(prev))) || (seq == 1 && memcmp(v->hash, zeros, sizeof zeros) != 0))
        return err_set(e, ERR_AUDIT_BROKEN, "prev_hash of record %" PRId64 " is not the hash of the record before",
                       seq);
    return 0;
}

static int check_content(const struct json *rec, int64_t seq, struct err *e)
{
    uint8_t hash[SHA256_LEN];
    char hex[SHA256_HEX], at[64];

    int r = audit_members_hash(rec, hash, e);
    if (r < 0) {
        snprintf(at, sizeof at, "record %" PRId64 " was changed", seq);
        return broken(e, r, at);
    }
    hex_encode(hash, SHA256_LEN, hex);
    if (!str_eq(hex, json_str(json_get(rec, "record_hash"))))
        return err_set(e, ERR_AUDIT_BROKEN, "record %" PRId64 " was changed: its content does not give its record_hash",
                       seq);
    return 0;
}

static int check_chain(struct audit_verifier *v, const struct json *rec, int64_t seq, struct err *e)
{
    uint8_t record_hash[SHA256_LEN], hash[SHA256_LEN];
    char hex[SHA256_HEX];

    if (!hex_decode(json_str(json_get(rec, "record_hash")), record_hash, SHA256_LEN))
        return err_set(e, ERR_AUDIT_BROKEN, "record %" PRId64 " has an unusable record_hash", seq);
    audit_chain(v->hash, record_hash, hash);
    hex_encode(hash, SHA256_LEN, hex);
    if (!str_eq(hex, json_str(json_get(rec, "hash"))))
        return err_set(e, ERR_AUDIT_BROKEN,
                       "the hash of record %" PRId64 " does not follow from the record before and its own record_hash",
                       seq);
    if (seq == v->head_seq && !str_eq(hex, v->head_hash))
        return err_set(e, ERR_AUDIT_BROKEN, "record %" PRId64 " is not the one the head was made from", seq);
    memcpy(v->hash, hash, SHA256_LEN);
    return 0;
}

int audit_verify_record(struct audit_verifier *v, const struct json *rec, struct err *e)
{
    int64_t seq = 0;

    int r = want_seq(rec, 1, &seq, e);
    if (r < 0)
        return r;
    r = check_order(v, seq, e);
    if (r < 0)
        return r;
    int whole = kind_of(rec, seq, e);
    if (whole < 0)
        return whole;
    if (whole && (r = check_content(rec, seq, e)) < 0)
        return r;
    r = check_prev(v, rec, seq, e);
    if (r < 0)
        return r;
    r = check_chain(v, rec, seq, e);
    if (r < 0)
        return r;
    if (v->next_seq == 0)
        v->first_seq = seq;
    v->next_seq = seq + 1;
    v->records++;
    v->foreign += !whole;
    return 0;
}

int audit_verifier_end(const struct audit_verifier *v, struct err *e)
{
    int64_t last = v->next_seq ? v->next_seq - 1 : 0;

    if (v->head_seq <= last)
        return 0;
    return err_set(e, ERR_AUDIT_BROKEN,
                   "the tail is cut off: the head is at record %" PRId64 ", the last record is %" PRId64, v->head_seq,
                   last);
}

/* A place in an array of records (arr), or in lines of text. Copyable: `held` belongs to whoever steps it. */
struct source {
    const struct json *arr;
    size_t i;
    const char *p, *end;
    int64_t line;
};

static void skip_blank(struct source *s)
{
    for (; s->p < s->end && strchr(" \t\r\n", *s->p) && *s->p; s->p++)
        s->line += *s->p == '\n';
}

static int parse_line(struct source *s, struct json **ret, struct err *e)
{
    const char *nl = memchr(s->p, '\n', (size_t)(s->end - s->p));
    const char *stop = nl ? nl : s->end;
    char at[48];

    int r = json_parse(s->p, (size_t)(stop - s->p), ret, e);
    if (r < 0) {
        snprintf(at, sizeof at, "line %" PRId64 " cannot be read", s->line);
        return broken(e, r, at);
    }
    s->p = stop;
    return 0;
}

/* 1 and *ret (in *held when it must be freed; the one before is), 0 at the end. A closing {"head":…} line is the end.
 */
static int source_next(struct source *s, struct json **held, const struct json **ret, struct err *e)
{
    if (s->arr) {
        *ret = json_at(s->arr, s->i++);
        return *ret != NULL;
    }
    json_free(TAKE(*held));
    skip_blank(s);
    if (s->p == s->end)
        return 0;
    int64_t line = s->line;
    int r = parse_line(s, held, e);
    if (r < 0)
        return r;
    *ret = *held;
    if (!json_get(*ret, "head"))
        return 1;
    skip_blank(s);
    if (s->p == s->end && json_len(*ret) == 1)
        return 0;
    return err_set(e, ERR_AUDIT_BROKEN, "line %" PRId64 " is a head, but not the last line alone", line);
}

/* Does the record that should be next stand further down? */
static bool comes_later(struct source s, int64_t seq)
{
    AUTO_PTR(json_free) struct json *held = NULL;
    const struct json *rec = NULL;

    while (source_next(&s, &held, &rec, NULL) > 0)
        if (json_type(json_get(rec, "seq")) == JT_INT && json_int(json_get(rec, "seq")) == seq)
            return true;
    return false;
}

static int verify_source(struct source *s, struct audit_verifier *v, struct err *e)
{
    AUTO_PTR(json_free) struct json *held = NULL;
    const struct json *rec = NULL;
    int r;

    while ((r = source_next(s, &held, &rec, e)) > 0) {
        int64_t seq = json_int(json_get(rec, "seq"));

        if (v->next_seq && seq > v->next_seq && comes_later(*s, v->next_seq))
            return err_set(e, ERR_AUDIT_BROKEN, "record %" PRId64 " stands before record %" PRId64 ": out of order",
                           seq, v->next_seq);
        r = audit_verify_record(v, rec, e);
        if (r < 0)
            return r;
    }
    if (r == 0 && v->records == 0 && v->head_seq != 0)
        return err_set(e, ERR_AUDIT_BROKEN, "there is not one record in it");
    return r < 0 ? r : audit_verifier_end(v, e);
}

/* The head stands in the last line, but must be known before the first record is read. */
static int expect_last_line(const char *p, size_t n, struct audit_verifier *v, struct err *e)
{
    AUTO_PTR(json_free) struct json *j = NULL;

    while (n > 0 && strchr(" \t\r\n", p[n - 1]) && p[n - 1])
        n--;
    const char *nl = memrchr(p, '\n', n);
    const char *line = nl ? nl + 1 : p;
    if (json_parse(line, (size_t)(p + n - line), &j, NULL) < 0 || !json_get(j, "head"))
        return 0; /* what is wrong with it is found, and named, in its turn */
    return audit_verifier_expect(v, json_get(j, "head"), e);
}

static int verify_array(const struct json *recs, struct audit_verifier *v, struct err *e)
{
    struct source s = {.arr = recs};

    return verify_source(&s, v, e);
}

static int verify_object(const struct json *o, struct audit_verifier *v, struct err *e)
{
    const struct json *recs = json_get(o, "records"), *head = json_get(o, "head"), *prev = json_get(o, "prev_hash");

    if (json_type(recs) != JT_ARR)
        return err_set(e, ERR_AUDIT_BROKEN, "\"records\" must be an array");
    if (json_type(prev) != JT_NULL && !is_hash(prev))
        return err_set(e, ERR_AUDIT_BROKEN, "\"prev_hash\" is not a hash");
    if (is_hash(prev))
        take_prev(v, prev);
    int r = json_type(head) != JT_NULL ? audit_verifier_expect(v, head, e) : 0;
    return r < 0 ? r : verify_array(recs, v, e);
}

static int verify_lines(const char *p, size_t n, struct audit_verifier *v, struct err *e)
{
    struct source s = {.p = p, .end = p + n, .line = 1};

    int r = expect_last_line(p, n, v, e);
    return r < 0 ? r : verify_source(&s, v, e);
}

/* Two lines of JSON are no JSON text: then the first line alone must be. */
static bool is_lines(const char *p, size_t n)
{
    AUTO_PTR(json_free) struct json *j = NULL;
    struct source s = {.p = p, .end = p + n, .line = 1};

    skip_blank(&s);
    return s.p < s.end && parse_line(&s, &j, NULL) == 0 && json_type(j) == JT_OBJ;
}

int audit_verify_text(const char *p, size_t n, struct audit_verifier *v, struct err *e)
{
    AUTO_PTR(json_free) struct json *j = NULL;
    struct err first = ERR_INIT;

    audit_verifier_init(v);
    if (n == 0)
        return err_set(e, ERR_AUDIT_BROKEN, "the file is empty");
    int r = json_parse(p, n, &j, &first);
    if (r == 0 && json_type(j) == JT_ARR)
        return verify_array(j, v, e);
    if (r == 0 && json_get(j, "records"))
        return verify_object(j, v, e);
    if (is_lines(p, n))
        return verify_lines(p, n, v, e);
    return err_set(e, r == -ERR_OOM ? ERR_OOM : ERR_AUDIT_BROKEN, "the file cannot be read: %s",
                   r < 0 ? first.msg : "it holds no records");
}
