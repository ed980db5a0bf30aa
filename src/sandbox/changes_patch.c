/* changes_patch - diff.patch: a comment block for what a patch cannot say, then git's format, file by file.
 *
 *   # sallyport: not in this patch           ◄── git apply skips everything before the first "diff --git"
 *   #   sub/.git/config: .git is not applied
 *   diff --git a/x b/x …
 *
 * May include: base os.   Threads: one owner. */
#include <fcntl.h>
#include <string.h>
#include "os/file.h"
#include "sandbox/changes_priv.h"

#define GIT_EXEC(mode) ((mode)&0100)

/* Why the patch does not have it; NULL when it does, or when there is nothing to say. */
static const char *note_of(const struct change *x)
{
    if (x->refused)
        return x->refused;
    bool dir = S_ISDIR(x->new_mode ? x->new_mode : x->old_mode);
    if (dir && x->kind == CH_MODE)
        return "mode of a directory";
    if (dir && x->kind != CH_KIND && !x->opaque_dir)
        return x->kind == CH_ADDED ? "empty directory, added" : "empty directory, deleted";
    if (x->old_bytes > DIFF_MAX_BINARY || x->new_bytes > DIFF_MAX_BINARY)
        return "too large for a patch";
    if (x->kind == CH_MODE && GIT_EXEC(x->old_mode) == GIT_EXEC(x->new_mode))
        return "mode that git does not keep";
    return NULL;
}

static void add_note(const struct change *x, const char *why, bool *first, struct buf *out)
{
    if (*first)
        buf_puts(out, "# sallyport: not in this patch\n");
    *first = false;
    buf_puts(out, "#   ");
    diff_quote("", x->path, out);
    buf_printf(out, ": %s", why);
    if (x->kind == CH_MODE && !x->refused)
        buf_printf(out, " (%04o to %04o)", x->old_mode & 07777, x->new_mode & 07777);
    if (x->new_bytes > DIFF_MAX_BINARY && *x->new_sha256)
        buf_printf(out, " (%s %s)", *x->new_sha256 == LAYER_SPARSE_MARK ? "sparse, known as" : "sha256", x->new_sha256);
    buf_addc(out, '\n');
}

static int read_side(int root, const struct change *x, uint32_t mode, const char *sha, struct side *ret, struct err *e)
{
    if (!mode || S_ISDIR(mode))
        return 0;
    int r = side_read(root, x->path, DIFF_MAX_BINARY, ret, e);
    if (r == 0 && ((ret->mode & S_IFMT) != (mode & S_IFMT) || strcmp(ret->sha, sha) != 0))
        r = err_set(e, ERR_CONFLICT, "%s changed after the changes were listed", x->path);
    if (r == 0)
        ret->mode = mode;
    return r;
}

static int one_file(const struct changes *c, const struct change_item *it, int root, struct buf *out, struct err *e)
{
    AUTO(side_fini) struct side a = {0};
    AUTO(side_fini) struct side b = {0};
    int r = read_side(root, &it->c, it->c.old_mode, it->c.old_sha256, &a, e);
    if (r == 0 && it->layer && !S_ISDIR(it->c.new_mode)) {
        AUTO(fd_close) int upper = changes_open_upper(c->run_dir, it->layer, e);
        r = upper < 0 ? upper : read_side(upper, &it->c, it->c.new_mode, it->c.new_sha256, &b, e);
    }
    return r < 0 ? r : diff_file(it->c.path, side_diff(&a), side_diff(&b), out, e);
}

int changes_patch_parts(const struct changes *c, const char *const *only, struct buf *out, changes_part_fn *part,
                        void *arg, struct err *e)
{
    AUTO(changes_only_fini) struct changes_only sel = {0};
    int r = changes_only_init(&sel, c, only, e);
    if (r == 0)
        r = diff_init(e);
    if (r < 0)
        return r;
    AUTO(fd_close) int root = dir_open_canonical(c->project_root, O_PATH);
    if (root < 0)
        return err_sys(e, ERR_IO, "open the project %s", c->project_root);
    bool first = true;
    for (size_t i = 0; i < c->nshown && r == 0; i++) {
        const struct change *x = changes_at(c, i);
        const char *why = changes_only_has(&sel, x->path) ? note_of(x) : NULL;
        if (!why)
            continue;
        add_note(x, why, &first, out);
        r = part(arg, out, e);
    }
    for (size_t i = 0; i < c->nshown && r == 0; i++) {
        const struct change *x = changes_at(c, i);
        if (changes_only_has(&sel, x->path) && !note_of(x))
            r = one_file(c, &c->item[c->shown[i]], root, out, e);
        if (r == 0)
            r = part(arg, out, e);
    }
    if (r == 0 && out->bad)
        r = err_bad(e, out->bad, "the patch is too large");
    return r;
}

static int keep_part(void *arg, struct buf *out, struct err *e)
{
    return 0;
}

int changes_patch(const struct changes *c, const char *const *only, struct buf *out, struct err *e)
{
    return changes_patch_parts(c, only, out, keep_part, NULL, e);
}
