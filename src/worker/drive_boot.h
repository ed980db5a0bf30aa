/* drive_boot - what steps wrote before the machine went down.
 *
 * Why it exists: exit records and states are synced, layers are not (they may be large, and most are thrown away).
 * After a power cut a step that is known to have succeeded may have a layer with empty files or none at all: to go on
 * with it, and to apply it where nobody reviews, would destroy files.
 *
 *   a step starts          layers/<n>/born names this start of the machine (shim)
 *   the run waits          layers are synced, then layers/<n>/kept is made: waits are long, and orderly restarts common
 *   the run is taken up    neither another's `born` nor `kept`: the step is lost */
#pragma once
#include "service/runs.h"

/* Every layer is on disk after this. */
CHECKED int drive_keep(struct svc *, const struct id *run, const struct run_steps *, struct err *);
/* True: written before the machine went down, and perhaps not all of it is there. layer: a step's, or the copy's. */
bool drive_torn(const struct svc *, const struct id *run, const char *layer);
