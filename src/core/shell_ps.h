/* shell_ps - what the parts of the parser share: the cursor, words being built, reserved words. Not for others.
 *
 * May include: core/shell_int.h. */
#pragma once
#include "core/shell_int.h"

#define SHELL_PS_DEPTH (3 * SHELL_DEPTH_MAX) /* a list, a command and a word count as one level */

#define SHELL_HEREDOCS_MAX 16
struct shell_heredoc {
    struct shell_word *body;
    const char *delim;
    bool strip, quoted;
};

struct shell_ps {
    struct shell *sh;
    const struct shell_source *src;
    const char *s;
    size_t n, i;
    int depth;
    unsigned ctx;
    int scope;
    int pipe_from;
    const struct shell_word *stdin_text;
    const char *func;
    struct shell_heredoc pend[SHELL_HEREDOCS_MAX];
    int npend, pend_base; /* those below base belong to the text around a substitution */
    bool cond_runs;       /* behind `||`, `!` or `f()`: what follows an && inside [[ ]] is a command that sh runs */
    bool stop;
};

enum shell_word_mode {
    SHELL_M_ARG,    /* braces and a leading tilde are live */
    SHELL_M_ASSIGN, /* behind name=: no braces, tildes behind ':' too */
    SHELL_M_PLAIN,  /* redirection targets, case words and patterns, [[ ]] */
    SHELL_M_REGEX,  /* behind =~ in [[ ]] */
};

struct shell_range shell_ps_range(const struct shell_ps *, size_t from, size_t to);
void shell_ps_fail(struct shell_ps *, size_t at, const char *reason);
void shell_ps_note(struct shell_ps *, size_t from, size_t to, const char *reason); /* opaque, but goes on */
static inline char shell_ps_at(const struct shell_ps *ps, size_t k)
{
    return ps->i + k < ps->n ? ps->s[ps->i + k] : '\0';
}
void shell_ps_list(struct shell_ps *);
/* Skips blanks and line continuations. */
void shell_ps_blank(struct shell_ps *);
/* The same, and comments, newlines, and the here-documents that wait for one. */
void shell_ps_lines(struct shell_ps *);
/* Length of the redirection operator at the cursor with what stands before it (digits, {name}: *ret_fd_len); 0: none.
 */
size_t shell_ps_redir_at(const struct shell_ps *, size_t *ret_fd_len);
/* At a redirection. */
bool shell_ps_redir(struct shell_ps *, struct shell_redir *ret);
/* stdin of every command of cmds[first..] that has none of its own comes from r. */
void shell_ps_feed(struct shell_ps *, size_t first, const struct shell_redir *r);
/* A word at the cursor; false when there is none or the parser stopped. */
bool shell_ps_word(struct shell_ps *, enum shell_word_mode, struct shell_word *ret);
/* The text of a here-document, expansions live. */
void shell_ps_heredoc(struct shell_ps *, const char *p, size_t n, struct shell_word *ret);
/* Cursor behind "((": to behind "))". */
void shell_ps_arith(struct shell_ps *);
struct shell_cmd *shell_ps_new_cmd(struct shell_ps *, size_t at);

/* --- words being built (shell_word.c; shell_param.c: ${…}, $((…)); shell_quote.c) --- */

struct shell_wb {
    struct shell_ps *ps;
    struct buf form;
    unsigned flags;
    enum shell_word_mode mode;
    size_t bracket_until; /* a '[' before this place gets the answer of the one before it: */
    bool bracket_quoted;
};

void shell_wb_var(struct shell_wb *, const char *name, size_t n, bool dq);
/* At '$'. Every nesting of expansions passes here: the one place that bounds the recursion. */
void shell_wb_dollar(struct shell_wb *, bool dq);
void shell_wb_backtick(struct shell_wb *, bool dq);
/* At "$(" , "<(" or ">(". */
void shell_wb_subst(struct shell_wb *, bool dq);
/* At "${". */
void shell_wb_param(struct shell_wb *, bool dq);
void shell_wb_single_quote(struct shell_wb *);
void shell_wb_double_quote(struct shell_wb *);
/* At $' . dash knows no $'…': there an \' ends the quotes, and what follows runs. */
void shell_wb_ansi_quote(struct shell_wb *);
/* What "…" and the text of an unquoted here-document share. `end` is '"', or 0 for a here-document. */
void shell_wb_quoted_run(struct shell_wb *, char end);
/* A line break inside a word while a here-document waits: where its text begins is then a matter of opinion. */
bool shell_ps_word_newline(struct shell_ps *);
/* `\` + newline directly behind a character that may begin a longer token. */
bool shell_ps_broken_token(struct shell_ps *, size_t k);

/* --- commands (shell_parse.c, shell_compound.c) --- */

/* Reserved words: POSIX XCU 2.4, and those of bash. */
enum shell_res {
    R_NONE,
    R_IF,
    R_THEN,
    R_ELSE,
    R_ELIF,
    R_FI,
    R_DO,
    R_DONE,
    R_CASE,
    R_ESAC,
    R_WHILE,
    R_UNTIL,
    R_FOR,
    R_OPEN,
    R_CLOSE,
    R_BANG,
    R_IN,
    R_FUNCTION,
    R_SELECT,
    R_TIME,
    R_COND,
    R_COPROC
};
enum shell_res shell_ps_peek(const struct shell_ps *);
bool shell_ps_accept(struct shell_ps *, enum shell_res want);
void shell_ps_expect(struct shell_ps *, enum shell_res want, size_t start, const char *reason);
/* No memory or past a bound: everything unwinds. */
bool shell_ps_dead(struct shell_ps *);
/* *ret_simple: its index when it was a simple command, else -1. */
void shell_ps_command(struct shell_ps *, int *ret_simple);
/* A command that began at `start` is complete; a compound's own commands are cmds[first..]. */
void shell_ps_finish_cmd(struct shell_ps *, struct shell_cmd *, size_t start, size_t first);
/* True when one began at the cursor. */
bool shell_ps_compound(struct shell_ps *);
/* `name ( )` was read up to the ')', or `function name`. */
void shell_ps_function(struct shell_ps *, const char *name, bool keyword, size_t start);
