/* mask - replaces known secrets in a byte stream by "***" before it is kept.
 *
 * Why it exists: a secret that was never written cannot leak from a log.
 * Works across chunk borders: holds back at most one secret's length - 1 bytes,
 * and only while what is held could still become a secret.
 * May include: base.  Pure.  Threads: one owner. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

struct mask;
struct mask_secret {
    const void *p;
    size_t n;
};
/* Copies the secrets (wiped by mask_free). Secrets shorter than 4 bytes are ignored: they would mask everything.
 * At most 256 secrets, 64 KiB in all. Also masks the base64 and URL-encoded form of each, and
 * what a terminal makes of one with several lines. */
CHECKED int mask_new(const struct mask_secret *, size_t n, struct mask **ret, struct err *);
void mask_free(struct mask *);
/* A copy with empty carry: one per stream. */
CHECKED int mask_clone(const struct mask *, struct mask **ret, struct err *);
/* Feeds bytes; appends what is certain to out. */
void mask_feed(struct mask *, const void *p, size_t n, struct buf *out);
/* End of stream: appends what was held back. */
void mask_flush(struct mask *, struct buf *out);
