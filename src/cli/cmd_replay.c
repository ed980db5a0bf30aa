/* cmd_replay - policy replay: what a policy would have said to past runs.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "base/str.h"
#include "cli/reply.h"
#include "cli/show.h"
#include "os/file.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define POLICY_MAX (4 * MIB)

static const char *const answers[] = {"allow", "ask", "deny"};

/* Over all pages. */
struct tally {
    int64_t runs, runs_changed, steps, changed, unjudged, then[3], now[3];
    bool to_ask, to_deny; /* some command would now be asked about, or denied */
};

static void add_counts(struct tally *t, const struct json *counts)
{
    t->runs += show_int(counts, "runs");
    t->runs_changed += show_int(counts, "runs_changed");
    t->steps += show_int(counts, "steps");
    t->changed += show_int(counts, "changed");
    t->unjudged += show_int(counts, "unjudged");
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        t->then[i] += show_int(json_get(counts, "then"), answers[i]);
        t->now[i] += show_int(json_get(counts, "now"), answers[i]);
    }
}

static void put_answer(struct ui *ui, const char *label, const struct json *d)
{
    const char *action = show_str(d, "action"), *rule = show_str(d, "rule"), *reason = show_str(d, "reason");
    const char *piece = show_str(d, "piece");

    ui_printf(ui, "     %s ", label);
    if (!action) {
        ui_printf(ui, "not judged\n");
        return;
    }
    ui_put(ui, show_action_style(action), action);
    ui_printf(ui, "  rule %s", ui_one(ui, rule ? rule : "-"));
    if (reason)
        ui_printf(ui, ": %s", ui_one(ui, reason));
    if (piece)
        ui_printf(ui, "  [%s]", ui_one(ui, piece));
    ui_printf(ui, "\n");
}

static void put_step(struct ui *ui, const struct json *s)
{
    AUTO(buf_fini) struct buf line = BUF_INIT(MIB);
    const char *cwd = show_str(s, "cwd");

    show_command(&line, s);
    ui_printf(ui, "  %" PRId64 ". %s", show_int(s, "index") + 1, ui_one(ui, line.p ? line.p : ""));
    if (cwd && *cwd)
        ui_printf(ui, "  (in %s)", ui_one(ui, cwd));
    ui_printf(ui, "\n");
    put_answer(ui, "then", json_get(s, "then"));
    put_answer(ui, "now ", json_get(s, "now"));
}

static void put_run(struct ui *ui, const struct json *run, struct tally *t)
{
    const struct json *steps = json_get(run, "steps");
    char room[32];

    if (!ui->json) {
        const char *when = show_time(room, run, "created_at");
        ui_printf(ui, "%s  %s  %s  %s\n", ui_one(ui, show_str(run, "run_id")), when ? when : "-",
                  ui_one(ui, show_str(run, "project_name")), ui_one(ui, show_str(run, "state")));
    }
    for (size_t i = 0; i < json_len(steps); i++) {
        const struct json *s = json_at(steps, i);
        const char *now = show_str(json_get(s, "now"), "action");
        bool changed = json_true(json_get(s, "changed"));
        t->to_deny = t->to_deny || (changed && str_eq(now, "deny"));
        t->to_ask = t->to_ask || (changed && str_eq(now, "ask"));
        if (!ui->json)
            put_step(ui, s);
    }
}

static void put_summary(struct ui *ui, const struct tally *t)
{
    ui_printf(
        ui, "%" PRId64 " commands of %" PRId64 " runs: %" PRId64 " in %" PRId64 " runs would have got another answer\n",
        t->steps, t->runs, t->changed, t->runs_changed);
    for (size_t i = 0; t->steps && i < ARRAY_LEN(answers); i++)
        ui_printf(ui, "  %-5s  then %" PRId64 ", now %" PRId64 "\n", answers[i], t->then[i], t->now[i]);
    if (t->unjudged)
        ui_printf(ui, "  %" PRId64 " had not been judged then\n", t->unjudged);
}

static void request(struct cli *c, const char *text, int64_t since_ms, const char *after, struct buf *body)
{
    struct jw w = JW_INIT(body);

    jw_obj(&w);
    if (text)
        jw_kstr(&w, "text", text);
    if (since_ms)
        jw_kint(&w, "since_ms", since_ms);
    if (after)
        jw_kstr(&w, "after", after);
    jw_kstr_opt(&w, "project_id", args_get(&c->args, "project"));
    if (args_has(&c->args, "all"))
        jw_kbool(&w, "all", true);
    jw_end_obj(&w);
}

/* One page; its `next` into after, "" at the end. */
static int one_page(struct cli *c, const char *text, int64_t since_ms, char after[128], struct tally *t, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(buf_fini) struct buf body = BUF_INIT(POLICY_MAX * 2);
    AUTO(api_reply_fini) struct api_reply reply = {0};

    request(c, text, since_ms, after[0] ? after : NULL, &body);
    api_path(&path, "/policy/replay", NULL);
    int r = api_send(&c->api, "POST", &path, &body, &reply, e);
    if (r < 0) {
        show_problems(&c->ui, reply.json);
        return r;
    }
    reply_json(c, &reply);
    const struct json *items = json_get(reply.json, "items");
    for (size_t i = 0; i < json_len(items); i++)
        put_run(&c->ui, json_at(items, i), t);
    add_counts(t, json_get(reply.json, "counts"));
    const char *next = show_str(reply.json, "next");
    if (next && !str_copy(after, 128, next))
        return err_set(e, ERR_IO, "the server's answer cannot be read: the next page has a bad name");
    if (!next)
        after[0] = '\0';
    return 0;
}

int cmd_policy_replay(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(POLICY_MAX);
    const char *file = cli_arg(c, 0), *since = args_get(&c->args, "since");
    struct tally t = {0};
    char after[128] = "";
    int64_t since_ms = 0;

    if (since && (!str_duration_ms(since, &since_ms) || since_ms <= 0))
        return err_set(e, ERR_USAGE, "--since `%s`: give a time such as 12h or 30d", since);
    int r = file ? cmd_policy_file(file, &text, e) : 0;
    do {
        if (r == 0)
            r = one_page(c, file ? (text.p ? text.p : "") : NULL, since_ms, after, &t, e);
    } while (r == 0 && after[0]);
    if (r < 0)
        return r;
    if (!c->ui.json)
        put_summary(&c->ui, &t);
    c->exit = t.to_deny ? err_info(ERR_POLICY_DENIED)->exit : t.to_ask ? CLI_EXIT_WAITS : 0;
    return 0;
}
