/* recipe_read - reading makefiles and package.json as far as recipes need. Private to core/recipe*.
 *
 * May include: base.  Pure.  Threads: any. */
#pragma once
#include "base/base.h"

/* Is there a rule for `name` (NULL: any rule that may be the default goal)? ret: its name, when not NULL. Understands
 * continued lines, several targets, `::`, define blocks; knows nothing of includes, patterns and variables in names. */
bool recipe_make_target(const char *text, size_t n, const char *name, char *ret, size_t cap);
/* Has package.json this script? The one `npm init` writes to say that there are no tests does not count. */
bool recipe_npm_script(const char *text, size_t n, const char *name);
/* Does package.json name dependencies? */
bool recipe_npm_needs(const char *text, size_t n);
