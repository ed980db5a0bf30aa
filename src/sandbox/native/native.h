/* native - what the files of the native driver share. Nobody outside this folder includes it.
 *
 * May include: base os sandbox/.   Threads: see sandbox.h. */
#pragma once
#include "sandbox/sandbox.h"
#include "sandbox/spec.h"

/* Absolute path of sallyport-shim: $SALLYPORT_SHIM (tests), beside our own program, or the libexec directory. free()
 * it. */
CHECKED int native_shim_path(char **ret, struct err *);
/* Asks for a shim that takes over these fds (borrowed): control socket, spec, error file. SPW_BORN with its pidfd comes
 * over the control socket. */
CHECKED int native_nursery_bear(struct sandbox_nursery *, const char *run_id, const int fds[3], struct err *);
/* step_exit <-> its wire form. */
void native_exit_from(const struct spw_exit *, struct step_exit *ret);
/* The run's shim/ directory: fd, -ERR_NOT_FOUND when there is none. */
CHECKED int native_shim_dir(const char *run_dir, struct err *);
/* 1 when a shim holds shim/lock, else 0. */
CHECKED int native_locked(int shim_dirfd, struct err *);
/* Removes the cgroups named in shim/cgroups and what a dead shim left in shim/. */
void native_sweep(int shim_dirfd);
