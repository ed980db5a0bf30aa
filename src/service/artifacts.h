/* artifacts - kept files of runs, addressed by the sha256 of their content.
 *
 * DATA/blobs/<first two hex digits>/<sha256>: written to a temporary name, synced, renamed; equal content is
 * kept once.
 * May include: store base os service/svc.h.   Threads: any. */
#pragma once
#include "base/hash.h"
#include "service/svc.h"
#include "store/run_rows.h"

/* Keeps the bytes; *ret is their name. Idempotent. */
CHECKED int artifacts_keep(struct svc *, const void *p, size_t n, char ret[SHA256_HEX], struct err *);
/* Reads a blob; checks its hash: a damaged one is ERR_CORRUPT, not served. */
CHECKED int artifacts_read(struct svc *, const char *sha256, struct buf *out, struct err *);
CHECKED int artifacts_get(struct svc *, const char *tenant, const struct id *, struct artifact_row *ret, struct err *);
/* The artifact of that name of a run. */
CHECKED int artifacts_by_name(struct svc *, const struct id *run, const char *name, struct artifact_row *ret,
                              struct err *);
