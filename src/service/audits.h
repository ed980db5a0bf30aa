/* audits - reading, verifying, exporting the audit chain, and its signed head.
 *
 * Why it exists: records are written inside the transactions of what they
 * record (caller_audit); this module proves afterwards that none was changed,
 * removed or cut off. The head is signed (Ed25519) and kept in DATA/audit/, outside the database.
 * May include: store core base os service/svc.h.   Threads: any. */
#pragma once
#include "service/svc.h"

struct audits;
/* Loads or makes DATA/audit/key (0600) and DATA/audit/public. */
CHECKED int audits_open(int data_fd, struct store *, struct audits **ret, struct err *);
void audits_close(struct audits *);
/* Signs the tenant's head when it moved since the last time; called on a timer and at stop. ERR_AUDIT_BROKEN, and the
 * last head is kept, when the chain no longer holds the record that was signed last. */
CHECKED int audits_sign_head(struct audits *, const char *tenant, struct err *);
/* {"tenant_id","seq","hash","time","public_key","signature"} of the chain as it is now, signed. */
CHECKED int audits_head_json(struct audits *, const char *tenant, struct jw *, struct err *);
/* Ed25519 check of a head object; the key must be `public_hex` when that is given. ERR_AUDIT_BROKEN. */
CHECKED int audits_check_head(const struct json *head, const char *public_hex, struct err *);

struct audit_filter;
/* {"items":[…],"next_seq","head"} */
CHECKED int audits_list_json(struct svc *, const struct audit_filter *, struct jw *, struct err *);
/* {"ok","records","head","error"}; walks the whole chain in batches. */
CHECKED int audits_verify_json(struct svc *, const char *tenant, struct jw *, struct err *);
/* One batch of an export as JSON lines: records after *seq; *seq moves; *done when the head line was written. */
CHECKED int audits_export(struct svc *, const char *tenant, int64_t *seq, bool *done, struct buf *out, struct err *);
/* audit.json of a run: its records whole, the others in between as hashes: it verifies alone. When those do not fit
 * into out, they are left out and `problem` says so. */
CHECKED int audits_run_json(struct svc *, const char *tenant, const struct id *run, struct buf *out, struct err *);
