#include "service/reconcile_int.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fault.h"
#include "base/fault.h"
#include "base/str.h"
#include "os/clock.h"
#include "service/audits.h"
#include "service/runs.h"
#include "store/base_rows.h"

#define IDEM_KEEP_US  (24 * 3600 * SEC_US)
#define FINAL_US      (60 * SEC_US) /* what a worker still does after a run's end takes less */
#define TICK_ACTIONS  200
#define ALL_ACTIONS   1000
#define START_ACTIONS 100000
#define TICK_US       (2 * SEC_US)
#define ALL_US        (25 * SEC_US)
#define TICK_DIRS     5000
#define STRAYS_EVERY  6 /* ticks: /proc and the cgroups are walked whole */
#define FIND_MAX      256
#define SAID          64

struct reconciler {
    struct svc *svc;
    pthread_mutex_t mu; /* one pass at a time; guards all below but the counters */
    DIR *runs;          /* where the timer's walk over the directories is; NULL: at the start */
    unsigned prefix, ticks;
    int64_t started_us;
    uint64_t said[SAID]; /* problems that were logged already */
    unsigned nsaid;
    atomic_bool asked; /* a pass that somebody asked for runs, or waits for mu */
    atomic_ullong actions[RC_N], passes, problems;
    atomic_llong last_us;
};

static const struct reconcile_info infos[RC_N] = {
#define ACTION(NAME, name, found, done) {name, found, done},
#include "service/reconcile.def"
#undef ACTION
};

const struct reconcile_info *reconcile_info(enum reconcile_act a)
{
    return &infos[a];
}

int reconciler_new(struct svc *svc, struct reconciler **ret, struct err *e)
{
    struct reconciler *rc = calloc(1, sizeof *rc);
    struct timespec now;

    if (!rc)
        return err_oom(e);
    rc->svc = svc;
    clock_gettime(CLOCK_REALTIME_COARSE, &now); /* the clock of files' times: what is made from here on is not older */
    rc->started_us = now.tv_sec * SEC_US + now.tv_nsec / 1000;
    pthread_mutex_init(&rc->mu, NULL);
    *ret = rc;
    return 0;
}

void reconciler_free(struct reconciler *rc)
{
    if (!rc)
        return;
    if (rc->runs)
        closedir(rc->runs);
    pthread_mutex_destroy(&rc->mu);
    free(rc);
}

void reconcile_stats(struct reconciler *rc, struct reconcile_stats *ret)
{
    for (int i = 0; i < RC_N; i++)
        ret->actions[i] = atomic_load(&rc->actions[i]);
    ret->passes = atomic_load(&rc->passes);
    ret->problems = atomic_load(&rc->problems);
    ret->last_us = atomic_load(&rc->last_us);
}

/* ---- what a pass says -------------------------------------------------- */

bool pass_over(struct pass *p)
{
    if (p->left > 0 && clock_mono_us() < p->until_us)
        return false;
    p->more = true;
    return true;
}

static void list(struct jw *w, const char *what, const struct id *run, const char *detail)
{
    if (!w)
        return;
    jw_obj(w);
    jw_kstr(w, "what", what);
    jw_kstr(w, "run_id", run && !id_none(run) ? run->s : NULL);
    jw_kstr(w, "detail", detail);
    jw_end_obj(w);
}

bool pass_dry(struct pass *p, enum reconcile_act act, const struct id *run, const char *detail)
{
    if (!p->dry)
        return false;
    p->left--;
    list(p->actions, infos[act].name, run, detail);
    return true;
}

void pass_did(struct pass *p, enum reconcile_act act, const struct id *run, const char *detail)
{
    struct log_ctx cx = {.trace_id = p->trace_id, .run_id = run && !id_none(run) ? run->s : NULL};

    p->left--;
    atomic_fetch_add(&p->rc->actions[act], 1);
    list(p->actions, infos[act].name, run, detail);
    log_line(p->svc->log, LOG_LV_INFO, "reconcile", &cx, "%s: %s", infos[act].name, detail);
}

bool pass_audit_data(struct buf *b, const char *detail)
{
    struct jw w = JW_INIT(b);

    jw_obj(&w);
    jw_kstr(&w, "detail", detail);
    jw_end_obj(&w);
    return !b->bad;
}

struct note {
    struct pass *p;
    const char *tenant, *action, *data;
    const struct id *run;
};

static int note_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(reconciled);
    struct note *n = arg;
    struct caller c;
    int r;

    caller_system(&c, n->tenant, n->p->actor, n->p->trace_id);
    c.surface = n->p->surface;
    r = caller_audit(db, &c, n->action, n->run ? n->run->s : NULL, n->data, n->run, e);
    caller_fini(&c);
    return r;
}

void pass_did_audit(struct pass *p, enum reconcile_act act, const char *tenant, const struct id *run,
                    const char *detail)
{
    AUTO(buf_fini) struct buf data = BUF_INIT(16 * KIB);
    struct err e = ERR_INIT;
    char action[64];
    struct note n = {.p = p, .tenant = tenant ? tenant : "default", .action = action};
    int r;

    n.run = run && !id_none(run) ? run : NULL;
    snprintf(action, sizeof action, "reconcile.%s", infos[act].name);
    r = pass_audit_data(&data, detail) ? 0 : err_oom(&e);
    n.data = data.p;
    if (r == 0)
        r = store_write(p->svc->store, note_tx, &n, &e);
    pass_did(p, act, run, detail);
    if (r < 0)
        pass_problem(p, "audit", run, &e);
}

/* A problem that stays would be in the log at every tick: it is told once, and listed every time. */
static bool said_before(struct reconciler *rc, const char *what, const char *run, const char *msg)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    const char *const parts[] = {what, run, msg};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        for (const char *s = parts[i]; *s; s++)
            h = (h ^ (unsigned char)*s) * 1099511628211u;
    for (size_t i = 0; i < SAID; i++)
        if (rc->said[i] == h)
            return true;
    rc->said[rc->nsaid++ % SAID] = h;
    return false;
}

void pass_problem(struct pass *p, const char *what, const struct id *run, const struct err *why)
{
    const char *id = run && !id_none(run) ? run->s : NULL;

    list(p->problems, what, run, why->msg);
    if (p->dry)
        return;
    atomic_fetch_add(&p->rc->problems, 1);
    if (!said_before(p->rc, what, id ? id : "", why->msg))
        log_err(p->svc->log, LOG_LV_WARN, "reconcile", &(struct log_ctx){.trace_id = p->trace_id, .run_id = id}, what,
                why);
}

/* ---- rows -------------------------------------------------------------- */

static const struct {
    enum mend kind;
    enum reconcile_act act;
} mends[] = {
    {MEND_TAKEN_OVER, RC_TAKEN_OVER},     {MEND_LEASE_EXPIRED, RC_LEASE_EXPIRED},
    {MEND_REQUEUED, RC_REQUEUED},         {MEND_QUEUE_ROW_REMOVED, RC_QUEUE_ROW_REMOVED},
    {MEND_WAIT_EXPIRED, RC_WAIT_EXPIRED}, {MEND_APPROVAL_VOIDED, RC_APPROVAL_VOIDED},
};

static int mend_one(struct pass *p, enum mend kind, enum reconcile_act act, const struct id *run, struct err *e)
{
    AUTO(buf_fini) struct buf data = BUF_INIT(4 * KIB);
    const char *detail = infos[act].done;
    struct mend_by by = {.actor = p->actor, .surface = p->surface, .trace_id = p->trace_id};
    char action[64];
    bool done = false;
    int r;

    if (pass_dry(p, act, run, detail))
        return 0;
    if (!pass_audit_data(&data, detail))
        return err_oom(e);
    snprintf(action, sizeof action, "reconcile.%s", infos[act].name);
    by.action = action;
    by.data = data.p;
    r = runs_mend(p->svc, kind, run, p->now, &by, &done, e);
    if (done)
        pass_did(p, act, run, detail);
    return r;
}

/* In pages, so that the memory is bounded. A page in which nothing could be done is the last one. */
static int mend_all(struct pass *p, enum mend kind, enum reconcile_act act, struct err *e)
{
    struct id v[FIND_MAX];
    size_t n = FIND_MAX;
    int r = 0;

    for (int before = -1; r == 0 && n == FIND_MAX && before != p->left && !pass_over(p);) {
        before = p->left;
        r = runs_find(p->svc, kind, p->now, v, FIND_MAX, &n, e);
        for (size_t i = 0; r == 0 && i < n && !pass_over(p); i++) {
            struct err why = ERR_INIT;

            if (mend_one(p, kind, act, &v[i], &why) < 0)
                pass_problem(p, infos[act].name, &v[i], &why);
        }
        if (p->dry && n == FIND_MAX) {
            p->more = true;
            break; /* the next page would be this one */
        }
    }
    return r;
}

struct purge {
    int64_t before, n;
    const struct note *note;
    struct buf data;
};

static int count_tx(struct db *db, void *arg, struct err *e)
{
    struct purge *p = arg;

    return idem_old(db, p->before, &p->n, e);
}

static int purge_tx(struct db *db, void *arg, struct err *e)
{
    struct purge *p = arg;
    struct note n = *p->note;
    char text[32];
    int r = idem_purge(db, p->before, &p->n, e);

    if (r < 0 || p->n == 0)
        return r;
    snprintf(text, sizeof text, "%lld", (long long)p->n);
    buf_reset(&p->data);
    if (!pass_audit_data(&p->data, text))
        return err_oom(e);
    n.data = p->data.p;
    return note_tx(db, &n, e);
}

static int purge_keys(struct pass *p, struct err *e)
{
    struct note note = {.p = p, .tenant = "default", .action = "reconcile.keys_dropped"};
    struct purge k = {.before = p->now - IDEM_KEEP_US, .note = &note, .data = BUF_INIT(4 * KIB)};
    char text[32];
    int r = store_read(p->svc->store, count_tx, &k, e);

    if (r == 0 && k.n && !p->dry)
        r = store_write(p->svc->store, purge_tx, &k, e);
    buf_fini(&k.data);
    snprintf(text, sizeof text, "%lld", (long long)k.n);
    if (r == 0 && k.n && !pass_dry(p, RC_KEYS_DROPPED, NULL, text))
        pass_did(p, RC_KEYS_DROPPED, NULL, text);
    return r;
}

static int rows(struct pass *p, struct err *e)
{
    int r = p->kind == RECONCILE_START ? mend_all(p, MEND_LEASE_DROPPED, RC_LEASE_DROPPED, e) : 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(mends); i++) {
        if (p->kind == RECONCILE_START && mends[i].kind == MEND_LEASE_EXPIRED)
            continue; /* just ended: workers are about to take them up */
        r = mend_all(p, mends[i].kind, mends[i].act, e);
    }
    return r < 0 ? r : purge_keys(p, e);
}

struct stands {
    const struct id *id;
    size_t n;
    struct run_stands *ret;
    bool *known;
};

static int stands_tx(struct db *db, void *arg, struct err *e)
{
    struct stands *s = arg;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < s->n; i++) {
        r = run_stands(db, &s->id[i], &s->ret[i], e);
        s->known[i] = r > 0;
    }
    return r < 0 ? r : 0;
}

int pass_stands(struct pass *p, const struct id *id, size_t n, struct run_stands *ret, bool *known, struct err *e)
{
    struct stands s = {id, n, ret, known};

    return store_read(p->svc->store, stands_tx, &s, e);
}

bool pass_final(const struct pass *p, const struct run_stands *s)
{
    return s->final && (s->finished_us < p->started_us || s->finished_us < p->now - FINAL_US);
}

/* ---- the audit head ---------------------------------------------------- */

/* A broken trail stops nothing else: it is told here every time, and by `audit verify`. */
static int sign_head(struct pass *p, struct err *e)
{
    struct err bad = ERR_INIT;
    int r = p->dry ? 0 : audits_sign_head(p->svc->audits, "default", &bad);

    if (r == -ERR_AUDIT_BROKEN) {
        log_err(p->svc->log, LOG_LV_ERROR, "audit", &(struct log_ctx){.trace_id = p->trace_id},
                "the head is not signed again", &bad);
        pass_problem(p, "audit_broken", NULL, &bad);
        return 0;
    }
    if (r < 0 && e)
        *e = bad;
    return r;
}

/* ---- a pass ------------------------------------------------------------ */

static void files(struct pass *p)
{
    struct reconciler *rc = p->rc;
    DIR *all = NULL;

    if (p->kind == RECONCILE_START) {
        pass_socket(p);
        return;
    }
    if (p->kind == RECONCILE_TICK) {
        if (rc->ticks++ % STRAYS_EVERY == 0)
            pass_strays(p);
        pass_runs(p, &rc->runs, TICK_DIRS);
        pass_temps(p);
        pass_blobs(p, rc->prefix++ % 256);
        return;
    }
    pass_strays(p);
    pass_runs(p, &all, SIZE_MAX);
    if (all)
        closedir(all);
    pass_temps(p);
    for (unsigned i = 0; i < 256 && !pass_over(p); i++)
        pass_blobs(p, i);
}

static int whole(struct pass *p, struct err *e)
{
    int r = rows(p, e);

    if (r == 0)
        files(p);
    return r < 0 ? r : sign_head(p, e);
}

static void say_all(const struct pass *p, const struct buf *actions, const struct buf *problems, struct jw *out)
{
    jw_obj(out);
    jw_kbool(out, "dry_run", p->dry);
    jw_kraw(out, "actions", actions->p);
    jw_kraw(out, "problems", problems->p);
    jw_kbool(out, "more", p->more);
    jw_end_obj(out);
}

static int one_pass(struct reconciler *rc, enum reconcile_pass kind, const struct caller *by, struct jw *out,
                    struct err *e)
{
    AUTO(buf_fini) struct buf a = BUF_INIT(4 * MIB), b = BUF_INIT(4 * MIB);
    struct jw wa = JW_INIT(&a), wb = JW_INIT(&b);
    bool tick = kind == RECONCILE_TICK;
    char trace[33], raw[16];
    int64_t start = clock_mono_us();
    struct pass p = {
        .rc = rc,
        .svc = rc->svc,
        .kind = kind,
        .dry = kind == RECONCILE_DRY,
        .actor = by ? by->actor : "system",
        .surface = by ? by->surface : "system",
        .trace_id = by && by->trace_id[0] ? by->trace_id : trace,
        .now = clock_now_us(),
        .started_us = rc->started_us,
        .left = tick                      ? TICK_ACTIONS
                : kind == RECONCILE_START ? START_ACTIONS
                                          : ALL_ACTIONS,
        .until_us = start + (tick ? TICK_US : ALL_US),
        .actions = out ? &wa : NULL,
        .problems = out ? &wb : NULL,
    };
    int r;

    random_bytes(raw, sizeof raw);
    hex_encode(raw, sizeof raw, trace);
    jw_arr(&wa);
    jw_arr(&wb);
    pthread_mutex_lock(&rc->mu);
    r = whole(&p, e);
    pthread_mutex_unlock(&rc->mu);
    atomic_fetch_add(&rc->passes, 1);
    atomic_store(&rc->last_us, clock_mono_us() - start);
    jw_end_arr(&wa);
    jw_end_arr(&wb);
    if (r < 0)
        return r;
    if (a.bad || b.bad)
        return err_oom(e);
    if (out)
        say_all(&p, &a, &b, out);
    return 0;
}

/* Who asks holds a thread of the server while it waits: one of them may. */
int reconcile(struct reconciler *rc, enum reconcile_pass kind, const struct caller *by, struct jw *out, struct err *e)
{
    if (!by)
        return one_pass(rc, kind, by, out, e);
    if (atomic_exchange(&rc->asked, true))
        return err_set(e, ERR_UNAVAILABLE, "a pass that was asked for is under way: ask again when it is over");
    int r = one_pass(rc, kind, by, out, e);
    atomic_store(&rc->asked, false);
    return r;
}
