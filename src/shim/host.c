/* host - see host.h.
 *
 *                EXEC                       INI_DONE                    both pipes at their end, or 200 ms; INI_CLEAN
 *   H_IDLE ────────────► H_RUNNING ────────────────────► H_DRAINING ─────────────────────────────────────────► H_IDLE
 *     │ nobody attached for idle_ms, DESTROY   │ init died                     exit record written, EXIT sent
 *     ▼                                        ▼
 *   H_OVER ◄───────────────────────────────────┘ no record is written: nobody saw how the step ended
 *
 * Facts: IDLE: no log is open. RUNNING: pump open, init owes us one INI_DONE. DRAINING: every process of the step is
 * reaped. The step's clocks run here, so they run while the server is gone.
 *
 * The control socket: whoever of our uid connects last is the server; the one before is cut off. A message that is not
 * exactly right cuts its sender off. Sending never blocks: GREW and EXIT wait as flags until the peer reads. */
#include "shim/host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "base/fault.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/proc.h"
#include "shim/pump.h"
#include "shim/sys.h"
#include "shim/tty.h"

#define DRAIN_US (200 * MS_US) /* what pipes still hold when all writers are gone comes at once */
#define GRACE_US (2 * SEC_US)  /* SIGTERM to SIGKILL at a time-out */
#define STUCK_US (10 * SEC_US) /* from SIGKILL to all to INI_DONE; beyond: a process the kernel cannot kill */
#define GREW_US  (8 * MS_US) /* the server hears of a growing log so often on average: each time may wake a thousand */
#define ECHO_US  (2 * MS_US) /* the same where somebody may be typing */
#define GREW_RUN 4           /* and so many times sooner, so that who says 100 lines a second is heard line by line */
#define RETRY_US (500 * MS_US) /* for an exit record on a full disk */
#define NEVER    INT64_MAX

enum state { H_IDLE, H_RUNNING, H_DRAINING, H_OVER };

struct host {
    struct host_in *in;
    enum state state;
    int conn;
    uint32_t peer; /* the version the server speaks: 1 until it says more */
    bool destroy;  /* asked for: ends when idle */

    /* of the running step */
    struct pump *pump;
    struct tty *tty; /* of a step with a terminal; its master is the pump's fd 0, once init has made it */
    int32_t index, attempt;
    struct spw_exit exit;
    int64_t oom_before;
    bool disk;            /* it met the disk limit */
    bool clean, recorded; /* while DRAINING: INI_CLEAN came; the record is written */

    /* when what is due, CLOCK_MONOTONIC, NEVER = not */
    int64_t wall_at, kill_at, stuck_at, drain_at, idle_at, grew_at, retry_at;
    bool grew, exit_ready; /* to be sent as soon as the peer takes it */
    uint64_t grew_sent;
};

/* ---- talking to the server ---- */

static void hang_up(struct host *h)
{
    fd_close(&h->conn);
    if (h->state == H_IDLE)
        h->idle_at = clock_mono_us() + h->in->spec->idle_ms * MS_US;
}

/* True when it went out. A full buffer is not an error: the flag stays. */
static bool try_send(struct host *h, struct spw_msg *m)
{
    size_t n = spw_msg_for(m, h->peer);
    if (h->conn < 0)
        return false;
    if (n == 0 || send(h->conn, m, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n)
        return true; /* or it would not understand it */
    if (errno != EAGAIN && errno != EINTR)
        hang_up(h);
    return false;
}

static void send_ready(struct host *h)
{
    struct spw_msg m;
    spw_msg_init(&m, SPW_READY);
    m.arg[0] = h->state == H_RUNNING || h->state == H_DRAINING;
    m.arg[1] = h->index;
    m.arg[2] = h->attempt;
    (void)!str_copy(m.text, sizeof(m.text), h->in->weaker);
    (void)try_send(h, &m);
}

static void send_fail(struct host *h, const struct err *e)
{
    struct spw_msg m;
    spw_msg_init(&m, SPW_FAIL);
    m.arg[0] = e->code;
    m.arg[1] = e->sys;
    (void)!str_copy(m.text, sizeof(m.text), e->msg);
    (void)try_send(h, &m);
}

static void send_pending(struct host *h)
{
    struct spw_msg m;
    if (h->exit_ready) {
        spw_msg_init(&m, SPW_EXIT);
        m.arg[1] = h->index;
        m.arg[2] = h->attempt;
        m.exit = h->exit;
        if (h->conn < 0 || try_send(h, &m))
            h->exit_ready = h->grew = false; /* nobody there: the record in the log tells */
        return;
    }
    int64_t now = clock_mono_us();
    if (!h->grew || !h->pump || now < h->grew_at || h->conn < 0)
        return;
    spw_msg_init(&m, SPW_GREW);
    m.big = (int64_t)pump_size(h->pump);
    if (try_send(h, &m)) {
        int64_t every = h->tty ? ECHO_US : GREW_US, soonest = now - GREW_RUN * every;
        h->grew = false;
        h->grew_at = (h->grew_at > soonest ? h->grew_at : soonest) + every;
    }
}

static int master(const struct host *h)
{
    return pump_fd(h->pump, 0);
}

static void on_terminal(struct host *h, const struct spw_msg *m)
{
    struct spw_msg out;
    uint16_t cols, rows;
    size_t fresh = 0;
    spw_msg_init(&out, SPW_TERMINAL);
    out.arg[0] = SPW_TTY_NONE;
    out.arg[3] = m->arg[3];
    if (h->tty && h->state == H_RUNNING) {
        out.arg[0] = SPW_TTY_OK;
        if (m->head.type == SPW_INPUT)
            out.arg[0] = (int32_t)tty_take(h->tty, (uint64_t)m->big, m->data, m->ndata, m->arg[0] & SPW_IN_EOF, &fresh);
        else if (m->arg[0] && m->arg[1])
            tty_resize(h->tty, master(h), (uint16_t)m->arg[0], (uint16_t)m->arg[1]);
        if (fresh)
            tty_write(h->tty, master(h));
        tty_size(h->tty, &cols, &rows);
        out.arg[1] = (int32_t)(cols | (uint32_t)rows << 16);
        out.arg[2] = tty_ended(h->tty) ? SPW_IN_EOF : 0;
        out.big = (int64_t)tty_taken(h->tty);
    }
    uint32_t n = (uint32_t)fresh;
    memcpy(out.data, &n, sizeof(n));
    out.ndata = sizeof(n);
    (void)try_send(h, &out); /* a lost answer is asked for again */
}

static bool terminal_ok(const struct spw_msg *m)
{
    if (m->head.type == SPW_INPUT)
        return m->big >= 0 && !(m->arg[0] & ~SPW_IN_EOF);
    return m->arg[0] >= 0 && m->arg[0] <= SPW_TTY_MAX && m->arg[1] >= 0 && m->arg[1] <= SPW_TTY_MAX;
}

/* ---- a step ---- */

/* Layers are not synced, nor is this: who finds another start of the machine in it, or nothing, knows that it went down
 * since, perhaps before the layer was on disk. */
static int write_born(int layer, struct err *e)
{
    char boot[PROC_BOOT_ID];
    AUTO(fd_close) int fd = openat(layer, "born", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "create the layer's birth mark");
    proc_boot_id(boot);
    return fd_write_full(fd, boot, strlen(boot), e);
}

static int make_part(const struct host_in *in, int layer, const char *name, mode_t mode, struct err *e)
{
    if (mkdirat(layer, name, 0700) < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "make the layer's %s", name);
    if (fchmodat(layer, name, mode, 0) < 0 ||
        (in->ids->root_mode && fchownat(layer, name, in->ids->host, in->ids->host_gid, AT_SYMLINK_NOFOLLOW) < 0))
        return err_sys(e, ERR_SANDBOX_FAILED, "set the owner of the layer's %s", name);
    return 0;
}

/* layers/<name>: 0755 because init, under another id, walks and measures it; everything above is 0700. */
static int make_layer(const struct host_in *in, const char *name, struct err *e)
{
    if (mkdirat(in->layers_dirfd, name, 0755) < 0) {
        if (errno == EEXIST)
            return err_set(e, ERR_CONFLICT, "layer %s is there already: an attempt runs once", name);
        return err_sys(e, ERR_SANDBOX_FAILED, "make the layer %s", name);
    }
    AUTO(fd_close) int layer = openat(in->layers_dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (layer < 0 || fchmod(layer, 0755) < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "open the layer %s", name);
    int r = write_born(layer, e);
    if (in->spec->flags & SPW_COPY)
        return r; /* only the mark that this attempt began */
    if (r == 0)
        r = make_part(in, layer, "upper", in->upper_mode, e);
    if (r == 0)
        r = make_part(in, layer, "work", 0700, e);
    return r;
}

/* Init makes it, inside, and sends its master. */
static int start_terminal(struct host *h, int body_fd, const struct spw_step *s, struct err *e)
{
    struct ini_msg m = {.type = INI_STEP};
    h->tty = tty_new(s->cols, s->rows);
    if (!h->tty)
        return err_oom(e);
    if (ini_send(h->in->built.sock, &m, &body_fd, 1) < 0)
        return err_set(e, ERR_SANDBOX_FAILED, "the sandbox's init is gone");
    return 0;
}

static int start_pipes(struct host *h, int body_fd, struct err *e)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    struct ini_msg m = {.type = INI_STEP};
    int r = 0;
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
        r = err_sys(e, ERR_SANDBOX_FAILED, "pipe");
    int fds[4] = {body_fd, STDIN_FILENO, out[1], err[1]}; /* our stdin is /dev/null */
    if (r == 0 && ini_send(h->in->built.sock, &m, fds, ARRAY_LEN(fds)) < 0)
        r = err_set(e, ERR_SANDBOX_FAILED, "the sandbox's init is gone");
    fd_close(&out[1]);
    fd_close(&err[1]);
    if (r < 0) {
        fd_close(&out[0]);
        fd_close(&err[0]);
        return r;
    }
    pump_pipes(h->pump, out[0], err[0]);
    return 0;
}

static void forget_step(struct host *h)
{
    pump_free(h->pump);
    h->pump = NULL;
    tty_free(h->tty);
    h->tty = NULL;
}

static int begin(struct host *h, int body_fd, const struct spw_step *s, struct err *e)
{
    const struct host_in *in = h->in;
    if (h->state != H_IDLE)
        return err_set(e, ERR_BUSY, "a step is running in this sandbox");
    int r = pump_open(in->logs_dirfd, s, in->spec->output_bytes, &h->pump, e);
    if (r == 0) {
        r = make_layer(in, s->layer, e);
        if (r < 0 && e->sys == EDQUOT) /* a step before met the run's quota, and went on */
            r = err_set(e, ERR_DISK_EXCEEDED,
                        "the run's layers reached the limit of %lld bytes: no room for the step's",
                        (long long)in->spec->disk_bytes);
    }
    CRASH_POINT(shim_layer_made);
    if (r == 0)
        r = s->cols ? start_terminal(h, body_fd, s, e) : start_pipes(h, body_fd, e);
    if (r < 0) {
        forget_step(h);
        return r;
    }
    CRASH_POINT(shim_step_begun);
    int64_t wall = s->wall_ms ? s->wall_ms : in->spec->wall_ms;
    h->state = H_RUNNING;
    h->index = s->index;
    h->attempt = s->attempt;
    h->oom_before = cgroup_oom_kills(in->cgroup);
    spw_exit_init(&h->exit);
    h->exit.started_us = clock_now_us();
    h->wall_at = wall ? clock_mono_us() + wall * MS_US : NEVER;
    h->kill_at = h->stuck_at = h->drain_at = h->idle_at = NEVER;
    h->grew = h->exit_ready = false;
    if (*in->weaker) {
        char note[BAR_MAX + 64];
        snprintf(note, sizeof(note), "weaker sandbox, by configuration: without %s", in->weaker);
        pump_note(h->pump, note);
    }
    return 0;
}

static int read_body(int fd, uint32_t size, char **ret, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_size != (off_t)size || size == 0 || size > SPW_BODY_MAX)
        return err_set(e, ERR_INVALID, "the step's message is damaged");
    char *p = malloc(size);
    if (!p)
        return err_oom(e);
    int r = fd_pread_full(fd, p, size, 0, e);
    if (r < 0) {
        free(p);
        return r;
    }
    *ret = p;
    return 0;
}

static void on_exec(struct host *h, int body_fd, int32_t size)
{
    struct err e = ERR_INIT;
    struct spw_step s;
    struct spw_msg taken;
    void *mem = NULL;
    char *body = NULL;
    int r = size > 0 ? read_body(body_fd, (uint32_t)size, &body, &e) : err_set(&e, ERR_INVALID, "an empty step");
    if (r == 0)
        r = spw_step_decode(body, (size_t)size, &s, &mem, &e);
    if (r == 0)
        r = begin(h, body_fd, &s, &e);
    free(mem);
    if (body)
        secure_wipe(body, (size_t)size);
    free(body);
    if (r < 0) {
        send_fail(h, &e);
        return;
    }
    spw_msg_init(&taken, SPW_TAKEN);
    (void)try_send(h, &taken);
}

static void to_init(struct host *h, int type, int num)
{
    struct ini_msg m = {.type = type, .num = num};
    (void)!ini_send(h->in->built.sock, &m, NULL, 0); /* init's death is seen by its pidfd */
}

static void end_now(struct host *h)
{
    to_init(h, INI_END, 0);
    h->kill_at = NEVER;
    if (h->stuck_at == NEVER)
        h->stuck_at = clock_mono_us() + STUCK_US;
}

static void cancel(struct host *h)
{
    if (h->state != H_RUNNING)
        return;
    h->exit.flags |= SPW_X_CANCELED;
    end_now(h);
}

static void time_out(struct host *h)
{
    h->wall_at = NEVER;
    h->exit.flags |= SPW_X_TIMEOUT;
    pump_note(h->pump, "time limit reached: the step is being ended");
    to_init(h, INI_SIGNAL, SIGTERM);
    h->kill_at = clock_mono_us() + GRACE_US;
}

/* ---- its end ---- */

static void note_oom(struct host *h, const struct ini_msg *m)
{
    if (!m->soft_oom && cgroup_oom_kills(h->in->cgroup) <= h->oom_before)
        return;
    h->exit.flags |= SPW_X_OOM;
    pump_note(h->pump, m->soft_oom ? "memory limit reached: the step was killed (limit kept by sampling)"
                                   : "memory limit reached: the kernel killed a process of the step");
}

/* Where the limit is hard, meeting it is no end: a step that copes goes on, and one that fails says so. */
static void note_disk(struct host *h)
{
    struct spw_exit *x = &h->exit;
    long long max = (long long)h->in->spec->disk_bytes;
    if (*x->error)
        ; /* it says more: of a step that did not start, or whose layers could not be measured */
    else if (!(h->in->spec->flags & SPW_DISK_HARD))
        snprintf(x->error, sizeof(x->error), "%s its layers grew over the limit of %lld bytes",
                 x->exit_code == 0 ? "ended when" : "killed:", max);
    else if (x->flags & (SPW_X_CANCELED | SPW_X_TIMEOUT | SPW_X_OOM))
        ; /* ended for that */
    else if (x->signal)
        snprintf(x->error, sizeof(x->error), "ended by signal %d: its layers reached the limit of %lld bytes",
                 (int)x->signal, max);
    else if (x->exit_code > 0)
        snprintf(x->error, sizeof(x->error), "failed: its layers reached the limit of %lld bytes", max);
}

static void on_done(struct host *h, const struct ini_msg *m)
{
    if (h->state != H_RUNNING)
        return;
    struct spw_exit *x = &h->exit;
    if (m->status >= 0 && WIFEXITED(m->status))
        x->exit_code = WEXITSTATUS(m->status);
    else if (m->status >= 0 && WIFSIGNALED(m->status))
        x->signal = WTERMSIG(m->status);
    snprintf(x->error, sizeof(x->error), "%.*s", (int)sizeof(x->error) - 1, m->text);
    x->cpu_us = m->cpu_us;
    x->max_rss_bytes = m->max_rss_bytes;
    x->finished_us = clock_now_us();
    h->state = H_DRAINING;
    h->clean = h->recorded = false;
    h->drain_at = clock_mono_us() + DRAIN_US;
    h->wall_at = h->kill_at = h->stuck_at = NEVER;
    note_oom(h, m);
    h->disk = m->disk;
    if (m->disk)
        note_disk(h);
}

/* Recorded, and nothing of the step is mounted any more: whoever waits may look at its layer, and syncs the log. */
static void settle(struct host *h)
{
    forget_step(h);
    h->state = H_IDLE;
    h->exit_ready = true;
    h->drain_at = h->retry_at = NEVER;
    h->idle_at = h->conn < 0 ? clock_mono_us() + h->in->spec->idle_ms * MS_US : NEVER;
    CRASH_POINT(shim_step_settled);
    send_pending(h);
}

static void finish(struct host *h)
{
    if (h->disk)
        pump_note(h->pump, h->in->spec->flags & SPW_DISK_HARD ? "disk limit reached: the file system takes no more"
                                                              : "disk limit reached: the step was killed");
    h->disk = false;
    CRASH_POINT(shim_step_reaped);
    if (pump_finish(h->pump, &h->exit, NULL) < 0) {
        h->retry_at = clock_mono_us() + RETRY_US; /* stays until it is written: a step without a record is lost */
        return;
    }
    h->recorded = true;
    CRASH_POINT(shim_step_recorded);
    h->drain_at = h->retry_at = NEVER;
}

/* ---- events ---- */

static void on_accept(struct host *h)
{
    uid_t uid;
    int fd = accept4(h->in->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (unix_peer(fd, &uid, NULL, NULL) < 0 || uid != geteuid()) {
        close(fd);
        return;
    }
    fd_close(&h->conn); /* the new one is the server; whoever had it before lost its lease */
    h->conn = fd;
    h->peer = 1;
    h->idle_at = NEVER;
    h->exit_ready = false; /* it reads the log's record */
    CRASH_POINT(shim_accepts);
    send_ready(h);
}

static void on_command(struct host *h, const struct spw_msg *m, int fd)
{
    h->peer = m->head.version;
    switch (m->head.type) {
    case SPW_HELLO:
        break;
    case SPW_EXEC:
        on_exec(h, fd, m->arg[0]);
        break;
    case SPW_INPUT:
    case SPW_RESIZE:
        if (terminal_ok(m))
            on_terminal(h, m);
        else
            hang_up(h);
        break;
    case SPW_SIGNAL:
        if (h->state == H_RUNNING && m->arg[0] > 0 && m->arg[0] <= SIGRTMAX)
            to_init(h, INI_SIGNAL, m->arg[0]);
        break;
    case SPW_KILL:
        cancel(h);
        break;
    case SPW_DESTROY:
        h->destroy = true;
        CRASH_POINT(shim_told);
        cancel(h);
        break;
    default:
        hang_up(h);
    }
}

static void on_conn(struct host *h)
{
    struct spw_msg m;
    int fd = -1;
    size_t nfds = 0;
    long n = unix_recv(h->conn, &m, sizeof(m), &fd, 1, &nfds, NULL);
    if (n <= 0 || !spw_msg_ok(&m, (size_t)n) || (m.head.type == SPW_EXEC) != (nfds == 1))
        hang_up(h);
    else
        on_command(h, &m, fd);
    if (nfds == 1)
        close(fd);
}

static void on_master(struct host *h, int fd)
{
    uint16_t cols, rows;
    pump_pipes(h->pump, fd, -1);
    tty_size(h->tty, &cols, &rows);
    tty_resize(h->tty, fd, cols, rows);
    tty_write(h->tty, fd); /* what came before it was there */
}

static void on_init(struct host *h)
{
    struct ini_msg m;
    int fd = -1;
    size_t nfds = 0;
    int r = ini_recv(h->in->built.sock, &m, &fd, 1, &nfds);
    if (r == 1 && m.type == INI_TTY && nfds == 1 && h->tty && h->state == H_RUNNING && master(h) < 0)
        on_master(h, fd), fd = -1;
    else if (r == 1 && m.type == INI_DONE)
        on_done(h, &m);
    else if (r == 1 && m.type == INI_CLEAN)
        h->clean = true;
    else
        h->state = H_OVER; /* init is gone; so is every process it had */
    fd_close(&fd);
}

static void on_time(struct host *h)
{
    int64_t now = clock_mono_us();
    if (h->tty && now >= tty_due(h->tty))
        tty_write(h->tty, h->state == H_RUNNING ? master(h) : -1);
    if (h->state == H_RUNNING && now >= h->wall_at)
        time_out(h);
    if (h->state == H_RUNNING && now >= h->kill_at)
        end_now(h);
    if (now >= h->stuck_at) {
        h->state = H_OVER;
        hang_up(h); /* the server must not wait with us for what may never die */
    }
    if (h->state == H_DRAINING && !h->recorded && (pump_drained(h->pump) || now >= h->drain_at) &&
        (h->retry_at == NEVER || now >= h->retry_at))
        finish(h);
    if (h->state == H_DRAINING && h->recorded && h->clean)
        settle(h);
    if (h->state == H_IDLE && (h->destroy || now >= h->idle_at))
        h->state = H_OVER;
}

static int next_ms(const struct host *h)
{
    const int64_t at[] = {h->wall_at,
                          h->kill_at,
                          h->stuck_at,
                          h->idle_at,
                          h->state == H_DRAINING ? (h->retry_at != NEVER ? h->retry_at : h->drain_at) : NEVER,
                          h->tty && h->state == H_RUNNING && master(h) >= 0 ? tty_due(h->tty) : NEVER,
                          h->grew && h->conn >= 0 ? h->grew_at : NEVER};
    int64_t first = NEVER, now = clock_mono_us();
    for (size_t i = 0; i < ARRAY_LEN(at); i++)
        first = at[i] < first ? at[i] : first;
    if (first == NEVER)
        return -1;
    int64_t ms = first <= now ? 0 : (first - now + 999) / 1000;
    return ms > 3600000 ? 3600000 : (int)ms;
}

static void on_output(struct host *h, int i)
{
    pump_read(h->pump, i);
    h->grew = true;
}

static void turn(struct host *h)
{
    int out = h->pump ? pump_fd(h->pump, 0) : -1, err = h->pump ? pump_fd(h->pump, 1) : -1;
    /* Between record and INI_CLEAN nobody is answered: to say "running" would contradict the log, to say "idle" would
     * invite a step before its turn. */
    bool deaf = h->state == H_DRAINING && h->recorded;
    struct pollfd p[] = {
        {h->in->built.sock, POLLIN, 0},
        {deaf ? -1 : h->in->listen_fd, POLLIN, 0},
        {deaf ? -1 : h->conn, (short)(POLLIN | (h->exit_ready ? POLLOUT : 0)), 0},
        {out, (short)(POLLIN | (h->tty && tty_waits(h->tty) ? POLLOUT : 0)), 0},
        {err, POLLIN, 0},
    };
    if (poll(p, ARRAY_LEN(p), next_ms(h)) < 0 && errno != EINTR)
        return;
    if (p[3].revents & POLLOUT)
        tty_write(h->tty, master(h));
    if (p[3].revents & ~POLLOUT)
        on_output(h, 0);
    if (p[4].revents)
        on_output(h, 1);
    if (p[0].revents)
        on_init(h);
    if (p[2].revents & ~POLLOUT)
        on_conn(h);
    if (p[1].revents)
        on_accept(h);
    on_time(h);
    send_pending(h);
}

void host_loop(struct host_in *in)
{
    struct host h = {.in = in, .conn = in->conn_fd, .peer = 1};
    h.wall_at = h.kill_at = h.stuck_at = h.drain_at = h.idle_at = h.retry_at = NEVER;
    send_ready(&h);
    while (h.state != H_OVER)
        turn(&h);
    sys_pidfd_kill(in->built.pidfd, SIGKILL);
    while (waitpid(in->built.pid, NULL, 0) < 0 && errno == EINTR)
        ;
    forget_step(&h);
    fd_close(&h.conn);
}
