/* cmd - what a command is, and what it gets.
 *
 * Why it exists: the list of commands is data. Dispatch, help, the completion
 * and the man-page check read the same rows (cmd_table.c).
 * May include: base/ os/ net/.   Threads: one. */
#pragma once
#include "cli/api.h"
#include "cli/args.h"
#include "cli/ui.h"

/* Exit codes of our own; all others come from the `exit` column of base/err.def. */
#define CLI_EXIT_WAITS 9 /* the run waits for a person; the policy's answer is "ask" */

struct cli_cmd;
struct cli {
    const struct cli_cmd *cmd;
    struct args args;
    struct ui ui;
    struct api api;
    const char *data;       /* --data, or NULL */
    char hint[400];         /* what to do next, when the command knows better than the table of hints */
    char tried[300];        /* the data directory that had no socket; "" when the address was given */
    int exit;               /* exit code when fn returns 0 */
    const char *no_console; /* why this program holds no web console; "" when it does */
};

typedef int (*cli_fn)(struct cli *, struct err *);
struct cli_cmd {
    const char *name;    /* "project add" */
    const char *args;    /* "DIR [--name N]" */
    const char *summary; /* one line, no full stop */
    const char *text;    /* more, or NULL */
    const char *example; /* one or more lines, without "$ " */
    const char *exits;   /* exit codes beyond the common ones, or NULL */
    const struct opt *opts;
    size_t min, max; /* arguments */
    cli_fn fn;       /* NULL: the server program answers it itself */
    bool offline;    /* needs no server */
};

extern const struct cli_cmd cli_cmds[]; /* ends with a NULL name */
extern const struct opt cli_global_opts[];

/* The command of argv[0..]: one or two words. *ret_words: how many. NULL when there is none. */
const struct cli_cmd *cli_find(int argc, char *const *argv, int *ret_words);
/* "group" of "group command": lists what is in it. */
bool cli_is_group(const char *word);

/* Remembers what to do next. */
void cli_hint(struct cli *, const char *fmt, ...) PRINTF(2, 3);
/* One more connection to the same server, for a thread of its own, ended by its own flag. */
CHECKED int cli_connect(const struct cli *, struct api *ret, struct ui *, const volatile sig_atomic_t *interrupt,
                        struct err *);
/* Forgets a Ctrl-C that was dealt with. */
void cli_interrupt_clear(void);
/* The argument, or NULL. */
static inline const char *cli_arg(const struct cli *c, size_t i)
{
    return i < c->args.npos ? c->args.pos[i] : NULL;
}

/* One function per row of the table. */
int cmd_project_add(struct cli *, struct err *);
int cmd_project_list(struct cli *, struct err *);
int cmd_project_show(struct cli *, struct err *);
int cmd_project_set(struct cli *, struct err *);
int cmd_project_remove(struct cli *, struct err *);
int cmd_run(struct cli *, struct err *);
int cmd_runs(struct cli *, struct err *);
int cmd_show(struct cli *, struct err *);
int cmd_plan(struct cli *, struct err *);
int cmd_approve(struct cli *, struct err *);
int cmd_reject(struct cli *, struct err *);
int cmd_apply(struct cli *, struct err *);
int cmd_discard(struct cli *, struct err *);
int cmd_undo(struct cli *, struct err *);
int cmd_cancel(struct cli *, struct err *);
int cmd_logs(struct cli *, struct err *);
int cmd_attach(struct cli *, struct err *);
int cmd_diff(struct cli *, struct err *);
int cmd_artifacts(struct cli *, struct err *);
int cmd_approvals(struct cli *, struct err *);
int cmd_allow(struct cli *, struct err *);
int cmd_deny(struct cli *, struct err *);
int cmd_policy_show(struct cli *, struct err *);
int cmd_policy_versions(struct cli *, struct err *);
int cmd_policy_test(struct cli *, struct err *);
/* The text of FILE; - is stdin. */
CHECKED int cmd_policy_file(const char *file, struct buf *out, struct err *);
int cmd_policy_replay(struct cli *, struct err *);
int cmd_policy_edit(struct cli *, struct err *);
int cmd_policy_set(struct cli *, struct err *);
int cmd_audit(struct cli *, struct err *);
int cmd_audit_verify(struct cli *, struct err *);
int cmd_audit_export(struct cli *, struct err *);
int cmd_token_new(struct cli *, struct err *);
int cmd_token_list(struct cli *, struct err *);
int cmd_token_revoke(struct cli *, struct err *);
int cmd_queue(struct cli *, struct err *);
int cmd_queue_pause(struct cli *, struct err *);
int cmd_queue_resume(struct cli *, struct err *);
int cmd_queue_drain(struct cli *, struct err *);
int cmd_queue_priority(struct cli *, struct err *);
int cmd_runs_keep(struct cli *, struct err *);
int cmd_retention(struct cli *, struct err *);
int cmd_reconcile(struct cli *, struct err *);
int cmd_status(struct cli *, struct err *);
int cmd_version(struct cli *, struct err *);
int cmd_help(struct cli *, struct err *);

/* "priority": a number as one, a name as text; nothing when NULL. */
void cmd_put_priority(struct jw *, const char *text);

/* Options of the larger commands stand beside their code. */
extern const struct opt cmd_run_opts[], cmd_queue_opts[], cmd_drain_opts[];
