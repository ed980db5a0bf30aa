/* flow_door - the questions a run asks, and what becomes of the answers. See flow.h.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "base/str.h"
#include "cli/edit.h"
#include "cli/flow.h"
#include "cli/planform.h"
#include "cli/show.h"
#include <string.h>

#define DIFF_MAX      (64 * MIB)
#define PLAN_TEXT_MAX (4 * MIB)

enum { LEAVE = 1 };

/* What the other commands are that go on from here. */
static int leave(struct flow *f, const char *what, const char *const cmds[])
{
    struct ui *ui = &f->c->ui;
    ui_note(ui, "%s waits %s", f->run.s, what);
    for (size_t i = 0; cmds[i]; i++)
        ui_note(ui, "  sallyport %s %s", cmds[i], f->run.s);
    f->c->exit = CLI_EXIT_WAITS;
    return LEAVE;
}

static int leave_review(struct flow *f)
{
    return leave(f, "for its plan to be approved:", (const char *const[]){"approve", "reject", "plan", NULL});
}

static int leave_apply(struct flow *f)
{
    return leave(f, "for its changes to be applied:", (const char *const[]){"diff", "apply", "discard", NULL});
}

/* ---- does the question still stand? -------------------------------------------- */

struct asked {
    struct flow *f;
    const char *state;    /* of the run */
    const char *approval; /* or id of an approval */
};

static int state_moved(struct asked *a, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply reply = {0};
    int r = flow_get_run(&a->f->c->api, &a->f->run, &reply, e);
    if (r < 0)
        return r;
    if (!str_eq(show_str(reply.json, "state"), a->state))
        return 1;
    const char *hash = show_str(reply.json, "plan_hash");
    bool other_plan = str_eq(a->state, "awaiting_review") && hash && !str_eq(hash, a->f->plan_hash);
    return other_plan ? 1 : 0;
}

static int approval_moved(struct asked *a, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(api_reply_fini) struct api_reply reply = {0};
    api_path(&path, "/approvals/{}", a->approval, NULL);
    int r = api_get(&a->f->c->api, &path, &reply, e);
    return r < 0 ? r : !str_eq(show_str(reply.json, "state"), "pending");
}

/* For ui_ask. A server that is away for a moment does not end the question. */
static int moved(void *arg, struct err *e)
{
    struct asked *a = arg;
    int r = a->approval ? approval_moved(a, e) : state_moved(a, e);
    return api_lost(r) ? 0 : r;
}

/* 0 and the answer's first letter in lower case ('\r' for Enter); 1 answered elsewhere; LEAVE_EOF at end of input. */
#define ASK_EOF 2
static int ask(struct flow *f, const char *question, struct asked *a, char *ret, struct err *e)
{
    char line[64] = "";
    int r = ui_ask(&f->c->ui, question, moved, a, line, sizeof line, e);
    if (r == -ERR_EMPTY)
        return ASK_EOF;
    if (r == 1)
        ui_note(&f->c->ui, "answered elsewhere");
    if (r != 0)
        return r;
    static const char *const words[] = {"yes", "no", "edit", "diff", "y", "n", "e", "d", ""};
    *ret = '?';
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(line, words[i]) == 0)
            *ret = words[i][0] ? words[i][0] : '\r';
    return 0;
}

/* Someone else was faster: not our failure, the events say how it went on. */
static int unless_moved(struct flow *f, int r, struct err *e)
{
    if (r != -ERR_STATE && r != -ERR_RESOLVED)
        return r;
    ui_note(&f->c->ui, "answered elsewhere");
    *e = ERR_INIT;
    return 0;
}

/* ---- first door ------------------------------------------------------------- */

static int load_plan(struct flow *f, struct api_reply *plan, struct err *e)
{
    api_reply_fini(plan);
    int r = flow_get_plan(&f->c->api, &f->run, plan, e);
    if (r < 0)
        return r;
    const char *hash = show_str(plan->json, "plan_hash");
    if (hash && str_eq(hash, f->plan_hash))
        return 0;
    if (!f->c->ui.json)
        show_plan(&f->c->ui, plan->json);
    f->steps = json_len(json_get(plan->json, "steps"));
    return hash && str_copy(f->plan_hash, sizeof f->plan_hash, hash) ? 0 : err_set(e, ERR_IO, "the plan has no hash");
}

/* Bound to the plan that was on the screen: another one is refused by the server. */
static int approve_plan(struct flow *f, struct err *e)
{
    AUTO(buf_fini) struct buf body = BUF_INIT(KIB);
    struct jw w = JW_INIT(&body);
    jw_obj(&w);
    jw_kstr(&w, "plan_hash", f->plan_hash);
    jw_end_obj(&w);
    return flow_post(&f->c->api, &f->run, "approve", &body, NULL, e);
}

static int put_plan(struct flow *f, const struct buf *body, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    api_path(&path, "/runs/{}/plan", f->run.s, NULL);
    return api_send(&f->c->api, "PUT", &path, body, NULL, e);
}

/* Text that cannot be read, or a plan the server refuses: the person gets their text back. */
static int edit_plan(struct flow *f, const struct json *plan, struct err *e)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(PLAN_TEXT_MAX);
    AUTO(buf_fini) struct buf before = BUF_INIT(PLAN_TEXT_MAX);
    AUTO(buf_fini) struct buf body = BUF_INIT(PLAN_TEXT_MAX);
    planform_write(&text, plan);
    buf_add(&before, text.p, text.len);
    for (;;) {
        size_t n = 0;
        int r = text.bad ? err_set(e, -text.bad, NULL) : edit_text(&f->c->ui, "plan.txt", &text, e);
        if (r < 0)
            return r;
        if (text.len == before.len && memcmp(text.p, before.p, text.len) == 0)
            return 0;
        buf_reset(&body);
        r = planform_read(text.p ? text.p : "", text.len, &body, &n, e);
        if (r == 0 && n == 0)
            return 0;
        if (r == 0)
            r = put_plan(f, &body, e);
        if (r == 0 || (r != -ERR_INVALID && r != -ERR_UNKNOWN_FIELD))
            return r;
        char line[16] = "";
        ui_error(&f->c->ui, e, NULL);
        if (ui_ask(&f->c->ui, "edit again? [Y/n]", NULL, NULL, line, sizeof line, e) != 0 || line[0] == 'n')
            return 0;
        buf_reset(&before);
    }
}

enum review { REVIEW_DONE, REVIEW_AGAIN };

static int answer_review(struct flow *f, char key, const struct json *plan, struct err *e)
{
    int r;
    switch (key) {
    case 'y':
        r = approve_plan(f, e);
        break;
    case 'n':
    case '\r':
        r = flow_post(&f->c->api, &f->run, "reject", NULL, NULL, e);
        break;
    case 'e':
        r = edit_plan(f, plan, e);
        return r == 0 || r == -ERR_PLAN_CHANGED ? REVIEW_AGAIN : r;
    default:
        ui_printf(&f->c->ui, "  y  run it\n  n  reject it (Enter does the same)\n  e  edit it\n");
        return REVIEW_AGAIN;
    }
    if (r == -ERR_PLAN_CHANGED) {
        ui_note(&f->c->ui, "the plan was changed meanwhile; this is the new one:");
        return REVIEW_AGAIN;
    }
    return unless_moved(f, r, e);
}

/* --yes is for the plan that was shown, not for what somebody put in its place meanwhile. */
static int review_yes(struct flow *f, struct err *e)
{
    int r = approve_plan(f, e);
    if (r == -ERR_PLAN_CHANGED)
        cli_hint(f->c, "look at it: sallyport plan %s", f->run.s);
    return unless_moved(f, r, e);
}

/* Answered elsewhere: the run went on, or only its plan was replaced and is asked about again. */
static int review_moved(struct flow *f, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply reply = {0};
    int r = flow_get_run(&f->c->api, &f->run, &reply, e);
    if (r < 0)
        return r;
    return str_eq(show_str(reply.json, "state"), "awaiting_review") ? REVIEW_AGAIN : REVIEW_DONE;
}

static int door_review(struct flow *f, struct err *e)
{
    struct asked a = {.f = f, .state = "awaiting_review"};
    for (;;) {
        AUTO(api_reply_fini) struct api_reply plan = {0};
        char key = '?';
        int r = load_plan(f, &plan, e);
        if (r < 0)
            return unless_moved(f, r, e);
        if (f->yes)
            return review_yes(f, e);
        if (!ui_interactive(&f->c->ui))
            return leave_review(f);
        r = ask(f, "approve? [y/N/e(dit)]", &a, &key, e);
        if (r == ASK_EOF)
            return leave_review(f);
        if (r == 1)
            r = review_moved(f, e);
        else if (r == 0)
            r = answer_review(f, key, plan.json, e);
        if (r != REVIEW_AGAIN)
            return r;
    }
}

/* ---- questions of a running run ------------------------------------------------- */

static int ask_approval(struct flow *f, const struct json *approval, struct err *e)
{
    struct asked a = {.f = f, .approval = show_str(approval, "id")};
    char key = '?';
    if (!a.approval)
        return err_set(e, ERR_IO, "the server's question has no id");
    if (!f->c->ui.json)
        show_approval(&f->c->ui, approval);
    if (f->yes)
        return unless_moved(f, flow_answer(&f->c->api, approval, true, NULL, NULL, e), e);
    if (!ui_interactive(&f->c->ui))
        return ASK_EOF;
    while (key == '?' || key == 'e' || key == 'd') {
        int r = ask(f, "allow? [y/N]", &a, &key, e);
        if (r != 0)
            return r == 1 ? 0 : r;
    }
    return unless_moved(f, flow_answer(&f->c->api, approval, key == 'y', NULL, NULL, e), e);
}

static int door_approval(struct flow *f, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(api_reply_fini) struct api_reply reply = {0};
    api_path(&path, "/approvals", NULL);
    api_query(&path, "state", "pending");
    api_query(&path, "run_id", f->run.s);
    int r = api_get(&f->c->api, &path, &reply, e);
    const struct json *items = json_get(reply.json, "items");
    for (size_t i = 0; r == 0 && i < json_len(items); i++)
        r = ask_approval(f, json_at(items, i), e);
    if (r != ASK_EOF)
        return r;
    ui_note(&f->c->ui, "%s waits for an answer:", f->run.s);
    for (size_t i = json_len(items); i > 0; i--)
        ui_note(&f->c->ui, "  sallyport allow %s     or deny",
                ui_one(&f->c->ui, show_str(json_at(items, i - 1), "id")));
    f->c->exit = CLI_EXIT_WAITS;
    return LEAVE;
}

/* ---- second door ------------------------------------------------------------- */

static int show_diff(struct flow *f, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(api_reply_fini) struct api_reply diff = {0};
    api_path(&path, "/runs/{}/diff", f->run.s, NULL);
    int r = api_get(&f->c->api, &path, &diff, e);
    if (r == 0)
        ui_page(&f->c->ui, diff.body.p ? diff.body.p : "", diff.body.len, true);
    return r;
}

static int apply(struct flow *f, const struct json *changes, struct err *e)
{
    AUTO(buf_fini) struct buf body = BUF_INIT(KIB);
    struct jw w = JW_INIT(&body);
    jw_obj(&w);
    jw_kstr_opt(&w, "digest", show_str(changes, "digest"));
    jw_end_obj(&w);
    return flow_post(&f->c->api, &f->run, "apply", &body, NULL, e);
}

/* 0: answered; 1: ask again; ASK_EOF: leave. */
static int answer_apply(struct flow *f, char key, const struct json *changes, struct err *e)
{
    int r;
    switch (key) {
    case 'y':
        return unless_moved(f, apply(f, changes, e), e);
    case 'n':
        return unless_moved(f, flow_post(&f->c->api, &f->run, "discard", NULL, NULL, e), e);
    case 'd':
        r = show_diff(f, e);
        return r < 0 ? r : 1;
    case '\r': /* what a run made is not thrown away by an empty line */
        return ASK_EOF;
    default:
        ui_printf(&f->c->ui, "  y  write the changes into the project\n  n  throw them away\n  d  show them\n"
                             "  Enter  leave them waiting\n");
        return 1;
    }
}

static int ask_apply(struct flow *f, const struct json *changes, struct err *e)
{
    struct asked a = {.f = f, .state = "awaiting_apply"};
    for (;;) {
        char key = '?';
        int r = ask(f, "apply? [y/N/d(iff)]", &a, &key, e);
        if (r == 1)
            return 0;
        if (r == 0)
            r = answer_apply(f, key, changes, e);
        if (r != 1)
            return r == ASK_EOF ? leave_apply(f) : r;
    }
}

/* --no-apply was asked for: to stop here is what was wanted, so it is a success when the steps were. */
static int leave_unapplied(struct flow *f, const struct json *run)
{
    const char *why = show_str(json_get(run, "reason"), "code");
    int r = leave_apply(f);
    f->c->exit = why ? err_info(err_by_name(why))->exit : 0;
    return r;
}

/* An apply found the project changed and came back to the door: nothing was written. */
static bool conflicted(const struct json *run)
{
    return json_len(json_get(json_get(run, "apply"), "conflicts")) > 0;
}

/* Half-done work: no script said yes to that. */
static bool failed(const struct json *run)
{
    const char *outcome = show_str(run, "outcome");
    return outcome && !str_eq(outcome, "succeeded");
}

static int leave_conflict(struct flow *f)
{
    ui_note(&f->c->ui, "%s keeps its changes; merge them yourself, then discard them:", f->run.s);
    ui_note(&f->c->ui, "  sallyport diff %s | git apply -3", f->run.s);
    ui_note(&f->c->ui, "  sallyport discard %s", f->run.s);
    f->c->exit = err_info(ERR_APPLY_CONFLICT)->exit;
    return LEAVE;
}

static void show_apply_head(struct flow *f, const struct json *run, const struct json *changes)
{
    const char *outcome = show_str(run, "outcome"), *why = show_str(json_get(run, "reason"), "message");
    struct ui *ui = &f->c->ui;
    if (failed(run)) {
        ui_put(ui, UI_RED, outcome);
        ui_printf(ui, "%s%s, but it left changes\n", why ? ": " : "", ui_one(ui, why));
    }
    show_changes(ui, changes, CHANGES_SHOWN);
    if (conflicted(run)) {
        ui_put(ui, UI_RED, "nothing was applied: the project changed meanwhile");
        ui_printf(ui, "\n");
        show_conflicts(ui, run);
    }
}

static int door_apply(struct flow *f, const struct json *run, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply changes = {0};
    int r = flow_get_changes(&f->c->api, &f->run, &changes, e);
    if (r < 0)
        return unless_moved(f, r, e);
    if (!f->c->ui.json)
        show_apply_head(f, run, changes.json);
    if (f->no_apply)
        return leave_unapplied(f, run);
    if (conflicted(run) && (f->yes || !ui_interactive(&f->c->ui))) /* the same again would end the same */
        return leave_conflict(f);
    if (f->yes && failed(run)) {
        ui_note(&f->c->ui, "its changes are discarded: --yes applies those of a run that succeeded");
        return unless_moved(f, flow_post(&f->c->api, &f->run, "discard", NULL, NULL, e), e);
    }
    if (f->yes)
        return unless_moved(f, apply(f, changes.json, e), e);
    if (!ui_interactive(&f->c->ui))
        return leave_apply(f);
    return ask_apply(f, changes.json, e);
}

/* A status event may be old news (another terminal was faster): the run itself says where it stands. */
int flow_door(struct flow *f, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply run = {0};
    int r = flow_get_run(&f->c->api, &f->run, &run, e);
    if (r < 0)
        return r;
    if (!str_eq(show_str(run.json, "state"), f->door) || f->canceled)
        return 0;
    if (str_eq(f->door, "awaiting_review"))
        return door_review(f, e);
    if (str_eq(f->door, "awaiting_approval"))
        return door_approval(f, e);
    return door_apply(f, run.json, e);
}
