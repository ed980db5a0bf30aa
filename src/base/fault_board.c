/* fault_board - see fault_board.h. Nothing here may allocate: it is called from within malloc.
 *
 * May include: base.  Threads: any; the role is set while there is one. */
#include "base/fault_board.h"

#ifdef SALLYPORT_FAULTS
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/fault.h"

static const char *const names[FAULT_CLASSES] = {
    [FAULT_ALLOC] = "alloc", [FAULT_WRITE] = "write", [FAULT_FSYNC] = "fsync", [FAULT_OPEN] = "open",
    [FAULT_NAME] = "name",   [FAULT_FORK] = "fork",   [FAULT_CLONE] = "clone", [FAULT_MOUNT] = "mount",
    [FAULT_BUSY] = "busy",   [FAULT_FULL] = "full",   [FAULT_IOERR] = "ioerr", [FAULT_NOMEM] = "nomem",
};

static struct fault_slot *board;
static struct fault_slot *_Atomic slots[FAULT_CLASSES]; /* of this process's role; NULL: not counted */

extern const char __executable_start; /* of the linker: ld(1) */

static void open_board(void)
{
    const char *path = getenv("SALLYPORT_FAULT_BOARD");
    if (!path || board)
        return;
    size_t n = FAULT_SLOTS * sizeof *board;
    int fd = openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    void *p = fd < 0 ? MAP_FAILED : mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED || strcmp(((struct fault_slot *)p)->name, FAULT_BOARD_MAGIC) != 0)
        abort(); /* a test that believes in faults which never come would prove nothing */
    close(fd);
    board = p;
}

void fault_role(const char *role)
{
    size_t n = strlen(role);
    (void)fault_hit(""); /* it allocates, the first time: that is no call of the program */
    for (int c = 0; c < FAULT_CLASSES; c++)
        atomic_store(&slots[c], NULL);
    open_board();
    for (size_t i = 1; board && i < FAULT_SLOTS; i++)
        for (int c = 0; c < FAULT_CLASSES; c++)
            if (strncmp(board[i].name, role, n) == 0 && board[i].name[n] == '/' &&
                strcmp(board[i].name + n + 1, names[c]) == 0)
                atomic_store(&slots[c], &board[i]);
}

bool fault_call(enum fault_class c, const void *from)
{
    struct fault_slot *s = atomic_load(&slots[c]);
    if (!s)
        return false;
    uint64_t n = atomic_fetch_add(&s->reached, 1) + 1, at = atomic_load(&s->fire_at);
    if (at == 0 || n < at || n - at >= atomic_load(&s->fire_n))
        return false;
    s->where = (uint64_t)((uintptr_t)from - (uintptr_t)&__executable_start);
    s->pid = getpid();
    atomic_fetch_add(&s->fired, 1);
    return true;
}
#endif
