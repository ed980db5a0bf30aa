/* quota - the disk limit of a run kept by the kernel: a project quota on its layers.
 *
 * Why it exists: what is only measured can be over for a while; what the file system refuses never is.
 * May include: base os sandbox/.   Threads: any.
 *
 *   layers/ empty ─► project id of its own, inherited by all that is made below ─► limit ─► …steps… ─► limit removed
 *
 * In root mode, where the data directory's file system enforces project quotas (ext4, xfs: prjquota); elsewhere the
 * shim watches. A step cannot leave its project: only the first user namespace may change the id of a file (fs/ioctl.c,
 * fileattr_set_prepare), and the limit binds all without CAP_SYS_RESOURCE there.
 *
 * The id is kept by layers/ itself. It is ours when it is in our range; what has another belongs to a project of the
 * operator's and stays in it. An id is taken before it is looked at, so of two who take the same one none keeps it. */
#include "sandbox/native/native.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/quota.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/str.h"
#include "os/file.h"

#define IDS   0x70000000u /* and the 24 bits below; the range of spw_host_id */
#define TRIES 16
#define UNIT  512 /* bytes of a "basic block" of struct fs_disk_quota */

/* The calls of xfs: ext4 answers them too (fs/quota/quota.c), and they hold 64 bits in fixed units. quotactl_fd(2) is
 * of Linux 5.14. */
static int quota_call(int fd, int cmd, uint32_t id, void *p)
{
    return (int)syscall(SYS_quotactl_fd, fd, QCMD(cmd, PRJQUOTA), id, p);
}

static bool enforced(int fd)
{
    struct fs_quota_statv s = {.qs_version = FS_QSTATV_VERSION1};
    return quota_call(fd, Q_XGETQSTATV, 0, &s) == 0 && (s.qs_flags & FS_QUOTA_PDQ_ENFD);
}

static bool ours(const struct fsxattr *x)
{
    return (x->fsx_projid & 0xff000000u) == IDS && (x->fsx_xflags & FS_XFLAG_PROJINHERIT);
}

static bool empty(int fd)
{
    int n = 0, copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    if (!d) {
        fd_close(&copy);
        return false;
    }
    while (n < 3 && readdir(d))
        n++;
    closedir(d);
    return n == 2; /* "." and ".." */
}

/* Nothing but the directory that has just got this id, and no limit. */
static bool alone(int fd, uint32_t id)
{
    struct fs_disk_quota q = {0};
    return quota_call(fd, Q_XGETQUOTA, id, &q) == 0 && q.d_icount == 1 && !q.d_blk_hardlimit && !q.d_ino_hardlimit;
}

static bool take_id(int fd, const char *run_id, struct fsxattr *x)
{
    const struct fsxattr before = *x;
    char name[128];
    for (int i = 0; i < TRIES; i++) {
        snprintf(name, sizeof(name), i ? "%s.%d" : "%s", run_id, i);
        x->fsx_projid = spw_host_id(name);
        x->fsx_xflags |= FS_XFLAG_PROJINHERIT;
        if (ioctl(fd, FS_IOC_FSSETXATTR, x) < 0)
            return false;
        if (alone(fd, x->fsx_projid))
            return true;
    }
    *x = before;
    (void)ioctl(fd, FS_IOC_FSSETXATTR, x);
    return false;
}

bool native_quota_take(const char *run_dir, const char *run_id, int *ret_layers, uint32_t *ret_id)
{
    struct fsxattr x;
    int layers = -1;
    AUTO(fd_close) int dir = geteuid() == 0 ? open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (dir < 0 || !enforced(dir) || dir_make(dir, "layers", &layers, NULL) < 0)
        return false;
    bool ok = ioctl(layers, FS_IOC_FSGETXATTR, &x) == 0;
    if (ok && !ours(&x)) /* what is in it already would not be counted */
        ok = x.fsx_projid == 0 && empty(layers) && take_id(layers, run_id, &x);
    if (!ok) {
        close(layers);
        return false;
    }
    *ret_layers = layers;
    *ret_id = x.fsx_projid;
    return true;
}

static int set_limit(int fd, uint32_t id, uint64_t blocks, uint64_t inodes)
{
    struct fs_disk_quota q = {.d_version = FS_DQUOT_VERSION,
                              .d_flags = FS_PROJ_QUOTA,
                              .d_fieldmask = FS_DQ_BHARD | FS_DQ_IHARD,
                              .d_id = id,
                              .d_blk_hardlimit = blocks,
                              .d_ino_hardlimit = inodes};
    return quota_call(fd, Q_XSETQLIM, id, &q);
}

bool native_quota_limit(const char *run_dir, const char *run_id, int64_t bytes)
{
    AUTO(fd_close) int layers = -1;
    struct fs_disk_quota q = {0};
    uint32_t id;
    uint64_t blocks = (uint64_t)bytes / UNIT, inodes = (uint64_t)(bytes / spw_name_bytes(0));
    if (bytes <= 0 || !native_quota_take(run_dir, run_id, &layers, &id))
        return false;
    if (set_limit(layers, id, blocks, inodes) == 0 && quota_call(layers, Q_XGETQUOTA, id, &q) == 0 &&
        q.d_blk_hardlimit == blocks && q.d_ino_hardlimit == inodes)
        return true;
    (void)set_limit(layers, id, 0, 0);
    return false;
}

void native_quota_remove(int shim)
{
    struct fsxattr x;
    AUTO(fd_close)
    int layers = geteuid() == 0 ? openat(shim, "../layers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (layers >= 0 && ioctl(layers, FS_IOC_FSGETXATTR, &x) == 0 && ours(&x))
        (void)set_limit(layers, x.fsx_projid, 0, 0);
}

bool native_quota_on(const char *path)
{
    char at[PATH_MAX];
    if (geteuid() != 0 || !str_copy(at, sizeof(at), path))
        return false;
    for (;;) {
        AUTO(fd_close) int fd = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char *slash = strrchr(at, '/');
        if (fd >= 0)
            return enforced(fd);
        if (errno != ENOENT || !slash || slash == at)
            return false;
        *slash = 0; /* it is not made yet: where it will be */
    }
}
