/* writer - the one thread that writes: callers queue transaction functions, it commits them in groups.
 *
 * Why it exists: one fsync acknowledges many callers.
 * May include: base store/db.h.  Threads: writer_do any but the writer's own; the rest the owner's.
 *
 *   idle ──job──► BEGIN ──► SAVEPOINT, fn, RELEASE ──► … until nothing waits or max_group ──► COMMIT ──► callers wake
 *                              │ fn failed: ROLLBACK TO, RELEASE; the others go on               │
 *                              └ disk full, I/O: ROLLBACK, every caller of the group fails ◄─────┘ */
#pragma once
#include "store/db.h"
#include "store/store.h"

struct writer;
struct writer_config {
    int max_group, max_queued;
};
/* Takes db; starts the thread. On failure db stays the caller's. */
CHECKED int writer_new(struct db *, const struct writer_config *, struct writer **ret, struct err *);
/* Finishes what is queued, refuses what comes, closes db. NULL is fine. */
void writer_free(struct writer *);
CHECKED int writer_do(struct writer *, store_fn, void *arg, struct err *);
void writer_on_commit(struct writer *, void (*fn)(void *arg, const struct id *runs, size_t n), void *arg);
void writer_stats(struct writer *, struct store_stats *ret);
