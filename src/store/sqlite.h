/* sqlite - the SQLite backend of db.h.
 *
 * Why it exists: the one place that knows the SQLite library.
 * May include: base os.  Threads: a connection has one user at a time; connections are independent. */
#pragma once
#include "store/db.h"

struct sqlite_config {
    const char *path;
    int busy_ms;
    bool writer; /* else: a reader, which refuses to write */
    bool full_sync;
};
/* The directory of path (made 0700 when missing) and the file (made 0600, or tightened to it); a symbolic link, or a
 * directory others may write to, is refused. *ret_path: the canonical path, free() it. */
CHECKED int sqlite_place(const char *path, char **ret_path, struct err *);
CHECKED int sqlite_open(const struct sqlite_config *, struct db **ret, struct err *);
/* Switches the file to the write-ahead log; the writer does it once the schema is known to be ours. */
CHECKED int sqlite_use_wal(struct db *, struct err *);
/* Bytes of the file and of its log; looked at, never opened (see invariant 3 in sqlite.c). */
void sqlite_sizes(const char *path, int64_t *ret_db, int64_t *ret_log);
