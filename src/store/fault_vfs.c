/* fault_vfs - see fault_vfs.h. A VFS before the default one (sqlite.org/vfs.html): each file of ours holds one of its.
 *
 * May include: base, sqlite3.  Threads: any. */
#include "store/fault_vfs.h"

#ifdef SALLYPORT_FAULTS
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>
#include "base/fault_board.h"

struct file {
    sqlite3_file base;
    sqlite3_file *real; /* behind it, in the same memory */
};

static sqlite3_file *real(sqlite3_file *f)
{
    return ((struct file *)f)->real;
}

static bool fails(enum fault_class c)
{
    return fault_call(c, __builtin_return_address(0));
}

static int on_close(sqlite3_file *f)
{
    return real(f)->pMethods->xClose(real(f));
}

static int on_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return fails(FAULT_IOERR) ? SQLITE_IOERR_READ : real(f)->pMethods->xRead(real(f), p, n, at);
}

static int on_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    if (fails(FAULT_FULL))
        return SQLITE_FULL;
    return fails(FAULT_IOERR) ? SQLITE_IOERR_WRITE : real(f)->pMethods->xWrite(real(f), p, n, at);
}

static int on_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    return fails(FAULT_IOERR) ? SQLITE_IOERR_TRUNCATE : real(f)->pMethods->xTruncate(real(f), n);
}

static int on_sync(sqlite3_file *f, int flags)
{
    return fails(FAULT_IOERR) ? SQLITE_IOERR_FSYNC : real(f)->pMethods->xSync(real(f), flags);
}

static int on_size(sqlite3_file *f, sqlite3_int64 *n)
{
    return fails(FAULT_IOERR) ? SQLITE_IOERR_FSTAT : real(f)->pMethods->xFileSize(real(f), n);
}

static int on_lock(sqlite3_file *f, int kind)
{
    return fails(FAULT_BUSY) ? SQLITE_BUSY : real(f)->pMethods->xLock(real(f), kind);
}

static int on_unlock(sqlite3_file *f, int kind)
{
    return real(f)->pMethods->xUnlock(real(f), kind);
}

static int on_reserved(sqlite3_file *f, int *ret)
{
    return real(f)->pMethods->xCheckReservedLock(real(f), ret);
}

static int on_control(sqlite3_file *f, int op, void *arg)
{
    return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int on_sector(sqlite3_file *f)
{
    return real(f)->pMethods->xSectorSize(real(f));
}

static int on_device(sqlite3_file *f)
{
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int on_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
    return fails(FAULT_IOERR) ? SQLITE_IOERR_SHMMAP : real(f)->pMethods->xShmMap(real(f), page, size, extend, ret);
}

static int on_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    bool unlock = flags & SQLITE_SHM_UNLOCK;
    return !unlock && fails(FAULT_BUSY) ? SQLITE_BUSY : real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}

static void on_shm_barrier(sqlite3_file *f)
{
    real(f)->pMethods->xShmBarrier(real(f));
}

static int on_shm_unmap(sqlite3_file *f, int remove)
{
    return real(f)->pMethods->xShmUnmap(real(f), remove);
}

static int on_fetch(sqlite3_file *f, sqlite3_int64 at, int n, void **ret)
{
    return real(f)->pMethods->xFetch(real(f), at, n, ret);
}

static int on_unfetch(sqlite3_file *f, sqlite3_int64 at, void *p)
{
    return real(f)->pMethods->xUnfetch(real(f), at, p);
}

static const sqlite3_io_methods methods = {
    .iVersion = 3,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_reserved,
    .xFileControl = on_control,
    .xSectorSize = on_sector,
    .xDeviceCharacteristics = on_device,
    .xShmMap = on_shm_map,
    .xShmLock = on_shm_lock,
    .xShmBarrier = on_shm_barrier,
    .xShmUnmap = on_shm_unmap,
    .xFetch = on_fetch,
    .xUnfetch = on_unfetch,
};

static int on_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags, int *ret_flags)
{
    sqlite3_vfs *below = vfs->pAppData;
    struct file *ours = (struct file *)f;
    f->pMethods = NULL;
    if (fails(FAULT_IOERR))
        return SQLITE_CANTOPEN;
    ours->real = (sqlite3_file *)(ours + 1);
    int rc = below->xOpen(below, name, ours->real, flags, ret_flags);
    if (ours->real->pMethods)
        f->pMethods = &methods;
    return rc;
}

static sqlite3_mem_methods memory; /* SQLite's own */

static void *on_malloc(int n)
{
    return fails(FAULT_NOMEM) ? NULL : memory.xMalloc(n);
}

static void *on_realloc(void *p, int n)
{
    return fails(FAULT_NOMEM) ? NULL : memory.xRealloc(p, n);
}

static sqlite3_vfs vfs;

static void put_in(void)
{
    sqlite3_mem_methods ours;
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory);
    ours = memory;
    ours.xMalloc = on_malloc;
    ours.xRealloc = on_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
    sqlite3_vfs *below = sqlite3_vfs_find(NULL);
    vfs = *below;
    vfs.pNext = NULL;
    vfs.zName = "faults";
    vfs.szOsFile = (int)sizeof(struct file) + below->szOsFile;
    vfs.pAppData = below;
    vfs.xOpen = on_open;
    sqlite3_vfs_register(&vfs, 1);
}

void fault_vfs_use(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, put_in);
}
#else
void fault_vfs_use(void)
{
}
#endif
