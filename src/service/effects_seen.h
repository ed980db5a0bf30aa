/* effects_seen - which of the reviewed changes are still the ones that were reviewed, one by one.
 *
 * Why it exists: an answer at the second door is bound to the digest of all changes. When the project moved on, that
 * digest is another one; the files that did not move must still be applicable by name, and those that did be named.
 * May include: base sandbox/changes.h.   Threads: any.
 *
 * The list: "<sha256 hex> <path>\0" for each change that is shown, in their order; the hash is over all that apply acts
 * on. It lies beside changes.json. */
#pragma once
#include "base/buf.h"
#include "base/json.h"
#include "sandbox/changes.h"

/* Adds the entry of one change. */
void effects_seen_add(const struct change *, struct buf *out);

/* Compares `now` with the list for the selected paths (NULL-terminated; a directory stands for what is below it), or
 * all when `only` is NULL, and adds {"path", "why"} to the open array for each that differs. *ret_n: how many. */
CHECKED int effects_seen_moved(const char *list, size_t len, const struct changes *now, const char *const *only,
                               struct jw *out, size_t *ret_n, struct err *);
