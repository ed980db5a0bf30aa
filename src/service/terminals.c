#include "service/terminals.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "os/clock.h"
#include "service/hub.h"
#include "service/runs.h"
#include "store/base_rows.h"
#include "store/run_rows.h"

#define FIND_MS   100 /* between two looks whether the step still runs */
#define FINDS     5   /* such looks: a worker that takes up a step after a start has that long */
#define SERVED_MS 500 /* from a question to a worker that takes it up */
#define LOOK_MS   200 /* the same, where nobody waits for the answer but a person who looks */
/* Who waits holds one of the few threads that answer requests. An answer takes less than a millisecond; so nobody waits
 * behind two who wait longer, and is told to try again. Who only looks does not wait behind anybody: so those who may
 * read, and no more, leave room for those who type. */
#define WAIT_MAX 2
#define LOOK_MAX 1
#define NOTE_US  (60 * SEC_US) /* how often what was typed is written down */

struct ask {
    struct ask *next;
    const struct sandbox_tty_ask *q;
    const char *actor; /* who typed; NULL: only a look */
    enum { ASK_WAITS, ASK_TAKEN, ASK_DONE } state;
    int r;
    struct sandbox_tty got;
    struct err e;
};

/* Somebody who has typed, or changed the size. */
struct typist {
    struct typist *next;
    char actor[112], trace_id[33];
    const char *surface;
    uint64_t bytes, written; /* typed; and of these in the audit */
};

struct terminal {
    struct terminals *in;
    struct terminal *next, **link;
    char tenant[64];
    struct id run, step;
    void (*wake)(void *);
    void *arg;
    struct ask *first, **last;
    struct typist *typists;
    uint64_t total;
    int64_t noted_us;
};

struct terminals {
    pthread_mutex_t mu;
    pthread_cond_t changed; /* one was opened or closed; a question was answered */
    struct terminal *list;
    int waiting;
};

int terminals_new(struct terminals **ret, struct err *e)
{
    struct terminals *ts = calloc(1, sizeof *ts);
    pthread_condattr_t at;

    if (!ts)
        return err_oom(e);
    pthread_mutex_init(&ts->mu, NULL);
    pthread_condattr_init(&at);
    pthread_condattr_setclock(&at, CLOCK_MONOTONIC);
    pthread_cond_init(&ts->changed, &at);
    pthread_condattr_destroy(&at);
    *ret = ts;
    return 0;
}

void terminals_free(struct terminals *ts)
{
    if (!ts)
        return;
    pthread_cond_destroy(&ts->changed);
    pthread_mutex_destroy(&ts->mu);
    free(ts);
}

/* ---- the worker's side --------------------------------------------------- */

int terminal_open(struct terminals *ts, const char *tenant, const struct id *run, const struct id *step,
                  void (*wake)(void *), void *arg, struct terminal **ret, struct err *e)
{
    struct terminal *t = calloc(1, sizeof *t);

    if (!t)
        return err_oom(e);
    *t = (struct terminal){.in = ts, .run = *run, .step = *step, .wake = wake, .arg = arg};
    snprintf(t->tenant, sizeof t->tenant, "%s", tenant);
    t->last = &t->first;
    t->noted_us = clock_mono_us();
    pthread_mutex_lock(&ts->mu);
    t->next = ts->list;
    t->link = &ts->list;
    if (t->next)
        t->next->link = &t->next;
    ts->list = t;
    pthread_cond_broadcast(&ts->changed);
    pthread_mutex_unlock(&ts->mu);
    *ret = t;
    return 0;
}

static struct ask *take_first(struct terminal *t)
{
    struct ask *a;

    pthread_mutex_lock(&t->in->mu);
    a = t->first;
    if (a) {
        t->first = a->next;
        if (!t->first)
            t->last = &t->first;
        a->state = ASK_TAKEN;
    }
    pthread_mutex_unlock(&t->in->mu);
    return a;
}

static struct typist *find_typist(const struct terminal *t, const char *actor)
{
    struct typist *p = t->typists;

    while (p && !str_eq(p->actor, actor))
        p = p->next;
    return p;
}

static void done(struct terminal *t, struct ask *a)
{
    struct typist *p;

    pthread_mutex_lock(&t->in->mu);
    p = a->actor ? find_typist(t, a->actor) : NULL;
    if (p)
        p->bytes += a->got.fresh;
    if (a->r == 0 && a->got.status != SB_TTY_NONE)
        t->total = a->got.taken;
    a->state = ASK_DONE; /* from here on its owner may be gone with it */
    pthread_cond_broadcast(&t->in->changed);
    pthread_mutex_unlock(&t->in->mu);
}

/* ---- what was typed, into the audit */

struct note {
    struct terminal *t;
    const struct typist *who;
    const char *action;
    uint64_t bytes;
};

static int note_tx(struct db *db, void *arg, struct err *e)
{
    const struct note *n = arg;
    AUTO(buf_fini) struct buf b = BUF_INIT(1 * KIB);
    struct jw w = JW_INIT(&b);
    struct caller c = {.surface = n->who->surface};

    snprintf(c.tenant, sizeof c.tenant, "%s", n->t->tenant);
    snprintf(c.actor, sizeof c.actor, "%s", n->who->actor);
    snprintf(c.trace_id, sizeof c.trace_id, "%s", n->who->trace_id);
    jw_obj(&w);
    if (n->bytes) {
        jw_kint(&w, "bytes", (int64_t)n->bytes);
        jw_kint(&w, "total", (int64_t)n->t->total);
    }
    jw_end_obj(&w);
    return b.bad ? err_oom(e) : caller_audit(db, &c, n->action, n->t->step.s, b.p, &n->t->run, e);
}

/* By the worker, which alone removes typists: the list only grows at its head meanwhile. */
static void note_typed(struct svc *svc, struct terminal *t)
{
    struct typist *p;
    struct err e = ERR_INIT;

    t->noted_us = clock_mono_us();
    pthread_mutex_lock(&t->in->mu);
    p = t->typists;
    pthread_mutex_unlock(&t->in->mu);
    for (; p; p = p->next) {
        struct note n = {.t = t, .who = p, .action = "terminal.input"};

        pthread_mutex_lock(&t->in->mu);
        n.bytes = p->bytes - p->written;
        pthread_mutex_unlock(&t->in->mu);
        if (n.bytes == 0)
            continue;
        if (store_write(svc->store, note_tx, &n, &e) == 0)
            p->written += n.bytes;
        else
            log_err(svc->log, LOG_LV_ERROR, "terminal", &(struct log_ctx){.run_id = t->run.s},
                    "write down how much was typed", &e);
    }
}

void terminal_serve(struct svc *svc, struct terminal *t, struct sandbox *sb)
{
    struct ask *a;

    while ((a = take_first(t))) {
        a->r = sandbox_tty(sb, a->q, &a->got, &a->e);
        done(t, a);
    }
    if (clock_mono_us() - t->noted_us >= NOTE_US)
        note_typed(svc, t);
}

void terminal_close(struct svc *svc, struct terminal *t)
{
    struct typist *next;
    struct ask *a;

    if (!t)
        return;
    pthread_mutex_lock(&t->in->mu);
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    pthread_mutex_unlock(&t->in->mu);
    while ((a = take_first(t))) {
        a->r = err_set(&a->e, ERR_UNAVAILABLE, "the step is ending, or the server is: try again");
        done(t, a);
    }
    note_typed(svc, t);
    for (; t->typists; t->typists = next) {
        next = t->typists->next;
        free(t->typists);
    }
    free(t);
}

/* ---- the handlers' side -------------------------------------------------- */

static struct terminal *find(const struct terminals *ts, const struct id *step)
{
    struct terminal *t = ts->list;

    while (t && !id_eq(&t->step, step))
        t = t->next;
    return t;
}

/* False when the time is over. Lock held. */
static bool wait_changed(struct terminals *ts, int64_t until_us)
{
    struct timespec at = {.tv_sec = until_us / SEC_US, .tv_nsec = until_us % SEC_US * 1000};

    return pthread_cond_timedwait(&ts->changed, &ts->mu, &at) != ETIMEDOUT;
}

static struct terminal *await_open(struct terminals *ts, const struct id *step, int ms)
{
    int64_t until = clock_mono_us() + ms * MS_US;
    struct terminal *t;

    while (!(t = find(ts, step)) && wait_changed(ts, until))
        ;
    return t;
}

static void take_back(struct terminal *t, struct ask *a)
{
    struct ask **p = &t->first;

    while (*p && *p != a)
        p = &(*p)->next;
    if (!*p)
        return;
    *p = a->next;
    if (!*p)
        t->last = p;
}

/* Lock held. Who got true takes itself out of `waiting`. */
static bool begin_wait(struct terminals *ts, int max)
{
    if (ts->waiting >= max)
        return false;
    ts->waiting++;
    return true;
}

/* Leaves the question and waits for its answer. Lock held, and let go of while waiting. A terminal with our question in
 * it is not gone: closing it answers. */
static int ask_and_wait(struct terminal *t, struct ask *a, int ms, struct err *e)
{
    struct terminals *ts = t->in;
    int64_t until = clock_mono_us() + ms * MS_US;

    a->next = NULL;
    *t->last = a;
    t->last = &a->next;
    t->wake(t->arg);
    while (a->state == ASK_WAITS && wait_changed(ts, until))
        ;
    if (a->state == ASK_WAITS) {
        take_back(t, a);
        a->r = err_set(&a->e, ERR_UNAVAILABLE, "the step's worker is busy: try again");
        a->state = ASK_DONE;
    }
    while (a->state != ASK_DONE)
        pthread_cond_wait(&ts->changed, &ts->mu); /* bounded by sandbox_tty */
    if (a->r < 0 && e)
        *e = a->e;
    return a->r;
}

struct lookup {
    const char *tenant;
    const struct id *id;
    bool want_run;
    struct step_row step;
    struct run_row run;
};

static void lookup_fini(struct lookup *l)
{
    step_row_fini(&l->step);
    run_row_fini(&l->run);
    l->step = (struct step_row){0};
    l->run = (struct run_row){0};
}

static int lookup_tx(struct db *db, void *arg, struct err *e)
{
    struct lookup *l = arg;

    lookup_fini(l);
    int r = step_get(db, l->tenant, l->id, &l->step, e);
    return r < 0 || !l->want_run ? r : run_get(db, l->tenant, &l->step.run_id, &l->run, e);
}

/* What is typed is judged by nobody before the second door. Where a run leaves that door out, whoever types writes into
 * the project: only for who may open the door. */
static int may_type(const struct lookup *l, struct err *e)
{
    if (!l->want_run || runs_second_door(l->run.review))
        return 0;
    return err_set(e, ERR_FORBIDDEN,
                   "what is typed here is applied unasked (review \"%s\"): this needs the scope approve",
                   l->run.review);
}

/* ERR_STATE unless it runs and has one; ERR_FORBIDDEN. */
static int check_step(struct svc *svc, struct caller *c, const struct id *id, const struct sandbox_tty_ask *q,
                      struct id *ret_run, struct err *e)
{
    AUTO(lookup_fini)
    struct lookup l = {c->tenant, id, .want_run = q->what == SB_TTY_INPUT && !(c->scopes & SCOPE_APPROVE)};
    int r = store_read(svc->store, lookup_tx, &l, e);
    const struct step_row *s = &l.step;

    if (r == 0)
        r = may_type(&l, e);
    if (r < 0)
        return r;
    *ret_run = s->run_id;
    if (!s->pty)
        return err_set(e, ERR_STATE,
                       "the step has no terminal, and nothing on its stdin: ask for one with \"pty\": true");
    if (str_eq(s->state, "pending"))
        return err_set(e, ERR_STATE, "the step has not begun");
    if (!str_eq(s->state, "running"))
        return err_set(e, ERR_STATE, "the step has ended: it is %s", s->state);
    return 0;
}

/* The first byte waits until it is written down who types. Lock held, and let go of meanwhile. Two requests of one
 * person at a time may leave two records. */
static int attach(struct svc *svc, struct caller *c, const struct id *step, const struct id *run, struct err *e)
{
    struct terminals *ts = svc->terminals;
    struct typist *p = calloc(1, sizeof *p);
    struct terminal stub = {.run = *run, .step = *step}, *t;
    struct note n = {.t = &stub, .who = p, .action = "terminal.attached"};

    if (!p)
        return err_oom(e);
    snprintf(p->actor, sizeof p->actor, "%s", c->actor);
    snprintf(p->trace_id, sizeof p->trace_id, "%s", c->trace_id);
    p->surface = c->surface;
    snprintf(stub.tenant, sizeof stub.tenant, "%s", c->tenant);
    pthread_mutex_unlock(&ts->mu);
    int r = store_write(svc->store, note_tx, &n, e);
    pthread_mutex_lock(&ts->mu);
    t = r == 0 ? find(ts, step) : NULL;
    if (!t || find_typist(t, p->actor)) {
        free(p);
        return r;
    }
    p->next = t->typists;
    t->typists = p;
    return 0;
}

/* 1: it was asked. 0: nobody holds the step. */
static int try_ask(struct svc *svc, struct caller *c, const struct id *step, const struct id *run, struct ask *a,
                   struct err *e)
{
    struct terminals *ts = svc->terminals;
    int r = 0;

    pthread_mutex_lock(&ts->mu);
    if (!begin_wait(ts, WAIT_MAX)) {
        pthread_mutex_unlock(&ts->mu);
        return err_set(e, ERR_UNAVAILABLE, "too many are typing at this moment: try again");
    }
    struct terminal *t = await_open(ts, step, FIND_MS);
    if (t && !find_typist(t, c->actor)) {
        r = attach(svc, c, step, run, e);
        t = find(ts, step);
    }
    if (r == 0 && t && find_typist(t, c->actor)) {
        r = ask_and_wait(t, a, SERVED_MS, e);
        r = r < 0 ? r : 1;
    }
    ts->waiting--;
    pthread_mutex_unlock(&ts->mu);
    return r;
}

int terminals_ask(struct svc *svc, struct caller *c, const struct id *step, const struct sandbox_tty_ask *q,
                  struct sandbox_tty *ret, struct err *e)
{
    struct ask a = {.q = q, .actor = c->actor};
    struct id run;
    int r = 0;

    for (int i = 0; r == 0 && i < FINDS; i++) {
        r = check_step(svc, c, step, q, &run, e);
        if (r == 0 && hub_stopping(svc->hub))
            break;
        if (r == 0)
            r = try_ask(svc, c, step, &run, &a, e);
    }
    if (r == 0)
        return err_set(e, ERR_UNAVAILABLE, "no worker has taken the step up yet: try again");
    if (r > 0)
        *ret = a.got;
    return r < 0 ? r : 0;
}

bool terminals_look(struct svc *svc, const struct id *step, struct sandbox_tty *ret)
{
    struct sandbox_tty_ask q = {.what = SB_TTY_LOOK};
    struct ask a = {.q = &q};
    struct terminals *ts = svc->terminals;
    struct terminal *t;
    int r = -ERR_UNAVAILABLE;

    pthread_mutex_lock(&ts->mu);
    t = find(ts, step);
    if (t && begin_wait(ts, LOOK_MAX)) {
        r = ask_and_wait(t, &a, LOOK_MS, NULL);
        ts->waiting--;
    }
    pthread_mutex_unlock(&ts->mu);
    if (r < 0 || a.got.status != SB_TTY_OK)
        return false;
    *ret = a.got;
    return true;
}

void terminals_json(struct jw *w, const struct id *step, const struct sandbox_tty *t)
{
    jw_obj(w);
    jw_kstr(w, "step_id", step->s);
    jw_kint(w, "accepted", (int64_t)t->taken);
    jw_kint(w, "cols", t->cols);
    jw_kint(w, "rows", t->rows);
    jw_kbool(w, "eof", t->eof);
    jw_end_obj(w);
}
