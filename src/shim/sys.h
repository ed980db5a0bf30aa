/* sys - system calls the C library has no wrapper for (glibc 2.36), and constants newer than its headers.
 *
 * Why it exists: Debian 12's headers are those of Linux 6.1; the shim uses
 * what a newer kernel has, after asking it.
 * May include: the C library.   Threads: any. */
#pragma once
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* <sys/mount.h> and <linux/mount.h> cannot both be included with glibc 2.36: the calls are made here. */
static inline int sys_open_tree(int dirfd, const char *path, unsigned flags)
{
    return (int)syscall(SYS_open_tree, dirfd, path, flags);
}

static inline int sys_move_mount(int from, int to_dirfd, const char *to)
{
    return (int)syscall(SYS_move_mount, from, "", to_dirfd, to, MOVE_MOUNT_F_EMPTY_PATH);
}

static inline int sys_mount_setattr(int fd, unsigned flags, struct mount_attr *a)
{
    return (int)syscall(SYS_mount_setattr, fd, "", flags, a, sizeof(*a));
}

static inline int sys_fsopen(const char *fs)
{
    return (int)syscall(SYS_fsopen, fs, FSOPEN_CLOEXEC);
}

static inline int sys_fsconfig(int fd, unsigned cmd, const char *key, const char *value)
{
    return (int)syscall(SYS_fsconfig, fd, cmd, key, value, 0);
}

static inline int sys_fsmount(int fd, unsigned attr)
{
    return (int)syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attr);
}

static inline int sys_mount(const char *src, const char *dst, const char *fs, unsigned long flags, const char *data)
{
    return (int)syscall(SYS_mount, src, dst, fs, flags, data);
}

static inline int sys_umount(const char *dst, int flags)
{
    return (int)syscall(SYS_umount2, dst, flags);
}

static inline int sys_pivot_root(const char *new_root, const char *put_old)
{
    return (int)syscall(SYS_pivot_root, new_root, put_old);
}

static inline pid_t sys_clone3(struct clone_args *a)
{
    return (pid_t)syscall(SYS_clone3, a, sizeof(*a));
}

static inline int sys_pidfd_kill(int pidfd, int sig)
{
    return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

#ifndef MS_NOSUID
#define MS_RDONLY  1
#define MS_NOSUID  2
#define MS_NODEV   4
#define MS_NOEXEC  8
#define MS_REC     16384
#define MS_PRIVATE (1 << 18)
#endif
#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif
