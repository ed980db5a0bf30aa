/* tty - what is typed into a step's terminal: taken once, in order, bounded, and written as the step reads it.
 *
 * Why it exists: input comes through requests that may be repeated, and from a server that may be killed between the
 * request and its answer. So the count of what was taken lives here, with the step. May include: base sandbox/spec.h.
 * Threads: one owner.
 *
 *   INPUT{offset, bytes} ─► ring: …what was written (kept, to know a repeat) | what waits… ─► master, when it takes
 * some
 *
 * Nothing is thrown away: a piece is taken as far as there is room, and the answer says how far. The kernel takes no
 * more than the step reads, but for one thing: of a line longer than 4095 bytes, in a terminal that gathers lines, it
 * drops the rest (termios(3), ICANON).
 *
 * End of input: a terminal knows only a character for it, which ends one read of whoever reads by lines just then. A
 * closed pipe ends every read. To be the same, the character is written again and again while the step lives, each time
 * when what was before has been read. */
#pragma once
#include "base/err.h"
#include "sandbox/spec.h"

#define TTY_RING ((size_t)(64 * 1024)) /* bytes that wait, at most, and bytes that are remembered */

struct tty;
CHECKED struct tty *tty_new(uint16_t cols, uint16_t rows); /* NULL: out of memory */
void tty_free(struct tty *);                               /* wipes what was typed */
/* *ret_new: bytes taken now. */
CHECKED enum spw_tty tty_take(struct tty *, uint64_t offset, const char *p, size_t n, bool eof, size_t *ret_new);
uint64_t tty_taken(const struct tty *);
bool tty_ended(const struct tty *);
/* master -1: later, when it is there (tty_open). Whoever runs in the foreground gets SIGWINCH. */
void tty_resize(struct tty *, int master, uint16_t cols, uint16_t rows);
void tty_size(const struct tty *, uint16_t *cols, uint16_t *rows);
/* What waits for the master: bytes to be written now? */
bool tty_waits(const struct tty *);
/* When tty_write is to be called at the latest, CLOCK_MONOTONIC; INT64_MAX = never. */
int64_t tty_due(const struct tty *);
void tty_write(struct tty *, int master);
