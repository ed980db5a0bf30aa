/* http - the HTTP/1.1 server: strict, bounded, one loop thread and a few handler threads.
 *
 * Why it exists: every API call, event stream and page enters here, so this is
 * where outside bytes are refused or become a request whose every part has a
 * known size and shape. It hides its libraries (libuv, llhttp): no header of
 * this folder includes theirs.
 * May include: base/ os/.   Must not know: api/ service/.
 *
 * Threads
 *   loop thread      every socket; parses and writes; never calls your code
 *                    except `limit` and a stream's `poll`, which must not block
 *   handler threads  run `handler`, a stream's `fill` and its `closed`: plain
 *                    blocking code on 256 KiB of stack. All of them block every
 *                    signal.
 *   any thread       http_stream_wake, http_server_stats, http_server_stop
 *
 * The way of a request
 *
 *   loop: bytes -> head checked -> limit() -> body -> [queue] -> handler thread: handler(arg, rq)
 *                                                                   | http_reply            | http_stream_open
 *   loop: write the reply, keep the connection or close it  <-------+                       |
 *   loop: write the head, then  wake | room | heartbeat -> [queue] -> fill(arg, why, out) <-+
 *                                 ^------ write out -------------------'   ... -> closed(arg), once
 *
 * One request at a time per connection: while one is being answered nothing
 * more is read from that socket, so pipelining costs at most one read's bytes.
 * Rules: RFC 9110, RFC 9112; where they leave a choice, the request is refused.
 * SIGPIPE: the server's threads block it; programs should still ignore it. */
#pragma once
#include <sys/types.h>
#include "base/buf.h"
#include "base/err.h"

struct http_server;
struct http_req;
struct http_stream;

/* Any other method is answered 405 before a handler sees it. */
enum http_method {
    HTTP_M_NONE = 0,
    HTTP_M_GET,
    HTTP_M_HEAD,
    HTTP_M_POST,
    HTTP_M_PUT,
    HTTP_M_PATCH,
    HTTP_M_DELETE,
    HTTP_M_OPTIONS
};
const char *http_method_name(enum http_method); /* "GET"; "" for HTTP_M_NONE */

/* ---- configuration ---------------------------------------------------- */

/* Answers exactly once, before it returns: http_reply*, or http_stream_open.
 * A handler that returns without an answer gives 500. */
typedef void (*http_handler_fn)(void *arg, struct http_req *rq);
/* The most body bytes this route takes. Loop thread, at the end of the head:
 * must not block. `path` is the raw path (percent-encoded, without query).
 * A larger Content-Length is refused with 413 before any of it is read. */
typedef size_t (*http_limit_fn)(void *arg, enum http_method, const char *path);

struct http_config {
    http_handler_fn handler; /* required */
    http_limit_fn limit;     /* NULL: max_body for every route */
    void *arg;               /* for both */
    unsigned nthreads;       /* handler threads, 1..64 */

    unsigned max_conns;      /* over it one gives way (spare_ms); is there none: accepted, answered 503, closed */
    unsigned max_streams;    /* over it: http_stream_open gives ERR_UNAVAILABLE */
    unsigned max_requests;   /* per connection; the last one says Connection: close; 0 = no limit */
    size_t max_line;         /* bytes of the request line: 414 */
    size_t max_header_bytes; /* all header fields together: 431 */
    unsigned max_headers;    /* header fields, at most 128: 431 */
    size_t max_body;         /* cap over what `limit` says: 413 */
    size_t max_bodies;       /* bodies of all requests under way: 503 */
    size_t max_reply;        /* one http_reply: 500; larger answers are streams */
    size_t max_unsent;       /* what clients have not taken of their answers, all together: the newest is cut off */
    size_t stream_chunk;     /* out->max of one fill */

    int idle_ms;      /* kept-alive connection without a request: closed */
    int header_ms;    /* first byte to the end of the head: 408 (slowloris) */
    int body_ms;      /* end of the head to the end of the body: 408 */
    int write_ms;     /* no byte taken by the client for this long: closed */
    int linger_ms;    /* after a refusal: how long rests are read and dropped, so the answer is not reset away */
    int spare_ms;     /* idle, or at a request's head, for so long (at its body: ten times): closed when all places are
                       * taken and another connection comes */
    int guest_ms;     /* a WebSocket that was not admitted (ws.h) is closed */
    int heartbeat_ms; /* a stream that wrote nothing for this long is filled with HTTP_FILL_TIMER */
};
/* Sane defaults for everything; handler and arg are left NULL. */
void http_config_init(struct http_config *);

/* ---- server ----------------------------------------------------------- */

/* Order: new, listen (one or more), start, stop, free; one thread for all of
 * these, but stop may come from any other. free accepts NULL and a server that
 * was never started; a started one it stops with no grace. */
CHECKED int http_server_new(const struct http_config *, struct http_server **ret, struct err *);
/* Numeric IPv4/IPv6 address, or "localhost" for 127.0.0.1 (no DNS here). Port 0: any; *ret_port (may be NULL) says
 * which. */
CHECKED int http_server_listen_tcp(struct http_server *, const char *addr, int port, int *ret_port, struct err *);
/* dirfd and name as for os/proc.h unix_listen. Removed when the server stops; one left by a killed server (nothing
 * listens on it) is replaced, one in use is ERR_CONFLICT. */
CHECKED int http_server_listen_unix(struct http_server *, int dirfd, const char *name, mode_t mode, struct err *);
CHECKED int http_server_start(struct http_server *, struct err *);
/* Graceful: stops accepting, closes idle connections, finishes requests under way, fills every stream a
 * last time with HTTP_FILL_STOP; after grace_ms closes what is left. Returns when all threads have ended,
 * so it also waits for handlers that still run, however long: never call it from one. A second call returns when
 * the first has. */
void http_server_stop(struct http_server *, int grace_ms);
void http_server_free(struct http_server *);
DEFINE_AUTO_PTR(struct http_server, http_server_free);

struct http_stats {
    uint64_t conns;    /* accepted since the start */
    uint64_t requests; /* handed to the handler */
    uint64_t replies;  /* answers sent, refusals included */
    uint64_t bytes_in, bytes_out;
    uint64_t open_conns, open_streams, busy; /* now; busy: requests with a handler or waiting for one */
    uint64_t gave_way;                       /* closed because another came */
    /* refused before a handler saw them, by kind */
    uint64_t refused_full;    /* 503: too many connections or body bytes */
    uint64_t refused_bad;     /* 400 405 417 505: not the HTTP we take */
    uint64_t refused_large;   /* 413 414 431 */
    uint64_t refused_timeout; /* 408, and closed: idle or dead */
    uint64_t open_ws;         /* WebSockets now; they are streams, too */
    uint64_t ws_messages;     /* handed to a handler */
    uint64_t ws_failed;       /* ended because the client broke a rule or a limit */
};
void http_server_stats(const struct http_server *, struct http_stats *ret);

/* ---- request: valid until the handler returns; one handler thread ------ */

enum http_method http_req_method(const struct http_req *);
const char *http_req_raw_path(const struct http_req *); /* as sent, without '?' and query */
/* Decoded, valid UTF-8, begins with '/'. %00, %2F, broken escapes, "." and ".." segments never get here (400). */
const char *http_req_path(const struct http_req *);
/* Segments of the path: "/" has none, "/runs/x" two, "/runs/" has "runs" and "". */
size_t http_req_nsegs(const struct http_req *);
const char *http_req_seg(const struct http_req *, size_t i); /* NULL past the end */
/* Query parameters in order, decoded ('+' is a space), valid UTF-8 without NUL; at most 64. */
size_t http_req_nquery(const struct http_req *);
const char *http_req_query_name(const struct http_req *, size_t i);
const char *http_req_query_value(const struct http_req *, size_t i);   /* "" when there is no '=' */
const char *http_req_query(const struct http_req *, const char *name); /* first of that name, or NULL */
/* Header fields; names in lower case. A field that may come once only (host, authorization, content-type,
 * origin, idempotency-key, ...) came at most once. Values are bytes without control characters. */
const char *http_req_header(const struct http_req *, const char *name); /* first of that name, or NULL */
size_t http_req_nheaders(const struct http_req *);
const char *http_req_header_name(const struct http_req *, size_t i);
const char *http_req_header_value(const struct http_req *, size_t i);
const void *http_req_body(const struct http_req *, size_t *ret_n); /* NUL-terminated; "" when empty */

struct http_peer {
    bool unix_socket;
    char addr[64]; /* "127.0.0.1:40312" "[::1]:40312"; "" on a unix socket */
    uid_t uid;     /* unix socket only: SO_PEERCRED */
    pid_t pid;
};
const struct http_peer *http_req_peer(const struct http_req *);
/* 32 lower-case hex digits: the trace id of a valid `traceparent`, else random. Every answer carries it as
 * X-Request-Id. */
const char *http_req_trace_id(const struct http_req *);

/* ---- answer ------------------------------------------------------------ */

/* Adds a field to the coming answer. Name must be a token, the value free of control characters; length,
 * connection and date fields belong to the server. Refused with ERR_INVALID; ERR_TOO_LARGE past 16 KiB. */
CHECKED int http_reply_header(struct http_req *, const char *name, const char *value, struct err *);
/* The answer. Body is copied; content_type NULL: none. For HEAD the body's length is told, the body is not sent.
 * Sends `X-Content-Type-Options: nosniff` and, unless set before, `Cache-Control: no-store`.
 * ERR_STATE when there was an answer already. A body over max_reply is replaced by a 500. */
int http_reply(struct http_req *, int status, const char *content_type, const void *body, size_t n);
/* {"error":{"code","message","details","trace_id"}} with the status of base/err.def. NULL e: internal. */
int http_reply_err(struct http_req *, const struct err *e);
/* That body alone, for other surfaces. details: finished JSON or NULL ({} or {"field": ...}). */
void http_error_json(struct buf *out, const struct err *e, const char *details, const char *trace_id);
bool http_req_answered(const struct http_req *);

/* ---- streams ------------------------------------------------------------ */

/* A stream is pulled: when there is something to say (wake), room to say it
 * (everything before was taken by the kernel) or nothing was said for a while
 * (timer), `fill` appends at most stream_chunk bytes. Nothing else is ever
 * buffered, so a slow client costs one chunk, and loses nothing as long as
 * `fill` reads from its own cursor.
 *
 *            .-------- wake, MORE, timer, stop ---------.
 *            v                                          |
 *   open -> FILL -> written and taken by the kernel -> WAIT -> client gone, END, stop -> closed
 *
 * `fill` and `poll` run on one thread at a time per stream, never before the handler that
 * opened it has returned, never after or during `closed`. */
enum http_fill {
    HTTP_FILL_WAIT = 0, /* nothing more now: call me on wake or timer */
    HTTP_FILL_MORE,     /* call me again as soon as this is taken */
    HTTP_FILL_END,      /* that was all: end the answer properly */
    HTTP_FILL_BLOCKS    /* `poll` only: ask `fill`, which may block; what was added is sent before */
};
enum {
    HTTP_FILL_WAKE = 1,  /* http_stream_wake was called since the last fill */
    HTTP_FILL_ROOM = 2,  /* first fill, or the last one said MORE */
    HTTP_FILL_TIMER = 4, /* heartbeat is due: write something, or dead clients are not noticed */
    HTTP_FILL_STOP = 8   /* the server stops: last chance; END follows whatever is returned */
};
struct http_stream_ops {
    /* out is empty, out->max is stream_chunk: look at out->max - out->len before adding. An out that
     * overflowed (out->bad) cuts the connection: the client sees a broken answer, never a wrong one. */
    enum http_fill (*fill)(void *arg, unsigned why, struct buf *out);
    /* Once, after everything else: free arg here. No http_stream_wake may be under way or follow: take the
     * stream out of whatever wakes it, under the lock the wakers hold. */
    void (*closed)(void *arg);
    /* May be NULL: then `fill` is asked. As `fill`, but on the loop thread: it must not block, and is what makes a
     * thousand streams that grow at once cheap. Never at the same time as `fill`. */
    enum http_fill (*poll)(void *arg, unsigned why, struct buf *out);
};
/* Answers rq with a stream: headers go out when the handler returns. Chunked on HTTP/1.1, until close on
 * 1.0, where the connection ends with it. HEAD: headers only, then closed. On failure nothing was called and arg
 * is still the caller's. *ret is valid until `closed` returns (and may be woken at once). */
CHECKED int http_stream_open(struct http_req *rq, int status, const char *content_type,
                             const struct http_stream_ops *ops, void *arg, struct http_stream **ret, struct err *);
/* Any thread; never blocks on the network; many wakes before a fill are one. */
void http_stream_wake(struct http_stream *);
