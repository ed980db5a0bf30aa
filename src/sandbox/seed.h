/* seed - a copy of the project for one run, and what the run changed in it.
 *
 * Why it exists: an overlay cannot rename a directory that comes from below
 * (EXDEV). A project whose tools need that (`git mv`, os.rename) is copied for
 * each run instead; the doors stay the same.
 * May include: base os.   Threads: one owner.
 *
 *   layers/copy/upper   the copy: /workspace of every step of the run
 *   layers/copy/seed    of each entry: what the project had, and what the copy looked like when it was made
 *
 * Changes are found without reading what did not change: an entry whose inode, size, times and mode are those of the
 * record is as it was, because nothing inside a sandbox can set a ctime. Everything else is compared by content. The
 * project moved on where its own entry is not what the record says any more. */
#pragma once
#include "base/err.h"
#include "sandbox/changes_tree.h"

#define SEED_LAYER "copy"

struct seed_in {
    const char *project_root, *run_dir; /* sandbox.h layout; layers/ is there */
    uint32_t host_id;                   /* root mode: whom files of the project's owner belong to in the copy */
    int64_t min_free;                   /* bytes of the run's file system that must stay free */
    bool (*stop)(void *arg);            /* asked at each entry; true: ERR_CANCELED. May be NULL */
    void *arg;
};
/* Copies the project: links between files, holes, times and attributes kept, extents shared where the file system can.
 * What cannot be read, sockets, devices and other file systems are left out, and left alone. An earlier attempt that
 * was cut short is begun again. Names are owned as steps of this run need them (root mode). */
CHECKED int seed_make(const struct seed_in *, struct err *);

/* 1 the copy is there (*ret_bytes: what it takes on disk), 0 not, negative. */
CHECKED int seed_made(const char *run_dir, int64_t *ret_bytes, struct err *);

struct seed;
CHECKED int seed_load(const char *run_dir, struct seed **ret, struct err *);
void seed_free(struct seed *);
DEFINE_AUTO_PTR(struct seed, seed_free);
/* The project's entry at path (NULL: nothing is there) is not what was copied. */
bool seed_moved(const struct seed *, const char *path, const struct stat *now);
/* What the run changed in the copy, as one layer on an empty tree: only what may differ, and whiteouts. */
CHECKED int seed_tree(const struct seed *, int upper, const struct layer_modes *, struct tree *, struct err *);
