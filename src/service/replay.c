#include "service/replay.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/plan_limits.h"
#include "os/clock.h"
#include "service/policies.h"
#include "service/projects.h"
#include "service/runs_int.h"

/* ---- the runs of a page: read at once, judged one by one outside any transaction --- */

struct past_run {
    struct id id;
    char *project_name;
    int64_t created_us;
    enum run_node node;
};

struct page {
    struct past_run *v;
    size_t n, cap;
    bool more; /* older runs of the time asked for remain */
};

static void page_fini(struct page *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->v[i].project_name);
    free(p->v);
}

struct replay {
    struct svc *svc;
    const struct replay_ask *ask;
    const struct policy *pol;
    struct policy_use *use; /* when no text was given */
    int64_t since_us;
    struct db *db;
    struct page page;
    struct jw *w;
    int64_t runs, runs_changed, steps, changed, unjudged;
    int64_t then[3], now[3]; /* by enum policy_decision */
};

static int page_each(void *arg, const struct run_row *row, struct err *e)
{
    struct replay *r = arg;
    AUTO(project_row_fini) struct project_row prj = {0};
    struct page *p = &r->page;

    if (row->created_us < r->since_us)
        return 1;
    if (p->n == p->cap) {
        p->more = true;
        return 1;
    }
    int x = project_get(r->db, row->tenant_id, &row->project_id, &prj, e);
    if (x < 0)
        return x;
    struct past_run *run = &p->v[p->n];
    *run = (struct past_run){.id = row->id, .created_us = row->created_us, .node = row->node};
    run->project_name = str_dup(prj.name);
    if (!run->project_name)
        return err_oom(e);
    p->n++;
    return 0;
}

static int page_tx(struct db *db, void *arg, struct err *e)
{
    struct replay *r = arg;
    AUTO(project_row_fini) struct project_row prj = {0};
    struct run_filter f = {.tenant = r->ask->tenant, .after = r->ask->after, .limit = r->ask->limit + 1};
    int x = 0;

    r->db = db;
    if (r->ask->project) {
        x = projects_find(db, r->ask->tenant, r->ask->project, &prj, e);
        f.project = &prj.id;
    }
    if (x == 0 && !r->ask->text)
        x = policies_use(r->svc->policies, db, r->ask->tenant, &r->use, e);
    if (x == 0)
        x = run_list(db, &f, page_each, r, e);
    return x < 0 ? x : 0;
}

/* ---- the steps of one run ------------------------------------------------- */

struct steps {
    struct id run;
    struct step_row *v;
    size_t n;
};

static void steps_fini(struct steps *s)
{
    for (size_t i = 0; i < s->n; i++)
        step_row_fini(&s->v[i]);
    free(s->v);
}

static int copy_text(char **to, const char *from, struct err *e)
{
    *to = str_dup(from);
    return from && !*to ? err_oom(e) : 0;
}

/* A step that ran again after a crash was judged again by itself: the first answer is the one people saw. */
static int steps_each(void *arg, const struct step_row *row, struct err *e)
{
    struct steps *s = arg;

    if (row->attempt != 1)
        return 0;
    if (s->n == PLAN_STEPS_MAX)
        return 1;
    struct step_row *to = &s->v[s->n];
    *to = (struct step_row){.id = row->id, .index = row->index};
    s->n++; /* steps_fini frees what was copied */
    int r = copy_text(&to->command, row->command, e);
    if (r == 0)
        r = copy_text(&to->argv, row->argv, e);
    if (r == 0)
        r = copy_text(&to->cwd, row->cwd, e);
    return r < 0 ? r : copy_text(&to->decision, row->decision, e);
}

static int steps_tx(struct db *db, void *arg, struct err *e)
{
    struct steps *s = arg;
    int r = step_list(db, &s->run, steps_each, s, e);

    return r < 0 ? r : 0;
}

static int judge_step(const struct policy *pol, const struct step_row *s, struct verdict *ret, struct err *e)
{
    struct policy_place place = {.cwd = s->cwd};
    AUTO_PTR(json_free) struct json *argv = NULL;
    const char *words[PLAN_ARGV_MAX];

    if (s->command)
        return policy_judge_command(pol, s->command, strlen(s->command), &place, ret, e);
    int r = json_parse(s->argv ? s->argv : "[]", s->argv ? strlen(s->argv) : 2, &argv, e);
    size_t n = r < 0 ? 0 : json_len(argv);
    if (r == 0 && (n == 0 || n > ARRAY_LEN(words)))
        r = err_set(e, ERR_CORRUPT, "step %s holds no command", s->id.s);
    for (size_t i = 0; r == 0 && i < n; i++) {
        words[i] = json_str(json_at(argv, i));
        if (!words[i])
            r = err_set(e, ERR_CORRUPT, "step %s holds a word that is no text", s->id.s);
    }
    return r < 0 ? r : policy_judge_argv(pol, words, n, &place, ret, e);
}

/* The answer a step got then; -1: none was written down. */
static int then_of(const struct step_row *s)
{
    AUTO_PTR(json_free) struct json *d = NULL;

    if (!s->decision || json_parse(s->decision, strlen(s->decision), &d, NULL) < 0)
        return -1;
    for (int k = POLICY_ALLOW; k <= POLICY_DENY; k++) {
        if (str_eq(json_str(json_get(d, "action")), policy_decision_name((enum policy_decision)k)))
            return k;
    }
    return -1;
}

static void step_json(struct replay *r, const struct step_row *s, const struct verdict *v, bool changed)
{
    struct jw *w = r->w;

    jw_obj(w);
    jw_kstr(w, "step_id", s->id.s);
    jw_kint(w, "index", s->index);
    jw_kstr(w, "command", s->command);
    jw_kraw(w, "argv", s->argv);
    jw_kstr(w, "cwd", s->cwd ? s->cwd : "");
    jw_kbool(w, "changed", changed);
    jw_kraw(w, "then", s->decision);
    jw_key(w, "now");
    runs_decision_json(w, v, NULL);
    jw_end_obj(w);
}

static void run_open(struct replay *r, const struct past_run *run)
{
    struct jw *w = r->w;

    jw_obj(w);
    jw_kstr(w, "run_id", run->id.s);
    jw_kstr(w, "project_name", run->project_name);
    jw_kstr(w, "state", run_sm_state(run->node));
    jw_ktime(w, "created_at", run->created_us);
    jw_key(w, "steps");
    jw_arr(w);
}

static int one_run(struct replay *r, const struct past_run *run, struct err *e)
{
    AUTO(steps_fini) struct steps s = {.run = run->id};
    int64_t changed = 0;
    bool open = false;

    s.v = calloc(PLAN_STEPS_MAX, sizeof *s.v);
    if (!s.v)
        return err_oom(e);
    int x = store_read(r->svc->store, steps_tx, &s, e);
    for (size_t i = 0; x == 0 && i < s.n; i++) {
        AUTO(verdict_fini) struct verdict v = VERDICT_INIT;
        x = judge_step(r->pol, &s.v[i], &v, e);
        if (x < 0)
            return x;
        int then = then_of(&s.v[i]);
        bool differs = then >= 0 && (enum policy_decision)then != v.decision;
        r->steps++;
        r->now[v.decision]++;
        if (then >= 0)
            r->then[then]++;
        else
            r->unjudged++;
        changed += differs;
        if (!differs && !r->ask->all)
            continue;
        if (!open)
            run_open(r, run);
        open = true;
        step_json(r, &s.v[i], &v, differs);
    }
    if (open) {
        jw_end_arr(r->w);
        jw_kint(r->w, "changed", changed);
        jw_end_obj(r->w);
    }
    r->runs++;
    r->changed += changed;
    r->runs_changed += changed > 0;
    return x;
}

/* ---- the answer ----------------------------------------------------------- */

static void answers_json(struct jw *w, const char *key, const int64_t n[3])
{
    jw_key(w, key);
    jw_obj(w);
    for (int k = POLICY_ALLOW; k <= POLICY_DENY; k++)
        jw_kint(w, policy_decision_name((enum policy_decision)k), n[k]);
    jw_end_obj(w);
}

static int render(struct replay *r, struct err *e)
{
    struct jw *w = r->w;
    const struct id *last = NULL;
    size_t i = 0, begin = w->out->len;

    jw_obj(w);
    jw_ktime(w, "since", r->since_us);
    jw_kint(w, "policy_version", r->use ? policy_use_version(r->use) : policy_version(r->pol));
    jw_key(w, "items");
    jw_arr(w);
    for (; i < r->page.n && r->steps < REPLAY_STEPS_MAX && w->out->len - begin < REPLAY_BYTES; i++) {
        int x = one_run(r, &r->page.v[i], e);
        if (x < 0)
            return x;
        last = &r->page.v[i].id;
    }
    jw_end_arr(w);
    jw_key(w, "counts");
    jw_obj(w);
    jw_kint(w, "runs", r->runs);
    jw_kint(w, "runs_changed", r->runs_changed);
    jw_kint(w, "steps", r->steps);
    jw_kint(w, "changed", r->changed);
    jw_kint(w, "unjudged", r->unjudged);
    answers_json(w, "then", r->then);
    answers_json(w, "now", r->now);
    jw_end_obj(w);
    jw_kstr(w, "next", last && (i < r->page.n || r->page.more) ? last->s : NULL);
    jw_end_obj(w);
    return 0;
}

int replay_json(struct svc *svc, const struct replay_ask *ask, struct policy_problems *problems, struct jw *w,
                struct err *e)
{
    AUTO_PTR(policy_free) struct policy *own = NULL;
    AUTO_PTR(policy_use_end) struct policy_use *use = NULL;
    struct replay rep = {.svc = svc, .ask = ask, .w = w, .since_us = clock_now_us() - ask->since_ms * MS_US};
    int r = ask->text ? policy_parse(ask->text, strlen(ask->text), &own, problems, e) : 0;

    if (r < 0)
        return r;
    rep.page.cap = (size_t)ask->limit;
    rep.page.v = calloc(rep.page.cap, sizeof *rep.page.v);
    r = rep.page.v ? store_read(svc->store, page_tx, &rep, e) : err_oom(e);
    use = rep.use;
    rep.pol = own ? own : use ? policy_use_policy(use) : NULL;
    if (r == 0)
        r = render(&rep, e);
    page_fini(&rep.page);
    return r;
}
