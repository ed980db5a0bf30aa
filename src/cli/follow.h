/* follow - the events of a run, without loss or repetition, whatever happens to the connection.
 *
 * Why it exists: `run` and `logs -f` must outlive a restart of the server.
 * The cursor moves on only after an event was handled; a new connection begins
 * behind it.
 * May include: base/ os/ net/.   Threads: one. */
#pragma once
#include "base/json.h"
#include "cli/api.h"

struct follow {
    struct api *api;
    const char *run;   /* id */
    struct buf cursor; /* of the last event handled; "" before */
    /* 0: go on; 1: stop, to be resumed later; negative: an error. raw: the Event as one line of JSON. */
    int (*on_event)(void *arg, const struct json *event, const char *raw, size_t n, struct err *e);
    void *arg;
    bool ended; /* run.completed was handled */
    bool lost;  /* the connection broke and nothing came since */
};
void follow_init(struct follow *, struct api *, const char *run,
                 int (*on_event)(void *, const struct json *, const char *, size_t, struct err *), void *arg);
void follow_fini(struct follow *);

/* Streams until on_event stops it or the run has completed. ERR_INTERRUPTED; after 60 s without the server the
 * error of the connection. */
CHECKED int follow_stream(struct follow *, struct err *);
/* Reads what there is now, then returns: does not wait for more. */
CHECKED int follow_now(struct follow *, struct err *);
