/* binds - host directories that are shown read-only at their own path (toolchains).
 *
 * Why it exists: in root mode their paths may lead through directories that only their owner may enter, and their files
 * may be readable by their owner only; so the host side opens them, and gives them the project's id map.
 * May include: base os sandbox/spec.h.   Host side (root mode) or init (user mode).
 *
 * The fd is opened without following any symbolic link, whoever may have put one there, and cloned from that fd. */
#include "shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include "base/str.h"
#include "os/file.h"
#include "shim/sys.h"

/* A bind shows what the server listed, but never the places rootfs.def is responsible for. */
static int allowed(const struct spw_spec *s, const char *path, struct err *e)
{
    static const char *const ours[] = {"/proc", "/dev", "/sys", "/workspace", "/shared", "/run"};
    for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
        if (path_contains(ours[i], path))
            return err_field(e, ERR_INVALID, "ro_binds", "%s cannot be shown inside a sandbox", path);
    }
    if (path[1] == 0 || path_contains(path, s->dir) || path_contains(s->dir, path))
        return err_field(e, ERR_INVALID, "ro_binds", "%s would show the data directory inside the sandbox", path);
    return 0;
}

static int open_one(const char *path, int ns, int *ret, struct err *e)
{
    /* Without O_NOFOLLOW, which would open a link at the end itself: openat2(2). */
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    /* Private: what is mounted on the copy must not be mounted on the host's place as well (build.c). */
    struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
                            .propagation = MS_PRIVATE};
    struct mount_attr map = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)ns};
    AUTO(fd_close) int at = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
    if (at < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP))
        return 0;
    if (at < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "open %s", path);
    /* With the host's privileges only this one mount: an id map needs every file system below to know them. */
    unsigned whole = ns < 0 ? AT_RECURSIVE : 0;
    AUTO(fd_close)
    int fd = (int)syscall(SYS_open_tree, at, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | whole);
    if (fd < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "open %s", path);
    if (sys_mount_setattr(fd, AT_EMPTY_PATH | whole, &ro) < 0)
        return err_sys(e, ERR_SANDBOX_FAILED, "make %s read-only", path);
    /* Without a map (network file systems) its files stay their owner's: what "others" may read is left. */
    if (ns >= 0)
        (void)sys_mount_setattr(fd, AT_EMPTY_PATH, &map);
    *ret = fd;
    fd = -1;
    return 0;
}

int bind_open(const struct spw_spec *s, size_t i, int ns, int *ret, struct err *e)
{
    *ret = -1;
    int r = allowed(s, s->ro_binds[i], e);
    return r < 0 ? r : open_one(s->ro_binds[i], ns, ret, e);
}
