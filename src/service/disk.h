/* disk - what the data directory holds, and how much room there is.
 *
 * Why it exists: a full disk is found out before work is accepted that it could not keep.
 * May include: base os service/svc.h.   Threads: any. */
#pragma once
#include "service/svc.h"

enum disk_kind { DISK_LOGS, DISK_ARTIFACTS, DISK_LAYERS, DISK_RUNS, DISK_DATABASE, DISK_OTHER, DISK_NKINDS };
const char *disk_kind_name(int kind); /* "logs" "artifacts" "layers" "runs" "database" "other" */

struct disk_usage {
    int64_t bytes[DISK_NKINDS]; /* as allocated; a file of several names counts once */
    int64_t total;
    int64_t measured_us, took_us;
};
/* Walks the data directory. What vanishes meanwhile does not count. */
CHECKED int disk_measure(int data_fd, struct disk_usage *ret, struct err *);
/* Allocated bytes below a directory, without files that have another name (an artifact's): what removing it frees; 0
 * when there is none. */
int64_t disk_tree_bytes(int dirfd, const char *path);

/* DATA/reserve: room for what must be written on a disk that is full to the last byte: without a commit nothing can be
 * removed in good order either. An eighth of min_free, 16 MiB at most; none without min_free. */
#define DISK_RESERVE "reserve"
/* Gives the room back when less than a MiB is free: true when it did. Nothing is needed for it but the directory. */
bool disk_reserve_spend(int data_fd);
/* Takes it (again); when there is too little room it is left for later. */
void disk_reserve_take(const struct svc *);

enum disk_level { DISK_OK, DISK_TIGHT, DISK_REFUSE };
struct disk_room {
    enum disk_level level;
    int64_t free_bytes, total_bytes; /* of the file system; -1: it does not say */
    int64_t used_bytes;              /* of the data directory, when it was last measured */
    char why[256];                   /* a sentence, unless OK */
};
/* min_free (with it, a thousand more files) and disk_budget against what is there. TIGHT: a quarter more than min_free
 * is left, or less than a twentieth of the budget: the rules of retention are applied early. */
void disk_room(const struct svc *, struct disk_room *ret);
