/* attach - see attach.h.
 *
 * May include: base/ os/ net/. */
#include "cli/attach.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/flow.h"
#include "cli/keys.h"
#include "cli/logview.h"
#include "cli/show.h"
#include "cli/typing.h"
#include "os/clock.h"
#include "os/file.h"

#define REPLAY_MAX (1 * MIB) /* of what the step wrote before we came: the end of it */
#define ANSWER_MS  150       /* what our terminal answers to what is replayed is not for the step */

/* Puts back what full-screen programs change: attributes, alternate screen, cursor, keypad, margins, mouse, focus and
 * paste reports (xterm's ctlseqs). */
#define MODES_BACK                                                                                                     \
    "\x1b[0m\x1b(B\x1b[?1047l\x1b[?25h\x1b[?7h\x1b[?1l\x1b>\x1b\x37\x1b[r\x1b\x38\x1b[?1000l\x1b[?1002l\x1b[?1003l"    \
    "\x1b[?1004l\x1b[?1006l\x1b[?2004l"

struct line { /* a connection of a thread's own */
    struct api api;
    struct ui ui;
    bool open;
};

struct attach {
    struct cli *c;
    const struct attach_in *in;
    bool in_tty, out_tty;
    struct termios before;
    struct line reader, sender;
    volatile sig_atomic_t stop; /* ends the requests under way; set atomically */
    int tell;                   /* eventfd: something changed that the main thread waits for */

    struct typing *typing; /* NULL: nothing is typed */

    pthread_mutex_t mu; /* over all that follows */
    bool raw;           /* our terminal is */
    bool silent;        /* we have left it */
    bool ended, escapes;
    int code; /* exit code of the ended step */
    int r;    /* why the reader gave up */
    struct err e;

    /* of who follows: the main thread first, then the reader */
    struct follow follow;
    bool gather, started, cut;
    struct buf past;
};

/* ---- what the step writes ------------------------------------------------- */

static int write_out(struct attach *a, const char *p, size_t n, struct err *e)
{
    bool escapes = memchr(p, '\x1b', n);
    pthread_mutex_lock(&a->mu);
    bool silent = a->silent;
    a->escapes = a->escapes || (escapes && !silent);
    pthread_mutex_unlock(&a->mu);
    if (silent)
        return 0;
    int r = fd_write_full(STDOUT_FILENO, p, n, NULL);
    return r < 0 ? err_sys(e, ERR_IO, "writing to standard output") : 0;
}

/* A line of ours into a raw terminal. */
static void say(struct attach *a, const char *text)
{
    char line[400];
    pthread_mutex_lock(&a->mu);
    bool raw = a->raw;
    pthread_mutex_unlock(&a->mu);
    int n = snprintf(line, sizeof line, raw ? "\r\n[sallyport: %.300s]\r\n" : "sallyport: %.300s\n", text);
    if (!a->c->ui.quiet)
        (void)!write(STDERR_FILENO, line, (size_t)n);
}

static void keep_past(struct attach *a, const char *p, size_t n)
{
    if (n > REPLAY_MAX) {
        p += n - REPLAY_MAX;
        n = REPLAY_MAX;
    }
    if (a->past.len + n > 2 * REPLAY_MAX) {
        memmove(a->past.p, a->past.p + (a->past.len - REPLAY_MAX), REPLAY_MAX);
        a->past.len = REPLAY_MAX;
        a->cut = true;
    }
    buf_add(&a->past, p, n);
}

static int on_output(struct attach *a, const struct json *data, struct err *e)
{
    AUTO(buf_fini) struct buf room = BUF_INIT(4 * MIB);
    const char *p;
    size_t n;
    int r = logview_bytes(data, &room, &p, &n, e);
    if (r < 0)
        return r;
    if (logview_stream(show_str(data, "stream")) == LV_SYS) {
        if (!a->gather)
            say(a, p); /* ours: see shim/host.c */
        return 0;
    }
    if (a->gather) {
        keep_past(a, p, n);
        return 0;
    }
    return write_out(a, p, n, e);
}

/* As a shell would give it; what did not end by itself, as the run's reason would. */
static int exit_of(const struct json *step)
{
    const char *state = show_str(step, "state");
    const struct json *code = json_get(step, "exit_code"), *sig = json_get(step, "signal");
    if (str_eq(state, "canceled"))
        return err_info(ERR_CANCELED)->exit;
    if (str_eq(state, "lost"))
        return err_info(ERR_LOST)->exit;
    if (json_true(json_get(step, "timed_out")))
        return err_info(ERR_RUN_TIMEOUT)->exit;
    if (json_type(code) == JT_INT)
        return (int)json_int(code);
    return json_type(sig) == JT_INT ? 128 + (int)json_int(sig) : err_info(ERR_STEP_FAILED)->exit;
}

static void set_ended(struct attach *a, int code)
{
    pthread_mutex_lock(&a->mu);
    a->ended = true;
    a->code = code;
    pthread_mutex_unlock(&a->mu);
}

static int on_event(void *arg, const struct json *ev, const char *raw, size_t n, struct err *e)
{
    struct attach *a = arg;
    const char *type = show_str(ev, "type");
    const struct json *data = json_get(ev, "data");
    const char *id = str_eq(type, "step.log") ? show_str(data, "step_id") : show_str(data, "id");
    if (str_eq(type, "run.completed")) {
        set_ended(a, flow_exit(data));
        return 1;
    }
    if (!str_eq(id, a->in->step))
        return 0;
    if (str_eq(type, "step.log"))
        return on_output(a, data, e);
    if (str_eq(type, "step.started")) {
        bool waited = !a->gather && !a->started;
        a->started = true;
        return waited ? 1 : 0;
    }
    if (!str_eq(type, "step.finished"))
        return 0;
    set_ended(a, exit_of(data));
    return 1;
}

static void *reader_main(void *arg)
{
    struct attach *a = arg;
    struct err e = ERR_INIT;
    uint64_t one = 1;
    int r = follow_stream(&a->follow, &e);
    pthread_mutex_lock(&a->mu);
    a->r = r < 0 ? r : 0;
    a->e = e;
    pthread_mutex_unlock(&a->mu);
    (void)!write(a->tell, &one, sizeof one);
    return NULL;
}

/* ---- our terminal ------------------------------------------------------------ */

static void go_raw(struct attach *a)
{
    struct termios t;
    if (!a->in_tty || tcgetattr(STDIN_FILENO, &a->before) < 0)
        return;
    t = a->before;
    cfmakeraw(&t);
    if (a->in->read_only) /* Ctrl-C leaves */
        t.c_lflag |= ISIG;
    a->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &t) == 0;
}

/* Nothing of the step is shown any more, else its modes could come after this. */
static void go_back(struct attach *a)
{
    pthread_mutex_lock(&a->mu);
    bool raw = a->raw, escapes = a->escapes;
    a->silent = true;
    a->raw = a->escapes = false;
    pthread_mutex_unlock(&a->mu);
    if (a->out_tty && escapes)
        (void)!write(STDOUT_FILENO, MODES_BACK, sizeof MODES_BACK - 1);
    if (!raw)
        return;
    (void)tcflush(STDIN_FILENO, TCIFLUSH); /* what was typed for the step is not for the shell */
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &a->before);
}

static bool our_size(const struct attach *a, struct winsize *ret)
{
    return a->in_tty && (ioctl(STDOUT_FILENO, TIOCGWINSZ, ret) == 0 || ioctl(STDIN_FILENO, TIOCGWINSZ, ret) == 0) &&
           ret->ws_col > 0 && ret->ws_row > 0;
}

static void take_size(struct attach *a)
{
    struct winsize w;
    if (a->typing && our_size(a, &w))
        typing_size(a->typing, &w);
}

/* What it wrote before. Programs ask terminals questions; ours answers those of the past too, which nobody waits for.
 */
static int show_past(struct attach *a, struct err *e)
{
    if (a->past.len == 0)
        return 0;
    if (a->cut)
        say(a, "what the step wrote first is left out: sallyport logs shows all of it");
    size_t skip = a->past.len > REPLAY_MAX ? a->past.len - REPLAY_MAX : 0;
    int r = write_out(a, a->past.p + skip, a->past.len - skip, e);
    if (a->raw && keys_asked(a->past.p + skip, a->past.len - skip)) {
        clock_sleep_us(ANSWER_MS * MS_US);
        (void)tcflush(STDIN_FILENO, TCIFLUSH);
    }
    return r;
}

/* ---- the main thread ------------------------------------------------------------ */

enum leave { STAY, LEAVE };

static void put(struct attach *a, const char *p, size_t n, bool eof)
{
    if (a->typing && !typing_put(a->typing, p, n, eof))
        say(a, "the step does not read: what you type is not taken. ~. at the beginning of a line leaves");
}

static enum leave on_keys(struct attach *a, struct keys *k)
{
    char b[4096];
    AUTO(buf_fini) struct buf out = BUF_INIT(4 * sizeof b);
    ssize_t n = read(STDIN_FILENO, b, sizeof b);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return STAY;
    if (n <= 0 && a->in_tty) { /* our terminal is gone */
        a->c->exit = 128 + SIGHUP;
        return LEAVE;
    }
    if (!a->in_tty) {
        put(a, b, n > 0 ? (size_t)n : 0, n <= 0);
        return STAY;
    }
    for (size_t at = 0, used = 0; at < (size_t)n; at += used) {
        enum keys_say what = keys_scan(k, b + at, (size_t)n - at, &out, &used);
        if (what == KEYS_LEAVE)
            return LEAVE;
        if (what == KEYS_HELP)
            say(a, "at the beginning of a line: ~. leaves, and the step goes on; ~~ types ~; ~? shows this");
    }
    put(a, out.p, out.len, false);
    secure_wipe(b, sizeof b);
    return STAY;
}

static enum leave on_signal(struct attach *a, int fd)
{
    struct signalfd_siginfo si;
    if (read(fd, &si, sizeof si) != (ssize_t)sizeof si || si.ssi_signo == SIGTSTP)
        return STAY;
    if (si.ssi_signo == SIGWINCH) {
        take_size(a);
        return STAY;
    }
    if (!a->in->read_only || si.ssi_signo != SIGINT)
        a->c->exit = 128 + (int)si.ssi_signo;
    return LEAVE;
}

/* True when there is nothing more to wait for. *ret_read: is there room for what is typed? */
static bool look(struct attach *a, bool *ret_read)
{
    struct typing_state s;
    uint64_t count;
    (void)!read(a->tell, &count, sizeof count);
    pthread_mutex_lock(&a->mu);
    bool over = a->ended || a->r < 0;
    pthread_mutex_unlock(&a->mu);
    *ret_read = false;
    if (!a->typing)
        return over;
    over = typing_look(a->typing, &s, NULL) < 0 || over;
    *ret_read = !s.eof && (a->in_tty || (!s.closed && s.waiting < TYPING_MAX / 2));
    return over;
}

static enum leave watch(struct attach *a, int signals)
{
    struct keys keys = {0};
    enum leave why = STAY;
    bool reads;
    while (why == STAY && !look(a, &reads)) {
        struct pollfd p[] = {{reads ? STDIN_FILENO : -1, POLLIN, 0}, {signals, POLLIN, 0}, {a->tell, POLLIN, 0}};
        if (poll(p, ARRAY_LEN(p), -1) < 0)
            continue; /* EINTR */
        if (p[1].revents)
            why = on_signal(a, signals);
        else if (p[0].revents)
            why = on_keys(a, &keys);
    }
    return why;
}

/* Signals come by a file from here on, for all threads that are made. */
static int hold_signals(sigset_t *ret_before, struct err *e)
{
    static const int list[] = {SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    sigset_t s;
    sigemptyset(&s);
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        sigaddset(&s, list[i]);
    errno = pthread_sigmask(SIG_BLOCK, &s, ret_before);
    int fd = errno ? -1 : signalfd(-1, &s, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? err_sys(e, ERR_IO, "signalfd") : fd;
}

static int open_line(struct attach *a, struct line *l, struct err *e)
{
    l->ui = (struct ui){.in = -1, .out = -1, .err = STDERR_FILENO, .quiet = a->c->ui.quiet};
    buf_init(&l->ui.ob, KIB);
    int r = cli_connect(a->c, &l->api, &l->ui, &a->stop, e);
    l->open = r == 0;
    return r;
}

static void close_line(struct line *l)
{
    if (l->open)
        api_fini(&l->api);
    buf_fini(&l->ui.ob);
}

static int run_threads(struct attach *a, int signals, enum leave *ret_why, struct err *e)
{
    pthread_t reader;
    a->follow.api = &a->reader.api;
    a->reader.api.answered = true; /* it was there a moment ago: losing it is worth waiting for */
    take_size(a);
    errno = pthread_create(&reader, NULL, reader_main, a);
    if (errno)
        return err_sys(e, ERR_IO, "start a thread");
    int r = a->typing ? typing_start(a->typing, e) : 0;
    if (r == 0)
        *ret_why = watch(a, signals);
    __atomic_store_n(&a->stop, 1, __ATOMIC_RELAXED);
    if (a->typing)
        typing_quit(a->typing);
    go_back(a); /* before the threads end: they may be waiting for the server */
    pthread_join(reader, NULL);
    if (a->typing)
        typing_join(a->typing);
    return r;
}

static int at_terminal(struct attach *a, bool *ret_ended, struct err *e)
{
    enum leave why = STAY;
    struct typing_state s;
    sigset_t before;
    AUTO(fd_close) int signals = hold_signals(&before, e);
    if (signals < 0)
        return signals;
    go_raw(a);
    int r = show_past(a, e);
    if (r == 0)
        r = run_threads(a, signals, &why, e);
    go_back(a);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r < 0)
        return r;
    *ret_ended = a->ended;
    if (a->ended)
        a->c->exit = a->code;
    if (a->ended || why == LEAVE)
        return 0;
    if (a->r < 0)
        *e = a->e;
    return a->r < 0 ? a->r : a->typing ? typing_look(a->typing, &s, e) : 0;
}

/* Until it has begun, or what it wrote so far is known. */
static int catch_up(struct attach *a, struct err *e)
{
    int r = 0;
    if (a->in->cursor) {
        buf_puts(&a->follow.cursor, a->in->cursor);
        a->started = true;
        return 0;
    }
    a->gather = true;
    r = follow_now(&a->follow, e);
    a->gather = false;
    if (r == 0 && !a->started && !a->ended) {
        say(a, "the step has not begun; waiting ...");
        r = follow_stream(&a->follow, e);
    }
    if (r == 0 && a->ended)
        return err_set(e, ERR_STATE, "step %lld of %s has ended: sallyport logs shows what it wrote",
                       (long long)a->in->number, a->in->run->s);
    return r;
}

static void fini(struct attach *a)
{
    typing_free(a->typing);
    follow_fini(&a->follow);
    close_line(&a->reader);
    close_line(&a->sender);
    buf_fini(&a->past);
    fd_close(&a->tell);
    pthread_mutex_destroy(&a->mu);
}

static int init(struct attach *a, struct err *e)
{
    pthread_mutex_init(&a->mu, NULL);
    buf_init(&a->past, 3 * REPLAY_MAX);
    follow_init(&a->follow, &a->c->api, a->in->run->s, on_event, a);
    a->in_tty = isatty(STDIN_FILENO);
    a->out_tty = isatty(STDOUT_FILENO);
    a->tell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (a->tell < 0)
        return err_sys(e, ERR_IO, "eventfd");
    int r = open_line(a, &a->reader, e);
    if (r == 0 && !a->in->read_only)
        r = open_line(a, &a->sender, e);
    return r == 0 && !a->in->read_only ? typing_new(&a->sender.api, a->in->step, a->tell, &a->typing, e) : r;
}

int attach_step(struct cli *c, const struct attach_in *in, bool *ret_ended, struct err *e)
{
    struct attach a = {.c = c, .in = in, .tell = -1};
    ui_flush(&c->ui);
    *ret_ended = false;
    int r = init(&a, e);
    if (r == 0)
        r = catch_up(&a, e);
    if (r == 0)
        r = at_terminal(&a, ret_ended, e);
    fini(&a);
    return r;
}
