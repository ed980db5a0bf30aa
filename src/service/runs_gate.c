/* runs_gate.c - the gate before each step: what was reviewed is what runs, and the policy judges at that moment. See
 * runs.h. */
#include "service/runs_held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/str.h"
#include "core/approval.h"
#include "os/clock.h"
#include "service/policies.h"
#include "service/view.h"

/* ---- the gate before each step ----------------------------------------- */

static int step_subject(const struct run_row *row, const struct plan_step *s, struct approval_subject *ret)
{
    *ret = (struct approval_subject){.kind = s->kind,
                                     .text = s->command,
                                     .argv = s->command ? NULL : (const char *const *)s->argv,
                                     .nargv = s->nargv,
                                     .cwd = s->cwd,
                                     .env_names = (const char *const *)s->env_names,
                                     .nenv = s->nenv,
                                     .network = row->network ? "on" : NULL,
                                     .pty = s->cols > 0};
    return 0;
}

struct answered {
    char plan[SHA256_HEX], step[SHA256_HEX]; /* subject hashes looked for */
    const struct step_row *now;
    struct id attempts[RUN_STEP_ATTEMPTS]; /* of the step: what was answered to one holds for the next */
    size_t nattempts;
    bool allowed, denied;
    struct id by;
};

static int attempts_each(void *arg, const struct step_row *s, struct err *e)
{
    struct answered *an = arg;

    if (s->index == an->now->index && an->nattempts < ARRAY_LEN(an->attempts))
        an->attempts[an->nattempts++] = s->id;
    return 0;
}

static bool of_this_step(const struct answered *an, const struct id *step)
{
    for (size_t i = 0; i < an->nattempts; i++)
        if (id_eq(&an->attempts[i], step))
            return true;
    return false;
}

static int answered_each(void *arg, const struct approval_row *a, struct err *e)
{
    struct answered *an = arg;
    bool mine = of_this_step(an, &a->step_id) && str_eq(a->subject_hash, an->step);
    bool plan = str_eq(a->kind, "plan") && str_eq(a->subject_hash, an->plan);

    if ((mine || plan) && str_eq(a->state, "allowed")) {
        an->allowed = true;
        an->by = a->id;
    }
    if (mine && (str_eq(a->state, "denied") || str_eq(a->state, "expired"))) {
        an->denied = true;
        an->by = a->id;
    }
    return 0;
}

static int look_up_answers(struct db *db, const struct run_row *row, const struct approval_subject *subject,
                           struct answered *an, struct err *e)
{
    struct approval_subject plan = {.kind = "plan", .plan_sha256 = row->plan_hash};
    struct approval_filter f = {.tenant = row->tenant_id, .run = &row->id, .limit = 500};
    int r = approval_subject_digest(subject, an->step, e);

    if (r == 0)
        r = approval_subject_digest(&plan, an->plan, e);
    if (r == 0)
        r = step_list(db, &row->id, attempts_each, an, e);
    return r < 0 ? r : approval_list(db, &f, answered_each, an, e);
}

static int set_decision(struct step_row *s, const struct verdict *v, const struct id *by, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(256 * KIB);
    struct jw w = JW_INIT(&b);

    runs_decision_json(&w, v, by && !id_none(by) ? by->s : NULL);
    return b.bad ? err_oom(e) : runs_set_str(&s->decision, b.p, e);
}

int runs_step_event(struct db *db, const struct step_row *s, const char *type, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(1 * MIB);
    struct jw w = JW_INIT(&b);

    view_step(&w, s);
    return runs_event(db, &s->run_id, &s->id, type, &b, e);
}

static int gate_deny(struct db *db, struct held *h, struct run_row *row, const struct verdict *v, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(256 * KIB);
    struct jw w = JW_INIT(&b);
    struct step_row *s = h->step;
    int r = runs_set_str(&s->state, "denied", e);

    h->gate = GATE_DENIED;
    if (r == 0)
        r = step_save(db, s, e);
    if (r == 0)
        r = runs_step_event(db, s, "step.finished", e);
    jw_obj(&w);
    jw_kint(&w, "index", s->index);
    jw_kstr(&w, "command", s->command ? s->command : s->argv);
    jw_kstr(&w, "rule", v->rule);
    jw_kstr(&w, "reason", v->reason);
    jw_end_obj(&w);
    if (r == 0)
        r = runs_held_audit(db, h, row, v->decision == POLICY_DENY ? "policy.denied" : "step.refused", s->id.s, &b, e);
    return r;
}

static int gate_go(struct db *db, struct held *h, struct run_row *row, const char *subject_hash, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(256 * KIB);
    struct jw w = JW_INIT(&b);
    struct step_row *s = h->step;
    char name[64];
    int r;

    h->gate = GATE_GO;
    s->started_us = clock_now_us();
    snprintf(name, sizeof name, "%lld.%lld", (long long)s->index, (long long)s->attempt);
    r = runs_set_str(&s->layer, name, e);
    snprintf(name, sizeof name, "%lld.%lld.log", (long long)s->index, (long long)s->attempt);
    if (r == 0)
        r = runs_set_str(&s->log, name, e);
    if (r == 0)
        r = runs_set_str(&s->state, "running", e);
    if (r == 0)
        r = step_save(db, s, e);
    if (r == 0)
        r = runs_step_event(db, s, "step.started", e);
    row->next_step = s->index;
    if (r == 0)
        r = run_save(db, row, e);
    jw_obj(&w);
    jw_kint(&w, "index", s->index);
    jw_kint(&w, "attempt", s->attempt);
    jw_kstr(&w, "command", s->command ? s->command : s->argv);
    if (s->pty)
        jw_kbool(&w, "pty", true);
    jw_kstr(&w, "subject_hash", subject_hash);
    jw_kraw(&w, "decision", s->decision);
    jw_end_obj(&w);
    return r < 0 ? r : runs_held_audit(db, h, row, "step.started", s->id.s, &b, e);
}

static int gate_ask(struct db *db, struct held *h, struct run_row *row, const struct approval_subject *subject,
                    const struct verdict *v, struct err *e)
{
    struct id apr = {{0}};
    int r;

    h->gate = GATE_ASK;
    r = runs_open_approval(h->svc, db, row, h->step, subject, v, &apr, e);
    if (r == 0)
        r = set_decision(h->step, v, &apr, e);
    if (r == 0)
        r = step_save(db, h->step, e);
    return r < 0 ? r : runs_move(h->svc, db, row, RE_ASK, e);
}

/* What was reviewed is what runs: the stored plan still has the hash that was shown. */
static int plan_unchanged(const struct run_row *row, const struct plan *plan, const struct step_row *s, struct err *e)
{
    char hash[SHA256_HEX];
    int r = plan_hash(plan, row->network, hash, e);

    if (r < 0)
        return r;
    if (!str_eq(hash, row->plan_hash) || s->index < 0 || (size_t)s->index >= plan->nsteps ||
        !str_eq(plan->steps[s->index].command, s->command) || (plan->steps[s->index].cols > 0) != s->pty)
        return err_set(e, ERR_PLAN_CHANGED,
                       "the stored plan does not have the hash that was reviewed: nothing of it runs");
    return 0;
}

static int act_gate(struct db *db, struct held *h, struct run_row *row, struct err *e)
{
    IN_COMMIT(gate);
    AUTO_PTR(policy_use_end) struct policy_use *use = NULL;
    AUTO_PTR(plan_free) struct plan *plan = NULL;
    AUTO(verdict_fini) struct verdict v = VERDICT_INIT;
    struct approval_subject subject;
    struct answered an = {.now = h->step};
    const struct plan_step *ps;
    int r;

    if (row->cancel_us) {
        h->gate = GATE_CANCELED;
        return 0;
    }
    r = runs_plan(row, &plan, e);
    if (r == 0)
        r = plan_unchanged(row, plan, h->step, e);
    if (r < 0)
        return r;
    ps = &plan->steps[h->step->index];
    r = policies_use(h->svc->policies, db, row->tenant_id, &use, e);
    if (r == 0)
        r = runs_judge_step(policy_use_policy(use), ps, &v, e);
    if (r == 0)
        r = step_subject(row, ps, &subject);
    if (r == 0)
        r = look_up_answers(db, row, &subject, &an, e);
    if (r == 0)
        r = set_decision(h->step, &v, &an.by, e);
    if (r < 0)
        return r;
    if (v.decision == POLICY_DENY || (v.decision == POLICY_ASK && an.denied && !an.allowed))
        return gate_deny(db, h, row, &v, e);
    if (v.decision == POLICY_ASK && !an.allowed && !h->may_wait) {
        h->gate = GATE_WOULD_ASK;
        return 0;
    }
    if (v.decision == POLICY_ASK && !an.allowed)
        return gate_ask(db, h, row, &subject, &v, e);
    return gate_go(db, h, row, an.step, e);
}

int runs_gate(struct svc *svc, const struct lease *lease, struct step_row *step, bool may_wait, enum gate *ret,
              struct err *e)
{
    struct held h = {.svc = svc, .lease = lease, .act = act_gate, .step = step, .may_wait = may_wait};
    int r = runs_held(&h, e);

    if (r == 0)
        *ret = h.gate;
    return r;
}

/* ---- why it denied ------------------------------------------------------ */

struct denied {
    const struct step_row *step;
    bool expired, refused;
};

static int denied_each(void *arg, const struct approval_row *a, struct err *e)
{
    struct denied *d = arg;

    if (id_eq(&a->step_id, &d->step->id)) {
        d->expired |= str_eq(a->state, "expired");
        d->refused |= str_eq(a->state, "denied");
    }
    return 0;
}

static int denied_tx(struct db *db, void *arg, struct err *e)
{
    struct denied *d = arg;
    struct approval_filter f = {.run = &d->step->run_id};

    d->expired = d->refused = false;
    return approval_list(db, &f, denied_each, d, e);
}

int runs_denied_by(struct svc *svc, const struct step_row *step, int *ret_code, struct err *e)
{
    AUTO_PTR(json_free) struct json *decision = NULL;
    struct denied d = {.step = step};
    int r = json_parse(step->decision, strlen(step->decision), &decision, e);

    if (r == 0)
        r = store_read(svc->store, denied_tx, &d, e);
    if (r < 0)
        return r;
    if (str_eq(json_str(json_get(decision, "action")), "deny"))
        *ret_code = ERR_POLICY_DENIED;
    else
        *ret_code = d.expired && !d.refused ? ERR_EXPIRED : ERR_APPROVAL_DENIED;
    return 0;
}
