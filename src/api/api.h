/* api - the HTTP API: one table of routes, one dispatcher, handlers that call one service function each.
 *
 * Why it exists: access (host, token, scope, rate), body, idempotency and errors are handled once, before a handler.
 * May include: service net core base os.   Must not know: store sandbox worker.
 * Threads: api_handle runs on the server's handler threads; struct api is read-only after api_new but for its own
 * locks.
 *
 *   request ─ host ─ route ─ caller (token or peer uid) ─ scope ─ rate ─ query names ─ body ─ idempotency ─ handler ─
 * answer
 */
#pragma once
#include "net/http.h"
#include "service/svc.h"

struct api;
struct api_config {
    const char *const *allowed_hosts;   /* beside the loopback names; NULL-terminated or NULL */
    const char *const *allowed_origins; /* CORS; NULL-terminated or NULL: off */
    int rate_per_s, rate_burst;         /* per token or peer; 0 = no limit */
    unsigned max_ws_per_token;          /* WebSockets; 0 = no limit */
    unsigned max_sse_per_token;         /* event streams; 0 = no limit */
    int (*doctor)(const char *data, struct jw *, bool *ret_ok,
                  struct err *); /* what this host can do: given by main, the api does not know sandboxes */
    uid_t uid;                   /* of the server: this user (and root) is admin on the unix socket */
};
CHECKED int api_new(struct svc *, const struct api_config *, struct api **ret, struct err *);
void api_free(struct api *);
/* The server whose counters /metrics shows; set once before start. */
void api_set_server(struct api *, struct http_server *);
void api_handle(void *api, struct http_req *);                   /* http_config.handler */
size_t api_limit(void *api, enum http_method, const char *path); /* http_config.limit */
