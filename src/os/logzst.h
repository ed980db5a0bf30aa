/* logzst - the log of a finished step attempt, compressed and still seekable.
 *
 * Why it exists: logs compress to a tenth, and cursors and offsets that were given out must stay valid.
 *
 *   NAME.zst:  zstd frames, each of whole log frames (the first also of the log's magic), at most LOG_FRAME_MAX +
 *              LOG_START bytes uncompressed, with the uncompressed size and a checksum of the content;
 *              a skippable frame: "SPLOGZ\0\1" | u64 bytes of the uncompressed log (LE)
 *                                 | u32 crc32c of the content of the frame after it (LE);
 *              the seek table, a skippable frame in zstd's seekable format: per frame before it
 *                  u32 compressed bytes, u32 uncompressed bytes (LE), then u32 frames, u8 0, u32 0x8F92EAB1.
 *
 * Source of the two formats: RFC 8878 (3.1.1 frames, 3.1.2 skippable frames), and zstd's
 * contrib/seekable_format/zstd_seekable_compression_format.md, version 0.1.0. `zstd -dc` gives the plain log.
 * All of it is checked before it is believed: damage is ERR_CORRUPT, never other bytes.
 * May include: base, os.  Threads: one owner. */
#pragma once
#include "base/err.h"
#include "os/logfile.h"

#define LOGZST_SUFFIX ".zst"

struct log_zst;
/* Reads and checks the seek table; borrows fd. */
CHECKED int logzst_open(int fd, struct log_zst **ret, struct err *);
void logzst_free(struct log_zst *);
DEFINE_AUTO_PTR(struct log_zst, logzst_free);
uint64_t logzst_size(const struct log_zst *); /* of the uncompressed log */
/* The piece that holds `offset`, which lies before the end: at most cap bytes into out; *ret_at is its first byte's
 * offset. */
CHECKED int logzst_fill(struct log_zst *, uint64_t offset, char *out, size_t cap, uint64_t *ret_at, size_t *ret_n,
                        struct err *);

/* ---- making one -------------------------------------------------------- */

struct logzst_result {
    int64_t plain_bytes, zst_bytes; /* zst_bytes 0: it stayed as it was */
};
/* Between two pieces: *ns is the time the piece took; negative: stop, which is returned. */
typedef int (*logzst_pause)(void *arg, int64_t took_us);
/* Replaces the plain log NAME, which nobody writes any more, by NAME.zst: a temporary file, synced, read back and
 * compared, renamed; then the plain one is removed. Killed at any instant, one whole form stands, and the next call
 * does the rest. A log of at most one disk block, or that does not become smaller, stays as it is. A torn or damaged
 * one is ERR_CORRUPT and stays as it is. A log that is compressed already: 0. One that does not exist: ERR_NOT_FOUND.
 */
CHECKED int logzst_pack(int dirfd, const char *name, logzst_pause, void *arg, struct logzst_result *ret, struct err *);
