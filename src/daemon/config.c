#include "daemon/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libfyaml.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/file.h"
#include "os/log.h"
#include "sandbox/toolchain.h"

#define FILE_MAX (256 * KIB)

enum kind { STR, BOOL, INT, BYTES, DURATION, LIST };

struct key {
    const char *name;
    enum kind kind;
    size_t at;        /* offset in struct config */
    int64_t min, max; /* INT, BYTES, DURATION (ms) */
    const char *dflt, *help;
};

#define AT(m) offsetof(struct config, m)
/* clang-format off */
static const struct key keys[] = {
    {"data",                STR,      AT(data),            0, 0, NULL, "data directory (default: $XDG_DATA_HOME/sallyport, ~/.local/share/sallyport)"},
    {"listen",              STR,      AT(listen),          0, 0, "127.0.0.1:7373", "TCP address to listen on, or off"},
    {"insecure_listen",     BOOL,     AT(insecure_listen), 0, 1, "false", "allow a non-loopback address without TLS (put a TLS proxy in front)"},
    {"unix_socket",         BOOL,     AT(unix_socket),     0, 1, "true", "also listen on DATA/sock (0600)"},
    {"allowed_roots",       LIST,     AT(allowed_roots),   0, 0, NULL, "projects must lie below one of these directories"},
    {"allowed_hosts",       LIST,     AT(allowed_hosts),   0, 0, NULL, "host names in the Host header, beside the loopback names"},
    {"allowed_origins",     LIST,     AT(allowed_origins), 0, 0, NULL, "origins that may call from a browser (CORS)"},
    {"node",                STR,      AT(node),            0, 0, NULL, "name of this node (default: the host name)"},
    {"log_level",           STR,      AT(log_level),       0, 0, "info", "debug, info, warn or error"},
    {"log_format",          STR,      AT(log_format),      0, 0, "auto", "json, text, or auto: text on a terminal"},
    {"workers",             INT,      AT(workers),         1, 256, "4", "runs driven at the same time"},
    {"handlers",            INT,      AT(handlers),        1, 64, "4", "requests answered at the same time"},
    {"max_connections",     INT,      AT(max_connections), 8, 15000, "1024", "open connections; over it an idle one gives way"},
    {"max_streams",         INT,      AT(max_streams),     1, 15000, "512", "open event streams"},
    {"max_ws_per_token",    INT,      AT(max_ws_per_token), 0, 15000, "200", "open WebSockets of one token; 0 = no bound"},
    {"max_sse_per_token",   INT,      AT(max_sse_per_token), 0, 15000, "200", "open event streams of one token; 0 = no bound"},
    {"heartbeat",           DURATION, AT(heartbeat_ms),    100, 3600000, "15s", "a stream or WebSocket that has nothing to say says so this often: proxies keep it open, dead clients are noticed"},
    {"rate",                INT,      AT(rate),            0, 1000000, "1000", "requests a second per token; 0: no limit"},
    {"rate_burst",          INT,      AT(rate_burst),      1, 1000000, "2000", "requests at once per token"},
    {"max_open_runs",       INT,      AT(max_open_runs),   1, 10000000, "10000", "runs that are not final"},
    {"quota.queued",        INT,      AT(quota_queued),    0, 10000000, "5000", "runs of a tenant that wait: beyond it new ones are refused; 0: no quota"},
    {"quota.running",       INT,      AT(quota_running),   0, 10000, "0", "runs of a tenant that run at once: beyond it they wait; 0: as many as there are workers"},
    {"project_max_running", INT,      AT(project_running), 0, 10000, "0", "the same for each project that does not say (max_running); 0: as many as there are workers"},
    {"retries",             INT,      AT(retries),         0, 100, "3", "how often a run is tried again after a failure of the server itself (store, disk, sandbox)"},
    {"retry_delay",         DURATION, AT(retry_ms),        1, 3600000, "1s", "before the first of these tries; doubled each time, half of it random"},
    {"retry_delay_max",     DURATION, AT(retry_max_ms),    1, 86400000, "1m", "the longest such delay"},
    {"drain",               DURATION, AT(drain_ms),        0, 86400000, "0", "how long a stop waits for the runs in work to end, taking no new ones; a second signal ends the wait"},
    {"min_free",            BYTES,    AT(min_free_bytes),  0, INT64_MAX, "256MiB", "keep this much of the disk free: below it new runs are refused"},
    {"disk_budget",         BYTES,    AT(disk_budget_bytes), 0, INT64_MAX, "0", "the data directory may hold this much: beyond it new runs are refused; 0: no bound"},
    {"retention.runs",      DURATION, AT(retention.runs_ms), 0, INT64_MAX, "0", "logs, events, artifacts and changes of a run go so long after its end; its row and audit records stay; 0: never"},
    {"retention.failed_runs", DURATION, AT(retention.failed_runs_ms), 0, INT64_MAX, "0", "the same, of a run that did not succeed; 0: as retention.runs"},
    {"retention.logs",      DURATION, AT(retention.logs_ms), 0, INT64_MAX, "0", "logs of a run go so long after its end; 0: never"},
    {"retention.max_bytes", BYTES,    AT(retention.max_bytes), 0, INT64_MAX, "0", "logs, artifacts and changes of all runs: beyond it the oldest runs go; 0: no bound"},
    {"retention.compress",  BOOL,     AT(compress),        0, 1, "true", "compress the logs of ended runs (zstd)"},
    {"retention.compress_after", DURATION, AT(compress_after_ms), 0, INT64_MAX, "1m", "so long after the run's end"},
    {"retention.every",     DURATION, AT(retention_every_ms), 100, 86400000, "1m", "how often; at once when the disk is nearly full"},
    {"login_lifetime",      DURATION, AT(login_ms), 1000, 366 * (int64_t)86400000, "7d", "how long a login of the web console holds"},
    {"review_timeout",      DURATION, AT(review_ms),       0, INT64_MAX, "7d", "how long a plan or changes wait for a person; 0: for ever"},
    {"approval_timeout",    DURATION, AT(approval_ms),     0, INT64_MAX, "24h", "how long a step waits for a person; 0: for ever"},
    {"lease",               DURATION, AT(lease_ms),        5000, 3600000, "30s", "a server that is silent for this long has lost its runs"},
    {"reconcile_every",     DURATION, AT(reconcile_ms),    100, 86400000, "10s", "how often waits, leases and leftovers are looked at"},
    {"grace",               DURATION, AT(grace_ms),        0, 600000, "5s", "how long requests under way may take when stopping"},
    {"allow_weaker_sandbox", BOOL,    AT(allow_weaker_sandbox), 0, 1, "false", "run steps even where a barrier is missing on this host (see doctor)"},
    {"toolchains",          STR,      AT(toolchains),      0, 0, "auto", "which toolchains of the home are shown in sandboxes: auto, none, or names: nvm,pyenv"},
    {"shim_nursery",        BOOL,     AT(shim_nursery),    0, 1, "true", "start sandboxes from a copy of a waiting shim; false: execute its program for each, which takes 0.5 ms more in a virtual machine"},
    {"limits.cpu_millis",   INT,      AT(limits.cpu_millis), 0, 1024000, "0", "default of a run: 1000 is one core; 0: no limit"},
    {"limits.memory",       BYTES,    AT(limits.memory_bytes), 0, INT64_MAX, "2GiB", "default of a run"},
    {"limits.pids",         INT,      AT(limits.pids),     0, 4000000, "512", "default of a run"},
    {"limits.disk",         BYTES,    AT(limits.disk_bytes), 0, INT64_MAX, "4GiB", "default of a run: all its layers"},
    {"limits.output",       BYTES,    AT(limits.output_bytes), 0, INT64_MAX, "64MiB", "default of a step: its log"},
    {"limits.wall",         DURATION, AT(limits.wall_ms),  0, INT64_MAX, "10m", "default of a step"},
    {"max_limits.cpu_millis", INT,    AT(max_limits.cpu_millis), 0, 1024000, "0", "the most a request may ask for; 0: no bound"},
    {"max_limits.memory",   BYTES,    AT(max_limits.memory_bytes), 0, INT64_MAX, "0", "the most a request may ask for; 0: no bound"},
    {"max_limits.pids",     INT,      AT(max_limits.pids), 0, 4000000, "0", "the most a request may ask for; 0: no bound"},
    {"max_limits.disk",     BYTES,    AT(max_limits.disk_bytes), 0, INT64_MAX, "0", "the most a request may ask for; 0: no bound"},
    {"max_limits.output",   BYTES,    AT(max_limits.output_bytes), 0, INT64_MAX, "0", "the most a request may ask for; 0: no bound"},
    {"max_limits.wall",     DURATION, AT(max_limits.wall_ms), 0, INT64_MAX, "0", "the most a request may ask for; 0: no bound"},
};
/* clang-format on */

/* ---- one value --------------------------------------------------------- */

static void problem(struct buf *p, const char *where, const char *fmt, ...) PRINTF(3, 4);
static void problem(struct buf *p, const char *where, const char *fmt, ...)
{
    va_list ap;

    buf_printf(p, "%s: ", where);
    va_start(ap, fmt);
    buf_vprintf(p, fmt, ap);
    va_end(ap);
    buf_addc(p, '\n');
}

/* A value that there is no memory for must not become none: an empty list of hosts or folders allows more. */
static void no_memory(struct buf *p)
{
    p->bad = -ERR_OOM;
}

static void set_list(char ***dst, const char *text, struct buf *p)
{
    size_t n = 0, i = 0;
    char **v;

    for (const char *s = text; *s; s++)
        n += *s == ',';
    v = calloc(n + 2, sizeof *v);
    if (!v) {
        no_memory(p);
        return;
    }
    while (*text) {
        size_t len = strcspn(text, ",");

        while (len && *text == ' ')
            text++, len--;
        if (len && !(v[i++] = str_ndup(text, len)))
            no_memory(p);
        text += len + (text[len] == ',');
    }
    for (i = 0; *dst && (*dst)[i]; i++)
        free((*dst)[i]);
    free(*dst);
    *dst = v;
}

static bool read_number(const struct key *k, const char *text, int64_t *ret)
{
    uint64_t u;

    if (k->kind == INT)
        return str_i64(text, ret);
    if (k->kind == DURATION)
        return strcmp(text, "0") == 0 ? (*ret = 0, true) : str_duration_ms(text, ret);
    if (!str_bytes(text, &u) || u > INT64_MAX)
        return false;
    *ret = (int64_t)u;
    return true;
}

static const char *example(enum kind k)
{
    return k == DURATION ? "a duration such as 30s, 10m, 2h, 7d"
           : k == BYTES  ? "a size such as 512MiB, 2GiB"
                         : "a whole number";
}

static void set_key(struct config *c, const struct key *k, const char *text, const char *where, struct buf *p)
{
    char *at = (char *)c + k->at;
    int64_t v;

    switch (k->kind) {
    case STR:
        free(*(char **)(void *)at);
        if (!(*(char **)(void *)at = str_dup(text)))
            no_memory(p);
        return;
    case LIST:
        set_list((char ***)(void *)at, text, p);
        return;
    case BOOL:
        /* `listen: off` is how the other listener is shut: the same word must do here */
        if (strcmp(text, "true") == 0 || strcmp(text, "on") == 0)
            *(bool *)at = true;
        else if (strcmp(text, "false") == 0 || strcmp(text, "off") == 0)
            *(bool *)at = false;
        else
            problem(p, where, "\"%s\" is neither true nor false (on and off will do too)", text);
        return;
    default:
        if (!read_number(k, text, &v))
            problem(p, where, "\"%s\" is not %s", text, example(k->kind));
        else if (v < k->min || v > k->max)
            problem(p, where, "%s is out of range: the least is %lld, the most %lld", text, (long long)k->min,
                    (long long)k->max);
        else
            *(int64_t *)(void *)at = v;
    }
}

static const struct key *key_by_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

/* ---- file -------------------------------------------------------------- */

static void join(struct fy_node *n, struct buf *out)
{
    struct fy_node *item;
    void *it = NULL;

    while ((item = fy_node_sequence_iterate(n, &it))) {
        size_t len = 0;
        const char *s = fy_node_get_scalar(item, &len);

        if (out->len)
            buf_addc(out, ',');
        buf_add(out, s ? s : "", s ? len : 0);
    }
}

static void file_value(struct config *c, const char *path, const char *name, struct fy_node *n, struct buf *p)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(64 * KIB);
    const struct key *k = key_by_name(name);
    char where[PATH_MAX + 128];
    size_t len = 0;
    const char *s;

    snprintf(where, sizeof where, "%s: %s", path, name);
    if (!k) {
        problem(p, where, "no such key: see sallyport serve --help");
        return;
    }
    if (fy_node_is_sequence(n)) {
        join(n, &text);
    } else if (fy_node_is_scalar(n)) {
        s = fy_node_get_scalar(n, &len);
        buf_add(&text, s ? s : "", s ? len : 0);
    } else {
        problem(p, where, "must be a single value%s", k->kind == LIST ? " or a list" : "");
        return;
    }
    if (text.bad == -ERR_OOM)
        no_memory(p);
    else if (text.bad)
        problem(p, where, "is too long");
    else
        set_key(c, k, text.p ? text.p : "", where, p);
}

static void file_map(struct config *c, const char *path, const char *prefix, struct fy_node *map, struct buf *p)
{
    struct fy_node_pair *pair;
    void *it = NULL;

    while ((pair = fy_node_mapping_iterate(map, &it))) {
        struct fy_node *v = fy_node_pair_value(pair);
        size_t len = 0;
        const char *s = fy_node_get_scalar(fy_node_pair_key(pair), &len);
        char name[128];

        snprintf(name, sizeof name, "%s%s%.*s", prefix, *prefix ? "." : "", (int)(len > 60 ? 60 : len), s ? s : "?");
        if (fy_node_is_mapping(v) && !*prefix)
            file_map(c, path, name, v, p);
        else
            file_value(c, path, name, v, p);
    }
}

/* The library would print where its own memory lies; what it found is kept in the diag, for problem(). */
static void say_nothing(struct fy_diag *diag, void *user, const char *buf, size_t len)
{
    (void)diag;
    (void)user;
    (void)buf;
    (void)len;
}

static struct fy_diag *quiet_diag(void)
{
    struct fy_diag_cfg cfg;
    struct fy_diag *diag;

    fy_diag_cfg_default(&cfg);
    cfg.fp = NULL;
    cfg.output_fn = say_nothing;
    diag = fy_diag_create(&cfg);
    if (diag)
        fy_diag_set_collect_errors(diag, true);
    return diag;
}

static void not_yaml(const char *path, struct fy_diag *diag, struct buf *p)
{
    void *it = NULL;
    const struct fy_diag_error *d = fy_diag_errors_iterate(diag, &it);

    if (d && d->msg && d->line > 0)
        problem(p, path, "not YAML at line %d: %s", d->line, d->msg);
    else
        problem(p, path, "not YAML");
}

static void read_file(struct config *c, const char *path, bool required, struct buf *p)
{
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2};
    AUTO(buf_fini) struct buf text = BUF_INIT(FILE_MAX);
    struct fy_document *doc;
    struct fy_node *root;
    struct err e = ERR_INIT;

    if (access(path, F_OK) < 0) {
        if (required)
            problem(p, path, "the configuration file cannot be read: %s", strerror(errno));
        return;
    }
    if (file_read(AT_FDCWD, path, &text, &e) < 0) {
        problem(p, path, "%s", e.msg);
        return;
    }
    if (text.len == 0)
        return;
    cfg.diag = quiet_diag();
    doc = cfg.diag ? fy_document_build_from_string(&cfg, text.p, text.len) : NULL;
    root = doc ? fy_document_root(doc) : NULL;
    if (!cfg.diag)
        problem(p, path, "out of memory");
    else if (!doc)
        not_yaml(path, cfg.diag, p);
    else if (root && !fy_node_is_mapping(root))
        problem(p, path, "must be a mapping of keys to values");
    else if (root)
        file_map(c, path, "", root, p);
    fy_document_destroy(doc);
    fy_diag_destroy(cfg.diag);
}

/* ---- environment and flags --------------------------------------------- */

static void env_name(const char *key, char *ret, size_t cap)
{
    size_t n = (size_t)snprintf(ret, cap, "SALLYPORT_");

    for (; *key && n + 1 < cap; key++)
        ret[n++] = *key == '.' ? '_' : (char)toupper((unsigned char)*key);
    ret[n] = '\0';
}

static void read_env(struct config *c, char *const *env, struct buf *p)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        char name[128];
        size_t n;

        env_name(keys[i].name, name, sizeof name);
        n = strlen(name);
        for (char *const *v = env; v && *v; v++)
            if (strncmp(*v, name, n) == 0 && (*v)[n] == '=')
                set_key(c, &keys[i], *v + n + 1, name, p);
    }
}

static const char *env_get(char *const *env, const char *name)
{
    size_t n = strlen(name);

    for (char *const *v = env; v && *v; v++)
        if (strncmp(*v, name, n) == 0 && (*v)[n] == '=' && (*v)[n + 1])
            return *v + n + 1;
    return NULL;
}

static const struct key *key_by_flag(const char *flag, size_t n)
{
    char name[128];

    if (n >= sizeof name)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        size_t k;

        for (k = 0; keys[i].name[k]; k++)
            name[k] = keys[i].name[k] == '_' || keys[i].name[k] == '.' ? '-' : keys[i].name[k];
        if (k == n && memcmp(name, flag, n) == 0)
            return &keys[i];
    }
    return NULL;
}

static void read_flags(struct config *c, int argc, char *const *argv, struct buf *p)
{
    for (int i = 0; i < argc; i++) {
        const char *f = argv[i] + 2, *value;
        size_t n = strcspn(f, "=");
        const struct key *k;

        if (strncmp(argv[i], "--", 2) != 0) {
            problem(p, argv[i], "not a flag: see sallyport serve --help");
            continue;
        }
        if (n == 6 && memcmp(f, "config", 6) == 0) {
            i += f[n] != '=';
            continue;
        }
        k = key_by_flag(f, n);
        if (!k) {
            problem(p, argv[i], "no such flag: see sallyport serve --help");
            continue;
        }
        if (f[n] == '=')
            value = f + n + 1;
        else if (k->kind == BOOL)
            value = "true";
        else
            value = i + 1 < argc ? argv[++i] : NULL;
        if (!value)
            problem(p, argv[i], "needs a value");
        else
            set_key(c, k, value, argv[i - (f[n] != '=' && k->kind != BOOL)], p);
    }
}

static const char *config_flag(int argc, char *const *argv)
{
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "--config=", 9) == 0)
            return argv[i] + 9;
        if (strcmp(argv[i], "--config") == 0)
            return i + 1 < argc ? argv[i + 1] : "";
    }
    return NULL;
}

/* ---- as a whole -------------------------------------------------------- */

static void default_paths(struct config *c, char *const *env, struct buf *p)
{
    const char *xdg = env_get(env, "XDG_DATA_HOME"), *home = env_get(env, "HOME");
    char host[65] = "node";

    if (xdg && xdg[0] == '/')
        c->data = str_printf("%s/sallyport", xdg);
    else if (home && home[0] == '/')
        c->data = str_printf("%s/.local/share/sallyport", home);
    else
        c->data = str_dup("/var/lib/sallyport");
    if (gethostname(host, sizeof host - 1) < 0 || !host[0])
        snprintf(host, sizeof host, "node");
    c->node = str_dup(host);
    if (!c->data || !c->node)
        no_memory(p);
}

static bool loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static void check_listen(struct config *c, struct buf *p)
{
    const char *colon = strrchr(c->listen, ':'), *host = c->listen;
    size_t n = colon ? (size_t)(colon - host) : 0;
    int64_t port;

    if (strcmp(c->listen, "off") == 0) {
        if (!c->unix_socket)
            problem(p, "listen", "is off, and so is unix_socket: nobody could reach the server");
        return;
    }
    if (n >= 2 && host[0] == '[' && host[n - 1] == ']')
        host++, n -= 2;
    if (!colon || n == 0 || n >= sizeof c->listen_host || !str_i64(colon + 1, &port) || port < 0 || port > 65535) {
        problem(p, "listen", "\"%s\" is not ADDRESS:PORT, such as 127.0.0.1:7373 or [::1]:7373", c->listen);
        return;
    }
    memcpy(c->listen_host, host, n);
    c->listen_host[n] = '\0';
    c->listen_port = (int)port;
    if (!loopback(c->listen_host) && !c->insecure_listen)
        problem(
            p, "listen",
            "%s is not a loopback address, and this server speaks no TLS: put a TLS proxy in front of 127.0.0.1, or, "
            "if there is one on this network already, set insecure_listen: true",
            c->listen_host);
}

static void check_roots(struct config *c, struct buf *p)
{
    for (size_t i = 0; c->allowed_roots && c->allowed_roots[i]; i++) {
        struct err e = ERR_INIT;
        char *canon = NULL;

        if (dir_canonical(c->allowed_roots[i], &canon, &e) < 0) {
            problem(p, "allowed_roots", "%s: %s", c->allowed_roots[i], e.msg);
            continue;
        }
        free(c->allowed_roots[i]);
        c->allowed_roots[i] = canon;
    }
}

static void check_words(struct config *c, struct buf *p)
{
    struct err e = ERR_INIT;

    if (logger_level(c->log_level) < 0)
        problem(p, "log_level", "\"%s\" is none of debug, info, warn, error", c->log_level);
    if (!str_eq(c->log_format, "json") && !str_eq(c->log_format, "text") && !str_eq(c->log_format, "auto"))
        problem(p, "log_format", "\"%s\" is none of json, text, auto", c->log_format);
    if (toolchains_choice_ok(c->toolchains, "toolchains", &e) < 0)
        problem(p, "toolchains", "\"%s\" %s", c->toolchains, e.msg);
    if (!c->node[0] || strlen(c->node) > 100)
        problem(p, "node", "a name has 1 to 100 characters");
    if (!c->data || c->data[0] != '/')
        problem(p, "data", "\"%s\" is not an absolute path", c->data ? c->data : "");
    if (c->rate && c->rate_burst < c->rate)
        problem(p, "rate_burst", "is less than rate (%lld)", (long long)c->rate);
}

/* Made here (0700), so that everything after works on one canonical path. */
static void make_data(struct config *c, struct buf *p)
{
    struct err e = ERR_INIT;
    struct stat st;
    char *canon = NULL;

    if (!c->data || c->data[0] != '/')
        return;
    if (stat(c->data, &st) < 0 && dir_make(AT_FDCWD, c->data, NULL, &e) < 0) {
        problem(p, "data", "%s cannot be made: %s", c->data, e.msg);
        return;
    }
    if (dir_canonical(c->data, &canon, &e) < 0) {
        problem(p, "data", "%s: %s", c->data, e.msg);
        return;
    }
    free(c->data);
    c->data = canon;
    if (stat(c->data, &st) == 0 && (st.st_uid != geteuid() || st.st_mode & 022))
        problem(p, "data", "%s must belong to the server's user and not be writable by others: chown, chmod 700",
                c->data);
}

int config_load(int argc, char *const *argv, char *const *env, struct config *ret, struct buf *p, struct err *e)
{
    const char *file = config_flag(argc, argv), *env_file = env_get(env, "SALLYPORT_CONFIG");
    const char *xdg = env_get(env, "XDG_CONFIG_HOME"), *home = env_get(env, "HOME");
    char path[PATH_MAX];

    *ret = (struct config){0};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (keys[i].dflt)
            set_key(ret, &keys[i], keys[i].dflt, "built-in", p);
    default_paths(ret, env, p);
    if (!file)
        file = env_file;
    if (file)
        snprintf(path, sizeof path, "%s", file);
    else if (geteuid() == 0)
        snprintf(path, sizeof path, "/etc/sallyport/config.yaml");
    else if (xdg)
        snprintf(path, sizeof path, "%s/sallyport/config.yaml", xdg);
    else
        snprintf(path, sizeof path, "%s/.config/sallyport/config.yaml", home ? home : "");
    read_file(ret, path, file != NULL, p);
    read_env(ret, env, p);
    read_flags(ret, argc, argv, p);
    if (p->bad)
        return err_bad(e, p->bad, "the configuration has more problems than can be shown");
    check_listen(ret, p);
    check_roots(ret, p);
    check_words(ret, p);
    if (p->len == 0)
        make_data(ret, p);
    if (p->bad)
        return err_bad(e, p->bad, "the configuration has more problems than can be shown");
    if (p->len == 0)
        return 0;
    return err_set(e, ERR_CONFIG, "the configuration has problems");
}

static void free_list(char **v)
{
    for (size_t i = 0; v && v[i]; i++)
        free(v[i]);
    free(v);
}

void config_fini(struct config *c)
{
    free(c->data);
    free(c->listen);
    free(c->node);
    free(c->log_level);
    free(c->log_format);
    free(c->toolchains);
    free_list(c->allowed_roots);
    free_list(c->allowed_hosts);
    free_list(c->allowed_origins);
    *c = (struct config){0};
}

void config_help(struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        buf_printf(out, "  %-24s %s%s%s%s\n", keys[i].name, keys[i].help, keys[i].dflt ? " (default: " : "",
                   keys[i].dflt ? keys[i].dflt : "", keys[i].dflt ? ")" : "");
}
