/* apply - merges changes into the project, crash-safe, and takes them back.
 *
 * Why it exists: the only code that ever writes in a user's folder.
 * May include: base os core sandbox/changes.h.
 * Threads: one at a time per project: apply_* take flock on <data>/locks/<project> given as lock_fd by the caller.
 *
 *   journal (run_dir/apply/):  plan ──► pre-images saved, synced ──► "go" ──► each path: tmp beside it, fsync, rename
 *                              ──► "done".   Crash before "go": dropped (nothing was touched).
 *                              Crash after "go": finished (redo is idempotent, each step looks first); when it
 *                              cannot be (disk full, a file moved on), rolled back.
 *   Once done, the journal is what undo works from: keep run_dir/apply as long as the run may be undone. The layers are
 *   needed until "done" only.
 *
 * Conflict: a file to be written, or the directory that holds it, is not what the run saw: it differs in content, mode
 * or kind from the old_* of the change (a touch after the scan is none), or the scan found it changed after the run
 * began (struct change.moved). Checked for all selected files before the first write, and again for each at its
 * rename. What is already as the run would leave it is no conflict and is not touched (nor counted, nor undone).
 *
 * Owner of what is written: of the file it replaces, else of the project's root (root mode); the user (user mode).
 * Extended attributes: a replaced or restored file keeps its own; none come from a layer. Times: now; undo restores
 * the old ones, of directories too unless somebody else wrote in them since. */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "sandbox/changes.h"

struct apply_result {
    int64_t files, additions, deletions;
    char *conflicts; /* JSON array of {"path"[, "path_b64"], "why"}; NULL when none; free() */
    char *skipped;   /* the same: refused ones and files not selected; NULL when none; free() */
};
void apply_result_fini(struct apply_result *);

/* only: selected paths (NULL-terminated; a directory stands for what is below it) or NULL for all; one that is not a
 * change is ERR_NOT_FOUND. A chosen file takes along what it cannot be without: directories above it, what it replaces.
 * ERR_APPLY_CONFLICT: nothing was changed, conflicts filled. ERR_STATE: applied already, or to be recovered first. Any
 * other failure: rolled back; if even that failed the message says so and apply_recover goes on with it. */
CHECKED int apply_run(const struct changes *, const char *run_dir, const char *project_root, const char *const *only,
                      struct apply_result *ret, struct err *);
/* Of a modified text file, only these hunks of its part of the patch (counted from 1; diff.h). Borrowed. */
struct apply_hunks {
    const char *path;
    const uint32_t *v;
    size_t n;
};
/* The same, where n of the selected files are taken in part; the new mode of such a file is taken whole. ERR_INVALID:
 * one is no modified text file, or has no such hunk. */
CHECKED int apply_run_hunks(const struct changes *, const char *run_dir, const char *project_root,
                            const char *const *only, const struct apply_hunks *, size_t n, struct apply_result *ret,
                            struct err *);
/* At start and before any other apply of the project. *ret_state: 0 no journal, 1 rolled back, 2 finished, 3 was done
 * already; ret has the totals in 2 and 3. In 1, conflicts names files somebody changed after the crash: they were left
 * as they are, and run_dir/apply.kept holds their content from before. */
CHECKED int apply_recover(const char *run_dir, const char *project_root, int *ret_state, struct apply_result *ret,
                          struct err *);
/* Restores what apply_run of that run changed: exactly, or ERR_APPLY_CONFLICT naming what moved on since (nothing
 * changed). Journalled the same way in undo_run_dir (its own directory, which must exist; recover it with
 * apply_recover). */
CHECKED int apply_undo(const char *applied_run_dir, const char *undo_run_dir, const char *project_root,
                       struct apply_result *ret, struct err *);
/* The patch of an undo (reverse of what was applied), for its diff.patch. Before or after the undo: the same. */
CHECKED int apply_undo_patch(const char *applied_run_dir, const char *project_root, struct buf *out, struct err *);
