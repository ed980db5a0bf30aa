/* shell_wrap - what the parts of shell_unwrap share. Not for others.
 *
 * May include: core/shell_int.h. */
#pragma once
#include "core/shell_int.h"

/* The command being looked at. Words are read through these, so an index past the end is an empty word. */
struct uw {
    struct shell *sh;
    int at;
    struct shell_cmd *c;
    const char *prog; /* last name of the program */
};

/* sh and bash make different words of it: {a,b}, $'…'. */
static inline bool uw_disputed(const struct shell_word *w)
{
    return (w->flags & (SHELL_W_BRACE | SHELL_W_DOLLAR)) != 0;
}
const char *uw_value(const struct uw *, size_t i); /* NULL when unknown or past the end */
bool uw_is(const struct uw *, size_t i, const char *s);
void uw_opaque(struct uw *, const char *reason);
/* words[from..] run as a command of their own. */
void uw_derive(struct uw *, const char *how, const struct shell_word *words, size_t n);
/* Text that a shell would read. */
void uw_text(struct uw *, const char *how, const char *text, bool new_scope);

/* Options of a program, getopt_long style. */
struct uw_opts {
    const char *flags; /* letters without a value */
    const char *args;  /* letters with one */
    const char *longs; /* "name,name=,…"; '=': has a value */
    bool any_long;     /* every other long option stands alone */
};
/* One step over the options from *i on. 'x': option x, *ret_value its value or NULL; 0: the first operand is at *i;
 * -1: not understood. A long option comes as 1 with *ret_long. */
int uw_opt(const struct uw *, const struct uw_opts *, size_t *i, size_t *sub, const char **ret_long,
           const struct shell_word **ret_value, struct shell_word *scratch);

/* shell_wraps.c: programs that run what stands in their arguments; shell_xargs.c: xargs. True when it was one. */
bool uw_wrappers(struct uw *);
bool uw_xargs(struct uw *);
/* shell_inside.c: shells, eval, trap, source, interpreters. True when the command was one of these. */
bool uw_shells(struct uw *);
bool uw_builtins(struct uw *);
bool uw_interpreters(struct uw *);
/* shell_prog.c: git, find, tar, sed, awk … */
void uw_programs(struct uw *);
/* shell_opts.c: options that run or load something. */
void uw_options(struct uw *);
void uw_option_rows(struct uw *); /* only the table: for a program that runs its operands, too */
/* CC=…, CFLAGS=…: judged as the command or the options they are. False: not such a name. */
bool uw_tool_variable(struct uw *, const char *name, const struct shell_word *value);
/* shell_git.c: what `git sub …` loses for good. */
void uw_git_loses(struct uw *, size_t sub);
/* What `find …` may hand to a command. */
size_t shell_find_names(struct shell *, const struct shell_cmd *, struct shell_word *out, size_t max);
/* A word that is not literal may become the option `opt`: "-x" or "--name". */
bool uw_may_be(const struct uw *, const struct shell_word *, const char *opt);
/* shell_env.c: variables that make programs load or run something. */
void uw_environment(struct uw *);
void uw_env_name(struct uw *, const char *name, const struct shell_word *value);
/* The text that stdin certainly is, from a here-document or `echo … |`; NULL when it is not known. */
const char *uw_stdin(struct uw *, bool *ret_some);
