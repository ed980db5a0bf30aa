/* flights.c - idempotency keys whose first request is still being worked on: a duplicate waits here for its answer. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/call.h"

#define FLIGHTS_MAX  64 /* no more than there are handler threads */
#define WAIT_S       20
#define NAME_MAX_LEN 512

struct flights {
    pthread_mutex_t mu;
    pthread_cond_t left;
    char *name[FLIGHTS_MAX]; /* tenant, token, route and key of each */
};

int flights_new(struct flights **ret, struct err *e)
{
    struct flights *f = calloc(1, sizeof *f);
    pthread_condattr_t attr;

    if (!f)
        return err_oom(e);
    pthread_mutex_init(&f->mu, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* the other one may jump */
    pthread_cond_init(&f->left, &attr);
    pthread_condattr_destroy(&attr);
    *ret = f;
    return 0;
}

void flights_free(struct flights *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < FLIGHTS_MAX; i++)
        free(f->name[i]);
    pthread_cond_destroy(&f->left);
    pthread_mutex_destroy(&f->mu);
    free(f);
}

static void name_of(const struct caller *c, char ret[NAME_MAX_LEN])
{
    snprintf(ret, NAME_MAX_LEN, "%s\n%s\n%s\n%s", c->tenant, c->token_id, c->idem_route, c->idem_key);
}

static int find(const struct flights *f, const char *name, int *ret_free)
{
    int at = -1;

    *ret_free = -1;
    for (int i = 0; i < FLIGHTS_MAX; i++) {
        if (!f->name[i])
            *ret_free = i;
        else if (strcmp(f->name[i], name) == 0)
            at = i;
    }
    return at;
}

int flight_enter(struct flights *f, const struct caller *c, struct err *e)
{
    char name[NAME_MAX_LEN];
    struct timespec t;
    int slot = -1, r = 0;

    name_of(c, name);
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += WAIT_S;
    pthread_mutex_lock(&f->mu);
    while (r == 0 && (find(f, name, &slot) >= 0 || slot < 0))
        if (pthread_cond_timedwait(&f->left, &f->mu, &t) == ETIMEDOUT)
            r = err_set(e, ERR_BUSY, "the first request with this Idempotency-Key is still being worked on");
    if (r == 0 && !(f->name[slot] = strdup(name)))
        r = err_oom(e);
    pthread_mutex_unlock(&f->mu);
    return r;
}

void flight_leave(struct flights *f, const struct caller *c)
{
    char name[NAME_MAX_LEN];
    int slot, at;

    name_of(c, name);
    pthread_mutex_lock(&f->mu);
    at = find(f, name, &slot);
    if (at >= 0) {
        free(f->name[at]);
        f->name[at] = NULL;
    }
    pthread_cond_broadcast(&f->left);
    pthread_mutex_unlock(&f->mu);
}
