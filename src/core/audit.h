/* audit - the hash chain: one record's canonical form, its hash, the chain's hash, and verification.
 *
 * Why it exists: who decided and did what can be checked offline by anyone.
 * May include: base.  Pure: time and previous hash are arguments.
 *
 *   record      {seq,time,tenant_id,actor,surface,action,target,data,trace_id}    data: an object, no floats
 *   record_hash = sha256(JCS(record))                                             RFC 8785
 *   hash        = sha256(previous hash (32 bytes; zeros before seq 1) ‖ record_hash (32 bytes))
 *   export      JSON Lines or an array of records, each with record_hash and hash; foreign records of a run's
 *               audit.json are {"seq","record_hash","hash"} only: the chain still verifies. */
#pragma once
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"

struct audit_rec {
    int64_t seq;              /* 1, 2, 3 … per tenant, no gaps */
    int64_t time_us;
    const char *tenant_id, *actor, *surface, *action, *target;  /* surface: api cli console ws mcp system */
    const char *data;         /* JSON object text; NULL = {} */
    const char *trace_id;     /* may be NULL */
};

CHECKED int audit_record_hash(const struct audit_rec *, uint8_t ret[SHA256_LEN], struct err *);
void audit_chain(const uint8_t prev[SHA256_LEN], const uint8_t record_hash[SHA256_LEN], uint8_t ret[SHA256_LEN]);
/* One exported record: the nine members plus record_hash and hash (lower-case hex). */
void audit_json(struct jw *, const struct audit_rec *, const char *record_hash_hex, const char *hash_hex);

/* Verification, record by record, in order. */
struct audit_verifier {
    int64_t first_seq, next_seq, records, foreign;   /* next_seq 0 = nothing seen yet */
    uint8_t hash[SHA256_LEN];
};
void audit_verifier_init(struct audit_verifier *);
/* One JSON record. ERR_AUDIT_BROKEN names the seq and what is wrong with it (record changed, hash does not follow, gap
 * "records 5 to 7 are missing", order). A file that starts after seq 1 takes its first `prev_hash` member, if there. */
CHECKED int audit_verify_record(struct audit_verifier *, const struct json *rec, struct err *);
/* A whole exported file: JSON Lines, or an object {"records":[…],"head":{"seq","hash",…}} as audit.json, or an array.
 * A head whose seq is beyond the last record = cut-off tail. */
CHECKED int audit_verify_text(const char *p, size_t n, struct audit_verifier *, struct err *);
/* Does the live or exported chain reach a signed head? head: {"tenant_id","seq","hash","time","public_key","signature"}. The
 * signature (Ed25519 over "sallyport-audit-head\n" seq "\n" hash) is checked by the caller that has the library. */
