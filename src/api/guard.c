/* guard.c - from where and how often: Host and Origin against an allow-list, a token bucket per caller. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/call.h"
#include "base/str.h"
#include "os/clock.h"

#define SLOTS                                                                                                          \
    1024 /* callers remembered; the least recently seen one makes room, with a full bucket when it comes back */
#define WAYS 4

struct slot {
    char who[80];
    double level;
    int64_t seen_us;
};

struct guard {
    const struct api_config *cfg;
    pthread_mutex_t mu;
    struct slot *slot;
};

int guard_new(const struct api_config *cfg, struct guard **ret, struct err *e)
{
    struct guard *g = calloc(1, sizeof *g);

    if (!g || !(g->slot = calloc(SLOTS, sizeof *g->slot))) {
        free(g);
        return err_oom(e);
    }
    g->cfg = cfg;
    pthread_mutex_init(&g->mu, NULL);
    *ret = g;
    return 0;
}

void guard_free(struct guard *g)
{
    if (!g)
        return;
    pthread_mutex_destroy(&g->mu);
    free(g->slot);
    free(g);
}

/* "host:port" or "[v6]:port" or "host" -> length of the host part; 0 when something else follows it. */
static size_t host_len(const char *s)
{
    const char *end = s[0] == '[' ? strchr(s, ']') : NULL;
    size_t n = end ? (size_t)(end - s) + 1 : strcspn(s, ":");
    const char *port = s + n;

    if (*port == ':')
        port += 1 + strspn(port + 1, "0123456789");
    return *port == '\0' ? n : 0;
}

static bool host_known(const struct guard *g, const char *host, size_t n)
{
    static const char *const loopback[] = {"localhost", "127.0.0.1", "[::1]"};

    for (size_t i = 0; i < ARRAY_LEN(loopback); i++)
        if (strlen(loopback[i]) == n && strncasecmp(loopback[i], host, n) == 0)
            return true;
    for (const char *const *h = g->cfg->allowed_hosts; h && *h; h++)
        if (strlen(*h) == n && strncasecmp(*h, host, n) == 0)
            return true;
    return false;
}

static bool origin_ok(const struct guard *g, const char *origin, const char *host)
{
    for (const char *const *o = g->cfg->allowed_origins; o && *o; o++)
        if (str_eq(*o, origin))
            return true;
    /* The page that came from this very server. */
    if (str_starts(origin, "http://"))
        return host && strcasecmp(origin + 7, host) == 0;
    return str_starts(origin, "https://") && host && strcasecmp(origin + 8, host) == 0;
}

int guard_names(const struct guard *g, bool unix_socket, const char *host, const char *origin, struct err *e)
{
    if (!unix_socket && host && !host_known(g, host, host_len(host)))
        return err_field(e, ERR_HOST, "Host", "the host \"%.80s\" is not allowed: add it to allowed_hosts", host);
    if (origin && !origin_ok(g, origin, host))
        return err_field(e, ERR_HOST, "Origin", "the origin \"%.80s\" is not allowed: add it to allowed_origins",
                         origin);
    return 0;
}

int guard_host(const struct guard *g, struct http_req *rq, struct err *e)
{
    return guard_names(g, http_req_peer(rq)->unix_socket, http_req_header(rq, "host"), http_req_header(rq, "origin"),
                       e);
}

static struct slot *slot_of(struct guard *g, const char *who, int64_t now)
{
    uint32_t x = 2166136261u;
    struct slot *oldest = NULL;

    for (const char *s = who; *s; s++)
        x = (x ^ (unsigned char)*s) * 16777619u;
    for (size_t i = 0; i < WAYS; i++) {
        struct slot *s = &g->slot[(x + i) % SLOTS];

        if (strcmp(s->who, who) == 0)
            return s;
        if (!oldest || s->seen_us < oldest->seen_us)
            oldest = s;
    }
    snprintf(oldest->who, sizeof oldest->who, "%.79s", who);
    oldest->level = g->cfg->rate_burst;
    oldest->seen_us = now;
    return oldest;
}

int guard_rate(struct guard *g, const char *who, struct err *e)
{
    return guard_take(g, who, clock_mono_us(), e);
}

int guard_take(struct guard *g, const char *who, int64_t now, struct err *e)
{
    struct slot *s;
    bool ok;

    if (g->cfg->rate_per_s <= 0)
        return 0;
    pthread_mutex_lock(&g->mu);
    s = slot_of(g, who, now);
    s->level += (double)(now - s->seen_us) * g->cfg->rate_per_s / (double)SEC_US;
    if (s->level > g->cfg->rate_burst)
        s->level = g->cfg->rate_burst;
    s->seen_us = now;
    ok = s->level >= 1;
    if (ok)
        s->level -= 1;
    pthread_mutex_unlock(&g->mu);
    return ok ? 0 : err_set(e, ERR_RATE, "more than %d requests a second: slow down", g->cfg->rate_per_s);
}
