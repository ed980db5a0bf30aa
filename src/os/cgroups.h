/* cgroups - where this process may make cgroups for sandboxes.
 *
 * Why it exists: the shim makes a group per sandbox there, and the reconciler looks for those that were left behind;
 * both must mean the same place.
 *
 *   <own group>/sallyport/<tenant>/<run>    in v2, and in each v1 controller that is used
 *   the packaged service: .../sallyport-sandboxes.service/sallyport/<tenant>/<run>, beside the server's own group
 *
 * Sources: cgroups(7); Documentation/admin-guide/cgroup-v2.rst.   Threads: any. */
#pragma once
#include "base/base.h"

#define CGROUPS_LEAF "/sallyport-server" /* where the server keeps itself: sandbox_host_init */

/* Is this directory in a cgroup v2 file system? */
bool cgroups_v2(const char *path);
/* The directory in which "sallyport" is, or would be made, for a v1 controller ("memory") or, with "", in v2. self: the
 * text of /proc/self/cgroup. False: there is none that we can reach, or its path is longer than cap. */
bool cgroups_base(const char *self, const char *controller, char *ret, size_t cap);
