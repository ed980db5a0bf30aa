/* build - the host side of making a sandbox: who is who, namespaces, id maps.
 *
 * Why it exists: these are the operations that need privilege outside the
 * sandbox (root mode), or the right to make a user namespace (user mode).
 * May include: base os sandbox/spec.h.   Single-threaded.
 *
 *   operation                      safety argument
 *   helper user namespace          its only process sleeps; it lends its id map to the project's mount and is killed
 *   idmapped copy of the project   made from an fd opened without following links; read-only, nosuid, nodev, one mount
 *   the same of each bind          as above (binds.c)
 *   clone3, six namespaces         the child is a copy of us and takes orders only through one socket pair;
 *                                  the seventh, of the network, it makes itself, because that takes longest
 *
 *   tasks of v1 cgroups            init enters them before it makes anything; read back before a step can come
 *
 *   uid_map, gid_map               exactly one id each, never host id 0; setgroups denied in user mode
 *
 *   capset                         what stays is CAP_CHOWN (new layers) and CAP_KILL (init has another uid), root mode
 *
 * The time line: both sides work at once, and wait for each other twice.
 *   host   clone3 ─ v1 groups, copy of the project, id maps ─ GO ─ facts, control socket ─ waits ─ proof of the limits
 *   init            opens what the host has to show ──────── waits ─ enters groups, becomes, pivots, mounts ─ UP */
#include "shim/cgroup.h"
#include "shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "base/hash.h"
#include "base/str.h"
#include "os/file.h"
#include "os/proc.h"
#include "shim/sys.h"

#define INSIDE_ID 1000u /* what root's own project belongs to, inside */
#define BUILD_MS  30000 /* a hung network file system must not hang the caller for ever */

int weaker_note(struct weaker *w, bool allowed, const char *name, const char *why, const char *fix, struct err *e)
{
    if (!allowed)
        return err_set(e, ERR_SANDBOX_UNAVAILABLE, "%s: %s; fix: %s (or allow a weaker sandbox in the configuration)",
                       name, why, fix);
    size_t n = strlen(w->names);
    int m = snprintf(w->names + n, sizeof(w->names) - n, "%s%s", n ? ", " : "", name);
    if (m < 0 || (size_t)m >= sizeof(w->names) - n)
        w->names[n] = 0; /* cannot happen with the names there are; never a cut name */
    return 0;
}

/* ---- who is who ---- */

static int caps_get(struct __user_cap_data_struct d[2])
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    return (int)syscall(SYS_capget, &h, d);
}

static bool cap_has(const struct __user_cap_data_struct d[2], unsigned cap)
{
    return d[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

static bool can_be_root_mode(void)
{
    static const unsigned need[] = {CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID, CAP_CHOWN, CAP_KILL};
    struct __user_cap_data_struct d[2];
    if (caps_get(d) < 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(need); i++) {
        if (!cap_has(d, need[i]))
            return false;
    }
    return true;
}

static int project_open(const char *root, struct err *e)
{
    int fd = dir_open_canonical(root, O_PATH);
    if (fd < 0 && errno == ENOTDIR)
        return err_set(e, ERR_SANDBOX_FAILED, "the project %s is not a directory", root);
    if (fd < 0 && errno == ELOOP)
        return err_set(e, ERR_SANDBOX_FAILED,
                       "the path of the project %s leads through a symbolic link now; fix: put its directory back, or "
                       "add the project where it is",
                       root);
    return fd < 0 ? err_sys(e, ERR_SANDBOX_FAILED, "open the project %s", root) : fd;
}

int ids_find(const struct spw_spec *spec, struct ids *ret, struct err *e)
{
    struct stat st;
    AUTO(fd_close) int fd = project_open(spec->project, e);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "open the project %s", spec->project);
    if (geteuid() != 0) {
        *ret = (struct ids){false, geteuid(), geteuid(), geteuid(), getegid(), getegid(), getegid()};
        return 0;
    }
    if (!can_be_root_mode())
        return err_set(
            e, ERR_SANDBOX_UNAVAILABLE,
            "root without CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID, CAP_CHOWN and CAP_KILL cannot map ids, and a "
            "step must never be uid 0; fix: run the server as an ordinary user, or with these capabilities");
    uint32_t host = spw_host_id(spec->run_id);
    *ret = (struct ids){.root_mode = true,
                        .owner = st.st_uid,
                        .owner_gid = st.st_gid,
                        .host = host,
                        .host_gid = host,
                        .in = st.st_uid ? st.st_uid : INSIDE_ID,
                        .in_gid = st.st_gid ? st.st_gid : INSIDE_ID};
    return 0;
}

const char *userns_fix(int sys)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(64);
    if (file_read(AT_FDCWD, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", &b, NULL) == 0 && b.len &&
        b.p[0] == '1')
        return "AppArmor restricts user namespaces here: install the profile that comes with Sallyport "
               "(apparmor_parser -r /etc/apparmor.d/sallyport-shim)";
    if (sys == ENOSPC || sys == EUSERS)
        return "raise sysctl user.max_user_namespaces (and max_mnt_, max_pid_, max_net_namespaces)";
    if (sys == EPERM || sys == EACCES)
        return "allow user namespaces: sysctl kernel.unprivileged_userns_clone=1, and no RestrictNamespaces= or "
               "ProtectKernelTunables= in the service that starts the server";
    return "use a kernel from 6.1 on with user, mount, pid, net, ipc, uts and cgroup namespaces";
}

/* ---- id maps ---- */

static int write_file(const char *path, const char *text, struct err *e)
{
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC);
    size_t n = strlen(text);
    if (fd < 0 || write(fd, text, n) != (ssize_t)n)
        return err_sys(e, ERR_SANDBOX_UNAVAILABLE, "write %s", path);
    return 0;
}

static int write_map(pid_t pid, const char *name, unsigned inside, unsigned outside, struct err *e)
{
    char path[64], line[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    snprintf(line, sizeof(line), "%u %u 1\n", inside, outside);
    return write_file(path, line, e);
}

static int write_maps(pid_t pid, const struct ids *ids, struct err *e)
{
    int r = 0;
    if (!ids->root_mode) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
        r = write_file(path, "deny", e); /* user_namespaces(7): else dropping a group could gain access */
    }
    if (r == 0)
        r = write_map(pid, "gid_map", ids->in_gid, ids->host_gid, e);
    if (r == 0)
        r = write_map(pid, "uid_map", ids->in, ids->host, e);
    return r;
}

/* ---- the project with other owners ---- */

static int sleeper(void *parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != *(const pid_t *)parent) /* it died before: nobody would end us, and we hold its lock */
        _exit(0);
    while (poll(NULL, 0, -1) <= 0)
        ;
    return 0;
}

void lender_reap(struct lender *l)
{
    while (l->pid > 0 && waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    free(l->stack);
}

/* A user namespace exists only with a process in it: a sleeping one that shares our memory costs least. It is killed as
 * soon as the namespace's fd is held. */
int userns_with_map(const struct ids *ids, struct lender *l, struct err *e)
{
    char path[64];
    l->stack = malloc(16 * KIB);
    if (!l->stack)
        return err_oom(e);
    /* The stack grows down; clone(2). */
    l->parent = getpid();
    pid_t pid = clone(sleeper, l->stack + 16 * KIB, CLONE_VM | CLONE_NEWUSER | SIGCHLD, &l->parent);
    if (pid < 0) {
        int sys = errno;
        const char *fix = userns_fix(sys);
        errno = sys;
        int r = err_sys(e, ERR_SANDBOX_UNAVAILABLE, "make a user namespace (fix: %s)", fix);
        return r;
    }
    l->pid = pid;
    int fd = -1;
    int r = write_map(pid, "uid_map", ids->owner, ids->host, e);
    if (r == 0)
        r = write_map(pid, "gid_map", ids->owner_gid, ids->host_gid, e);
    if (r == 0) {
        snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            r = err_sys(e, ERR_SANDBOX_UNAVAILABLE, "open %s", path);
    }
    kill(pid, SIGKILL);
    return r < 0 ? r : fd;
}

bool ids_map_project(const struct spw_spec *spec, const struct ids *ids)
{
    return ids->root_mode && !(spec->flags & SPW_COPY);
}

/* A detached copy of the project's mount in which its owner appears as ids.host. fd or negative code. */
static int project_idmapped(const char *root, const struct ids *ids, int ns, struct err *e)
{
    struct stat st;
    AUTO(fd_close) int at = project_open(root, e);
    if (at < 0)
        return at;
    if (fstat(at, &st) < 0 || st.st_uid != ids->owner || st.st_gid != ids->owner_gid)
        return err_set(e, ERR_SANDBOX_FAILED, "the project %s was exchanged: try again", root);
    /* Not recursive: an overlay would not show other mounts inside the project either. */
    int fd = sys_open_tree(at, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "open the project %s", root);
    /* Private: a copy of a shared mount (systemd shares all of them) is its peer, and what is mounted on the copy
     * inside the sandbox would be mounted on the host's project as well (mount_namespaces(7)). */
    struct mount_attr a = {.attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
                           .propagation = MS_PRIVATE,
                           .userns_fd = (uint64_t)ns};
    if (sys_mount_setattr(fd, AT_EMPTY_PATH, &a) < 0) {
        int r = err_sys(e, ERR_SANDBOX_UNAVAILABLE,
                        "idmapped mount of %s (fix: keep the project on ext4, xfs or btrfs, or run the server as the "
                        "project's owner)",
                        root);
        close(fd);
        return r;
    }
    return fd;
}

/* ---- messages with init ---- */

int ini_send(int sock, const struct ini_msg *m, const int *fds, size_t nfds)
{
    return unix_send(sock, m, sizeof(*m), fds, nfds, NULL);
}

int ini_recv(int sock, struct ini_msg *ret, int *fds, size_t max, size_t *ret_nfds)
{
    long n = unix_recv(sock, ret, sizeof(*ret), fds, max, ret_nfds, NULL);
    if (n == 0)
        return 0;
    ret->text[sizeof(ret->text) - 1] = 0;
    return n == (long)sizeof(*ret) ? 1 : -1;
}

/* ---- init ---- */

static int wait_up(int sock, struct err *e)
{
    struct ini_msg m;
    struct pollfd p = {.fd = sock, .events = POLLIN};
    int n;
    do
        n = poll(&p, 1, BUILD_MS);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return err_set(e, ERR_SANDBOX_FAILED,
                       "the sandbox did not stand within %d s; is a network file system of the project hanging?",
                       BUILD_MS / 1000);
    if (ini_recv(sock, &m, NULL, 0, NULL) != 1)
        return err_set(e, ERR_SANDBOX_FAILED, "init ended while it built the sandbox (killed, or out of memory)");
    if (m.type == INI_UP)
        return 0;
    err_set(e, m.code, "%s", m.text);
    if (e)
        e->sys = m.sys;
    return -m.code;
}

static pid_t clone_init(const struct build_in *in, int *ret_pidfd)
{
    struct clone_args a = {.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                                    CLONE_NEWCGROUP | CLONE_PIDFD,
                           .pidfd = (uint64_t)(uintptr_t)ret_pidfd,
                           .exit_signal = SIGCHLD};
    if (in->cgroup_fd >= 0) {
        a.flags |= CLONE_INTO_CGROUP;
        a.cgroup = (uint64_t)in->cgroup_fd;
    }
    return sys_clone3(&a);
}

static int start_init(const struct build_in *in, struct built *ret, struct err *e)
{
    int sv[2], pidfd = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "socketpair");
    pid_t pid = clone_init(in, &pidfd);
    if (pid == 0) {
        close(sv[0]);
        struct init_in ini = {.spec = in->spec, .ids = in->ids, .sock = sv[1]};
        init_main(&ini);
    }
    close(sv[1]);
    if (pid < 0) {
        int sys = errno;
        const char *fix = userns_fix(sys);
        close(sv[0]);
        errno = sys;
        return err_sys(e, ERR_SANDBOX_UNAVAILABLE, "make the namespaces (fix: %s)", fix);
    }
    /* A stuck init must not stop the host side, which keeps the clocks and the log. */
    (void)fcntl(sv[0], F_SETFL, O_NONBLOCK);
    *ret = (struct built){pid, pidfd, sv[0]};
    return 0;
}

static void undo_init(struct built *b)
{
    sys_pidfd_kill(b->pidfd, SIGKILL);
    while (waitpid(b->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    close(b->pidfd);
    close(b->sock);
}

static int check_filters(const struct build_in *in, struct err *e)
{
    bool allowed = in->spec->flags & SPW_ALLOW_WEAKER;
    int r = 0;
    if (landlock_abi() <= 0)
        r = weaker_note(in->weaker, allowed, "landlock", "this kernel has it not, or it is off",
                        "boot with lsm=landlock,… (a kernel from 5.13 on)", e);
    if (r == 0 && !seccomp_there())
        r = weaker_note(in->weaker, allowed, "seccomp", "this kernel has no seccomp filters",
                        "use a kernel with CONFIG_SECCOMP_FILTER", e);
    return r;
}

static int send_binds(const struct build_in *in, const struct built *b, int ns, struct err *e)
{
    for (size_t i = 0; i < in->spec->nro_binds; i++) {
        struct ini_msg m = {.type = INI_BIND, .num = (int)i};
        AUTO(fd_close) int fd = -1;
        int r = bind_open(in->spec, i, ns, &fd, e);
        if (r < 0)
            return r;
        if (fd >= 0 && ini_send(b->sock, &m, &fd, 1) < 0)
            return err_set(e, ERR_SANDBOX_FAILED, "init ended at once");
    }
    return 0;
}

/* What init cannot open by itself: the binds, and the project, with its owner mapped (*ret_fd, where it is shown). */
static int send_mapped(const struct build_in *in, const struct built *b, struct lender *l, int *ret_fd, struct err *e)
{
    AUTO(fd_close) int ns = userns_with_map(in->ids, l, e);
    if (ns < 0)
        return ns;
    int r = send_binds(in, b, ns, e);
    if (r < 0 || !ids_map_project(in->spec, in->ids))
        return r;
    r = project_idmapped(in->spec->project, in->ids, ns, e);
    if (r < 0)
        return r;
    *ret_fd = r;
    return 0;
}

static int send_go(const struct build_in *in, const struct built *b, struct err *e)
{
    AUTO(lender_reap) struct lender l = {0};
    struct go g = {.ndoors = 0};
    struct ini_msg m = {.type = INI_GO};
    int fds[1 + CGROUP_DOORS];
    size_t n = 0;
    int r = in->limits(in->arg, &g, e);
    fds[0] = -1;
    if (r == 0 && in->ids->root_mode)
        r = send_mapped(in, b, &l, &fds[0], e);
    n += fds[0] >= 0;
    for (size_t i = 0; i < g.ndoors; i++)
        fds[n++] = g.doors[i];
    m.soft = g.soft_memory;
    if (r == 0)
        r = write_maps(b->pid, in->ids, e);
    if (r == 0 && ini_send(b->sock, &m, fds, n) < 0)
        r = err_set(e, ERR_SANDBOX_FAILED, "init ended at once");
    for (size_t i = 0; i < n; i++)
        close(fds[i]);
    return r;
}

int build_sandbox(const struct build_in *in, struct built *ret, struct err *e)
{
    struct built b;
    int r = check_filters(in, e);
    if (r == 0)
        r = start_init(in, &b, e);
    if (r < 0)
        return r;
    r = send_go(in, &b, e);
    if (r == 0)
        r = in->meanwhile(in->arg, e);
    if (r == 0)
        r = wait_up(b.sock, e);
    if (r == 0)
        r = in->proof(in->arg, b.pid, e);
    if (r < 0) {
        undo_init(&b);
        return r;
    }
    *ret = b;
    return 0;
}

/* ---- the privilege drop of the host side ---- */

int host_drop(const struct ids *ids, struct err *e)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {0}, seen[2] = {0};
    for (int c = 0; ids->root_mode && prctl(PR_CAPBSET_READ, c) >= 0; c++)
        (void)prctl(PR_CAPBSET_DROP, c);
    if (ids->root_mode)
        d[0].effective = d[0].permitted = CAP_TO_MASK(CAP_CHOWN) | CAP_TO_MASK(CAP_KILL);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &h, d) < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "drop the shim's capabilities");
    if (caps_get(seen) < 0 || memcmp(seen, d, sizeof(d)) != 0)
        return err_set(e, ERR_SANDBOX_FAILED, "the shim's capabilities were not dropped");
    /* After the maps are written: a process that is not dumpable has a /proc of root's, and could not write them. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "PR_SET_DUMPABLE");
    return 0;
}
