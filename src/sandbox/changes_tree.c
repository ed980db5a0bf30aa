/* changes_tree - see changes_tree.h.
 *
 * Nodes are found by (parent, name) in an open hash table. Dropping a subtree
 * (whiteout, opaque directory, file in its place) must not walk it: the
 * directory's epoch is raised, and children of an older epoch no longer count;
 * a stale node is taken up again when its name comes back.
 * May include: base, sandbox/layer.h.   Threads: one owner. */
#include "sandbox/changes_tree.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/fault.h"

#define BLOCK (64 * KIB)

struct block {
    struct block *next;
    size_t used, cap;
    max_align_t mem[];
};

struct arena {
    struct block *blocks;
    size_t left;
};

struct arena *arena_new(size_t max)
{
    struct arena *a = calloc(1, sizeof *a);
    if (a)
        a->left = max;
    return a;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    while (a->blocks) {
        struct block *b = a->blocks;
        a->blocks = b->next;
        free(b);
    }
    free(a);
}

static struct block *add_block(struct arena *a, size_t n)
{
    size_t cap = n > BLOCK ? n : BLOCK;
    if (cap > a->left)
        return NULL;
    struct block *b = FAULT(alloc) ? NULL : calloc(1, sizeof *b + cap);
    if (!b)
        return NULL;
    a->left -= cap;
    b->cap = cap;
    b->next = a->blocks;
    a->blocks = b;
    return b;
}

void *arena_get(struct arena *a, size_t n)
{
    size_t align = _Alignof(max_align_t);
    n = (n + align - 1) / align * align;
    struct block *b = a->blocks;
    if (!b || n > b->cap - b->used)
        b = add_block(a, n);
    if (!b)
        return NULL;
    char *p = (char *)b->mem + b->used;
    b->used += n;
    return p;
}

char *arena_str(struct arena *a, const char *p, size_t n)
{
    char *s = arena_get(a, n + 1);
    if (s)
        memcpy(s, p, n); /* the arena is zeroed: the NUL is there */
    return s;
}

/* --- the tree ------------------------------------------------------------------------------------ */

struct tree {
    struct arena *arena;
    struct tree_node root;
    struct tree_node **slot; /* open addressing, power of two, at most half full */
    size_t nslots, n, max;
};

int tree_new(struct arena *a, size_t max, struct tree **ret, struct err *e)
{
    AUTO_PTR(tree_free) struct tree *t = calloc(1, sizeof *t);
    if (!t)
        return err_oom(e);
    t->nslots = 256;
    t->slot = calloc(t->nslots, sizeof(struct tree_node *));
    if (!t->slot)
        return err_oom(e);
    t->arena = a;
    t->max = max;
    t->root.name = "";
    t->root.what = LAYER_DIR;
    t->root.live = true;
    *ret = TAKE(t);
    return 0;
}

void tree_free(struct tree *t)
{
    if (!t)
        return;
    free(t->slot);
    free(t);
}

struct tree_node *tree_root(struct tree *t)
{
    return &t->root;
}

/* FNV-1a over the name, started from the parent's address: names are chosen by untrusted code, but the address is not
 * theirs, so they cannot aim at one slot. */
static size_t hash_of(const struct tree_node *parent, const char *name, size_t len)
{
    uint64_t h = 14695981039346656037u ^ (uint64_t)(uintptr_t)parent;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)name[i]) * 1099511628211u;
    h ^= h >> 32;
    return (size_t)(h * 0x9e3779b97f4a7c15u >> 16);
}

static struct tree_node **find_slot(const struct tree *t, const struct tree_node *parent, const char *name, size_t len)
{
    size_t i = hash_of(parent, name, len) & (t->nslots - 1);
    for (; t->slot[i]; i = (i + 1) & (t->nslots - 1)) {
        const struct tree_node *n = t->slot[i];
        if (n->parent == parent && strncmp(n->name, name, len) == 0 && n->name[len] == '\0')
            break;
    }
    return &t->slot[i];
}

static int grow(struct tree *t, struct err *e)
{
    struct tree_node **old = t->slot;
    size_t nold = t->nslots;
    struct tree_node **bigger = FAULT(alloc) ? NULL : calloc(nold * 2, sizeof *bigger);
    if (!bigger)
        return err_oom(e);
    t->slot = bigger;
    t->nslots = nold * 2;
    for (size_t i = 0; i < nold; i++)
        if (old[i])
            *find_slot(t, old[i]->parent, old[i]->name, strlen(old[i]->name)) = old[i];
    free(old);
    return 0;
}

static bool counts(const struct tree_node *n)
{
    return n->live && n->born == n->parent->epoch;
}

struct tree_node *tree_child(const struct tree *t, const struct tree_node *dir, const char *name)
{
    struct tree_node *n = *find_slot(t, dir, name, strlen(name));
    return n && counts(n) ? n : NULL;
}

/* Nothing that was below counts any more. */
static void drop_below(struct tree_node *n)
{
    n->epoch++;
    n->first = NULL;
}

static int new_node(struct tree *t, struct tree_node *dir, const char *name, size_t len, struct tree_node **ret,
                    struct err *e)
{
    if (t->n >= t->max)
        return err_set(e, ERR_TOO_LARGE, "the run changed more than %zu files", t->max);
    if ((t->n + 1) * 2 > t->nslots) {
        int r = grow(t, e);
        if (r < 0)
            return r;
    }
    struct tree_node *n = arena_get(t->arena, sizeof *n);
    char *s = n ? arena_str(t->arena, name, len) : NULL;
    if (!s)
        return err_set(e, ERR_TOO_LARGE, "the names of the changed files need too much memory");
    n->name = s;
    n->parent = dir;
    *find_slot(t, dir, name, len) = n;
    t->n++;
    *ret = n;
    return 0;
}

/* The node of that name, new or taken up again; *ret_fresh when the layers below had nothing there. */
static int take_node(struct tree *t, struct tree_node *dir, const char *name, size_t len, struct tree_node **ret,
                     bool *ret_fresh, struct err *e)
{
    struct tree_node *n = *find_slot(t, dir, name, len);
    *ret_fresh = !n || !counts(n);
    if (!n) {
        int r = new_node(t, dir, name, len, &n, e);
        if (r < 0)
            return r;
    }
    if (*ret_fresh) {
        drop_below(n);
        n->live = true;
        n->born = dir->epoch;
        n->next = dir->first;
        dir->first = n;
    }
    *ret = n;
    return 0;
}

/* The directory that holds path: it was visited before, so it is there. */
static struct tree_node *dir_of(struct tree *t, const char *path, const char **ret_base)
{
    struct tree_node *dir = &t->root;
    for (const char *slash; (slash = strchr(path, '/')) != NULL; path = slash + 1) {
        dir = *find_slot(t, dir, path, (size_t)(slash - path));
        if (!dir)
            return NULL;
    }
    *ret_base = path;
    return dir;
}

struct adding {
    struct tree *tree;
    int layer;
    const struct layer_modes *modes;
};

static int add_entry(void *arg, const struct layer_entry *en, struct err *e)
{
    struct adding *a = arg;
    const char *base;
    struct tree_node *n, *dir = dir_of(a->tree, en->path, &base);
    bool fresh;
    if (!dir)
        return err_set(e, ERR_INTERNAL, "a layer was read out of order");
    int r = take_node(a->tree, dir, base, strlen(base), &n, &fresh, e);
    if (r < 0)
        return r;
    bool merges = en->what == LAYER_DIR && !en->opaque && (fresh || n->what == LAYER_DIR);
    if (!merges)
        drop_below(n);
    n->opaque = en->what == LAYER_DIR && (!merges || (!fresh && n->opaque));
    n->what = en->what;
    if (!merges || fresh || en->fail)
        n->fail = en->fail; /* else what a lower layer could not show stays unknown */
    n->layer = a->layer;
    n->mode = layer_modes_get(a->modes, en->path, en->st.st_mode);
    n->size = (int64_t)en->st.st_size;
    return 0;
}

int tree_add(struct tree *t, int layer, int upper, const struct layer_modes *modes, struct err *e)
{
    struct adding a = {.tree = t, .layer = layer, .modes = modes};
    return layer_walk(upper, "", 0, add_entry, &a, e);
}

/* The directory node of path's first len bytes: 1, 0 when that is no directory, negative. */
static int put_above(struct tree *t, int upper, const char *path, size_t len, const struct layer_modes *modes,
                     struct tree_node **dir, struct err *e)
{
    const char *base = memrchr(path, '/', len);
    size_t at = base ? (size_t)(base - path) + 1 : 0;
    struct tree_node *n = *find_slot(t, *dir, path + at, len - at);
    struct stat st;
    bool fresh;
    if (n && counts(n)) {
        *dir = n;
        return n->what == LAYER_DIR;
    }
    char *s = strndup(path, len);
    if (!s)
        return err_oom(e);
    int r = layer_stat(upper, s, &st) < 0
                ? (layer_shut(errno) ? 0 : err_sys(e, ERR_IO, "look at a directory of the copy"))
                : S_ISDIR(st.st_mode);
    if (r > 0 && (r = take_node(t, *dir, path + at, len - at, &n, &fresh, e)) == 0) {
        n->what = LAYER_DIR;
        n->mode = layer_modes_get(modes, s, st.st_mode);
        *dir = n;
        r = 1;
    }
    free(s);
    return r;
}

int tree_put(struct tree *t, int upper, const struct layer_entry *en, const struct layer_modes *modes, struct err *e)
{
    struct tree_node *n, *dir = &t->root;
    const char *base = en->path;
    bool fresh;
    for (const char *slash; (slash = strchr(base, '/')) != NULL; base = slash + 1) {
        int r = put_above(t, upper, en->path, (size_t)(slash - en->path), modes, &dir, e);
        if (r <= 0)
            return r;
    }
    int r = take_node(t, dir, base, strlen(base), &n, &fresh, e);
    if (r < 0)
        return r;
    n->what = en->what;
    n->fail = en->fail;
    n->mode = layer_modes_get(modes, en->path, en->st.st_mode);
    n->size = (int64_t)en->st.st_size;
    return 0;
}

const char *tree_path(struct arena *a, const struct tree_node *n)
{
    size_t len = 0;
    for (const struct tree_node *p = n; p->parent; p = p->parent)
        len += strlen(p->name) + (p->parent->parent != NULL);
    char *s = arena_get(a, len + 1);
    if (!s)
        return NULL;
    for (const struct tree_node *p = n; p->parent; p = p->parent) {
        size_t k = strlen(p->name);
        len -= k;
        memcpy(s + len, p->name, k);
        if (p->parent->parent)
            s[--len] = '/';
    }
    return s;
}
