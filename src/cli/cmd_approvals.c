/* cmd_approvals - the list of questions. `allow` and `deny` stand in cmd_review.c, beside `approve --step`.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "base/str.h"
#include "cli/cmd.h"
#include "cli/show.h"

struct list {
    struct cli *c;
    size_t n;
};

static int show_one(void *arg, const struct json *a)
{
    struct list *l = arg;
    l->n++;
    show_approval(&l->c->ui, a);
    const char *kind = show_str(a, "kind"), *see = str_eq(kind, "plan")      ? "plan"
                                                   : str_eq(kind, "changes") ? "diff"
                                                                             : "show";
    ui_printf(&l->c->ui, "  see: sallyport %s %s\n", see, ui_one(&l->c->ui, show_str(a, "run_id")));
    return 0;
}

int cmd_approvals(struct cli *c, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    struct list l = {.c = c};
    bool all = args_has(&c->args, "all");
    api_path(&path, "/approvals", NULL);
    api_query(&path, "state", all ? NULL : "pending");
    int r = api_each(&c->api, &path, 0, show_one, &l, e);
    if (r == 0 && l.n == 0 && !c->ui.json)
        ui_note(&c->ui, all ? "no questions yet" : "nothing waits for an answer");
    return r;
}
