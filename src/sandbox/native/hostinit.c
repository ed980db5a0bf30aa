/* hostinit - makes room for limits below a delegated cgroup.
 *
 * Why it exists: cgroup v2 passes controllers to children only from groups that
 * hold no process themselves ("no internal processes", cgroup-v2.rst), and a
 * service starts in the very group that was delegated to it.
 *
 *   <delegated>/                     <delegated>/
 *     server          becomes          sallyport-server/   the server, and every shim it starts
 *                                      sallyport/<tenant>/<run>/   the limits of one sandbox (src/shim/cgroup.c)
 *
 * May include: base os.   Once, before threads. */
#include "sandbox/native/native.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "base/str.h"
#include "os/file.h"

#define CGROUP2_MAGIC 0x63677270
#define MOUNT         "/sys/fs/cgroup"

/* The directory of our own group; false where this is not a pure cgroup v2, or we are in its root. */
static bool own_group(char *ret, size_t cap)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(16 * KIB);
    struct statfs s;
    if (statfs(MOUNT, &s) < 0 || s.f_type != CGROUP2_MAGIC || file_read(AT_FDCWD, "/proc/self/cgroup", &b, NULL) < 0 ||
        !b.len || !str_starts(b.p, "0::/"))
        return false;
    const char *path = b.p + 3;
    size_t n = strcspn(path, "\n");
    b.p[3 + n] = 0;
    if (n <= 1 || str_starts(path, "/..") || str_ends(path, "/sallyport-server"))
        return false;
    int m = snprintf(ret, cap, MOUNT "%s", path);
    return m > 0 && (size_t)m < cap;
}

static bool alone_in(int group)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(16 * KIB);
    int64_t pid;
    if (file_read(group, "cgroup.procs", &b, NULL) < 0 || !b.len)
        return false;
    char *end = strchr(b.p, '\n');
    if (!end || end[1] != 0)
        return false; /* somebody else is here too: not ours to rearrange */
    *end = 0;
    return str_i64(b.p, &pid) && pid == getpid();
}

void sandbox_host_init(void)
{
    char path[PATH_MAX];
    if (!own_group(path, sizeof(path)))
        return;
    AUTO(fd_close) int group = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (group < 0 || faccessat(group, "cgroup.subtree_control", W_OK, AT_EACCESS) < 0 || !alone_in(group))
        return;
    if (mkdirat(group, "sallyport-server", 0755) < 0 && errno != EEXIST)
        return;
    AUTO(fd_close) int procs = openat(group, "sallyport-server/cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (procs >= 0)
        (void)!write(procs, "0", 1); /* refused: then there are no hard limits, and the probe says so */
}
