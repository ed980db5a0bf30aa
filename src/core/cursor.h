/* cursor - an opaque position in a run's stream.
 *
 * Why it exists: resuming must lose nothing and repeat nothing, from any server, after any restart. So the client
 * holds the place, as text that is opaque to it: the last seq, and the offset reached in the log of each open step.
 * May include: base.  Pure.  Threads: any; a cursor is a value with one owner.
 *
 * A step is open in a cursor from its step.started event until its step.finished event, which
 * comes after the last byte of its log.
 *
 *   text   = base64url without padding of
 *            u8 version (1) | varint seq | u8 n | n x entry | u32 crc32c (LE) over the stream's id and all before
 *   entry  = step's ulid (16 bytes) | varint index | varint attempt | varint offset
 *   order  = by step id: the same place is always the same text
 *   varint = LEB128, shortest form only
 *
 * The stream's id is in the check sum, not in the text: another stream's cursor is ERR_CURSOR, like garbage. This
 * guards against mistakes, not forgers: a forged cursor misplaces only its own reader, who may read the whole stream
 * anyway. */
#pragma once
#include "base/err.h"
#include "base/id.h"

#define CURSOR_OPEN_MAX 64
#define CURSOR_TEXT_MAX 3136 /* with NUL */
struct cursor_open {
    struct id step;
    int32_t index, attempt;
    uint64_t offset; /* of the next frame, os/logfile.h */
};
/* Zeroed: the beginning of the stream. */
struct cursor {
    int64_t seq;
    size_t n;
    struct cursor_open open[CURSOR_OPEN_MAX]; /* by step id */
};

void cursor_encode(const struct cursor *, const struct id *stream, char ret[CURSOR_TEXT_MAX]);
/* Strict: what cursor_encode would not write for this stream is ERR_CURSOR. */
CHECKED int cursor_decode(const char *text, const struct id *stream, struct cursor *ret, struct err *);
struct cursor_open *cursor_find(struct cursor *, const struct id *step); /* NULL when not open */
/* Opens it, or moves one that is open. ERR_TOO_LARGE beyond CURSOR_OPEN_MAX, ERR_INVALID for what is no step.
 * Pointers from cursor_find end here, and at cursor_close_step. */
CHECKED int cursor_open_step(struct cursor *, const struct id *step, int index, int attempt, uint64_t offset,
                             struct err *);
void cursor_close_step(struct cursor *, const struct id *step); /* nothing when not open */
