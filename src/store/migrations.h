/* migrations - brings a database to the schema this build knows, and refuses a newer one.
 *
 * May include: base core.  Threads: the one that opens the store. */
#pragma once
#include "base/err.h"

struct db;

/* The version of the newest migration of this build. */
int64_t migrations_version(void);
/* All missing migrations in one transaction: the old schema or the new one, never between. `what` names the database
 * in messages. ERR_CONFIG: the database is newer than this build, or is somebody else's. */
CHECKED int migrations_run(struct db *, const char *what, struct err *);
