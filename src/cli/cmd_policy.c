/* cmd_policy - the policy: show, versions, test, edit, set.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "base/str.h"
#include "cli/edit.h"
#include "cli/reply.h"
#include "cli/show.h"
#include "os/file.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define POLICY_MAX (4 * MIB)

static int get_policy(struct cli *c, const char *version, struct api_reply *ret, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    api_path(&path, "/policy", NULL);
    api_query(&path, "version", version);
    return api_get(&c->api, &path, ret, e);
}

int cmd_policy_show(struct cli *c, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply reply = {0};
    const char *version = args_get(&c->args, "version"), *text;
    int64_t n;
    if (version && (!str_i64(version, &n) || n < 0))
        return err_set(e, ERR_USAGE, "--version `%s`: give a number", version);
    int r = get_policy(c, version, &reply, e);
    if (r < 0)
        return r;
    text = show_str(reply.json, "text");
    if (reply_json(c, &reply))
        return 0;
    if (!text)
        return err_set(e, ERR_IO, "the server's answer holds no policy");
    ui_page(&c->ui, text, strlen(text), false);
    return 0;
}

static int add_version(void *arg, const struct json *v)
{
    struct table *t = arg;
    char room[32];
    table_cellf(t, UI_BOLD, "%" PRId64, show_int(v, "version"));
    table_cell(t, UI_PLAIN, show_time(room, v, "created_at"));
    table_cell(t, UI_PLAIN, show_str(v, "actor"));
    table_cell(t, UI_PLAIN, show_str(v, "note"));
    return 0;
}

int cmd_policy_versions(struct cli *c, struct err *e)
{
    static const char *const head[] = {"VERSION", "SINCE", "BY", "NOTE"};
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    static const struct reply_table like = {head, ARRAY_LEN(head), 3, add_version,
                                            "only the built-in default: sallyport policy show"};
    api_path(&path, "/policy/versions", NULL);
    return reply_list(c, &path, 0, &like, e);
}

int cmd_policy_file(const char *file, struct buf *out, struct err *e)
{
    int r = str_eq(file, "-") ? fd_read_all(0, out, e) : file_read(AT_FDCWD, file, out, e);
    return r < 0 ? err_wrap(e, r, "reading %s", str_eq(file, "-") ? "standard input" : file) : 0;
}

/* ---- test ------------------------------------------------------------------ */

static int exit_of_decision(const char *d)
{
    return str_eq(d, "allow") ? 0 : str_eq(d, "ask") ? CLI_EXIT_WAITS : err_info(ERR_POLICY_DENIED)->exit;
}

int cmd_policy_test(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(buf_fini) struct buf body = BUF_INIT(POLICY_MAX * 2);
    AUTO(buf_fini) struct buf text = BUF_INIT(POLICY_MAX);
    AUTO(api_reply_fini) struct api_reply reply = {0};
    struct jw w = JW_INIT(&body);
    const char *file = args_get(&c->args, "file");
    int r = file ? cmd_policy_file(file, &text, e) : 0;
    if (r < 0)
        return r;
    jw_obj(&w);
    jw_kstr(&w, "command", cli_arg(c, 0));
    jw_kstr_opt(&w, "cwd", args_get(&c->args, "cwd"));
    if (file)
        jw_kstr(&w, "text", text.p ? text.p : "");
    jw_end_obj(&w);
    api_path(&path, "/policy/test", NULL);
    r = api_send(&c->api, "POST", &path, &body, &reply, e);
    if (r < 0) {
        show_problems(&c->ui, reply.json);
        return r;
    }
    if (!reply_json(c, &reply))
        show_verdict(&c->ui, reply.json);
    c->exit = exit_of_decision(show_str(reply.json, "decision"));
    return 0;
}

/* ---- set, edit ---------------------------------------------------------------- */

static int put_policy(struct cli *c, const struct buf *text, int64_t base, struct api_reply *reply, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(buf_fini) struct buf body = BUF_INIT(POLICY_MAX * 2);
    struct jw w = JW_INIT(&body);
    if (text->len && (memchr(text->p, 0, text->len) || !utf8_valid(text->p, text->len)))
        return err_set(e, ERR_INVALID, "the policy is not UTF-8 text");
    jw_obj(&w);
    jw_kstr(&w, "text", text->p ? text->p : "");
    if (base >= 0)
        jw_kint(&w, "base_version", base);
    jw_end_obj(&w);
    api_path(&path, "/policy", NULL);
    return api_send(&c->api, "PUT", &path, &body, reply, e);
}

static void say_version(struct cli *c, const struct api_reply *reply)
{
    if (!reply_json(c, reply))
        ui_printf(&c->ui, "policy version %" PRId64 " is in force\n", show_int(reply->json, "version"));
}

int cmd_policy_set(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(POLICY_MAX);
    AUTO(api_reply_fini) struct api_reply reply = {0};
    int r = cmd_policy_file(cli_arg(c, 0), &text, e);
    if (r == 0)
        r = put_policy(c, &text, -1, &reply, e);
    if (r < 0)
        show_problems(&c->ui, reply.json);
    else
        say_version(c, &reply);
    return r;
}

/* What was wrong stands at the top of the text that is edited again. */
static bool edit_again(struct cli *c, const struct api_reply *reply, const struct err *why, struct err *e)
{
    char line[16] = "";
    show_problems(&c->ui, reply->json);
    ui_error(&c->ui, why, NULL);
    return ui_ask(&c->ui, "edit again? [Y/n]", NULL, NULL, line, sizeof line, e) == 0 && line[0] != 'n' &&
           line[0] != 'N';
}

int cmd_policy_edit(struct cli *c, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply now = {0};
    AUTO(buf_fini) struct buf text = BUF_INIT(POLICY_MAX);
    int r = get_policy(c, NULL, &now, e);
    if (r < 0)
        return r;
    const char *before = show_str(now.json, "text");
    buf_puts(&text, before ? before : "");
    for (;;) {
        AUTO(api_reply_fini) struct api_reply reply = {0};
        r = edit_text(&c->ui, "policy.yaml", &text, e);
        if (r < 0)
            return r;
        if (before && strlen(before) == text.len && memcmp(before, text.p ? text.p : "", text.len) == 0) {
            ui_note(&c->ui, "unchanged");
            return 0;
        }
        r = put_policy(c, &text, show_int(now.json, "version"), &reply, e);
        if (r == 0) {
            say_version(c, &reply);
            return 0;
        }
        struct err why = *e;
        if (r != -ERR_INVALID || !edit_again(c, &reply, &why, e)) {
            *e = why;
            return r;
        }
    }
}
