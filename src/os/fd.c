/* fd - whole reads and writes, whatever the kernel splits or a non-blocking fd puts off.
 *
 * May include: base.  Threads: any.  Declared in file.h. */
#include "os/file.h"
#include "base/fault.h"
#include <errno.h>
#include <poll.h>
#include <unistd.h>

void fd_close(int *fd)
{
    int keep = errno;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = keep;
}

/* After a failed call: true when it is to be made again (waits when the fd is non-blocking). */
static bool again(int fd, short events)
{
    if (errno == EINTR)
        return true;
    if (errno != EAGAIN)
        return false;
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

static ssize_t read_some(int fd, void *p, size_t n, off_t at)
{
    if (FAULT(read)) {
        errno = EIO;
        return -1;
    }
    return at < 0 ? read(fd, p, n) : pread(fd, p, n, at);
}

/* *ret_n is less than n at the end of the file. */
static int read_most(int fd, char *to, size_t n, off_t at, size_t *ret_n, struct err *e)
{
    size_t got = 0;
    while (got < n) {
        ssize_t k = read_some(fd, to + got, n - got, at < 0 ? at : at + (off_t)got);
        if (k < 0 && again(fd, POLLIN))
            continue;
        if (k < 0)
            return err_sys(e, ERR_IO, "read");
        if (k == 0)
            break;
        got += (size_t)k;
    }
    *ret_n = got;
    return 0;
}

static int read_full(int fd, void *p, size_t n, off_t at, struct err *e)
{
    size_t got;
    int r = read_most(fd, p, n, at, &got, e);
    if (r == 0 && got < n)
        return err_set(e, ERR_IO, "read: the end of the file came %zu bytes too early", n - got);
    return r;
}

int fd_read_full(int fd, void *p, size_t n, struct err *e)
{
    return read_full(fd, p, n, -1, e);
}

int fd_pread_full(int fd, void *p, size_t n, off_t at, struct err *e)
{
    if (at < 0)
        return err_set(e, ERR_INVALID, "read: a negative offset");
    return read_full(fd, p, n, at, e);
}

int fd_pread_most(int fd, void *p, size_t n, off_t at, size_t *ret_n, struct err *e)
{
    if (at < 0)
        return err_set(e, ERR_INVALID, "read: a negative offset");
    return read_most(fd, p, n, at, ret_n, e);
}

int fd_write_full(int fd, const void *p, size_t n, struct err *e)
{
    const char *from = p;
    while (n > 0) {
        ssize_t k = FAULT(write) ? (errno = ENOSPC, -1) : write(fd, from, n);
        if (k < 0 && again(fd, POLLOUT))
            continue;
        if (k < 0)
            return err_sys(e, ERR_IO, "write");
        from += k;
        n -= (size_t)k;
    }
    return 0;
}

#define CHUNK ((size_t)64 * 1024)

int fd_read_all(int fd, struct buf *out, struct err *e)
{
    for (;;) {
        char probe;
        size_t room = out->max - out->len;
        size_t want = room < CHUNK ? room : CHUNK;
        int r = buf_reserve(out, want);
        if (r < 0)
            return err_set(e, -r, NULL);
        ssize_t k = want ? read_some(fd, out->p + out->len, want, -1) : read_some(fd, &probe, 1, -1);
        if (k < 0 && again(fd, POLLIN))
            continue;
        if (k < 0)
            return err_sys(e, ERR_IO, "read");
        if (k == 0)
            return 0;
        if (want == 0)
            return err_set(e, ERR_TOO_LARGE, "more than %zu bytes to read", out->max);
        out->len += (size_t)k;
        out->p[out->len] = '\0';
    }
}
