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
/* The same for a file that is on disk already and is never changed, only replaced: it gets a second name (a hard link).
 * No file of that name is an empty one. */
CHECKED int artifacts_keep_file(struct svc *, int dirfd, const char *name, char ret[SHA256_HEX], int64_t *ret_size,
                                struct err *);
/* Opens a blob and checks its hash: a damaged one is ERR_CORRUPT, not served. The fd; its offset says nothing. */
CHECKED int artifacts_open(struct svc *, const char *sha256, struct err *);
CHECKED int artifacts_get(struct svc *, const char *tenant, const struct id *, struct artifact_row *ret, struct err *);
/* ERR_GONE, with since when, when its bytes were removed by retention. */
CHECKED int artifacts_there(const struct artifact_row *, struct err *);
/* The artifact of that name of a run. */
CHECKED int artifacts_by_name(struct svc *, const struct id *run, const char *name, struct artifact_row *ret,
                              struct err *);
