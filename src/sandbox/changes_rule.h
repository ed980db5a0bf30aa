/* changes_rule - what apply never takes, whatever else is right about it.
 *
 * Why it exists: the list of refusals is a security boundary: one place, pure, tested row by row.
 * May include: base.   Pure.   Threads: any.
 *
 * Each returns the reason (a static string) or NULL. */
#pragma once
#include "base/base.h"

/* A component that git could take for ".git", on any of its platforms. */
const char *rule_path(const char *path);
/* Type and setuid, setgid, sticky bits of what is to be written. */
const char *rule_mode(uint32_t mode);
/* A link at `path` (relative to the project) to `target`, judged by its text: it must stay inside whatever its
 * components turn out to be. */
const char *rule_link(const char *path, const char *target);
