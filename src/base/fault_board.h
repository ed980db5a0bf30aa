/* fault_board - which calls of server, shim, init and command line a test makes fail, and what was reached.
 *
 * Why it exists: to fail each allocation, write, fork ... one by one, it must be known how many there are, over several
 * processes that start, copy themselves and die. So the counters are in a file that all of them map, and that the test
 * reads and sets while they run (tests/faults/sweep.py). Only with -Dfaults=true.
 *
 *   SALLYPORT_FAULT_BOARD   the file: slots, the first named FAULT_BOARD_MAGIC, unused ones empty
 *   slot "role/class"       counts the calls of this class in processes of this role; those from fire_at on, fire_n of
 *                           them, fail as if the system had (the first is 1; 0: none)
 *
 * The calls themselves are caught at the link (fault_calls.c; SQLite's in store/fault_vfs.c), so no place is forgotten.
 * May include: base.  Threads: any. */
#pragma once
#include "base/base.h"

#ifdef SALLYPORT_FAULTS
#include <stdatomic.h>

#define FAULT_BOARD_MAGIC "SPFAULT1"
#define FAULT_SLOTS       64
struct fault_slot {
    char name[32];
    _Atomic uint64_t reached, fire_at, fire_n, fired;
    uint64_t where; /* of the last that fired: its place in the program, as addr2line(1) takes it */
    int64_t pid;
};

enum fault_class {
    FAULT_ALLOC, /* malloc(3) and its like: ENOMEM */
    FAULT_WRITE, /* to a regular file: ENOSPC */
    FAULT_FSYNC, /* EIO */
    FAULT_OPEN,  /* EMFILE */
    FAULT_NAME,  /* making, moving, linking names: ENOSPC */
    FAULT_FORK,  /* processes and threads: EAGAIN */
    FAULT_CLONE, /* of a sandbox: EAGAIN */
    FAULT_MOUNT, /* every call of the mount API: ENOMEM */
    FAULT_BUSY,  /* SQLITE_BUSY from a lock */
    FAULT_FULL,  /* SQLITE_FULL from a write */
    FAULT_IOERR, /* SQLITE_IOERR from a read, write or sync */
    FAULT_NOMEM, /* SQLITE_NOMEM */
    FAULT_CLASSES
};

/* From here on this process is counted under that name; a copy of it, too. */
void fault_role(const char *role);
/* Counts; true: this one must fail. `from`: where it was called. */
bool fault_call(enum fault_class, const void *from);
#define FAULT_ROLE(name) fault_role(#name)
#else
#define FAULT_ROLE(name) ((void)0)
#endif
