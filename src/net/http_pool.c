/* http_pool - see http_pool.h. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include "net/http_pool.h"
#include "net/mem.h"

/* Handlers are straight-line code with bounded buffers: 256 KiB is plenty, and untouched pages cost nothing. */
enum { STACK = 256 * 1024 };

struct queue {
    struct http_job *head, **tail;
};

struct http_pool {
    pthread_mutex_t lock; /* guards everything below but the last four */
    pthread_cond_t more;
    struct queue todo[HTTP_POOL_NQUEUE];
    struct queue done;
    unsigned turn; /* the queue to look at first */
    bool end;
    void (*returned)(void *arg);
    void *arg;
    unsigned nthreads;
    pthread_t threads[];
};

static void queue_init(struct queue *q)
{
    q->head = NULL;
    q->tail = &q->head;
}

static void queue_add(struct queue *q, struct http_job *j)
{
    j->next = NULL;
    *q->tail = j;
    q->tail = &j->next;
}

static struct http_job *queue_take(struct queue *q)
{
    struct http_job *j = q->head;
    if (j) {
        q->head = j->next;
        if (!q->head)
            q->tail = &q->head;
    }
    return j;
}

/* The next job, waiting for one; NULL at the end. Lock held. */
static struct http_job *next_job(struct http_pool *p)
{
    for (;;) {
        for (unsigned i = 0; i < HTTP_POOL_NQUEUE; i++) {
            unsigned k = (p->turn + i) % HTTP_POOL_NQUEUE;
            struct http_job *j = queue_take(&p->todo[k]);
            if (j) {
                p->turn = k + 1;
                return j;
            }
        }
        if (p->end)
            return NULL;
        pthread_cond_wait(&p->more, &p->lock);
    }
}

static void *pool_main(void *arg)
{
    struct http_pool *p = arg;
    struct http_job *j;
    pthread_mutex_lock(&p->lock);
    while ((j = next_job(p)) != NULL) {
        pthread_mutex_unlock(&p->lock);
        j->run(j);
        pthread_mutex_lock(&p->lock);
        bool first = p->done.head == NULL;
        queue_add(&p->done, j);
        if (first)
            p->returned(p->arg);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static int start_threads(struct http_pool *p, unsigned n)
{
    pthread_attr_t attr;
    sigset_t all, old;
    int r = pthread_attr_init(&attr);
    if (r != 0)
        return r;
    pthread_attr_setstacksize(&attr, STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are main's business */
    for (; r == 0 && p->nthreads < n; p->nthreads += r == 0)
        r = pthread_create(&p->threads[p->nthreads], &attr, pool_main, p);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return r;
}

int http_pool_new(unsigned n, void (*returned)(void *arg), void *arg, struct http_pool **ret, struct err *e)
{
    struct http_pool *p = mem_new(1, sizeof *p + n * sizeof p->threads[0]);
    if (!p)
        return err_oom(e);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->more, NULL);
    for (unsigned i = 0; i < HTTP_POOL_NQUEUE; i++)
        queue_init(&p->todo[i]);
    queue_init(&p->done);
    p->returned = returned;
    p->arg = arg;
    if (start_threads(p, n) != 0) {
        http_pool_free(p);
        return err_set(e, ERR_UNAVAILABLE, "cannot start %u handler threads", n);
    }
    *ret = p;
    return 0;
}

void http_pool_push(struct http_pool *p, enum http_pool_queue q, struct http_job *j)
{
    pthread_mutex_lock(&p->lock);
    queue_add(&p->todo[q], j);
    pthread_cond_signal(&p->more);
    pthread_mutex_unlock(&p->lock);
}

struct http_job *http_pool_take_done(struct http_pool *p)
{
    pthread_mutex_lock(&p->lock);
    struct http_job *j = p->done.head;
    queue_init(&p->done);
    pthread_mutex_unlock(&p->lock);
    return j;
}

void http_pool_free(struct http_pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->end = true;
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->nthreads; i++)
        pthread_join(p->threads[i], NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->more);
    free(p);
}
