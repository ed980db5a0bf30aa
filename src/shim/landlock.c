/* landlock - a second wall around the file system, built by the step's own process before it becomes the step.
 *
 * Why it exists: if the mount tree had a hole, writes would still be limited
 * to these few folders, and signals and abstract sockets to the step's own kind.
 * May include: base.   landlock(7), Documentation/userspace-api/landlock.rst.
 *
 * Network rights (ABI 4) are not taken: there is only lo, and test suites listen on it. */
#include "shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include "shim/sys.h"
#include "os/file.h"

/* Debian 12's header ends at ABI 2. */
enum {
    FS_EXECUTE = 1 << 0,
    FS_WRITE = 1 << 1,
    FS_READ = 1 << 2,
    FS_READ_DIR = 1 << 3,
    FS_MAKE_CHAR = 1 << 6,
    FS_MAKE_BLOCK = 1 << 11,
    FS_ALL_1 = (1 << 13) - 1,
    FS_REFER = 1 << 13,     /* ABI 2 */
    FS_TRUNCATE = 1 << 14,  /* ABI 3 */
    FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
};
enum { SCOPE_ABSTRACT_UNIX = 1 << 0, SCOPE_SIGNAL = 1 << 1 }; /* ABI 6 */

struct ruleset_attr {
    uint64_t fs, net, scoped;
};
struct path_attr {
    uint64_t access;
    int32_t fd;
} __attribute__((packed));

#define LOOK  (FS_EXECUTE | FS_READ | FS_READ_DIR)
#define ALL   (FS_ALL_1 | FS_REFER | FS_TRUNCATE | FS_IOCTL_DEV)
#define WRITE (ALL & ~(FS_MAKE_CHAR | FS_MAKE_BLOCK))

static const struct {
    const char *path;
    uint64_t access;
} rules[] = {
    {"/", LOOK},
    {"/workspace", WRITE},
    {"/tmp", WRITE},
    {"/home/agent", WRITE},
    {"/dev/shm", WRITE},
    {"/dev", LOOK | FS_WRITE | FS_TRUNCATE | FS_IOCTL_DEV}, /* the few devices there are */
    {"/proc", LOOK | FS_WRITE | FS_TRUNCATE}, /* own comm, oom_score_adj; /proc/sys is mounted read-only */
};

int landlock_abi(void)
{
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1u /* LANDLOCK_CREATE_RULESET_VERSION */);
}

static uint64_t known(int abi)
{
    uint64_t fs = FS_ALL_1;
    if (abi >= 2)
        fs |= FS_REFER;
    if (abi >= 3)
        fs |= FS_TRUNCATE;
    if (abi >= 5)
        fs |= FS_IOCTL_DEV;
    return fs;
}

static int add_rules(int ruleset, uint64_t fs)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        AUTO(fd_close) int fd = open(rules[i].path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct path_attr p = {rules[i].access & fs, fd};
        if (fd < 0 || syscall(SYS_landlock_add_rule, ruleset, 1 /* LANDLOCK_RULE_PATH_BENEATH */, &p, 0) < 0)
            return -1;
    }
    return 0;
}

int landlock_enter(void)
{
    int abi = landlock_abi();
    if (abi <= 0)
        return 0; /* decided before: check_filters in build.c */
    struct ruleset_attr a = {.fs = known(abi), .scoped = abi >= 6 ? SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL : 0};
    size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
    AUTO(fd_close) int rs = (int)syscall(SYS_landlock_create_ruleset, &a, size, 0);
    if (rs < 0 || add_rules(rs, a.fs) < 0)
        return -1;
    return (int)syscall(SYS_landlock_restrict_self, rs, 0);
}

int landlock_only(bool writes, bool signals)
{
    struct ruleset_attr a = {.fs = writes ? FS_WRITE : 0, .scoped = signals ? SCOPE_SIGNAL : 0};
    if (landlock_abi() < (signals ? 6 : 1)) {
        errno = ENOSYS;
        return -1;
    }
    AUTO(fd_close) int rs = (int)syscall(SYS_landlock_create_ruleset, &a, (size_t)(signals ? 24 : 8), 0);
    return rs < 0 ? -1 : (int)syscall(SYS_landlock_restrict_self, rs, 0);
}
