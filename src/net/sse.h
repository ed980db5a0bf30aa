/* sse - writing and reading server-sent events (WHATWG HTML, section 9.2).
 *
 * Why it exists: one place knows the line rules: a line break inside data
 * becomes several data lines, and a break inside an id or type never gets out.
 * May include: base/.   Pure.   Threads: one owner. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

/* Appends one event; id and type may be NULL. Data of n bytes: LF, CR and CRLF split it into data lines (they
 * all read back as LF). An id or type with a line break or NUL is left out. */
void sse_event(struct buf *out, const char *id, const char *type, const char *data, size_t n);
/* A comment, which clients ignore: the heartbeat. Line breaks become spaces. */
void sse_comment(struct buf *out, const char *text);
void sse_retry(struct buf *out, unsigned ms);
/* Bytes sse_event needs at most, to see before whether it fits. */
size_t sse_event_size(const char *id, const char *type, const char *data, size_t n);

struct sse_msg {
    const char *id;   /* last id seen so far, "" before the first */
    const char *type; /* "message" when none was given */
    const char *data; /* NUL-terminated, without the last LF */
    size_t n;
};
struct sse_parser; /* opaque: see sse.c */
/* Nonzero stops the feed (sse_feed returns it). The message is valid during the call. */
typedef int (*sse_fn)(void *arg, const struct sse_msg *);
/* max: bytes of one line and of one event's data. NULL on out-of-memory. */
struct sse_parser *sse_parser_new(size_t max, sse_fn, void *arg);
void sse_parser_free(struct sse_parser *);
DEFINE_AUTO_PTR(struct sse_parser, sse_parser_free);
/* Any piece of the stream, split anywhere. 0, what the callback returned, or -ERR_TOO_LARGE / -ERR_OOM (then the
 * parser takes nothing more). An event that is not finished by an empty line is dropped at the end, by the rules. */
CHECKED int sse_feed(struct sse_parser *, const char *p, size_t n, struct err *);
const char *sse_last_id(const struct sse_parser *); /* "" before the first; for Last-Event-ID */
int64_t sse_retry_ms(const struct sse_parser *);    /* -1 when the stream never said */
