/* facts - looks at a project's directory for the planner.
 *
 * Reads only the files core/planner.h names, by openat2 beneath the root, bounded; follows no link out.
 * May include: core base os.   Threads: any. */
#pragma once
#include "base/err.h"
#include "core/planner.h"

struct facts;
CHECKED int facts_gather(const char *root_path, struct facts **ret, struct err *);
void facts_free(struct facts *);
DEFINE_AUTO_PTR(struct facts, facts_free);
const struct project_facts *facts_view(const struct facts *);
