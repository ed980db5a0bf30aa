/* ui - see ui.h.
 *
 * May include: base/ os/ cli/text.h.   Threads: one. */
#include "cli/ui.h"
#include "base/str.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define OUT_MAX        (8 * MIB)
#define FLUSH_AT       (32 * KIB)
#define LINE_MAX_BYTES (64 * KIB)
#define ASK_POLL_MS    500

static const char *const sgr[] = {
    [UI_PLAIN] = "\x1b[0m",  [UI_BOLD] = "\x1b[1m",    [UI_DIM] = "\x1b[2m",   [UI_RED] = "\x1b[31m",
    [UI_GREEN] = "\x1b[32m", [UI_YELLOW] = "\x1b[33m", [UI_CYAN] = "\x1b[36m",
};

static int columns_of(int fd)
{
    struct winsize w;
    if (ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col >= 20)
        return w.ws_col;
    return 80;
}

void ui_init(struct ui *ui, const volatile sig_atomic_t *interrupt)
{
    *ui = (struct ui){.in = 0, .out = 1, .err = 2, .interrupt = interrupt};
    buf_init(&ui->ob, OUT_MAX);
    ui->in_tty = isatty(0);
    ui->out_tty = isatty(1);
    ui->err_tty = isatty(2);
    ui->columns = ui->out_tty ? columns_of(1) : 0;
    ui_colors(ui, true);
}

void ui_colors(struct ui *ui, bool wanted)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    bool able = wanted && !(no && *no) && term && *term && strcmp(term, "dumb") != 0;
    ui->color = able && ui->out_tty;
    ui->ecolor = able && ui->err_tty;
}

void ui_fini(struct ui *ui)
{
    ui_flush(ui);
    buf_fini(&ui->ob);
    for (size_t i = 0; i < UI_RING; i++)
        free(ui->ring[i]);
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return errno;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

void ui_flush(struct ui *ui)
{
    if (ui->out < 0)
        return;
    if (ui->ob.bad)
        ui->sys = ENOMEM;
    else if (ui->ob.len > 0 && !ui->broken)
        ui->sys = write_all(ui->out, ui->ob.p, ui->ob.len);
    ui->broken = ui->broken || ui->sys;
    buf_reset(&ui->ob);
}

bool ui_interactive(const struct ui *ui)
{
    return ui->in_tty && ui->out_tty && !ui->json;
}

void ui_raw(struct ui *ui, const void *p, size_t n)
{
    const char *s = p;
    while (ui->out >= 0 && n > FLUSH_AT) {
        ui_flush(ui);
        buf_add(&ui->ob, s, FLUSH_AT);
        s += FLUSH_AT;
        n -= FLUSH_AT;
    }
    buf_add(&ui->ob, s, n);
    if (ui->ob.len >= FLUSH_AT)
        ui_flush(ui);
}

void ui_raw_err(struct ui *ui, const void *p, size_t n)
{
    ui_flush(ui);
    if (ui->err >= 0)
        (void)write_all(ui->err, p, n);
}

/* Formats, cleans and hands over: to stdout, or to stderr as one write. */
/* While `attach` has the terminal, a line feed alone goes straight down, and the cursor may be anywhere. */
static bool is_raw(const struct ui *ui)
{
    struct termios t;
    return tcgetattr(ui->err, &t) == 0 && !(t.c_oflag & OPOST);
}

PRINTF(4, 0) static void print(struct ui *ui, bool to_err, const char *head, const char *fmt, va_list ap)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(OUT_MAX);
    AUTO(buf_fini) struct buf safe = BUF_INIT(OUT_MAX);
    buf_vprintf(&text, fmt, ap);
    if (text.bad || text.len == 0)
        return;
    bool raw = to_err && is_raw(ui);
    buf_puts(&safe, raw ? "\r\n" : "");
    buf_puts(&safe, head);
    text_clean(&safe, text.p, text.len, 0);
    if (to_err)
        buf_puts(&safe, raw ? "\r\n" : "\n");
    if (safe.bad)
        return;
    if (to_err)
        ui_raw_err(ui, safe.p, safe.len);
    else
        ui_raw(ui, safe.p, safe.len);
}

void ui_printf(struct ui *ui, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    print(ui, false, "", fmt, ap);
    va_end(ap);
}

void ui_note(struct ui *ui, const char *fmt, ...)
{
    va_list ap;
    if (ui->quiet)
        return;
    va_start(ap, fmt);
    print(ui, true, "", fmt, ap);
    va_end(ap);
}

void ui_warn(struct ui *ui, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    print(ui, true, "sallyport: ", fmt, ap);
    va_end(ap);
}

void ui_error(struct ui *ui, const struct err *e, const char *hint)
{
    AUTO(buf_fini) struct buf out = BUF_INIT(LINE_MAX_BYTES);
    const char *msg = e->msg[0] ? e->msg : err_info(e->code)->text;
    buf_puts(&out, ui->ecolor ? "\x1b[31msallyport:\x1b[0m " : "sallyport: ");
    text_clean(&out, msg, strlen(msg), TEXT_ONE_LINE);
    buf_addc(&out, '\n');
    if (hint && *hint) {
        buf_puts(&out, "  ");
        text_clean(&out, hint, strlen(hint), 0);
        buf_addc(&out, '\n');
    }
    if (!out.bad)
        ui_raw_err(ui, out.p, out.len);
}

const char *ui_sgr(const struct ui *ui, enum ui_style s)
{
    return ui->color ? sgr[s] : "";
}

void ui_put(struct ui *ui, enum ui_style style, const char *s)
{
    if (!s || !*s)
        return;
    const char *one = ui_one(ui, s);
    if (style != UI_PLAIN)
        ui_raw(ui, ui_sgr(ui, style), strlen(ui_sgr(ui, style)));
    ui_raw(ui, one, strlen(one));
    if (style != UI_PLAIN)
        ui_raw(ui, ui_sgr(ui, UI_PLAIN), strlen(ui_sgr(ui, UI_PLAIN)));
}

const char *ui_one(struct ui *ui, const char *s)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(MIB);
    if (!s || !*s)
        return "";
    text_clean(&b, s, strlen(s), TEXT_ONE_LINE);
    char *one = buf_take(&b, NULL);
    if (!one)
        return "(too long to show)";
    unsigned at = ui->at++ % UI_RING;
    free(ui->ring[at]);
    ui->ring[at] = one;
    return one;
}

void ui_json(struct ui *ui, const char *p, size_t n)
{
    AUTO(buf_fini) struct buf safe = BUF_INIT(OUT_MAX * 8);
    while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
        n--;
    if (n == 0)
        return;
    if (ui->out_tty) {
        text_json(&safe, p, n);
        if (safe.bad) {
            ui->broken = true;
            ui->sys = ENOMEM;
            return;
        }
        p = safe.p;
        n = safe.len;
    }
    ui_raw(ui, p, n);
    ui_raw(ui, "\n", 1);
}

/* ---- questions ---------------------------------------------------------- */

static int read_line(struct ui *ui, char *answer, size_t cap)
{
    char line[1024];
    ssize_t n = read(ui->in, line, sizeof line - 1); /* a terminal gives at most one line */
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? 1 : -ERR_EMPTY;
    if (n == 0)
        return -ERR_EMPTY;
    line[n] = '\0';
    char *p = line + strspn(line, " \t\r\n");
    size_t len = strlen(p);
    while (len > 0 && strchr(" \t\r\n", p[len - 1]))
        p[--len] = '\0';
    if (len >= cap)
        p[cap - 1] = '\0';
    if (!str_copy(answer, cap, p))
        return -ERR_EMPTY;
    return 0;
}

static int wait_line(struct ui *ui, int (*elsewhere)(void *, struct err *), void *arg, char *answer, size_t cap,
                     struct err *e)
{
    for (;;) {
        struct pollfd pfd = {.fd = ui->in, .events = POLLIN};
        if (ui->interrupt && *ui->interrupt)
            return err_set(e, ERR_INTERRUPTED, NULL);
        int n = poll(&pfd, 1, ASK_POLL_MS);
        if (n < 0 && errno != EINTR)
            return err_sys(e, ERR_IO, "reading the answer");
        int r = n > 0 ? read_line(ui, answer, cap) : 1;
        if (r <= 0)
            return r;
        r = n == 0 && elsewhere ? elsewhere(arg, e) : 0;
        if (r != 0)
            return r;
    }
}

int ui_ask(struct ui *ui, const char *question, int (*elsewhere)(void *, struct err *), void *arg, char *answer,
           size_t cap, struct err *e)
{
    if (ui->in_tty) /* before the question is seen: what is typed behind it is an answer */
        (void)tcflush(ui->in, TCIFLUSH);
    ui_put(ui, UI_BOLD, question);
    ui_raw(ui, " ", 1);
    ui_flush(ui);
    if (ui->broken)
        return -ERR_EMPTY;
    int r = wait_line(ui, elsewhere, arg, answer, cap, e);
    if (r != 0) /* nobody typed the line feed */
        ui_raw(ui, "\n", 1);
    return r;
}
