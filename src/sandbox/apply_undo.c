/* apply_undo - takes an apply back: its plan, turned around, with the pre-images as the new content.
 *
 *   <applied>/apply/pre/<n>  ──link──►  <undo>/apply/new/<m>      what comes back
 *   <undo>/apply/pre/<m>     ──link──►  <applied>/apply/post/<n>  what the run had written, for the undo's patch
 *
 * May include: base os sandbox/changes.h.   Threads: one per project (apply.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/str.h"
#include "os/file.h"
#include "sandbox/apply_priv.h"

/* The journal of an apply that is done. */
static int open_applied(const char *run_dir, const char *project_root, struct apply_ctx *ret, struct err *e)
{
    enum apply_where where;
    int r = apply_open(run_dir, project_root, ret, e);
    if (r == 0)
        r = apply_where(ret, &where, e);
    if (r == 0 && where != APPLY_DONE)
        r = err_set(e, ERR_STATE, "nothing of this run was applied");
    return r < 0 ? r : apply_load(ret, e);
}

/* --- the plan, turned around --------------------------------------------------------------------- */

static int turn_one(struct apply_plan *undo, const struct apply_plan *done, size_t i, struct err *e)
{
    const struct apply_op *op = &done->op[i];
    struct apply_op *back;
    struct apply_state from = op->to, to = op->from;
    from.source = "";
    from.stamped = false;
    if (*to.source && !(to.source = apply_plan_str(undo, "new/%zu", i)))
        return err_oom(e);
    int r = apply_plan_add(undo, op->path, &from, &to, &back, e);
    if (r == 0) {
        back->counts = op->counts;
        back->additions = op->deletions;
        back->deletions = op->additions;
    }
    return r;
}

static int turn_around(const struct apply_plan *done, struct apply_plan *undo, struct err *e)
{
    int r = 0;
    for (size_t i = done->n; i-- > 0 && r == 0;)
        r = turn_one(undo, done, i, e);
    return r;
}

/* A second name for a file that is never written again, or a copy where there can be none. */
static int give_file(int from, const char *name, int to, const char *new_name, struct err *e)
{
    struct stat st;
    char hex[SHA256_HEX];
    if (linkat(from, name, to, new_name, 0) == 0 || errno == EEXIST)
        return 0;
    AUTO(fd_close) int src = layer_open_file(from, name, &st);
    if (src < 0 && errno == ENOENT)
        return err_sys(e, ERR_CORRUPT, "the content from before the apply is gone");
    if (src < 0)
        return err_sys(e, ERR_IO, "open the content from before the apply");
    AUTO(fd_close) int dst = openat(to, new_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (dst < 0)
        return err_sys(e, ERR_IO, "save a file");
    int r = layer_copy(src, dst, hex, e);
    return r < 0 ? r : dir_sync(dst, e);
}

/* new/<i> in the undo's journal for every pre-image of the applied plan that the undo needs. */
static int bring_contents(const struct apply_ctx *done, struct apply_ctx *undo, struct err *e)
{
    AUTO(fd_close) int dir = -1, journal = -1;
    int r = dir_make(undo->run, "apply", &journal, e);
    if (r == 0)
        r = dir_make(journal, "new", &dir, e);
    for (size_t i = 0; i < undo->plan->n && r == 0; i++) {
        const char *source = undo->plan->op[i].to.source;
        if (!*source)
            continue;
        char *pre = str_printf("pre/%s", source + 4);
        r = pre ? give_file(done->journal, pre, journal, source, e) : err_oom(e);
        free(pre);
    }
    return r < 0 ? r : dir_sync(dir, e);
}

/* For the undo's patch, once the project does not have it any more. Best effort: the undo itself is done. */
static void keep_written(const struct apply_ctx *done, const struct apply_ctx *undo)
{
    AUTO(fd_close) int dir = -1;
    if (dir_make(done->journal, "post", &dir, NULL) < 0)
        return;
    for (size_t i = 0; i < undo->plan->n; i++) {
        const struct apply_op *op = &undo->plan->op[i];
        size_t k = *op->from.source ? apply_plan_find(done->plan, op->path) : APPLY_NONE;
        char *name = k == APPLY_NONE ? NULL : str_printf("%zu", k);
        if (name)
            (void)!give_file(undo->journal, op->from.source, dir, name, NULL);
        free(name);
    }
}

static int make_way(struct apply_ctx *c, struct err *e)
{
    enum apply_where where;
    int r = apply_where(c, &where, e);
    if (r == 0 && where != APPLY_NO_JOURNAL && where != APPLY_PLANNED)
        r = err_set(e, ERR_STATE, "this undo was carried out already, or must be recovered first");
    return r == 0 && where == APPLY_PLANNED ? apply_drop_journal(c, e) : r;
}

int apply_undo(const char *applied_run_dir, const char *undo_run_dir, const char *project_root,
               struct apply_result *ret, struct err *e)
{
    AUTO(apply_close) struct apply_ctx done = {.root = -1, .run = -1, .journal = -1};
    AUTO(apply_close) struct apply_ctx undo = {.root = -1, .run = -1, .journal = -1};
    int r = open_applied(applied_run_dir, project_root, &done, e);
    if (r == 0)
        r = apply_open(undo_run_dir, project_root, &undo, e);
    if (r == 0)
        r = make_way(&undo, e);
    if (r == 0)
        r = apply_plan_new(&undo.plan, e);
    if (r == 0)
        r = turn_around(done.plan, undo.plan, e);
    if (r == 0)
        r = apply_check(&undo, e);
    if (r == 0)
        r = bring_contents(&done, &undo, e);
    if (r == 0) {
        apply_times_plan(&done, &undo);
        r = apply_carry_out(&undo, e);
    }
    if (r < 0 && r != -ERR_APPLY_CONFLICT)
        return r;
    if (r == 0)
        keep_written(&done, &undo);
    struct apply_result res = {0};
    if (r == 0)
        res = apply_plan_totals(undo.plan);
    res.conflicts = apply_take_conflicts(&undo);
    *ret = res;
    return r;
}

/* --- its patch ----------------------------------------------------------------------------------- */

/* Content of state s, if it is what the file at `name` below dir holds. */
static int read_if(int dir, const char *name, const struct apply_state *s, struct side *ret, struct err *e)
{
    AUTO(side_fini) struct side side = {0};
    int r = dir < 0 ? 0 : side_read(dir, name, DIFF_MAX_BINARY, &side, e);
    if (r < 0 || !side.p || !S_ISREG(side.mode) || strcmp(side.sha, s->sha) != 0)
        return r;
    *ret = side;
    side = (struct side){0};
    return 0;
}

/* Looks for it wherever it may still lie. ret->mode 0: nowhere. */
static int find_content(const struct apply_ctx *c, size_t i, const struct apply_state *s, struct side *ret,
                        struct err *e)
{
    const char *path = c->plan->op[i].path;
    char *post = str_printf("post/%zu", i);
    int r = post ? 0 : err_oom(e);
    if (r == 0 && str_starts(s->source, "pre/"))
        r = read_if(c->journal, s->source, s, ret, e);
    if (r == 0 && !ret->mode)
        r = read_if(c->root, path, s, ret, e);
    if (r == 0 && !ret->mode)
        r = read_if(c->journal, post, s, ret, e);
    free(post);
    if (r == 0 && !ret->mode && str_starts(s->source, "layer:")) {
        AUTO(fd_close) int upper = changes_open_upper(c->run_dir, s->source + 6, NULL);
        r = read_if(upper, path, s, ret, e);
    }
    return r;
}

static int load_state(const struct apply_ctx *c, size_t i, const struct apply_state *s, struct side *ret, struct err *e)
{
    int r = 0;
    if (S_ISREG(s->mode)) {
        r = find_content(c, i, s, ret, e);
    } else if (S_ISLNK(s->mode)) {
        ret->p = str_dup(s->link);
        ret->len = strlen(s->link);
        r = ret->p ? 0 : err_oom(e);
        ret->mode = s->mode;
    }
    if (r == 0 && ret->mode)
        ret->mode = s->mode;
    return r;
}

static void note(const char *path, const char *why, bool *first, struct buf *out)
{
    buf_puts(out, *first ? "# sallyport: not in this patch\n#   " : "#   ");
    diff_quote("", path, out);
    buf_printf(out, ": %s\n", why);
    *first = false;
}

/* One path: from what the apply left (end of its chain) to what was there before (its beginning). */
static int patch_one(const struct apply_ctx *c, size_t i, const struct apply_state *left,
                     const struct apply_state *before, struct buf *body, bool *first, struct buf *notes, struct err *e)
{
    AUTO(side_fini) struct side a = {0};
    AUTO(side_fini) struct side b = {0};
    const char *path = c->plan->op[i].path;
    bool content = !(S_ISREG(left->mode) && S_ISREG(before->mode) && strcmp(left->sha, before->sha) == 0);
    if (!content) { /* a mode alone needs none */
        a.mode = left->mode;
        b.mode = before->mode;
        return diff_file(path, side_diff(&a), side_diff(&b), body, e);
    }
    int r = load_state(c, i, left, &a, e);
    if (r == 0)
        r = load_state(c, i, before, &b, e);
    if (r < 0)
        return r;
    if ((S_ISREG(left->mode) && !a.mode) || (S_ISREG(before->mode) && !b.mode)) {
        note(path, "its content is not kept any more, or too large for a patch", first, notes);
        return 0;
    }
    return diff_file(path, side_diff(&a), side_diff(&b), body, e);
}

static int patch_all(const struct apply_ctx *c, struct buf *notes, struct buf *body, struct err *e)
{
    const struct apply_plan *p = c->plan;
    bool first = true;
    int r = 0;
    for (size_t k = 0; k < p->n && r == 0; k++) {
        size_t i = p->by_path[k], end = i;
        if (p->op[i].prev != APPLY_NONE)
            continue;
        while (p->op[end].next != APPLY_NONE)
            end = p->op[end].next;
        const struct apply_state *before = &p->op[i].from, *left = &p->op[end].to;
        bool more = k + 1 < p->n && changes_below(p->op[p->by_path[k + 1]].path, p->op[i].path);
        if (S_ISDIR(before->mode) && S_ISDIR(left->mode))
            note(p->op[i].path, "mode of a directory", &first, notes);
        else if (!more && end == i && (S_ISDIR(before->mode) || S_ISDIR(left->mode)))
            note(p->op[i].path, before->mode ? "empty directory, added" : "empty directory, deleted", &first, notes);
        r = patch_one(c, i, left, before, body, &first, notes, e);
    }
    return r;
}

int apply_undo_patch(const char *applied_run_dir, const char *project_root, struct buf *out, struct err *e)
{
    AUTO(apply_close) struct apply_ctx c = {.root = -1, .run = -1, .journal = -1};
    AUTO(buf_fini) struct buf body = BUF_INIT(out->max);
    int r = open_applied(applied_run_dir, project_root, &c, e);
    if (r == 0)
        r = diff_init(e);
    if (r == 0)
        r = patch_all(&c, out, &body, e);
    if (r < 0)
        return r;
    if (body.len > 0)
        buf_add(out, body.p, body.len);
    return out->bad ? err_bad(e, out->bad, "the patch is too large") : 0;
}
