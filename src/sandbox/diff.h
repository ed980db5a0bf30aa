/* diff - one file's part of a patch that `git apply` takes.
 *
 * Why it exists: the one place that knows git's patch format and the library
 * that compares lines (libgit2's patch API; never a repository).
 * May include: base.   Threads: any.
 *
 * Format: git-diff(1) "Generating patch text with -p", git-apply(1). Full object ids, as `git diff --full-index` gives;
 * paths quoted as core.quotePath=true does. A change of type is written as a deletion and a creation. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

#define DIFF_MAX_TEXT   ((int64_t)8 << 20)   /* longer: shown as binary, lines are not counted */
#define DIFF_MAX_BINARY ((int64_t)256 << 20) /* longer: not in a patch */

/* Content of a file, or the target of a link. mode 0: not there. Borrowed. */
struct diff_side {
    uint32_t mode;
    const char *p;
    size_t len;
};

/* The first use in a process costs 4 ms and 4 MiB of (shared) memory: not before a patch is wanted. */
CHECKED int diff_init(struct err *);
/* A NUL byte anywhere, or longer than DIFF_MAX_TEXT. */
bool diff_binary(const char *p, size_t len);
int64_t diff_lines(const char *p, size_t len);
/* Lines that differ, as the patch shows them. Text only. */
CHECKED int diff_count(struct diff_side a, struct diff_side b, int64_t *ret_add, int64_t *ret_del, struct err *);
/* Appends the patch of one path; nothing when git sees no difference. */
CHECKED int diff_file(const char *path, struct diff_side a, struct diff_side b, struct buf *out, struct err *);
/* Appends a with only some of the changes that lead to b: those of the hunks of diff_file that v names (n of them,
 * counted from 1, in any order). Text only. *ret_hunks: how many there are; ERR_INVALID when v names another. */
CHECKED int diff_some(struct diff_side a, struct diff_side b, const uint32_t *v, size_t n, struct buf *out,
                      size_t *ret_hunks, int64_t *ret_add, int64_t *ret_del, struct err *);
/* prefix + path as git prints it, in quotes when it must be. */
void diff_quote(const char *prefix, const char *path, struct buf *out);
