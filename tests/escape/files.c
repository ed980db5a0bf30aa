/* files - tries at files that are not the step's: by every kind of path, fd, link, handle and race. */
#include "attempts.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define RO (O_RDONLY | O_CLOEXEC)
#define WO (O_WRONLY | O_CLOEXEC)

/* ---- by path ---- */

void try_write_by_path(struct ctx *c)
{
    const char *bait = at(c->base, "/bait"), *fresh = at(c->base, "/outside/new");
    TRY(ANY, open(bait, WO), ENOENT);
    TRY(ANY, open(bait, O_RDWR | O_APPEND | O_CLOEXEC), ENOENT);
    TRY(ANY, open(fresh, WO | O_CREAT, 0600), ENOENT);
    TRY(ANY, truncate(bait, 1), ENOENT);
    TRY(ANY, chmod(bait, 0600), ENOENT);
    TRY(ANY, utimensat(AT_FDCWD, bait, NULL, 0), ENOENT);
    TRY(ANY, mkdir(at(c->base, "/outside/dir"), 0700), ENOENT);
    TRY(ANY, symlink("x", at(c->base, "/outside/sym")), ENOENT);
    TRY(ANY, mkfifo(at(c->base, "/outside/fifo"), 0600), ENOENT);
    TRY(ANY, rename(fresh, at(c->base, "/outside/newer")), ENOENT);
    TRY(ANY, unlink(at(c->base, "/outside/newer")), ENOENT);
    TRY(ANY, rmdir(at(c->base, "/outside/dir")), ENOENT);
    TRY(ANY, setxattr(bait, "user.x", "1", 1, 0), ENOENT);
}

void try_write_by_symlink(struct ctx *c)
{
    const char *link = at(c->ws, "/link"), *own = at(c->ws, "/own-link"), *dir = at(c->ws, "/own-dir"),
               *chain = at(c->tmp, "/chain"), *creat_by = at(c->ws, "/creat-link");
    /* "link" was made on the host, beside the project, and leads to the bait */
    TRY(ANY, open(link, WO), ENOENT);
    if (symlink(at(c->base, "/bait"), own) < 0 || symlink(c->base, dir) < 0 || symlink(own, chain) < 0 ||
        symlink(at(c->base, "/outside/by-link"), creat_by) < 0)
        broken(c, "symlink");
    if (chdir(c->ws) < 0)
        broken(c, "chdir");
    TRY(ANY, open(own, WO), ENOENT);
    TRY(ANY, open(chain, WO), ENOENT);
    TRY(ANY, open(at(dir, "/bait"), WO), ENOENT);
    TRY(ANY, open(creat_by, WO | O_CREAT, 0600), ENOENT);
    TRY(ANY, truncate(own, 2), ENOENT);
    TRY(ANY, mkdir(at(dir, "/outside/by-link-dir"), 0700), ENOENT);
    TRY(ANY, open("/proc/self/cwd/own-link", WO), ENOENT);
}

void try_write_by_dotdot(struct ctx *c)
{
    char p[1024];
    snprintf(p, sizeof(p), "%s/../../../../../../../..%s/bait", c->tmp, c->base);
    TRY(ANY, open(p, WO), ENOENT);
    TRY(ANY, open(at(c->ws, "/../../bait"), WO), ENOENT); /* outside it lies two folders above */
    if (chdir(c->ws) < 0)
        broken(c, "chdir");
    TRY(ANY, open("../../bait", WO), ENOENT);
    int fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    TRY(ANY, openat(fd, "../../bait", WO), ENOENT);
    TRY(ANY, openat(fd, "../../outside/dotdot", WO | O_CREAT, 0600), ENOENT);
}

void try_openat2(struct ctx *c)
{
    struct open_how plain = {.flags = WO}, root = {.flags = RO, .resolve = RESOLVE_IN_ROOT},
                    none = {.flags = RO, .resolve = RESOLVE_NO_MAGICLINKS};
    const char *bait = at(c->base, "/bait");
    TRY(ANY, syscall(SYS_openat2, AT_FDCWD, bait, &plain, sizeof(plain)), ENOENT);
    int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    TRY(ANY, syscall(SYS_openat2, fd, bait, &root, sizeof(root)), ENOENT);
    TRY(ANY, syscall(SYS_openat2, fd, at("../../..", bait), &root, sizeof(root)), ENOENT);
    TRY(ANY, syscall(SYS_openat2, fd, at("/..", bait), &none, sizeof(none)), ENOENT);
}

void try_proc_root(struct ctx *c)
{
    static const char *const own[] = {"/proc/self/root", "/proc/thread-self/root", "/proc/self/task/../root",
                                      "/proc/self/cwd/../../../../../../..", "/proc/self/root/proc/self/root"};
    for (size_t i = 0; i < N(own); i++)
        TRY(ANY, open(at(at(own[i], c->base), "/bait"), RO), ENOENT);
    char p[64];
    snprintf(p, sizeof(p), "/proc/%d/root", (int)c->canary);
    TRY(ANY, open(at(at(p, c->base), "/bait"), RO), ENOENT);
    TRY(MAYBE, open(at("/proc/1/root", at(c->base, "/bait")), RO), ENOENT);
    TRY(MAYBE, open("/proc/1/cwd", RO), ENOENT);
    TRY(MAYBE, open("/proc/1/exe", RO), ENOENT);
    TRY(MAYBE, chdir("/proc/1/root"), ENOENT);
}

/* Every process that shows must be our own: hidepid leaves none of init's. */
void try_proc_of_others(struct ctx *c)
{
    static const char *const what[] = {"/fd", "/environ", "/mem", "/maps", "/root", "/cwd", "/exe", "/mountinfo"};
    DIR *d = opendir("/proc");
    int others = 0;
    for (struct dirent *de; d && (de = readdir(d));)
        others += de->d_name[0] >= '1' && de->d_name[0] <= '9' && atoi(de->d_name) != getpid();
    CHECK(ANY, others == 0);
    for (size_t i = 0; i < N(what); i++) {
        char p[64];
        snprintf(p, sizeof(p), "/proc/%d%s", (int)c->canary, what[i]);
        TRY(ANY, open(p, RO), ENOENT);
        TRY(MAYBE, open(at("/proc/1", what[i]), RO), ENOENT);
    }
}

void try_leaked_fds(struct ctx *c)
{
    int more = 0;
    for (int fd = 3; fd < 4096; fd++)
        more += fcntl(fd, F_GETFD) >= 0;
    CHECK(ANY, more == 0); /* the suite holds the bait open without close-on-exec */
    for (int fd = 0; fd < 3; fd++) {
        char p[64];
        struct stat st;
        snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
        CHECK(NOT, fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)));
        TRY(NOT, openat(fd, "..", RO), ENOTDIR);
        TRY(NOT, fchdir(fd), ENOTDIR);
        /* fd 0 is /dev/null: not even that leads to the host's /dev */
        TRY(NOT, open(at(p, "/.."), RO), ENOTDIR);
    }
}

/* A directory that was opened is a way up, as long as ".." leads somewhere. */
void try_dir_fds(struct ctx *c)
{
    int fd = open(c->ws, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 64; i++) {
        int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        close(fd);
        fd = up;
    }
    const char *bait = at(c->base + 1, "/bait");
    TRY(ANY, openat(fd, bait, RO), ENOENT);
    TRY(ANY, fstatat(fd, bait, &(struct stat){0}, 0), ENOENT);
    if (fchdir(fd) < 0)
        broken(c, "fchdir");
    TRY(ANY, open(bait, WO), ENOENT);
    char cwd[64];
    CHECK(NOT, getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/") == 0);
}

void try_hard_links(struct ctx *c)
{
    const char *to = at(c->ws, "/hard");
    TRY(ANY, link(at(c->base, "/bait"), to), ENOENT);
    (void)unlink(to);
    int fd = open(c->outside ? at(c->base, "/bait") : "/etc/passwd", RO);
    char p[64];
    snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
    TRY(ANY, linkat(AT_FDCWD, p, AT_FDCWD, to, AT_SYMLINK_FOLLOW), EXDEV);
    (void)unlink(to);
    TRY(ROOT, linkat(fd, "", AT_FDCWD, to, AT_EMPTY_PATH), ENOENT, EXDEV);
    (void)unlink(to);
    TRY(NOT, link("/usr/bin/env", to), EXDEV);
    TRY(NOT, link("/proc/self/status", to), EXDEV);
    TRY(NOT, link("/dev/null", to), EXDEV);
}

static int by_handle(const char *path, int dirfd)
{
    union {
        struct file_handle h;
        char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } u = {.h.handle_bytes = MAX_HANDLE_SZ};
    int mount;
    if (name_to_handle_at(AT_FDCWD, path, &u.h, &mount, 0) < 0)
        return -1;
    return open_by_handle_at(dirfd, &u.h, RO);
}

void try_file_handles(struct ctx *c)
{
    union {
        struct file_handle h;
        char room[sizeof(struct file_handle) + 8];
    } root = {.h = {.handle_bytes = 8, .handle_type = 1 /* FILEID_INO32_GEN: of a guessed inode */}};
    ((unsigned *)(void *)root.h.f_handle)[0] = 2;
    int fd = open(c->ws, RO | O_DIRECTORY);
    TRY(MAYBE, by_handle(c->outside ? at(c->base, "/bait") : c->ws, fd), ENOSYS);
    TRY(MAYBE, open_by_handle_at(fd, &root.h, RO), EPERM);
    TRY(NOT, open_by_handle_at(AT_FDCWD, &root.h, RO), EPERM);
}

/* ---- the places a sandbox is made of ---- */

void try_move_the_workspace(struct ctx *c)
{
    const char *dir = at(c->ws, "/dir");
    (void)mkdir(dir, 0700);
    TRY(ANY, rename(dir, at(c->base, "/outside/moved")), ENOENT);
    TRY(NOT, rename("/workspace", "/workspace2"), EBUSY, EROFS, EXDEV);
    TRY(NOT, rename("/workspace", "/tmp/w"), EBUSY, EROFS, EXDEV);
    TRY(NOT, rename("/tmp", "/home/agent/t"), EBUSY, EROFS, EXDEV);
    TRY(NOT, rmdir("/workspace"), EBUSY, EROFS);
    TRY(NOT, rename("/workspace/dir", "/dir"), EXDEV);
    TRY(NOT, renameat2(AT_FDCWD, "/workspace", AT_FDCWD, "/tmp", RENAME_EXCHANGE), EBUSY, EROFS, EXDEV);
    TRY(NOT, mkdir("/new", 0755), EROFS);
    TRY(NOT, symlink("/tmp", "/new"), EROFS);
}

void try_between_scratch_mounts(struct ctx *c)
{
    /* /tmp, the home and /dev/shm are folders of one tmpfs: what leaves one by "..", or is moved, must not reach the
     * tmpfs itself */
    static const char *const dir[] = {"/tmp", "/home/agent", "/dev/shm"};
    (void)mkdir("/tmp/a", 0700);
    TRY(NOT, rename("/tmp/a", "/home/agent/a"), EXDEV);
    TRY(NOT, rename("/tmp/a", "/dev/shm/a"), EXDEV);
    int fd = open("/tmp/f", WO | O_CREAT, 0600);
    TRY(NOT, fd >= 0 ? link("/tmp/f", "/dev/shm/f") : 0, EXDEV);
    for (size_t i = 0; i < N(dir); i++) {
        TRY(NOT, open(at(dir[i], "/../shm/../tmp/../home"), RO | O_DIRECTORY | O_NOFOLLOW), ENOENT);
        TRY(NOT, open(at(dir[i], "/../mnt/tmp"), RO), ENOENT);
    }
    TRY(NOT, open("/mnt/home", RO), ENOENT);
}

struct race {
    volatile bool stop;
    const char *ws;
};

static void *keep_moving(void *arg)
{
    struct race *r = arg;
    char a[512], b[512];
    snprintf(a, sizeof(a), "%.400s/race/in/deep", r->ws);
    snprintf(b, sizeof(b), "%.400s/race/deep", r->ws);
    while (!r->stop) {
        (void)rename(a, b);
        (void)rename(b, a);
    }
    return NULL;
}

static void *keep_swapping(void *arg)
{
    struct race *r = arg;
    char link[512], dir[512];
    snprintf(link, sizeof(link), "%.400s/race/l", r->ws);
    snprintf(dir, sizeof(dir), "%.400s/race/d", r->ws);
    while (!r->stop)
        (void)renameat2(AT_FDCWD, link, AT_FDCWD, dir, RENAME_EXCHANGE);
    return NULL;
}

/* While a folder is moved up and down, ".." from inside it must not step over the top; while a folder and a symlink
 * change places, neither may lead out. */
void try_races(struct ctx *c)
{
    struct race r = {.ws = c->ws};
    pthread_t t[2];
    int out = 0;
    if (mkdir(at(c->ws, "/race"), 0700) < 0 || mkdir(at(c->ws, "/race/in"), 0700) < 0 ||
        mkdir(at(c->ws, "/race/in/deep"), 0700) < 0 || mkdir(at(c->ws, "/race/d"), 0700) < 0 ||
        symlink(c->base, at(c->ws, "/race/l")) < 0)
        broken(c, "mkdir");
    if (c->outside)
        return;
    if (pthread_create(&t[0], NULL, keep_moving, &r) != 0 || pthread_create(&t[1], NULL, keep_swapping, &r) != 0)
        broken(c, "pthread_create");
    for (int i = 0; i < 4000; i++) {
        int fd = openat(AT_FDCWD, "/workspace/race/in/deep", O_PATH | O_DIRECTORY | O_CLOEXEC);
        out += fd >= 0 && (faccessat(fd, "../../../../..", F_OK, 0) == 0) &&
               faccessat(fd, at(at("../../../../..", c->base), "/bait"), F_OK, 0) == 0;
        out += access("/workspace/race/l/bait", F_OK) == 0 || access("/workspace/race/d/bait", F_OK) == 0;
        if (fd >= 0)
            close(fd);
    }
    r.stop = true;
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
    CHECK(NOT, out == 0);
}

void try_covered_layers(struct ctx *c)
{
    /* /workspace is the top of a stack of mounts: project, layers, overlay. What is under it must stay covered. */
    static const char *const p[] = {
        "/workspace/0.1", "/workspace/0.1/upper", "/workspace/../workspace/0.1", "/layers",
        "/mnt/tmp",       "/workspace/work",      "/proc/self/root/layers/",     "/workspace/upper"};
    for (size_t i = 0; i < N(p); i++)
        TRY(NOT, access(p[i], F_OK), ENOENT);
    TRY(NOT, umount2("/workspace", MNT_DETACH), EPERM);
    TRY(NOT, syscall(SYS_open_tree, AT_FDCWD, "/workspace", 1 /* OPEN_TREE_CLONE */), ENOSYS);
    TRY(NOT, openat(open("/workspace", RO | O_DIRECTORY), "../workspace/0.1", RO), ENOENT);
}

/* ---- reading what is not for steps ---- */

void try_read_secrets(struct ctx *c)
{
    static const char *const of_root[] = {"/etc/shadow", "/etc/gshadow"};
    static const char *const anybodys[] = {"/var/lib/dpkg/status", "/etc/fstab", "/sys/kernel", "/boot"};
    static const char *const some[] = {
        "/etc/ssh/ssh_host_rsa_key",
        "/etc/sudoers",
        "/etc/ssl/private",
        "/etc/sallyport",
        "/root/.bashrc",
        "/root/.ssh/id_rsa",
        "/root/.aws",
        "/root/.netrc",
        "/var/log/dpkg.log",
        "/var/lib/sallyport",
        "/home/user",
        "/run/systemd",
        "/run/docker.sock",
        "/run/user",
        "/var/run/dbus",
        "/var/spool/cron",
        "/etc/krb5.keytab",
        "/etc/wireguard",
        "/etc/NetworkManager",
        "/etc/resolv.conf",
        "/run/secrets",
        "/etc/environment",
        "/usr/../etc/shadow",
        "/usr/share/../../etc/shadow",
    };
    for (size_t i = 0; i < N(of_root); i++)
        TRY(ROOT, read_some(of_root[i]), ENOENT);
    for (size_t i = 0; i < N(anybodys); i++)
        TRY(MAYBE, access(anybodys[i], F_OK), ENOENT);
    for (size_t i = 0; i < N(some); i++)
        TRY(MAYBE, access(some[i], F_OK), ENOENT);
}

static int entries(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    for (struct dirent *de; d && (de = readdir(d));)
        n += strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0;
    if (d)
        closedir(d);
    return d ? n : -1;
}

void try_empty_places(struct ctx *c)
{
    CHECK(NOT, entries("/root") == 0);
    CHECK(NOT, entries("/run") == 0);
    CHECK(NOT, entries("/sys") == 0);
    CHECK(NOT, entries("/srv") == 0);
    CHECK(NOT, entries("/opt") == 0);
    CHECK(NOT, entries("/shared") == 0);
    CHECK(NOT, entries("/mnt") == 0);
    CHECK(NOT, entries("/home") == 1);
    CHECK(NOT, entries("/var/lib") == 0);
    CHECK(NOT, entries("/var/log") == 0);
}

void try_other_runs(struct ctx *c)
{
    static const char *const p[] = {
        "/other/layers/0.1/upper/bait", "/other/logs/0.1.log", "/data/sallyport.db", "/data/key", "/data/admin-token",
        "/data/audit/signing.key"};
    for (size_t i = 0; i < N(p); i++)
        TRY(ANY, read_some(at(c->base, p[i])), ENOENT);
    TRY(ANY, open(at(c->base, "/data"), RO | O_DIRECTORY), ENOENT);
    TRY(NOT, access(at(c->base, "/run/shim/ctl"), F_OK), ENOENT);
    TRY(NOT, access(at(c->base, "/run/layers"), F_OK), ENOENT);
    TRY(NOT, access(at(c->base, "/project"), F_OK), ENOENT);
}

void try_write_read_only(struct ctx *c)
{
    static const char *const fresh[] = {"/usr/bin/x", "/usr/lib/x", "/bin/x", "/etc/x",   "/x",          "/shared/x",
                                        "/sys/x",     "/root/x",    "/run/x", "/opt/x",   "/var/x",      "/home/x",
                                        "/dev/x",     "/srv/x",     "/lib/x", "/proc/x/", "/var/cache/x"};
    static const char *const there[] = {"/etc/passwd",  "/etc/group",       "/etc/hosts",
                                        "/etc/profile", "/etc/ld.so.cache", "/usr/bin/env"};
    for (size_t i = 0; i < N(fresh); i++)
        TRY(NOT, open(fresh[i], WO | O_CREAT, 0600), EROFS, EACCES, EISDIR);
    for (size_t i = 0; i < N(there); i++) {
        TRY(NOT, open(there[i], WO), EROFS, EACCES);
        TRY(NOT, truncate(there[i], 0), EROFS, EACCES);
        TRY(NOT, unlink(there[i]), EROFS, EACCES);
        TRY(NOT, chmod(there[i], 0777), EROFS, EPERM);
        TRY(NOT, rename("/tmp", there[i]), EXDEV, EBUSY, EROFS);
    }
    TRY(NOT, open("/etc/ld.so.preload", WO | O_CREAT, 0600), EROFS);
    TRY(NOT, open(at(c->base, "/bound/new"), WO | O_CREAT, 0600), EROFS);
    TRY(NOT, open(at(c->base, "/bound/tool"), WO), EROFS);
    TRY(NOT, utimensat(AT_FDCWD, "/usr/bin/env", NULL, 0), EROFS, EACCES);
}

/* What the driver was told to hide: in the project, and in a bind. */
void try_hidden_files(struct ctx *c)
{
    TRY(NOT, read_some("/workspace/credentials"), ENODATA, EACCES);
    CHECK(NOT, entries("/workspace/secrets") == 0);
    TRY(NOT, read_some(at(c->base, "/bound/token")), ENODATA, EACCES);
    TRY(NOT, write_text("/workspace/credentials", "x"), EROFS, EACCES);
    TRY(NOT, unlink("/workspace/credentials"), EBUSY);
    TRY(NOT, rename("/workspace/credentials", "/workspace/c2"), EBUSY);
    TRY(NOT, rename("/workspace/secrets", "/workspace/s2"), EBUSY, EXDEV);
    TRY(NOT, link("/workspace/credentials", "/workspace/c3"), EXDEV);
}

/* ---- kernel files ---- */

void try_kernel_files(struct ctx *c)
{
    static const char *const r[] = {"/proc/kcore",      "/proc/kmsg",         "/proc/keys",         "/proc/key-users",
                                    "/proc/kallsyms",   "/proc/slabinfo",     "/proc/vmallocinfo",  "/proc/timer_list",
                                    "/proc/iomem",      "/proc/config.gz",    "/proc/interrupts",   "/proc/sched_debug",
                                    "/proc/kpageflags", "/proc/pagetypeinfo", "/proc/latency_stats"};
    static const char *const gone[] = {"/sys/kernel/notes",      "/sys/kernel/debug",    "/sys/kernel/tracing",
                                       "/sys/kernel/security",   "/sys/module",          "/sys/fs/cgroup",
                                       "/sys/firmware",          "/sys/power/state",     "/sys/kernel/uevent_helper",
                                       "/sys/class/net",         "/sys/devices",         "/sys/fs/bpf",
                                       "/sys/kernel/vmcoreinfo", "/sys/kernel/profiling"};
    for (size_t i = 0; i < N(r); i++)
        TRY(MAYBE, read_some(r[i]), ENODATA, EACCES, EPERM, ENOENT);
    for (size_t i = 0; i < N(gone); i++)
        TRY(MAYBE, access(gone[i], F_OK), ENOENT);
    TRY(ROOT, read_some("/proc/kallsyms"), ENODATA, ENOENT);
    TRY(ROOT, read_some("/proc/iomem"), ENODATA, ENOENT, EACCES);
    TRY(ANY, access("/sys/kernel", F_OK), ENOENT);
}

void try_sysctls(struct ctx *c)
{
    static const char *const w[] = {"kernel/core_pattern",
                                    "kernel/modprobe",
                                    "kernel/hostname",
                                    "kernel/randomize_va_space",
                                    "kernel/yama/ptrace_scope",
                                    "kernel/unprivileged_bpf_disabled",
                                    "kernel/sysrq",
                                    "kernel/panic",
                                    "kernel/ns_last_pid",
                                    "kernel/pid_max",
                                    "vm/drop_caches",
                                    "vm/overcommit_memory",
                                    "vm/mmap_min_addr",
                                    "net/ipv4/ip_forward",
                                    "net/core/wmem_max",
                                    "net/ipv4/ip_unprivileged_port_start",
                                    "fs/protected_symlinks",
                                    "fs/suid_dumpable",
                                    "fs/file-max",
                                    "user/max_user_namespaces",
                                    "fs/binfmt_misc/register",
                                    "fs/binfmt_misc/status",
                                    "kernel/shmmax",
                                    "kernel/cap_last_cap"};
    for (size_t i = 0; i < N(w); i++)
        TRY(MAYBE, open(at("/proc/sys/", w[i]), WO), EROFS, EACCES, ENOENT);
    TRY(ROOT, open("/proc/sys/kernel/core_pattern", WO), EROFS, EACCES);
    TRY(ROOT, open("/proc/sys/vm/drop_caches", WO), EROFS, EACCES);
    TRY(MAYBE, open("/proc/sysrq-trigger", WO), EROFS, EACCES, ENOENT);
    TRY(ROOT, open("/proc/irq/default_smp_affinity", WO), ENOENT);
    TRY(MAYBE, open("/proc/mtrr", WO), EACCES, ENOENT);
    TRY(MAYBE, open("/proc/scsi/scsi", WO), EACCES, ENOENT);
}

void try_own_proc_files(struct ctx *c)
{
    TRY(NOT, write_text("/proc/self/uid_map", "0 0 1"), EPERM);
    TRY(NOT, write_text("/proc/self/gid_map", "0 0 1"), EPERM);
    TRY(NOT, write_text("/proc/self/setgroups", "allow"), EPERM, EACCES);
    TRY(MAYBE, write_text("/proc/self/oom_score_adj", "-1000"), EACCES);
    TRY(NOT, write_text("/proc/self/loginuid", "0"), EPERM, ENOENT, EACCES, EINVAL);
    TRY(NOT, write_text("/proc/self/timens_offsets", "monotonic 1 0"), EPERM, ENOENT, EACCES);
    TRY(NOT, write_text("/proc/self/attr/current", "unconfined"), EINVAL, EACCES, ENOENT, EPERM);
    TRY(NOT, read_some("/proc/self/stack"), EPERM, EACCES, ENOENT);
}

/* /proc/self/mem writes past page protections: of our own pages only. */
void try_proc_mem(struct ctx *c)
{
    char p[64];
    snprintf(p, sizeof(p), "/proc/%d/mem", (int)c->canary);
    TRY(ROOT, open(p, O_RDWR | O_CLOEXEC), ENOENT);
    TRY(NOT, open("/proc/1/mem", O_RDWR | O_CLOEXEC), ENOENT);
    TRY(NOT, open("/proc/1/task/1/mem", O_RDWR | O_CLOEXEC), ENOENT);
    TRY(NOT, open("/proc/self/task/1/mem", O_RDWR | O_CLOEXEC), ENOENT);
    int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    TRY(NOT, pwrite(fd, "x", 1, (off_t)0x7fffffffff000000), EIO, EFAULT, EINVAL, EOVERFLOW);
    TRY(NOT, pwrite(fd, "x", 1, (off_t)-4096), EIO, EFAULT, EINVAL, EOVERFLOW);
}

void try_mountinfo(struct ctx *c)
{
    /* mountinfo is not hidden: it names where the project and the layers lie on the host, and no other place of it */
    FILE *f = fopen("/proc/self/mountinfo", "re");
    char line[4096];
    int odd = 0;
    while (f && fgets(line, sizeof(line), f)) {
        char root[2048], dir[2048];
        if (sscanf(line, "%*s %*s %*s %2047s %2047s", root, dir) != 2)
            continue;
        if (strncmp(root, c->base, strlen(c->base)) == 0)
            odd += strncmp(dir, "/workspace", 10) != 0 && !strstr(dir, "/bound"); /* below /tmp: /var/tmp is a link */
        odd += strstr(root, "//deleted") != NULL;
    }
    if (f)
        fclose(f);
    CHECK(NOT, f && odd == 0);
}

/* ---- nodes, bits, attributes ---- */

void try_devices(struct ctx *c)
{
    static const char *const dev[] = {
        "mem",    "kmem",        "kmsg",         "vda",     "sda",     "port",         "fuse",
        "kvm",    "tty0",        "loop-control", "net/tun", "console", "nvme0n1",      "vsock",
        "dri",    "input",       "vhost-net",    "hwrng",   "rtc0",    "uinput",       "mapper/control",
        "autofs", "userfaultfd", "cpu/0/msr",    "snd",     "ppp",     "btrfs-control"};
    for (size_t i = 0; i < N(dev); i++)
        TRY(MAYBE, open(at("/dev/", dev[i]), RO | O_NONBLOCK), ENOENT);
    TRY(ROOT, open("/dev/kmsg", RO | O_NONBLOCK), ENOENT);
    TRY(ROOT, mknod(at(c->ws, "/mem"), S_IFCHR | 0666, makedev(1, 1)), EPERM);
    TRY(ROOT, mknod(at(c->tmp, "/disk"), S_IFBLK | 0666, makedev(254, 0)), EPERM);
    TRY(ROOT, mknodat(AT_FDCWD, at(c->tmp, "/null"), S_IFCHR | 0666, makedev(1, 3)), EPERM);
    TRY(NOT, mknodat(AT_FDCWD, "/dev/shm/null", S_IFCHR | 0666, makedev(1, 3)), EPERM);
    TRY(NOT, syscall(SYS_mknod, "/tmp/high", 0x7fff00000000UL | S_IFCHR | 0666, makedev(1, 1)), EPERM);
    TRY(NOT, mknod("/workspace/whiteout", S_IFCHR, makedev(0, 0)), EPERM);
}

void try_file_capabilities(struct ctx *c)
{
    /* struct vfs_cap_data, revision 2: all of them, effective */
    static const unsigned caps[5] = {0x02000001, ~0u, 0, ~0u, 0};
    const char *f = at(c->ws, "/own-file");
    int fd = open(f, WO | O_CREAT, 0755);
    TRY(ROOT, setxattr(f, "security.capability", caps, sizeof(caps), 0), EPERM);
    TRY(ROOT, fsetxattr(fd, "security.capability", caps, sizeof(caps), 0), EPERM);
    TRY(ROOT, setxattr(f, "trusted.x", "1", 1, 0), EPERM);
    TRY(ROOT, setxattr(f, "trusted.overlay.opaque", "y", 1, 0), EPERM, EOPNOTSUPP);
    TRY(NOT, setxattr("/tmp", "trusted.x", "1", 1, 0), EPERM, EOPNOTSUPP);
}

void try_give_files_away(struct ctx *c)
{
    const char *f = at(c->ws, "/own-file");
    close(open(f, WO | O_CREAT, 0755));
    TRY(ROOT, chown(f, 12345, (gid_t)-1), EPERM, EINVAL);
    TRY(ROOT, chown(f, (uid_t)-1, 12345), EPERM, EINVAL);
    TRY(ROOT, lchown(f, 0, 0), EPERM, EINVAL);
    /* A project id decides whose quota a file counts for. Anybody may map them; setting one takes the host's root. */
    struct fsxattr x = {.fsx_projid = 1};
    (void)write_text("/proc/self/projid_map", "0 0 4294967295");
    TRY(NOT, ioctl(open(f, RO), FS_IOC_FSSETXATTR, &x), EPERM, EINVAL, ENOTTY, EOPNOTSUPP);
    TRY(NOT, ioctl(open("/workspace", RO), FS_IOC_FSSETXATTR, &x), EPERM, EINVAL, ENOTTY, EOPNOTSUPP);
    /* setuid bits: the mounts are nosuid */
    struct statvfs v;
    CHECK(MAYBE, statvfs(c->ws, &v) == 0 && (v.f_flag & ST_NOSUID) && (v.f_flag & ST_NODEV));
    CHECK(MAYBE, statvfs(c->tmp, &v) == 0 && (v.f_flag & ST_NOSUID) && (v.f_flag & ST_NODEV));
    CHECK(NOT, statvfs("/usr", &v) == 0 && (v.f_flag & ST_NOSUID) && (v.f_flag & ST_NODEV) && (v.f_flag & ST_RDONLY));
    CHECK(NOT, statvfs("/", &v) == 0 && (v.f_flag & ST_NOSUID) && (v.f_flag & ST_NODEV) && (v.f_flag & ST_RDONLY));
    CHECK(NOT, statvfs("/home/agent", &v) == 0 && (v.f_flag & ST_NOSUID) && (v.f_flag & ST_NODEV));
    CHECK(NOT, statvfs("/dev/shm", &v) == 0 && (v.f_flag & ST_NOSUID) && (v.f_flag & ST_NODEV));
    CHECK(NOT, statvfs("/proc", &v) == 0 && (v.f_flag & ST_NOSUID) && (v.f_flag & ST_NODEV));
}

/* What an overlay keeps its secrets in. The test looks at the layer afterwards: none of these names may be there. */
void try_overlay_attributes(struct ctx *c)
{
    static const char *const name[] = {"redirect", "opaque",   "metacopy", "origin",    "impure",
                                       "upper",    "whiteout", "nlink",    "xwhiteouts"};
    (void)mkdir("/workspace/ovl", 0755);
    close(open("/workspace/ovl/file", WO | O_CREAT, 0644));
    for (size_t i = 0; i < N(name) && !c->outside; i++) {
        char x[64];
        snprintf(x, sizeof(x), "user.overlay.%s", name[i]);
        /* From 6.7 on the kernel stores them under another name ("xattr escapes"), before it refuses. */
        (void)setxattr("/workspace/ovl", x, "/../..", 6, 0);
        (void)setxattr("/workspace/ovl/file", x, "y", 1, 0);
        (void)setxattr("/workspace", x, "y", 1, 0);
        snprintf(x, sizeof(x), "trusted.overlay.%s", name[i]);
        TRY(NOT, setxattr("/workspace/ovl", x, "y", 1, 0), EPERM, EOPNOTSUPP);
    }
    /* "opaque" on the workspace itself would hide the whole project */
    CHECK(NOT, access("/workspace/attempts", F_OK) == 0);
}
