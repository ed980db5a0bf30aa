/* seed_read - see seed.h: what the run changed in the copy, and where the project moved on.
 *
 * May include: base os.   Threads: one owner. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/str.h"
#include "os/file.h"
#include "sandbox/changes_priv.h"
#include "sandbox/seed_priv.h"

#define RECORD_MAX (2 * GIB + MIB)

struct ref {
    const char *path;
    const char *at; /* its entry; not aligned */
};

struct seed {
    struct buf text;
    struct ref *ref; /* by path */
    size_t n;
    int64_t bytes;
};

static int read_head(const char *run_dir, int *ret_fd, struct seed_head *ret, struct err *e)
{
    char *path = str_printf("%s/" SEED_DIR "/seed", run_dir);
    if (!path)
        return err_oom(e);
    AUTO(fd_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int sys = errno;
    free(path);
    if (fd < 0 && (sys == ENOENT || sys == ENOTDIR))
        return 0;
    if (fd < 0)
        return err_sys(e, ERR_IO, "open the record of the copy");
    int r = fd_pread_full(fd, ret, sizeof *ret, 0, e);
    if (r < 0 || ret->magic != SEED_MAGIC)
        return err_set(e, ERR_CORRUPT, "the record of the project's copy is damaged");
    *ret_fd = fd;
    fd = -1;
    return 1;
}

int seed_made(const char *run_dir, int64_t *ret_bytes, struct err *e)
{
    struct seed_head h;
    AUTO(fd_close) int fd = -1;
    int r = read_head(run_dir, &fd, &h, e);
    if (r > 0)
        *ret_bytes = h.bytes;
    return r;
}

void seed_free(struct seed *s)
{
    if (!s)
        return;
    buf_fini(&s->text);
    free(s->ref);
    free(s);
}

static struct seed_entry entry_of(const struct ref *r)
{
    struct seed_entry en;
    memcpy(&en, r->at, sizeof en);
    return en;
}

static int by_path(const void *a, const void *b)
{
    return changes_path_cmp(((const struct ref *)a)->path, ((const struct ref *)b)->path);
}

static int parse(struct seed *s, uint64_t count, struct err *e)
{
    const char *p = s->text.p + sizeof(struct seed_head), *end = s->text.p + s->text.len;
    if (count > s->text.len / sizeof(struct seed_entry))
        return err_set(e, ERR_CORRUPT, "the record of the project's copy is damaged");
    s->ref = calloc((size_t)count + 1, sizeof *s->ref);
    if (!s->ref)
        return err_oom(e);
    while (s->n < count && (size_t)(end - p) > sizeof(struct seed_entry)) {
        struct ref r = {.at = p, .path = p + sizeof(struct seed_entry)};
        size_t len = entry_of(&r).path_len, left = (size_t)(end - r.path);
        if (len >= left || r.path[len] != '\0' || strlen(r.path) != len)
            break;
        s->ref[s->n++] = r;
        p = r.path + len + 1;
    }
    if (s->n != count || p != end)
        return err_set(e, ERR_CORRUPT, "the record of the project's copy is damaged");
    if (s->n > 0)
        qsort(s->ref, s->n, sizeof *s->ref, by_path);
    return 0;
}

int seed_load(const char *run_dir, struct seed **ret, struct err *e)
{
    struct seed_head h;
    AUTO(fd_close) int fd = -1;
    AUTO_PTR(seed_free) struct seed *s = calloc(1, sizeof *s);
    if (!s)
        return err_oom(e);
    int r = read_head(run_dir, &fd, &h, e);
    if (r == 0)
        r = err_set(e, ERR_CORRUPT, "the record of the project's copy is gone");
    if (r < 0)
        return r;
    s->text = BUF_INIT(RECORD_MAX);
    s->bytes = h.bytes;
    r = fd_read_all(fd, &s->text, e);
    if (r == 0)
        r = parse(s, h.n, e);
    if (r == 0)
        *ret = TAKE(s);
    return r;
}

static const struct ref *find(const struct seed *s, const char *path)
{
    struct ref key = {.path = path};
    return s->n ? bsearch(&key, s->ref, s->n, sizeof *s->ref, by_path) : NULL;
}

static bool same(const struct seed_stat *a, const struct stat *st)
{
    struct seed_stat b = seed_stat_of(st);
    return memcmp(a, &b, sizeof b) == 0;
}

bool seed_moved(const struct seed *s, const char *path, const struct stat *now)
{
    const struct ref *r = find(s, path);
    if (!r)
        return now != NULL;
    struct seed_entry en = entry_of(r);
    if (!now)
        return true;
    if (S_ISDIR(en.project.mode) && S_ISDIR(now->st_mode)) /* what is in it counts for itself */
        return en.project.mode != now->st_mode;
    return !same(&en.project, now);
}

/* ---- the copy against the record ---- */

struct reading {
    const struct seed *seed;
    const struct layer_modes *modes;
    struct tree *tree;
    int upper;
    bool *seen; /* per ref: still there */
};

static bool untouched(const struct reading *g, const struct ref *r, const struct layer_entry *en)
{
    struct seed_entry rec = entry_of(r);
    if (S_ISDIR(en->st.st_mode))
        return rec.copy.mode == layer_modes_get(g->modes, en->path, en->st.st_mode);
    return same(&rec.copy, &en->st);
}

static int put_entry(void *arg, const struct layer_entry *en, struct err *e)
{
    struct reading *g = arg;
    const struct ref *r = find(g->seed, en->path);
    if (r)
        g->seen[r - g->seed->ref] = true;
    if (r && untouched(g, r, en) && en->fail == 0)
        return 0;
    return tree_put(g->tree, g->upper, en, g->modes, e);
}

/* Names that are gone: the topmost of a tree is enough, what was below went with it. */
static int put_gone(struct reading *g, struct err *e)
{
    const char *top = NULL;
    size_t n = 0;
    int r = 0;
    for (size_t i = 0; i < g->seed->n && r == 0; i++) {
        const struct ref *ref = &g->seed->ref[i];
        struct seed_entry en = entry_of(ref);
        if (g->seen[i] || en.copy.mode == 0)
            continue;
        if (top && strncmp(ref->path, top, n) == 0 && ref->path[n] == '/')
            continue;
        struct layer_entry gone = {.path = ref->path, .what = LAYER_WHITEOUT};
        r = tree_put(g->tree, g->upper, &gone, g->modes, e);
        top = ref->path;
        n = strlen(top);
    }
    return r;
}

int seed_tree(const struct seed *s, int upper, const struct layer_modes *modes, struct tree *tree, struct err *e)
{
    struct reading g = {.seed = s, .modes = modes, .tree = tree, .upper = upper};
    g.seen = calloc(s->n + 1, sizeof *g.seen);
    if (!g.seen)
        return err_oom(e);
    int r = layer_walk(upper, "", LAYER_PLAIN, put_entry, &g, e);
    if (r == 0)
        r = put_gone(&g, e);
    free(g.seen);
    return r;
}
