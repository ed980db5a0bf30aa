/* logview - see logview.h.
 *
 * May include: base/ cli/ui.h.   Threads: one. */
#include "cli/logview.h"
#include "base/str.h"
#include <string.h>

#define FRAME_MAX_BYTES (4 * MIB)

static const struct {
    const char *text;
    enum ui_style style;
} margins[LV_N] = {[LV_OUT] = {"   | ", UI_DIM}, [LV_ERR] = {"err| ", UI_RED}, [LV_SYS] = {"sys| ", UI_CYAN}};

void logview_init(struct logview *v, struct ui *ui)
{
    *v = (struct logview){.ui = ui};
}

int logview_stream(const char *name)
{
    return str_eq(name, "stdout") ? LV_OUT : str_eq(name, "stderr") ? LV_ERR : LV_SYS;
}

static void puts_raw(struct logview *v, const char *s)
{
    ui_raw(v->ui, s, strlen(s));
}

static void begin_line(struct logview *v)
{
    const struct lv_stream *s = &v->s[v->stream];
    if (v->mid)
        return;
    puts_raw(v, ui_sgr(v->ui, margins[v->stream].style));
    puts_raw(v, margins[v->stream].text);
    puts_raw(v, ui_sgr(v->ui, UI_PLAIN));
    ui_raw(v->ui, s->sgr, s->nsgr);
    v->mid = true;
}

static void end_line(struct logview *v)
{
    if (v->s[v->stream].nsgr)
        puts_raw(v, ui_sgr(v->ui, UI_PLAIN));
    ui_raw(v->ui, "\n", 1);
    v->mid = false;
}

void logview_break(struct logview *v)
{
    if (v->mid)
        end_line(v);
}

/* Remembers the colours a piece of a line leaves in force. More than fit: back to none, which is always safe. */
static void track_sgr(struct lv_stream *s, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t k = p[i] == '\x1b' ? text_sgr(p + i, n - i) : 0;
        if (k == 0)
            continue;
        bool reset = k == 3 || (k == 4 && p[i + 2] == '0');
        if (reset || s->nsgr + k > sizeof s->sgr) {
            s->nsgr = 0;
        } else {
            memcpy(s->sgr + s->nsgr, p + i, k);
            s->nsgr += k;
        }
        i += k - 1;
    }
}

static void add_piece(struct logview *v, const char *p, size_t n)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(FRAME_MAX_BYTES * 8);
    if (n == 0)
        return;
    begin_line(v);
    if (!v->ui->out_tty) {
        ui_raw(v->ui, p, n);
        return;
    }
    text_clean(&b, p, n, TEXT_LOG | TEXT_SGR | (v->ui->color ? 0 : TEXT_PLAIN));
    if (v->ui->color)
        track_sgr(&v->s[v->stream], p, n);
    ui_raw(v->ui, b.bad ? "?" : b.p, b.bad ? 1 : b.len);
}

/* A carriage return ends a line too: to let it go back would let a log write over itself. */
static size_t line_end(const struct logview *v, const char *p, size_t n, size_t *ret_break)
{
    for (size_t i = 0; i < n; i++) {
        bool cr = v->ui->out_tty && p[i] == '\r';
        if (p[i] != '\n' && !cr)
            continue;
        *ret_break = cr && i + 1 < n && p[i + 1] == '\n' ? 2 : 1;
        return i;
    }
    *ret_break = 0;
    return n;
}

static void add_lines(struct logview *v, const char *p, size_t n)
{
    while (n > 0) {
        size_t skip, k = line_end(v, p, n, &skip);
        bool bare_cr = skip == 1 && p[k] == '\r';
        add_piece(v, p, k);
        if (skip && (k > 0 || v->mid || !bare_cr)) {
            begin_line(v);
            end_line(v);
        }
        p += k + skip;
        n -= k + skip;
    }
}

static void turn_to(struct logview *v, const char *step, int stream)
{
    if (str_eq(v->step, step) && v->stream == stream)
        return;
    logview_break(v);
    if (!str_eq(v->step, step)) {
        logview_end(v);
        if (!str_copy(v->step, sizeof v->step, step))
            v->step[0] = '\0';
    }
    v->stream = stream;
}

void logview_add(struct logview *v, const char *step_id, int stream, const char *p, size_t n)
{
    AUTO(buf_fini) struct buf joined = BUF_INIT(FRAME_MAX_BYTES + TEXT_TAIL_MAX);
    turn_to(v, step_id, stream);
    struct lv_stream *s = &v->s[stream];
    if (s->ntail) {
        buf_add(&joined, s->tail, s->ntail);
        buf_add(&joined, p, n);
        if (joined.bad)
            return;
        p = joined.p;
        n = joined.len;
    }
    s->ntail = v->ui->out_tty ? text_tail(p, n) : 0;
    add_lines(v, p, n - s->ntail);
    memcpy(s->tail, p + n - s->ntail, s->ntail);
}

void logview_end(struct logview *v)
{
    logview_break(v);
    for (int i = 0; i < LV_N; i++) {
        struct lv_stream *s = &v->s[i];
        v->stream = i;
        if (s->ntail && !(s->ntail == 1 && s->tail[0] == '\r'))
            add_piece(v, s->tail, s->ntail);
        logview_break(v);
        s->ntail = s->nsgr = 0;
    }
    v->step[0] = '\0';
}

int logview_bytes(const struct json *frame, struct buf *room, const char **ret, size_t *ret_n, struct err *e)
{
    const struct json *text = json_get(frame, "text"), *b64 = json_get(frame, "text_b64");
    if (json_type(b64) != JT_STR) {
        *ret = json_type(text) == JT_STR ? json_str(text) : "";
        *ret_n = json_type(text) == JT_STR ? json_str_len(text) : 0;
        return 0;
    }
    buf_reset(room);
    if (buf_reserve(room, json_str_len(b64) + 1) < 0)
        return err_oom(e);
    long n = b64_decode(json_str(b64), room->p);
    if (n < 0)
        return err_set(e, ERR_IO, "the server's answer cannot be read: text_b64 is not base64");
    *ret = room->p;
    *ret_n = (size_t)n;
    return 0;
}
