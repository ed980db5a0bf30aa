/* runs_plan.c - plans: judged step by step, stored with the answers, tried without a run. See runs.h. */
#include "service/runs_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "os/clock.h"
#include "service/facts.h"
#include "service/policies.h"
#include "service/projects.h"

/* ---- plans: judged, stored, tried -------------------------------------- */

struct judged {
    int64_t version;
    size_t n;
    struct verdict *v;
};

void judged_free(struct judged *j)
{
    if (!j)
        return;
    for (size_t i = 0; i < j->n; i++)
        verdict_fini(&j->v[i]);
    free(j->v);
    free(j);
}

int runs_judge_step(const struct policy *pol, const struct plan_step *s, struct verdict *ret, struct err *e)
{
    struct policy_place place = {.cwd = s->cwd};

    if (s->command)
        return policy_judge_command(pol, s->command, strlen(s->command), &place, ret, e);
    return policy_judge_argv(pol, (const char *const *)s->argv, s->nargv, &place, ret, e);
}

int runs_judge(struct svc *svc, struct db *db, const char *tenant, const struct plan *plan, struct judged **ret,
               struct err *e)
{
    AUTO_PTR(policy_use_end) struct policy_use *use = NULL;
    AUTO_PTR(judged_free) struct judged *j = calloc(1, sizeof *j);
    int r;

    if (!j || !(j->v = calloc(plan->nsteps + 1, sizeof *j->v)))
        return err_oom(e);
    r = policies_use(svc->policies, db, tenant, &use, e);
    if (r < 0)
        return r;
    j->version = policy_use_version(use);
    for (; j->n < plan->nsteps; j->n++) {
        r = runs_judge_step(policy_use_policy(use), &plan->steps[j->n], &j->v[j->n], e);
        if (r < 0)
            return r;
    }
    *ret = TAKE(j);
    return 0;
}

bool judged_denied(const struct judged *j, size_t *ret_index, const char **ret_rule, const char **ret_reason)
{
    for (size_t i = 0; i < j->n; i++)
        if (j->v[i].decision == POLICY_DENY) {
            *ret_index = i;
            *ret_rule = j->v[i].rule;
            *ret_reason = j->v[i].reason;
            return true;
        }
    return false;
}

void runs_decision_json(struct jw *w, const struct verdict *v, const char *approval_id)
{
    jw_obj(w);
    jw_kstr(w, "action", policy_decision_name(v->decision));
    jw_kstr(w, "rule", v->rule);
    jw_kstr(w, "reason", v->reason);
    jw_kstr(w, "piece", v->piece && v->piece[0] ? v->piece : NULL);
    jw_kstr(w, "approval_id", approval_id);
    jw_end_obj(w);
}

static void judged_plan_members(struct jw *w, const struct plan *plan, const struct judged *j)
{
    jw_kstr(w, "title", plan->title);
    jw_key(w, "notes");
    jw_arr(w);
    for (size_t i = 0; i < plan->nnotes; i++)
        jw_str(w, plan->notes[i]);
    jw_end_arr(w);
    jw_key(w, "steps");
    jw_arr(w);
    for (size_t i = 0; i < plan->nsteps; i++) {
        jw_obj(w);
        plan_step_members(w, &plan->steps[i], i);
        jw_key(w, "decision");
        runs_decision_json(w, &j->v[i], NULL);
        jw_end_obj(w);
    }
    jw_end_arr(w);
}

static int argv_json(const struct plan_step *s, char **ret, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(1 * MIB);
    struct jw w = JW_INIT(&b);

    if (s->command)
        return 0;
    jw_arr(&w);
    for (size_t i = 0; i < s->nargv; i++)
        jw_str(&w, s->argv[i]);
    jw_end_arr(&w);
    if (b.bad)
        return err_oom(e);
    return runs_set_str(ret, b.p, e);
}

static int names_json(const struct plan_step *s, char **ret, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
    struct jw w = JW_INIT(&b);

    jw_arr(&w);
    for (size_t i = 0; i < s->nenv; i++)
        jw_str(&w, s->env_names[i]);
    jw_end_arr(&w);
    if (b.bad)
        return err_oom(e);
    return runs_set_str(ret, b.p, e);
}

static int insert_step(struct db *db, const struct run_row *run, const struct plan_step *s, size_t i,
                       const struct verdict *v, struct err *e)
{
    AUTO(buf_fini) struct buf dec = BUF_INIT(64 * KIB);
    AUTO(step_row_fini) struct step_row row = {.run_id = run->id, .index = (int64_t)i, .attempt = 1, .exit_code = -1};
    struct jw w = JW_INIT(&dec);
    int r;

    row.id = id_new(ID_STEP);
    row.pty = s->cols > 0;
    runs_decision_json(&w, v, NULL);
    if (dec.bad)
        return err_oom(e);
    r = runs_set_str(&row.kind, s->kind, e);
    if (r == 0)
        r = runs_set_str(&row.title, s->title, e);
    if (r == 0)
        r = runs_set_str(&row.command, s->command, e);
    if (r == 0)
        r = runs_set_str(&row.cwd, s->cwd, e);
    if (r == 0)
        r = runs_set_str(&row.state, "pending", e);
    if (r == 0)
        r = runs_set_str(&row.decision, dec.p, e);
    if (r == 0)
        r = argv_json(s, &row.argv, e);
    if (r == 0)
        r = names_json(s, &row.env_names, e);
    return r < 0 ? r : step_insert(db, &row, e);
}

int runs_set_plan(struct db *db, struct run_row *row, const struct plan *plan, const struct judged *j, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(1536 * KIB); /* it must fit into one event of a stream, and one answer */
    struct jw w = JW_INIT(&b);
    char hash[SHA256_HEX];
    int r = plan_hash(plan, row->network, hash, e);

    if (r < 0)
        return r;
    jw_obj(&w);
    judged_plan_members(&w, plan, j);
    jw_end_obj(&w);
    if (b.bad)
        return err_bad_field(e, b.bad, "steps", "the steps are too large together");
    r = runs_set_str(&row->plan, b.p, e);
    if (r == 0)
        r = runs_set_str(&row->plan_hash, hash, e);
    row->policy_version = j->version;
    if (r == 0)
        r = step_delete_pending(db, &row->id, e);
    for (size_t i = 0; r == 0 && i < plan->nsteps; i++)
        r = insert_step(db, row, &plan->steps[i], i, &j->v[i], e);
    if (r < 0)
        return r;
    buf_reset(&b);
    b.max += 4 * KIB;
    w = (struct jw)JW_INIT(&b);
    runs_plan_view(&w, row);
    return runs_event(db, &row->id, NULL, "run.planned", &b, e);
}

int runs_plan(const struct run_row *row, struct plan **ret, struct err *e)
{
    AUTO_PTR(json_free) struct json *doc = NULL;
    int r;

    if (!row->plan)
        return err_set(e, ERR_STATE, "the run has no plan");
    r = json_parse(row->plan, strlen(row->plan), &doc, e);
    if (r == 0)
        r = plan_from_json(doc, ret, e);
    return r < 0 ? err_wrap(e, r, "the stored plan") : 0;
}

struct try_plan {
    struct svc *svc;
    const char *tenant, *project;
    char *root;
    const struct plan *plan;
    struct judged *judged;
};

static int try_root_tx(struct db *db, void *arg, struct err *e)
{
    struct try_plan *t = arg;
    AUTO(project_row_fini) struct project_row prj = {0};
    int r = runs_project(db, t->tenant, t->project, &prj, e);

    return r < 0 ? r : runs_set_str(&t->root, prj.root_path, e);
}

static int try_judge_tx(struct db *db, void *arg, struct err *e)
{
    struct try_plan *t = arg;

    return runs_judge(t->svc, db, t->tenant, t->plan, &t->judged, e);
}

int runs_try_plan(struct svc *svc, const char *tenant, const struct json *body, struct jw *w, struct err *e)
{
    static const char *const keys[] = {"project_id", "intent", "steps", NULL};
    struct try_plan t = {.svc = svc, .tenant = tenant};
    AUTO_PTR(facts_free) struct facts *facts = NULL;
    AUTO_PTR(plan_free) struct plan *plan = NULL;
    const struct json *steps = NULL;
    const char *intent = NULL;
    char hash[SHA256_HEX];
    int r = json_known(body, "", keys, e);

    if (r == 0)
        r = json_want_str(body, "", "project_id", J_REQ, 200, &t.project, e);
    if (r == 0)
        r = json_want_str(body, "", "intent", J_OPT, 2000, &intent, e);
    if (r == 0)
        r = json_want_arr(body, "", "steps", J_OPT, PLAN_STEPS_MAX, &steps, e);
    if (r == 0 && !intent == !steps)
        r = err_field(e, ERR_INVALID, "intent", "give either `intent` or `steps`");
    if (r == 0)
        r = store_read(svc->store, try_root_tx, &t, e);
    if (r == 0 && intent)
        r = facts_gather(t.root, &facts, e);
    free(t.root);
    if (r == 0)
        r = intent ? planner_make(intent, facts_view(facts), &plan, e) : plan_from_steps(steps, "steps", &plan, e);
    if (r == 0)
        r = plan_hash(plan, false, hash, e);
    t.plan = plan;
    if (r == 0)
        r = store_read(svc->store, try_judge_tx, &t, e);
    if (r < 0)
        return r;
    jw_obj(w);
    jw_kstr(w, "run_id", NULL);
    jw_kstr(w, "plan_hash", hash);
    jw_kint(w, "policy_version", t.judged->version);
    judged_plan_members(w, plan, t.judged);
    jw_end_obj(w);
    judged_free(t.judged);
    return 0;
}
