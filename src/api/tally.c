/* tally.c - see tally.h. */
#include "api/tally.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/str.h"

#define BUCKETS 64

struct tally_token {
    struct tally_token *next;
    unsigned n; /* guarded by mu of the tally */
    struct look look;
    char token_id[40];
};

struct tally {
    pthread_mutex_t mu;
    unsigned max;
    const char *what;
    struct tally_token *bucket[BUCKETS];
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
            struct tally_token *x = t->bucket[i];

            t->bucket[i] = x->next;
            free(x);
        }
    pthread_mutex_destroy(&t->mu);
    free(t);
}

/* Where the token's entry is, or would be. */
static struct tally_token **place(struct tally *t, const char *token_id)
{
    uint32_t x = 2166136261u; /* FNV-1a */
    struct tally_token **p;

    for (const char *s = token_id; *s; s++)
        x = (x ^ (unsigned char)*s) * 16777619u;
    for (p = &t->bucket[x % BUCKETS]; *p && strcmp((*p)->token_id, token_id) != 0; p = &(*p)->next) {
    }
    return p;
}

static struct tally_token *new_token(const char *token_id)
{
    struct tally_token *x = calloc(1, sizeof *x);

    if (!x)
        return NULL;
    snprintf(x->token_id, sizeof x->token_id, "%s", token_id);
    look_init(&x->look, !str_starts(token_id, ID_TOKEN "_"));
    return x;
}

int tally_enter(struct tally *t, const char *token_id, struct tally_token **ret, struct err *e)
{
    struct tally_token **p;
    int r = 0;

    pthread_mutex_lock(&t->mu);
    p = place(t, token_id);
    if (!*p)
        *p = new_token(token_id);
    if (!*p)
        r = err_oom(e);
    else if (t->max && (*p)->n >= t->max)
        r = err_set(e, ERR_CONNECTIONS, "this token has %u %s open, which is all it may: close some", t->max, t->what);
    if (r == 0) {
        (*p)->n++;
        *ret = *p;
    }
    pthread_mutex_unlock(&t->mu);
    return r;
}

void tally_leave(struct tally *t, struct tally_token *x)
{
    pthread_mutex_lock(&t->mu);
    if (--x->n == 0) {
        *place(t, x->token_id) = x->next;
        free(x);
    }
    pthread_mutex_unlock(&t->mu);
}

struct look *tally_look(struct tally_token *x)
{
    return &x->look;
}
