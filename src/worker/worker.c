#include "worker/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "service/disk.h"
#include "service/hub.h"
#include "worker/drive.h"

#define IDLE_MS  1000 /* a lease of another that ended is found by asking now and then */
#define RETRY_MS 2000 /* after a failure of the server itself (store, disk) */
#define STACK    (512 * KIB)

struct worker {
    struct workers *pool;
    pthread_t thread;
    char name[32];
    bool holds; /* this and the next: under pool->mu */
    struct lease lease;
};

struct workers {
    struct svc *svc;
    pthread_mutex_t mu;
    pthread_cond_t ends;
    pthread_t keeper;
    bool keeps, stop;
    int n;
    struct worker v[];
};

/* ---- leases ------------------------------------------------------------- */

/* A lease says that this process lives, not that its worker is quick: a diff of very many files, a large apply or a
 * slow disk may take longer than one lease, and two workers on one run would take it from each other for ever. So one
 * thread extends what all workers hold. A lease that is lost all the same is seen by the worker's next write. */
static void hold(struct worker *w, const struct lease *lease)
{
    pthread_mutex_lock(&w->pool->mu);
    w->holds = lease != NULL;
    if (lease)
        w->lease = *lease;
    pthread_mutex_unlock(&w->pool->mu);
}

static void keep_one(struct workers *p, const struct lease *lease)
{
    struct err e = ERR_INIT;
    bool cancel = false;

    if (runs_extend(p->svc, lease, &cancel, &e) < 0 && e.code != ERR_LEASE)
        log_err(p->svc->log, LOG_LV_WARN, "worker", &(struct log_ctx){.run_id = lease->run_id.s}, "extend a lease", &e);
}

/* False when it is time to end. Lock held. */
static bool keeper_sleeps(struct workers *p)
{
    int64_t until = clock_mono_us() + p->svc->set.lease_ms * MS_US / 3;
    struct timespec t = {.tv_sec = until / SEC_US, .tv_nsec = until % SEC_US * 1000};

    while (!p->stop)
        if (pthread_cond_timedwait(&p->ends, &p->mu, &t) == ETIMEDOUT)
            return !p->stop;
    return false;
}

static void *keeper_main(void *arg)
{
    struct workers *p = arg;

    pthread_mutex_lock(&p->mu);
    while (keeper_sleeps(p))
        for (int i = 0; i < p->n; i++) {
            struct lease lease = p->v[i].lease;

            if (!p->v[i].holds)
                continue;
            pthread_mutex_unlock(&p->mu);
            keep_one(p, &lease);
            pthread_mutex_lock(&p->mu);
        }
    pthread_mutex_unlock(&p->mu);
    return NULL;
}

/* ---- driving ------------------------------------------------------------ */

int drive_load(struct drive *d, struct run_steps *ret, struct err *e)
{
    run_row_fini(&d->row);
    d->row = (struct run_row){0};
    return runs_load(d->svc, &d->lease.run_id, &d->row, ret, e);
}

void drive_wake(void *arg)
{
    uint64_t one = 1;
    int *fd = arg;

    if (write(*fd, &one, sizeof one) < 0)
        return; /* full: it is readable anyway */
}

static int drive_phase(struct drive *d, enum run_node *node, struct err *e)
{
    *node = d->row.node;
    switch (d->row.node) {
    case RN_PLANNING:
        return drive_plan(d, node, e);
    case RN_RUNNING:
        return drive_execute(d, node, e);
    case RN_APPLYING:
        return drive_apply(d, node, e);
    default:
        return 0;
    }
}

bool drive_own_failure(int r)
{
    static const int codes[] = {ERR_OOM, ERR_IO, ERR_UNAVAILABLE, ERR_STORAGE_FULL, ERR_SANDBOX_FAILED};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (r == -codes[i])
            return true;
    return false;
}

static bool no_room(const struct svc *svc)
{
    struct disk_room room;

    disk_room(svc, &room);
    return room.level == DISK_REFUSE;
}

/* The disk of the data directory is full: no fault of the run, which was accepted. It is put back as it stands, in its
 * phase, its shim alive, until there is room; even that has to be written. */
static int wait_for_room(struct drive *d, struct err *e)
{
    uint64_t seen = 0;
    int r;

    log_err(d->svc->log, LOG_LV_WARN, "worker", &d->cx, "the run waits for room on the disk", e);
    while ((r = runs_later(d->svc, &d->lease, RETRY_MS, e, e)) == -ERR_STORAGE_FULL && !hub_stopping(d->svc->hub))
        hub_wait_work(d->svc->hub, &seen, IDLE_MS);
    return r;
}

int drive_again(struct drive *d, bool *ret, struct err *e)
{
    struct err bad = ERR_INIT;
    bool again = false;
    int r;

    if (e->code == ERR_STORAGE_FULL && no_room(d->svc)) {
        *ret = true;
        return wait_for_room(d, e);
    }
    r = runs_retry(d->svc, &d->lease, e, &again, &bad);
    if (r < 0) {
        *e = bad;
        return r;
    }
    if (again)
        log_err(d->svc->log, LOG_LV_WARN, "worker", &d->cx, "the run is tried again in a while", e);
    *ret = again;
    return 0;
}

/* From phase to phase while no door stands between them. A run that cannot go on still ends: with the error as its
 * reason. */
static int drive(struct drive *d, struct err *e)
{
    enum run_node node = RN_NONE;
    int r = drive_phase(d, &node, e);

    while (r == 0 && node != d->row.node && (node == RN_RUNNING || node == RN_APPLYING)) {
        if (hub_stopping(d->svc->hub))
            return err_set(e, ERR_INTERRUPTED, "the server stops");
        d->row.node = node;
        r = drive_phase(d, &node, e);
    }

    if (r == -ERR_LEASE || r == -ERR_INTERRUPTED)
        return r;
    if (r == -ERR_BUSY) /* another apply on the same project */
        return runs_later(d->svc, &d->lease, 200, e, e);
    /* What an apply wrote is rolled back, which shows in the project's times: it would look changed by somebody. */
    if (r < 0 && drive_own_failure(r) && d->row.node != RN_APPLYING) {
        bool again;

        r = drive_again(d, &again, e);
        if (r < 0 || again)
            return r;
        r = -e->code;
    }
    if (r < 0) {
        log_err(d->svc->log, LOG_LV_WARN, "worker", &d->cx, "the run cannot go on", e);
        r = runs_fail(d->svc, &d->lease, "failed", e->code, e->msg, e);
        node = RN_FINISHING;
    }
    if (r == 0 && node == RN_FINISHING)
        r = drive_finish(d, e);
    return r;
}

/* Not even failing it worked, or it cannot be finished (full disk, store error): it stays in its phase and is tried
 * until that works, for an accepted run has to end. */
static void put_back(struct drive *d, struct err *e)
{
    struct svc *svc = d->svc;
    bool again = false;
    int r;

    log_err(svc->log, LOG_LV_ERROR, "worker", &d->cx, "the run is put back", e);
    r = drive_again(d, &again, e);
    if (r == 0 && !again)
        r = runs_later(svc, &d->lease, svc->set.retry_max_ms ? svc->set.retry_max_ms : RETRY_MS, e, e);
    if (r < 0 && r != -ERR_LEASE)
        log_err(svc->log, LOG_LV_ERROR, "worker", &d->cx, "it could not be put back, its lease will end", e);
}

static void drive_claimed(struct worker *w, struct lease *lease, struct run_row *row)
{
    struct svc *svc = w->pool->svc;
    struct drive d = {.svc = svc, .lease = *lease, .row = *row, .wake_fd = -1};
    struct hub_sub *sub = NULL;
    struct err e = ERR_INIT;
    char trace[40], run[40];
    int r = 0;

    snprintf(trace, sizeof trace, "%s", row->trace_id ? row->trace_id : "");
    snprintf(run, sizeof run, "%s", row->id.s);
    d.cx = (struct log_ctx){.trace_id = trace, .run_id = run};
    d.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (d.wake_fd < 0)
        r = err_sys(&e, ERR_INTERNAL, "make an eventfd");
    if (r == 0)
        r = hub_join(svc->hub, &lease->run_id, drive_wake, &d.wake_fd, &sub, &e);
    if (r == 0)
        r = drive(&d, &e);
    hub_leave(svc->hub, sub);
    fd_close(&d.wake_fd);
    if (d.sb) /* it waits, stops, or another has it: the shim lives on; finishing destroyed it otherwise */
        sandbox_detach(d.sb);
    run_row_fini(&d.row);
    if (r == 0 || r == -ERR_INTERRUPTED)
        return;
    if (r == -ERR_LEASE) {
        log_line(svc->log, LOG_LV_WARN, "worker", &d.cx, "lost the lease of the run");
        return;
    }
    put_back(&d, &e);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct svc *svc = w->pool->svc;
    uint64_t seen = 0;

    while (!hub_stopping(svc->hub)) {
        struct run_row row = {0};
        struct lease lease;
        struct err e = ERR_INIT;
        int r = runs_claim(svc, w->name, &lease, &row, &e);

        if (r == 0) {
            CRASH_POINT(run_claimed);
            lease.goes_on = w->name;
            hold(w, &lease);
            drive_claimed(w, &lease, &row);
            hold(w, NULL);
            continue;
        }
        if (r != -ERR_EMPTY)
            log_err(svc->log, LOG_LV_ERROR, "worker", NULL, "claim a run", &e);
        hub_wait_work(svc->hub, &seen, r == -ERR_EMPTY ? IDLE_MS : RETRY_MS);
    }
    return NULL;
}

static void pool_init(struct workers *p)
{
    pthread_condattr_t at;

    pthread_mutex_init(&p->mu, NULL);
    pthread_condattr_init(&at);
    pthread_condattr_setclock(&at, CLOCK_MONOTONIC);
    pthread_cond_init(&p->ends, &at);
    pthread_condattr_destroy(&at);
}

/* n: how many workers there are to be; p->n counts those that run, and is not read by the keeper before all do. */
static int start_threads(struct workers *p, int n)
{
    pthread_attr_t at;
    int r = 0;

    pthread_attr_init(&at);
    pthread_attr_setstacksize(&at, STACK);
    for (; r == 0 && p->n < n; p->n += r == 0) {
        struct worker *w = &p->v[p->n];

        w->pool = p;
        snprintf(w->name, sizeof w->name, "worker-%d", p->n);
        r = pthread_create(&w->thread, &at, worker_main, w);
    }
    if (r == 0)
        r = pthread_create(&p->keeper, &at, keeper_main, p);
    p->keeps = r == 0;
    pthread_attr_destroy(&at);
    return r;
}

int workers_start(struct svc *svc, int n, struct workers **ret, struct err *e)
{
    struct workers *p = calloc(1, sizeof *p + (size_t)n * sizeof p->v[0]);

    if (!p)
        return err_oom(e);
    p->svc = svc;
    pool_init(p);
    errno = start_threads(p, n);
    if (errno) {
        int r = err_sys(e, ERR_INTERNAL, "start a worker thread");

        workers_stop(p);
        return r;
    }
    *ret = p;
    return 0;
}

int workers_busy(struct workers *p)
{
    int n = 0;

    pthread_mutex_lock(&p->mu);
    for (int i = 0; i < p->n; i++)
        n += p->v[i].holds;
    pthread_mutex_unlock(&p->mu);
    return n;
}

void workers_stop(struct workers *p)
{
    if (!p)
        return;
    hub_stop(p->svc->hub);
    for (int i = 0; i < p->n; i++)
        pthread_join(p->v[i].thread, NULL);
    pthread_mutex_lock(&p->mu);
    p->stop = true;
    pthread_cond_signal(&p->ends);
    pthread_mutex_unlock(&p->mu);
    if (p->keeps)
        pthread_join(p->keeper, NULL);
    pthread_cond_destroy(&p->ends);
    pthread_mutex_destroy(&p->mu);
    free(p);
}
