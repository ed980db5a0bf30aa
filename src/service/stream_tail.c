/* stream_tail - see stream_tail.h.
 *
 * May include: store core base os service/.   Threads: any; pump_* on the one thread of struct tails. */
#include "service/stream_tail.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "service/hub.h"

#define BUCKETS    256 /* a power of two */
#define TURN_BYTES (128 * KIB)
#define TURN_ITEMS 512
#define TAIL_MAX   (2 * MIB)  /* items kept for one run */
#define ALL_MAX    (64 * MIB) /* for all; over it, a tail keeps what one turn brought */
#define STACK      (256 * KIB)

struct tail_node {
    struct tail_node *next;
    unsigned here;  /* subscribers who stand on it */
    unsigned loans; /* of its item, and the thread's while it reads on from here */
    bool gone, final;
    struct stream_place place;
    char *item; /* type, NUL, envelope; NULL once nobody needs it */
    size_t json_at, json_len;
    char cursor[];
};

struct tail {
    struct tails *all;
    struct id run;
    struct hub_sub *hub;
    /* under tails.mu */
    struct tail *hash_next, *queue_next;
    unsigned refs;
    bool queued, dead;
    /* under mu */
    pthread_mutex_t mu;
    struct tail_sub *subs;
    struct tail_node *first, *last; /* NULL: nobody stands anywhere yet */
    size_t bytes;                   /* of items */
    unsigned on, ahead;             /* subscribers on linked nodes; ahead of `last` */
    bool more;                      /* the thread stopped before it found the end */
    uint32_t ends;                  /* how often it has found it */
    bool pumping;
    /* the thread's */
    struct stream_reader *rd;
};

struct tails {
    struct svc *svc;
    pthread_t thread;
    pthread_mutex_t join; /* finding or making a tail is one act, with the hub_join in it */
    pthread_mutex_t mu;   /* guards what follows */
    pthread_cond_t work;
    bool stop;
    struct tail *bucket[BUCKETS];
    struct tail *queue, **queue_end;
    _Atomic int64_t follow, tails, shared;
    _Atomic uint64_t rendered, given;
};

/* ---- nodes: under the tail's lock ---------------------------------------- */

static struct tail_node *node_new(const char *cursor, const struct stream_item *it)
{
    size_t n = strlen(cursor) + 1, type = it ? strlen(it->type) + 1 : 0;
    struct tail_node *p = calloc(1, sizeof *p + n);

    if (!p)
        return NULL;
    memcpy(p->cursor, cursor, n);
    if (!it)
        return p;
    p->item = malloc(type + it->json_len);
    if (!p->item) {
        free(p);
        return NULL;
    }
    memcpy(p->item, it->type, type);
    memcpy(p->item + type, it->json, it->json_len);
    p->json_at = type;
    p->json_len = it->json_len;
    p->final = str_eq(it->type, "run.completed");
    return p;
}

static void node_free(struct tail_node *n)
{
    if (n)
        free(n->item);
    free(n);
}

static size_t node_bytes(const struct tail_node *n)
{
    return n->item ? n->json_at + n->json_len : 0;
}

/* Frees what nobody needs any more of a node that is gone or the first one; the node too when it is gone. */
static void node_settle(struct tail *t, struct tail_node *n)
{
    if (n->loans || !(n->gone || n == t->first))
        return;
    atomic_fetch_sub(&t->all->shared, (int64_t)node_bytes(n));
    t->bytes -= node_bytes(n);
    free(n->item);
    n->item = NULL;
    if (n->gone && n->here == 0)
        node_free(n);
}

static void cut_first(struct tail *t)
{
    struct tail_node *n = t->first;

    t->first = n->next;
    if (!t->first)
        t->last = NULL;
    n->gone = true;
    t->on -= n->here;
    node_settle(t, n);
    if (t->first)
        node_settle(t, t->first);
}

/* Drops what all have passed, and what is over the bound. */
static void trim(struct tail *t)
{
    size_t max = atomic_load(&t->all->shared) > (int64_t)ALL_MAX ? TURN_BYTES : TAIL_MAX;

    while (t->first != t->last && (t->first->here == 0 || t->bytes > max))
        cut_first(t);
}

static void cut_all(struct tail *t)
{
    while (t->first)
        cut_first(t);
}

static void end_loan(struct tail *t, struct tail_sub *s)
{
    if (!s->loan)
        return;
    s->loan = false;
    s->at->loans--;
    node_settle(t, s->at);
}

static void step_off(struct tail *t, struct tail_sub *s)
{
    struct tail_node *n = s->at;

    if (!n)
        return;
    if (s->loan)
        n->loans--;
    s->loan = false;
    s->at = NULL;
    n->here--;
    if (n->gone) {
        node_settle(t, n);
    } else {
        t->on--;
        node_settle(t, n);
        trim(t);
    }
}

static void step_on(struct tail *t, struct tail_sub *s, struct tail_node *n)
{
    s->at = n;
    n->here++;
    t->on++;
}

/* ---- the queue of the thread ------------------------------------------------ */

static void enqueue(struct tail *t)
{
    struct tails *all = t->all;

    pthread_mutex_lock(&all->mu);
    if (!t->queued && !t->dead) {
        t->queued = true;
        t->queue_next = NULL;
        *all->queue_end = t;
        all->queue_end = &t->queue_next;
        pthread_cond_signal(&all->work);
    }
    pthread_mutex_unlock(&all->mu);
}

/* Under tails.mu. */
static void dequeue(struct tails *all, struct tail *t)
{
    struct tail **p = &all->queue;

    while (*p != t)
        p = &(*p)->queue_next;
    *p = t->queue_next;
    if (!*p)
        all->queue_end = p;
    t->queued = false;
}

static void on_hub(void *arg)
{
    enqueue(arg);
}

/* ---- a tail's life ------------------------------------------------------------ */

static struct tail **bucket_of(struct tails *all, const struct id *run)
{
    uint32_t x = 2166136261u; /* FNV-1a */

    for (const char *s = run->s; *s; s++)
        x = (x ^ (unsigned char)*s) * 16777619u;
    return &all->bucket[x & (BUCKETS - 1)];
}

static struct tail *find(struct tails *all, const struct id *run)
{
    struct tail *t;

    pthread_mutex_lock(&all->mu);
    for (t = *bucket_of(all, run); t && !id_eq(&t->run, run); t = t->hash_next)
        ;
    if (t)
        t->refs++;
    pthread_mutex_unlock(&all->mu);
    return t;
}

static void tail_free(struct tail *t)
{
    cut_all(t);
    stream_reader_free(t->rd);
    pthread_mutex_destroy(&t->mu);
    free(t);
}

/* With the join lock held. */
static int make(struct tails *all, const struct id *run, struct tail **ret, struct err *e)
{
    struct tail *t = calloc(1, sizeof *t);
    int r;

    if (!t)
        return err_oom(e);
    t->all = all;
    t->run = *run;
    t->refs = 1;
    pthread_mutex_init(&t->mu, NULL);
    r = hub_join(all->svc->hub, run, on_hub, t, &t->hub, e);
    if (r < 0) {
        tail_free(t);
        return r;
    }
    pthread_mutex_lock(&all->mu);
    t->hash_next = *bucket_of(all, run);
    *bucket_of(all, run) = t;
    pthread_mutex_unlock(&all->mu);
    atomic_fetch_add(&all->tails, 1);
    *ret = t;
    return 0;
}

static void unref(struct tail *t)
{
    struct tails *all = t->all;
    struct tail **p;
    bool last;

    pthread_mutex_lock(&all->mu);
    last = --t->refs == 0;
    if (last) {
        t->dead = true;
        for (p = bucket_of(all, &t->run); *p != t; p = &(*p)->hash_next)
            ;
        *p = t->hash_next;
        if (t->queued)
            dequeue(all, t);
    }
    pthread_mutex_unlock(&all->mu);
    if (!last)
        return;
    hub_leave(all->svc->hub, t->hub);
    atomic_fetch_sub(&all->tails, 1);
    tail_free(t);
}

/* ---- subscribers ------------------------------------------------------------------ */

int tail_join(struct tails *all, const struct id *run, struct tail_sub *s, void (*wake)(void *), void *arg,
              struct err *e)
{
    struct tail *t;
    int r = 0;

    pthread_mutex_lock(&all->join);
    t = find(all, run);
    if (!t)
        r = make(all, run, &t, e);
    pthread_mutex_unlock(&all->join);
    if (r < 0)
        return r;
    *s = (struct tail_sub){.tail = t, .wake = wake, .arg = arg};
    pthread_mutex_lock(&t->mu);
    s->next = t->subs;
    s->link = &t->subs;
    if (s->next)
        s->next->link = &s->next;
    t->subs = s;
    pthread_mutex_unlock(&t->mu);
    atomic_fetch_add(&all->follow, 1);
    return 0;
}

static void not_ahead(struct tail *t, struct tail_sub *s)
{
    if (s->ahead)
        t->ahead--;
    s->ahead = false;
}

void tail_leave(struct tail_sub *s)
{
    struct tail *t = s->tail;

    if (!t)
        return;
    pthread_mutex_lock(&t->mu);
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    not_ahead(t, s);
    step_off(t, s);
    pthread_mutex_unlock(&t->mu);
    atomic_fetch_sub(&t->all->follow, 1);
    s->tail = NULL;
    unref(t);
}

static int place_cmp(struct stream_place a, struct stream_place b)
{
    if (a.seq != b.seq)
        return a.seq < b.seq ? -1 : 1;
    return a.bytes < b.bytes ? -1 : a.bytes > b.bytes;
}

/* The first who has caught up begins the tail, where he stands. What was stored since he looked is read at once. */
static enum tail_meeting begin(struct tail *t, struct tail_sub *s, struct stream_reader *rd)
{
    struct tail_node *n = node_new(stream_reader_cursor(rd), NULL);

    if (!n)
        return TAIL_APART;
    n->place = stream_reader_place(rd);
    t->first = t->last = n;
    step_on(t, s, n);
    enqueue(t);
    return TAIL_MET;
}

/* Ahead of the tail: it comes as far, and is met there. Whoever is ahead still when it has found the end (twice: it may
 * have begun before he came) stands where nobody can have read to, since he made up his cursor. He does not wait for
 * it any more, for he would be woken for ever. */
static enum tail_meeting wait_ahead(struct tail *t, struct tail_sub *s, bool waited)
{
    if (!waited)
        s->ends = t->ends;
    s->lost = s->lost || t->ends - s->ends >= 2;
    if (s->lost)
        return TAIL_APART;
    s->ahead = true;
    t->ahead++;
    enqueue(t);
    return TAIL_AHEAD;
}

static enum tail_meeting meet(struct tail *t, struct tail_sub *s, struct stream_reader *rd, bool caught_up)
{
    struct stream_place at = stream_reader_place(rd);
    const char *cursor;
    bool waited = s->ahead;

    not_ahead(t, s);
    if (t->last && t->on == 0 && !t->pumping && t->ahead == 0)
        cut_all(t);
    if (!t->last)
        return caught_up ? begin(t, s, rd) : TAIL_APART;
    if (place_cmp(at, t->first->place) < 0)
        return TAIL_APART;
    if (place_cmp(at, t->last->place) > 0)
        return wait_ahead(t, s, waited);
    cursor = stream_reader_cursor(rd);
    for (struct tail_node *n = t->first; n; n = n->next)
        if (place_cmp(n->place, at) == 0 && str_eq(n->cursor, cursor)) {
            step_on(t, s, n);
            return TAIL_MET;
        }
    return TAIL_APART;
}

enum tail_meeting tail_meet(struct tail_sub *s, struct stream_reader *rd, bool caught_up)
{
    struct tail *t = s->tail;
    enum tail_meeting m;

    pthread_mutex_lock(&t->mu);
    m = meet(t, s, rd, caught_up);
    pthread_mutex_unlock(&t->mu);
    return m;
}

static int take(struct tail *t, struct tail_sub *s, struct stream_item *ret, bool *ret_final)
{
    struct tail_node *n = s->at, *to = n->next;

    end_loan(t, s);
    if (n->gone)
        return TAIL_GONE;
    if (!to) {
        if (t->more)
            enqueue(t);
        t->more = false;
        return 0;
    }
    n->here--;
    to->here++;
    s->at = to;
    to->loans++;
    s->loan = true;
    trim(t);
    *ret = (struct stream_item){
        .cursor = to->cursor, .type = to->item, .json = to->item + to->json_at, .json_len = to->json_len};
    *ret_final = to->final;
    return 1;
}

int tail_take(struct tail_sub *s, struct stream_item *ret, bool *ret_final)
{
    struct tail *t = s->tail;
    int r;

    pthread_mutex_lock(&t->mu);
    r = take(t, s, ret, ret_final);
    pthread_mutex_unlock(&t->mu);
    if (r == 1)
        atomic_fetch_add_explicit(&t->all->given, 1, memory_order_relaxed);
    return r;
}

void tail_end_loan(struct tail_sub *s)
{
    pthread_mutex_lock(&s->tail->mu);
    end_loan(s->tail, s);
    pthread_mutex_unlock(&s->tail->mu);
}

const char *tail_cursor(const struct tail_sub *s)
{
    return s->at->cursor;
}

void tail_step_off(struct tail_sub *s)
{
    pthread_mutex_lock(&s->tail->mu);
    step_off(s->tail, s);
    pthread_mutex_unlock(&s->tail->mu);
}

/* ---- the thread ---------------------------------------------------------------------- */

/* The reader of the tail, standing where `from` is. */
static int pump_reader(struct tail *t, const char *from, struct err *e)
{
    if (t->rd && str_eq(stream_reader_cursor(t->rd), from))
        return 0;
    stream_reader_free(t->rd);
    t->rd = NULL;
    return stream_reader_new(t->all->svc, &t->run, from, &t->rd, e);
}

/* Nodes behind `from`: 1 when there may be more, 0 when this is all for now. */
static int pump_read(struct tail *t, const char *from, struct tail_node **ret, struct tail_node **ret_last,
                     struct err *e)
{
    struct tail_node **end = ret;
    size_t bytes = 0;
    int r = pump_reader(t, from, e);

    for (unsigned i = 0; r >= 0 && bytes < TURN_BYTES && i < TURN_ITEMS; i++) {
        struct stream_item it;

        r = stream_reader_next(t->rd, &it, e);
        if (r <= 0)
            break;
        *end = node_new(it.cursor, &it);
        if (!*end)
            return err_oom(e);
        (*end)->place = stream_reader_place(t->rd);
        bytes += node_bytes(*end);
        *ret_last = *end;
        end = &(*end)->next;
        r = 1;
    }
    return r;
}

static void wake_all(struct tail *t)
{
    for (struct tail_sub *s = t->subs; s; s = s->next)
        s->wake(s->arg);
}

static void append(struct tail *t, struct tail_node *chain, struct tail_node *last)
{
    for (struct tail_node *n = chain; n; n = n->next) {
        t->bytes += node_bytes(n);
        atomic_fetch_add(&t->all->shared, (int64_t)node_bytes(n));
        atomic_fetch_add_explicit(&t->all->rendered, 1, memory_order_relaxed);
    }
    if (chain) {
        t->last->next = chain;
        t->last = last;
    }
}

/* Whoever stands on the tail reads on his own now, and finds the same mistake himself. */
static void pump_failed(struct tail *t, struct tail_node *chain)
{
    while (chain) {
        struct tail_node *next = chain->next;

        node_free(chain);
        chain = next;
    }
    cut_all(t);
    stream_reader_free(t->rd);
    t->rd = NULL;
}

/* One turn, from the end of the tail on; its lock is held, and let go while the thread reads. */
static void pump_on(struct tail *t)
{
    struct tail_node *from = t->last, *chain = NULL, *last = NULL;
    struct err e = ERR_INIT;
    int r;

    t->pumping = true;
    from->loans++;
    pthread_mutex_unlock(&t->mu);
    r = pump_read(t, from->cursor, &chain, &last, &e);
    pthread_mutex_lock(&t->mu);
    t->pumping = false;
    from->loans--;
    if (r < 0) {
        pump_failed(t, chain);
        return;
    }
    append(t, chain, last);
    node_settle(t, from);
    trim(t);
    t->more = r == 1;
    t->ends += r == 0;
    if (r == 0 && stream_reader_place(t->rd).bytes == 0) { /* between steps a reader costs more than it saves */
        stream_reader_free(t->rd);
        t->rd = NULL;
    }
}

static void pump(struct tail *t)
{
    pthread_mutex_lock(&t->mu);
    if (t->last && (t->last->here || t->ahead)) {
        pump_on(t);
    } else if (t->on || t->ahead) {
        t->more = true;
    } else { /* nobody is live: the next one who is begins it anew */
        cut_all(t);
        stream_reader_free(t->rd);
        t->rd = NULL;
    }
    wake_all(t);
    pthread_mutex_unlock(&t->mu);
}

static void *pump_main(void *arg)
{
    struct tails *all = arg;
    struct tail *t;

    pthread_mutex_lock(&all->mu);
    while (!all->stop) {
        t = all->queue;
        if (!t) {
            pthread_cond_wait(&all->work, &all->mu);
            continue;
        }
        dequeue(all, t);
        t->refs++;
        pthread_mutex_unlock(&all->mu);
        pump(t);
        unref(t);
        pthread_mutex_lock(&all->mu);
    }
    pthread_mutex_unlock(&all->mu);
    return NULL;
}

static int start_thread(struct tails *all)
{
    pthread_attr_t attr;
    sigset_t every, old;
    int r = pthread_attr_init(&attr);

    if (r != 0)
        return r;
    pthread_attr_setstacksize(&attr, STACK);
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &old); /* signals are main's business */
    r = pthread_create(&all->thread, &attr, pump_main, all);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return r;
}

int tails_new(struct svc *svc, struct tails **ret, struct err *e)
{
    struct tails *all = calloc(1, sizeof *all);

    if (!all)
        return err_oom(e);
    all->svc = svc;
    all->queue_end = &all->queue;
    pthread_mutex_init(&all->join, NULL);
    pthread_mutex_init(&all->mu, NULL);
    pthread_cond_init(&all->work, NULL);
    if (start_thread(all) != 0) {
        free(all);
        return err_set(e, ERR_UNAVAILABLE, "cannot start the thread of the streams");
    }
    *ret = all;
    return 0;
}

void tails_free(struct tails *all)
{
    if (!all)
        return;
    pthread_mutex_lock(&all->mu);
    all->stop = true;
    pthread_cond_signal(&all->work);
    pthread_mutex_unlock(&all->mu);
    pthread_join(all->thread, NULL);
    assert(all->follow == 0);
    pthread_cond_destroy(&all->work);
    pthread_mutex_destroy(&all->mu);
    pthread_mutex_destroy(&all->join);
    free(all);
}

void tails_stats(struct tails *all, struct tails_stats *ret)
{
    *ret = (struct tails_stats){.follow = all->follow,
                                .tails = all->tails,
                                .shared = all->shared,
                                .rendered = all->rendered,
                                .given = all->given};
}
