/* save - bytes from the server to a file or to stdout.  May include: base/ os/ net/.  Threads: one. */
#pragma once
#include "cli/cmd.h"

/* GET path; to `file` (whole or not at all: a temporary name until it is complete), or with NULL or "-" to stdout:
 * as it is, or, on a terminal, made safe and through the pager. */
CHECKED int save_to(struct cli *, const struct buf *path, const char *accept, const char *file, bool diff,
                    struct err *);
