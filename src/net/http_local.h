/* http_local - a request that came over no connection of its own, and its answer.
 *
 * Why it exists: other surfaces (a WebSocket's methods) go through the same
 * handlers as HTTP; nothing is implemented twice. It is made of the same parts,
 * by the same checks, as one from a socket.
 * May include: base/ os/.   Threads: one owner. */
#pragma once
#include "net/http.h"

struct http_local_field {
    const char *name, *value; /* name in lower case */
};
/* target: a path with query, percent-encoded. Fields with a NULL value are left out. Takes the body's memory, also on
 * failure. max_reply: a larger answer becomes ERR_TOO_LARGE, as does a stream. */
CHECKED int http_local_new(struct http_server *, enum http_method, const char *target, const struct http_local_field *,
                           size_t nfields, struct buf *body, const struct http_peer *, size_t max_reply,
                           struct http_req **ret, struct err *);
void http_local_free(struct http_req *);
DEFINE_AUTO_PTR(struct http_req, http_local_free);
/* After a handler answered: the status, and the body (borrowed, "" when there is none). */
int http_local_answer(const struct http_req *, const char **ret_body, size_t *ret_n);
