/* retention_rows.c - the transactions of retention. See retention_int.h. */
#include "service/retention_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "os/clock.h"
#include "service/project_settings.h"
#include "service/runs.h"

const char *retention_rule_name(enum victim_rule r)
{
    static const char *const names[] = {"logs", "runs", "failed_runs", "max_bytes"};

    return names[r];
}

/* ---- who goes ----------------------------------------------------------- */

struct find {
    struct svc *svc;
    const struct id *project;
    const struct retention_rules *rules;
    bool logs;
    int64_t now, after;
    struct victims *ret;
    enum victim_rule rule;
};

static int victim_each(void *arg, const struct run_row *row, struct err *e)
{
    struct find *f = arg;
    struct victim *v = &f->ret->v[f->ret->n];
    bool failed = row->node != RN_SUCCEEDED;

    if (f->ret->n == VICTIMS_MAX)
        return 1;
    *v = (struct victim){.id = row->id, .finished_us = row->finished_us, .rule = f->rule};
    if (f->rule == RULE_RUNS && failed)
        v->rule = RULE_FAILED;
    (void)!str_copy(v->tenant, sizeof v->tenant, row->tenant_id);
    f->ret->n++;
    return 0;
}

/* 0: never: nothing ended before the epoch. */
static int64_t until(const struct find *f, int64_t ms)
{
    return ms > 0 && ms < f->now / MS_US ? f->now - ms * MS_US : 0;
}

static int find_tx(struct db *db, void *arg, struct err *e)
{
    struct find *f = arg;
    const struct retention_rules *u = f->rules;
    int64_t failed = u ? (u->failed_runs_ms ? u->failed_runs_ms : u->runs_ms) : 0;

    f->ret->n = 0;
    if (!u)
        return run_list_oldest(db, f->svc->node, f->after, VICTIMS_MAX, victim_each, f, e);
    if (f->logs)
        return run_list_old_logs(db, f->svc->node, f->project, f->after, until(f, u->logs_ms), VICTIMS_MAX, victim_each,
                                 f, e);
    return run_list_old(db, f->svc->node, f->project, f->after, until(f, u->runs_ms), until(f, failed), VICTIMS_MAX,
                        victim_each, f, e);
}

int retention_find(struct svc *svc, const struct id *project, const struct retention_rules *rules, bool logs,
                   int64_t now_us, int64_t after_us, struct victims *ret, struct err *e)
{
    struct find f = {.svc = svc, .project = project, .rules = rules, .logs = logs, .now = now_us, .ret = ret};

    f.after = after_us;
    f.rule = logs ? RULE_LOGS : RULE_RUNS;
    return store_read(svc->store, find_tx, &f, e);
}

int retention_oldest(struct svc *svc, int64_t after_us, struct victims *ret, struct err *e)
{
    struct find f = {.svc = svc, .after = after_us, .ret = ret, .rule = RULE_BYTES};

    return store_read(svc->store, find_tx, &f, e);
}

/* ---- projects ----------------------------------------------------------- */

struct project_rules {
    struct id id;
    char settings[1024];
};
struct projects {
    struct id after;
    struct project_rules v[BATCH_MAX];
    size_t n;
};

static int project_each_copy(void *arg, const struct project_row *row, struct err *e)
{
    struct projects *p = arg;

    p->v[p->n].id = row->id;
    if (!str_copy(p->v[p->n].settings, sizeof p->v[p->n].settings, row->settings ? row->settings : ""))
        p->v[p->n].settings[0] = '\0';
    p->n++;
    return 0;
}

static int projects_tx(struct db *db, void *arg, struct err *e)
{
    struct projects *p = arg;

    p->n = 0;
    return project_list_all(db, id_none(&p->after) ? NULL : &p->after, BATCH_MAX, project_each_copy, p, e);
}

static int rules_of(const struct svc *svc, const struct project_rules *p, struct retention_rules *ret, struct err *e)
{
    struct project_settings set;
    int r = project_settings_read(p->settings, &set, e);

    if (r < 0)
        return r;
    *ret = svc->set.retention;
    if (set.runs_ms >= 0)
        ret->runs_ms = set.runs_ms;
    if (set.failed_runs_ms >= 0)
        ret->failed_runs_ms = set.failed_runs_ms;
    if (set.logs_ms >= 0)
        ret->logs_ms = set.logs_ms;
    return 0;
}

int retention_projects(struct svc *svc, project_rules_each each, void *arg, struct err *e)
{
    struct projects *p = calloc(1, sizeof *p);
    int r = p ? 0 : err_oom(e);

    do {
        r = r == 0 ? store_read(svc->store, projects_tx, p, e) : r;
        for (size_t i = 0; r == 0 && i < p->n; i++) {
            struct retention_rules rules;

            r = rules_of(svc, &p->v[i], &rules, e);
            if (r == 0)
                r = each(arg, &p->v[i].id, &rules, e);
            p->after = p->v[i].id;
        }
    } while (r == 0 && p->n == BATCH_MAX);
    free(p);
    return r;
}

/* ---- it goes ------------------------------------------------------------ */

struct commit {
    const struct victim *v;
    int64_t bytes;
    bool done;
};

static int audit_it(struct db *db, const struct victim *v, int64_t bytes, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(KIB);
    struct jw w = JW_INIT(&b);
    struct caller c;
    int r;

    caller_system(&c, v->tenant, "retention", NULL);
    jw_obj(&w);
    jw_kstr(&w, "rule", retention_rule_name(v->rule));
    jw_kint(&w, "bytes", bytes);
    jw_end_obj(&w);
    r = b.bad
            ? err_oom(e)
            : caller_audit(db, &c, v->rule == RULE_LOGS ? "run.logs_removed" : "run.removed", v->id.s, b.p, &v->id, e);
    caller_fini(&c);
    return r;
}

/* Asked again here: a person may have kept it, or asked to undo it, since it was found. */
static int commit_tx(struct db *db, void *arg, struct err *e)
{
    struct commit *c = arg;
    const struct victim *v = c->v;
    AUTO(run_row_fini) struct run_row row = {0};
    int64_t now = clock_now_us();
    int r = run_lock(db, v->tenant, &v->id, &row, e);

    c->done = false;
    if (r < 0)
        return r;
    if (row.kept || row.removed_us || !run_sm_final(row.node) || (v->rule == RULE_LOGS && row.logs_removed_us))
        return 0;
    r = run_undone_by(db, &row, e);
    if (r != 0)
        return r < 0 ? r : 0;
    r = v->rule == RULE_LOGS ? run_remove_logs(db, &v->id, now, e) : run_remove_all(db, &v->id, now, e);
    if (r == 0)
        r = audit_it(db, v, c->bytes, e);
    c->done = r == 0;
    return r;
}

int retention_commit(struct svc *svc, const struct victim *v, int64_t bytes, struct err *e)
{
    struct commit c = {.v = v, .bytes = bytes};
    int r = store_write(svc->store, commit_tx, &c, e);

    return r < 0 ? r : c.done;
}

/* ---- lists of ids ------------------------------------------------------- */

struct listing {
    struct svc *svc;
    int64_t until;
    struct ids *ret;
    const struct ids *marked;
    const struct id *id;
};

static int id_each(void *arg, const struct id *id, struct err *e)
{
    struct ids *l = arg;

    if (l->n == BATCH_MAX)
        return 1;
    l->v[l->n++] = *id;
    return 0;
}

static int unpacked_tx(struct db *db, void *arg, struct err *e)
{
    struct listing *l = arg;

    l->ret->n = 0;
    return run_list_unpacked(db, l->svc->node, l->until, BATCH_MAX, id_each, l->ret, e);
}

int retention_unpacked(struct svc *svc, int64_t until_us, struct ids *ret, struct err *e)
{
    struct listing l = {.svc = svc, .until = until_us, .ret = ret};

    return store_read(svc->store, unpacked_tx, &l, e);
}

static int removing_tx(struct db *db, void *arg, struct err *e)
{
    struct listing *l = arg;

    l->ret->n = 0;
    return run_list_removing(db, l->svc->node, BATCH_MAX, id_each, l->ret, e);
}

int retention_removing(struct svc *svc, struct ids *ret, struct err *e)
{
    struct listing l = {.svc = svc, .ret = ret};

    return store_read(svc->store, removing_tx, &l, e);
}

static int packed_tx(struct db *db, void *arg, struct err *e)
{
    const struct listing *l = arg;
    int64_t now = clock_now_us();
    int r = 0;

    for (size_t i = 0; r == 0 && i < l->marked->n; i++)
        r = run_packed(db, &l->marked->v[i], now, e);
    return r;
}

int retention_mark_packed(struct svc *svc, const struct ids *ids, struct err *e)
{
    struct listing l = {.marked = ids};

    return ids->n ? store_write(svc->store, packed_tx, &l, e) : 0;
}

static int unlinked_tx(struct db *db, void *arg, struct err *e)
{
    const struct listing *l = arg;

    return run_unlinked(db, l->id, e);
}

int retention_mark_unlinked(struct svc *svc, const struct id *id, struct err *e)
{
    struct listing l = {.id = id};

    return store_write(svc->store, unlinked_tx, &l, e);
}

/* ---- contents ----------------------------------------------------------- */

struct sums {
    const struct id *run;
    bool all;
    char (*v)[65];
    size_t n;
};

static int sum_each(void *arg, const struct artifact_row *a, struct err *e)
{
    struct sums *s = arg;
    char(*p)[65] = realloc(s->v, (s->n + 1) * sizeof *p);

    if (!p)
        return err_oom(e);
    s->v = p;
    (void)!str_copy(p[s->n++], sizeof *p, a->sha256);
    return 0;
}

static int unused_tx(struct db *db, void *arg, struct err *e)
{
    struct sums *s = arg;
    AUTO(run_row_fini) struct run_row row = {0};
    int r = run_get(db, NULL, s->run, &row, e);

    s->n = 0;
    s->all = r == 0 && row.removed_us != 0;
    return r == 0 && s->all ? artifact_list(db, s->run, sum_each, s, e) : r;
}

int retention_unused(struct svc *svc, const struct id *run, bool *ret_all, char (**ret_sums)[65], size_t *ret_n,
                     struct err *e)
{
    struct sums s = {.run = run};
    int r = store_read(svc->store, unused_tx, &s, e);

    if (r < 0) {
        free(s.v);
        return r;
    }
    *ret_all = s.all;
    *ret_sums = s.v;
    *ret_n = s.n;
    return 0;
}

struct named {
    const char *sum;
    int64_t n;
};

static int named_tx(struct db *db, void *arg, struct err *e)
{
    struct named *n = arg;

    return artifact_uses(db, n->sum, &n->n, e);
}

int retention_unnamed(struct svc *svc, const char *sha256, bool *ret, struct err *e)
{
    struct named n = {.sum = sha256};
    int r = store_read(svc->store, named_tx, &n, e);

    *ret = r == 0 && n.n == 0;
    return r;
}

/* ---- kept by a person, and asked about ---------------------------------- */

struct keep {
    struct caller *c;
    const struct id *id;
    bool keep;
};

static int keep_tx(struct db *db, void *arg, struct err *e)
{
    struct keep *k = arg;
    AUTO(run_row_fini) struct run_row row = {0};
    int r = run_lock(db, k->c->tenant, k->id, &row, e);

    if (r == 0 && k->keep && row.removed_us)
        r = retention_all_there(&row, e);
    if (r == 0)
        r = run_keep(db, k->c->tenant, k->id, k->keep, e);
    if (r == 0 && row.kept != k->keep)
        r = caller_audit(db, k->c, k->keep ? "run.kept" : "run.released", k->id->s, NULL, k->id, e);
    row.kept = k->keep;
    return r < 0 ? r : runs_reply(db, k->c, &row, 200, e);
}

int retention_keep(struct svc *svc, struct caller *c, const struct id *id, bool keep, struct err *e)
{
    struct keep k = {c, id, keep};

    return store_write(svc->store, keep_tx, &k, e);
}

static int gone(const char *what, int64_t since_us, struct err *e)
{
    char when[TIME_LEN];

    time_format(since_us, when);
    return err_set(e, ERR_GONE, "%s removed by retention at %s", what, when);
}

int retention_logs_there(const struct run_row *row, struct err *e)
{
    return row->logs_removed_us ? gone("the logs of the run were", row->logs_removed_us, e) : 0;
}

int retention_all_there(const struct run_row *row, struct err *e)
{
    return row->removed_us ? gone("what the run left was", row->removed_us, e) : 0;
}

int retention_logs_of(struct svc *svc, const struct id *run, struct err *e)
{
    AUTO(run_row_fini) struct run_row row = {0};
    int r = runs_row(svc, NULL, run, &row, e);

    return r == -ERR_NOT_FOUND ? 0 : r < 0 ? r : retention_logs_there(&row, e);
}
