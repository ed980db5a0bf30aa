/* cmd_runs - lists of runs, one run, its plan.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "base/str.h"
#include "cli/flow.h"
#include "cli/reply.h"
#include "cli/resolve.h"
#include "cli/show.h"

#define LIMIT_DEFAULT 20

/* --limit; 0 = all. */
static int want_limit(struct cli *c, int64_t *ret, struct err *e)
{
    const char *v = args_get(&c->args, "limit");
    if (v && (!str_i64(v, ret) || *ret < 0))
        return err_set(e, ERR_USAGE, "--limit `%s`: give a number, 0 for all", v);
    return 0;
}

static int add_run(void *arg, const struct json *run)
{
    struct table *t = arg;
    AUTO(buf_fini) struct buf d = BUF_INIT(64);
    char room[32];
    const char *state = show_str(run, "state"), *intent = show_str(run, "intent"), *kind = show_str(run, "kind");
    if (json_type(json_get(run, "duration_ms")) == JT_INT)
        text_duration(&d, show_int(run, "duration_ms"));
    table_cell(t, UI_PLAIN, show_str(run, "id"));
    table_cell(t, show_state_style(state), state);
    table_cell(t, UI_PLAIN, show_str(run, "project_name"));
    table_cell(t, UI_DIM, show_time(room, run, "created_at"));
    table_cell(t, UI_PLAIN, d.p);
    table_cell(t, UI_PLAIN, intent ? intent : str_eq(kind, "undo") ? show_str(run, "undoes") : "(steps given)");
    return 0;
}

/* The list is filtered by id; people know names. */
static int project_id(struct cli *c, const char *name, struct id *ret, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(api_reply_fini) struct api_reply reply = {0};
    if (id_parse(ID_PROJECT, name, ret))
        return 0;
    api_path(&path, "/projects/{}", name, NULL);
    int r = api_get(&c->api, &path, &reply, e);
    if (r < 0)
        return r;
    const char *id = show_str(reply.json, "id");
    return id && id_parse(ID_PROJECT, id, ret) ? 0 : err_set(e, ERR_IO, "the server's answer holds no project");
}

int cmd_runs(struct cli *c, struct err *e)
{
    static const char *const head[] = {"RUN", "STATE", "PROJECT", "CREATED", "TOOK", "WHAT"};
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    static const struct reply_table like = {head, ARRAY_LEN(head), 5, add_run, "no runs"};
    struct id id;
    int64_t limit = LIMIT_DEFAULT;
    const char *project = args_get(&c->args, "project");
    int r = want_limit(c, &limit, e);
    if (r == 0 && project)
        r = project_id(c, project, &id, e);
    if (r < 0)
        return r;
    api_path(&path, "/runs", NULL);
    api_query(&path, "project_id", project ? id.s : NULL);
    api_query(&path, "state", args_get(&c->args, "state"));
    return reply_list(c, &path, limit, &like, e);
}

/* GET of one thing: JSON as it came, or shown. */
static int show_one(struct cli *c, int (*get)(struct api *, const struct id *, struct api_reply *, struct err *),
                    void (*show)(struct ui *, const struct json *), struct err *e)
{
    AUTO(api_reply_fini) struct api_reply reply = {0};
    struct id id;
    int r = resolve_run(c, cli_arg(c, 0), &id, e);
    if (r == 0)
        r = get(&c->api, &id, &reply, e);
    if (r < 0)
        return r;
    if (!reply_json(c, &reply))
        show(&c->ui, reply.json);
    return 0;
}

int cmd_show(struct cli *c, struct err *e)
{
    return show_one(c, flow_get_run, show_run, e);
}

int cmd_plan(struct cli *c, struct err *e)
{
    return show_one(c, flow_get_plan, show_plan, e);
}
