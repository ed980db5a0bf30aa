/* apply_mix - of some files only some hunks: what they then hold is made here, from the project's file and the run's.
 *
 * It stands between apply_build, which plans whole files, and apply_check, which looks whether the project is what the
 * plan says: from here on such a file is one like any other, with another content to go to. May include: base os.
 * Threads: one owner. */
#include <string.h>
#include "base/str.h"
#include "os/file.h"
#include "sandbox/apply_priv.h"

#define MIX_MAX (64 * MIB) /* all of them, until they are in the journal */

static int no_hunks(const char *path, struct err *e)
{
    return err_set(e, ERR_INVALID, "%s is no modified text file: apply it as a whole, or not at all", path);
}

static void say_rest(struct buf *skipped, const char *path, size_t taken, size_t all)
{
    AUTO(buf_fini) struct buf why = BUF_INIT(80);
    struct jw w = JW_INIT(skipped);
    buf_printf(&why, "%zu of %zu hunks were selected", taken, all);
    if (skipped->len > 0)
        buf_addc(skipped, ',');
    jw_obj(&w);
    jw_kbytes(&w, "path", path, strlen(path));
    jw_kstr(&w, "why", why.p);
    jw_end_obj(&w);
}

static size_t distinct(const struct apply_hunks *h)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++) {
        size_t k = 0;
        while (h->v[k] != h->v[i])
            k++;
        n += k == i;
    }
    return n;
}

/* Both sides, read again; false: the project's is another one by now. */
static int read_sides(const struct apply_ctx *c, const struct apply_op *op, struct side *a, struct side *b,
                      bool *ret_same, struct err *e)
{
    AUTO(fd_close) int upper = changes_open_upper(c->run_dir, op->to.source + strlen("layer:"), e);
    int r = upper < 0 ? upper : side_read(c->root, op->path, DIFF_MAX_TEXT, a, e);
    if (r == 0)
        r = side_read(upper, op->path, DIFF_MAX_TEXT, b, e);
    if (r == 0 && strcmp(b->sha, op->to.sha) != 0)
        r = err_set(e, ERR_CORRUPT, "a sealed layer changed");
    *ret_same = r == 0 && S_ISREG(a->mode) && strcmp(a->sha, op->from.sha) == 0;
    return r;
}

static int take(struct apply_ctx *c, struct apply_op *op, const struct apply_hunks *h, size_t number, size_t *left,
                struct buf *skipped, struct err *e)
{
    AUTO(side_fini) struct side a = {0};
    AUTO(side_fini) struct side b = {0};
    AUTO(buf_fini) struct buf out = BUF_INIT(*left);
    size_t all;
    bool same;
    int r = read_sides(c, op, &a, &b, &same, e);
    if (r < 0)
        return r;
    if (!same) { /* a content that nothing has: the check calls it a conflict, and nothing can be taken by mistake */
        memset(op->to.sha, '0', SHA256_HEX - 1);
        return 0;
    }
    if (a.binary || b.binary)
        return no_hunks(op->path, e);
    r = diff_some(side_diff(&a), side_diff(&b), h->v, h->n, &out, &all, &op->additions, &op->deletions, e);
    if (r < 0)
        return err_wrap(e, r, "%s", op->path);
    *left -= out.len;
    op->ntext = out.len;
    op->text = arena_str(c->plan->arena, out.p ? out.p : "", out.len);
    op->to.source = apply_plan_str(c->plan, "mix/%zu", number);
    if (!op->text || !op->to.source)
        return err_oom(e);
    sha256_hex_of(op->text, op->ntext, op->to.sha);
    if (distinct(h) < all)
        say_rest(skipped, op->path, distinct(h), all);
    return 0;
}

int apply_mix(struct apply_ctx *c, const struct apply_hunks *h, size_t n, struct buf *skipped, struct err *e)
{
    size_t left = MIX_MAX;
    int r = apply_plan_link(c->plan, e);
    if (r == 0)
        r = diff_init(e);
    for (size_t k = 0; k < n && r == 0; k++) {
        size_t i = apply_plan_find(c->plan, h[k].path);
        struct apply_op *op = i == APPLY_NONE ? NULL : &c->plan->op[i];
        bool whole = op && op->prev == APPLY_NONE && op->next == APPLY_NONE && S_ISREG(op->from.mode) &&
                     S_ISREG(op->to.mode) && str_starts(op->to.source, "layer:") && h[k].n > 0;
        r = whole ? take(c, op, &h[k], k, &left, skipped, e) : no_hunks(h[k].path, e);
    }
    return r;
}
