/* apply_journal - run_dir/apply: what makes an apply whole or undone, never half.
 *
 *   plan ─► pre/<n> ─► go ─► steps ─► done           each arrow: synced before the next
 *     │        │        │      │
 *     └────────┴─ crash: the journal is dropped,     nothing was touched
 *                       │      │
 *                       └──────┴─ crash: the steps are done again (each looks first); cannot: back
 *   back ─► steps turned around, last first ─► back removed ─► journal dropped
 *
 * mix/<n>, of files that are taken in part, lie with pre/<n>. Beside them, unsynced: before, after, times
 * (apply_times.c). `go` becomes `done` or `back` by rename: that needs no room on a full disk, and there is never more
 * than one of them. A journal with none of them has nothing to say about the project, so that one goes first when the
 * journal is dropped. May include: base os.   Threads: one per project (apply.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/str.h"
#include "os/file.h"
#include "sandbox/apply_priv.h"
#include "sandbox/restored.h"

#define PLAN_MAX GIB
#define WHY_MAX  (16 * MIB)
#define BATCH    512

int apply_open(const char *run_dir, const char *project_root, struct apply_ctx *ret, struct err *e)
{
    struct apply_ctx c = {.root = -1, .run = -1, .journal = -1, .run_dir = run_dir, .why = BUF_INIT(WHY_MAX)};
    struct stat st;
    c.root = dir_open_canonical(project_root, O_RDONLY);
    if (c.root < 0)
        return err_sys(e, ERR_IO, "open the project %s", project_root);
    c.run = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c.run < 0 || fstat(c.root, &st) < 0) {
        int r = err_sys(e, ERR_IO, "open the run's directory %s", run_dir);
        apply_close(&c);
        return r;
    }
    c.uid = st.st_uid;
    c.gid = st.st_gid;
    *ret = c;
    return 0;
}

void apply_close(struct apply_ctx *c)
{
    fd_close(&c->root);
    fd_close(&c->run);
    fd_close(&c->journal);
    apply_plan_free(TAKE(c->plan));
    buf_fini(&c->why);
}

char *apply_take_conflicts(struct apply_ctx *c)
{
    return c->why.len > 0 ? str_printf("[%s]", c->why.p) : NULL;
}

static bool has(const struct apply_ctx *c, const char *name)
{
    return faccessat(c->journal, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int apply_where(struct apply_ctx *c, enum apply_where *ret, struct err *e)
{
    *ret = APPLY_NO_JOURNAL;
    c->journal = openat(c->run, "apply", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (c->journal < 0)
        return errno == ENOENT ? 0 : err_sys(e, ERR_IO, "open the journal of the apply");
    *ret = has(c, "done") ? APPLY_DONE : has(c, "back") ? APPLY_BACK : has(c, "go") ? APPLY_GOING : APPLY_PLANNED;
    return 0;
}

int apply_load(struct apply_ctx *c, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(PLAN_MAX);
    int r = file_read(c->journal, "plan", &b, e);
    return r < 0 ? r : apply_plan_parse(b.p ? b.p : "", b.len, &c->plan, e);
}

int apply_drop_journal(struct apply_ctx *c, struct err *e)
{
    static const char *const marks[] = {"go", "back"};
    for (size_t i = 0; i < ARRAY_LEN(marks) && c->journal >= 0; i++)
        if (unlinkat(c->journal, marks[i], 0) < 0 && errno != ENOENT)
            return err_sys(e, ERR_IO, "drop the journal of the apply");
    int r = c->journal >= 0 ? dir_sync(c->journal, e) : 0;
    if (r < 0)
        return r;
    CRASH_POINT(apply_cleared);
    fd_close(&c->journal);
    return dir_remove(c->run, "apply", e);
}

static int turn_into(struct apply_ctx *c, const char *name, struct err *e)
{
    return renameat(c->journal, "go", c->journal, name) == 0 ? 0 : err_sys(e, ERR_IO, "mark the apply %s", name);
}

/* --- before "go" --------------------------------------------------------------------------------- */

static bool needs_pre(const struct apply_op *op)
{
    return S_ISREG(op->from.mode) && !(S_ISREG(op->to.mode) && strcmp(op->from.sha, op->to.sha) == 0);
}

static int name_pre_images(struct apply_plan *p, struct err *e)
{
    for (size_t i = 0; i < p->n; i++)
        if (needs_pre(&p->op[i]) && !(p->op[i].from.source = apply_plan_str(p, "pre/%zu", i)))
            return err_oom(e);
    return 0;
}

static int save_pre(struct apply_ctx *c, const struct apply_op *op, bool sync, struct err *e)
{
    struct stat st;
    char hex[SHA256_HEX];
    AUTO(fd_close) int src = layer_open_file(c->root, op->path, &st);
    if (src < 0)
        return err_sys(e, ERR_IO, "open %s", op->path);
    AUTO(fd_close) int dst = openat(c->journal, op->from.source, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (dst < 0)
        return err_sys(e, ERR_IO, "save %s", op->path);
    int r = layer_copy(src, dst, hex, e);
    if (r < 0)
        return err_wrap(e, r, "save %s", op->path);
    if (strcmp(hex, op->from.sha) != 0) {
        apply_conflict(c, op->path, "changed in the project meanwhile");
        return err_set(e, ERR_APPLY_CONFLICT, "%s changed in the project meanwhile", op->path);
    }
    apply_copy_xattrs(src, dst);
    r = sync ? dir_sync(dst, e) : 0;
    CRASH_POINT(apply_pre);
    return r;
}

static int save_pre_images(struct apply_ctx *c, struct err *e)
{
    AUTO(fd_close) int pre = -1;
    bool few = c->plan->n <= APPLY_FEW;
    int r = dir_make(c->journal, "pre", &pre, e);
    for (size_t i = 0; i < c->plan->n && r == 0; i++)
        if (needs_pre(&c->plan->op[i]))
            r = save_pre(c, &c->plan->op[i], few, e);
    if (r < 0)
        return r;
    return few ? dir_sync(pre, e) : apply_sync_all(pre, e);
}

static int save_mixes(struct apply_ctx *c, struct err *e)
{
    AUTO(fd_close) int mix = -1;
    int r = 0;
    for (size_t i = 0; i < c->plan->n && r == 0; i++) {
        const struct apply_op *op = &c->plan->op[i];
        if (!op->text)
            continue;
        if (mix < 0)
            r = dir_make(c->journal, "mix", &mix, e);
        if (r == 0)
            r = file_replace(mix, op->to.source + strlen("mix/"), op->text, op->ntext, 0600, e);
    }
    return r;
}

static int prepare(struct apply_ctx *c, struct err *e)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(PLAN_MAX);
    int r = name_pre_images(c->plan, e);
    if (r == 0)
        r = apply_plan_text(c->plan, &text, e);
    if (r == 0)
        r = file_replace(c->journal, "plan", text.p, text.len, 0600, e);
    CRASH_POINT(apply_planned);
    if (r == 0)
        r = save_pre_images(c, e);
    if (r == 0)
        r = save_mixes(c, e);
    if (r == 0)
        apply_times_note(c, "before");
    if (r == 0)
        r = dir_sync(c->journal, e);
    if (r == 0)
        r = dir_sync(c->run, e);
    CRASH_POINT(apply_saved);
    return r;
}

/* --- from "go" on -------------------------------------------------------------------------------- */

static int keep_journal(struct apply_ctx *c, struct err *e)
{
    int r = dir_remove(c->run, "apply.kept", e);
    if (r == 0 && renameat(c->run, "apply", c->run, "apply.kept") < 0)
        r = err_sys(e, ERR_IO, "keep the journal of the apply");
    return r < 0 ? r : dir_sync(c->run, e);
}

/* Everything as the plan found it. What somebody changed meanwhile is left alone and named, and its content from before
 * stays in apply.kept. Negative: could not go on; the next start does. */
static int roll_back(struct apply_ctx *c, struct err *e)
{
    size_t left = 0;
    int r = has(c, "back") ? 0 : turn_into(c, "back", e);
    if (r == 0)
        r = dir_sync(c->journal, e);
    CRASH_POINT(apply_back);
    c->first = false;
    for (size_t i = c->plan->n; i-- > 0 && r == 0;) {
        r = apply_step(c, i, false, e);
        left += r == -ERR_APPLY_CONFLICT;
        r = r == -ERR_APPLY_CONFLICT ? 0 : r;
    }
    if (r == 0)
        r = apply_sync(c, e);
    if (r == 0)
        restored_note(c->run, c->plan);
    if (r < 0)
        return err_wrap(e, r, "rolling back (it goes on at the next start)");
    return left == 0 ? apply_drop_journal(c, e) : keep_journal(c, e);
}

struct staged {
    size_t op;
    struct stat now;
};

/* Files from *at on: all written beside their places, then one sync, then all renamed. *at is behind the last. */
static int write_batch(struct apply_ctx *c, size_t *at, struct staged *s, struct err *e)
{
    size_t n = 0;
    int r = 0;
    c->lazy = true;
    for (; r >= 0 && n < BATCH && *at < c->plan->n && apply_writes_file(&c->plan->op[*at]); ++*at) {
        s[n].op = *at;
        r = apply_stage(c, *at, &s[n].now, e);
        n += r > 0;
    }
    c->lazy = false;
    if (r >= 0)
        r = n > 0 ? apply_sync_all(c->root, e) : 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = apply_commit(c, s[i].op, &s[i].now, e);
    return r;
}

static int take_steps(struct apply_ctx *c, struct err *e)
{
    struct staged *s = NULL;
    int r = 0;
    if (c->plan->n > APPLY_FEW && !(s = malloc(BATCH * sizeof *s)))
        return err_oom(e);
    for (size_t i = 0; i < c->plan->n && r == 0;) {
        if (s && apply_writes_file(&c->plan->op[i]))
            r = write_batch(c, &i, s, e);
        else
            r = apply_step(c, i++, true, e);
    }
    free(s);
    if (r < 0)
        apply_sweep_tmp(c);
    return r;
}

static int go_forward(struct apply_ctx *c, struct err *e)
{
    int r = take_steps(c, e);
    if (r == 0) {
        apply_times_set(c);
        apply_times_note(c, "after");
        r = apply_sync(c, e);
    }
    CRASH_POINT(apply_synced);
    if (r == 0)
        r = turn_into(c, "done", e);
    if (r == 0) /* all that it says is on disk: should it be lost itself, the next look finds each step taken */
        (void)!dir_sync(c->journal, NULL);
    CRASH_POINT(apply_done);
    return r;
}

/* 0: done. Negative: why not; *ret_back tells that all is as before. */
static int go_or_back(struct apply_ctx *c, bool *ret_back, struct err *e)
{
    int r = go_forward(c, e);
    if (r == 0)
        return 0;
    struct err worse = ERR_INIT;
    int b = roll_back(c, &worse);
    *ret_back = b == 0;
    if (b == 0)
        return err_wrap(e, r, "rolled back");
    if (e)
        *e = worse;
    return b;
}

int apply_carry_out(struct apply_ctx *c, struct err *e)
{
    bool back = false;
    int r = dir_make(c->run, "apply", &c->journal, e);
    CRASH_POINT(apply_begun);
    if (r == 0)
        r = prepare(c, e);
    if (r == 0)
        r = file_replace(c->journal, "go", "", 0, 0600, e);
    CRASH_POINT(apply_go);
    if (r < 0) {
        (void)!apply_drop_journal(c, NULL); /* what stays is found and dropped at the next start */
        return r;
    }
    c->first = true;
    return go_or_back(c, &back, e);
}

static int resume_plan(struct apply_ctx *c, enum apply_where where, int *ret_state, struct err *e)
{
    bool back = false;
    int r = apply_load(c, e);
    if (r < 0)
        return r;
    apply_sweep_tmp(c);
    if (where == APPLY_BACK) {
        back = true;
        r = roll_back(c, e);
    } else {
        r = go_or_back(c, &back, e);
        if (r < 0 && back)
            r = 0; /* it could not be finished, so it is as it was before */
    }
    if (r == 0)
        *ret_state = back ? 1 : 2;
    return r;
}

int apply_resume(struct apply_ctx *c, enum apply_where where, int *ret_state, struct err *e)
{
    if (where == APPLY_GOING || where == APPLY_BACK)
        return resume_plan(c, where, ret_state, e);
    int r = where == APPLY_PLANNED ? apply_drop_journal(c, e) : 0;
    if (r == 0)
        *ret_state = where == APPLY_DONE ? 3 : where == APPLY_PLANNED ? 1 : 0;
    return r;
}
