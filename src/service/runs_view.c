/* runs_view.c - reading runs: rows to the JSON of the contract. See runs.h. */
#include "service/runs_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "service/hub.h"
#include "service/queues.h"
#include "service/terminals.h"
#include "service/view.h"

/* ---- views ------------------------------------------------------------- */

static int count_each(void *arg, const struct step_row *s, struct err *e)
{
    struct run_counts_view *n = arg;

    if (s->attempt > 1) { /* steps are counted, not attempts: the one before was lost */
        n->steps--;
        n->failed--;
    }
    n->steps++;
    n->succeeded += str_eq(s->state, "succeeded");
    n->failed += str_eq(s->state, "failed") || str_eq(s->state, "lost") || str_eq(s->state, "denied");
    return 0;
}

static int open_view(struct db *db, struct jw *w, const struct run_row *row, struct err *e)
{
    AUTO(project_row_fini) struct project_row prj = {0};
    struct run_counts_view n = {0};
    int r = project_get(db, row->tenant_id, &row->project_id, &prj, e);

    if (r == 0)
        r = step_list(db, &row->id, count_each, &n, e);
    if (r < 0)
        return r;
    view_run_open(w, row, prj.name, &n);
    return 0;
}

int runs_reply(struct db *db, struct caller *c, const struct run_row *row, int status, struct err *e)
{
    struct jw w = caller_reply(c);
    int r = open_view(db, &w, row, e);

    if (r < 0)
        return r;
    jw_end_obj(&w);
    return caller_commit(db, c, status, e);
}

struct query {
    struct svc *svc;
    const char *tenant;
    const struct id *id;
    const struct run_filter *rf;
    const struct approval_filter *af;
    struct jw *w;
    struct db *db;
    struct view_page page;
    struct run_row *row;
    struct step_row *step;
};

static int list_each(void *arg, const struct run_row *row, struct err *e)
{
    struct query *q = arg;
    int r = open_view(q->db, q->w, row, e);

    if (r < 0)
        return r;
    jw_end_obj(q->w);
    view_page_item(&q->page, &row->id);
    return 0;
}

static int list_tx(struct db *db, void *arg, struct err *e)
{
    struct query *q = arg;

    q->db = db;
    return run_list(db, q->rf, list_each, q, e);
}

int runs_list_json(struct svc *svc, const struct run_filter *f, struct jw *w, struct err *e)
{
    struct query q = {.svc = svc, .rf = f, .page = {.limit = f->limit}, .w = w};
    int r;

    view_page_open(w);
    r = store_read(svc->store, list_tx, &q, e);
    view_page_close(w, &q.page);
    return r;
}

static int step_view_each(void *arg, const struct step_row *s, struct err *e)
{
    view_step(arg, s);
    return 0;
}

static int artifact_view_each(void *arg, const struct artifact_row *a, struct err *e)
{
    view_artifact(arg, a);
    return 0;
}

static int steps_array(struct db *db, struct jw *w, const struct id *run, struct err *e)
{
    int r;

    jw_arr(w);
    r = step_list(db, run, step_view_each, w, e);
    jw_end_arr(w);
    return r;
}

static int artifacts_array(struct db *db, struct jw *w, const struct id *run, struct err *e)
{
    int r;

    jw_arr(w);
    r = artifact_list(db, run, artifact_view_each, w, e);
    jw_end_arr(w);
    return r;
}

bool runs_takes_back(const struct run_row *undo)
{
    return undo->node != RN_FAILED && undo->node != RN_CANCELED;
}

struct undone {
    struct jw *w;
    bool found;
};

static int undone_each(void *arg, const struct run_row *undo, struct err *e)
{
    struct undone *u = arg;

    if (u->found || !runs_takes_back(undo))
        return 0;
    u->found = true;
    jw_obj(u->w);
    jw_kstr(u->w, "id", undo->id.s);
    jw_kstr(u->w, "state", run_sm_state(undo->node));
    jw_ktime(u->w, "finished_at", undo->finished_us);
    jw_end_obj(u->w);
    return 0;
}

static int undone_by(struct db *db, struct jw *w, const struct run_row *row, struct err *e)
{
    struct undone u = {.w = w};

    jw_key(w, "undone_by");
    int r = run_list_undoing(db, row, undone_each, &u, e);
    if (!u.found)
        jw_null(w);
    return r;
}

static int get_tx(struct db *db, void *arg, struct err *e)
{
    struct query *q = arg;
    AUTO(run_row_fini) struct run_row row = {0};
    int r = run_get(db, q->tenant, q->id, &row, e);

    if (r == 0)
        r = open_view(db, q->w, &row, e);
    if (r < 0)
        return r;
    jw_key(q->w, "steps");
    r = steps_array(db, q->w, q->id, e);
    jw_key(q->w, "artifacts");
    if (r == 0)
        r = artifacts_array(db, q->w, q->id, e);
    if (r == 0)
        r = undone_by(db, q->w, &row, e);
    jw_end_obj(q->w);
    return r;
}

int runs_get_json(struct svc *svc, const char *tenant, const struct id *id, struct jw *w, struct err *e)
{
    struct query q = {.tenant = tenant, .id = id, .w = w};

    return store_read(svc->store, get_tx, &q, e);
}

void runs_plan_view(struct jw *w, const struct run_row *row)
{
    /* row->plan is {"title","notes","steps"} with each step's decision: its members are taken over as they stand. */
    jw_obj(w);
    jw_kstr(w, "run_id", row->id.s);
    jw_kstr(w, "plan_hash", row->plan_hash);
    jw_kint(w, "policy_version", row->policy_version);
    if (row->plan && strlen(row->plan) > 2) {
        buf_addc(w->out, ',');
        buf_add(w->out, row->plan + 1, strlen(row->plan) - 2);
    }
    jw_end_obj(w);
}

static int plan_tx(struct db *db, void *arg, struct err *e)
{
    struct query *q = arg;
    AUTO(run_row_fini) struct run_row row = {0};
    int r = run_get(db, q->tenant, q->id, &row, e);

    if (r < 0)
        return r;
    if (!row.plan)
        return err_set(e, ERR_NOT_FOUND, "the run has no plan: it is %s", run_sm_state(row.node));
    runs_plan_view(q->w, &row);
    return 0;
}

int runs_plan_json(struct svc *svc, const char *tenant, const struct id *id, struct jw *w, struct err *e)
{
    struct query q = {.tenant = tenant, .id = id, .w = w};

    return store_read(svc->store, plan_tx, &q, e);
}

/* {"items":[…]} of a run that is the tenant's. */
static int items_of_run(struct query *q, struct db *db,
                        int (*list)(struct db *, struct jw *, const struct id *, struct err *), struct err *e)
{
    AUTO(run_row_fini) struct run_row row = {0};
    int r = run_get(db, q->tenant, q->id, &row, e);

    if (r < 0)
        return r;
    jw_obj(q->w);
    jw_key(q->w, "items");
    r = list(db, q->w, q->id, e);
    jw_end_obj(q->w);
    return r;
}

static int steps_tx(struct db *db, void *arg, struct err *e)
{
    return items_of_run(arg, db, steps_array, e);
}

int runs_steps_json(struct svc *svc, const char *tenant, const struct id *id, struct jw *w, struct err *e)
{
    struct query q = {.tenant = tenant, .id = id, .w = w};

    return store_read(svc->store, steps_tx, &q, e);
}

static int step_tx(struct db *db, void *arg, struct err *e)
{
    struct query *q = arg;

    step_row_fini(q->step);
    *q->step = (struct step_row){0};
    return step_get(db, q->tenant, q->id, q->step, e);
}

int runs_step_json(struct svc *svc, const char *tenant, const struct id *step, struct jw *w, struct err *e)
{
    AUTO(step_row_fini) struct step_row s = {0};
    struct query q = {.tenant = tenant, .id = step, .step = &s};
    struct sandbox_tty t;
    int r = store_read(svc->store, step_tx, &q, e);

    if (r < 0)
        return r;
    view_step_open(w, &s);
    if (s.pty && str_eq(s.state, "running") && terminals_look(svc, step, &t)) {
        jw_key(w, "terminal");
        terminals_json(w, step, &t);
    }
    jw_end_obj(w);
    return 0;
}

static int artifacts_tx(struct db *db, void *arg, struct err *e)
{
    return items_of_run(arg, db, artifacts_array, e);
}

int runs_artifacts_json(struct svc *svc, const char *tenant, const struct id *id, struct jw *w, struct err *e)
{
    struct query q = {.tenant = tenant, .id = id, .w = w};

    return store_read(svc->store, artifacts_tx, &q, e);
}

static int approval_view_each(void *arg, const struct approval_row *a, struct err *e)
{
    struct query *q = arg;

    view_approval(q->w, a);
    view_page_item(&q->page, &a->id);
    return 0;
}

static int approvals_tx(struct db *db, void *arg, struct err *e)
{
    struct query *q = arg;

    return approval_list(db, q->af, approval_view_each, q, e);
}

int runs_approvals_json(struct svc *svc, const struct approval_filter *f, struct jw *w, struct err *e)
{
    struct query q = {.af = f, .page = {.limit = f->limit}, .w = w};
    int r;

    view_page_open(w);
    r = store_read(svc->store, approvals_tx, &q, e);
    view_page_close(w, &q.page);
    return r;
}

static int inbox_each(void *arg, const struct approval_row *a, struct err *e)
{
    struct query *q = arg;
    AUTO(run_row_fini) struct run_row row = {0};
    int r = run_get(q->db, a->tenant_id, &a->run_id, &row, e);

    if (r < 0)
        return r;
    jw_obj(q->w);
    jw_key(q->w, "approval");
    view_approval(q->w, a);
    jw_key(q->w, "run");
    r = open_view(q->db, q->w, &row, e);
    if (r < 0)
        return r;
    jw_end_obj(q->w);
    jw_end_obj(q->w);
    view_page_item(&q->page, &a->id);
    return 0;
}

static int inbox_tx(struct db *db, void *arg, struct err *e)
{
    struct query *q = arg;

    q->db = db;
    return approval_list(db, q->af, inbox_each, q, e);
}

int runs_inbox_json(struct svc *svc, const char *tenant, const struct id *after, int limit, struct jw *w, struct err *e)
{
    struct approval_filter f = {.tenant = tenant, .state = "pending", .after = *after, .limit = limit};
    struct query q = {.af = &f, .page = {.limit = limit}, .w = w};
    int r;

    view_page_open(w);
    r = store_read(svc->store, inbox_tx, &q, e);
    view_page_close(w, &q.page);
    return r;
}

static int approval_tx(struct db *db, void *arg, struct err *e)
{
    struct query *q = arg;
    AUTO(approval_row_fini) struct approval_row a = {0};
    int r = approval_get(db, q->tenant, q->id, &a, e);

    if (r == 0)
        view_approval(q->w, &a);
    return r;
}

int runs_approval_json(struct svc *svc, const char *tenant, const struct id *id, struct jw *w, struct err *e)
{
    struct query q = {.tenant = tenant, .id = id, .w = w};

    return store_read(svc->store, approval_tx, &q, e);
}

static int row_tx(struct db *db, void *arg, struct err *e)
{
    struct query *q = arg;

    return run_get(db, q->tenant, q->id, q->row, e);
}

int runs_row(struct svc *svc, const char *tenant, const struct id *id, struct run_row *ret, struct err *e)
{
    struct query q = {.tenant = tenant, .id = id, .row = ret};

    return store_read(svc->store, row_tx, &q, e);
}

static int summary_tx(struct db *db, void *arg, struct err *e)
{
    struct query *q = arg;
    int64_t n[RN_N] = {0};
    int r = run_counts(db, n, e);

    if (r < 0)
        return r;
    n[RN_QUEUED_PLAN] += n[RN_QUEUED_EXECUTE] + n[RN_QUEUED_APPLY] + n[RN_QUEUED_FINISH];
    jw_obj(q->w);
    jw_key(q->w, "runs");
    jw_obj(q->w);
    for (int i = 0; i < RN_N; i++)
        if (i == RN_QUEUED_PLAN || !run_sm_phase((enum run_node)i))
            jw_kint(q->w, run_sm_state((enum run_node)i), n[i]);
    jw_end_obj(q->w);
    jw_key(q->w, "queue");
    jw_obj(q->w);
    r = queues_summary(q->svc, db, q->w, e);
    jw_end_obj(q->w);
    jw_kint(q->w, "streams", (int64_t)hub_count(q->svc->hub));
    jw_end_obj(q->w);
    return r;
}

int runs_summary_json(struct svc *svc, struct jw *w, struct err *e)
{
    struct query q = {.svc = svc, .w = w};

    return store_read(svc->store, summary_tx, &q, e);
}
