/* nursery - a shim that waits, and copies itself for each sandbox.
 *
 * Why it exists: starting any program of this C library takes some 65 CPUID instructions, each of which leaves a
 * virtual machine: 0.5 ms where a sandbox takes 4. A copy of a small process that is running already takes 0.1 ms. May
 * include: base os sandbox/spec.h.   Single-threaded.
 *
 *   server ── BEAR: control socket, spec, error file ──► nursery ── clone3 ──► a shim, as if it had been exec'd
 *          ◄── BORN with its pidfd, over that control socket
 *
 * What is handed on: the nursery reads fixed messages only, never a spec, an environment or a secret, and closes every
 * fd after the copy; so nothing of one sandbox can be in the memory or the fds of another. Shims of one nursery do
 * share their address layout; a step does not: it is exec'd. The nursery ends with its server, its shims do not;
 * killed, it is started again for the next sandbox. */
#pragma once
#include <stddef.h>

struct nursery_in {
    char *title; /* the copy's argument, for ps(1): the run's id comes here */
    size_t title_cap;
    int (*shim)(void); /* what a copy runs; returns its exit code */
};
/* Orders come over fd 3. Returns the exit code. */
int nursery_main(const struct nursery_in *);
