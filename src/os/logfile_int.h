/* logfile_int - what the plain log (logfile.c) and the compressed one (logzst.c) share. Internal to src/os/.
 *
 * A reader looks at the log through one window of its uncompressed bytes; where they come from is its source's
 * business. The shim links logfile.c alone: nothing here may draw in the library that uncompresses. */
#pragma once
#include "base/base.h"
#include "os/logfile.h"

#define LOG_HEAD      16
#define LOG_TAIL      4
#define LOG_FRAME_MAX ((size_t)LOG_PAYLOAD_MAX + LOG_HEAD + LOG_TAIL)
#define LOG_WINDOW    (LOG_FRAME_MAX + 64 * KIB)

struct log_zst;

struct log_source {
    /* Fills the window with what begins at or before `offset`, and reaches as far as it can. */
    int (*fill)(struct log_reader *, uint64_t offset, struct err *);
    int (*size)(struct log_reader *, uint64_t *ret, struct err *); /* of the uncompressed log, now */
    bool grows;                                                    /* a frame that is not whole may become so */
    void (*close)(struct log_reader *);
};

struct log_reader {
    const struct log_source *src;
    struct log_zst *zst; /* of a compressed one */
    int fd;
    bool known;  /* the magic was there and right */
    uint64_t at; /* offset of win[0] */
    size_t n;    /* bytes in win */
    char win[LOG_WINDOW];
};

/* Takes fd when it succeeds; NULL: out of memory. */
struct log_reader *logfile_reader_new(int fd, const struct log_source *);
extern const struct log_source log_plain;
/* 1 when the magic stands, 0 when the file is (as yet) shorter and begins like it, ERR_CORRUPT. */
CHECKED int logfile_check_magic(struct log_reader *, struct err *);
/* ERR_NOT_FOUND, ERR_IO. Links are not followed. */
CHECKED int logfile_open_fd(int dirfd, const char *name, int flags, struct err *);
