/* run_sm - see run_sm.h.
 *
 * May include: base.  Pure.  Threads: any.
 *
 * Rows: where the run is. Columns: what happened. An empty cell is refused. Cells hold node + 1, so that the
 * zero of an empty cell means RN_NONE.
 *
 * What is not plain from the drawing:
 *  - Cancel is accepted in every node that is not final. A held node stays: its holder sees cancel_requested_at,
 *    kills, and leaves by RE_FAIL with the outcome `canceled`. In the two finishing nodes the outcome is
 *    decided already: cancel changes nothing, but is no error.
 *  - An approval that expires denies its step; the run goes on to say so (or to tell the agent), so RE_EXPIRE of
 *    awaiting_approval leads where an answer leads. A review or an apply that expires ends the run.
 *  - A conflict goes back to the second door. Without effects review the holder uses RE_FAIL instead. */
#include "core/run_sm.h"
#include "base/str.h"

#define TO(node) (RN_##node + 1)

static const unsigned char next[RN_N][RE_N] = {
    [RN_QUEUED_PLAN] = {[RE_CLAIM] = TO(PLANNING), [RE_CANCEL] = TO(QUEUED_FINISH)},
    [RN_QUEUED_EXECUTE] = {[RE_CLAIM] = TO(RUNNING), [RE_CANCEL] = TO(QUEUED_FINISH)},
    [RN_QUEUED_APPLY] = {[RE_CLAIM] = TO(APPLYING), [RE_CANCEL] = TO(QUEUED_FINISH)},
    [RN_QUEUED_FINISH] = {[RE_CLAIM] = TO(FINISHING), [RE_CANCEL] = TO(QUEUED_FINISH)},
    [RN_PLANNING] = {[RE_PLANNED] = TO(AWAITING_REVIEW),
                     [RE_PLANNED_GO] = TO(QUEUED_EXECUTE),
                     [RE_FAIL] = TO(FINISHING),
                     [RE_CANCEL] = TO(PLANNING),
                     [RE_LEASE_LOST] = TO(QUEUED_PLAN)},
    [RN_AWAITING_REVIEW] = {[RE_REPLAN] = TO(AWAITING_REVIEW),
                            [RE_APPROVE] = TO(QUEUED_EXECUTE),
                            [RE_REJECT] = TO(QUEUED_FINISH),
                            [RE_CANCEL] = TO(QUEUED_FINISH),
                            [RE_EXPIRE] = TO(QUEUED_FINISH)},
    [RN_RUNNING] = {[RE_ASK] = TO(AWAITING_APPROVAL),
                    [RE_DONE] = TO(AWAITING_APPLY),
                    [RE_DONE_GO] = TO(QUEUED_APPLY),
                    [RE_DONE_EMPTY] = TO(FINISHING),
                    [RE_FAIL] = TO(FINISHING),
                    [RE_CANCEL] = TO(RUNNING),
                    [RE_LEASE_LOST] = TO(QUEUED_EXECUTE)},
    [RN_AWAITING_APPROVAL] =
        {[RE_ANSWERED] = TO(QUEUED_EXECUTE), [RE_CANCEL] = TO(QUEUED_FINISH), [RE_EXPIRE] = TO(QUEUED_EXECUTE)},
    [RN_AWAITING_APPLY] = {[RE_APPLY] = TO(QUEUED_APPLY),
                           [RE_DISCARD] = TO(QUEUED_FINISH),
                           [RE_CANCEL] = TO(QUEUED_FINISH),
                           [RE_EXPIRE] = TO(QUEUED_FINISH)},
    [RN_APPLYING] = {[RE_APPLIED] = TO(FINISHING),
                     [RE_CONFLICT] = TO(AWAITING_APPLY),
                     [RE_FAIL] = TO(FINISHING),
                     [RE_CANCEL] = TO(APPLYING),
                     [RE_LEASE_LOST] = TO(QUEUED_APPLY)},
    [RN_FINISHING] = {[RE_FINISHED] = TO(SUCCEEDED), [RE_CANCEL] = TO(FINISHING), [RE_LEASE_LOST] = TO(QUEUED_FINISH)},
};

enum { HELD = 1, WAITS = 2, FINAL = 4 };

static const struct {
    const char *state, *phase;
    unsigned is;
} nodes[RN_N] = {
    [RN_QUEUED_PLAN] = {"queued", "plan", 0},
    [RN_QUEUED_EXECUTE] = {"queued", "execute", 0},
    [RN_QUEUED_APPLY] = {"queued", "apply", 0},
    [RN_QUEUED_FINISH] = {"queued", "finish", 0},
    [RN_PLANNING] = {"planning", NULL, HELD},
    [RN_AWAITING_REVIEW] = {"awaiting_review", NULL, WAITS},
    [RN_RUNNING] = {"running", NULL, HELD},
    [RN_AWAITING_APPROVAL] = {"awaiting_approval", NULL, WAITS},
    [RN_AWAITING_APPLY] = {"awaiting_apply", NULL, WAITS},
    [RN_APPLYING] = {"applying", NULL, HELD},
    [RN_FINISHING] = {"finishing", NULL, HELD},
    [RN_SUCCEEDED] = {"succeeded", NULL, FINAL},
    [RN_FAILED] = {"failed", NULL, FINAL},
    [RN_REJECTED] = {"rejected", NULL, FINAL},
    [RN_CANCELED] = {"canceled", NULL, FINAL},
    [RN_EXPIRED] = {"expired", NULL, FINAL},
};

static const char *const evs[RE_N] = {
    [RE_CLAIM] = "claim",
    [RE_PLANNED] = "planned",
    [RE_PLANNED_GO] = "planned_go",
    [RE_REPLAN] = "replan",
    [RE_APPROVE] = "approve",
    [RE_REJECT] = "reject",
    [RE_ASK] = "ask",
    [RE_ANSWERED] = "answered",
    [RE_DONE] = "done",
    [RE_DONE_GO] = "done_go",
    [RE_DONE_EMPTY] = "done_empty",
    [RE_APPLY] = "apply",
    [RE_DISCARD] = "discard",
    [RE_APPLIED] = "applied",
    [RE_CONFLICT] = "conflict",
    [RE_FAIL] = "fail",
    [RE_CANCEL] = "cancel",
    [RE_EXPIRE] = "expire",
    [RE_LEASE_LOST] = "lease_lost",
    [RE_FINISHED] = "finished",
};

static bool node_ok(enum run_node n)
{
    return (int)n >= 0 && n < RN_N;
}

enum run_node run_sm_next(enum run_node n, enum run_ev ev)
{
    if (!node_ok(n) || (int)ev < 0 || ev >= RE_N)
        return RN_NONE;
    return (enum run_node)((int)next[n][ev] - 1);
}

static bool node_is(enum run_node n, unsigned what)
{
    return node_ok(n) && (nodes[n].is & what);
}

bool run_sm_final(enum run_node n)
{
    return node_is(n, FINAL);
}

bool run_sm_held(enum run_node n)
{
    return node_is(n, HELD);
}

bool run_sm_waits(enum run_node n)
{
    return node_is(n, WAITS);
}

const char *run_sm_state(enum run_node n)
{
    return node_ok(n) ? nodes[n].state : NULL;
}

const char *run_sm_phase(enum run_node n)
{
    return node_ok(n) ? nodes[n].phase : NULL;
}

const char *run_sm_ev(enum run_ev ev)
{
    return (int)ev >= 0 && ev < RE_N ? evs[ev] : NULL;
}

enum run_node run_sm_parse(const char *state, const char *phase)
{
    if (!state)
        return RN_NONE;
    for (int i = 0; i < RN_N; i++)
        if (str_eq(nodes[i].state, state) && (!nodes[i].phase || str_eq(nodes[i].phase, phase)))
            return (enum run_node)i;
    return RN_NONE;
}
