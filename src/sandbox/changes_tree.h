/* changes_tree - the layers of a run, laid over each other in memory.
 *
 * Why it exists: what the overlay showed at the end is the only thing that
 * counts; the layers below hold files that were replaced or deleted later.
 * May include: base, sandbox/layer.h.   Threads: one owner.
 *
 * Rules of Documentation/filesystems/overlayfs.rst: the topmost entry of a name wins; a directory over a directory
 * merges unless it is opaque; whatever covers a whiteout or a non-directory is opaque. */
#pragma once
#include "sandbox/layer.h"

/* Memory that is freed all at once; bounded. */
struct arena;
CHECKED struct arena *arena_new(size_t max);
void arena_free(struct arena *);
DEFINE_AUTO_PTR(struct arena, arena_free);
CHECKED void *arena_get(struct arena *, size_t n); /* zeroed; NULL when full or out of memory */
CHECKED char *arena_str(struct arena *, const char *p, size_t n);

struct tree_node {
    struct tree_node *parent, *first, *next; /* next: sibling; order is that of reading */
    const char *name;
    enum layer_what what;
    bool opaque;   /* directory: nothing of the project shows through */
    int fail;      /* directory whose content is unknown: errno */
    int layer;     /* index of the layer that holds it */
    uint32_t mode; /* st_mode as the run left it (what layer_unlock changed is undone here) */
    int64_t size;
    bool live;            /* internal: linked in its parent */
    uint32_t epoch, born; /* internal: a child counts only when born == parent's epoch */
};

struct tree;
/* Nodes live in the arena, only the index is freed by tree_free. */
CHECKED int tree_new(struct arena *, size_t max_nodes, struct tree **ret, struct err *);
void tree_free(struct tree *);
DEFINE_AUTO_PTR(struct tree, tree_free);
/* Lays one more layer on top. upper: its directory. */
CHECKED int tree_add(struct tree *, int layer, int upper, const struct layer_modes *, struct err *);
/* Puts one entry of a directory tree that is its only layer, with the directories above it as they are in `upper`.
 * Nothing happens where something above is no directory. */
CHECKED int tree_put(struct tree *, int upper, const struct layer_entry *, const struct layer_modes *, struct err *);
struct tree_node *tree_root(struct tree *);
/* Child of that name in the merged view (whiteouts too), or NULL. */
struct tree_node *tree_child(const struct tree *, const struct tree_node *dir, const char *name);
/* Path of a node; NULL when out of arena. The root is "". */
const char *tree_path(struct arena *, const struct tree_node *);
