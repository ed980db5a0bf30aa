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

#include "base/hash.h"
#include "base/str.h"
#include "cli/flow.h"
#include "cli/keys.h"
#include "cli/logview.h"
#include "cli/show.h"
#include "os/clock.h"
#include "os/file.h"

#define PIECE      ((size_t)(16 * KIB))  /* sent at a time */
#define QUEUE_MAX  ((size_t)(256 * KIB)) /* typed and not sent yet */
#define REPLAY_MAX (1 * MIB)             /* of what the step wrote before we came: the end of it */
#define FULL_MS    20                    /* between two tries when it is not taken; doubles … */
#define FULL_MAX   500
#define LOST_US    (60 * SEC_US) /* then we give up */
#define ANSWER_MS  150           /* what our terminal answers to what is replayed is not for the step */

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

    pthread_mutex_t mu; /* over all that follows */
    pthread_cond_t more;
    struct buf queue;
    bool eof, resize, quit;
    struct winsize size;
    bool closed; /* the step takes no more input */
    bool raw;    /* our terminal is */
    bool silent; /* we have left it */
    bool ended, escapes;
    int code; /* exit code of the ended step */
    int r;    /* why a thread gave up */
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

static void give_up(struct attach *a, int r, const struct err *e)
{
    pthread_mutex_lock(&a->mu);
    if (a->r == 0) {
        a->r = r;
        a->e = *e;
    }
    pthread_mutex_unlock(&a->mu);
}

static void tell_main(struct attach *a)
{
    uint64_t one = 1;
    (void)!write(a->tell, &one, sizeof one);
}

static void *reader_main(void *arg)
{
    struct attach *a = arg;
    struct err e = ERR_INIT;
    int r = follow_stream(&a->follow, &e);
    if (r < 0)
        give_up(a, r, &e);
    tell_main(a);
    return NULL;
}

/* ---- what is typed ---------------------------------------------------------- */

struct sender {
    struct attach *a;
    bool known; /* where the input goes on: */
    uint64_t offset;
    int64_t lost_us; /* since when the server does not answer; 0: it does */
    int wait_ms;
};

static int post(struct sender *s, const char *what, const struct buf *body, int64_t *ret_accepted, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(api_reply_fini) struct api_reply reply = {0};
    api_path(&path, "/steps/{}/{}", s->a->in->step, what, NULL);
    s->a->sender.api.answered = false; /* a lost connection is tried again here, not there */
    int r = api_send(&s->a->sender.api, "POST", &path, body, &reply, e);
    const struct json *expected = json_get(json_get(json_get(reply.json, "error"), "details"), "expected");
    if (r == -ERR_CONFLICT && json_type(expected) == JT_INT) {
        *ret_accepted = json_int(expected);
        return 1;
    }
    if (r == 0)
        *ret_accepted = json_int(json_get(reply.json, "accepted"));
    return r;
}

static int post_size(struct sender *s, const struct winsize *size, int64_t *ret, struct err *e)
{
    AUTO(buf_fini) struct buf body = BUF_INIT(KIB);
    struct jw w = JW_INIT(&body);
    jw_obj(&w);
    jw_kint(&w, "cols", size->ws_col);
    jw_kint(&w, "rows", size->ws_row);
    jw_end_obj(&w);
    return post(s, "resize", &body, ret, e);
}

static int post_piece(struct sender *s, const char *p, size_t n, bool eof, int64_t *ret, struct err *e)
{
    struct buf body = BUF_INIT(4 * PIECE);
    struct jw w = JW_INIT(&body);
    char *b64 = malloc(b64_len(n) + 1);
    if (!b64)
        return err_oom(e);
    b64_encode(p, n, b64);
    jw_obj(&w);
    jw_kint(&w, "offset", (int64_t)s->offset);
    jw_kstr(&w, "text_b64", b64);
    if (eof)
        jw_kbool(&w, "eof", true);
    jw_end_obj(&w);
    int r = post(s, "input", &body, ret, e);
    secure_wipe(b64, b64_len(n));
    free(b64);
    if (body.p)
        secure_wipe(body.p, body.cap);
    buf_fini(&body);
    return r;
}

/* Lock held. False: time to end. */
static bool sleep_ms(struct attach *a, int ms)
{
    int64_t until = clock_mono_us() + ms * MS_US;
    struct timespec t = {.tv_sec = until / SEC_US, .tv_nsec = until % SEC_US * 1000};
    while (!a->quit && pthread_cond_timedwait(&a->more, &a->mu, &t) != ETIMEDOUT)
        ;
    return !a->quit;
}

/* Lock held. The request did not go through: 0: again later; else it is over. */
static int refused(struct sender *s, int r, struct err *e)
{
    struct attach *a = s->a;
    int64_t now = clock_mono_us();
    if (r == -ERR_STATE) { /* the reader sees why */
        a->closed = true;
        return 0;
    }
    if (!api_lost(r) && !err_info(-r)->retryable)
        return r;
    if (s->lost_us == 0)
        s->lost_us = now;
    if (now - s->lost_us > LOST_US)
        return r;
    (void)sleep_ms(a, s->wait_ms);
    s->wait_ms = s->wait_ms * 2 < FULL_MAX ? s->wait_ms * 2 : FULL_MAX;
    return 0;
}

/* Lock held. What was accepted of the first n bytes of the queue goes. */
static void accepted(struct sender *s, int64_t now_at, size_t n, bool theirs)
{
    struct attach *a = s->a;
    uint64_t at = (uint64_t)now_at, part = !theirs && at > s->offset ? at - s->offset : 0;
    size_t took = part < n ? (size_t)part : n;
    memmove(a->queue.p, a->queue.p + took, a->queue.len - took);
    a->queue.len -= took;
    secure_wipe(a->queue.p + a->queue.len, took);
    s->offset = at;
    if (took || theirs || n == 0) {
        s->wait_ms = FULL_MS;
        tell_main(a); /* there is room */
    } else {          /* the step does not read */
        (void)sleep_ms(a, s->wait_ms);
        s->wait_ms = s->wait_ms * 2 < FULL_MAX ? s->wait_ms * 2 : FULL_MAX;
    }
}

/* Lock held, and let go of while a request is under way. */
static int send_some(struct sender *s, char *piece, struct err *e)
{
    struct attach *a = s->a;
    struct winsize size = a->size;
    bool resize = a->resize, all = false;
    size_t n = 0;
    int64_t at = 0;
    if (!resize && s->known) {
        n = a->queue.len < PIECE ? a->queue.len : PIECE;
        all = a->eof && n == a->queue.len;
        if (n)
            memcpy(piece, a->queue.p, n);
    }
    a->resize = false;
    pthread_mutex_unlock(&a->mu);
    int r = resize ? post_size(s, &size, &at, e) : post_piece(s, piece, n, all, &at, e);
    pthread_mutex_lock(&a->mu);
    if (r < 0) {
        a->resize = a->resize || resize;
        return refused(s, r, e);
    }
    s->lost_us = 0;
    if (resize && s->known)
        return 0;
    if (!s->known) {
        s->known = true;
        s->offset = (uint64_t)at;
        return 0;
    }
    if (all && r == 0 && (uint64_t)at >= s->offset + n)
        a->closed = true;
    accepted(s, at, n, r == 1);
    return 0;
}

static void *sender_main(void *arg)
{
    struct attach *a = arg;
    struct sender s = {.a = a, .wait_ms = FULL_MS};
    struct err e = ERR_INIT;
    char *piece = malloc(PIECE);
    int r = piece ? 0 : err_oom(&e);
    pthread_mutex_lock(&a->mu);
    while (r == 0 && !a->quit && !a->closed) {
        if (a->queue.len || a->eof || a->resize)
            r = send_some(&s, piece, &e);
        else
            pthread_cond_wait(&a->more, &a->mu);
    }
    pthread_mutex_unlock(&a->mu);
    if (piece)
        secure_wipe(piece, PIECE);
    free(piece);
    if (r < 0 && r != -ERR_INTERRUPTED)
        give_up(a, r, &e);
    tell_main(a);
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
    if (a->in->read_only || !our_size(a, &w))
        return;
    pthread_mutex_lock(&a->mu);
    a->size = w;
    a->resize = true;
    pthread_cond_broadcast(&a->more);
    pthread_mutex_unlock(&a->mu);
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

static void put_queue(struct attach *a, const char *p, size_t n, bool eof)
{
    pthread_mutex_lock(&a->mu);
    size_t room = QUEUE_MAX - a->queue.len;
    bool full = n > room;
    buf_add(&a->queue, p, full ? room : n);
    a->eof = a->eof || eof;
    pthread_cond_broadcast(&a->more);
    pthread_mutex_unlock(&a->mu);
    if (full)
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
        put_queue(a, b, n > 0 ? (size_t)n : 0, n <= 0);
        return STAY;
    }
    for (size_t at = 0, used = 0; at < (size_t)n; at += used) {
        enum keys_say what = keys_scan(k, b + at, (size_t)n - at, &out, &used);
        if (what == KEYS_LEAVE)
            return LEAVE;
        if (what == KEYS_HELP)
            say(a, "at the beginning of a line: ~. leaves, and the step goes on; ~~ types ~; ~? shows this");
    }
    put_queue(a, out.p, out.len, false);
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
    uint64_t count;
    (void)!read(a->tell, &count, sizeof count);
    pthread_mutex_lock(&a->mu);
    bool over = a->ended || a->r < 0;
    *ret_read =
        !a->in->read_only && !a->eof && !(a->closed && !a->in_tty) && (a->in_tty || a->queue.len < QUEUE_MAX / 2);
    pthread_mutex_unlock(&a->mu);
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
    pthread_t reader, sender;
    bool types = !a->in->read_only;
    a->follow.api = &a->reader.api;
    a->reader.api.answered = true; /* it was there a moment ago: losing it is worth waiting for */
    take_size(a);
    errno = pthread_create(&reader, NULL, reader_main, a);
    if (errno)
        return err_sys(e, ERR_IO, "start a thread");
    errno = types ? pthread_create(&sender, NULL, sender_main, a) : 0;
    int r = errno ? err_sys(e, ERR_IO, "start a thread") : 0;
    if (r == 0)
        *ret_why = watch(a, signals);
    __atomic_store_n(&a->stop, 1, __ATOMIC_RELAXED);
    pthread_mutex_lock(&a->mu);
    a->quit = true;
    pthread_cond_broadcast(&a->more);
    pthread_mutex_unlock(&a->mu);
    go_back(a); /* before the threads end: they may be waiting for the server */
    pthread_join(reader, NULL);
    if (types && r == 0)
        pthread_join(sender, NULL);
    return r;
}

static int at_terminal(struct attach *a, bool *ret_ended, struct err *e)
{
    enum leave why = STAY;
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
    else if (why == STAY && a->r < 0) {
        *e = a->e;
        return a->r;
    }
    return 0;
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
    follow_fini(&a->follow);
    close_line(&a->reader);
    close_line(&a->sender);
    if (a->queue.p)
        secure_wipe(a->queue.p, a->queue.cap);
    buf_fini(&a->queue);
    buf_fini(&a->past);
    fd_close(&a->tell);
    pthread_cond_destroy(&a->more);
    pthread_mutex_destroy(&a->mu);
}

static int init(struct attach *a, struct err *e)
{
    pthread_condattr_t at;
    pthread_mutex_init(&a->mu, NULL);
    pthread_condattr_init(&at);
    pthread_condattr_setclock(&at, CLOCK_MONOTONIC);
    pthread_cond_init(&a->more, &at);
    pthread_condattr_destroy(&at);
    buf_init(&a->queue, QUEUE_MAX);
    buf_init(&a->past, 3 * REPLAY_MAX);
    follow_init(&a->follow, &a->c->api, a->in->run->s, on_event, a);
    a->in_tty = isatty(STDIN_FILENO);
    a->out_tty = isatty(STDOUT_FILENO);
    a->tell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (a->tell < 0)
        return err_sys(e, ERR_IO, "eventfd");
    int r = open_line(a, &a->reader, e);
    return r < 0 ? r : open_line(a, &a->sender, e);
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
