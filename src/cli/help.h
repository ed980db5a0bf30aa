/* help - the command table as text.  May include: base/ cli/.  Threads: one. */
#pragma once
#include "cli/cmd.h"

/* The list of commands; group not NULL: only those of "group". */
void help_all(struct ui *, const char *group);
void help_command(struct ui *, const struct cli_cmd *);
