/* projects - directories that agents may work on.
 *
 * A root is canonical, a directory, below an allowed root, not the data directory nor around it, not "/" or a
 * system directory, and registered once.
 * May include: store core base os service/svc.h.   Threads: any. */
#pragma once
#include "sandbox/toolchain.h"
#include "service/svc.h"
#include "store/base_rows.h"

/* name NULL: the directory's name, made unique. Reply: Project with `warnings`. */
/* seed: how runs get their workspace: "overlay" or "copy"; NULL = "overlay". */
CHECKED int projects_add(struct svc *, struct caller *, const char *root_path, const char *name, const char *seed,
                         struct err *);
/* given: the members that are to change. Reply: Project. */
CHECKED int projects_set(struct svc *, struct caller *, const char *id_or_name, const struct json *given, struct err *);
/* What the steps of this project's runs see of a home directory. */
CHECKED int projects_toolchains(struct svc *, const char *tenant, const char *id, struct toolchains **ret,
                                struct err *);
CHECKED int projects_remove(struct svc *, struct caller *, const char *id_or_name, struct err *);
/* By id or name; removed ones are not found. Inside a read or write. */
CHECKED int projects_find(struct db *, const char *tenant, const char *id_or_name, struct project_row *ret,
                          struct err *);
CHECKED int projects_get_json(struct svc *, const char *tenant, const char *id_or_name, struct jw *, struct err *);
CHECKED int projects_list_json(struct svc *, const char *tenant, const struct id *after, int limit, struct jw *,
                               struct err *);
