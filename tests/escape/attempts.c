/* attempts - small tries to get out of a sandbox, or at what is not the step's. Runs inside, as the step.
 *
 *   attempts NAME BASE PORT ABSTRACT KEY
 *
 * BASE: a directory of the host with bait in it. Each try returns NULL when it was denied, or says what worked.
 * Exit code 0: denied. 1: it worked, printed. Everything else is a broken test. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct ctx {
    const char *base, *abstract;
    int port;
    key_t key;
};

#define N(a) (sizeof(a) / sizeof((a)[0]))

static char worked[2048];

static const char *did(const char *what, const char *more)
{
    snprintf(worked, sizeof(worked), "%s %s", what, more);
    return worked;
}

static const char *try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        return NULL;
    close(fd);
    return did(flags & (O_WRONLY | O_RDWR) ? "opened for writing" : "opened", path);
}

static const char *try_read(const char *path)
{
    char b[16];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, b, sizeof(b));
    if (fd >= 0)
        close(fd);
    return n > 0 ? did("read", path) : NULL;
}

/* ---- files ---- */

static const char *write_by_path(const struct ctx *c)
{
    char p[512];
    snprintf(p, sizeof(p), "%s/bait", c->base);
    return try_open(p, O_WRONLY);
}

static const char *write_by_symlink(const struct ctx *c)
{
    (void)c;
    char p[512];
    const char *w = try_open("/workspace/link", O_WRONLY); /* made on the host, leads to the bait */
    if (w)
        return w;
    snprintf(p, sizeof(p), "%s/bait", c->base);
    if (symlink(p, "/workspace/own-link") < 0)
        return NULL;
    return try_open("/workspace/own-link", O_WRONLY);
}

static const char *write_by_dotdot(const struct ctx *c)
{
    char p[1024];
    snprintf(p, sizeof(p), "/tmp/../../../../../..%s/bait", c->base);
    const char *w = try_open(p, O_RDONLY);
    return w ? w : try_open("/workspace/../bait", O_RDONLY);
}

static const char *proc_root(const struct ctx *c)
{
    static const char *const via[] = {"/proc/1/root",      "/proc/1/cwd",  "/proc/self/root",
                                      "/proc/self/cwd/..", "/proc/2/root", "/proc/thread-self/root"};
    char p[1024];
    for (size_t i = 0; i < N(via); i++) {
        snprintf(p, sizeof(p), "%s%s/bait", via[i], c->base);
        const char *w = try_open(p, O_RDONLY);
        if (w)
            return w;
    }
    return try_open("/proc/1/exe", O_RDONLY);
}

static const char *proc_fds(const struct ctx *c)
{
    (void)c;
    DIR *d = opendir("/proc");
    for (struct dirent *de; d && (de = readdir(d));) {
        char p[300];
        if (de->d_name[0] < '1' || de->d_name[0] > '9' || atoi(de->d_name) == getpid() || atoi(de->d_name) == getppid())
            continue;
        snprintf(p, sizeof(p), "/proc/%s/fd", de->d_name);
        if (access(p, R_OK) == 0 && try_open(p, O_RDONLY | O_DIRECTORY))
            return did("listed", p);
    }
    return try_open("/proc/1/fd", O_RDONLY | O_DIRECTORY);
}

static const char *leaked_fds(const struct ctx *c)
{
    (void)c;
    char p[64], to[256];
    for (int fd = 3; fd < 4096; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            continue;
        snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(p, to, sizeof(to) - 1);
        to[n > 0 ? n : 0] = 0;
        return did("inherited an fd:", to);
    }
    return NULL;
}

static const char *read_secrets(const struct ctx *c)
{
    static const char *const paths[] = {
        "/etc/shadow",   "/etc/gshadow",      "/etc/ssh/ssh_host_rsa_key", "/etc/sudoers",      "/etc/ssl/private",
        "/root/.bashrc", "/root/.ssh/id_rsa", "/var/lib/dpkg/status",      "/var/log/dpkg.log", "/boot",
        "/home/user",    "/run/systemd"};
    char p[512];
    for (size_t i = 0; i < N(paths); i++) {
        if (access(paths[i], F_OK) == 0)
            return did("found", paths[i]);
    }
    snprintf(p, sizeof(p), "%s/run/shim/pid", c->base);
    const char *w = try_read(p);
    snprintf(p, sizeof(p), "%s/other/layers/0.1/upper/bait", c->base);
    return w ? w : try_read(p);
}

static const char *other_layers(const struct ctx *c)
{
    (void)c;
    /* /workspace is the top of a stack of mounts; what is under it must stay covered */
    static const char *const p[] = {"/workspace/0.1", "/workspace/0.1/upper", "/workspace/../workspace/0.1", "/layers"};
    for (size_t i = 0; i < N(p); i++) {
        if (access(p[i], F_OK) == 0)
            return did("reached", p[i]);
    }
    int fd = (int)syscall(SYS_open_tree, AT_FDCWD, "/workspace", 1 /* OPEN_TREE_CLONE */);
    if (fd >= 0)
        return "open_tree";
    return umount2("/workspace", MNT_DETACH) == 0 ? "unmounted /workspace" : NULL;
}

static const char *write_read_only(const struct ctx *c)
{
    (void)c;
    static const char *const paths[] = {"/usr/bin/x", "/usr/lib/x", "/bin/x", "/etc/passwd", "/etc/ld.so.preload",
                                        "/x",         "/shared/x",  "/sys/x", "/root/x",     "/run/x",
                                        "/dev/x",     "/var/x"};
    for (size_t i = 0; i < N(paths); i++) {
        const char *w = try_open(paths[i], O_WRONLY | O_CREAT);
        if (w)
            return w;
    }
    if (chmod("/usr/bin/env", 0777) == 0)
        return "chmod in /usr";
    return link("/etc/passwd", "/workspace/p") == 0 ? "hard link out of /etc" : NULL;
}

static const char *kernel_files(const struct ctx *c)
{
    (void)c;
    static const char *const r[] = {"/proc/kcore",    "/proc/kmsg",      "/proc/keys",        "/proc/timer_list",
                                    "/proc/kallsyms", "/proc/slabinfo",  "/proc/sched_debug", "/proc/vmallocinfo",
                                    "/proc/iomem",    "/proc/config.gz", "/proc/interrupts",  "/sys/kernel/notes"};
    static const char *const w[] = {"/proc/sysrq-trigger",           "/proc/sys/kernel/core_pattern",
                                    "/proc/sys/kernel/hostname",     "/proc/sys/vm/drop_caches",
                                    "/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/randomize_va_space",
                                    "/proc/irq/default_smp_affinity"};
    for (size_t i = 0; i < N(r); i++) {
        const char *did_it = try_read(r[i]);
        if (did_it)
            return did_it;
    }
    for (size_t i = 0; i < N(w); i++) {
        const char *did_it = try_open(w[i], O_WRONLY);
        if (did_it)
            return did_it;
    }
    return NULL;
}

static const char *write_word(const char *path, const char *word)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : write(fd, word, strlen(word));
    if (fd >= 0)
        close(fd);
    return n > 0 ? did("wrote", path) : NULL;
}

static const char *own_proc_files(const struct ctx *c)
{
    (void)c;
    const char *w = write_word("/proc/self/uid_map", "0 0 1");
    if (!w)
        w = write_word("/proc/self/gid_map", "0 0 1");
    if (!w)
        w = write_word("/proc/self/oom_score_adj", "-1000");
    return w;
}

static const char *devices(const struct ctx *c)
{
    (void)c;
    static const char *const dev[] = {"/dev/mem",  "/dev/kmem", "/dev/kmsg", "/dev/vda",          "/dev/sda",
                                      "/dev/port", "/dev/fuse", "/dev/kvm",  "/dev/loop-control", "/dev/net/tun"};
    for (size_t i = 0; i < N(dev); i++) {
        const char *w = try_open(dev[i], O_RDONLY);
        if (w)
            return w;
    }
    if (mknod("/workspace/mem", S_IFCHR | 0666, makedev(1, 1)) == 0)
        return "made a character device";
    if (mknod("/tmp/disk", S_IFBLK | 0666, makedev(254, 0)) == 0)
        return "made a block device";
    if (mknodat(AT_FDCWD, "/dev/shm/null", S_IFCHR | 0666, makedev(1, 3)) == 0)
        return "made a device in /dev/shm";
    return NULL;
}

/* ---- sockets ---- */

static int connect_unix(const char *path, size_t len)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(a.sun_path, path, len);
    int r = connect(s, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(s);
    return r;
}

static const char *unix_sockets(const struct ctx *c)
{
    char p[108];
    snprintf(p, sizeof(p), "%s/sock", c->base);
    if (connect_unix(p, strlen(p) + 1) == 0)
        return "connected to a socket of the host by path";
    /* The same kind of socket lies in the project: it is seen, but an overlay does not connect. */
    if (access("/workspace/sock", F_OK) == 0 && connect_unix("/workspace/sock", sizeof("/workspace/sock")) == 0)
        return "connected to a socket in the project";
    if (access("/opt/bound/sock", F_OK) == 0)
        return "there is an /opt/bound";
    snprintf(p, sizeof(p), "%s/bound/sock", c->base);
    if (connect_unix(p, strlen(p) + 1) == 0)
        return "connected to a socket in a read-only bind";
    return NULL;
}

static const char *abstract_sockets(const struct ctx *c)
{
    char p[108] = {0};
    size_t n = strlen(c->abstract);
    memcpy(p + 1, c->abstract, n);
    return connect_unix(p, n + 1) == 0 ? "connected to an abstract socket of the host" : NULL;
}

static const char *network(const struct ctx *c)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->port)};
    static const char *const to[] = {"127.0.0.1", "8.8.8.8", "169.254.169.254", "10.0.0.1"};
    for (size_t i = 0; i < N(to); i++) {
        inet_pton(AF_INET, to[i], &a.sin_addr);
        int t = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), u = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (connect(t, (struct sockaddr *)&a, sizeof(a)) == 0)
            return did("connected to", to[i]);
        if (i > 0 && sendto(u, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)) == 1)
            return did("sent to", to[i]);
        close(t);
        close(u);
    }
    return NULL;
}

static const char *odd_sockets(const struct ctx *c)
{
    (void)c;
    static const struct {
        int family, type, proto;
        const char *name;
    } s[] = {{17, SOCK_RAW, 0, "AF_PACKET"},   {40, SOCK_STREAM, 0, "AF_VSOCK"},  {38, SOCK_SEQPACKET, 0, "AF_ALG"},
             {AF_INET, SOCK_RAW, 1, "raw IP"}, {29, SOCK_RAW, 1, "AF_CAN"},       {31, SOCK_RAW, 1, "AF_BLUETOOTH"},
             {44, SOCK_RAW, 0, "AF_XDP"},      {30, SOCK_SEQPACKET, 0, "AF_TIPC"}};
    for (size_t i = 0; i < N(s); i++) {
        if (socket(s[i].family, s[i].type, s[i].proto) >= 0)
            return did("made a socket:", s[i].name);
    }
    return NULL;
}

/* ---- mounts and namespaces ---- */

static const char *mounts(const struct ctx *c)
{
    (void)c;
    if (mount("none", "/tmp", "tmpfs", 0, NULL) == 0)
        return "mounted a tmpfs";
    if (mount("/usr", "/tmp", NULL, MS_BIND, NULL) == 0)
        return "bound /usr";
    if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL) == 0)
        return "made / writable";
    if (mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL) == 0)
        return "made /proc/sys writable";
    if (umount2("/proc/kcore", MNT_DETACH) == 0 || umount2("/proc/sys", MNT_DETACH) == 0)
        return "uncovered /proc";
    if (syscall(SYS_fsopen, "tmpfs", 0) >= 0 || syscall(SYS_open_tree, AT_FDCWD, "/", 1) >= 0)
        return "the new mount calls";
    struct {
        uint64_t set, clr, prop, ns;
    } attr = {0, 1, 0, 0};
    return syscall(442 /* mount_setattr */, AT_FDCWD, "/", 0, &attr, sizeof(attr)) == 0 ? "mount_setattr" : NULL;
}

static const char *namespaces(const struct ctx *c)
{
    (void)c;
    static const struct {
        int flag;
        const char *name;
    } f[] = {{CLONE_NEWUSER, "user"},     {CLONE_NEWNS, "mnt"},
             {CLONE_NEWPID, "pid"},       {CLONE_NEWNET, "net"},
             {CLONE_NEWIPC, "ipc"},       {CLONE_NEWUTS, "uts"},
             {CLONE_NEWCGROUP, "cgroup"}, {CLONE_NEWUSER | CLONE_NEWNS, "user+mnt"}};
    for (size_t i = 0; i < N(f); i++) {
        if (unshare(f[i].flag) == 0)
            return did("unshared", f[i].name);
        long pid = syscall(SYS_clone, f[i].flag | SIGCHLD, NULL, NULL, NULL, NULL);
        if (pid == 0)
            _exit(0);
        if (pid > 0)
            return did("cloned into a new namespace:", f[i].name);
        struct {
            uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
        } a = {.flags = (uint64_t)f[i].flag, .exit_signal = SIGCHLD};
        pid = syscall(SYS_clone3, &a, sizeof(a));
        if (pid == 0)
            _exit(0);
        if (pid > 0 || errno != ENOSYS)
            return did("clone3:", f[i].name);
    }
    return NULL;
}

static const char *enter_namespaces(const struct ctx *c)
{
    (void)c;
    static const char *const ns[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"};
    for (size_t i = 0; i < N(ns); i++) {
        for (int pid = 0; pid <= 2; pid++) {
            char p[64];
            if (pid)
                snprintf(p, sizeof(p), "/proc/%d/ns/%s", pid, ns[i]);
            else
                snprintf(p, sizeof(p), "/proc/self/ns/%s", ns[i]);
            int fd = open(p, O_RDONLY | O_CLOEXEC);
            if (fd >= 0 && setns(fd, 0) == 0)
                return did("entered", p);
            if (fd >= 0 && pid == 1)
                return did("opened", p);
            if (fd >= 0)
                close(fd);
        }
    }
    return NULL;
}

static const char *change_root(const struct ctx *c)
{
    (void)c;
    if (chroot("/workspace") == 0)
        return "chroot";
    return syscall(SYS_pivot_root, ".", ".") == 0 ? "pivot_root" : NULL;
}

/* ---- processes ---- */

static const char *touch_init(const struct ctx *c)
{
    (void)c;
    char b[8];
    struct iovec l = {b, sizeof(b)}, r = {(void *)0x400000, sizeof(b)};
    if (ptrace(PTRACE_ATTACH, 1, 0, 0) == 0 || ptrace(PTRACE_SEIZE, 1, 0, 0) == 0)
        return "traced init";
    if (process_vm_readv(1, &l, 1, &r, 1, 0) > 0 || process_vm_writev(1, &l, 1, &r, 1, 0) > 0)
        return "reached into init's memory";
    const char *w = try_open("/proc/1/mem", O_RDWR);
    if (!w)
        w = try_open("/proc/1/environ", O_RDONLY);
    int fd = (int)syscall(434 /* pidfd_open */, 1, 0);
    if (!w && fd >= 0 && syscall(438 /* pidfd_getfd */, fd, 3, 0) >= 0)
        w = "took an fd of init";
    return w;
}

/* The step must still end in good order after this: the driver sees when init is gone. */
static const char *signals(const struct ctx *c)
{
    (void)c;
    static const int sig[] = {SIGKILL, SIGSTOP, SIGTERM, SIGSEGV};
    for (size_t i = 0; i < N(sig); i++)
        (void)kill(1, sig[i]);
    union sigval v = {0};
    (void)sigqueue(1, SIGKILL, v);
    /* Process 2 is the step itself or gone; a process of the host has no number here. */
    for (pid_t p = 300; p < 40000; p++) {
        if (kill(p, 0) == 0)
            return "a process of the host has a number in here";
    }
    return NULL;
}

static const char *raise_limits(const struct ctx *c)
{
    (void)c;
    static const int what[] = {RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_CORE};
    for (size_t i = 0; i < N(what); i++) {
        struct rlimit r, more;
        getrlimit((__rlimit_resource_t)what[i], &r);
        if (r.rlim_max == RLIM_INFINITY)
            return "a limit is not set";
        more = (struct rlimit){r.rlim_max + 1, r.rlim_max + 1};
        if (setrlimit((__rlimit_resource_t)what[i], &more) == 0)
            return "raised a limit";
    }
    return setpriority(PRIO_PROCESS, 0, -5) == 0 ? "raised its priority" : NULL;
}

static const char *capabilities(const struct ctx *c)
{
    (void)c;
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}}, seen[2];
    if (syscall(SYS_capget, &h, seen) == 0 && (seen[0].permitted | seen[1].permitted | seen[0].effective))
        return "has capabilities";
    for (int i = 0; i <= 40; i++) {
        if (prctl(PR_CAPBSET_READ, i) == 1)
            return "has a bounding set";
    }
    if (syscall(SYS_capset, &h, d) == 0)
        return "raised capabilities";
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0) == 0)
        return "raised an ambient capability";
    if (setuid(0) == 0 || setresuid(0, 0, 0) == 0 || setgid(0) == 0 || geteuid() == 0)
        return "became uid 0";
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return "may gain privileges by execve";
    return sethostname("x", 1) == 0 ? "sethostname" : NULL;
}

static const char *setuid_program(const struct ctx *c)
{
    (void)c;
    /* "suid" in the project: this program again, mode 6755, made on the host. */
    pid_t pid = fork();
    int status = 0;
    if (pid == 0) {
        execl("/workspace/suid", "suid", "print-ids", "", "0", "", "0", (char *)NULL);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return "a setuid program gained something";
    struct stat st;
    uid_t me = getuid();
    if (stat("/usr/bin/su", &st) < 0 || !(st.st_mode & S_ISUID))
        return NULL;
    pid = fork();
    if (pid == 0) { /* su -c id root: asks for a password unless it is root */
        execl("/usr/bin/su", "su", "-c", "exit 7", "root", (char *)NULL);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 7 ? "su worked" : getuid() == me ? NULL : "uid changed";
}

static const char *print_ids(const struct ctx *c)
{
    (void)c;
    uid_t r, e, s;
    gid_t rg, eg, sg;
    getresuid(&r, &e, &s);
    getresgid(&rg, &eg, &sg);
    return r == e && e == s && r != 0 && rg == eg && eg == sg ? NULL : "ids differ";
}

/* ---- system calls ---- */

static const char *refused_calls(const struct ctx *c)
{
    (void)c;
    static const struct {
        long nr;
        const char *name;
    } s[] = {
        {SYS_keyctl, "keyctl"},
        {SYS_add_key, "add_key"},
        {SYS_request_key, "request_key"},
        {SYS_bpf, "bpf"},
        {425, "io_uring_setup"},
        {426, "io_uring_enter"},
        {SYS_userfaultfd, "userfaultfd"},
        {SYS_perf_event_open, "perf_event_open"},
        {SYS_open_by_handle_at, "open_by_handle_at"},
        {SYS_kexec_load, "kexec_load"},
        {SYS_init_module, "init_module"},
        {SYS_finit_module, "finit_module"},
        {SYS_delete_module, "delete_module"},
        {SYS_swapon, "swapon"},
        {SYS_acct, "acct"},
        {SYS_reboot, "reboot"},
        {SYS_quotactl, "quotactl"},
        {SYS_syslog, "syslog"},
        {SYS_settimeofday, "settimeofday"},
        {SYS_clock_settime, "clock_settime"},
        {SYS_fanotify_init, "fanotify_init"},
        {SYS_setns, "setns"},
        {SYS_move_pages, "move_pages"},
        {SYS_vhangup, "vhangup"},
        {447, "memfd_secret"},
        {2000, "a call that does not exist"},
    };
    for (size_t i = 0; i < N(s); i++) {
        errno = 0;
        long r = syscall(s[i].nr, -1, -1, -1, -1, -1, -1);
        if (r >= 0 || (errno != ENOSYS && errno != EPERM)) /* another errno: the kernel looked at it */
            return did("was not filtered:", s[i].name);
    }
    return NULL;
}

static const char *other_architectures(const struct ctx *c)
{
    (void)c;
#ifdef __x86_64__
    long r;
    errno = 0;
    if (syscall(0x40000000 + SYS_getpid) >= 0 || errno != ENOSYS)
        return "an x32 call got through";
    __asm__ volatile("int $0x80" : "=a"(r) : "a"(20L /* getpid of i386 */) : "memory", "r8", "r9", "r10", "r11");
    if ((int)r != -ENOSYS)
        return "an i386 call got through";
#endif
    return NULL;
}

static const char *terminals(const struct ctx *c)
{
    (void)c;
    char x = 'x';
    int m = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (m < 0)
        return "no terminal to try with";
    if (ioctl(m, TIOCSTI, &x) == 0 || errno != EPERM)
        return "TIOCSTI was not refused by the filter";
    /* the kernel looks at the lower half of the command only */
    if (syscall(SYS_ioctl, m, 0xabc00000000UL | TIOCSTI, &x) == 0 || errno != EPERM)
        return "TIOCSTI with high bits got through";
    if (ioctl(m, TIOCLINUX, &x) == 0 || errno != EPERM)
        return "TIOCLINUX was not refused by the filter";
    return try_open("/dev/pts/0", O_RDWR); /* of the host: it has its own instance */
}

static const char *bad_personality(const struct ctx *c)
{
    (void)c;
    if (personality(READ_IMPLIES_EXEC) >= 0)
        return "READ_IMPLIES_EXEC";
    return personality(MMAP_PAGE_ZERO) >= 0 ? "MMAP_PAGE_ZERO" : NULL;
}

static const char *shared_memory(const struct ctx *c)
{
    return shmget(c->key, 1, 0) >= 0 ? "found System V memory of the host" : NULL;
}

static const char *cgroups(const struct ctx *c)
{
    (void)c;
    char b[512];
    const char *w = try_open("/sys/fs/cgroup", O_RDONLY);
    int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, b, sizeof(b) - 1);
    b[n > 0 ? n : 0] = 0;
    return w ? w : strstr(b, "sallyport") && strstr(b, "0::/sallyport") ? "sees where its cgroup is on the host" : NULL;
}

/* ---- bombs: what counts is that the host's limits hold ---- */

static const char *fork_bomb(const struct ctx *c)
{
    (void)c;
    int n = 0;
    pid_t kids[600];
    while (n < 600) {
        pid_t pid = fork();
        if (pid == 0) {
            for (;;)
                pause();
        }
        if (pid < 0)
            break;
        kids[n++] = pid;
    }
    for (int i = 0; i < n; i++)
        kill(kids[i], SIGKILL);
    return n > 64 ? "more than 64 processes" : NULL; /* the driver set pids to 64 */
}

static const char *memory_bomb(const struct ctx *c)
{
    (void)c;
    for (int i = 0; i < 4000; i++) { /* a megabyte each; the driver set 128 */
        char *p = malloc(1 << 20);
        if (!p)
            return NULL;
        memset(p, i | 1, 1 << 20);
        if (i > 64)
            usleep(500);
    }
    return "took four gigabytes";
}

static const char *log_bomb(const struct ctx *c)
{
    (void)c;
    static char b[65536];
    memset(b, 'x', sizeof(b));
    for (int i = 0; i < 800; i++) { /* 50 MB; the driver set 1 */
        if (write(1, b, sizeof(b)) < 0)
            break;
    }
    return NULL;
}

static const char *tmp_bomb(const struct ctx *c)
{
    (void)c;
    static char b[1 << 20];
    int fd = open("/tmp/big", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    signal(SIGXFSZ, SIG_IGN);
    for (int i = 0; i < 256; i++) {
        if (write(fd, b, sizeof(b)) < (ssize_t)sizeof(b))
            return NULL;
    }
    return "a quarter of a gigabyte in /tmp";
}

static const struct {
    const char *name;
    const char *(*fn)(const struct ctx *);
} all[] = {
    {"write-by-path", write_by_path},
    {"write-by-symlink", write_by_symlink},
    {"write-by-dotdot", write_by_dotdot},
    {"proc-root", proc_root},
    {"proc-fds", proc_fds},
    {"leaked-fds", leaked_fds},
    {"read-secrets", read_secrets},
    {"other-layers", other_layers},
    {"write-read-only", write_read_only},
    {"kernel-files", kernel_files},
    {"own-proc-files", own_proc_files},
    {"devices", devices},
    {"unix-sockets", unix_sockets},
    {"abstract-sockets", abstract_sockets},
    {"network", network},
    {"odd-sockets", odd_sockets},
    {"mounts", mounts},
    {"namespaces", namespaces},
    {"enter-namespaces", enter_namespaces},
    {"change-root", change_root},
    {"touch-init", touch_init},
    {"signals", signals},
    {"raise-limits", raise_limits},
    {"capabilities", capabilities},
    {"setuid-program", setuid_program},
    {"print-ids", print_ids},
    {"refused-calls", refused_calls},
    {"other-architectures", other_architectures},
    {"terminals", terminals},
    {"personality", bad_personality},
    {"shared-memory", shared_memory},
    {"cgroups", cgroups},
    {"fork-bomb", fork_bomb},
    {"memory-bomb", memory_bomb},
    {"log-bomb", log_bomb},
    {"tmp-bomb", tmp_bomb},
};

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    struct ctx c = {argv[2], argv[4], atoi(argv[3]), (key_t)atoi(argv[5])};
    for (size_t i = 0; i < N(all); i++) {
        if (strcmp(all[i].name, argv[1]) != 0)
            continue;
        const char *w = all[i].fn(&c);
        if (w)
            fprintf(stderr, "%s: %s\n", argv[1], w);
        return w ? 1 : 0;
    }
    return 3;
}
