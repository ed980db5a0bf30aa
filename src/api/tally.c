/* tally.c - how many connections of one kind each token has open: see call.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include "api/call.h"

#define BUCKETS 64

struct entry {
    struct entry *next;
    unsigned n;
    char token_id[40];
};

struct tally {
    pthread_mutex_t mu;
    unsigned max;
    const char *what;
    struct entry *bucket[BUCKETS];
};

int tally_new(unsigned max, const char *what, struct tally **ret, struct err *e)
{
    struct tally *t = calloc(1, sizeof *t);

    if (!t)
        return err_oom(e);
    t->max = max;
    t->what = what;
    pthread_mutex_init(&t->mu, NULL);
    *ret = t;
    return 0;
}

void tally_free(struct tally *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (t->bucket[i]) {
            struct entry *x = t->bucket[i];

            t->bucket[i] = x->next;
            free(x);
        }
    pthread_mutex_destroy(&t->mu);
    free(t);
}

/* Where the token's entry is, or would be. */
static struct entry **place(struct tally *t, const char *token_id)
{
    uint32_t x = 2166136261u; /* FNV-1a */
    struct entry **p;

    for (const char *s = token_id; *s; s++)
        x = (x ^ (unsigned char)*s) * 16777619u;
    for (p = &t->bucket[x % BUCKETS]; *p && strcmp((*p)->token_id, token_id) != 0; p = &(*p)->next) {
    }
    return p;
}

int tally_enter(struct tally *t, const char *token_id, struct err *e)
{
    struct entry **p;
    int r = 0;

    pthread_mutex_lock(&t->mu);
    p = place(t, token_id);
    if (!*p && (*p = calloc(1, sizeof **p)))
        snprintf((*p)->token_id, sizeof(*p)->token_id, "%s", token_id);
    if (!*p)
        r = err_oom(e);
    else if (t->max && (*p)->n >= t->max)
        r = err_set(e, ERR_CONNECTIONS, "this token has %u %s open, which is all it may: close some", t->max, t->what);
    else
        (*p)->n++;
    pthread_mutex_unlock(&t->mu);
    return r;
}

void tally_leave(struct tally *t, const char *token_id)
{
    pthread_mutex_lock(&t->mu);
    struct entry **p = place(t, token_id), *x = *p;

    if (x && --x->n == 0) {
        *p = x->next;
        free(x);
    }
    pthread_mutex_unlock(&t->mu);
}
