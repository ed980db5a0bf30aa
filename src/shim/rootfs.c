/* rootfs - builds what a sandbox sees, from the list in rootfs.def.
 *
 * Why it exists: the view is a list that can be read and argued about, not code.
 * May include: base os sandbox/spec.h.   Runs in init, before any step.
 *
 *   1 gather   as the host's own id, in the new mount namespace, without any capability over the host's files: every
 *              source is opened as a detached, read-only, nosuid, nodev copy (open_tree). Nothing is attached yet.
 *   2 become   the step's id (init keeps its capabilities in its own user namespace)
 *   3 pivot    a new tmpfs becomes the root; the old root is detached: from here on no path leads to the host
 *   4 attach   the gathered copies, and new kernel file systems, in the order of the list
 *   5 lock     the root becomes read-only
 *
 * /workspace is a stack of mounts: the root of the scratch file system, over it the project, over it the run's layers,
 * over it the running step's overlay. init holds fds to the project and the layers; a step sees only the top, cannot
 * unmount (no capability), and cannot reach init's fds (ptrace access needs init's capabilities). Overlays want lower
 * mounts that are attached in their own namespace (Linux before 6.15), so they cannot simply stay detached. Where the
 * run has a copy of the project (SPW_COPY), the project is not there at all, and a step's /workspace is the copy. */
#include "shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include "base/buf.h"
#include "os/file.h"
#include "shim/sys.h"

enum kind { K_TREE, K_COPY, K_DIR, K_LINK, K_DEV, K_SCR, K_PROC, K_PTS, K_MASK, K_SET, K_RO };

static const struct op {
    enum kind kind;
    const char *dst, *arg;
} ops[] = {
#define ROW(kind, dst, arg, why) {K_##kind, dst, arg},
#include "shim/rootfs.def"
#undef ROW
};
#define NOPS ARRAY_LEN(ops)

/* Where the scratch file system's root is while its parts are attached elsewhere; the project covers it then. Not
 * unmounted: that waits for the kernel's RCU. */
#define SCRATCH       "/workspace"
#define COPY_MAX      (1 * MIB)
#define SCRATCH_MAX   ((int64_t)(2 * GIB)) /* when there is no memory limit */
#define SCRATCH_FILE  2048                 /* bytes of its size for each file it may hold */
#define SCRATCH_FILES 400000
#define ATTR_RO       (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

/* What was gathered for one row or one bind: a mount, a link's target, or a file's bytes. Absent: all empty. */
struct got {
    int fd;
    bool dir;
    char *link;
    struct buf text;
};

struct gather {
    struct got ops[NOPS];
    struct got *binds; /* spec->nro_binds of them */
    struct got project, layers;
};

static int fail(struct err *e, const char *what, const char *path)
{
    int sys = errno;
    const char *fix = sys == EPERM || sys == EACCES ? userns_fix(sys) : NULL;
    errno = sys;
    return err_sys(e, fix ? ERR_SANDBOX_UNAVAILABLE : ERR_SANDBOX_FAILED, "%s %s%s%s%s", what, path,
                   fix ? " (fix: " : "", fix ? fix : "", fix ? ")" : "");
}

static int set_attr(int fd, uint64_t set)
{
    struct mount_attr a = {.attr_set = set};
    return sys_mount_setattr(fd, AT_EMPTY_PATH | AT_RECURSIVE, &a);
}

/* ---- 1 gather ---- */

/* A detached copy. 0 and *ret filled, also when there is nothing at that path (fd -1). */
static int gather_mount(const char *path, uint64_t attr, struct got *ret, struct err *e)
{
    struct stat st;
    int fd = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
        return 0; /* what the user may not reach is not shown */
    if (fd < 0)
        return fail(e, "open", path);
    if (fstat(fd, &st) < 0 || set_attr(fd, attr) < 0) {
        int r = fail(e, "make read-only", path);
        close(fd);
        return r;
    }
    ret->fd = fd;
    ret->dir = S_ISDIR(st.st_mode);
    return 0;
}

static int gather_tree(const char *path, struct got *ret, struct err *e)
{
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof(target) - 1);
    if (n < 0)
        return gather_mount(path, ATTR_RO, ret, e);
    target[n] = 0;
    ret->link = strdup(target);
    return ret->link ? 0 : err_oom(e);
}

static int gather_copy(const char *path, struct got *ret, struct err *e)
{
    struct err ignored = ERR_INIT;
    ret->text = BUF_INIT(COPY_MAX);
    if (file_read(AT_FDCWD, path, &ret->text, &ignored) == 0)
        ret->dir = true; /* marks "there": an empty file is a file too */
    return 0;
}

static int gather_op(const struct op *o, struct got *ret, struct err *e)
{
    switch (o->kind) {
    case K_TREE:
        return gather_tree(o->arg, ret, e);
    case K_COPY:
        return gather_copy(o->arg, ret, e);
    case K_DEV:
        return gather_mount(o->arg, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, ret, e);
    default:
        return 0;
    }
}

void rootfs_bind(const struct init_in *in, struct gather *g, int index, int fd)
{
    struct stat st;
    if (index < 0 || (size_t)index >= in->spec->nro_binds || g->binds[index].fd >= 0 || fd < 0 || fstat(fd, &st) < 0) {
        fd_close(&fd);
        return;
    }
    g->binds[index].fd = fd;
    g->binds[index].dir = S_ISDIR(st.st_mode);
}

static int gather_all(const struct init_in *in, struct gather *g, struct err *e)
{
    char layers[PATH_MAX];
    int r = 0;
    for (size_t i = 0; i < NOPS && r == 0; i++)
        r = gather_op(&ops[i], &g->ops[i], e);
    for (size_t i = 0; i < in->spec->nro_binds && r == 0 && !in->ids->root_mode; i++) {
        int fd = -1;
        r = bind_open(in->spec, i, -1, &fd, e);
        if (r == 0)
            rootfs_bind(in, g, (int)i, fd);
    }
    bool own = in->spec->flags & SPW_COPY, show = !own && !in->ids->root_mode;
    if (r == 0 && show)
        r = gather_mount(in->spec->project, ATTR_RO, &g->project, e);
    if (r == 0 && show && g->project.fd < 0)
        r = err_set(e, ERR_SANDBOX_FAILED, "the project %s cannot be opened", in->spec->project);
    if (r == 0 && snprintf(layers, sizeof(layers), "%s/layers", in->spec->dir) >= (int)sizeof(layers))
        r = err_set(e, ERR_INVALID, "the data directory's path is too long");
    if (r == 0)
        r = gather_mount(layers, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, &g->layers, e);
    if (r == 0 && g->layers.fd < 0)
        r = err_set(e, ERR_SANDBOX_FAILED, "%s cannot be opened", layers);
    return r;
}

/* ---- 2 become ---- */

static int become(const struct ids *ids, struct err *e)
{
    /* In user mode the user's own groups cannot be dropped (setgroups is denied); in root mode all are. */
    if (ids->root_mode && setgroups(0, NULL) < 0)
        return fail(e, "setgroups", "");
    if (setresgid(ids->in_gid, ids->in_gid, ids->in_gid) < 0 || setresuid(ids->in, ids->in, ids->in) < 0)
        return fail(e, "setresuid", "");
    uid_t r, u, s;
    if (getresuid(&r, &u, &s) < 0 || r != ids->in || u != ids->in || s != ids->in || u == 0)
        return err_set(e, ERR_SANDBOX_FAILED, "init did not become the step's user");
    return 0;
}

/* ---- 3 pivot ---- */

static int new_fs(const char *fs, const char *const opt[], unsigned attr, struct err *e)
{
    AUTO(fd_close) int ctx = sys_fsopen(fs);
    if (ctx < 0)
        return fail(e, "fsopen", fs);
    for (; opt[0]; opt += 2) {
        if (sys_fsconfig(ctx, FSCONFIG_SET_STRING, opt[0], opt[1]) < 0)
            return fail(e, "option", opt[0]);
    }
    if (sys_fsconfig(ctx, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
        return fail(e, "create", fs);
    int fd = sys_fsmount(ctx, attr);
    return fd < 0 ? fail(e, "fsmount", fs) : fd;
}

static int pivot(struct err *e)
{
    static const char *const opt[] = {"mode", "0755", "size", "16m", "nr_inodes", "4096", NULL};
    AUTO(fd_close) int fd = new_fs("tmpfs", opt, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, e);
    if (fd < 0)
        return fd;
    /* "." twice (pivot_root(2), "pivot_root(".", ".")"): needs no directory for the old root. */
    if (sys_move_mount(fd, AT_FDCWD, "/") < 0 || fchdir(fd) < 0 || sys_pivot_root(".", ".") < 0)
        return fail(e, "pivot_root", "");
    return 0;
}

static int forget_old_root(struct err *e)
{
    /* The working directory is the new root; the old one lies over it. */
    if (sys_umount(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return fail(e, "detach the old root", "");
    return 0;
}

/* ---- 4 attach ---- */

static int make_last(const char *path, bool dir)
{
    if (dir)
        return mkdir(path, 0755) < 0 && errno != EEXIST ? -1 : 0;
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    return fd < 0 && errno != EEXIST ? -1 : 0;
}

/* Makes a directory or an empty file, and, where they are missing, the directories above. Paths are absolute and ours.
 */
static int make_place(const char *path, bool dir, struct err *e)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n >= sizeof(part))
        return err_set(e, ERR_INVALID, "path too long: %s", path);
    if (make_last(path, dir) == 0)
        return 0;
    if (errno != ENOENT)
        return fail(e, "create", path);
    memcpy(part, path, n + 1);
    for (char *p = part + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return fail(e, "mkdir", part);
        *p = '/';
    }
    return make_last(path, dir) < 0 ? fail(e, "create", path) : 0;
}

static int attach(int fd, const char *dst, bool dir, struct err *e)
{
    int r = make_place(dst, dir, e);
    if (r == 0 && sys_move_mount(fd, AT_FDCWD, dst) < 0)
        r = fail(e, "mount", dst);
    return r;
}

static int write_text(const char *path, const char *p, size_t n, struct err *e)
{
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    return fd < 0 ? fail(e, "create", path) : n ? fd_write_full(fd, p, n, e) : 0;
}

/* Covers an existing path with an empty file or directory of our own root. */
static int mask(int dirfd, const char *path, bool kernel, struct err *e)
{
    /* Below /workspace the path goes through the project's own names: none of them may lead elsewhere. */
    struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
                           .resolve = dirfd == AT_FDCWD ? 0 : RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    struct stat st;
    AUTO(fd_close) int at = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
    if (at < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        return 0;
    if (at < 0 || fstat(at, &st) < 0)
        return fail(e, "hide", path);
    if (S_ISLNK(st.st_mode))
        return 0; /* what it names is hidden by its own name, or not shown at all */
    if (kernel && st.st_uid != geteuid() && !(st.st_mode & 0007) && (st.st_gid != getegid() || !(st.st_mode & 0070)))
        return 0; /* only the host's root may open it, and nobody can become that in here */
    AUTO(fd_close)
    int cover =
        sys_open_tree(AT_FDCWD, S_ISDIR(st.st_mode) ? "/sys" : "/etc/machine-id", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (cover < 0 || set_attr(cover, ATTR_RO | MOUNT_ATTR_NOEXEC) < 0 ||
        (int)syscall(SYS_move_mount, cover, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return fail(e, "hide", path);
    return 0;
}

static int again_ro(const char *path, struct err *e)
{
    AUTO(fd_close) int fd = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 || set_attr(fd, ATTR_RO | MOUNT_ATTR_NOEXEC) < 0 || sys_move_mount(fd, AT_FDCWD, path) < 0)
        return fail(e, "make read-only", path);
    return 0;
}

static int set(const char *path, const char *value, struct err *e)
{
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    return fd < 0 || write(fd, value, strlen(value)) < 0 ? fail(e, "write", path) : 0;
}

static int attach_new(const char *fs, const char *const opt[], const char *dst, unsigned attr, struct err *e)
{
    AUTO(fd_close) int fd = new_fs(fs, opt, attr, e);
    return fd < 0 ? fd : attach(fd, dst, true, e);
}

static int attach_proc(const char *dst, struct err *e)
{
    static const char *const opt[] = {"hidepid", "invisible", NULL};
    AUTO(fd_close) int fd = new_fs("proc", opt, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, NULL);
    if (fd < 0 && errno == EPERM) /* mount_too_revealing() in the kernel: parts of the host's /proc are covered */
        return err_set(
            e, ERR_SANDBOX_UNAVAILABLE,
            "a new /proc is refused, because parts of this one are hidden; fix: no ProtectProc=, ProcSubset= or "
            "ProtectKernelTunables= in the service (in a container: systempaths=unconfined)");
    return fd < 0 ? fail(e, "mount", dst) : attach(fd, dst, true, e);
}

static int attach_pts(const char *dst, struct err *e)
{
    /* max: all instances but the host's own share what kernel.pty.max leaves */
    static const char *const opt[] = {"ptmxmode", "0666", "mode", "0620", "max", "256", NULL};
    return attach_new("devpts", opt, dst, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, e);
}

static int attach_scratch(const char *dst, const char *name, struct err *e)
{
    char path[64];
    bool home = strcmp(name, "home") == 0;
    snprintf(path, sizeof(path), SCRATCH "/%s", name);
    if (mkdir(path, 0700) < 0 || chmod(path, home ? 0755 : 01777) < 0)
        return fail(e, "mkdir", path);
    AUTO(fd_close) int fd = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    return fd < 0 ? fail(e, "open", path) : attach(fd, dst, true, e);
}

static int attach_op(const struct op *o, const struct got *g, struct err *e)
{
    int r = 0;
    switch (o->kind) {
    case K_TREE:
        if (g->link)
            return symlink(g->link, o->dst) < 0 ? fail(e, "symlink", o->dst) : 0;
        return g->fd < 0 ? 0 : attach(g->fd, o->dst, g->dir, e);
    case K_DEV:
        if (g->fd < 0)
            return err_set(e, ERR_SANDBOX_FAILED, "%s is not there: no step could run", o->arg);
        return attach(g->fd, o->dst, false, e);
    case K_COPY:
        return g->dir ? write_text(o->dst, g->text.p, g->text.len, e) : 0;
    case K_DIR:
        return make_place(o->dst, true, e);
    case K_LINK:
        return symlink(o->arg, o->dst) < 0 ? fail(e, "symlink", o->dst) : 0;
    case K_SCR:
        return attach_scratch(o->dst, o->arg, e);
    case K_PROC:
        return attach_proc(o->dst, e);
    case K_PTS:
        return attach_pts(o->dst, e);
    case K_MASK:
        return mask(AT_FDCWD, o->dst, true, e);
    case K_SET:
        return set(o->dst, o->arg, e);
    case K_RO:
        return again_ro(o->dst, e);
    }
    return r;
}

static int write_accounts(const struct ids *ids, struct err *e)
{
    char b[512];
    int n = snprintf(b, sizeof(b),
                     "root:x:0:0:root:/root:/usr/sbin/nologin\nagent:x:%u:%u:agent:/home/agent:/bin/sh\n"
                     "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
                     ids->in, ids->in_gid);
    int r = make_place("/etc", true, e);
    if (r == 0)
        r = write_text("/etc/passwd", b, (size_t)n, e);
    n = snprintf(b, sizeof(b), "root:x:0:\nagent:x:%u:\ntty:x:5:\nnogroup:x:65534:\n", ids->in_gid);
    if (r == 0)
        r = write_text("/etc/group", b, (size_t)n, e);
    static const char hosts[] = "127.0.0.1 localhost sallyport\n::1 localhost\n";
    if (r == 0)
        r = write_text("/etc/hosts", hosts, sizeof(hosts) - 1, e);
    if (r == 0)
        r = write_text("/etc/hostname", "sallyport\n", 10, e);
    if (r == 0)
        r = write_text("/etc/machine-id", NULL, 0,
                       e); /* empty: machine-id(5); also what hidden files are covered with */
    static const char profile[] = "export PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}\n";
    if (r == 0)
        r = write_text("/etc/profile", profile, sizeof(profile) - 1, e);
    /* So that commits work in a home without a .gitconfig; the repository's own configuration wins. */
    static const char git[] = "[user]\n\tname = agent\n\temail = agent@sallyport.invalid\n";
    if (r == 0)
        r = write_text("/etc/gitconfig", git, sizeof(git) - 1, e);
    return r;
}

static int open_scratch(const struct spw_spec *s, struct err *e)
{
    char size[32], inodes[32];
    int64_t max = s->memory_bytes ? s->memory_bytes / 2 : SCRATCH_MAX;
    if (s->disk_bytes && s->disk_bytes < max)
        max = s->disk_bytes;
    int64_t files = max / SCRATCH_FILE; /* empty files take memory too */
    snprintf(size, sizeof(size), "%lld", (long long)max);
    snprintf(inodes, sizeof(inodes), "%lld", (long long)(files < SCRATCH_FILES ? files + 1000 : SCRATCH_FILES));
    const char *const opt[] = {"mode", "0700", "size", size, "nr_inodes", inodes, NULL};
    return attach_new("tmpfs", opt, SCRATCH, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, e);
}

/* A directory is shown through an overlay of itself and nothing: connect(2) to a socket in it is refused then, which a
 * read-only bind would allow. */
static int attach_bind(const struct got *g, const char *dst, struct err *e)
{
    char data[96];
    int r = attach(g->fd, dst, g->dir, e);
    if (r < 0 || !g->dir)
        return r;
    AUTO(fd_close) int low = open(dst, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (low < 0)
        return fail(e, "open", dst);
    snprintf(data, sizeof(data), "lowerdir=/proc/self/fd/%d:/sys", low);
    if (sys_mount("overlay", dst, "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV, data) < 0 && errno != EINVAL)
        return fail(e, "mount", dst); /* EINVAL: other mounts inside; the plain read-only view stays */
    return 0;
}

static int attach_all(const struct init_in *in, struct gather *g, struct err *e)
{
    int r = open_scratch(in->spec, e);
    if (r == 0)
        r = write_accounts(in->ids, e);
    for (size_t i = 0; i < NOPS && r == 0; i++)
        r = attach_op(&ops[i], &g->ops[i], e);
    for (size_t i = 0; i < in->spec->nro_binds && r == 0; i++) {
        if (g->binds[i].fd >= 0)
            r = attach_bind(&g->binds[i], in->spec->ro_binds[i], e);
    }
    for (size_t i = 0; i < in->spec->nhidden && r == 0; i++) {
        if (!path_contains(in->spec->project, in->spec->hidden[i]))
            r = mask(AT_FDCWD, in->spec->hidden[i], false, e);
    }
    return r;
}

static int attach_workspace(struct gather *g, struct rootfs *ret, struct err *e)
{
    bool own = g->project.fd < 0; /* SPW_COPY: the project itself is not shown */
    int r = own ? make_place("/workspace", true, e) : attach(g->project.fd, "/workspace", true, e);
    if (r < 0)
        return r;
    ret->project_fd = open("/workspace", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (ret->project_fd < 0 || sys_move_mount(g->layers.fd, AT_FDCWD, "/workspace") < 0)
        return fail(e, "mount", "layers");
    ret->layers_fd = open("/workspace", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return ret->layers_fd < 0 ? fail(e, "open", "layers") : 0;
}

static int lock_root(struct err *e)
{
    AUTO(fd_close) int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct mount_attr a = {.attr_set = ATTR_RO};
    if (fd < 0 || sys_mount_setattr(fd, AT_EMPTY_PATH, &a) < 0)
        return fail(e, "make read-only", "/");
    return 0;
}

static void got_fini(struct got *g)
{
    fd_close(&g->fd);
    free(g->link);
    buf_fini(&g->text);
}

static void gather_free(struct gather *g, size_t nbinds)
{
    for (size_t i = 0; i < NOPS; i++)
        got_fini(&g->ops[i]);
    for (size_t i = 0; i < nbinds; i++)
        got_fini(&g->binds[i]);
    got_fini(&g->project);
    got_fini(&g->layers);
    free(g->binds);
    free(g);
}

static struct gather *gather_new(size_t nbinds)
{
    struct gather *g = calloc(1, sizeof(*g));
    if (!g)
        return NULL;
    g->binds = calloc(nbinds + 1, sizeof(*g->binds));
    if (!g->binds) {
        free(g);
        return NULL;
    }
    for (size_t i = 0; i < NOPS; i++)
        g->ops[i].fd = -1;
    for (size_t i = 0; i < nbinds; i++)
        g->binds[i].fd = -1;
    g->project.fd = g->layers.fd = -1;
    return g;
}

int rootfs_gather(const struct init_in *in, struct gather **ret, struct err *e)
{
    struct gather *g = gather_new(in->spec->nro_binds);
    if (!g)
        return err_oom(e);
    int r = 0;
    /* Nothing we do may travel back to the host, nothing the host does later may appear here. */
    if (sys_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        r = fail(e, "make private", "/");
    if (r == 0)
        r = gather_all(in, g, e);
    if (r < 0) {
        gather_free(g, in->spec->nro_binds);
        return r;
    }
    *ret = g;
    return 0;
}

int rootfs_build(const struct init_in *in, struct gather *g, int project_fd, struct rootfs *ret, struct err *e)
{
    if (project_fd >= 0)
        g->project.fd = project_fd;
    int r = become(in->ids, e);
    if (r == 0)
        r = pivot(e);
    if (r == 0)
        r = attach_all(in, g, e);
    if (r == 0)
        r = attach_workspace(g, ret, e);
    if (r == 0)
        r = forget_old_root(e);
    if (r == 0)
        r = lock_root(e);
    gather_free(g, in->spec->nro_binds);
    return r;
}

/* ---- the step's overlay ---- */

/* Paths are relative to layers/, so that a hundred layers fit into the one page of mount options. Names were checked
 * (spw_name_ok): no comma, colon or backslash can be in them. */
static int overlay_options(const struct rootfs *fs, const struct spw_step *s, struct buf *b, struct err *e)
{
    buf_puts(b, "lowerdir=");
    for (size_t i = s->nlower; i > 0; i--)
        buf_printf(b, "%s/upper:", s->lower[i - 1]);
    buf_printf(b, "/proc/self/fd/%d,upperdir=%s/upper,workdir=%s/work", fs->project_fd, s->layer, s->layer);
    buf_puts(b, ",userxattr,redirect_dir=nofollow,metacopy=off,index=off,volatile");
    if (b->bad)
        return b->bad == -ERR_OOM ? err_oom(e)
                                  : err_set(e, ERR_TOO_LARGE, "too many layers (%zu) below this step", s->nlower);
    return 0;
}

static int mount_copy(const struct rootfs *fs, struct err *e)
{
    AUTO(fd_close)
    int fd = sys_open_tree(fs->layers_fd, "copy/upper", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
    if (fd < 0 || sys_move_mount(fd, AT_FDCWD, "/workspace") < 0)
        return fail(e, "mount", "the copy of the project on /workspace");
    return 0;
}

static int mount_overlay(const struct rootfs *fs, const struct spw_step *s, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(4000);
    int r = overlay_options(fs, s, &b, e);
    if (r < 0)
        return r;
    if (fchdir(fs->layers_fd) < 0)
        return fail(e, "chdir", "layers");
    /* Legacy mount(2): fsconfig(2) takes at most 256 bytes per string. */
    int m = sys_mount("overlay", "/workspace", "overlay", MS_NOSUID | MS_NODEV, b.p);
    int sys = errno;
    (void)!chdir("/");
    if (m < 0) {
        errno = sys;
        return err_sys(
            e, ERR_SANDBOX_FAILED,
            "mount the overlay on /workspace (fix: no other file system may be mounted inside the project, and "
            "the data directory must be on a file system with user extended attributes, such as ext4, xfs, btrfs)");
    }
    return 0;
}

int rootfs_step_mount(const struct init_in *in, const struct rootfs *fs, const struct spw_step *s, struct err *e)
{
    int r = in->spec->flags & SPW_COPY ? mount_copy(fs, e) : mount_overlay(fs, s, e);
    if (r < 0)
        return r;
    AUTO(fd_close) int ws = open("/workspace", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (ws < 0)
        return fail(e, "open", "/workspace");
    size_t n = strlen(in->spec->project);
    for (size_t i = 0; i < in->spec->nhidden && r == 0; i++) {
        const char *h = in->spec->hidden[i];
        if (path_contains(in->spec->project, h) && h[n] == '/')
            r = mask(ws, h + n + 1, false, e);
    }
    return r;
}

void rootfs_step_umount(void)
{
    /* Every process of the step is gone, so nothing holds it: detaching frees it, and the masks on it, at once. */
    (void)sys_umount("/workspace", MNT_DETACH);
}
