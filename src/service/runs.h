/* runs - a run's life: made, moved, answered, ended.
 *
 * Why it exists: the one place that writes runs.state. Every change is one
 * transaction: run + event + audit + approval + queue row + the answer stored under its idempotency key.
 *
 *   runs.c        runs_move, the one function that moves a run
 *   runs_make.c   POST /runs, undo           runs_view.c   rows to JSON        runs_plan.c   plans, judged and stored
 *   runs_doors.c  what people decide: approve, reject, replan, apply, discard, cancel, answer an approval
 *   runs_work.c   what a worker does under a lease (runs_held.h)               runs_gate.c   the gate before each step
 *   runs_idle.c   runs nobody holds: expired waits and leases, rows that do not agree
 *
 * May include: store sandbox core base os service/.   Threads: any.
 * After COMMIT a function wakes the hub's workers when it queued something; streams are woken by the store. */
#pragma once
#include "core/plan.h"
#include "service/picks.h"
#include "service/svc.h"
#include "store/base_rows.h"
#include "store/run_rows.h"

/* ---- for the api: bodies in, replies in caller->reply ------------------- */

CHECKED int runs_create(struct svc *, struct caller *, const struct json *body, struct id *ret, struct err *);
/* body: {project_id, intent | steps}; writes a Plan with the policy's answers; stores nothing. */
CHECKED int runs_try_plan(struct svc *, const char *tenant, const struct json *body, struct jw *, struct err *);
CHECKED int runs_replan(struct svc *, struct caller *, const struct id *, const struct json *body, struct err *);
CHECKED int runs_approve(struct svc *, struct caller *, const struct id *, const char *plan_hash, const char *note,
                         struct err *);
CHECKED int runs_reject(struct svc *, struct caller *, const struct id *, const char *note, struct err *);
CHECKED int runs_cancel(struct svc *, struct caller *, const struct id *, struct err *);
struct apply_ask {
    const char *digest;     /* of the changes that were looked at; NULL: not said */
    struct picks_ask picks; /* none given: all */
};
CHECKED int runs_apply(struct svc *, struct caller *, const struct id *, const struct apply_ask *, struct err *);
CHECKED int runs_discard(struct svc *, struct caller *, const struct id *, const char *note, struct err *);
CHECKED int runs_undo(struct svc *, struct caller *, const struct id *, struct id *ret, struct err *);
/* Answers any pending approval: of a step, a plan (approve, reject) or changes (apply all, discard). */
CHECKED int runs_answer(struct svc *, struct caller *, const struct id *approval, bool allow, const char *subject_hash,
                        const char *note, struct err *);

CHECKED int runs_list_json(struct svc *, const struct run_filter *, struct jw *, struct err *);
CHECKED int runs_get_json(struct svc *, const char *tenant, const struct id *, struct jw *, struct err *);
CHECKED int runs_plan_json(struct svc *, const char *tenant, const struct id *, struct jw *, struct err *);
CHECKED int runs_steps_json(struct svc *, const char *tenant, const struct id *, struct jw *, struct err *);
CHECKED int runs_step_json(struct svc *, const char *tenant, const struct id *step, struct jw *, struct err *);
CHECKED int runs_artifacts_json(struct svc *, const char *tenant, const struct id *, struct jw *, struct err *);
/* {"items":[{"approval","run"}],"next"}: what waits for a person, each with the run it is of. */
CHECKED int runs_inbox_json(struct svc *, const char *tenant, const struct id *after, int limit, struct jw *,
                            struct err *);
CHECKED int runs_approvals_json(struct svc *, const struct approval_filter *, struct jw *, struct err *);
CHECKED int runs_approval_json(struct svc *, const char *tenant, const struct id *, struct jw *, struct err *);
/* The row alone; ERR_NOT_FOUND for another tenant's. */
CHECKED int runs_row(struct svc *, const char *tenant, const struct id *, struct run_row *ret, struct err *);
/* {"runs":{state:n},"queue":…} */
CHECKED int runs_summary_json(struct svc *, struct jw *, struct err *);

/* ---- inside transactions of this service -------------------------------- */

/* Moves the run in `row` (read by run_lock): asks core/run_sm, writes state, event, queue row and deadline, saves the
 * row. ERR_STATE when refused. RE_FINISHED goes to the state row->outcome names. */
CHECKED int runs_move(struct svc *, struct db *, struct run_row *row, enum run_ev, struct err *);
/* Do the changes of a run with this `review` wait for a person? Else the run itself writes them into the project. */
bool runs_second_door(const char *review);
/* Decides how the run will end, once: a second decision changes nothing. */
CHECKED int runs_decide(struct run_row *, const char *outcome, int code, const char *text, struct err *);
/* Renders the run as the reply and commits it. */
CHECKED int runs_reply(struct db *, struct caller *, const struct run_row *, int status, struct err *);
/* Renders an event's data and appends it; render may be NULL for {}. */
CHECKED int runs_event(struct db *, const struct id *run, const struct id *step, const char *type,
                       const struct buf *data, struct err *);
/* Stores the plan in the row, its pending steps, and its hash; the policy's answers go into both. *ret_denied: the
 * answer that denies (borrowed from judged), or NULL. */
struct judged;
CHECKED int runs_judge(struct svc *, struct db *, const char *tenant, const struct plan *, struct judged **ret,
                       struct err *);
void judged_free(struct judged *);
DEFINE_AUTO_PTR(struct judged, judged_free);
CHECKED int runs_set_plan(struct db *, struct run_row *, const struct plan *, const struct judged *, struct err *);
/* The first denied step: its index, rule and reason; false when none is denied. */
bool judged_denied(const struct judged *, size_t *ret_index, const char **ret_rule, const char **ret_reason);
/* The plan of a row, parsed. */
CHECKED int runs_plan(const struct run_row *, struct plan **ret, struct err *);
void runs_wake(struct svc *); /* after a commit that queued something */
/* Pending approvals of the run become `state` ("void", "expired", …); events and audit written. */
CHECKED int runs_close_approvals(struct db *, struct caller *, const struct id *run, const char *kind,
                                 const char *state, struct err *);

/* ---- for workers: everything under a lease ------------------------------ */

struct lease {
    struct id run_id;
    uint64_t token;
    char phase[8];
    const char *goes_on; /* the worker, when the run may stay in its hands: a next phase that no door stands before is
                            then claimed by the same commit, under this same lease; NULL: it is queued for anybody */
};
/* The next ready run, moved into its held state. ERR_EMPTY. *ret is the row as claimed (run_row_fini). */
CHECKED int runs_claim(struct svc *, const char *worker, struct lease *ret_lease, struct run_row *ret, struct err *);
/* Extends the lease; *ret_cancel: somebody asked to cancel. ERR_LEASE: stop, somebody else has the run. */
CHECKED int runs_extend(struct svc *, const struct lease *, bool *ret_cancel, struct err *);
/* planning -> awaiting_review / queued.execute (running when it goes on) / finishing (denied). *ret_node: where it
 * went.
 */
CHECKED int runs_planned(struct svc *, const struct lease *, const struct plan *, enum run_node *ret_node,
                         struct err *);
/* The held run fails (or is canceled: also when somebody asked for that): the outcome is decided, the run is finishing
 * under the same lease. */
CHECKED int runs_fail(struct svc *, const struct lease *, const char *outcome, int code, const char *text,
                      struct err *);

enum gate { GATE_GO, GATE_DENIED, GATE_ASK, GATE_WOULD_ASK, GATE_CANCELED };
/* Judges the step at the moment it would run; writes `running` + step.started (GO), `denied` + step.finished (DENIED),
 * or an approval and awaiting_approval (ASK: the lease is gone). step is updated: state, attempt's log and layer names,
 * decision. Nothing is written for WOULD_ASK (instead of ASK when may_wait is false: the caller still has something to
 * let go of before another may take the run) and CANCELED (somebody asked to cancel). */
CHECKED int runs_gate(struct svc *, const struct lease *, struct step_row *step, bool may_wait, enum gate *ret,
                      struct err *);
/* Why a step that the gate denied was denied: ERR_POLICY_DENIED, ERR_APPROVAL_DENIED (by a person), or ERR_EXPIRED
 * (nobody answered in time). */
CHECKED int runs_denied_by(struct svc *, const struct step_row *, int *ret_code, struct err *);
/* Writes the step's end and step.finished; advances next_step when it succeeded. end: with it the run's steps are over,
 * as by runs_steps_failed, in the same commit, for nobody could tell later why; NULL: the next one may follow. */
struct run_end {
    const char *outcome;
    int code;
    const char *text; /* NULL: the code's */
};
CHECKED int runs_step_done(struct svc *, const struct lease *, const struct step_row *step, const struct run_end *end,
                           struct err *);
/* What becomes of a lost step, by the run's rule (on_lost). It may be run again where nothing of the lost attempt
 * reaches the next one: from the layer it first started from, in a fresh sandbox. Not with a terminal: what a person
 * typed into the lost attempt is not typed again; not with the network, where it may have acted (at most once); not in
 * a copy of the project, which has no layers. Each attempt is a row, with an id, a log and events of its own. */
#define RUN_STEP_ATTEMPTS 3
bool runs_may_retry(const struct run_row *, const struct step_row *);
/* As runs_step_done for such a step: its layer is given up, and its next attempt is pending. *ret_again false: somebody
 * asked to cancel, the run's steps are over. */
CHECKED int runs_step_again(struct svc *, const struct lease *, const struct step_row *, bool *ret_again, struct err *);
/* All steps are done: changes (summary JSON, or NULL for none), outcome decided before by runs_fail_steps or
 * "succeeded".
 * -> awaiting_apply, queued.apply (no review; applying when it goes on) or finishing. */
CHECKED int runs_done(struct svc *, const struct lease *, const char *changes, int64_t files, const char *digest,
                      enum run_node *ret_node, struct err *);
/* Decides the outcome of a run whose step failed, and skips the steps after it; the run stays `running`. */
CHECKED int runs_steps_failed(struct svc *, const struct lease *, const char *outcome, int code, const char *text,
                              struct err *);
CHECKED int runs_applied(struct svc *, const struct lease *, const char *result_json, int64_t files, struct err *);
/* Nothing was changed; back to awaiting_apply with the conflicts shown. An undo ends as failed. *ret_node: where it
 * went.
 */
CHECKED int runs_conflict(struct svc *, const struct lease *, const char *result_json, const char *text,
                          enum run_node *ret_node, struct err *);
/* Puts the run back in the queue in the same phase, to be claimed after delay_ms. why: told in the queue; may be NULL,
 * or the same as the last. */
CHECKED int runs_later(struct svc *, const struct lease *, int64_t delay_ms, const struct err *why, struct err *);
/* The same after a failure of the server's own (store, disk, sandbox): with back-off, as often as the settings say.
 * *ret_again false: often enough (or canceled), the run is held as before, to be ended with what failed. */
CHECKED int runs_retry(struct svc *, const struct lease *, const struct err *why, bool *ret_again, struct err *);
struct kept {
    const char *name, *media_type;
    char sha256[65];
    int64_t size_bytes;
};
/* artifact.created for each, run.completed, final state; the env is wiped. */
CHECKED int runs_finish(struct svc *, const struct lease *, const struct kept *, size_t n, struct err *);
/* Current row and steps, for drivers; step_list order. */
struct run_steps {
    struct step_row *v;
    size_t n;
};
void run_steps_fini(struct run_steps *);
CHECKED int runs_load(struct svc *, const struct id *, struct run_row *ret, struct run_steps *ret_steps, struct err *);
/* The run's environment values, decrypted: "NAME=value" strings, NULL-terminated, wiped by runs_env_free. */
CHECKED int runs_env(struct svc *, const struct run_row *, char ***ret, struct err *);
void runs_env_free(char **);

/* ---- for the reconciler -------------------------------------------------- */

/* What may not agree about a run that nobody holds, and what is done: service/reconcile.def tells each. */
enum mend {
    MEND_LEASE_DROPPED,
    MEND_TAKEN_OVER,
    MEND_LEASE_EXPIRED,
    MEND_REQUEUED,
    MEND_QUEUE_ROW_REMOVED,
    MEND_WAIT_EXPIRED,
    MEND_APPROVAL_VOIDED,
};
/* Runs of which it is true now, at most cap; changes nothing. */
CHECKED int runs_find(struct svc *, enum mend, int64_t now_us, struct id *v, size_t cap, size_t *ret_n, struct err *);
/* Who mends, and how its audit record reads. */
struct mend_by {
    const char *actor, *surface, *trace_id;
    const char *action, *data; /* data: a JSON object */
};
/* Looks again with the run locked, mends it, audits it: one transaction. *ret_done: false when it agreed by then. */
CHECKED int runs_mend(struct svc *, enum mend, const struct id *, int64_t now_us, const struct mend_by *,
                      bool *ret_done, struct err *);
