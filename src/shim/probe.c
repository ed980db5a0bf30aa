/* probe - see probe.h. */
#include "shim/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "os/file.h"
#include "shim/cgroup.h"
#include "shim/shim.h"
#include "shim/sys.h"

#define DELEGATE_FIX                                                                                                   \
    "run the server as a systemd service with Delegate=yes (systemctl --user works with cgroup v2), or as root"

static void line(const char *name, const char *level, const char *detail, const char *fix)
{
    printf("%s\t%s\t%s\t%s\n", name, level, detail, fix);
}

/* 0 or the errno of making all seven namespaces at once. */
static int try_namespaces(uint64_t flags)
{
    struct clone_args a = {.flags = flags, .exit_signal = SIGCHLD};
    pid_t pid = sys_clone3(&a);
    if (pid == 0)
        _exit(0);
    if (pid < 0)
        return errno;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return 0;
}

static void probe_namespaces(void)
{
    static const struct {
        const char *name;
        uint64_t flags;
    } all[] = {
        {"user namespace", CLONE_NEWUSER},
        {"mount namespace", CLONE_NEWUSER | CLONE_NEWNS},
        {"pid namespace", CLONE_NEWUSER | CLONE_NEWPID},
        {"network namespace", CLONE_NEWUSER | CLONE_NEWNET},
        {"ipc, uts, cgroup namespaces", CLONE_NEWUSER | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        int sys = try_namespaces(all[i].flags);
        line(all[i].name, sys ? "absent" : "hard", sys ? strerror(sys) : "works", sys ? userns_fix(sys) : "");
    }
}

static void probe_filters(void)
{
    char detail[64];
    int abi = landlock_abi();
    snprintf(detail, sizeof(detail), abi > 0 ? "ABI %d" : "not in this kernel, or off", abi);
    line("landlock", abi > 0 ? "hard" : "absent", detail, abi > 0 ? "" : "boot with lsm=landlock,… (Linux 5.13 on)");
    bool sc = seccomp_there();
    line("seccomp", sc ? "hard" : "absent", sc ? "allow-list" : "not in this kernel",
         sc ? "" : "use a kernel with CONFIG_SECCOMP_FILTER");
    bool nnp = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) >= 0;
    line("no_new_privs", nnp ? "hard" : "absent", nnp ? "works" : "not in this kernel", "");
}

static void probe_limits(void)
{
    char dir[] = "/tmp/sallyport-probe-XXXXXX";
    struct cgroup_levels l = {0};
    if (mkdtemp(dir)) {
        AUTO(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        cgroup_probe(fd, &l);
        (void)unlinkat(fd, "cgroups", 0);
        (void)rmdir(dir);
    }
    const char *where = l.v2 ? "cgroup v2" : "cgroup v1";
    line("limit memory", l.memory ? "hard" : "soft", l.memory ? where : "watched every 100 ms; what is over is killed",
         l.memory ? "" : DELEGATE_FIX);
    line("limit cpu", l.cpu ? "hard" : "absent", l.cpu ? where : "no cpu controller to write to",
         l.cpu ? "" : DELEGATE_FIX);
    line("limit pids", "hard", l.pids ? where : "RLIMIT_NPROC in the sandbox's own user namespace", "");
    line("limit wall time", "hard", "kept by the shim", "");
    line("limit output", "hard", "kept by the shim", "");
    line("limit disk", "soft", "size of one file is hard; all layers together are measured from every 500 ms on",
         "put the data directory on a quota'd file system for a hard limit");
    line("kill", "hard", l.kill ? "pid namespace and cgroup v2" : "pid namespace", "");
}

int probe_main(void)
{
    probe_namespaces();
    probe_filters();
    probe_limits();
    return 0;
}
