/* runs_make.c - POST /runs and undo: a new run is checked as a whole, then stored with its queue row. See runs.h. */
#include "service/runs_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/str.h"
#include "os/clock.h"
#include "service/health.h"
#include "service/project_settings.h"
#include "service/projects.h"
#include "service/queues.h"
#include "service/retention.h"
#include "service/secrets.h"
#include "store/keep_rows.h"

#define ENV_MAX       64
#define ENV_VALUE_MAX (32 * KIB)

/* ---- making: POST /runs ------------------------------------------------ */

struct create {
    struct svc *svc;
    struct caller *c;
    const char *project;
    struct run_row row;
    struct plan *plan; /* given steps, or NULL */
};

static int want_word(const struct json *body, const char *key, const char *const words[], char **ret, struct err *e)
{
    const char *s = words[0];
    AUTO(buf_fini) struct buf list = BUF_INIT(256);
    int r = json_want_str(body, "", key, J_OPT, 16, &s, e);

    if (r < 0)
        return r;
    for (size_t i = 0; words[i]; i++) {
        if (str_eq(words[i], s))
            return runs_set_str(ret, s, e);
        buf_printf(&list, "%s%s", i ? ", " : "", words[i]);
    }
    return err_field(e, ERR_INVALID, key, "use one of: %s", list.p);
}

static int limit_one(const struct json *o, const char *key, int64_t min, int64_t dflt, int64_t max, struct jw *w,
                     struct err *e)
{
    int64_t v = dflt;
    int r = !o ? 0 : json_want_int(o, "limits", key, J_OPT, min, max ? max : INT64_MAX, &v, e);

    if (r == 0)
        jw_kint(w, key, v);
    return r;
}

static int want_limits(const struct svc *svc, const struct json *body, char **ret, struct err *e)
{
    static const char *const keys[] = {"cpu_millis",   "memory_bytes", "pids", "disk_bytes",
                                       "output_bytes", "wall_ms",      NULL};
    const struct sandbox_limits *d = &svc->set.limits, *m = &svc->set.max_limits;
    const struct json *o = NULL;
    AUTO(buf_fini) struct buf b = BUF_INIT(1 * KIB);
    struct jw w = JW_INIT(&b);
    int r = json_want_obj(body, "", "limits", J_OPT, &o, e);

    if (r == 0 && o)
        r = json_known(o, "limits", keys, e);
    jw_obj(&w);
    if (r == 0)
        r = limit_one(o, "cpu_millis", 10, d->cpu_millis, m->cpu_millis, &w, e);
    if (r == 0)
        r = limit_one(o, "memory_bytes", 4 * (int64_t)MIB, d->memory_bytes, m->memory_bytes, &w, e);
    if (r == 0)
        r = limit_one(o, "pids", 4, d->pids, m->pids, &w, e);
    if (r == 0)
        r = limit_one(o, "disk_bytes", (int64_t)MIB, d->disk_bytes, m->disk_bytes, &w, e);
    if (r == 0)
        r = limit_one(o, "output_bytes", 1024, d->output_bytes, m->output_bytes, &w, e);
    if (r == 0)
        r = limit_one(o, "wall_ms", 100, d->wall_ms, m->wall_ms, &w, e);
    jw_end_obj(&w);
    return r < 0 ? r : b.bad ? err_bad(e, b.bad, "the limits are too large") : runs_set_str(ret, b.p, e);
}

static bool env_name_ok(const char *s)
{
    size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    return n > 0 && n <= 128 && s[n] == '\0' && !(s[0] >= '0' && s[0] <= '9');
}

/* Variables that decide which code runs or where the sandbox's own settings point: not the requester's to set. */
static bool env_name_forbidden(const char *s)
{
    static const char *const names[] = {"PATH",     "HOME",      "USER",     "IFS",   "ENV",
                                        "BASH_ENV", "SHELLOPTS", "BASHOPTS", "TMPDIR"};

    if (str_starts(s, "LD_") || str_starts(s, "SALLYPORT_"))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(s, names[i]))
            return true;
    return false;
}

static int want_env(struct svc *svc, const struct json *body, struct run_row *row, struct err *e)
{
    const struct json *o = NULL;
    AUTO(buf_fini) struct buf names = BUF_INIT(16 * KIB), values = BUF_INIT(4 * MIB);
    struct jw nw = JW_INIT(&names), vw = JW_INIT(&values);
    size_t n = 0;
    int r = json_want_obj(body, "", "env", J_OPT, &o, e);

    if (r < 0)
        return r;
    jw_arr(&nw);
    jw_obj(&vw);
    for (const void *it = o ? json_first(o) : NULL; it; it = json_next(o, it)) {
        const char *k = json_key(it), *v = json_str(json_val(it));
        char field[96];

        snprintf(field, sizeof field, "env.%.80s", k);
        if (++n > ENV_MAX)
            return err_field(e, ERR_INVALID, "env", "give at most %d variables", ENV_MAX);
        if (!env_name_ok(k))
            return err_field(e, ERR_INVALID, field, "a name is letters, digits and _, not beginning with a digit");
        if (env_name_forbidden(k))
            return err_field(e, ERR_INVALID, field, "%s belongs to the sandbox: set another variable", k);
        if (!v || json_str_len(json_val(it)) > ENV_VALUE_MAX)
            return err_field(e, ERR_INVALID, field, "a value is a string of at most %d bytes", (int)ENV_VALUE_MAX);
        jw_str(&nw, k);
        jw_kstr(&vw, k, v);
    }
    jw_end_arr(&nw);
    jw_end_obj(&vw);
    if (names.bad == -ERR_OOM || values.bad == -ERR_OOM)
        return err_oom(e);
    if (names.bad || values.bad)
        return err_field(e, ERR_INVALID, "env", "the variables are too large together");
    r = runs_set_str(&row->env_names, names.p, e);
    if (r == 0 && n)
        r = secrets_seal(svc->secrets, row->id.s, values.p, values.len, &row->env_sealed, &row->env_sealed_len, e);
    secure_wipe(values.p, values.len);
    return r;
}

static int want_work(const struct json *body, struct create *cr, struct err *e)
{
    const char *intent = NULL;
    const struct json *steps = NULL;
    int r = json_want_str(body, "", "intent", J_OPT, 2000, &intent, e);

    if (r == 0)
        r = json_want_arr(body, "", "steps", J_OPT, PLAN_STEPS_MAX, &steps, e);
    if (r < 0)
        return r;
    if (!intent && !steps)
        return err_field(e, ERR_INVALID, "intent", "give `intent` (what is wanted), `steps` (what to run), or both");
    if (intent && intent[strspn(intent, " \t\r\n")] == '\0')
        return err_field(e, ERR_INVALID, "intent", "say what is wanted: \"run the unit tests\"");
    r = intent ? runs_set_str(&cr->row.intent, intent, e) : 0;
    return r < 0 || !steps ? r : plan_from_steps(steps, "steps", &cr->plan, e);
}

static int read_body(struct create *cr, const struct json *body, struct err *e)
{
    static const char *const keys[] = {"project_id", "intent", "steps",   "review", "on_failure", "on_deny", "on_lost",
                                       "limits",     "env",    "network", "keep",   "priority",   NULL};
    static const char *const reviews[] = {"both", "plan", "effects", "none", NULL};
    static const char *const failures[] = {"review", "discard", NULL};
    static const char *const denials[] = {"fail", "tell", NULL};
    static const char *const losses[] = {"fail", "retry", NULL};
    struct run_row *row = &cr->row;
    int r = json_known(body, "", keys, e);

    if (r == 0)
        r = json_want_str(body, "", "project_id", J_REQ, 200, &cr->project, e);
    if (r == 0)
        r = want_work(body, cr, e);
    if (r == 0)
        r = want_word(body, "review", reviews, &row->review, e);
    if (r == 0)
        r = want_word(body, "on_failure", failures, &row->on_failure, e);
    if (r == 0)
        r = want_word(body, "on_deny", denials, &row->on_deny, e);
    if (r == 0)
        r = want_word(body, "on_lost", losses, &row->on_lost, e);
    if (r == 0)
        r = json_want_bool(body, "", "keep", J_OPT, &row->kept, e);
    if (r == 0)
        r = json_want_bool(body, "", "network", J_OPT, &row->network, e);
    if (r == 0 && row->network)
        r = err_field(e, ERR_INVALID, "network", "steps have no network in this version: leave it out or give false");
    if (r == 0)
        r = queues_want_priority(body, &row->priority, e);
    if (r == 0)
        r = want_limits(cr->svc, body, &row->limits, e);
    if (r == 0)
        r = want_env(cr->svc, body, row, e);
    return r;
}

static int room_for_run(struct svc *svc, struct db *db, struct err *e)
{
    int64_t max = svc->set.max_open_runs;
    bool full = false;
    int r = max ? run_open_full(db, max, &full, e) : 0;

    if (r < 0 || !full)
        return r;
    return err_set(e, ERR_QUEUE_FULL, "%lld runs are open, as many as may: finish or cancel some", (long long)max);
}

static int insert_run(struct db *db, struct create *cr, const char *action, struct err *e)
{
    struct run_row *row = &cr->row;
    AUTO(buf_fini) struct buf data = BUF_INIT(1 * MIB);
    struct jw w = JW_INIT(&data);
    int64_t now = row->created_us;
    int r = run_insert(db, row, e);

    if (r == 0)
        r = queue_put(db, &row->id, run_sm_phase(row->node), now, now, e);
    if (r == 0)
        r = runs_status_event(db, row, RN_NONE, now, e);
    if (r < 0)
        return r;
    jw_obj(&w);
    jw_kstr(&w, "project_id", row->project_id.s);
    jw_kstr(&w, "kind", row->kind);
    jw_kstr(&w, "intent", row->intent);
    jw_kstr(&w, "review", row->review);
    jw_kstr(&w, "on_lost", row->on_lost);
    jw_kraw(&w, "env_names", row->env_names);
    jw_kbool(&w, "network", row->network);
    jw_kint(&w, "priority", row->priority);
    if (!id_none(&row->undoes))
        jw_kstr(&w, "undoes", row->undoes.s);
    jw_end_obj(&w);
    if (data.bad)
        return err_oom(e);
    return caller_audit(db, cr->c, action, row->id.s, data.p, &row->id, e);
}

int runs_project(struct db *db, const char *tenant, const char *id_or_name, struct project_row *ret, struct err *e)
{
    int r = projects_find(db, tenant, id_or_name, ret, e);

    if (r == -ERR_NOT_FOUND)
        return err_field(e, ERR_NOT_FOUND, "project_id",
                         "no project \"%.100s\": add it with `sallyport project add DIR`", id_or_name);
    return r;
}

static int create_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(create);
    struct create *cr = arg;
    AUTO(project_row_fini) struct project_row prj = {0};
    struct project_settings set;
    int r = runs_project(db, cr->c->tenant, cr->project, &prj, e);

    if (r == 0)
        r = room_for_run(cr->svc, db, e);
    if (r == 0)
        r = queues_quota(cr->svc, db, cr->c->tenant, e);
    if (r < 0)
        return r;
    cr->row.project_id = prj.id;
    r = project_settings_read(prj.settings, &set, e);
    if (r < 0)
        return r;
    cr->row.seed_copy = str_eq(set.seed, "copy");
    if (cr->row.seed_copy && str_eq(cr->row.on_lost, "retry"))
        return err_field(
            e, ERR_INVALID, "on_lost",
            "the runs of this project work on a copy, in which a lost step leaves what it wrote: a step can "
            "be run again only on layers (seed: overlay)");
    r = insert_run(db, cr, "run.created", e);
    if (r == 0 && cr->row.kept)
        r = run_keep(db, cr->c->tenant, &cr->row.id, true, e);
    return r < 0 ? r : runs_reply(db, cr->c, &cr->row, 202, e);
}

/* Members that every new run has. */
static int new_row(struct svc *svc, struct caller *c, struct run_row *row, const char *kind, enum run_node node,
                   struct err *e)
{
    int r = runs_set_str(&row->tenant_id, c->tenant, e);

    row->node = node;
    row->created_us = row->updated_us = clock_now_us();
    if (r == 0)
        r = runs_set_str(&row->kind, kind, e);
    if (r == 0)
        r = runs_set_str(&row->actor, c->actor, e);
    if (r == 0)
        r = runs_set_str(&row->surface, c->surface, e);
    if (r == 0)
        r = runs_set_str(&row->trace_id, c->trace_id, e);
    if (r == 0)
        r = runs_set_str(&row->node_name, svc->node, e);
    return r;
}

/* Given steps are kept as the plan already; the planning phase then only judges them. */
static int keep_given(struct create *cr, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(512 * KIB); /* room for the policy's answers beside: see runs_set_plan */
    struct jw w = JW_INIT(&b);

    if (!cr->plan)
        return 0;
    plan_json(&w, cr->plan);
    if (b.bad)
        return err_bad_field(e, b.bad, "steps", "the steps are too large together");
    return runs_set_str(&cr->row.plan, b.p, e);
}

/* Without the second door the run itself writes into the project: only for who may open that door. */
static int may_leave_out(const struct caller *c, const char *review, struct err *e)
{
    if (c->scopes & SCOPE_APPROVE || runs_second_door(review))
        return 0;
    return err_field(e, ERR_FORBIDDEN, "review",
                     "review \"%s\" applies the changes unasked: this needs the scope approve", review);
}

int runs_create(struct svc *svc, struct caller *c, const struct json *body, struct id *ret, struct err *e)
{
    struct create cr = {.svc = svc, .c = c};
    int r;

    cr.row.id = id_new(ID_RUN);
    r = new_row(svc, c, &cr.row, "plan", RN_QUEUED_PLAN, e);
    if (r == 0)
        r = read_body(&cr, body, e);
    if (r == 0)
        r = may_leave_out(c, cr.row.review, e);
    if (r == 0)
        r = keep_given(&cr, e);
    if (r == 0)
        r = room_on_disk(svc, e);
    if (r == 0)
        r = store_write(svc->store, create_tx, &cr, e);
    if (svc->counts && (r == -ERR_QUOTA || r == -ERR_QUEUE_FULL))
        atomic_fetch_add(&svc->counts->refused, 1);
    if (r == 0) {
        *ret = cr.row.id;
        runs_wake(svc);
    }
    plan_free(cr.plan);
    run_row_fini(&cr.row);
    return r;
}

/* ---- undo: a new run that takes an apply back -------------------------- */

struct undo {
    struct create cr;
    const struct id *of;
};

static int undo_once_each(void *arg, const struct run_row *row, struct err *e)
{
    if (!runs_takes_back(row))
        return 0;
    return err_set(e, ERR_STATE, "run %s undoes it already", row->id.s);
}

static bool applied(const struct run_row *row)
{
    AUTO_PTR(json_free) struct json *doc = NULL;

    return row->apply && json_parse(row->apply, strlen(row->apply), &doc, NULL) == 0 &&
           json_true(json_get(doc, "applied"));
}

static int undo_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(undo);
    struct undo *u = arg;
    struct caller *c = u->cr.c;
    AUTO(run_row_fini) struct run_row was = {0};
    int r = run_get(db, c->tenant, u->of, &was, e);

    if (r < 0)
        return r;
    if (!run_sm_final(was.node) || !applied(&was))
        return err_set(e, ERR_STATE, "the run is %s and has applied nothing: there is nothing to undo",
                       run_sm_state(was.node));
    r = retention_all_there(&was, e);
    if (r < 0)
        return r;
    if (!str_eq(was.node_name, u->cr.svc->node))
        return err_set(e, ERR_STATE, "the run was applied on node %s: undo it there", was.node_name);
    r = run_list_undoing(db, &was, undo_once_each, NULL, e);
    if (r < 0)
        return r;
    u->cr.row.project_id = was.project_id;
    u->cr.row.undoes = was.id;
    r = insert_run(db, &u->cr, "run.undo_requested", e);
    return r < 0 ? r : runs_reply(db, c, &u->cr.row, 202, e);
}

int runs_undo(struct svc *svc, struct caller *c, const struct id *id, struct id *ret, struct err *e)
{
    struct undo u = {.cr = {.svc = svc, .c = c}, .of = id};
    struct run_row *row = &u.cr.row;
    int r;

    row->id = id_new(ID_RUN);
    r = new_row(svc, c, row, "undo", RN_QUEUED_APPLY, e);
    if (r == 0)
        r = runs_set_str(&row->review, "none", e);
    if (r == 0)
        r = runs_set_str(&row->on_failure, "review", e);
    if (r == 0)
        r = runs_set_str(&row->on_deny, "fail", e);
    if (r == 0)
        r = runs_set_str(&row->on_lost, "fail", e);
    if (r == 0)
        r = runs_set_str(&row->limits, "{}", e);
    if (r == 0)
        r = runs_set_str(&row->env_names, "[]", e);
    if (r == 0)
        r = store_write(svc->store, undo_tx, &u, e);
    if (r == 0) {
        *ret = row->id;
        runs_wake(svc);
    }
    run_row_fini(row);
    return r;
}
