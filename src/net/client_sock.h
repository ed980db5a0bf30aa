/* client_sock - a blocking socket with time limits, for the client. Inner header of src/net.
 *
 * Why it exists: one place turns errno into a sentence that helps the person at the terminal.
 * May include: base/ os/.   Threads: one caller. */
#pragma once
#include <signal.h>
#include "base/err.h"

struct client_wait {
    int ms;                                 /* no progress for this long: ERR_TIMEOUT; -1: for ever */
    const volatile sig_atomic_t *interrupt; /* NULL, or nonzero: ERR_INTERRUPTED */
};

/* A connected non-blocking fd, or a negative code: ERR_UNREACHABLE, ERR_TIMEOUT, ERR_INTERRUPTED. */
CHECKED int client_sock_tcp(const char *host, const char *port, struct client_wait, struct err *);
CHECKED int client_sock_unix(const char *path, struct err *);
/* All n bytes; ERR_UNREACHABLE when the peer is gone. */
CHECKED int client_sock_send(int fd, const void *p, size_t n, struct client_wait, struct err *);
/* At least one byte, 0 at the end, or a negative code. */
CHECKED long client_sock_recv(int fd, void *p, size_t n, struct client_wait, struct err *);
/* True when a kept connection still stands and nothing unasked came on it. */
bool client_sock_alive(int fd);
