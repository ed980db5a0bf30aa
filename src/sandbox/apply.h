/* apply - merges changes into the project, crash-safe, and takes them back.
 *
 * Why it exists: the only code that ever writes in a user's folder.
 * May include: base os core sandbox/changes.h.
 * Threads: one at a time per project: apply_* take flock on <data>/locks/<project> given as lock_fd by the caller.
 *
 *   journal (run_dir/apply/):  plan ──► pre-images saved, synced ──► "go" ──► each file: tmp beside it, fsync, rename
 *                              ──► "done".   Crash before "go": rolled back (nothing was touched).
 *                              Crash after "go": finished (redo is idempotent, each op checks what is there).
 *
 * Conflict: a file to be written, or the directory that holds it, is not what the run saw: ctime later than the birth
 * of the lowest layer of the run AND content, mode or kind differ from the old_* of the change (a touch alone is no conflict). Checked for all
 * selected files before the first write, and again for each at its rename. */
#pragma once
#include "base/err.h"
#include "sandbox/changes.h"

struct apply_result {
    int64_t files, additions, deletions;
    char *conflicts;             /* JSON array of {"path","why"}; NULL when none; free() */
    char *skipped;               /* JSON array of {"path","why"}: refused ones and files not selected; NULL when none; free() */
};
void apply_result_fini(struct apply_result *);

/* only: selected paths (NULL-terminated) or NULL for all. ERR_APPLY_CONFLICT: nothing was changed, conflicts filled. */
CHECKED int apply_run(const struct changes *, const char *run_dir, const char *project_root, const char *const *only,
                      struct apply_result *ret, struct err *);
/* At start and before any other apply of the project. *ret_state: 0 no journal, 1 rolled back, 2 finished, 3 was done already. */
CHECKED int apply_recover(const char *run_dir, const char *project_root, int *ret_state, struct apply_result *ret,
                          struct err *);
/* Restores what apply_run of that run changed: exactly, or ERR_APPLY_CONFLICT naming what moved on since (nothing changed).
 * Journalled the same way in run_dir_of_undo. */
CHECKED int apply_undo(const char *applied_run_dir, const char *undo_run_dir, const char *project_root,
                       struct apply_result *ret, struct err *);
/* The patch of an undo (reverse of what was applied), for its diff.patch. */
CHECKED int apply_undo_patch(const char *applied_run_dir, const char *project_root, struct buf *out, struct err *);
