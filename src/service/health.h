/* health - is this node able to work: store, disk.  (Whether a sandbox can be built is asked of main at start and by
 * doctor.)
 *
 * May include: store base os service/svc.h.   Threads: any. */
#pragma once
#include "service/svc.h"

/* 0, or why new work would fail now. */
CHECKED int ready_check(struct svc *, struct err *);
CHECKED int room_on_disk(const struct svc *, struct err *); /* ERR_DISK_FULL: no new runs */
void service_stats(struct svc *, struct store_stats *ret);
