/* cgroup - the hard limits of one sandbox, wherever this host keeps its controllers.
 *
 * Why it exists: cgroup v2 by delegation, v1 controllers with a v2 tree beside
 * them, or nothing at all: the rest of the shim does not care which.
 * May include: base os sandbox/spec.h.   Threads: one owner. Host side only.
 *
 * Where they are: os/cgroups.h. One group per sandbox: steps run one after another, and init weighs next to nothing.
 * Its name is written to shim/cgroups before it is made, so that sandbox_reap can remove what a killed shim left. */
#pragma once
#include <sys/types.h>
#include "base/err.h"
#include "sandbox/spec.h"

/* Entering a v1 group: whoever writes another's pid into cgroup.procs takes a lock whose other side is every fork and
 * exit of the machine, and waits for an RCU grace period first: 10 ms on a quiet host. A thread that writes "0",
 * itself, into `tasks` needs no lock (kernel/cgroup/cgroup.c, cgroup_procs_write_start). So init, which is one thread
 * then, enters by itself, through fds that the host side opened: the kernel asks for the rights of the opener. The host
 * side reads the groups afterwards. v2 needs none of this: init is born in its group (CLONE_INTO_CGROUP). */
#define CGROUP_DOORS 3

struct cgroup;
/* The v2 group, with what limits it can set. Never fails for want of cgroups: then nothing is limited here, and the
 * questions below say so. */
CHECKED int cgroup_open(const struct spw_spec *, int shim_dirfd, struct cgroup **ret, struct err *);
void cgroup_remove(struct cgroup *);  /* all its processes are gone; consumes */
int cgroup_fd(const struct cgroup *); /* v2 directory to clone into, or -1 */
/* The v1 groups, for what v2 does not limit; before the questions below. */
void cgroup_limit(struct cgroup *, const struct spw_spec *);
/* One fd for each v1 group, for cgroup_enter; the caller closes them. */
CHECKED int cgroup_doors(const struct cgroup *, int fds[CGROUP_DOORS], size_t *ret_n, struct err *);
CHECKED int cgroup_enter(int door, struct err *); /* the calling process, which has one thread */
/* Proof: this process is in every v1 group. */
CHECKED int cgroup_holds(const struct cgroup *, pid_t, struct err *);
bool cgroup_has(const struct cgroup *, const char *controller); /* "memory" "cpu" "pids": really limited? */
int64_t cgroup_oom_kills(const struct cgroup *);                /* so far; 0 without a controller */

/* For --hold: this process goes into a leaf of its delegated v2 group, which is then free to pass controllers down. */
CHECKED int cgroup_hold(struct err *);

/* For --probe: the levels this process would get. Fills "hard" or "absent"-like answers by trying. */
struct cgroup_levels {
    bool memory, cpu, pids, kill;
    bool v2;
};
void cgroup_probe(int tmp_dirfd, struct cgroup_levels *ret);
