/* cmd_queue - the run queue: what waits, since when and why, and how to steer it.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "base/str.h"
#include "cli/reply.h"
#include "cli/resolve.h"
#include "cli/show.h"
#include "os/clock.h"
#include <inttypes.h>
#include <string.h>

#define LOOK_MS 300 /* how often `drain` looks whether something still runs */

const struct opt cmd_queue_opts[] = {
    {"limit", 0, "N", "at most N that wait, 1 to 500; default 100", false},
    {0},
};
const struct opt cmd_drain_opts[] = {
    {"note", 0, "TEXT", "shown in the queue and kept in the audit trail", false},
    {"timeout", 0, "TIME", "wait at most that long: 10m, 2h", false},
    {"detach", 'd', NULL, "do not wait for what runs", false},
    {0},
};

/* ---- show ----------------------------------------------------------------- */

static void show_pause(struct ui *ui, const char *what, const char *name, const struct json *o)
{
    char room[32];
    const char *note = show_str(o, "note"), *at = show_time(room, o, "paused_at");
    if (!json_true(json_get(o, "paused")) && !json_true(json_get(o, "draining")))
        return;
    ui_put(ui, UI_YELLOW, json_true(json_get(o, "draining")) ? "draining" : "paused");
    ui_printf(ui, " %s %s", what, ui_one(ui, name));
    if (at && *at)
        ui_printf(ui, " since %s", at);
    if (show_str(o, "paused_by"))
        ui_printf(ui, " by %s", ui_one(ui, show_str(o, "paused_by")));
    if (note)
        ui_printf(ui, ": %s", ui_one(ui, note));
    ui_printf(ui, "\n");
}

static void show_head(struct ui *ui, const struct json *q)
{
    const struct json *projects = json_get(q, "projects"), *node = json_get(q, "node");
    ui_printf(ui, "%" PRId64 " ready, %" PRId64 " in work, %" PRId64 " for later", show_int(q, "ready"),
              show_int(q, "leased"), show_int(q, "delayed"));
    if (show_int(q, "oldest_ms") >= 1000) {
        AUTO(buf_fini) struct buf b = BUF_INIT(64);
        text_duration(&b, show_int(q, "oldest_ms"));
        ui_printf(ui, "; the oldest has waited %s", b.p);
    }
    ui_printf(ui, "\n");
    show_pause(ui, "node", show_str(node, "name"), node);
    for (size_t i = 0; i < json_len(projects); i++)
        show_pause(ui, "project", show_str(json_at(projects, i), "project_name"), json_at(projects, i));
}

static void add_item(struct table *t, const struct json *q)
{
    const struct json *waits = json_get(q, "waits");
    const char *worker = show_str(q, "worker");
    char since[32], next[32];
    table_cell(t, UI_PLAIN, show_str(q, "run_id"));
    table_cell(t, UI_PLAIN, show_str(q, "project_name"));
    table_cell(t, UI_PLAIN, show_str(q, "phase"));
    table_cellf(t, UI_PLAIN, "%" PRId64, show_int(q, "priority"));
    table_cell(t, UI_DIM, show_time(since, q, worker ? "held_at" : "enqueued_at"));
    table_cellf(t, UI_PLAIN, "%" PRId64, show_int(q, "attempts"));
    table_cell(t, UI_DIM, show_time(next, q, "available_at"));
    if (json_type(waits) == JT_OBJ)
        table_cellf(t, UI_PLAIN, "%s: %s", show_str(waits, "code"), show_str(waits, "message"));
    else
        table_cellf(t, UI_GREEN, "held by %s", worker ? worker : "?");
}

static int fetch(struct cli *c, const char *limit, struct api_reply *ret, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    api_path(&path, "/queue", NULL);
    api_query(&path, "limit", limit);
    return api_get(&c->api, &path, ret, e);
}

int cmd_queue(struct cli *c, struct err *e)
{
    static const char *const head[] = {"RUN", "PROJECT", "PHASE", "PRIO", "SINCE", "TRIES", "NEXT TRY", "WAITS FOR"};
    AUTO(api_reply_fini) struct api_reply reply = {0};
    struct table t;
    int r = fetch(c, args_get(&c->args, "limit"), &reply, e);
    if (r < 0)
        return r;
    if (reply_json(c, &reply))
        return 0;
    const struct json *items = json_get(reply.json, "items");
    show_head(&c->ui, reply.json);
    table_init(&t, ARRAY_LEN(head), 7, head);
    for (size_t i = 0; i < json_len(items); i++)
        add_item(&t, json_at(items, i));
    table_print(&t, &c->ui, "");
    if (show_str(reply.json, "next"))
        ui_note(&c->ui, "more wait: --limit 500, or the API");
    return 0;
}

/* ---- steer ---------------------------------------------------------------- */

static int post(struct cli *c, const struct buf *path, struct buf *body, struct api_reply *ret, struct err *e)
{
    int r = api_send(&c->api, "POST", path, body, ret, e);
    if (r == 0)
        reply_json(c, ret);
    return r;
}

/* what: "pause", "resume", "drain"; of the project that is the argument, or of the node. */
static int steer(struct cli *c, const char *what, bool note, struct api_reply *ret, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(8 * KIB);
    AUTO(buf_fini) struct buf body = BUF_INIT(64 * KIB);
    struct jw w = JW_INIT(&body);
    jw_obj(&w);
    if (note)
        jw_kstr_opt(&w, "note", args_get(&c->args, "note"));
    jw_end_obj(&w);
    if (cli_arg(c, 0))
        api_path(&path, "/projects/{}/{}", cli_arg(c, 0), what, NULL);
    else
        api_path(&path, "/queue/{}", what, NULL);
    return post(c, &path, &body, ret, e);
}

int cmd_queue_pause(struct cli *c, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply reply = {0};
    int r = steer(c, "pause", true, &reply, e);
    if (r < 0 || c->ui.json)
        return r;
    const char *project = show_str(reply.json, "project_name");
    if (project)
        ui_printf(&c->ui, "paused project %s; new runs are accepted and wait\n", ui_one(&c->ui, project));
    else
        ui_printf(&c->ui, "paused; new runs are accepted and wait; %" PRId64 " that run go on\n",
                  show_int(reply.json, "held"));
    return 0;
}

int cmd_queue_resume(struct cli *c, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply reply = {0};
    int r = steer(c, "resume", false, &reply, e);
    if (r < 0 || c->ui.json)
        return r;
    const char *project = show_str(reply.json, "project_name");
    ui_printf(&c->ui, "resumed%s%s\n", project ? " project " : "", project ? ui_one(&c->ui, project) : "");
    return 0;
}

static int wait_empty(struct cli *c, int64_t until, struct err *e)
{
    for (;;) {
        AUTO(api_reply_fini) struct api_reply reply = {0};
        int r = fetch(c, "1", &reply, e);
        if (r < 0)
            return r;
        const struct json *node = json_get(reply.json, "node");
        int64_t held = show_int(node, "held");
        if (!json_true(json_get(node, "draining")))
            return err_set(e, ERR_STATE, "somebody resumed the queue; in work: %" PRId64, held);
        if (held == 0) {
            if (!c->ui.json)
                ui_printf(&c->ui, "drained: nothing runs on %s\n", ui_one(&c->ui, show_str(node, "name")));
            return 0;
        }
        if (*c->api.interrupt)
            return err_set(e, ERR_INTERRUPTED, "the queue goes on draining: sallyport queue resume ends that");
        if (until && clock_mono_us() >= until) {
            cli_hint(c, "see what is in work: sallyport queue     start again: sallyport queue resume");
            return err_set(e, ERR_TIMEOUT, "still in work: %" PRId64 "; the queue goes on draining", held);
        }
        clock_sleep_us(LOOK_MS * MS_US);
    }
}

int cmd_queue_drain(struct cli *c, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply reply = {0};
    const char *time = args_get(&c->args, "timeout");
    int64_t ms = 0;
    if (time && (!str_duration_ms(time, &ms) || ms <= 0))
        return err_set(e, ERR_USAGE, "--timeout `%s`: give a time such as 30s, 10m, 2h", time);
    int r = steer(c, "drain", true, &reply, e);
    if (r < 0)
        return r;
    if (!c->ui.json && show_int(reply.json, "held"))
        ui_printf(&c->ui, "draining; in work: %" PRId64 "\n", show_int(reply.json, "held"));
    if (args_has(&c->args, "detach"))
        return 0;
    return wait_empty(c, ms ? clock_mono_us() + ms * MS_US : 0, e);
}

void cmd_put_priority(struct jw *w, const char *text)
{
    int64_t n;
    if (text && str_i64(text, &n))
        jw_kint(w, "priority", n);
    else
        jw_kstr_opt(w, "priority", text);
}

int cmd_queue_priority(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(buf_fini) struct buf body = BUF_INIT(KIB);
    AUTO(api_reply_fini) struct api_reply reply = {0};
    struct jw w = JW_INIT(&body);
    struct id id;
    int r = resolve_run(c, cli_arg(c, 0), &id, e);
    if (r < 0)
        return r;
    jw_obj(&w);
    cmd_put_priority(&w, cli_arg(c, 1));
    jw_end_obj(&w);
    api_path(&path, "/queue/{}/priority", id.s, NULL);
    r = post(c, &path, &body, &reply, e);
    if (r == 0 && !c->ui.json)
        ui_printf(&c->ui, "priority of %s is %" PRId64 "\n", id.s, show_int(reply.json, "priority"));
    return r;
}
