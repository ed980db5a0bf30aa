/* seed_priv - the record of a copy: one header, then an entry and its path for each name, in the order of the walk.
 *
 * Include only from seed*.c. Written by us and read by us, on one host: native byte order. */
#pragma once
#include "sandbox/seed.h"

#define SEED_MAGIC 0x31646565u
#define SEED_DIR   "layers/" SEED_LAYER

struct seed_head {
    uint32_t magic, zero;
    uint64_t n;
    int64_t bytes; /* on disk */
};

struct seed_stat {
    uint64_t ino;
    int64_t size, mtime_s, ctime_s;
    uint32_t mtime_ns, ctime_ns, mode, zero;
};

struct seed_entry {
    struct seed_stat project, copy; /* copy.mode 0: left out */
    uint32_t path_len, zero;
};

static inline struct seed_stat seed_stat_of(const struct stat *st)
{
    return (struct seed_stat){.ino = st->st_ino,
                              .size = S_ISREG(st->st_mode) ? st->st_size : 0,
                              .mtime_s = st->st_mtim.tv_sec,
                              .mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
                              .ctime_s = st->st_ctim.tv_sec,
                              .ctime_ns = (uint32_t)st->st_ctim.tv_nsec,
                              .mode = st->st_mode};
}
