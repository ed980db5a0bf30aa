/* look - does the token, or the login, of those who only listen still count?
 *
 * Who only listens does not show its token again, so it is looked at now and then, and who has a revoked one hears
 * nothing more. Connections of one token share its look: a line of output for a thousand of them does not wait for a
 * thousand queries.
 *
 *   seen good, and LOOK_SOON_US later    one of them at a time looks; the others go on
 *                  LOOK_US later         none of them is given anything before one has looked
 *
 * Internal to src/api/.   Threads: any. */
#pragma once
#include <stdatomic.h>

#include "base/base.h"
#include "base/err.h"

#define LOOK_US      (15 * SEC_US)
#define LOOK_SOON_US (10 * SEC_US)

struct look {
    bool never;               /* a peer of the unix socket, who stays who it is */
    _Atomic int64_t good_us;  /* when the last look that found it good began */
    _Atomic int64_t again_us; /* when the next one may be asked to look early */
    atomic_bool over;         /* it was revoked, or has expired: for ever */
};

/* What was found good just now. Its first look is due after a time of its own, so that those who came together (after a
 * restart, say) are not all looked at together. */
void look_init(struct look *, bool never);
/* Never blocks. False: ask look_still_good, on a thread that may. */
bool look_good_now(struct look *);
/* Looks when it is due: `ask` gives 0, -ERR_UNAUTHORIZED when it does not count any more, or another code when it could
 * not tell, which is no answer: the next one asks again. False: it is over. */
bool look_still_good(struct look *, int (*ask)(void *arg, struct err *), void *arg);
