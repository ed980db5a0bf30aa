/* fault_calls - the C library's calls, caught at the link (ld --wrap=NAME) so that a test can make any of them fail.
 *
 * Why it exists: what is caught where it is called can be forgotten at the next call. meson.build links this into the
 * two programs with -Dfaults=true; the C library's own calls inside of itself, and those of other libraries, are not
 * caught. May include: base.  Threads: any. */
#include "base/base.h"

#ifdef SALLYPORT_FAULTS
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "base/fault_board.h"

/* ret __wrap_name(parameters): `bad` when it must fail, with errno set to err; else the real one. */
#define WRAP(class, name, ret, bad, err, parameters, arguments)                                                        \
    ret __real_##name parameters;                                                                                      \
    ret __wrap_##name parameters;                                                                                      \
    ret __wrap_##name parameters                                                                                       \
    {                                                                                                                  \
        if (!fault_call(class, __builtin_return_address(0)))                                                           \
            return __real_##name arguments;                                                                            \
        errno = err;                                                                                                   \
        return bad;                                                                                                    \
    }

/* The same, for files only: a pipe or socket that takes nothing is no full disk. */
#define WRAP_FILE(class, name, ret, err, parameters, arguments)                                                        \
    ret __real_##name parameters;                                                                                      \
    ret __wrap_##name parameters;                                                                                      \
    ret __wrap_##name parameters                                                                                       \
    {                                                                                                                  \
        if (!is_file(fd) || !fault_call(class, __builtin_return_address(0)))                                           \
            return __real_##name arguments;                                                                            \
        errno = err;                                                                                                   \
        return -1;                                                                                                     \
    }

static bool is_file(int fd)
{
    struct stat st;
    int keep = errno;
    bool is = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    errno = keep;
    return is;
}

/* clang-format off */
WRAP(FAULT_ALLOC, malloc, void *, NULL, ENOMEM, (size_t n), (n))
WRAP(FAULT_ALLOC, calloc, void *, NULL, ENOMEM, (size_t n, size_t size), (n, size))
WRAP(FAULT_ALLOC, realloc, void *, NULL, ENOMEM, (void *p, size_t n), (p, n))
WRAP(FAULT_ALLOC, reallocarray, void *, NULL, ENOMEM, (void *p, size_t n, size_t size), (p, n, size))
WRAP(FAULT_ALLOC, strdup, char *, NULL, ENOMEM, (const char *s), (s))
WRAP(FAULT_ALLOC, strndup, char *, NULL, ENOMEM, (const char *s, size_t n), (s, n))
WRAP(FAULT_ALLOC, vasprintf, int, -1, ENOMEM, (char **p, const char *f, va_list ap), (p, f, ap))
WRAP_FILE(FAULT_WRITE, write, ssize_t, ENOSPC, (int fd, const void *p, size_t n), (fd, p, n))
WRAP_FILE(FAULT_WRITE, writev, ssize_t, ENOSPC, (int fd, const struct iovec *v, int n), (fd, v, n))
WRAP_FILE(FAULT_WRITE, pwrite, ssize_t, ENOSPC, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at))
WRAP_FILE(FAULT_WRITE, pwrite64, ssize_t, ENOSPC, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at))
WRAP(FAULT_FSYNC, fsync, int, -1, EIO, (int fd), (fd))
WRAP(FAULT_FSYNC, fdatasync, int, -1, EIO, (int fd), (fd))
WRAP(FAULT_FSYNC, syncfs, int, -1, EIO, (int fd), (fd))
WRAP(FAULT_NAME, mkdirat, int, -1, ENOSPC, (int fd, const char *n, mode_t m), (fd, n, m))
WRAP(FAULT_NAME, rename, int, -1, ENOSPC, (const char *a, const char *b), (a, b))
WRAP(FAULT_NAME, renameat, int, -1, ENOSPC, (int f, const char *a, int t, const char *b), (f, a, t, b))
WRAP(FAULT_NAME, renameat2, int, -1, ENOSPC, (int f, const char *a, int t, const char *b, unsigned x), (f, a, t, b, x))
WRAP(FAULT_NAME, linkat, int, -1, ENOSPC, (int f, const char *a, int t, const char *b, int x), (f, a, t, b, x))
WRAP(FAULT_NAME, symlinkat, int, -1, ENOSPC, (const char *a, int t, const char *b), (a, t, b))
WRAP(FAULT_FORK, fork, pid_t, -1, EAGAIN, (void), ())
WRAP(FAULT_FORK, posix_spawn, int, EAGAIN, EAGAIN,
     (pid_t *pid, const char *path, const posix_spawn_file_actions_t *a, const posix_spawnattr_t *t, char *const *v,
      char *const *e), (pid, path, a, t, v, e))
WRAP(FAULT_FORK, posix_spawnp, int, EAGAIN, EAGAIN,
     (pid_t *pid, const char *path, const posix_spawn_file_actions_t *a, const posix_spawnattr_t *t, char *const *v,
      char *const *e), (pid, path, a, t, v, e))
WRAP(FAULT_FORK, pthread_create, int, EAGAIN, EAGAIN,
     (pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg), (t, a, fn, arg))
/* clang-format on */

/* open and openat take a mode only with these flags: open(2). */
#define WRAP_OPEN(name, parameters, arguments)                                                                         \
    int __real_##name parameters;                                                                                      \
    int __wrap_##name parameters;                                                                                      \
    int __wrap_##name parameters                                                                                       \
    {                                                                                                                  \
        mode_t mode = 0;                                                                                               \
        va_list ap;                                                                                                    \
        if (fault_call(FAULT_OPEN, __builtin_return_address(0))) {                                                     \
            errno = EMFILE;                                                                                            \
            return -1;                                                                                                 \
        }                                                                                                              \
        va_start(ap, flags);                                                                                           \
        if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE)                                                       \
            mode = va_arg(ap, mode_t);                                                                                 \
        va_end(ap);                                                                                                    \
        return __real_##name arguments;                                                                                \
    }

WRAP_OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN(openat, (int fd, const char *path, int flags, ...), (fd, path, flags, mode))
WRAP_OPEN(openat64, (int fd, const char *path, int flags, ...), (fd, path, flags, mode))

/* What of syscall(2)'s calls belongs to a class, and its error; 0: none. */
static int system_call_class(long number, enum fault_class *ret)
{
    switch (number) {
    case SYS_openat2:
        *ret = FAULT_OPEN;
        return EMFILE;
    case SYS_clone3:
        *ret = FAULT_CLONE;
        return EAGAIN;
    case SYS_mount:
    case SYS_fsopen:
    case SYS_fsconfig:
    case SYS_fsmount:
    case SYS_open_tree:
    case SYS_move_mount:
    case SYS_mount_setattr:
    case SYS_pivot_root:
        *ret = FAULT_MOUNT;
        return ENOMEM;
    default:
        return 0;
    }
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
/* All six are read whatever was given, as syscall(2) itself does. */
__attribute__((no_sanitize("address"))) long __wrap_syscall(long number, ...)
{
    enum fault_class c;
    long a[6];
    va_list ap;
    int why = system_call_class(number, &c);
    if (why && fault_call(c, __builtin_return_address(0))) {
        errno = why;
        return -1;
    }
    va_start(ap, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(ap, long);
    va_end(ap);
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
#endif
