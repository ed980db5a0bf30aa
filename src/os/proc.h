/* proc - starting and watching processes by pidfd, passing fds, unix sockets.
 *
 * posix_spawn(3) and clone3(2) only: the server's heap is never copied.
 * Threads: any. */
#pragma once
#include <signal.h>
#include <sys/types.h>
#include "base/buf.h"
#include "base/err.h"

struct proc_spawn {
    const char *path;     /* absolute, or found in PATH when it has no '/' */
    char *const *argv;    /* NULL-terminated */
    char *const *envp;    /* NULL-terminated; NULL = empty environment */
    int in, out, err;     /* fds for 0 1 2; -1 = /dev/null */
    const int (*pass)[2]; /* more: {our fd, its number in the child}, numbers 3 to 255, at most 32 */
    size_t npass;
    bool new_session; /* setsid(2) in the child */
};
/* The child gets default signals, an empty mask, and no other fd. *ret_pidfd may be NULL. */
CHECKED int proc_start(const struct proc_spawn *, pid_t *ret_pid, int *ret_pidfd, struct err *);
/* Starts, feeds nothing, gathers stdout (bounded by out->max), waits at most timeout_ms, kills on timeout
 * (ERR_TIMEOUT). *ret_status is the wait(2) status. For trusted helper programs only. */
CHECKED int proc_run(const struct proc_spawn *, int timeout_ms, struct buf *out, int *ret_status, struct err *);
/* Which start of the machine this is (random(4)), without a newline; "" where the kernel does not tell. */
#define PROC_BOOT_ID 40
void proc_boot_id(char ret[PROC_BOOT_ID]);
int proc_pidfd_open(pid_t);              /* fd or -1 with errno */
int proc_pidfd_kill(int pidfd, int sig); /* 0 or -1 with errno */

/* Listener / connection; `type` is SOCK_STREAM or SOCK_SEQPACKET, SOCK_NONBLOCK may be added. Paths longer than
 * sun_path are opened through /proc/self/fd of their directory: dirfd + a short name. A name that exists is
 * ERR_CONFLICT (unlink a stale socket first); nothing there is ERR_NOT_FOUND; nobody listening, ERR_UNREACHABLE. */
CHECKED int unix_listen(int dirfd, const char *name, int type, mode_t mode, struct err *); /* fd or negative code */
CHECKED int unix_connect(int dirfd, const char *name, int type, struct err *);
/* One message of at least one byte with up to 8 fds. ERR_BUSY when the socket is non-blocking and full. */
CHECKED int unix_send(int fd, const void *p, size_t n, const int *fds, size_t nfds, struct err *);
/* Returns the length (0 = peer closed) or a negative code; fds beyond max are closed; CLOEXEC.
 * ERR_EMPTY when non-blocking and nothing is there; ERR_TOO_LARGE when a packet did not fit (it is gone then). */
CHECKED long unix_recv(int fd, void *p, size_t cap, int *fds, size_t max, size_t *ret_nfds, struct err *);
CHECKED int unix_peer(int fd, uid_t *ret_uid, pid_t *ret_pid, struct err *); /* SO_PEERCRED */
