/* http_pool - handler threads: jobs go in, run, and come back to the loop. Inner header of src/net.
 *
 * Why it exists: code that may block runs here and nowhere else. Two queues,
 * taken from in turn, so a thousand streams that all woke do not delay a request.
 * Bounded by its users: a connection has at most one job.
 * May include: base/.
 * Threads: push and take_done: the loop; run: pool threads. */
#pragma once
#include "base/err.h"

struct http_job {
    struct http_job *next;
    void (*run)(struct http_job *);  /* on a pool thread */
    void (*done)(struct http_job *); /* on the loop: called by whoever takes it */
};

enum http_pool_queue { HTTP_POOL_REQUEST, HTTP_POOL_STREAM, HTTP_POOL_NQUEUE };

struct http_pool;
/* `returned` is called on a pool thread when a finished job waits to be taken. */
CHECKED int http_pool_new(unsigned nthreads, void (*returned)(void *arg), void *arg, struct http_pool **ret,
                          struct err *);
void http_pool_push(struct http_pool *, enum http_pool_queue, struct http_job *);
/* All finished jobs, oldest first; the caller walks `next`. */
struct http_job *http_pool_take_done(struct http_pool *);
/* Runs what is queued, ends the threads, frees. Accepts NULL. */
void http_pool_free(struct http_pool *);
