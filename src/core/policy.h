// policy - versioned rules that answer allow, ask or deny, with a reason.
//
// Why it exists: says what is wanted, before anything runs. (The sandbox is
// the wall; neither replaces the other.)
// May include: base/ core/shell, libfyaml.  Pure.  Threads: any; a parsed
// policy is immutable and may be shared.
//
//   version: 7                 # integer >= 1
//   default: ask               # when no rule matches
//   rules:
//     - id: no-root-wipe       # [a-z0-9][a-z0-9._-]*, at most 64; unique
//       decision: deny         # deny wins over ask, ask over allow; order does not matter
//       reason: "…"            # a sentence; required for ask and deny
//       command: {program: rm, flags: [r], paths: ["/", "~"]}        one matcher per rule:
//       command: {any: ["make test", "pytest *"]}                    command | host | path | tool
//       path: {read: ["**/.env"], write: ["/etc/**"]}
//       host: "*.example.org"        # or a list
//       tool: http_request           # or a list
//
// command.program   a glob or a list of them, on the program's last name. A program with a path matches
//                   a bare name always for deny and ask, and for allow only from /bin, /usr/bin, /sbin … .
//                   A pattern with '/' ("./*") matches the whole word.
// command.flags     all must be there, in any spelling: r matches -rf, -fr, --recursive, --recurs, -R where they mean
// the same. command.paths     deny, ask: some operand may name one of these. allow: every operand certainly lies in
// them.
//                   DIR/* as an operand stands for DIR as well: emptying is deleting.
// command.any       words with globs; a word that is just * matches any number of words, also none.
//                   Matched word by word after unquoting: never across ; | & and the like.
// path globs        * and ? stop at '/', ** crosses it, a final /** matches the directory too. ~ is the home, a
// relative
//                   pattern starts at the workspace; compared after lexical normalisation.
//
// A command text is allowed only when every simple command in it is allowed, nothing in it is opaque,
// and everything it visibly writes lies in the workspace, /tmp or /dev/null and the like, or an allow rule names it.
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "core/shell.h"

#define POLICY_TEXT_MAX  (256 * KIB)
#define POLICY_RULES_MAX 1000

struct policy; /* opaque: see policy_int.h */

/* Stronger is greater. */
enum policy_decision { POLICY_ALLOW, POLICY_ASK, POLICY_DENY };
const char *policy_decision_name(enum policy_decision); /* "allow" "ask" "deny" */

/* Everything that is wrong with a document, at once. */
#define POLICY_PROBLEMS_MAX 64
struct policy_problem {
    int line;       /* from 1; 0: of the whole document */
    char field[96]; /* "rules[3].command.flags" */
    char msg[256];  /* what is wrong and how to fix it */
};
struct policy_problems {
    size_t n; /* rows in v; a document may have more: `more` counts them */
    size_t more;
    struct policy_problem v[POLICY_PROBLEMS_MAX];
};

/* YAML 1.2 or JSON. -ERR_INVALID with problems filled (may be NULL) and the first one in err. */
CHECKED int policy_parse(const char *text, size_t n, struct policy **ret, struct policy_problems *, struct err *);
void policy_free(struct policy *);
DEFINE_AUTO_PTR(struct policy, policy_free);
/* The built-in default, as YAML text with comments. */
const char *policy_default_text(void);
CHECKED int policy_default(struct policy **ret, struct err *);

int64_t policy_version(const struct policy *);
size_t policy_rule_count(const struct policy *);
/* RFC 8785 JSON of the document (which is YAML too): reading it gives the same policy. */
CHECKED int policy_canonical(const struct policy *, struct buf *out, struct err *);
/* Of the canonical text. */
CHECKED int policy_sha256(const struct policy *, char ret[SHA256_HEX], struct err *);

/* Where a command would run. NULL members take what the sandbox has. */
struct policy_place {
    const char *workspace; /* "/workspace" */
    const char *cwd;       /* the workspace; a relative one starts there */
    const char *home;      /* "/home/agent" */
};

/* The answer. Rule ids that are not in the document: "default" (no rule matched), "opaque", "outside-workspace",
 * "function" (a call of a function whose body was judged), "builtin" (assignments only), "wrapper". */
struct verdict_part {
    enum policy_decision decision;
    char rule[72];
    char reason[256];
    struct shell_range at; /* in the text that was judged */
    char *text;            /* the piece: a simple command, a redirection, an opaque piece */
    char *how;             /* "sudo", "bash" … when it was seen through a wrapper, else NULL */
    bool opaque;
};
struct verdict {
    enum policy_decision decision;
    char rule[72];
    char reason[256];
    struct shell_range at;      /* of the piece it fired on */
    char *piece;                /* its text; "" when there is none */
    struct verdict_part *parts; /* every simple command and opaque piece with its own answer; commands only */
    size_t nparts;
};
#define VERDICT_INIT ((struct verdict){0})
void verdict_fini(struct verdict *);

/* Judge. 0 and *ret filled (verdict_fini), or -ERR_OOM. `place` may be NULL. Over-long or malformed input is no error:
 * it is opaque. */
CHECKED int policy_judge_command(const struct policy *, const char *text, size_t n, const struct policy_place *,
                                 struct verdict *ret, struct err *);
CHECKED int policy_judge_argv(const struct policy *, const char *const *argv, size_t n, const struct policy_place *,
                              struct verdict *ret, struct err *);
enum policy_access { POLICY_READ = 1, POLICY_WRITE = 2 };
CHECKED int policy_judge_path(const struct policy *, enum policy_access, const char *path, const struct policy_place *,
                              struct verdict *ret, struct err *);
/* host: a name or address, without port. */
CHECKED int policy_judge_host(const struct policy *, const char *host, struct verdict *ret, struct err *);
CHECKED int policy_judge_tool(const struct policy *, const char *tool, struct verdict *ret, struct err *);
