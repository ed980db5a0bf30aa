/* cli - from argv to a command, and from its result to an exit code. See cli.h.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "cli/cli.h"
#include "base/str.h"
#include "cli/cmd.h"
#include "cli/conn.h"
#include "cli/help.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The one mutable static of the program: a signal handler can reach nothing else. */
static volatile sig_atomic_t interrupts;

static void on_sigint(int sig)
{
    interrupts = 1;
}

/* Without SA_RESTART: a blocked read or poll must notice. SIGPIPE is ignored so that a reader that left (`| head`)
 * ends us in order, not in the middle of a request. */
static void set_signals(void)
{
    struct sigaction on_int = {.sa_handler = on_sigint}, ignore = {.sa_handler = SIG_IGN};
    struct sigaction was;
    if (sigaction(SIGINT, NULL, &was) == 0 && was.sa_handler != SIG_IGN)
        (void)sigaction(SIGINT, &on_int, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

void cli_interrupt_clear(void)
{
    interrupts = 0;
}

void cli_hint(struct cli *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->hint, sizeof c->hint, fmt, ap);
    va_end(ap);
}

/* What to do next, by code; where the server's own sentence says it already there is no row. */
static const struct {
    int code;
    const char *hint;
} hints[] = {
    {ERR_UNREACHABLE, "start it with: sallyport serve     or say where it is: --url, --data, SALLYPORT_URL"},
    {ERR_UNAUTHORIZED, "set SALLYPORT_TOKEN or SALLYPORT_TOKEN_FILE, or use --token-file; on the server's own machine "
                       "the same user needs none"},
    {ERR_FORBIDDEN, "see what this token may do: sallyport whoami     make another: sallyport token new"},
    {ERR_HOST, "add the name to allowed_hosts in the server's configuration, or use the address it listens on"},
    {ERR_NOT_FOUND, "see what there is: sallyport runs     sallyport project list     sallyport approvals"},
    {ERR_STATE, "see where it stands: sallyport show RUN"},
    {ERR_RESOLVED, "see the answer: sallyport approvals --all"},
    {ERR_PLAN_CHANGED, "look at it again: sallyport plan RUN"},
    {ERR_UNKNOWN_FIELD, "this program and the server may be of different versions: sallyport status"},
    {ERR_INTENT, "say the steps yourself: sallyport run --cmd \"make test\""},
    {ERR_RATE, "wait a moment and try again"},
    {ERR_UNAVAILABLE, "wait a moment and try again; the server's log says why"},
    {ERR_QUEUE_FULL, "see what is in it: sallyport queue"},
    {ERR_STORAGE_FULL, "make room on the disk of the data directory"},
    {ERR_DISK_FULL, "see what fills it, and what would go: sallyport retention     sallyport retention --dry-run"},
    {ERR_GONE, "see what is left of it: sallyport show RUN"},
    {ERR_TIMEOUT, "see whether the server is well: sallyport status"},
    {ERR_INTERNAL, "the server's log has the details"},
    {ERR_CORRUPT, "check the trail: sallyport audit verify     and the host: sallyport doctor"},
    {ERR_SANDBOX_UNAVAILABLE, "see what is missing: sallyport doctor"},
    {ERR_AUDIT_BROKEN, "keep a copy of the data directory before anything else writes to it"},
};

static const char *hint_for(const struct cli *c, int code)
{
    if (c->hint[0])
        return c->hint;
    for (size_t i = 0; i < ARRAY_LEN(hints); i++)
        if (hints[i].code == code)
            return hints[i].hint;
    return NULL;
}

static int fail(struct cli *c, const struct err *e)
{
    if (e->code == ERR_UNREACHABLE && c->tried[0] && !c->hint[0])
        cli_hint(
            c,
            "no server has its socket in %s either; start one: sallyport serve     or say where it is: --url, --data",
            c->tried);
    if (e->code == ERR_USAGE && c->cmd && !c->hint[0])
        cli_hint(c, "usage: sallyport %s %s\n  more: sallyport %s --help", c->cmd->name, c->cmd->args, c->cmd->name);
    if (e->code != ERR_INTERRUPTED)
        ui_error(&c->ui, e, hint_for(c, e->code));
    return err_info(e->code)->exit;
}

static int find_command(struct cli *c, int argc, char **argv, int *ret_words, struct err *e)
{
    c->cmd = cli_find(argc, argv, ret_words);
    if (c->cmd)
        return 0;
    if (argc > 1 && cli_is_group(argv[0]) && argv[1][0] != '-') {
        cli_hint(c, "see: sallyport %s --help", argv[0]);
        return err_set(e, ERR_USAGE, "there is no command `%s %s`", argv[0], argv[1]);
    }
    cli_hint(c, "see: sallyport --help");
    return err_set(e, ERR_USAGE, "there is no command `%s`", argv[0]);
}

static int check_args(const struct cli *c, struct err *e)
{
    if (c->args.npos < c->cmd->min)
        return err_set(e, ERR_USAGE, "`sallyport %s` needs %s", c->cmd->name,
                       c->cmd->min - c->args.npos > 1 ? "more arguments" : "an argument");
    if (c->args.npos > c->cmd->max)
        return err_set(e, ERR_USAGE, "`sallyport %s` does not take `%s`", c->cmd->name, c->args.pos[c->cmd->max]);
    return 0;
}

static void take_globals(struct cli *c)
{
    c->ui.json = args_has(&c->args, "json");
    c->ui.quiet = args_has(&c->args, "quiet");
    c->data = args_get(&c->args, "data");
    if (args_has(&c->args, "no-color"))
        ui_colors(&c->ui, false);
}

int cli_connect(const struct cli *c, struct api *ret, struct ui *ui, const volatile sig_atomic_t *interrupt,
                struct err *e)
{
    struct conn conn;
    int r = conn_find(&conn, args_get(&c->args, "url"), args_get(&c->args, "token-file"), c->data, e);
    if (r == 0)
        r = api_init(ret, ui, &conn, interrupt, e);
    conn_fini(&conn);
    return r;
}

static int connect_to_server(struct cli *c, struct err *e)
{
    struct conn conn;
    int r = conn_find(&conn, args_get(&c->args, "url"), args_get(&c->args, "token-file"), c->data, e);
    if (r == 0 && conn.url && str_eq(conn.url, CONN_URL_DEFAULT))
        snprintf(c->tried, sizeof c->tried, "%s", conn.data);
    if (r == 0)
        r = api_init(&c->api, &c->ui, &conn, &interrupts, e);
    conn_fini(&conn);
    return r;
}

static int run_command(struct cli *c, struct err *e)
{
    if (args_has(&c->args, "help")) {
        help_command(&c->ui, c->cmd);
        return 0;
    }
    int r = check_args(c, e);
    if (r < 0)
        return r;
    if (!c->cmd->fn) { /* of the server program, which looks at the first word only */
        cli_hint(c, "put the command first: sallyport %s ...", c->cmd->name);
        return err_set(e, ERR_USAGE, "`%s` does not take options before it", c->cmd->name);
    }
    if (!c->cmd->offline) {
        r = connect_to_server(c, e);
        if (r < 0)
            return r;
    }
    return c->cmd->fn(c, e);
}

/* sallyport [global options] COMMAND [options and arguments] */
static int run(struct cli *c, int argc, char **argv, struct err *e)
{
    int used = 0, words = 0, rest = 0;
    int r = args_parse(&c->args, argc, argv, NULL, cli_global_opts, true, &used, e);
    if (r < 0) {
        cli_hint(c, "see: sallyport --help");
        return r;
    }
    take_globals(c);
    argc -= used;
    argv += used;
    if (argc == 0 || (argc == 1 && cli_is_group(argv[0]) && !cli_find(argc, argv, &words)) ||
        (argc == 2 && cli_is_group(argv[0]) && !cli_find(1, argv, &words) &&
         (str_eq(argv[1], "--help") || str_eq(argv[1], "-h")))) {
        help_all(&c->ui, argc ? argv[0] : NULL);
        c->exit = argc || args_has(&c->args, "help") ? 0 : err_info(ERR_USAGE)->exit;
        return 0;
    }
    r = find_command(c, argc, argv, &words, e);
    if (r < 0)
        return r;
    r = args_parse(&c->args, argc - words, argv + words, c->cmd->opts, cli_global_opts, false, &rest, e);
    if (r < 0)
        return r;
    take_globals(c);
    return run_command(c, e);
}

/* stdout that takes no more: a closed pipe ends us as the signal would have, a full disk is an error. */
static int end_output(struct cli *c, int code)
{
    ui_flush(&c->ui);
    if (!c->ui.broken)
        return code;
    if (c->ui.sys == EPIPE)
        return 128 + SIGPIPE;
    struct err e = ERR_INIT;
    errno = c->ui.sys;
    err_sys(&e, ERR_IO, "writing to standard output");
    ui_error(&c->ui, &e, NULL);
    return err_info(ERR_IO)->exit;
}

int cli_main(int argc, char **argv, const char *no_console)
{
    struct cli c = {.no_console = no_console};
    struct err e = ERR_INIT;
    interrupts = 0;
    set_signals();
    text_init();
    ui_init(&c.ui, &interrupts);
    int r = run(&c, argc - 1, argv + 1, &e);
    int code = r < 0 ? fail(&c, &e) : c.exit;
    code = end_output(&c, code);
    if (c.api.where)
        api_fini(&c.api);
    ui_fini(&c.ui);
    return code;
}
