/* keeper - the thread that keeps the data directory in bounds: watches the disk, compresses logs, applies retention.
 *
 * Why it exists: all of this is slow and none of it urgent until the disk is full; it must not take a worker, nor time
 * from who waits for an answer: the thread has the lowest priority for cpu and disk, and pauses between pieces.
 *
 *   each second    free space: tight ─► a pass at once
 *   each `every`   a pass: measure, compress, apply the rules
 *
 * May include: store core base os service/.   Threads: any. */
#pragma once
#include "service/disk.h"
#include "service/retention.h"

struct keeper;
/* Sets svc->keeper. Without a call nothing is measured, packed or removed. */
CHECKED int keeper_start(struct svc *, struct err *);
void keeper_stop(struct svc *); /* waits for its end; what is being compressed is left as it was */
/* A pass soon: somebody was refused for want of room. NULL is fine. */
void keeper_kick(struct keeper *);

/* Were new runs refused when the disk was last looked at (each second)? NULL: no. For a hint beside other answers. */
bool keeper_full(const struct keeper *);
/* The last measurement; zero before the first, and without a keeper. */
void keeper_usage(const struct keeper *, struct disk_usage *ret);
void keeper_totals(const struct keeper *, struct retention_done *ret); /* since the start */
/* The rules at once, in this thread; see retention_clean. */
CHECKED int keeper_clean(struct svc *, bool dry, struct jw *actions, struct retention_done *, struct err *);
/* {"rules","disk","done"} */
CHECKED int keeper_json(struct svc *, struct jw *, struct err *);

/* From the moment content is kept (artifacts_keep) until the row that names it is stored: nothing of that content is
 * removed meanwhile. NULL is fine. */
void keeper_blobs_hold(struct keeper *);
void keeper_blobs_release(struct keeper *);
/* Alone with the blobs. */
void keeper_blobs_alone(struct keeper *);
