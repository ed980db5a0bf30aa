/* attempts - what the tries of the escape suite share. They run inside a sandbox, as a step, and outside of one.
 *
 * Why it exists: "it failed" proves nothing. A try names the errors that count as a refusal, so that one which fails
 * for a wrong argument is seen; and it says for whom the very same call works outside, where it is made too.
 *
 *   inside    every TRY must be refused with one of its errors
 *   outside   every TRY for ANY (and for ROOT, when the suite runs as root) must work; for MAYBE it may, since it
 *             depends on the kernel; NOT is left out, since it would harm the host or needs something inside
 *
 * Exit codes: 0 as it must be. 1 a try got through. 3 no such attempt. 4 refused, but not for the reason that was
 * expected. 5 outside: a try that must work does not. 6 outside: there was nothing to try. */
#pragma once
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum who { ANY, ROOT, MAYBE, NOT };

struct ctx {
    bool outside, root;
    const char *base;     /* a directory of the host with bait in it */
    const char *ws, *tmp; /* /workspace and /tmp; outside: folders below base */
    const char *abstract; /* name of an abstract socket, and the mark of the suite's processes */
    int port, udp;        /* of the host, on its loopback */
    int key;              /* of System V objects */
    pid_t canary;         /* a process of the host */
    int tried, worked, odd, broken;
};

#define N(a) (sizeof(a) / sizeof((a)[0]))

bool due(struct ctx *, enum who);
/* r < 0 with errno among errs: refused. */
void judge(struct ctx *, const char *what, enum who, long r, int sys, const int *errs);
/* The same where "refused" is not an errno. */
void judge_that(struct ctx *, const char *what, enum who, bool refused);
/* Counts a try whose setting could not be built: the test is broken. */
void broken(struct ctx *, const char *what);

#define TRY(who, call, ...)                                                                                            \
    do {                                                                                                               \
        if (due(c, who)) {                                                                                             \
            errno = 0;                                                                                                 \
            long r_ = (long)(call);                                                                                    \
            judge(c, #call, who, r_, errno, (const int[]){__VA_ARGS__, 0});                                            \
        }                                                                                                              \
    } while (0)
/* For calls with nonsense as arguments: outside any other error will do, since the kernel looked at them. */
#define REACH(who, call, ...)                                                                                          \
    do {                                                                                                               \
        if (due(c, who)) {                                                                                             \
            errno = 0;                                                                                                 \
            long r_ = (long)(call);                                                                                    \
            int sys_ = errno;                                                                                          \
            const int errs_[] = {__VA_ARGS__, 0};                                                                      \
            bool hit_ = false;                                                                                         \
            for (const int *p_ = errs_; *p_; p_++)                                                                     \
                hit_ |= r_ < 0 && sys_ == *p_;                                                                         \
            judge_that(c, #call, who, hit_);                                                                           \
        }                                                                                                              \
    } while (0)
#define CHECK(who, refused)                                                                                            \
    do {                                                                                                               \
        if (due(c, who))                                                                                               \
            judge_that(c, #refused, who, refused);                                                                     \
    } while (0)

/* base + rest, in one of a few static buffers. */
const char *at(const char *dir, const char *rest);
/* Opens; reads at least a byte: 0, else -1 with errno, also at an end of file (ENODATA). */
int read_some(const char *path);
/* Opens for writing and writes text: 0 or -1. */
int write_text(const char *path, const char *text);
/* Runs fn(arg) in a child; its exit code, or 128 + signal. */
int in_child(int (*fn)(void *), void *arg);

#define ATTEMPT(name, expect, what) void try_##name(struct ctx *c);
#include "attempts.def"
#undef ATTEMPT
