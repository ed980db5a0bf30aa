#include "service/effects_seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "service/picks.h"

#define HEX (SHA256_HEX - 1)

struct seen {
    const char *path, *hex; /* in the list */
    bool met;
};

static void hash_of(const struct change *c, char ret[SHA256_HEX])
{
    AUTO(buf_fini) struct buf b = BUF_INIT(KIB);

    buf_printf(&b, "%d %o %o %s %s %d %d", (int)c->kind, c->old_mode, c->new_mode, c->old_sha256, c->new_sha256,
               c->opaque_dir, c->refused != NULL);
    sha256_hex_of(b.p, b.len, ret);
}

void effects_seen_add(const struct change *c, struct buf *out)
{
    char hex[SHA256_HEX];

    hash_of(c, hex);
    buf_add(out, hex, HEX);
    buf_addc(out, ' ');
    buf_add(out, c->path, strlen(c->path) + 1);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct seen *)a)->path, ((const struct seen *)b)->path);
}

/* What does not look like an entry ends the list: the rest then differs, and is not applied. */
static size_t read_list(const char *p, size_t len, struct seen *v)
{
    const char *end = p + len, *nul;
    size_t n = 0;

    for (; end - p > HEX + 1 && (nul = memchr(p, '\0', (size_t)(end - p))) && nul - p > HEX + 1; p = nul + 1)
        v[n++] = (struct seen){.path = p + HEX + 1, .hex = p};
    qsort(v, n, sizeof *v, by_path);
    return n;
}

static void name(struct jw *w, const char *path, const char *why, size_t *n)
{
    jw_obj(w);
    jw_kbytes(w, "path", path, strlen(path));
    jw_kstr(w, "why", why);
    jw_end_obj(w);
    (*n)++;
}

static int moved(const char *list, size_t len, const struct changes *now, const struct picks_set *only, struct jw *out,
                 size_t *ret_n, struct err *e)
{
    struct seen *v = calloc(len / (HEX + 2) + 1, sizeof *v), *was;
    size_t found = 0, n;

    if (!v)
        return err_oom(e);
    n = read_list(list, len, v);
    for (size_t i = 0; i < changes_len(now); i++) {
        const struct change *c = changes_at(now, i);
        char hex[SHA256_HEX];

        was = bsearch(&(struct seen){.path = c->path}, v, n, sizeof *v, by_path);
        hash_of(c, hex);
        if (was)
            was->met = true;
        if ((c->moved || !was || memcmp(was->hex, hex, HEX) != 0) && (!only || picks_set_has(only, c->path)))
            name(out, c->path,
                 c->old_mode ? "changed in the project since the run began" : "was deleted in the project", &found);
    }
    for (size_t i = 0; i < n; i++)
        if (!v[i].met && (!only || picks_set_has(only, v[i].path)))
            name(out, v[i].path, "the project holds this already", &found);
    free(v);
    *ret_n = found;
    return 0;
}

int effects_seen_moved(const char *list, size_t len, const struct changes *now, const char *const *only, struct jw *out,
                       size_t *ret_n, struct err *e)
{
    AUTO(picks_set_fini) struct picks_set set = {0};
    int r = only ? picks_set_init(&set, only, e) : 0;

    return r < 0 ? r : moved(list, len, now, only ? &set : NULL, out, ret_n, e);
}
