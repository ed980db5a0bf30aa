/* cmd_attach - `sallyport attach`: which step, then attach.c.
 *
 * May include: base/ os/ net/.   Threads: see attach.h. */
#include "base/str.h"
#include "cli/attach.h"
#include "cli/flow.h"
#include "cli/resolve.h"
#include "cli/show.h"

/* By number or id; without one, the terminal that is open, else the first that will be. */
static const struct json *choose(const struct json *steps, const char *what)
{
    const struct json *first = NULL;
    int64_t number = 0;
    bool numbered = what && str_i64(what, &number);
    for (size_t i = 0; i < json_len(steps); i++) {
        const struct json *s = json_at(steps, i);
        const char *state = show_str(s, "state");
        if (what && (numbered ? show_step_number(s) == number : str_eq(show_str(s, "id"), what)))
            return s;
        if (what || !json_true(json_get(s, "pty")))
            continue;
        if (str_eq(state, "running"))
            return s;
        if (!first && str_eq(state, "pending"))
            first = s;
    }
    return first;
}

static int find_step(struct cli *c, const struct id *run, struct api_reply *reply, const struct json **ret,
                     struct err *e)
{
    const char *what = cli_arg(c, 1);
    int r = flow_get_run(&c->api, run, reply, e);
    if (r < 0)
        return r;
    const struct json *s = choose(json_get(reply->json, "steps"), what);
    if (!s && what)
        return err_set(e, ERR_NOT_FOUND, "%s has no step %s", run->s, what);
    if (!s)
        return err_set(e, ERR_STATE, "%s has no terminal open, and none to come: run with --pty", run->s);
    if (!json_true(json_get(s, "pty")))
        return err_set(e, ERR_STATE, "step %s of %s has no terminal: sallyport logs shows what it writes", what,
                       run->s);
    *ret = s;
    return 0;
}

int cmd_attach(struct cli *c, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply reply = {0};
    const struct json *s = NULL;
    struct id run;
    bool ended;
    if (c->ui.json)
        return err_set(e, ERR_USAGE, "attach has no JSON: sallyport logs -f --json shows what the step writes");
    int r = resolve_run(c, cli_arg(c, 0), &run, e);
    if (r == 0)
        r = find_step(c, &run, &reply, &s, e);
    if (r < 0)
        return r;
    struct attach_in in = {.run = &run,
                           .step = show_str(s, "id"),
                           .number = show_step_number(s),
                           .read_only = args_has(&c->args, "read-only")};
    r = attach_step(c, &in, &ended, e);
    if (r == 0 && !ended)
        ui_note(&c->ui, "sallyport: left; the step goes on: sallyport attach %s %lld", run.s, (long long)in.number);
    return r;
}
