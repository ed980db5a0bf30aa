/* writer - see writer.h.
 *
 * Invariants:
 *  1. A caller is told 0 only after COMMIT returned success for the group its function ran in.
 *  2. A caller is told an error only when nothing of its function is in the database as this process sees it. (When
 *     the COMMIT itself fails by an I/O error and the machine dies before the next commit, recovery may still find it:
 *     callers repeat by idempotency key.)
 *  3. Jobs live on their callers' stacks: once `done` is set under the lock the writer does not look at a job again. */
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include "base/fault.h"
#include "store/writer.h"

struct job {
    store_fn fn;
    void *arg;
    int result;
    struct err err;
    bool done;
    pthread_cond_t wake;
    struct job *next;
};

struct jobs { /* a list, first in first out */
    struct job *first, **end;
    int n;
};

struct writer {
    struct db *db;
    struct writer_config cfg;
    pthread_t thread;
    void (*on_commit)(void *arg, const struct id *runs, size_t n);
    void *on_commit_arg;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t work;
    struct jobs queued;
    bool closing;
    struct store_stats stats;
};

static void jobs_init(struct jobs *l)
{
    *l = (struct jobs){.end = &l->first};
}

static void jobs_add(struct jobs *l, struct job *j)
{
    j->next = NULL;
    *l->end = j;
    l->end = &j->next;
    l->n++;
}

static struct job *jobs_pop(struct jobs *l)
{
    struct job *j = l->first;
    l->first = j->next;
    if (!l->first)
        l->end = &l->first;
    l->n--;
    return j;
}

/* Moves what is queued into the group, up to the maximum. */
static void gather(struct writer *w, struct jobs *group)
{
    pthread_mutex_lock(&w->lock);
    while (w->queued.first && group->n < w->cfg.max_group)
        jobs_add(group, jobs_pop(&w->queued));
    pthread_mutex_unlock(&w->lock);
}

/* Waits for work; false when closing and nothing is left. */
static bool wait_work(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    while (!w->queued.first && !w->closing)
        pthread_cond_wait(&w->work, &w->lock);
    bool some = w->queued.first;
    pthread_mutex_unlock(&w->lock);
    return some;
}

/* One function in its savepoint. What it returned is its own; db->fatal tells whether the group is lost. */
static void run_job(struct db *db, struct job *j)
{
    size_t touched = db->ntouched;
    struct err sys = ERR_INIT;
    if (db_exec(db, SQL_TX_SAVEPOINT, NO_VALS, &sys) < 0) {
        db_lost(db, &sys);
        return;
    }
    j->result = j->fn(db, j->arg, &j->err);
    if (db->fatal)
        return;
    if (j->result < 0) {
        db->ntouched = touched;
        if (db_exec(db, SQL_TX_ROLLBACK_TO, NO_VALS, &sys) < 0) {
            db_lost(db, &sys);
            return;
        }
    }
    if (db_exec(db, SQL_TX_RELEASE, NO_VALS, &sys) < 0)
        db_lost(db, &sys);
}

static int run_group(struct writer *w, struct jobs *group)
{
    struct db *db = w->db;
    struct err e = ERR_INIT;
    db->fatal = 0;
    db->ntouched = 0;
    if (db_exec(db, SQL_TX_WRITE, NO_VALS, &e) < 0)
        return db_lost(db, &e);
    for (struct job *j = group->first; j && !db->fatal; j = j->next) {
        run_job(db, j);
        if (!j->next)
            gather(w, group);
    }
    CRASH_POINT(store_before_commit);
    COMMIT_POINT(false);
    if (!db->fatal && db_exec(db, SQL_TX_COMMIT, NO_VALS, &e) < 0)
        db_lost(db, &e);
    if (db->fatal)
        db_rollback(db);
    else
        CRASH_POINT(store_after_commit);
    COMMIT_POINT(true);
    return db->fatal;
}

/* Invariant 3: signals under the lock, so the caller cannot leave with its condition before we are done with it. */
static void wake_all(struct writer *w, struct jobs *group, int lost)
{
    pthread_mutex_lock(&w->lock);
    w->stats.commits += lost == 0;
    while (group->first) {
        struct job *j = jobs_pop(group);
        if (lost && j->result >= 0) {
            j->result = lost;
            j->err = w->db->fatal_err;
        }
        w->stats.transactions += j->result >= 0;
        w->stats.failed += j->result < 0;
        j->done = true;
        pthread_cond_signal(&j->wake);
    }
    pthread_mutex_unlock(&w->lock);
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    while (wait_work(w)) {
        struct jobs group;
        jobs_init(&group);
        gather(w, &group);
        int lost = run_group(w, &group);
        wake_all(w, &group, lost);
        if (!lost && w->db->ntouched && w->on_commit)
            w->on_commit(w->on_commit_arg, w->db->touched, w->db->ntouched);
        w->db->ops->tidy(w->db);
    }
    return NULL;
}

/* Signals are the main thread's business. */
static int start(struct writer *w, struct err *e)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&w->thread, NULL, writer_main, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0)
        return err_set(e, ERR_UNAVAILABLE, "the store's writer thread cannot be started (error %d)", rc);
    pthread_setname_np(w->thread, "sp-store");
    return 0;
}

int writer_new(struct db *db, const struct writer_config *cfg, struct writer **ret, struct err *e)
{
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        return err_oom(e);
    w->db = db;
    w->cfg = *cfg;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, NULL);
    jobs_init(&w->queued);
    int r = start(w, e);
    if (r < 0) {
        pthread_cond_destroy(&w->work);
        pthread_mutex_destroy(&w->lock);
        free(w);
        return r;
    }
    *ret = w;
    return 0;
}

void writer_free(struct writer *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    db_close(w->db);
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

/* Under the lock. */
static int enqueue(struct writer *w, struct job *j, struct err *e)
{
    if (w->closing)
        return err_set(e, ERR_UNAVAILABLE, "the store is closing");
    if (w->queued.n >= w->cfg.max_queued) {
        w->stats.failed++;
        return err_set(e, ERR_BUSY, "%d writes are waiting already: try again", w->queued.n);
    }
    jobs_add(&w->queued, j);
    pthread_cond_signal(&w->work);
    return 0;
}

int writer_do(struct writer *w, store_fn fn, void *arg, struct err *e)
{
    if (pthread_equal(pthread_self(), w->thread))
        return err_set(e, ERR_INTERNAL, "a transaction function asked for a second transaction");
    struct job j = {.fn = fn, .arg = arg};
    pthread_cond_init(&j.wake, NULL);
    pthread_mutex_lock(&w->lock);
    int r = enqueue(w, &j, e);
    while (r == 0 && !j.done)
        pthread_cond_wait(&j.wake, &w->lock);
    pthread_mutex_unlock(&w->lock);
    pthread_cond_destroy(&j.wake);
    if (r < 0)
        return r;
    if (j.result < 0 && e)
        *e = j.err;
    return j.result;
}

void writer_on_commit(struct writer *w, void (*fn)(void *arg, const struct id *runs, size_t n), void *arg)
{
    w->on_commit = fn;
    w->on_commit_arg = arg;
}

void writer_stats(struct writer *w, struct store_stats *ret)
{
    pthread_mutex_lock(&w->lock);
    *ret = w->stats;
    ret->queued = w->queued.n;
    pthread_mutex_unlock(&w->lock);
}
