/* audit - the hash chain: one record's canonical form, its hash, the chain's hash, and verification.
 *
 * Why it exists: who decided and did what can be checked offline by anyone.
 * May include: base.  Pure: time and previous hash are arguments.
 *
 *   record      {seq,time,tenant_id,actor,surface,action,target,data,trace_id}    data: an object, no floats
 *   record_hash = sha256(JCS(record))                                             RFC 8785
 *   hash        = sha256(previous hash (32 bytes; zeros before seq 1) ‖ record_hash (32 bytes))
 *   export      JSON Lines or an array of records, each with record_hash and hash; foreign records of a run's
 *               audit.json are {"seq","record_hash","hash"} only: the chain still verifies. A file that starts
 *               after seq 1 has the hash it follows as `prev_hash` (of its first record, or of the object). */
#pragma once
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"

struct audit_rec {
    int64_t seq; /* 1, 2, 3 … per tenant, no gaps */
    int64_t time_us;
    const char *tenant_id, *actor, *surface, *action, *target; /* surface: api cli console ws mcp system */
    const char *data;                                          /* JSON object text; NULL = {} */
    const char *trace_id;                                      /* may be NULL */
};

/* ERR_INVALID when data is not an object, or holds a float or an integer beyond 2^53. */
CHECKED int audit_record_hash(const struct audit_rec *, uint8_t ret[SHA256_LEN], struct err *);
void audit_chain(const uint8_t prev[SHA256_LEN], const uint8_t record_hash[SHA256_LEN], uint8_t ret[SHA256_LEN]);
/* One exported record (that audit_record_hash took): the nine members plus record_hash and hash (lower-case hex). */
void audit_json(struct jw *, const struct audit_rec *, const char *record_hash_hex, const char *hash_hex);

/* Verification, record by record, in order:  init, (expect)?, record*, end.
 * Everything that is wrong with the chain is ERR_AUDIT_BROKEN and names the record. */
struct audit_verifier {
    int64_t first_seq, next_seq; /* next_seq 0 = nothing seen yet */
    int64_t records, foreign;    /* foreign: those of `records` that are hashes only */
    uint8_t hash[SHA256_LEN];    /* of the last record; before the first: what it follows */
    bool have_prev;              /* … is known: a chain may start there */
    int64_t head_seq;            /* -1: no head is expected */
    char head_hash[SHA256_HEX];
};
void audit_verifier_init(struct audit_verifier *);
/* The chain must reach this head: {"tenant_id","seq","hash","time","public_key","signature"}. Called before the first
 * record. The signature (Ed25519 over audit_head_text) is checked by the caller, who has the library. */
CHECKED int audit_verifier_expect(struct audit_verifier *, const struct json *head, struct err *);
/* One JSON record (record changed, hash does not follow, gap "records 5 to 7 are missing", twice, out of order).
 * The first record seen may have a seq above 1 only when it carries `prev_hash`, the hash it follows: the caller
 * decides whether a chain that starts there (first_seq) is what it wanted. */
CHECKED int audit_verify_record(struct audit_verifier *, const struct json *rec, struct err *);
/* Cut-off tail: the expected head lies beyond the last record. */
CHECKED int audit_verifier_end(const struct audit_verifier *, struct err *);
/* A whole exported file, from audit_verifier_init to audit_verifier_end: JSON Lines (the last line may be
 * {"head":{…}}), an array, or an object {"records":[…],"head":{…}|null,"prev_hash":…} as audit.json (other members are
 * not looked at). No record at all is broken too, unless the head says seq 0. */
CHECKED int audit_verify_text(const char *p, size_t n, struct audit_verifier *, struct err *);
/* What is signed: "sallyport-audit-head\n" seq "\n" hash. */
#define AUDIT_HEAD_TEXT 128
void audit_head_text(int64_t seq, const char *hash_hex, char ret[AUDIT_HEAD_TEXT]);
