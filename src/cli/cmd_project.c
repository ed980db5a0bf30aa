/* cmd_project - projects: add, list, show, set, remove.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "base/str.h"
#include "cli/reply.h"
#include "cli/resolve.h"
#include "cli/show.h"
#include "cli/text.h"
#include "os/file.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void show_retention(struct ui *ui, const struct json *r)
{
    static const char *const names[][2] = {
        {"logs_ms", "logs"}, {"runs_ms", "all"}, {"failed_runs_ms", "all, if failed"}};
    const char *before = "kept after a run's end: ";
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO(buf_fini) struct buf b = BUF_INIT(64);
        const struct json *ms = json_get(r, names[i][0]);
        if (!ms)
            continue;
        if (json_int(ms))
            text_duration(&b, json_int(ms));
        ui_printf(ui, "%s%s %s", before, names[i][1], json_int(ms) ? b.p : "for ever");
        before = "; ";
    }
    if (*before == ';')
        ui_printf(ui, "\n");
}

static void show_project(struct ui *ui, const struct json *p)
{
    const struct json *warnings = json_get(p, "warnings");
    char room[32];
    ui_put(ui, UI_BOLD, show_str(p, "name"));
    ui_printf(ui, "  %s  %s", ui_one(ui, show_str(p, "id")), ui_one(ui, show_str(p, "root_path")));
    ui_printf(ui, "  since %s", show_time(room, p, "created_at"));
    if (show_int(json_get(p, "settings"), "max_running"))
        ui_printf(ui, "  at most %" PRId64 " running", show_int(json_get(p, "settings"), "max_running"));
    ui_printf(ui, "%s\n",
              str_eq(json_str(json_get(json_get(p, "settings"), "seed")), "copy") ? "  each run works on a copy" : "");
    show_retention(ui, json_get(json_get(p, "settings"), "retention"));
    for (size_t i = 0; i < json_len(warnings); i++)
        ui_warn(ui, "%s", ui_one(ui, json_str(json_at(warnings, i))));
}

static void show_tool(struct ui *ui, const struct json *t)
{
    const struct json *path = json_get(t, "path");
    ui_printf(ui, "  %-8s %s", ui_one(ui, show_str(t, "name")), ui_one(ui, show_str(t, "what")));
    for (size_t i = 0; i < json_len(path); i++)
        ui_printf(ui, "%s%s", i ? ":" : ", PATH ", ui_one(ui, json_str(json_at(path, i))));
    ui_printf(ui, "\n");
}

static void show_toolchains(struct ui *ui, const struct json *t)
{
    const struct json *found = json_get(t, "found"), *masked = json_get(t, "masked"), *skipped = json_get(t, "skipped");
    if (!t)
        return;
    const char *home = show_str(t, "home");
    ui_printf(ui, "toolchains (%s): %s%s\n", ui_one(ui, show_str(t, "choice")),
              json_len(found) ? "shown read-only, of "
              : home          ? "none found in "
                              : "no home directory to look in",
              ui_one(ui, home));
    for (size_t i = 0; i < json_len(found); i++)
        show_tool(ui, json_at(found, i));
    for (size_t i = 0; i < json_len(masked); i++)
        ui_printf(ui, "  masked   %s\n", ui_one(ui, json_str(json_at(masked, i))));
    for (size_t i = 0; i < json_len(skipped); i++)
        ui_printf(ui, "  skipped  %s: %s\n", ui_one(ui, show_str(json_at(skipped, i), "path")),
                  ui_one(ui, show_str(json_at(skipped, i), "why")));
}

/* The server wants an absolute path: what DIR means is known only here. */
int cmd_project_add(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(buf_fini) struct buf body = BUF_INIT(64 * KIB);
    struct jw w = JW_INIT(&body);
    char *dir = NULL;
    int r = dir_canonical(cli_arg(c, 0), &dir, e);
    if (r < 0)
        return r;
    jw_obj(&w);
    jw_kstr(&w, "root_path", dir);
    jw_kstr_opt(&w, "name", args_get(&c->args, "name"));
    jw_kstr_opt(&w, "seed", args_get(&c->args, "seed"));
    jw_end_obj(&w);
    free(dir);
    api_path(&path, "/projects", NULL);
    return reply_show(c, "POST", &path, &body, show_project, e);
}

static int add_row(void *arg, const struct json *p)
{
    struct table *t = arg;
    char room[32];
    table_cell(t, UI_BOLD, show_str(p, "name"));
    table_cell(t, UI_PLAIN, show_str(p, "root_path"));
    table_cell(t, UI_DIM, show_time(room, p, "created_at"));
    table_cell(t, UI_DIM, show_str(p, "id"));
    return 0;
}

int cmd_project_list(struct cli *c, struct err *e)
{
    static const char *const head[] = {"NAME", "DIRECTORY", "SINCE", "ID"};
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    static const struct reply_table like = {head, ARRAY_LEN(head), 1, add_row,
                                            "no projects: sallyport project add DIR"};
    api_path(&path, "/projects", NULL);
    return reply_list(c, &path, 0, &like, e);
}

static void show_whole(struct ui *ui, const struct json *p)
{
    show_project(ui, p);
    show_toolchains(ui, json_get(p, "toolchains"));
}

int cmd_project_show(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(8 * KIB);
    char *project = NULL;
    int r = resolve_project(c, cli_arg(c, 0), &project, e);
    if (r < 0)
        return r;
    api_path(&path, "/projects/{}", project, NULL);
    free(project);
    return reply_show(c, "GET", &path, NULL, show_whole, e);
}

/* "runs=90d,logs=14d" or "default" as the object of the API. */
static int put_retention(struct jw *w, const char *text, struct err *e)
{
    static const char *const names[] = {"runs", "failed_runs", "logs"};
    jw_key(w, "retention");
    jw_obj(w);
    while (*text && !str_eq(text, "default")) {
        char part[64], key[32];
        int64_t ms = 0;
        size_t n = strcspn(text, ","), i = 0;
        snprintf(part, sizeof part, "%.*s", (int)(n < sizeof part ? n : sizeof part - 1), text);
        char *value = strchr(part, '=');
        if (value)
            *value++ = '\0';
        while (i < ARRAY_LEN(names) && !str_eq(part, names[i]))
            i++;
        if (!value || i == ARRAY_LEN(names) || (!str_eq(value, "0") && !str_duration_ms(value, &ms)))
            return err_set(e, ERR_USAGE, "--retention `%s`: give runs=90d,failed_runs=30d,logs=14d, or default", part);
        snprintf(key, sizeof key, "%s_ms", names[i]);
        jw_kint(w, key, ms);
        text += n + (text[n] == ',');
    }
    jw_end_obj(w);
    return 0;
}

int cmd_project_set(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(8 * KIB);
    AUTO(buf_fini) struct buf body = BUF_INIT(8 * KIB);
    struct jw w = JW_INIT(&body);
    const char *tools = args_get(&c->args, "toolchains"), *seed = args_get(&c->args, "seed");
    const char *keep = args_get(&c->args, "retention");
    const char *max = args_get(&c->args, "max-running");
    int64_t running = 0;
    if (!tools && !seed && !keep && !max)
        return err_set(e, ERR_USAGE, "say what to change: --toolchains, --seed, --retention or --max-running");
    if (max && (!str_i64(max, &running) || running < 0))
        return err_set(e, ERR_USAGE, "--max-running `%s`: give a number, 0 for what the server's configuration says",
                       max);
    jw_obj(&w);
    int k = keep ? put_retention(&w, keep, e) : 0;
    if (k < 0)
        return k;
    jw_kstr_opt(&w, "toolchains", tools);
    jw_kstr_opt(&w, "seed", seed);
    if (max)
        jw_kint(&w, "max_running", running);
    jw_end_obj(&w);
    api_path(&path, "/projects/{}/settings", cli_arg(c, 0), NULL);
    return reply_show(c, "PUT", &path, &body, show_project, e);
}

/* DELETE may take ids only: a name is looked up first. */
int cmd_project_remove(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(8 * KIB);
    AUTO(api_reply_fini) struct api_reply reply = {0};
    api_path(&path, "/projects/{}", cli_arg(c, 0), NULL);
    int r = api_get(&c->api, &path, &reply, e);
    if (r < 0)
        return r;
    const char *id = show_str(reply.json, "id");
    api_path(&path, "/projects/{}", id ? id : cli_arg(c, 0), NULL);
    r = api_send(&c->api, "DELETE", &path, NULL, NULL, e);
    if (r == 0 && !c->ui.json)
        ui_printf(&c->ui, "removed %s; its files stay as they are\n", ui_one(&c->ui, show_str(reply.json, "name")));
    return r;
}
