/* pump - see pump.h. */
#include "shim/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/logfile.h"
#include "os/mask.h"

#define CHUNK     ((size_t)LOG_PAYLOAD_MAX) /* one read, one frame */
#define LOUD      (64 * 1024)               /* what a pipe holds by default: pipe(7) */
#define MEND_US   SEC_US                    /* a log that could not be written is tried again so often */
#define READS_MAX 4                         /* per turn, so that one loud stream does not starve the other */

struct pump {
    struct log_writer *log;
    struct mask *mask[2];
    int fd[2];
    bool wide[2];      /* its pipe was made larger */
    int64_t seen[2];   /* bytes the step wrote, per stream */
    int64_t max, kept; /* bytes of log payload */
    bool truncated, noted, broken, flushed;
    int64_t lost, broken_us; /* bytes dropped since the log could not be written; when that was found last */
    struct buf out;          /* one masked chunk */
    char *chunk;             /* CHUNK bytes */
};

static int make_masks(struct pump *p, const struct spw_step *s, struct err *e)
{
    if (s->nsecrets == 0)
        return 0; /* what is read is what is kept */
    struct mask_secret *v = calloc(s->nsecrets + 1, sizeof(*v));
    if (!v)
        return err_oom(e);
    for (size_t i = 0; i < s->nsecrets; i++)
        v[i] = (struct mask_secret){s->secrets[i], strlen(s->secrets[i])};
    int r = mask_new(v, s->nsecrets, &p->mask[0], e);
    if (r == 0)
        r = mask_clone(p->mask[0], &p->mask[1], e);
    free(v);
    return r;
}

int pump_open(int logs, const struct spw_step *s, int64_t max, struct pump **ret, struct err *e)
{
    char name[64];
    struct pump *p = calloc(1, sizeof(*p));
    if (!p)
        return err_oom(e);
    p->fd[0] = p->fd[1] = -1;
    p->max = max;
    p->chunk = malloc(CHUNK); /* apart: calloc would touch every page of it */
    if (!p->chunk) {
        free(p);
        return err_oom(e);
    }
    buf_init(&p->out, 4 * CHUNK + 2 * SPW_BODY_MAX);
    int r = make_masks(p, s, e);
    snprintf(name, sizeof(name), "%d.%d.log", s->index, s->attempt);
    if (r == 0)
        r = logfile_open_write(logs, name, &p->log, e);
    if (r == 0 && logfile_size(p->log) > LOG_START)
        r = err_set(e, ERR_CONFLICT, "step %d, attempt %d has a log already: an attempt runs once", s->index,
                    s->attempt);
    if (r < 0) {
        pump_free(p);
        return r;
    }
    *ret = p;
    return 0;
}

void pump_free(struct pump *p)
{
    if (!p)
        return;
    for (int i = 0; i < 2; i++) {
        fd_close(&p->fd[i]);
        mask_free(p->mask[i]);
    }
    if (p->log)
        logfile_close_write(p->log);
    buf_fini(&p->out);
    free(p->chunk);
    free(p);
}

void pump_pipes(struct pump *p, int out_fd, int err_fd)
{
    p->fd[0] = out_fd;
    p->fd[1] = err_fd;
    for (int i = 0; i < 2; i++)
        (void)fcntl(p->fd[i], F_SETFL, O_NONBLOCK);
}

int pump_fd(const struct pump *p, int i)
{
    return p->fd[i];
}

/* A log that could be written again says first what is missing in that place. */
static int mend(struct pump *p, struct err *e)
{
    char text[128];
    int n = snprintf(text, sizeof(text),
                     "the log could not be written (disk full, or no memory): %lld bytes of output are missing here",
                     (long long)p->lost);
    int r = logfile_append(p->log, LOG_SYSTEM, clock_now_us(), text, (size_t)n, e);
    p->broken_us = clock_mono_us();
    if (r < 0)
        return r;
    p->broken = false;
    p->lost = 0;
    return 0;
}

static void put(struct pump *p, int stream, const char *at, size_t n)
{
    if (p->broken && clock_mono_us() - p->broken_us > MEND_US)
        (void)!mend(p, NULL);
    while (n > 0 && !p->broken) {
        size_t part = n < LOG_PAYLOAD_MAX ? n : LOG_PAYLOAD_MAX;
        if (logfile_append(p->log, stream, clock_now_us(), at, part, NULL) < 0) {
            p->broken = p->truncated = true;
            p->broken_us = clock_mono_us();
            break;
        }
        at += part;
        n -= part;
    }
    p->lost += (int64_t)n;
}

void pump_note(struct pump *p, const char *text)
{
    put(p, LOG_SYSTEM, text, strlen(text));
}

static void keep(struct pump *p, int i, const char *at, size_t n)
{
    size_t room = p->max && p->max - p->kept < (int64_t)n ? (size_t)(p->max - p->kept) : n;
    put(p, i == 0 ? LOG_STDOUT : LOG_STDERR, at, room);
    p->kept += (int64_t)room;
    if (room == n || p->noted)
        return;
    char text[128];
    snprintf(text, sizeof(text), "output limit of %lld bytes reached: what follows is not kept", (long long)p->max);
    p->truncated = p->noted = true;
    pump_note(p, text);
}

/* What comes next in the log says that this is missing. */
static void drop(struct pump *p, size_t n)
{
    if (!p->broken)
        p->broken_us = 0; /* the log itself is well: at once */
    p->broken = p->truncated = true;
    p->lost += (int64_t)n;
}

static void take(struct pump *p, int i, size_t n)
{
    p->seen[i] += (int64_t)n;
    if (!p->mask[i]) {
        keep(p, i, p->chunk, n);
        return;
    }
    buf_reset(&p->out);
    mask_feed(p->mask[i], p->chunk, n, &p->out);
    if (p->out.bad)
        drop(p, n); /* out of memory: never shown unmasked */
    else
        keep(p, i, p->out.p, p->out.len);
}

/* A writer that fills its pipe waits for us at each of our reads; with a larger one both go on side by side. Only where
 * that happens: all pipes of a user share one limit (pipe-user-pages-soft, pipe(7)). Refused, it stays as it is. */
static void widen(struct pump *p, int i)
{
    if (!p->wide[i])
        (void)fcntl(p->fd[i], F_SETPIPE_SZ, (int)CHUNK);
    p->wide[i] = true;
}

void pump_read(struct pump *p, int i)
{
    for (int k = 0; k < READS_MAX && p->fd[i] >= 0; k++) {
        ssize_t n = read(p->fd[i], p->chunk, CHUNK);
        if (n > 0) {
            take(p, i, (size_t)n);
            if (n >= LOUD)
                widen(p, i);
            if (n < LOUD)
                return;
        } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        } else {
            fd_close(&p->fd[i]);
        }
    }
}

bool pump_drained(const struct pump *p)
{
    return p->fd[0] < 0 && p->fd[1] < 0;
}

/* Room first: what a mask lets go of is gone from it. */
static int flush_masks(struct pump *p, struct err *e)
{
    buf_reset(&p->out);
    if (p->mask[0] && !p->flushed && buf_reserve(&p->out, CHUNK) < 0)
        return err_oom(e);
    for (int i = 0; i < 2 && p->mask[i] && !p->flushed; i++) {
        buf_reset(&p->out);
        mask_flush(p->mask[i], &p->out);
        if (p->out.len)
            keep(p, i, p->out.p, p->out.len);
    }
    p->flushed = true;
    return 0;
}

int pump_finish(struct pump *p, struct spw_exit *x, struct err *e)
{
    int r = flush_masks(p, e);
    if (r < 0)
        return r;
    x->stdout_bytes = p->seen[0];
    x->stderr_bytes = p->seen[1];
    if (p->truncated)
        x->flags |= SPW_X_TRUNCATED;
    if (p->broken)
        r = mend(p, e);
    if (r < 0)
        return r;
    return logfile_append(p->log, LOG_EXIT, clock_now_us(), x, sizeof(*x), e);
}

uint64_t pump_size(const struct pump *p)
{
    return logfile_size(p->log);
}
