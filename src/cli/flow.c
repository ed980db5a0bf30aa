/* flow - see flow.h.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "cli/flow.h"
#include "base/str.h"
#include "cli/attach.h"
#include "cli/reply.h"
#include "cli/show.h"
#include <string.h>

static int on_event(void *arg, const struct json *ev, const char *raw, size_t n, struct err *e);

void flow_init(struct flow *f, struct cli *c, const struct id *run)
{
    *f = (struct flow){.c = c, .run = *run};
    follow_init(&f->follow, &c->api, f->run.s, on_event, f);
    logview_init(&f->log, &c->ui);
}

void flow_fini(struct flow *f)
{
    follow_fini(&f->follow);
}

/* ---- requests ------------------------------------------------------------- */

int flow_post(struct api *a, const struct id *run, const char *what, const struct buf *body, struct api_reply *ret,
              struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(buf_fini) struct buf empty = BUF_INIT(8);
    buf_puts(&empty, "{}");
    api_path(&path, "/runs/{}/{}", run->s, what, NULL);
    return api_send(a, "POST", &path, body ? body : &empty, ret, e);
}

static int get(struct api *a, const struct id *run, const char *pattern, struct api_reply *ret, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    api_path(&path, pattern, run->s, NULL);
    return api_get(a, &path, ret, e);
}

int flow_get_run(struct api *a, const struct id *run, struct api_reply *ret, struct err *e)
{
    return get(a, run, "/runs/{}", ret, e);
}

int flow_get_plan(struct api *a, const struct id *run, struct api_reply *ret, struct err *e)
{
    return get(a, run, "/runs/{}/plan", ret, e);
}

int flow_get_changes(struct api *a, const struct id *run, struct api_reply *ret, struct err *e)
{
    return get(a, run, "/runs/{}/changes", ret, e);
}

int flow_answer(struct api *a, const struct json *approval, bool allow, const char *note, struct api_reply *ret,
                struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(buf_fini) struct buf body = BUF_INIT(64 * KIB);
    struct jw w = JW_INIT(&body);
    const char *id = show_str(approval, "id");
    jw_obj(&w);
    jw_kstr(&w, "decision", allow ? "allow" : "deny");
    jw_kstr_opt(&w, "note", note);
    jw_kstr_opt(&w, "subject_hash", show_str(approval, "subject_hash"));
    jw_end_obj(&w);
    api_path(&path, "/approvals/{}", id ? id : "", NULL);
    return api_send(a, "POST", &path, &body, ret, e);
}

/* ---- events ---------------------------------------------------------------- */

static bool is_door(const char *state)
{
    return str_eq(state, "awaiting_review") || str_eq(state, "awaiting_approval") || str_eq(state, "awaiting_apply");
}

static int on_status(struct flow *f, const struct json *data, struct err *e)
{
    const char *to = show_str(data, "to");
    if (!is_door(to))
        return 0;
    if (!str_copy(f->door, sizeof f->door, to))
        return err_set(e, ERR_INTERNAL, "the server named a state that is not known here");
    return 1;
}

static int on_planned(struct flow *f, const struct json *data, struct err *e)
{
    const char *hash = show_str(data, "plan_hash");
    f->steps = json_len(json_get(data, "steps"));
    if (f->c->ui.json || !hash || str_eq(hash, f->plan_hash) || f->steps == 0)
        return 0;
    logview_end(&f->log);
    show_plan(&f->c->ui, data);
    return str_copy(f->plan_hash, sizeof f->plan_hash, hash) ? 0 : err_set(e, ERR_IO, "the plan's hash is too long");
}

static int on_step_started(struct flow *f, const struct json *data, struct err *e)
{
    const char *id = show_str(data, "id");
    logview_end(&f->log);
    if (!f->c->ui.quiet)
        show_step_head(&f->c->ui, data, f->steps);
    if (!f->attach || !id || !json_true(json_get(data, "pty")) || str_eq(id, f->tty))
        return 0;
    f->tty_number = show_step_number(data);
    return str_copy(f->tty, sizeof f->tty, id) ? 1 : err_set(e, ERR_IO, "the step's id is too long");
}

static int on_step_log(struct flow *f, const struct json *data, struct err *e)
{
    AUTO(buf_fini) struct buf room = BUF_INIT(4 * MIB);
    const char *p, *step = show_str(data, "step_id");
    size_t n;
    if (f->tty[0] && str_eq(step, f->tty))
        return 0;
    int r = logview_bytes(data, &room, &p, &n, e);
    if (r == 0)
        logview_add(&f->log, step ? step : "", logview_stream(show_str(data, "stream")), p, n);
    return r;
}

static int on_step_finished(struct flow *f, const struct json *data, struct err *e)
{
    logview_end(&f->log);
    if (!f->c->ui.quiet || !str_eq(show_str(data, "state"), "succeeded"))
        show_step_end(&f->c->ui, data, f->steps);
    return 0;
}

static int on_applied(struct flow *f, const struct json *data, struct err *e)
{
    if (f->undo)
        show_totals(&f->c->ui, "put back: ", data);
    return 0;
}

/* One row per event that shows. With --json every event is printed instead, and only the doors matter. */
static const struct {
    const char *type;
    bool always; /* with --json too */
    int (*fn)(struct flow *, const struct json *data, struct err *);
} on[] = {
    {"run.status", true, on_status},
    {"run.planned", true, on_planned},
    {"step.started", false, on_step_started},
    {"step.log", false, on_step_log},
    {"step.finished", false, on_step_finished},
    {"changes.applied", false, on_applied},
};

static int on_event(void *arg, const struct json *ev, const char *raw, size_t n, struct err *e)
{
    struct flow *f = arg;
    const char *type = show_str(ev, "type");
    const struct json *data = json_get(ev, "data");
    if (f->c->ui.json)
        ui_json(&f->c->ui, raw, n);
    for (size_t i = 0; i < ARRAY_LEN(on); i++)
        if (str_eq(type, on[i].type) && (on[i].always || !f->c->ui.json))
            return on[i].fn(f, data, e);
    return 0;
}

/* ---- the end ---------------------------------------------------------------- */

int flow_exit(const struct json *run)
{
    static const struct {
        const char *state;
        int code;
    } ends[] = {
        {"failed", ERR_STEP_FAILED},
        {"rejected", ERR_PLAN_REJECTED},
        {"canceled", ERR_CANCELED},
        {"expired", ERR_EXPIRED},
    };
    const char *state = show_str(run, "state"), *why = show_str(json_get(run, "reason"), "code");
    if (str_eq(state, "succeeded"))
        return 0;
    int code = why ? err_by_name(why) : ERR_INTERNAL;
    if (code != ERR_INTERNAL || str_eq(why, "internal"))
        return err_info(code)->exit;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (str_eq(state, ends[i].state))
            return err_info(ends[i].code)->exit;
    return err_info(ERR_INTERNAL)->exit;
}

/* A run all of whose changes are refused comes to no second door: nothing has shown them yet. */
static int show_only_refused(struct flow *f, const struct json *run, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply changes = {0};
    const struct json *totals = json_get(run, "changes");

    if (f->undo || show_int(totals, "files") != 0 || show_int(totals, "refused") <= 0)
        return 0;
    int r = flow_get_changes(&f->c->api, &f->run, &changes, e);
    if (r == 0)
        show_changes(&f->c->ui, changes.json, CHANGES_SHOWN);
    return r;
}

static int show_final(struct flow *f, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply reply = {0};
    logview_end(&f->log);
    int r = flow_get_run(&f->c->api, &f->run, &reply, e);
    if (r < 0)
        return r;
    if (!reply_json(f->c, &reply)) {
        r = show_only_refused(f, reply.json, e);
        if (r < 0)
            return r;
        show_end(&f->c->ui, reply.json);
    }
    f->c->exit = f->canceled ? err_info(ERR_INTERRUPTED)->exit : flow_exit(reply.json);
    return 0;
}

/* Ctrl-C. The flag is put back, so that the requests that follow are not cut short too. */
static int on_interrupt(struct flow *f, struct err *e)
{
    struct err why = ERR_INIT;
    struct ui *ui = &f->c->ui;
    logview_end(&f->log);
    ui_flush(ui);
    cli_interrupt_clear();
    if (!f->owner || f->canceled) {
        ui_note(ui, "sallyport: leaving; the run goes on: sallyport logs %s -f", f->run.s);
        return err_set(e, ERR_INTERRUPTED, NULL);
    }
    f->canceled = true;
    ui_note(ui, "sallyport: canceling the run (Ctrl-C again to leave it alone) ...");
    int r = flow_post(&f->c->api, &f->run, "cancel", NULL, NULL, &why);
    if (r == -ERR_STATE || r >= 0) /* it had ended by itself: see how */
        return 0;
    *e = why;
    return r;
}

/* The step has begun: from here on it is between it and the person. Whoever leaves leaves the run too. */
static int go_attach(struct flow *f, struct err *e)
{
    struct attach_in in = {.run = &f->run, .step = f->tty, .number = f->tty_number, .cursor = f->follow.cursor.p};
    bool ended;
    f->tty_number = 0;
    int r = attach_step(f->c, &in, &ended, e);
    if (r < 0 || ended)
        return r;
    ui_note(&f->c->ui, "sallyport: left; the run goes on: sallyport attach %s", f->run.s);
    f->left = true;
    return 0;
}

int flow_go(struct flow *f, struct err *e)
{
    while (!f->follow.ended && !f->left && !f->c->ui.broken) {
        f->door[0] = '\0';
        int r = follow_stream(&f->follow, e);
        if (r == 0 && f->tty_number)
            r = go_attach(f, e);
        if (r == 0 && f->door[0]) {
            logview_end(&f->log);
            r = flow_door(f, e);
            f->left = r == 1;
        }
        if (r == -ERR_INTERRUPTED)
            r = on_interrupt(f, e);
        if (r < 0) {
            logview_end(&f->log);
            return r;
        }
    }
    return f->left || f->c->ui.broken ? 0 : show_final(f, e);
}
