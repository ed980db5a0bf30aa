#include "service/keeper.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/clock.h"
#include "service/hub.h"

#define TICK_US     SEC_US
#define EARLY_US    (10 * SEC_US) /* a tight disk is not cleaned more often than this */
#define REST_MAX_US (100 * MS_US)
#define MEASURE_PER 20 /* of the time, one part of so many may go into measuring */
#define STACK       (512 * KIB)

struct keeper {
    struct svc *svc;
    pthread_t thread;
    pthread_mutex_t pass; /* one pass at a time */
    atomic_int wanted;    /* who waits for it: compressing, which may take hours, lets go */
    pthread_rwlock_t blobs;
    pthread_mutex_t mu; /* of all below */
    pthread_cond_t wake;
    bool stop, kicked, hurry; /* hurry: the disk is tight, so no rests */
    struct disk_usage use;
    struct retention_done total;
    int64_t measured, passed; /* monotonic: when */
    enum disk_level level;
    int64_t watched; /* monotonic: when; this and level: of the thread alone */
    atomic_bool full;
};

/* ---- what others ask ---------------------------------------------------- */

void keeper_usage(const struct keeper *k, struct disk_usage *ret)
{
    struct keeper *m = (struct keeper *)(uintptr_t)k;

    *ret = (struct disk_usage){0};
    if (!m)
        return;
    pthread_mutex_lock(&m->mu);
    *ret = m->use;
    pthread_mutex_unlock(&m->mu);
}

void keeper_totals(const struct keeper *k, struct retention_done *ret)
{
    struct keeper *m = (struct keeper *)(uintptr_t)k;

    *ret = (struct retention_done){0};
    if (!m)
        return;
    pthread_mutex_lock(&m->mu);
    *ret = m->total;
    pthread_mutex_unlock(&m->mu);
}

bool keeper_full(const struct keeper *k)
{
    return k && atomic_load(&k->full);
}

void keeper_kick(struct keeper *k)
{
    if (!k)
        return;
    pthread_mutex_lock(&k->mu);
    k->kicked = true;
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->mu);
}

void keeper_blobs_hold(struct keeper *k)
{
    if (k)
        pthread_rwlock_rdlock(&k->blobs);
}

void keeper_blobs_alone(struct keeper *k)
{
    if (k)
        pthread_rwlock_wrlock(&k->blobs);
}

void keeper_blobs_release(struct keeper *k)
{
    if (k)
        pthread_rwlock_unlock(&k->blobs);
}

static void add(struct keeper *k, const struct retention_done *d)
{
    pthread_mutex_lock(&k->mu);
    k->total.packed += d->packed;
    k->total.packed_in += d->packed_in;
    k->total.packed_out += d->packed_out;
    k->total.logs_removed += d->logs_removed;
    k->total.runs_removed += d->runs_removed;
    k->total.bytes += d->bytes;
    k->total.failed += d->failed;
    pthread_mutex_unlock(&k->mu);
}

/* ---- measuring ---------------------------------------------------------- */

static int measure(struct keeper *k, struct err *e)
{
    struct disk_usage u;
    int r = disk_measure(k->svc->data_fd, &u, e);

    if (r < 0)
        return r;
    pthread_mutex_lock(&k->mu);
    k->use = u;
    k->measured = clock_mono_us();
    pthread_mutex_unlock(&k->mu);
    return 0;
}

static bool measured(struct keeper *k)
{
    pthread_mutex_lock(&k->mu);
    bool yes = k->measured != 0;
    pthread_mutex_unlock(&k->mu);
    return yes;
}

/* A large data directory is measured less often. */
static bool measure_due(struct keeper *k)
{
    pthread_mutex_lock(&k->mu);
    bool due = k->measured == 0 || clock_mono_us() - k->measured > MEASURE_PER * k->use.took_us;
    pthread_mutex_unlock(&k->mu);
    return due;
}

static int64_t kept_bytes(const struct disk_usage *u)
{
    return u->bytes[DISK_LOGS] + u->bytes[DISK_ARTIFACTS] + u->bytes[DISK_RUNS];
}

int keeper_clean(struct svc *svc, bool dry, struct jw *actions, struct retention_done *ret, struct err *e)
{
    struct keeper *k = svc->keeper;
    struct disk_usage u;
    int r;

    if (!k)
        return err_set(e, ERR_UNAVAILABLE, "retention is not running");
    atomic_fetch_add(&k->wanted, 1);
    pthread_mutex_lock(&k->pass);
    atomic_fetch_sub(&k->wanted, 1);
    r = measure(k, e);
    keeper_usage(k, &u);
    if (r == 0)
        r = retention_clean(svc, dry, kept_bytes(&u), actions, ret, e);
    if (r == 0 && !dry && ret->bytes)
        r = measure(k, e);
    pthread_mutex_unlock(&k->pass);
    if (!dry)
        add(k, ret);
    return r;
}

/* ---- the thread --------------------------------------------------------- */

static bool stopping(struct keeper *k)
{
    pthread_mutex_lock(&k->mu);
    bool stop = k->stop;
    pthread_mutex_unlock(&k->mu);
    return stop;
}

/* The disk's state, once per change. */
static void watch(struct keeper *k, enum disk_level *ret)
{
    struct disk_room room;

    if (disk_reserve_spend(k->svc->data_fd))
        log_line(k->svc->log, LOG_LV_WARN, "retention", NULL, "the disk is full: the reserve is spent");
    disk_room(k->svc, &room);
    if (room.level == DISK_OK)
        disk_reserve_take(k->svc);
    if (room.level != k->level && (room.level == DISK_REFUSE || k->level == DISK_REFUSE))
        log_line(k->svc->log, LOG_LV_WARN, "retention", NULL,
                 room.level == DISK_REFUSE ? "new runs are refused: %s" : "new runs are accepted again%.0s", room.why);
    k->level = room.level;
    k->watched = clock_mono_us();
    atomic_store(&k->full, room.level == DISK_REFUSE);
    *ret = room.level;
}

/* Between two pieces of a log: as long as the piece took; four times as long while somebody follows a run. The disk is
 * watched on: a pass that began when there was room makes way for one in a hurry. */
static int rest(void *arg, int64_t took_us)
{
    struct keeper *k = arg;
    enum disk_level level = k->level;
    int64_t us = hub_count(k->svc->hub) > 0 ? 4 * took_us : took_us;

    pthread_mutex_lock(&k->mu);
    bool stop = k->stop, hurry = k->hurry;
    pthread_mutex_unlock(&k->mu);
    if (clock_mono_us() - k->watched >= TICK_US)
        watch(k, &level);
    if (stop || atomic_load(&k->wanted) || (level != DISK_OK && !hurry))
        return -ERR_INTERRUPTED;
    if (!hurry && us > 0)
        clock_sleep_us(us < REST_MAX_US ? us : REST_MAX_US);
    return 0;
}

static void tell(struct keeper *k, const struct retention_done *d)
{
    if (d->logs_removed || d->runs_removed)
        log_line(k->svc->log, LOG_LV_INFO, "retention", NULL,
                 "removed the logs of %lld runs and all of %lld: %lld KiB are free again", (long long)d->logs_removed,
                 (long long)d->runs_removed, (long long)(d->bytes / 1024));
}

static int pass(struct keeper *k, bool hurry, struct err *e)
{
    const struct svc_settings *set = &k->svc->set;
    struct retention_done d = {0};
    struct disk_usage u;
    int r = 0;

    pthread_mutex_lock(&k->mu);
    k->hurry = hurry;
    pthread_mutex_unlock(&k->mu);
    if (set->compress)
        r = retention_pack(k->svc, clock_now_us() - (hurry ? 0 : set->compress_after_ms * MS_US), rest, k, &d, e);
    if (r < 0 && r != -ERR_INTERRUPTED) { /* a full disk has no room for it: what the rules remove makes some */
        log_err(k->svc->log, LOG_LV_WARN, "retention", NULL, "compressing logs ended early; the next pass goes on", e);
        r = 0;
    }
    if (r == 0 && (hurry || measure_due(k)))
        r = measure(k, e);
    keeper_usage(k, &u);
    if (r == 0)
        r = retention_clean(k->svc, false, kept_bytes(&u), NULL, &d, e);
    if (r == 0 && (d.bytes || d.packed) && (hurry || set->disk_budget_bytes || set->retention.max_bytes))
        r = measure(k, e);
    add(k, &d);
    tell(k, &d);
    return r;
}

/* Waits for a tick or a kick; false when it is time to end. */
static bool nap(struct keeper *k, bool *ret_kicked)
{
    int64_t every = k->svc->set.retention_every_ms * MS_US,
            until = clock_mono_us() + (every < TICK_US ? every : TICK_US);
    struct timespec t = {.tv_sec = until / SEC_US, .tv_nsec = until % SEC_US * 1000};

    pthread_mutex_lock(&k->mu);
    while (!k->stop && !k->kicked)
        if (pthread_cond_timedwait(&k->wake, &k->mu, &t) == ETIMEDOUT)
            break;
    *ret_kicked = k->kicked;
    k->kicked = false;
    bool go = !k->stop;
    pthread_mutex_unlock(&k->mu);
    return go;
}

static void one_turn(struct keeper *k, bool kicked)
{
    enum disk_level level;
    struct err e = ERR_INIT;
    int64_t now = clock_mono_us(), every = k->svc->set.retention_every_ms * MS_US;
    bool early;
    int r;

    watch(k, &level);
    early = (kicked || level != DISK_OK) && now - k->passed >= (EARLY_US < every ? EARLY_US : every);
    if (!early && now - k->passed < every && measured(k))
        return;
    pthread_mutex_lock(&k->pass);
    if (!measured(k) && !early) { /* the start: figures at once, but time to look at a dry run before anything goes */
        if (measure(k, &e) < 0)
            log_err(k->svc->log, LOG_LV_WARN, "retention", NULL, "measure the data directory", &e);
        pthread_mutex_unlock(&k->pass);
        return;
    }
    r = pass(k, level != DISK_OK, &e);
    if (r < 0 && r != -ERR_INTERRUPTED)
        log_err(k->svc->log, LOG_LV_WARN, "retention", NULL, "a pass ended early; the next one goes on", &e);
    pthread_mutex_unlock(&k->pass);
    if (r == -ERR_INTERRUPTED) /* somebody's turn, or a tight disk: this one goes on at the next tick */
        return;
    k->passed = clock_mono_us();
    watch(k, &level);
}

static void *keeper_main(void *arg)
{
    struct keeper *k = arg;
    bool kicked = false;

    /* Both are of this thread alone on Linux: setpriority(2), "C library/kernel differences"; ioprio_set(2), class 3:
     * idle. A refusal costs nothing but politeness. */
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19);
    (void)syscall(SYS_ioprio_set, 1, 0, 3 << 13);
    k->passed = clock_mono_us();
    while (nap(k, &kicked) && !stopping(k))
        one_turn(k, kicked);
    return NULL;
}

static void locks_init(struct keeper *k)
{
    pthread_condattr_t at;

    pthread_mutex_init(&k->pass, NULL);
    pthread_mutex_init(&k->mu, NULL);
    pthread_rwlock_init(&k->blobs, NULL);
    pthread_condattr_init(&at);
    pthread_condattr_setclock(&at, CLOCK_MONOTONIC);
    pthread_cond_init(&k->wake, &at);
    pthread_condattr_destroy(&at);
}

static void keeper_free(struct keeper *k)
{
    pthread_cond_destroy(&k->wake);
    pthread_rwlock_destroy(&k->blobs);
    pthread_mutex_destroy(&k->mu);
    pthread_mutex_destroy(&k->pass);
    free(k);
}

int keeper_start(struct svc *svc, struct err *e)
{
    struct keeper *k = calloc(1, sizeof *k);
    pthread_attr_t at;
    int r;

    if (!k)
        return err_oom(e);
    k->svc = svc;
    locks_init(k);
    r = svc->set.disk_budget_bytes ? measure(k, e) : 0; /* so that the first request is judged too */
    if (r == 0) {
        pthread_attr_init(&at);
        pthread_attr_setstacksize(&at, STACK);
        svc->keeper = k;
        errno = pthread_create(&k->thread, &at, keeper_main, k);
        pthread_attr_destroy(&at);
        r = errno ? err_sys(e, ERR_INTERNAL, "start the thread of retention") : 0;
    }
    if (r < 0) {
        svc->keeper = NULL;
        keeper_free(k);
    }
    return r;
}

void keeper_stop(struct svc *svc)
{
    struct keeper *k = svc->keeper;

    if (!k)
        return;
    pthread_mutex_lock(&k->mu);
    k->stop = true;
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->mu);
    pthread_join(k->thread, NULL);
    svc->keeper = NULL;
    keeper_free(k);
}

/* ---- shown -------------------------------------------------------------- */

static void rules_json(struct jw *w, const struct svc_settings *s)
{
    jw_key(w, "rules");
    jw_obj(w);
    jw_kint(w, "runs_ms", s->retention.runs_ms);
    jw_kint(w, "failed_runs_ms", s->retention.failed_runs_ms);
    jw_kint(w, "logs_ms", s->retention.logs_ms);
    jw_kint(w, "max_bytes", s->retention.max_bytes);
    jw_kbool(w, "compress", s->compress);
    jw_kint(w, "compress_after_ms", s->compress_after_ms);
    jw_end_obj(w);
}

static void disk_json(struct jw *w, const struct svc *svc)
{
    static const char *const words[] = {"ok", "tight", "full"};
    struct disk_room room;
    struct disk_usage use;

    disk_room(svc, &room);
    keeper_usage(svc->keeper, &use);
    jw_key(w, "disk");
    jw_obj(w);
    jw_kstr(w, "state", words[room.level]);
    jw_kstr(w, "reason", room.level == DISK_OK ? NULL : room.why);
    jw_kint(w, "free_bytes", room.free_bytes);
    jw_kint(w, "total_bytes", room.total_bytes);
    jw_kint(w, "min_free_bytes", svc->set.min_free_bytes);
    jw_kint(w, "used_bytes", use.total);
    jw_kint(w, "budget_bytes", svc->set.disk_budget_bytes);
    jw_key(w, "used");
    jw_obj(w);
    for (int i = 0; i < DISK_NKINDS; i++)
        jw_kint(w, disk_kind_name(i), use.bytes[i]);
    jw_end_obj(w);
    jw_ktime(w, "measured_at", use.measured_us);
    jw_end_obj(w);
}

int keeper_json(struct svc *svc, struct jw *w, struct err *e)
{
    struct retention_done d;

    keeper_totals(svc->keeper, &d);
    jw_obj(w);
    rules_json(w, &svc->set);
    disk_json(w, svc);
    jw_key(w, "done");
    jw_obj(w);
    jw_kint(w, "logs_compressed", d.packed);
    jw_kint(w, "compressed_in_bytes", d.packed_in);
    jw_kint(w, "compressed_out_bytes", d.packed_out);
    jw_kint(w, "logs_removed", d.logs_removed);
    jw_kint(w, "runs_removed", d.runs_removed);
    jw_kint(w, "removed_bytes", d.bytes);
    jw_kint(w, "failed", d.failed);
    jw_end_obj(w);
    jw_end_obj(w);
    return 0;
}
