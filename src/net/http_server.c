/* http_server - makes, starts and stops the server; see http.h.
 *
 * Life: new -> listen ... -> start -> stop -> free. The loop thread lives from
 * start to stop, the pool from start to stop; before and after, everything
 * belongs to the caller.
 * May include: base/ os/.   Threads: the caller's; loop_main is the loop. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include "net/http_int.h"
#include "net/mem.h"

void http_config_init(struct http_config *c)
{
    *c = (struct http_config){
        .nthreads = 4,
        .max_conns = 1024,
        .max_streams = 768,
        .max_requests = 10000,
        .max_line = 8 * KIB,
        .max_header_bytes = 16 * KIB,
        .max_headers = 100,
        .max_body = 8 * MIB,
        .max_bodies = 64 * MIB,
        .max_reply = 16 * MIB,
        .max_unsent = 128 * MIB,
        .stream_chunk = 64 * KIB,
        .idle_ms = 60 * 1000,
        .header_ms = 10 * 1000,
        .body_ms = 60 * 1000,
        .write_ms = 30 * 1000,
        .linger_ms = 2 * 1000,
        .guest_ms = 5 * 1000,
        .spare_ms = 1000,
        .heartbeat_ms = 15 * 1000,
    };
}

/* One row per number that has to be within bounds. */
static int check_config(const struct http_config *c, struct err *e)
{
    const struct {
        const char *name;
        size_t v, min, max;
    } rows[] = {
        {"nthreads", c->nthreads, 1, 64},
        {"max_conns", c->max_conns, 1, 1000000},
        {"max_streams", c->max_streams, 0, 1000000},
        {"max_line", c->max_line, 64, MIB},
        {"max_header_bytes", c->max_header_bytes, 64, MIB},
        {"max_headers", c->max_headers, 1, 128},
        {"max_body", c->max_body, 0, GIB},
        {"max_bodies", c->max_bodies, 1, 16 * GIB},
        {"max_reply", c->max_reply, 1024, GIB},
        {"max_unsent", c->max_unsent, c->max_reply, 16 * GIB},
        {"stream_chunk", c->stream_chunk, 256, 16 * MIB},
        {"idle_ms", (size_t)c->idle_ms, 1, 1 << 30},
        {"header_ms", (size_t)c->header_ms, 1, 1 << 30},
        {"body_ms", (size_t)c->body_ms, 1, 1 << 30},
        {"write_ms", (size_t)c->write_ms, 1, 1 << 30},
        {"linger_ms", (size_t)c->linger_ms, 1, 1 << 30},
        {"guest_ms", (size_t)c->guest_ms, 1, 1 << 30},
        {"spare_ms", (size_t)c->spare_ms, 1, 1 << 30},
        {"heartbeat_ms", (size_t)c->heartbeat_ms, 1, 1 << 30},
    };
    if (!c->handler)
        return err_field(e, ERR_CONFIG, "handler", "the HTTP server needs a handler");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].v < rows[i].min || rows[i].v > rows[i].max)
            return err_field(e, ERR_CONFIG, rows[i].name, "%s must be between %zu and %zu", rows[i].name, rows[i].min,
                             rows[i].max);
    return 0;
}

int http_server_new(const struct http_config *cfg, struct http_server **ret, struct err *e)
{
    int r = check_config(cfg, e);
    if (r < 0)
        return r;
    struct http_server *srv = mem_new(1, sizeof *srv);
    if (!srv)
        return err_oom(e);
    srv->cfg = *cfg;
    srv->parse = (struct http_parse_limits){
        .max_line = cfg->max_line,
        .max_header_bytes = cfg->max_header_bytes,
        .max_headers = cfg->max_headers,
        .max_body = cfg->max_body,
        .limit = cfg->limit,
        .arg = cfg->arg,
    };
    r = io_new(&http_conn_ops, srv, &srv->io, e);
    if (r < 0) {
        free(srv);
        return r;
    }
    pthread_mutex_init(&srv->wake_lock, NULL);
    pthread_mutex_init(&srv->life_lock, NULL);
    *ret = srv;
    return 0;
}

int http_server_listen_tcp(struct http_server *srv, const char *addr, int port, int *ret_port, struct err *e)
{
    return io_listen_tcp(srv->io, addr, port, ret_port, e);
}

int http_server_listen_unix(struct http_server *srv, int dirfd, const char *name, mode_t mode, struct err *e)
{
    return io_listen_unix(srv->io, dirfd, name, mode, e);
}

static void *loop_main(void *arg)
{
    struct http_server *srv = arg;
    io_run(srv->io);
    return NULL;
}

static void job_returned(void *arg)
{
    struct http_server *srv = arg;
    io_wake(srv->io);
}

static int start_loop(struct http_server *srv, struct err *e)
{
    sigset_t all, old;
    sigfillset(&all); /* SIGPIPE too: the event library writes without MSG_NOSIGNAL */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int r = pthread_create(&srv->loop, NULL, loop_main, srv);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return r == 0 ? 0 : err_set(e, ERR_UNAVAILABLE, "cannot start the HTTP loop thread");
}

int http_server_start(struct http_server *srv, struct err *e)
{
    pthread_mutex_lock(&srv->life_lock);
    int r = srv->started ? err_set(e, ERR_STATE, "the HTTP server was started already") : 0;
    if (r == 0)
        r = http_pool_new(srv->cfg.nthreads, job_returned, srv, &srv->pool, e);
    if (r == 0) {
        r = start_loop(srv, e);
        srv->started = r == 0;
        if (r < 0) {
            http_pool_free(srv->pool);
            srv->pool = NULL;
        }
    }
    pthread_mutex_unlock(&srv->life_lock);
    return r;
}

void http_server_stop(struct http_server *srv, int grace_ms)
{
    pthread_mutex_lock(&srv->life_lock);
    if (srv->started && !srv->stopped) {
        pthread_mutex_lock(&srv->wake_lock);
        srv->stop_asked = true;
        srv->stop_grace_ms = grace_ms < 0 ? 0 : grace_ms;
        pthread_mutex_unlock(&srv->wake_lock);
        io_wake(srv->io);
        pthread_join(srv->loop, NULL);
        http_pool_free(srv->pool);
        srv->pool = NULL;
        srv->stopped = true;
    }
    pthread_mutex_unlock(&srv->life_lock);
}

void http_server_free(struct http_server *srv)
{
    if (!srv)
        return;
    http_server_stop(srv, 0);
    io_free(srv->io);
    buf_fini(&srv->out);
    pthread_mutex_destroy(&srv->wake_lock);
    pthread_mutex_destroy(&srv->life_lock);
    free(srv);
}

void http_server_stats(const struct http_server *srv, struct http_stats *ret)
{
    const struct http_counters *n = &srv->n;
    *ret = (struct http_stats){
        .conns = n->conns,
        .requests = n->requests,
        .replies = n->replies,
        .bytes_in = n->bytes_in,
        .bytes_out = n->bytes_out,
        .open_conns = n->open_conns,
        .open_streams = n->open_streams,
        .busy = n->busy,
        .gave_way = n->gave_way,
        .refused_full = n->refused_full,
        .refused_bad = n->refused_bad,
        .refused_large = n->refused_large,
        .refused_timeout = n->refused_timeout,
        .open_ws = n->open_ws,
        .ws_messages = n->ws_messages,
        .ws_failed = n->ws_failed,
    };
}
