/* effects - what a run changed: computed once, shown, applied, taken back.
 *
 * Why it exists: joins sandbox/changes and sandbox/apply with a run's directory and its project:
 *   effects_files.h               the list of changes, and diff.patch
 *   DATA/runs/<id>/apply/         journal and pre-images of an apply: what undo needs
 *   DATA/locks/<project>          one apply or undo at a time per project
 * May include: store sandbox core base os service/.   Threads: any; one worker per run. */
#pragma once
#include "service/runs.h"

struct effects_sum {
    int64_t files, additions, deletions, refused;
    char digest[65];
};
/* The summary as the run's `changes`. */
CHECKED int effects_sum_json(const struct effects_sum *, struct buf *out, struct err *);

/* The host directory of the run's project; free() it. ERR_NOT_FOUND when it is gone. */
CHECKED int effects_root(struct svc *, const struct run_row *, char **ret, struct err *);
/* Names of the layers its steps wrote, bottom first, of steps before `index` (-1: all), NULL-terminated, borrowed from
 * steps; free() the array, also after a failure. None where the run has its own copy of the project. */
CHECKED int effects_layers(const struct run_row *, const struct run_steps *, int64_t before, const char ***ret,
                           struct err *);
/* Reads the sealed layers, writes the files of effects_files.h. */
CHECKED int effects_compute(struct svc *, const struct run_row *, const struct run_steps *, struct effects_sum *ret,
                            struct err *);
/* Applies what was approved (row->apply, row->changes.digest), finishing or rolling back a half-done apply first.
 * *ret_json: the run's `apply` object (free it), also filled with ERR_APPLY_CONFLICT. ERR_BUSY: another apply holds the
 * project. */
CHECKED int effects_apply(struct svc *, const struct run_row *, const struct run_steps *, char **ret_json,
                          int64_t *ret_files, struct err *);
/* The same for an undo run; writes its diff.patch before. */
CHECKED int effects_undo(struct svc *, const struct run_row *, char **ret_json, int64_t *ret_files, struct err *);
/* While finishing: an apply that a crash cut in two is completed or rolled back. *ret_json NULL when there was none to
 * complete. */
CHECKED int effects_settle(struct svc *, const struct run_row *, char **ret_json, int64_t *ret_files, struct err *);
/* An apply or undo of the run was cut off and is neither completed nor rolled back. */
bool effects_half_done(const struct svc *, const struct id *run);
/* Removes the layers, the shim's and temporary files of a run whose sandbox is gone (not logs, not the apply journal).
 */
CHECKED int effects_drop_layers(struct svc *, const struct id *run, struct err *);
