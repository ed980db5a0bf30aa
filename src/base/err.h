/* err - one table of error codes, and the value that carries one up.
 *
 * Why it exists: a failure has one name from the system call to the HTTP
 * reply, the CLI exit code and the run's `reason`.
 * May include: base.  Threads: any; a struct err belongs to its caller.
 *
 * Convention: functions return 0 or a negative code (-ERR_X). `struct err *`
 * is the last parameter; it may be NULL when the caller only wants the code.
 * Lower floors return; whoever decides, logs, once. */
#pragma once
#include <stdarg.h>
#include "base/base.h"

enum err_code {
    ERR_NONE = 0,
#define ERR(id, name, http, exit, retry, text) ERR_##id,
#include "base/err.def"
#undef ERR
    ERR_N
};

struct err {
    int code;       /* enum err_code, positive; 0 = none */
    int sys;        /* errno behind it, 0 when there is none */
    char field[96]; /* the input field at fault ("limits.memory_bytes"), "" when none */
    char msg[512];  /* one sentence: what is wrong and how to fix it; always UTF-8, without control characters */
};

#define ERR_INIT ((struct err){0})

struct err_info {
    const char *name; /* "invalid_state": the wire name */
    int http;         /* HTTP status */
    int exit;         /* CLI exit code */
    bool retryable;
    const char *text; /* default message */
};

/* Row of the table; unknown codes give the row of `internal`. Accepts -ERR_X too. */
const struct err_info *err_info(int code);
/* Code of a wire name, or ERR_INTERNAL when there is none of that name. */
int err_by_name(const char *name);

/* Fills e (if not NULL) and returns -code. A NULL fmt takes the table's text. */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF(3, 4);
/* The same, naming the input field at fault. */
int err_field(struct err *e, int code, const char *field, const char *fmt, ...) PRINTF(4, 5);
/* The same from errno: ENOSPC/EDQUOT -> ERR_STORAGE_FULL, ENOMEM -> ERR_OOM, else `code`;
 * appends ": " strerror. Reads errno first. */
int err_sys(struct err *e, int code, const char *fmt, ...) PRINTF(3, 4);
/* Does a call that failed with this errno say nothing but that we have too little of something (descriptors, memory)?
 */
bool err_sys_ours(int sys);
/* Puts "context: " before the message, keeps code and field; returns r. */
int err_wrap(struct err *e, int r, const char *fmt, ...) PRINTF(3, 4);
int err_oom(struct err *e);
/* What a buffer that could not take all became (`bad` of struct buf): out of memory, or too large in these words. */
int err_bad(struct err *e, int bad, const char *too_large, ...) PRINTF(3, 4);
/* The same, naming the input field that was too large. */
int err_bad_field(struct err *e, int bad, const char *field, const char *too_large, ...) PRINTF(4, 5);
