/* effects_files - the files that the second door shows, written in bounded memory and synced together.
 *
 * Why it exists: a run may change very many files. The list and the patch are written piece by piece; none of them has
 * its name before all of them are on disk, and the directory is synced once, before the store says that they are there.
 *
 *   DATA/runs/<id>/changes.json  the list, one change per line: "[" line, {…},\n … ]
 *   DATA/runs/<id>/seen          see effects_seen.h
 *   DATA/runs/<id>/diff.patch
 *
 * A run that changed nothing has none of them, and costs no sync.
 * May include: base os sandbox/changes.h.   Threads: any; one worker per run. */
#pragma once
#include "sandbox/changes.h"

CHECKED int effects_files_write(int run_dirfd, const struct changes *, struct err *);

/* Calls each with the first `max` lines of changes.json, parsed; *ret_n: how many changes there are. No file: none. */
CHECKED int effects_files_list(int run_dirfd, size_t max, void (*each)(void *arg, const struct json *), void *arg,
                               size_t *ret_n, struct err *);
