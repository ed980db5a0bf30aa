/* sallyport-shim - holds one sandbox, records its logs and exit codes, and outlives the server.
 *
 * Why it exists: a step must not die, and its end must not be forgotten, when
 * the server is stopped, upgraded or killed.
 * May include: base os sandbox/spec.h.   Links neither JSON, HTTP nor SQL.
 *
 * Started by src/sandbox/native with an empty environment, its stdin at /dev/null, its stderr at shim/err, and
 *   fd 3  SOCK_SEQPACKET: the first control connection
 *   fd 4  memfd with the spec (sandbox/spec.h)
 * argv[1] is the run's id, for ps(1); nothing is read from it. Or it is a copy of a nursery (nursery.h), with the same
 * fds.
 *
 *   read spec ─► lock ─► cgroups ─► init builds ┬► control socket, facts ┬► drop privileges ─► READY ─► loop
 *                                               └► the sandbox stands ──┘
 *
 * Any failure before READY is one FAIL message, and the end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/fault_board.h"
#include "base/str.h"
#include "os/file.h"
#include "os/proc.h"
#include "shim/host.h"
#include "shim/nursery.h"
#include "shim/probe.h"
#include "shim/sys.h"

#define CONN_FD 3
#define SPEC_FD 4

struct boot {
    struct spw_spec spec;
    char *body;
    void *mem;
    struct ids ids;
    struct weaker weaker;
    int dir, shim, lock;
    struct host_in host;
};

static int read_spec(struct boot *b, struct err *e)
{
    struct stat st;
    if (fstat(SPEC_FD, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > SPW_BODY_MAX)
        return err_set(e, ERR_INVALID, "fd 4 holds no sandbox spec: this program is started by sallyport serve");
    size_t n = (size_t)st.st_size;
    b->body = malloc(n);
    if (!b->body)
        return err_oom(e);
    int r = fd_pread_full(SPEC_FD, b->body, n, 0, e);
    close(SPEC_FD);
    return r < 0 ? r : spw_spec_decode(b->body, n, &b->spec, &b->mem, e);
}

static int open_dirs(struct boot *b, struct err *e)
{
    b->dir = open(b->spec.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (b->dir < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "open the run's directory %s", b->spec.dir);
    int r = dir_make(b->dir, "logs", &b->host.logs_dirfd, e);
    if (r == 0)
        r = dir_make(b->dir, "layers", &b->host.layers_dirfd, e);
    if (r == 0)
        r = dir_make(b->dir, "shim", &b->shim, e);
    /* init walks through it under another id; what is above is 0700 */
    if (r == 0 && fchmod(b->host.layers_dirfd, 0755) < 0)
        r = err_sys(e, ERR_SANDBOX_FAILED, "chmod layers");
    b->host.shim_dirfd = b->shim;
    return r;
}

/* Held as long as this process lives: the test whether a sandbox of this run exists. */
static int take_lock(struct boot *b, struct err *e)
{
    b->lock = openat(b->shim, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (b->lock < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "open shim/lock");
    if (flock(b->lock, LOCK_EX | LOCK_NB) < 0)
        return err_set(e, ERR_CONFLICT, "another shim holds this run's sandbox: adopt it or reap it");
    return 0;
}

static int write_small(int dirfd, const char *name, const char *text, struct err *e)
{
    AUTO(fd_close) int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "write shim/%s", name);
    return fd_write_full(fd, text, strlen(text), e);
}

/* pid: for people. ids: how apply translates owners in the layers: "uid <inside> <on the host> <of the project>". */
static int write_facts(struct boot *b, struct err *e)
{
    char text[160];
    const struct ids *i = &b->ids;
    snprintf(text, sizeof(text), "%d\n", (int)getpid());
    int r = write_small(b->shim, "pid", text, e);
    snprintf(text, sizeof(text), "uid %u %u %u\ngid %u %u %u\n", i->in, i->host, i->owner, i->in_gid, i->host_gid,
             i->owner_gid);
    return r < 0 ? r : write_small(b->shim, "ids", text, e);
}

static int open_control(struct boot *b, struct err *e)
{
    (void)unlinkat(b->shim, "ctl", 0); /* of a shim that was killed: we hold the lock */
    b->host.listen_fd = unix_listen(b->shim, "ctl", SOCK_SEQPACKET, 0600, e);
    return b->host.listen_fd < 0 ? b->host.listen_fd : 0;
}

/* While init gathers its view, which needs no limit yet. */
static int limits(void *arg, struct go *ret, struct err *e)
{
    struct boot *b = arg;
    cgroup_limit(b->host.cgroup, &b->spec);
    ret->soft_memory = !cgroup_has(b->host.cgroup, "memory");
    return cgroup_doors(b->host.cgroup, ret->doors, &ret->ndoors, e);
}

/* While init builds it. */
static int meanwhile(void *arg, struct err *e)
{
    int r = write_facts(arg, e);
    return r < 0 ? r : open_control(arg, e);
}

/* Who reaps this sandbox after our death waits for init's: proc(5), /proc/PID/stat, whose start time tells it from a
 * later process of that number. */
static int write_init(struct boot *b, pid_t pid, struct err *e)
{
    AUTO(buf_fini) struct buf stat = BUF_INIT(4 * KIB);
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int r = file_read(AT_FDCWD, path, &stat, e);
    return r < 0 ? r : write_small(b->shim, "init", stat.p, e);
}

static int proof(void *arg, pid_t pid, struct err *e)
{
    struct boot *b = arg;
    int r = write_init(b, pid, e);
    return r < 0 ? r : cgroup_holds(b->host.cgroup, pid, e);
}

static int build(struct boot *b, struct err *e)
{
    struct stat st;
    struct build_in in = {.spec = &b->spec,
                          .ids = &b->ids,
                          .cgroup_fd = cgroup_fd(b->host.cgroup),
                          .limits = limits,
                          .meanwhile = meanwhile,
                          .proof = proof,
                          .arg = b,
                          .weaker = &b->weaker};
    if (stat(b->spec.project, &st) < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "open the project %s", b->spec.project);
    b->host.upper_mode = (st.st_mode & 0777) | 0700;
    return build_sandbox(&in, &b->host.built, e);
}

static int boot(struct boot *b, struct err *e)
{
    int r = read_spec(b, e);
    if (r == 0)
        r = open_dirs(b, e);
    if (r == 0)
        r = take_lock(b, e);
    CRASH_POINT(shim_locked);
    if (r == 0)
        r = ids_find(&b->spec, &b->ids, e);
    if (r == 0)
        r = cgroup_open(&b->spec, b->shim, &b->host.cgroup, e);
    if (r == 0)
        r = build(b, e);
    CRASH_POINT(shim_built);
    if (r == 0)
        r = host_drop(&b->ids, e);
    return r;
}

static void clean(struct boot *b)
{
    CRASH_POINT(shim_cleans);
    cgroup_remove(b->host.cgroup);
    if (b->lock >= 0) { /* ours to remove only while we hold it */
        (void)unlinkat(b->shim, "ctl", 0);
        (void)unlinkat(b->shim, "pid", 0);
        (void)unlinkat(b->shim, "init", 0);
    } /* shim/cgroups stays for the server: the root of a cgroup tree is 0555, and only it may still remove from there
       */
}

static int run(void)
{
    struct err e = ERR_INIT;
    struct boot b = {.dir = -1, .shim = -1, .lock = -1};
    int r = boot(&b, &e);
    if (r < 0) {
        struct spw_msg m;
        spw_msg_init(&m, SPW_FAIL);
        m.arg[0] = e.code;
        m.arg[1] = e.sys;
        (void)!str_copy(m.text, sizeof(m.text), e.msg);
        if (e.code == ERR_CONFLICT)
            b.lock = -1;
        clean(&b);
        (void)!unix_send(CONN_FD, &m, spw_msg_for(&m, 1), NULL, 0, NULL);
        return 1;
    }
    b.host.spec = &b.spec;
    b.host.ids = &b.ids;
    b.host.conn_fd = CONN_FD;
    b.host.weaker = b.weaker.names;
    host_loop(&b.host);
    clean(&b);
    return 0;
}

/* sallyport-sandboxes.service: keeps a delegated cgroup while no sandbox is in it, until SIGTERM. The parent's exit
 * tells systemd that the group is ready (Type=forking). */
static int hold(void)
{
    struct err e = ERR_INIT;
    if (cgroup_hold(&e) < 0) {
        fprintf(stderr, "sallyport-shim: %s\n", e.msg);
        return 1;
    }
    pid_t pid = fork();
    if (pid != 0)
        return pid < 0;
    for (;;)
        pause();
}

/* The two arguments after the option lie one behind the other (execve(2)): room for a copy's own. */
static int bear_shims(char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    umask(022);
    struct nursery_in in = {argv[1], strlen(argv[1]) + 1 + strlen(argv[2]) + 1, run};
    return nursery_main(&in);
}

int main(int argc, char **argv)
{
    FAULT_ROLE(shim);
    if (argc == 2 && str_eq(argv[1], "--version")) {
        puts("sallyport-shim " SALLYPORT_VERSION);
        return 0;
    }
    if (argc == 2 && str_eq(argv[1], "--probe"))
        return probe_main();
    if (argc == 2 && str_eq(argv[1], "--hold"))
        return hold();
    int type = 0;
    socklen_t len = sizeof(type);
    if (getsockopt(CONN_FD, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_SEQPACKET) {
        fputs("sallyport-shim is started by sallyport serve; see sallyport(1)\n", stderr);
        return 2;
    }
    (void)fcntl(CONN_FD, F_SETFD, FD_CLOEXEC);
    if (argc == 3 && str_eq(argv[1], "--nursery"))
        _exit(bear_shims(argv));
    signal(SIGPIPE, SIG_IGN);
    umask(022);
    _exit(run()); /* nothing to flush; and no leak checker could look into this process */
}
