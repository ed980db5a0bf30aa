/* client_sock - see client_sock.h. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "net/client_sock.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/proc.h"

/* A signal between the look at `interrupt` and poll(2) is seen at the next slice. */
enum { SLICE_MS = 200 };

/* 0 when ready for events. */
static int wait_for(int fd, short events, struct client_wait w, struct err *e)
{
    int64_t end = clock_mono_us() + w.ms * MS_US;
    for (;;) {
        if (w.interrupt && __atomic_load_n(w.interrupt, __ATOMIC_RELAXED))
            return err_set(e, ERR_INTERRUPTED, NULL);
        int64_t left = w.ms < 0 ? SLICE_MS : (end - clock_mono_us() + MS_US - 1) / MS_US;
        if (left <= 0)
            return err_set(e, ERR_TIMEOUT, "the server did not answer within %d ms", w.ms);
        struct pollfd p = {.fd = fd, .events = events};
        int r = poll(&p, 1, left < SLICE_MS ? (int)left : SLICE_MS);
        if (r > 0)
            return 0;
        if (r < 0 && errno != EINTR)
            return err_sys(e, ERR_IO, "poll");
    }
}

static int unreachable(struct err *e, const char *host, const char *port, int sys)
{
    errno = sys;
    if (sys == ECONNREFUSED)
        return err_set(e, ERR_UNREACHABLE, "nothing listens on %s port %s: is `sallyport serve` running?", host, port);
    return err_sys(e, ERR_UNREACHABLE, "cannot connect to %s port %s", host, port);
}

static int connect_one(const struct addrinfo *ai, const char *host, const char *port, struct client_wait w,
                       struct err *e)
{
    AUTO(fd_close) int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_sys(e, ERR_UNREACHABLE, "socket");
    if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
        int sys = errno;
        socklen_t len = sizeof sys;
        if (sys != EINPROGRESS)
            return unreachable(e, host, port, sys);
        int r = wait_for(fd, POLLOUT, w, e);
        if (r < 0)
            return r;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &len) < 0 || sys != 0)
            return unreachable(e, host, port, sys);
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    int ret = fd;
    fd = -1;
    return ret;
}

int client_sock_tcp(const char *host, const char *port, struct client_wait w, struct err *e)
{
    struct addrinfo *all = NULL, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    int g = getaddrinfo(host, port, &hints, &all); /* numeric first: no resolver is loaded for it */
    if (g != 0) {
        hints.ai_flags = AI_NUMERICSERV;
        g = getaddrinfo(host, port, &hints, &all);
    }
    if (g != 0)
        return err_set(e, ERR_UNREACHABLE, "the host name %s is not known: %s", host, gai_strerror(g));
    int r = -ERR_UNREACHABLE;
    for (const struct addrinfo *ai = all; ai && r < 0 && r != -ERR_INTERRUPTED; ai = ai->ai_next)
        r = connect_one(ai, host, port, w, e);
    freeaddrinfo(all);
    return r;
}

int client_sock_unix(const char *path, struct err *e)
{
    struct err why = ERR_INIT;
    int fd = unix_connect(AT_FDCWD, path, SOCK_STREAM, &why);
    if (fd >= 0) {
        int flags = fcntl(fd, F_GETFL);
        if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0)
            return fd;
        close(fd);
        return err_sys(e, ERR_IO, "socket");
    }
    if (why.sys == EACCES || why.sys == EPERM)
        return err_set(e, ERR_UNREACHABLE, "this user may not use the socket %s", path);
    return err_set(e, ERR_UNREACHABLE, "nothing listens on the socket %s: is `sallyport serve` running?", path);
}

int client_sock_send(int fd, const void *p, size_t n, struct client_wait w, struct err *e)
{
    const char *s = p;
    while (n > 0) {
        ssize_t k = send(fd, s, n, MSG_NOSIGNAL);
        if (k >= 0) {
            s += k;
            n -= (size_t)k;
        } else if (errno == EAGAIN) {
            int r = wait_for(fd, POLLOUT, w, e);
            if (r < 0)
                return r;
        } else if (errno != EINTR) {
            return err_sys(e, ERR_UNREACHABLE, "the server closed the connection");
        }
    }
    return 0;
}

long client_sock_recv(int fd, void *p, size_t n, struct client_wait w, struct err *e)
{
    for (;;) {
        int r = wait_for(fd, POLLIN, w, e);
        if (r < 0)
            return r;
        ssize_t k = recv(fd, p, n, 0);
        if (k >= 0)
            return k;
        if (errno != EINTR && errno != EAGAIN)
            return err_sys(e, ERR_UNREACHABLE, "the connection to the server broke");
    }
}

bool client_sock_alive(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 0; /* readable between requests: an end, or bytes nobody asked for */
}
