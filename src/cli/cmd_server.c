/* cmd_server - the server itself: reconcile, status; and the version of this program.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "base/str.h"
#include "cli/reply.h"
#include "cli/show.h"
#include <inttypes.h>
#include <string.h>

static int fetch(struct cli *c, const char *what, struct api_reply *ret, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    api_path(&path, what, NULL);
    return api_get(&c->api, &path, ret, e);
}

static void show_left(struct ui *ui, const struct json *list, const char *prefix)
{
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *a = json_at(list, i);
        const char *run = show_str(a, "run_id");
        ui_printf(ui, "%s%s%s%s  %s\n", prefix, ui_one(ui, show_str(a, "what")), run ? "  " : "",
                  run ? ui_one(ui, run) : "", ui_one(ui, show_str(a, "detail")));
    }
}

static void show_reconciled(struct ui *ui, const struct json *doc)
{
    const struct json *actions = json_get(doc, "actions"), *problems = json_get(doc, "problems");
    show_left(ui, actions, "");
    show_left(ui, problems, "not done: ");
    if (json_len(actions) == 0 && json_len(problems) == 0)
        ui_note(ui, "nothing was left behind");
    if (json_true(json_get(doc, "more")))
        ui_note(ui, "there is more: run it again");
}

int cmd_reconcile(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(buf_fini) struct buf body = BUF_INIT(32);
    bool dry = args_has(&c->args, "dry-run");
    buf_puts(&body, dry ? "{\"dry_run\":true}" : "{}");
    api_path(&path, "/reconcile", NULL);
    return reply_show(c, "POST", &path, &body, show_reconciled, e);
}

/* ---- status ------------------------------------------------------------------ */

static void row(struct ui *ui, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    ui_put(ui, UI_DIM, name);
    ui_printf(ui, "%*s%s\n", (int)(12 - strlen(name)), "", ui_one(ui, value));
}

/* Numbers of an object as "a 1, b 2"; objects inside are left to --json. */
static void numbers(struct ui *ui, const char *name, const struct json *o)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(8 * KIB);
    for (const void *it = json_first(o); it; it = json_next(o, it))
        if (json_type(json_val(it)) == JT_INT && json_int(json_val(it)) != 0)
            buf_printf(&b, "%s%s %" PRId64, b.len ? ", " : "", json_key(it), json_int(json_val(it)));
    row(ui, name, b.len ? b.p : "none");
}

static void show_status(struct cli *c, const struct json *who, const struct json *sum)
{
    AUTO(buf_fini) struct buf scopes = BUF_INIT(8 * KIB);
    const struct json *list = json_get(who, "scopes");
    struct ui *ui = &c->ui;
    for (size_t i = 0; i < json_len(list); i++)
        buf_printf(&scopes, "%s%s", i ? " " : "", json_str(json_at(list, i)) ? json_str(json_at(list, i)) : "?");
    row(ui, "server", c->api.where);
    row(ui, "version", show_str(who, "version"));
    row(ui, "we are", show_str(who, "actor"));
    row(ui, "may", scopes.p);
    if (json_type(json_get(sum, "runs")) == JT_OBJ)
        numbers(ui, "runs", json_get(sum, "runs"));
    if (json_type(json_get(sum, "queue")) == JT_OBJ)
        numbers(ui, "queue", json_get(sum, "queue"));
    const char *theirs = show_str(who, "version");
    if (theirs && !str_eq(theirs, SALLYPORT_VERSION))
        ui_warn(ui, "this program is version %s, the server %s", SALLYPORT_VERSION, ui_one(ui, theirs));
}

int cmd_status(struct cli *c, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply who = {0};
    AUTO(api_reply_fini) struct api_reply sum = {0};
    struct err why = ERR_INIT;
    int r = fetch(c, "/whoami", &who, e);
    if (r < 0)
        return r;
    if (reply_json(c, &who))
        return 0;
    r = fetch(c, "/metrics/summary", &sum, &why); /* a token without run:read gets no counts, but still an answer */
    show_status(c, who.json, r < 0 ? NULL : sum.json);
    return 0;
}

int cmd_version(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(KIB);
    struct jw w = JW_INIT(&b);
    bool console = !*c->no_console;
    if (c->ui.json) {
        jw_obj(&w);
        jw_kstr(&w, "version", SALLYPORT_VERSION);
        jw_kbool(&w, "console", console);
        jw_end_obj(&w);
        ui_json(&c->ui, b.p, b.len);
        return 0;
    }
    ui_printf(&c->ui, "sallyport %s\n", SALLYPORT_VERSION);
    ui_printf(&c->ui, console ? "with the web console%s\n" : "without the web console: %s\n", c->no_console);
    return 0;
}
