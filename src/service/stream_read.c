/* stream_read - see stream_read.h.
 *
 * A round begins when the store is asked for more events, and ends when neither they nor the logs have more. A log that
 * was found at its end is not looked at again in the same round: so it was looked at after the events of the round were
 * stored, and a step.finished among them finds its log complete.
 *
 * May include: store core base os.   Threads: one owner. */
#include "service/stream_read.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "core/cursor.h"
#include "core/event.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/logfile.h"
#include "service/retention.h"
#include "store/run_rows.h"

#define BATCH 64

struct stored {
    int64_t seq, time_us;
    struct id step_id;
    char *type, *data;
};

/* The log of an open step. */
struct open_log {
    struct id step;
    struct log_reader *rd;
    uint64_t at;       /* where the next frame begins: behind what is not output, which no cursor speaks of */
    bool named;        /* `at` is what a cursor says, and nothing was read yet */
    bool have, at_end; /* f is the next frame; there was none in this round */
    struct log_frame f;
};

struct stream_reader {
    struct svc *svc;
    struct id run;
    struct cursor at;
    struct stored ev[BATCH];
    size_t head, n;
    int64_t asked_us; /* when the store was asked */
    bool drained;     /* and had nothing behind ev */
    bool ended;
    int logs_fd; /* DATA/runs/<id>/logs; -1 until there */
    struct open_log log[CURSOR_OPEN_MAX];
    char cursor[CURSOR_TEXT_MAX];
    struct buf json, data;
};

int stream_reader_new(struct svc *svc, const struct id *run, const char *cursor, struct stream_reader **ret,
                      struct err *e)
{
    AUTO_PTR(stream_reader_free) struct stream_reader *s = calloc(1, sizeof *s);
    int r;

    if (!s)
        return err_oom(e);
    s->svc = svc;
    s->run = *run;
    s->logs_fd = -1;
    buf_init(&s->json, 8 * MIB);
    buf_init(&s->data, 8 * MIB);
    r = cursor && *cursor ? cursor_decode(cursor, run, &s->at, e) : 0;
    if (r < 0)
        return r;
    *ret = TAKE(s);
    return 0;
}

static void drop_batch(struct stream_reader *s)
{
    for (size_t i = s->head; i < s->n; i++) {
        free(s->ev[i].type);
        free(s->ev[i].data);
    }
    s->head = s->n = 0;
}

void stream_reader_free(struct stream_reader *s)
{
    if (!s)
        return;
    drop_batch(s);
    for (size_t i = 0; i < CURSOR_OPEN_MAX; i++)
        logfile_close_read(s->log[i].rd);
    fd_close(&s->logs_fd);
    buf_fini(&s->json);
    buf_fini(&s->data);
    free(s);
}

void stream_reader_rest(struct stream_reader *s)
{
    buf_fini(&s->json);
    buf_fini(&s->data);
}

const char *stream_reader_cursor(struct stream_reader *s)
{
    cursor_encode(&s->at, &s->run, s->cursor);
    return s->cursor;
}

struct stream_place stream_reader_place(const struct stream_reader *s)
{
    struct stream_place p = {.seq = s->at.seq};

    for (size_t i = 0; i < s->at.n; i++)
        p.bytes += s->at.open[i].offset;
    return p;
}

/* ---- stored events ----------------------------------------------------- */

static int event_each_copy(void *arg, const struct event_row *row, struct err *e)
{
    struct stream_reader *s = arg;
    struct stored *v = &s->ev[s->n];

    if (s->n == BATCH)
        return 0;
    *v = (struct stored){.seq = row->seq, .time_us = row->time_us, .step_id = row->step_id};
    v->type = str_dup(row->type);
    v->data = str_dup(row->data);
    if (!v->type || !v->data) {
        free(v->type);
        free(v->data);
        return err_oom(e);
    }
    s->n++;
    return 0;
}

static int fetch_tx(struct db *db, void *arg, struct err *e)
{
    struct stream_reader *s = arg;

    drop_batch(s);
    return event_list(db, &s->run, s->at.seq, BATCH, event_each_copy, s, e);
}

/* Begins a round when the batch is used up and there may be more; 1 when it did. */
static int fetch_more(struct stream_reader *s, struct err *e)
{
    int r;

    if (s->head < s->n || s->drained)
        return 0;
    s->asked_us = clock_now_us();
    r = store_read(s->svc->store, fetch_tx, s, e);
    if (r < 0)
        return r;
    s->drained = s->n < BATCH;
    for (size_t i = 0; i < CURSOR_OPEN_MAX; i++)
        s->log[i].at_end = false;
    return 1;
}

/* ---- log frames -------------------------------------------------------- */

static int logs_dir(struct stream_reader *s)
{
    char name[64];

    if (s->logs_fd < 0) {
        snprintf(name, sizeof name, "runs/%s/logs", s->run.s);
        s->logs_fd = openat(s->svc->data_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    return s->logs_fd;
}

/* The log of an open step: 1; 0 while there is no file (it could not be started, or not yet). */
static int log_of(struct stream_reader *s, const struct cursor_open *o, struct open_log **ret, struct err *e)
{
    struct open_log *unused = NULL;
    char name[64];
    int r;

    for (size_t i = 0; i < CURSOR_OPEN_MAX; i++) {
        if (s->log[i].rd && id_eq(&s->log[i].step, &o->step)) {
            *ret = &s->log[i];
            return 1;
        }
        if (!s->log[i].rd && !unused)
            unused = &s->log[i];
    }
    if (!unused || logs_dir(s) < 0)
        return 0;
    *unused = (struct open_log){.step = o->step, .at = o->offset, .named = true};
    snprintf(name, sizeof name, "%d.%d.log", o->index, o->attempt);
    r = logfile_open_read(s->logs_fd, name, &unused->rd, e);
    if (r < 0)
        return r == -ERR_NOT_FOUND ? 0 : r;
    *ret = unused;
    return 1;
}

static bool has_log(const struct stream_reader *s, const struct id *step)
{
    for (size_t i = 0; i < CURSOR_OPEN_MAX; i++)
        if (s->log[i].rd && id_eq(&s->log[i].step, step))
            return true;
    return false;
}

static void log_drop(struct stream_reader *s, const struct id *step)
{
    for (size_t i = 0; i < CURSOR_OPEN_MAX; i++)
        if (s->log[i].rd && id_eq(&s->log[i].step, step)) {
            logfile_close_read(s->log[i].rd);
            s->log[i] = (struct open_log){.rd = NULL};
        }
}

/* The next frame of output in l->f: 1, or 0 when there is none. */
static int look(struct open_log *l, struct err *e)
{
    while (!l->have && !l->at_end) {
        int r = l->named ? logfile_read_named(l->rd, l->at, &l->f, e) : logfile_read(l->rd, l->at, &l->f, e);

        if (r < 0)
            return r;
        l->named = false;
        l->at_end = r == 0;
        if (r == 1) {
            l->at = l->f.next;
            l->have = log_stream_name(l->f.stream) != NULL; /* an exit record is not output */
        }
    }
    return l->have;
}

/* The oldest frame that was not given, of all open steps: 1, or 0 when there is none. */
static int oldest_frame(struct stream_reader *s, struct cursor_open **ret_step, struct open_log **ret, struct err *e)
{
    struct open_log *best = NULL;

    for (size_t i = 0; i < s->at.n; i++) {
        struct open_log *l = NULL;
        int r = log_of(s, &s->at.open[i], &l, e);

        if (r == 1)
            r = look(l, e);
        if (r < 0)
            return r;
        if (r == 1 && (!best || l->f.time_us < best->f.time_us)) {
            best = l;
            *ret_step = &s->at.open[i];
        }
    }
    *ret = best;
    return best != NULL;
}

/* ---- rendering --------------------------------------------------------- */

static int give(struct stream_reader *s, const struct event_head *h, const char *data, size_t n,
                struct stream_item *ret, struct err *e)
{
    struct jw w = JW_INIT(&s->json);

    buf_reset(&s->json);
    event_envelope(&w, h, data, n);
    if (s->json.bad)
        return err_bad(e, s->json.bad, "an event is too large to be sent");
    *ret = (struct stream_item){.cursor = h->cursor, .type = h->type, .json = s->json.p, .json_len = s->json.len};
    return 1;
}

static int give_frame(struct stream_reader *s, struct cursor_open *o, struct open_log *l, struct stream_item *ret,
                      struct err *e)
{
    const struct log_frame *f = &l->f;
    struct jw w = JW_INIT(&s->data);
    struct event_head h = {.type = "step.log", .time_us = f->time_us, .run_id = &s->run, .step_id = &o->step};

    o->offset = f->next;
    l->have = false;
    buf_reset(&s->data);
    jw_obj(&w);
    jw_kstr(&w, "step_id", o->step.s);
    jw_kint(&w, "attempt", o->attempt);
    jw_kstr(&w, "stream", log_stream_name(f->stream));
    jw_kint(&w, "offset", (int64_t)f->offset);
    jw_kbytes(&w, "text", f->p, f->n);
    jw_end_obj(&w);
    h.cursor = stream_reader_cursor(s);
    return give(s, &h, s->data.p, s->data.len, ret, e);
}

static int step_opens(struct stream_reader *s, const struct stored *v, struct err *e)
{
    AUTO_PTR(json_free) struct json *doc = NULL;
    int r = json_parse(v->data, strlen(v->data), &doc, e);

    if (r < 0)
        return r;
    return cursor_open_step(&s->at, &v->step_id, (int)json_int(json_get(doc, "index")),
                            (int)json_int(json_get(doc, "attempt")), LOG_START, e);
}

static int give_event(struct stream_reader *s, struct stream_item *ret, struct err *e)
{
    struct stored *v = &s->ev[s->head];
    struct event_head h = {.seq = v->seq, .time_us = v->time_us, .run_id = &s->run, .step_id = &v->step_id};
    int r = 0;

    if (str_eq(v->type, "step.started"))
        r = step_opens(s, v, e);
    if (r == 0 && str_eq(v->type, "step.finished") && cursor_find(&s->at, &v->step_id) && !has_log(s, &v->step_id))
        r = retention_logs_of(s->svc, &s->run, e); /* it never ran, or its log went since the stream was opened */
    if (r < 0)
        return r;
    if (str_eq(v->type, "step.finished")) {
        cursor_close_step(&s->at, &v->step_id);
        log_drop(s, &v->step_id);
    }
    s->at.seq = v->seq;
    h.cursor = stream_reader_cursor(s);
    h.type = v->type;
    r = give(s, &h, v->data, strlen(v->data), ret, e);
    /* The item borrows its type until the next call; the row it came from is freed now. */
    buf_reset(&s->data);
    buf_puts(&s->data, v->type);
    if (r > 0)
        ret->type = s->data.p;
    s->ended = str_eq(v->type, "run.completed");
    free(v->type);
    free(v->data);
    s->head++;
    return r;
}

/* ---- in order ---------------------------------------------------------- */

/* Does a frame stand before the stored event? A step's log is complete before its step.finished is stored. */
static bool frame_first(struct stream_reader *s, const struct open_log *l, const struct stored *v)
{
    bool ends = str_eq(v->type, "step.finished");

    for (size_t i = 0; ends && i < CURSOR_OPEN_MAX; i++)
        if (s->log[i].have && id_eq(&s->log[i].step, &v->step_id))
            return true;
    return l->f.time_us < v->time_us;
}

int stream_reader_next(struct stream_reader *s, struct stream_item *ret, struct err *e)
{
    while (!s->ended) {
        struct cursor_open *o = NULL;
        struct open_log *l = NULL;
        int asked = fetch_more(s, e);
        int r = asked < 0 ? asked : oldest_frame(s, &o, &l, e);
        const struct stored *v = s->head < s->n ? &s->ev[s->head] : NULL;

        if (r < 0)
            return r;
        if (r == 1 && !v && !asked && l->f.time_us >= s->asked_us) {
            s->drained = false; /* an older event may have been stored since */
            continue;
        }
        if (r == 1 && (!v || frame_first(s, l, v)))
            return give_frame(s, o, l, ret, e);
        if (v)
            return give_event(s, ret, e);
        s->drained = false;
        /* "Nothing" is only true of a store that was asked after the last frame was read: an event stored (and woken
         * for) while frames were given would otherwise wait for the heartbeat. */
        if (asked)
            return 0;
    }
    return 0;
}
