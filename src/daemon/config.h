/* config - the operator's settings: file (YAML), environment, flags; checked as a whole.
 *
 * Why it exists: a server that starts has a configuration without a mistake in it; one that does not says all of
 * them at once, each with its place and its fix.
 * Later wins: built-in, file, SALLYPORT_… environment, flags.
 * Keys are one table (config.c): "limits.memory" is `limits: {memory: 2GiB}` in the file, SALLYPORT_LIMITS_MEMORY
 * in the environment, --limits-memory as a flag.
 * May include: base os service/svc.h.   Threads: the starting one. */
#pragma once
#include "base/buf.h"
#include "service/svc.h"

struct config {
    char *data;   /* canonical after config_load */
    char *listen; /* "127.0.0.1:7373"; "off" */
    char *node, *log_level, *log_format, *toolchains;
    char **allowed_roots, **allowed_hosts, **allowed_origins; /* NULL-terminated, or NULL */
    bool insecure_listen; /* a non-loopback address without TLS in front is what the operator wants */
    bool unix_socket, allow_weaker_sandbox, shim_nursery;
    int64_t workers, handlers, max_connections, max_streams, max_ws_per_token, max_sse_per_token;
    int64_t rate, rate_burst, heartbeat_ms;
    int64_t login_ms; /* how long a login of the console holds */
    int64_t review_ms, approval_ms, lease_ms, reconcile_ms, grace_ms;
    int64_t max_open_runs, min_free_bytes, disk_budget_bytes;
    struct retention_rules retention;
    bool compress;
    int64_t compress_after_ms, retention_every_ms;
    int64_t quota_running, quota_queued, project_running; /* see svc_settings */
    int64_t retries, retry_ms, retry_max_ms, drain_ms;
    struct sandbox_limits limits, max_limits;
    char listen_host[64]; /* parsed from listen */
    int listen_port;
};
/* argv: the flags after `serve`. env: environ. All problems are appended to `problems`, a line each; ERR_CONFIG when
 * there are any. */
CHECKED int config_load(int argc, char *const *argv, char *const *env, struct config *ret, struct buf *problems,
                        struct err *);
void config_fini(struct config *);
/* Every key with its default and meaning, for `serve --help` and the docs. */
void config_help(struct buf *out);
