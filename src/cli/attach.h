/* attach - our terminal becomes that of a running step: keys go there, its output comes here, as it is.
 *
 * Why it exists: `attach` and `run -t` are the same thing at two moments.
 * May include: base/ os/ net/.
 *
 *   main thread     our terminal: raw mode, keys, its size, signals. Waits for nothing else, so leaving always works
 *   sender thread   what waits to be typed ──► POST /steps/{id}/input (typing.h)
 *   reader thread   events of the run ──► our stdout, from the cursor on, across restarts of the server
 *
 * Output is not cleaned: a full-screen program is nothing but escape sequences. So a step can do to the terminal what a
 * program on another machine can do through ssh(1); the modes that programs leave behind are put back at the end. */
#pragma once
#include "base/id.h"
#include "cli/cmd.h"

struct attach_in {
    const struct id *run;
    const char *step;   /* its id */
    int64_t number;     /* of the step, from 1: for messages */
    const char *cursor; /* the events of the step begin behind it; NULL: what it wrote before is shown first */
    bool read_only;
};
/* Until the step ends (*ret_ended: c->exit is as the step's), or the person leaves, by key, by signal (c->exit 128 + N)
 * or with the terminal. ERR_STATE when it has ended before. */
CHECKED int attach_step(struct cli *, const struct attach_in *, bool *ret_ended, struct err *);
