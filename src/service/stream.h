/* stream - a run's events and log frames, in order, from a cursor.
 *
 * Why it exists: SSE, WebSocket, JSON pages and replay all read a run through
 * this one pull-based reader, so none can lose, repeat or invent anything.
 *
 *   stored events   seq 1 2 3 …          (run.status, step.started, step.finished, …)
 *   log files       one per step attempt (frames of step.log)
 *   order           step.started, then the step's frames, then step.finished; a step's log is read to its very end
 *                   before its step.finished is given. Between parallel steps: as found.
 *   cursor          the last seq and the offset reached in each open step; core/cursor.h
 *
 * May include: store core base os service/svc.h.   Threads: one owner. */
#pragma once
#include "service/svc.h"

struct stream;
/* cursor NULL or "": from the beginning. ERR_NOT_FOUND, ERR_CURSOR. */
CHECKED int stream_open(struct svc *, const char *tenant, const struct id *run, const char *cursor, struct stream **ret,
                        struct err *);
void stream_close(struct stream *);
DEFINE_AUTO_PTR(struct stream, stream_close);

struct stream_item {
    const char *cursor; /* id of this event; resuming from it gives the next one */
    const char *type;
    const char *json; /* the whole envelope, one line; all borrowed until the next call */
    size_t json_len;
};
/* 1 and *ret filled; 0 nothing now (wait for the hub); negative on error. After run.completed was given: stream_ended.
 */
CHECKED int stream_next(struct stream *, struct stream_item *ret, struct err *);
bool stream_ended(const struct stream *);
/* Where the stream stands, as text. */
const char *stream_cursor(struct stream *);
