/* restored - what a rolled back apply put back in the project: as the run saw it, whatever its ctime says.
 *
 * Why it exists: a file that changed after the run began is a conflict, and what tells is its ctime (changes.h).
 * Rolling an apply back makes files anew, with the content from before and a ctime of now; without this record no later
 * attempt of the run could ever be applied: it would blame the user for what we did.
 *
 * File `restored` in the run's directory: "<mode> <hash> <path>\0" each, then "end\0". Only what was checked against
 * the run before the first write comes in, so who has that mode and content now has what the run saw. Not synced: what
 * a crash tore counts as not there, which costs a conflict that somebody looks at and no more. May include: base os
 * sandbox/apply_priv.h (the plan).   Threads: one owner. */
#pragma once
#include "base/err.h"
#include "base/hash.h"

struct apply_plan;
struct restored;

/* Adds what the plan starts from. Best effort. run: the run's directory. */
void restored_note(int run, const struct apply_plan *);
/* *ret is NULL when nothing was. */
CHECKED int restored_load(const char *run_dir, struct restored **ret, struct err *);
/* Of NULL: false. */
bool restored_is(const struct restored *, const char *path, uint32_t mode, const char *sha);
void restored_free(struct restored *);
