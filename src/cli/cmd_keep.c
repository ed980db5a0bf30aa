/* cmd_keep - what is kept and removed: retention, the disk, runs kept for ever.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "base/str.h"
#include "cli/reply.h"
#include "cli/resolve.h"
#include "cli/show.h"
#include <inttypes.h>

int cmd_runs_keep(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB), body = BUF_INIT(KIB);
    AUTO(api_reply_fini) struct api_reply reply = {0};
    bool keep = !args_has(&c->args, "release");
    struct jw w = JW_INIT(&body);
    struct id id;
    int r = resolve_run(c, cli_arg(c, 0), &id, e);
    jw_obj(&w);
    jw_kbool(&w, "keep", keep);
    jw_end_obj(&w);
    api_path(&path, "/runs/{}/keep", id.s, NULL);
    if (r == 0)
        r = api_send(&c->api, "POST", &path, &body, &reply, e);
    if (r < 0)
        return r;
    if (!reply_json(c, &reply))
        ui_note(&c->ui, keep ? "%s is kept for ever" : "%s is kept as long as the rules say", id.s);
    return 0;
}

/* ---- retention --------------------------------------------------------------- */

static void bytes_row(struct ui *ui, const char *name, const struct json *o, const char *key)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(64);
    text_bytes(&b, show_int(o, key));
    ui_printf(ui, "  %-14s %s\n", name, b.p);
}

static void age_row(struct ui *ui, const char *name, const struct json *o, const char *key)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(64);
    int64_t ms = show_int(o, key);
    if (ms)
        text_duration(&b, ms);
    ui_printf(ui, "  %-14s %s\n", name, ms ? b.p : "never");
}

static void show_retention(struct ui *ui, const struct json *doc)
{
    static const char *const kinds[] = {"logs", "artifacts", "layers", "runs", "database", "other"};
    const struct json *disk = json_get(doc, "disk"), *rules = json_get(doc, "rules"), *done = json_get(doc, "done");
    const char *why = show_str(disk, "reason");
    ui_printf(ui, "disk: %s%s%s\n", ui_one(ui, show_str(disk, "state")), why ? ": " : "", why ? ui_one(ui, why) : "");
    bytes_row(ui, "free", disk, "free_bytes");
    bytes_row(ui, "kept free", disk, "min_free_bytes");
    bytes_row(ui, "used", disk, "used_bytes");
    if (show_int(disk, "budget_bytes"))
        bytes_row(ui, "budget", disk, "budget_bytes");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        bytes_row(ui, kinds[i], json_get(disk, "used"), kinds[i]);
    ui_printf(ui, "removed, so long after a run's end:\n");
    age_row(ui, "logs", rules, "logs_ms");
    age_row(ui, "all", rules, "runs_ms");
    age_row(ui, "all, if failed", rules, show_int(rules, "failed_runs_ms") ? "failed_runs_ms" : "runs_ms");
    if (show_int(rules, "max_bytes"))
        bytes_row(ui, "all, beyond", rules, "max_bytes");
    ui_printf(ui,
              "since the server's start: %" PRId64 " logs compressed, the logs of %" PRId64 " runs and all of %" PRId64
              " removed\n",
              show_int(done, "logs_compressed"), show_int(done, "logs_removed"), show_int(done, "runs_removed"));
}

static void show_actions(struct ui *ui, const struct json *doc)
{
    AUTO(buf_fini) struct buf total = BUF_INIT(64);
    const struct json *actions = json_get(doc, "actions");
    for (size_t i = 0; i < json_len(actions); i++) {
        const struct json *a = json_at(actions, i);
        AUTO(buf_fini) struct buf b = BUF_INIT(64);
        text_bytes(&b, show_int(a, "bytes"));
        ui_printf(ui, "%-12s %s  %s  %s\n", ui_one(ui, show_str(a, "what")), ui_one(ui, show_str(a, "run_id")), b.p,
                  ui_one(ui, show_str(a, "detail")));
    }
    text_bytes(&total, show_int(doc, "bytes"));
    ui_note(ui, json_true(json_get(doc, "dry_run")) ? "%s would be free again" : "%s are free again", total.p);
}

static int apply_rules(struct cli *c, bool dry, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB), body = BUF_INIT(KIB);
    struct jw w = JW_INIT(&body);
    jw_obj(&w);
    jw_kbool(&w, "dry_run", dry);
    jw_end_obj(&w);
    api_path(&path, "/retention", NULL);
    return reply_show(c, "POST", &path, &body, show_actions, e);
}

int cmd_retention(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    bool dry = args_has(&c->args, "dry-run"), now = args_has(&c->args, "now");
    if (dry && now)
        return err_set(e, ERR_USAGE, "give --dry-run or --now, not both");
    if (dry || now)
        return apply_rules(c, dry, e);
    api_path(&path, "/retention", NULL);
    return reply_show(c, "GET", &path, NULL, show_retention, e);
}
