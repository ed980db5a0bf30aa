/* cursor - an opaque position in a run's stream.
 *
 * Inside: the last seq, and the offset reached in the log of each open step. Outside: URL-safe text with a
 * version, a check sum and the stream's id mixed in: garbage, or another stream's cursor, is ERR_CURSOR.
 * May include: base.  Pure.  Threads: any. */
#pragma once
#include "base/err.h"
#include "base/id.h"

#define CURSOR_OPEN_MAX 64
#define CURSOR_TEXT_MAX 3072     /* with NUL */
struct cursor_open { struct id step; int32_t index, attempt; uint64_t offset; };
struct cursor { int64_t seq; size_t n; struct cursor_open open[CURSOR_OPEN_MAX]; };

void cursor_encode(const struct cursor *, const struct id *stream, char ret[CURSOR_TEXT_MAX]);
CHECKED int cursor_decode(const char *text, const struct id *stream, struct cursor *ret, struct err *);
struct cursor_open *cursor_find(struct cursor *, const struct id *step);          /* NULL when not open */
CHECKED int cursor_open_step(struct cursor *, const struct id *step, int index, int attempt, uint64_t offset, struct err *);   /* ERR_TOO_LARGE */
void cursor_close_step(struct cursor *, const struct id *step);
