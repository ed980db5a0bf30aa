/* changes_order - puts the items of a scan in order and decides which directories are shown.
 *
 * May include: base.   Threads: one owner. */
#include <stdlib.h>
#include <string.h>
#include "sandbox/changes_priv.h"

static int by_path(const void *a, const void *b)
{
    return changes_path_cmp(((const struct change_item *)a)->c.path, ((const struct change_item *)b)->c.path);
}

static bool is_dir_item(const struct change *c)
{
    return S_ISDIR(c->new_mode ? c->new_mode : c->old_mode);
}

/* A file that takes a directory's place needs all of the directory gone. */
static void refuse_blocked(struct changes *ch, size_t i)
{
    struct change_item *it = &ch->item[i];
    if (it->c.refused || it->c.kind != CH_KIND || !S_ISDIR(it->c.old_mode))
        return;
    for (size_t k = i + 1; k < ch->n && changes_below(ch->item[k].c.path, it->c.path); k++)
        if (ch->item[k].c.refused)
            it->c.refused = "the directory it replaces holds a file that is refused";
}

/* Directories show when they are empty, when they are refused, when only their mode or kind changed, and at the top of
 * a removed tree. */
static void settle(struct changes *ch)
{
    const char *gone_top = NULL, *refused_top = NULL;
    for (size_t i = 0; i < ch->n; i++) {
        struct change_item *it = &ch->item[i];
        bool has_more = i + 1 < ch->n && changes_below(ch->item[i + 1].c.path, it->c.path);
        bool was_dir = S_ISDIR(it->c.old_mode) && it->c.kind != CH_MODE;
        refuse_blocked(ch, i);
        it->c.opaque_dir = was_dir && has_more;
        if (is_dir_item(&it->c) && (it->c.kind == CH_ADDED || it->c.kind == CH_DELETED)) {
            bool top = it->c.kind == CH_DELETED && !(gone_top && changes_below(it->c.path, gone_top));
            bool bad = it->c.refused && !(refused_top && changes_below(it->c.path, refused_top));
            it->implied = has_more && !top && !bad;
            if (!top && it->c.kind == CH_DELETED)
                it->c.opaque_dir = false;
            if (bad)
                refused_top = it->c.path;
        }
        if (was_dir && !(gone_top && changes_below(it->c.path, gone_top)))
            gone_top = it->c.path;
    }
}

int changes_settle(struct changes *ch, struct err *e)
{
    if (ch->n > 0)
        qsort(ch->item, ch->n, sizeof *ch->item, by_path);
    settle(ch);
    ch->shown = calloc(ch->n + 1, sizeof *ch->shown);
    if (!ch->shown)
        return err_oom(e);
    for (size_t i = 0; i < ch->n; i++)
        if (!ch->item[i].implied)
            ch->shown[ch->nshown++] = i;
    return changes_set_digest(ch, e);
}
