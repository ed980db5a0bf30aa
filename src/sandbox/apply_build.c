/* apply_build - from the changes, and the user's choice among them, to a plan.
 *
 * Order of the steps:
 *   1  directories are unlocked that must be written in or removed      (0555 ─► 0755)
 *   2  files that go away, then their directories, deepest first
 *   3  new directories, from the top, then what is new or changed in them
 *   4  directories get the mode that would have locked us out, deepest first
 * So files always come in a row, here and when it is turned around for an undo: apply_journal.c syncs them together.
 * May include: base os.   Threads: one owner. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/json.h"
#include "base/str.h"
#include "os/file.h"
#include "sandbox/apply_priv.h"

struct build {
    const struct changes *c;
    struct apply_plan *plan;
    struct buf *skipped;
    size_t unnamed; /* skipped, but too many to be named */
    bool *sel;      /* per item: it is carried out */
    bool dirs;      /* which half of 2 and 3 is being made */
    bool *kept;     /* per item: a directory that must stay, because something in it stays */
    size_t opened;  /* so many steps at the front unlock directories that are no change themselves */
};

static bool was_dir(const struct change *x)
{
    return S_ISDIR(x->old_mode);
}

static bool is_dir(const struct change *x)
{
    return S_ISDIR(x->new_mode);
}

static bool goes(const struct change *x) /* the directory itself is taken away */
{
    return was_dir(x) && !is_dir(x);
}

static void skip(struct build *b, const char *path, const char *why)
{
    struct jw w = JW_INIT(b->skipped);
    if (b->skipped->len + 64 * KIB > b->skipped->max) { /* who reads so many? They are counted, not lost */
        b->unnamed++;
        return;
    }
    if (b->skipped->len > 0)
        buf_addc(b->skipped, ',');
    jw_obj(&w);
    jw_kbytes(&w, "path", path, strlen(path));
    jw_kstr(&w, "why", why);
    jw_end_obj(&w);
}

/* --- what is carried out ------------------------------------------------------------------------- */

/* Calls fn for the item of each directory above path. */
static int each_above(struct build *b, const char *path, void (*fn)(struct build *, size_t), struct err *e)
{
    char *s = str_dup(path);
    if (!s)
        return err_oom(e);
    for (char *slash; (slash = strrchr(s, '/')) != NULL;) {
        *slash = '\0';
        long i = changes_find(b->c, s);
        if (i >= 0)
            fn(b, (size_t)i);
    }
    free(s);
    return 0;
}

static void need(struct build *b, size_t i)
{
    const struct change *x = &b->c->item[i].c;
    if (is_dir(x) && x->kind != CH_MODE)
        b->sel[i] = true;
}

static void keep(struct build *b, size_t i)
{
    b->kept[i] = true;
}

static void choose(struct build *b, const struct changes_only *only)
{
    for (size_t i = 0; i < b->c->n; i++) {
        const struct change_item *it = &b->c->item[i];
        b->sel[i] = !it->implied && !it->c.refused && changes_only_has(only, it->c.path);
    }
    for (size_t i = 0; i < b->c->n; i++) { /* a file in a directory's place takes all of it along */
        const struct change *x = &b->c->item[i].c;
        for (size_t k = i + 1; b->sel[i] && x->kind == CH_KIND && goes(x) && k < b->c->n; k++) {
            if (!changes_below(b->c->item[k].c.path, x->path))
                break;
            b->sel[k] = true;
        }
    }
}

/* Directories above what is new are made; directories stay when something in them stays. */
static int spread(struct build *b, struct err *e)
{
    int r = 0;
    for (size_t i = 0; i < b->c->n && r == 0; i++) {
        const struct change_item *it = &b->c->item[i];
        if (b->sel[i] && it->c.new_mode)
            r = each_above(b, it->c.path, need, e);
    }
    for (size_t i = 0; i < b->c->n && r == 0; i++) {
        const struct change_item *it = &b->c->item[i];
        bool stays = it->c.old_mode && !b->sel[i] && (!it->implied || it->c.refused);
        if (stays)
            r = each_above(b, it->c.path, keep, e);
    }
    for (size_t i = 0; i < b->c->n; i++) {
        const struct change_item *it = &b->c->item[i];
        if (goes(&it->c) && it->implied && !it->c.refused)
            b->sel[i] = !b->kept[i];
        else if (goes(&it->c) && b->kept[i])
            b->sel[i] = false;
    }
    return r;
}

static void report_skipped(struct build *b, const struct changes_only *only)
{
    for (size_t k = 0; k < b->c->nshown; k++) {
        size_t i = b->c->shown[k];
        const struct change *x = &b->c->item[i].c;
        if (b->sel[i])
            continue;
        skip(b, x->path,
             x->refused                         ? x->refused
             : !changes_only_has(only, x->path) ? "not selected"
                                                : "holds something that stays");
    }
    if (b->unnamed) {
        struct jw w = JW_INIT(b->skipped);
        AUTO(buf_fini) struct buf why = BUF_INIT(64);
        buf_printf(&why, "and %zu more", b->unnamed);
        buf_addc(b->skipped, ',');
        jw_obj(&w);
        jw_kstr(&w, "path", ".");
        jw_kstr(&w, "why", why.p);
        jw_end_obj(&w);
    }
}

/* --- steps --------------------------------------------------------------------------------------- */

static struct apply_state old_state(const struct change *x)
{
    struct apply_state s = {.mode = x->old_mode};
    memcpy(s.sha, x->old_sha256, sizeof s.sha);
    return s;
}

static int add(struct build *b, size_t i, const struct apply_state *from, const struct apply_state *to, struct err *e)
{
    const struct change_item *it = &b->c->item[i];
    struct apply_op *op;
    int r = apply_plan_add(b->plan, it->c.path, from, to, &op, e);
    if (r == 0)
        op->moved = it->c.moved;
    return r;
}

/* The last step of an item stands for it in the result. */
static void count(struct build *b, size_t i)
{
    const struct change_item *it = &b->c->item[i];
    struct apply_op *op = &b->plan->op[b->plan->n - 1];
    op->counts = !it->implied && !(it->c.kind == CH_DELETED && it->c.opaque_dir);
    op->additions = it->c.additions;
    op->deletions = it->c.deletions;
}

static struct apply_state dir_state(uint32_t mode)
{
    return (struct apply_state){.mode = S_IFDIR | (mode & 07777)};
}

static bool locked(uint32_t mode)
{
    return (mode & 0700) != 0700;
}

static int unlock_step(struct build *b, size_t i, struct err *e)
{
    const struct change *x = &b->c->item[i].c;
    struct apply_state from = dir_state(x->old_mode), open = dir_state(x->old_mode | 0700);
    struct apply_state to = dir_state(x->new_mode);
    int r = 0;
    if (x->kind == CH_MODE && is_dir(x) && !locked(x->new_mode)) {
        r = add(b, i, &from, &to, e);
        if (r == 0)
            count(b, i);
    } else if (locked(x->old_mode) && (goes(x) || (x->kind == CH_MODE && is_dir(x)))) {
        r = add(b, i, &from, &open, e);
    }
    return r;
}

static int remove_step(struct build *b, size_t i, struct err *e)
{
    const struct change *x = &b->c->item[i].c;
    struct apply_state none = {0}, from = was_dir(x) ? dir_state(x->old_mode | 0700) : old_state(x);
    if (was_dir(x) != b->dirs || (x->kind != CH_DELETED && !(x->kind == CH_KIND && (was_dir(x) || is_dir(x)))))
        return 0;
    if (was_dir(x) && !locked(x->old_mode))
        from = dir_state(x->old_mode);
    int r = add(b, i, &from, &none, e);
    if (r == 0 && x->kind == CH_DELETED)
        count(b, i);
    return r;
}

/* The new content of a link is in its layer only; the plan carries it. */
static int new_state(struct build *b, const struct change_item *it, struct apply_state *s, struct err *e)
{
    *s = (struct apply_state){.mode = it->c.new_mode};
    memcpy(s->sha, it->c.new_sha256, sizeof s->sha);
    if (S_ISREG(it->c.new_mode)) {
        s->source = apply_plan_str(b->plan, "layer:%s", it->layer);
        return s->source ? 0 : err_oom(e);
    }
    AUTO(side_fini) struct side side = {0};
    AUTO(fd_close) int upper = changes_open_upper(b->c->run_dir, it->layer, e);
    int r = upper < 0 ? upper : side_read(upper, it->c.path, 0, &side, e);
    if (r == 0 && (!S_ISLNK(side.mode) || strcmp(side.sha, it->c.new_sha256) != 0))
        r = err_set(e, ERR_CORRUPT, "a sealed layer changed");
    if (r == 0 && !(s->link = apply_plan_str(b->plan, "%s", side.p)))
        r = err_oom(e);
    return r;
}

static int write_step(struct build *b, size_t i, struct err *e)
{
    const struct change_item *it = &b->c->item[i];
    const struct change *x = &it->c;
    if (!x->new_mode || is_dir(x) != b->dirs || (is_dir(x) && x->kind == CH_MODE))
        return 0;
    struct apply_state from = old_state(x), to;
    if (x->kind == CH_KIND && (was_dir(x) || is_dir(x)))
        from = (struct apply_state){0};
    int r = 0;
    if (is_dir(x))
        to = dir_state(x->new_mode | 0700);
    else
        r = new_state(b, it, &to, e);
    if (r == 0)
        r = add(b, i, &from, &to, e);
    if (r == 0)
        count(b, i);
    return r;
}

static int lock_step(struct build *b, size_t i, struct err *e)
{
    const struct change *x = &b->c->item[i].c;
    if (!is_dir(x) || !locked(x->new_mode))
        return 0;
    struct apply_state from = dir_state((x->kind == CH_MODE ? x->old_mode : x->new_mode) | 0700);
    struct apply_state to = dir_state(x->new_mode);
    int r = add(b, i, &from, &to, e);
    if (r == 0 && x->kind == CH_MODE)
        count(b, i);
    return r;
}

/* --- directories that only lock us out ------------------------------------------------------------- */

static bool is_open(const struct build *b, const char *dir)
{
    for (size_t i = 0; i < b->plan->n; i++) /* few: locked directories are rare */
        if (strcmp(b->plan->op[i].path, dir) == 0)
            return true;
    return false;
}

/* Names are written in a directory that is 0555 now and stays so: the run opened it, and locked it again. */
static int open_parent(struct build *b, int root, const char *path, char **last, struct err *e)
{
    const char *slash = strrchr(path, '/');
    struct stat st;
    char *dir = slash ? str_ndup(path, (size_t)(slash - path)) : NULL;
    if (slash && !dir)
        return err_oom(e);
    bool again = !dir || (*last && strcmp(dir, *last) == 0);
    long i = again ? -1 : changes_find(b->c, dir);
    if (again || (i >= 0 && b->sel[i]) || layer_stat(root, dir, &st) < 0 || !S_ISDIR(st.st_mode) ||
        !locked(st.st_mode) || is_open(b, dir)) {
        free(dir);
        return 0;
    }
    struct apply_state from = dir_state(st.st_mode), to = dir_state(st.st_mode | 0700);
    int r = apply_plan_add(b->plan, dir, &from, &to, NULL, e);
    free(*last);
    *last = dir;
    return r;
}

/* Root writes anywhere, and a directory that is not ours cannot be unlocked: the step that needs it will say so. */
static int open_parents(struct build *b, struct err *e)
{
    AUTO(fd_close) int root = geteuid() != 0 ? dir_open_canonical(b->c->project_root, O_PATH) : -1;
    char *last = NULL;
    int r = 0;
    for (size_t i = 0; i < b->c->n && r == 0 && root >= 0; i++)
        if (b->sel[i] && b->c->item[i].c.kind != CH_MODE)
            r = open_parent(b, root, b->c->item[i].c.path, &last, e);
    free(last);
    b->opened = b->plan->n;
    return r;
}

static int lock_parents(struct build *b, struct err *e)
{
    int r = 0;
    for (size_t i = b->opened; i-- > 0 && r == 0;) {
        struct apply_state from = b->plan->op[i].to, to = b->plan->op[i].from;
        r = apply_plan_add(b->plan, b->plan->op[i].path, &from, &to, NULL, e);
    }
    return r;
}

typedef int step_fn(struct build *, size_t, struct err *);

static int each_up(struct build *b, step_fn *fn, struct err *e)
{
    int r = 0;
    for (size_t i = 0; i < b->c->n && r == 0; i++)
        r = b->sel[i] ? fn(b, i, e) : 0;
    return r;
}

static int each_down(struct build *b, step_fn *fn, struct err *e)
{
    int r = 0;
    for (size_t i = b->c->n; i-- > 0 && r == 0;)
        r = b->sel[i] ? fn(b, i, e) : 0;
    return r;
}

static int all_steps(struct build *b, struct err *e)
{
    int r = open_parents(b, e);
    if (r == 0)
        r = each_up(b, unlock_step, e);
    b->dirs = false;
    if (r == 0)
        r = each_down(b, remove_step, e);
    b->dirs = true;
    if (r == 0)
        r = each_down(b, remove_step, e);
    if (r == 0)
        r = each_up(b, write_step, e);
    b->dirs = false;
    if (r == 0)
        r = each_up(b, write_step, e);
    if (r == 0)
        r = each_down(b, lock_step, e);
    return r < 0 ? r : lock_parents(b, e);
}

int apply_build(const struct changes *c, const char *const *only, struct apply_plan *plan, struct buf *skipped,
                struct err *e)
{
    AUTO(changes_only_fini) struct changes_only chosen = {0};
    int r = changes_only_init(&chosen, c, only, e);
    if (r < 0)
        return r;
    struct build b = {.c = c, .plan = plan, .skipped = skipped};
    b.sel = FAULT(alloc) ? NULL : calloc(c->n + 1, sizeof *b.sel);
    b.kept = calloc(c->n + 1, sizeof *b.kept);
    if (!b.sel || !b.kept) {
        r = err_oom(e);
    } else {
        choose(&b, &chosen);
        r = spread(&b, e);
    }
    if (r == 0) {
        report_skipped(&b, &chosen);
        r = all_steps(&b, e);
    }
    free(b.sel);
    free(b.kept);
    if (r == 0 && skipped->bad)
        r = err_bad(e, skipped->bad, "too many files were skipped to name them");
    return r;
}
