/* client_resp - reads one HTTP/1.1 answer. Inner header of src/net.
 *
 * Why it exists: the parser library stays out of client.c, and answers can be tested without a server.
 * May include: base/.   Pure (memory only).   Threads: one owner. */
#pragma once
#include "net/client.h"

struct client_resp;
/* call and max_body must outlive it; body bytes go to call->on_body, or to ret->body. NULL on out-of-memory. */
struct client_resp *client_resp_new(const struct client_call *call, size_t max_body, struct client_answer *ret);
void client_resp_free(struct client_resp *);
DEFINE_AUTO_PTR(struct client_resp, client_resp_free);
/* n = 0: the connection ended. 0 or a negative code (ERR_IO, ERR_TOO_LARGE, ERR_OOM). */
CHECKED int client_resp_feed(struct client_resp *, const char *p, size_t n, struct err *);
bool client_resp_done(const struct client_resp *);  /* the answer is whole, or on_body has stopped */
bool client_resp_begun(const struct client_resp *); /* at least one byte came */
bool client_resp_keep(const struct client_resp *);  /* done, and the connection may be used again */
