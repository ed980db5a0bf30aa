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

#define SEED_OPT                                                                                                       \
    {                                                                                                                  \
        "seed", 0, "S", "how runs get their workspace: overlay or copy", false                                         \
    }
static const struct opt project_opts[] = {
    {"name", 0, "N", "a name for it; default: the last part of DIR", false},
    SEED_OPT,
    {0},
};
static const struct opt set_opts[] = {
    {"retention", 0, "R",
     "when parts of its ended runs go: runs=90d,failed_runs=30d,logs=14d; 0: never; default: as the server", false},
    {"toolchains", 0, "T", "which of the home's toolchains steps see: auto, none, or names: nvm,pyenv", false},
    SEED_OPT,
    {"max-running", 0, "N", "so many of its runs may be running at once; 0: what the server's configuration says",
     false},
    {0},
};
static const struct opt runs_opts[] = {
    {"state", 0, "S", "only runs in this state (queued, awaiting_review, running, succeeded, ...)", false},
    {"project", 'p', "P", "only runs of this project", false},
    {"limit", 0, "N", "at most N; default 20, 0 for all", false},
    {0},
};
static const struct opt keep_opts[] = {{"release", 0, NULL, "no longer: the rules of retention count again", false},
                                       {0}};
static const struct opt retention_opts[] = {
    {"dry-run", 0, NULL, "say what would be removed now", false},
    {"now", 0, NULL, "remove it now", false},
    {0},
};
static const struct opt approve_opts[] = {
    {"step", 0, "APPROVAL", "allow this one question of a running run instead of its plan", false},
    {"note", 0, "TEXT", "kept in the audit trail", false},
    {0},
};
static const struct opt note_opts[] = {{"note", 0, "TEXT", "kept in the audit trail", false}, {0}};
static const struct opt apply_opts[] = {
    {"hunks", 0, "FILE:N[,N…]", "of this file only these hunks, as the diff shows them, from 1 (may be repeated)",
     true},
    {"detach", 'd', NULL, "do not wait for the end", false},
    {0}};
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
static const struct opt attach_opts[] = {{"read-only", 0, NULL, "only watch; Ctrl-C leaves", false}, {0}};
static const struct opt out_opts[] = {{"output", 'o', "FILE", "write to FILE; - is stdout", false}, {0}};
static const struct opt reconcile_opts[] = {{"dry-run", 0, NULL, "only say what would be done", false}, {0}};
static const struct opt approvals_opts[] = {{"all", 0, NULL, "answered ones too", false}, {0}};
static const struct opt version_opts[] = {{"version", 0, "N", "that version; 0 is the built-in default", false}, {0}};
static const struct opt test_opts[] = {
    {"file", 0, "F", "ask the policy in this file, not the one in force", false},
    {"cwd", 0, "DIR", "as if run in this directory of the project", false},
    {0},
};
static const struct opt replay_opts[] = {
    {"since", 0, "TIME", "runs of the last TIME: 12h, 30d; default 30d", false},
    {"project", 'p', "P", "only runs of this project", false},
    {"all", 0, NULL, "commands whose answer stays the same, too", false},
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
    {.name = "serve",
     .args = "[--data DIR] [--listen ADDR]",
     .summary = "start the server",
     .example = "sallyport serve",
     .offline = true},
    {.name = "doctor",
     .args = "",
     .summary = "say what this machine can do, and how to fix what it cannot",
     .example = "sallyport doctor",
     .offline = true},

    {.name = "project add",
     .args = "DIR [--name N] [--seed overlay|copy]",
     .summary = "register a directory that runs may work on",
     .example = "sallyport project add ~/src/hello",
     .exits = "5 it is registered already",
     .opts = project_opts,
     .min = 1,
     .max = 1,
     .fn = cmd_project_add},
    {.name = "project list",
     .args = "",
     .summary = "list the projects",
     .example = "sallyport project list",
     .fn = cmd_project_list},
    {.name = "project show",
     .args = "[PROJECT]",
     .summary = "show one project; default: the one this directory is in",
     .example = "sallyport project show hello",
     .max = 1,
     .fn = cmd_project_show},
    {.name = "project set",
     .args = "PROJECT [--toolchains T] [--seed overlay|copy] [--retention R] [--max-running N]",
     .summary = "change what the sandboxes of a project are like, and how long its runs are kept",
     .text =
         "--seed overlay (the default): the project below, changes above; starts at once, but a directory that comes\n"
         "from the project cannot be renamed (git mv). --seed copy: each run works on a copy of its own, where it "
         "can.\n"
         "For runs accepted from now on.\n"
         "--retention: how long after a run's end its logs go (logs), all of it (runs), all of it when it did not\n"
         "succeed (failed_runs); names that are left out are the server's.",
     .example = "sallyport project set hello --toolchains nvm,pyenv\nsallyport project set hello --seed copy",
     .opts = set_opts,
     .min = 1,
     .max = 1,
     .fn = cmd_project_set},
    {.name = "project remove",
     .args = "PROJECT",
     .summary = "forget a project; its files stay as they are",
     .example = "sallyport project remove hello",
     .exits = "5 runs of it are open",
     .min = 1,
     .max = 1,
     .fn = cmd_project_remove},

    {.name = "run",
     .args = "\"INTENT\" | --cmd CMD ... [-p PROJECT]",
     .summary = "plan, review, run in a sandbox, review the changes, apply",
     .text = "Without -p: the project this directory is in. On a terminal both doors are asked here:\n"
             "  approve? y runs the plan, e edits it, n (or Enter) rejects it\n"
             "  apply?   y applies the changes, d shows them, n discards them, Enter leaves them waiting\n"
             "Elsewhere the run waits at a door, and this command ends with 9 and says how to go on.\n"
             "Ctrl-C cancels the run; a second Ctrl-C leaves it alone.",
     .example = "sallyport run \"run the unit tests and write a report\" -p hello\n"
                "sallyport run --cmd \"make test\" --yes --timeout 10m",
     .exits = RUN_EXITS,
     .opts = cmd_run_opts,
     .max = 1,
     .fn = cmd_run},
    {.name = "runs",
     .args = "[--state S] [-p P] [--limit N]",
     .summary = "list runs, newest first",
     .example = "sallyport runs --state awaiting_review",
     .opts = runs_opts,
     .fn = cmd_runs},
    {.name = "runs keep",
     .args = "RUN [--release]",
     .summary = "keep a run for ever, or no longer",
     .text = "Retention removes nothing of a run that is kept. " WHAT_RUN,
     .example = "sallyport runs keep last",
     .opts = keep_opts,
     .min = 1,
     .max = 1,
     .fn = cmd_runs_keep},
    {.name = "show",
     .args = "RUN",
     .summary = "show a run, its steps and artifacts",
     .text = WHAT_RUN,
     .example = "sallyport show last",
     .min = 1,
     .max = 1,
     .fn = cmd_show},
    {.name = "plan",
     .args = "RUN",
     .summary = "show the plan of a run",
     .text = WHAT_RUN,
     .example = "sallyport plan last",
     .min = 1,
     .max = 1,
     .fn = cmd_plan},
    {.name = "approve",
     .args = "RUN [--step APPROVAL] [--note TEXT]",
     .summary = "first door: let the plan run",
     .text = "Shows the plan and approves exactly that one. " WHAT_RUN,
     .example = "sallyport approve last",
     .exits = "5 the run does not wait for this, or its plan changed",
     .opts = approve_opts,
     .min = 1,
     .max = 1,
     .fn = cmd_approve},
    {.name = "reject",
     .args = "RUN [--note TEXT]",
     .summary = "first door: end the run before anything ran",
     .text = WHAT_RUN,
     .example = "sallyport reject last --note \"not on a Friday\"",
     .exits = "5 the run does not wait for this",
     .opts = note_opts,
     .min = 1,
     .max = 1,
     .fn = cmd_reject},
    {.name = "logs",
     .args = "RUN [-f] [--step N]",
     .summary = "print what the steps wrote",
     .text = "On a terminal stdout and stderr of the steps are told apart by the margin; elsewhere they go to our own\n"
             "stdout and stderr, byte for byte. " WHAT_RUN,
     .example = "sallyport logs last -f",
     .opts = logs_opts,
     .min = 1,
     .max = 1,
     .fn = cmd_logs},
    {.name = "attach",
     .args = "RUN [STEP] [--read-only]",
     .summary = "type into a running step that has a terminal",
     .text =
         "Shows what the step wrote (the last MiB at most), then your terminal is the step's: keys, size, Ctrl-C and "
         "all.\n"
         "At the beginning of a line ~. leaves, and the step goes on; ~~ types ~; ~? says so. Without a terminal, "
         "standard\n"
         "input is typed, then its end. A restart of the server goes unnoticed. Output comes as it is: a program you "
         "do\n"
         "not trust can do to your terminal what one can through ssh; `sallyport logs` cleans it. STEP is a number "
         "or an id;\n"
         "without one, the terminal that is open. " WHAT_RUN,
     .example = "sallyport attach last\necho ls | sallyport attach last 2",
     .exits = "the step's own when it ends (128 + N after signal N; 13 canceled, 14 time is up, 19 lost); 0 when you "
              "leave; 5 it has no terminal, or has ended",
     .opts = attach_opts,
     .min = 1,
     .max = 2,
     .fn = cmd_attach},
    {.name = "diff",
     .args = "RUN [FILE ...]",
     .summary = "show what a run changed, as a patch",
     .text = WHAT_RUN " FILE is a path inside the project.",
     .example = "sallyport diff last > work.patch",
     .min = 1,
     .max = ARGS_POS_MAX,
     .fn = cmd_diff},
    {.name = "apply",
     .args = "RUN [FILE ...] [--hunks FILE:N[,N…]] [-d]",
     .summary = "second door: write the changes into the project",
     .text = "With FILEs or --hunks only those; the rest is discarded. The exit code tells how the apply went, not the "
             "steps. " WHAT_RUN,
     .example = "sallyport apply last README.md",
     .exits = "5 the run does not wait for this; 15 the project changed meanwhile, nothing was applied",
     .opts = apply_opts,
     .min = 1,
     .max = ARGS_POS_MAX,
     .fn = cmd_apply},
    {.name = "discard",
     .args = "RUN [--note TEXT]",
     .summary = "second door: throw the changes away",
     .text = WHAT_RUN,
     .example = "sallyport discard last",
     .exits = "5 the run does not wait for this",
     .opts = note_opts,
     .min = 1,
     .max = 1,
     .fn = cmd_discard},
    {.name = "undo",
     .args = "RUN [-y] [-d]",
     .summary = "put back what an apply changed",
     .text = "A new run that can be looked at like any other. " WHAT_RUN,
     .example = "sallyport undo last",
     .exits = "5 there is nothing to undo; 15 the files moved on since",
     .opts = undo_opts,
     .min = 1,
     .max = 1,
     .fn = cmd_undo},
    {.name = "cancel",
     .args = "RUN",
     .summary = "stop a run and everything it started",
     .text = WHAT_RUN,
     .example = "sallyport cancel last",
     .exits = "5 the run has ended already",
     .min = 1,
     .max = 1,
     .fn = cmd_cancel},
    {.name = "artifacts",
     .args = "RUN [NAME] [-o FILE]",
     .summary = "list the artifacts of a run, or get one",
     .text = WHAT_RUN,
     .example = "sallyport artifacts last report.md",
     .opts = out_opts,
     .min = 1,
     .max = 2,
     .fn = cmd_artifacts},

    {.name = "approvals",
     .args = "[--all]",
     .summary = "list the questions that wait for a person",
     .example = "sallyport approvals",
     .opts = approvals_opts,
     .fn = cmd_approvals},
    {.name = "allow",
     .args = "APPROVAL [--note TEXT]",
     .summary = "answer a question: yes",
     .text = "Shows what it is about and allows exactly that.",
     .example = "sallyport allow apr_01JD3K7Q2V5W8X9Y0Z1A2B3C4D",
     .exits = "5 it was answered already",
     .opts = note_opts,
     .min = 1,
     .max = 1,
     .fn = cmd_allow},
    {.name = "deny",
     .args = "APPROVAL [--note TEXT]",
     .summary = "answer a question: no",
     .example = "sallyport deny 2B3C4D --note \"ask me on Monday\"",
     .exits = "5 it was answered already",
     .opts = note_opts,
     .min = 1,
     .max = 1,
     .fn = cmd_deny},

    {.name = "policy show",
     .args = "[--version N]",
     .summary = "print the policy in force",
     .example = "sallyport policy show > policy.yaml",
     .opts = version_opts,
     .fn = cmd_policy_show},
    {.name = "policy versions",
     .args = "",
     .summary = "list the versions of the policy",
     .example = "sallyport policy versions",
     .fn = cmd_policy_versions},
    {.name = "policy test",
     .args = "\"CMD\" [--file F] [--cwd DIR]",
     .summary = "ask the policy about a command; nothing runs",
     .example = "sallyport policy test \"rm -rf /\"",
     .exits = "0 allow; 9 ask; 10 deny",
     .opts = test_opts,
     .min = 1,
     .max = 1,
     .fn = cmd_policy_test},
    {.name = "policy replay",
     .args = "[FILE] [--since TIME] [--project P]",
     .summary = "what the policy in FILE would have said to past runs; - is stdin; none: the one in force",
     .example = "sallyport policy replay policy.yaml --since 30d",
     .exits = "9 it would have asked about a command; 10 it would have denied one",
     .opts = replay_opts,
     .min = 0,
     .max = 1,
     .fn = cmd_policy_replay},
    {.name = "policy edit",
     .args = "",
     .summary = "change the policy in $VISUAL or $EDITOR",
     .example = "sallyport policy edit",
     .exits = "5 somebody else changed it meanwhile",
     .fn = cmd_policy_edit},
    {.name = "policy set",
     .args = "FILE",
     .summary = "make FILE the policy; - is stdin",
     .example = "sallyport policy set policy.yaml",
     .min = 1,
     .max = 1,
     .fn = cmd_policy_set},

    {.name = "audit",
     .args = "[--limit N] [--run RUN]",
     .summary = "print the audit trail, oldest first",
     .example = "sallyport audit --run last",
     .opts = audit_opts,
     .fn = cmd_audit},
    {.name = "audit verify",
     .args = "[FILE]",
     .summary = "check the chain: at the server, or of an exported FILE without one",
     .example = "sallyport audit verify audit.jsonl",
     .exits = "20 the chain is broken",
     .max = 1,
     .fn = cmd_audit_verify},
    {.name = "audit export",
     .args = "[-o FILE]",
     .summary = "save the whole audit trail with its signed head",
     .example = "sallyport audit export -o audit.jsonl",
     .opts = out_opts,
     .fn = cmd_audit_export},

    {.name = "token new",
     .args = "--name N --scope S ... [--expires TIME]",
     .summary = "make an access token; it is shown once",
     .example = "sallyport token new --name ci --scope run:write --expires 30d",
     .opts = token_opts,
     .fn = cmd_token_new},
    {.name = "token list",
     .args = "",
     .summary = "list the tokens, never their secrets",
     .example = "sallyport token list",
     .fn = cmd_token_list},
    {.name = "token revoke",
     .args = "TOKEN",
     .summary = "end a token",
     .example = "sallyport token revoke tok_01JD3K7Q2V5W8X9Y0Z1A2B3C4D",
     .min = 1,
     .max = 1,
     .fn = cmd_token_revoke},

    {.name = "queue",
     .args = "[--limit N]",
     .summary = "show what is in work and what waits, since when and why",
     .example = "sallyport queue",
     .opts = cmd_queue_opts,
     .fn = cmd_queue},
    {.name = "queue pause",
     .args = "[PROJECT] [--note TEXT]",
     .summary = "start no more runs, of one project or at all; new ones are accepted and wait",
     .example = "sallyport queue pause --note \"moving the disk\"",
     .opts = note_opts,
     .max = 1,
     .fn = cmd_queue_pause},
    {.name = "queue resume",
     .args = "[PROJECT]",
     .summary = "go on after pause or drain",
     .example = "sallyport queue resume",
     .max = 1,
     .fn = cmd_queue_resume},
    {.name = "queue drain",
     .args = "[--note TEXT] [--timeout TIME] [--detach]",
     .summary = "start no more runs, and wait until none is in work",
     .example = "sallyport queue drain --timeout 30m",
     .exits = "6 some are still in work after --timeout",
     .opts = cmd_drain_opts,
     .fn = cmd_queue_drain},
    {.name = "queue priority",
     .args = "RUN PRIORITY",
     .summary = "change whose turn it is: low, normal, high, urgent, or -100 to 100",
     .example = "sallyport queue priority last urgent",
     .min = 2,
     .max = 2,
     .fn = cmd_queue_priority},
    {.name = "queue cancel",
     .args = "RUN",
     .summary = "the same as cancel",
     .example = "sallyport queue cancel last",
     .min = 1,
     .max = 1,
     .fn = cmd_cancel},
    {.name = "retention",
     .args = "[--dry-run | --now]",
     .summary = "show what is kept and removed, and how full the disk is",
     .text = "The rules stand in the server's configuration (retention.*), for one project in its settings.",
     .example = "sallyport retention --dry-run",
     .opts = retention_opts,
     .fn = cmd_retention},
    {.name = "reconcile",
     .args = "[--dry-run]",
     .summary = "put right what was left behind, now",
     .text =
         "Runs in nobody's hands, waits that have passed, sandboxes, cgroups, layers and files that belong to nothing. "
         "The server does the same at its start and every few seconds; each thing it does is in the audit trail.",
     .example = "sallyport reconcile --dry-run",
     .opts = reconcile_opts,
     .fn = cmd_reconcile},
    {.name = "status",
     .args = "",
     .summary = "say which server this is, who we are, and how it is doing",
     .example = "sallyport status",
     .fn = cmd_status},
    {.name = "whoami", .args = "", .summary = "the same as status", .example = "sallyport whoami", .fn = cmd_status},
    {.name = "version",
     .args = "",
     .summary = "print the version of this program",
     .example = "sallyport version",
     .fn = cmd_version,
     .offline = true},
    {.name = "help",
     .args = "[COMMAND]",
     .summary = "help for a command",
     .example = "sallyport help run",
     .max = 2,
     .fn = cmd_help,
     .offline = true},
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
