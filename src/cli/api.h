/* api - requests to the server, and its answers as JSON or as errors.
 *
 * Why it exists: the rules every call follows stand in one place: token,
 * Idempotency-Key, retry after a lost connection, error body to struct err,
 * pages of lists.
 * May include: base/ os/ net/.   Threads: one. */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "net/client.h"
#include <signal.h>

struct ui;
struct api {
    struct ui *ui;
    struct client *client;
    char *where;    /* "http://127.0.0.1:7373" or the socket's path: for messages */
    char auth[640]; /* "Bearer ..." or "" */
    bool noticed;   /* what the server wants people to know was shown */
    bool answered;  /* the server has answered once: losing it is worth waiting for */
    const volatile sig_atomic_t *interrupt;
};
struct conn;
CHECKED int api_init(struct api *, struct ui *, const struct conn *, const volatile sig_atomic_t *interrupt,
                     struct err *);
void api_fini(struct api *);

/* A path under /api/v1 from a pattern: each {} takes the next string, percent-encoded as one segment. The strings
 * end with NULL. */
void api_path(struct buf *out, const char *pattern, ...) __attribute__((sentinel));
/* Adds ?key=value or &key=value; nothing when value is NULL. */
void api_query(struct buf *path, const char *key, const char *value);
/* The same for a value of any bytes: under key when it is UTF-8, else its base64 under key_b64. */
CHECKED int api_query_bytes(struct buf *path, const char *key, const char *key_b64, const char *value, struct err *);
char *api_b64(const char *bytes); /* NULL on out-of-memory; free it */
void api_query_int(struct buf *path, const char *key, int64_t value);

struct api_reply {
    int status;
    struct buf body;
    struct json *json; /* the body, when it is JSON */
};
void api_reply_fini(struct api_reply *);

/* One request; any answer of 400 and more becomes a negative code with the server's message (ret then holds its
 * body too). body NULL: none. POST, PUT and DELETE get a fresh Idempotency-Key, the same for each retry.
 * ret may be NULL. */
CHECKED int api_send(struct api *, const char *method, const struct buf *path, const struct buf *body,
                     struct api_reply *ret, struct err *);
CHECKED int api_get(struct api *, const struct buf *path, struct api_reply *ret, struct err *);
/* The answer's bytes as they come (files, logs). fn returns nonzero to stop. */
CHECKED int api_stream(struct api *, const struct buf *path, const char *accept, const char *last_event_id, int idle_ms,
                       int (*fn)(void *, const char *, size_t), void *arg, struct err *);

/* Every item of a list, page by page, at most `limit` (0: all). fn returns nonzero to stop (negative: an error).
 * With --json the pages are printed instead, one a line. */
CHECKED int api_each(struct api *, const struct buf *path, int64_t limit, int (*fn)(void *, const struct json *),
                     void *arg, struct err *);

/* Waits after a lost connection: 0.2 s, doubling to 5 s, no longer than 60 s since *since_us (0: starts now).
 * Tells the person once. 0: try again; else the code of e, which says what was lost. */
CHECKED int api_backoff(struct api *, int64_t *since_us, unsigned *tries, struct err *e);
/* True for failures of the connection, not of the request. */
bool api_lost(int r);
