/* changes_priv - what apply must know of a struct changes beyond what is shown.
 *
 * Include only from changes*.c, apply*.c and their tests. */
#pragma once
#include "sandbox/changes.h"
#include "sandbox/changes_tree.h"
#include "sandbox/diff.h"

/* Every entry, in the order of changes_at, with the directories that show by their files only. */
struct change_item {
    struct change c;
    const char *layer; /* name of the layer that holds the new content; NULL when nothing is there */
    bool implied;      /* not shown */
};

struct changes {
    struct arena *arena;
    struct change_item *item;
    size_t n, cap;
    size_t *shown; /* indices into item */
    size_t nshown;
    const char *run_dir, *project_root;
    char digest[65];
    int64_t opened; /* files and directories of the project that were opened: a test holds it down */
};

/* Sorts the items, decides what is shown and refused because of its neighbours, and sets the digest. */
CHECKED int changes_settle(struct changes *, struct err *);
CHECKED int changes_set_digest(struct changes *, struct err *);
/* Path order: like strcmp, but '/' sorts before every byte and after the end, so a tree is one contiguous range. */
int changes_path_cmp(const char *a, const char *b);
/* path lies below dir ("" is above everything). */
bool changes_below(const char *path, const char *dir);
/* Index of the item of that path, or -1. */
long changes_find(const struct changes *, const char *path);
/* "layers/<name>/upper" of the run as an O_PATH fd. */
CHECKED int changes_open_upper(const char *run_dir, const char *layer, struct err *);

/* The user's choice of paths. NULL `only`: everything. */
struct changes_only {
    char **path; /* sorted */
    size_t n;
    bool all;
};
/* ERR_NOT_FOUND names a path that no change is at or below. */
CHECKED int changes_only_init(struct changes_only *, const struct changes *, const char *const *only, struct err *);
void changes_only_fini(struct changes_only *); /* also after a failed init */
bool changes_only_has(const struct changes_only *, const char *path);

/* One side of a comparison, read with care. */
struct side {
    uint32_t mode; /* 0: not there */
    int64_t bytes;
    char sha[SHA256_HEX]; /* content or link target; "" for what has none */
    char *p;              /* content up to DIFF_MAX_TEXT, or the link target; NULL else; owned */
    size_t len;
    bool binary;
    const char *refused; /* it cannot be read, and why; static */
};
void side_fini(struct side *);
/* Reads what is at path below root. keep_max: content up to so many bytes is kept in ret->p. Unreadable, oversized or
 * special: ret->refused. Not there: mode 0. Negative: only for our own failures (memory, disk). */
CHECKED int side_read(int root, const char *path, int64_t keep_max, struct side *ret, struct err *);
struct diff_side side_diff(const struct side *);
