/* resolve - from what people type to ids: "last", "3KQ7", a name, this directory.
 *
 * May include: base/ os/ net/.   Threads: one. */
#pragma once
#include "base/id.h"
#include "cli/cmd.h"

#define RESOLVE_MIN 4 /* fewer characters would match by accident */

/* True when `what` is a beginning (with or without "run_") or the end of id; at least RESOLVE_MIN characters of the
 * id's own part; letter case does not matter. Pure. */
bool resolve_match(const char *id, const char *prefix, const char *what);

/* ERR_NOT_FOUND; ERR_INVALID when more than one fits (the message names two of them). */
CHECKED int resolve_run(struct cli *, const char *what, struct id *ret, struct err *);
CHECKED int resolve_approval(struct cli *, const char *what, struct id *ret, struct err *);
CHECKED int resolve_token(struct cli *, const char *what, struct id *ret, struct err *);

/* The project that -p names, or the one whose root_path holds the current directory (the deepest): its id. */
CHECKED int resolve_project(struct cli *, const char *what, char **ret, struct err *);
