/* http_int - what the files of the server share. Inner header of src/net.
 *
 * Who owns what
 *   http_conn    the loop; freed when its socket's close has been called back
 *   http_req     the loop, but the pool while its job is out; `conn` is the loop's alone
 *   http_stream  the loop, but `out`, `result` the pool's while its job is out;
 *                `woken` any thread; freed when `closed` has returned
 * May include: base/ os/.   Threads: as said above. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include "net/http_msg.h"
#include "net/http_parse.h"
#include "net/http_pool.h"
#include "net/io.h"

enum { HTTP_TRACE_LEN = 32 };

/* The states of a connection; each is a list in the server with one time limit for all in it, so the list is
 * in order of deadline. See http_conn.c for the drawing. */
enum http_conn_state {
    HTTP_C_NEW = 0, /* in no list */
    HTTP_C_IDLE,    /* open, no byte of a request */
    HTTP_C_HEAD,
    HTTP_C_BODY,
    HTTP_C_HANDLE,  /* its request is with the pool; not reading */
    HTTP_C_WRITE,   /* an answer waits for the client to take it */
    HTTP_C_SWRITE,  /* a stream's bytes wait for the client to take them */
    HTTP_C_SWAIT,   /* a stream with nothing to say */
    HTTP_C_SFILL,   /* a stream with its fill in the pool */
    HTTP_C_SBYE,    /* an upgraded stream that has said its last and waits for the peer's last word */
    HTTP_C_LINGER,  /* answered and shut down; rests are dropped until the client closes */
    HTTP_C_CLOSING, /* the socket is being closed */
    HTTP_C_NSTATE
};

struct http_conn;
struct http_list {
    struct http_conn *head, *tail;
    unsigned n;
};

struct http_conn {
    struct http_server *srv;
    struct io_conn *io;
    enum http_conn_state state; /* written by http_conn_enter only */
    struct http_conn *prev, *next;
    int64_t deadline_ms;
    struct http_parse *parse;   /* HEAD, BODY */
    struct http_req *rq;        /* HANDLE */
    struct http_stream *stream; /* SWRITE, SWAIT, SFILL */
    struct buf pend;            /* HANDLE, WRITE: bytes of the next request */
    size_t held;                /* body bytes counted in srv->bodies for parse */
    size_t mark;                /* WRITE, SWRITE: bytes unsent when last looked */
    size_t unsent;              /* counted in srv->unsent for it */
    size_t dropped;             /* LINGER, streams: bytes that came and were not wanted */
    unsigned nreq;
    bool keep; /* WRITE: goes on afterwards */
};

struct http_req {
    struct http_job job;
    struct http_server *srv;
    struct http_conn *conn; /* NULL: the client is gone */
    struct http_msg *msg;
    struct http_peer peer;
    char trace[HTTP_TRACE_LEN + 1];
    bool keep; /* Connection: keep-alive in the answer */
    bool answered;
    bool local;            /* see http_local.h: no connection waits for the answer */
    bool has_cache;        /* the handler set Cache-Control */
    int status;            /* of the answer */
    struct buf extra;      /* header lines of the handler */
    struct buf head, body; /* the answer */
    struct http_stream *stream;
};

/* An upgraded connection (101): what the client sends goes to the tap, what the stream says goes out as it is. All on
 * the loop; arg is the stream's. */
enum http_tapped { HTTP_TAP_TAKEN, HTTP_TAP_DROPPED, HTTP_TAP_GONE }; /* DROPPED: counted; GONE: close */
struct http_tap {
    void (*begun)(void *arg);                                      /* the handshake's answer goes out now */
    enum http_tapped (*input)(void *arg, const char *p, size_t n); /* n = 0: the client sends no more */
    void (*filled)(void *arg);                                     /* a fill has come back */
    bool (*over)(
        void *arg); /* the client has said its last word, too; asked when the stream has ended and after input */
    void (*gone)(void *arg); /* no connection any more; before the stream's `closed` */
};

struct http_stream {
    struct http_job job;
    struct http_server *srv;
    struct http_conn *conn; /* NULL: the client is gone */
    const struct http_stream_ops *ops;
    const struct http_tap *tap; /* NULL: not upgraded */
    void *arg;
    unsigned held; /* `closed` waits for as many releases */
    bool chunked, head_only;
    bool out_now; /* its job is in the pool */
    bool wake, more, stop, ended;
    bool blocks;     /* the next piece is asked for in the pool */
    int64_t said_ms; /* when it last wrote */
    unsigned why;
    enum http_fill result;
    struct buf out;
    atomic_bool woken; /* wake asked for, no fill begun since */
    bool listed;       /* in srv->wakes; under wake_lock */
    struct http_stream *wake_next;
    struct http_stream *turn_next; /* the loop's, of those that were taken from that list together */
};

struct http_counters {
    _Atomic uint64_t conns, requests, replies, bytes_in, bytes_out, open_conns, open_streams, busy;
    _Atomic uint64_t refused_full, refused_bad, refused_large, refused_timeout, gave_way;
    _Atomic uint64_t open_ws, ws_messages, ws_failed;
};

struct http_server {
    struct http_config cfg;
    struct http_parse_limits parse;
    struct io *io;
    struct http_pool *pool;
    struct http_counters n;

    /* the loop's */
    struct http_list lists[HTTP_C_NSTATE];
    unsigned nconns;
    unsigned njobs;                  /* out in the pool */
    size_t bodies;                   /* body bytes of all requests under way */
    size_t unsent;                   /* bytes of answers clients have not taken */
    struct buf out;                  /* what a stream's poll gives; empty between two */
    struct ws *guests, *guests_last; /* WebSockets that have not said who they are, the oldest first */
    unsigned nguests;
    size_t ws_bodies;         /* of bodies: those of WebSockets */
    _Atomic size_t ws_unsent; /* bytes of messages that wait to be written; any thread */
    bool stopping;
    int64_t stop_at_ms;

    pthread_mutex_t wake_lock; /* guards wakes, stop_asked, stop_grace_ms */
    struct http_stream *wakes;
    bool stop_asked;
    int stop_grace_ms;

    pthread_mutex_t life_lock; /* guards started, stopped */
    bool started, stopped;
    pthread_t loop;
};

/* http_conn.c: loop thread */
extern const struct io_ops http_conn_ops;
void http_conn_enter(struct http_conn *, enum http_conn_state);
void http_conn_close(struct http_conn *);
/* An answer is out: the next request, or the end. */
void http_conn_answered(struct http_conn *);
int http_conn_timeout(const struct http_server *, enum http_conn_state);
void http_conn_push(struct http_server *, enum http_pool_queue, struct http_job *);
/* io_send with the bytes counted. */
enum io_sent http_conn_send(struct http_conn *, struct buf *a, struct buf *b);
enum io_sent http_conn_send_copy(struct http_conn *, const struct buf *);

/* http_stream.c: loop thread */
/* The handler is back: sends the head, which it takes. conn NULL: the client is gone already. */
void http_stream_adopt(struct http_stream *, struct http_conn *, struct buf *head);
void http_stream_ready(struct http_stream *);  /* all written bytes were taken */
void http_stream_due(struct http_stream *);    /* heartbeat */
void http_stream_detach(struct http_stream *); /* the client is gone or everything is said */
void http_stream_stop(struct http_stream *);   /* one last fill */
void http_stream_wakes(struct http_server *);  /* those that were woken */
/* While held it is not closed: for a job of its owner that is out in the pool. */
void http_stream_hold(struct http_stream *);
void http_stream_release(struct http_stream *);
/* Handler thread: as http_stream_open, with 101 and these header fields (lines with their CRLF). */
CHECKED int http_stream_upgrade(struct http_req *, const char *fields, const struct http_stream_ops *,
                                const struct http_tap *, void *arg, struct http_stream **ret, struct err *);

/* http_reply.c: any thread */
/* The head of an answer; nbody < 0: no length is known (a stream). */
void http_reply_head(struct buf *out, const struct http_req *, int status, const char *type, int64_t nbody,
                     const char *framing);
/* The head of 101 Switching Protocols with these fields. */
void http_reply_switch(struct buf *out, const struct http_req *, const char *fields);
/* A whole answer to something that never became a request: head and body in out. */
void http_reply_refusal(struct buf *out, const struct err *);

/* http_req.c */
/* Takes the message, also when it returns NULL (out of memory). */
struct http_req *http_req_new(struct http_server *, struct http_msg *);
void http_req_free(struct http_req *);
