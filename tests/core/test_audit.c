/* The chain: known vectors computed elsewhere, and everything that can be done to an exported file, found and named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/buf.h"
#include "base/str.h"
#include "core/audit.h"

#define T0 1795218241000001 /* 2026-11-20T23:44:01.000001Z */

/* Computed with Python:  c = canonical(record) (json.dumps with keys sorted by key.encode('utf-16-be'), separators
 * (',', ':'), ensure_ascii=False);  rh = sha256(c);  prev = sha256(prev + rh), prev = 32 zero bytes before the first.
 */
static const struct audit_rec vector[] = {
    {1, T0, "default", "token:admin", "api", "run.create", "run_01JD000000000000000000000A", NULL, NULL},
    {2, T0 + 1499999, "default", "用户", "cli", "run.approve", "run_01JD000000000000000000000A",
     "{ \"b\":[1, "
     "2,{\"z\":null,\"a\":true}],\"a\":\"\\u20ac\\\"\\\\\\n\\u0001\x7f\",\"\\ud83d\\ude00\":1,\"\\ufb33\":2}",
     "4bf92f3577b34da6a3ce929d0e0e4736"},
};
static const char *const vector_record_hash[] = {"57179e052197ae9e13f0e6699bdebdd183e7bc24d94e9e501d7221a368281fc8",
                                                 "647635a5ff5b6498d05c8346b187c6a4d22882ee513c8327d23fb96f8127c46d"};
static const char *const vector_hash[] = {"f3f158fa6dfcd807caf5b83dd8162e9945428d662bed45a622401b84fa9a2b49",
                                          "80b739bc1894f2bd4f40e5b86141b4effa5908f5af9adaeb163892ac19221cfd"};

static void known_vectors(void **state)
{
    uint8_t prev[SHA256_LEN] = {0}, rh[SHA256_LEN];
    char hex[SHA256_HEX];
    struct err e = ERR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(vector); i++) {
        assert_int_equal(audit_record_hash(&vector[i], rh, &e), 0);
        hex_encode(rh, SHA256_LEN, hex);
        assert_string_equal(hex, vector_record_hash[i]);
        audit_chain(prev, rh, prev);
        hex_encode(prev, SHA256_LEN, hex);
        assert_string_equal(hex, vector_hash[i]);
    }
}

static void data_must_be_one_object(void **state)
{
    static const struct {
        const char *data;
        int code;
    } bad[] = {
        {"[]", ERR_INVALID},
        {"1", ERR_INVALID},
        {"", ERR_JSON},
        {"{},\"x\":1", ERR_JSON},
        {"{\"a\":1.5}", ERR_INVALID},
        {"{\"a\":9007199254740992}", ERR_INVALID},
        {"{\"a\":1,\"a\":2}", ERR_JSON},
        {"{\"a\":\"\xff\"}", ERR_JSON},
    };
    struct audit_rec rec = vector[0];
    uint8_t rh[SHA256_LEN];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = ERR_INIT;
        rec.data = bad[i].data;
        assert_int_equal(audit_record_hash(&rec, rh, &e), -bad[i].code);
        assert_true(e.msg[0]);
    }
}

/* A chain of N records, one JSON text each. */
#define N 8
static char *line[N + 1];
static char hash_of[N + 1][SHA256_HEX];

static void one_record(int64_t seq, uint8_t chain[SHA256_LEN])
{
    char target[32], data[64], rh_hex[SHA256_HEX];
    uint8_t rh[SHA256_LEN];
    struct buf b = BUF_INIT(4096);
    struct jw w = JW_INIT(&b);

    snprintf(target, sizeof target, "run_%d", (int)seq);
    snprintf(data, sizeof data, "{\"n\":%d,\"why\":\"bäh\"}", (int)seq * 10);
    struct audit_rec rec = {
        seq, T0 + seq, "default", "tok", "api", "run.create", target, data, seq % 2 ? "abcd" : NULL};
    assert_int_equal(audit_record_hash(&rec, rh, NULL), 0);
    audit_chain(chain, rh, chain);
    hex_encode(rh, SHA256_LEN, rh_hex);
    hex_encode(chain, SHA256_LEN, hash_of[seq]);
    audit_json(&w, &rec, rh_hex, hash_of[seq]);
    line[seq] = buf_take(&b, NULL);
    assert_non_null(line[seq]);
}

static int make_chain(void **state)
{
    uint8_t chain[SHA256_LEN] = {0};

    memset(hash_of[0], '0', SHA256_HEX - 1);
    for (int64_t i = 1; i <= N; i++)
        one_record(i, chain);
    return 0;
}

static int free_chain(void **state)
{
    for (int i = 1; i <= N; i++)
        free(line[i]);
    return 0;
}

static void head_json(struct buf *b, int seq)
{
    buf_printf(b, "{\"tenant_id\":\"default\",\"seq\":%d,\"hash\":\"%s\",\"time\":\"2026-11-20T23:44:01.000000Z\"}",
               seq, hash_of[seq]);
}

/* The records named by `seqs` (0-terminated) as lines, an object or an array; head: a seq or -1. */
enum form { LINES, OBJECT, ARRAY, FORMS };
static void export(struct buf *b, enum form f, const int *seqs, int head)
{
    if (f == OBJECT)
        buf_puts(b, "{\"run_id\":\"run_x\",\"records\":[");
    if (f == ARRAY)
        buf_puts(b, "[");
    for (int i = 0; seqs[i]; i++) {
        if (i)
            buf_puts(b, f == LINES ? "\n" : ",\n ");
        buf_puts(b, line[seqs[i]]);
    }
    if (f == LINES)
        buf_puts(b, "\n");
    if (f == LINES && head >= 0) {
        buf_puts(b, "{\"head\":");
        head_json(b, head);
        buf_puts(b, "}\n");
    }
    if (f == ARRAY || f == OBJECT)
        buf_puts(b, "]");
    if (f == OBJECT) {
        buf_puts(b, ",\"head\":");
        if (head >= 0)
            head_json(b, head);
        else
            buf_puts(b, "null");
        buf_puts(b, "}\n");
    }
    assert_int_equal(b->bad, 0);
}

static void expect_text(const char *p, size_t n, const char *want)
{
    struct audit_verifier v;
    struct err e = ERR_INIT;
    int r = audit_verify_text(p, n, &v, &e);

    if (!want) {
        if (r != 0)
            fail_msg("expected to hold, got: %s", e.msg);
        return;
    }
    if (r != -ERR_AUDIT_BROKEN || e.code != ERR_AUDIT_BROKEN || !strstr(e.msg, want))
        fail_msg("expected \"%s\", got %d \"%s\" for %.*s", want, r, e.msg, (int)n, p);
}

static void files_by_records(void **state)
{
    static const struct {
        int seqs[N + 3];
        int head;
        const char *want;
    } row[] = {
        {{1, 2, 3, 4, 5, 6, 7, 8}, -1, NULL},
        {{1, 2, 3, 4, 5, 6, 7, 8}, 8, NULL},
        {{1, 2, 3, 4, 5, 6, 7, 8}, 5, NULL},
        {{1}, 1, NULL},
        {{1, 2, 4, 5}, -1, "record 3 is missing: record 4 follows record 2"},
        {{1, 2, 3, 4, 8}, 8, "records 5 to 7 are missing: record 8 follows record 4"},
        {{1, 2, 2, 3}, -1, "record 2 is there twice"},
        {{1, 2, 3, 2, 4}, -1, "record 2 stands after record 3: out of order"},
        {{1, 3, 2, 4}, -1, "record 3 stands before record 2: out of order"},
        {{1, 2, 5, 6, 3, 4}, -1, "record 5 stands before record 3: out of order"},
        {{2, 3, 4}, -1, "starts at record 2 without a prev_hash"},
        {{1, 2, 3, 4, 5, 6}, 8, "the tail is cut off: the head is at record 8, the last record is 6"},
        {{0}, 8, "not one record"},
        {{0}, -1, "not one record"},
    };

    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        for (enum form f = LINES; f < FORMS; f++) {
            AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
            if ((f == ARRAY && row[i].head >= 0) || (f == LINES && !row[i].seqs[0] && row[i].head < 0))
                continue;
            export(&b, f, row[i].seqs, row[i].head);
            expect_text(b.p, b.len, row[i].want);
        }
    }
}

/* Every byte of the file, flipped in several ways, is found. (What only changes the spelling of the same JSON, blanks
 * or the case of a \u escape, is no change.) */
static void every_flipped_byte(void **state)
{
    static const int all[] = {1, 2, 3, 0};
    static const char masks[] = {0x01, 0x20, 0x04, (char)0x80};

    for (enum form f = LINES; f < FORMS; f++) {
        AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
        export(&b, f, all, -1);
        for (size_t i = 0; i < b.len; i++) {
            for (size_t m = 0; m < sizeof masks; m++) {
                struct audit_verifier v;
                struct err e = ERR_INIT;
                char was = b.p[i];
                bool outside =
                    f == OBJECT && (i < strlen("{\"run_id\":\"run_x\",") || i > b.len - strlen(",\"head\":null}\n"));

                b.p[i] = (char)(was ^ masks[m]);
                int r = audit_verify_text(b.p, b.len, &v, &e);
                if (r == 0 && !strchr(" \n", was) && !outside)
                    fail_msg("byte %zu '%c' -> '%c' was not found", i, was, b.p[i]);
                if (r < 0)
                    assert_int_equal(r, -ERR_AUDIT_BROKEN);
                b.p[i] = was;
            }
        }
        expect_text(b.p, b.len, NULL);
    }
}

static char *replaced(const char *s, const char *from, const char *to)
{
    const char *at = strstr(s, from);

    assert_non_null(at);
    return str_printf("%.*s%s%s", (int)(at - s), s, to, at + strlen(from));
}

/* One text edit of record 3 in a file of 1 to 4. */
static void edited_record(void **state)
{
    static const struct {
        const char *from, *to, *want;
    } row[] = {
        {"\"n\":30", "\"n\":31", "record 3 was changed"},
        {"\"api\"", "\"cli\"", "record 3 was changed"},
        {"\"n\":30", "\"n\":30.0", "record 3 was changed"},
        {"\"n\":30", "\"n\": 30", NULL},
        {"\"trace_id\":\"abcd\",", "", "record 3 lacks its member \"trace_id\""},
        {"{\"seq\"", "{\"extra\":1,\"seq\"", "record 3: extra is not a known field"},
        {"\"seq\":3", "\"seq\":\"3\"", "no usable seq"},
        {"\"seq\":3", "\"seq\":0", "no usable seq"},
        {"\"seq\":3", "\"seq\":-9223372036854775808", "no usable seq"},
        {"\"seq\":3", "\"seq\":9223372036854775807", "no usable seq"},
        {"\"seq\":3", "\"seq\":9007199254740991", "records 3 to 9007199254740990 are missing"},
        {"\"seq\":3", "\"no\":3", "no usable seq"},
        {"\"record_hash\":\"", "\"record_hash\":\"0", "record 3 lacks a usable record_hash or hash"},
        {"\"record_hash\":", "\"record_hash\":null,\"prev_hash\":", "record 3 lacks a usable record_hash"},
        {"{\"seq\"", "{\"prev_hash\":7,\"seq\"", "record 3 has an unusable prev_hash"},
        {"{\"seq\"", "{\"prev_hash\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"seq\"",
         "prev_hash of record 3 is not"},
        {"{\"seq\"", "[{\"seq\"", "line 3 cannot be read"},
    };

    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
        char *mine = replaced(line[3], row[i].from, row[i].to);
        buf_printf(&b, "%s\n%s\n%s\n%s\n", line[1], line[2], mine, line[4]);
        expect_text(b.p, b.len, row[i].want);
        free(mine);
    }
}

/* A forger who also recomputes record_hash is found one step later; who recomputes all is found by the head. */
static void forged_record(void **state)
{
    struct audit_rec rec = {3, T0, "default", "evil", "api", "run.create", "run_3", "{}", NULL};
    uint8_t rh[SHA256_LEN], chain[SHA256_LEN];
    char rh_hex[SHA256_HEX], hash_hex[SHA256_HEX];

    assert_int_equal(audit_record_hash(&rec, rh, NULL), 0);
    hex_encode(rh, SHA256_LEN, rh_hex);
    assert_true(hex_decode(hash_of[2], chain, SHA256_LEN));
    audit_chain(chain, rh, chain);
    hex_encode(chain, SHA256_LEN, hash_hex);
    for (int all = 0; all < 2; all++) {
        AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
        struct jw w = JW_INIT(&b);
        buf_printf(&b, "%s\n%s\n", line[1], line[2]);
        audit_json(&w, &rec, rh_hex, all ? hash_hex : hash_of[3]);
        buf_puts(&b, "\n{\"head\":");
        head_json(&b, 3);
        buf_puts(&b, "}");
        expect_text(b.p, b.len,
                    all ? "record 3 is not the one the head was made from" : "hash of record 3 does not follow");
    }
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
    struct jw w = JW_INIT(&b);
    buf_printf(&b, "%s\n%s\n", line[1], line[2]);
    audit_json(&w, &rec, rh_hex, hash_hex);
    buf_printf(&b, "\n%s\n", line[4]);
    expect_text(b.p, b.len, "hash of record 4 does not follow");
}

static char *foreign_of(int seq, const char *prev)
{
    const char *rh = strstr(line[seq], "\"record_hash\"");

    return prev ? str_printf("{\"seq\":%d,\"prev_hash\":\"%s\",%s", seq, prev, rh)
                : str_printf("{\"seq\":%d,%s", seq, rh);
}

/* audit.json of a run: starts in the middle, foreign records in between. */
static void foreign_records(void **state)
{
    char *f[N + 1] = {0};
    struct audit_verifier v;
    struct err e = ERR_INIT;
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);

    for (int i = 3; i <= 6; i++)
        f[i] = foreign_of(i, NULL);
    buf_printf(&b, "{\"records\":[%s,%s,%s,%s,%s],\"prev_hash\":\"%s\",\"head\":null}", line[2], f[3], f[4], line[5],
               f[6], hash_of[1]);
    assert_int_equal(audit_verify_text(b.p, b.len, &v, &e), 0);
    assert_int_equal(v.first_seq, 2);
    assert_int_equal(v.next_seq, 7);
    assert_int_equal(v.records, 5);
    assert_int_equal(v.foreign, 3);

    buf_reset(&b);
    buf_printf(&b, "[%s,%s]", line[2], f[4]);
    expect_text(b.p, b.len, "starts at record 2 without a prev_hash");
    buf_reset(&b);
    char *start = foreign_of(3, hash_of[2]), *wrong = foreign_of(3, hash_of[1]);
    buf_printf(&b, "%s\n%s\n", start, line[4]);
    expect_text(b.p, b.len, NULL);
    buf_reset(&b);
    buf_printf(&b, "%s\n%s\n", wrong, line[4]);
    expect_text(b.p, b.len, "the hash of record 3 does not follow");
    buf_reset(&b);
    buf_printf(&b, "{\"prev_hash\":\"%s\",\"records\":[%s]}", hash_of[1], line[1]);
    expect_text(b.p, b.len, "prev_hash of record 1");
    buf_reset(&b);
    buf_printf(&b, "{\"prev_hash\":\"%s\",\"records\":[%s]}", hash_of[0], line[1]);
    expect_text(b.p, b.len, NULL);
    free(start);
    free(wrong);
    for (int i = 3; i <= 6; i++)
        free(f[i]);
}

static void garbage(void **state)
{
    static const char *const bad[][2] = {
        {"", "the file is empty"},
        {" \n ", "cannot be read"},
        {"hello", "cannot be read"},
        {"{}", "no usable seq"},
        {"[{}]", "no usable seq"},
        {"[1]", "no usable seq"},
        {"[null]", "no usable seq"},
        {"null", "cannot be read"},
        {"\"records\"", "cannot be read"},
        {"{\"records\":{}}", "must be an array"},
        {"{\"records\":[],\"head\":7}", "the head cannot be read"},
        {"{\"records\":[],\"head\":{\"seq\":1,\"hash\":\"x\"}}", "the head has no usable hash"},
        {"{\"records\":[],\"prev_hash\":\"x\"}", "not a hash"},
        {"{\"seq\":1}\n{\"seq\":2", "record 1 lacks a usable record_hash"},
        {"{\"head\":{\"seq\":0}}", "the head has no usable hash"},
        {"\xff\xfe", "cannot be read"},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        expect_text(bad[i][0], strlen(bad[i][0]), bad[i][1]);
    expect_text("\0\0", 2, "cannot be read");
    char deep[200];
    memset(deep, '[', sizeof deep);
    expect_text(deep, sizeof deep, "cannot be read");
}

static void heads(void **state)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
    char text[AUDIT_HEAD_TEXT];

    /* A head of an empty chain: nothing must be there, and nothing is. */
    buf_puts(&b, "{\"records\":[],\"head\":");
    head_json(&b, 0);
    buf_puts(&b, "}");
    expect_text(b.p, b.len, NULL);
    /* A head must be the last line, alone. */
    buf_reset(&b);
    buf_printf(&b, "%s\n{\"head\":null}\n%s\n", line[1], line[2]);
    expect_text(b.p, b.len, "line 2 is a head, but not the last line");
    buf_reset(&b);
    buf_printf(&b, "%s\n\n \n%s\n{\"head\":", line[1], line[2]);
    head_json(&b, 2);
    buf_puts(&b, ",\"x\":1}");
    expect_text(b.p, b.len, "line 5 is a head, but not the last line alone");
    /* Its hash is one flipped byte away. */
    buf_reset(&b);
    buf_printf(&b, "%s\n{\"head\":", line[1]);
    head_json(&b, 1);
    char *hash = strstr(b.p, "{\"head\"");
    hash = strstr(hash, hash_of[1]);
    *hash = *hash == 'a' ? 'b' : 'a';
    buf_puts(&b, "}");
    expect_text(b.p, b.len, "record 1 is not the one the head was made from");

    audit_head_text(42, hash_of[0], text);
    assert_string_equal(text,
                        "sallyport-audit-head\n42\n0000000000000000000000000000000000000000000000000000000000000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_vectors),
        cmocka_unit_test(data_must_be_one_object),
        cmocka_unit_test(files_by_records),
        cmocka_unit_test(every_flipped_byte),
        cmocka_unit_test(edited_record),
        cmocka_unit_test(forged_record),
        cmocka_unit_test(foreign_records),
        cmocka_unit_test(garbage),
        cmocka_unit_test(heads),
    };
    return cmocka_run_group_tests(tests, make_chain, free_chain);
}
