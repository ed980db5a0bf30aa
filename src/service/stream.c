/* stream - see stream.h. A stream is in one of these states:
 *
 *   resting   a cursor as text
 *   reading   rd: reads on its own. On the shelf while its user does something else; taken off it, the oldest first,
 *             the reader is given up and the cursor stays
 *   live      sub.at: stands on a node of the run's tail. No reader, no cursor of its own
 *
 *   reading --caught up, or met the tail--> live --too slow, cut off--> reading
 *
 * May include: store core base os.   Threads: one owner at a time; the shelf: any. */
#include "service/stream.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/cursor.h"
#include "service/retention.h"
#include "service/stream_tail.h"
#include "store/run_rows.h"

#define SHELF_MAX 16 /* readers kept for streams that wait for their clients */

struct stream {
    struct svc *svc;
    struct id run;
    struct tail_sub sub;
    char *cursor;
    struct stream_reader *rd;
    bool ended;
    bool final; /* the run was over when it was opened: nothing will come that is not there */
    bool shelved;
    struct stream *prev, *next; /* on the shelf */
};

struct streams {
    struct tails *tails;
    pthread_mutex_t mu; /* guards what follows */
    struct stream *newest, *oldest;
    unsigned nshelved;
};

int streams_new(struct svc *svc, struct streams **ret, struct err *e)
{
    struct streams *all = calloc(1, sizeof *all);
    int r;

    if (!all)
        return err_oom(e);
    r = tails_new(svc, &all->tails, e);
    if (r < 0) {
        free(all);
        return r;
    }
    pthread_mutex_init(&all->mu, NULL);
    *ret = all;
    return 0;
}

void streams_free(struct streams *all)
{
    if (!all)
        return;
    tails_free(all->tails);
    pthread_mutex_destroy(&all->mu);
    free(all);
}

void streams_stats(struct streams *all, struct streams_stats *ret)
{
    struct tails_stats t;

    tails_stats(all->tails, &t);
    *ret = (struct streams_stats){
        .follow = t.follow, .tails = t.tails, .shared = t.shared, .rendered = t.rendered, .given = t.given};
}

/* ---- opening ----------------------------------------------------------- */

struct open_arg {
    const char *tenant;
    const struct id *run;
    int64_t event_seq;
    bool final;
    int gone; /* -ERR_GONE, and why: its logs were removed */
    struct err why;
};

static int open_tx(struct db *db, void *arg, struct err *e)
{
    struct open_arg *o = arg;
    AUTO(run_row_fini) struct run_row row = {0};
    int r = run_get(db, o->tenant, o->run, &row, e);

    o->event_seq = row.event_seq;
    o->final = run_sm_final(row.node);
    if (r == 0)
        o->gone = retention_logs_there(&row, &o->why);
    return r;
}

/* How far a cursor is: its seq. */
static int check_cursor(const char *cursor, const struct id *run, int64_t *ret_seq, struct err *e)
{
    struct cursor at = {0};
    int r = cursor && *cursor ? cursor_decode(cursor, run, &at, e) : 0;

    *ret_seq = at.seq;
    return r;
}

/* The text of the place before the first item; NULL: out of memory. */
static char *beginning(const struct id *run)
{
    const struct cursor at = {0};
    char text[CURSOR_TEXT_MAX];

    cursor_encode(&at, run, text);
    return str_dup(text);
}

int stream_open(struct svc *svc, const char *tenant, const struct id *run, const char *cursor, struct stream **ret,
                struct err *e)
{
    AUTO_PTR(stream_close) struct stream *s = calloc(1, sizeof *s);
    struct open_arg o = {.tenant = tenant, .run = run};
    int64_t seq = 0;
    int r;

    if (!s)
        return err_oom(e);
    s->svc = svc;
    s->run = *run;
    r = store_read(svc->store, open_tx, &o, e);
    if (r == 0)
        r = check_cursor(cursor, run, &seq, e);
    if (r < 0)
        return r;
    if (seq > o.event_seq)
        return err_set(e, ERR_CURSOR, "the cursor lies beyond the end of the stream");
    s->final = o.final;
    s->ended = o.final && seq == o.event_seq;
    if (o.gone && !s->ended)
        return err_set(e, ERR_GONE, "%s", o.why.msg);
    s->cursor = cursor && *cursor ? str_dup(cursor) : beginning(run);
    if (!s->cursor)
        return err_oom(e);
    *ret = TAKE(s);
    return 0;
}

int stream_follow(struct stream *s, void (*wake)(void *), void *arg, struct err *e)
{
    return s->final ? 0 : tail_join(s->svc->streams->tails, &s->run, &s->sub, wake, arg, e);
}

/* ---- the shelf ------------------------------------------------------------ */

/* Under the shelf's lock. */
static void unshelve(struct streams *all, struct stream *s)
{
    if (!s->shelved)
        return;
    *(s->prev ? &s->prev->next : &all->newest) = s->next;
    *(s->next ? &s->next->prev : &all->oldest) = s->prev;
    s->prev = s->next = NULL;
    s->shelved = false;
    all->nshelved--;
}

/* The owner goes on with its stream. */
static void off_shelf(struct stream *s)
{
    struct streams *all = s->svc->streams;

    if (!all || s->sub.at)
        return;
    pthread_mutex_lock(&all->mu);
    unshelve(all, s);
    pthread_mutex_unlock(&all->mu);
}

/* Gives up the reader and keeps its place; for want of memory it keeps both. */
static void give_up_reader(struct stream *s)
{
    char *cursor = str_dup(stream_reader_cursor(s->rd));

    if (!cursor)
        return;
    free(s->cursor);
    s->cursor = cursor;
    stream_reader_free(s->rd);
    s->rd = NULL;
}

static void on_shelf(struct stream *s)
{
    struct streams *all = s->svc->streams;

    pthread_mutex_lock(&all->mu);
    s->shelved = true;
    s->next = all->newest;
    *(s->next ? &s->next->prev : &all->oldest) = s;
    all->newest = s;
    if (++all->nshelved > SHELF_MAX) {
        struct stream *o = all->oldest;

        give_up_reader(o);
        unshelve(all, o);
    }
    pthread_mutex_unlock(&all->mu);
}

/* Who is on the shelf may lose his reader at any moment. */
static bool has_reader_to_shelve(struct stream *s)
{
    struct streams *all = s->svc->streams;
    bool has;

    if (!all)
        return false;
    pthread_mutex_lock(&all->mu);
    has = s->rd && !s->shelved;
    pthread_mutex_unlock(&all->mu);
    return has;
}

void stream_rest(struct stream *s)
{
    if (s->sub.at) {
        tail_end_loan(&s->sub);
    } else if (has_reader_to_shelve(s)) {
        stream_reader_rest(s->rd);
        on_shelf(s);
    }
}

void stream_close(struct stream *s)
{
    if (!s)
        return;
    off_shelf(s);
    tail_leave(&s->sub);
    stream_reader_free(s->rd);
    free(s->cursor);
    free(s);
}

/* ---- reading -------------------------------------------------------------- */

static int ensure_reader(struct stream *s, struct err *e)
{
    return s->rd ? 0 : stream_reader_new(s->svc, &s->run, s->cursor, &s->rd, e);
}

bool stream_ended(const struct stream *s)
{
    return s->ended;
}

const char *stream_cursor(struct stream *s)
{
    if (s->sub.at)
        return tail_cursor(&s->sub);
    off_shelf(s);
    return s->rd ? stream_reader_cursor(s->rd) : s->cursor;
}

/* Cut off from the tail: reads on from where it stood. */
static int leave_tail(struct stream *s, struct err *e)
{
    char *cursor = str_dup(tail_cursor(&s->sub));

    if (!cursor)
        return err_oom(e);
    free(s->cursor);
    s->cursor = cursor;
    tail_step_off(&s->sub);
    return ensure_reader(s, e);
}

static enum tail_meeting try_tail(struct stream *s, bool caught_up)
{
    enum tail_meeting m = s->sub.tail ? tail_meet(&s->sub, s->rd, caught_up) : TAIL_APART;

    if (m != TAIL_MET)
        return m;
    stream_reader_free(s->rd);
    s->rd = NULL;
    return m;
}

enum { NOW_LIVE = 2 }; /* beside 1, 0 and negative codes */

static int next_own(struct stream *s, struct stream_item *ret, struct err *e)
{
    int r = ensure_reader(s, e);
    enum tail_meeting m;

    if (r < 0)
        return r;
    m = try_tail(s, false);
    if (m == TAIL_APART) {
        r = stream_reader_next(s->rd, ret, e);
        if (r == 1)
            s->ended = str_eq(ret->type, "run.completed");
        if (r != 0)
            return r;
        m = try_tail(s, true);
        /* Nothing more, and nobody beside us: the run has ended, and its events went before they were read. */
        r = m == TAIL_APART ? retention_logs_of(s->svc, &s->run, e) : 0;
        if (r < 0)
            return r;
    }
    return m == TAIL_MET ? NOW_LIVE : 0;
}

int stream_next(struct stream *s, struct stream_item *ret, struct err *e)
{
    int r = NOW_LIVE;

    off_shelf(s);
    while (!s->ended && r == NOW_LIVE) {
        if (s->sub.at) {
            r = tail_take(&s->sub, ret, &s->ended);
            if (r != TAIL_GONE)
                return r;
            r = leave_tail(s, e);
            if (r < 0)
                return r;
        }
        r = next_own(s, ret, e);
    }
    return s->ended && r == NOW_LIVE ? 0 : r;
}

int stream_poll(struct stream *s, struct stream_item *ret)
{
    int r = s->ended ? 0 : s->sub.at ? tail_take(&s->sub, ret, &s->ended) : STREAM_BLOCKS;

    return r == TAIL_GONE ? STREAM_BLOCKS : r;
}
