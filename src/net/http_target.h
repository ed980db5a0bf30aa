/* http_target - the request target, decoded once and for all.
 *
 * Why it exists: percent-escapes are where "the path that was checked" and
 * "the path that was used" part ways. One decoding, strict; nobody decodes again.
 * May include: base/.   Pure.   Threads: one owner. */
#pragma once
#include "base/err.h"

struct http_param {
    const char *name, *value;
};

struct http_target {
    void *mem;            /* one block that holds everything below */
    const char *raw_path; /* as sent, without query */
    const char *path;     /* decoded */
    const char **segs;
    size_t nsegs;
    struct http_param *query;
    size_t nquery;
};

enum { HTTP_TARGET_SEGS = 64, HTTP_TARGET_QUERY = 64 };

/* Origin form: "/a/b?c=d". ERR_INVALID says what is wrong; ERR_OOM. *ret is untouched on failure. */
CHECKED int http_target_parse(const char *s, size_t n, struct http_target *ret, struct err *);
void http_target_fini(struct http_target *);
