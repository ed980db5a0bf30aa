/* stream_tail - the newest items of a run that is followed live, rendered once for everybody. Internal to stream*.c.
 *
 * Why it exists: a thousand subscribers of one run must not ask the store, read the log and write JSON a thousand
 * times.
 *
 *   hub_wake ─► queue of tails ─► one thread: reads the next items, once per run ─► nodes ─► wakes the subscribers
 *
 *            first                          last
 *   node ─► node ─item─► node ─item─► node ─item─► node      a node is a position: the cursor behind its item, and the
 *   gone     A            B             ·           C D      item that leads to it. A to D: where subscribers stand
 *
 *   1. Only the thread reads, and only while somebody stands at `last`, or ahead of it: the fastest subscriber sets the
 *      pace, and nothing is read for nobody.
 *   2. What everybody has passed is freed. What is over TAIL_MAX is cut off at `first`: who stood there finds the node
 *      gone, and reads on his own from its cursor. So a tail is bounded, and costs one small node when all are idle.
 *   3. A node lives while somebody stands on it; its item while somebody behind it may take it, or has it on loan.
 *   4. Who reads on his own meets the tail when his cursor is that of a node. If he is ahead of `last` he waits for it.
 *
 * Locks, in this order: join (who follows a run first), hub or tail, tails. A subscriber is woken under the tail's
 * lock. May include: store core base os service/.   Threads: any; a tail_sub has one owner at a time. */
#pragma once
#include "service/stream_read.h"

struct tails;
struct tail;
struct tail_node;
struct tail_sub { /* zeroed: follows nothing */
    struct tail *tail;
    struct tail_sub *next, **link;
    void (*wake)(void *);
    void *arg;
    struct tail_node *at; /* NULL: reads on his own */
    bool loan;            /* the item of `at` is on loan */
    bool ahead;           /* waits for the tail */
    bool lost;            /* and in vain: his cursor was made up */
    uint32_t ends;        /* of the tail, when he began to wait */
};

CHECKED int tail_join(struct tails *, const struct id *run, struct tail_sub *, void (*wake)(void *), void *arg,
                      struct err *);
void tail_leave(struct tail_sub *);

/* A subscriber who reads on his own stands at `cursor`. caught_up: there was nothing more to read.
 * TAIL_MET: he stands on a node now; TAIL_AHEAD: he is woken when the tail has come as far; TAIL_APART: he reads on. */
enum tail_meeting { TAIL_APART, TAIL_MET, TAIL_AHEAD };
enum tail_meeting tail_meet(struct tail_sub *, struct stream_reader *, bool caught_up);
/* 1 and the next item, on loan until the next call; 0 none now; TAIL_GONE: the node was cut off. *final: it was the
 * last item of the run. Never blocks for long. */
enum { TAIL_GONE = 3 };
int tail_take(struct tail_sub *, struct stream_item *ret, bool *ret_final);
void tail_end_loan(struct tail_sub *);
const char *tail_cursor(const struct tail_sub *); /* of the node; borrowed while he stands on it */
void tail_step_off(struct tail_sub *);            /* from the node: he reads on his own */

/* All tails and the thread that reads for them. */
CHECKED int tails_new(struct svc *, struct tails **ret, struct err *);
void tails_free(struct tails *); /* nobody may follow; NULL is fine */
struct tails_stats {
    int64_t follow, tails, shared;
    uint64_t rendered, given;
};
void tails_stats(struct tails *, struct tails_stats *ret);
