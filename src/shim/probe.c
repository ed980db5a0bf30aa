/* probe - see probe.h.
 *
 * One measurement for each row of barriers.def: in children of its own, it builds the barrier and runs against it. What
 * only a whole sandbox can show (overlays, /tmp, the clock), src/sandbox/native/probe.c tries by building one. */
#include "shim/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "os/file.h"
#include "shim/cgroup.h"
#include "shim/shim.h"
#include "shim/sys.h"

#define SOME_ID 0x70000001u /* as ids_find hands out */

enum barrier {
#define BARRIER(id, name, root, delegated, plain, since, holds) B_##id,
#include "shim/barriers.def"
#undef BARRIER
};
static const char *const names[] = {
#define BARRIER(id, name, root, delegated, plain, since, holds) name,
#include "shim/barriers.def"
#undef BARRIER
};

struct answer {
    const char *level, *detail, *fix;
};

static struct answer hard(const char *detail)
{
    return (struct answer){"hard", detail, ""};
}

static struct answer absent(const char *detail, const char *fix)
{
    return (struct answer){"absent", detail, fix};
}

/* ---- trying in a child ---- */

/* What fn returns in a child with new namespaces: 0 = it held. 255: there are no such namespaces, *ret_sys says why. */
static int in_child(uint64_t flags, int (*fn)(void), int *ret_sys)
{
    struct clone_args a = {.flags = flags, .exit_signal = SIGCHLD};
    int status = 0;
    pid_t pid = sys_clone3(&a);
    if (pid == 0)
        _exit(fn());
    *ret_sys = pid < 0 ? errno : 0;
    if (pid < 0)
        return 255;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 254;
}

static int nothing(void)
{
    return 0;
}

static struct answer try_namespace(uint64_t flags)
{
    int sys;
    if (in_child(flags, nothing, &sys) == 0)
        return hard("works");
    return absent(strerror(sys), userns_fix(sys));
}

/* Inside a user namespace that may have none below it. */
static int try_nested(void)
{
    int fd = open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1)
        return 1;
    return unshare(CLONE_NEWUSER) == 0 ? 1 : 0;
}

static int no_new_privs(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1;
}

static int try_seccomp(void)
{
    if (!seccomp_there() || no_new_privs() != 0 || seccomp_enter() < 0)
        return 1;
    return syscall(SYS_keyctl, 0, 0, 0) < 0 && errno == ENOSYS && unshare(CLONE_NEWUSER) < 0 && errno == EPERM ? 0 : 1;
}

static int try_landlock(void)
{
    if (no_new_privs() != 0 || landlock_only(true, false) < 0)
        return 1;
    return open("/dev/null", O_WRONLY | O_CLOEXEC) < 0 && errno == EACCES ? 0 : 1;
}

static int try_scope(void)
{
    if (no_new_privs() != 0 || landlock_only(false, true) < 0)
        return 1;
    return kill(getppid(), 0) < 0 && errno == EPERM ? 0 : 1;
}

/* The limit counts in the user namespace, so it binds also where the user runs much else. */
static int try_nproc(void)
{
    struct rlimit one = {1, 1};
    if ((geteuid() == 0 && setresuid(SOME_ID, SOME_ID, SOME_ID) < 0) || unshare(CLONE_NEWUSER) < 0 ||
        setrlimit(RLIMIT_NPROC, &one) < 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid < 0 && errno == EAGAIN ? 0 : 1;
}

static int try_rlimits(void)
{
    struct rlimit few = {8, 8}, none = {0, 0};
    int fd = 0;
    if (setrlimit(RLIMIT_NOFILE, &few) < 0 || setrlimit(RLIMIT_SIGPENDING, &none) < 0 ||
        setrlimit(RLIMIT_NICE, &none) < 0 || setrlimit(RLIMIT_RTPRIO, &none) < 0)
        return 1;
    for (int i = 0; i < 16 && fd >= 0; i++)
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd < 0 && errno == EMFILE ? 0 : 1;
}

static int try_fsize(void)
{
    struct rlimit page = {4096, 4096};
    signal(SIGXFSZ, SIG_IGN);
    int fd = memfd_create("sallyport", MFD_CLOEXEC);
    return fd >= 0 && setrlimit(RLIMIT_FSIZE, &page) == 0 && ftruncate(fd, 8192) < 0 && errno == EFBIG ? 0 : 1;
}

/* A grandchild that is deaf to signals must be gone as soon as the first process of its pid namespace is. */
static int try_kill(void)
{
    int p[2];
    char c;
    struct clone_args a = {.flags = CLONE_NEWUSER | CLONE_NEWPID, .exit_signal = SIGCHLD};
    if (pipe(p) < 0)
        return 1;
    pid_t pid = sys_clone3(&a);
    if (pid == 0) {
        if (fork() == 0) {
            signal(SIGTERM, SIG_IGN);
            (void)!write(p[1], "x", 1);
        }
        for (;;)
            pause();
    }
    close(p[1]);
    alarm(10); /* it does not hold: ended by the signal */
    bool began = pid > 0 && read(p[0], &c, 1) == 1 && kill(pid, SIGKILL) == 0;
    return began && read(p[0], &c, 1) == 0 && waitpid(pid, NULL, 0) == pid ? 0 : 1;
}

static struct answer held(uint64_t flags, int (*fn)(void), const char *detail, const char *missing, const char *fix)
{
    int sys, r = in_child(flags, fn, &sys);
    if (r == 0)
        return hard(detail);
    return absent(r == 255 ? strerror(sys) : missing, fix);
}

/* ---- what depends on the mode ---- */

static struct answer try_own_id(void)
{
    static char why[256];
    struct ids ids = {.root_mode = true, .host = SOME_ID, .host_gid = SOME_ID};
    struct err e = ERR_INIT;
    if (geteuid() != 0)
        return absent("runs share the uid of the server",
                      "start the server as root (systemctl enable --now sallyport), where that matters");
    AUTO(lender_reap) struct lender l = {0};
    AUTO(fd_close) int ns = userns_with_map(&ids, &l, &e);
    AUTO(fd_close) int fd = ns < 0 ? -1 : sys_open_tree(AT_FDCWD, "/var/tmp", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    struct mount_attr a = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)ns};
    if (fd >= 0 && sys_mount_setattr(fd, AT_EMPTY_PATH, &a) == 0)
        return hard("idmapped mounts");
    snprintf(why, sizeof(why), "%.250s", ns < 0 ? e.msg : strerror(errno));
    return absent(why, "keep projects and data on ext4, xfs or btrfs; a kernel from 6.1 on");
}

static const char *delegate_fix(const struct cgroup_levels *l)
{
    if (geteuid() == 0)
        return "give the service its cgroup: Delegate=yes in its unit (in a container: a writable /sys/fs/cgroup)";
    if (!l->v2)
        return "boot with systemd.unified_cgroup_hierarchy=1 (users get cgroup v2 only), or start the server as root";
    return "systemctl --user enable --now sallyport (its unit has Delegate=yes); should a controller still be missing: "
           "\"[Service]\" and \"Delegate=cpu memory pids\" in /etc/systemd/system/user@.service.d/delegate.conf, "
           "systemctl daemon-reload, log in anew";
}

static struct answer limited(const struct cgroup_levels *l, bool has, const char *level, const char *without)
{
    return has ? hard(l->v2 ? "cgroup v2" : "cgroup v1") : (struct answer){level, without, delegate_fix(l)};
}

static void probe_cgroups(struct cgroup_levels *ret)
{
    char dir[] = "/tmp/sallyport-probe-XXXXXX";
    if (!mkdtemp(dir))
        return;
    AUTO(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cgroup_probe(fd, ret);
    (void)unlinkat(fd, "cgroups", 0);
    (void)rmdir(dir);
}

/* ---- all rows ---- */

static struct answer landlock_answer(void)
{
    static char detail[64];
    int abi = landlock_abi();
    snprintf(detail, sizeof(detail), "ABI %d", abi);
    return held(0, try_landlock, detail, abi > 0 ? "it does not hold" : "not in this kernel, or off",
                "boot with lsm=landlock,… (a kernel from 5.13 on)");
}

static struct answer measure_barrier(enum barrier b)
{
    switch (b) {
    case B_USERNS:
        return try_namespace(CLONE_NEWUSER);
    case B_NESTED:
        return held(CLONE_NEWUSER, try_nested, "user.max_user_namespaces is 0 inside", "it cannot be set",
                    "use a kernel from 6.1 on; seccomp refuses new namespaces alone meanwhile");
    case B_MOUNTNS:
        return try_namespace(CLONE_NEWUSER | CLONE_NEWNS);
    case B_PIDNS:
        return try_namespace(CLONE_NEWUSER | CLONE_NEWPID);
    case B_NETNS:
        return try_namespace(CLONE_NEWUSER | CLONE_NEWNET);
    case B_IPCNS:
        return try_namespace(CLONE_NEWUSER | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP);
    case B_NNP:
        return held(0, no_new_privs, "works", "not in this kernel", "use a kernel from 6.1 on");
    case B_SECCOMP:
        return held(0, try_seccomp, "allow-list", "not in this kernel", "use a kernel with CONFIG_SECCOMP_FILTER");
    case B_LANDLOCK:
        return landlock_answer();
    case B_SCOPE:
        return held(0, try_scope, "works", "not in this kernel (landlock ABI 6)", "a kernel from 6.12 on has it");
    case B_OWN_ID:
        return try_own_id();
    default:
        return held(0, try_kill, "pid namespace", "it does not hold", "use a kernel with pid namespaces");
    }
}

static struct answer measure_limit(enum barrier b, const struct cgroup_levels *l)
{
    switch (b) {
    case B_MEMORY:
        return limited(l, l->memory, "soft", "watched every 100 ms; what is over is killed");
    case B_KMEM:
        return limited(l, l->memory, "absent", "buffers of sockets and pipes are not counted");
    case B_CPU:
        return limited(l, l->cpu, "absent", "no cpu controller to write to");
    case B_PIDS:
        if (l->pids)
            return hard(l->v2 ? "cgroup v2" : "cgroup v1");
        return held(0, try_nproc, "RLIMIT_NPROC in the sandbox's own user namespace", "RLIMIT_NPROC does not bind",
                    delegate_fix(l));
    case B_RLIMITS:
        return held(0, try_rlimits, "resource limits", "they do not bind", "use a kernel from 6.1 on");
    case B_FILE:
        return held(0, try_fsize, "RLIMIT_FSIZE", "it does not bind", "use a kernel from 6.1 on");
    case B_DISK:
        return (struct answer){
            "soft", "all layers together are measured from every 500 ms on",
            geteuid() == 0
                ? "project quotas on the data directory's file system: ext4: umount, tune2fs -O quota,project DEVICE; "
                  "then ext4 or xfs: mount -o prjquota"
                : "start the server as root, its data on a file system with project quotas (mount -o prjquota)"};
    case B_SCRATCH:
        return hard("a tmpfs of its own, with a size");
    default:
        return hard("kept by the shim");
    }
}

int probe_main(void)
{
    struct cgroup_levels l = {0};
    probe_cgroups(&l);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        enum barrier b = (enum barrier)i;
        struct answer a = b < B_MEMORY ? measure_barrier(b) : measure_limit(b, &l);
        printf("%s\t%s\t%s\t%s\n", names[i], a.level, a.detail, a.fix);
        fflush(stdout); /* before the next child, which would print it again */
    }
    return 0;
}
