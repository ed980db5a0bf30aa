#include "service/hub.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUCKETS 256 /* a power of two */

struct hub_sub {
    struct hub_sub *next, **link;
    struct id run;
    void (*wake)(void *);
    void *arg;
};

struct hub {
    pthread_mutex_t mu;
    pthread_cond_t work;
    uint64_t work_seq;
    bool stopping, draining;
    size_t n, max;
    struct hub_sub *bucket[BUCKETS];
};

static struct hub_sub **bucket_of(struct hub *h, const struct id *run)
{
    uint32_t x = 2166136261u; /* FNV-1a */

    for (const char *s = run->s; *s; s++)
        x = (x ^ (unsigned char)*s) * 16777619u;
    return &h->bucket[x & (BUCKETS - 1)];
}

int hub_new(size_t max_subs, struct hub **ret, struct err *e)
{
    struct hub *h = calloc(1, sizeof *h);
    pthread_condattr_t at;

    if (!h)
        return err_oom(e);
    pthread_mutex_init(&h->mu, NULL);
    pthread_condattr_init(&at);
    pthread_condattr_setclock(&at, CLOCK_MONOTONIC);
    pthread_cond_init(&h->work, &at);
    pthread_condattr_destroy(&at);
    h->max = max_subs;
    *ret = h;
    return 0;
}

void hub_free(struct hub *h)
{
    if (!h)
        return;
    assert(h->n == 0);
    pthread_cond_destroy(&h->work);
    pthread_mutex_destroy(&h->mu);
    free(h);
}

int hub_join(struct hub *h, const struct id *run, void (*wake)(void *), void *arg, struct hub_sub **ret, struct err *e)
{
    struct hub_sub *s = calloc(1, sizeof *s), **b;
    bool full;

    if (!s)
        return err_oom(e);
    *s = (struct hub_sub){.run = *run, .wake = wake, .arg = arg};
    pthread_mutex_lock(&h->mu);
    full = h->n >= h->max;
    if (!full) {
        b = bucket_of(h, run);
        s->next = *b;
        s->link = b;
        if (s->next)
            s->next->link = &s->next;
        *b = s;
        h->n++;
    }
    pthread_mutex_unlock(&h->mu);
    if (full) {
        free(s);
        return err_set(e, ERR_UNAVAILABLE, "too many streams are open: close some");
    }
    *ret = s;
    return 0;
}

void hub_leave(struct hub *h, struct hub_sub *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&h->mu);
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    h->n--;
    pthread_mutex_unlock(&h->mu);
    free(s);
}

void hub_wake(struct hub *h, const struct id *run)
{
    pthread_mutex_lock(&h->mu);
    for (struct hub_sub *s = *bucket_of(h, run); s; s = s->next)
        if (id_eq(&s->run, run))
            s->wake(s->arg);
    pthread_mutex_unlock(&h->mu);
}

size_t hub_count(struct hub *h)
{
    size_t n;

    pthread_mutex_lock(&h->mu);
    n = h->n;
    pthread_mutex_unlock(&h->mu);
    return n;
}

void hub_work(struct hub *h)
{
    pthread_mutex_lock(&h->mu);
    h->work_seq++;
    pthread_cond_broadcast(&h->work);
    pthread_mutex_unlock(&h->mu);
}

void hub_wait_work(struct hub *h, uint64_t *seen, int timeout_ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += timeout_ms / 1000;
    t.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_nsec -= 1000000000L;
        t.tv_sec++;
    }
    pthread_mutex_lock(&h->mu);
    while (h->work_seq == *seen && !h->stopping)
        if (pthread_cond_timedwait(&h->work, &h->mu, &t) == ETIMEDOUT)
            break;
    *seen = h->work_seq;
    pthread_mutex_unlock(&h->mu);
}

void hub_stop(struct hub *h)
{
    pthread_mutex_lock(&h->mu);
    h->stopping = true;
    pthread_cond_broadcast(&h->work);
    pthread_mutex_unlock(&h->mu);
}

void hub_drain(struct hub *h)
{
    pthread_mutex_lock(&h->mu);
    h->draining = true;
    pthread_mutex_unlock(&h->mu);
}

bool hub_draining(struct hub *h)
{
    bool b;

    pthread_mutex_lock(&h->mu);
    b = h->draining || h->stopping;
    pthread_mutex_unlock(&h->mu);
    return b;
}

bool hub_stopping(struct hub *h)
{
    bool b;

    pthread_mutex_lock(&h->mu);
    b = h->stopping;
    pthread_mutex_unlock(&h->mu);
    return b;
}
