/* host - the shim's life once the sandbox stands: one loop, one step at a time.
 *
 * May include: base os sandbox/spec.h.   Single-threaded. See host.c for the states. */
#pragma once
#include "shim/cgroup.h"
#include "shim/shim.h"

struct host_in {
    const struct spw_spec *spec;
    const struct ids *ids;
    struct cgroup *cgroup;
    struct built built;
    int logs_dirfd, layers_dirfd, shim_dirfd;
    mode_t upper_mode; /* of the project's root: the merged root has that of the upper */
    int listen_fd;     /* shim/ctl */
    int conn_fd;       /* the one that started us */
    const char *weaker;
};
/* Returns when there is nothing left to do; init is reaped, cgroups are removed by the caller. */
void host_loop(struct host_in *);
