/* nursery - see nursery.h. */
#include "shim/nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "base/str.h"
#include "os/proc.h"
#include "sandbox/spec.h"
#include "shim/sys.h"

#define NURSERY_FD 3
enum { CONN, SPEC, ERRORS, NFDS };

/* The numbers main.c expects. In this order no source is overwritten before it was used: all of them are above 3. */
static int take_places(const int fds[NFDS])
{
    if (dup2(fds[ERRORS], STDERR_FILENO) < 0 || dup2(fds[CONN], NURSERY_FD) < 0 || dup2(fds[SPEC], NURSERY_FD + 1) < 0)
        return -1;
    return (int)syscall(SYS_close_range, NURSERY_FD + 2u, ~0u, 0u);
}

static _Noreturn void be_shim(const struct nursery_in *in, const struct spw_msg *m, const int fds[NFDS])
{
    memset(in->title, 0, in->title_cap);
    (void)!str_copy(in->title, in->title_cap, m->text);
    signal(SIGCHLD, SIG_DFL); /* a shim waits for its init */
    if (take_places(fds) < 0 || setsid() < 0)
        _exit(1);
    _exit(in->shim());
}

static void tell(int conn, int pidfd)
{
    struct spw_msg m;
    spw_msg_init(&m, pidfd >= 0 ? SPW_BORN : SPW_FAIL);
    if (pidfd < 0) {
        m.arg[0] = ERR_SANDBOX_FAILED;
        m.arg[1] = errno;
        (void)!str_copy(m.text, sizeof(m.text), "start a shim: no process, or no memory, left");
    }
    (void)!unix_send(conn, &m, spw_msg_for(&m, 1), &pidfd, pidfd >= 0 ? 1 : 0, NULL);
}

static void bear(const struct nursery_in *in, const struct spw_msg *m, const int fds[NFDS])
{
    int pidfd = -1;
    struct clone_args a = {.flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&pidfd, .exit_signal = SIGCHLD};
    pid_t pid = sys_clone3(&a);
    if (pid == 0)
        be_shim(in, m, fds);
    tell(fds[CONN], pid < 0 ? -1 : pidfd);
    if (pid > 0)
        close(pidfd);
}

int nursery_main(const struct nursery_in *in)
{
    signal(SIGCHLD, SIG_IGN); /* the kernel reaps them: wait(2). The server watches each by its pidfd */
    for (;;) {
        struct spw_msg m;
        int fds[NFDS];
        size_t n = 0;
        long len = unix_recv(NURSERY_FD, &m, sizeof(m), fds, NFDS, &n, NULL);
        if (len == 0)
            return 0; /* the server is gone; its shims live on */
        bool ok = len > 0 && spw_msg_ok(&m, (size_t)len) && m.head.type == SPW_BEAR && n == NFDS;
        if (ok)
            bear(in, &m, fds);
        for (size_t i = 0; i < n; i++)
            close(fds[i]);
        if (!ok)
            return 1;
    }
}
