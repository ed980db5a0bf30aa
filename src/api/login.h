/* login - requests by a login of the web console (service/logins.h): the cookie, its proof, and where the page is from.
 *
 * Why it exists: a cookie is sent along by the browser, whoever made it send the request, and to every port of the
 * host. So a cookie counts only with the header `Sallyport-CSRF` (a WebSocket: with `csrf` in its connect), on GET too,
 * and only when the browser does not say that the request comes from another origin. Internal to src/api/.   Threads:
 * handlers. */
#pragma once
#include "api/call.h"

#define LOGIN_HEADER   "sallyport-csrf"
#define LOGIN_NAME_MAX 24

/* The cookie's name: "sallyport-" and the port that Host names, 80 when it names none; false: no port at all. */
bool login_name(const char *host, char ret[LOGIN_NAME_MAX]);
/* The next value of the cookie `name` in a Cookie header (RFC 6265, 4.2.1); *p is moved on. A browser may send several
 * of one name: those of other paths, which other servers of the host may have set. */
bool login_cookie(const char **p, const char *name, const char **ret, size_t *ret_n);
/* Fetch, 3.2 and Fetch Metadata, 2.1: does nothing in the request speak of another origin? NULL: the header was not
 * sent. */
bool login_same_origin(const char *host, const char *origin, const char *fetch_site);

/* Is a cookie of ours in the request? */
bool login_has_cookie(const struct http_req *);
/* The login of a request: its id. ERR_UNAUTHORIZED, ERR_HOST. */
CHECKED int login_of(struct svc *, const struct http_req *, const char *proof, struct id *ret, struct err *);
/* What a WebSocket's handshake brings, to be kept until its connect: the Cookie header when it is from the page's own
 * origin, else NULL; heap. And then the same check. */
char *login_keep(const struct http_req *);
CHECKED int login_of_kept(struct svc *, const char *kept, const char *proof, struct id *ret, struct err *);
