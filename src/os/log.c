#include "os/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "os/clock.h"

struct logger {
    int fd;
    enum log_level min;
    bool text;
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct logger *logger_new(int fd, enum log_level min, bool text)
{
    struct logger *lg = calloc(1, sizeof *lg);

    if (lg)
        *lg = (struct logger){.fd = fd, .min = min, .text = text};
    return lg;
}

void logger_free(struct logger *lg)
{
    free(lg);
}

int logger_level(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++)
        if (strcmp(name, level_names[i]) == 0)
            return (int)i;
    return -1;
}

enum log_level log_level_refused(int code)
{
    if (err_info(code)->http < 500)
        return LOG_LV_INFO;
    return err_info(code)->http == 503 || code == ERR_DISK_FULL ? LOG_LV_WARN : LOG_LV_ERROR;
}

static void put_json(struct buf *b, enum log_level lv, const char *component, const struct log_ctx *cx, const char *msg)
{
    struct jw w = JW_INIT(b);

    jw_obj(&w);
    jw_ktime(&w, "time", clock_now_us());
    jw_kstr(&w, "level", level_names[lv]);
    jw_kstr(&w, "component", component);
    jw_kstr(&w, "msg", msg);
    if (cx) {
        jw_kstr_opt(&w, "trace_id", cx->trace_id);
        jw_kstr_opt(&w, "run_id", cx->run_id);
        jw_kstr_opt(&w, "session_id", cx->session_id);
    }
    jw_end_obj(&w);
}

static void put_text(struct buf *b, enum log_level lv, const char *component, const struct log_ctx *cx, const char *msg)
{
    char t[TIME_LEN];

    time_format(clock_now_us(), t);
    buf_printf(b, "%.19s %-5s %s: ", t, level_names[lv], component);
    for (const char *s = msg; *s; s++) /* no control character reaches a terminal */
        buf_addc(b, (unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s);
    if (cx && cx->run_id)
        buf_printf(b, " [%s]", cx->run_id);
}

void log_line(struct logger *lg, enum log_level lv, const char *component, const struct log_ctx *cx, const char *fmt,
              ...)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(8 * KIB);
    char msg[1024];
    va_list ap;

    if (!lg || lv < lg->min)
        return;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    if (lg->text)
        put_text(&b, lv, component, cx, msg);
    else
        put_json(&b, lv, component, cx, msg);
    buf_addc(&b, '\n');
    if (!b.bad && write(lg->fd, b.p, b.len) < 0)
        return; /* a log that cannot be written must not stop the work */
}

void log_err(struct logger *lg, enum log_level lv, const char *component, const struct log_ctx *cx, const char *context,
             const struct err *e)
{
    log_line(lg, lv, component, cx, "%s: %s (%s)", context, e->msg, err_info(e->code)->name);
}
