/* kernel - tries at system calls: mounts, namespaces, modules, keys, clocks, other architectures, terminals. */
#include "attempts.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- mounts ---- */

void try_mounts(struct ctx *c)
{
    TRY(ROOT, mount("none", c->tmp, "tmpfs", 0, NULL), EPERM);
    TRY(ROOT, mount("/usr", c->tmp, NULL, MS_BIND, NULL), EPERM);
    TRY(ROOT, mount("none", c->tmp, "proc", 0, NULL), EPERM);
    TRY(ROOT, mount("none", c->tmp, "sysfs", 0, NULL), EPERM);
    TRY(NOT, mount("none", c->tmp, "devtmpfs", 0, NULL), EPERM);
    TRY(NOT, mount("none", c->tmp, "cgroup2", 0, NULL), EPERM);
    TRY(NOT, mount("none", c->tmp, "binfmt_misc", 0, NULL), EPERM);
    TRY(NOT, mount("none", c->tmp, "debugfs", 0, NULL), EPERM);
    TRY(NOT, mount("none", c->tmp, "overlay", 0, "lowerdir=/usr,upperdir=/tmp,workdir=/tmp"), EPERM);
    TRY(NOT, mount("none", c->tmp, "fuse", 0, "fd=0,rootmode=40000,user_id=0,group_id=0"), EPERM);
    TRY(NOT, mount("/dev/vda", c->tmp, "ext4", 0, NULL), EPERM);
    TRY(ROOT, umount2(c->tmp, MNT_DETACH), EPERM);
    TRY(NOT, umount2("/proc/kcore", MNT_DETACH), EPERM);
    TRY(NOT, umount2("/proc/sys", MNT_DETACH), EPERM);
    TRY(NOT, umount2("/workspace", MNT_DETACH | UMOUNT_NOFOLLOW), EPERM);
    TRY(NOT, mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL), EPERM);
    TRY(NOT, mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL), EPERM);
    TRY(NOT, mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL), EPERM);
    TRY(NOT, mount("/proc", "/tmp", NULL, MS_MOVE, NULL), EPERM);
}

void try_mount_propagation(struct ctx *c)
{
    static const unsigned long how[] = {MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE};
    for (size_t i = 0; i < N(how); i++) {
        TRY(ROOT, mount(NULL, "/", NULL, how[i], NULL), EPERM);
        TRY(NOT, mount(NULL, "/workspace", NULL, how[i] | MS_REC, NULL), EPERM);
    }
    /* no mount in here is a peer or a slave of one of the host's */
    char line[4096];
    int tied = 0;
    FILE *f = fopen("/proc/self/mountinfo", "re");
    while (f && fgets(line, sizeof(line), f))
        tied += strstr(line, " shared:") || strstr(line, " master:") || strstr(line, " propagate_from:");
    CHECK(NOT, f && tied == 0);
    if (f)
        fclose(f);
}

struct attr {
    uint64_t set, clr, prop, ns;
};

void try_new_mount_calls(struct ctx *c)
{
    struct attr rw = {.clr = 1 /* MOUNT_ATTR_RDONLY */};
    TRY(ROOT, syscall(SYS_fsopen, "tmpfs", 0), ENOSYS);
    TRY(ROOT, syscall(SYS_fsopen, "proc", 0), ENOSYS);
    TRY(ROOT, syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */), ENOSYS);
    TRY(ROOT, syscall(SYS_fspick, AT_FDCWD, "/", 0), ENOSYS);
    REACH(ANY, syscall(SYS_fsconfig, -1, 0, 0, 0, 0), ENOSYS);
    REACH(ANY, syscall(SYS_fsmount, -1, 0, 0), ENOSYS);
    REACH(ANY, syscall(SYS_move_mount, -1, "", -1, "", 0), ENOSYS);
    REACH(ANY, syscall(SYS_mount_setattr, -1, "", 0, &rw, sizeof(rw)), ENOSYS);
    TRY(NOT, syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &rw, sizeof(rw)), ENOSYS);
    TRY(NOT, syscall(SYS_mount_setattr, AT_FDCWD, "/usr", 0x8000 /* AT_RECURSIVE */, &rw, sizeof(rw)), ENOSYS);
    TRY(NOT, syscall(457 /* statmount */, 0, 0, 0, 0), ENOSYS);
    TRY(NOT, syscall(458 /* listmount */, 0, 0, 0, 0), ENOSYS);
    TRY(NOT, syscall(467 /* open_tree_attr */, AT_FDCWD, "/", 1, 0, 0), ENOSYS);
}

void try_change_root(struct ctx *c)
{
    TRY(NOT, syscall(SYS_pivot_root, ".", "."), EPERM);
    TRY(NOT, syscall(SYS_pivot_root, "/workspace", "/workspace"), EPERM);
    TRY(ROOT, chroot(c->ws), EPERM);
}

void try_quotas_and_swap(struct ctx *c)
{
    REACH(ANY, syscall(SYS_quotactl, -1, 0, 0, 0), ENOSYS);
    REACH(MAYBE, syscall(SYS_quotactl_fd, -1, 0, 0, 0), ENOSYS);
    REACH(ANY, syscall(SYS_swapon, "/nonexistent", -1), ENOSYS);
    REACH(ANY, syscall(SYS_swapoff, "/nonexistent"), ENOSYS);
    REACH(MAYBE, syscall(SYS_acct, "/nonexistent"), ENOSYS);
}

/* ---- namespaces ---- */

static int unshare_in_child(void *arg)
{
    return unshare(*(int *)arg) == 0 ? 0 : errno;
}

static int clone_in(int flag)
{
    long pid = syscall(SYS_clone, (long)flag | SIGCHLD, NULL, NULL, NULL, NULL);
    int sys = errno;
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid((pid_t)pid, NULL, 0);
    errno = sys;
    return pid < 0 ? -1 : 0;
}

static int clone3_in(int flag)
{
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } a = {.flags = (uint64_t)flag, .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &a, sizeof(a));
    int sys = errno;
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid((pid_t)pid, NULL, 0);
    errno = sys;
    return pid < 0 ? -1 : 0;
}

static int unshared(int flag)
{
    errno = in_child(unshare_in_child, &flag);
    return errno ? -1 : 0;
}

void try_new_namespaces(struct ctx *c)
{
    static const int f[] = {CLONE_NEWNS,
                            CLONE_NEWPID,
                            CLONE_NEWNET,
                            CLONE_NEWIPC,
                            CLONE_NEWUTS,
                            CLONE_NEWCGROUP,
                            CLONE_NEWUSER | CLONE_NEWNS,
                            CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET};
    for (size_t i = 0; i < N(f); i++) {
        TRY(ROOT, unshared(f[i]), EPERM, ENOSYS);
        TRY(ROOT, clone_in(f[i]), EPERM, ENOSYS);
        TRY(ROOT, clone3_in(f[i]), ENOSYS);
    }
    /* a user namespace is anybody's */
    TRY(ANY, unshared(CLONE_NEWUSER), EPERM);
    TRY(ANY, clone_in(CLONE_NEWUSER), EPERM);
    TRY(ANY, clone3_in(CLONE_NEWUSER), ENOSYS);
    TRY(NOT, unshared(0x80 /* CLONE_NEWTIME */), ENOSYS, EPERM);
    TRY(NOT, syscall(SYS_unshare, 0x100000000UL | CLONE_NEWUSER), EPERM, EINVAL);
    TRY(NOT, syscall(SYS_clone, 0x700000000UL | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0), EPERM, EINVAL);
}

/* Beside the filter, the sandbox's own user namespace may have none below it, and so no others either. */
void try_namespace_counters(struct ctx *c)
{
    char b[16] = "";
    int fd = open("/proc/sys/user/max_user_namespaces", O_RDONLY | O_CLOEXEC);
    CHECK(ANY, fd >= 0 && read(fd, b, sizeof(b) - 1) > 0 && atoi(b) == 0);
    TRY(MAYBE, open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC), EROFS, EACCES);
    TRY(NOT, open("/proc/sys/user/max_mnt_namespaces", O_WRONLY | O_CLOEXEC), EROFS, EACCES);
}

static int enter(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int r = setns(fd, 0), sys = errno;
    close(fd);
    errno = sys;
    return r;
}

void try_enter_namespaces(struct ctx *c)
{
    static const char *const ns[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"};
    char p[64];
    for (size_t i = 0; i < N(ns); i++) {
        TRY(NOT, enter(at("/proc/self/ns/", ns[i])), EPERM);
        TRY(NOT, enter(at("/proc/1/ns/", ns[i])), ENOENT);
    }
    snprintf(p, sizeof(p), "/proc/%d/ns/net", (int)c->canary);
    TRY(ROOT, enter(p), ENOENT);
    TRY(NOT, setns((int)syscall(SYS_pidfd_open, 1, 0), CLONE_NEWUSER | CLONE_NEWNS), EPERM);
    /* fds of namespaces by ioctl: NS_GET_USERNS, NS_GET_PARENT */
    int fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
    TRY(NOT, ioctl(fd, 0xb702), EPERM);
    fd = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    TRY(NOT, ioctl(fd, 0xb702), EPERM);
}

/* ---- calls that are refused whatever they are given ---- */

void try_modules(struct ctx *c)
{
    REACH(MAYBE, syscall(SYS_init_module, 0, 0, 0), ENOSYS);
    REACH(MAYBE, syscall(SYS_finit_module, -1, 0, 0), ENOSYS);
    REACH(MAYBE, syscall(SYS_delete_module, 0, 0), ENOSYS);
    REACH(MAYBE, syscall(SYS_kexec_load, -1, -1, -1, -1), ENOSYS);
    REACH(MAYBE, syscall(SYS_kexec_file_load, -1, -1, -1, -1, -1), ENOSYS);
    TRY(NOT, access("/lib/modules/../modules/x", F_OK), ENOENT);
}

void try_bpf_and_friends(struct ctx *c)
{
    struct perf_event_attr pe = {.type = PERF_TYPE_SOFTWARE,
                                 .size = sizeof(pe),
                                 .config = PERF_COUNT_SW_TASK_CLOCK,
                                 .exclude_kernel = 1,
                                 .exclude_hv = 1};
    char params[128] = {0};
    REACH(ANY, syscall(SYS_bpf, 0, 0, 0), ENOSYS);
    TRY(MAYBE, syscall(SYS_perf_event_open, &pe, 0, -1, -1, 0), ENOSYS);
    TRY(MAYBE, syscall(SYS_io_uring_setup, 4, params), ENOSYS);
    REACH(MAYBE, syscall(SYS_io_uring_enter, -1, 0, 0, 0, 0, 0), ENOSYS);
    REACH(MAYBE, syscall(SYS_io_uring_register, -1, 0, 0, 0), ENOSYS);
    TRY(MAYBE, syscall(SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY */), ENOSYS);
    TRY(MAYBE, syscall(SYS_fanotify_init, 0, 0), ENOSYS);
    REACH(ANY, syscall(SYS_move_pages, -1, 0, 0, 0, 0, 0), ENOSYS);
    TRY(MAYBE, syscall(447 /* memfd_secret */, 0), ENOSYS);
    REACH(MAYBE, syscall(SYS_lookup_dcookie, 0, 0, 0), ENOSYS);
    REACH(MAYBE, syscall(SYS_process_mrelease, -1, 0), ENOSYS);
}

/* Numbers from 450 on are of kernels that are newer than this filter. */
void try_unknown_calls(struct ctx *c)
{
    static const long fresh[] = {451, 452, 453, 459, 460, 461, 463, 464, 465, 466, 468, 469, 470, 480, 500, 1000, 2000};
    for (size_t i = 0; i < N(fresh); i++)
        TRY(NOT, syscall(fresh[i], -1, -1, -1, -1, -1, -1), ENOSYS);
    TRY(NOT, syscall(-1L), ENOSYS);
    TRY(NOT, syscall(0x7fffffffL), ENOSYS);
}

void try_keys(struct ctx *c)
{
    TRY(MAYBE, syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0), ENOSYS);
    TRY(MAYBE, syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "x"), ENOSYS);
    TRY(MAYBE, syscall(SYS_add_key, "user", "sallyport", "x", 1, KEY_SPEC_PROCESS_KEYRING), ENOSYS);
    REACH(MAYBE, syscall(SYS_request_key, "user", "sallyport-none", "", 0), ENOSYS);
}

void try_clocks(struct ctx *c)
{
    struct timespec bad = {.tv_nsec = -1};
    struct timeval badv = {.tv_usec = -1};
    struct timex ask = {0};
    REACH(ANY, syscall(SYS_clock_settime, CLOCK_REALTIME, &bad), EPERM);
    REACH(ANY, syscall(SYS_settimeofday, &badv, NULL), EPERM);
    TRY(ANY, syscall(SYS_adjtimex, &ask), EPERM);
    TRY(ANY, syscall(SYS_clock_adjtime, CLOCK_REALTIME, &ask), EPERM);
    struct timespec now = {0};
    if (clock_gettime(CLOCK_REALTIME, &now) < 0)
        broken(c, "clock_gettime");
    TRY(NOT, syscall(SYS_clock_settime, CLOCK_REALTIME, &now),
        EPERM); /* the very time it is: harmless, should it get through */
    TRY(NOT, open("/dev/rtc0", O_RDONLY | O_CLOEXEC), ENOENT);
}

void try_kernel_log(struct ctx *c)
{
    static char b[1 << 16];
    TRY(ROOT, syscall(SYS_syslog, 3 /* READ_ALL */, b, sizeof(b)), EPERM);
    TRY(ROOT, syscall(SYS_syslog, 10 /* SIZE_BUFFER */, NULL, 0), EPERM);
    TRY(NOT, syscall(SYS_syslog, 5 /* CLEAR */, NULL, 0), EPERM);
    TRY(MAYBE, open("/dev/kmsg", O_RDONLY | O_CLOEXEC), ENOENT);
}

void try_administration(struct ctx *c)
{
    REACH(NOT, syscall(SYS_reboot, 0, 0, 0, 0), EINVAL, EPERM);
    TRY(NOT, syscall(SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef /* CAD on: as it is */, 0), EPERM);
    TRY(ROOT, sethostname("x", 1), EPERM);
    TRY(ROOT, setdomainname("x", 1), EPERM);
    TRY(NOT, syscall(SYS_vhangup), EPERM);
    TRY(NOT, syscall(SYS_uselib, "/bin/sh"), ENOSYS);
    TRY(NOT, syscall(SYS_nfsservctl, 0, 0, 0), ENOSYS);
}

void try_low_level_cpu(struct ctx *c)
{
#ifdef __x86_64__
    char desc[16] = {0};
    TRY(MAYBE, syscall(SYS_iopl, 3), ENOSYS);
    TRY(MAYBE, syscall(SYS_ioperm, 0x80, 1, 1), ENOSYS);
    REACH(MAYBE, syscall(SYS_modify_ldt, 1, desc, sizeof(desc)), ENOSYS);
    TRY(NOT, syscall(SYS_modify_ldt, 0, desc, sizeof(desc)), ENOSYS);
#else
    (void)c;
#endif
}

void try_other_architectures(struct ctx *c)
{
#ifdef __x86_64__
    static const long x32[] = {SYS_getpid, SYS_unshare, SYS_mount, 520 /* execve */, 521 /* ptrace */, SYS_keyctl};
    for (size_t i = 0; i < N(x32); i++)
        TRY(NOT, syscall(0x40000000 + x32[i], 0, 0, 0, 0, 0), ENOSYS);
    if (c->outside)
        return;
    static const long i386[] = {20 /* getpid */,  21 /* mount */,       310 /* unshare */,
                                288 /* keyctl */, 102 /* socketcall */, 61 /* chroot */};
    for (size_t i = 0; i < N(i386); i++) {
        long r;
        __asm__ volatile("int $0x80"
                         : "=a"(r)
                         : "a"(i386[i]), "b"(0L), "c"(0L), "d"(0L)
                         : "memory", "r8", "r9", "r10", "r11");
        CHECK(NOT, (int)r == -ENOSYS);
    }
#else
    (void)c;
#endif
}

/* ---- terminals ---- */

void try_terminals(struct ctx *c)
{
    char x = 'x';
    int disc = 15 /* N_HDLC */;
    int m = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (m < 0)
        broken(c, "/dev/ptmx");
    REACH(MAYBE, ioctl(m, TIOCSTI, &x), EPERM);
    TRY(NOT, syscall(SYS_ioctl, m, 0xabc00000000UL | TIOCSTI, &x), EPERM); /* the kernel looks at the lower half only */
    REACH(NOT, ioctl(m, TIOCLINUX, &x), EPERM);
    TRY(NOT, syscall(SYS_ioctl, m, 0x100000000UL | TIOCLINUX, &x), EPERM);
    TRY(NOT, ioctl(m, TIOCSETD, &disc), EPERM);
    TRY(NOT, ioctl(m, TIOCCONS, 0), EPERM, EBUSY, EINVAL);
    TRY(NOT, open("/dev/tty", O_RDWR | O_CLOEXEC), ENXIO); /* none is ours */
    TRY(NOT, open("/dev/pts/1", O_RDWR | O_NOCTTY | O_CLOEXEC), ENOENT);
    TRY(NOT, open("/dev/console", O_RDWR | O_CLOEXEC), ENOENT);
    TRY(NOT, ioctl(0, TIOCSCTTY, 1), ENOTTY);
    TRY(NOT, ioctl(1, TIOCSTI, &x), EPERM);
    TRY(NOT, ioctl(1, TIOCGPGRP, &disc), ENOTTY);
}

static int steal_session(void *arg)
{
    struct ctx *c = arg;
    if (setsid() < 0)
        broken(c, "setsid");
    TRY(NOT, ioctl(0, TIOCSCTTY, 0), EPERM);
    TRY(NOT, ioctl(0, TIOCSCTTY, 1), EPERM);
    TRY(NOT, open("/dev/tty", O_RDWR | O_CLOEXEC), ENXIO);
    return c->worked || c->odd || c->broken ? 1 : 0;
}

/* The only step of the suite that has one. */
void try_own_terminal(struct ctx *c)
{
    char x = 'x';
    int disc = 15 /* N_HDLC */, on = 1, n = 0;
    if (c->outside)
        return;
    if (!isatty(0))
        broken(c, "no terminal");
    TRY(NOT, ioctl(0, TIOCSTI, &x), EPERM);
    TRY(NOT, syscall(SYS_ioctl, 0, 0xabc00000000UL | TIOCSTI, &x), EPERM);
    TRY(NOT, ioctl(0, TIOCLINUX, &x), EPERM);
    TRY(NOT, ioctl(0, TIOCSETD, &disc), EPERM);
    TRY(NOT, ioctl(0, TIOCCONS, 0), EPERM);
    TRY(NOT, ioctl(0, TIOCGPTPEER, O_RDWR), ENOTTY, EIO);
    TRY(NOT, ioctl(0, TIOCGPTN, &n), ENOTTY);
    TRY(NOT, ioctl(0, TIOCSPTLCK, &on), ENOTTY);
    TRY(NOT, ioctl(0, TIOCPKT, &on), ENOTTY);
    TRY(NOT, syscall(SYS_vhangup), EPERM);
    for (int fd = 0; fd < 1024; fd++) /* the master was left open nowhere */
        CHECK(NOT, ioctl(fd, TIOCGPTN, &n) < 0);
    int m = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (m < 0)
        broken(c, "/dev/ptmx");
    CHECK(NOT, ioctl(m, TIOCGPTN, &n) == 0 && n != 0); /* another one: not that of our terminal */
    TRY(NOT, open("/proc/1/fd/0", O_RDWR | O_CLOEXEC), ENOENT, EACCES, EPERM);
    static const char *const others[] = {"/dev/console", "/dev/tty0", "/dev/tty1",  "/dev/vcs",  "/dev/vcsa",
                                         "/dev/ttyS0",   "/dev/hvc0", "/dev/pts/2", "/dev/pts/7"};
    for (size_t i = 0; i < N(others); i++)
        TRY(NOT, open(others[i], O_RDWR | O_NOCTTY | O_CLOEXEC), ENOENT);
    CHECK(NOT, in_child(steal_session, c) == 0);
}

/* ---- what a process may change about itself ---- */

void try_personality(struct ctx *c)
{
    TRY(ANY, personality(READ_IMPLIES_EXEC), ENOSYS);
    TRY(ANY, personality(MMAP_PAGE_ZERO), ENOSYS);
    TRY(ANY, personality(ADDR_COMPAT_LAYOUT), ENOSYS);
    TRY(ANY, personality(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC), ENOSYS);
    TRY(ANY, personality(STICKY_TIMEOUTS), ENOSYS);
}

void try_low_memory(struct ctx *c)
{
    TRY(NOT,
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0,
        EPERM, EACCES);
    TRY(NOT, prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, 0, 0, 0), EPERM, EINVAL, EBADF);
    TRY(NOT, prctl(PR_SET_MM, PR_SET_MM_START_STACK, 0x1000, 0, 0), EPERM, EINVAL);
}

void try_loosen_itself(struct ctx *c)
{
    TRY(NOT, prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
    TRY(NOT, prctl(PR_SET_SECUREBITS, 0), EPERM);
    TRY(NOT, prctl(PR_SET_KEEPCAPS, 1), EPERM);
    TRY(NOT, prctl(PR_SET_SECCOMP, 0, 0), EINVAL);
    TRY(NOT, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0), EPERM);
    TRY(NOT, prctl(PR_SET_DUMPABLE, 2, 0, 0, 0), EINVAL);
    CHECK(ANY, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    CHECK(ANY, prctl(PR_GET_SECCOMP) == 2);
}

/* A landlock domain of one's own can only narrow. */
void try_widen_landlock(struct ctx *c)
{
    struct {
        uint64_t fs;
    } a = {1 << 1 /* WRITE_FILE */};
    struct {
        uint64_t access;
        int32_t fd;
    } __attribute__((packed)) p = {1 << 1, open("/", O_PATH | O_CLOEXEC)};
    int rs = (int)syscall(SYS_landlock_create_ruleset, &a, sizeof(a), 0);
    if (rs < 0 || c->outside)
        return;
    CHECK(NOT, syscall(SYS_landlock_add_rule, rs, 1, &p, 0) == 0 && syscall(SYS_landlock_restrict_self, rs, 0) == 0);
    TRY(NOT, open("/etc/passwd", O_WRONLY | O_CLOEXEC), EROFS, EACCES);
    TRY(NOT, open("/usr/x", O_WRONLY | O_CREAT | O_CLOEXEC, 0600), EROFS, EACCES);
}

void try_cgroups(struct ctx *c)
{
    TRY(ANY, open("/sys/fs/cgroup", O_RDONLY | O_CLOEXEC), ENOENT);
    TRY(MAYBE, open("/sys/fs/cgroup/release_agent", O_WRONLY | O_CLOEXEC), ENOENT);
    TRY(MAYBE, open("/sys/fs/cgroup/memory/cgroup.procs", O_WRONLY | O_CLOEXEC), ENOENT);
    TRY(MAYBE, open("/sys/fs/cgroup/cgroup.procs", O_WRONLY | O_CLOEXEC), ENOENT);
    TRY(NOT, mkdir("/sys/fs/cgroup", 0755), EROFS, ENOENT);
    TRY(NOT, mount("none", c->tmp, "cgroup", 0, "memory"), EPERM);
    TRY(NOT, access("/proc/self/root/sys/fs/cgroup/unified", F_OK), ENOENT);
}
