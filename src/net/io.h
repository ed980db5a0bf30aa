/* io - sockets on one loop thread: accept, read, write, time, wake. Inner header of src/net.
 *
 * Why it exists: the event library stays behind this, and there is exactly one
 * way in (ops.read) and one way out (io_send) for bytes, so a TLS layer on
 * memory buffers fits between it and the HTTP states.
 * May include: base/ os/.
 * Threads: io_wake from any; io_new, io_listen_* and io_free while io_run does
 * not run; everything else on the thread that runs io_run. */
#pragma once
#include "net/http.h"

struct io;
struct io_conn;

struct io_ops {
    /* A connection was accepted; the result is `user` for the calls below. NULL: drop it. */
    void *(*accepted)(void *arg, struct io_conn *);
    /* Bytes (borrowed for the call), or n = 0: the peer ended or the connection broke. */
    void (*read)(void *user, const char *p, size_t n);
    /* What io_send could not hand over at once has been taken by the kernel. */
    void (*sent)(void *user);
    /* After io_close, last call: the io_conn is gone when it returns. */
    void (*closed)(void *user);
    void (*woken)(void *arg); /* after io_wake; many wakes may be one */
    void (*timer)(void *arg); /* the time of io_arm has come */
};

CHECKED int io_new(const struct io_ops *, void *arg, struct io **ret, struct err *);
void io_free(struct io *); /* after io_run has returned, or was never called */
CHECKED int io_listen_tcp(struct io *, const char *addr, int port, int *ret_port, struct err *);
CHECKED int io_listen_unix(struct io *, int dirfd, const char *name, mode_t mode, struct err *);
/* Closes the listeners and removes their socket files. */
void io_stop_listening(struct io *);
void io_run(struct io *); /* until io_end and the last connection is closed */
void io_end(struct io *); /* on the loop: no connection is open any more */
void io_wake(struct io *);
int64_t io_now(struct io *);             /* milliseconds, monotonic, of this turn of the loop */
void io_arm(struct io *, int64_t at_ms); /* one timer; an earlier time replaces a later one; < 0 disarms */

void io_read(struct io_conn *, bool on);
/* Takes both buffers' memory (either may be empty). Everything else waits for ops.sent. */
enum io_sent { IO_DONE, IO_LATER, IO_BROKEN };
CHECKED enum io_sent io_send(struct io_conn *, struct buf *a, struct buf *b);
/* The same with bytes that stay the caller's: what the kernel does not take at once is copied. */
CHECKED enum io_sent io_send_copy(struct io_conn *, const struct buf *);
void io_fetch(const struct io_conn *); /* see mem_fetch */
size_t io_unsent(struct io_conn *);    /* bytes the kernel has not taken */
void io_shutdown(struct io_conn *);    /* no more will be sent: FIN after what was sent */
void io_close(struct io_conn *);       /* ops.closed follows, not before this returns */
void io_peer(struct io_conn *, struct http_peer *ret);
/* Streams: the kernel may hold at most about this much that is not sent. */
void io_bound_unsent(struct io_conn *, int bytes);
