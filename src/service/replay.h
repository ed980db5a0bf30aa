/* replay - what another policy would have said to the commands of past runs.
 *
 * Why it exists: before a policy is put in force somebody wants to see whom it stops. Each recorded step is judged
 * again, beside the answer it got then; nothing is stored and nothing runs. May include: store core base os
 * service/svc.h.   Threads: any. */
#pragma once
#include "core/policy.h"
#include "service/svc.h"

#define REPLAY_SINCE_MS  (30 * (int64_t)86400000) /* when none is given */
#define REPLAY_RUNS      100
#define REPLAY_RUNS_MAX  500
#define REPLAY_STEPS_MAX 2000      /* judged for one page; the next run then begins the next page */
#define REPLAY_BYTES     (1 * MIB) /* the same for what the page holds */

struct replay_ask {
    const char *tenant;
    const char *text;    /* the candidate; NULL: the policy in force */
    const char *project; /* id or name; NULL: all */
    int64_t since_ms;    /* how far back */
    struct id after;     /* the page before ended with this run */
    int limit;           /* runs of this page */
    bool all;            /* steps whose answer stays the same, too */
};
/* The contract's PolicyReplay (docs/API.md), runs newest first. ERR_INVALID with problems filled when the text is not a
 * policy. */
CHECKED int replay_json(struct svc *, const struct replay_ask *, struct policy_problems *, struct jw *, struct err *);
