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
    HTTP_C_LINGER,  /* answered and shut down; rests are dropped until the client closes */
    HTTP_C_CLOSING, /* the socket is being closed */
    HTTP_C_NSTATE
};

struct http_conn;
struct http_list {
    struct http_conn *head, *tail;
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
    bool has_cache;        /* the handler set Cache-Control */
    struct buf extra;      /* header lines of the handler */
    struct buf head, body; /* the answer */
    struct http_stream *stream;
};

struct http_stream {
    struct http_job job;
    struct http_server *srv;
    struct http_conn *conn; /* NULL: the client is gone */
    const struct http_stream_ops *ops;
    void *arg;
    bool chunked, head_only;
    bool out_now; /* its job is in the pool */
    bool wake, more, stop, ended;
    int64_t said_ms; /* when it last wrote */
    unsigned why;
    enum http_fill result;
    struct buf out;
    atomic_bool woken; /* wake asked for, no fill begun since */
    bool listed;       /* in srv->wakes; under wake_lock */
    struct http_stream *wake_next;
};

struct http_counters {
    _Atomic uint64_t conns, requests, replies, bytes_in, bytes_out, open_conns, open_streams, busy;
    _Atomic uint64_t refused_full, refused_bad, refused_large, refused_timeout;
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
    unsigned njobs; /* out in the pool */
    size_t bodies;  /* body bytes of all requests under way */
    size_t unsent;  /* bytes of answers clients have not taken */
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

/* http_stream.c: loop thread */
/* The handler is back: sends the head, which it takes. conn NULL: the client is gone already. */
void http_stream_adopt(struct http_stream *, struct http_conn *, struct buf *head);
void http_stream_ready(struct http_stream *);  /* all written bytes were taken */
void http_stream_due(struct http_stream *);    /* heartbeat */
void http_stream_detach(struct http_stream *); /* the client is gone or everything is said */
void http_stream_stop(struct http_stream *);   /* one last fill */
void http_stream_wakes(struct http_server *);  /* those that were woken */

/* http_reply.c: any thread */
/* The head of an answer; nbody < 0: no length is known (a stream). */
void http_reply_head(struct buf *out, const struct http_req *, int status, const char *type, int64_t nbody,
                     const char *framing);
/* A whole answer to something that never became a request: head and body in out. */
void http_reply_refusal(struct buf *out, const struct err *);

/* http_req.c */
/* Takes the message, also when it returns NULL (out of memory). */
struct http_req *http_req_new(struct http_server *, struct http_msg *);
void http_req_free(struct http_req *);
