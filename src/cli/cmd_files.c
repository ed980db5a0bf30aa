/* cmd_files - `diff` and `artifacts`: what a run left to read.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "base/str.h"
#include "cli/flow.h"
#include "cli/reply.h"
#include "cli/resolve.h"
#include "cli/save.h"
#include "cli/show.h"

#define PATH_BYTES (64 * KIB)

int cmd_diff(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(PATH_BYTES);
    AUTO(api_reply_fini) struct api_reply changes = {0};
    struct id id;
    int r = resolve_run(c, cli_arg(c, 0), &id, e);
    if (r < 0)
        return r;
    if (c->ui.json) { /* a patch is not JSON: the changes are its machine form */
        r = flow_get_changes(&c->api, &id, &changes, e);
        if (r == 0)
            reply_json(c, &changes);
        return r;
    }
    api_path(&path, "/runs/{}/diff", id.s, NULL);
    for (size_t i = 1; i < c->args.npos && r == 0; i++)
        r = api_query_bytes(&path, "path", "path_b64", cli_arg(c, i), e);
    return r < 0 ? r : save_to(c, &path, "text/x-diff", NULL, true, e);
}

static void list(struct cli *c, const struct json *items)
{
    static const char *const head[] = {"NAME", "SIZE", "TYPE", "SHA256", "ID"};
    struct table t;
    table_init(&t, ARRAY_LEN(head), 3, head);
    for (size_t i = 0; i < json_len(items); i++) {
        const struct json *a = json_at(items, i);
        AUTO(buf_fini) struct buf size = BUF_INIT(64);
        text_bytes(&size, show_int(a, "size_bytes"));
        table_cell(&t, UI_BOLD, show_str(a, "name"));
        table_cell(&t, UI_PLAIN, size.p);
        table_cell(&t, UI_PLAIN, show_str(a, "media_type"));
        table_cell(&t, UI_DIM, show_str(a, "sha256"));
        table_cell(&t, UI_DIM, show_str(a, "id"));
    }
    table_print(&t, &c->ui, "no artifacts: they come when the run ends");
}

static const struct json *by_name(const struct json *items, const char *name)
{
    for (size_t i = 0; i < json_len(items); i++)
        if (str_eq(show_str(json_at(items, i), "name"), name))
            return json_at(items, i);
    return NULL;
}

static int get_one(struct cli *c, const struct id *run, const struct json *items, const char *name, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    const struct json *a = by_name(items, name);
    const char *id = show_str(a, "id"), *media = show_str(a, "media_type");
    if (!id) {
        cli_hint(c, "see what there is: sallyport artifacts %s", run->s);
        return err_set(e, ERR_NOT_FOUND, "%s has no artifact `%s`", run->s, name);
    }
    api_path(&path, "/artifacts/{}", id, NULL);
    return save_to(c, &path, "*/*", args_get(&c->args, "output"), str_starts(media, "text/x-diff"), e);
}

int cmd_artifacts(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    AUTO(api_reply_fini) struct api_reply reply = {0};
    struct id id;
    if (args_has(&c->args, "output") && !cli_arg(c, 1))
        return err_set(e, ERR_USAGE, "--output needs the name of an artifact, such as report.md");
    int r = resolve_run(c, cli_arg(c, 0), &id, e);
    if (r < 0)
        return r;
    api_path(&path, "/runs/{}/artifacts", id.s, NULL);
    r = api_get(&c->api, &path, &reply, e);
    if (r < 0)
        return r;
    const struct json *items = json_get(reply.json, "items");
    if (cli_arg(c, 1))
        return get_one(c, &id, items, cli_arg(c, 1), e);
    if (!reply_json(c, &reply))
        list(c, items);
    return 0;
}
