/* conn - which server to speak to, and with which token.
 *
 * Why it exists: the order in which flags, environment and files are looked at
 * is a promise (see sallyport(1), ENVIRONMENT); it stands here alone.
 * May include: base/ os/.   Threads: one.
 *
 *   --url or $SALLYPORT_URL      that address, with a token
 *   else  DATA/sock              the unix socket: our uid is the login
 *   else  http://127.0.0.1:7373  with DATA/admin-token; not when DATA was named (--data, $SALLYPORT_DATA): that would
 * be another server DATA: --data, $SALLYPORT_DATA, $XDG_DATA_HOME/sallyport, ~/.local/share/sallyport
 *         (/var/lib/sallyport when that is there and the one before is not)
 *   token: --token-file, $SALLYPORT_TOKEN_FILE, $SALLYPORT_TOKEN, DATA/admin-token (the last only for an address
 *          on this machine: an admin token is not sent to strangers) */
#pragma once
#include "base/err.h"

#define CONN_URL_DEFAULT "http://127.0.0.1:7373"
#define CONN_TOKEN_MAX   512

struct conn {
    char *data;                 /* the data directory, as a path */
    char *url;                  /* NULL: unix socket */
    char *sock;                 /* path of the unix socket; NULL when url is set */
    char token[CONN_TOKEN_MAX]; /* "" = none; wiped by conn_fini */
};
/* url, token_file, data: from the command line, NULL when not given. */
CHECKED int conn_find(struct conn *, const char *url, const char *token_file, const char *data, struct err *);
void conn_fini(struct conn *);
