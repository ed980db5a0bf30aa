/* logfile - see logfile.h for the format. Invariants of a writer: it holds the lock; the file ends at
 * w->size, behind a whole frame; nothing is appended behind an exit record.
 *
 * May include: base, os.  Threads: a writer or reader has one owner. */
#include "os/logfile_int.h"
#include "base/fault.h"
#include "base/hash.h"
#include "os/clock.h"
#include "os/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define HEAD      LOG_HEAD
#define TAIL      LOG_TAIL
#define FRAME_MAX LOG_FRAME_MAX
#define WINDOW    LOG_WINDOW

static const char magic[LOG_START] = {'S', 'P', 'L', 'O', 'G', 0, 0, 1};

struct log_writer {
    int fd;
    uint64_t size;
    bool ended;  /* the last frame is an exit record */
    bool broken; /* a torn frame could not be cut off */
};

const char *log_stream_name(int stream)
{
    static const char *const names[] = {[LOG_STDOUT] = "stdout", [LOG_STDERR] = "stderr", [LOG_SYSTEM] = "system"};
    return stream >= LOG_STDOUT && stream <= LOG_SYSTEM ? names[stream] : NULL;
}

static void put_le(char *p, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = (char)(v >> 8 * i);
}

static uint64_t get_le(const char *p, int n)
{
    uint64_t v = 0;
    for (int i = 0; i < n; i++)
        v |= (uint64_t)(unsigned char)p[i] << 8 * i;
    return v;
}

/* Judges n bytes that begin at a frame's place: 1 a whole frame, 0 may become one, -1 never will. */
static int decode(const char *p, size_t n, struct log_frame *ret)
{
    static const size_t ends[] = {4, 5, 6, 8}; /* each field is judged as soon as it is there */
    size_t len = n >= ends[0] ? (size_t)get_le(p, 4) : 0;
    if (len > LOG_PAYLOAD_MAX || (n >= ends[1] && (p[4] < LOG_STDOUT || p[4] > LOG_EXIT)) ||
        (n >= ends[2] && p[5] != 0) || (n >= ends[3] && get_le(p + 6, 2) != 0))
        return -1;
    if (n < HEAD || n < HEAD + len + TAIL)
        return 0;
    if ((uint32_t)get_le(p + HEAD + len, TAIL) != crc32c(0, p, HEAD + len))
        return -1;
    ret->stream = p[4];
    ret->time_us = (int64_t)get_le(p + 8, 8);
    ret->p = p + HEAD;
    ret->n = len;
    return 1;
}

/* Fills the window from `offset` to its end or the file's. */
static int fill_plain(struct log_reader *r, uint64_t offset, struct err *e)
{
    r->at = offset;
    r->n = 0;
    int x = fd_pread_most(r->fd, r->win, WINDOW, (off_t)offset, &r->n, e);
    return x < 0 ? err_wrap(e, x, "the log") : 0;
}

static int file_size(int fd, uint64_t *ret, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_sys(e, ERR_IO, "stat the log");
    *ret = (uint64_t)st.st_size;
    return 0;
}

static int size_plain(struct log_reader *r, uint64_t *ret, struct err *e)
{
    return file_size(r->fd, ret, e);
}

const struct log_source log_plain = {.fill = fill_plain, .size = size_plain, .grows = true};

int logfile_check_magic(struct log_reader *r, struct err *e)
{
    if (r->known)
        return 1;
    int c = r->src->fill(r, 0, e);
    if (c < 0)
        return c;
    if (memcmp(r->win, magic, r->n < LOG_START ? r->n : LOG_START) != 0)
        return err_set(e, ERR_CORRUPT, "not a log file");
    r->known = r->n >= LOG_START;
    return r->known;
}

/* What the window says about `offset`; the same answers as decode. */
static int look(const struct log_reader *r, uint64_t offset, struct log_frame *ret)
{
    if (offset < r->at || offset - r->at >= r->n)
        return 0;
    size_t skip = (size_t)(offset - r->at);
    return decode(r->win + skip, r->n - skip, ret);
}

static int past_end(struct log_reader *r, uint64_t offset, struct err *e)
{
    uint64_t size = 0;
    int c = r->src->size(r, &size, e);
    if (c < 0)
        return c;
    if (offset < size && !r->src->grows)
        return err_set(e, ERR_CORRUPT, "the log is damaged at offset %llu", (unsigned long long)offset);
    return offset > size && offset != LOG_START ? err_set(e, ERR_CURSOR, "the offset lies beyond the end of the log")
                                                : 0;
}

int logfile_read(struct log_reader *r, uint64_t offset, struct log_frame *ret, struct err *e)
{
    struct log_frame f;
    if (offset < LOG_START || offset > INT64_MAX - WINDOW) /* what is read from there has an end, too */
        return err_set(e, ERR_CURSOR, "no frame can begin at that offset");
    int c = logfile_check_magic(r, e);
    if (c < 0)
        return c;
    int seen = look(r, offset, &f);
    if (seen != 1) { /* the window may be old: only the file itself can say no */
        c = r->src->fill(r, offset, e);
        if (c < 0)
            return c;
        seen = look(r, offset, &f);
    }
    if (seen < 0)
        return err_set(e, ERR_CORRUPT, "the log is damaged at offset %llu", (unsigned long long)offset);
    if (seen == 0)
        return past_end(r, offset, e);
    f.offset = offset;
    f.next = offset + HEAD + f.n + TAIL;
    *ret = f;
    return 1;
}

/* 1 when the frames before `offset` lead there, 0 when they pass it; negative when they end before: damage, the end. */
static int leads_to(struct log_reader *r, uint64_t offset, struct err *e)
{
    struct log_frame f;
    uint64_t at = LOG_START;
    int c = 1;
    while (at < offset && (c = logfile_read(r, at, &f, e)) == 1)
        at = f.next;
    if (at >= offset)
        return at == offset;
    return c < 0 ? c : err_set(e, ERR_CURSOR, "the offset lies beyond the end of the log");
}

int logfile_read_named(struct log_reader *r, uint64_t offset, struct log_frame *ret, struct err *e)
{
    struct err why = ERR_INIT;
    uint64_t size = 0;
    int c = logfile_read(r, offset, ret, &why);
    int s = c == 0 ? r->src->size(r, &size, e) : 0;
    if (s < 0)
        return s;
    if (c == -ERR_CORRUPT || (c == 0 && offset < size)) {
        int led = leads_to(r, offset, e);
        if (led <= 0)
            return led < 0 ? led : err_set(e, ERR_CURSOR, "no frame begins at that offset");
    }
    return c < 0 ? err_set(e, why.code, "%s", why.msg) : c;
}

struct log_reader *logfile_reader_new(int fd, const struct log_source *src)
{
    struct log_reader *r = FAULT(alloc) ? NULL : malloc(sizeof *r);
    if (!r)
        return NULL;
    r->src = src;
    r->zst = NULL;
    r->fd = fd;
    r->known = false;
    r->at = 0;
    r->n = 0;
    return r;
}

int logfile_open_fd(int dirfd, const char *name, int flags, struct err *e)
{
    int fd = openat(dirfd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    return fd >= 0 ? fd : err_sys(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "open the log %s", name);
}

void logfile_close_read(struct log_reader *r)
{
    if (!r)
        return;
    if (r->src->close)
        r->src->close(r);
    fd_close(&r->fd);
    free(r);
}

/* Is there a whole frame anywhere behind `from`? Then the damage before it is no torn tail. */
static int frame_behind(struct log_reader *r, uint64_t from, uint64_t size, struct err *e)
{
    struct log_frame f;
    for (uint64_t at = from + 1; at + HEAD + TAIL <= size; at++) {
        /* Near the window's end a frame may be cut by the window, not by the file. */
        if (at - r->at + FRAME_MAX > r->n && r->at + r->n < size) {
            int c = fill_plain(r, at, e);
            if (c < 0)
                return c;
        }
        if (look(r, at, &f) == 1)
            return 1;
    }
    return 0;
}

/* Finds the end of the last whole frame. */
static int find_end(struct log_writer *w, struct log_reader *r, struct err *e)
{
    struct log_frame f;
    uint64_t size = 0, at = LOG_START;
    struct err why = ERR_INIT;
    int c = file_size(w->fd, &size, e);
    if (c < 0)
        return c;
    while ((c = logfile_read(r, at, &f, &why)) == 1) {
        at = f.next;
        w->ended = f.stream == LOG_EXIT;
    }
    if (c < 0 && c != -ERR_CORRUPT)
        return err_set(e, why.code, "%s", why.msg);
    if (at < size) {
        c = fill_plain(r, at, e);
        if (c == 0)
            c = frame_behind(r, at, size, e);
        if (c != 0)
            return c < 0 ? c : err_set(e, ERR_CORRUPT, "the log is damaged at offset %llu", (unsigned long long)at);
    }
    w->size = at;
    return 0;
}

static int cut(struct log_writer *w, uint64_t size, struct err *e)
{
    return ftruncate(w->fd, (off_t)size) == 0 ? 0 : err_sys(e, ERR_IO, "cut the log's torn tail");
}

/* Brings the file to the writer's invariant. */
static int recover(struct log_writer *w, struct err *e)
{
    int borrowed = dup(w->fd);
    if (borrowed < 0)
        return err_sys(e, ERR_IO, "dup");
    AUTO_PTR(logfile_close_read) struct log_reader *r = logfile_reader_new(borrowed, &log_plain);
    if (!r) {
        close(borrowed);
        return err_oom(e);
    }
    int c = logfile_check_magic(r, e);
    if (c < 0)
        return c;
    if (c == 0) {
        w->size = LOG_START;
        c = cut(w, 0, e);
        return c < 0 ? c : fd_write_full(w->fd, magic, LOG_START, e);
    }
    c = find_end(w, r, e);
    return c < 0 ? c : cut(w, w->size, e);
}

/* Whoever only asks (logfile_locked) holds a shared lock for an instant: that is no other writer. */
static int lock(int fd, const char *name, struct err *e)
{
    for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; tries++) {
        if (errno != EWOULDBLOCK)
            return err_sys(e, ERR_IO, "lock the log %s", name);
        if (tries == 20)
            return err_set(e, ERR_BUSY, "another process writes the log %s", name);
        clock_sleep_us(100);
    }
    return 0;
}

int logfile_open_write(int dirfd, const char *name, struct log_writer **ret, struct err *e)
{
    AUTO(fd_close) int fd = logfile_open_fd(dirfd, name, O_RDWR | O_CREAT | O_APPEND, e);
    if (fd < 0)
        return fd;
    int r = lock(fd, name, e);
    if (r < 0)
        return r;
    struct log_writer *w = FAULT(alloc) ? NULL : calloc(1, sizeof *w);
    if (!w)
        return err_oom(e);
    w->fd = fd;
    r = recover(w, e);
    if (r < 0) {
        free(w);
        return err_wrap(e, r, "%s", name);
    }
    fd = -1;
    *ret = w;
    return 0;
}

static ssize_t write_frame(int fd, const struct iovec iov[3])
{
    ssize_t n;
    if (FAULT(write)) {
        errno = ENOSPC;
        return -1;
    }
    while ((n = writev(fd, iov, 3)) < 0 && errno == EINTR)
        ;
    return n;
}

int logfile_append(struct log_writer *w, int stream, int64_t now_us, const void *p, size_t n, struct err *e)
{
    char head[HEAD] = {0}, tail[TAIL];
    if (n > LOG_PAYLOAD_MAX || stream < LOG_STDOUT || stream > LOG_EXIT)
        return err_set(e, ERR_INVALID, "not a frame: stream %d, %zu bytes", stream, n);
    if (w->ended)
        return err_set(e, ERR_STATE, "the log ends with its exit record");
    if (w->broken)
        return err_set(e, ERR_IO, "the log could not be repaired after a failed write");
    put_le(head, n, 4);
    head[4] = (char)stream;
    put_le(head + 8, (uint64_t)now_us, 8);
    put_le(tail, crc32c(crc32c(0, head, HEAD), p, n), TAIL);
    const struct iovec iov[3] = {{head, HEAD}, {(void *)(uintptr_t)p, n}, {tail, TAIL}};
    size_t whole = HEAD + n + TAIL;
    ssize_t k = write_frame(w->fd, iov);
    if (k == (ssize_t)whole) {
        w->size += whole;
        w->ended = stream == LOG_EXIT;
        return 0;
    }
    if (k >= 0)
        errno = ENOSPC; /* a regular file takes a part only when the disk (or the file size limit) is full */
    int r = err_sys(e, ERR_IO, "append to the log");
    w->broken = k > 0 && cut(w, w->size, NULL) < 0;
    return r;
}

uint64_t logfile_size(const struct log_writer *w)
{
    return w->size;
}

int logfile_fd(const struct log_writer *w)
{
    return w->fd;
}

void logfile_close_write(struct log_writer *w)
{
    if (!w)
        return;
    fd_close(&w->fd);
    free(w);
}

int logfile_locked(int dirfd, const char *name, struct err *e)
{
    AUTO(fd_close) int fd = logfile_open_fd(dirfd, name, O_RDONLY, e);
    if (fd < 0)
        return fd;
    if (flock(fd, LOCK_SH | LOCK_NB) == 0)
        return 0;
    return errno == EWOULDBLOCK ? 1 : err_sys(e, ERR_IO, "ask for the lock of %s", name);
}
