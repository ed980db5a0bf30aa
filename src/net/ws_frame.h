/* ws_frame - bytes of a client become WebSocket messages and control frames, and the other way round. Inner header of
 * src/net.
 *
 * Why it exists: RFC 6455, section 5, to the letter, in one place that needs no
 * socket, so it can be tested at every split, fuzzed, and asked beside another
 * implementation (tests/fuzz/fuzz_ws.c asks libwslay).
 * Why not libwslay itself: its context has 9,440 bytes per connection, more than
 * all that an idle client may cost here; it queues a pong for every ping, without
 * a bound; it takes a Close with half a code, and refuses the registered codes
 * 1012 to 1014.
 * May include: base/.   Pure (memory only).   Threads: one owner. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

enum ws_op { WS_CONT = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/* RFC 6455, 7.4.1, and the IANA registry of close codes. */
enum {
    WS_CODE_NORMAL = 1000,
    WS_CODE_AWAY = 1001,        /* the server stops */
    WS_CODE_PROTOCOL = 1002,    /* not what the RFC says */
    WS_CODE_UNSUPPORTED = 1003, /* a binary message */
    WS_CODE_NONE = 1005,        /* never sent: a Close without a code */
    WS_CODE_DATA = 1007,        /* text that is not UTF-8 */
    WS_CODE_POLICY = 1008,
    WS_CODE_TOO_BIG = 1009,
    WS_CODE_INTERNAL = 1011,
    WS_CODE_TRY_LATER = 1013,
};

enum { WS_CONTROL_MAX = 125, WS_HEAD_MAX = 10 };

/* ---- reading ------------------------------------------------------------- */

/* Strict UTF-8 (RFC 3629), byte by byte; zeroed: at a boundary. */
struct ws_utf8 {
    unsigned char need;   /* bytes that are missing */
    unsigned char lo, hi; /* what the next one may be, when need > 0 */
};
/* False as soon as no continuation can make it valid. Whole when need is 0. */
bool ws_utf8_feed(struct ws_utf8 *, const char *p, size_t n);

/* What the reader found: a whole message, or a control frame. */
struct ws_in {
    enum ws_op op; /* TEXT BINARY CLOSE PING PONG */
    const char *p; /* control frames: the payload (CLOSE: the reason), borrowed until the next read */
    size_t n;      /* messages are fetched with ws_reader_take */
    int code;      /* CLOSE: what the peer said, WS_CODE_NONE for nothing */
};

struct ws_reader {
    size_t max_message; /* bytes of one message, all its fragments together; may be changed between reads */
    bool text_only;     /* a binary message is refused (1003) */

    unsigned char head[14], nhead, need; /* of the frame being read; need 0: its payload is being read */
    unsigned char op, msg_op;            /* of the frame; of the message under way (0: none) */
    bool fin, ended;                     /* ended: Close was read, nothing after it counts */
    unsigned char mask[4], mask_at, nctl;
    char ctl[WS_CONTROL_MAX];
    uint64_t left; /* payload bytes to come of this frame */
    struct ws_utf8 utf8;
    struct buf msg; /* the message so far: grows with what came, not with what was announced */
    int bad;        /* close code of the first mistake; then nothing more is read */
    const char *why;
};
void ws_reader_init(struct ws_reader *, size_t max_message, bool text_only);
void ws_reader_fini(struct ws_reader *);
/* Takes bytes up to the end of the next message or control frame, or all: *p and *n move on. 1: *ret is filled; 0: all
 * was taken; -1: the peer broke a rule (r->bad is the code to close with, r->why says it), or out of memory (1011). */
CHECKED int ws_read(struct ws_reader *, const char **p, size_t *n, struct ws_in *ret);
/* The message that ws_read has just found; its memory moves. */
void ws_reader_take(struct ws_reader *, struct buf *ret);

/* ---- writing: what a server sends has no mask (5.1) ------------------------ */

/* The head of an unfragmented frame; its length. */
size_t ws_head(unsigned char ret[WS_HEAD_MAX], enum ws_op, uint64_t n);
void ws_put(struct buf *out, enum ws_op, const void *p, size_t n);
/* A Close with code and reason (cut at 123 bytes, at a character); code WS_CODE_NONE: an empty one. */
void ws_put_close(struct buf *out, int code, const char *reason);
/* May a peer send this code? (7.4: 1004, 1005, 1006 and 1015 never, 1000 to 2999 only what is registered) */
bool ws_code_ok(int code);
