/* runs_doors.c - what people decide: at the first door (the plan, a step), at the second (the changes), and cancel. See
 * runs.h. */
#include "service/runs_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/str.h"
#include "core/approval.h"
#include "os/clock.h"
#include "os/file.h"
#include "service/picks.h"
#include "service/view.h"

#define APPROVALS_MAX 128 /* pending ones of a run: one per step at the most, and one per door */

struct door {
    struct svc *svc;
    struct caller *c;
    const struct id *id;
    int (*act)(struct db *, struct door *, struct run_row *, struct err *);
    int status;
    const char *note, *hash;     /* hash: of the plan or the changes the person saw; NULL: not said */
    const struct apply_ask *ask; /* NULL: all changes, whichever they are */
    const struct plan *plan;
    struct judged *judged;
    bool allow;
    bool denied; /* out: the policy denied the new plan */
    char why[400];
};

static int door_tx(struct db *db, void *arg, struct err *e)
{
    struct door *d = arg;
    AUTO(run_row_fini) struct run_row row = {0};
    int r = run_lock(db, d->c->tenant, d->id, &row, e);

    if (r == 0)
        r = d->act(db, d, &row, e);
    return r < 0 ? r : runs_reply(db, d->c, &row, d->status, e);
}

static int door(struct door *d, struct err *e)
{
    int r = store_write(d->svc->store, door_tx, d, e);

    if (r == 0)
        runs_wake(d->svc);
    return r;
}

static int audit_run(struct db *db, const struct door *d, const struct run_row *row, const char *action,
                     const char *hash, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
    struct jw w = JW_INIT(&b);

    jw_obj(&w);
    if (hash)
        jw_kstr(&w, "hash", hash);
    jw_kstr_opt(&w, "note", d->note);
    jw_end_obj(&w);
    if (b.bad)
        return err_oom(e);
    return caller_audit(db, d->c, action, row->id.s, b.p, &row->id, e);
}

/* ---- approvals --------------------------------------------------------- */

int runs_open_approval(struct svc *svc, struct db *db, const struct run_row *run, const struct step_row *step,
                       const struct approval_subject *subject, const struct verdict *v, struct id *ret, struct err *e)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(APPROVAL_SUBJECT_MAX), data = BUF_INIT(2 * MIB);
    struct jw w = JW_INIT(&data);
    struct approval_row a = {.id = id_new(ID_APPROVAL), .run_id = run->id};
    char hash[SHA256_HEX];
    int64_t now = clock_now_us();
    int64_t ms = step ? svc->set.approval_ms : svc->set.review_ms;
    int r = approval_canonical(subject, &text, e);

    if (r < 0)
        return r;
    sha256_hex_of(text.p, text.len, hash);
    if (step)
        a.step_id = step->id;
    a.tenant_id = run->tenant_id; /* borrowed all: the insert only reads */
    a.kind = (char *)subject->kind;
    a.subject = text.p;
    a.subject_hash = hash;
    a.rule = v ? (char *)v->rule : NULL;
    a.reason = v ? (char *)v->reason : NULL;
    a.piece = v ? v->piece : NULL;
    a.state = (char[]){"pending"};
    a.created_us = now;
    a.expires_us = ms ? now + ms * MS_US : 0;
    r = approval_insert(db, &a, e);
    if (r < 0)
        return r;
    view_approval(&w, &a);
    if (ret)
        *ret = a.id;
    return runs_event(db, &run->id, step ? &step->id : NULL, "approval.required", &data, e);
}

struct pending {
    struct id v[APPROVALS_MAX];
    size_t n;
    const char *kind;
};

static int pending_each(void *arg, const struct approval_row *a, struct err *e)
{
    struct pending *p = arg;

    if ((!p->kind || str_eq(p->kind, a->kind)) && p->n < APPROVALS_MAX)
        p->v[p->n++] = a->id;
    return 0;
}

static int resolve(struct db *db, struct caller *c, struct approval_row *a, const char *state, const char *note,
                   struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(2 * MIB);
    struct jw w = JW_INIT(&b);
    int r = runs_set_str(&a->state, state, e);

    if (r == 0)
        r = runs_set_str(&a->actor, c->actor, e);
    if (r == 0)
        r = runs_set_str(&a->surface, c->surface, e);
    if (r == 0)
        r = runs_set_str(&a->note, note, e);
    a->resolved_us = clock_now_us();
    if (r == 0)
        r = approval_save(db, a, e);
    if (r < 0)
        return r;
    view_approval(&w, a);
    return runs_event(db, &a->run_id, &a->step_id, "approval.resolved", &b, e);
}

int runs_close_approvals(struct db *db, struct caller *c, const struct id *run, const char *kind, const char *state,
                         struct err *e)
{
    struct pending p = {.kind = kind};
    struct approval_filter f = {.tenant = c->tenant, .run = run, .state = "pending", .limit = APPROVALS_MAX};
    int r = approval_list(db, &f, pending_each, &p, e);

    for (size_t i = 0; r == 0 && i < p.n; i++) {
        AUTO(approval_row_fini) struct approval_row a = {0};

        r = approval_get(db, c->tenant, &p.v[i], &a, e);
        if (r == 0)
            r = resolve(db, c, &a, state, NULL, e);
    }
    return r;
}

/* ---- first door -------------------------------------------------------- */

static int act_approve(struct db *db, struct door *d, struct run_row *row, struct err *e)
{
    IN_COMMIT(approve);
    int r;

    if (row->node == RN_AWAITING_REVIEW && d->hash && !str_eq(d->hash, row->plan_hash))
        return err_field(e, ERR_PLAN_CHANGED, "plan_hash",
                         "the plan was replaced since: its hash is %.12s… now, look again", row->plan_hash);
    r = runs_move(d->svc, db, row, RE_APPROVE, e);
    if (r == 0)
        r = runs_close_approvals(db, d->c, &row->id, "plan", "allowed", e);
    return r < 0 ? r : audit_run(db, d, row, "plan.approved", row->plan_hash, e);
}

int runs_approve(struct svc *svc, struct caller *c, const struct id *id, const char *plan_hash, const char *note,
                 struct err *e)
{
    struct door d = {.svc = svc, .c = c, .id = id, .act = act_approve, .status = 200, .hash = plan_hash, .note = note};

    return door(&d, e);
}

static int act_reject(struct db *db, struct door *d, struct run_row *row, struct err *e)
{
    IN_COMMIT(reject);
    int r;

    if (run_sm_next(row->node, RE_REJECT) != RN_NONE) {
        r = runs_decide(row, "rejected", ERR_PLAN_REJECTED, d->note, e);
        if (r < 0)
            return r;
    }
    r = runs_move(d->svc, db, row, RE_REJECT, e);
    if (r == 0)
        r = runs_close_approvals(db, d->c, &row->id, "plan", "denied", e);
    return r < 0 ? r : audit_run(db, d, row, "plan.rejected", row->plan_hash, e);
}

int runs_reject(struct svc *svc, struct caller *c, const struct id *id, const char *note, struct err *e)
{
    struct door d = {.svc = svc, .c = c, .id = id, .act = act_reject, .status = 200, .note = note};

    return door(&d, e);
}

static int open_plan_approval(struct svc *svc, struct db *db, const struct run_row *row, struct err *e)
{
    struct approval_subject s = {.kind = "plan", .plan_sha256 = row->plan_hash};

    return runs_open_approval(svc, db, row, NULL, &s, NULL, NULL, e);
}

static int act_replan(struct db *db, struct door *d, struct run_row *row, struct err *e)
{
    const char *rule = NULL, *reason = NULL;
    size_t i = 0;
    int r = runs_judge(d->svc, db, d->c->tenant, d->plan, &d->judged, e);

    if (r < 0)
        return r;
    if (run_sm_next(row->node, RE_REPLAN) == RN_NONE)
        return runs_move(d->svc, db, row, RE_REPLAN, e); /* its refusal */
    d->denied = judged_denied(d->judged, &i, &rule, &reason);
    if (d->denied) {
        snprintf(d->why, sizeof d->why, "step %zu is denied by rule %s: %s", i + 1, rule, reason);
        return err_field(e, ERR_POLICY_DENIED, "steps", "%s; the plan stays as it was", d->why);
    }
    r = runs_set_plan(db, row, d->plan, d->judged, e);
    if (r == 0)
        r = runs_close_approvals(db, d->c, &row->id, "plan", "void", e);
    if (r == 0)
        r = open_plan_approval(d->svc, db, row, e);
    if (r == 0)
        r = runs_move(d->svc, db, row, RE_REPLAN, e);
    return r < 0 ? r : audit_run(db, d, row, "plan.replaced", row->plan_hash, e);
}

/* The reply of PUT /plan is the plan. */
static int replan_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(replan);
    struct door *d = arg;
    AUTO(run_row_fini) struct run_row row = {0};
    struct jw w;
    int r = run_lock(db, d->c->tenant, d->id, &row, e);

    judged_free(d->judged);
    d->judged = NULL;
    if (r == 0)
        r = act_replan(db, d, &row, e);
    if (r < 0)
        return r;
    w = caller_reply(d->c);
    runs_plan_view(&w, &row);
    return caller_commit(db, d->c, 200, e);
}

static int denied_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(plan_denied);
    struct door *d = arg;
    AUTO(buf_fini) struct buf b = BUF_INIT(8 * KIB);
    struct jw w = JW_INIT(&b);

    jw_obj(&w);
    jw_kstr(&w, "reason", d->why);
    jw_end_obj(&w);
    if (b.bad)
        return err_bad(e, b.bad, "the reason is too long");
    return caller_audit(db, d->c, "policy.denied", d->id->s, b.p, d->id, e);
}

int runs_replan(struct svc *svc, struct caller *c, const struct id *id, const struct json *body, struct err *e)
{
    static const char *const keys[] = {"steps", NULL};
    AUTO_PTR(plan_free) struct plan *plan = NULL;
    const struct json *steps = NULL;
    struct door d = {.svc = svc, .c = c, .id = id};
    struct err e2 = ERR_INIT;
    int r = json_known(body, "", keys, e);

    if (r == 0)
        r = json_want_arr(body, "", "steps", J_REQ, PLAN_STEPS_MAX, &steps, e);
    if (r == 0)
        r = plan_from_steps(steps, "steps", &plan, e);
    if (r < 0)
        return r;
    d.plan = plan;
    r = store_write(svc->store, replan_tx, &d, e);
    /* The refusal rolled its transaction back; the denial itself is recorded on its own. */
    if (r == -ERR_POLICY_DENIED && d.denied && store_write(svc->store, denied_tx, &d, &e2) < 0)
        r = err_wrap(&e2, -e2.code, "record the denial");
    judged_free(d.judged);
    return r;
}

/* ---- second door ------------------------------------------------------- */

static int summary_digest(const struct run_row *row, char ret[80])
{
    AUTO_PTR(json_free) struct json *doc = NULL;
    const char *s = NULL;

    if (row->changes && json_parse(row->changes, strlen(row->changes), &doc, NULL) == 0)
        s = json_str(json_get(doc, "digest"));
    snprintf(ret, 80, "%s", s ? s : "");
    return 0;
}

static int same_digest(const struct door *d, const struct run_row *row, struct err *e)
{
    char now[80];

    summary_digest(row, now);
    if (row->node == RN_AWAITING_APPLY && d->hash && !str_eq(d->hash, now))
        return err_field(e, ERR_PLAN_CHANGED, "digest", "the changes are others than you saw: look again");
    return 0;
}

/* What is to be done, in the shape of what will have been done. */
static int apply_json(const struct door *d, char **ret, struct err *e)
{
    static const struct picks_ask all = {0};
    AUTO(buf_fini) struct buf b = BUF_INIT(512 * KIB); /* also part of events and audit records */
    struct jw w = JW_INIT(&b);

    jw_obj(&w);
    jw_kbool(&w, "applied", false);
    jw_kint(&w, "files", 0);
    jw_kint(&w, "additions", 0);
    jw_kint(&w, "deletions", 0);
    picks_json(d->ask ? &d->ask->picks : &all, &w);
    jw_kraw(&w, "conflicts", "[]");
    jw_kraw(&w, "skipped", "[]");
    jw_end_obj(&w);
    if (b.bad)
        return err_bad_field(e, b.bad, "paths", "too many paths for one apply: leave `paths` out to apply all");
    return runs_set_str(ret, b.p, e);
}

static int act_apply(struct db *db, struct door *d, struct run_row *row, struct err *e)
{
    IN_COMMIT(apply);
    char digest[80];
    int r = same_digest(d, row, e);

    if (r == 0)
        r = runs_move(d->svc, db, row, RE_APPLY, e);
    if (r == 0)
        r = apply_json(d, &row->apply, e);
    if (r == 0)
        r = run_save(db, row, e);
    if (r == 0)
        r = runs_close_approvals(db, d->c, &row->id, "changes", "allowed", e);
    summary_digest(row, digest);
    return r < 0 ? r : audit_run(db, d, row, "changes.approved", digest, e);
}

/* A directory stands for what is below it (apply.h); what is refused there is skipped and named in the result. */
static int check_picks(struct svc *svc, const struct id *id, const struct picks *p, struct err *e)
{
    AUTO(fd_close) int dir = -1;
    char rel[64];

    if (p->all)
        return 0;
    if (p->n == 0)
        return err_field(e, ERR_INVALID, "paths", "name at least one file, or leave `paths` out to apply all");
    snprintf(rel, sizeof rel, "runs/%s", id->s);
    dir = openat(svc->data_fd, rel, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 ? err_sys(e, ERR_IO, "open the directory of run %s", id->s) : picks_check(p, dir, e);
}

int runs_apply(struct svc *svc, struct caller *c, const struct id *id, const struct apply_ask *ask, struct err *e)
{
    struct door d = {.svc = svc, .c = c, .id = id, .act = act_apply, .status = 202, .hash = ask->digest, .ask = ask};
    AUTO(run_row_fini) struct run_row row = {0};
    AUTO(picks_fini) struct picks picks = {0};
    int r = runs_row(svc, c->tenant, id, &row, e);

    if (r == 0)
        r = picks_read(&ask->picks, &picks, e);
    if (r == 0 && row.node == RN_AWAITING_APPLY)
        r = check_picks(svc, id, &picks, e);
    if (r == 0 && row.node == RN_AWAITING_APPLY)
        r = picks_check_hunks(svc, c->tenant, id, &picks, e);
    return r < 0 ? r : door(&d, e);
}

static int act_discard(struct db *db, struct door *d, struct run_row *row, struct err *e)
{
    IN_COMMIT(discard);
    AUTO(buf_fini) struct buf b = BUF_INIT(4 * KIB);
    int r = same_digest(d, row, e);

    if (r == 0 && run_sm_next(row->node, RE_DISCARD) != RN_NONE)
        r = runs_decide(row, "rejected", ERR_DISCARDED, d->note, e);
    if (r == 0)
        r = runs_move(d->svc, db, row, RE_DISCARD, e);
    if (r == 0)
        r = runs_close_approvals(db, d->c, &row->id, "changes", "denied", e);
    if (r < 0)
        return r;
    buf_puts(&b, row->changes ? row->changes : "{}");
    r = runs_event(db, &row->id, NULL, "changes.discarded", &b, e);
    return r < 0 ? r : audit_run(db, d, row, "changes.discarded", NULL, e);
}

int runs_discard(struct svc *svc, struct caller *c, const struct id *id, const char *note, struct err *e)
{
    struct door d = {.svc = svc, .c = c, .id = id, .act = act_discard, .status = 200, .note = note};

    return door(&d, e);
}

/* ---- cancel ------------------------------------------------------------ */

static int act_cancel(struct db *db, struct door *d, struct run_row *row, struct err *e)
{
    IN_COMMIT(cancel);
    bool idle = !run_sm_held(row->node), first = row->cancel_us == 0;
    int r = 0;

    if (run_sm_next(row->node, RE_CANCEL) == RN_NONE)
        return runs_move(d->svc, db, row, RE_CANCEL, e); /* its refusal */
    if (first)
        row->cancel_us = clock_now_us();
    if (idle)
        r = runs_decide(row, "canceled", ERR_CANCELED, NULL, e);
    if (r == 0)
        r = runs_move(d->svc, db, row, RE_CANCEL, e);
    if (r == 0 && idle)
        r = runs_close_approvals(db, d->c, &row->id, NULL, "void", e);
    if (r == 0 && first)
        r = audit_run(db, d, row, "run.cancel_requested", NULL, e);
    db_touch(db, &row->id); /* the worker that holds it listens on the hub */
    return r;
}

int runs_cancel(struct svc *svc, struct caller *c, const struct id *id, struct err *e)
{
    struct door d = {.svc = svc, .c = c, .id = id, .act = act_cancel, .status = 202};

    return door(&d, e);
}

/* ---- any approval ------------------------------------------------------ */

struct answer {
    struct door d;
    const struct id *approval;
    const char *subject_hash;
};

static int answer_step(struct db *db, struct answer *an, struct run_row *row, struct approval_row *a, struct err *e)
{
    struct pending p = {0};
    struct approval_filter f = {.tenant = an->d.c->tenant, .run = &row->id, .state = "pending", .limit = APPROVALS_MAX};
    int r = resolve(db, an->d.c, a, an->d.allow ? "allowed" : "denied", an->d.note, e);

    if (r == 0)
        r = audit_run(db, &an->d, row, an->d.allow ? "step.approved" : "step.denied", a->subject_hash, e);
    if (r == 0)
        r = approval_list(db, &f, pending_each, &p, e);
    if (r == 0 && p.n == 0 && row->node == RN_AWAITING_APPROVAL)
        r = runs_move(an->d.svc, db, row, RE_ANSWERED, e);
    return r;
}

static int answer_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(answer);
    struct answer *an = arg;
    struct door *d = &an->d;
    AUTO(approval_row_fini) struct approval_row a = {0}, after = {0};
    AUTO(run_row_fini) struct run_row row = {0};
    struct jw w;
    char when[TIME_LEN];
    int r = approval_get(db, d->c->tenant, an->approval, &a, e);

    if (r == 0)
        r = run_lock(db, d->c->tenant, &a.run_id, &row, e);
    if (r < 0)
        return r;
    if (!str_eq(a.state, "pending")) {
        time_format(a.resolved_us, when);
        return err_set(e, ERR_RESOLVED, "it is %s already, by %s at %s", a.state, a.actor ? a.actor : "nobody", when);
    }
    if (an->subject_hash && !str_eq(an->subject_hash, a.subject_hash))
        return err_field(e, ERR_PLAN_CHANGED, "subject_hash", "this approval is about something else than you saw");
    if (str_eq(a.kind, "plan"))
        r = (d->allow ? act_approve : act_reject)(db, d, &row, e);
    else if (str_eq(a.kind, "changes"))
        r = (d->allow ? act_apply : act_discard)(db, d, &row, e);
    else
        r = answer_step(db, an, &row, &a, e);
    if (r == 0)
        r = approval_get(db, d->c->tenant, an->approval, &after, e);
    if (r < 0)
        return r;
    w = caller_reply(d->c);
    view_approval(&w, &after);
    return caller_commit(db, d->c, 200, e);
}

int runs_answer(struct svc *svc, struct caller *c, const struct id *approval, bool allow, const char *subject_hash,
                const char *note, struct err *e)
{
    struct answer an = {
        .d = {.svc = svc, .c = c, .note = note, .allow = allow}, .approval = approval, .subject_hash = subject_hash};
    int r = store_write(svc->store, answer_tx, &an, e);

    if (r == 0)
        runs_wake(svc);
    return r;
}
