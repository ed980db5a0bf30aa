/* logfile - the log of one step attempt: append-only frames with a checksum.
 *
 * Why it exists: a log must be readable byte for byte after any crash, by any
 * number of readers, while one writer appends.
 *
 *   frame:  u32 length of payload (LE) | u8 stream | u8 flags | u16 zero | i64 time us (LE)
 *           | payload | u32 crc32c over everything before it (LE)
 *   file:   8-byte magic "SPLOG\0\0\1", then frames.
 *
 * One writer at a time holds flock(LOCK_EX) on the file for as long as it
 * lives: the lock is also the test whether the writer (the shim) lives. Readers
 * take no lock and stop before an incomplete or damaged frame. Only a holder
 * of the lock may cut a torn tail (logfile_open_write does).
 * An offset is the file offset of a frame's first byte; the first is LOG_START.
 * A finished log may be compressed (logzst.h): it is then NAME.zst, and a reader gives the same frames at the same
 * offsets. Whoever has the plain file open reads on in it.
 * May include: base.  Threads: a writer or reader has one owner. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

enum log_stream {
    LOG_STDOUT = 1,
    LOG_STDERR = 2,
    LOG_SYSTEM = 3,
    LOG_EXIT = 4 /* an exit record, the last frame */
};
const char *log_stream_name(int); /* "stdout" "stderr" "system"; NULL for others */

#define LOG_START       8
#define LOG_PAYLOAD_MAX (256 * 1024) /* per frame */

struct log_writer;
/* Opens or creates below dirfd, takes the lock without waiting (ERR_BUSY when another holds it), cuts a torn tail.
 * Damage with whole frames behind it is no torn tail: ERR_CORRUPT, and the file is left alone. */
CHECKED int logfile_open_write(int dirfd, const char *name, struct log_writer **ret, struct err *);
/* One frame by one writev(2). n <= LOG_PAYLOAD_MAX. ERR_STATE after an exit record. What a failed write left is cut
 * off. */
CHECKED int logfile_append(struct log_writer *, int stream, int64_t now_us, const void *p, size_t n, struct err *);
uint64_t logfile_size(const struct log_writer *);
int logfile_fd(const struct log_writer *);
void logfile_close_write(struct log_writer *);

struct log_frame {
    uint64_t offset, next; /* of this frame, and of the one after it */
    int stream;
    int64_t time_us;
    const char *p; /* borrowed until the next call */
    size_t n;
};
struct log_reader;
/* Plain or compressed. ERR_NOT_FOUND when there is neither. */
CHECKED int logfile_open_read(int dirfd, const char *name, struct log_reader **ret, struct err *);
/* 1 and *ret filled; 0 when there is no complete frame at `offset` (yet); -ERR_CORRUPT when the bytes there cannot
 * become a frame; -ERR_CURSOR when offset lies beyond the end of the file. */
CHECKED int logfile_read(struct log_reader *, uint64_t offset, struct log_frame *ret, struct err *);
/* The same at an offset that somebody names, who may have made it up: -ERR_CURSOR when no frame begins there. What is
 * no frame there is damage only where the frames before it lead to: they are read then, from the first. */
CHECKED int logfile_read_named(struct log_reader *, uint64_t offset, struct log_frame *ret, struct err *);
/* Bytes of the uncompressed log, now. */
CHECKED int logfile_size_read(struct log_reader *, uint64_t *ret, struct err *);
void logfile_close_read(struct log_reader *);
DEFINE_AUTO_PTR(struct log_reader, logfile_close_read);
/* Is a writer alive? 1 yes, 0 no, negative code when the file cannot be opened (ERR_NOT_FOUND). */
CHECKED int logfile_locked(int dirfd, const char *name, struct err *);
