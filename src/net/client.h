/* client - a small blocking HTTP/1.1 client for the command line.
 *
 * Why it exists: the CLI speaks only HTTP, to one server it trusts, over
 * loopback TCP or a unix socket. libcurl is not used: it adds about 8 MB of
 * resident memory to a program whose idle budget is 15 MB, and this needs none
 * of what it brings (redirects, proxies, cookies, TLS). TLS is left to a reverse proxy or ssh.
 * May include: base/ os/.   Threads: one caller per client; blocking. */
#pragma once
#include <signal.h>
#include "base/buf.h"
#include "base/err.h"

struct client;

struct client_config {
    const char *url;       /* "http://host[:port][/prefix]"; https:// is refused with a hint */
    const char *unix_path; /* or a unix socket; then url may be NULL */
    int connect_ms;        /* default 5000 (0) */
    int idle_ms;           /* no byte in or out for this long: ERR_TIMEOUT; default 60000 (0); a call may override */
    size_t max_body;       /* of a whole answer; default 64 MiB (0) */
};
/* Checks the config; does not connect. ERR_INVALID, ERR_OOM. */
CHECKED int client_new(const struct client_config *, struct client **ret, struct err *);
void client_free(struct client *);
DEFINE_AUTO_PTR(struct client, client_free);

struct client_header {
    const char *name, *value;
};

struct client_answer {
    int status;
    struct buf headers; /* "name\0value\0" pairs, names in lower case: client_answer_header */
    struct buf body;    /* empty when on_body took it */
};
const char *client_answer_header(const struct client_answer *, const char *name); /* NULL when absent */
void client_answer_fini(struct client_answer *);

struct client_call {
    const char *method;                  /* "GET" */
    const char *target;                  /* "/api/v1/runs?limit=5": appended to the url's prefix */
    const struct client_header *headers; /* more: Host, Content-Length, Connection are the client's */
    size_t nheaders;
    const void *body;
    size_t nbody;
    int idle_ms; /* 0: the config's; -1: no limit (event streams) */
    /* Set, for answers with status 200..299: body bytes go here as they come. Returns 0 to go on, anything
     * else to stop reading (client_call then returns 0 and the connection is closed). */
    int (*on_body)(void *arg, const char *p, size_t n);
    /* Called with the answer's head before the first on_body; may be NULL. */
    void (*on_head)(void *arg, const struct client_answer *);
    void *arg;
    /* NULL, or: nonzero ends the call with ERR_INTERRUPTED. By a signal handler, or atomically by another thread. */
    const volatile sig_atomic_t *interrupt;
};
/* One request. Keeps the connection for the next; a kept connection that turns out dead is opened again when
 * repeating is safe (safe and idempotent methods, or an Idempotency-Key is sent).
 * ERR_UNREACHABLE (no connection, or it broke: a sentence that says what to do), ERR_TIMEOUT, ERR_INTERRUPTED,
 * ERR_TOO_LARGE, ERR_IO (the answer is not proper HTTP). Any HTTP status is a success here. ret is filled only
 * on success: client_answer_fini. */
CHECKED int client_call(struct client *, const struct client_call *, struct client_answer *ret, struct err *);
