/* native - what the files of the native driver share. Nobody outside this folder includes it.
 *
 * May include: base os sandbox/.   Threads: see sandbox.h. */
#pragma once
#include "sandbox/sandbox.h"
#include "sandbox/spec.h"

/* Absolute path of sallyport-shim: $SALLYPORT_SHIM (tests), beside our own program, or the libexec directory. free()
 * it. */
CHECKED int native_shim_path(char **ret, struct err *);
/* The environment of a shim: empty, but for what a test arms in it (base/fault.h). Valid as long as *mem. */
struct native_env {
    char text[3][4096];
    char *v[4];
};
char *const *native_shim_env(struct native_env *mem);
/* Asks for a shim that takes over these fds (borrowed): control socket, spec, error file. SPW_BORN with its pidfd comes
 * over the control socket. */
CHECKED int native_nursery_bear(struct sandbox_nursery *, const char *run_id, const int fds[3], struct err *);
/* step_exit <-> its wire form. */
void native_exit_from(const struct spw_exit *, struct step_exit *ret);
/* The run's shim/ directory: fd, -ERR_NOT_FOUND when there is none. */
CHECKED int native_shim_dir(const char *run_dir, struct err *);
/* 1 when a shim holds shim/lock, else 0. */
CHECKED int native_locked(int shim_dirfd, struct err *);
/* "logs/<index>.<attempt>.log", below the run's directory. */
void native_log_name(char ret[64], int index, int attempt);
/* Waits until the init that shim/init tells of is dead; its shim is. Negative: it is not, or that cannot be known. */
CHECKED int native_wait_for_init(int shim_dirfd, struct err *);
/* Removes the cgroups named in shim/cgroups and what a dead shim left in shim/. On failure their names stay there. */
CHECKED int native_sweep(int shim_dirfd, struct err *);
/* Kills what is in one group of a shim of ours and removes it, and its parents when they are empty. Changes the text.
 */
void native_remove_cgroup(char *path);

/* --- quota.c: project quotas, root mode only --- */
/* Gives the run's layers a project id while they are empty; true also when they have it already. What is made below
 * counts from then on. False: not here, the limit is watched then. */
CHECKED bool native_quota_take(const char *run_dir, const char *run_id, int *ret_layers, uint32_t *ret_id);
/* Limits the run's layers to so many bytes, and one name for each 4 KiB of them. True when the kernel keeps it now. */
CHECKED bool native_quota_limit(const char *run_dir, const char *run_id, int64_t bytes);
/* Nothing of the run writes any more: its limit goes. What is in the layers stays counted until it is removed. */
void native_quota_remove(int shim_dirfd);
/* Does the file system of this directory, or of where it will be, enforce project quotas? */
bool native_quota_on(const char *path);
