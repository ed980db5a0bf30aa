/* usock - unix sockets by directory fd and short name, and messages with fds (unix(7), cmsg(3)).
 *
 * May include: base, os.  Threads: any.  Declared in proc.h. */
#include "os/proc.h"
#include "base/fault.h"
#include "os/file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SEND_FDS_MAX 8
#define SCM_FDS_MAX  253 /* SCM_MAX_FD of the kernel: no message has more */

/* Fills the address. sun_path has 108 bytes, paths have 4096: a long one is reached through its directory's fd
 * (in *ret_dir, to be kept open until the call is made). */
static int address(int dirfd, const char *name, struct sockaddr_un *ret, int *ret_dir, struct err *e)
{
    char parent[PATH_MAX];
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if ((dirfd == AT_FDCWD || *name == '/') && strlen(name) < sizeof ret->sun_path) {
        memcpy(ret->sun_path, name, strlen(name) + 1);
        return 0;
    }
    const char *slash = strrchr(name, '/');
    size_t n = slash ? (size_t)(slash - name) + 1 : 0;
    if (n >= sizeof parent)
        return err_set(e, ERR_INVALID, "the socket's path is too long");
    memcpy(parent, name, n);
    parent[n] = '\0';
    *ret_dir = openat(dirfd, n ? parent : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*ret_dir < 0)
        return err_sys(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "open the directory of %s", name);
    int len = snprintf(ret->sun_path, sizeof ret->sun_path, "/proc/self/fd/%d/%s", *ret_dir, name + n);
    if (len < 0 || (size_t)len >= sizeof ret->sun_path)
        return err_set(e, ERR_INVALID, "the socket's name is too long: %s", name + n);
    return 0;
}

int unix_listen(int dirfd, const char *name, int type, mode_t mode, struct err *e)
{
    struct sockaddr_un addr;
    AUTO(fd_close) int dir = -1;
    int r = address(dirfd, name, &addr, &dir, e);
    if (r < 0)
        return r;
    AUTO(fd_close) int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_sys(e, ERR_IO, "socket");
    /* The mode of the socket's inode becomes, less the umask, the mode of the file: never wider than asked, at no
     * moment. */
    if (fchmod(fd, mode) < 0)
        return err_sys(e, ERR_IO, "fchmod of a socket");
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0)
        return err_sys(e, errno == EADDRINUSE ? ERR_CONFLICT : ERR_IO, "bind %s", name);
    if (chmod(addr.sun_path, mode) < 0 || listen(fd, SOMAXCONN) < 0) {
        r = err_sys(e, ERR_IO, "listen on %s", name);
        unlink(addr.sun_path);
        return r;
    }
    int ret = fd;
    fd = -1;
    return ret;
}

int unix_connect(int dirfd, const char *name, int type, struct err *e)
{
    struct sockaddr_un addr;
    AUTO(fd_close) int dir = -1;
    int r = address(dirfd, name, &addr, &dir, e);
    if (r < 0)
        return r;
    AUTO(fd_close) int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_sys(e, ERR_IO, "socket");
    while ((r = connect(fd, (struct sockaddr *)&addr, sizeof addr)) < 0 && errno == EINTR)
        ;
    if (r < 0) {
        int code = errno == ENOENT ? ERR_NOT_FOUND : errno == ECONNREFUSED ? ERR_UNREACHABLE : ERR_IO;
        return err_sys(e, code, "connect to %s", name);
    }
    int ret = fd;
    fd = -1;
    return ret;
}

static ssize_t send_once(int fd, const struct msghdr *m)
{
    ssize_t n;
    if (FAULT(send)) {
        errno = EPIPE;
        return -1;
    }
    while ((n = sendmsg(fd, m, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    return n;
}

int unix_send(int fd, const void *p, size_t n, const int *fds, size_t nfds, struct err *e)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * SEND_FDS_MAX)] = {0};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    if (n == 0 || nfds > SEND_FDS_MAX)
        return err_set(e, ERR_INVALID, "a message has at least one byte and at most %d fds", SEND_FDS_MAX);
    if (nfds > 0) {
        m.msg_control = control;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        *c = (struct cmsghdr){CMSG_LEN(sizeof(int) * nfds), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
    }
    while (iov.iov_len > 0) {
        ssize_t k = send_once(fd, &m);
        if (k < 0)
            return err_sys(e, errno == EAGAIN ? ERR_BUSY : ERR_IO, "send");
        /* A stream socket may take a part; the fds went with its first byte. */
        iov.iov_base = (char *)iov.iov_base + k;
        iov.iov_len -= (size_t)k;
        m.msg_control = NULL;
        m.msg_controllen = 0;
    }
    return 0;
}

/* Collects the fds of a message; closes those beyond max. */
static size_t take_fds(struct msghdr *m, int *fds, size_t max)
{
    size_t got = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (got < max)
                fds[got++] = fd;
            else
                close(fd);
        }
    }
    return got;
}

long unix_recv(int fd, void *p, size_t cap, int *fds, size_t max, size_t *ret_nfds, struct err *e)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * SCM_FDS_MAX)];
    struct iovec iov = {.iov_base = p, .iov_len = cap};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n;
    while ((n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    if (n < 0 && errno != ECONNRESET)
        return err_sys(e, errno == EAGAIN ? ERR_EMPTY : ERR_IO, "receive");
    size_t got = n < 0 ? 0 : take_fds(&m, fds, max);
    if (n >= 0 && (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        for (size_t i = 0; i < got; i++)
            close(fds[i]);
        return err_set(e, ERR_TOO_LARGE, "a message of more than %zu bytes came", cap);
    }
    if (ret_nfds)
        *ret_nfds = got;
    return n < 0 ? 0 : (long)n;
}

int unix_peer(int fd, uid_t *ret_uid, pid_t *ret_pid, struct err *e)
{
    struct ucred c;
    socklen_t n = sizeof c;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) < 0)
        return err_sys(e, ERR_IO, "SO_PEERCRED");
    if (ret_uid)
        *ret_uid = c.uid;
    if (ret_pid)
        *ret_pid = c.pid;
    return 0;
}
