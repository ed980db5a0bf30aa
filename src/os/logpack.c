/* logpack - makes a compressed log of a plain one: see logzst.h.
 *
 *   NAME ──pieces──► NAME.zst.tmp ──sync, read back──► rename NAME.zst ──sync of the directory──► unlink NAME
 *        killed here: NAME stands           │ here too                        │ both stand, and are the same */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/hash.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/logzst_int.h"

#define LEVEL      3
#define WORTH_IT   4096 /* a file takes a block of this size anyway */
#define TMP_SUFFIX LOGZST_SUFFIX ".tmp"

struct pack {
    struct log_reader *in;
    int plain, out;
    ZSTD_CCtx *ctx;
    char *raw, *zst; /* a piece, before and after */
    size_t zst_cap;
    struct buf table; /* entries */
    uint64_t at;      /* of the next piece */
    uint64_t written;
    logzst_pause pause;
    void *arg;
};

static void pack_fini(struct pack *p)
{
    logfile_close_read(p->in);
    fd_close(&p->plain);
    fd_close(&p->out);
    ZSTD_freeCCtx(p->ctx);
    free(p->raw);
    free(p->zst);
    buf_fini(&p->table);
}

static int put(struct pack *p, const void *b, size_t n, struct err *e)
{
    int r = FAULT(pack_write) ? (errno = ENOSPC, err_sys(e, ERR_IO, "write the compressed log"))
                              : fd_write_full(p->out, b, n, e);
    p->written += r == 0 ? n : 0;
    return r;
}

static int entry(struct pack *p, size_t zst, size_t plain, struct err *e)
{
    char b[ZST_ENTRY];
    le_put(b, zst, 4);
    le_put(b + 4, plain, 4);
    buf_add(&p->table, b, sizeof b);
    return p->table.bad ? err_set(e, -p->table.bad, "the seek table of a log") : 0;
}

/* The end of the piece that begins at p->at: as many whole frames as fit, at least one. Its last frame may be the log's
 * last: then *ret is where the log ends. */
static int piece_end(struct pack *p, uint64_t *ret, struct err *e)
{
    struct log_frame f;
    uint64_t end = p->at ? p->at : LOG_START;
    int r;
    while ((r = logfile_read(p->in, end, &f, e)) == 1 && f.next - p->at <= ZST_PIECE_MAX)
        end = f.next;
    *ret = end;
    return r < 0 ? r : 0;
}

static int one_piece(struct pack *p, uint64_t end, struct err *e)
{
    size_t n = (size_t)(end - p->at);
    int r = fd_pread_full(p->plain, p->raw, n, (off_t)p->at, e);
    if (r < 0)
        return r;
    size_t c = ZSTD_compress2(p->ctx, p->zst, p->zst_cap, p->raw, n);
    if (ZSTD_isError(c))
        return err_set(e, ERR_INTERNAL, "compress a log: %s", ZSTD_getErrorName(c));
    r = put(p, p->zst, c, e);
    if (r == 0)
        r = entry(p, c, n, e);
    p->at = end;
    return r;
}

static int pieces(struct pack *p, uint64_t size, struct err *e)
{
    while (p->at < size) {
        int64_t since = clock_mono_us();
        uint64_t end = 0;
        int r = piece_end(p, &end, e);
        if (r == 0 && (end == p->at || end == LOG_START))
            return err_set(e, ERR_CORRUPT, "the log ends in a frame that is not whole");
        if (r == 0)
            r = one_piece(p, end, e);
        if (r == 0 && p->pause)
            r = p->pause(p->arg, clock_mono_us() - since);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The mark and the seek table. */
static int finish(struct pack *p, uint64_t size, struct err *e)
{
    char mark[ZST_MARK], head[ZST_SKIP], foot[ZST_FOOT] = {0};
    int r = entry(p, ZST_MARK, 0, e);
    if (r < 0)
        return r;
    le_put(foot, p->table.len / ZST_ENTRY, 4);
    le_put(foot + 5, ZST_END_MAGIC, 4);
    buf_add(&p->table, foot, sizeof foot);
    if (p->table.bad)
        return err_oom(e);
    le_put(mark, ZST_MARK_MAGIC, 4);
    le_put(mark + 4, ZST_MARK_BODY, 4);
    memcpy(mark + ZST_SKIP, "SPLOGZ\0\1", 8);
    le_put(mark + ZST_SKIP + 8, size, 8);
    le_put(mark + ZST_SKIP + 16, crc32c(0, p->table.p, p->table.len), 4);
    le_put(head, ZST_TABLE_MAGIC, 4);
    le_put(head + 4, p->table.len, 4);
    r = put(p, mark, sizeof mark, e);
    if (r == 0)
        r = put(p, head, sizeof head, e);
    return r < 0 ? r : put(p, p->table.p, p->table.len, e);
}

/* What was written gives back every byte of the plain log: read again, from the file. */
static int compare(struct pack *p, int zst, uint64_t size, struct err *e)
{
    AUTO_PTR(logzst_free) struct log_zst *z = NULL;
    int r = logzst_open(zst, &z, e);
    if (r == 0 && logzst_size(z) != size)
        r = err_set(e, ERR_CORRUPT, "the compressed log is of another size");
    char *back = r == 0 ? malloc(LOG_WINDOW) : NULL;
    if (r == 0 && !back)
        r = err_oom(e);
    for (uint64_t at = 0; r == 0 && at < size;) {
        int64_t since = clock_mono_us();
        uint64_t from = 0;
        size_t n = 0;
        r = logzst_fill(z, at, back, LOG_WINDOW, &from, &n, e);
        if (r == 0)
            r = fd_pread_full(p->plain, p->raw, n, (off_t)at, e);
        if (r == 0 && (from != at || memcmp(back, p->raw, n) != 0))
            r = err_set(e, ERR_CORRUPT, "the compressed log does not give back the plain one");
        at += n;
        if (r == 0 && p->pause)
            r = p->pause(p->arg, clock_mono_us() - since);
    }
    free(back);
    return r;
}

static int prepare(struct pack *p, struct err *e)
{
    p->ctx = ZSTD_createCCtx();
    p->zst_cap = ZSTD_compressBound(ZST_PIECE_MAX);
    p->raw = malloc(ZST_PIECE_MAX);
    p->zst = malloc(p->zst_cap);
    if (!p->ctx || !p->raw || !p->zst)
        return err_oom(e);
    if (ZSTD_isError(ZSTD_CCtx_setParameter(p->ctx, ZSTD_c_compressionLevel, LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(p->ctx, ZSTD_c_checksumFlag, 1)))
        return err_set(e, ERR_INTERNAL, "set up the compression");
    return 0;
}

static int write_tmp(struct pack *p, int dirfd, const char *tmp, uint64_t size, struct err *e)
{
    p->out = openat(dirfd, tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (p->out < 0)
        return err_sys(e, ERR_IO, "create %s", tmp);
    int r = pieces(p, size, e);
    if (r == 0)
        r = finish(p, size, e);
    if (r == 0 && (FAULT(fsync) ? (errno = EIO, -1) : fsync(p->out)) < 0)
        r = err_sys(e, ERR_IO, "sync %s", tmp);
    return r == 0 ? compare(p, p->out, size, e) : r;
}

static int drop_plain(int dirfd, const char *name, struct err *e)
{
    return unlinkat(dirfd, name, 0) < 0 && errno != ENOENT ? err_sys(e, ERR_IO, "remove the log %s", name) : 0;
}

/* A process before us was killed between the rename and the removal: 1 when its compressed log is right. */
static int both_stand(struct pack *p, int dirfd, const char *zst, uint64_t size, struct logzst_result *ret,
                      struct err *e)
{
    struct err why = ERR_INIT;
    struct stat st;
    AUTO(fd_close) int fd = logfile_open_fd(dirfd, zst, O_RDONLY, &why);
    if (fd == -ERR_NOT_FOUND)
        return 0;
    int r = fd < 0 ? fd : compare(p, fd, size, &why);
    if (r == 0 && fstat(fd, &st) == 0) {
        ret->zst_bytes = (int64_t)st.st_size;
        return 1;
    }
    if (r == -ERR_CORRUPT) /* the plain one is the log: the other is made again */
        return unlinkat(dirfd, zst, 0) < 0 ? err_sys(e, ERR_IO, "remove %s", zst) : 0;
    return err_set(e, r < 0 ? why.code : ERR_IO, "%s", r < 0 ? why.msg : "stat the compressed log");
}

static int pack(struct pack *p, int dirfd, const char *name, struct logzst_result *ret, struct err *e)
{
    char zst[256], tmp[256];
    uint64_t size = (uint64_t)ret->plain_bytes;
    snprintf(zst, sizeof zst, "%s" LOGZST_SUFFIX, name);
    if (snprintf(tmp, sizeof tmp, "%s" TMP_SUFFIX, name) >= (int)sizeof tmp)
        return err_set(e, ERR_INVALID, "the name of the log is too long");
    int r = prepare(p, e);
    if (r == 0 && unlinkat(dirfd, tmp, 0) < 0 && errno != ENOENT) /* of a process that was killed */
        r = err_sys(e, ERR_IO, "remove %s", tmp);
    if (r == 0)
        r = both_stand(p, dirfd, zst, size, ret, e);
    if (r > 0) { /* whether its name is on disk nobody knows */
        r = dir_sync(dirfd, e);
        return r < 0 ? r : drop_plain(dirfd, name, e);
    }
    if (r < 0)
        return r;
    r = write_tmp(p, dirfd, tmp, size, e);
    CRASH_POINT(log_packed);
    if (r < 0 || p->written >= size) {
        (void)unlinkat(dirfd, tmp, 0);
        return r;
    }
    if (renameat(dirfd, tmp, dirfd, zst) < 0)
        return err_sys(e, ERR_IO, "rename %s", tmp);
    CRASH_POINT(log_renamed);
    r = dir_sync(dirfd, e);
    if (r < 0)
        return r;
    ret->zst_bytes = (int64_t)p->written;
    return drop_plain(dirfd, name, e);
}

int logzst_pack(int dirfd, const char *name, logzst_pause pause, void *arg, struct logzst_result *ret, struct err *e)
{
    AUTO(pack_fini) struct pack p = {.plain = -1, .out = -1, .pause = pause, .arg = arg};
    struct logzst_result res = {0};
    struct stat st;
    buf_init(&p.table, (size_t)(ZST_PIECES_MAX + 1) * ZST_ENTRY + ZST_FOOT);
    int r = logfile_open_read(dirfd, name, &p.in, e);
    if (r < 0)
        return r;
    p.plain = logfile_open_fd(dirfd, name, O_RDONLY, e);
    if (p.plain == -ERR_NOT_FOUND) {
        p.plain = -1;
        *ret = res;
        return 0;
    }
    if (p.plain < 0)
        return p.plain;
    if (fstat(p.plain, &st) < 0)
        return err_sys(e, ERR_IO, "stat the log %s", name);
    res.plain_bytes = (int64_t)st.st_size;
    if (st.st_size > WORTH_IT)
        r = pack(&p, dirfd, name, &res, e);
    if (r == 0)
        *ret = res;
    return r;
}
