#include "service/stream.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "core/cursor.h"
#include "core/event.h"
#include "os/file.h"
#include "os/logfile.h"
#include "store/run_rows.h"

#define BATCH 64

struct stored {
    int64_t seq, time_us;
    struct id step_id;
    char *type, *data;
};

struct stream {
    struct svc *svc;
    struct id run;
    struct cursor at;
    struct stored ev[BATCH];
    size_t head, n;
    bool drained; /* the store had nothing more when asked since the last "nothing now" */
    bool ended;
    int logs_fd; /* DATA/runs/<id>/logs; -1 until there */
    size_t turn; /* of the open steps, for fairness */
    struct {
        struct id step;
        struct log_reader *rd;
    } rd[CURSOR_OPEN_MAX];
    char cursor[CURSOR_TEXT_MAX];
    struct buf json, data;
};

/* ---- opening ----------------------------------------------------------- */

struct open_arg {
    const char *tenant;
    struct stream *s;
    int64_t event_seq;
    bool final;
};

static int open_tx(struct db *db, void *arg, struct err *e)
{
    struct open_arg *o = arg;
    AUTO(run_row_fini) struct run_row row = {0};
    int r = run_get(db, o->tenant, &o->s->run, &row, e);

    o->event_seq = row.event_seq;
    o->final = run_sm_final(row.node);
    return r;
}

int stream_open(struct svc *svc, const char *tenant, const struct id *run, const char *cursor, struct stream **ret,
                struct err *e)
{
    AUTO_PTR(stream_close) struct stream *s = calloc(1, sizeof *s);
    struct open_arg o = {.tenant = tenant, .s = s};
    int r;

    if (!s)
        return err_oom(e);
    s->svc = svc;
    s->run = *run;
    s->logs_fd = -1;
    buf_init(&s->json, 8 * MIB);
    buf_init(&s->data, 8 * MIB);
    r = store_read(svc->store, open_tx, &o, e);
    if (r == 0 && cursor && *cursor)
        r = cursor_decode(cursor, run, &s->at, e);
    if (r < 0)
        return r;
    if (s->at.seq > o.event_seq)
        return err_set(e, ERR_CURSOR, "the cursor lies beyond the end of the stream");
    s->ended = o.final && s->at.seq == o.event_seq;
    *ret = TAKE(s);
    return 0;
}

static void drop_batch(struct stream *s)
{
    for (size_t i = s->head; i < s->n; i++) {
        free(s->ev[i].type);
        free(s->ev[i].data);
    }
    s->head = s->n = 0;
}

void stream_close(struct stream *s)
{
    if (!s)
        return;
    drop_batch(s);
    for (size_t i = 0; i < CURSOR_OPEN_MAX; i++)
        logfile_close_read(s->rd[i].rd);
    fd_close(&s->logs_fd);
    buf_fini(&s->json);
    buf_fini(&s->data);
    free(s);
}

bool stream_ended(const struct stream *s)
{
    return s->ended;
}

const char *stream_cursor(struct stream *s)
{
    cursor_encode(&s->at, &s->run, s->cursor);
    return s->cursor;
}

/* ---- stored events ----------------------------------------------------- */

static int event_each_copy(void *arg, const struct event_row *row, struct err *e)
{
    struct stream *s = arg;
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
    struct stream *s = arg;

    drop_batch(s);
    return event_list(db, &s->run, s->at.seq, BATCH, event_each_copy, s, e);
}

/* ---- log frames -------------------------------------------------------- */

/* The reader of an open step's log: 1; 0 while there is no file (it could not be started, or not yet). */
static int reader_of(struct stream *s, const struct cursor_open *o, struct log_reader **ret, struct err *e)
{
    char name[64];
    size_t slot = CURSOR_OPEN_MAX;
    int r;

    for (size_t i = 0; i < CURSOR_OPEN_MAX; i++) {
        if (s->rd[i].rd && id_eq(&s->rd[i].step, &o->step)) {
            *ret = s->rd[i].rd;
            return 1;
        }
        if (!s->rd[i].rd && slot == CURSOR_OPEN_MAX)
            slot = i;
    }
    if (slot == CURSOR_OPEN_MAX)
        return 0;
    if (s->logs_fd < 0) {
        snprintf(name, sizeof name, "runs/%s/logs", s->run.s);
        s->logs_fd = openat(s->svc->data_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (s->logs_fd < 0)
            return 0;
    }
    snprintf(name, sizeof name, "%d.%d.log", o->index, o->attempt);
    r = logfile_open_read(s->logs_fd, name, &s->rd[slot].rd, e);
    if (r < 0)
        return r == -ERR_NOT_FOUND ? 0 : r;
    s->rd[slot].step = o->step;
    *ret = s->rd[slot].rd;
    return 1;
}

static void reader_drop(struct stream *s, const struct id *step)
{
    for (size_t i = 0; i < CURSOR_OPEN_MAX; i++)
        if (s->rd[i].rd && id_eq(&s->rd[i].step, step)) {
            logfile_close_read(s->rd[i].rd);
            s->rd[i].rd = NULL;
        }
}

static int give(struct stream *s, const struct event_head *h, const char *data, size_t n, struct stream_item *ret,
                struct err *e)
{
    struct jw w = JW_INIT(&s->json);

    buf_reset(&s->json);
    event_envelope(&w, h, data, n);
    if (s->json.bad)
        return err_set(e, ERR_TOO_LARGE, "an event is too large to be sent");
    *ret = (struct stream_item){.cursor = h->cursor, .type = h->type, .json = s->json.p, .json_len = s->json.len};
    return 1;
}

static int give_frame(struct stream *s, const struct cursor_open *o, const struct log_frame *f, struct stream_item *ret,
                      struct err *e)
{
    struct jw w = JW_INIT(&s->data);
    struct event_head h = {.type = "step.log", .time_us = f->time_us, .run_id = &s->run, .step_id = &o->step};

    buf_reset(&s->data);
    jw_obj(&w);
    jw_kstr(&w, "step_id", o->step.s);
    jw_kint(&w, "attempt", o->attempt);
    jw_kstr(&w, "stream", log_stream_name(f->stream));
    jw_kint(&w, "offset", (int64_t)f->offset);
    jw_kbytes(&w, "text", f->p, f->n);
    jw_end_obj(&w);
    h.cursor = stream_cursor(s);
    return give(s, &h, s->data.p, s->data.len, ret, e);
}

/* One more frame of this open step: 1 given, 0 none now. */
static int next_frame(struct stream *s, struct cursor_open *o, struct stream_item *ret, struct err *e)
{
    struct log_reader *rd = NULL;
    struct log_frame f;
    int r = reader_of(s, o, &rd, e);

    while (r > 0) {
        r = logfile_read(rd, o->offset, &f, e);
        if (r <= 0)
            return r;
        o->offset = f.next;
        if (log_stream_name(f.stream)) /* an exit record is not output */
            return give_frame(s, o, &f, ret, e);
    }
    return r;
}

static int next_of_any(struct stream *s, struct stream_item *ret, struct err *e)
{
    for (size_t k = 0; k < s->at.n; k++) {
        int r = next_frame(s, &s->at.open[(s->turn + k) % s->at.n], ret, e);

        if (r != 0) {
            s->turn = (s->turn + k) % s->at.n;
            return r;
        }
    }
    return 0;
}

/* ---- in order ---------------------------------------------------------- */

static int step_opens(struct stream *s, const struct stored *v, struct err *e)
{
    AUTO_PTR(json_free) struct json *doc = NULL;
    int r = json_parse(v->data, strlen(v->data), &doc, e);

    if (r < 0)
        return r;
    return cursor_open_step(&s->at, &v->step_id, (int)json_int(json_get(doc, "index")),
                            (int)json_int(json_get(doc, "attempt")), LOG_START, e);
}

static int give_event(struct stream *s, struct stream_item *ret, struct err *e)
{
    struct stored *v = &s->ev[s->head];
    struct event_head h = {.seq = v->seq, .time_us = v->time_us, .run_id = &s->run, .step_id = &v->step_id};
    int r = 0;

    if (str_eq(v->type, "step.started"))
        r = step_opens(s, v, e);
    if (r < 0)
        return r;
    if (str_eq(v->type, "step.finished")) {
        cursor_close_step(&s->at, &v->step_id);
        reader_drop(s, &v->step_id);
    }
    s->at.seq = v->seq;
    h.cursor = stream_cursor(s);
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

/* Stored events that were not there yet a while ago; 1 when the store was asked. */
static int fetch_more(struct stream *s, struct err *e)
{
    if (s->head < s->n || s->drained)
        return 0;
    int r = store_read(s->svc->store, fetch_tx, s, e);
    if (r < 0)
        return r;
    s->drained = s->n == 0;
    return 1;
}

static int next_stored(struct stream *s, struct stream_item *ret, struct err *e)
{
    /* A step's log is complete before its step.finished is stored: read it to the end first. */
    struct cursor_open *o =
        str_eq(s->ev[s->head].type, "step.finished") ? cursor_find(&s->at, &s->ev[s->head].step_id) : NULL;
    int r = o ? next_frame(s, o, ret, e) : 0;

    return r != 0 ? r : give_event(s, ret, e);
}

int stream_next(struct stream *s, struct stream_item *ret, struct err *e)
{
    for (;;) {
        int asked, r;

        if (s->ended)
            return 0;
        asked = fetch_more(s, e);
        if (asked < 0)
            return asked;
        if (s->head < s->n)
            return next_stored(s, ret, e);
        r = next_of_any(s, ret, e);
        if (r != 0)
            return r;
        s->drained = false;
        /* "Nothing" is only true of a store that was asked after the last frame was read: an event stored (and woken
         * for) while frames were given would otherwise wait for the heartbeat. */
        if (asked)
            return 0;
    }
}
