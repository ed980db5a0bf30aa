/* help - see help.h.
 *
 * May include: base/ cli/.   Threads: one. */
#include "cli/help.h"
#include "base/str.h"
#include <stdio.h>
#include <string.h>

#define COMMON_EXITS                                                                                                   \
    "0 done; 2 wrong use; 3 not allowed; 4 not found; 5 not possible now; 6 no server, or try again; 70 a defect; "    \
    "74 input or output failed; 78 wrong configuration"

static void options(struct ui *ui, const struct opt *o)
{
    for (; o && o->name; o++) {
        char text[80];
        char c[8] = "    ";
        if (o->c)
            snprintf(c, sizeof c, "-%c, ", o->c);
        snprintf(text, sizeof text, "%s--%s%s%s", c, o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        ui_printf(ui, "  %-26s %s%s\n", text, o->help, o->many ? " (may be repeated)" : "");
    }
}

/* Has the list "1 a; 2 b" this code? A code of one command says more than what all have in common. */
static bool has_code(const char *list, const char *code, size_t digits)
{
    while (list && *list) {
        if (strspn(list, "0123456789") == digits && memcmp(list, code, digits) == 0)
            return true;
        list = strstr(list, "; ");
        list += list ? 2 : 0;
    }
    return false;
}

/* "a; b; c" as one line each, without the codes of `better` */
static void exits(struct ui *ui, const char *list, const char *better)
{
    while (list && *list) {
        const char *end = strstr(list, "; ");
        int n = end ? (int)(end - list) : (int)strlen(list);
        int digits = (int)strspn(list, "0123456789");
        if (!has_code(better, list, (size_t)digits))
            ui_printf(ui, "  %*s%.*s\n", 3 - digits, "", n, list);
        list += n;
        list += strspn(list, "; ");
    }
}

static void lines(struct ui *ui, const char *head, const char *text)
{
    while (text && *text) {
        size_t n = strcspn(text, "\n");
        ui_printf(ui, "%s%.*s\n", head, (int)n, text);
        text += n;
        text += strspn(text, "\n");
    }
}

void help_command(struct ui *ui, const struct cli_cmd *c)
{
    ui_printf(ui, "sallyport %s - %s\n\nusage: sallyport %s %s\n", c->name, c->summary, c->name, c->args);
    if (c->text) {
        ui_printf(ui, "\n");
        lines(ui, "", c->text);
    }
    if (c->opts) {
        ui_printf(ui, "\noptions:\n");
        options(ui, c->opts);
    }
    ui_printf(ui, "\nexample:\n");
    lines(ui, "  $ ", c->example);
    ui_printf(ui, "\nexit codes:\n");
    exits(ui, COMMON_EXITS, c->exits);
    exits(ui, c->exits, NULL);
    ui_printf(ui, "\noptions of every command: sallyport --help\n");
}

void help_all(struct ui *ui, const char *group)
{
    size_t n = group ? strlen(group) : 0;
    ui_printf(ui, "usage: sallyport [options] %s [options] [arguments]\n\ncommands:\n", group ? group : "COMMAND");
    for (const struct cli_cmd *c = cli_cmds; c->name; c++) {
        if (group && (strncmp(c->name, group, n) != 0 || (c->name[n] != ' ' && c->name[n])))
            continue;
        ui_printf(ui, "  %-16s %s\n", c->name, c->summary);
    }
    ui_printf(ui, "\noptions of every command:\n");
    options(ui, cli_global_opts);
    ui_printf(ui, "\nmore: sallyport COMMAND --help, man sallyport\n");
}

int cmd_help(struct cli *c, struct err *e)
{
    int words = 0;
    const struct cli_cmd *cmd = NULL;
    if (c->args.npos == 0) {
        help_all(&c->ui, NULL);
        return 0;
    }
    cmd = cli_find((int)c->args.npos, (char *const *)(uintptr_t)c->args.pos, &words);
    if (cmd && words == (int)c->args.npos)
        help_command(&c->ui, cmd);
    else if (c->args.npos == 1 && cli_is_group(c->args.pos[0]))
        help_all(&c->ui, c->args.pos[0]);
    else
        return err_set(e, ERR_USAGE, "there is no command `%s`", c->args.pos[0]);
    return 0;
}
