/* store - durable state: one writer thread that groups transactions, readers in the caller's thread.
 *
 * Why it exists: state, event, audit record and queue row of one thing commit
 * together or not at all; what a client was told is on disk. Services see this
 * interface and the row headers (store/…_rows.h), never SQL: all of it is in store/sql.def, both dialects
 * side by side, so that PostgreSQL can follow without touching a service.
 * May include: base os core.
 * Threads: struct store: any. struct db: only inside the function it is lent to.
 *
 *   caller ── store_write(fn) ──► queue ──► writer thread:
 *       BEGIN; SAVEPOINT; fn a; RELEASE; SAVEPOINT; fn b; RELEASE; … COMMIT ──► callers wake ──► on_commit
 *
 * Transaction functions are pure and repeatable: they may run more than once (SQLITE_BUSY, a failed group), read and
 * write only through their db, and leave results in arg that count only after store_write returned 0. They never wait:
 * everybody else waits behind them. A negative return undoes what this function did and nothing else; the caller gets
 * it with its err.
 * SQLITE_FULL or an I/O error rolls the group back and fails every caller in it: ERR_STORAGE_FULL,
 * ERR_IO, ERR_OOM, ERR_CORRUPT. */
#pragma once
#include "base/err.h"
#include "base/id.h"

struct store;
struct db; /* one connection inside a transaction or read */
typedef int (*store_fn)(struct db *, void *arg, struct err *);

struct store_config {
    const char *path; /* SQLite file; made 0600, its directory 0700 when missing */
    int busy_ms;      /* how long another process' lock, or a free reader, is waited for: then ERR_BUSY. 0 = 5000 */
    bool full_sync;   /* synchronous=FULL (default of the server) instead of NORMAL */
    int max_group;    /* transactions per commit, 0 = 64 */
    int max_queued;   /* callers waiting, beyond: ERR_BUSY; 0 = 4096 */
    int max_readers;  /* reads at the same time, the next one waits; opened on demand; 0 = 8, at most 64 */
};
/* Opens or creates, migrates (schema_version; ERR_CONFIG when the schema is newer than this build knows, or the file is
 * a database of something else), starts the writer. */
CHECKED int store_open(const struct store_config *, struct store **ret, struct err *);
/* Finishes what is queued, then empties the log into the file. No call may be under way in another thread.
 * NULL is fine. */
void store_close(struct store *);
/* Waits for the commit. Not from inside a transaction function (ERR_INTERNAL), and not from inside a read that it waits
 * for. */
CHECKED int store_write(struct store *, store_fn, void *arg, struct err *);
/* A read on a pooled connection, inside one deferred transaction (one snapshot). Keep it short: a long one keeps the
 * log from being emptied. Writing in it is refused. A positive return of fn comes back as it is. */
CHECKED int store_read(struct store *, store_fn, void *arg, struct err *);
/* Called on the writer thread after each commit in which runs' streams grew, each run once: the hub's wake-up. The
 * callers were woken before. Must be short and must not call the store. Set before first use. */
void store_on_commit(struct store *, void (*fn)(void *arg, const struct id *runs, size_t n), void *arg);
/* A write function tells which stream it grew; delivered to on_commit after COMMIT (not when the function failed). */
void db_touch(struct db *, const struct id *run_id);
/* Counters for /metrics. failed: transactions that returned an error. */
struct store_stats {
    uint64_t commits, transactions, failed, reads;
    int64_t queued;              /* waiting for the writer now */
    int64_t readers;             /* connections open for reading */
    int64_t db_bytes, wal_bytes; /* sizes of the file and its log */
    int64_t schema_version;
};
void store_stats(struct store *, struct store_stats *ret);
CHECKED int store_check(struct store *, struct err *); /* a write and a read: /readyz */
