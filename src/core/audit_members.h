/* audit_members - what of a record is hashed: shared by audit.c (writes) and audit_verify.c (checks).
 *
 * May include: base.  Pure.  Private to core/audit*. */
#pragma once
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"

#define AUDIT_NMEMBERS 9
extern const char *const audit_members[AUDIT_NMEMBERS + 1];

/* sha256 of the canonical object of exactly these members of rec. */
CHECKED int audit_members_hash(const struct json *rec, uint8_t ret[SHA256_LEN], struct err *);
