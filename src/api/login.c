#include "api/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "os/clock.h"
#include "service/auth.h"
#include "service/logins.h"

#define KEPT_MAX (16 * KIB) /* no less than http_config's max_header_bytes: all that a request may bring */

/* ---- reading ----------------------------------------------------------- */

bool login_name(const char *host, char ret[LOGIN_NAME_MAX])
{
    const char *end = host && host[0] == '[' ? strchr(host, ']') : host, *port = end ? strchr(end, ':') : NULL;
    size_t n = port ? strspn(port + 1, "0123456789") : 2;

    if (port && (n == 0 || n > 5 || port[1 + n]))
        return false;
    snprintf(ret, LOGIN_NAME_MAX, "sallyport-%.*s", (int)n, port ? port + 1 : "80");
    return true;
}

bool login_cookie(const char **p, const char *name, const char **ret, size_t *ret_n)
{
    size_t len = strlen(name);

    while (**p) {
        const char *s = *p + strspn(*p, "; \t");
        size_t n = strcspn(s, ";");

        *p = s + n;
        while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
            n--;
        if (n > len && memcmp(s, name, len) == 0 && s[len] == '=') {
            *ret = s + len + 1;
            *ret_n = n - len - 1;
            return true;
        }
    }
    return false;
}

bool login_same_origin(const char *host, const char *origin, const char *site)
{
    const char *rest = !origin                          ? NULL
                       : str_starts(origin, "http://")  ? origin + 7
                       : str_starts(origin, "https://") ? origin + 8
                                                        : "";

    if (rest && (!host || strcasecmp(rest, host) != 0))
        return false;
    return !site || strcmp(site, "same-origin") == 0;
}

static bool same_origin(const struct http_req *rq)
{
    return login_same_origin(http_req_header(rq, "host"), http_req_header(rq, "origin"),
                             http_req_header(rq, "sec-fetch-site"));
}

static int other_origin(struct err *e)
{
    return err_field(e, ERR_HOST, "Origin", "logins of the console are taken from its own pages only");
}

bool login_has_cookie(const struct http_req *rq)
{
    const char *p = http_req_header(rq, "cookie"), *v;
    char name[LOGIN_NAME_MAX];
    size_t n;

    return p && login_name(http_req_header(rq, "host"), name) && login_cookie(&p, name, &v, &n);
}

/* Of several the one to which the proof belongs; the error is of the last. All of them are looked at: other ports of
 * the host may set as many of our name as they like, and who comes first is theirs to say. A mac each, and the head of
 * a request has an end: some hundred at most. */
static int check_cookies(struct svc *svc, const char *cookies, const char *name, const char *proof, struct id *ret,
                         struct err *e)
{
    int r = err_set(e, ERR_UNAUTHORIZED, "there is no login: log in again");
    const char *v;
    size_t n;

    while (r < 0 && login_cookie(&cookies, name, &v, &n))
        r = login_check(svc->logins, v, n, proof, clock_now_us(), ret, e);
    return r;
}

int login_of(struct svc *svc, const struct http_req *rq, const char *proof, struct id *ret, struct err *e)
{
    const char *cookies = http_req_header(rq, "cookie");
    char name[LOGIN_NAME_MAX];

    if (!same_origin(rq))
        return other_origin(e);
    if (!login_name(http_req_header(rq, "host"), name))
        return err_field(e, ERR_INVALID, "Host", "that is no host with a port");
    return check_cookies(svc, cookies ? cookies : "", name, proof, ret, e);
}

/* ---- WebSocket --------------------------------------------------------- */

/* Only ours, each under the same short name. */
char *login_keep(const struct http_req *rq)
{
    AUTO(buf_fini) struct buf kept = BUF_INIT(KEPT_MAX);
    const char *p = http_req_header(rq, "cookie"), *v;
    char name[LOGIN_NAME_MAX];
    size_t n;

    if (!p || !same_origin(rq) || !login_name(http_req_header(rq, "host"), name))
        return NULL;
    while (login_cookie(&p, name, &v, &n))
        if (n && n < LOGIN_COOKIE_MAX)
            buf_printf(&kept, "l=%.*s;", (int)n, v);
    return kept.len ? buf_take(&kept, NULL) : NULL;
}

int login_of_kept(struct svc *svc, const char *kept, const char *proof, struct id *ret, struct err *e)
{
    return check_cookies(svc, kept ? kept : "", "l", proof, ret, e);
}

/* ---- /login, /logout, /me ---------------------------------------------- */

/* Behind a proxy with TLS the browser may keep it for https only; it says so itself. */
static int set_cookie(struct call *c, const char *value, int64_t max_age_s, struct err *e)
{
    const char *origin = http_req_header(c->rq, "origin");
    char name[LOGIN_NAME_MAX], text[LOGIN_COOKIE_MAX + 128];

    if (!login_name(http_req_header(c->rq, "host"), name))
        return err_field(e, ERR_INVALID, "Host", "that is no host with a port");
    snprintf(text, sizeof text, "%s=%s; HttpOnly; SameSite=Strict; Path=/; Max-Age=%lld%s", name, value,
             (long long)max_age_s, origin && str_starts(origin, "https://") ? "; Secure" : "");
    return http_reply_header(c->rq, "Set-Cookie", text, e);
}

static int render_login(struct call *c, struct jw *w, struct err *e)
{
    static const char *const keys[] = {"token", NULL};
    struct login_pair pair;
    const char *token = NULL;
    int r = json_known(c->body, "", keys, e);

    if (r == 0)
        r = json_want_str(c->body, "", "token", J_REQ, 200, &token, e);
    if (r == 0 && !same_origin(c->rq))
        r = other_origin(e);
    if (r == 0)
        r = api_identify(c->api, token, http_req_peer(c->rq), &c->who, e);
    if (r == -ERR_UNAUTHORIZED)
        log_line(c->svc->log, LOG_LV_WARN, "login", &(struct log_ctx){.trace_id = c->who.trace_id},
                 "a login of the console was refused, from %s", http_req_peer(c->rq)->addr);
    c->who.surface = "console";
    if (r == 0)
        r = api_admit(c, e);
    if (r == 0)
        r = login_begin(c->svc, &c->who, &pair, e);
    if (r == 0)
        r = set_cookie(c, pair.cookie, pair.max_age_s, e);
    if (r < 0)
        return r;
    jw_obj(w);
    jw_kstr(w, "csrf", pair.proof);
    jw_key(w, "token");
    r = auth_self_json(c->svc, &c->who, w, e);
    jw_end_obj(w);
    return r;
}

int post_login(struct call *c, struct err *e)
{
    return call_json(c, render_login, e);
}

/* Another kind of caller has no login to end; the browser is told to forget in any case. */
int post_logout(struct call *c, struct err *e)
{
    static const char *const none[] = {NULL};
    const char *proof = http_req_header(c->rq, LOGIN_HEADER);
    struct id login;
    int r = json_known(c->body, "", none, e);

    if (r == 0 && str_eq(c->who.surface, "console") && proof) {
        r = login_of(c->svc, c->rq, proof, &login, e);
        if (r == 0)
            r = login_end(c->svc, &login, &c->who, e);
    }
    if (r == 0)
        r = set_cookie(c, "", 0, e);
    return r < 0 ? r : http_reply(c->rq, c->route->status, NULL, "", 0);
}

static int render_me(struct call *c, struct jw *w, struct err *e)
{
    int r;

    jw_obj(w);
    jw_key(w, "token");
    r = auth_self_json(c->svc, &c->who, w, e);
    jw_kstr(w, "tenant_id", c->who.tenant);
    jw_kstr(w, "version", SALLYPORT_VERSION);
    jw_end_obj(w);
    return r;
}

int get_me(struct call *c, struct err *e)
{
    return call_json(c, render_me, e);
}
