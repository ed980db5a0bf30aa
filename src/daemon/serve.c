/* serve.c - `sallyport serve`: reads the config, builds the graph bottom up, runs until SIGTERM, takes it down top
 * first.
 *
 *   config ─ data directory (one server each: a lock) ─ store ─ secrets, audits, policies, hub ─ reconcile ─ keeper ─
 * api ─ http ─ workers
 *
 * SIGTERM, SIGINT: stop accepting, finish requests, end streams, let go of running steps (their shims live on), close.
 * Nothing that a client was told depends on an orderly stop: kill -9 loses nothing. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <poll.h>
#include <unistd.h>

#include "api/api.h"
#include "api/console.h"
#include "base/fault.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "os/clock.h"
#include "os/file.h"
#include "service/audits.h"
#include "service/auth.h"
#include "service/disk.h"
#include "service/hub.h"
#include "service/terminals.h"
#include "service/keeper.h"
#include "service/logins.h"
#include "service/policies.h"
#include "service/reconcile.h"
#include "service/runs.h"
#include "service/secrets.h"
#include "service/stream.h"
#include "store/base_rows.h"
#include "store/queue_rows.h"
#include "worker/worker.h"

#define DRAIN_LOOK_MS 100

extern char **environ;

struct server {
    struct config cfg;
    struct svc svc;
    struct queue_counts counts;
    struct workers *workers;
    struct api *api;
    struct http_server *http;
    const char **hosts; /* allowed_hosts and the listen address */
    char problem[600];
    int lock_fd, sig_fd;
    bool first; /* an admin token was made */
};

/* ---- building ---------------------------------------------------------- */

/* What the process before was writing when it was killed. */
static void sweep(int data)
{
    static const char *const dirs[] = {".", "audit", "blobs"};

    for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
        dir_sweep(data, dirs[i]);
}

static int open_data(struct server *s, struct err *e)
{
    s->svc.data_dir = s->cfg.data;
    s->svc.data_fd = open(s->cfg.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->svc.data_fd < 0)
        return err_sys(e, ERR_CONFIG, "open the data directory %s", s->cfg.data);
    s->lock_fd = openat(s->svc.data_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock_fd < 0)
        return err_sys(e, ERR_CONFIG, "open the lock of the data directory");
    int r = flock(s->lock_fd, LOCK_EX | LOCK_NB);
    for (int i = 0; r < 0 && i < 10; i++) { /* a client that looks whether we live holds it for a moment */
        clock_sleep_us(10000);
        r = flock(s->lock_fd, LOCK_EX | LOCK_NB);
    }
    if (r < 0)
        return err_set(e, ERR_CONFLICT, "another server works on %s: stop it, or give another --data", s->cfg.data);
    sweep(s->svc.data_fd);
    return 0;
}

static void on_commit(void *arg, const struct id *runs, size_t n)
{
    struct server *s = arg;

    for (size_t i = 0; i < n; i++)
        hub_wake(s->svc.hub, &runs[i]);
}

static int open_store(struct server *s, struct err *e)
{
    (void)disk_reserve_spend(s->svc.data_fd); /* a start has to write, too */
    char *path = str_printf("%s/sallyport.db", s->cfg.data);
    struct store_config sc = {.path = path, .full_sync = true};
    int r = path ? store_open(&sc, &s->svc.store, e) : err_oom(e);

    free(path);
    return r;
}

static int seen_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(node_seen);
    int64_t now = clock_now_us();
    int r = tenant_ensure(db, "default", now, e);

    if (r == 0)
        r = queue_mend_lanes(db, e);
    return r < 0 ? r : node_seen(db, arg, SALLYPORT_VERSION, now, e);
}

static void settings(struct server *s)
{
    const struct config *c = &s->cfg;

    s->svc.node = c->node;
    s->svc.counts = &s->counts;
    s->svc.clock_base_us = clock_now_us() - clock_mono_us();
    s->svc.set = (struct svc_settings){
        .limits = c->limits,
        .max_limits = c->max_limits,
        .review_ms = c->review_ms,
        .approval_ms = c->approval_ms,
        .lease_ms = c->lease_ms,
        .max_open_runs = c->max_open_runs,
        .tenant_queued = c->quota_queued,
        .tenant_running = c->quota_running,
        .project_running = c->project_running,
        .retries = c->retries,
        .retry_ms = c->retry_ms,
        .retry_max_ms = c->retry_max_ms,
        .min_free_bytes = c->min_free_bytes,
        .disk_budget_bytes = c->disk_budget_bytes,
        .retention = c->retention,
        .compress = c->compress,
        .compress_after_ms = c->compress_after_ms,
        .retention_every_ms = c->retention_every_ms,
        .allowed_roots = (const char *const *)c->allowed_roots,
        .allow_weaker = c->allow_weaker_sandbox,
        .home = getenv("HOME"),
        .toolchains = c->toolchains,
    };
}

/* Said at start and in /readyz; runs then fail with sandbox_unavailable instead of running unboxed. */
static void *probe_sandbox(void *arg)
{
    struct server *s = arg;
    AUTO(buf_fini) struct buf b = BUF_INIT(256 * KIB);
    struct jw w = JW_INIT(&b);
    struct err e = ERR_INIT;
    bool ok = false;

    if (sandbox_probe(s->svc.data_dir, &w, &ok, &e) < 0)
        snprintf(s->problem, sizeof s->problem, "%s", e.msg);
    else if (!ok)
        snprintf(s->problem, sizeof s->problem, "no sandbox can be built on this host: see `sallyport doctor`");
    return NULL;
}

static void say_probe(struct server *s)
{
    if (!s->problem[0])
        return;
    s->svc.sandbox_problem = s->problem;
    log_line(s->svc.log, LOG_LV_WARN, "serve", NULL, "%s", s->problem);
}

static int build_services(struct server *s, struct err *e)
{
    int r = hub_new(20000, &s->svc.hub, e);

    if (r == 0)
        r = terminals_new(&s->svc.terminals, e);
    if (r == 0)
        r = streams_new(&s->svc, &s->svc.streams, e);
    if (r == 0)
        r = open_store(s, e);
    if (r == 0)
        store_on_commit(s->svc.store, on_commit, s);
    if (r == 0)
        r = store_write(s->svc.store, seen_tx, (void *)s->svc.node, e);
    CRASH_POINT(store_opened);
    if (r == 0)
        r = secrets_open(s->svc.data_fd, &s->svc.secrets, e);
    if (r == 0)
        r = logins_new(s->svc.secrets, s->cfg.login_ms, &s->svc.logins, e);
    if (r == 0)
        r = audits_open(s->svc.data_fd, s->svc.store, &s->svc.audits, e);
    if (r == 0)
        r = policies_new(s->svc.store, &s->svc.policies, e);
    if (r == 0)
        r = auth_first_token(&s->svc, &s->first, e);
    if (r == 0)
        r = reconciler_new(&s->svc, &s->svc.reconciler, e);
    if (r == 0)
        r = reconcile(s->svc.reconciler, RECONCILE_START, NULL, NULL, e);
    return r;
}

static int allowed_hosts(struct server *s, struct err *e)
{
    size_t n = 0;

    while (s->cfg.allowed_hosts && s->cfg.allowed_hosts[n])
        n++;
    s->hosts = calloc(n + 2, sizeof *s->hosts);
    if (!s->hosts)
        return err_oom(e);
    for (size_t i = 0; i < n; i++)
        s->hosts[i] = s->cfg.allowed_hosts[i];
    if (s->cfg.listen_host[0])
        s->hosts[n] = s->cfg.listen_host;
    return 0;
}

static int build_http(struct server *s, struct err *e)
{
    struct api_config ac = {.allowed_origins = (const char *const *)s->cfg.allowed_origins,
                            .rate_per_s = (int)s->cfg.rate,
                            .rate_burst = (int)s->cfg.rate_burst,
                            .max_ws_per_token = (unsigned)s->cfg.max_ws_per_token,
                            .max_sse_per_token = (unsigned)s->cfg.max_sse_per_token,
                            .doctor = sandbox_probe,
                            .uid = geteuid()};
    struct http_config hc;
    int r = allowed_hosts(s, e);

    ac.allowed_hosts = s->hosts;
    if (r == 0)
        r = api_new(&s->svc, &ac, &s->api, e);
    if (r < 0)
        return r;
    http_config_init(&hc);
    hc.handler = api_handle;
    hc.limit = api_limit;
    hc.arg = s->api;
    hc.nthreads = (unsigned)s->cfg.handlers;
    hc.max_conns = (unsigned)s->cfg.max_connections;
    hc.max_streams = (unsigned)s->cfg.max_streams;
    hc.stream_chunk = 2 * MIB; /* an event holds at most one log frame of 256 KiB, six bytes for one at the worst */
    hc.heartbeat_ms = (int)s->cfg.heartbeat_ms;
    r = http_server_new(&hc, &s->http, e);
    if (r < 0)
        return r;
    api_set_server(s->api, s->http);
    if (!str_eq(s->cfg.listen, "off"))
        r = http_server_listen_tcp(s->http, s->cfg.listen_host, s->cfg.listen_port, &s->cfg.listen_port, e);
    if (r == 0 && s->cfg.unix_socket)
        r = http_server_listen_unix(s->http, s->svc.data_fd, "sock", 0600, e);
    return r < 0 ? r : http_server_start(s->http, e);
}

/* ---- saying hello ------------------------------------------------------ */

/* Clients and tests find a server that chose its own port. */
static int write_address(struct server *s, struct err *e)
{
    char text[128];
    int n;

    if (str_eq(s->cfg.listen, "off"))
        return unlinkat(s->svc.data_fd, "address", 0) < 0 && errno != ENOENT ? err_sys(e, ERR_IO, "remove DATA/address")
                                                                             : 0;
    n = snprintf(text, sizeof text, strchr(s->cfg.listen_host, ':') ? "http://[%s]:%d\n" : "http://%s:%d\n",
                 s->cfg.listen_host, s->cfg.listen_port);
    return file_replace(s->svc.data_fd, "address", text, (size_t)n, 0600, e);
}

static void greet(const struct server *s)
{
    char where[128] = "its unix socket only";

    if (!str_eq(s->cfg.listen, "off"))
        snprintf(where, sizeof where, "%s port %d", s->cfg.listen_host, s->cfg.listen_port);
    log_line(s->svc.log, LOG_LV_INFO, "serve", NULL, "sallyport %s is ready on %s, data in %s", SALLYPORT_VERSION,
             where, s->cfg.data);
    if (*console_missing)
        log_line(s->svc.log, LOG_LV_INFO, "serve", NULL, "built without the web console: %s", console_missing);
}

static void say_token(const struct server *s)
{
    if (!s->first)
        return;
    fprintf(stderr,
            "\nThe admin token is in %s/admin-token (mode 0600).\n"
            "  on this machine, as this user, nothing is needed:   sallyport project add DIR\n"
            "  elsewhere:   export SALLYPORT_URL=http://… SALLYPORT_TOKEN=\"$(cat admin-token)\"\n"
            "  for others:  sallyport token new --name ci --scope run:write --scope run:read\n\n",
            s->cfg.data);
}

/* ---- running ----------------------------------------------------------- */

static int block_signals(struct server *s, struct err *e)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return err_set(e, ERR_INTERNAL, "block signals");
    s->sig_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->sig_fd < 0 ? err_sys(e, ERR_INTERNAL, "make a signalfd") : 0;
}

static void run_until_signal(struct server *s)
{
    struct pollfd p = {.fd = s->sig_fd, .events = POLLIN};

    do { /* the first at once: what the process before left in files is not looked at before the workers start */
        struct err e = ERR_INIT;

        if (reconcile(s->svc.reconciler, RECONCILE_TICK, NULL, NULL, &e) < 0)
            log_err(s->svc.log, LOG_LV_ERROR, "reconcile", NULL, "reconcile", &e);
    } while (poll(&p, 1, (int)s->cfg.reconcile_ms) <= 0);
    log_line(s->svc.log, LOG_LV_INFO, "serve", NULL, "stopping");
}

/* The same as `sallyport queue drain`, but not remembered: the next start takes up what waits. */
static void drain(struct server *s)
{
    int64_t until = clock_mono_us() + s->cfg.drain_ms * MS_US;
    struct pollfd p = {.fd = s->sig_fd, .events = POLLIN};
    struct signalfd_siginfo seen;
    int n;

    if (!s->cfg.drain_ms || read(s->sig_fd, &seen, sizeof seen) < 0)
        return;
    hub_drain(s->svc.hub);
    n = workers_busy(s->workers);
    log_line(s->svc.log, LOG_LV_INFO, "serve", NULL, "draining: %d runs are in work", n);
    while (n && clock_mono_us() < until && poll(&p, 1, DRAIN_LOOK_MS) <= 0)
        n = workers_busy(s->workers);
    log_line(s->svc.log, LOG_LV_INFO, "serve", NULL, "drained; %d runs are let go of and go on at the next start", n);
}

static void take_down(struct server *s)
{
    struct err e = ERR_INIT;

    if (s->http)
        http_server_stop(s->http, (int)s->cfg.grace_ms);
    workers_stop(s->workers);
    http_server_free(s->http);
    api_free(s->api);
    keeper_stop(&s->svc);
    if (s->svc.audits && s->svc.store && audits_sign_head(s->svc.audits, "default", &e) < 0)
        log_err(s->svc.log, LOG_LV_WARN, "audit", NULL, "sign the head", &e);
    reconciler_free(s->svc.reconciler);
    streams_free(s->svc.streams);
    store_close(s->svc.store);
    policies_free(s->svc.policies);
    audits_close(s->svc.audits);
    logins_free(s->svc.logins);
    secrets_close(s->svc.secrets);
    sandbox_nursery_free(s->svc.nursery);
    terminals_free(s->svc.terminals);
    hub_free(s->svc.hub);
    free(s->hosts);
    fd_close(&s->sig_fd);
    fd_close(&s->svc.data_fd);
    fd_close(&s->lock_fd);
    logger_free(s->svc.log);
    config_fini(&s->cfg);
}

static int start(struct server *s, struct err *e)
{
    int r = block_signals(s, e);
    pthread_t probe;
    bool probing;

    if (r == 0)
        r = open_data(s, e);
    settings(s);
    if (r == 0 && s->cfg.shim_nursery)
        r = sandbox_nursery_new(&s->svc.nursery, e);
    if (r < 0)
        return r;
    /* Building a whole sandbox takes a while: beside the store's start, so that both are done sooner. */
    probing = pthread_create(&probe, NULL, probe_sandbox, s) == 0;
    r = build_services(s, e);
    if (probing)
        pthread_join(probe, NULL);
    else
        probe_sandbox(s);
    say_probe(s);
    CRASH_POINT(serve_built);
    if (r == 0)
        r = keeper_start(&s->svc, e);
    if (r == 0)
        r = build_http(s, e);
    CRASH_POINT(serve_listens);
    if (r == 0)
        r = write_address(s, e);
    if (r == 0)
        r = workers_start(&s->svc, (int)s->cfg.workers, &s->workers, e);
    return r;
}

static int usage(void)
{
    AUTO(buf_fini) struct buf keys = BUF_INIT(32 * KIB);

    config_help(&keys);
    printf("usage: sallyport serve [--config FILE] [--KEY VALUE …]\n\n"
           "Starts the server. Keys may stand in the config file (YAML; /etc/sallyport/config.yaml for root, else\n"
           "~/.config/sallyport/config.yaml), in the environment (SALLYPORT_KEY) or as flags (--key; _ and . become "
           "-).\n\n%s\n"
           "example:\n  sallyport serve --listen 127.0.0.1:7373 --data ~/sallyport-data\n\n"
           "exit codes: 0 stopped by SIGTERM, 78 the configuration is not valid, 5 another server uses the data "
           "directory\n",
           keys.p);
    return 0;
}

static bool text_logs(const struct config *c)
{
    return str_eq(c->log_format, "text") || (str_eq(c->log_format, "auto") && isatty(STDERR_FILENO));
}

int serve_main(int argc, char **argv)
{
    AUTO(buf_fini) struct buf problems = BUF_INIT(64 * KIB);
    struct server s = {.lock_fd = -1, .sig_fd = -1};
    struct err e = ERR_INIT;
    int r;

    s.svc.data_fd = -1;
    for (int i = 0; i < argc; i++)
        if (str_eq(argv[i], "--help") || str_eq(argv[i], "-h"))
            return usage();
    umask(077);
    if (config_load(argc, argv, environ, &s.cfg, &problems, &e) < 0) {
        if (e.code == ERR_CONFIG)
            fprintf(stderr, "sallyport: the configuration is not valid:\n%s", problems.p ? problems.p : e.msg);
        else
            fprintf(stderr, "sallyport: %s\n", e.msg);
        config_fini(&s.cfg);
        return err_info(e.code)->exit;
    }
    s.svc.log = logger_new(STDERR_FILENO, (enum log_level)logger_level(s.cfg.log_level), text_logs(&s.cfg));
    sandbox_host_init();
    r = start(&s, &e);
    if (r == 0) {
        greet(&s);
        say_token(&s);
        run_until_signal(&s);
        drain(&s);
    } else {
        fprintf(stderr, "sallyport: %s\n", e.msg);
    }
    take_down(&s);
    return r == 0 ? 0 : err_info(e.code)->exit;
}
