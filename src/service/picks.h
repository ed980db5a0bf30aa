/* picks - the files that an apply is to take, as a person named them.
 *
 * Why it exists: a name on Linux is bytes, a JSON string is not. A request names files by `paths` (text) and
 * `paths_b64` (base64 of the bytes); from here on both are one list of bytes.
 * May include: base os service/effects_files.h.   Threads: a struct picks has one owner. */
#pragma once
#include "base/err.h"
#include "base/json.h"

struct picks {
    char **v; /* in the order of the request: paths, then paths_b64; no "/" at an end; NULL-terminated */
    size_t n, ntext;
    bool all; /* neither was given */
};

/* Either may be NULL, or null: not given. ERR_INVALID names the field: not a string, not base64, a NUL byte. */
CHECKED int picks_read(const struct json *paths, const struct json *paths_b64, struct picks *ret, struct err *);
void picks_fini(struct picks *);
/* Each is a change in changes.json of that run directory, or a directory above one, and may be applied. In memory are
 * the picks, never the changes. */
CHECKED int picks_check(const struct picks *, int run_dirfd, struct err *);
/* "paths":[…], and "paths_b64":[…] when there are some; both as they came. "paths":null for all. */
void picks_json(const struct json *paths, const struct json *paths_b64, struct jw *);
/* The bytes of one base64 text, free() it. */
CHECKED int picks_b64(const char *text, const char *field, char **ret, struct err *);

/* A sorted view for lookups: is `path`, or a directory above it, among v? */
struct picks_set {
    const char **v;
    size_t n;
};
CHECKED int picks_set_init(struct picks_set *, const char *const *v, struct err *);
void picks_set_fini(struct picks_set *);
bool picks_set_has(const struct picks_set *, const char *path);
