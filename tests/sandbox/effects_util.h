/* effects_util - trees, layers and a real overlay for the tests of changes, diff and apply. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/buf.h"

/* One temporary directory: <dir>/project, <dir>/run (sandbox.h layout). */
struct fx {
    char dir[64], project[80], run[80];
};
void fx_open(struct fx *);
void fx_close(struct fx *);

/* Paths are relative to the current directory or absolute; a failure ends the test program. */
void fx_write(const char *path, const void *p, size_t n, mode_t mode);
void fx_puts(const char *path, const char *text); /* 0644; makes the directories above */
void fx_mkdir(const char *path);                  /* with those above, 0755 */
void fx_link(const char *target, const char *path);
void fx_whiteout(const char *path);
void fx_opaque(const char *path);
void fx_sleep_tick(void);                                                /* past the granularity of ctime */
char *fx_at(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* a string that lives until fx_close */

/* run/layers/<name>/{upper,work,born}; returns the path of upper (fx_at). */
char *fx_layer(struct fx *, const char *name);

/* Everything below root, one line each: path, type, mode, size, content hash or target. git: only what git keeps (exec
 * bit, no directories). mtime: of files too. exact: of directories too, and the attribute user.note. Free with
 * buf_fini. */
enum { FX_ALL, FX_GIT, FX_MTIME, FX_EXACT };
struct buf fx_list(const char *root, int how);
void fx_assert_list(const char *root, const struct buf *want, int how);
void fx_assert_same(const char *a_root, const char *b_root, int how);
void fx_copy(const char *from, const char *to);        /* cp -a */
int fx_run(const char *const argv[], const char *cwd); /* exit status; output to fx.log of cwd's parent */

/* Mounts an overlay of project and lower layers (bottom first) with `layer` on top in an own user and mount namespace,
 * calls fn there with the merged directory as cwd, and copies the result to `expected` (may be NULL).
 * False: this kernel will not let us. */
typedef void fx_fn(void *arg);
bool fx_overlay(struct fx *, const char *const *lower, const char *layer, fx_fn *fn, void *arg, const char *expected);

/* A small generator: xorshift64*. */
struct rnd {
    uint64_t s;
};
uint64_t rnd_u64(struct rnd *);
unsigned rnd_below(struct rnd *, unsigned n);
/* Random changes in the current directory. Root rights are not used to get around modes. */
void fx_random_ops(struct rnd *, int count);
void fx_random_tree(struct rnd *, int count);
void fx_pick(struct rnd *, char *out, size_t cap); /* something there is; "nothing" when nothing is */
void fx_name(struct rnd *, char *out, size_t cap); /* a path of the names that the others use */
void fx_rename(const char *from, const char *to);  /* as mv(1): copies where rename(2) says EXDEV */
