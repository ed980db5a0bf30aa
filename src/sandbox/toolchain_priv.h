/* toolchain_priv - what the parts of toolchain share: lists of strings, and the two helpers.
 *
 * May include: base os.   Threads: any. */
#pragma once
#include <sys/types.h>
#include "base/err.h"
#include "base/str.h"

struct strs {
    char **v; /* NULL-terminated once anything was added */
    size_t n;
};
void strs_fini(struct strs *);
/* Takes s; NULL is out-of-memory. */
CHECKED int strs_take(struct strs *, char *s, struct err *);
/* A copy, unless it is in there. */
CHECKED int strs_once(struct strs *, const char *s, struct err *);

/* --- toolchain_scan.c --- */
struct inode {
    dev_t dev;
    ino_t ino;
};
/* Files of the home that hold credentials and have a second name somewhere. */
struct twins {
    struct inode v[64];
    size_t n;
};
void toolchain_twins(int home, struct twins *ret);
/* Adds the credentials below place/ to out: absolute paths. ERR_TOO_LARGE: too many entries to be sure. */
CHECKED int toolchain_scan(int home, const char *home_path, const char *place, int levels, const struct twins *,
                           struct strs *out, struct err *);

/* --- toolchain_pick.c --- */
/* The version of node for the project: a name in the directory `dir` below the home. false: none is installed. */
bool toolchain_node(int home, int project, const char *dir, const char *choice, char *ret, size_t cap);
/* Each "TOOL VERSION" of .tool-versions, the project's first. */
CHECKED int toolchain_listed(int home, int project, struct strs *ret, struct err *);
/* Names in a directory below dirfd, sorted by version, without those that begin with a dot. */
CHECKED int toolchain_names(int dirfd, const char *dir, struct strs *ret, struct err *);
