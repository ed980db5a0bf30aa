/* layer - see layer.h: opening, hashing and copying below an untrusted root.
 *
 * May include: base os.   Threads: any. */
#include "sandbox/layer.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/str.h"
#include "os/file.h"

#define RESOLVE (RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV)
#define CHUNK   (128 * KIB)
#define BLOCK   ((off_t)CHUNK)

/* One openat2 of at most PATH_MAX; EAGAIN: a rename raced with the walk (openat2(2)), so ask again, not for ever. */
static int open_once(int dir, const char *path, int flags)
{
    int fd = -1;
    if (!(flags & O_DIRECTORY))
        flags |= O_NOFOLLOW; /* O_PATH of a link is the link; where a directory is wanted a link is ELOOP */
    for (int i = 0; i < 16; i++) {
        fd = FAULT(open) ? (errno = EMFILE, -1) : file_open_beneath(dir, path, flags, 0, RESOLVE);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    return fd;
}

/* The end of the longest part of path that one system call takes: a '/' or NULL when all of it fits. */
static const char *cut_of(const char *path)
{
    if (strnlen(path, PATH_MAX) < PATH_MAX)
        return NULL;
    const char *p = path + PATH_MAX - 2;
    while (p > path && *p != '/')
        p--;
    return p;
}

int layer_open(int root, const char *path, int flags)
{
    AUTO(fd_close) int held = -1;
    const char *cut;
    if (*path == '\0')
        path = ".";
    while ((cut = cut_of(path)) != NULL) {
        char part[PATH_MAX];
        memcpy(part, path, (size_t)(cut - path));
        part[cut - path] = '\0';
        int next =
            cut == path ? (errno = ENAMETOOLONG, -1) : open_once(held < 0 ? root : held, part, O_PATH | O_DIRECTORY);
        if (next < 0)
            return -1;
        fd_close(&held);
        held = next;
        path = cut + 1;
    }
    return open_once(held < 0 ? root : held, path, flags);
}

int layer_parent(int root, const char *path, const char **ret_base)
{
    const char *slash = strrchr(path, '/');
    if (!slash) {
        int fd = layer_open(root, "", O_PATH | O_DIRECTORY);
        if (fd >= 0)
            *ret_base = path;
        return fd;
    }
    char *dir = strndup(path, (size_t)(slash - path));
    if (!dir)
        return -1;
    int fd = layer_open(root, dir, O_PATH | O_DIRECTORY);
    int saved = errno;
    free(dir);
    errno = saved;
    if (fd >= 0)
        *ret_base = slash + 1;
    return fd;
}

int layer_stat(int root, const char *path, struct stat *ret)
{
    const char *base;
    AUTO(fd_close) int dir = layer_parent(root, path, &base);
    if (dir < 0)
        return -1;
    struct stat st;
    if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    *ret = st;
    return 0;
}

int layer_open_file(int root, const char *path, struct stat *ret)
{
    const char *base;
    AUTO(fd_close) int dir = layer_parent(root, path, &base);
    if (dir < 0)
        return -1;
    struct stat st;
    if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    /* A FIFO may take its place meanwhile: O_NONBLOCK keeps that from hanging us, fstat tells. */
    int fd = open_once(dir, base, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    *ret = st;
    return fd;
}

char *layer_link(int root, const char *path)
{
    const char *base;
    AUTO(fd_close) int dir = layer_parent(root, path, &base);
    if (dir < 0)
        return NULL;
    char target[PATH_MAX];
    ssize_t n = readlinkat(dir, base, target, sizeof target);
    if (n < 0)
        return NULL;
    if ((size_t)n >= sizeof target) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return strndup(target, (size_t)n);
}

bool layer_gone(int sys)
{
    return sys == ENOENT || sys == ENOTDIR || sys == ELOOP;
}

bool layer_shut(int sys)
{
    return layer_gone(sys) || sys == EXDEV || sys == EACCES || sys == EPERM || sys == ENAMETOOLONG;
}

bool layer_has_caps(int fd)
{
    return fgetxattr(fd, "security.capability", NULL, 0) >= 0;
}

/* --- content ------------------------------------------------------------------------------------- */

struct copy {
    int src, dst; /* dst -1: only hash */
    struct sha256 *sha;
    char *mem;
    off_t at;
    struct sha256 *runs; /* of a large file: where its zeros are; NULL else */
    off_t zeros;         /* a run of zeros begins here; -1: none is open */
    bool any;            /* there was a run */
};

static void add_zeros(struct sha256 *sha, off_t n)
{
    static const char zeros[64 * 1024];
    while (n > 0) {
        size_t k = n > (off_t)sizeof zeros ? sizeof zeros : (size_t)n;
        sha256_add(sha, zeros, k);
        n -= (off_t)k;
    }
}

static int write_all(int fd, const char *p, size_t n, off_t at, struct err *e)
{
    while (n > 0) {
        ssize_t k;
        if (FAULT(write)) {
            errno = ENOSPC;
            k = -1;
        } else {
            k = pwrite(fd, p, n, at);
        }
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return err_sys(e, ERR_IO, "write a file");
        p += k;
        n -= (size_t)k;
        at += k;
    }
    return 0;
}

/* Bytes [c->at, end) that hold data; *ret_eof when the file is shorter than it was. */
static int copy_data(struct copy *c, off_t end, bool *ret_eof, struct err *e)
{
    while (c->at < end) {
        size_t want = end - c->at > (off_t)CHUNK ? CHUNK : (size_t)(end - c->at);
        ssize_t n = FAULT(read) ? (errno = EIO, -1) : pread(c->src, c->mem, want, c->at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(e, ERR_IO, "read a file");
        if (n == 0) {
            *ret_eof = true;
            return 0;
        }
        sha256_add(c->sha, c->mem, (size_t)n);
        int r = c->dst < 0 ? 0 : write_all(c->dst, c->mem, (size_t)n, c->at, e);
        if (r < 0)
            return r;
        c->at += n;
    }
    return 0;
}

static int copy_extents(struct copy *c, off_t size, struct err *e)
{
    bool eof = false;
    while (c->at < size && !eof) {
        off_t data = lseek(c->src, c->at, SEEK_DATA);
        if (data < 0)
            data = errno == ENXIO ? size : c->at; /* ENXIO: only a hole is left; else: no such call, read it all */
        if (data > size)
            data = size;
        add_zeros(c->sha, data - c->at);
        c->at = data;
        off_t hole = data < size ? lseek(c->src, data, SEEK_HOLE) : size;
        int r = copy_data(c, hole < 0 || hole > size ? size : hole, &eof, e);
        if (r < 0)
            return r;
    }
    if (c->dst >= 0 && ftruncate(c->dst, c->at) < 0)
        return err_sys(e, ERR_IO, "set the size of a file");
    return 0;
}

/* --- large files: what is zero is told, not hashed -----------------------------------------------------------------
 */

/* Ends the run of zeros that is open at c->at. */
static void end_run(struct copy *c)
{
    char line[64];
    if (c->zeros < 0)
        return;
    int n = snprintf(line, sizeof line, "%lld %lld\n", (long long)c->zeros, (long long)(c->at - c->zeros));
    sha256_add(c->runs, line, (size_t)n);
    c->zeros = -1;
    c->any = true;
}

static bool all_zero(const char *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static int take_block(struct copy *c, size_t n, struct err *e)
{
    int r = 0;
    if (all_zero(c->mem, n)) {
        c->zeros = c->zeros < 0 ? c->at : c->zeros;
    } else {
        end_run(c);
        sha256_add(c->sha, c->mem, n);
        r = c->dst < 0 ? 0 : write_all(c->dst, c->mem, n, c->at, e);
    }
    c->at += (off_t)n;
    return r;
}

/* Past the blocks that are all hole. */
static void skip_hole(struct copy *c, off_t size)
{
    off_t data = lseek(c->src, c->at, SEEK_DATA);
    if (data < 0 && errno != ENXIO)
        return; /* no such call: the blocks are read */
    off_t to = data < 0 || data >= size ? size : data / BLOCK * BLOCK;
    if (to <= c->at)
        return;
    c->zeros = c->zeros < 0 ? c->at : c->zeros;
    c->at = to;
}

static int copy_blocks(struct copy *c, off_t size, struct err *e)
{
    size_t n = 1;
    for (int i = 0; c->at < size && n > 0; i++) {
        if (i % 16 == 0 || c->zeros >= 0) /* in the midst of data the call would cost more than it saves */
            skip_hole(c, size);
        int r = c->at < size ? fd_pread_most(c->src, c->mem, CHUNK, c->at, &n, e) : 0;
        if (r == 0 && c->at < size && n > 0)
            r = take_block(c, n, e);
        if (r < 0)
            return r;
    }
    end_run(c);
    if (c->dst >= 0 && ftruncate(c->dst, c->at) < 0)
        return err_sys(e, ERR_IO, "set the size of a file");
    return 0;
}

static void final_hex(struct sha256 *sha, char ret_hex[SHA256_HEX])
{
    uint8_t sum[SHA256_LEN];
    sha256_final(sha, sum);
    hex_encode(sum, sizeof sum, ret_hex);
}

/* Size, where the zeros are and what else there is: these three tell the content, whatever the holes on this disk. */
static void final_large(struct copy *c, char ret_hex[SHA256_HEX])
{
    char data[SHA256_HEX], runs[SHA256_HEX], text[256];
    final_hex(c->sha, data);
    final_hex(c->runs, runs);
    snprintf(text, sizeof text, "%lld\n%s\n%s\n", (long long)c->at, data, runs);
    if (c->any)
        sha256_hex_of(text, strlen(text), ret_hex);
    else
        memcpy(ret_hex, data, sizeof data);
    if (c->any)
        ret_hex[0] = LAYER_SPARSE_MARK;
}

static int hash_or_copy(int src, int dst, char ret_hex[SHA256_HEX], struct err *e)
{
    struct stat st;
    if (fstat(src, &st) < 0)
        return err_sys(e, ERR_IO, "look at a file");
    bool large = st.st_size > LAYER_SPARSE_FROM;
    AUTO_PTR(sha256_free) struct sha256 *sha = sha256_new();
    AUTO_PTR(sha256_free) struct sha256 *runs = large ? sha256_new() : NULL;
    char *mem = FAULT(alloc) ? NULL : malloc(CHUNK);
    if (!sha || !mem || (large && !runs)) {
        free(mem);
        return err_oom(e);
    }
    struct copy c = {.src = src, .dst = dst, .sha = sha, .mem = mem, .runs = runs, .zeros = -1};
    int r = large ? copy_blocks(&c, st.st_size, e) : copy_extents(&c, st.st_size, e);
    free(mem);
    if (r < 0)
        return r;
    if (large)
        final_large(&c, ret_hex);
    else
        final_hex(sha, ret_hex);
    return 0;
}

int layer_hash(int fd, char ret_hex[SHA256_HEX], struct err *e)
{
    return hash_or_copy(fd, -1, ret_hex, e);
}

int layer_copy(int src, int dst, char ret_hex[SHA256_HEX], struct err *e)
{
    if (ioctl(dst, FICLONE, src) == 0)
        return hash_or_copy(dst, -1, ret_hex, e);
    return hash_or_copy(src, dst, ret_hex, e);
}
