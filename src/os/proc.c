/* proc - children by posix_spawn(3), watched by pidfd. Unix sockets are usock.c.
 *
 * posix_spawn is clone(CLONE_VM | CLONE_VFORK) in glibc: the heap is not copied.
 * How a child gets exactly its fds, although the numbers it wants may be ones we
 * use: every source is first duplicated above all wanted numbers, so no dup2 in
 * the child can overwrite a source that is still needed. Then the gaps and
 * everything above are closed.
 * May include: base, os.  Threads: any. */
#include "os/proc.h"
#include "base/fault.h"
#include "os/clock.h"
#include "os/file.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FD_MAX   255 /* highest number a child may ask for */
#define PASS_MAX 32

struct plan {
    int from[3 + PASS_MAX], to[3 + PASS_MAX];
    size_t n;
    int top; /* highest wanted number */
    posix_spawn_file_actions_t acts;
    posix_spawnattr_t attr;
};

static void plan_fini(struct plan *p)
{
    for (size_t i = 0; i < p->n; i++)
        fd_close(&p->from[i]);
    posix_spawn_file_actions_destroy(&p->acts);
    posix_spawnattr_destroy(&p->attr);
}

/* Duplicates fd (or /dev/null) above every wanted number. */
static int plan_add(struct plan *p, int fd, int to, struct err *e)
{
    AUTO(fd_close) int null = -1;
    if (fd < 0)
        fd = null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, p->top + 1);
    if (high < 0)
        return err_sys(e, ERR_IO, "duplicate fd %d", fd);
    p->from[p->n] = high;
    p->to[p->n++] = to;
    return 0;
}

static bool wanted(const struct plan *p, int fd)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->to[i] == fd)
            return true;
    return false;
}

static int plan_fds(struct plan *p, const struct proc_spawn *s, struct err *e)
{
    const int std[3] = {s->in, s->out, s->err};
    p->top = 2;
    if (s->npass > PASS_MAX)
        return err_set(e, ERR_INVALID, "at most %d fds can be passed", PASS_MAX);
    for (size_t i = 0; i < s->npass; i++) {
        if (s->pass[i][1] < 3 || s->pass[i][1] > FD_MAX)
            return err_set(e, ERR_INVALID, "fd %d cannot be given to a child", s->pass[i][1]);
        if (s->pass[i][1] > p->top)
            p->top = s->pass[i][1];
    }
    int r = 0;
    for (int i = 0; i < 3 && r == 0; i++)
        r = plan_add(p, std[i], i, e);
    for (size_t i = 0; i < s->npass && r == 0; i++)
        r = s->pass[i][0] < 0 ? err_set(e, ERR_INVALID, "fd -1 cannot be passed")
                              : plan_add(p, s->pass[i][0], s->pass[i][1], e);
    return r;
}

/* These calls fail only for want of memory. */
static int plan_actions(struct plan *p)
{
    int bad = 0;
    for (size_t i = 0; i < p->n; i++)
        bad |= posix_spawn_file_actions_adddup2(&p->acts, p->from[i], p->to[i]);
    for (int fd = 3; fd < p->top; fd++)
        if (!wanted(p, fd))
            bad |= posix_spawn_file_actions_addclose(&p->acts, fd);
    return bad | posix_spawn_file_actions_addclosefrom_np(&p->acts, p->top + 1);
}

static int plan_attr(struct plan *p, bool new_session)
{
    sigset_t none, all;
    sigemptyset(&none);
    memset(&all, 0xff, sizeof all); /* sigfillset leaves out 32 and 33, which glibc then makes ignored in the child */
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (new_session ? POSIX_SPAWN_SETSID : 0);
    return posix_spawnattr_setsigmask(&p->attr, &none) | posix_spawnattr_setsigdefault(&p->attr, &all) |
           posix_spawnattr_setflags(&p->attr, (short)flags);
}

static int spawn(struct plan *p, const struct proc_spawn *s, pid_t *ret, struct err *e)
{
    static char *const no_env[] = {NULL};
    int r = plan_fds(p, s, e);
    if (r < 0)
        return r;
    if (plan_actions(p) || plan_attr(p, s->new_session))
        return err_oom(e);
    char *const *envp = s->envp ? s->envp : no_env;
    int code = FAULT(spawn)           ? EAGAIN
               : strchr(s->path, '/') ? posix_spawn(ret, s->path, &p->acts, &p->attr, s->argv, envp)
                                      : posix_spawnp(ret, s->path, &p->acts, &p->attr, s->argv, envp);
    errno = code;
    return code == 0 ? 0 : err_sys(e, code == ENOENT ? ERR_NOT_FOUND : ERR_IO, "start %s", s->path);
}

static int reap(pid_t pid, int *ret_status)
{
    pid_t r;
    while ((r = waitpid(pid, ret_status, 0)) < 0 && errno == EINTR)
        ;
    return r == pid ? 0 : -1;
}

int proc_start(const struct proc_spawn *s, pid_t *ret_pid, int *ret_pidfd, struct err *e)
{
    AUTO(plan_fini) struct plan p = {.n = 0};
    pid_t pid;
    if (posix_spawn_file_actions_init(&p.acts) || posix_spawnattr_init(&p.attr))
        return err_oom(e);
    int r = spawn(&p, s, &pid, e);
    if (r < 0)
        return r;
    /* Not reaped yet, so the number is still the child's, even if it ended already. */
    int pidfd = ret_pidfd ? proc_pidfd_open(pid) : -1;
    if (ret_pidfd && pidfd < 0) {
        int status;
        r = err_sys(e, ERR_IO, "pidfd_open");
        kill(pid, SIGKILL);
        reap(pid, &status);
        return r;
    }
    *ret_pid = pid;
    if (ret_pidfd)
        *ret_pidfd = pidfd;
    return 0;
}

/* Appends what is there now. 1 at end of file, 0 when there is no more for now. */
static int gather(int fd, struct buf *out, struct err *e)
{
    char chunk[16 * 1024];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : err_sys(e, ERR_IO, "read");
        if (n == 0)
            return 1;
        buf_add(out, chunk, (size_t)n);
        if (out->bad)
            return out->bad == -ERR_OOM ? err_oom(e)
                                        : err_set(e, -out->bad, "the output is larger than %zu bytes", out->max);
    }
}

/* Until the child is a zombie or something went wrong. Output that its own children write later is not waited for. */
static int watch(int pidfd, int pipe, int timeout_ms, struct buf *out, struct err *e)
{
    int64_t end = clock_mono_us() + timeout_ms * MS_US;
    struct pollfd p[2] = {{.fd = pidfd, .events = POLLIN}, {.fd = pipe, .events = POLLIN}};
    for (;;) {
        int64_t left = end - clock_mono_us();
        if (left <= 0)
            return err_set(e, ERR_TIMEOUT, "it did not end within %d ms", timeout_ms);
        int n = poll(p, 2, (int)((left + MS_US - 1) / MS_US));
        if (n < 0 && errno != EINTR)
            return err_sys(e, ERR_IO, "poll");
        if (n <= 0)
            continue;
        int r = p[1].revents || p[0].revents ? gather(pipe, out, e) : 0;
        if (r < 0 || p[0].revents)
            return r < 0 ? r : 0;
        if (r == 1)
            p[1].fd = -1;
    }
}

int proc_run(const struct proc_spawn *s, int timeout_ms, struct buf *out, int *ret_status, struct err *e)
{
    int ends[2], status;
    pid_t pid;
    AUTO(fd_close) int pidfd = -1;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_sys(e, ERR_IO, "pipe");
    AUTO(fd_close) int rd = ends[0];
    AUTO(fd_close) int wr = ends[1];
    struct proc_spawn with = *s;
    with.in = -1;
    with.out = wr;
    if (fcntl(rd, F_SETFL, O_NONBLOCK) < 0)
        return err_sys(e, ERR_IO, "fcntl");
    int r = proc_start(&with, &pid, &pidfd, e);
    if (r < 0)
        return r;
    fd_close(&wr);
    r = watch(pidfd, rd, timeout_ms, out, e);
    if (r < 0)
        kill(s->new_session ? -pid : pid, SIGKILL);
    if (reap(pid, &status) < 0)
        return err_sys(e, ERR_IO, "waitpid");
    if (r < 0)
        return err_wrap(e, r, "%s", s->path);
    *ret_status = status;
    return 0;
}

void proc_boot_id(char ret[PROC_BOOT_ID])
{
    AUTO(fd_close) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, ret, PROC_BOOT_ID - 1);
    ret[n > 0 ? n : 0] = '\0';
    ret[strcspn(ret, "\n")] = '\0';
}

int proc_pidfd_open(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

int proc_pidfd_kill(int pidfd, int sig)
{
    return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}
