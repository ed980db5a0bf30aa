/* log - structured log lines: one JSON object each, on stderr or a file.
 *
 * Why it exists: every line has the same members {time, level, component, msg, trace_id?, run_id?, session_id?},
 * so that machines can follow one request through the program.
 * Secrets never come here: callers log names and ids, never values.
 * Threads: any; one write(2) per line. */
#pragma once
#include "base/err.h"

enum log_level { LOG_LV_DEBUG, LOG_LV_INFO, LOG_LV_WARN, LOG_LV_ERROR };
struct logger;

/* fd stays the caller's. text: plain lines for a person at a terminal instead of JSON. NULL on out-of-memory. */
CHECKED struct logger *logger_new(int fd, enum log_level min, bool text);
void logger_free(struct logger *);
/* "debug" "info" "warn" "error"; -1 else. */
int logger_level(const char *name);

/* What a line belongs to; members may be NULL. */
struct log_ctx {
    const char *trace_id, *run_id, *session_id;
};
/* How loud a refused request with this error code is: `info` for what the asker did wrong, `warn` for what passes by
 * itself and was answered with "try again" (HTTP 503, and the disk that is kept free), `error` for what somebody should
 * look at. code: an ERR_*. */
enum log_level log_level_refused(int code);
/* lg may be NULL: nothing is written. */
void log_line(struct logger *lg, enum log_level, const char *component, const struct log_ctx *, const char *fmt, ...)
    PRINTF(5, 6);
/* "context: message (code)". */
void log_err(struct logger *lg, enum log_level, const char *component, const struct log_ctx *, const char *context,
             const struct err *);
