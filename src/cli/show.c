/* show - see show.h.
 *
 * May include: base/ cli/ui.h.   Threads: one. */
#include "cli/show.h"
#include "base/str.h"
#include "cli/table.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_MAX_BYTES (256 * KIB)

const char *show_str(const struct json *o, const char *key)
{
    return json_str(json_get(o, key));
}

int64_t show_int(const struct json *o, const char *key)
{
    return json_int(json_get(o, key));
}

const char *show_time(char room[32], const struct json *o, const char *key)
{
    const char *s = show_str(o, key);
    int64_t us;
    struct tm tm;
    room[0] = '\0';
    if (!s || !time_parse(s, &us))
        return room;
    time_t t = (time_t)(us / SEC_US);
    if (localtime_r(&t, &tm))
        strftime(room, 32, "%Y-%m-%d %H:%M:%S", &tm);
    return room;
}

/* Small tables: a word and how it looks. */
struct word_style {
    const char *word;
    enum ui_style style;
};

static enum ui_style style_of(const struct word_style *t, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(t[i].word, word))
            return t[i].style;
    return UI_PLAIN;
}

enum ui_style show_action_style(const char *action)
{
    static const struct word_style t[] = {
        {"allow", UI_GREEN}, {"ask", UI_YELLOW}, {"deny", UI_RED}, {"allowed", UI_GREEN}, {"denied", UI_RED},
    };
    return style_of(t, ARRAY_LEN(t), action);
}

enum ui_style show_state_style(const char *state)
{
    static const struct word_style t[] = {
        {"succeeded", UI_GREEN},
        {"failed", UI_RED},
        {"denied", UI_RED},
        {"lost", UI_RED},
        {"rejected", UI_RED},
        {"canceled", UI_YELLOW},
        {"expired", UI_YELLOW},
        {"awaiting_review", UI_YELLOW},
        {"awaiting_apply", UI_YELLOW},
        {"awaiting_approval", UI_YELLOW},
        {"pending", UI_YELLOW},
        {"allowed", UI_GREEN},
        {"running", UI_CYAN},
        {"planning", UI_CYAN},
        {"applying", UI_CYAN},
        {"finishing", UI_CYAN},
    };
    return style_of(t, ARRAY_LEN(t), state);
}

static void put_duration(struct ui *ui, int64_t ms)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(64);
    text_duration(&b, ms);
    ui_put(ui, UI_PLAIN, b.p);
}

static void put_count(struct ui *ui, int64_t n, const char *one, const char *many)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(128);
    text_count(&b, n, one, many);
    ui_put(ui, UI_PLAIN, b.p);
}

int64_t show_step_number(const struct json *step)
{
    return show_int(step, "index") + 1;
}

void show_command(struct buf *out, const struct json *o)
{
    const char *cmd = show_str(o, "command");
    const struct json *argv = json_get(o, "argv");
    if (!cmd)
        cmd = show_str(o, "text"); /* of an approval's subject */
    if (cmd) {
        buf_puts(out, cmd);
        return;
    }
    for (size_t i = 0; i < json_len(argv); i++) {
        const char *s = json_str(json_at(argv, i));
        if (i)
            buf_addc(out, ' ');
        buf_quote(out, s ? s : "");
    }
}

/* Every line of a command, the first after "$ ", the others after "> ": nothing of it may hide. */
static void put_command(struct ui *ui, const char *first, const char *indent, const struct json *o)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(TEXT_MAX_BYTES);
    show_command(&b, o);
    const char *p = b.bad ? "(too long to show)" : b.p ? b.p : "";
    for (const char *mark = "$ "; *p || *mark == '$'; mark = "> ") {
        size_t n = strcspn(p, "\n");
        char *line = str_ndup(p, n);
        ui_printf(ui, "%s%s", *mark == '$' ? first : indent, mark);
        ui_put(ui, b.bad ? UI_RED : UI_BOLD, line ? line : "(out of memory)");
        ui_printf(ui, "\n");
        free(line);
        p += n + (p[n] ? 1 : 0);
    }
}

static void put_names(struct ui *ui, const char *indent, const char *label, const struct json *names)
{
    if (json_len(names) == 0)
        return;
    ui_printf(ui, "%s%s", indent, label);
    for (size_t i = 0; i < json_len(names); i++)
        ui_printf(ui, " %s", ui_one(ui, json_str(json_at(names, i))));
    ui_printf(ui, "\n");
}

/* The policy's answer: "allow  rule tests: no network needed"; the piece it fired on when it is not all of `whole`. */
static void put_decision(struct ui *ui, const char *indent, const struct json *d, const char *key, const char *whole)
{
    const char *action = show_str(d, key), *rule = show_str(d, "rule"), *reason = show_str(d, "reason");
    const char *piece = show_str(d, "piece");
    if (!action)
        return;
    ui_printf(ui, "%s", indent);
    ui_put(ui, show_action_style(action), action);
    if (rule)
        ui_printf(ui, "  rule %s", ui_one(ui, rule));
    if (reason)
        ui_printf(ui, "%s%s", rule ? ": " : "  ", ui_one(ui, reason));
    if (piece && !str_eq(piece, whole))
        ui_printf(ui, "  [%s]", ui_one(ui, piece));
    ui_printf(ui, "\n");
}

static void show_plan_step(struct ui *ui, const struct json *s)
{
    const char *title = show_str(s, "title"), *reason = show_str(s, "reason"), *cwd = show_str(s, "cwd");
    int64_t wall = show_int(s, "wall_ms");
    ui_printf(ui, "  %" PRId64 ".", show_step_number(s));
    if (title && *title && !text_is_cut(title, show_str(s, "command")))
        ui_printf(ui, " %s\n    ", ui_one(ui, title));
    put_command(ui, " ", "     ", s);
    if (cwd && *cwd && !str_eq(cwd, "."))
        ui_printf(ui, "     in %s\n", ui_one(ui, cwd));
    put_names(ui, "     ", "env", json_get(s, "env_names"));
    if (json_true(json_get(s, "pty")))
        ui_printf(ui, "     with a terminal: what is typed into it is not judged by the policy\n");
    if (wall > 0) {
        ui_printf(ui, "     at most ");
        put_duration(ui, wall);
        ui_printf(ui, "\n");
    }
    if (reason && *reason)
        ui_printf(ui, "     why: %s\n", ui_one(ui, reason));
    put_decision(ui, "     ", json_get(s, "decision"), "action", show_str(s, "command"));
}

void show_plan(struct ui *ui, const struct json *plan)
{
    const struct json *steps = json_get(plan, "steps"), *notes = json_get(plan, "notes");
    const char *title = show_str(plan, "title");
    ui_put(ui, UI_BOLD, "plan: ");
    put_count(ui, (int64_t)json_len(steps), "step", "steps");
    if (title && *title)
        ui_printf(ui, "  %s", ui_one(ui, title));
    ui_printf(ui, "\n");
    for (size_t i = 0; i < json_len(steps); i++)
        show_plan_step(ui, json_at(steps, i));
    for (size_t i = 0; i < json_len(notes); i++)
        ui_printf(ui, "  note: %s\n", ui_one(ui, json_str(json_at(notes, i))));
}

/* ---- steps ---------------------------------------------------------------- */

void show_step_head(struct ui *ui, const struct json *step, size_t total)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(TEXT_MAX_BYTES);
    show_command(&b, step);
    ui_printf(ui, "step %" PRId64, show_step_number(step));
    if (total)
        ui_printf(ui, "/%zu", total);
    if (show_int(step, "attempt") > 1)
        ui_printf(ui, " (attempt %" PRId64 ")", show_int(step, "attempt"));
    ui_printf(ui, "  ");
    ui_put(ui, UI_BOLD, b.p ? b.p : show_str(step, "title"));
    ui_printf(ui, "\n");
}

/* Why a step did not succeed, in words. */
static void put_why(struct ui *ui, const struct json *s)
{
    const char *error = show_str(s, "error");
    if (json_true(json_get(s, "timed_out")))
        ui_printf(ui, ": longer than its time limit");
    else if (json_true(json_get(s, "oom_killed")))
        ui_printf(ui, ": out of memory");
    else if (show_int(s, "signal") > 0)
        ui_printf(ui, ": killed by signal %" PRId64 " (%s)", show_int(s, "signal"),
                  strsignal((int)(show_int(s, "signal") & 127)));
    else if (json_type(json_get(s, "exit_code")) == JT_INT && show_int(s, "exit_code") != 0)
        ui_printf(ui, ": exit code %" PRId64, show_int(s, "exit_code"));
    if (error && *error)
        ui_printf(ui, ": %s", ui_one(ui, error));
}

static void put_state(struct ui *ui, const struct json *s)
{
    const char *state = show_str(s, "state");
    bool ok = str_eq(state, "succeeded");
    ui_put(ui, show_state_style(state), ok ? "ok" : state ? state : "?");
    if (!ok)
        put_why(ui, s);
    if (json_type(json_get(s, "duration_ms")) == JT_INT) {
        ui_printf(ui, " in ");
        put_duration(ui, show_int(s, "duration_ms"));
    }
    if (json_true(json_get(s, "log_truncated")))
        ui_printf(ui, " (log cut at its limit)");
    if (json_true(json_get(s, "pty")) && str_eq(state, "running"))
        ui_printf(ui, ", with a terminal: sallyport attach %s %" PRId64, ui_one(ui, show_str(s, "run_id")),
                  show_step_number(s));
}

void show_step_end(struct ui *ui, const struct json *step, size_t total)
{
    ui_printf(ui, "step %" PRId64, show_step_number(step));
    if (total)
        ui_printf(ui, "/%zu", total);
    ui_printf(ui, "  ");
    put_state(ui, step);
    ui_printf(ui, "\n");
}

/* ---- runs ---------------------------------------------------------------- */

static void put_reason(struct ui *ui, const struct json *run)
{
    const struct json *reason = json_get(run, "reason");
    const char *code = show_str(reason, "code"), *msg = show_str(reason, "message");
    if (!code)
        return;
    ui_printf(ui, ": %s", ui_one(ui, msg && *msg ? msg : code));
    if (msg && *msg)
        ui_printf(ui, " (%s)", ui_one(ui, code));
}

static void put_artifacts(struct ui *ui, const struct json *run)
{
    const struct json *a = json_get(run, "artifacts");
    for (size_t i = 0; i < json_len(a); i++)
        ui_printf(ui, "%s%s", i ? "  " : "   ", ui_one(ui, show_str(json_at(a, i), "name")));
}

void show_end(struct ui *ui, const struct json *run)
{
    const char *state = show_str(run, "state");
    show_conflicts(ui, run);
    ui_put(ui, show_state_style(state), state ? state : "?");
    if (!str_eq(state, "succeeded"))
        put_reason(ui, run);
    if (json_type(json_get(run, "duration_ms")) == JT_INT) {
        ui_printf(ui, " in ");
        put_duration(ui, show_int(run, "duration_ms"));
    }
    put_artifacts(ui, run);
    ui_printf(ui, "\n");
}

static void field(struct ui *ui, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    ui_put(ui, UI_DIM, name);
    ui_printf(ui, "%*s%s\n", (int)(12 - strlen(name)), "", ui_one(ui, value));
}

static void show_run_steps(struct ui *ui, const struct json *run)
{
    const struct json *steps = json_get(run, "steps");
    for (size_t i = 0; i < json_len(steps); i++) {
        AUTO(buf_fini) struct buf b = BUF_INIT(TEXT_MAX_BYTES);
        const struct json *s = json_at(steps, i);
        show_command(&b, s);
        ui_printf(ui, "  %" PRId64 ". ", show_step_number(s));
        ui_put(ui, UI_BOLD, b.p ? b.p : show_str(s, "title"));
        if (show_int(s, "attempt") > 1)
            ui_printf(ui, " (attempt %" PRId64 ")", show_int(s, "attempt"));
        ui_printf(ui, "\n     ");
        put_state(ui, s);
        ui_printf(ui, "\n");
        put_decision(ui, "     ", json_get(s, "decision"), "action", show_str(s, "command"));
    }
}

/* What a person can do with a run in this state. */
static void show_next(struct ui *ui, const struct json *run)
{
    const char *id = ui_one(ui, show_str(run, "id")), *state = show_str(run, "state");
    if (str_eq(state, "awaiting_review"))
        ui_printf(ui, "next        sallyport plan %s, then approve or reject\n", id);
    else if (str_eq(state, "awaiting_approval"))
        ui_printf(ui, "next        sallyport approvals, then allow or deny\n");
    else if (str_eq(state, "awaiting_apply"))
        ui_printf(ui, "next        sallyport diff %s, then apply or discard\n", id);
}

static void show_priority(struct ui *ui, const struct json *run)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, show_int(run, "priority"));
    if (show_int(run, "priority"))
        field(ui, "priority", text);
}

void show_run(struct ui *ui, const struct json *run)
{
    char room[32];
    const struct json *changes = json_get(run, "changes");
    const char *state = show_str(run, "state");
    field(ui, "run", show_str(run, "id"));
    ui_put(ui, UI_DIM, "state");
    ui_printf(ui, "       ");
    ui_put(ui, show_state_style(state), state);
    if (str_eq(state, "queued"))
        ui_printf(ui, " (%s)", ui_one(ui, show_str(run, "phase")));
    put_reason(ui, run);
    ui_printf(ui, "\n");
    field(ui, "project", show_str(run, "project_name"));
    field(ui, "intent", show_str(run, "intent"));
    field(ui, "undoes", show_str(run, "undoes"));
    show_priority(ui, run);
    field(ui, "by", show_str(run, "actor"));
    field(ui, "created", show_time(room, run, "created_at"));
    if (show_str(run, "removed_at"))
        field(ui, "gone", show_time(room, run, "removed_at"));
    else if (show_str(run, "logs_removed_at"))
        field(ui, "logs gone", show_time(room, run, "logs_removed_at"));
    if (json_true(json_get(run, "kept")))
        field(ui, "kept", "for ever");
    field(ui, "finished", show_time(room, run, "finished_at"));
    show_run_steps(ui, run);
    if (json_type(changes) == JT_OBJ)
        show_changes(ui, changes, 0);
    show_conflicts(ui, run);
    if (json_len(json_get(run, "artifacts"))) {
        ui_put(ui, UI_DIM, "artifacts");
        put_artifacts(ui, run);
        ui_printf(ui, "\n");
    }
    show_next(ui, run);
}

/* ---- approvals, verdicts ------------------------------------------------------- */

/* {"text"|"argv"|"plan"|"changes"|"file", "cwd","env_names","network"}: what the answer is bound to. */
static void show_subject(struct ui *ui, const struct json *s)
{
    const char *cwd = show_str(s, "cwd"), *net = show_str(s, "network");
    if (show_str(s, "text") || json_len(json_get(s, "argv"))) {
        put_command(ui, "  ", "  ", s);
    } else if (show_str(s, "plan")) {
        ui_printf(ui, "  plan %s\n", ui_one(ui, show_str(s, "plan")));
    } else if (show_str(s, "changes")) {
        ui_printf(ui, "  changes %s\n", ui_one(ui, show_str(s, "changes")));
    } else {
        AUTO(buf_fini) struct buf b = BUF_INIT(TEXT_MAX_BYTES);
        bool ok = json_canonical(s, &b, NULL) == 0 && b.p;
        ui_printf(ui, "  %s\n", ok ? ui_one(ui, b.p) : "(cannot be shown)");
    }
    if (cwd && *cwd && !str_eq(cwd, "."))
        ui_printf(ui, "  in %s\n", ui_one(ui, cwd));
    put_names(ui, "  ", "env", json_get(s, "env_names"));
    if (net && !str_eq(net, "none"))
        ui_printf(ui, "  with network: %s\n", ui_one(ui, net));
}

void show_approval(struct ui *ui, const struct json *a)
{
    const char *state = show_str(a, "state"), *actor = show_str(a, "actor"), *piece = show_str(a, "piece");
    const struct json *subject = json_get(a, "subject");
    ui_printf(ui, "%s  %s  ", ui_one(ui, show_str(a, "id")), ui_one(ui, show_str(a, "kind")));
    ui_put(ui, show_state_style(state), state);
    if (actor)
        ui_printf(ui, " by %s", ui_one(ui, actor));
    ui_printf(ui, "\n");
    show_subject(ui, subject);
    if (show_str(a, "reason"))
        ui_printf(ui, "  asked by rule %s: %s\n", ui_one(ui, show_str(a, "rule")), ui_one(ui, show_str(a, "reason")));
    if (piece && !str_eq(piece, show_str(subject, "text")))
        ui_printf(ui, "  because of [%s]\n", ui_one(ui, piece));
}

void show_verdict(struct ui *ui, const struct json *v)
{
    const struct json *commands = json_get(v, "commands"), *opaque = json_get(v, "opaque");
    put_decision(ui, "", v, "decision", NULL);
    for (size_t i = 0; i < json_len(commands); i++) {
        const struct json *c = json_at(commands, i);
        ui_printf(ui, "  %s\n", ui_one(ui, show_str(c, "text")));
        put_decision(ui, "    ", c, "decision", NULL);
    }
    for (size_t i = 0; i < json_len(opaque); i++)
        ui_printf(ui, "  not known before it runs: %s: %s\n", ui_one(ui, show_str(json_at(opaque, i), "text")),
                  ui_one(ui, show_str(json_at(opaque, i), "reason")));
    if (json_type(json_get(v, "policy_version")) == JT_INT)
        ui_printf(ui, "policy version %" PRId64 "\n", show_int(v, "policy_version"));
}

/* One problem stands in the message already. */
void show_problems(struct ui *ui, const struct json *answer)
{
    const struct json *list = json_get(json_get(json_get(answer, "error"), "details"), "problems");
    for (size_t i = 0; json_len(list) > 1 && i < json_len(list); i++) {
        const struct json *p = json_at(list, i);
        ui_warn(ui, "line %" PRId64 ": %s%s%s", show_int(p, "line"), ui_one(ui, show_str(p, "field")),
                show_str(p, "field") ? ": " : "", ui_one(ui, show_str(p, "message")));
    }
}
