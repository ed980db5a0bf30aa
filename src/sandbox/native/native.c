/* native - starts a shim per sandbox, talks to it, and attaches to it again after a restart.
 *
 * Why it exists: the driver behind sandbox.h that needs no Docker.
 * May include: base os sandbox/.
 * Threads: one owner per struct sandbox; sandbox_signal and sandbox_kill from any thread: each is one send(2) of one
 * packet.
 *
 *   sandbox_open   socketpair ─ spawn shim (fd 3: socket, fd 4: spec) ─ wait for READY or FAIL
 *   sandbox_exec   EXEC with the step in a memfd ─ wait for TAKEN or FAIL; what else arrives meanwhile is an old GREW
 *   sandbox_wait   poll: socket (GREW, EXIT, end of file = gone), wake_fd
 *   mute           an adopted shim of a version we share no language with: no socket, its log and its pidfd tell
 */
#include "sandbox/native/native.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/proc.h"

#define OPEN_MS    40000 /* longer than the shim's own limit, whose message is better */
#define TAKEN_MS   20000
#define BORN_MS    1000
#define DESTROY_MS 5000    /* then SIGKILL; pid namespace and cgroups do the rest */
#define GONE_MS    1000    /* from its socket's end to its own */
#define TTY_MS     2000    /* for a shim to answer about a terminal */
#define MUTE_MS    100     /* how often the log of a mute one is looked at */
#define IDLE_MS    3600000 /* the shim leaves by itself after an hour with nobody attached and no step */

struct sandbox {
    int sock, pidfd;
    bool child; /* ours to reap; an adopted shim is not */
    bool gone;
    int shim_dirfd;
    uint32_t peer; /* the version to speak, 0: not known yet */
    char weaker[SPW_TEXT];
    bool exit_held; /* an EXIT that arrived while we waited for something else */
    struct step_exit held;
    bool grew;   /* and a GREW */
    int32_t tag; /* of the last question about a terminal */
    char *dir;   /* mute: the run's directory, and the step that is waited for; else NULL */
    int index, attempt;
    off_t log_seen;
};

/* ---- messages ---- */

void native_exit_from(const struct spw_exit *x, struct step_exit *ret)
{
    *ret = (struct step_exit){
        .exit_code = x->exit_code,
        .signal = x->signal,
        .oom_killed = x->flags & SPW_X_OOM,
        .timed_out = x->flags & SPW_X_TIMEOUT,
        .canceled = x->flags & SPW_X_CANCELED,
        .log_truncated = x->flags & SPW_X_TRUNCATED,
        .started_us = x->started_us,
        .finished_us = x->finished_us,
        .cpu_us = x->cpu_us,
        .max_rss_bytes = x->max_rss_bytes,
        .stdout_bytes = x->stdout_bytes,
        .stderr_bytes = x->stderr_bytes,
    };
    memcpy(ret->error, x->error, sizeof(ret->error));
    ret->error[sizeof(ret->error) - 1] = 0;
}

static size_t written(struct sandbox *sb, struct spw_msg *m)
{
    return spw_msg_for(m, sb->peer ? sb->peer : 1);
}

static int send_small(struct sandbox *sb, enum spw_type type, int32_t arg)
{
    struct spw_msg m;
    spw_msg_init(&m, type);
    m.arg[0] = arg;
    size_t n = written(sb, &m);
    return n && send(sb->sock, &m, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : -ERR_UNAVAILABLE;
}

/* From here on both speak the lower version of the two. */
static void on_ready(struct sandbox *sb, const struct spw_msg *m)
{
    sb->peer = spw_common(m);
    if (sb->peer >= 2)
        (void)send_small(sb, SPW_HELLO, 0); /* a shim that is gone is noticed by the next read */
}

/* 1 and *ret filled; 0 on end of file or anything a shim of ours would not send. The pidfd of a shim that was born
 * comes before or after its first word. */
static int recv_msg(struct sandbox *sb, struct spw_msg *ret)
{
    size_t nfds = 0;
    int fd = -1;
    long n = unix_recv(sb->sock, ret, sizeof(*ret), &fd, 1, &nfds, NULL);
    bool ok = n > 0 && spw_msg_ok(ret, (size_t)n) && ret->head.type >= SPW_READY;
    if (ok && ret->head.type == SPW_BORN && nfds == 1 && sb->pidfd < 0)
        sb->pidfd = fd;
    else if (nfds == 1)
        close(fd);
    if (ok && ret->head.type == SPW_READY)
        on_ready(sb, ret);
    if (ok)
        return 1;
    sb->gone = true;
    return 0;
}

/* 1 readable, 0 time is over. */
static int readable_until(int fd, int64_t until_us)
{
    for (;;) {
        int64_t left = until_us - clock_mono_us();
        struct pollfd p = {fd, POLLIN, 0};
        int n = left <= 0 ? 0 : poll(&p, 1, (int)(left / 1000) + 1);
        if (n > 0 || (n == 0 && left <= 0))
            return n > 0;
        if (n < 0 && errno != EINTR)
            return 1; /* the read will say what it is */
    }
}

/* Waits for one of two answers; keeps an EXIT that comes first. Returns the type, or 0: gone or too late. */
static int await(struct sandbox *sb, int a, int b, int ms, struct spw_msg *ret)
{
    int64_t until = clock_mono_us() + ms * MS_US;
    while (readable_until(sb->sock, until)) {
        if (!recv_msg(sb, ret))
            return 0;
        if (ret->head.type == a || ret->head.type == b)
            return ret->head.type;
        if (ret->head.type == SPW_EXIT) {
            native_exit_from(&ret->exit, &sb->held);
            sb->exit_held = true;
        }
        sb->grew = sb->grew || ret->head.type == SPW_GREW;
    }
    return 0;
}

static int fail_from(const struct spw_msg *m, struct err *e)
{
    int code = m->arg[0] > 0 && m->arg[0] < ERR_N ? m->arg[0] : ERR_SANDBOX_FAILED;
    err_set(e, code, "%s", m->text);
    if (e)
        e->sys = m->arg[1];
    return -code;
}

/* The body in a memfd: no limit of a socket buffer, no file on disk. */
static int body_fd(const struct buf *b, struct err *e)
{
    int fd = memfd_create("sallyport", MFD_CLOEXEC);
    if (fd < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "memfd_create");
    int r = fd_write_full(fd, b->p, b->len, e);
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}

/* ---- life ---- */

static struct sandbox *sandbox_new(void)
{
    struct sandbox *sb = calloc(1, sizeof(*sb));
    if (sb)
        sb->sock = sb->pidfd = sb->shim_dirfd = -1;
    return sb;
}

static void sandbox_free(struct sandbox *sb)
{
    if (!sb)
        return;
    fd_close(&sb->sock);
    fd_close(&sb->pidfd);
    fd_close(&sb->shim_dirfd);
    free(sb->dir);
    free(sb);
}

static int name_field(const char *field, const char *s, struct err *e)
{
    if (s && spw_name_ok(s))
        return 0;
    return err_field(e, ERR_INVALID, field, "must be 1 to 64 of letters, digits, '_', '.' and '-'");
}

static int check_spec(const struct sandbox_spec *s, struct err *e)
{
    const struct sandbox_limits *l = &s->limits;
    int r = name_field("tenant", s->tenant, e);
    if (r == 0)
        r = name_field("run_id", s->run_id.s, e);
    if (r < 0)
        return r;
    if (s->network)
        return err_set(e, ERR_SANDBOX_UNAVAILABLE, "a sandbox has no network yet: leave `network` off");
    if (!s->project_root || s->project_root[0] != '/' || !s->dir || s->dir[0] != '/')
        return err_field(e, ERR_INVALID, "project_root", "must be an absolute, canonical path");
    if (path_contains(s->project_root, s->dir) || path_contains(s->dir, s->project_root))
        return err_field(e, ERR_INVALID, "project_root",
                         "the project and the data directory must not contain each other");
    if (l->cpu_millis < 0 || l->memory_bytes < 0 || l->pids < 0 || l->disk_bytes < 0 || l->output_bytes < 0 ||
        l->wall_ms < 0 || s->idle_ms < 0)
        return err_field(e, ERR_INVALID, "limits", "must not be negative");
    return 0;
}

static int encode_spec(const struct sandbox_spec *s, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(SPW_BODY_MAX + 1);
    struct spw_spec w = {
        .run_id = s->run_id.s,
        .tenant = s->tenant,
        .project = s->project_root,
        .dir = s->dir,
        .ro_binds = s->ro_binds,
        .nro_binds = s->nro_binds,
        .hidden = s->hidden,
        .nhidden = s->nhidden,
        .cpu_millis = s->limits.cpu_millis,
        .memory_bytes = s->limits.memory_bytes,
        .pids = s->limits.pids,
        .disk_bytes = s->limits.disk_bytes,
        .output_bytes = s->limits.output_bytes,
        .wall_ms = s->limits.wall_ms,
        .idle_ms = s->idle_ms ? s->idle_ms : IDLE_MS,
        .flags = (s->allow_weaker ? SPW_ALLOW_WEAKER : 0) | (s->copy ? SPW_COPY : 0) |
                 (native_quota_limit(s->dir, s->run_id.s, s->limits.disk_bytes) ? SPW_DISK_HARD : 0),
    };
    int r = spw_spec_encode(&w, &b, e);
    return r < 0 ? r : body_fd(&b, e);
}

static int open_err_file(const struct sandbox_spec *s, struct sandbox *sb, struct err *e)
{
    AUTO(fd_close) int dir = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "open the run's directory %s", s->dir);
    int r = dir_make(dir, "shim", &sb->shim_dirfd, e);
    if (r < 0)
        return r;
    int fd = openat(sb->shim_dirfd, "err", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? err_sys(e, ERR_SANDBOX_FAILED, "open shim/err") : fd;
}

static int exec_shim(struct sandbox *sb, const struct sandbox_spec *s, int sock, int spec, int err_file, struct err *e)
{
    char *path = NULL;
    int r = native_shim_path(&path, e);
    if (r < 0)
        return r;
    char *const argv[] = {(char *)"sallyport-shim", (char *)s->run_id.s, NULL};
    const int pass[][2] = {{sock, 3}, {spec, 4}};
    struct native_env env;
    struct proc_spawn ps = {.path = path,
                            .argv = argv,
                            .envp = native_shim_env(&env),
                            .in = -1,
                            .out = -1,
                            .err = err_file,
                            .pass = pass,
                            .npass = 2,
                            .new_session = true};
    pid_t pid;
    r = proc_start(&ps, &pid, &sb->pidfd, e);
    free(path);
    sb->child = r == 0;
    return r;
}

static int start_shim(struct sandbox *sb, const struct sandbox_spec *s, struct err *e)
{
    int sv[2];
    AUTO(fd_close) int err_file = open_err_file(s, sb, e);
    if (err_file < 0)
        return err_file;
    AUTO(fd_close) int spec = encode_spec(s, e); /* sets a quota: by now sandbox_destroy would remove it */
    if (spec < 0)
        return spec;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "socketpair");
    sb->sock = sv[0];
    const int fds[3] = {sv[1], spec, err_file};
    int r =
        s->nursery ? native_nursery_bear(s->nursery, s->run_id.s, fds, e) : exec_shim(sb, s, sv[1], spec, err_file, e);
    close(sv[1]);
    CRASH_POINT(shim_ordered);
    return r;
}

static void reap(struct sandbox *sb)
{
    siginfo_t si;
    if (!sb->child || sb->pidfd < 0)
        return;
    while (waitid(P_PIDFD, (id_t)sb->pidfd, &si, WEXITED) < 0 && errno == EINTR)
        ;
    sb->child = false;
}

static int attach(struct sandbox *sb, struct spw_msg *m, struct err *e)
{
    uid_t uid;
    pid_t pid;
    int r = unix_connect(sb->shim_dirfd, "ctl", SOCK_SEQPACKET, e);
    if (r == -ERR_NOT_FOUND || r == -ERR_UNREACHABLE)
        return err_set(e, ERR_NOT_FOUND, "no sandbox of this run is alive");
    if (r < 0)
        return r; /* for want of a descriptor, say: that tells nothing about the sandbox */
    sb->sock = r;
    CRASH_POINT(shim_called);
    r = unix_peer(sb->sock, &uid, &pid, e);
    if (r < 0)
        return r;
    if (uid != geteuid())
        return err_set(e, ERR_SANDBOX_FAILED, "the sandbox's control socket belongs to another user");
    sb->pidfd = proc_pidfd_open(pid);
    if (sb->pidfd < 0 && errno != ESRCH)
        return err_sys(e, ERR_IO, "open a descriptor of the sandbox's shim");
    /* Its answer comes over the same connection: the pid is that of a living shim, not of a later process. */
    if (sb->pidfd < 0 || await(sb, SPW_READY, SPW_READY, TAKEN_MS, m) != SPW_READY)
        return err_set(e, ERR_NOT_FOUND, "the sandbox of this run does not answer");
    return 0;
}

/* A nursery that is killed between its copy and its word leaves a shim that works, but whose pidfd we lack. */
static int find_pidfd(struct sandbox *sb, struct spw_msg *ready, struct err *e)
{
    struct spw_msg m;
    if (sb->pidfd >= 0 || await(sb, SPW_BORN, SPW_BORN, BORN_MS, &m) == SPW_BORN)
        return 0;
    fd_close(&sb->sock);
    return attach(sb, ready, e);
}

static int wait_ready(struct sandbox *sb, const char *dir, struct spw_msg *ret, struct err *e)
{
    int type = await(sb, SPW_READY, SPW_FAIL, OPEN_MS, ret);
    if (type == SPW_READY && !sb->peer) {
        (void)proc_pidfd_kill(sb->pidfd, SIGKILL); /* it cannot be asked to go */
        return err_set(e, ERR_SANDBOX_UNAVAILABLE,
                       "sallyport and sallyport-shim are of versions too far apart: install both again");
    }
    if (type == SPW_READY)
        return find_pidfd(sb, ret, e);
    if (type != SPW_FAIL)
        return err_set(e, ERR_SANDBOX_FAILED, "the sandbox's shim ended without a word; see %s/shim/err", dir);
    struct spw_msg m;
    if (sb->pidfd < 0)
        (void)await(sb, SPW_BORN, SPW_BORN, BORN_MS, &m);
    return fail_from(ret, e);
}

/* *ret_unborn: the nursery died with our order in its hands, and nothing was started. */
static int open_once(const struct sandbox_spec *s, struct sandbox **ret, bool *ret_unborn, struct err *e)
{
    struct spw_msg m;
    struct sandbox *sb = sandbox_new();
    if (!sb)
        return err_oom(e);
    int r = start_shim(sb, s, e);
    if (r == 0)
        r = wait_ready(sb, s->dir, &m, e);
    if (r < 0) {
        *ret_unborn = s->nursery && sb->gone && sb->pidfd < 0;
        sandbox_destroy(sb);
        return r;
    }
    (void)!str_copy(sb->weaker, sizeof(sb->weaker), m.text);
    *ret = sb;
    CRASH_POINT(shim_ready);
    return 0;
}

int sandbox_open(const struct sandbox_spec *s, struct sandbox **ret, struct err *e)
{
    bool unborn = false;
    int r = check_spec(s, e);
    if (r == 0)
        r = open_once(s, ret, &unborn, e);
    if (r < 0 && unborn) { /* it may be dying still; the next order after that starts a new one */
        struct sandbox_spec plain = *s;
        plain.nursery = NULL;
        r = open_once(&plain, ret, &unborn, e);
    }
    return r;
}

const char *sandbox_weaker(const struct sandbox *sb)
{
    return sb->weaker;
}

bool sandbox_speaks(const struct sandbox *sb)
{
    return !sb->dir;
}

static int go_mute(struct sandbox *sb, const char *dir, const struct spw_msg *ready, struct err *e)
{
    fd_close(&sb->sock);
    if (ready->arg[0] != 1) {
        int r = sandbox_reap(dir, e); /* it has nothing to lose, and holds the place of one we can speak to */
        return r < 0 ? r : err_set(e, ERR_NOT_FOUND, "the run's sandbox was of another version, and idle");
    }
    sb->index = ready->arg[1];
    sb->attempt = ready->arg[2];
    sb->dir = str_dup(dir);
    return sb->dir ? 0 : err_oom(e);
}

int sandbox_adopt(const char *dir, struct sandbox **ret, bool *ret_running, int *ret_index, int *ret_attempt,
                  struct err *e)
{
    struct spw_msg m;
    struct sandbox *sb = sandbox_new();
    if (!sb)
        return err_oom(e);
    sb->shim_dirfd = native_shim_dir(dir, e);
    int r = sb->shim_dirfd < 0 ? sb->shim_dirfd : native_locked(sb->shim_dirfd, e);
    if (r == 0)
        r = err_set(e, ERR_NOT_FOUND, "no sandbox of this run is alive");
    if (r > 0)
        r = attach(sb, &m, e);
    if (r == 0 && !sb->peer)
        r = go_mute(sb, dir, &m, e);
    if (r < 0) {
        sandbox_free(sb);
        return r;
    }
    (void)!str_copy(sb->weaker, sizeof(sb->weaker), m.text);
    *ret_running = m.arg[0] == 1;
    *ret_index = m.arg[1];
    *ret_attempt = m.arg[2];
    *ret = sb;
    CRASH_POINT(shim_adopted);
    return 0;
}

/* True when the shim is gone within the time. */
static bool wait_gone(struct sandbox *sb, int ms)
{
    return sb->pidfd < 0 || readable_until(sb->pidfd, clock_mono_us() + ms * MS_US);
}

void sandbox_detach(struct sandbox *sb)
{
    if (sb && sb->gone && wait_gone(sb, GONE_MS))
        reap(sb); /* no zombie of a shim that ended */
    sandbox_free(sb);
}

void sandbox_end(struct sandbox *sb)
{
    if (sb->sock >= 0)
        (void)send_small(sb, SPW_DESTROY, 0);
}

void sandbox_destroy(struct sandbox *sb)
{
    if (!sb)
        return;
    if (sb->dir)
        (void)!sandbox_reap(sb->dir, NULL); /* it cannot be asked to go */
    sandbox_end(sb);                        /* again is harmless */
    CRASH_POINT(shim_told_to_end);
    if (!wait_gone(sb, DESTROY_MS)) {
        (void)proc_pidfd_kill(sb->pidfd, SIGKILL);
        (void)wait_gone(sb, DESTROY_MS);
    }
    reap(sb);
    CRASH_POINT(shim_gone);
    /* Of a shim that did not end by itself; what cannot be done now sandbox_reap does again. */
    if (sb->shim_dirfd >= 0 && native_locked(sb->shim_dirfd, NULL) == 0 &&
        native_wait_for_init(sb->shim_dirfd, NULL) == 0)
        (void)!native_sweep(sb->shim_dirfd, NULL);
    sandbox_free(sb);
}

/* ---- steps ---- */

static size_t count(const char *const *v)
{
    size_t n = 0;
    while (v && v[n])
        n++;
    return n;
}

static int check_step(const struct step_spec *s, struct err *e)
{
    if (!s->command && (!s->argv || !s->argv[0]))
        return err_field(e, ERR_INVALID, "command", "a step needs a command or argv");
    if (s->cwd && !spw_cwd_ok(s->cwd))
        return err_field(e, ERR_INVALID, "cwd", "must be a plain path below the project");
    if (s->index < 0 || s->attempt < 0)
        return err_field(e, ERR_INVALID, "index", "must not be negative");
    if (s->cols < 0 || s->cols > SPW_TTY_MAX || s->rows < 0 || s->rows > SPW_TTY_MAX || !s->cols != !s->rows)
        return err_field(e, ERR_INVALID, "cols", "a terminal has 1 to %d columns and rows", SPW_TTY_MAX);
    for (size_t i = 0; s->env && s->env[i]; i++) {
        const char *eq = strchr(s->env[i], '=');
        if (!eq || eq == s->env[i])
            return err_field(e, ERR_INVALID, "env", "each entry is NAME=value");
    }
    for (size_t i = 0; s->lower && s->lower[i]; i++) {
        int r = name_field("lower", s->lower[i], e);
        if (r < 0)
            return r;
    }
    return name_field("layer", s->layer, e);
}

static int encode_step(const struct step_spec *s, uint32_t peer, struct buf *b, struct err *e)
{
    struct spw_step w = {
        .command = s->command,
        .argv = s->argv,
        .nargv = s->command ? 0 : count(s->argv),
        .env = s->env,
        .nenv = count(s->env),
        .lower = s->lower,
        .nlower = count(s->lower),
        .secrets = s->secrets,
        .nsecrets = count(s->secrets),
        .cwd = s->cwd ? s->cwd : "",
        .layer = s->layer,
        .index = s->index,
        .attempt = s->attempt,
        .wall_ms = s->wall_ms,
        .cols = (uint16_t)s->cols,
        .rows = (uint16_t)s->rows,
    };
    if (w.nargv > SPW_LIST_MAX || w.nenv > SPW_LIST_MAX || w.nlower > SPW_LIST_MAX || w.nsecrets > SPW_LIST_MAX)
        return err_set(e, ERR_TOO_LARGE, "a list of the step has more than %d entries", SPW_LIST_MAX);
    if (spw_step_layout(&w) > peer)
        return err_set(e, ERR_SANDBOX_FAILED,
                       "the run's sandbox was started by an older version, which cannot run such a step: run it again");
    return spw_step_encode(&w, b, e);
}

static int send_step(struct sandbox *sb, const struct step_spec *s, struct err *e)
{
    struct buf b = BUF_INIT(SPW_BODY_MAX + 1);
    struct spw_msg m;
    int r = encode_step(s, sb->peer, &b, e);
    int fd = r < 0 ? r : body_fd(&b, e);
    spw_msg_init(&m, SPW_EXEC);
    m.arg[0] = (int32_t)b.len;
    if (b.p)
        secure_wipe(b.p, b.cap); /* env and secrets */
    buf_fini(&b);
    if (fd < 0)
        return fd;
    r = unix_send(sb->sock, &m, written(sb, &m), &fd, 1, e);
    close(fd);
    return r < 0 ? err_wrap(e, r, "hand the step to its sandbox") : 0;
}

int sandbox_exec(struct sandbox *sb, const struct step_spec *s, struct err *e)
{
    struct spw_msg m;
    int r = check_step(s, e);
    if (r < 0)
        return r;
    sb->exit_held = sb->grew = false;
    if (sb->dir || sb->sock < 0)
        return err_set(e, ERR_SANDBOX_FAILED, "the run's sandbox takes no step");
    r = send_step(sb, s, e);
    if (r == -ERR_IO) /* nobody reads any more */
        return err_set(e, ERR_LOST, "the sandbox ended before the step was sent to it");
    if (r < 0)
        return r;
    CRASH_POINT(step_sent);
    int type = await(sb, SPW_TAKEN, SPW_FAIL, TAKEN_MS, &m);
    if (type == SPW_TAKEN)
        return 0;
    if (type == SPW_FAIL)
        return fail_from(&m, e);
    return err_set(e, sb->gone ? ERR_LOST : ERR_SANDBOX_FAILED,
                   sb->gone ? "the sandbox ended before it said that it took the step" : "the sandbox does not answer");
}

static bool take_event(struct sandbox *sb, enum sandbox_event *ret, struct step_exit *ret_exit)
{
    struct spw_msg m;
    if (!recv_msg(sb, &m)) {
        *ret = SB_GONE;
        return true;
    }
    if (m.head.type == SPW_GREW)
        *ret = SB_GREW;
    else if (m.head.type == SPW_EXIT) {
        native_exit_from(&m.exit, ret_exit);
        *ret = SB_EXIT;
    } else
        return false;
    return true;
}

/* One look: true when there is something to tell. */
static bool look_mute(struct sandbox *sb, enum sandbox_event *ret, struct err *e)
{
    struct step_exit x;
    struct stat st;
    char name[64], path[PATH_MAX];
    int r = sandbox_result(sb->dir, sb->index, sb->attempt, &x, NULL);
    struct pollfd gone = {sb->pidfd, POLLIN, 0};
    if (r != 0 || poll(&gone, 1, 0) == 1) {
        (void)!sandbox_reap(sb->dir, e); /* its step is over, and unmounts what it saw */
        sb->gone = true;
        *ret = SB_GONE;
        return true;
    }
    native_log_name(name, sb->index, sb->attempt);
    int n = snprintf(path, sizeof(path), "%s/%s", sb->dir, name);
    if (n < 0 || (size_t)n >= sizeof(path) || lstat(path, &st) < 0 || st.st_size == sb->log_seen)
        return false;
    sb->log_seen = st.st_size;
    *ret = SB_GREW;
    return true;
}

static int wait_mute(struct sandbox *sb, int64_t until, int wake_fd, enum sandbox_event *ret, struct err *e)
{
    while (!look_mute(sb, ret, e)) {
        struct pollfd p[] = {{sb->pidfd, POLLIN, 0}, {wake_fd, POLLIN, 0}};
        int64_t left = until == INT64_MAX ? MUTE_MS * MS_US : until - clock_mono_us();
        if (left <= 0) {
            *ret = SB_TIMEOUT;
            return 0;
        }
        int n = poll(p, ARRAY_LEN(p), left < MUTE_MS * MS_US ? (int)((left + 999) / 1000) : MUTE_MS);
        if (n < 0 && errno != EINTR)
            return err_sys(e, ERR_IO, "wait for the sandbox");
        if (n > 0 && p[1].revents) {
            *ret = SB_WOKEN;
            return 0;
        }
    }
    return 0;
}

int sandbox_wait(struct sandbox *sb, int timeout_ms, int wake_fd, enum sandbox_event *ret, struct step_exit *ret_exit,
                 struct err *e)
{
    int64_t until = timeout_ms < 0 ? INT64_MAX : clock_mono_us() + timeout_ms * MS_US;
    if (sb->exit_held) {
        sb->exit_held = false;
        *ret_exit = sb->held;
        *ret = SB_EXIT;
        return 0;
    }
    if (sb->grew) {
        sb->grew = false;
        *ret = SB_GREW;
        return 0;
    }
    if (sb->dir && !sb->gone)
        return wait_mute(sb, until, wake_fd, ret, e);
    while (!sb->gone) {
        struct pollfd p[] = {{sb->sock, POLLIN, 0}, {wake_fd, POLLIN, 0}};
        int64_t left = until == INT64_MAX ? INT64_MAX : until - clock_mono_us();
        int ms = left == INT64_MAX ? -1 : left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)((left + 999) / 1000);
        int n = poll(p, ARRAY_LEN(p), ms);
        if (n < 0 && errno != EINTR)
            return err_sys(e, ERR_IO, "wait for the sandbox");
        if (n > 0 && p[0].revents && take_event(sb, ret, ret_exit))
            return 0;
        if (n > 0 && p[1].revents) {
            *ret = SB_WOKEN;
            return 0;
        }
        if (n == 0 && left <= 0) {
            *ret = SB_TIMEOUT;
            return 0;
        }
    }
    *ret = SB_GONE;
    return 0;
}

/* ---- its terminal ---- */

_Static_assert((int)SB_TTY_ENDED == (int)SPW_TTY_ENDED && (int)SB_TTY_NONE == (int)SPW_TTY_NONE, "one numbering");

static int ask_terminal(struct sandbox *sb, struct spw_msg *m, struct sandbox_tty *ret, struct err *e)
{
    int64_t until = clock_mono_us() + TTY_MS * MS_US;
    int32_t tag = m->arg[3] = ++sb->tag & INT32_MAX;
    uint32_t fresh = 0;
    size_t n = sb->dir || sb->gone ? 0 : written(sb, m);
    if (n == 0 || unix_send(sb->sock, m, n, NULL, 0, NULL) < 0)
        return err_set(e, ERR_UNAVAILABLE, "the sandbox cannot be spoken to: try again");
    do {
        int ms = (int)((until - clock_mono_us()) / MS_US);
        if (ms <= 0 || await(sb, SPW_TERMINAL, SPW_TERMINAL, ms, m) != SPW_TERMINAL)
            return err_set(e, ERR_UNAVAILABLE, "the sandbox gave no answer: try again");
    } while (m->arg[3] != tag); /* late, to another question */
    if (m->arg[0] < 0 || m->arg[0] >= SPW_TTY_N || m->ndata != sizeof(fresh))
        return err_set(e, ERR_SANDBOX_FAILED, "the sandbox's answer about its terminal is damaged");
    memcpy(&fresh, m->data, sizeof(fresh));
    ret->status = m->arg[0];
    ret->taken = (uint64_t)m->big;
    ret->fresh += fresh;
    ret->cols = m->arg[1] & 0xffff;
    ret->rows = (int)((uint32_t)m->arg[1] >> 16);
    ret->eof = m->arg[2] & SPW_IN_EOF;
    return 0;
}

/* A message's worth at a time; the first that is not taken whole ends it. */
static int send_input(struct sandbox *sb, const struct sandbox_tty_ask *a, struct sandbox_tty *ret, struct err *e)
{
    struct spw_msg m;
    size_t at = 0;
    int r;
    do {
        size_t n = a->n - at < SPW_DATA_MAX ? a->n - at : SPW_DATA_MAX;
        spw_msg_init(&m, SPW_INPUT);
        m.arg[0] = a->eof && at + n == a->n ? SPW_IN_EOF : 0;
        m.big = (int64_t)(a->offset + at);
        m.ndata = (uint32_t)n;
        if (n)
            memcpy(m.data, a->p + at, n);
        r = ask_terminal(sb, &m, ret, e);
        at += n;
    } while (r == 0 && at < a->n && ret->status == SB_TTY_OK && ret->taken >= a->offset + at);
    secure_wipe(m.data, sizeof(m.data));
    return r;
}

int sandbox_tty(struct sandbox *sb, const struct sandbox_tty_ask *a, struct sandbox_tty *ret, struct err *e)
{
    struct sandbox_tty t = {0};
    struct spw_msg m;
    int r;
    if (a->what == SB_TTY_INPUT) {
        if (a->offset > INT64_MAX - a->n)
            return err_field(e, ERR_INVALID, "offset", "is too large");
        r = send_input(sb, a, &t, e);
    } else {
        spw_msg_init(&m, SPW_RESIZE);
        m.arg[0] = a->what == SB_TTY_RESIZE ? a->cols : 0;
        m.arg[1] = a->what == SB_TTY_RESIZE ? a->rows : 0;
        r = ask_terminal(sb, &m, &t, e);
    }
    if (r == 0 || t.fresh) /* a part that was taken was taken */
        *ret = t;
    return t.fresh ? 0 : r;
}

int sandbox_signal(struct sandbox *sb, int sig)
{
    return send_small(sb, SPW_SIGNAL, sig);
}

int sandbox_kill(struct sandbox *sb)
{
    if (sb->dir)
        return proc_pidfd_kill(sb->pidfd, SIGKILL) == 0 ? 0 : -ERR_UNAVAILABLE;
    return send_small(sb, SPW_KILL, 0);
}
