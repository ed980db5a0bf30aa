/* policy_int - what the parts of the policy share. Not for others.
 *
 * May include: base/ core/policy.h core/shell.h. */
#pragma once
#include "core/policy.h"

#define POLICY_ID_MAX      64
#define POLICY_REASON_MAX  240
#define POLICY_PATTERN_MAX 512
#define POLICY_LIST_MAX    512

struct policy_list {
    const char **v;
    size_t n;
};

enum policy_matcher { POLICY_M_COMMAND, POLICY_M_HOST, POLICY_M_PATH, POLICY_M_TOOL };

struct policy_rule {
    char *id;
    char *reason; /* "" when none was given */
    enum policy_decision decision;
    enum policy_matcher kind;
    struct policy_list program, flags, paths, any; /* command */
    struct policy_list read, write;                /* path */
    struct policy_list names;                      /* host, tool */
};

struct policy {
    int64_t version;
    enum policy_decision def;
    struct policy_rule *rules;
    size_t nrules;
};

/* --- paths (policy_path.c) --- */

struct place {
    const char *workspace, *home;
    struct buf cwd; /* absolute form; may hold variables: then nothing relative is certain */
    size_t *left;   /* bytes of paths that may still be looked at, see path_spend; NULL: no bound */
};
/* A text is judged in bounded time: false when n bytes more are too many, and from then on. What was not looked at is
 * not allowed: see judge(). */
bool path_spend(const struct place *, size_t n);
/* The pick-th reading of a form, into out. False: there is none, or it was not looked at. */
bool path_reading(const struct place *, const struct shell *, const char *form, unsigned pick, struct buf *out);

/* The absolute, lexically normal form of `form` seen from cwd. False: too long. */
bool path_normal(const struct place *, const char *cwd, const char *form, struct buf *out);
/* The pattern made absolute for this place. False: too long. */
bool path_pattern(const struct place *, const char *pattern, char *out, size_t cap);
/* Some string of the form is matched. Unknown text counts as one '*'. */
bool path_may(const char *pattern, const char *form);
/* Every string of the form is matched. */
bool path_must(const char *pattern, const char *form);

/* A form as a path: made absolute once, asked about often. */
struct seen {
    struct buf abs;
    bool sure; /* nothing in it depends on what is only known when it runs */
};
#define SEEN_INIT ((struct seen){.abs = BUF_INIT(8 * KIB)})
void seen_fini(struct seen *);
/* False: too long, or not looked at. */
bool path_see(const struct place *, const char *cwd, const char *form, struct seen *ret);
/* Some pattern of the list may be meant / covers all it can be. */
bool path_in_may(const struct policy_list *, const struct place *, const struct seen *);
bool path_in_must(const struct policy_list *, const struct place *, const struct seen *);
/* The same for a form as it stands in a command. */
bool path_list_may(const struct policy_list *, const struct place *, const char *cwd, const char *form);
bool path_list_must(const struct policy_list *, const struct place *, const char *cwd, const char *form);
/* Writing there harms nothing: the workspace, /tmp, /dev/null and the like. */
bool path_harmless(const struct place *, const struct seen *);

/* --- commands (policy_match.c, policy_files.c) --- */

/* Does the rule speak about this command? `certain`: for allow. */
bool match_command(const struct policy_rule *, const struct shell *, const struct shell_cmd *, const struct place *,
                   const char *cwd, bool certain);
/* Could an allow rule match the bare name, with some arguments? */
bool match_program_name(const struct policy_rule *, const char *name);

/* How a path stands in a command, besides POLICY_READ and POLICY_WRITE. */
enum {
    FILE_MAYBE = 4,   /* the program is not known to leave it alone: judged by where it lies, not by the rules */
    FILE_REPLACE = 8, /* written, and not as a device: mv x /dev/null takes its place */
};
/* Calls fn for each path the command visibly reads or writes through its operands. */
typedef void (*files_fn)(void *arg, int how, const char *form);
void files_of(const struct shell_cmd *, files_fn, void *arg);
/* Calls fn for each host the command visibly talks to. */
typedef void (*hosts_fn)(void *arg, const char *host);
void hosts_of(const struct shell_cmd *, hosts_fn, void *arg);
