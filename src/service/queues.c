/* queues - see queues.h. */
#include "service/queues.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/str.h"
#include "os/clock.h"
#include "service/hub.h"
#include "service/projects.h"
#include "service/runs.h"

#define PUT_OFF_MORE_US (60 * SEC_US) /* than retries are: what waits for room or another's apply is for seconds */

struct queue_rules queues_rules(const struct svc *svc)
{
    return (struct queue_rules){.node_name = svc->node,
                                .project_max = svc->set.project_running,
                                .tenant_max = svc->set.tenant_running,
                                .put_off_max_us = svc->set.retry_max_ms * MS_US + PUT_OFF_MORE_US,
                                .clock_jump_us = svc_clock_jump_us(svc)};
}

/* ---- priorities and quotas ---------------------------------------------- */

int queues_want_priority(const struct json *body, int64_t *ret, struct err *e)
{
    const struct json *v = json_get(body, "priority");
    const char *name = json_str(v);

    if (!v)
        return 0;
    if (json_type(v) == JT_INT && json_int(v) >= TURN_PRIORITY_MIN && json_int(v) <= TURN_PRIORITY_MAX)
        return *ret = json_int(v), 0;
    if (name && turn_priority_parse(name, ret))
        return 0;
    return err_field(e, ERR_INVALID, "priority", "give a whole number from %d to %d, or low, normal, high, urgent",
                     TURN_PRIORITY_MIN, TURN_PRIORITY_MAX);
}

int queues_quota(struct svc *svc, struct db *db, const char *tenant, struct err *e)
{
    int64_t max = svc->set.tenant_queued;
    bool full = false;
    int r = max ? queue_full(db, tenant, max, &full, e) : 0;

    if (r < 0 || !full)
        return r;
    return err_set(
        e, ERR_QUOTA,
        "%lld runs wait already, the quota is %lld: nothing was stored, send it again with the same key later",
        (long long)max, (long long)max);
}

struct set_priority {
    struct svc *svc;
    struct caller *c;
    const struct id *run;
    int64_t priority;
};

static int set_priority_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(priority);
    struct set_priority *s = arg;
    AUTO(run_row_fini) struct run_row row = {0};
    char data[80];
    int r = run_lock(db, s->c->tenant, s->run, &row, e);

    if (r == 0 && run_sm_final(row.node))
        r = err_set(e, ERR_STATE, "the run is %s: its turn is over", run_sm_state(row.node));
    if (r < 0)
        return r;
    snprintf(data, sizeof data, "{\"from\":%lld,\"to\":%lld}", (long long)row.priority, (long long)s->priority);
    row.priority = s->priority;
    r = run_save(db, &row, e);
    if (r == 0)
        r = queue_set_priority(db, &row.id, s->priority, e);
    if (r == -ERR_NOT_FOUND) /* it waits for a person: when it is queued again */
        r = 0;
    if (r == 0)
        r = caller_audit(db, s->c, "run.priority", row.id.s, data, &row.id, e);
    return r < 0 ? r : runs_reply(db, s->c, &row, 200, e);
}

int queues_set_priority(struct svc *svc, struct caller *c, const struct id *run, int64_t priority, struct err *e)
{
    struct set_priority s = {svc, c, run, priority};
    int r = store_write(svc->store, set_priority_tx, &s, e);

    if (r == 0)
        runs_wake(svc);
    return r;
}

/* ---- pauses ------------------------------------------------------------- */

struct steer {
    struct svc *svc;
    struct caller *c;
    const char *project; /* NULL: the node */
    struct queue_pause pause;
};

static void pause_members(struct jw *w, const struct queue_pause *p)
{
    jw_kbool(w, "paused", p->since_us != 0);
    jw_ktime(w, "paused_at", p->since_us);
    jw_kstr(w, "paused_by", p->by[0] ? p->by : NULL);
    jw_kstr(w, "note", p->note[0] ? p->note : NULL);
}

static int node_members(struct svc *svc, struct db *db, struct jw *w, struct err *e)
{
    struct queue_pause p;
    int64_t held = 0;
    int r = queue_node_pause(db, svc->node, &p, e);

    if (r == 0)
        r = queue_held(db, svc->node, &held, e);
    if (r < 0)
        return r;
    jw_kstr(w, "name", svc->node);
    pause_members(w, &p);
    jw_kbool(w, "draining", p.draining || hub_draining(svc->hub));
    jw_kint(w, "held", held);
    return 0;
}

static const char *action(const struct steer *s)
{
    if (!s->pause.since_us)
        return s->project ? "project.resumed" : "queue.resumed";
    return s->project ? "project.paused" : s->pause.draining ? "queue.drained" : "queue.paused";
}

static int audit_steer(struct db *db, struct steer *s, const char *target, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(16 * KIB);
    struct jw w = JW_INIT(&b);

    jw_obj(&w);
    jw_kstr_opt(&w, "note", s->pause.note[0] ? s->pause.note : NULL);
    jw_end_obj(&w);
    return b.bad ? err_oom(e) : caller_audit(db, s->c, action(s), target, b.p, NULL, e);
}

static int steer_project(struct db *db, struct steer *s, struct jw *w, struct err *e)
{
    AUTO(project_row_fini) struct project_row prj = {0};
    int r = projects_find(db, s->c->tenant, s->project, &prj, e);

    if (r == 0)
        r = queue_pause_project(db, &prj.id, &s->pause, e);
    if (r == 0)
        r = audit_steer(db, s, prj.id.s, e);
    if (r < 0)
        return r;
    jw_kstr(w, "project_id", prj.id.s);
    jw_kstr(w, "project_name", prj.name);
    pause_members(w, &s->pause);
    return 0;
}

static int steer_node(struct db *db, struct steer *s, struct jw *w, struct err *e)
{
    int r = queue_pause_node(db, s->svc->node, &s->pause, e);

    if (r == 0)
        r = audit_steer(db, s, s->svc->node, e);
    return r < 0 ? r : node_members(s->svc, db, w, e);
}

static int steer_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(steer);
    struct steer *s = arg;
    struct jw w = caller_reply(s->c);
    int r;

    jw_obj(&w);
    r = s->project ? steer_project(db, s, &w, e) : steer_node(db, s, &w, e);
    jw_end_obj(&w);
    return r < 0 ? r : caller_commit(db, s->c, 200, e);
}

static int steer(struct steer *s, const char *note, struct err *e)
{
    int r;

    if (note && !str_copy(s->pause.note, sizeof s->pause.note, note))
        return err_field(e, ERR_INVALID, "note", "at most %zu bytes", sizeof s->pause.note - 1);
    if (s->pause.since_us)
        (void)!str_copy(s->pause.by, sizeof s->pause.by, s->c->actor);
    r = store_write(s->svc->store, steer_tx, s, e);
    if (r == 0 && !s->pause.since_us)
        runs_wake(s->svc);
    return r;
}

int queues_pause(struct svc *svc, struct caller *c, bool drain, const char *note, struct err *e)
{
    struct steer s = {.svc = svc, .c = c, .pause = {.since_us = clock_now_us(), .draining = drain}};

    return steer(&s, note, e);
}

int queues_resume(struct svc *svc, struct caller *c, struct err *e)
{
    struct steer s = {.svc = svc, .c = c};

    return steer(&s, NULL, e);
}

int queues_pause_project(struct svc *svc, struct caller *c, const char *id_or_name, const char *note, struct err *e)
{
    struct steer s = {.svc = svc, .c = c, .project = id_or_name, .pause = {.since_us = clock_now_us()}};

    return steer(&s, note, e);
}

int queues_resume_project(struct svc *svc, struct caller *c, const char *id_or_name, struct err *e)
{
    struct steer s = {.svc = svc, .c = c, .project = id_or_name};

    return steer(&s, NULL, e);
}

/* ---- the view ----------------------------------------------------------- */

struct known { /* a project that has runs in the queue */
    struct id id;
    char name[128];
    int64_t max, running;
    bool paused;
};

struct look {
    struct svc *svc;
    const char *tenant;
    const struct id *after;
    int limit, n;
    struct id last;
    struct jw *w;
    int64_t now, tenant_running;
    struct queue_pause node;
    struct known *v; /* by id */
    size_t nv;
};

static int known_each(void *arg, const struct queue_project *p, struct err *e)
{
    struct look *l = arg;
    struct known *v = realloc(l->v, (l->nv + 1) * sizeof *v), *k;

    if (!v)
        return err_oom(e);
    l->v = v;
    k = &l->v[l->nv++];
    *k = (struct known){.id = p->id, .running = p->running, .paused = p->pause.since_us != 0};
    k->max = p->max_running ? p->max_running : l->svc->set.project_running;
    (void)!str_copy(k->name, sizeof k->name, p->name ? p->name : "");
    jw_obj(l->w);
    jw_kstr(l->w, "project_id", p->id.s);
    jw_kstr(l->w, "project_name", p->name);
    pause_members(l->w, &p->pause);
    jw_kint(l->w, "max_running", k->max);
    jw_kint(l->w, "running", p->running);
    jw_kint(l->w, "waiting", p->waiting);
    jw_end_obj(l->w);
    return 0;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct known *)a)->id.s, ((const struct known *)b)->id.s);
}

static const struct known *known(const struct look *l, const struct id *project)
{
    struct known key = {.id = *project};

    return l->nv ? bsearch(&key, l->v, l->nv, sizeof key, by_id) : NULL;
}

static void why_text(const struct look *l, enum turn_why why, const struct queue_row *row, const struct known *k,
                     struct buf *b)
{
    switch (why) {
    case WHY_LEASE_LOST:
        buf_printf(b, "its worker is gone: the next free one takes it up");
        break;
    case WHY_DELAYED:
        if (row->why_code[0] && row->failures)
            buf_printf(b, "try %lld failed, it is tried again: %s", (long long)row->failures, row->why_text);
        else
            buf_printf(b, "put off for a moment%s%s", row->why_text[0] ? ": " : "", row->why_text);
        break;
    case WHY_DRAINING:
        buf_printf(b, "the node is drained: `sallyport queue resume`");
        break;
    case WHY_PAUSED:
        buf_printf(b, "the queue is paused%s%s: `sallyport queue resume`", l->node.note[0] ? ": " : "", l->node.note);
        break;
    case WHY_PROJECT_PAUSED:
        buf_printf(b, "the project is paused: `sallyport queue resume %s`", k->name);
        break;
    case WHY_PROJECT_LIMIT:
        buf_printf(b, "%lld of the project's runs are running, as many as may (max_running)", (long long)k->running);
        break;
    case WHY_TENANT_LIMIT:
        buf_printf(b, "%lld runs of the tenant are running, as many as may (quota.running)",
                   (long long)l->tenant_running);
        break;
    default:
        buf_printf(b, "waits for a worker; others go first");
    }
}

static enum turn_why why_of(const struct look *l, const struct queue_row *row, const struct known *k)
{
    return turn_why(&(struct turn_facts){
        .phase = row->phase,
        .held = row->lease_token != 0,
        .lease_over = row->lease_ends_us <= l->now - svc_clock_jump_us(l->svc),
        .delayed = row->available_us > l->now,
        .node_paused = l->node.since_us || hub_draining(l->svc->hub),
        .node_draining = l->node.draining || hub_draining(l->svc->hub),
        .project_paused = k && k->paused,
        .project_running = k ? k->running : 0,
        .project_max = k ? k->max : 0,
        .tenant_running = l->tenant_running,
        .tenant_max = l->svc->set.tenant_running,
    });
}

static void why_member(struct look *l, const struct queue_row *row, const struct known *k)
{
    enum turn_why why = why_of(l, row, k);
    AUTO(buf_fini) struct buf b = BUF_INIT(8 * KIB);

    jw_key(l->w, "waits");
    if (why == WHY_HELD) {
        jw_null(l->w);
        return;
    }
    why_text(l, why, row, k, &b);
    jw_obj(l->w);
    jw_kstr(l->w, "code", turn_why_name(why));
    jw_kstr(l->w, "message", b.p);
    jw_end_obj(l->w);
}

static int item_each(void *arg, const struct queue_row *row, struct err *e)
{
    struct look *l = arg;
    const struct known *k = known(l, &row->project_id);
    bool held = row->lease_token != 0;
    struct jw *w = l->w;

    jw_obj(w);
    jw_kstr(w, "run_id", row->run_id.s);
    jw_kstr(w, "project_id", id_none(&row->project_id) ? NULL : row->project_id.s);
    jw_kstr(w, "project_name", k ? k->name : NULL);
    jw_kstr(w, "phase", row->phase);
    jw_kint(w, "priority", row->priority);
    jw_kint(w, "attempts", row->attempts);
    jw_kint(w, "failures", row->failures);
    jw_key(w, "error");
    if (row->failures && row->why_code[0]) {
        jw_obj(w);
        jw_kstr(w, "code", row->why_code);
        jw_kstr(w, "message", row->why_text);
        jw_end_obj(w);
    } else {
        jw_null(w);
    }
    jw_ktime(w, "enqueued_at", row->enqueued_us);
    jw_ktime(w, "available_at", held ? 0 : row->available_us);
    jw_ktime(w, "held_at", held ? row->held_us : 0);
    jw_ktime(w, "lease_ends_at", held && row->lease_ends_us ? row->lease_ends_us + svc_clock_jump_us(l->svc) : 0);
    jw_kstr(w, "worker", held ? row->worker : NULL);
    jw_kstr(w, "node", row->node_name[0] ? row->node_name : NULL);
    why_member(l, row, k);
    jw_end_obj(w);
    if (!held) {
        l->n++;
        l->last = row->run_id;
    }
    return 0;
}

static void depth_members(struct jw *w, const struct queue_depth *d, int64_t now)
{
    jw_kint(w, "ready", d->ready);
    jw_kint(w, "leased", d->leased);
    jw_kint(w, "delayed", d->delayed);
    jw_kint(w, "oldest_ms", d->oldest_us && now > d->oldest_us ? (now - d->oldest_us) / MS_US : 0);
}

static int depths(struct db *db, const char *tenant, int64_t now, struct jw *w, struct err *e)
{
    struct queue_depth d[QUEUE_PHASES], all = {0};
    int r = queue_depth(db, tenant, now, d, e);

    if (r < 0)
        return r;
    for (int i = 0; i < QUEUE_PHASES; i++) {
        all.ready += d[i].ready;
        all.leased += d[i].leased;
        all.delayed += d[i].delayed;
        if (d[i].oldest_us && (!all.oldest_us || d[i].oldest_us < all.oldest_us))
            all.oldest_us = d[i].oldest_us;
    }
    depth_members(w, &all, now);
    jw_key(w, "phases");
    jw_obj(w);
    for (int i = 0; i < QUEUE_PHASES; i++) {
        jw_key(w, queue_phases[i]);
        jw_obj(w);
        depth_members(w, &d[i], now);
        jw_end_obj(w);
    }
    jw_end_obj(w);
    return 0;
}

static void limits_member(const struct look *l)
{
    const struct svc_settings *s = &l->svc->set;

    jw_key(l->w, "limits");
    jw_obj(l->w);
    jw_kint(l->w, "running", l->tenant_running);
    jw_kint(l->w, "max_running", s->tenant_running);
    jw_kint(l->w, "max_queued", s->tenant_queued);
    jw_kint(l->w, "project_max_running", s->project_running);
    jw_end_obj(l->w);
}

static int items(struct db *db, struct look *l, struct err *e)
{
    struct queue_place at;
    struct queue_row row;
    int r = 0;

    if (l->after) {
        r = queue_get(db, l->after, &row, e);
        if (r == -ERR_NOT_FOUND || (r == 0 && (row.lease_token || !str_eq(row.tenant_id, l->tenant))))
            return err_field(e, ERR_CURSOR, "after", "run %s does not wait any more: list from the beginning",
                             l->after->s);
        at = (struct queue_place){row.rank_us, row.run_id};
    } else {
        r = queue_list_held(db, l->tenant, item_each, l, e);
    }
    return r < 0 ? r : queue_list(db, l->tenant, l->after ? &at : NULL, l->limit, item_each, l, e);
}

static int json_members(struct db *db, struct look *l, struct err *e)
{
    struct jw *w = l->w;
    int r = depths(db, l->tenant, l->now, w, e);

    if (r == 0)
        r = queue_node_pause(db, l->svc->node, &l->node, e);
    if (r == 0)
        r = queue_running(db, l->tenant, NULL, &l->tenant_running, e);
    if (r < 0)
        return r;
    jw_key(w, "node");
    jw_obj(w);
    r = node_members(l->svc, db, w, e);
    jw_end_obj(w);
    limits_member(l);
    jw_key(w, "projects");
    jw_arr(w);
    if (r == 0)
        r = queue_projects(db, l->tenant, known_each, l, e);
    jw_end_arr(w);
    jw_key(w, "items");
    jw_arr(w);
    if (r == 0)
        r = items(db, l, e);
    jw_end_arr(w);
    jw_kstr(w, "next", l->limit && l->n >= l->limit ? l->last.s : NULL);
    return r;
}

static int json_tx(struct db *db, void *arg, struct err *e)
{
    struct look *l = arg;
    int r;

    l->now = clock_now_us();
    jw_obj(l->w);
    r = json_members(db, l, e);
    jw_end_obj(l->w);
    return r;
}

int queues_json(struct svc *svc, const char *tenant, const struct id *after, int limit, struct jw *w, struct err *e)
{
    struct look l = {.svc = svc, .tenant = tenant, .after = after, .limit = limit, .w = w};
    int r = store_read(svc->store, json_tx, &l, e);

    free(l.v);
    return r;
}

int queues_summary(struct svc *svc, struct db *db, struct jw *w, struct err *e)
{
    struct queue_counts *n = svc->counts;
    int r = depths(db, NULL, clock_now_us(), w, e);

    if (r < 0)
        return r;
    jw_kint(w, "claims", n ? (int64_t)atomic_load(&n->claims) : 0);
    jw_kint(w, "retries", n ? (int64_t)atomic_load(&n->retries) : 0);
    jw_kint(w, "given_up", n ? (int64_t)atomic_load(&n->given_up) : 0);
    jw_kint(w, "lost_leases", n ? (int64_t)atomic_load(&n->lost) : 0);
    jw_kint(w, "refused", n ? (int64_t)atomic_load(&n->refused) : 0);
    jw_key(w, "node");
    jw_obj(w);
    r = node_members(svc, db, w, e);
    jw_end_obj(w);
    return r;
}
