/* file - small, careful file operations.
 *
 * Paths given by users or found in projects are opened only through
 * file_open_beneath (openat2(2) RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS), never as strings; a project itself, which was
 * made canonical when it was added, through dir_open_canonical (RESOLVE_NO_SYMLINKS).
 * All fds are O_CLOEXEC. Threads: any. */
#pragma once
#include <sys/types.h>
#include "base/buf.h"
#include "base/err.h"

void fd_close(int *fd);                                            /* for AUTO(fd_close); -1 is none; keeps errno */
CHECKED int fd_read_full(int fd, void *p, size_t n, struct err *); /* exactly n, else ERR_IO */
CHECKED int fd_write_full(int fd, const void *p, size_t n, struct err *);
CHECKED int fd_pread_full(int fd, void *p, size_t n, off_t at, struct err *);
/* n, or fewer at the end of the file. */
CHECKED int fd_pread_most(int fd, void *p, size_t n, off_t at, size_t *ret_n, struct err *);
CHECKED int fd_read_all(int fd, struct buf *out, struct err *); /* to end of file, bounded by out->max */

CHECKED int file_read(int dirfd, const char *path, struct buf *out, struct err *); /* path is trusted */
/* tmp + fsync + rename + fsync of the directory: after a crash the old or the new content. */
CHECKED int file_replace(int dirfd, const char *path, const void *p, size_t n, mode_t mode, struct err *);
/* The same, with its temporary name in another directory of the same file system, which dir_sweep can look at. */
CHECKED int file_replace_via(int tmpdirfd, int dirfd, const char *path, const void *p, size_t n, mode_t mode,
                             struct err *);
/* Removes what a file_replace left in a directory when it was killed. For who knows that none is under way there. */
void dir_sweep(int dirfd, const char *path);
/* mkdir -p below dirfd, mode 0700 for new ones; *ret_fd (may be NULL) is the directory. */
CHECKED int dir_make(int dirfd, const char *path, int *ret_fd, struct err *);
CHECKED int dir_sync(int fd, struct err *);
/* Removes a tree below dirfd without following links or crossing mounts; a missing one is no error.
 * Makes directories writable first where it owns them. */
CHECKED int dir_remove(int dirfd, const char *path, struct err *);

/* openat2 with RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS; `resolve` adds RESOLVE_* (e.g. RESOLVE_NO_SYMLINKS).
 * Returns fd or -1 with errno. */
CHECKED int file_open_beneath(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve);
/* Absolute, canonical (realpath) form of an existing directory; free() it. */
CHECKED int dir_canonical(const char *path, char **ret, struct err *);
/* Opens a directory by its canonical path, with O_RDONLY or O_PATH. A symbolic link in it was put there since, perhaps
 * by somebody who wants another directory opened with our rights: ELOOP. Returns fd or -1 with errno. */
CHECKED int dir_open_canonical(const char *path, int flags);
/* True when b is a or lies below it; both canonical. */
bool path_contains(const char *a, const char *b);
/* A relative path with no "", ".", "..", leading '/' or NUL: safe below a root by its text alone. */
bool path_is_plain(const char *rel);
