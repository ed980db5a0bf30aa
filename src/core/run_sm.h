/* run_sm - the state machine of a run: a pure table.
 *
 * Why it exists: what may happen to a run in which state is one table, read
 * by every surface; only service/runs writes a state, and it asks here first.
 * May include: base.  Pure.  Threads: any.
 *
 *  queued.plan ─► planning ─► awaiting_review ─► queued.execute ─► running ─┬─► awaiting_approval ─┐
 *                    │                               ▲   ▲                  │                      │
 *                    └── no plan review ─────────────┘   └──────────────────┼────── answered ──────┘
 *                                                                           │
 *     ┌─────────────────────────────────────────────────────────────────────┤
 *     ├─► awaiting_apply ─► queued.apply ─► applying ─┐                     │ nothing to apply,
 *     │         ▲               ▲           │         │                     │ or it failed
 *     │         └── conflict ───┼───────────┘         │                     │
 *     └── no effects review ────┘                     ▼                     │
 *                              queued.finish ─► finishing ◄─────────────────┘
 *                                                   └─► succeeded failed rejected canceled expired
 *
 * A node is a state plus, for `queued`, its phase. Ends decided while no worker holds the run (reject, discard,
 * cancel, expiry) go to queued.finish, so that the artifacts are written by a worker under a lease.
 * A lost lease queues the run again in the same phase. A conflict goes back to the second door: a
 * person looks again. */
#pragma once
#include "base/base.h"

enum run_node {
    RN_QUEUED_PLAN,
    RN_QUEUED_EXECUTE,
    RN_QUEUED_APPLY,
    RN_QUEUED_FINISH,
    RN_PLANNING,
    RN_AWAITING_REVIEW,
    RN_RUNNING,
    RN_AWAITING_APPROVAL,
    RN_AWAITING_APPLY,
    RN_APPLYING,
    RN_FINISHING,
    RN_SUCCEEDED,
    RN_FAILED,
    RN_REJECTED,
    RN_CANCELED,
    RN_EXPIRED,
    RN_N,
    RN_NONE = -1
};

enum run_ev {
    RE_CLAIM,      /* a worker took the queue row */
    RE_PLANNED,    /* plan stored, review wanted */
    RE_PLANNED_GO, /* plan stored, no review */
    RE_REPLAN,     /* the plan was replaced at review */
    RE_APPROVE,
    RE_REJECT,
    RE_ASK,
    RE_ANSWERED,
    RE_DONE,       /* steps ended, changes wait for review */
    RE_DONE_GO,    /* steps ended, changes are applied without review */
    RE_DONE_EMPTY, /* steps ended, nothing to apply (or discarded by on_failure) */
    RE_APPLY,
    RE_DISCARD,
    RE_APPLIED,
    RE_CONFLICT, /* nothing was applied; with nobody to look at it, use RE_FAIL */
    RE_FAIL,     /* planning, running or applying cannot go on (also: canceled): the outcome says why */
    RE_CANCEL,   /* idle nodes: to queued.finish; held nodes: stays, the holder sees cancel_requested_at */
    RE_EXPIRE,   /* a wait is over: an approval counts as denied (to queued.execute), review and apply end the run */
    RE_LEASE_LOST,
    RE_FINISHED, /* to the final state named by the outcome: see run_sm_final */
    RE_N
};

/* The next node, or RN_NONE when refused. RE_FINISHED gives RN_SUCCEEDED as a mark for "allowed". */
enum run_node run_sm_next(enum run_node, enum run_ev);
bool run_sm_final(enum run_node);
bool run_sm_held(enum run_node);         /* a worker holds a lease in it */
bool run_sm_waits(enum run_node);        /* a person is waited for */
const char *run_sm_state(enum run_node); /* "queued" … "expired"; this and the next two: NULL when out of range */
const char *run_sm_phase(enum run_node); /* "plan" "execute" "apply" "finish", or NULL when not queued */
const char *run_sm_ev(enum run_ev);      /* "claim" … */
/* RN_NONE when unknown; phase only matters for "queued". */
enum run_node run_sm_parse(const char *state, const char *phase);
