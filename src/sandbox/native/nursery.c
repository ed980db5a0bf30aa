/* nursery - the server's end of the process that copies itself into shims (shim/nursery.h).
 *
 * May include: base os sandbox/.
 * Threads: any; one at a time asks. Started at the first sandbox, and again whenever it is found dead. */
#include "sandbox/native/native.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/str.h"
#include "os/file.h"
#include "os/proc.h"

#define END_MS 1000
/* Room in the arguments for a run's id: what ps(1) shows of a copy. */
#define PADDING "                                                                "

struct sandbox_nursery {
    pthread_mutex_t lock;
    int sock, pidfd; /* -1: not running */
    pid_t pid;
};

int sandbox_nursery_new(struct sandbox_nursery **ret, struct err *e)
{
    struct sandbox_nursery *n = calloc(1, sizeof(*n));
    if (!n)
        return err_oom(e);
    pthread_mutex_init(&n->lock, NULL);
    n->sock = n->pidfd = -1;
    *ret = n;
    return 0;
}

/* The end of its socket ends it. */
static void stop(struct sandbox_nursery *n)
{
    siginfo_t si;
    fd_close(&n->sock);
    if (n->pidfd < 0)
        return;
    struct pollfd p = {n->pidfd, POLLIN, 0};
    if (poll(&p, 1, END_MS) <= 0)
        (void)proc_pidfd_kill(n->pidfd, SIGKILL);
    while (waitid(P_PIDFD, (id_t)n->pidfd, &si, WEXITED) < 0 && errno == EINTR)
        ;
    fd_close(&n->pidfd);
}

void sandbox_nursery_free(struct sandbox_nursery *n)
{
    if (!n)
        return;
    stop(n);
    pthread_mutex_destroy(&n->lock);
    free(n);
}

static int start(struct sandbox_nursery *n, struct err *e)
{
    char *path = NULL;
    int sv[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "socketpair");
    int r = native_shim_path(&path, e);
    char *const argv[] = {(char *)"sallyport-shim", (char *)"--nursery", (char *)PADDING, NULL};
    const int pass[][2] = {{sv[1], 3}};
    struct native_env env;
    struct proc_spawn ps = {.path = path,
                            .argv = argv,
                            .envp = native_shim_env(&env),
                            .in = -1,
                            .out = -1,
                            .err = -1,
                            .pass = pass,
                            .npass = 1,
                            .new_session = true};
    if (r == 0)
        r = proc_start(&ps, &n->pid, &n->pidfd, e);
    free(path);
    close(sv[1]);
    if (r < 0)
        close(sv[0]);
    else
        n->sock = sv[0];
    return r;
}

static int ask(struct sandbox_nursery *n, struct spw_msg *m, const int fds[3], struct err *e)
{
    int r = n->sock < 0 ? start(n, e) : 0;
    if (r == 0)
        r = unix_send(n->sock, m, spw_msg_for(m, 1), fds, 3, e);
    if (r < 0)
        stop(n);
    return r;
}

int native_nursery_bear(struct sandbox_nursery *n, const char *run_id, const int fds[3], struct err *e)
{
    struct spw_msg m;
    spw_msg_init(&m, SPW_BEAR);
    if (!str_copy(m.text, sizeof(m.text), run_id))
        return err_set(e, ERR_INVALID, "the run's id is too long");
    pthread_mutex_lock(&n->lock);
    int r = ask(n, &m, fds, NULL);
    if (r < 0)
        r = ask(n, &m, fds, e); /* it was dead: a new one */
    pthread_mutex_unlock(&n->lock);
    return r < 0 ? err_wrap(e, r, "ask for a shim") : 0;
}

pid_t sandbox_nursery_pid(struct sandbox_nursery *n)
{
    pthread_mutex_lock(&n->lock);
    pid_t pid = n->pidfd < 0 ? -1 : n->pid;
    pthread_mutex_unlock(&n->lock);
    return pid;
}
