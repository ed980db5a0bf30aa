/* cgroup - the hard limits of one sandbox, wherever this host keeps its controllers.
 *
 * Why it exists: cgroup v2 by delegation, v1 controllers with a v2 tree beside
 * them, or nothing at all: the rest of the shim does not care which.
 * May include: base os sandbox/spec.h.   Threads: one owner. Host side only.
 *
 *   <own group>/sallyport/<tenant>/<run>    in v2, and in each v1 controller that is used
 *
 * One group per sandbox: steps run one after another, and init weighs next to nothing. Its name is written to
 * shim/cgroups before it is made, so that sandbox_reap can remove what a killed shim left. */
#pragma once
#include <sys/types.h>
#include "base/err.h"
#include "sandbox/spec.h"

struct cgroup;
/* Never fails for want of cgroups: then nothing is limited here, and the questions below say so. */
CHECKED int cgroup_open(const struct spw_spec *, int shim_dirfd, struct cgroup **ret, struct err *);
void cgroup_remove(struct cgroup *);                            /* all its processes are gone; consumes */
int cgroup_fd(const struct cgroup *);                           /* v2 directory to clone into, or -1 */
CHECKED int cgroup_place(struct cgroup *, pid_t, struct err *); /* into the v1 groups */
bool cgroup_has(const struct cgroup *, const char *controller); /* "memory" "cpu" "pids": really limited? */
int64_t cgroup_oom_kills(const struct cgroup *);                /* so far; 0 without a controller */

/* For --probe: the levels this process would get. Fills "hard" or "absent"-like answers by trying. */
struct cgroup_levels {
    bool memory, cpu, pids, kill;
    bool v2;
};
void cgroup_probe(int tmp_dirfd, struct cgroup_levels *ret);
