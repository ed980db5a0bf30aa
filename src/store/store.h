/* store - durable state: one writer thread that groups transactions, readers in the caller's thread.
 *
 * Why it exists: state, event, audit record and queue row of one thing commit
 * together or not at all; what a client was told is on disk. Services see this
 * interface and the row headers (store/…_rows.h), never SQL: all of it is in store/sql.def, both dialects
 * side by side, so that PostgreSQL can follow without touching a service.
 * May include: base os core.
 * Threads: struct store: any. struct db: only inside the function it is lent to.
 *
 *   caller ── store_write(fn) ──► queue ──► writer thread: BEGIN; SAVEPOINT a; fn a; RELEASE; SAVEPOINT b; … COMMIT ──► callers wake
 *
 * Transaction functions are pure and repeatable: they may run more than once (SQLITE_BUSY, a failed group), read and write
 * only through their db, and leave results in arg that count only after store_write returned 0.
 * SQLITE_FULL or an I/O error rolls the group back and fails every caller in it. */
#pragma once
#include "base/err.h"
#include "base/id.h"

struct store;
struct db;                       /* one connection inside a transaction or read */
typedef int (*store_fn)(struct db *, void *arg, struct err *);

struct store_config {
    const char *path;            /* SQLite file */
    int busy_ms;                 /* 0 = 5000 */
    bool full_sync;              /* synchronous=FULL (default of the server) instead of NORMAL */
    int max_group;               /* transactions per commit, 0 = 64 */
    int max_queued;              /* callers waiting, beyond: ERR_BUSY; 0 = 4096 */
};
/* Opens or creates, migrates (schema_version; a newer schema than this build knows is refused), starts the writer. */
CHECKED int store_open(const struct store_config *, struct store **ret, struct err *);
void store_close(struct store *);                             /* finishes what is queued */
CHECKED int store_write(struct store *, store_fn, void *arg, struct err *);
/* A read on a pooled connection, inside one deferred transaction. */
CHECKED int store_read(struct store *, store_fn, void *arg, struct err *);
/* Called on the writer thread after each commit in which runs' streams grew: the hub's wake-up. Set before first use. */
void store_on_commit(struct store *, void (*fn)(void *arg, const struct id *runs, size_t n), void *arg);
/* A write function tells which stream it grew; delivered to on_commit after COMMIT. */
void db_touch(struct db *, const struct id *run_id);
/* {"path","schema_version","wal_bytes",…}: counters for /metrics. */
struct store_stats { uint64_t commits, transactions, failed, reads; int64_t queued; };
void store_stats(struct store *, struct store_stats *ret);
CHECKED int store_check(struct store *, struct err *);        /* a write and a read: /readyz */
