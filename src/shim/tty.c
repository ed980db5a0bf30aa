/* tty - see tty.h. */
#include "shim/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"

#define RETRY_US (20 * MS_US) /* poll(2) tells of room; this is for the room it does not tell of */
#define EOF_US   (50 * MS_US) /* between two characters that end the input; doubles … */
#define EOF_MAX  (2 * SEC_US)
#define EOF_CHAR 4 /* Ctrl-D, where the step has switched its own off */

struct tty {
    uint64_t taken, written;
    bool eof;
    int64_t due, eof_wait;
    uint16_t cols, rows;
    char ring[TTY_RING]; /* byte i of the input is at i % TTY_RING while i >= taken - TTY_RING */
};

struct tty *tty_new(uint16_t cols, uint16_t rows)
{
    struct tty *t = malloc(sizeof(*t)); /* not calloc: would touch every page of it */
    if (!t)
        return NULL;
    t->taken = t->written = 0;
    t->eof = false;
    t->due = INT64_MAX;
    t->eof_wait = EOF_US;
    t->cols = cols;
    t->rows = rows;
    return t;
}

void tty_free(struct tty *t)
{
    if (!t)
        return;
    secure_wipe(t->ring, t->taken < TTY_RING ? (size_t)t->taken : TTY_RING);
    free(t);
}

/* Is what was taken from offset on the same? What is not remembered any more is taken for something else. */
static bool same(const struct tty *t, uint64_t offset, const char *p, size_t n)
{
    uint64_t oldest = t->taken > TTY_RING ? t->taken - TTY_RING : 0;
    if (n > 0 && offset < oldest)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (t->ring[(offset + i) % TTY_RING] != p[i])
            return false;
    }
    return true;
}

enum spw_tty tty_take(struct tty *t, uint64_t offset, const char *p, size_t n, bool eof, size_t *ret_new)
{
    *ret_new = 0;
    if (offset > t->taken)
        return SPW_TTY_GAP;
    uint64_t before = t->taken - offset;
    size_t old = before < n ? (size_t)before : n;
    if (!same(t, offset, p, old))
        return SPW_TTY_OTHER;
    if (t->eof && (n > old || (eof && before > n)))
        return SPW_TTY_ENDED;
    size_t room = TTY_RING - (size_t)(t->taken - t->written), part = n - old < room ? n - old : room;
    for (size_t i = 0; i < part; i++)
        t->ring[(t->taken + i) % TTY_RING] = p[old + i];
    t->taken += part;
    *ret_new = part;
    if (eof && before > n)
        return SPW_TTY_OTHER; /* somebody went on after it */
    if (eof && t->taken == offset + n)
        t->eof = true;
    if (part || (eof && t->eof && t->due == INT64_MAX))
        t->due = clock_mono_us();
    return SPW_TTY_OK;
}

uint64_t tty_taken(const struct tty *t)
{
    return t->taken;
}

bool tty_ended(const struct tty *t)
{
    return t->eof;
}

void tty_resize(struct tty *t, int master, uint16_t cols, uint16_t rows)
{
    t->cols = cols;
    t->rows = rows;
    struct winsize w = {.ws_col = cols, .ws_row = rows};
    if (master >= 0)
        (void)ioctl(master, TIOCSWINSZ, &w);
}

void tty_size(const struct tty *t, uint16_t *cols, uint16_t *rows)
{
    *cols = t->cols;
    *rows = t->rows;
}

bool tty_waits(const struct tty *t)
{
    return t->written < t->taken;
}

int64_t tty_due(const struct tty *t)
{
    return t->due;
}

/* Has the step read all that was written? The other end is asked: it is opened for the question only, so that its
 * last close is still the step's. */
static bool all_read(int master)
{
    int n = 0;
    AUTO(fd_close) int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return slave < 0 || ioctl(slave, TIOCINQ, &n) < 0 || n == 0;
}

static void write_eof(struct tty *t, int master)
{
    struct termios tio; /* of the other end: tty_ioctl(4) */
    char c = EOF_CHAR;
    if (tcgetattr(master, &tio) == 0 && tio.c_cc[VEOF] != _POSIX_VDISABLE)
        c = (char)tio.c_cc[VEOF];
    if (all_read(master) && write(master, &c, 1) == 1)
        t->eof_wait = t->eof_wait * 2 < EOF_MAX ? t->eof_wait * 2 : EOF_MAX;
    t->due = clock_mono_us() + t->eof_wait;
}

void tty_write(struct tty *t, int master)
{
    if (master < 0)
        return;
    while (t->written < t->taken) {
        size_t at = (size_t)(t->written % TTY_RING), n = TTY_RING - at;
        if (n > t->taken - t->written)
            n = (size_t)(t->taken - t->written);
        ssize_t k = write(master, t->ring + at, n);
        if (k <= 0) { /* EAGAIN: it takes no more now. Anything else: the step is ending */
            t->due = clock_mono_us() + RETRY_US;
            return;
        }
        t->written += (uint64_t)k;
    }
    t->due = INT64_MAX;
    if (t->eof)
        write_eof(t, master);
}
