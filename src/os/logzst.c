/* logzst - reading compressed logs: see logzst.h. */
#include "os/logzst_int.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

#include "base/fault.h"
#include "base/hash.h"
#include "os/file.h"

struct piece {
    uint64_t plain, zst; /* offset of its first byte, in the log and in the file */
};

struct log_zst {
    int fd; /* borrowed */
    ZSTD_DCtx *ctx;
    char *in; /* one compressed piece */
    size_t in_cap, n;
    struct piece v[]; /* n + 1: the last is the end */
};

static int damaged(struct err *e, const char *what)
{
    return err_set(e, ERR_CORRUPT, "the compressed log is damaged: %s", what);
}

/* The frame before the table: is the table what was written, and of this log? */
static int check_mark(int fd, uint64_t at, const char *table, size_t n, uint64_t *ret_plain, struct err *e)
{
    char mark[ZST_MARK];
    int r = fd_pread_full(fd, mark, sizeof mark, (off_t)at, e);
    if (r < 0)
        return r;
    if (le_get(mark, 4) != ZST_MARK_MAGIC || le_get(mark + 4, 4) != ZST_MARK_BODY ||
        memcmp(mark + ZST_SKIP, "SPLOGZ\0\1", 8) != 0)
        return damaged(e, "its mark");
    if ((uint32_t)le_get(mark + ZST_SKIP + 16, 4) != crc32c(0, table, n))
        return damaged(e, "its seek table");
    *ret_plain = le_get(mark + ZST_SKIP + 8, 8);
    return 0;
}

/* Offsets from sizes; each must be possible, and together they must be the file. */
static int add_up(struct log_zst *z, const char *table, uint64_t *ret_zst, struct err *e)
{
    uint64_t plain = 0, zst = 0;
    size_t largest = 0;
    for (size_t i = 0; i < z->n; i++) {
        size_t c = (size_t)le_get(table + i * ZST_ENTRY, 4), d = (size_t)le_get(table + i * ZST_ENTRY + 4, 4);
        if (d == 0 || d > ZST_PIECE_MAX || c == 0 || c > ZSTD_compressBound(ZST_PIECE_MAX))
            return damaged(e, "an entry of its seek table");
        z->v[i] = (struct piece){.plain = plain, .zst = zst};
        plain += d;
        zst += c;
        largest = c > largest ? c : largest;
    }
    z->v[z->n] = (struct piece){.plain = plain, .zst = zst};
    z->in_cap = largest;
    *ret_zst = zst;
    return 0;
}

/* Where the table begins and how many entries it has, from the last bytes of the file. */
static int find_table(int fd, uint64_t *ret_at, size_t *ret_entries, struct err *e)
{
    char foot[ZST_FOOT];
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_sys(e, ERR_IO, "stat the compressed log");
    uint64_t size = (uint64_t)st.st_size;
    if (size < ZST_MARK + ZST_SKIP + ZST_ENTRY + ZST_FOOT)
        return damaged(e, "it is cut off");
    int r = fd_pread_full(fd, foot, sizeof foot, (off_t)(size - ZST_FOOT), e);
    if (r < 0)
        return r;
    uint64_t entries = le_get(foot, 4), bytes = ZST_SKIP + entries * ZST_ENTRY + ZST_FOOT;
    if (le_get(foot + 5, 4) != ZST_END_MAGIC || foot[4] != 0)
        return damaged(e, "it does not end in a seek table");
    if (entries == 0 || entries > ZST_PIECES_MAX + 1 || bytes + ZST_MARK > size)
        return damaged(e, "the size of its seek table");
    *ret_at = size - bytes;
    *ret_entries = (size_t)entries;
    return 0;
}

static struct log_zst *zst_new(int fd, size_t pieces)
{
    struct log_zst *z = FAULT(alloc) ? NULL : calloc(1, sizeof *z + (pieces + 1) * sizeof z->v[0]);
    if (!z)
        return NULL;
    z->fd = fd;
    z->n = pieces;
    return z;
}

static int load(struct log_zst *z, const char *skip, uint64_t at, struct err *e)
{
    const char *table = skip + ZST_SKIP;
    size_t bytes = (z->n + 1) * ZST_ENTRY + ZST_FOOT;
    uint64_t zst = 0, plain = 0;
    if (le_get(skip, 4) != ZST_TABLE_MAGIC || le_get(skip + 4, 4) != bytes)
        return damaged(e, "the head of its seek table");
    int r = check_mark(z->fd, at - ZST_MARK, table, bytes, &plain, e);
    if (r == 0)
        r = add_up(z, table, &zst, e);
    if (r < 0)
        return r;
    /* The mark is the last frame that the table names. */
    if (zst + ZST_MARK != at || z->v[z->n].plain != plain || le_get(table + z->n * ZST_ENTRY, 4) != ZST_MARK ||
        le_get(table + z->n * ZST_ENTRY + 4, 4) != 0)
        return damaged(e, "its seek table is of another file");
    return 0;
}

int logzst_open(int fd, struct log_zst **ret, struct err *e)
{
    uint64_t at = 0;
    size_t entries = 0;
    int r = find_table(fd, &at, &entries, e);
    if (r < 0)
        return r;
    size_t bytes = ZST_SKIP + entries * ZST_ENTRY + ZST_FOOT;
    AUTO_PTR(logzst_free) struct log_zst *z = zst_new(fd, entries - 1);
    char *table = z ? malloc(bytes) : NULL;
    if (!table)
        return err_oom(e);
    r = fd_pread_full(fd, table, bytes, (off_t)at, e);
    if (r == 0)
        r = load(z, table, at, e);
    free(table);
    if (r == 0)
        *ret = TAKE(z);
    return r;
}

void logzst_free(struct log_zst *z)
{
    if (!z)
        return;
    ZSTD_freeDCtx(z->ctx);
    free(z->in);
    free(z);
}

uint64_t logzst_size(const struct log_zst *z)
{
    return z->v[z->n].plain;
}

static const struct piece *piece_of(const struct log_zst *z, uint64_t offset)
{
    size_t lo = 0, hi = z->n;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (z->v[mid].plain <= offset)
            lo = mid;
        else
            hi = mid;
    }
    return &z->v[lo];
}

static int tools(struct log_zst *z, struct err *e)
{
    if (!z->ctx)
        z->ctx = FAULT(alloc) ? NULL : ZSTD_createDCtx();
    if (!z->in)
        z->in = malloc(z->in_cap);
    return z->ctx && z->in ? 0 : err_oom(e);
}

int logzst_fill(struct log_zst *z, uint64_t offset, char *out, size_t cap, uint64_t *ret_at, size_t *ret_n,
                struct err *e)
{
    const struct piece *p = piece_of(z, offset);
    size_t c = (size_t)(p[1].zst - p->zst), d = (size_t)(p[1].plain - p->plain);
    int r = tools(z, e);
    if (r == 0 && FAULT(read))
        r = err_set(e, ERR_IO, "read the compressed log");
    if (r == 0)
        r = fd_pread_full(z->fd, z->in, c, (off_t)p->zst, e);
    if (r < 0)
        return r;
    /* Without its checksum a frame would only be as right as its bits: one of another hand is not taken. */
    if (ZSTD_findFrameCompressedSize(z->in, c) != c || (z->in[4] & 4) == 0)
        return damaged(e, "a piece of it");
    size_t n = ZSTD_decompressDCtx(z->ctx, out, cap, z->in, c);
    if (ZSTD_isError(n) || n != d)
        return err_set(e, ERR_CORRUPT, "the compressed log is damaged at offset %llu: %s", (unsigned long long)p->plain,
                       ZSTD_isError(n) ? ZSTD_getErrorName(n) : "another size");
    *ret_at = p->plain;
    *ret_n = n;
    return 0;
}
