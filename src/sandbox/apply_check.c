/* apply_check - is every path of the plan still what the run saw? Asked for all before the first write.
 *
 * Only the first step of a path's chain meets the project as it is; the later ones start where it ends. A path that is
 * already as the chain's last step leaves it needs nothing: the same content came another way.
 * May include: base os.   Threads: one per project (apply.h). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/str.h"
#include "os/file.h"
#include "sandbox/apply_priv.h"

static void drop_chain(struct apply_plan *p, size_t i)
{
    for (; i != APPLY_NONE; i = p->op[i].next)
        p->op[i].drop = true;
}

static const struct apply_state *chain_end(const struct apply_plan *p, size_t i)
{
    while (p->op[i].next != APPLY_NONE)
        i = p->op[i].next;
    return &p->op[i].to;
}

static const char *why_not(const struct stat *now, int sys, const struct apply_state *want)
{
    if (!now->st_mode)
        return sys == ELOOP     ? "a parent directory is a symlink now"
               : sys == ENOTDIR ? "a parent directory is a file now"
                                : "was deleted in the project";
    if (!want->mode)
        return "appeared in the project";
    if ((now->st_mode & S_IFMT) != (want->mode & S_IFMT))
        return "is another kind of file in the project now";
    if (S_ISREG(now->st_mode) && (now->st_mode & 07777) != (want->mode & 07777))
        return "its mode or content changed in the project";
    return S_ISDIR(now->st_mode) ? "its mode changed in the project" : "its content changed in the project";
}

/* What going back will need to know, as it is now. */
static int stamp(struct apply_ctx *c, struct apply_op *op, const struct stat *now, struct err *e)
{
    op->seen = *now;
    if (!now->st_mode)
        return 0;
    op->from.mode = now->st_mode;
    op->from.stamped = true;
    op->from.uid = now->st_uid;
    op->from.gid = now->st_gid;
    op->from.mtime_s = now->st_mtim.tv_sec;
    op->from.mtime_ns = now->st_mtim.tv_nsec;
    if (!S_ISLNK(now->st_mode))
        return 0;
    char *target = layer_link(c->root, op->path), hex[SHA256_HEX];
    if (!target)
        return err_sys(e, ERR_IO, "read the symlink %s", op->path);
    sha256_hex_of(target, strlen(target), hex);
    op->from.link = apply_plan_str(c->plan, "%s", target);
    free(target);
    if (!op->from.link)
        return err_oom(e);
    if (strcmp(hex, op->from.sha) != 0)
        apply_conflict(c, op->path, "changed in the project meanwhile");
    return 0;
}

/* The directory a new name goes into: there, or made by this plan. *ret_why stays NULL when it is. */
static int parent_missing(const struct apply_ctx *c, const char *path, const char **ret_why, struct err *e)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return 0;
    char *dir = str_ndup(path, (size_t)(slash - path));
    if (!dir)
        return err_oom(e);
    AUTO(fd_close) int fd = layer_open(c->root, dir, O_PATH | O_DIRECTORY);
    int sys = fd < 0 ? errno : 0;
    size_t i = fd < 0 ? apply_plan_find(c->plan, dir) : APPLY_NONE;
    free(dir);
    if (sys && !layer_shut(sys))
        return (errno = sys, err_sys(e, ERR_IO, "open the directory of %s", path));
    if (fd >= 0 || (i != APPLY_NONE && S_ISDIR(chain_end(c->plan, i)->mode)))
        return 0;
    *ret_why = sys == ELOOP     ? "a parent directory is a symlink now"
               : sys == ENOTDIR ? "a parent directory is a file now"
                                : "its directory was deleted in the project";
    return 0;
}

/* Something above path is in the way, but just as this plan would leave it: path went with it. 1, 0, negative. */
static int went_with_parent(struct apply_ctx *c, const char *path, struct err *e)
{
    char *s = str_dup(path);
    int r = s ? 0 : err_oom(e);
    for (char *slash; r == 0 && (slash = strrchr(s, '/')) != NULL;) {
        *slash = '\0';
        struct stat now;
        int sys;
        size_t i = apply_plan_find(c->plan, s);
        if (i == APPLY_NONE)
            continue;
        r = apply_look(c, s, &now, &sys, e);
        if (r == 0 && now.st_mode)
            r = apply_is(c, s, &now, chain_end(c->plan, i), e);
    }
    free(s);
    return r;
}

/* Opened and locked again: where it ends is where it begins, which does not mean that it is done. */
static bool comes_back(const struct apply_plan *p, size_t i)
{
    const struct apply_op *op = &p->op[i];
    return op->next != APPLY_NONE && S_ISDIR(op->from.mode) && chain_end(p, i)->mode == op->from.mode;
}

static int check_one(struct apply_ctx *c, size_t i, struct err *e)
{
    struct apply_op *op = &c->plan->op[i];
    struct stat now;
    int sys, r = apply_look(c, op->path, &now, &sys, e);
    if (r < 0)
        return r;
    bool hidden = sys == ELOOP || sys == ENOTDIR; /* not simply gone: somebody put something in a parent's place */
    if (hidden && !chain_end(c->plan, i)->mode)
        r = went_with_parent(c, op->path, e);
    else if (!hidden && !comes_back(c->plan, i))
        r = apply_is(c, op->path, &now, chain_end(c->plan, i), e);
    if (r > 0 || (r == 0 && !op->from.mode && S_ISDIR(op->to.mode) && S_ISDIR(now.st_mode))) {
        drop_chain(c->plan, i); /* done already; a directory in any mode will do */
        return 0;
    }
    if (r < 0)
        return r;
    r = hidden && op->from.mode ? 0 : apply_is(c, op->path, &now, &op->from, e);
    if (r < 0)
        return r;
    const char *why = r == 0      ? why_not(&now, sys, &op->from)
                      : op->moved ? "changed in the project while the run went on"
                                  : NULL;
    r = why || op->from.mode ? 0 : parent_missing(c, op->path, &why, e);
    if (r < 0)
        return r;
    if (!why)
        return stamp(c, op, &now, e);
    apply_conflict(c, op->path, why);
    return 0;
}

/* What is listed in a directory that is to be removed must be in the plan. */
static int check_emptied(struct apply_ctx *c, const struct apply_op *op, struct err *e)
{
    int fd = layer_open(c->root, op->path, O_RDONLY | O_DIRECTORY);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : err_sys(e, ERR_IO, "list %s", op->path);
    }
    int r = 0;
    for (struct dirent *de; r == 0 && (de = readdir(d)) != NULL;) {
        if (str_eq(de->d_name, ".") || str_eq(de->d_name, ".."))
            continue;
        char *path = str_printf("%s/%s", op->path, de->d_name);
        if (!path)
            r = err_oom(e);
        else if (apply_plan_find(c->plan, path) == APPLY_NONE)
            apply_conflict(c, path, "appeared in a directory that is to be removed");
        free(path);
    }
    closedir(d);
    return r;
}

int apply_check(struct apply_ctx *c, struct err *e)
{
    int r = apply_plan_link(c->plan, e);
    for (size_t i = 0; i < c->plan->n && r == 0; i++)
        if (c->plan->op[i].prev == APPLY_NONE)
            r = check_one(c, i, e);
    for (size_t i = 0; i < c->plan->n && r == 0; i++) {
        const struct apply_op *op = &c->plan->op[i];
        if (!op->drop && S_ISDIR(op->from.mode) && !op->to.mode)
            r = check_emptied(c, op, e);
    }
    if (r < 0)
        return r;
    if (c->why.len > 0)
        return err_set(e, ERR_APPLY_CONFLICT, "the project changed under the run: nothing was applied");
    apply_plan_sweep(c->plan);
    return apply_plan_link(c->plan, e);
}
