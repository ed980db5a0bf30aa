/* cmd_review - the doors from any terminal: approve, reject, apply, discard, undo, cancel.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "base/str.h"
#include "cli/flow.h"
#include "cli/reply.h"
#include "cli/resolve.h"
#include "cli/show.h"
#include "os/clock.h"
#include <stdlib.h>
#include <string.h>

#define BODY_MAX (1 * MIB)

static void put_note(const struct cli *c, struct jw *w)
{
    jw_kstr_opt(w, "note", args_get(&c->args, "note"));
}

/* Prints the answer with --json, else one line. */
static void say(struct cli *c, const struct api_reply *reply, const char *what, const char *id, const char *more)
{
    if (!reply_json(c, reply))
        ui_printf(&c->ui, "%s %s%s%s\n", what, id, *more ? "   " : "", more);
}

static int post_note(struct cli *c, const char *what, const char *done, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply reply = {0};
    AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);
    struct jw w = JW_INIT(&body);
    struct id id;
    jw_obj(&w);
    put_note(c, &w);
    jw_end_obj(&w);
    int r = resolve_run(c, cli_arg(c, 0), &id, e);
    if (r == 0)
        r = flow_post(&c->api, &id, what, &body, &reply, e);
    if (r == 0)
        say(c, &reply, done, id.s, "");
    return r;
}

int cmd_reject(struct cli *c, struct err *e)
{
    return post_note(c, "reject", "rejected", e);
}

int cmd_discard(struct cli *c, struct err *e)
{
    return post_note(c, "discard", "discarded the changes of", e);
}

int cmd_cancel(struct cli *c, struct err *e)
{
    return post_note(c, "cancel", "canceling", e);
}

/* ---- approve -------------------------------------------------------------- */

/* A hash says nothing to a person: what a plan's or the changes' question is about is shown in full. */
static int show_about(struct cli *c, const struct json *approval, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply about = {0};
    const char *kind = show_str(approval, "kind"), *text = show_str(approval, "run_id");
    bool plan = str_eq(kind, "plan");
    struct id run;
    show_approval(&c->ui, approval);
    if ((!plan && !str_eq(kind, "changes")) || !text || !id_parse(ID_RUN, text, &run))
        return 0;
    int r = plan ? flow_get_plan(&c->api, &run, &about, e) : flow_get_changes(&c->api, &run, &about, e);
    if (r == 0 && plan)
        show_plan(&c->ui, about.json);
    else if (r == 0)
        show_changes(&c->ui, about.json, 0);
    return r;
}

static int answer_one(struct cli *c, const char *what, bool allow, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(api_reply_fini) struct api_reply approval = {0};
    AUTO(api_reply_fini) struct api_reply reply = {0};
    struct id id;
    int r = resolve_approval(c, what, &id, e);
    if (r < 0)
        return r;
    api_path(&path, "/approvals/{}", id.s, NULL);
    r = api_get(&c->api, &path, &approval, e);
    if (r < 0)
        return r;
    if (!c->ui.json && allow)
        r = show_about(c, approval.json, e);
    if (r < 0)
        return r;
    r = flow_answer(&c->api, approval.json, allow, args_get(&c->args, "note"), &reply, e);
    if (r == 0)
        say(c, &reply, allow ? "allowed" : "denied", id.s, "");
    return r;
}

int cmd_allow(struct cli *c, struct err *e)
{
    return answer_one(c, cli_arg(c, 0), true, e);
}

int cmd_deny(struct cli *c, struct err *e)
{
    return answer_one(c, cli_arg(c, 0), false, e);
}

/* Right word, wrong moment: say which word fits. */
static void hint_approve(struct cli *c, const struct id *id)
{
    AUTO(api_reply_fini) struct api_reply run = {0};
    if (flow_get_run(&c->api, id, &run, NULL) < 0)
        return;
    const char *state = show_str(run.json, "state");
    if (str_eq(state, "awaiting_apply"))
        cli_hint(c, "its changes wait: sallyport diff %s, then sallyport apply %s", id->s, id->s);
    else if (str_eq(state, "awaiting_approval"))
        cli_hint(c, "one of its steps is asked about: sallyport approvals, then sallyport allow APPROVAL");
}

/* The plan is shown and then approved by its hash: what is approved is what was printed. */
static int approve_plan(struct cli *c, const struct id *id, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply plan = {0};
    AUTO(api_reply_fini) struct api_reply reply = {0};
    AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);
    struct jw w = JW_INIT(&body);
    int r = flow_get_plan(&c->api, id, &plan, e);
    if (r < 0)
        return r;
    if (!c->ui.json)
        show_plan(&c->ui, plan.json);
    jw_obj(&w);
    jw_kstr_opt(&w, "plan_hash", show_str(plan.json, "plan_hash"));
    put_note(c, &w);
    jw_end_obj(&w);
    r = flow_post(&c->api, id, "approve", &body, &reply, e);
    if (r == 0)
        say(c, &reply, "approved", id->s, c->ui.quiet ? "" : "see it run: sallyport logs -f");
    return r;
}

int cmd_approve(struct cli *c, struct err *e)
{
    const char *step = args_get(&c->args, "step");
    struct id id;
    if (step)
        return answer_one(c, step, true, e);
    int r = resolve_run(c, cli_arg(c, 0), &id, e);
    if (r < 0)
        return r;
    r = approve_plan(c, &id, e);
    if (r == -ERR_STATE)
        hint_approve(c, &id);
    return r;
}

/* ---- apply, undo ------------------------------------------------------------- */

static bool is_applying(const char *state)
{
    return str_eq(state, "queued") || str_eq(state, "applying") || str_eq(state, "finishing");
}

/* An apply takes milliseconds, the log of its run may be long: asking is cheaper than following the events. */
static int wait_applied(struct cli *c, const struct id *id, struct api_reply *run, struct err *e)
{
    for (int64_t wait = 20 * MS_US;; wait = wait < SEC_US ? wait * 2 : SEC_US) {
        api_reply_fini(run);
        int r = flow_get_run(&c->api, id, run, e);
        if (r < 0 || !is_applying(show_str(run->json, "state")))
            return r;
        clock_sleep_us(wait);
    }
}

/* What the run itself came to is old news here: the exit code says whether the apply went well. */
static int end_apply(struct cli *c, const struct json *run, struct err *e)
{
    const struct json *apply = json_get(run, "apply");
    if (str_eq(show_str(run, "state"), "awaiting_apply")) {
        show_conflicts(&c->ui, run);
        cli_hint(c, "merge it yourself: sallyport diff %s | git apply -3     then: sallyport discard %s",
                 show_str(run, "id"), show_str(run, "id"));
        return err_set(e, ERR_APPLY_CONFLICT, NULL);
    }
    if (!c->ui.json)
        show_end(&c->ui, run);
    if (json_len(json_get(apply, "conflicts")))
        c->exit = err_info(ERR_APPLY_CONFLICT)->exit;
    else if (!json_true(json_get(apply, "applied")))
        c->exit = flow_exit(run);
    return 0;
}

/* A name is bytes, as the shell gave them; JSON takes text. What is not UTF-8 goes as base64. */
static int put_paths_of(const struct cli *c, const char *key, bool text, struct jw *w, struct err *e)
{
    bool any = false;
    for (size_t i = 1; i < c->args.npos; i++) {
        const char *arg = cli_arg(c, i);
        if (utf8_valid(arg, strlen(arg)) != text)
            continue;
        char *b64 = text ? NULL : api_b64(arg);
        if (!text && !b64)
            return err_oom(e);
        if (!any) {
            jw_key(w, key);
            jw_arr(w);
        }
        any = true;
        jw_str(w, text ? arg : b64);
        free(b64);
    }
    if (any)
        jw_end_arr(w);
    return 0;
}

/* FILE:1,3; the last colon counts. */
static int put_hunk(const char *arg, struct jw *w, struct err *e)
{
    const char *colon = strrchr(arg, ':');
    char *path = colon ? str_ndup(arg, (size_t)(colon - arg)) : NULL;
    bool text = path && utf8_valid(path, strlen(path));
    char *b64 = path && !text ? api_b64(path) : NULL;
    int r = !colon                     ? err_set(e, ERR_USAGE, "--hunks `%s`: give FILE:1,3", arg)
            : !path || (!text && !b64) ? err_oom(e)
                                       : 0;
    if (r == 0) {
        jw_obj(w);
        jw_kstr(w, text ? "path" : "path_b64", text ? path : b64);
        jw_key(w, "hunks");
        jw_arr(w);
    }
    for (const char *p = colon; r == 0 && *p;) {
        size_t n = strcspn(++p, ",");
        char number[12] = "";
        int64_t v = 0;
        if (n < sizeof number)
            memcpy(number, p, n);
        if (!str_i64(number, &v) || v < 1 || v > INT32_MAX)
            r = err_set(e, ERR_USAGE, "--hunks `%s`: hunks are numbered from 1: FILE:1,3", arg);
        jw_int(w, v);
        p += n;
    }
    free(path);
    free(b64);
    if (r < 0)
        return r;
    jw_end_arr(w);
    jw_end_obj(w);
    return 0;
}

static int put_paths(const struct cli *c, struct jw *w, struct err *e)
{
    const char *arg = args_nth(&c->args, "hunks", 0);
    int r = put_paths_of(c, "paths", true, w, e);
    if (r == 0)
        r = put_paths_of(c, "paths_b64", false, w, e);
    if (r < 0 || !arg)
        return r;
    jw_key(w, "hunks");
    jw_arr(w);
    for (size_t i = 0; r == 0 && (arg = args_nth(&c->args, "hunks", i)); i++)
        r = put_hunk(arg, w, e);
    jw_end_arr(w);
    return r;
}

static int apply_body(struct cli *c, const struct id *id, struct buf *body, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply changes = {0};
    struct jw w = JW_INIT(body);
    int r = flow_get_changes(&c->api, id, &changes, e);
    if (r < 0)
        return r;
    if (!c->ui.json && !c->ui.quiet)
        show_changes(&c->ui, changes.json, 0);
    jw_obj(&w);
    jw_kstr_opt(&w, "digest", show_str(changes.json, "digest"));
    r = put_paths(c, &w, e);
    jw_end_obj(&w);
    return r;
}

int cmd_apply(struct cli *c, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply run = {0};
    AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);
    struct id id;
    int r = resolve_run(c, cli_arg(c, 0), &id, e);
    if (r == 0)
        r = apply_body(c, &id, &body, e);
    if (r == 0)
        r = flow_post(&c->api, &id, "apply", &body, &run, e);
    if (r < 0)
        return r;
    if (args_has(&c->args, "detach")) {
        say(c, &run, "applying", id.s, "");
        return 0;
    }
    r = wait_applied(c, &id, &run, e);
    if (r < 0)
        return r;
    reply_json(c, &run);
    return end_apply(c, run.json, e);
}

static int confirm_undo(struct cli *c, const struct id *id, struct err *e)
{
    AUTO(buf_fini) struct buf q = BUF_INIT(KIB);
    char line[16] = "";
    if (args_has(&c->args, "yes"))
        return 0;
    if (!ui_interactive(&c->ui))
        return err_set(e, ERR_USAGE, "undo asks first, and there is no terminal: add --yes");
    buf_printf(&q, "put back what %s changed? [y/N]", id->s);
    int r = ui_ask(&c->ui, q.p, NULL, NULL, line, sizeof line, e);
    if (r == -ERR_EMPTY || (r == 0 && line[0] != 'y' && line[0] != 'Y'))
        return err_set(e, ERR_CANCELED, "nothing was undone");
    return r;
}

int cmd_undo(struct cli *c, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply reply = {0};
    struct flow f;
    struct id id, undo;
    int r = resolve_run(c, cli_arg(c, 0), &id, e);
    if (r == 0)
        r = confirm_undo(c, &id, e);
    if (r == 0)
        r = flow_post(&c->api, &id, "undo", NULL, &reply, e);
    if (r < 0)
        return r;
    const char *text = show_str(reply.json, "id");
    if (!text || !id_parse(ID_RUN, text, &undo))
        return err_set(e, ERR_IO, "the server's answer holds no run");
    say(c, &reply, "run", undo.s, "");
    if (args_has(&c->args, "detach"))
        return 0;
    flow_init(&f, c, &undo);
    f.yes = f.undo = true; /* the question was asked above */
    r = flow_go(&f, e);
    flow_fini(&f);
    return r;
}
