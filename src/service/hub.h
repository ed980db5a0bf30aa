/* hub - "this stream grew": wakes whoever follows a run.
 *
 * Why it exists: pull, don't push. The hub carries no data; a subscriber reads
 * from its own cursor, so a slow one costs nothing and loses nothing.
 * May include: base.   Threads: any.
 *
 * A callback runs under the hub's lock on the waking thread: it must be short
 * and must not call the hub (set a flag, write an eventfd, wake a stream).
 * After hub_leave returned, the callback is not running and will not run. */
#pragma once
#include "base/err.h"
#include "base/id.h"

struct hub;
struct hub_sub;
CHECKED int hub_new(size_t max_subs, struct hub **ret, struct err *);
void hub_free(struct hub *); /* no subscriber may be left */
CHECKED int hub_join(struct hub *, const struct id *run, void (*wake)(void *), void *arg, struct hub_sub **ret,
                     struct err *);
void hub_leave(struct hub *, struct hub_sub *); /* NULL is fine */
void hub_wake(struct hub *, const struct id *run);
size_t hub_count(struct hub *);

/* Work for workers: a queue row may be ready. */
void hub_work(struct hub *);
/* Waits until hub_work was called since `*seen` or timeout; updates *seen. */
void hub_wait_work(struct hub *, uint64_t *seen, int timeout_ms);
void hub_stop(struct hub *); /* wakes all waiting workers, for good */
bool hub_stopping(struct hub *);
/* Before that, perhaps: nothing new is claimed any more; who holds a run ends it. */
void hub_drain(struct hub *);
bool hub_draining(struct hub *);
