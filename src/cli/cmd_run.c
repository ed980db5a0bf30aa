/* cmd_run - `sallyport run`: an intent or commands, from the request to the end.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "base/str.h"
#include "cli/flow.h"
#include "cli/reply.h"
#include "cli/resolve.h"
#include "cli/show.h"
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define BODY_MAX (4 * MIB)

const struct opt cmd_run_opts[] = {
    {"project", 'p', "P", "id or name; default: the project this directory is in", false},
    {"cmd", 'c', "CMD", "a step as shell text, instead of an intent; several run in order", true},
    {"pty", 0, NULL, "give the steps of --cmd a terminal: sallyport attach", false},
    {"tty", 't', NULL, "the same, and attach to it at once", false},
    {"yes", 'y', NULL, "answer yes to what the run asks: both doors; what the policy denies stays denied", false},
    {"review", 0, "WHAT", "which doors ask: plan, effects, both (default) or none", false},
    {"no-apply", 0, NULL, "leave the changes waiting at the second door", false},
    {"on-failure", 0, "WHAT", "changes of a failed run: review (default) or discard", false},
    {"on-lost", 0, "WHAT", "a step whose sandbox was killed: fail (default), or retry it, 3 times at most", false},
    {"priority", 0, "P", "whose turn it is: low, normal (default), high, urgent, or -100 to 100", false},
    {"env", 'e', "NAME[=VALUE]", "a variable for the steps; without =VALUE its value is taken from our environment",
     true},
    {"timeout", 0, "TIME", "at most that long for a step: 30s, 10m", false},
    {"memory", 0, "SIZE", "memory for the sandbox: 512MiB, 2GiB", false},
    {"cpus", 0, "N", "processors: 2, 0.5", false},
    {"pids", 0, "N", "processes and threads", false},
    {"disk", 0, "SIZE", "how much may be written", false},
    {"detach", 'd', NULL, "print the run's id and leave", false},
    {0},
};

static int want_one_of(const struct cli *c, const char *name, const char *const words[], struct err *e)
{
    const char *v = args_get(&c->args, name);
    for (size_t i = 0; v && words[i]; i++)
        if (str_eq(v, words[i]))
            return 0;
    return v ? err_set(e, ERR_USAGE, "--%s `%s`: use %s, %s%s%s", name, v, words[0], words[1], words[2] ? ", " : "",
                       words[2] ? "both or none" : "")
             : 0;
}

static int check_words(const struct cli *c, struct err *e)
{
    static const char *const review[] = {"plan", "effects", "both", "none", NULL};
    static const char *const failure[] = {"review", "discard", NULL};
    static const char *const lost[] = {"fail", "retry", NULL};
    const char *r = args_get(&c->args, "review");
    int x = want_one_of(c, "review", review, e);
    if (x == 0)
        x = want_one_of(c, "on-failure", failure, e);
    if (x == 0)
        x = want_one_of(c, "on-lost", lost, e);
    if (x == 0 && args_has(&c->args, "no-apply") && (str_eq(r, "plan") || str_eq(r, "none")))
        return err_set(e, ERR_USAGE, "--no-apply needs the second door: use --review effects or both");
    if (x == 0 && args_has(&c->args, "detach") && (args_has(&c->args, "yes") || args_has(&c->args, "no-apply")))
        return err_set(e, ERR_USAGE, "--detach leaves nobody here to answer: leave out --%s%s",
                       args_has(&c->args, "yes") ? "yes" : "no-apply",
                       str_eq(r, "none") ? "" : " (--review none asks nothing), or --detach");
    return x;
}

/* "1.5" -> 1500 */
static bool parse_cpus(const char *s, int64_t *ret)
{
    char whole[16];
    const char *dot = strchr(s, '.');
    size_t n = dot ? (size_t)(dot - s) : strlen(s);
    int64_t v = 0, unit = 100;
    if (n >= sizeof whole || (n == 0 && !dot))
        return false;
    memcpy(whole, s, n);
    whole[n] = '\0';
    if (n > 0 && (!str_i64(whole, &v) || v < 0 || v > 100000))
        return false;
    v *= 1000;
    for (const char *p = dot ? dot + 1 : ""; *p; p++, unit /= 10) {
        if (*p < '0' || *p > '9' || unit == 0)
            return false;
        v += (*p - '0') * unit;
    }
    *ret = v;
    return v > 0;
}

static bool parse_size(const char *s, int64_t *ret)
{
    uint64_t v;
    if (!str_bytes(s, &v) || v > INT64_MAX)
        return false;
    *ret = (int64_t)v;
    return v > 0;
}

static bool parse_count(const char *s, int64_t *ret)
{
    return str_i64(s, ret) && *ret > 0;
}

static bool parse_time(const char *s, int64_t *ret)
{
    return str_duration_ms(s, ret) && *ret > 0;
}

static const struct {
    const char *opt, *field;
    bool (*parse)(const char *, int64_t *);
    const char *like;
} limits[] = {
    {"cpus", "cpu_millis", parse_cpus, "2 or 0.5"},
    {"memory", "memory_bytes", parse_size, "512MiB or 2GiB"},
    {"pids", "pids", parse_count, "256"},
    {"disk", "disk_bytes", parse_size, "1GiB"},
    {"timeout", "wall_ms", parse_time, "30s or 10m"},
};

static int put_limits(const struct cli *c, struct jw *w, struct err *e)
{
    bool open = false;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        const char *v = args_get(&c->args, limits[i].opt);
        int64_t n;
        if (!v)
            continue;
        if (!limits[i].parse(v, &n))
            return err_set(e, ERR_USAGE, "--%s `%s`: write it like %s", limits[i].opt, v, limits[i].like);
        if (!open) {
            jw_key(w, "limits");
            jw_obj(w);
        }
        open = true;
        jw_kint(w, limits[i].field, n);
    }
    if (open)
        jw_end_obj(w);
    return 0;
}

/* NAME=VALUE, or NAME with the value of our own environment, which then stands in no process list. */
static int put_env(const struct cli *c, struct jw *w, struct err *e)
{
    const char *s;
    for (size_t i = 0; (s = args_nth(&c->args, "env", i)); i++) {
        const char *eq = strchr(s, '='), *val = eq ? eq + 1 : getenv(s);
        if (eq == s || !*s)
            return err_set(e, ERR_USAGE, "--env `%s`: write NAME or NAME=VALUE", s);
        if (!val)
            return err_set(e, ERR_USAGE, "--env %s: there is no variable %s in the environment", s, s);
        char *name = str_ndup(s, eq ? (size_t)(eq - s) : strlen(s));
        if (!name)
            return err_oom(e);
        if (i == 0) {
            jw_key(w, "env");
            jw_obj(w);
        }
        jw_kstr(w, name, val);
        free(name);
    }
    if (args_nth(&c->args, "env", 0))
        jw_end_obj(w);
    return 0;
}

/* As large as ours, where we have one. */
static void put_terminal(const struct cli *c, struct jw *w)
{
    struct winsize size;
    if (!args_has(&c->args, "pty") && !args_has(&c->args, "tty"))
        return;
    jw_kbool(w, "pty", true);
    if (ioctl(c->ui.out, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 || size.ws_row == 0)
        return;
    jw_kint(w, "cols", size.ws_col);
    jw_kint(w, "rows", size.ws_row);
}

static void put_work(const struct cli *c, struct jw *w)
{
    const char *cmd;
    if (cli_arg(c, 0)) {
        jw_kstr(w, "intent", cli_arg(c, 0));
        return;
    }
    jw_key(w, "steps");
    jw_arr(w);
    for (size_t i = 0; (cmd = args_nth(&c->args, "cmd", i)); i++) {
        jw_obj(w);
        jw_kstr(w, "command", cmd);
        put_terminal(c, w);
        jw_end_obj(w);
    }
    jw_end_arr(w);
}

static int make_request(const struct cli *c, const char *project, struct buf *body, struct err *e)
{
    struct jw w = JW_INIT(body);
    jw_obj(&w);
    jw_kstr(&w, "project_id", project);
    put_work(c, &w);
    jw_kstr_opt(&w, "review", args_get(&c->args, "review"));
    jw_kstr_opt(&w, "on_failure", args_get(&c->args, "on-failure"));
    jw_kstr_opt(&w, "on_lost", args_get(&c->args, "on-lost"));
    cmd_put_priority(&w, args_get(&c->args, "priority"));
    int r = put_limits(c, &w, e);
    if (r == 0)
        r = put_env(c, &w, e);
    jw_end_obj(&w);
    return r;
}

static int create(struct cli *c, struct api_reply *ret, struct err *e)
{
    AUTO(buf_fini) struct buf path = BUF_INIT(KIB);
    struct buf body = BUF_INIT(BODY_MAX);
    char *project = NULL;
    int r = resolve_project(c, args_get(&c->args, "project"), &project, e);
    if (r == 0)
        r = make_request(c, project, &body, e);
    api_path(&path, "/runs", NULL);
    if (r == 0)
        r = api_send(&c->api, "POST", &path, &body, ret, e);
    if (body.p) /* held values of --env */
        secure_wipe(body.p, body.cap);
    buf_fini(&body);
    free(project);
    return r;
}

int cmd_run(struct cli *c, struct err *e)
{
    AUTO(api_reply_fini) struct api_reply run = {0};
    bool intent = cli_arg(c, 0), steps = args_has(&c->args, "cmd");
    struct id id;
    if (intent == steps)
        return err_set(e, ERR_USAGE,
                       intent ? "give an intent or --cmd, not both"
                              : "say what to do: an intent in quotes, or --cmd \"make test\"");
    bool tty = args_has(&c->args, "tty");
    if (!steps && (tty || args_has(&c->args, "pty")))
        return err_set(e, ERR_USAGE, "--%s is for the steps of --cmd", tty ? "tty" : "pty");
    if (tty && (args_has(&c->args, "detach") || c->ui.json))
        return err_set(e, ERR_USAGE, "--tty attaches to the terminal here: leave out --%s, or use --pty",
                       c->ui.json ? "json" : "detach");
    int r = check_words(c, e);
    if (r == 0)
        r = create(c, &run, e);
    if (r < 0)
        return r;
    const char *text = show_str(run.json, "id");
    if (!text || !id_parse(ID_RUN, text, &id))
        return err_set(e, ERR_IO, "the server's answer holds no run");
    bool told = reply_json(c, &run);
    if (args_has(&c->args, "detach")) {
        if (!told)
            ui_printf(&c->ui, "%s\n", id.s);
        return 0;
    }
    if (!told && !c->ui.quiet)
        ui_printf(&c->ui, "run %s\n", id.s);
    struct flow f;
    flow_init(&f, c, &id);
    f.yes = args_has(&c->args, "yes");
    f.no_apply = args_has(&c->args, "no-apply");
    f.owner = true;
    f.attach = tty;
    r = flow_go(&f, e);
    flow_fini(&f);
    return r;
}
