/* cmd_table - every command of the program, as data.
 *
 * Why it exists: see cmd.h. tests/cli checks that the man page and the
 * completion name every command and option that stands here.
 * May include: base/ os/ net/.   Threads: any. */
#include "cli/cmd.h"
#include "base/str.h"
#include <string.h>

const struct opt cli_global_opts[] = {
    {"json", 0, NULL, "print the server's JSON; streams as JSON lines", false},
    {"url", 0, "URL", "the server: http://host:port; with a token", false},
    {"token-file", 0, "FILE", "read the token from FILE", false},
    {"data", 0, "DIR", "the data directory of the server on this machine", false},
    {"no-color", 0, NULL, "no colour, also on a terminal", false},
    {"quiet", 'q', NULL, "no notes and no progress", false},
    {"help", 'h', NULL, "help for a command", false},
    {0},
};

static const struct opt name_opts[] = {{"name", 0, "N", "a name for it; default: the last part of DIR", false}, {0}};
static const struct opt runs_opts[] = {
    {"state", 0, "S", "only runs in this state (queued, awaiting_review, running, succeeded, ...)", false},
    {"project", 'p', "P", "only runs of this project", false},
    {"limit", 0, "N", "at most N; default 20, 0 for all", false},
    {0},
};
static const struct opt approve_opts[] = {
    {"step", 0, "APPROVAL", "allow this one question of a running run instead of its plan", false},
    {"note", 0, "TEXT", "kept in the audit trail", false},
    {0},
};
static const struct opt note_opts[] = {{"note", 0, "TEXT", "kept in the audit trail", false}, {0}};
static const struct opt detach_opts[] = {{"detach", 'd', NULL, "do not wait for the end", false}, {0}};
static const struct opt undo_opts[] = {
    {"yes", 'y', NULL, "do not ask", false},
    {"detach", 'd', NULL, "do not wait for the end", false},
    {0},
};
static const struct opt logs_opts[] = {
    {"follow", 'f', NULL, "go on until the run ends", false},
    {"step", 0, "N", "only the N-th step", false},
    {0},
};
static const struct opt out_opts[] = {{"output", 'o', "FILE", "write to FILE; - is stdout", false}, {0}};
static const struct opt approvals_opts[] = {{"all", 0, NULL, "answered ones too", false}, {0}};
static const struct opt version_opts[] = {{"version", 0, "N", "that version; 0 is the built-in default", false}, {0}};
static const struct opt test_opts[] = {
    {"file", 0, "F", "ask the policy in this file, not the one in force", false},
    {"cwd", 0, "DIR", "as if run in this directory of the project", false},
    {0},
};
static const struct opt audit_opts[] = {
    {"limit", 0, "N", "at most N records, the newest; default 50, 0 for all", false},
    {"run", 0, "RUN", "only records of this run", false},
    {0},
};
static const struct opt token_opts[] = {
    {"name", 0, "N", "what it is for (required)", false},
    {"scope", 0, "S", "run:read run:write approve policy:read policy:write audit:read project:write admin", true},
    {"expires", 0, "TIME", "ends after TIME: 12h, 30d; default: never", false},
    {0},
};

#define RUN_EXITS                                                                                                      \
    "9 the run waits for a person; 10 the policy denies it; 11 rejected or discarded; 12 a step failed; 13 canceled; " \
    "14 time is up; 15 conflict at apply; 16 no sandbox; 19 lost; 130 interrupted"
#define WHAT_RUN "RUN is an id, its beginning or end (4 characters or more), or `last`."

const struct cli_cmd cli_cmds[] = {
    {"serve", "[--data DIR] [--listen ADDR]", "start the server", NULL, "sallyport serve", NULL, NULL, 0, 0, NULL,
     true},
    {"doctor", "", "say what this machine can do, and how to fix what it cannot", NULL, "sallyport doctor", NULL, NULL,
     0, 0, NULL, true},

    {"project add", "DIR [--name N]", "register a directory that runs may work on", NULL,
     "sallyport project add ~/src/hello", "5 it is registered already", name_opts, 1, 1, cmd_project_add, false},
    {"project list", "", "list the projects", NULL, "sallyport project list", NULL, NULL, 0, 0, cmd_project_list,
     false},
    {"project show", "[PROJECT]", "show one project; default: the one this directory is in", NULL,
     "sallyport project show hello", NULL, NULL, 0, 1, cmd_project_show, false},
    {"project remove", "PROJECT", "forget a project; its files stay as they are", NULL,
     "sallyport project remove hello", "5 runs of it are open", NULL, 1, 1, cmd_project_remove, false},

    {"run", "\"INTENT\" | --cmd CMD ... [-p PROJECT]", "plan, review, run in a sandbox, review the changes, apply",
     "Without -p: the project this directory is in. On a terminal both doors are asked here:\n"
     "  approve? y runs the plan, e edits it, n (or Enter) rejects it\n"
     "  apply?   y applies the changes, d shows them, n discards them, Enter leaves them waiting\n"
     "Elsewhere the run waits at a door, and this command ends with 9 and says how to go on.\n"
     "Ctrl-C cancels the run; a second Ctrl-C leaves it alone.",
     "sallyport run \"run the unit tests and write a report\" -p hello\n"
     "sallyport run --cmd \"make test\" --yes --timeout 10m",
     RUN_EXITS, cmd_run_opts, 0, 1, cmd_run, false},
    {"runs", "[--state S] [-p P] [--limit N]", "list runs, newest first", NULL,
     "sallyport runs --state awaiting_review", NULL, runs_opts, 0, 0, cmd_runs, false},
    {"show", "RUN", "show a run, its steps and artifacts", WHAT_RUN, "sallyport show last", NULL, NULL, 1, 1, cmd_show,
     false},
    {"plan", "RUN", "show the plan of a run", WHAT_RUN, "sallyport plan last", NULL, NULL, 1, 1, cmd_plan, false},
    {"approve", "RUN [--step APPROVAL] [--note TEXT]", "first door: let the plan run",
     "Shows the plan and approves exactly that one. " WHAT_RUN, "sallyport approve last",
     "5 the run does not wait for this, or its plan changed", approve_opts, 1, 1, cmd_approve, false},
    {"reject", "RUN [--note TEXT]", "first door: end the run before anything ran", WHAT_RUN,
     "sallyport reject last --note \"not on a Friday\"", "5 the run does not wait for this", note_opts, 1, 1,
     cmd_reject, false},
    {"logs", "RUN [-f] [--step N]", "print what the steps wrote",
     "On a terminal stdout and stderr of the steps are told apart by the margin; elsewhere they go to our own\n"
     "stdout and stderr, byte for byte. " WHAT_RUN,
     "sallyport logs last -f", NULL, logs_opts, 1, 1, cmd_logs, false},
    {"diff", "RUN [FILE ...]", "show what a run changed, as a patch", WHAT_RUN " FILE is a path inside the project.",
     "sallyport diff last > work.patch", NULL, NULL, 1, ARGS_POS_MAX, cmd_diff, false},
    {"apply", "RUN [FILE ...] [-d]", "second door: write the changes into the project",
     "With FILEs only those; the rest is discarded. " WHAT_RUN, "sallyport apply last README.md",
     "5 the run does not wait for this; 15 the project changed meanwhile, nothing was applied", detach_opts, 1,
     ARGS_POS_MAX, cmd_apply, false},
    {"discard", "RUN [--note TEXT]", "second door: throw the changes away", WHAT_RUN, "sallyport discard last",
     "5 the run does not wait for this", note_opts, 1, 1, cmd_discard, false},
    {"undo", "RUN [-y] [-d]", "put back what an apply changed",
     "A new run that can be looked at like any other. " WHAT_RUN, "sallyport undo last",
     "5 there is nothing to undo; 15 the files moved on since", undo_opts, 1, 1, cmd_undo, false},
    {"cancel", "RUN", "stop a run and everything it started", WHAT_RUN, "sallyport cancel last",
     "5 the run has ended already", NULL, 1, 1, cmd_cancel, false},
    {"artifacts", "RUN [NAME] [-o FILE]", "list the artifacts of a run, or get one", WHAT_RUN,
     "sallyport artifacts last report.md", NULL, out_opts, 1, 2, cmd_artifacts, false},

    {"approvals", "[--all]", "list the questions that wait for a person", NULL, "sallyport approvals", NULL,
     approvals_opts, 0, 0, cmd_approvals, false},
    {"allow", "APPROVAL [--note TEXT]", "answer a question: yes", "Shows what it is about and allows exactly that.",
     "sallyport allow apr_01JD3K7Q2V5W8X9Y0Z1A2B3C4D", "5 it was answered already", note_opts, 1, 1, cmd_allow, false},
    {"deny", "APPROVAL [--note TEXT]", "answer a question: no", NULL,
     "sallyport deny 2B3C4D --note \"ask me on Monday\"", "5 it was answered already", note_opts, 1, 1, cmd_deny,
     false},

    {"policy show", "[--version N]", "print the policy in force", NULL, "sallyport policy show > policy.yaml", NULL,
     version_opts, 0, 0, cmd_policy_show, false},
    {"policy versions", "", "list the versions of the policy", NULL, "sallyport policy versions", NULL, NULL, 0, 0,
     cmd_policy_versions, false},
    {"policy test", "\"CMD\" [--file F]", "ask the policy about a command; nothing runs", NULL,
     "sallyport policy test \"rm -rf /\"", "0 allow; 9 ask; 10 deny", test_opts, 1, 1, cmd_policy_test, false},
    {"policy edit", "", "change the policy in $VISUAL or $EDITOR", NULL, "sallyport policy edit",
     "5 somebody else changed it meanwhile", NULL, 0, 0, cmd_policy_edit, false},
    {"policy set", "FILE", "make FILE the policy; - is stdin", NULL, "sallyport policy set policy.yaml", NULL, NULL, 1,
     1, cmd_policy_set, false},

    {"audit", "[--limit N] [--run RUN]", "print the audit trail, oldest first", NULL, "sallyport audit --run last",
     NULL, audit_opts, 0, 0, cmd_audit, false},
    {"audit verify", "[FILE]", "check the chain: at the server, or of an exported FILE without one", NULL,
     "sallyport audit verify audit.jsonl", "20 the chain is broken", NULL, 0, 0, cmd_audit_verify, false},
    {"audit export", "[-o FILE]", "save the whole audit trail with its signed head", NULL,
     "sallyport audit export -o audit.jsonl", NULL, out_opts, 0, 0, cmd_audit_export, false},

    {"token new", "--name N --scope S ... [--expires TIME]", "make an access token; it is shown once", NULL,
     "sallyport token new --name ci --scope run:write --expires 30d", NULL, token_opts, 0, 0, cmd_token_new, false},
    {"token list", "", "list the tokens, never their secrets", NULL, "sallyport token list", NULL, NULL, 0, 0,
     cmd_token_list, false},
    {"token revoke", "TOKEN", "end a token", NULL, "sallyport token revoke tok_01JD3K7Q2V5W8X9Y0Z1A2B3C4D", NULL, NULL,
     1, 1, cmd_token_revoke, false},

    {"queue", "", "show what waits for a worker", NULL, "sallyport queue", NULL, NULL, 0, 0, cmd_queue, false},
    {"reconcile", "", "look for runs that were left behind, now", NULL, "sallyport reconcile", NULL, NULL, 0, 0,
     cmd_reconcile, false},
    {"status", "", "say which server this is, who we are, and how it is doing", NULL, "sallyport status", NULL, NULL, 0,
     0, cmd_status, false},
    {"whoami", "", "the same as status", NULL, "sallyport whoami", NULL, NULL, 0, 0, cmd_status, false},
    {"version", "", "print the version of this program", NULL, "sallyport version", NULL, NULL, 0, 0, cmd_version,
     true},
    {"help", "[COMMAND]", "help for a command", NULL, "sallyport help run", NULL, NULL, 0, 2, cmd_help, true},
    {0},
};

const struct cli_cmd *cli_find(int argc, char *const *argv, int *ret_words)
{
    const struct cli_cmd *one = NULL;
    for (const struct cli_cmd *c = cli_cmds; c->name && argc > 0; c++) {
        const char *space = strchr(c->name, ' ');
        size_t n = space ? (size_t)(space - c->name) : strlen(c->name);
        if (strncmp(c->name, argv[0], n) != 0 || argv[0][n])
            continue;
        if (!space)
            one = c;
        if (space && argc > 1 && str_eq(space + 1, argv[1])) {
            *ret_words = 2;
            return c;
        }
    }
    *ret_words = one ? 1 : 0;
    return one;
}

bool cli_is_group(const char *word)
{
    size_t n = strlen(word);
    for (const struct cli_cmd *c = cli_cmds; c->name; c++)
        if (strncmp(c->name, word, n) == 0 && c->name[n] == ' ')
            return true;
    return false;
}
