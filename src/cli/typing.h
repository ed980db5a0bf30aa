/* typing - what a person types, on its way to a step with a terminal: once and in order, whatever happens to the
 * server.
 *
 * Why it exists: a request can be lost after it arrived. Each piece says at which place of the step's input it belongs,
 * so that a repeat does no harm, and what was not taken is sent again.
 * May include: base/ os/ net/.
 * Threads: all but new, start and free from any thread; one thread of its own sends, from start to join. */
#pragma once
#include <sys/ioctl.h>
#include "cli/api.h"

#define TYPING_MAX ((size_t)(256 * KIB)) /* typed and not sent yet */

struct typing;

/* api: the sender's alone from start to join. tell: an eventfd, written when there is room again or it is over. Both
 * are borrowed until free, and so is the step's id. */
CHECKED int typing_new(struct api *, const char *step, int tell, struct typing **ret, struct err *);
CHECKED int typing_start(struct typing *, struct err *);
/* False when it did not all fit: the rest is not taken. eof: no more comes. */
CHECKED bool typing_put(struct typing *, const char *p, size_t n, bool eof);
/* The terminal has this size now; the last one said counts. */
void typing_size(struct typing *, const struct winsize *);
/* What becomes of it. Negative: why the sender gave up. */
struct typing_state {
    size_t waiting; /* bytes */
    bool eof;       /* put */
    bool closed;    /* the step takes no more */
};
CHECKED int typing_look(struct typing *, struct typing_state *ret, struct err *);
/* The sender ends; what waits is not sent. A request under way goes on until api's own interrupt. */
void typing_quit(struct typing *);
void typing_join(struct typing *);
/* Ends it first where need be. NULL: nothing. */
void typing_free(struct typing *);
