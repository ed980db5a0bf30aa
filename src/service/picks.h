/* picks - the files that an apply is to take, as a person named them.
 *
 * Files of which only some hunks are taken are named by `hunks`: [{path or path_b64, hunks: [numbers from 1]}].
 *
 * Why it exists: a name on Linux is bytes, a JSON string is not. A request names files by `paths` (text) and
 * `paths_b64` (base64 of the bytes); from here on both are one list of bytes.
 * May include: base os sandbox/apply.h service/effects_files.h service/effects_show.h.   Threads: a struct picks has
 * one owner. */
#pragma once
#include "base/err.h"
#include "base/json.h"
#include "sandbox/apply.h"
#include "service/svc.h"

#define PICKS_HUNKS_MAX 64 /* files of which only some hunks are taken */

struct picks {
    char **v;                /* in the order of the request: paths, then paths_b64; no "/" at an end; NULL-terminated */
    size_t n, ntext, nbytes; /* of paths, of paths_b64; behind them those of hunks */
    bool all;                /* none of them was given */
    struct apply_hunks *hunk;
    size_t nhunk;
};

/* Each may be NULL, or null: not given. ERR_INVALID names the field: not a string, not base64, a NUL byte. */
struct picks_ask {
    const struct json *paths, *paths_b64, *hunks;
};
CHECKED int picks_read(const struct picks_ask *, struct picks *ret, struct err *);
void picks_fini(struct picks *);
/* Each is a change in changes.json of that run directory, or a directory above one, and may be applied. In memory are
 * the picks, never the changes. */
CHECKED int picks_check(const struct picks *, int run_dirfd, struct err *);
/* The hunks that are asked for are in the run's diff.patch. */
CHECKED int picks_check_hunks(struct svc *, const char *tenant, const struct id *run, const struct picks *,
                              struct err *);
/* "paths":[…], "paths_b64":[…] and "hunks":[…] when there are some; as they came. "paths":null for all. */
void picks_json(const struct picks_ask *, struct jw *);
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
