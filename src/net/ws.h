/* ws - the server's side of a WebSocket (RFC 6455, version 13, no extensions): messages in, frames out.
 *
 * Why it exists: what is said over one is pulled like any other stream of this
 * server, and what is heard is handed over message by message, so that neither
 * a client that does not read nor one that does not stop talking costs more
 * than the bounds below.
 * May include: base/ os/.   Must not know: api/ service/.
 *
 *   client ──frames──► reader ──► inbox (bounded; full: the socket is not read) ──► message(), one at a time, in order
 *   client ◄──frames── one chunk ◄── pong, Close ◄── outbox (ws_send) ◄── fill()          │
 *                                                       '── while it is full no message is handed over
 *
 * Pings are answered, and sent when nothing was said for http_config.heartbeat_ms; a client that said nothing at all
 * between two of them is gone. Close: both sides say it, then the TCP connection is ended, by us first (7.1.1).
 *
 * Threads: message, and fill and closed, run on handler threads; message and fill may run at the same time, each on
 * one thread at a time; closed comes last. ws_send, ws_wake, ws_close, ws_admit: any thread, between ws_open and the
 * return of closed. */
#pragma once
#include "net/http.h"

struct ws;

enum { WS_AWAY = 1001, WS_POLICY = 1008, WS_INTERNAL = 1011, WS_TRY_LATER = 1013 }; /* for ws_close */

struct ws_config {
    const char *protocol; /* the Sec-WebSocket-Protocol we speak, named when the client offers it; NULL: none */
    size_t max_message;   /* bytes; beyond: Close 1009 */
    size_t guest_bytes;   /* all that a client may send before ws_admit: Close 1008; its time: http_config.guest_ms */
    unsigned inbox;       /* messages that wait before reading stops */
    size_t outbox;        /* bytes; with more than this unsent no further message is handed over */
};
struct ws_ops {
    /* One whole text message, NUL-terminated, valid UTF-8 (it may hold NULs). Binary ones are refused (1003). */
    void (*message)(void *arg, char *text, size_t n);
    /* As a stream's fill (http.h), after what was sent: adds whole messages with ws_text. `sent` counts the ws_send
     * whose bytes are before what this call adds. END: says Close (1000). */
    enum http_fill (*fill)(void *arg, unsigned why, uint64_t sent, struct buf *out);
    void (*closed)(void *arg);
    /* May be NULL. As fill, but on the loop thread: it must not block, and says HTTP_FILL_BLOCKS instead. */
    enum http_fill (*poll)(void *arg, unsigned why, uint64_t sent, struct buf *out);
};
/* Answers the handshake. ERR_UPGRADE: it is none, or of another version (the answer then names ours); ERR_INVALID: a
 * wrong one; ERR_UNAVAILABLE: too many streams. On failure nothing was called and arg is still the caller's. Who may
 * call from where (Host, Origin) has been decided before. */
CHECKED int ws_open(struct http_req *, const struct ws_config *, const struct ws_ops *, void *arg, struct ws **ret,
                    struct err *);
/* The client has said who it is: the limits of a guest end. */
void ws_admit(struct ws *);
/* Queues one text message and takes its memory. The answer is its number, from 1, for fill's `sent`; 0: it was
 * dropped, since Close was said, or memory ran out (then the connection ends with 1013). */
uint64_t ws_send(struct ws *, struct buf *text);
void ws_wake(struct ws *); /* something for fill to say; as http_stream_wake */
/* Says Close after what is queued. The first one counts. */
void ws_close(struct ws *, int code, const char *reason);

/* A text message in two or three pieces, as one frame: for fill. */
void ws_text(struct buf *out, const struct buf *a, const char *p, size_t n, const char *end);
