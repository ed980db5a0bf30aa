/* io - see io.h. On libuv (docs.libuv.org): a handle's memory is not reusable
 * before its close callback, so connections and listeners free themselves there.
 *
 * Reading uses one buffer for the whole loop: bytes are consumed before the
 * next callback, so an idle connection holds no buffer. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>
#include "base/str.h"
#include "net/io.h"
#include "net/mem.h"
#include "os/proc.h"

enum { READ_MAX = 64 * 1024, BACKLOG = 512, RETRY_MS = 50 };

/* The handle is first: a pointer to it is a pointer to ours. */
union io_handle {
    uv_handle_t any;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

struct io_conn {
    union io_handle h;
    struct io *io;
    void *user;
};

struct io_listener {
    union io_handle h;
    struct io *io;
    struct io_listener *next;
    int dirfd; /* unix: where the name is; else -1 */
    char *name;
};

struct io {
    uv_loop_t loop;
    uv_async_t async;
    uv_timer_t timer;
    int64_t armed; /* -1: not */
    bool starved;  /* there was no memory for a connection that waits in its listener */
    const struct io_ops *ops;
    void *arg;
    struct io_listener *listeners;
    char *rbuf;
};

struct io_write {
    uv_write_t req;
    struct buf a, b;
};

/* ---- the loop --------------------------------------------------------- */

static int uv_err(struct err *e, int code, int r, const char *what)
{
    return err_set(e, code, "%s: %s", what, uv_strerror(r));
}

static void accept_again(struct io *);

static void on_async(uv_async_t *a)
{
    struct io *io = a->data;
    io->ops->woken(io->arg);
}

static void on_timer(uv_timer_t *t)
{
    struct io *io = t->data;
    io->armed = -1;
    if (io->starved)
        accept_again(io);
    io->ops->timer(io->arg);
}

int io_new(const struct io_ops *ops, void *arg, struct io **ret, struct err *e)
{
    struct io *io = mem_new(1, sizeof *io);
    char *rbuf = mem_new(1, READ_MAX);
    if (!io || !rbuf) {
        free(io);
        free(rbuf);
        return err_oom(e);
    }
    int r = uv_loop_init(&io->loop);
    if (r < 0) {
        free(io);
        free(rbuf);
        return uv_err(e, ERR_IO, r, "event loop");
    }
    io->rbuf = rbuf;
    io->ops = ops;
    io->arg = arg;
    io->armed = -1;
    uv_timer_init(&io->loop, &io->timer);
    io->timer.data = io;
    io->async.data = io;
    r = uv_async_init(&io->loop, &io->async, on_async);
    if (r < 0) {
        io->async.data = NULL;
        io_free(io);
        return uv_err(e, ERR_IO, r, "event loop");
    }
    *ret = io;
    return 0;
}

void io_free(struct io *io)
{
    if (!io)
        return;
    io_stop_listening(io);
    io_end(io);
    uv_run(&io->loop, UV_RUN_DEFAULT);
    uv_loop_close(&io->loop);
    free(io->rbuf);
    free(io);
}

void io_run(struct io *io)
{
    uv_run(&io->loop, UV_RUN_DEFAULT);
}

void io_end(struct io *io)
{
    if (io->async.data && !uv_is_closing((uv_handle_t *)&io->async))
        uv_close((uv_handle_t *)&io->async, NULL);
    if (!uv_is_closing((uv_handle_t *)&io->timer))
        uv_close((uv_handle_t *)&io->timer, NULL);
}

void io_wake(struct io *io)
{
    uv_async_send(&io->async);
}

int64_t io_now(struct io *io)
{
    return (int64_t)uv_now(&io->loop);
}

void io_arm(struct io *io, int64_t at)
{
    if (uv_is_closing((uv_handle_t *)&io->timer))
        return;
    if (at < 0) {
        uv_timer_stop(&io->timer);
        io->armed = -1;
        return;
    }
    if (io->armed >= 0 && io->armed <= at)
        return;
    int64_t now = io_now(io);
    io->armed = at;
    uv_timer_start(&io->timer, on_timer, at > now ? (uint64_t)(at - now) : 0, 0);
}

/* ---- listeners ---------------------------------------------------------- */

static void on_listener_closed(uv_handle_t *h)
{
    free(h->data);
}

static void close_listener(struct io_listener *l)
{
    if (l->name)
        unlinkat(l->dirfd, l->name, 0);
    if (l->dirfd >= 0)
        close(l->dirfd);
    free(l->name);
    uv_close(&l->h.any, on_listener_closed);
}

void io_stop_listening(struct io *io)
{
    struct io_listener *l = io->listeners;
    io->listeners = NULL;
    while (l) {
        struct io_listener *next = l->next;
        close_listener(l);
        l = next;
    }
}

static void on_conn_closed(uv_handle_t *h)
{
    struct io_conn *c = h->data;
    if (c->user)
        c->io->ops->closed(c->user);
    free(c);
}

static void on_connection(uv_stream_t *s, int status)
{
    struct io_listener *l = s->data;
    struct io *io = l->io;
    if (status < 0)
        return;
    struct io_conn *c = mem_new(1, sizeof *c);
    if (!c) { /* libuv holds it, and listens no further before it is taken: try again soon */
        io->starved = true;
        io_arm(io, io_now(io) + RETRY_MS);
        return;
    }
    int r = l->h.any.type == UV_TCP ? uv_tcp_init(&io->loop, &c->h.tcp) : uv_pipe_init(&io->loop, &c->h.pipe, 0);
    if (r < 0) {
        free(c); /* does not happen: both only fail for bad arguments */
        return;
    }
    c->io = io;
    c->h.any.data = c;
    if (uv_accept(s, &c->h.stream) == 0) {
        if (c->h.any.type == UV_TCP)
            uv_tcp_nodelay(&c->h.tcp, 1);
        c->user = io->ops->accepted(io->arg, c);
    }
    if (!c->user)
        uv_close(&c->h.any, on_conn_closed);
}

/* Harmless for a listener with nothing in hand: uv_accept says so. */
static void accept_again(struct io *io)
{
    io->starved = false;
    for (struct io_listener *l = io->listeners; l; l = l->next)
        on_connection(&l->h.stream, 0);
}

static struct io_listener *new_listener(struct io *io)
{
    struct io_listener *l = mem_new(1, sizeof *l);
    if (l) {
        l->io = io;
        l->dirfd = -1;
    }
    return l;
}

static int start_listener(struct io_listener *l, struct err *e)
{
    int r = uv_listen(&l->h.stream, BACKLOG, on_connection);
    if (r < 0)
        return uv_err(e, r == UV_EADDRINUSE ? ERR_CONFLICT : ERR_IO, r, "listen");
    l->next = l->io->listeners;
    l->io->listeners = l;
    return 0;
}

static int parse_addr(const char *addr, int port, struct sockaddr_storage *ret, struct err *e)
{
    if (str_eq(addr, "localhost"))
        addr = "127.0.0.1";
    if (port < 0 || port > 65535)
        return err_set(e, ERR_CONFIG, "port %d is not between 0 and 65535", port);
    if (uv_ip4_addr(addr, port, (struct sockaddr_in *)ret) == 0 ||
        uv_ip6_addr(addr, port, (struct sockaddr_in6 *)ret) == 0)
        return 0;
    return err_set(e, ERR_CONFIG, "%s is not a numeric IPv4 or IPv6 address", addr);
}

int io_listen_tcp(struct io *io, const char *addr, int port, int *ret_port, struct err *e)
{
    struct sockaddr_storage sa = {0};
    int r = parse_addr(addr, port, &sa, e);
    if (r < 0)
        return r;
    struct io_listener *l = new_listener(io);
    if (!l)
        return err_oom(e);
    uv_tcp_init(&io->loop, &l->h.tcp);
    l->h.any.data = l;
    r = uv_tcp_bind(&l->h.tcp, (struct sockaddr *)&sa, 0);
    r = r < 0 ? uv_err(e, ERR_IO, r, "bind") : start_listener(l, e);
    if (r < 0) {
        close_listener(l);
        return err_wrap(e, r, "%s port %d", addr, port);
    }
    int len = sizeof sa;
    uv_tcp_getsockname(&l->h.tcp, (struct sockaddr *)&sa, &len);
    if (ret_port)
        *ret_port = ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port
                                                   : ((struct sockaddr_in *)&sa)->sin_port);
    return 0;
}

/* A socket file nobody listens on any more (its server was killed) is removed; true when the name is free now. */
static bool remove_stale(int dirfd, const char *name)
{
    struct stat st;
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    struct err e = ERR_INIT;
    int fd = unix_connect(dirfd, name, SOCK_STREAM, &e);
    if (fd >= 0)
        close(fd);
    return fd < 0 && e.sys == ECONNREFUSED && unlinkat(dirfd, name, 0) == 0;
}

int io_listen_unix(struct io *io, int dirfd, const char *name, mode_t mode, struct err *e)
{
    int fd = unix_listen(dirfd, name, SOCK_STREAM, mode, e);
    if (fd == -ERR_CONFLICT && remove_stale(dirfd, name))
        fd = unix_listen(dirfd, name, SOCK_STREAM, mode, e);
    if (fd < 0)
        return fd;
    struct io_listener *l = new_listener(io);
    if (!l) {
        close(fd);
        return err_oom(e);
    }
    uv_pipe_init(&io->loop, &l->h.pipe, 0);
    l->h.any.data = l;
    l->name = str_dup(name);
    l->dirfd = dirfd == AT_FDCWD ? open(".", O_PATH | O_DIRECTORY | O_CLOEXEC) : fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
    int r = uv_pipe_open(&l->h.pipe, fd);
    if (r < 0)
        close(fd);
    r = r < 0 ? uv_err(e, ERR_IO, r, "unix socket") : start_listener(l, e);
    if (r < 0)
        close_listener(l);
    return r;
}

/* ---- connections ---------------------------------------------------------- */

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *b)
{
    struct io_conn *c = h->data;
    *b = uv_buf_init(c->io->rbuf, READ_MAX);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct io_conn *c = s->data;
    if (n > 0)
        c->io->ops->read(c->user, b->base, (size_t)n);
    else if (n < 0)
        c->io->ops->read(c->user, NULL, 0);
}

void io_read(struct io_conn *c, bool on)
{
    if (uv_is_closing(&c->h.any))
        return;
    if (on)
        uv_read_start(&c->h.stream, on_alloc, on_read);
    else
        uv_read_stop(&c->h.stream);
}

/* The rest of a and b after `skip` bytes; how many pieces. */
static unsigned pieces(const struct buf *a, const struct buf *b, size_t skip, uv_buf_t v[2])
{
    unsigned n = 0;
    const struct buf *const all[] = {a, b};
    for (unsigned i = 0; i < 2; i++) {
        size_t s = skip < all[i]->len ? skip : all[i]->len;
        skip -= s;
        if (all[i]->len > s)
            v[n++] = uv_buf_init(all[i]->p + s, (unsigned)(all[i]->len - s));
    }
    return n;
}

static void on_written(uv_write_t *req, int status)
{
    struct io_write *w = req->data;
    struct io_conn *c = req->handle->data;
    buf_fini(&w->a);
    buf_fini(&w->b);
    free(w);
    if (uv_is_closing(&c->h.any))
        return;
    if (status < 0)
        c->io->ops->read(c->user, NULL, 0); /* broken: the same end as for reading */
    else if (c->h.stream.write_queue_size == 0)
        c->io->ops->sent(c->user);
}

static enum io_sent send_later(struct io_conn *c, struct buf *a, struct buf *b, size_t skip)
{
    struct io_write *w = mem_new(1, sizeof *w);
    if (!w)
        return IO_BROKEN;
    uv_buf_t v[2];
    unsigned n = pieces(a, b, skip, v);
    w->req.data = w;
    if (uv_write(&w->req, &c->h.stream, v, n, on_written) < 0) {
        free(w);
        return IO_BROKEN;
    }
    w->a = *a; /* the memory moves with it */
    w->b = *b;
    *a = *b = (struct buf){0};
    return IO_LATER;
}

/* How many bytes the kernel takes now; negative: the connection is broken. */
static ssize_t send_now(struct io_conn *c, const struct buf *a, const struct buf *b)
{
    uv_buf_t v[2];
    if (uv_is_closing(&c->h.any))
        return -1;
    int k = a->len + b->len ? uv_try_write(&c->h.stream, v, pieces(a, b, 0, v)) : 0;
    return k == UV_EAGAIN ? 0 : k;
}

/* Keeps a copy of what is behind `skip`, and no byte more. */
static enum io_sent send_rest(struct io_conn *c, const struct buf *a, const struct buf *b, size_t skip)
{
    uv_buf_t v[2];
    struct buf rest = BUF_INIT(a->len + b->len - skip), none = {0};
    unsigned n = pieces(a, b, skip, v);
    if (buf_reserve(&rest, rest.max) == 0)
        for (unsigned i = 0; i < n; i++)
            buf_add(&rest, v[i].base, v[i].len);
    enum io_sent r = rest.bad ? IO_BROKEN : send_later(c, &rest, &none, 0);
    buf_fini(&rest);
    return r;
}

/* What a slow client leaves may stay for long: the buffers themselves are kept only where that wastes little. */
enum io_sent io_send(struct io_conn *c, struct buf *a, struct buf *b)
{
    enum io_sent r = IO_BROKEN;
    ssize_t k = send_now(c, a, b);
    size_t all = a->len + b->len, rest = k > 0 ? all - (size_t)k : all;
    if (k >= 0 && rest == 0)
        r = IO_DONE;
    else if (k >= 0)
        r = a->cap + b->cap > rest + rest / 4 ? send_rest(c, a, b, (size_t)k) : send_later(c, a, b, (size_t)k);
    buf_fini(a);
    buf_fini(b);
    return r;
}

/* Of what a message to a thousand clients costs, most is the kernel's: send(2) does less than the write(2) of
 * uv_try_write, which is for files, too. */
enum io_sent io_send_copy(struct io_conn *c, const struct buf *b)
{
    uv_os_fd_t fd;
    ssize_t k = 0;
    if (uv_fileno(&c->h.any, &fd) < 0)
        return IO_BROKEN;
    if (io_unsent(c) == 0)
        k = send(fd, b->p, b->len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (k < 0 && errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
        return IO_BROKEN;
    k = k < 0 ? 0 : k;
    return (size_t)k == b->len ? IO_DONE : send_rest(c, b, &(struct buf){0}, (size_t)k);
}

void io_fetch(const struct io_conn *c)
{
    mem_fetch(c, sizeof *c);
}

size_t io_unsent(struct io_conn *c)
{
    return uv_stream_get_write_queue_size(&c->h.stream);
}

/* Only with nothing queued: shutdown(2) acts at once. */
void io_shutdown(struct io_conn *c)
{
    uv_os_fd_t fd;
    if (uv_fileno(&c->h.any, &fd) == 0)
        shutdown(fd, SHUT_WR);
}

void io_close(struct io_conn *c)
{
    if (!uv_is_closing(&c->h.any))
        uv_close(&c->h.any, on_conn_closed);
}

static void tcp_peer(struct io_conn *c, struct http_peer *ret)
{
    struct sockaddr_storage sa;
    int len = sizeof sa;
    char ip[INET6_ADDRSTRLEN] = "";
    if (uv_tcp_getpeername(&c->h.tcp, (struct sockaddr *)&sa, &len) < 0)
        return;
    if (sa.ss_family == AF_INET6) {
        const struct sockaddr_in6 *s6 = (const struct sockaddr_in6 *)&sa;
        uv_ip6_name(s6, ip, sizeof ip);
        snprintf(ret->addr, sizeof ret->addr, "[%s]:%u", ip, ntohs(s6->sin6_port));
    } else {
        const struct sockaddr_in *s4 = (const struct sockaddr_in *)&sa;
        uv_ip4_name(s4, ip, sizeof ip);
        snprintf(ret->addr, sizeof ret->addr, "%s:%u", ip, ntohs(s4->sin_port));
    }
}

/* Nobody is (uid_t)-1: what cannot be read must not count as root. */
void io_peer(struct io_conn *c, struct http_peer *ret)
{
    uv_os_fd_t fd;
    *ret = (struct http_peer){.uid = (uid_t)-1};
    if (c->h.any.type == UV_TCP) {
        tcp_peer(c, ret);
        return;
    }
    ret->unix_socket = true;
    struct err e;
    if (uv_fileno(&c->h.any, &fd) == 0 && unix_peer(fd, &ret->uid, &ret->pid, &e) < 0)
        ret->uid = (uid_t)-1;
}

void io_bound_unsent(struct io_conn *c, int bytes)
{
    uv_os_fd_t fd;
    if (c->h.any.type == UV_TCP && uv_fileno(&c->h.any, &fd) == 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}
