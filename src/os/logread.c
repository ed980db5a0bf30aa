/* logread - opens a log for reading, whether it is plain or compressed: see logfile.h, logzst.h. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "os/file.h"
#include "os/logzst_int.h"

static int size_zst(struct log_reader *r, uint64_t *ret, struct err *e)
{
    *ret = logzst_size(r->zst);
    return 0;
}

static int fill_zst(struct log_reader *r, uint64_t offset, struct err *e)
{
    r->at = offset;
    r->n = 0;
    if (offset >= logzst_size(r->zst))
        return 0;
    return logzst_fill(r->zst, offset, r->win, sizeof r->win, &r->at, &r->n, e);
}

static void close_zst(struct log_reader *r)
{
    logzst_free(r->zst);
}

static const struct log_source log_zstd = {.fill = fill_zst, .size = size_zst, .close = close_zst};

static int make(int fd, const struct log_source *src, struct log_reader **ret, struct err *e)
{
    AUTO_PTR(logfile_close_read) struct log_reader *r = logfile_reader_new(fd, src);
    if (!r) {
        fd_close(&fd);
        return err_oom(e);
    }
    int c = src == &log_zstd ? logzst_open(fd, &r->zst, e) : 0;
    if (c == 0)
        c = logfile_check_magic(r, e);
    if (c < 0)
        return c;
    *ret = TAKE(r);
    return 0;
}

/* The plain file goes only after the compressed one has its name: whoever finds no plain one finds the other. */
int logfile_open_read(int dirfd, const char *name, struct log_reader **ret, struct err *e)
{
    char zst[256];
    int fd = logfile_open_fd(dirfd, name, O_RDONLY, e);
    if (fd != -ERR_NOT_FOUND)
        return fd < 0 ? fd : make(fd, &log_plain, ret, e);
    if (snprintf(zst, sizeof zst, "%s" LOGZST_SUFFIX, name) >= (int)sizeof zst)
        return fd;
    fd = logfile_open_fd(dirfd, zst, O_RDONLY, e);
    return fd < 0 ? fd : make(fd, &log_zstd, ret, e);
}

int logfile_size_read(struct log_reader *r, uint64_t *ret, struct err *e)
{
    return r->src->size(r, ret, e);
}
