/* runs_work.c - what a worker does to the run it holds, and what the reconciler does to runs nobody holds. See runs.h.
 *
 * Every function here checks the lease's token inside its transaction: a worker that lost its lease changes nothing. */
#include "service/runs_held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/fault.h"
#include "core/approval.h"
#include "service/hub.h"
#include "os/clock.h"
#include "service/policies.h"
#include "service/queues.h"
#include "service/secrets.h"
#include "service/view.h"

/* No door stands before the next phase: the run stays in the hands it is in, unless it is not its turn (others go
 * first, a limit, a pause). Nobody else saw it queued, for that is in the same commit; so the token stays, too. */
static int go_on(struct db *db, struct held *h, struct run_row *row, struct err *e)
{
    struct queue_rules rules = queues_rules(h->svc);
    bool kept = false;
    int r = 0;

    if (row->node == RN_QUEUED_APPLY || !hub_draining(h->svc->hub))
        r = queue_go_on(db, &rules, &row->id, h->lease->goes_on, h->lease->token, clock_now_us(),
                        h->svc->set.lease_ms * MS_US, &kept, e);
    return r < 0 || !kept ? r : runs_move(h->svc, db, row, RE_CLAIM, e);
}

static int held_tx(struct db *db, void *arg, struct err *e)
{
    struct held *h = arg;
    AUTO(run_row_fini) struct run_row row = {0};
    int r = run_lock(db, NULL, &h->lease->run_id, &row, e);
    enum run_node was;

    if (r < 0)
        return r;
    if (row.lease_token != h->lease->token || !run_sm_held(row.node))
        return err_set(e, ERR_LEASE, NULL);
    caller_fini(&h->c);
    caller_system(&h->c, row.tenant_id, "system", row.trace_id);
    was = row.node;
    r = h->act(db, h, &row, e);
    if (r == 0 && h->lease->goes_on && (row.node == RN_QUEUED_EXECUTE || row.node == RN_QUEUED_APPLY))
        r = go_on(db, h, &row, e);
    h->node = row.node;
    h->left_slot = was == RN_RUNNING && row.node == RN_APPLYING;
    return r;
}

int runs_held(struct held *h, struct err *e)
{
    int r = store_write(h->svc->store, held_tx, h, e);

    caller_fini(&h->c);
    if (r == 0 && (run_sm_phase(h->node) || h->left_slot))
        runs_wake(h->svc);
    return r;
}

int runs_held_audit(struct db *db, struct held *h, const struct run_row *row, const char *action, const char *target,
                    const struct buf *data, struct err *e)
{
    if (data && data->bad)
        return err_oom(e);
    return caller_audit(db, &h->c, action, target, data ? data->p : NULL, &row->id, e);
}

/* ---- claim, extend, later ---------------------------------------------- */

struct claim {
    struct svc *svc;
    const char *worker;
    struct lease lease;
    struct run_row row;
    bool lost; /* by another worker before */
};

static int claim_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(claim);
    struct claim *cl = arg;
    struct queue_rules rules = queues_rules(cl->svc);
    struct queue_row q = {0};
    int64_t now = clock_now_us();
    int r;

    run_row_fini(&cl->row);
    cl->row = (struct run_row){0};
    r = queue_claim(db, &rules, cl->worker, now, cl->svc->set.lease_ms * MS_US, &q, e);
    if (r == 0)
        r = run_lock(db, NULL, &q.run_id, &cl->row, e);
    cl->lost = q.lost;
    if (r == 0 && run_sm_held(cl->row.node)) /* its worker is gone: queued again in the same phase, and taken at once */
        r = runs_move(cl->svc, db, &cl->row, RE_LEASE_LOST, e);
    if (r < 0)
        return r;
    if (!cl->row.started_us)
        cl->row.started_us = now;
    r = runs_move(cl->svc, db, &cl->row, RE_CLAIM, e);
    cl->lease = (struct lease){.run_id = q.run_id, .token = q.lease_token};
    snprintf(cl->lease.phase, sizeof cl->lease.phase, "%s", q.phase);
    return r;
}

int runs_claim(struct svc *svc, const char *worker, struct lease *ret_lease, struct run_row *ret, struct err *e)
{
    struct claim cl = {.svc = svc, .worker = worker};
    int r = hub_draining(svc->hub) ? err_set(e, ERR_EMPTY, NULL) : store_write(svc->store, claim_tx, &cl, e);

    if (r < 0) {
        run_row_fini(&cl.row);
        return r;
    }
    if (svc->counts) {
        atomic_fetch_add(&svc->counts->claims, 1);
        atomic_fetch_add(&svc->counts->lost, cl.lost);
    }
    *ret_lease = cl.lease;
    *ret = cl.row;
    return 0;
}

static int act_extend(struct db *db, struct held *h, struct run_row *row, struct err *e)
{
    IN_COMMIT(extend);
    h->failed = row->cancel_us != 0;
    return queue_extend(db, &row->id, h->lease->token, svc_lease_end_us(h->svc, clock_now_us()), e);
}

int runs_extend(struct svc *svc, const struct lease *lease, bool *ret_cancel, struct err *e)
{
    struct held h = {.svc = svc, .lease = lease, .act = act_extend};
    int r = runs_held(&h, e);

    if (r == 0)
        *ret_cancel = h.failed;
    return r;
}

static int act_later(struct db *db, struct held *h, struct run_row *row, struct err *e)
{
    IN_COMMIT(later);
    int r = runs_move(h->svc, db, row, RE_LEASE_LOST, e);

    return r < 0 ? r
                 : queue_back(db, &row->id, run_sm_phase(row->node), clock_now_us() + h->delay_us, false,
                              h->why ? err_info(h->why->code)->name : NULL, h->why ? h->why->msg : NULL, e);
}

int runs_later(struct svc *svc, const struct lease *lease, int64_t delay_ms, const struct err *why, struct err *e)
{
    struct lease let_go = *lease;
    struct err because = why ? *why : ERR_INIT; /* may be e */
    struct held h = {
        .svc = svc, .lease = &let_go, .act = act_later, .delay_us = delay_ms * MS_US, .why = why ? &because : NULL};

    let_go.goes_on = NULL;
    return runs_held(&h, e);
}

/* ---- a failure of the server's own ------------------------------------- */

static int audit_retry(struct db *db, struct held *h, const struct run_row *row, int64_t n, int64_t delay_us,
                       struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(4 * KIB);
    struct jw w = JW_INIT(&b);

    jw_obj(&w);
    jw_kstr(&w, "phase", run_sm_phase(row->node));
    jw_kint(&w, "failures", n);
    jw_kint(&w, "delay_ms", delay_us / MS_US);
    jw_kstr(&w, "code", err_info(h->why->code)->name);
    jw_kstr(&w, "message", h->why->msg);
    jw_end_obj(&w);
    return runs_held_audit(db, h, row, "run.retried", row->id.s, &b, e);
}

/* h->failed: it was tried often enough, nothing is written. */
static int act_retry(struct db *db, struct held *h, struct run_row *row, struct err *e)
{
    IN_COMMIT(retry);
    const struct svc_settings *set = &h->svc->set;
    struct queue_row q;
    uint64_t rnd;
    int64_t delay;
    int r = queue_get(db, &row->id, &q, e);

    if (r < 0)
        return r;
    h->failed = q.failures >= set->retries || row->cancel_us;
    if (h->failed)
        return 0;
    random_bytes(&rnd, sizeof rnd);
    delay = turn_backoff_us(q.failures + 1, set->retry_ms * MS_US, set->retry_max_ms * MS_US, rnd);
    r = runs_move(h->svc, db, row, RE_LEASE_LOST, e);
    if (r == 0)
        r = queue_back(db, &row->id, run_sm_phase(row->node), clock_now_us() + delay, true,
                       err_info(h->why->code)->name, h->why->msg, e);
    return r < 0 ? r : audit_retry(db, h, row, q.failures + 1, delay, e);
}

int runs_retry(struct svc *svc, const struct lease *lease, const struct err *why, bool *ret_again, struct err *e)
{
    struct lease let_go = *lease;
    struct held h = {.svc = svc, .lease = &let_go, .act = act_retry, .why = why};
    int r;

    let_go.goes_on = NULL;
    r = runs_held(&h, e);
    if (r < 0)
        return r;
    *ret_again = !h.failed;
    if (svc->counts)
        atomic_fetch_add(h.failed ? &svc->counts->given_up : &svc->counts->retries, 1);
    return 0;
}

/* ---- planning ---------------------------------------------------------- */

struct skip {
    struct db *db;
    int64_t denied; /* index of the denied step, or -1 */
    struct run_steps list;
};

/* A text of a borrowed row becomes our own. */
static bool own(char **text)
{
    const char *theirs = *text;

    *text = str_dup(theirs);
    return !theirs || *text;
}

/* All of them or none is good: a row that lacks one would be written back without it. */
static int copy_step(struct step_row *d, const struct step_row *s, struct err *e)
{
    char **texts[] = {&d->kind,     &d->title, &d->command, &d->argv, &d->cwd,  &d->env_names,
                      &d->decision, &d->state, &d->error,   &d->log,  &d->layer};
    bool all = true;

    *d = *s;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        all = own(texts[i]) && all;
    return all ? 0 : err_oom(e);
}

static int gather_each(void *arg, const struct step_row *s, struct err *e)
{
    struct run_steps *l = arg;
    struct step_row *v = realloc(l->v, (l->n + 1) * sizeof *v);

    if (!v)
        return err_oom(e);
    l->v = v;
    l->v[l->n] = (struct step_row){0};
    return copy_step(&l->v[l->n++], s, e);
}

void run_steps_fini(struct run_steps *l)
{
    for (size_t i = 0; i < l->n; i++)
        step_row_fini(&l->v[i]);
    free(l->v);
    *l = (struct run_steps){0};
}

/* Pending steps will not run any more. */
static int skip_pending(struct db *db, const struct id *run, int64_t denied, struct err *e)
{
    AUTO(run_steps_fini) struct run_steps l = {0};
    int r = step_list(db, run, gather_each, &l, e);

    for (size_t i = 0; r == 0 && i < l.n; i++) {
        if (!str_eq(l.v[i].state, "pending"))
            continue;
        r = runs_set_str(&l.v[i].state, l.v[i].index == denied ? "denied" : "skipped", e);
        if (r == 0)
            r = step_save(db, &l.v[i], e);
    }
    return r;
}

/* A cancel that was accepted while a worker held the run ends it here at the latest: no door opens behind it. */
static int end_canceled(struct db *db, struct held *h, struct run_row *row, struct err *e)
{
    int r = runs_decide(row, "canceled", ERR_CANCELED, NULL, e);

    if (r == 0)
        r = skip_pending(db, &row->id, -1, e);
    return r < 0 ? r : runs_move(h->svc, db, row, RE_FAIL, e);
}

static int deny_plan(struct db *db, struct held *h, struct run_row *row, size_t i, const char *rule, const char *reason,
                     struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(256 * KIB);
    struct jw w = JW_INIT(&b);
    const struct plan_step *s = &h->plan->steps[i];
    char text[512];
    int r;

    jw_obj(&w);
    jw_kint(&w, "index", (int64_t)i);
    jw_kstr(&w, "command", s->command ? s->command : s->nargv ? s->argv[0] : "");
    jw_kstr(&w, "rule", rule);
    jw_kstr(&w, "reason", reason);
    jw_end_obj(&w);
    r = runs_held_audit(db, h, row, "policy.denied", row->id.s, &b, e);
    if (r < 0)
        return r;
    snprintf(text, sizeof text, "step %zu is denied by rule %s: %.380s", i + 1, rule, reason);
    r = runs_decide(row, "failed", ERR_POLICY_DENIED, text, e);
    if (r == 0)
        r = skip_pending(db, &row->id, (int64_t)i, e);
    return r < 0 ? r : runs_move(h->svc, db, row, RE_FAIL, e);
}

static int act_planned(struct db *db, struct held *h, struct run_row *row, struct err *e)
{
    IN_COMMIT(planned);
    AUTO_PTR(judged_free) struct judged *j = NULL;
    struct approval_subject subject;
    const char *rule, *reason;
    size_t i;
    int r = runs_judge(h->svc, db, row->tenant_id, h->plan, &j, e);

    if (r == 0)
        r = runs_set_plan(db, row, h->plan, j, e);
    if (r < 0)
        return r;
    if (row->cancel_us)
        return end_canceled(db, h, row, e);
    if (str_eq(row->on_deny, "fail") && judged_denied(j, &i, &rule, &reason))
        return deny_plan(db, h, row, i, rule, reason, e);
    if (!str_eq(row->review, "plan") && !str_eq(row->review, "both"))
        return runs_move(h->svc, db, row, RE_PLANNED_GO, e);
    subject = (struct approval_subject){.kind = "plan", .plan_sha256 = row->plan_hash};
    r = runs_open_approval(h->svc, db, row, NULL, &subject, NULL, NULL, e);
    return r < 0 ? r : runs_move(h->svc, db, row, RE_PLANNED, e);
}

int runs_planned(struct svc *svc, const struct lease *lease, const struct plan *plan, enum run_node *ret_node,
                 struct err *e)
{
    struct held h = {.svc = svc, .lease = lease, .act = act_planned, .plan = plan};
    int r = runs_held(&h, e);

    if (r == 0)
        *ret_node = h.node;
    return r;
}

static int act_fail(struct db *db, struct held *h, struct run_row *row, struct err *e)
{
    IN_COMMIT(fail);
    bool canceled = row->cancel_us && row->node != RN_APPLYING; /* that is why it is not tried again */
    int r = canceled ? runs_decide(row, "canceled", ERR_CANCELED, NULL, e)
                     : runs_decide(row, h->outcome, h->code, h->text, e);

    if (r == 0)
        r = skip_pending(db, &row->id, -1, e);
    if (r == 0 && row->node == RN_FINISHING)
        return run_save(db, row, e);
    return r < 0 ? r : runs_move(h->svc, db, row, RE_FAIL, e);
}

int runs_fail(struct svc *svc, const struct lease *lease, const char *outcome, int code, const char *text,
              struct err *e)
{
    struct held h = {.svc = svc, .lease = lease, .act = act_fail, .outcome = outcome, .code = code, .text = text};

    return runs_held(&h, e);
}

/* ---- steps end --------------------------------------------------------- */

static int act_steps_failed(struct db *db, struct held *h, struct run_row *row, struct err *e)
{
    IN_COMMIT(steps_failed);
    int r = runs_decide(row, h->outcome, h->code, h->text, e);

    if (r == 0)
        r = skip_pending(db, &row->id, -1, e);
    return r < 0 ? r : run_save(db, row, e);
}

static int act_step_done(struct db *db, struct held *h, struct run_row *row, struct err *e)
{
    IN_COMMIT(step_done);
    AUTO(buf_fini) struct buf b = BUF_INIT(16 * KIB);
    struct jw w = JW_INIT(&b);
    const struct step_row *s = h->step;
    int r = step_save(db, s, e);

    if (r == 0)
        r = runs_step_event(db, s, "step.finished", e);
    if (str_eq(s->state, "succeeded"))
        row->next_step = s->index + 1;
    if (r == 0)
        r = h->outcome ? act_steps_failed(db, h, row, e) : run_save(db, row, e);
    jw_obj(&w);
    jw_kint(&w, "index", s->index);
    jw_kint(&w, "attempt", s->attempt);
    jw_kstr(&w, "state", s->state);
    jw_kint(&w, "exit_code", s->exit_code);
    jw_kint(&w, "signal", s->signal);
    jw_kbool(&w, "oom_killed", s->oom_killed);
    jw_kbool(&w, "timed_out", s->timed_out);
    jw_end_obj(&w);
    return r < 0 ? r : runs_held_audit(db, h, row, "step.finished", s->id.s, &b, e);
}

int runs_step_done(struct svc *svc, const struct lease *lease, const struct step_row *step, const struct run_end *end,
                   struct err *e)
{
    struct held h = {.svc = svc, .lease = lease, .act = act_step_done, .step = (struct step_row *)step};

    if (end) {
        h.outcome = end->outcome;
        h.code = end->code;
        h.text = end->text;
    }
    return runs_held(&h, e);
}

/* The next attempt of a lost step: the same step, of which nothing has happened yet. */
static int add_attempt(struct db *db, struct held *h, const struct run_row *row, const struct step_row *lost,
                       struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(4 * KIB);
    struct jw w = JW_INIT(&b);
    struct step_row next = {.id = id_new(ID_STEP), /* borrows all: the insert only reads */
                            .run_id = lost->run_id,
                            .index = lost->index,
                            .attempt = lost->attempt + 1,
                            .kind = lost->kind,
                            .title = lost->title,
                            .command = lost->command,
                            .argv = lost->argv,
                            .cwd = lost->cwd,
                            .env_names = lost->env_names,
                            .decision = lost->decision,
                            .state = (char[]){"pending"},
                            .exit_code = -1,
                            .pty = lost->pty};
    int r = step_insert(db, &next, e);

    jw_obj(&w);
    jw_kint(&w, "index", next.index);
    jw_kint(&w, "attempt", next.attempt);
    jw_kint(&w, "attempts_max", RUN_STEP_ATTEMPTS);
    jw_kstr(&w, "lost", lost->id.s);
    jw_end_obj(&w);
    return r < 0 ? r : runs_held_audit(db, h, row, "step.retried", next.id.s, &b, e);
}

/* The attempt is over and the step is not, unless somebody asked to cancel meanwhile. */
static int act_step_again(struct db *db, struct held *h, struct run_row *row, struct err *e)
{
    IN_COMMIT(step_again);
    struct step_row *s = h->step, lost = *s; /* borrows all */
    int r;

    h->failed = row->cancel_us != 0;
    if (h->failed) {
        h->outcome = "canceled";
        h->code = ERR_CANCELED;
        return act_step_done(db, h, row, e);
    }
    lost.layer = NULL; /* nothing is built upon it */
    h->step = &lost;
    r = act_step_done(db, h, row, e);
    h->step = s;
    return r < 0 ? r : add_attempt(db, h, row, &lost, e);
}

bool runs_may_retry(const struct run_row *row, const struct step_row *s)
{
    return str_eq(row->on_lost, "retry") && str_eq(s->state, "lost") && !s->pty && !row->network && !row->seed_copy &&
           s->attempt < RUN_STEP_ATTEMPTS;
}

int runs_step_again(struct svc *svc, const struct lease *lease, const struct step_row *step, bool *ret_again,
                    struct err *e)
{
    struct held h = {.svc = svc, .lease = lease, .act = act_step_again, .step = (struct step_row *)step};
    int r = runs_held(&h, e);

    if (r == 0)
        *ret_again = !h.failed;
    return r;
}

int runs_steps_failed(struct svc *svc, const struct lease *lease, const char *outcome, int code, const char *text,
                      struct err *e)
{
    struct held h = {
        .svc = svc, .lease = lease, .act = act_steps_failed, .outcome = outcome, .code = code, .text = text};

    return runs_held(&h, e);
}

static int ask_changes(struct db *db, struct held *h, struct run_row *row, const char *digest, struct err *e)
{
    struct approval_subject s = {.kind = "changes", .changes_sha256 = digest};

    return runs_open_approval(h->svc, db, row, NULL, &s, NULL, NULL, e);
}

static int act_done(struct db *db, struct held *h, struct run_row *row, struct err *e)
{
    IN_COMMIT(done);
    AUTO(buf_fini) struct buf b = BUF_INIT(8 * KIB);
    bool failed = row->outcome != NULL, canceled = row->cancel_us || str_eq(row->outcome, "canceled");
    int r = 0;

    if (h->json) {
        r = runs_set_str(&row->changes, h->json, e);
        buf_puts(&b, h->json);
        if (r == 0)
            r = runs_event(db, &row->id, NULL, "changes.ready", &b, e);
    }
    if (r < 0)
        return r;
    if (h->files == 0 || canceled || (failed && str_eq(row->on_failure, "discard"))) {
        r = canceled ? runs_decide(row, "canceled", ERR_CANCELED, NULL, e) : runs_decide(row, "succeeded", 0, NULL, e);
        return r < 0 ? r : runs_move(h->svc, db, row, RE_DONE_EMPTY, e);
    }
    if (!failed && !runs_second_door(row->review))
        return runs_move(h->svc, db, row, RE_DONE_GO, e);
    r = ask_changes(db, h, row, h->digest, e);
    return r < 0 ? r : runs_move(h->svc, db, row, RE_DONE, e);
}

int runs_done(struct svc *svc, const struct lease *lease, const char *changes, int64_t files, const char *digest,
              enum run_node *ret_node, struct err *e)
{
    struct held h = {.svc = svc, .lease = lease, .act = act_done, .json = changes, .files = files, .digest = digest};
    int r = runs_held(&h, e);

    if (r == 0)
        *ret_node = h.node;
    return r;
}

/* ---- apply ------------------------------------------------------------- */

static int act_applied(struct db *db, struct held *h, struct run_row *row, struct err *e)
{
    IN_COMMIT(applied);
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * MIB);
    int r = runs_set_str(&row->apply, h->json, e);

    buf_puts(&b, h->json);
    if (r == 0)
        r = runs_event(db, &row->id, NULL, "changes.applied", &b, e);
    if (r == 0)
        r = runs_held_audit(db, h, row, "changes.applied", row->id.s, &b, e);
    if (r == 0 && row->node == RN_FINISHING) /* found half-done while finishing, and completed there */
        return run_save(db, row, e);
    if (r == 0)
        r = runs_decide(row, "succeeded", 0, NULL, e);
    return r < 0 ? r : runs_move(h->svc, db, row, RE_APPLIED, e);
}

int runs_applied(struct svc *svc, const struct lease *lease, const char *result_json, int64_t files, struct err *e)
{
    struct held h = {.svc = svc, .lease = lease, .act = act_applied, .json = result_json, .files = files};

    return runs_held(&h, e);
}

static int act_conflict(struct db *db, struct held *h, struct run_row *row, struct err *e)
{
    IN_COMMIT(conflict);
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * MIB);
    AUTO_PTR(json_free) struct json *doc = NULL;
    const char *digest = NULL;
    bool again = !str_eq(row->kind, "undo") && (runs_second_door(row->review) || row->outcome);
    int r = runs_set_str(&row->apply, h->json, e);

    buf_puts(&b, h->json);
    if (r == 0)
        r = runs_held_audit(db, h, row, "changes.conflict", row->id.s, &b, e);
    if (r == 0 && row->cancel_us)
        return end_canceled(db, h, row, e);
    if (r == 0 && !again) {
        r = runs_decide(row, "failed", ERR_APPLY_CONFLICT, h->text, e);
        return r < 0 ? r : runs_move(h->svc, db, row, RE_FAIL, e);
    }
    if (r == 0 && row->changes)
        r = json_parse(row->changes, strlen(row->changes), &doc, e);
    digest = json_str(json_get(doc, "digest"));
    if (r == 0)
        r = ask_changes(db, h, row, digest, e);
    return r < 0 ? r : runs_move(h->svc, db, row, RE_CONFLICT, e);
}

int runs_conflict(struct svc *svc, const struct lease *lease, const char *result_json, const char *text,
                  enum run_node *ret_node, struct err *e)
{
    struct held h = {.svc = svc, .lease = lease, .act = act_conflict, .json = result_json, .text = text};
    int r = runs_held(&h, e);

    if (r == 0)
        *ret_node = h.node;
    return r;
}

/* ---- the end ----------------------------------------------------------- */

static int keep_one(struct db *db, struct run_row *row, const struct kept *k, struct id *ret, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(16 * KIB);
    struct jw w = JW_INIT(&b);
    struct artifact_row a = {.id = id_new(ID_ARTIFACT), .run_id = row->id};
    int r;

    a.tenant_id = row->tenant_id; /* borrowed all: the insert only reads */
    a.name = (char *)k->name;
    a.media_type = (char *)k->media_type;
    a.sha256 = (char *)k->sha256;
    a.size_bytes = k->size_bytes;
    a.created_us = clock_now_us();
    r = artifact_insert(db, &a, e);
    if (r < 0)
        return r;
    *ret = a.id;
    view_artifact(&w, &a);
    return runs_event(db, &row->id, NULL, "artifact.created", &b, e);
}

struct tally {
    int64_t steps, succeeded, failed, denied, skipped;
};

static int tally_each(void *arg, const struct step_row *s, struct err *e)
{
    struct tally *t = arg;

    if (s->attempt > 1) { /* steps are counted, not attempts: the one before was lost */
        t->steps--;
        t->failed--;
    }
    t->steps++;
    t->succeeded += str_eq(s->state, "succeeded");
    t->failed += str_eq(s->state, "failed") || str_eq(s->state, "lost") || str_eq(s->state, "canceled");
    t->denied += str_eq(s->state, "denied");
    t->skipped += str_eq(s->state, "skipped") || str_eq(s->state, "pending");
    return 0;
}

static int completed_event(struct db *db, const struct run_row *row, const struct id *arts, size_t n, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
    struct jw w = JW_INIT(&b);
    struct tally t = {0};
    int r = step_list(db, &row->id, tally_each, &t, e);

    if (r < 0)
        return r;
    jw_obj(&w);
    jw_kstr(&w, "state", run_sm_state(row->node));
    view_reason(&w, row);
    jw_key(&w, "counts");
    jw_obj(&w);
    jw_kint(&w, "steps", t.steps);
    jw_kint(&w, "succeeded", t.succeeded);
    jw_kint(&w, "failed", t.failed);
    jw_kint(&w, "denied", t.denied);
    jw_kint(&w, "skipped", t.skipped);
    jw_end_obj(&w);
    jw_key(&w, "artifacts");
    jw_arr(&w);
    for (size_t i = 0; i < n; i++)
        jw_str(&w, arts[i].s);
    jw_end_arr(&w);
    jw_kint(&w, "duration_ms", row->started_us ? (row->finished_us - row->started_us) / MS_US : 0);
    jw_end_obj(&w);
    return runs_event(db, &row->id, NULL, "run.completed", &b, e);
}

/* A step that is still written down as running when its run ends: the run broke off while it ran (the store or the
 * sandbox failed), or was canceled before a worker took it up again. Its sandbox is gone by now: canceled, by us. */
static int close_running(struct db *db, const struct run_row *row, struct err *e)
{
    AUTO(run_steps_fini) struct run_steps l = {0};
    int r = step_list(db, &row->id, gather_each, &l, e);

    for (size_t i = 0; r == 0 && i < l.n; i++) {
        struct step_row *s = &l.v[i];

        if (!str_eq(s->state, "running"))
            continue;
        s->finished_us = clock_now_us();
        r = runs_set_str(&s->state, str_eq(row->outcome, "canceled") ? "canceled" : "lost", e);
        if (r == 0)
            r = step_save(db, s, e);
        if (r == 0)
            r = runs_step_event(db, s, "step.finished", e);
    }
    return r;
}

static int act_finish(struct db *db, struct held *h, struct run_row *row, struct err *e)
{
    IN_COMMIT(finish);
    AUTO(buf_fini) struct buf b = BUF_INIT(4 * KIB);
    struct jw w = JW_INIT(&b);
    struct id arts[16];
    int r = 0;

    if (h->nkept > ARRAY_LEN(arts))
        return err_set(e, ERR_INTERNAL, "too many artifacts");
    for (size_t i = 0; r == 0 && i < h->nkept; i++)
        r = keep_one(db, row, &h->kept[i], &arts[i], e);
    if (r == 0)
        r = skip_pending(db, &row->id, -1, e);
    if (r == 0)
        r = close_running(db, row, e);
    if (r < 0)
        return r;
    if (row->env_sealed) {
        secure_wipe(row->env_sealed, row->env_sealed_len);
        free(row->env_sealed);
        row->env_sealed = NULL;
        row->env_sealed_len = 0;
    }
    r = runs_close_approvals(db, &h->c, &row->id, NULL, "void", e);
    if (r == 0)
        r = runs_move(h->svc, db, row, RE_FINISHED, e);
    jw_obj(&w);
    jw_kstr(&w, "state", run_sm_state(row->node));
    jw_kstr(&w, "reason", row->reason_code);
    jw_end_obj(&w);
    if (r == 0)
        r = runs_held_audit(db, h, row, "run.completed", row->id.s, &b, e);
    return r < 0 ? r : completed_event(db, row, arts, h->nkept, e);
}

int runs_finish(struct svc *svc, const struct lease *lease, const struct kept *kept, size_t n, struct err *e)
{
    struct held h = {.svc = svc, .lease = lease, .act = act_finish, .kept = kept, .nkept = n};

    return runs_held(&h, e);
}

/* ---- loading ----------------------------------------------------------- */

struct load {
    const struct id *id;
    struct run_row *row;
    struct run_steps *steps;
};

static int load_tx(struct db *db, void *arg, struct err *e)
{
    struct load *l = arg;
    int r = run_get(db, NULL, l->id, l->row, e);

    return r < 0 ? r : step_list(db, l->id, gather_each, l->steps, e);
}

int runs_load(struct svc *svc, const struct id *id, struct run_row *ret, struct run_steps *ret_steps, struct err *e)
{
    struct load l = {.id = id, .row = ret, .steps = ret_steps};

    return store_read(svc->store, load_tx, &l, e);
}

void runs_env_free(char **env)
{
    if (!env)
        return;
    for (char **p = env; *p; p++) {
        secure_wipe(*p, strlen(*p));
        free(*p);
    }
    free(env);
}

int runs_env(struct svc *svc, const struct run_row *row, char ***ret, struct err *e)
{
    AUTO_PTR(json_free) struct json *doc = NULL;
    char *text = NULL, **env;
    size_t n = 0, i = 0;
    int r;

    if (row->env_sealed) {
        r = secrets_unseal(svc->secrets, row->id.s, row->env_sealed, row->env_sealed_len, &text, &n, e);
        if (r < 0)
            return r;
        r = json_parse(text, n, &doc, e);
        secure_wipe(text, n);
        free(text);
        if (r < 0)
            return r;
    }
    env = calloc(json_len(doc) + 1, sizeof *env);
    if (!env)
        return err_oom(e);
    for (const void *it = doc ? json_first(doc) : NULL; it; it = json_next(doc, it)) {
        env[i] = str_printf("%s=%s", json_key(it), json_str(json_val(it)));
        if (!env[i++]) {
            runs_env_free(env);
            return err_oom(e);
        }
    }
    *ret = env;
    return 0;
}
