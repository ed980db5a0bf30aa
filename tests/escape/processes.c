/* processes - tries at init, at processes of the host, at more rights, and at living on after the step. */
#include "attempts.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/fsuid.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- other processes ---- */

static long reach_memory(pid_t pid, bool write)
{
    static char b[8];
    struct iovec l = {b, sizeof(b)}, r = {b, sizeof(b)};
    /* an address that any process may lack: EFAULT tells that we got that far */
    return write ? process_vm_writev(pid, &l, 1, &r, 1, 0) : process_vm_readv(pid, &l, 1, &r, 1, 0);
}

void try_trace_init(struct ctx *c)
{
    TRY(NOT, ptrace(PTRACE_ATTACH, 1, 0, 0), EPERM);
    TRY(NOT, ptrace(PTRACE_SEIZE, 1, 0, 0), EPERM);
    TRY(NOT, reach_memory(1, false), EPERM);
    TRY(NOT, reach_memory(1, true), EPERM);
    TRY(NOT, syscall(SYS_kcmp, 1, getpid(), KCMP_FILE, 0, 0), EPERM);
    TRY(NOT, syscall(SYS_process_madvise, syscall(SYS_pidfd_open, 1, 0), &(struct iovec){0}, 1, 20, 0), EPERM, EACCES);
    int fd = (int)syscall(SYS_pidfd_open, 1, 0);
    for (int i = 0; i < 32; i++)
        TRY(NOT, syscall(SYS_pidfd_getfd, fd, i, 0), EPERM);
    TRY(NOT, syscall(SYS_get_robust_list, 1, &(void *){0}, &(size_t){0}), EPERM);
    TRY(NOT, prlimit(1, RLIMIT_NOFILE, NULL, &(struct rlimit){0}), EPERM);
    TRY(NOT, prlimit(1, RLIMIT_NPROC, &(struct rlimit){9, 9}, NULL), EPERM);
    TRY(NOT, syscall(SYS_migrate_pages, 1, 0, 0, 0), ENOSYS);
}

void try_trace_the_host(struct ctx *c)
{
    TRY(NOT, ptrace(PTRACE_ATTACH, c->canary, 0, 0), ESRCH);
    TRY(ROOT, ptrace(PTRACE_SEIZE, c->canary, 0, 0), ESRCH);
    TRY(NOT, ptrace(PTRACE_DETACH, c->canary, 0, 0), ESRCH);
    REACH(ROOT, reach_memory(c->canary, false), ESRCH);
    REACH(NOT, reach_memory(c->canary, true), ESRCH);
    TRY(ANY, syscall(SYS_pidfd_open, c->canary, 0), ESRCH, EINVAL);
    REACH(ROOT, syscall(SYS_kcmp, c->canary, getpid(), KCMP_VM, 0, 0), ESRCH);
    TRY(ANY, prlimit(c->canary, RLIMIT_NOFILE, NULL, &(struct rlimit){0}), ESRCH);
    TRY(ANY, getpgid(c->canary), ESRCH);
    TRY(ANY, sched_getscheduler(c->canary), ESRCH);
    TRY(ANY, sched_setaffinity(c->canary, sizeof(cpu_set_t), &(cpu_set_t){.__bits = {1}}), ESRCH);
    TRY(ANY, getpriority(PRIO_PROCESS, (id_t)c->canary), ESRCH);
}

/* Signals to init are dropped by the kernel, or refused by landlock; the step must still end in good order. */
void try_signal_init(struct ctx *c)
{
    static const int sig[] = {SIGKILL, SIGSTOP, SIGTERM, SIGSEGV, SIGCHLD, SIGTSTP, SIGSYS};
    union sigval v = {0};
    if (c->outside)
        return;
    for (size_t i = 0; i < N(sig); i++) {
        (void)kill(1, sig[i]);
        (void)sigqueue(1, sig[i], v);
        (void)syscall(SYS_tgkill, 1, 1, sig[i]);
        (void)syscall(SYS_pidfd_send_signal, syscall(SYS_pidfd_open, 1, 0), sig[i], NULL, 0);
    }
    (void)kill(-1, SIGSTOP); /* all but init and this very process */
    siginfo_t si = {.si_code = SI_KERNEL, .si_signo = SIGKILL};
    TRY(NOT, syscall(SYS_rt_sigqueueinfo, 1, SIGKILL, &si), EPERM);
}

void try_signal_the_host(struct ctx *c)
{
    TRY(ANY, kill(c->canary, 0), ESRCH);
    TRY(NOT, kill(c->canary, SIGKILL), ESRCH);
    TRY(NOT, kill(-c->canary, SIGTERM), ESRCH);
    TRY(NOT, sigqueue(c->canary, SIGUSR1, (union sigval){0}), ESRCH);
    TRY(NOT, syscall(SYS_tkill, c->canary, SIGKILL), ESRCH);
    TRY(NOT, syscall(SYS_tgkill, c->canary, c->canary, SIGKILL), ESRCH);
    TRY(NOT, setpgid(0, c->canary), EPERM);
    int others = 0;
    for (pid_t p = 300; p < 33000 && !c->outside; p++)
        others += p != getpid() && p != getppid() && kill(p, 0) == 0;
    CHECK(NOT, others == 0);
}

void try_priorities(struct ctx *c)
{
    TRY(ROOT, setpriority(PRIO_PROCESS, 0, -5), EACCES);
    TRY(ROOT, sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){1}), EPERM);
    TRY(ROOT, sched_setscheduler(0, SCHED_RR, &(struct sched_param){1}), EPERM);
    TRY(NOT, syscall(SYS_ioprio_set, 1, 0, 1 << 13), EPERM);
    TRY(NOT, setpriority(PRIO_PROCESS, 1, 5), EPERM);
    TRY(NOT, setpriority(PRIO_USER, getuid(), 19), EPERM);
    TRY(NOT, setpriority(PRIO_USER, 0, 19), EPERM);
    TRY(NOT, syscall(SYS_ioprio_set, 3, 0, (3 << 13) | 7), EPERM);
    TRY(NOT, syscall(SYS_ioprio_set, 1, 1, (3 << 13) | 7), EPERM);
    TRY(NOT, sched_setscheduler(1, SCHED_IDLE, &(struct sched_param){0}), EPERM);
    TRY(NOT, syscall(SYS_setpriority, PRIO_PROCESS, 0x100000001, 19), EPERM);
    TRY(NOT, sched_setaffinity(1, sizeof(cpu_set_t), &(cpu_set_t){.__bits = {1}}), EPERM);
    CHECK(NOT, setpriority(PRIO_PROCESS, 0, 10) < 0 || getpriority(PRIO_PROCESS, 0) >= 10);
}

void try_raise_limits(struct ctx *c)
{
    static const struct {
        int what;
        rlim_t most;
    } l[] = {{RLIMIT_NPROC, 65},        {RLIMIT_NOFILE, 65536},    {RLIMIT_CORE, 1},
             {RLIMIT_FSIZE, 128 << 20}, {RLIMIT_NICE, 0},          {RLIMIT_RTPRIO, 0},
             {RLIMIT_SIGPENDING, 4096}, {RLIMIT_MSGQUEUE, 819200}, {RLIMIT_MEMLOCK, 8 << 20}};
    for (size_t i = 0; i < N(l) && !c->outside; i++) {
        struct rlimit r, more;
        getrlimit((__rlimit_resource_t)l[i].what, &r);
        CHECK(NOT, r.rlim_max <= l[i].most);
        more = (struct rlimit){r.rlim_max + 1, r.rlim_max + 1};
        TRY(NOT, setrlimit((__rlimit_resource_t)l[i].what, &more), EPERM);
        more = (struct rlimit){r.rlim_cur, RLIM_INFINITY};
        TRY(NOT, prlimit(0, (__rlimit_resource_t)l[i].what, &more, NULL), EPERM);
    }
}

/* ---- more rights ---- */

void try_other_ids(struct ctx *c)
{
    TRY(ROOT, setuid(0), EPERM, EINVAL);
    TRY(ROOT, setresuid(0, 0, 0), EPERM, EINVAL);
    TRY(ROOT, seteuid(0), EPERM, EINVAL);
    TRY(ROOT, setreuid(0, 0), EPERM, EINVAL);
    TRY(ROOT, setgid(0), EPERM, EINVAL);
    TRY(ROOT, setresgid(0, 0, 0), EPERM, EINVAL);
    TRY(ROOT, setgroups(1, &(gid_t){0}), EPERM);
    TRY(ROOT, setgroups(0, NULL), EPERM);
    TRY(NOT, setuid(getuid() + 1), EPERM, EINVAL);
    TRY(NOT, setuid(1), EPERM, EINVAL);
    TRY(NOT, setresuid((uid_t)-1, 4242, (uid_t)-1), EPERM, EINVAL);
    (void)setfsuid(0);
    CHECK(NOT, setfsuid((uid_t)-1) == (int)getuid());
    uid_t r, e, s;
    CHECK(NOT, getresuid(&r, &e, &s) == 0 && r == e && e == s && r != 0);
}

void try_capabilities(struct ctx *c)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}}, seen[2] = {0};
    syscall(SYS_capget, &h, seen);
    CHECK(ROOT, (seen[0].permitted | seen[1].permitted | seen[0].effective | seen[0].inheritable) == 0);
    int bounding = 0;
    for (int i = 0; i <= 40; i++)
        bounding += prctl(PR_CAPBSET_READ, i) == 1;
    CHECK(ROOT, bounding == 0);
    TRY(NOT, syscall(SYS_capset, &h, d), EPERM);
    h.pid = 1;
    TRY(NOT, syscall(SYS_capset, &h, d), EPERM);
    d[0] = (struct __user_cap_data_struct){1u << CAP_NET_RAW, 1u << CAP_NET_RAW, 0};
    d[1] = (struct __user_cap_data_struct){0};
    h.pid = 0;
    TRY(NOT, syscall(SYS_capset, &h, d), EPERM);
}

static int status_of(const char *key)
{
    char line[256];
    int v = -1;
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, key, strlen(key)) == 0)
            v = (int)strtol(line + strlen(key) + 1, NULL, 16);
    }
    if (f)
        fclose(f);
    return v;
}

/* What an executed program must still be: run by the tries below, and by setuid programs. */
void try_still_confined(struct ctx *c)
{
    CHECK(ANY, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    CHECK(ANY, status_of("Seccomp:") == 2);
    CHECK(ROOT, status_of("CapPrm:") == 0 && status_of("CapEff:") == 0 && status_of("CapBnd:") == 0);
    CHECK(ROOT, getuid() != 0 && geteuid() == getuid() && getgid() != 0 && getegid() == getgid());
    TRY(ROOT, unshare(CLONE_NEWNS), EPERM);
    TRY(ANY, open(at(c->base, "/bait"), O_RDONLY | O_CLOEXEC), ENOENT);
}

static int run_confined(const struct ctx *c, int fd, const char *path)
{
    char port[16] = "0", canary[16];
    snprintf(canary, sizeof(canary), "%d", (int)c->canary);
    char *const argv[] = {(char *)"attempts",
                          (char *)"still_confined",
                          (char *)"inside",
                          (char *)c->base,
                          (char *)c->abstract,
                          port,
                          port,
                          port,
                          canary,
                          NULL};
    char *const env[] = {NULL};
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        if (path)
            execve(path, argv, env);
        else
            fexecve(fd, argv, env);
        _exit(98);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int copy_to(int out, const char *from)
{
    static char b[1 << 16];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    ssize_t n;
    while (in >= 0 && (n = read(in, b, sizeof(b))) > 0) {
        if (write(out, b, (size_t)n) != n)
            return -1;
    }
    close(in);
    return in < 0 ? -1 : 0;
}

/* Allowed by design: programs from memory, from /tmp, by fd. They gain nothing by it. */
void try_programs_from_memory(struct ctx *c)
{
    int fd = (int)syscall(SYS_memfd_create, "x", 0);
    if (copy_to(fd, "/proc/self/exe") < 0)
        broken(c, "copy");
    CHECK(ANY, run_confined(c, fd, NULL) == 0);
    const char *p = at(c->tmp, "/program");
    int out = open(p, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    if (copy_to(out, "/proc/self/exe") < 0 || close(out) < 0)
        broken(c, "copy");
    CHECK(ANY, run_confined(c, -1, p) == 0);
    /* a setuid copy of one's own */ CHECK(NOT, chmod(p, 06755) == 0 && run_confined(c, -1, p) == 0);
    int by_fd = open(p, O_RDONLY | O_CLOEXEC);
    CHECK(ANY, run_confined(c, by_fd, NULL) == 0);
}

/* Programs the host marked: mode 6755, and in root's case with every file capability. */
void try_setuid_programs(struct ctx *c)
{
    static const char *const of_the_host[] = {"/usr/bin/su",    "/usr/bin/sudo",   "/usr/bin/newuidmap",
                                              "/usr/bin/mount", "/usr/bin/passwd", "/usr/bin/chsh",
                                              "/usr/bin/pkexec"};
    if (c->outside)
        return;
    CHECK(NOT, run_confined(c, -1, "/workspace/suid") == 0);
    CHECK(NOT, access("/workspace/capable", F_OK) < 0 || run_confined(c, -1, "/workspace/capable") == 0);
    CHECK(NOT, run_confined(c, -1, at(c->base, "/bound/suid")) == 0);
    for (size_t i = 0; i < N(of_the_host); i++) {
        struct stat st;
        if (stat(of_the_host[i], &st) < 0)
            continue;
        int status = 0;
        pid_t pid = fork();
        if (pid == 0) { /* whatever it does with no arguments and no input, it does as us */
            int null = open("/dev/null", O_RDWR);
            dup2(null, 0);
            dup2(null, 1);
            dup2(null, 2);
            execl(of_the_host[i], of_the_host[i], "-c", "exit 77", "root", (char *)NULL);
            _exit(0);
        }
        waitpid(pid, &status, 0);
        CHECK(NOT, !WIFEXITED(status) || WEXITSTATUS(status) != 77);
    }
}

/* ---- debugging, which is allowed among the step's own processes ---- */

static int traced_child(void)
{
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    return syscall(SYS_getppid) == 123456 ? 1 : 7;
}

/* It must work, and fast: a debugger that hangs would hold a step until its time is over. */
void try_trace_a_child(struct ctx *c)
{
    int st = 0;
    if (c->outside)
        return;
    pid_t pid = fork();
    if (pid == 0)
        _exit(traced_child());
    alarm(5);
    waitpid(pid, &st, 0);
    CHECK(NOT, WIFSTOPPED(st));
    CHECK(NOT,
          ptrace(PTRACE_CONT, pid, 0, 0) == 0 && waitpid(pid, &st, 0) == pid && WIFEXITED(st) && WEXITSTATUS(st) == 7);
    pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    CHECK(NOT, ptrace(PTRACE_ATTACH, pid, 0, 0) == 0 && waitpid(pid, &st, 0) == pid && WIFSTOPPED(st));
    CHECK(NOT, ptrace(PTRACE_DETACH, pid, 0, 0) == 0 && kill(pid, SIGKILL) == 0 && waitpid(pid, &st, 0) == pid);
}

#ifdef __x86_64__
/* Before Linux 4.8 a tracer could exchange the call after the filter had looked at it. */
static long swapped(long nr, long arg)
{
    int st;
    struct user_regs_struct regs;
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        _exit(syscall(SYS_getpgid, arg) < 0 ? errno : 0);
    }
    waitpid(pid, &st, 0);
    for (int i = 0; i < 64 && WIFSTOPPED(st); i++) {
        ptrace(PTRACE_SYSCALL, pid, 0, 0);
        waitpid(pid, &st, 0);
        if (!WIFSTOPPED(st) || ptrace(PTRACE_GETREGS, pid, 0, &regs) < 0)
            continue;
        if (regs.orig_rax == SYS_getpgid && regs.rax == (unsigned long)-ENOSYS) {
            regs.orig_rax = (unsigned long)nr;
            ptrace(PTRACE_SETREGS, pid, 0, &regs);
        }
    }
    errno = WIFEXITED(st) ? WEXITSTATUS(st) : EINTR;
    return errno ? -1 : 0;
}
#endif

void try_swap_a_traced_call(struct ctx *c)
{
    alarm(5);
#ifdef __x86_64__
    TRY(ANY, swapped(SYS_unshare, CLONE_NEWUSER), EPERM);
    TRY(NOT, swapped(SYS_keyctl, 0), ENOSYS);
    TRY(NOT, swapped(SYS_userfaultfd, 1), ENOSYS);
    TRY(NOT, swapped(0x40000000 + SYS_getpid, 0), ENOSYS);
#else
    (void)c;
#endif
}

/* ---- what is shared between processes ---- */

void try_shared_memory(struct ctx *c)
{
    TRY(ANY, shmget(c->key, 1, 0), ENOENT);
    TRY(ANY, semget(c->key, 0, 0), ENOENT);
    TRY(ANY, msgget(c->key, 0), ENOENT);
    TRY(ANY, syscall(SYS_mq_open, c->abstract, O_RDONLY, 0, NULL), ENOENT);
    TRY(ANY, open(at("/dev/shm/", c->abstract), O_RDONLY | O_CLOEXEC), ENOENT);
    for (int id = 0; id < 64; id++)
        TRY(NOT, shmat(id, NULL, SHM_RDONLY) == (void *)-1 ? -1 : 0, EINVAL, EIDRM);
}

void try_leave_ipc(struct ctx *c)
{
    if (c->outside)
        return;
    CHECK(NOT, shmget(c->key + 1, 4096, IPC_CREAT | 0600) >= 0);
    CHECK(NOT, semget(c->key + 1, 1, IPC_CREAT | 0600) >= 0);
    CHECK(NOT, msgget(c->key + 1, IPC_CREAT | 0600) >= 0);
}

/* The step before made them. */
void try_find_left_ipc(struct ctx *c)
{
    TRY(NOT, shmget(c->key + 1, 1, 0), ENOENT);
    TRY(NOT, semget(c->key + 1, 0, 0), ENOENT);
    TRY(NOT, msgget(c->key + 1, 0), ENOENT);
}

void try_environment(struct ctx *c)
{
    static const char *const fine[] = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "LANG", "TERM"};
    extern char **environ;
    int odd = 0;
    CHECK(ANY, getenv("SALLYPORT_BAIT") == NULL); /* the suite has it in its own environment */
    CHECK(NOT, getenv("SALLYPORT_SHIM") == NULL);
    for (char **e = environ; *e; e++) {
        bool known = strncmp(*e, "GIT_CONFIG_", 11) == 0 || strncmp(*e, "PWD=", 4) == 0;
        for (size_t i = 0; i < N(fine); i++)
            known |= strncmp(*e, fine[i], strlen(fine[i])) == 0 && (*e)[strlen(fine[i])] == '=';
        odd += !known;
    }
    CHECK(NOT, odd == 0);
}

static _Noreturn void dump(void)
{
    signal(SIGABRT, SIG_DFL);
    (void)!chdir("/workspace");
    abort();
}

void try_core_dumps(struct ctx *c)
{
    int status = 0;
    if (c->outside)
        return;
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){1, 1});
    pid_t pid = fork();
    if (pid == 0)
        dump();
    waitpid(pid, &status, 0);
    CHECK(NOT, WIFSIGNALED(status) && !WCOREDUMP(status));
    TRY(NOT, access("/workspace/core", F_OK), ENOENT);
    TRY(NOT, setrlimit(RLIMIT_CORE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}), EPERM);
}

/* ---- living on ---- */

static void live_on(const struct ctx *c)
{
    char p[512];
    for (int s = 1; s < 32; s++)
        signal(s, SIG_IGN);
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    snprintf(p, sizeof(p), "%.400s/survivor.%d", c->ws, (int)getpid());
    close(open(p, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    for (int i = 0; i < 100; i++) /* ten seconds: outside the test ends it long before */
        usleep(100000);
    _exit(0);
}

/* Exits at once and leaves these behind; the test looks for them afterwards. Outside the first one is enough. */
void try_survivors(struct ctx *c)
{
    if (fork() == 0) { /* a daemon: two forks, own session, deaf */
        setsid();
        if (fork() == 0)
            live_on(c);
        _exit(0);
    }
    CHECK(ANY, c->outside ? false : true);
    if (c->outside) {
        usleep(20000);
        return;
    }
    if (fork() == 0)
        live_on(c);
    if (syscall(SYS_clone, (long)CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) == 0) /* a child of init */
        live_on(c);
    if (syscall(SYS_clone, 0L /* no signal to the parent */, 0, 0, 0, 0) == 0)
        live_on(c);
    pid_t stopped = fork();
    if (stopped == 0)
        live_on(c);
    kill(stopped, SIGSTOP);
    pid_t traced = fork();
    if (traced == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        live_on(c);
    }
    if (fork() == 0) { /* reborn whenever it is killed */
        for (;;) {
            pid_t p = fork();
            if (p == 0)
                live_on(c);
            if (p > 0)
                waitpid(p, NULL, 0);
        }
    }
    usleep(10000);
}

static void *thread(void *arg)
{
    live_on(arg);
    return NULL;
}

/* The main thread leaves first; the process stays a zombie with a living thread. */
void try_leaderless_process(struct ctx *c)
{
    pthread_t t;
    CHECK(NOT, true);
    if (c->outside)
        return;
    if (fork() == 0) {
        if (pthread_create(&t, NULL, thread, c) == 0)
            syscall(SYS_exit, 0);
        _exit(0);
    }
    usleep(5000);
}
