/* logins - the console's logins: a cookie that is worth nothing alone.
 *
 * Why it exists: browsers send a cookie to every port of a host, so whoever can start a server on this machine sees it.
 * So a login is two things: a cookie, which holds no token but the sealed name of a row of `logins`, and a proof, which
 * is never in a cookie: the page gets it as the answer to the login, keeps it for its own origin and sends it along.
 *
 *   cookie   base64url(seal("lgn_… <begun, us>"))   XChaCha20-Poly1305 under a key derived from DATA/key
 *   proof    base64url(mac(cookie))                 keyed BLAKE2b under another derived key
 *
 * A login ends when it is ended (logout), when it is `login_lifetime` old, or with its token.
 * May include: store base os service/svc.h.   Threads: any after logins_new. */
#pragma once
#include "service/svc.h"

#define LOGIN_COOKIE_MAX 160
#define LOGIN_PROOF_MAX  48
#define LOGINS_PER_TOKEN 100 /* the oldest end */

struct logins;
CHECKED int logins_new(const struct secrets *, int64_t lifetime_ms, struct logins **ret, struct err *);
void logins_free(struct logins *); /* wipes its keys */

struct login_pair {
    char cookie[LOGIN_COOKIE_MAX], proof[LOGIN_PROOF_MAX];
    int64_t max_age_s;
};
/* Begins a login of the token that c was identified by; audits it. ERR_INVALID when it was not by a token. */
CHECKED int login_begin(struct svc *, const struct caller *c, struct login_pair *ret, struct err *);
/* Do these belong together, were they made by this server, and are they not too old? *ret is the login's id.
 * ERR_UNAUTHORIZED. Nothing is looked up. cookie: n bytes of anything. */
CHECKED int login_check(const struct logins *, const char *cookie, size_t n, const char *proof, int64_t now_us,
                        struct id *ret, struct err *);
/* As auth_token, by a login; surface `console`. */
CHECKED int login_caller(struct svc *, const struct id *login, struct caller *, struct err *);
/* Ends it and audits that. */
CHECKED int login_end(struct svc *, const struct id *login, const struct caller *, struct err *);

/* The two without a store, for tests. */
CHECKED int login_make(const struct logins *, const struct id *login, int64_t now_us, struct login_pair *ret,
                       struct err *);
