/* stream - a run's events and log frames, in order, from a cursor.
 *
 * Why it exists: SSE, WebSocket, JSON pages and replay all read a run through
 * this one pull-based reader, so none can lose, repeat or invent anything.
 *
 *   stored events   seq 1 2 3 …          (run.status, step.started, step.finished, …)
 *   log files       one per step attempt (frames of step.log)
 *   order           stream_read.h
 *   cursor          the last seq and the offset reached in each open step; core/cursor.h
 *
 * Who follows a run live shares its newest items with the others who do (stream_tail.h): each item is read and rendered
 * once. Who is behind reads on its own until it has caught up. The items and their order are the same.
 *
 *   stream_open ─ [stream_follow] ─ next … next ─ 0 ─ rest ─ (woken) ─ next … ─ stream_close
 *
 * May include: store core base os service/svc.h.   Threads: one owner at a time; stream_poll never blocks. */
#pragma once
#include "service/svc.h"

struct stream;
/* cursor NULL or "": from the beginning. ERR_NOT_FOUND, ERR_CURSOR; ERR_GONE when there is more to give, and the run's
 * logs were removed by retention. */
CHECKED int stream_open(struct svc *, const char *tenant, const struct id *run, const char *cursor, struct stream **ret,
                        struct err *);
/* Leaves what it follows: after it returned, wake is not running and will not run. */
void stream_close(struct stream *);
DEFINE_AUTO_PTR(struct stream, stream_close);

/* Live: `wake` is called, on any thread, when there may be more after a stream_next or stream_poll gave 0. It must be
 * short and call nothing here (set a flag, write an eventfd, wake an HTTP stream). Once, before the first item is
 * asked for. ERR_UNAVAILABLE when too many follow. */
CHECKED int stream_follow(struct stream *, void (*wake)(void *), void *arg, struct err *);

struct stream_item {
    const char *cursor; /* id of this event; resuming from it gives the next one */
    const char *type;
    const char *json; /* the whole envelope, one line; all borrowed until the next call */
    size_t json_len;
};
/* 1 and *ret filled; 0 nothing now; negative on error. After run.completed was given: stream_ended. May block. */
CHECKED int stream_next(struct stream *, struct stream_item *ret, struct err *);
/* The same without blocking: 1 or 0, or STREAM_BLOCKS: ask stream_next, on a thread that may block. */
enum { STREAM_BLOCKS = 2 };
CHECKED int stream_poll(struct stream *, struct stream_item *ret);
/* Nothing is asked for in a while: gives back what only a stream that is being read needs. Ends the loan of the last
 * item. Never blocks for long. */
void stream_rest(struct stream *);
bool stream_ended(const struct stream *);
/* Where the stream stands, as text; borrowed until the next call. */
const char *stream_cursor(struct stream *);

/* What the streams of a process share. One per svc, before the first stream and after the last. */
struct streams;
CHECKED int streams_new(struct svc *, struct streams **ret, struct err *);
void streams_free(struct streams *); /* no stream may be open; NULL is fine */
struct streams_stats {
    int64_t follow;           /* streams that follow a run now */
    int64_t tails;            /* runs they follow */
    int64_t shared;           /* bytes of items kept for them */
    uint64_t rendered, given; /* items since the start: read and rendered for all who follow; given to each of them */
};
void streams_stats(struct streams *, struct streams_stats *ret);
