/* turn - whose turn it is: what a priority is worth, why a run waits, when a failed one is tried again.
 *
 * Why it exists: the queue's rules are decided here, without a clock and without a store; the store keeps rows in the
 * order of turn_rank, services and views say why in the words of turn_why.
 * May include: base.  Pure.  Threads: any.
 *
 * Order. A run's rank is the moment it was queued, moved TURN_POINT_US into the past for each point of its priority;
 * the smallest rank is next. So of two runs the more important one goes first, unless the other has waited a minute
 * longer for each point between them: nobody waits for ever, and a rank never changes with time (it can be indexed).
 *
 * Lanes. What may hold a run up depends on what it waits for:
 *   finish        nothing: it is short, ends a run and frees what it used; before all others
 *   plan, apply   a pause of the project or of the node
 *   execute       a pause, and the limits on running ones: of the project, of the tenant */
#pragma once
#include "base/base.h"

#define TURN_PRIORITY_MIN (-100)
#define TURN_PRIORITY_MAX 100
#define TURN_POINT_US     (60 * SEC_US)

/* "low" -50, "normal" 0, "high" 50, "urgent" 100. */
bool turn_priority_parse(const char *name, int64_t *ret);

/* The place of a run queued at that moment: the smallest is next. */
static inline int64_t turn_rank_us(int64_t enqueued_us, int64_t priority)
{
    return enqueued_us - priority * TURN_POINT_US;
}

enum turn_lane { LANE_FINISH, LANE_DOOR, LANE_RUN };
/* Of a phase of run_sm. */
enum turn_lane turn_lane(const char *phase);

/* Microseconds until the try after the nth failure (n >= 1): base doubled each time, at most cap, of which the upper
 * half is random, so that what failed together is not tried together. rnd: any random bits. */
int64_t turn_backoff_us(int64_t n, int64_t base_us, int64_t cap_us, uint64_t rnd);

enum turn_why {
    WHY_HELD,           /* it does not wait: a worker has it */
    WHY_LEASE_LOST,     /* its worker is gone: the next free one takes it */
    WHY_DELAYED,        /* put off: tried again at its time */
    WHY_DRAINING,       /* the node takes nothing new until it is resumed; the same while the server stops */
    WHY_PAUSED,         /* the node is paused */
    WHY_PROJECT_PAUSED, /* its project is paused */
    WHY_PROJECT_LIMIT,  /* as many of its project run as may */
    WHY_TENANT_LIMIT,   /* as many of its tenant run as may */
    WHY_WORKER,         /* its turn has not come: all workers are busy, or others go first */
    WHY_N
};
struct turn_facts {
    const char *phase;
    bool held, lease_over, delayed; /* of the row, now */
    bool node_paused, node_draining, project_paused;
    int64_t project_running, project_max; /* max: 0 = no limit */
    int64_t tenant_running, tenant_max;
};
/* The first that holds it up, in the order of the enum. */
enum turn_why turn_why(const struct turn_facts *);
const char *turn_why_name(enum turn_why); /* "project_limit" */
