/* apply_step - takes one path of the project from one state to another.
 *
 * The only calls that write in a user's folder are in this file, each relative to the descriptor of a directory that
 * was reached without following a link (sandbox/layer.h), each on a name the plan lists. May include: base os. Threads:
 * one per project (apply.h). */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/json.h"
#include "base/str.h"
#include "os/file.h"
#include "sandbox/apply_priv.h"

#define TMP_NAME    64
#define XATTR_LIST  (64 * KIB)
#define XATTR_VALUE (64 * KIB)

void apply_conflict(struct apply_ctx *c, const char *path, const char *why)
{
    struct jw w = JW_INIT(&c->why);
    if (c->why.len > 0)
        buf_addc(&c->why, ',');
    jw_obj(&w);
    jw_kbytes(&w, "path", path, strlen(path));
    jw_kstr(&w, "why", why);
    jw_end_obj(&w);
}

static int conflict(struct apply_ctx *c, const char *path, const char *why, struct err *e)
{
    apply_conflict(c, path, why);
    return err_set(e, ERR_APPLY_CONFLICT, "%s: %s", path, why);
}

/* --- looking ------------------------------------------------------------------------------------- */

int apply_look(const struct apply_ctx *c, const char *path, struct stat *ret, int *ret_sys, struct err *e)
{
    *ret_sys = 0;
    if (layer_stat(c->root, path, ret) == 0)
        return 0;
    *ret_sys = errno;
    *ret = (struct stat){0};
    return layer_gone(errno) ? 0 : err_sys(e, ERR_IO, "look at %s", path);
}

static int is_content(const struct apply_ctx *c, const char *path, const struct apply_state *s, struct err *e)
{
    struct stat st;
    char hex[SHA256_HEX];
    AUTO(fd_close) int fd = layer_open_file(c->root, path, &st);
    if (fd < 0)
        return errno == ENOENT || errno == EINVAL ? 0 : err_sys(e, ERR_IO, "open %s", path);
    int r = layer_hash(fd, hex, e);
    return r < 0 ? r : strcmp(hex, s->sha) == 0;
}

int apply_is(const struct apply_ctx *c, const char *path, const struct stat *st, const struct apply_state *s,
             struct err *e)
{
    uint32_t ignored = S_ISDIR(st->st_mode) ? S_ISGID : S_ISLNK(st->st_mode) ? 07777 : 0;
    if ((st->st_mode & ~ignored) != (s->mode & ~ignored))
        return 0;
    if (S_ISREG(st->st_mode))
        return is_content(c, path, s, e);
    if (!S_ISLNK(st->st_mode))
        return 1;
    char hex[SHA256_HEX] = "";
    char *target = layer_link(c->root, path);
    if (!target)
        return errno == EINVAL || layer_shut(errno) ? 0 : err_sys(e, ERR_IO, "read the symlink %s", path);
    sha256_hex_of(target, strlen(target), hex);
    free(target);
    return strcmp(hex, s->sha) == 0;
}

/* --- writing ------------------------------------------------------------------------------------- */

struct place {
    int dir;
    const char *base;
    char tmp[TMP_NAME];
};

static void tmp_name(const struct apply_ctx *c, size_t i, char ret[TMP_NAME])
{
    snprintf(ret, TMP_NAME, LAYER_TMP "%s-%zu", c->plan->tag, i);
}

/* What an interrupted attempt left; the tag is random, so the name is ours. */
static void drop_tmp(int dir, const char *tmp)
{
    if (unlinkat(dir, tmp, 0) < 0 && (errno == EISDIR || errno == EPERM))
        (void)unlinkat(dir, tmp, AT_REMOVEDIR);
}

void apply_sweep_tmp(struct apply_ctx *c)
{
    for (size_t i = 0; i < c->plan->n; i++) {
        const char *base;
        char tmp[TMP_NAME];
        AUTO(fd_close) int dir = layer_parent(c->root, c->plan->op[i].path, &base);
        tmp_name(c, i, tmp);
        if (dir >= 0)
            drop_tmp(dir, tmp);
    }
}

/* Attributes of the file that is replaced or restored stay with it (ACLs, labels, the user's own); capabilities do not:
 * they would pass to content nobody gave them to. Best effort: a file system without them is no error. */
void apply_copy_xattrs(int from, int to)
{
    char *list = malloc(XATTR_LIST + XATTR_VALUE);
    ssize_t n = list ? flistxattr(from, list, XATTR_LIST) : -1;
    for (ssize_t at = 0; at < n; at += (ssize_t)strlen(list + at) + 1) {
        char *value = list + XATTR_LIST;
        ssize_t k = fgetxattr(from, list + at, value, XATTR_VALUE);
        if (k >= 0 && !str_eq(list + at, "security.capability"))
            (void)fsetxattr(to, list + at, value, (size_t)k, 0);
    }
    free(list);
}

/* Owner of what is written: what is restored as it was, what is replaced like it was, what is new like the project (in
 * a setgid directory: its group). As an ordinary user only a group may be ours to give, and not getting it is no reason
 * to refuse. fd: the file, or with `name` the directory that holds it. */
static int give(const struct apply_ctx *c, const struct apply_state *from, const struct apply_state *to, int dir,
                int fd, const char *name, struct err *e)
{
    const struct apply_state *like = to->stamped ? to : from->stamped ? from : NULL;
    struct stat st;
    if (fstat(dir, &st) < 0)
        return err_sys(e, ERR_IO, "look at a directory");
    uid_t uid = like ? like->uid : c->uid;
    gid_t gid = like ? like->gid : st.st_mode & S_ISGID ? st.st_gid : c->gid;
    int flags = name ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH;
    if (geteuid() == 0) {
        if (fchownat(fd, name ? name : "", uid, gid, flags) < 0)
            return err_sys(e, ERR_IO, "set the owner");
    } else if (like) {
        (void)!fchownat(fd, name ? name : "", (uid_t)-1, gid, flags);
    }
    return 0;
}

static int restore_time(const struct apply_state *to, int fd, const char *name, struct err *e)
{
    const struct timespec t[2] = {{.tv_nsec = UTIME_NOW}, {.tv_sec = to->mtime_s, .tv_nsec = to->mtime_ns}};
    if (to->stamped && (name ? utimensat(fd, name, t, AT_SYMLINK_NOFOLLOW) : futimens(fd, t)) < 0)
        return err_sys(e, ERR_IO, "set the time");
    return 0;
}

static int open_source(const struct apply_ctx *c, const char *path, const struct apply_state *to, struct err *e)
{
    struct stat st;
    int fd;
    if (str_starts(to->source, "layer:")) {
        AUTO(fd_close) int upper = changes_open_upper(c->run_dir, to->source + 6, e);
        if (upper < 0)
            return upper;
        fd = layer_open_file(upper, path, &st);
    } else {
        fd = layer_open_file(c->journal, to->source, &st);
    }
    if (fd < 0 && errno == ENOENT)
        return err_sys(e, ERR_CORRUPT, "the new content of %s is gone", path);
    return fd < 0 ? err_sys(e, ERR_IO, "open the new content of %s", path) : fd;
}

static int fill_tmp(const struct apply_ctx *c, const struct apply_op *op, const struct apply_state *from,
                    const struct apply_state *to, int fd, struct err *e)
{
    char hex[SHA256_HEX];
    struct stat st;
    AUTO(fd_close) int src = open_source(c, op->path, to, e);
    if (src < 0)
        return src;
    int r = layer_copy(src, fd, hex, e);
    if (r < 0)
        return r;
    if (strcmp(hex, to->sha) != 0)
        return err_set(e, ERR_CORRUPT, "the new content of %s is not what was reviewed", op->path);
    AUTO(fd_close) int old = S_ISREG(from->mode) ? layer_open_file(c->root, op->path, &st) : -1;
    if (old < 0 && S_ISREG(from->mode) && errno != EINVAL && !layer_shut(errno))
        return err_sys(e, ERR_IO, "open %s", op->path); /* its attributes would be lost without a word */
    if (!str_starts(to->source, "layer:") && !str_starts(to->source, "mix/"))
        apply_copy_xattrs(src, fd);
    else if (old >= 0)
        apply_copy_xattrs(old, fd);
    return 0;
}

/* A complete file under the temporary name: owner, then mode (chown clears bits), then time, then synced. */
static int dress_file(const struct apply_ctx *c, const struct apply_state *from, const struct apply_state *to, int dir,
                      int fd, struct err *e)
{
    int r = give(c, from, to, dir, fd, NULL, e);
    if (r == 0 && fchmod(fd, to->mode & 07777) < 0)
        r = err_sys(e, ERR_IO, "set the mode");
    if (r == 0)
        r = restore_time(to, fd, NULL, e);
    return r == 0 && !c->lazy ? dir_sync(fd, e) : r;
}

/* Going back, a pre-image on the same file system is linked instead of copied: a full disk must not stop it. */
static bool link_source(const struct apply_ctx *c, const struct apply_state *to, const struct place *at, bool forward)
{
    return !forward && str_starts(to->source, "pre/") && linkat(c->journal, to->source, at->dir, at->tmp, 0) == 0 &&
           fchmodat(at->dir, at->tmp, 0600, 0) == 0;
}

static int make_file(const struct apply_ctx *c, const struct apply_op *op, bool forward, const struct place *at,
                     struct err *e)
{
    const struct apply_state *from = forward ? &op->from : &op->to, *to = forward ? &op->to : &op->from;
    bool linked = link_source(c, to, at, forward);
    int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (linked ? 0 : O_CREAT | O_EXCL);
    AUTO(fd_close) int fd = openat(at->dir, at->tmp, flags, 0600);
    if (fd < 0)
        return err_sys(e, ERR_IO, "create a file beside %s", op->path);
    CRASH_POINT(apply_tmp);
    int r = linked ? 0 : fill_tmp(c, op, from, to, fd, e);
    return r < 0 ? r : dress_file(c, from, to, at->dir, fd, e);
}

static int make_link(const struct apply_ctx *c, const struct apply_state *from, const struct apply_state *to,
                     const struct place *at, struct err *e)
{
    if ((FAULT(write) ? (errno = ENOSPC, -1) : symlinkat(to->link, at->dir, at->tmp)) < 0)
        return err_sys(e, ERR_IO, "create a symlink");
    CRASH_POINT(apply_tmp);
    int r = give(c, from, to, at->dir, at->dir, at->tmp, e);
    return r < 0 ? r : restore_time(to, at->dir, at->tmp, e);
}

static int make_dir(const struct apply_ctx *c, const struct apply_state *from, const struct apply_state *to,
                    const struct place *at, struct err *e)
{
    if ((FAULT(write) ? (errno = ENOSPC, -1) : mkdirat(at->dir, at->tmp, 0700)) < 0)
        return err_sys(e, ERR_IO, "create a directory");
    CRASH_POINT(apply_tmp);
    struct stat st;
    AUTO(fd_close) int fd = openat(at->dir, at->tmp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_sys(e, ERR_IO, "open a new directory");
    int r = give(c, from, to, at->dir, fd, NULL, e);
    mode_t mode = to->stamped ? to->mode & 07777 : (to->mode & 01777) | (st.st_mode & S_ISGID);
    if (r == 0 && fchmod(fd, mode) < 0)
        r = err_sys(e, ERR_IO, "set the mode");
    return r;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_mode == b->st_mode && a->st_size == b->st_size &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* The last look at what is in its place: 1 there, 0 not, negative when that cannot be told. */
static int look_again(const struct apply_op *op, const struct place *at, struct stat *ret, struct err *e)
{
    if ((FAULT(look) ? (errno = ENOMEM, -1) : fstatat(at->dir, at->base, ret, AT_SYMLINK_NOFOLLOW)) == 0)
        return 1;
    return layer_gone(errno) ? 0 : err_sys(e, ERR_IO, "look at %s", op->path);
}

/* Nothing was there, and nothing may be there now. */
static int move_new(struct apply_ctx *c, const struct apply_op *op, const struct place *at, struct err *e)
{
    struct stat st;
    int r = FAULT(noreplace) ? (errno = EINVAL, -1) : renameat2(at->dir, at->tmp, at->dir, at->base, RENAME_NOREPLACE);
    if (r < 0 && errno == EINVAL) { /* a file system that does not know how */
        r = look_again(op, at, &st, e);
        if (r < 0)
            return r;
        errno = EEXIST;
        r = r == 1 ? -1 : renameat(at->dir, at->tmp, at->dir, at->base);
    }
    if (r < 0 && errno == EEXIST)
        return conflict(c, op->path, "appeared in the project meanwhile", e);
    return r < 0 ? err_sys(e, ERR_IO, "put %s in its place", op->path) : 0;
}

/* What the plan knows must still be there. */
static int move_over(struct apply_ctx *c, const struct apply_op *op, const struct stat *now, const struct place *at,
                     struct err *e)
{
    struct stat st;
    int r = look_again(op, at, &st, e);
    if (r < 0)
        return r;
    if (r == 0 || !same_file(&st, now))
        return conflict(c, op->path, "changed in the project meanwhile", e);
    r = FAULT(rename) ? (errno = EIO, -1) : renameat(at->dir, at->tmp, at->dir, at->base);
    return r < 0 ? err_sys(e, ERR_IO, "put %s in its place", op->path) : 0;
}

static int move_in(struct apply_ctx *c, const struct apply_op *op, const struct stat *now, const struct place *at,
                   struct err *e)
{
    CRASH_POINT(apply_copied);
    int r = now->st_mode == 0 ? move_new(c, op, at, e) : move_over(c, op, now, at, e);
    if (r < 0)
        return r;
    CRASH_POINT(apply_moved);
    return 0;
}

static int take_away(struct apply_ctx *c, const struct apply_op *op, const struct stat *now, const struct place *at,
                     struct err *e)
{
    struct stat st;
    int r = look_again(op, at, &st, e);
    if (r < 0)
        return r;
    if (r == 0 || (!S_ISDIR(now->st_mode) && !same_file(&st, now)))
        return conflict(c, op->path, "changed in the project meanwhile", e);
    r = FAULT(unlink) ? (errno = EIO, -1) : unlinkat(at->dir, at->base, S_ISDIR(now->st_mode) ? AT_REMOVEDIR : 0);
    if (r < 0 && (errno == ENOTEMPTY || errno == EEXIST))
        return conflict(c, op->path, "is to be removed, but something new is in it", e);
    if (r < 0)
        return err_sys(e, ERR_IO, "remove %s", op->path);
    CRASH_POINT(apply_removed);
    return 0;
}

/* In place, through a descriptor: links to the file and its time stay. */
static int change_mode(struct apply_ctx *c, const struct apply_op *op, const struct stat *now,
                       const struct apply_state *to, struct err *e)
{
    struct stat st;
    char self[40];
    AUTO(fd_close) int fd = layer_open(c->root, op->path, O_PATH);
    if (fd < 0 && !layer_shut(errno))
        return err_sys(e, ERR_IO, "open %s", op->path);
    if (fd < 0 || fstat(fd, &st) < 0 || st.st_ino != now->st_ino)
        return conflict(c, op->path, "changed in the project meanwhile", e);
    mode_t mode = to->mode & 07777;
    if (S_ISDIR(to->mode) && !to->stamped)
        mode = (mode & 01777) | (st.st_mode & S_ISGID);
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    if ((FAULT(chmod) ? (errno = EPERM, -1) : chmod(self, mode)) < 0)
        return err_sys(e, ERR_IO, "set the mode of %s", op->path);
    CRASH_POINT(apply_chmod);
    return 0;
}

/* The complete temporary entry; nothing of it is left on failure. */
static int make_tmp(struct apply_ctx *c, size_t i, bool forward, struct place *at, struct err *e)
{
    const struct apply_op *op = &c->plan->op[i];
    const struct apply_state *from = forward ? &op->from : &op->to, *to = forward ? &op->to : &op->from;
    tmp_name(c, i, at->tmp);
    int r = S_ISDIR(to->mode)   ? make_dir(c, from, to, at, e)
            : S_ISLNK(to->mode) ? make_link(c, from, to, at, e)
                                : make_file(c, op, forward, at, e);
    if (r < 0)
        drop_tmp(at->dir, at->tmp);
    return r;
}

static int put(struct apply_ctx *c, size_t i, bool forward, const struct stat *now, struct place *at, struct err *e)
{
    int r = make_tmp(c, i, forward, at, e);
    if (r < 0)
        return r;
    r = move_in(c, &c->plan->op[i], now, at, e);
    if (r < 0)
        drop_tmp(at->dir, at->tmp);
    return r;
}

static int open_place(struct apply_ctx *c, const char *path, struct place *at, struct err *e)
{
    at->dir = layer_parent(c->root, path, &at->base);
    if (at->dir < 0 && !layer_shut(errno))
        return err_sys(e, ERR_IO, "open the directory of %s", path);
    return at->dir < 0 ? conflict(c, path, "its directory is gone or is a symlink now", e) : 0;
}

static bool only_mode(const struct apply_op *op)
{
    return (S_ISDIR(op->from.mode) && S_ISDIR(op->to.mode)) ||
           (S_ISREG(op->from.mode) && S_ISREG(op->to.mode) && strcmp(op->from.sha, op->to.sha) == 0);
}

static int act(struct apply_ctx *c, size_t i, bool forward, const struct stat *now, struct err *e)
{
    const struct apply_op *op = &c->plan->op[i];
    const struct apply_state *to = forward ? &op->to : &op->from;
    struct place at;
    if (only_mode(op))
        return change_mode(c, op, now, to, e);
    int r = open_place(c, op->path, &at, e);
    if (r < 0)
        return r;
    r = to->mode ? put(c, i, forward, now, &at, e) : take_away(c, op, now, &at, e);
    fd_close(&at.dir);
    return r;
}

/* The path is where this step leads, or further along: 1, 0, negative. Changing a directory's mode is never "further
 * along": the same mode may come twice in a chain, and doing it again is harmless. */
static int done_already(const struct apply_ctx *c, size_t i, bool forward, const struct stat *now, struct err *e)
{
    const struct apply_op *op = &c->plan->op[i];
    if (S_ISDIR(op->from.mode) && S_ISDIR(op->to.mode) && S_ISDIR(now->st_mode))
        return apply_is(c, op->path, now, forward ? &op->to : &op->from, e);
    for (size_t k = i; k != APPLY_NONE; k = forward ? c->plan->op[k].next : c->plan->op[k].prev) {
        const struct apply_op *o = &c->plan->op[k];
        int r = apply_is(c, op->path, now, forward ? &o->to : &o->from, e);
        if (r != 0)
            return r;
    }
    return 0;
}

/* A directory in any mode the chain gives it is good enough to start from. */
static int starts_here(const struct apply_ctx *c, size_t i, bool forward, const struct stat *now, struct err *e)
{
    const struct apply_op *op = &c->plan->op[i];
    const struct apply_state *from = forward ? &op->from : &op->to;
    if (!S_ISDIR(from->mode) || !S_ISDIR(now->st_mode))
        return apply_is(c, op->path, now, from, e);
    for (size_t k = apply_plan_find(c->plan, op->path); k != APPLY_NONE; k = c->plan->op[k].next) {
        const struct apply_op *o = &c->plan->op[k];
        int r = apply_is(c, op->path, now, &o->from, e);
        if (r == 0)
            r = apply_is(c, op->path, now, &o->to, e);
        if (r != 0)
            return r;
    }
    return 0;
}

/* 1: the step is to be taken, from *now; 0: it leads nowhere new; negative: it cannot be taken. */
static int ready(struct apply_ctx *c, size_t i, bool forward, struct stat *now, struct err *e)
{
    const struct apply_op *op = &c->plan->op[i];
    int sys, r = apply_look(c, op->path, now, &sys, e);
    if (r < 0)
        return r;
    if (c->first && op->seen.st_nlink > 0 && same_file(&op->seen, now))
        return 1; /* as checked a moment ago: no need to hash it again */
    r = done_already(c, i, forward, now, e);
    if (r != 0)
        return r < 0 ? r : 0;
    r = starts_here(c, i, forward, now, e);
    return r != 0 ? r : conflict(c, op->path, "changed in the project meanwhile", e);
}

int apply_step(struct apply_ctx *c, size_t i, bool forward, struct err *e)
{
    struct stat now;
    int r = ready(c, i, forward, &now, e);
    return r > 0 ? act(c, i, forward, &now, e) : r;
}

bool apply_writes_file(const struct apply_op *op)
{
    return S_ISREG(op->to.mode) && !only_mode(op);
}

int apply_stage(struct apply_ctx *c, size_t i, struct stat *now, struct err *e)
{
    struct place at;
    int r = ready(c, i, true, now, e);
    if (r <= 0)
        return r;
    r = open_place(c, c->plan->op[i].path, &at, e);
    if (r == 0) {
        r = make_tmp(c, i, true, &at, e);
        fd_close(&at.dir);
    }
    return r < 0 ? r : 1;
}

int apply_commit(struct apply_ctx *c, size_t i, const struct stat *now, struct err *e)
{
    struct place at;
    tmp_name(c, i, at.tmp);
    int r = open_place(c, c->plan->op[i].path, &at, e);
    if (r == 0) {
        r = move_in(c, &c->plan->op[i], now, &at, e);
        fd_close(&at.dir);
    }
    return r;
}

int apply_sync_all(int fd, struct err *e)
{
    if ((FAULT(fsync) ? (errno = EIO, -1) : syncfs(fd)) < 0)
        return err_sys(e, ERR_IO, "sync the file system");
    return 0;
}

/* The directory of path, "" for the root; NULL on out-of-memory. */
static char *dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? str_ndup(path, (size_t)(slash - path)) : str_dup("");
}

static int sync_dir_of(struct apply_ctx *c, const char *path, char **last, struct err *e)
{
    char *dir = dir_of(path);
    if (!dir)
        return err_oom(e);
    bool again = *last && strcmp(dir, *last) == 0;
    free(*last);
    *last = dir;
    AUTO(fd_close) int fd = again ? -1 : layer_open(c->root, dir, O_RDONLY | O_DIRECTORY);
    if (fd < 0 && !again && !layer_shut(errno))
        return err_sys(e, ERR_IO, "open a directory to sync it");
    return fd >= 0 ? dir_sync(fd, e) : 0; /* none: a directory that was removed */
}

int apply_sync(struct apply_ctx *c, struct err *e)
{
    char *last = NULL;
    int r = 0;
    if (c->plan->n > APPLY_FEW)
        return apply_sync_all(c->root, e);
    for (size_t i = 0; i < c->plan->n && r == 0; i++)
        r = sync_dir_of(c, c->plan->op[i].path, &last, e);
    free(last);
    return r;
}
