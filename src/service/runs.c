/* runs.c - the one function that moves a run, and what every transition shares. See runs.h. */
#include "service/runs_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "os/clock.h"
#include "service/hub.h"
#include "service/view.h"
#include "store/queue_rows.h"

/* ---- moving ------------------------------------------------------------ */

static int64_t wait_ends(const struct svc *svc, enum run_node n, int64_t now)
{
    int64_t ms = 0;

    if (n == RN_AWAITING_REVIEW || n == RN_AWAITING_APPLY)
        ms = svc->set.review_ms;
    if (n == RN_AWAITING_APPROVAL)
        ms = svc->set.approval_ms;
    return ms ? now + ms * MS_US : 0;
}

int runs_status_event(struct db *db, const struct run_row *row, enum run_node from, int64_t now, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(8 * KIB);
    struct jw w = JW_INIT(&b);
    int64_t seq;

    jw_obj(&w);
    jw_kstr(&w, "from", from == RN_NONE ? NULL : run_sm_state(from));
    jw_kstr(&w, "to", run_sm_state(row->node));
    jw_kstr(&w, "phase", run_sm_phase(row->node));
    view_reason(&w, row);
    jw_end_obj(&w);
    if (b.bad)
        return err_oom(e);
    return event_append(db, &row->id, NULL, "run.status", now, b.p, &seq, e);
}

/* The queue row follows the node: there while queued or held, gone while a person is waited for and at the end. */
static int queue_follow(struct db *db, const struct run_row *row, enum run_node from, enum run_ev ev, int64_t now,
                        struct err *e)
{
    const char *phase = run_sm_phase(row->node);

    if (ev == RE_LEASE_LOST)
        return 0; /* found by a claim of the row that is there */
    if (phase)
        return queue_put(db, &row->id, phase, now, now, e);
    if (run_sm_held(row->node) || from == RN_NONE)
        return 0;
    return queue_delete(db, &row->id, e);
}

int runs_move(struct svc *svc, struct db *db, struct run_row *row, enum run_ev ev, struct err *e)
{
    enum run_node from = row->node, to = run_sm_next(from, ev);
    int64_t now = clock_now_us();
    int r;

    if (to == RN_NONE)
        return err_set(e, ERR_STATE, "the run is %s: it does not take \"%s\" now", run_sm_state(from), run_sm_ev(ev));
    if (ev == RE_FINISHED) {
        to = run_sm_parse(row->outcome ? row->outcome : "failed", NULL);
        if (to == RN_NONE || !run_sm_final(to))
            return err_set(e, ERR_INTERNAL, "the run has no outcome");
        row->finished_us = now;
    }
    if (to == from)
        return run_save(db, row, e);
    row->node = to;
    row->updated_us = now;
    row->expires_us = wait_ends(svc, to, now);
    r = queue_follow(db, row, from, ev, now, e);
    if (r == 0)
        r = runs_status_event(db, row, from, now, e);
    if (r == 0)
        r = run_save(db, row, e);
    return r;
}

int runs_set_str(char **dst, const char *src, struct err *e)
{
    char *s = src ? str_dup(src) : NULL;

    if (src && !s)
        return err_oom(e);
    free(*dst);
    *dst = s;
    return 0;
}

bool runs_second_door(const char *review)
{
    return str_eq(review, "both") || str_eq(review, "effects");
}

int runs_decide(struct run_row *row, const char *outcome, int code, const char *text, struct err *e)
{
    int r;

    if (row->outcome)
        return 0;
    r = runs_set_str(&row->outcome, outcome, e);
    if (r == 0 && code) {
        r = runs_set_str(&row->reason_code, err_info(code)->name, e);
        if (r == 0)
            r = runs_set_str(&row->reason_text, text ? text : err_info(code)->text, e);
    }
    return r;
}

int runs_event(struct db *db, const struct id *run, const struct id *step, const char *type, const struct buf *data,
               struct err *e)
{
    int64_t seq;

    if (data && data->bad)
        return err_bad(e, data->bad, "the data of event %s is too large", type);
    return event_append(db, run, step, type, clock_now_us(), data ? data->p : "{}", &seq, e);
}

void runs_wake(struct svc *svc)
{
    hub_work(svc->hub);
}
