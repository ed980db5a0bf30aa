/* step - the last few lines before a step's program runs: everything is given up, in an order that works.
 *
 * Why it exists: what is dropped here is what "sandboxed" means for one process.
 * May include: base os sandbox/spec.h.   Runs in a child of init; never returns.
 *
 *   limits ─► no_new_privs ─► capabilities (all four sets) ─► proven by reading back ─► seccomp
 *   ─► waits for its step ─► stdio, session ─► landlock ─► working directory ─► close every fd ─► execve
 *
 * The first line is done ahead of time, while the sandbox is idle; what comes after it is done with no privilege, under
 * the filter. A failure is one struct step_fail in err_fd. */
#include "shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "base/str.h"
#include "os/file.h"
#include "shim/sys.h"

#define NOFILE_MAX     65536
#define SIGPENDING_MAX 4096      /* timers count too */
#define MSGQUEUE_MAX   819200    /* bytes: the kernel's default */
#define MEMLOCK_MAX    (8 * MIB) /* the kernel's default */
#define OOM_SCORE      "600"     /* above any process of the host: in a shortage, steps go first */

/* The whole environment besides the step's own; git: owners differ inside, and every stat looks changed. */
static const char *const builtin_env[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/home/agent",
    "USER=agent",
    "LOGNAME=agent",
    "SHELL=/bin/sh",
    "TMPDIR=/tmp",
    "LANG=C.UTF-8",
    "TERM=dumb",
    "GIT_CONFIG_COUNT=2",
    "GIT_CONFIG_KEY_0=safe.directory",
    "GIT_CONFIG_VALUE_0=*",
    "GIT_CONFIG_KEY_1=core.checkStat",
    "GIT_CONFIG_VALUE_1=minimal",
};

static _Noreturn void fail_at(int err_fd, const char *what, const char *path)
{
    struct step_fail f = {.sys = errno};
    snprintf(f.text, sizeof(f.text), "%s%s%.150s", what, *path ? " " : "", path);
    (void)!write(err_fd, &f, sizeof(f));
    _exit(127);
}

#define TRY(what, call)                                                                                                \
    do {                                                                                                               \
        if ((call) < 0)                                                                                                \
            fail_at(err_fd, what, "");                                                                                 \
    } while (0)

/* ---- limits ---- */

static int limit(int what, rlim_t soft, rlim_t hard)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)what, &now) < 0)
        return -1;
    if (now.rlim_max < hard)
        hard = now.rlim_max; /* raising needs a capability */
    struct rlimit r = {soft < hard ? soft : hard, hard};
    return setrlimit((__rlimit_resource_t)what, &r);
}

static void set_limits(const struct spw_spec *s, int err_fd)
{
    /* Not 0: the kernel ignores the limit when the host's core_pattern is a pipe to a program, unless it is 1 (core(5),
     * fs/coredump.c). Nothing inside may feed a crash handler of the host. */
    TRY("limit core dumps", limit(RLIMIT_CORE, 1, 1));
    TRY("limit open files", limit(RLIMIT_NOFILE, 4096, NOFILE_MAX));
    /* Counted per user namespace and uid since Linux 5.14, so it binds in user mode too. init is one of them. */
    if (s->pids)
        TRY("limit processes", limit(RLIMIT_NPROC, (rlim_t)s->pids + 1, (rlim_t)s->pids + 1));
    /* What a service may have been given more of, and what is counted for the user on the host too. */
    TRY("limit nice", limit(RLIMIT_NICE, 0, 0));
    TRY("limit real-time priority", limit(RLIMIT_RTPRIO, 0, 0));
    TRY("limit queued signals", limit(RLIMIT_SIGPENDING, SIGPENDING_MAX, SIGPENDING_MAX));
    TRY("limit message queues", limit(RLIMIT_MSGQUEUE, MSGQUEUE_MAX, MSGQUEUE_MAX));
    TRY("limit locked memory", limit(RLIMIT_MEMLOCK, MEMLOCK_MAX, MEMLOCK_MAX));
    if (s->disk_bytes)
        TRY("limit file size", limit(RLIMIT_FSIZE, (rlim_t)s->disk_bytes, (rlim_t)s->disk_bytes));
    (void)prctl(PR_SET_DUMPABLE, 1); /* as after execve; else our own /proc files are not ours to write */
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, OOM_SCORE, sizeof(OOM_SCORE) - 1); /* may be higher already; raising only */
        close(fd);
    }
}

/* ---- privileges ---- */

static void drop_caps(int err_fd)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {0}, seen[2] = {0};
    TRY("securebits", prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                                   SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                                   SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED));
    for (int c = 0; prctl(PR_CAPBSET_READ, c) >= 0; c++)
        TRY("drop the bounding set", prctl(PR_CAPBSET_DROP, c));
    TRY("clear ambient capabilities", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    TRY("drop capabilities", syscall(SYS_capset, &h, none));
    TRY("read capabilities", syscall(SYS_capget, &h, seen));
    errno = EPERM;
    if (memcmp(none, seen, sizeof(none)) != 0)
        fail_at(err_fd, "capabilities were not dropped", "");
    for (int c = 0, set; (set = prctl(PR_CAPBSET_READ, c)) >= 0; c++) {
        if (set != 0)
            fail_at(err_fd, "the bounding set was not dropped", "");
    }
}

static void check_ids(const struct ids *ids, int err_fd)
{
    uid_t u[3];
    gid_t g[3];
    TRY("getresuid", getresuid(&u[0], &u[1], &u[2]));
    TRY("getresgid", getresgid(&g[0], &g[1], &g[2]));
    errno = EPERM;
    for (int i = 0; i < 3; i++) {
        if (u[i] != ids->in || g[i] != ids->in_gid || u[i] == 0)
            fail_at(err_fd, "the step has the wrong user", "");
    }
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        fail_at(err_fd, "no_new_privs is not set", "");
}

/* ---- what is run ---- */

static bool same_name(const char *a, const char *b)
{
    size_t n = strcspn(a, "=");
    return strncmp(a, b, n + 1) == 0;
}

/* What a plain terminal of today understands; its description is in every Debian (ncurses-base). */
#define TERM_OF_TERMINAL "TERM=xterm-256color"

static char **make_env(const struct spw_step *s)
{
    char **env = calloc(ARRAY_LEN(builtin_env) + s->nenv + 1, sizeof(*env));
    size_t n = 0;
    for (size_t i = 0; env && i < ARRAY_LEN(builtin_env); i++) {
        bool own = false;
        for (size_t k = 0; k < s->nenv && !own; k++)
            own = same_name(builtin_env[i], s->env[k]);
        if (!own)
            env[n++] =
                (char *)(s->cols && same_name(builtin_env[i], TERM_OF_TERMINAL) ? TERM_OF_TERMINAL : builtin_env[i]);
    }
    for (size_t k = 0; env && k < s->nenv; k++)
        env[n++] = (char *)s->env[k];
    return env;
}

static const char *env_get(char *const *env, const char *name)
{
    size_t n = strlen(name);
    for (; *env; env++) {
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
            return *env + n + 1;
    }
    return "";
}

/* execvp(3) with the step's own PATH, and one word for each way it can fail. */
static _Noreturn void run_argv(char *const *argv, char *const *env, int err_fd)
{
    char path[4096];
    int why = ENOENT;
    if (strchr(argv[0], '/')) {
        execve(argv[0], argv, env);
        fail_at(err_fd, "run", argv[0]);
    }
    for (const char *p = env_get(env, "PATH"); *p;) {
        size_t n = strcspn(p, ":");
        int m = snprintf(path, sizeof(path), "%.*s/%s", (int)n, p, argv[0]);
        if (m > 0 && (size_t)m < sizeof(path)) {
            execve(path, argv, env);
            if (errno != ENOENT && errno != ENOTDIR)
                why = errno;
        }
        p += n + (p[n] == ':');
    }
    errno = why;
    fail_at(err_fd, "run", argv[0]);
}

/* The body was checked by the host side already, but is read again here: this is what runs. */
int step_read_body(int fd, char **ret, size_t *ret_n, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > SPW_BODY_MAX)
        return err_set(e, ERR_INVALID, "the step's message is damaged");
    char *p = malloc((size_t)st.st_size);
    if (!p)
        return err_oom(e);
    int r = fd_pread_full(fd, p, (size_t)st.st_size, 0, e);
    if (r < 0) {
        free(p);
        return r;
    }
    *ret = p;
    *ret_n = (size_t)st.st_size;
    return 0;
}

/* In front of the terminal that init leads. As long as we are not, asking for it would stop us (SIGTTOU). */
static void take_foreground(int err_fd)
{
    TRY("process group", setpgid(0, 0));
    signal(SIGTTOU, SIG_IGN);
    TRY("terminal", tcsetpgrp(0, getpid()));
    signal(SIGTTOU, SIG_DFL);
}

static void stdio(const int fds[3], bool terminal, int err_fd)
{
    for (int i = 0; i < 3; i++)
        TRY("stdio", dup2(fds[i], i));
    if (terminal)
        take_foreground(err_fd);
    else
        TRY("setsid", setsid());
}

/* Blocks until init has a step. The body lives until execve replaces all memory. */
static void await_step(const struct step_in *in, struct spw_step *ret)
{
    struct err e = ERR_INIT;
    struct ini_msg m;
    int fds[8], err_fd = in->err_fd;
    size_t nfds = 0, n = 0;
    char *body = NULL;
    void *mem = NULL;
    if (ini_recv(in->sock, &m, fds, ARRAY_LEN(fds), &nfds) != 1)
        _exit(0); /* init is gone, or forgot us */
    errno = EINVAL;
    if (m.type != INI_STEP || nfds != 4 || step_read_body(fds[0], &body, &n, &e) < 0 ||
        spw_step_decode(body, n, ret, &mem, &e) < 0)
        fail_at(err_fd, "read the step", e.msg);
    stdio(fds + 1, ret->cols, err_fd);
}

static void give_up_all(const struct step_in *in)
{
    int err_fd = in->err_fd;
    umask(022);
    set_limits(in->spec, err_fd);
    TRY("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    drop_caps(err_fd);
    check_ids(in->ids, err_fd);
    TRY("seccomp", seccomp_enter());
}

_Noreturn void step_main(const struct step_in *in)
{
    struct spw_step s;
    int err_fd = in->err_fd;
    give_up_all(in);
    await_step(in, &s);
    TRY("landlock", landlock_enter()); /* /workspace is another file system for each step */
    TRY("open /workspace", chdir("/workspace"));
    if (*s.cwd && chdir(s.cwd) < 0)
        fail_at(err_fd, "change to the directory", s.cwd);
    char **env = make_env(&s);
    if (!env)
        fail_at(err_fd, "out of memory", "");
    const char *const shell[] = {"/bin/sh", "-c", s.command, NULL};
    char *const *argv = (char *const *)(s.command ? shell : s.argv);
    /* One fd more than stdio, which execve closes. */
    TRY("dup", dup3(err_fd, 3, O_CLOEXEC) < 0 && err_fd != 3 ? -1 : 0);
    TRY("close_range", (int)syscall(SYS_close_range, 4u, ~0u, 0u));
    run_argv(argv, env, 3);
}
