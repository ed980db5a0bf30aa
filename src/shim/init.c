/* init - pid 1 of a sandbox: builds the view, starts one step at a time, reaps everything.
 *
 * Why it exists: when pid 1 dies the kernel kills every process of its pid
 * namespace: one process whose end is the end of all of them.
 * May include: base os sandbox/spec.h.   Single-threaded; all-powerful in its own user namespace only.
 *
 *  gathering ─ INI_GO ─► building ─► INI_UP ─► idle ◄──────────────────────────────┐
 *                                             │ INI_STEP: overlay, child          │ INI_CLEAN
 *                                             ▼                                   │
 *                                          running ─ main reaped / INI_END ─► SIGKILL to all, reap all,
 *                                                     INI_DONE, unmount
 *
 * Facts: idle: no other process in the namespace but one that waits to become the next step and has given up every
 * privilege; /workspace shows no overlay. running: the main process is not reaped.
 * It ends when the host side does (PR_SET_PDEATHSIG, and end of file on the socket). */
#include "shim/cgroup.h"
#include "shim/shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <termios.h>
#include "base/buf.h"
#include "base/fault_board.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "shim/sys.h"

#define SAMPLE_MS 100 /* memory, where no cgroup limits it */
#define DISK_MS                                                                                                        \
    500 /* between walks when nothing calls for one; never more than a tenth of the time is spent on them              \
         */
#define DISK_DEPTH 200  /* folders held open at once; deeper ones wait in a list … */
#define DISK_DEEP  512  /* … of this many; more are taken for an attempt to hide what is in them */
#define DISK_RATE  4096 /* MiB in a second: faster than that no step writes */
#define DISK_TICK  10   /* ms; the shortest time between two looks at the free space */
#define DISK_AGAIN 50   /* ms, from a walk that did not come to its end to the next … */
#define DISK_BLIND 8    /* … of so many: a step has the walker's uid, and can hinder it */
#define AHEAD_MS   1    /* of quiet before the next step's process is made: after the last step none comes */
#define DISK_FULL  (64 * (int64_t)KIB) /* less room than that is none */

struct init {
    const struct init_in *in;
    bool soft_memory; /* no memory controller: we watch */
    struct rootfs fs;
    int sigfd;
    pid_t main; /* of the running step; 0 = idle */
    int err_fd; /* read end of what tells of a failed start; read when the process is reaped */
    int tty;    /* of the running step's terminal, the end it uses; -1: it has none */
    struct {
        pid_t pid; /* 0: none */
        int sock, err_fd;
        bool due;        /* to be made ahead of its time */
    } next;              /* the process of the step to come */
    struct ini_msg done; /* gathered while it runs */
    pid_t walker;        /* measures the layers; 0 = none */
    int blind;           /* walks in a row that did not come to their end */
    int64_t walk_began_us, walk_next_us, sample_next_us;
    int64_t *measured;                  /* by the walker, shared with it */
    int64_t used, free_then;            /* bytes of the layers at the last walk, and of the file system when it began */
    int64_t look_next_us, walk_soonest; /* at the free space; a walk because of it */
};

static _Noreturn void give_up(int sock, const struct err *e)
{
    struct ini_msg m = {.type = INI_FAIL, .code = e->code, .sys = e->sys};
    (void)!str_copy(m.text, sizeof(m.text), e->msg);
    (void)!ini_send(sock, &m, NULL, 0);
    _exit(1);
}

/* ---- building ---- */

/* Here and not by clone3(2): it is the dearest of the namespaces, and the host side goes on meanwhile. */
static int leave_network(struct err *e)
{
    if (unshare(CLONE_NEWNET) == 0)
        return 0;
    int sys = errno;
    const char *fix = userns_fix(sys);
    errno = sys;
    return err_sys(e, ERR_SANDBOX_UNAVAILABLE, "make a network namespace (fix: %s)", fix);
}

static int lo_up(struct err *e)
{
    AUTO(fd_close) int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    if (s < 0 || ioctl(s, SIOCSIFFLAGS, &r) < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "bring lo up");
    return 0;
}

/* The fds of INI_GO: the project first (root mode), then the doors of our groups. */
static int enter_groups(const int *fds, size_t n, struct err *e)
{
    int r = 0;
    for (size_t i = 0; i < n; i++) {
        if (r == 0)
            r = cgroup_enter(fds[i], e);
        close(fds[i]);
    }
    return r;
}

static int prepare(struct init *in, struct gather *g, const int *fds, size_t nfds, struct err *e)
{
    size_t skip = ids_map_project(in->in->spec, in->in->ids) ? 1 : 0;
    if (nfds < skip || nfds > skip + CGROUP_DOORS)
        return err_set(e, ERR_INTERNAL, "init was told to go on without its project");
    int r = enter_groups(fds + skip, nfds - skip, e);
    if (r == 0)
        r = rootfs_build(in->in, g, skip ? fds[0] : -1, &in->fs, e);
    if (r == 0)
        r = lo_up(e);
    if (r == 0)
        (void)!sethostname("sallyport", 9); /* a courtesy, no barrier: some service managers filter the call */
    /* After the change of id, which clears it: prctl(2). If the parent died before, the socket says so. */
    if (r == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        r = err_sys(e, ERR_SANDBOX_FAILED, "PR_SET_PDEATHSIG");
    if (r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        r = err_sys(e, ERR_SANDBOX_FAILED, "PR_SET_DUMPABLE");
    return r;
}

/* The fds this process got by the fork: the lock, the control socket, the log's folder. Only stdio and ours stay. */
static void close_others(const struct init_in *in)
{
    if (in->sock > 3)
        (void)syscall(SYS_close_range, 3u, (unsigned)in->sock - 1, 0u);
    (void)syscall(SYS_close_range, (unsigned)in->sock + 1, ~0u, 0u);
}

/* ---- a step begins ---- */

static void drop_next(struct init *in)
{
    in->next.pid = 0;
    fd_close(&in->next.sock);
    fd_close(&in->next.err_fd);
}

/* In the child: it keeps stdio and these two. init has few fds, so the numbers are free. */
static _Noreturn void wait_for_step(const struct init *in, int sock, int err_fd)
{
    enum { SOCK = 100, ERR };
    sigset_t none;
    sigemptyset(&none);
    if (dup3(sock, SOCK, O_CLOEXEC) < 0 || dup3(err_fd, ERR, O_CLOEXEC) < 0 ||
        syscall(SYS_close_range, 3u, SOCK - 1u, 0u) < 0 || syscall(SYS_close_range, ERR + 1u, ~0u, 0u) < 0)
        _exit(127);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    struct step_in si = {in->in->spec, in->in->ids, SOCK, ERR};
    step_main(&si);
}

/* The next step's process, ahead of its time: it drops every privilege while nobody waits for it. Where it cannot be
 * made, the step will say so. */
static void prepare_next(struct init *in)
{
    int sv[2], p[2];
    in->next.due = false;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
        return;
    if (pipe2(p, O_CLOEXEC) < 0) {
        close(sv[0]);
        close(sv[1]);
        return;
    }
    pid_t pid = fork();
    if (pid == 0)
        wait_for_step(in, sv[1], p[1]);
    close(sv[1]);
    close(p[1]);
    in->next.pid = pid > 0 ? pid : 0;
    in->next.sock = sv[0];
    in->next.err_fd = p[0];
    if (pid < 0)
        drop_next(in);
}

static int hand_over(struct init *in, const int fds[4])
{
    struct ini_msg m = {.type = INI_STEP};
    if (!in->next.pid)
        prepare_next(in);
    if (in->next.pid && ini_send(in->next.sock, &m, fds, 4) == 0)
        return 0;
    drop_next(in); /* killed meanwhile, for want of memory for instance */
    return -1;
}

static int start_next(struct init *in, const int fds[4], struct err *e)
{
    if (in->tty >= 0)
        drop_next(in); /* it goes: a terminal controls only what is made after it */
    if (hand_over(in, fds) < 0 && hand_over(in, fds) < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "start a process");
    in->main = in->next.pid;
    in->err_fd = in->next.err_fd;
    in->next.err_fd = -1;
    drop_next(in);
    return 0;
}

/* Init leads the terminal's session, not the step: when the leader of a session ends, the kernel hangs its terminal up,
 * and throws away what was written and not yet read (tty_vhangup_session). Init never ends before; it lets go when all
 * processes are gone. It ignores what a terminal sends, as pid 1 does.
 * The master leaves the sandbox at once: who holds it can type and read. */
static int make_terminal(struct init *in, struct err *e)
{
    struct ini_msg m = {.type = INI_TTY};
    struct termios t;
    int unlocked = 0;
    AUTO(fd_close) int master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    AUTO(fd_close) int tty = -1;
    if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) < 0 ||
        (tty = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "make a terminal");
    if (tcgetattr(tty, &t) < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "set the terminal up");
    t.c_iflag |= IUTF8;
    if (tcsetattr(tty, TCSANOW, &t) < 0 || ioctl(tty, TIOCSCTTY, 0) < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "set the terminal up");
    if (ini_send(in->in->sock, &m, &master, 1) < 0)
        _exit(1); /* the host side is gone */
    in->tty = tty;
    tty = -1;
    return 0;
}

static int start_with_terminal(struct init *in, int body_fd, struct err *e)
{
    int r = make_terminal(in, e);
    if (r < 0)
        return r;
    const int fds[4] = {body_fd, in->tty, in->tty, in->tty};
    r = start_next(in, fds, e);
    if (r < 0)
        fd_close(&in->tty);
    return r;
}

static int begin_body(struct init *in, const char *body, size_t n, const int *fds, size_t nfds, struct err *e)
{
    struct spw_step s;
    void *mem = NULL;
    int r = spw_step_decode(body, n, &s, &mem, e);
    if (r < 0)
        return r;
    r = nfds == (s.cols ? 1 : 4) ? rootfs_step_mount(in->in, &in->fs, &s, e)
                                 : err_set(e, ERR_INTERNAL, "a step came with the wrong ends");
    if (r == 0) {
        r = s.cols ? start_with_terminal(in, fds[0], e) : start_next(in, fds, e);
        if (r < 0)
            rootfs_step_umount();
    }
    free(mem);
    return r;
}

static void report(struct init *in, enum ini_type type)
{
    in->done.type = type;
    if (ini_send(in->in->sock, &in->done, NULL, 0) < 0)
        _exit(1); /* the host side is gone */
}

static void begin(struct init *in, const int *fds, size_t nfds)
{
    struct err e = ERR_INIT;
    char *body = NULL;
    size_t n = 0;
    in->done = (struct ini_msg){.status = -1};
    int r = nfds > 0 && !in->main ? step_read_body(fds[0], &body, &n, &e) : err_set(&e, ERR_INTERNAL, "init is busy");
    if (r == 0)
        r = begin_body(in, body, n, fds, nfds, &e);
    if (body)
        secure_wipe(body, n);
    free(body);
    in->sample_next_us = in->walk_next_us = 0;
    in->blind = 0;
    if (r < 0) {
        (void)!str_copy(in->done.text, sizeof(in->done.text), e.msg);
        report(in, INI_DONE);
        report(in, INI_CLEAN);
    }
}

/* ---- a step ends ---- */

static void count(struct init *in, const struct rusage *u)
{
    struct ini_msg *d = &in->done;
    d->cpu_us += (int64_t)u->ru_utime.tv_sec * SEC_US + u->ru_utime.tv_usec + (int64_t)u->ru_stime.tv_sec * SEC_US +
                 u->ru_stime.tv_usec;
    if ((int64_t)u->ru_maxrss * 1024 > d->max_rss_bytes)
        d->max_rss_bytes = (int64_t)u->ru_maxrss * 1024;
}

static void take_exec_error(struct init *in)
{
    struct step_fail f;
    if (in->err_fd < 0)
        return;
    if (read(in->err_fd, &f, sizeof(f)) == (ssize_t)sizeof(f)) {
        f.text[sizeof(f.text) - 1] = 0;
        snprintf(in->done.text, sizeof(in->done.text), "%s: %s", f.text, strerror(f.sys));
        in->done.status = -1;
    }
    fd_close(&in->err_fd);
}

enum walk { WALK_BELOW, WALK_OVER, WALK_BLIND }; /* how a walker exits */

/* A limit that cannot be looked at cannot be kept. */
static void walked_blindly(struct init *in)
{
    in->walk_next_us = in->walk_soonest = clock_mono_us() + DISK_AGAIN * MS_US;
    if (++in->blind < DISK_BLIND || !in->main)
        return;
    (void)!str_copy(in->done.text, sizeof(in->done.text),
                    "killed: its layers grew to a size nobody knows: measuring them failed again and again");
    in->done.disk = true;
    kill(-1, SIGKILL);
}

static void walked(struct init *in, int status)
{
    int64_t took = clock_mono_us() - in->walk_began_us;
    in->walker = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) > WALK_OVER) {
        walked_blindly(in);
        return;
    }
    in->blind = 0;
    in->used = *in->measured;
    in->walk_next_us = clock_mono_us() + (took * 10 > DISK_MS * MS_US ? took * 10 : DISK_MS * MS_US);
    in->walk_soonest = clock_mono_us() + took;
    if (WEXITSTATUS(status) == WALK_OVER) {
        in->done.disk = true;
        kill(-1, SIGKILL);
    }
}

static void reaped(struct init *in, pid_t pid, int status, const struct rusage *u)
{
    if (pid == in->walker) {
        walked(in, status);
        return;
    }
    if (pid == in->next.pid) {
        drop_next(in);
        return;
    }
    count(in, u);
    if (pid == in->main)
        in->done.status = status;
}

static bool disk_is_hard(const struct init *in)
{
    return in->in->spec->flags & SPW_DISK_HARD;
}

static bool at_quota(const struct init *, int64_t *ret_room);

/* Nothing a step started outlives it. */
static void end_step(struct init *in)
{
    struct rusage u;
    int status;
    int64_t room;
    in->main = 0; /* it is reaped */
    for (;;) {
        kill(-1, SIGKILL); /* all of this pid namespace but ourselves: kill(2) */
        pid_t pid = wait4(-1, &status, 0, &u);
        if (pid > 0)
            reaped(in, pid, status, &u);
        else if (errno == ECHILD)
            break;
    }
    take_exec_error(in);
    fd_close(&in->tty); /* the last: the master reads what is left, and its end */
    if (disk_is_hard(in) && !in->done.disk)
        in->done.disk = at_quota(in, &room);
    memory_clear();
    in->walker = 0;
    report(in, INI_DONE); /* the host side empties the pipes meanwhile */
    rootfs_step_umount();
    report(in, INI_CLEAN);
    in->next.due = true;
}

/* Ctrl-Z at the step itself: nobody could ever bring it back. The kernel ignores it for a process whose session has no
 * shell over it; here init leads the session, so this is ours to do. A plain SIGSTOP stays what it is. */
static void go_on(const struct init *in, pid_t pid, int sig)
{
    if (pid == in->main && (sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU))
        kill(-pid, SIGCONT);
}

static void on_children(struct init *in)
{
    struct signalfd_siginfo si;
    struct rusage u;
    int status;
    pid_t pid;
    bool main_gone = false;
    (void)!read(in->sigfd, &si, sizeof(si));
    while ((pid = wait4(-1, &status, WNOHANG | WUNTRACED, &u)) > 0) {
        if (WIFSTOPPED(status)) {
            if (pid == in->walker)
                kill(pid, SIGKILL); /* it would never end */
            else if (in->tty >= 0)
                go_on(in, pid, WSTOPSIG(status));
            continue;
        }
        main_gone |= pid == in->main;
        reaped(in, pid, status, &u);
    }
    if (main_gone)
        end_step(in);
}

/* ---- soft limits ---- */

/* The cheap sum counts pages shared after fork(2) twice; only when it is over, the dear one decides. */
static void sample_memory(struct init *in)
{
    int64_t max = in->in->spec->memory_bytes;
    if (memory_used(false) <= max || memory_used(true) <= max)
        return;
    in->done.soft_oom = true;
    kill(-1, SIGKILL);
}

struct measure {
    int64_t sum, max;
    int deep[DISK_DEEP];
    size_t ndeep;
    bool partly; /* for want of memory or descriptors something was not looked at */
};

/* Takes fd. Each name costs what its blocks take and its inode: empty files fill a disk too. */
static void measure_dir(struct measure *m, int fd, int depth)
{
    DIR *d = fdopendir(fd);
    if (!d) {
        m->partly = true;
        close(fd);
        return;
    }
    for (struct dirent *de; m->sum <= m->max && (de = readdir(d));) {
        struct stat st;
        if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0 ||
            fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        m->sum += spw_name_bytes((int64_t)st.st_blocks * 512);
        int sub =
            S_ISDIR(st.st_mode) ? openat(dirfd(d), de->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        m->partly |= S_ISDIR(st.st_mode) && sub < 0 && err_sys_ours(errno);
        if (sub >= 0 && depth < DISK_DEPTH) {
            measure_dir(m, sub, depth + 1);
        } else if (sub >= 0 && m->ndeep < DISK_DEEP) {
            m->deep[m->ndeep++] = sub;
        } else if (sub >= 0) {
            close(sub);
            m->sum = m->max + 1;
        }
    }
    closedir(d);
}

/* In the walker. What was seen decides when it is over already, even where not all was. */
static enum walk measure(int layers_fd, int64_t max, int64_t *ret)
{
    struct measure m = {.max = max};
    int fd = openat(layers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    m.partly = fd < 0;
    if (fd >= 0)
        measure_dir(&m, fd, 0);
    while (m.ndeep > 0)
        measure_dir(&m, m.deep[--m.ndeep], 0);
    int64_t unlinked = memory_unlinked();
    *ret = m.sum + (unlinked > 0 ? unlinked : 0);
    return *ret > max ? WALK_OVER : m.partly || unlinked < 0 ? WALK_BLIND : WALK_BELOW;
}

/* No write of a page, and no name, finds room any more. For a directory that hands down a project id statfs(2) speaks
 * of the project, where its limit is less than the disk. */
static bool at_quota(const struct init *in, int64_t *ret_room)
{
    struct statvfs v;
    int64_t max = in->in->spec->disk_bytes;
    if (fstatvfs(in->fs.layers_fd, &v) < 0 || (int64_t)v.f_blocks * (int64_t)v.f_frsize > max)
        return false;
    *ret_room = (int64_t)v.f_bfree * (int64_t)v.f_frsize;
    int64_t names = (int64_t)v.f_ffree * spw_name_bytes(0);
    if (names < *ret_room)
        *ret_room = names;
    return *ret_room < DISK_FULL;
}

static int64_t free_bytes(const struct init *in)
{
    struct statvfs v;
    return fstatvfs(in->fs.layers_fd, &v) == 0 ? (int64_t)v.f_bfree * (int64_t)v.f_frsize : 0;
}

/* In a process of its own: a step can make more files than anybody wants to wait for. */
static void start_walker(struct init *in)
{
    int64_t max = in->in->spec->disk_bytes;
    if (!in->measured) {
        void *p = mmap(NULL, sizeof(*in->measured), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) {
            in->walk_next_us = clock_mono_us() + DISK_MS * MS_US;
            return;
        }
        in->measured = p;
    }
    in->free_then = free_bytes(in);
    in->walk_began_us = clock_mono_us();
    in->walker = fork();
    if (in->walker == 0) {
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        _exit(measure(in->fs.layers_fd, max, in->measured));
    }
    if (in->walker < 0) { /* no memory for it just now */
        in->walker = 0;
        in->walk_next_us = in->walk_soonest = in->walk_began_us + DISK_TICK * MS_US;
    }
}

/* The more room is left, the rarer it is asked for. */
static int64_t look_wait_us(int64_t room)
{
    int64_t us = room / (DISK_RATE * (int64_t)MIB / SEC_US);
    if (us < DISK_TICK * MS_US)
        return DISK_TICK * MS_US;
    return us < DISK_MS * MS_US ? us : DISK_MS * MS_US;
}

/* The file system keeps the limit; we only remember that the step has met it. */
static int64_t look_at_quota(struct init *in, int64_t now)
{
    int64_t room = INT64_MAX;
    if (in->done.disk)
        return INT64_MAX;
    if (now >= in->look_next_us || !in->walk_next_us) {
        in->walk_next_us = now; /* the step has begun */
        in->done.disk = at_quota(in, &room);
        in->look_next_us = now + look_wait_us(room);
    }
    return in->look_next_us;
}

/* The free space of the file system tells, at the price of one call, how much the layers can have grown since the last
 * walk (unless somebody else made room meanwhile: the walks that come anyway find that). True: it may be over. */
static bool look_at_room(struct init *in, int64_t now)
{
    int64_t grown = in->free_then - free_bytes(in);
    int64_t room = in->in->spec->disk_bytes - in->used - (grown > 0 ? grown : 0);
    in->look_next_us = now + look_wait_us(room);
    return room < 0 && now >= in->walk_soonest;
}

/* The time of the next look or walk. */
static int64_t watch_disk(struct init *in, int64_t now)
{
    if (!in->walk_next_us) { /* the step begins */
        in->walk_next_us = now + DISK_MS * MS_US;
        in->free_then = free_bytes(in);
        in->look_next_us = now;
    }
    bool may_be_over = now >= in->look_next_us && look_at_room(in, now);
    if (may_be_over || now >= in->walk_next_us)
        start_walker(in);
    return in->look_next_us < in->walk_next_us ? in->look_next_us : in->walk_next_us;
}

/* Milliseconds until the next sample, -1 = never. */
static int soft_limits(struct init *in)
{
    int64_t now = clock_mono_us(), next = INT64_MAX;
    if (in->soft_memory && in->in->spec->memory_bytes) {
        if (now >= in->sample_next_us) {
            sample_memory(in);
            in->sample_next_us = now + SAMPLE_MS * MS_US;
        }
        next = in->sample_next_us;
    }
    if (disk_is_hard(in)) {
        int64_t at = look_at_quota(in, now);
        next = at < next ? at : next;
    } else if (in->in->spec->disk_bytes && !in->walker) {
        int64_t at = watch_disk(in, now);
        if (!in->walker && at < next)
            next = at;
    }
    if (next == INT64_MAX)
        return -1;
    return next > now ? (int)((next - now) / 1000) + 1 : 1; /* below 0 poll(2) would wait for ever */
}

/* ---- the loop ---- */

static void on_message(struct init *in)
{
    struct ini_msg m;
    int fds[8];
    size_t n = 0;
    int r = ini_recv(in->in->sock, &m, fds, ARRAY_LEN(fds), &n);
    if (r <= 0)
        _exit(0); /* the host side is gone: so is all of this */
    switch (m.type) {
    case INI_STEP:
        begin(in, fds, n);
        break;
    case INI_SIGNAL:
        if (in->main)
            kill(-in->main, m.num);
        break;
    case INI_END:
        if (in->main)
            kill(-1, SIGKILL);
        break;
    default:
        break;
    }
    for (size_t i = 0; i < n; i++)
        close(fds[i]);
}

static _Noreturn void loop(struct init *in)
{
    for (;;) {
        struct pollfd p[] = {{in->in->sock, POLLIN, 0}, {in->sigfd, POLLIN, 0}};
        int n = poll(p, ARRAY_LEN(p), in->main ? soft_limits(in) : in->next.due ? AHEAD_MS : -1);
        if (n < 0 && errno != EINTR)
            _exit(1);
        if (n == 0 && !in->main && in->next.due)
            prepare_next(in);
        if (p[1].revents)
            on_children(in);
        if (p[0].revents)
            on_message(in);
    }
}

static int open_signals(struct err *e)
{
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, SIGCHLD);
    sigprocmask(SIG_BLOCK, &s, NULL);
    int fd = signalfd(-1, &s, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? err_sys(e, ERR_SANDBOX_FAILED, "signalfd") : fd;
}

/* g NULL: gathering failed, which is said when the word to go on comes. */
static void await_go(const struct init_in *ii, struct gather *g, struct ini_msg *m, int *fds, size_t max, size_t *ret_n)
{
    for (;;) {
        if (ini_recv(ii->sock, m, fds, max, ret_n) != 1)
            _exit(1);
        if (m->type == INI_GO)
            return;
        if (m->type != INI_BIND || *ret_n != 1)
            _exit(1);
        if (g)
            rootfs_bind(ii, g, m->num, fds[0]);
        else
            close(fds[0]);
    }
}

_Noreturn void init_main(const struct init_in *ii)
{
    struct err e = ERR_INIT;
    struct init in = {.in = ii, .err_fd = -1, .tty = -1, .next = {.sock = -1, .err_fd = -1}};
    struct ini_msg m;
    FAULT_ROLE(init);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_NAME, "sallyport-init", 0, 0, 0);
    (void)!setsid(); /* to lead the sessions of terminals; every other step makes its own */
    close_others(ii);
    struct gather *g = NULL;
    int fds[8];
    size_t nfds = 0;
    in.sigfd = open_signals(&e);
    int r = in.sigfd < 0 ? in.sigfd : leave_network(&e);
    if (r == 0)
        r = rootfs_gather(ii, &g, &e);
    await_go(ii, g, &m, fds, ARRAY_LEN(fds), &nfds);
    in.soft_memory = m.soft;
    if (r < 0 || prepare(&in, g, fds, nfds, &e) < 0)
        give_up(ii->sock, &e);
    m = (struct ini_msg){.type = INI_UP};
    if (ini_send(ii->sock, &m, NULL, 0) < 0)
        _exit(1);
    prepare_next(&in);
    loop(&in);
}
