/* cmd_logs - `sallyport logs`: what the steps wrote.
 *
 * On a terminal: through logview. Elsewhere: byte for byte, the steps' stdout to ours, their stderr (and Sallyport's
 * own lines) to our stderr, as if the step had been run here.
 * May include: base/ os/ net/.   Threads: one. */
#include "base/str.h"
#include "cli/flow.h"
#include "cli/resolve.h"
#include "cli/show.h"

struct logs {
    struct cli *c;
    struct follow follow;
    struct logview view;
    int64_t only;  /* number of the step wanted; 0: all */
    char step[40]; /* its id, once it has started */
};

static bool wanted(const struct logs *l, const char *step_id)
{
    return l->only == 0 || str_eq(step_id, l->step);
}

static int on_log(struct logs *l, const struct json *data, struct err *e)
{
    AUTO(buf_fini) struct buf room = BUF_INIT(4 * MIB);
    const char *p, *id = show_str(data, "step_id");
    int stream = logview_stream(show_str(data, "stream"));
    size_t n;
    int r = logview_bytes(data, &room, &p, &n, e);
    if (r < 0)
        return r;
    if (l->c->ui.out_tty)
        logview_add(&l->view, id ? id : "", stream, p, n);
    else if (stream == LV_OUT)
        ui_raw(&l->c->ui, p, n);
    else
        ui_raw_err(&l->c->ui, p, n);
    return 0;
}

static void on_start(struct logs *l, const struct json *data)
{
    const char *id = show_str(data, "id");
    if (l->only && show_step_number(data) == l->only && id && !str_copy(l->step, sizeof l->step, id))
        l->step[0] = '\0';
    if (!l->c->ui.out_tty || l->c->ui.json || l->c->ui.quiet || !id || !wanted(l, id))
        return;
    logview_end(&l->view);
    show_step_head(&l->c->ui, data, 0);
}

static void on_finish(struct logs *l, const struct json *data)
{
    const char *id = show_str(data, "id");
    if (!l->c->ui.out_tty || l->c->ui.json || l->c->ui.quiet || !id || !wanted(l, id))
        return;
    logview_end(&l->view);
    show_step_end(&l->c->ui, data, 0);
}

static int on_event(void *arg, const struct json *ev, const char *raw, size_t n, struct err *e)
{
    struct logs *l = arg;
    const char *type = show_str(ev, "type");
    const struct json *data = json_get(ev, "data");
    if (str_eq(type, "step.started"))
        on_start(l, data);
    if (str_eq(type, "step.finished"))
        on_finish(l, data);
    if (!str_eq(type, "step.log") || !wanted(l, show_str(data, "step_id")))
        return 0;
    if (!l->c->ui.json)
        return on_log(l, data, e);
    ui_json(&l->c->ui, raw, n);
    return 0;
}

int cmd_logs(struct cli *c, struct err *e)
{
    struct logs l = {.c = c};
    const char *step = args_get(&c->args, "step");
    struct id id;
    if (step && (!str_i64(step, &l.only) || l.only < 1))
        return err_set(e, ERR_USAGE, "--step `%s`: give the number of a step, from 1", step);
    int r = resolve_run(c, cli_arg(c, 0), &id, e);
    if (r < 0)
        return r;
    logview_init(&l.view, &c->ui);
    follow_init(&l.follow, &c->api, id.s, on_event, &l);
    r = args_has(&c->args, "follow") ? follow_stream(&l.follow, e) : follow_now(&l.follow, e);
    logview_end(&l.view);
    follow_fini(&l.follow);
    if (r == 0 && l.only && !l.step[0])
        return err_set(e, ERR_NOT_FOUND, "step %s of %s has not started", step, id.s);
    return r;
}
