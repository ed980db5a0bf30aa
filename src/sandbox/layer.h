/* layer - careful reading below a directory nobody may be trusted about.
 *
 * Why it exists: a sealed upper layer was written by untrusted code, and the
 * project may be changed by anybody while it is read. Both are read with the
 * same few calls: no link is followed, no mount is crossed, a FIFO or device
 * is never opened, and a path may be longer than PATH_MAX.
 * May include: base os.   Threads: any; every call works on its arguments only.
 *
 * Paths: relative, raw bytes, plain (no "", ".", ".."); "" is the root itself.
 * openat2(2): RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV.
 * Layers: kernel Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories". */
#pragma once
#include <sys/stat.h>
#include "base/err.h"
#include "base/hash.h"

#define LAYER_MAX_DEPTH 512                 /* components of a path; deeper ones are refused by name */
#define LAYER_MAX_FILE  ((int64_t)16 << 30) /* apparent size; a sparse terabyte would take an hour to hash */
#define LAYER_TMP       ".sallyport-"       /* temporary names in a project begin so */

/* Opens `path` below root for reading its name or content. -1 with errno: ELOOP a link is on the way,
 * EXDEV a mount is, ENOENT, ENOTDIR, … */
CHECKED int layer_open(int root, const char *path, int flags);
/* The directory that holds `path` (O_PATH fd) and the last component, which points into path. -1 with errno. */
CHECKED int layer_parent(int root, const char *path, const char **ret_base);
/* lstat. 0, or -1 with errno. */
CHECKED int layer_stat(int root, const char *path, struct stat *ret);
/* Opens a regular file for reading; refuses everything else with EINVAL before it is opened. *ret as fstat says. */
CHECKED int layer_open_file(int root, const char *path, struct stat *ret);
/* The target of a link, NUL-terminated; free() it. NULL with errno. */
CHECKED char *layer_link(int root, const char *path);

/* What a failed call said about the path: it is not there; it is not to be had (not there, not ours to read, beyond a
 * mount or a limit). Any other errno (EMFILE, ENOMEM, EIO) is a failure of ours, from which nothing follows about the
 * path: to take it for an answer would invent a conflict, or lose a change. */
bool layer_gone(int sys);
bool layer_shut(int sys);

/* Hash of the content of an open regular file; holes are not read. Of a file over LAYER_SPARSE_FROM that has blocks of
 * zeros, they are not hashed either (gigabytes of them would take as many seconds): the hash is over its size, where
 * these blocks are and all others, and begins with LAYER_SPARSE_MARK, so that nobody takes it for a plain SHA-256. It
 * is the same whatever holes the file has on its disk. */
#define LAYER_SPARSE_FROM ((int64_t)256 << 20) /* beyond DIFF_MAX_BINARY: what is diffed is hashed from memory */
#define LAYER_SPARSE_MARK 's'
CHECKED int layer_hash(int fd, char ret_hex[SHA256_HEX], struct err *);
/* Copies src into the empty file dst, holes as holes (of a large file blocks of zeros too), shared extents where the
 * file system can; hashes on the way. */
CHECKED int layer_copy(int src, int dst, char ret_hex[SHA256_HEX], struct err *);
/* The file has a `security.capability` attribute. */
bool layer_has_caps(int fd);

enum layer_what { LAYER_DIR, LAYER_FILE, LAYER_LINK, LAYER_SPECIAL, LAYER_WHITEOUT };

struct layer_entry {
    const char *path; /* borrowed for the call */
    enum layer_what what;
    bool opaque; /* LAYER_DIR: hides what is below */
    int fail;    /* LAYER_DIR that could not be entered: errno (ENAMETOOLONG: too deep); 0 else */
    struct stat st;
};
/* Non-zero stops the walk and is its result. */
typedef int layer_fn(void *arg, const struct layer_entry *, struct err *);

enum {
    LAYER_PLAIN = 1, /* an ordinary tree: a 0:0 device or an overlay attribute means nothing */
};
/* Every entry below `start` (not itself), a directory before what is in it. Bounded memory, no recursion. */
CHECKED int layer_walk(int root, const char *start, int flags, layer_fn *fn, void *arg, struct err *);

/* Makes what its owner locked away (mode 000) readable for us, and first remembers the true mode in modes_fd (opened
 * O_APPEND) as "octal path\0", so the change still shows it. Idempotent: the first record of a path counts. */
CHECKED int layer_unlock(int root, int modes_fd, struct err *);

/* What layer_unlock remembered. Looked up by path; the given mode when there is no record. */
struct layer_modes;
CHECKED int layer_modes_load(int modes_fd, struct layer_modes **ret, struct err *); /* modes_fd -1: empty */
uint32_t layer_modes_get(const struct layer_modes *, const char *path, uint32_t mode);
void layer_modes_free(struct layer_modes *);
DEFINE_AUTO_PTR(struct layer_modes, layer_modes_free);
